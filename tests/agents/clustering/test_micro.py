from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.charting.settings import ChartingSettings
from agents.clustering.block import LONGEST_BLOCK, Decisions, Part
from agents.clustering.micro import FORGOTTEN_BELOW, MicroClusters
from agents.clustering.settings import ClusteringSettings
from agents.clustering.terms import hashes, words
from tests.support.talking import START, unit

X, Y, Z = np.eye(8)[:3]

DAY = 86_400.0

TOGETHER = ChartingSettings().within

HALF_LIFE = ClusteringSettings().half_life_seconds


def part(
    vectors: list[np.ndarray], *, texts: list[str] | None = None, at: float = START, step: float = 1.0
) -> Part:
    """Return comments a second apart, without words unless told."""
    found = [hashes(words(text)) for text in texts or [""] * len(vectors)]
    times = at + step * np.arange(len(vectors))
    return Part(
        np.stack(vectors).astype(np.float16),
        np.concatenate(found),
        np.cumsum([0, *map(len, found)]),
        times.astype(np.float64),
        (times // 60 * 60).astype(np.int64),
        np.zeros(len(vectors), np.int64),
    )


def live(ceiling: int = 100, n_partitions: int = 1, **changed: float) -> MicroClusters:
    settings = ClusteringSettings(**changed)  # type: ignore[arg-type]
    return MicroClusters(settings, 8, ceiling, TOGETHER, n_partitions)


def weight(core: MicroClusters, number: int, at: float) -> float:
    """Return the faded weight of a live micro-cluster at a time."""
    assert core.landmark is not None
    return float(core.weights[core.slot_of[number]]) / core.landmark.growth(at)


def crowd(n: int) -> Part:
    """Return comments on four topics with their words, some between two."""
    drawn = np.random.default_rng(4)
    topics = drawn.integers(4, size=n)
    vectors = [unit(np.eye(8)[topic] + drawn.normal(scale=0.15, size=8)) for topic in topics]
    texts = [f"word{topic} thing{drawn.integers(6)} matter{drawn.integers(30)}" for topic in topics]
    return part(vectors, texts=texts, step=5.0)


def test_many_topics_that_are_a_little_alike_are_not_one() -> None:
    """All arguments are a little alike, so the centroid of a mixture is near to every one of them."""
    n, n_topics, drawn = 2_000, 120, np.random.default_rng(2)
    about = drawn.integers(n_topics, size=n)
    topics, noise = (drawn.normal(scale=0.1, size=(rows, 96)) for rows in (n_topics, n))
    vectors = [unit(np.r_[0.6, row]) for row in topics[about] + 1.2 * noise]
    texts = [
        f"topic{topic} " + " ".join(f"common{word}" for word in drawn.integers(60, size=8)) for topic in about
    ]
    core = MicroClusters(ClusteringSettings(), 97, n, TOGETHER)

    found = core.assign(part(vectors, texts=texts)).numbers[:, 0]

    by_topic = [np.bincount(about[found == number]) for number in set(found.tolist())]
    assert max(counts.sum() for counts in by_topic) < 0.05 * n
    assert sum(counts.max() for counts in by_topic) > 0.8 * n


def test_the_first_comment_founds_a_micro_cluster_and_is_wholly_new() -> None:
    found = live().assign(part([X]))

    assert found.numbers.tolist() == [[0, -1, -1, -1]]
    assert found.is_founder.tolist() == [True]
    assert (found.similarities[0, 0], found.novelties[0]) == (1.0, 1.0)


def test_like_joins_like_and_a_stranger_founds_its_own() -> None:
    core = live()

    found = core.assign(part([X, X, Y, X, Y]))

    assert found.numbers[:, 0].tolist() == [0, 0, 1, 0, 1]
    assert found.is_founder.tolist() == [True, False, True, False, False]
    assert found.novelties == pytest.approx([1.0, 0.35, 1.0, 0.35, 0.35])
    assert found.numbers[3].tolist() == [0, 1, -1, -1]


def test_comments_without_words_give_numbers_and_no_nan() -> None:
    core = live()
    vectors = [unit(row) for row in np.random.default_rng(1).normal(size=(80, 8))]

    found = core.assign(part(vectors))
    core.learn()

    assert np.isfinite(found.similarities[:, 0]).all()
    assert ((found.novelties >= 0) & (found.novelties <= 1)).all()
    assert np.isfinite(core.sums).all()
    assert np.isfinite(core.matcher.centroids).all()


def test_what_is_learned_adds_up_to_weights_sums_and_counts() -> None:
    core = live()
    comments = crowd(300)

    core.assign(comments)
    core.learn()
    learned, gone = core.drain()

    assert gone == []
    assert sum(int(each.counts.sum()) for each in learned) == int(core.counts.sum()) == 300
    assert sum(each.weights.sum() for each in learned) == pytest.approx(core.weights.sum())
    assert core.landmark is not None
    growths = core.landmark.growths(comments.times)
    assert core.sums.sum(axis=0) == pytest.approx(growths @ comments.vectors.astype(np.float64), rel=1e-5)
    assert core.drain() == ([], [])


def test_a_silent_micro_cluster_halves_its_weight_after_one_half_life() -> None:
    core = live()
    core.assign(part([X, X, X, X], step=0.0))

    core.assign(part([Y], at=START + HALF_LIFE))

    assert weight(core, 0, START + HALF_LIFE) == pytest.approx(2.0)
    assert weight(core, 1, START + HALF_LIFE) == pytest.approx(1.0)


def test_what_has_faded_away_is_given_up() -> None:
    core = live()
    core.assign(part([X]))
    half_lives = -np.log2(FORGOTTEN_BELOW)

    core.assign(part([Y], at=START + HALF_LIFE * (half_lives - 0.1)))
    assert sorted(core.slot_of) == [0, 1]

    core.assign(part([Y], at=START + HALF_LIFE * (half_lives + 0.1)))
    assert sorted(core.slot_of) == [1]
    assert [number for _, number in core.drain()[1]] == [0]


def test_weights_are_kept_while_the_landmark_moves() -> None:
    core = live()
    for days in range(400):
        core.assign(part([X], at=START + days * DAY))
    core.learn()

    assert core.landmark is not None
    assert core.landmark.at > START
    assert weight(core, 0, START + 399 * DAY) == pytest.approx(1 / (1 - 0.5**0.5))
    assert core.common.weight == pytest.approx(core.weights.sum())


def test_the_ceiling_is_kept_and_the_weakest_go() -> None:
    core = live(ceiling=3)
    axes = [0, 0, 1, 2, 2]
    core.assign(part([np.eye(8)[axis] for axis in axes], step=0.0))

    core.assign(part([np.eye(8)[3]], step=0.0))

    assert sorted(core.slot_of) == [0, 2, 3]
    assert [number for _, number in core.drain()[1]] == [1]


def test_a_new_story_grows_though_the_ceiling_is_full_of_larger_ones() -> None:
    core = live(ceiling=4, lexical_weight=0.0)
    axes = np.eye(8)
    core.assign(part([axes[n % 4] for n in range(400)]))

    core.assign(part([axes[(0, 1, 2, 5)[n % 4]] for n in range(1_200)], at=START + 400))

    (last,) = core.assign(part([axes[5]], at=START + 1_600)).numbers[:, 0].tolist()
    assert core.counts[core.slot_of[last]] > 200
    assert len(core) == 4


def test_a_flood_of_single_comments_gives_up_no_story() -> None:
    core = live(ceiling=20, lexical_weight=0.0, new_below=0.9)
    drawn = np.random.default_rng(2)
    core.assign(part([np.eye(8)[n % 4] for n in range(100)]))

    core.assign(part([unit(drawn.normal(size=8)) for _ in range(600)], at=START + 100))

    assert core.next_number > 200
    assert {0, 1, 2, 3} <= core.slot_of.keys()


def test_the_ceiling_holds_at_the_end_of_every_block() -> None:
    core = live(ceiling=10, new_below=0.9)
    drawn = np.random.default_rng(3)

    for low in range(0, 400, 20):
        core.assign(part([unit(row) for row in drawn.normal(size=(20, 8))], at=START + low))
        core.learn()

        assert len(core) <= 10
        assert len(core.numbers) <= 256
    assert core.next_number > 100


def test_a_number_is_never_used_again() -> None:
    core = live(ceiling=2)

    founded = [core.assign(part([np.eye(8)[i % 8]], at=START + i)).numbers[0, 0] for i in range(20)]

    assert founded == list(range(20))


def test_a_correction_takes_out_one_weight_and_leaves_the_direction() -> None:
    core = live()
    core.assign(part([X, X, unit(X + Y)], step=0.0))
    before = core.sums[core.slot_of[0]].copy()
    core.drain()

    core.correct(0, START, tick=60)

    ((learned,), gone) = core.drain()
    assert (learned.ticks.tolist(), learned.counts.tolist()) == ([60], [-1])
    assert weight(core, 0, START) == pytest.approx(2.0)
    assert core.sums[core.slot_of[0]] == pytest.approx(before * 2 / 3)
    assert gone == []


def test_a_correction_of_an_old_comment_takes_out_what_it_still_weighs() -> None:
    core = live()
    core.assign(part([X, X], step=HALF_LIFE))

    core.correct(0, START, tick=0)

    assert weight(core, 0, START + HALF_LIFE) == pytest.approx(1.0)


def test_the_last_comment_taken_out_leaves_nothing() -> None:
    core = live()
    core.assign(part([X]))
    core.drain()

    core.correct(0, START, tick=0)

    ((learned,), gone) = core.drain()
    assert len(core) == 0
    assert [number for _, number in gone] == [0]
    assert learned.sums[0].tolist() == (-X).tolist()
    assert core.assign(part([X])).numbers[0, 0] == 1


def test_a_beginning_that_was_given_up_counts_as_that_much_earlier() -> None:
    core = live()
    decade = 3652 * DAY
    core.assign(part([X, X], at=START + decade))

    core.move_back(decade)

    assert weight(core, 0, START) == pytest.approx(2.0, rel=1e-4)
    assert core.first[core.slot_of[0]] == START
    assert core.assign(part([X], at=START + 60)).numbers[0, 0] == 0


def test_a_micro_cluster_that_only_stragglers_visit_counts_as_silent() -> None:
    def discount(n_old: int) -> float:
        core = live(share_weight=0.0)
        core.assign(part([X] * n_old, step=0.0))
        for days in (3.0, 5.9):
            core.learn()
            assert core.assign(part([X], at=START + days * DAY)).numbers[0, 0] == 0
        core.learn()
        core.assign(part([Y], at=START + 6.0 * DAY))
        return float(core.matcher.discounts[core.slot_of[0]])

    assert discount(200) < 0.5
    assert discount(1) > 0.9


def same(ours: list[Decisions], theirs: list[Decisions]) -> bool:
    return all(
        np.concatenate([getattr(each, name) for each in ours]).tobytes()
        == np.concatenate([getattr(each, name) for each in theirs]).tobytes()
        for name in ("slots", "numbers", "similarities", "novelties", "rarities", "is_founder")
    )


@settings(max_examples=12)
@given(st.lists(st.integers(1, 239), max_size=6), st.booleans(), st.sampled_from([1, 8]))
def test_however_a_stream_is_cut_and_restarted_it_is_decided_the_same(
    cuts: list[int], restarts: bool, n_partitions: int
) -> None:
    comments = crowd(240)
    whole, core = (live(12, n_partitions, new_below=0.75) for _ in range(2))
    bounds = [0, *sorted(set(cuts)), 240]
    decided = []

    for low, high in pairwise(bounds):
        decided.append(core.assign(comments.cut(low, high)))
        if restarts:
            state = core.snapshot()
            core = live(12, n_partitions, new_below=0.75)
            core.restore(state)
            assert core.snapshot() == state

    assert same(decided, [whole.assign(comments)])
    assert core.snapshot() == whole.snapshot()
    assert whole.next_number > 12


def test_a_restart_remembers_how_much_a_centroid_has_not_seen() -> None:
    core, again = live(), live()
    core.assign(part([X] * 100))
    core.assign(part([unit(X + Y)], at=START + 100))
    core.learn()

    again.restore(core.snapshot())

    assert again.snapshot() == core.snapshot()
    assert 0.0 < again.unseen[0] < again.weights[0] / 16


@pytest.mark.parametrize(("cosine", "founds"), [(TOGETHER, False), (TOGETHER - 0.04, True)])
def test_what_is_less_like_a_micro_cluster_than_one_topic_is_alike_founds_its_own(
    cosine: float, founds: bool
) -> None:
    """The chart can join what was kept apart, and part nothing that was put together."""
    core = live(lexical_weight=0.0, share_weight=0.0, spread=100.0)
    core.assign(part([X] * 9))
    core.learn()

    found = core.assign(part([cosine * X + (1 - cosine**2) ** 0.5 * Y], at=START + 60))

    assert found.is_founder.tolist() == [founds]


@pytest.mark.parametrize(("n_partitions", "founds"), [(1, True), (8, False)])
def test_what_a_partition_has_not_heard_of_others_may_have(n_partitions: int, founds: bool) -> None:
    """Talk a day long, then a single comment every two days, of which the last is two days old."""
    core = live(n_partitions=n_partitions, lexical_weight=0.0, share_weight=0.0, spread=100.0)
    core.assign(part([X] * 24, step=3600.0))
    core.assign(part([X] * 30, at=START + DAY, step=7200.0))
    core.learn()

    found = core.assign(part([unit(0.33 * X + 0.94 * Y)], at=START + 5.5 * DAY))

    assert found.is_founder.tolist() == [founds]


def test_blocks_grow_with_the_stream_up_to_the_longest() -> None:
    core = live()
    learned_after = []

    for number in range(600):
        core.assign(part([X], at=START + number))
        learned_after.append(core.n_comments)

    assert learned_after[:66] == [*range(1, 65), 64, 66]
    core.n_comments = 10**9
    core.assign(part([X] * (LONGEST_BLOCK + 5), at=START + 600))
    assert core.n_comments - 10**9 >= LONGEST_BLOCK
