from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.charting.ledger import GROWTH, MOST_DISCUSSIONS, Ledger, add_counts
from agents.clustering.common import concentration
from agents.clustering.fading import STEADY_AGE
from agents.clustering.sketch import pack_lexical
from agents.errors import StateError
from agents.records import Exemplar, MicroDelta, StanceDelta
from tests.support.sketching import HALF_LIFE, delta, direction


def ledger(*deltas: MicroDelta, end: float = 60.0) -> Ledger:
    """Return a ledger to which one tick has been added."""
    made = Ledger(HALF_LIFE, lexical_weight=0.25)
    made.move(end)
    for each in deltas:
        made.add(each, end)
    return made


def talked(micro: str, count: int, **discussions: int) -> MicroDelta:
    return msgspec.structs.replace(delta(micro, 0, count), discussions=discussions)


def test_what_ticks_bring_adds_up_after_fading() -> None:
    made = ledger(delta("0-0", 0, 4))
    half_life_later = 60.0 + HALF_LIFE

    made.move(half_life_later)
    made.add(delta("0-0", 0, 3), half_life_later)

    assert made.counts[0] == 7
    assert made.present(half_life_later).tolist() == [4 / 2 + 3]
    assert made.sums[0] / made.weights[0] == pytest.approx(direction(0))


def test_a_straggler_does_not_count_as_talk_going_on() -> None:
    made = ledger(delta("0-0", 0, 64), end=59.0)
    much_later = 59.0 + 6 * HALF_LIFE

    made.move(much_later)
    made.add(delta("0-0", int(6 * HALF_LIFE), 1), much_later)

    middle = (64 * 2.0**-6 * 59.0 + much_later) / (64 * 2.0**-6 + 1)
    assert made.last[0] == much_later
    assert made.micros(much_later).last[0] == pytest.approx(middle + STEADY_AGE * HALF_LIFE)


def test_steady_talk_goes_on_until_its_latest_comment() -> None:
    made = Ledger(HALF_LIFE, lexical_weight=0.25)
    step = HALF_LIFE / 10
    for n in range(200):
        at = n * step + 59.0
        made.move(at)
        made.add(delta("0-0", int(n * step), 1), at)

    assert made.micros(at).last[0] == at


def test_weights_are_kept_while_the_landmark_moves() -> None:
    made = ledger(delta("0-0", 0, 4), end=0.0)
    long_after = 70 * HALF_LIFE

    made.move(long_after)

    assert made.landmark.at == long_after
    assert made.present(long_after)[0] == pytest.approx(4 * 2.0**-70)


def test_a_correction_leaves_no_weight_below_nothing() -> None:
    made = ledger(delta("0-0", 0, 1))

    made.add(delta("0-0", 0, -2), 60.0)

    assert made.present(60.0).tolist() == [0.0]
    micros = made.micros(60.0)
    assert micros.weights[0] > 0.0
    assert micros.pairs.tolist() == [[0.0]]


def test_hashed_words_add_up_in_their_columns() -> None:
    word = pack_lexical(np.array([5]), np.array([0.5]))
    made = ledger(msgspec.structs.replace(delta("0-0", 0), lexical=word))

    made.add(msgspec.structs.replace(delta("0-0", 0), lexical=word), 60.0)
    made.add(msgspec.structs.replace(delta("0-1", 0, axis=1), lexical=word), 60.0)

    assert made.micros(60.0).pairs[0, 1] == 0.25 * 0.5 * 0.5
    assert np.flatnonzero(made.lexical[0]).tolist() == [5]
    assert made.lexical[0, 5] == 1.0


def test_rows_that_go_leave_the_others_as_they_were() -> None:
    made = ledger(*(delta(f"0-{i}", 0, i + 1, axis=i, terms={f"word{i}": 1}) for i in range(4)))

    made.remove([0, 2])

    assert made.ids == ["0-1", "0-3"]
    assert made.row_of == {"0-1": 0, "0-3": 1}
    assert made.present(60.0).tolist() == [2.0, 4.0]
    assert made.sums[1].tolist() == (4 * direction(3)).tolist()
    assert sorted(made.vocabulary.counts) == ["word1", "word3"]
    made.add(delta("0-9", 0, 1, axis=5), 60.0)
    assert made.sums[2].tolist() == direction(5).tolist()
    assert made.micros(60.0).pairs == pytest.approx(0.75 * np.eye(3))


