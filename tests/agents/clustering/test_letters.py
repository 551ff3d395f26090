from __future__ import annotations

import pytest

from agents.charting.labels import language
from agents.clustering.letters import has_marks, overlapped, pairs
from agents.clustering.phrases import JOINER, phrases
from agents.clustering.terms import words


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("हिन्दी में शिक्षा और सरकारी स्कूल की फीस", "शिक्षा"),
        ("தமிழ் பள்ளி கட்டணம்", "பள்ளி"),
        ("বাংলা ভাষা আন্দোলন", "আন্দোলন"),
        ("مُدَرِّسَةٌ جَدِيدَة", "مُدَرِّسَةٌ"),
        ("עִבְרִית שפה", "עִבְרִית"),
        ("می\u200cخواهم کتاب", "می\u200cخواهم"),  # noqa: RUF001
    ],
)
def test_words_with_marks_stay_whole(text: str, word: str) -> None:
    assert word in words(text)
    assert word in phrases(text)


def test_words_with_marks_stand_in_phrases() -> None:
    assert f"பள்ளி{JOINER}கட்டணம்" in phrases("தமிழ் பள்ளி கட்டணம்")


def test_letters_of_unspaced_scripts_keep_their_marks() -> None:
    assert words("ที่กรุง") == ["ที่ก", "กรุ", "รุง"]
    assert phrases("น้ำท่วม") == ["น้ำ", "ำท่", f"น้ำ{JOINER}ำท่", "ท่ว", f"ำท่{JOINER}ท่ว", "วม", f"ท่ว{JOINER}วม"]


@pytest.mark.parametrize("run", ["日本語", "น้ำท่วม", "津波警報"])
def test_overlapped_pairs_give_the_run_that_they_were_cut_from(run: str) -> None:
    assert overlapped(pairs(run)) == run


def test_stop_words_with_marks_are_known() -> None:
    assert language(["हिन्दी में शिक्षा और सरकारी स्कूल की फीस", "यह किताब मेरे घर में है और वह नहीं है"]) == "hi"
    assert "में" not in phrases("यह किताब मेरे घर में है और वह नहीं है")


@pytest.mark.parametrize("text", ["Länder und Städte", "plain", "日本語", "Москва"])
def test_what_is_composed_has_no_marks(text: str) -> None:
    assert not has_marks(text)


def test_hostile_marks_take_linear_time() -> None:
    text = "a" + "\u0301" * 200_000 + "'" * 50_000

    assert len(words(text)[0]) == 64
    assert phrases(text) == []
