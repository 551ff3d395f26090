from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.charting.settings import ChartingSettings
from agents.clustering.settings import ClusteringSettings
from agents.clustering.ticks import TimeSettings, as_datetime
from agents.evaluation import Trial, b_cubed, evaluate, score
from agents.records import Assignment, Embedded, Lineage, LineageEvent, Placement
from tests.support.talking import START, comment, talk, unit


def trial(**changed: int) -> Trial:
    return Trial(ClusteringSettings(), ChartingSettings(), TimeSettings(), **changed)  # type: ignore[arg-type]


def cubed(truth: Sequence[int], found: Sequence[int]) -> float:
    return b_cubed(np.array(truth), np.array(found))


def test_b_cubed_of_a_class_in_two_halves() -> None:
    """Precision is 1; each of four has two of four beside it, itself included: recall 1/2."""
    assert cubed([0, 0, 0, 0], [0, 0, 1, 1]) == pytest.approx(2 * 0.5 / 1.5)


def test_b_cubed_of_two_classes_in_one_cluster() -> None:
    """Recall is 1; three of four are with three, one with one: precision (9 + 1) / 16."""
    assert cubed([0, 0, 0, 1], [0, 0, 0, 0]) == pytest.approx(2 * 0.625 / 1.625)


labels = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=30)


@given(labels)
def test_b_cubed_does_not_care_who_is_the_truth(pairs: list[tuple[int, int]]) -> None:
    truth, found = zip(*pairs, strict=True)

    assert cubed(truth, found) == pytest.approx(cubed(found, truth))
    assert 0.0 < cubed(truth, found) <= 1.0
    assert cubed(truth, truth) == pytest.approx(1.0)


def test_unassigned_comments_are_clusters_of_one() -> None:
    """Two classes of two; one is found, the other left in ones: recall (1 + 1 + 0.5 + 0.5) / 4."""
    found = score(["a", "a", "b", "b"], ["c0", "c0", None, None])

    assert found.b_cubed == pytest.approx(2 * 0.75 / 1.75)
    assert found == score(["a", "a", "b", "b"], ["c0", "c0", "c1", "c2"])


def test_mutual_information_is_shared_by_its_arithmetic_mean() -> None:
    """Two bits of labels, of which clusters say one: 2 * 1 / (2 + 1)."""
    assert score(["a", "b", "c", "d"], ["x", "x", "y", "y"]).nmi == pytest.approx(2 / 3)


def test_clusters_that_say_nothing_score_nothing() -> None:
    found = score(["a", "a", "b", "b"], ["x", "y", "x", "y"])

    assert found.nmi == pytest.approx(0.0, abs=1e-9)
    assert found.ari == pytest.approx(-0.5)


class Told(Trial):
    """A trial whose outcome is told beforehand."""

    def run(self, comments: Sequence[Embedded]) -> None:
        """Run nothing."""


def arrived(name: str, micro: str, cluster: str | None) -> Assignment:
    return Assignment(
        id=name,
        event_time=as_datetime(START),
        micro=micro,
        cluster=cluster,
        similarity=1.0,
        novelty=0.0,
        partition=0,
        offset=0,
        encoder="seeded",
        version="0",
    )


def happened(event: LineageEvent, cluster: str, other: str) -> Lineage:
    return Lineage(id="l0", event=event, cluster=cluster, at=as_datetime(START), other=other)


def told(
    arrivals: dict[str, tuple[str, str | None]],
    moves: dict[str, list[tuple[int, str]]],
    *lineage: Lineage,
) -> Told:
    """Return a trial: micro-cluster and first cluster by comment, and where micro-clusters moved when."""
    made = Told(ClusteringSettings(), ChartingSettings(), TimeSettings(), lineage=list(lineage))
    made.assigned = {name: arrived(name, *where) for name, where in arrivals.items()}
    made.moves = moves
    made.placements = {
        micro: Placement(micro=micro, cluster=steps[-1][1], since=as_datetime(START))
        for micro, steps in moves.items()
    }
    return made


def comments_of(made: Told) -> list[Embedded]:
    return [comment(i, np.ones(2), name=name) for i, name in enumerate(made.assigned)]


