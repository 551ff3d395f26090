from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.charting.labels import keywords, label, language, weigh
from agents.charting.wording import Vocabulary, Wording
from agents.clustering.phrases import phrases

HOUR = 3600.0


def worded(texts, vocabulary):
    wording = Wording()
    for text in texts:
        wording.add(dict.fromkeys(phrases(text), 1), 1, 0.0, HOUR, vocabulary)
    return wording


def named(*clusters, current="", taken=(), is_outgrown=False):
    """Return labels of clusters given as lists of texts; ``current`` and ``taken`` are the first one's."""
    vocabulary = Vocabulary()
    wordings = [worded(texts, vocabulary) for texts in clusters]
    found = []
    for texts, wording in zip(clusters, wordings, strict=True):
        terms = weigh([(wording.terms, 1.0)], vocabulary, len(clusters))
        first = not found
        found.append(
            label(
                terms,
                len(texts),
                current if first else "",
                taken if first else (),
                language(texts),
                is_outgrown=is_outgrown,
            )
        )
    return found


PACT = [
    "The security pact with Moscow is a bad joke",
    "A security pact? Who would sign a security pact with Moscow now",
    "They want Moscow to sign the security pact next year",
    "I doubt that the pact helps Moscow",
]
FIRE = [
    "The wildfire near Boulder has reached the canyon",
    "Boulder wildfire: the canyon is being evacuated",
    "Stay safe, the wildfire is close to Boulder",
]


def test_neighbours_are_called_by_what_only_they_talk_about():
    pact, fire = named(PACT, FIRE)

    assert pact == "security pact, Moscow"
    assert set(re.findall(r"\w+", fire)) >= {"wildfire", "Boulder"}


def test_a_word_that_mostly_stands_beside_another_is_said_with_it():
    assert "security pact" in named(PACT, FIRE)[0]


def test_a_label_has_two_to_four_words():
    for found in named(PACT, FIRE, ["tram tram", "the tram stops", "a tram depot"]):
        assert 2 <= len(found.split()) <= 4


def test_links_names_of_users_markup_and_stop_words_never_name_a_topic():
    texts = [
        "@annie https://t.co/abc <b>the</b> tunnel and the budget",
        "u/annie see https://t.co/abc tunnel budget",
        "RT @annie: about the tunnel budget https://t.co/abc",
    ]

    (found,) = named(texts)

    assert set(found.replace(",", "").split()) == {"tunnel", "budget"}


def test_a_label_stays_while_it_is_nearly_as_good():
    before = "Moscow, security pact"

    assert named(PACT, FIRE, current=before)[0] == before


def test_a_label_goes_once_its_words_are_no_longer_used():
    assert named(PACT, FIRE, current="frozen lake") == named(PACT, FIRE)


def test_a_label_that_a_neighbour_has_is_not_taken():
    found = named(PACT, FIRE, taken={"security pact, moscow"})[0]

    assert found.casefold() != "security pact, moscow"
    assert "pact" in found


def test_a_phrase_that_does_not_fit_beside_the_first_word_gives_a_word_of_it():
    assert named(["tram"] * 12 + ["tram depot"] * 6) == ["tram, depot"]


def test_forms_of_one_word_are_not_repeated():
    (found,) = named(["car tunnel", "cars tunnel", "the tunnel for a car", "tunnel of cars"])

    assert len({"car", "cars"} & set(found.replace(",", "").split())) == 1


def test_a_word_of_many_comments_goes_before_a_rare_one():
    texts = ["the ministry", "a ministry, a lamp"] * 10
    others = [["the ministry, trams"] * 10, ["buses"] * 4, ["tea"] * 3, ["rain"] * 3]

    assert named(texts, *others)[0] == "ministry, lamp"


def test_a_word_that_is_said_of_everything_names_what_hardly_shares_another():
    chat = ["Read the article", "Open the article: Moscow", "That article has a lamp", "An article on bricks"]

    assert named(chat, PACT)[0].startswith("article, ")
    assert "article" not in named([*chat, "a lamp", "the lamp"], PACT)[0]


def test_swearing_names_nothing_that_has_another_word():
    (found,) = named(["shit", "shit, a violin", "what a bullshit brick", "bullshit lamp"])

    assert len(found.split()) == 2
    assert "shit" not in found


def test_an_adverb_that_begins_a_sentence_names_nothing_and_a_name_in_ly_does():
    (found,) = named(
        ["Absolutely. The tram", "Absolutely, a depot", "Absolutely the depot of a tram", "Italy"]
    )

    assert found == "depot, tram"
    assert "Italy" in named(["Italy, a tram", "Italy and the tram", "to Italy by tram"])[0]


def test_a_call_in_capitals_is_no_acronym():
    (found,) = named(["LOL the tram", "LOL a depot for a tram", "LOL depot"])

    assert found == "depot, tram"


def test_words_of_one_comment_each_fill_a_label_up_to_two():
    (found,) = named(["the violin", "a brick", "some lamp", "my calculator"])

    assert len(found.split()) == 2


def test_once_a_topic_has_doubled_a_word_that_fell_far_behind_goes():
    texts = ["tram"] * 12 + ["tram, a depot"] * 6 + ["tram, a lamp"] * 2

    assert named(texts, current="tram, lamp") == ["tram, lamp"]
    assert named(texts, current="tram, lamp", is_outgrown=True) == ["tram, depot"]


