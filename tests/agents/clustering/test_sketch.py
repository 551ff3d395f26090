from __future__ import annotations

import zlib
from collections.abc import Mapping

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from agents.clustering.block import Learned
from agents.clustering.sketch import MOST_PLACES, MOST_TERMS, PART_BYTES, Summary, unpack_lexical
from agents.clustering.terms import DIMENSIONS
from agents.clustering.ticks import as_datetime
from agents.records import Exemplar, MicroDelta, Sketch

HALF_LIFE = 3600.0


def summary(tick: int = 0) -> Summary:
    return Summary(tick, tick + 60.0, 2, HALF_LIFE)


def learned(*numbers: int, weight: float = 1.0, landmark: float = 60.0, at: float = 30.0) -> Learned:
    """Return one comment for each number, the vector (1, 2) and the word of column 7 with it."""
    n = len(numbers)
    lexical = np.zeros((n, DIMENSIONS))
    lexical[:, 7] = weight
    return Learned(
        ticks=np.zeros(n, np.int64),
        numbers=np.array(numbers),
        counts=np.ones(n, np.int64),
        weights=np.full(n, weight),
        sums=np.tile([weight, 2 * weight], (n, 1)),
        lexical=sparse.csr_matrix(lexical),
        first=np.full(n, at),
        last=np.full(n, at),
        landmark=landmark,
    )


def parts(told: Summary, exemplars: Mapping[int, tuple[Exemplar, ...]] | None = None) -> list[Sketch]:
    return list(told.parts(0, 5, lambda number: f"0-{number}", exemplars or {}, is_idle=False))


def only_delta(told: Summary) -> MicroDelta:
    ((delta,),) = [part.micros for part in parts(told)]
    return delta


def test_weights_and_sums_are_faded_to_the_end_of_the_tick() -> None:
    told = summary()

    told.learn(learned(3, weight=8.0, landmark=60.0 - 2 * HALF_LIFE), 0, 1)

    delta = only_delta(told)
    assert (delta.micro, delta.count, delta.weight) == ("0-3", 1, 2.0)
    assert np.frombuffer(delta.sums, "<f4").tolist() == [2.0, 4.0]
    assert unpack_lexical(delta.lexical)[[6, 7]].tolist() == [0.0, 2.0]


def test_blocks_of_one_tick_add_up() -> None:
    told = summary()

    told.learn(learned(3, at=40.0), 0, 1)
    told.learn(learned(2, 3, at=20.0), 1, 2)

    delta = only_delta(told)
    assert (delta.count, delta.weight) == (2, 2.0)
    assert (delta.first, delta.last) == (as_datetime(20.0), as_datetime(40.0))
    assert np.frombuffer(delta.sums, "<f4").tolist() == [2.0, 4.0]


def test_more_rows_than_were_made_at_first_keep_their_sums() -> None:
    told = summary()
    numbers = range(200)

    told.learn(learned(*numbers), 0, 200)

    deltas = [delta for part in parts(told) for delta in part.micros]
    assert [delta.micro for delta in deltas] == [f"0-{number}" for number in numbers]
    assert {tuple(np.frombuffer(delta.sums, "<f4").tolist()) for delta in deltas} == {(1.0, 2.0)}


def test_a_correction_takes_back_every_count_and_leaves_no_zeros() -> None:
    told = summary()

    told.note(1, 30.0, ("pact", "border"), "d1", "reddit")
    told.note(1, 40.0, ("pact",), "d1", "reddit")
    told.note(1, 30.0, ("pact", "border"), "d1", "reddit", -1)

    delta = only_delta(told)
    assert delta.terms == {"pact": 1}
    assert (delta.discussions, delta.sources) == ({"d1": 1}, {"reddit": 1})


def test_only_the_busiest_words_and_places_are_sent_but_every_correction() -> None:
    told = summary()
    many = tuple(f"word{number:03}" for number in range(MOST_TERMS + 10))
    told.note(1, 30.0, many, None, None)
    told.note(1, 30.0, many[-1:], None, None)
    told.note(1, 30.0, ("gone",), None, None, -1)
    for number in range(MOST_PLACES + 5):
        told.note(1, 30.0, (), f"d{number:02}", None)

    delta = only_delta(told)

    assert len(delta.terms) == MOST_TERMS + 1
    assert (delta.terms[many[-1]], delta.terms["gone"]) == (2, -1)
    assert sorted(delta.discussions) == [f"d{number:02}" for number in range(MOST_PLACES)]