def test_stable_is_who_ends_where_it_began_or_in_a_descendant() -> None:
    """Stays, merged, merged twice over, split from, moved without kinship; one never has a cluster."""
    made = told(
        {
            "stays": ("0-0", "c0"),
            "merged": ("0-1", "c1"),
            "twice": ("0-2", "c2"),
            "split": ("0-3", "c3"),
            "moved": ("0-4", "c5"),
            "nowhere": ("0-5", None),
        },
        {
            "0-0": [(0, "c0")],
            "0-1": [(0, "c1"), (9, "c0")],
            "0-2": [(0, "c2"), (9, "c0")],
            "0-3": [(0, "c3"), (9, "c4")],
            "0-4": [(0, "c5"), (9, "c0")],
        },
        happened("merged", "c1", "c0"),
        happened("merged", "c2", "c1"),
        happened("split", "c4", "c3"),
    )

    found = evaluate(comments_of(made), ["a"] * 6, made)

    assert found.id_stable == pytest.approx(4 / 5)
    assert found.unassigned == found.unassigned_on_arrival == pytest.approx(1 / 6)
    assert found.never_changed == pytest.approx(1 / 6)
    assert (found.n_clusters, found.n_micros, found.n_labels, found.n_comments) == (2, 6, 1, 6)


def test_kinship_does_not_run_backwards() -> None:
    made = told({"a": ("0-0", "c0")}, {"0-0": [(0, "c0"), (9, "c1")]}, happened("merged", "c1", "c0"))

    assert evaluate(comments_of(made), ["a"], made).id_stable == 0.0


def test_a_first_placement_is_no_change_and_only_a_second_change_is_repeated() -> None:
    """Moves count after arrival alone: *late* came when its micro-cluster had moved once.

    *guessed* was named before it was placed, so its cluster changed twice and its place once.
    """
    made = told(
        {
            "twice": ("0-2", None),
            "also": ("0-2", "c2"),
            "placed": ("0-0", None),
            "once": ("0-1", None),
            "late": ("0-2", "c0"),
            "guessed": ("0-3", "c0"),
        },
        {
            "0-3": [(6, "c1"), (9, "c2")],
            "0-0": [(5, "c0")],
            "0-1": [(5, "c1"), (9, "c0")],
            "0-2": [(1, "c2"), (3, "c0"), (9, "c2")],
        },
    )

    found = evaluate(comments_of(made), ["a"] * 6, made)

    assert found.changed_repeatedly == pytest.approx(3 / 6)
    assert found.placed_repeatedly == pytest.approx(2 / 6)


def separable(n: int) -> tuple[list[Embedded], list[str]]:
    """Return comments of thirty discussions on five topics that have nothing in common."""
    drawn = np.random.default_rng(6)
    comments, named = [], []
    for offset in range(n):
        topic = int(drawn.integers(5))
        vector = unit(np.eye(24)[topic] + drawn.normal(scale=0.05, size=24))
        text = " ".join(drawn.choice([f"word{topic}x{number}" for number in range(8)], 4))
        at = START + 4.0 * offset
        comments.append(comment(offset, vector, text, at=at, discussion=f"d{drawn.integers(30)}"))
        named.append(str(topic))
    return comments, named


def test_a_stream_gives_the_same_topics_on_any_number_of_partitions() -> None:
    comments, named = separable(480)

    found = {n: evaluate(comments, named, trial(n_partitions=n)) for n in (1, 2, 4, 8)}

    assert found[1].settled.nmi > 0.95
    for n, each in found.items():
        assert abs(each.settled.nmi - found[1].settled.nmi) <= 0.01
        assert each.n_micros >= n
    assert all(each.n_clusters == 5 for each in found.values())


def test_a_trial_gives_the_same_at_any_batch_size_and_again() -> None:
    stream = [each for each in talk(320) if isinstance(each, Embedded) and not each.deleted]
    whole = trial()
    whole.run(stream)

    for batch in (1, 7, 64, 512):
        again = trial(batch=batch)
        again.run(stream)

        assert again.placements == whole.placements
        assert again.lineage == whole.lineage
        assert again.assigned == whole.assigned
    assert len(whole.placements) >= 5
    assert len(whole.lineage) >= 5


def test_a_comment_that_has_never_changed_ends_where_it_arrived() -> None:
    """Also the one that closes the tick whose chart moves its micro-cluster."""
    stream = [each for each in talk(400, common=0.5) if isinstance(each, Embedded) and not each.deleted]
    stream = [each for each in stream if each.id == f"m{each.offset}"]
    made = trial()

    found = evaluate(stream, ["a"] * len(stream), made)

    arrived = [made.assigned[each.id].cluster for each in stream]
    stayed = [was is not None and was == made.settled(e.id) for was, e in zip(arrived, stream, strict=True)]
    assert found.never_changed == pytest.approx(sum(stayed) / len(stream), abs=1e-9)
