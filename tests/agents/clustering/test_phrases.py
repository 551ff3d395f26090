from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.clustering.phrases import JOINER, MOST_PAIRS, is_stop_word, phrases, stop_language


def read(text):
    return [each.replace(JOINER, " ") for each in phrases(text)]


def test_words_stand_as_they_were_written_with_the_pairs_that_they_make():
    assert read("The Security Council meets in Geneva") == [
        "Security",
        "Council",
        "Security Council",
        "meets",
        "Council meets",
        "Geneva",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/tunnel",
        "www.example.org",
        "@mayor",
        "u/mayor",
        "mayor@example.org",
        "<a href='x'></a>",
        "[deleted]",
        "RT @mayor: 42 1.5",
    ],
)
def test_links_users_markup_and_numbers_name_nothing(text):
    assert read(text) == []


def test_a_pair_does_not_reach_over_a_stop_word_or_a_full_stop():
    assert "tunnel budget" not in read("We dig the tunnel. Budget later.")
    assert "tunnel budget" not in read("Out of the tunnel and the budget")


def test_acronyms_stay_although_they_spell_a_stop_word():
    assert "US" in read("The US said it would not come to us")


def test_a_name_that_begins_with_a_stop_word_is_whole():
    assert "Old Ring" in read("Close the Old Ring to cars")
    assert read("It is an old ring")[-1] == "ring"


def test_a_possessive_is_the_word_itself():
    assert read("Macron\u2019s speech")[0] == "Macron"


def test_unspaced_scripts_give_pairs_of_characters_and_what_follows_one_another():
    assert read("日本語") == ["日本", "本語", "日本 本語"]


def test_words_of_unspaced_scripts_end_at_particles_and_where_the_script_changes():
    assert read("津波のニュースを見た") == ["津波", "ニュース"]
    assert read("海啸是我的") == ["海啸"]


def test_what_a_sentence_uses_as_a_verb_or_predicate_names_nothing():
    assert read("They walked to vote, he was lost and we shouldn't close it") == []
    assert read("The vote: we met Ann to visit Moscow")[-1] == "Moscow"


def test_a_number_belongs_to_the_name_before_it():
    assert "Line 5" in read("The brochure on Line 5 is out")
    assert not [each for each in read("there are 5 lines and 340 trams") if each[-1].isdecimal()]


def test_a_sentence_in_capitals_is_written_small_and_an_acronym_is_not():
    assert read("The tram? FOLLOW THE MONEY! NATO knows") == ["tram", "follow", "money", "NATO"]


@pytest.mark.parametrize(
    ("text", "seen"),
    [("🔥🔥", ["🔥"]), ("👍🏽 👍", ["👍"]), ("@ann 🇩🇪 42", ["🇩🇪"]), ("the tram 🔥", ["tram"])],
)
def test_a_text_without_words_gives_its_emoji(text, seen):
    assert phrases(text) == seen


def test_the_language_is_the_one_with_most_stop_words():
    assert stop_language(["der", "tunnel", "ist", "nicht", "für", "die", "stadt"]) == "de"
    assert stop_language(["the", "tunnel", "is", "not", "for", "the", "city"]) == "en"
    assert stop_language(["tunnel", "budget"]) is None
    assert is_stop_word("nicht", "de")
    assert not is_stop_word("nicht", None)


@given(st.text(max_size=400))
def test_any_text_gives_a_bounded_list_of_distinct_phrases_of_one_or_two_words(text):
    found = phrases(text)

    assert len(found) == len(set(found)) <= MOST_PAIRS
    assert all(1 <= len(each.split(JOINER)) <= 2 for each in found)
    assert all(" " not in each and "\n" not in each for each in found)
