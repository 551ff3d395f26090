import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.embedding.everyday import everyday_comments
from agents.stance.gate import Asked, Gate, Gatekeeper, is_form
from agents.stance.target import Target
from tests.agents.stance.conftest import PACT, TRAM

D = 8


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def everyday(level: float = 0.0) -> np.ndarray:
    """Rows whose cosines to the two targets' directions lie around a level."""
    rng = np.random.default_rng(0)
    rows = rng.normal(0, 0.1, (96, D))
    rows[:, :2] += level
    rows[:, 2:] += 0.3
    return unit(rows)


def towards(place: int, cosine: float) -> np.ndarray:
    row = np.zeros((1, D))
    row[0, place] = cosine
    row[0, -1] = np.sqrt(1 - cosine**2)
    return row.astype(np.float32)


def evidence(gate: Gate, vectors: np.ndarray, *said: str) -> np.ndarray:
    """Evidence of texts with these words each, none where none are given."""
    return gate.evidence(vectors, [each.split() for each in said] or [()] * len(vectors))


def relevant(gate: Gate, vectors: np.ndarray, titles: np.ndarray | None = None) -> list[tuple[str, ...]]:
    titled = None if titles is None else evidence(gate, titles)
    return gate.relevant(gate.probability(evidence(gate, vectors), titled))


@pytest.fixture
def gate() -> Gate:
    eye = np.eye(D, dtype=np.float32)
    return Gate([PACT, TRAM], [eye[:1], eye[1:2]], everyday())


def test_a_comment_is_about_the_target_that_it_is_near_to(gate: Gate) -> None:
    assert relevant(gate, towards(0, 0.9)) == [("pact",)]
    assert relevant(gate, towards(1, 0.9)) == [("tram",)]


def test_an_everyday_comment_is_about_none(gate: Gate) -> None:
    assert relevant(gate, towards(0, 0.0)) == [()]


def test_a_comment_may_be_about_several() -> None:
    eye = np.eye(D, dtype=np.float32)
    gate = Gate([PACT, TRAM], [eye[:1], eye[:1]], everyday())

    assert relevant(gate, towards(0, 0.9)) == [("pact", "tram")]


def test_the_nearest_statement_decides() -> None:
    eye = np.eye(D, dtype=np.float32)
    gate = Gate([PACT], [eye[:2]], everyday())

    both = np.concatenate([towards(0, 0.9), towards(1, 0.9)])

    assert relevant(gate, both) == [("pact",), ("pact",)]


def test_a_title_about_the_target_lets_loose_comments_through(gate: Gate) -> None:
    loose = towards(0, 0.12)

    assert relevant(gate, loose) == [()]
    assert relevant(gate, loose, towards(0, 0.9)) == [("pact",)]
    elsewhere = gate.probability(evidence(gate, loose), evidence(gate, towards(1, 0.9)))
    assert elsewhere[0, 0] < gate.probability(evidence(gate, loose))[0, 0]


def test_an_answer_to_a_comment_about_the_target_needs_less(gate: Gate) -> None:
    loose = evidence(gate, towards(0, 0.12))
    alone = gate.probability(loose)

    answering = gate.probability(loose, answered=np.array([[0.9, 0.0]]))

    assert gate.relevant(answering) == [("pact",)]
    assert answering[0, 1] == alone[0, 1]
    assert np.array_equal(gate.probability(loose, answered=np.zeros((1, 2))), alone)


def test_a_row_of_nan_is_no_title(gate: Gate) -> None:
    comment = evidence(gate, towards(0, 0.3))

    untitled = gate.probability(comment, np.full((1, 2), np.nan))

    assert np.array_equal(untitled, gate.probability(comment))


def test_the_gate_asks_how_far_a_cosine_stands_out() -> None:
    eye = np.eye(D, dtype=np.float32)
    spread_out = Gate([PACT], [eye[:1]], everyday(0.0))
    crowded = Gate([PACT], [eye[:1]], everyday(0.5))
    comment = towards(0, 0.5)

    assert evidence(crowded, comment)[0, 0] < evidence(spread_out, comment)[0, 0]


def test_a_threshold_of_zero_lets_everything_through() -> None:
    eye = np.eye(D, dtype=np.float32)
    gate = Gate([PACT], [eye[:1]], everyday(), threshold=0.0)

    assert relevant(gate, towards(0, 0.0)) == [("pact",)]