def test_more_rows_than_were_made_at_first_keep_their_sums() -> None:
    made = ledger(*(delta(f"0-{i}", 0, 1, axis=i) for i in range(GROWTH + 3)))

    assert len(made) == GROWTH + 3
    assert made.sums[: len(made)].argmax(axis=1).tolist() == [i % 8 for i in range(GROWTH + 3)]


def test_without_discussions_nothing_is_shared() -> None:
    micros = ledger(delta("0-0", 0, 300), delta("0-1", 0, 300, axis=1)).micros(60.0)

    assert micros.concentration == 0.0
    assert micros.pairs == pytest.approx(0.75 * np.eye(2))


def test_in_one_discussion_its_mean_is_shared_as_far_as_it_is_known() -> None:
    other = msgspec.structs.replace(talked("0-1", 100, pact=100), sums=delta("0-1", 0, 100, axis=1).sums)

    micros = ledger(talked("0-0", 300, pact=300), other).micros(60.0)

    assert micros.concentration == pytest.approx(concentration([400.0], 400.0))
    shared = micros.concentration * np.array([0.75, 0.25])
    own = np.eye(2) - shared
    assert micros.pairs == pytest.approx(0.75 * own @ own.T, abs=2e-3)


def test_all_rows_say_what_is_shared_whichever_are_asked_for() -> None:
    made = ledger(talked("0-0", 300, pact=300), delta("0-1", 0, 100, axis=1))

    one, all_rows = made.micros(60.0, np.array([1])), made.micros(60.0)

    assert len(one) == 1
    assert one.concentration == all_rows.concentration == pytest.approx(concentration([300.0], 400.0))


def test_what_ended_long_ago_makes_no_discussion() -> None:
    made = ledger(talked("0-0", 1000, old=1000))
    later = 60.0 + 20 * HALF_LIFE
    made.move(later)

    made.add(talked("0-1", 1000, new=1000), later)

    assert made.micros(later).concentration == pytest.approx(concentration([1000.0], 1000.0), rel=1e-3)


def test_sides_add_up_and_the_newest_examples_show_them() -> None:
    made = ledger(delta("0-0", 0))

    for name in "abc":
        side = StanceDelta(
            target="pact", micro="0-0", side="favor", count=1, exemplars=(Exemplar(id=name, text=name),)
        )
        made.judge(0, side)

    assert made.notes[0].sides == {"pact": {"favor": 3}}
    assert [each.id for each in made.notes[0].side_exemplars["pact"]["favor"]] == ["c", "b"]


def test_a_retracted_text_leaves_every_place_where_it_is_shown() -> None:
    example = Exemplar(id="a", text="x")
    made = ledger(delta("0-0", 0, exemplars=(example,)), delta("0-1", 0), delta("0-2", 0))
    made.judge(1, StanceDelta(target="pact", micro="0-1", side="none", count=1, exemplars=(example,)))

    changed = made.forget_texts(frozenset({"a"}))

    assert changed == {"0-0", "0-1"}
    assert made.notes[0].exemplars == ()
    assert made.notes[1].side_exemplars == {"pact": {"none": ()}}


def test_another_encoder_is_refused_in_words() -> None:
    made = ledger(delta("0-0", 0))

    with pytest.raises(StateError, match="have 2 dimensions, the live clusters have 8"):
        made.add(msgspec.structs.replace(delta("0-0", 0), sums=bytes(8)), 60.0)


counts = st.dictionaries(st.sampled_from("abcdef"), st.integers(-3, 3))


@given(st.lists(counts, max_size=6), st.integers(1, MOST_DISCUSSIONS))
def test_counts_stay_positive_and_few(added: list[dict[str, int]], most: int) -> None:
    held: dict[str, int] = {}

    for each in added:
        add_counts(held, each, most)

        assert len(held) <= most
        assert all(count > 0 for count in held.values())
