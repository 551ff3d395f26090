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