@given(st.integers(0, 2**32 - 1), st.integers(1, 20))
@settings(max_examples=30, deadline=None)
def test_a_row_does_not_depend_on_its_neighbours(seed: int, n: int) -> None:
    eye = np.eye(D, dtype=np.float32)
    gate = Gate([PACT, TRAM], [eye[:1], eye[1:3]], everyday())
    vectors = unit(np.random.default_rng(seed).normal(size=(n, D)))
    said = [["the", "tram"][: i % 3] for i in range(n)]

    alone = [gate.evidence(vectors[i : i + 1], said[i : i + 1])[0] for i in range(n)]

    assert np.array_equal(gate.evidence(vectors, said), np.array(alone))


def test_whoever_names_the_target_is_about_it_though_all_else_is_not(gate: Gate) -> None:
    far = towards(1, 0.0)

    named = gate.probability(evidence(gate, far, "trams please"))

    assert gate.relevant(named) == [("tram",)]
    assert named[0, 0] == gate.probability(evidence(gate, far))[0, 0]


def test_a_part_of_the_title_says_less_than_all_of_it_and_a_word_twice_no_more_than_once() -> None:
    eye = np.eye(D, dtype=np.float32)
    lane = Target("lane", "A cycle lane", ("Build the lane",), ("Do not build the lane",))
    gate = Gate([lane], [eye[:1]], everyday())
    far = towards(0, 0.0)

    none, part, twice, all_of_it = (
        evidence(gate, far, said)[0, 0] for said in ("a", "lane", "lane lanes", "cycle lane")
    )

    assert none < part == twice < all_of_it
    assert part - none == pytest.approx(all_of_it - part)


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("Die zweite Stra\u00dfenbahnlinie", "strassenbahnlinien"),
        ("\u0417\u0430\u043f\u0440\u0435\u0442", "\u0437\u0430\u043f\u0440\u0435\u0442\u044b"),
        ("\u6539\u9769", "\u6539\u9769"),
    ],
)
def test_words_of_any_language_name_a_target(title: str, said: str) -> None:
    eye = np.eye(D, dtype=np.float32)
    gate = Gate([Target("it", title, ("Yes",), ("No",))], [eye[:1]], everyday())

    assert evidence(gate, towards(0, 0.0), said) > evidence(gate, towards(0, 0.0))


def test_a_title_of_words_of_any_text_names_nothing() -> None:
    eye = np.eye(D, dtype=np.float32)
    gate = Gate([Target("who", "WHO", ("Yes",), ("No",))], [eye[:1]], everyday())

    assert evidence(gate, towards(0, 0.0), "who") == evidence(gate, towards(0, 0.0))


@given(st.text(max_size=9), st.text(max_size=9))
def test_forms_are_forms_of_each_other(word: str, other: str) -> None:
    assert is_form(word, other) == is_form(other, word)
    assert is_form(word, word)


def test_the_gatekeeper_encodes_a_title_once() -> None:
    asked: list[str] = []

    def encode(texts: list[str]) -> np.ndarray:
        asked.extend(texts)
        return np.concatenate([towards(0, 0.9 if "pact" in text else 0.01) for text in texts])

    keeper = Gatekeeper([PACT], encode)
    for _ in range(3):
        keeper.about(towards(0, 0.9)[0], "All about the pact")

    assert asked.count("All about the pact") == 1


def test_the_gatekeeper_follows_answers() -> None:
    def encode(texts: list[str]) -> np.ndarray:
        return everyday() if len(texts) == 96 else np.repeat(towards(0, 1.0), len(texts), axis=0)

    clear, loose = towards(0, 0.9)[0], towards(0, 0.12)[0]
    thread = [
        Asked("a", clear),
        Asked("b", loose, parent="a"),
        Asked("c", loose, parent="gone"),
        Asked("d", loose),
        Asked("e", loose, text="What a PACT!"),
    ]

    assert list(Gatekeeper([PACT], encode).about_each(thread)) == [("pact",), ("pact",), (), (), ("pact",)]


def test_without_targets_nothing_is_encoded_and_nothing_passes() -> None:
    def encode(texts: list[str]) -> np.ndarray:
        raise AssertionError(texts)

    assert Gatekeeper([], encode).about(towards(0, 0.9)[0], "title") == ((), {})


def test_there_are_96_distinct_everyday_comments() -> None:
    assert len(set(everyday_comments())) == 96
