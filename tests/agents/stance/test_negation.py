import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.stance.negation import answer, is_negative, negate, opposite, proposal


@pytest.mark.parametrize(
    ("statement", "turned"),
    [
        ("Nuclear power is the answer", "Nuclear power is not the answer"),
        ("Nuclear power is not the answer", "Nuclear power is the answer"),
        ("Medicare doesn't need a reform", "Medicare needs a reform"),
        ("Critics cannot stay relevant", "Critics can stay relevant"),
        ("We don't need critics", "We need critics"),
        ("Streaming helps musicians", "Streaming does not help musicians"),
        ("Close the ring", "Do not close the ring"),
        ("Do not close the ring", "Close the ring"),
        ("This house would ban boxing", "We should not ban boxing"),
        ("The town has a right to know", "The town does not have a right to know"),
        ("Evolution has disproved it", "Evolution has not disproved it"),
        ("Big banks out of control", "It is not true that big banks out of control"),
        ("UK out of the EU", "It is not true that UK out of the EU"),
    ],
)
def test_a_statement_is_turned_round_at_its_verb(statement: str, turned: str) -> None:
    assert negate(statement) == turned


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=80))
def test_turning_round_never_gives_the_statement_itself(statement: str) -> None:
    assert negate(statement) != statement


def test_one_word_may_turn_a_statement_round() -> None:
    assert opposite("School uniforms are good") == "School uniforms are bad"
    assert opposite("Good and bad") is None
    assert opposite("Trams run") is None


def test_a_negation_is_seen_with_either_apostrophe() -> None:
    assert is_negative("It isn\u2019t so")
    assert not is_negative("It is so")


def test_only_questions_of_yes_and_no_are_answered() -> None:
    assert answer("Should Turkey be let in?") == "Turkey should be let in"
    assert answer("Why is that so?") is None


def test_a_noun_is_no_proposal() -> None:
    assert proposal("Macron's plans for a pact") is None
    assert proposal("The council proposes a new tram line, critics say no") == "a new tram line"
