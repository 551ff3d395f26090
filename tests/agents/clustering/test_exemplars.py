from __future__ import annotations

import pytest

from agents.clustering.exemplars import CHARACTERS, Exemplars, shorten

KEPT = 3
HALF_LIFE = 3600.0

LONG_ENOUGH = "a comment of five words"


def offer(
    exemplars: Exemplars,
    comment: str,
    similarity: float,
    *,
    text: str = LONG_ENOUGH,
    terms: tuple[str, ...] | None = None,
    at: float = 0.0,
    is_founder: bool = False,
) -> None:
    """Offer a comment to micro-cluster 0, with a term of its own unless told."""
    own = (comment,) if terms is None else terms
    exemplars.offer(0, comment, text, own, len(text.split()), similarity, at, is_founder=is_founder)


def shown(exemplars: Exemplars) -> list[str]:
    """Return the ids of what is shown, whether it changed or not."""
    again = Exemplars(HALF_LIFE, KEPT)
    again.restore(exemplars.snapshot())
    again._changed = {0}
    return [each.id for each in again.drain().get(0, ())]


def test_the_most_central_comments_stay_best_first() -> None:
    exemplars = Exemplars(HALF_LIFE, KEPT)

    for comment, similarity in (("a", 0.6), ("b", 0.9), ("c", 0.7), ("d", 0.8), ("e", 0.1)):
        offer(exemplars, comment, similarity)

    assert shown(exemplars) == ["b", "d", "c"]
    assert len(shown(exemplars)) == KEPT


def test_of_two_comments_that_say_the_same_the_better_stays() -> None:
    exemplars = Exemplars(HALF_LIFE, KEPT)
    offer(exemplars, "a", 0.7, terms=("pact", "border", "treaty"))

    offer(exemplars, "b", 0.8, terms=("pact", "border", "summit"))
    offer(exemplars, "c", 0.6, terms=("pact", "border", "summit"))

    assert shown(exemplars) == ["b"]


def test_half_of_the_words_shared_is_not_the_same() -> None:
    exemplars = Exemplars(HALF_LIFE, KEPT)
    offer(exemplars, "a", 0.7, terms=("pact", "border"))

    offer(exemplars, "b", 0.6, terms=("pact", "summit"))

    assert shown(exemplars) == ["a", "b"]


def test_a_founder_stays_only_until_somebody_more_central_comes() -> None:
    exemplars = Exemplars(HALF_LIFE, KEPT)
    offer(exemplars, "founder", 1.0, is_founder=True)

    for comment in "abc":
        offer(exemplars, comment, 0.51)

    assert shown(exemplars) == ["a", "b", "c"]


@pytest.mark.parametrize("text", ["too short", "long " * CHARACTERS])
def test_what_is_awkward_to_read_has_to_be_much_more_central(text: str) -> None:
    exemplars = Exemplars(HALF_LIFE, KEPT)
    for comment in "abc":
        offer(exemplars, comment, 0.6)

    offer(exemplars, "awkward", 0.79, text=text)
    assert shown(exemplars) == ["a", "b", "c"]

    offer(exemplars, "awkward", 0.81, text=text)
    assert shown(exemplars) == ["awkward", "a", "b"]


def test_a_half_life_of_age_costs_a_twentieth() -> None:
    exemplars = Exemplars(HALF_LIFE, KEPT)
    for comment in "abc":
        offer(exemplars, comment, 0.6)

    offer(exemplars, "less", 0.54, at=HALF_LIFE)
    offer(exemplars, "more", 0.56, at=HALF_LIFE)

    assert shown(exemplars) == ["more", "a", "b"]


def test_only_what_changed_is_told_and_only_once() -> None:
    exemplars = Exemplars(HALF_LIFE, KEPT)
    offer(exemplars, "a", 0.6)

    (told,) = exemplars.drain()[0]

    assert (told.id, told.text, told.similarity) == ("a", LONG_ENOUGH, 0.6)
    assert exemplars.drain() == {}


def test_a_retraction_is_told_even_where_nothing_is_left_to_show() -> None:
    exemplars = Exemplars(HALF_LIFE, KEPT)
    offer(exemplars, "a", 0.6)
    exemplars.drain()

    exemplars.drop(0, "b")
    assert exemplars.drain() == {}

    exemplars.drop(0, "a")
    assert exemplars.drain() == {0: ()}


def test_what_is_live_no_more_is_forgotten_and_not_told() -> None:
    exemplars = Exemplars(HALF_LIFE, KEPT)
    offer(exemplars, "a", 0.6)

    exemplars.give_up([0, 5])

    assert exemplars.drain() == {}
    assert exemplars.snapshot() == Exemplars(HALF_LIFE, KEPT).snapshot()


def test_a_restart_tells_what_was_still_to_be_told() -> None:
    exemplars, again = Exemplars(HALF_LIFE, KEPT), Exemplars(HALF_LIFE, KEPT)
    offer(exemplars, "a", 0.6)

    again.restore(exemplars.snapshot())
    offer(again, "b", 0.7)
    offer(exemplars, "b", 0.7)

    assert again.drain() == exemplars.drain()


def test_what_only_a_later_tick_tells_of_waits_for_it() -> None:
    exemplars = Exemplars(HALF_LIFE, KEPT)
    offer(exemplars, "a", 0.6)

    assert exemplars.drain(later={0}) == {}

    again = Exemplars(HALF_LIFE, KEPT)
    again.restore(exemplars.snapshot())
    assert [each.id for each in again.drain(later={1})[0]] == ["a"]
    assert again.drain() == {}


def test_an_exemplar_is_one_line_of_whole_words() -> None:
    exemplars = Exemplars(HALF_LIFE, KEPT)

    offer(exemplars, "a", 0.6, text="The tram\n\nis  late. " + "again " * CHARACTERS)
    (told,) = exemplars.drain()[0]

    assert told.text.startswith("The tram is late. again ")
    assert told.text.endswith(" again\u2026")
    assert len(told.text) <= CHARACTERS


@pytest.mark.parametrize(
    ("text", "characters", "short"),
    [
        ("one two", 7, "one two"),
        ("one two", 6, "one\u2026"),
        ("one two", 5, "one\u2026"),
        ("one two", 4, "one\u2026"),
        ("one two", 3, "on\u2026"),
        ("one two", 1, "\u2026"),
        ("see " + "x" * 300, CHARACTERS, "see " + "x" * (CHARACTERS - 5) + "\u2026"),
        ("\u6d77 " + "\u6d77" * 300, CHARACTERS, "\u6d77 " + "\u6d77" * (CHARACTERS - 3) + "\u2026"),
    ],
)
def test_a_text_is_shortened_to_whole_words_where_it_has_any(text: str, characters: int, short: str) -> None:
    assert shorten(text, characters) == short
