from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.stance.suggest import LEAST_SHARE, LEAST_SIDED, as_toml, claim, draft, sided

FOR = "I'm for the tram."
AGAINST = "Against the tram, as ever"


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("Should the town close the ring? It votes in May", "Should the town close the ring?"),
        ("Minister: Spain should leave the euro", "Spain should leave the euro"),
        ("Why schools must teach chess", "Schools must teach chess"),
        ("Ban cars in the centre", "We should ban cars in the centre"),
        ("Banning cars in the centre", "banning cars in the centre"),
        ("Minister floats a tax on sugar", "a tax on sugar"),
    ],
)
def test_a_title_that_asks_or_demands_is_a_claim(title: str, said: str) -> None:
    assert claim(title) == said


@pytest.mark.parametrize(
    "title",
    [
        "Judges hear the neighbours",
        "Line 5",
        "A cat on the town hall steps",
        "How should we pay for it?",
        "Is anyone else seeing this?",
        "I think they should leave.",
        "He should be admired more",
        "One more reason why we should leave",
        "Let them eat cake",
        "Minister announces latest raid on smugglers",
        "Spain should " + "really " * 30 + "leave",
    ],
)
def test_news_names_and_comments_are_no_claims(title: str) -> None:
    assert claim(title) is None


def test_what_both_sides_speak_of_is_drafted_with_its_evidence() -> None:
    texts = [(FOR, "tram, bus"), (FOR, "tram, bus"), (AGAINST, "money"), ("the cat", "cat")]

    (drafted,) = draft({}, texts)

    assert drafted.target.title == "The tram"
    assert drafted.evidence == "2 comments for it and 1 against it, most under “tram, bus”"


def test_what_nobody_is_against_is_no_question() -> None:
    assert sided([(FOR, "")] * 9) == []


def test_what_few_take_sides_on_is_left_out() -> None:
    few = [(FOR, ""), (FOR, ""), (AGAINST, "")]
    assert len(few) == LEAST_SIDED

    assert sided(few)
    assert not sided([*few, *[("the cat sleeps", "")] * round(LEAST_SIDED / LEAST_SHARE)])


def test_a_comment_counts_once_however_often_it_says_so() -> None:
    assert sided([(f"{FOR} {FOR} {FOR}", ""), (AGAINST, "")]) == []


def test_drafts_of_most_comments_come_first_and_none_comes_twice() -> None:
    titles = {"Should we ban cars?": 3, "Should we build a tram?": 9, "Should we ban cars? A poll": 1}

    assert [each.target.title for each in draft(titles)] == ["Should we build a tram?", "Should we ban cars?"]
    assert len(draft(titles, most=1)) == 1


@given(st.text(max_size=80), st.text(max_size=80))
def test_whatever_is_drafted_is_toml_that_says_it_is_a_draft(title: str, label: str) -> None:
    written = as_toml(draft({f"Should we ban {title}?": 1}, [(FOR, label), (FOR, label), (AGAINST, label)]))

    targets = tomllib.loads(written)["stance"]["targets"]
    assert written.count("# Draft to approve") == len(targets) > 0