def test_a_label_with_a_word_that_others_caught_up_with_stays_until_the_topic_has_doubled():
    texts = ["The article on Moscow"] * 3 + ["the article", "a lamp", "the lamp"]

    assert named(texts, current="article, Moscow") == ["article, Moscow"]
    assert "article" not in named(texts, current="article, Moscow", is_outgrown=True)[0]


def test_a_label_with_a_number_or_a_vague_word_stays_too():
    texts = ["Close Line 5 for the world cup", "Line 5 to the world cup", "the world cup on Line 5"]

    (found,) = named(texts, current="Line 5, world cup")

    assert found == "Line 5, world cup"


def test_a_long_name_is_cut_where_it_is_loosest():
    texts = ["grand theft auto san andreas"] * 4 + ["grand theft auto", "san andreas"] * 2

    assert set(named(texts)[0].split(", ")) <= {"grand theft auto", "san andreas"}


def test_sentences_begin_with_capitals_and_things_do_not():
    (found,) = named(["Tram stops", "Tram fares", "a tram depot", "Depot of Moscow", "Moscow tram"])

    assert found.split(", ")[0] == "tram"
    assert "Moscow" in named(["Moscow pact", "moscow pact", "the Moscow pact"])[0]


@pytest.mark.parametrize(
    ("texts", "word"),
    [
        (
            ["日本发布海啸警报", "海啸警报已经解除了吗", "我家附近也响起了海啸警报", "政府说海啸警报会持续"],
            "海啸警报",
        ),
        (
            ["津波警報が出ています", "津波警報が解除された", "まだ津波警報が続く", "町にも津波警報が出た"],
            "津波警報",
        ),
        (
            ["マイナンバーカードを作った", "保険証とマイナンバーカード", "マイナンバーカードは便利"],
            "マイナンバーカード",
        ),
        (["น้ำท่วมเชียงใหม่", "ปีนี้น้ำท่วมหนักกว่า", "บ้านเราน้ำท่วมถึงเอว"], "น้ำท่วม"),
    ],
)
def test_letters_that_always_stand_together_are_one_word(texts, word):
    (found,) = named(texts)

    assert found == word


def test_pairs_that_only_share_a_letter_are_not_joined():
    (found,) = named(["地震だ", "震度だ", "地震か", "震度か"])

    assert "地震度" not in found


def test_a_topic_of_emoji_is_named_by_them():
    assert named(["🔥🔥", "🔥👍🏽", "🔥", "👍"], PACT)[0] == "🔥, 👍"


@pytest.mark.parametrize(
    "texts",
    [
        ["Договор подписан Москвой", "договор Москвой отвергнут", "Москвой подписан договор"],
        ["地震で津波警報が出た", "津波警報が解除された", "津波警報はまだある"],
        ["معاهدة الأمن مع موسكو", "معاهدة موسكو سيئة", "لا نريد معاهدة موسكو"],
    ],
)
def test_no_script_breaks_labelling(texts):
    (found,) = named(texts)

    assert found
    assert any(letter.isalpha() for letter in found)


def test_stop_words_of_the_language_are_left_out():
    (found,) = named(
        [
            "Der Tunnel ist zu teuer und die Stadt hat kein Geld für den Tunnel",
            "Die Stadt hat kein Geld, aber der Tunnel wird nicht billiger",
            "Wer zahlt den Tunnel? Die Stadt sicher nicht",
        ]
    )

    assert {"Tunnel", "Stadt"} <= set(found.replace(",", "").split())
    assert not {"der", "die", "den", "nicht", "und"} & set(found.casefold().replace(",", "").split())


def test_a_text_that_is_taken_back_takes_its_words_with_it():
    vocabulary = Vocabulary()
    wording = worded(PACT, vocabulary)

    wording.add({"Zebra": 1}, 1, 0.0, HOUR, vocabulary)
    wording.add({"Zebra": -1}, -1, 0.0, HOUR, vocabulary)

    assert "Zebra" not in wording.terms
    assert vocabulary.counts["zebra"] == 0


def test_history_halves_once_a_half_life_and_forgets_nothing_said_once():
    vocabulary = Vocabulary()
    wording = Wording()
    wording.add({"pact": 8, "once": 1}, 8, 0.0, HOUR, vocabulary)

    wording.add({}, 0, 2 * HOUR, HOUR, vocabulary)

    assert wording.terms == {"pact": 2, "once": 1}
    assert vocabulary.total == 3


@given(st.lists(st.dictionaries(st.sampled_from("abcdef"), st.integers(-2, 5), max_size=6), max_size=12))
def test_the_vocabulary_is_always_the_sum_of_the_wordings(changes):
    vocabulary = Vocabulary()
    wordings = [Wording(), Wording()]

    for at, terms in enumerate(changes):
        wordings[at % 2].add(terms, 1, at * HOUR / 3, HOUR, vocabulary)

    assert vocabulary.total == sum(sum(wording.terms.values()) for wording in wordings)
    wordings[0].leave(vocabulary)
    wordings[1].leave(vocabulary)
    assert vocabulary.total == 0
    assert not +vocabulary.counts


def test_keywords_are_distinct_and_at_most_eight():
    vocabulary = Vocabulary()
    wording = worded(PACT + FIRE, vocabulary)

    found = keywords(weigh([(wording.terms, 1.0)], vocabulary, 1), 7, "en")

    assert 2 <= len(found) <= 8
    assert len({each.casefold() for each in found}) == len(found)
