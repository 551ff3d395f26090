import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import SettingsError
from agents.stance.settings import StanceSettings
from agents.stance.target import Target, as_targets, from_phrase, slug


def test_a_phrase_becomes_statements_for_and_against() -> None:
    target = from_phrase("a European security pact with Russia")

    assert target.favor == (
        "A European security pact with Russia is a good idea",
        "I support a European security pact with Russia",
    )
    assert target.against == (
        "A European security pact with Russia is a bad idea",
        "I oppose a European security pact with Russia",
    )


def test_a_statement_is_turned_round() -> None:
    assert from_phrase("The ring should be closed.").against == ("The ring should not be closed",)


def test_a_question_is_answered_with_yes_and_no() -> None:
    target = from_phrase("Should Marenholt close the Old Ring to private cars? The council votes soon")

    assert target.title == "Should Marenholt close the Old Ring to private cars?"
    assert target.favor == ("Marenholt should close the Old Ring to private cars",)
    assert target.against == ("Marenholt should not close the Old Ring to private cars",)


def test_a_headline_is_read_for_what_somebody_proposes() -> None:
    target = from_phrase("Macron floats EU security pact with Russia in split from US calls for unity")

    assert target.favor[0] == "EU security pact with Russia is a good idea"


def good(thing: str, verb: str = "is") -> tuple[str, str]:
    return f"{thing[:1].upper()}{thing[1:]} {verb} a good idea", f"I support {thing}"


def bad(thing: str, verb: str = "is") -> tuple[str, str]:
    return f"{thing[:1].upper()}{thing[1:]} {verb} a bad idea", f"I oppose {thing}"


@pytest.mark.parametrize(
    ("phrase", "thing"),
    [
        ("brexit", "brexit"),
        ("nuclear power: yes or no", "nuclear power"),
        ("Nuclear power?", "Nuclear power"),
        ("\u201ca ban on cars\u201d", "a ban on cars"),
        ("what do you think about immigration", "immigration"),
        ("Are you for or against the death penalty?", "the death penalty"),
        ("Would you support a ban on cars?", "a ban on cars"),
        ("I'm for the tram.", "the tram"),
        ("Yes to the tram", "the tram"),
        ("free speech", "free speech"),
        ("tax reform", "tax reform"),
        ("limits on rents", "limits on rents"),
        ("politics in schools", "politics in schools"),
        ("No deal Brexit", "No deal Brexit"),
        ("Macron's plan for a pact with Russia", "Macron's plan for a pact with Russia"),
        ("the case against zoos", "the case against zoos"),
    ],
)
def test_a_thing_that_is_named_in_any_manner_is_a_good_idea_or_a_bad_one(phrase: str, thing: str) -> None:
    target = from_phrase(phrase)

    verb = "are" if thing.startswith("limits") else "is"
    assert (target.favor, target.against) == (good(thing, verb), bad(thing, verb))


@pytest.mark.parametrize(
    "phrase",
    ["no to the tram", "No to the tram!", "against the tram", "Down with the tram", "I oppose the tram"],
)
def test_in_favor_of_a_no_is_who_is_against_the_thing(phrase: str) -> None:
    target = from_phrase(phrase)

    assert (target.favor, target.against) == (bad("the tram"), good("the tram"))
    assert target.title == phrase.rstrip("!")[:1].upper() + phrase.rstrip("!")[1:]


def test_a_no_that_is_cried_rejects() -> None:
    assert from_phrase("No trams!").favor == bad("trams", "are")


@pytest.mark.parametrize(
    ("phrase", "demand"),
    [
        ("Ban cars!!", "We should ban cars"),
        ("stop the tram", "We should stop the tram"),
        ("Scrap the tram", "We should scrap the tram"),
        ("get rid of the monarchy", "We should get rid of the monarchy"),
        ("should we get rid of the monarchy?", "We should get rid of the monarchy"),
        ("tax the rich", "We should tax the rich"),
        ("Macron must go", "Macron must go"),
    ],
)
def test_a_demand_is_turned_round_at_its_verb(phrase: str, demand: str) -> None:
    target = from_phrase(phrase)

    assert target.favor == (demand,)
    assert target.against == (demand.replace("should", "should not").replace("must", "must not"),)


def test_a_demand_not_to_do_something_is_favored_by_who_would_not() -> None:
    target = from_phrase("Don\u2019t build the tram")

    assert (target.favor, target.against) == (
        ("We should not build the tram",),
        ("We should build the tram",),
    )


def test_a_phrase_in_any_script_has_an_id() -> None:
    assert slug("\u041f\u0440\u0435\u0437\u0438\u0434\u0435\u043d\u0442").startswith("target-")


@given(st.text(max_size=400))
def test_any_phrase_makes_a_target_or_is_refused_with_its_length(phrase: str) -> None:
    try:
        target = from_phrase(phrase)
    except SettingsError as error:
        assert "characters" in str(error)
    else:
        assert target.favor
        assert not set(target.favor) & set(target.against)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"id": "The Pact"}, "the-pact"),
        ({"id": "x" * 41}, "1 to 40"),
        ({"title": " "}, "title"),
        ({"favor": ()}, "0 statements favor"),
        ({"against": ("",)}, "0 characters"),
        ({"against": ("Yes",)}, "one side"),
        ({"favor": tuple(f"Yes {n}" for n in range(9))}, "9 statements"),
    ],
)
def test_a_malformed_target_is_refused_with_what_is_wrong(changed: dict[str, object], named: str) -> None:
    given = {"id": "pact", "title": "The pact", "favor": ("Yes",), "against": ("No",)} | changed

    with pytest.raises(SettingsError, match=named):
        Target(**given)  # type: ignore[arg-type]


def test_two_targets_of_one_id_are_refused() -> None:
    with pytest.raises(SettingsError, match="twice"):
        as_targets(["the pact", "The pact!"])


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"confidence": 0.4}, r"stance\.confidence is 0\.4"),
        ({"model": ""}, r"stance\.model is empty"),
        ({"hypothesis_template": "I think so"}, r"stance\.hypothesis_template"),
        ({"targets": ("a", "a")}, "twice"),
    ],
)
def test_a_setting_out_of_range_is_refused_by_its_name(changed: dict[str, object], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        StanceSettings(**changed)  # type: ignore[arg-type]
