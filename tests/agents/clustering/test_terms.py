from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.clustering.terms import DIMENSIONS, MOST_WORDS, Frequencies, hashes, words


def weights(frequencies: Frequencies, text: str) -> dict[str, float]:
    """Return how much each word of a text counts in it."""
    found = list(dict.fromkeys(words(text)))
    hashed = hashes(found)
    _, values = frequencies.vectors(hashed, np.array([0, len(hashed)]))
    return dict(zip(found, np.abs(values).tolist(), strict=True))


def heard(*texts: str) -> Frequencies:
    made = Frequencies()
    for text in texts:
        made.add(hashes(words(text)), 1)
    return made


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It's 5 O\u2019Clock", ["it's", "5", "o'clock"]),
        ("see https://t.co/x?y=1 and www.site.org now", ["see", "and", "now"]),
        ("@ann u/bob /r/towns mail ann@site.org", ["mail"]),
        ("<b>bold</b> &amp; plain", ["bold", "plain"]),
        ("[deleted]", []),
        ("snake_case", ["snake", "case"]),
        ("\uff26\uff55\uff4c\uff4c stra\u00dfe", ["full", "strasse"]),
        ("\u65e5\u672c\u8a9e", ["\u65e5\u672c", "\u672c\u8a9e"]),
        ("EU\u6761\u7d04x", ["eu", "\u6761\u7d04", "x"]),
        ("", []),
    ],
)
def test_words_are_what_people_said_and_not_how_it_was_marked_up(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_a_word_that_never_ends_is_cut() -> None:
    assert words("a" * 1000) == ["a" * 64]


def test_distinct_words_are_hashed_once_in_order_and_only_so_many() -> None:
    assert hashes(["tram", "rail", "tram"]).tolist() == [zlib.crc32(b"tram"), zlib.crc32(b"rail")]
    assert len(hashes(str(number) for number in range(500))) == MOST_WORDS


def test_before_anything_was_heard_all_words_count_the_same() -> None:
    assert weights(Frequencies(), "tram rail") == pytest.approx(
        {"tram": 0.5**0.5, "rail": 0.5**0.5}, abs=1e-3
    )


def test_a_rare_word_counts_by_the_logarithm_of_its_rarity() -> None:
    """Of four comments, and two that are assumed with each word in one of them."""
    frequencies = heard("tram", "tram rail", "tram", "tram")
    rare, common = np.log(6 / 2) + 0.1, np.log(6 / 5) + 0.1

    length = float(np.hypot(rare, common))

    assert weights(frequencies, "tram rail") == pytest.approx(
        {"tram": common / length, "rail": rare / length}, abs=1e-3
    )


def test_counts_are_halved_together_so_rarity_follows_the_stream() -> None:
    frequencies = Frequencies()
    tram = hashes(["tram"])

    frequencies.add(tram, 65_535)
    assert frequencies.n_comments == 65_535
    frequencies.add(tram, 1)

    assert frequencies.n_comments == 32_768
    assert int(frequencies.counts.sum()) == 1


def test_comments_laid_end_to_end_get_what_each_gets_alone() -> None:
    frequencies = heard("tram rail", "tram", "ramp")
    first, second = hashes(["tram", "rail"]), hashes(["ramp"])
    laid = np.concatenate([first, second])

    columns, values = frequencies.vectors(laid, np.array([0, 2, 2, 3]))

    alone = [
        frequencies.vectors(first, np.array([0, 2])),
        frequencies.vectors(second, np.array([0, 1])),
    ]
    assert columns.tolist() == [*alone[0][0].tolist(), *alone[1][0].tolist()]
    assert values.tolist() == [*alone[0][1].tolist(), *alone[1][1].tolist()]


def test_a_comment_without_words_has_no_value_and_no_nan() -> None:
    columns, values = Frequencies().vectors(hashes([]), np.array([0, 0, 0]))

    assert len(columns) == len(values) == 0


@given(st.lists(st.text(), max_size=5), st.text(min_size=1))
def test_values_have_unit_length_in_the_hashed_dimensions(before: list[str], text: str) -> None:
    found = hashes(words(text))

    columns, values = heard(*before).vectors(found, np.array([0, len(found)]))

    assert ((columns >= 0) & (columns < DIMENSIONS)).all()
    assert np.isfinite(values).all()
    if len(found):
        assert float((values.astype(np.float64) ** 2).sum()) == pytest.approx(1.0, abs=5e-3)