def test_a_large_tick_is_told_in_parts_without_a_gap_and_the_last_one_says_so() -> None:
    told = summary()
    text = "x" * 280
    exemplars = {number: (Exemplar(id="e", text=text),) * 3 for number in range(1500)}
    told.late = 4

    found = parts(told, exemplars)

    assert len(found) > 1
    assert [part.seq for part in found] == list(range(5, 5 + len(found)))
    assert [part.last for part in found] == [False] * (len(found) - 1) + [True]
    assert [part.late for part in found] == [0] * (len(found) - 1) + [4]
    assert sum(len(part.micros) for part in found) == 1500
    assert max(len(msgspec.json.encode(part)) for part in found) < PART_BYTES + 10_000


def test_ids_and_titles_are_told_in_parts_too() -> None:
    told = summary()
    told.retracted = [f"{number:06}" + "x" * 500 for number in range(5_000)]
    told.gone = list(range(300))
    for number in range(500):
        told.add_title(f"{number:03}" + "d" * 500, "\u00e4" * 300)

    found = parts(told)

    assert max(len(msgspec.json.encode(part)) for part in found) < PART_BYTES + 30_000
    assert [each for part in found for each in part.retracted] == told.retracted
    assert [each for part in found for each in part.gone] == [f"0-{number}" for number in range(300)]
    assert {name: title for part in found for name, title in part.titles.items()} == told.titles
    assert [part.last for part in found] == [False] * (len(found) - 1) + [True]


def test_a_purge_of_thousands_of_words_is_told_in_records_that_add_up() -> None:
    told = summary()
    told.learn(learned(1), 0, 1)
    for number in range(5_000):
        told.note(1, 30.0, (f"word{number}",), f"d{number}" + "x" * 500, None, -1)

    found = parts(told)

    deltas = [delta for part in found for delta in part.micros]
    assert max(len(msgspec.json.encode(part)) for part in found) < PART_BYTES + 120_000
    assert (sum(delta.count for delta in deltas), sum(delta.weight for delta in deltas)) == (1, 1.0)
    assert {word: n for delta in deltas for word, n in delta.terms.items()} == {
        f"word{number}": -1 for number in range(5_000)
    }
    assert sum(sum(delta.discussions.values()) for delta in deltas) == -5_000


def test_a_tick_that_brought_nothing_is_one_part() -> None:
    (part,) = parts(summary())

    assert (part.seq, part.last, part.micros, part.novelty) == (5, True, (), ())


def test_clearing_forgets_what_was_told() -> None:
    told = summary()
    told.learn(learned(3), 0, 1)
    told.late, told.gone, told.retracted = 1, [2], ["a"]
    told.add_to_sample("a", b"", 4)

    told.clear()

    assert parts(told) == parts(summary())


ids = [f"m{number}" for number in range(30)]


@given(st.permutations(ids), st.integers(0, 12))
def test_the_sample_is_the_same_in_any_order(order: list[str], size: int) -> None:
    told = summary()

    for comment in order:
        told.add_to_sample(comment, comment.encode(), size)

    smallest = sorted(ids, key=lambda comment: zlib.crc32(comment.encode()))[:size]
    assert parts(told)[0].sample == tuple(comment.encode() for comment in smallest)


def test_a_retracted_comment_leaves_the_sample() -> None:
    told = summary()
    told.add_to_sample("a", b"1", 4)
    told.add_to_sample("b", b"2", 4)

    told.drop_from_sample("a")

    assert parts(told)[0].sample == (b"2",)


def test_the_first_title_of_a_discussion_is_told() -> None:
    told = summary()

    told.add_title("d1", "A pact")
    told.add_title("d1", "Another")
    told.add_title("d2", None)
    told.add_title(None, "Nowhere")

    assert parts(told)[0].titles == {"d1": "A pact"}


@pytest.mark.parametrize("is_used", [True, False])
def test_a_restart_in_the_middle_of_a_tick_tells_the_same(is_used: bool) -> None:
    whole, again = summary(120), summary()
    if is_used:
        whole.learn(learned(3, 9), 0, 2)
        whole.note(3, 130.0, ("pact",), "d1", "reddit")
        whole.count_gone(4, 10.0)
        whole.add_to_sample("a", b"1", 4)
        whole.add_title("d1", "A pact")
        whole.gone, whole.retracted, whole.late = [2], ["x"], 3
        whole.novelty[4] += 1

    again.restore(whole.snapshot())
    for told in (whole, again):
        told.learn(learned(9, 70), 0, 2)

    assert parts(again) == parts(whole)


def test_a_tick_that_was_given_up_counts_for_the_earlier_one() -> None:
    told = summary(3600)
    told.note(1, 3630.0, (), None, None)

    told.move_to(60, 120.0, 3540.0)

    (part,) = parts(told)
    assert part.tick == as_datetime(60)
    assert part.micros[0].first == part.micros[0].last == as_datetime(90)
