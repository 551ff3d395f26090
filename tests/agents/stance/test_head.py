from pathlib import Path

import numpy as np
import pytest

from agents.errors import EncoderError, SettingsError
from agents.stance.head import Head, HeadModel, read_examples, read_head, train_head, write_head
from agents.stance.model import Question
from agents.stance.target import Example
from tests.agents.stance.conftest import PACT


def encode(texts: list[str]) -> np.ndarray:
    """Unit vectors that lie by the first word's meaning, with a little of each text's own."""
    middle = {"good": (1.0, 0.0, 0.0), "bad": (0.0, 1.0, 0.0), "rain": (0.0, 0.0, 1.0)}
    rows = np.array([middle[text.split()[0]] for text in texts])
    rows = rows + 0.2 * np.array([np.random.default_rng(len(text)).normal(size=3) for text in texts])
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def examples(favor: int = 25, against: int = 25, none: int = 25) -> list[Example]:
    made = [("good", "favor", favor), ("bad", "against", against), ("rain", "none", none)]
    return [Example(f"{word} {'x' * n}", side) for word, side, count in made for n in range(count)]  # type: ignore[arg-type]


def test_a_head_learns_the_sides_of_its_examples() -> None:
    head = train_head("pact", examples(), encode, "e")

    verdicts = HeadModel(head, encode, "e").judge([Question(text, PACT) for text in ("good", "bad", "rain")])

    assert [verdict.side(0.5) for verdict in verdicts] == ["favor", "against", "none"]
    assert head.accuracy > 0.9 > head.majority == pytest.approx(1 / 3)


def test_too_few_examples_are_refused_with_their_number() -> None:
    with pytest.raises(SettingsError, match="19 examples against"):
        train_head("pact", examples(against=19), encode, "e")


def test_repeated_texts_count_once() -> None:
    with pytest.raises(SettingsError, match="10 examples favor"):
        train_head("pact", examples(favor=10) * 3, encode, "e")


def test_a_few_examples_of_none_are_left_out() -> None:
    head = train_head("pact", examples(none=9), encode, "e")

    assert head.classes == ("against", "favor")
    assert HeadModel(head, encode, "e").judge([Question("good", PACT)])[0].none == 0.0


def test_labels_without_a_pattern_make_a_head_that_abstains() -> None:
    rng = np.random.default_rng(0)
    mixed = [Example(each.text, rng.choice(["favor", "against"])) for each in examples()]

    head = train_head("pact", mixed, encode, "e")

    verdict = HeadModel(head, encode, "e").judge([Question("good xxx", PACT)])[0]
    assert max(verdict.favor, verdict.against) < 0.75


def test_a_head_survives_its_file(tmp_path: Path) -> None:
    head = train_head("pact", examples(), encode, "e")
    write_head(head, tmp_path / "heads" / "pact.json")

    assert read_head(tmp_path / "heads" / "pact.json") == head


def test_a_file_that_holds_no_head_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "pact.json"
    file.write_text("{}")

    with pytest.raises(EncoderError, match=r"pact\.json"):
        read_head(file)


def test_a_head_over_another_encoder_is_refused() -> None:
    head = train_head("pact", examples(), encode, "e")

    with pytest.raises(EncoderError, match="'e'"):
        HeadModel(head, encode, "other")


def test_examples_are_read_and_a_bad_line_named(tmp_path: Path) -> None:
    file = tmp_path / "examples.jsonl"
    file.write_text('{"text": "good", "side": "favor"}\n\n{"text": "bad", "side": "con"}\n')

    with pytest.raises(SettingsError, match="line 3"):
        read_examples(file)
    file.write_text('{"text": "good", "side": "favor"}\n')
    assert read_examples(file) == [Example("good", "favor")]


@pytest.mark.parametrize(
    ("accuracy", "n", "is_beyond"), [(0.6, 20, False), (0.65, 20, False), (0.65, 50, True)]
)
def test_a_head_is_beyond_luck_by_two_standard_errors(accuracy: float, n: int, is_beyond: bool) -> None:
    # With sides of equal size it is 1 / (2 sqrt(2 n)): 0.08 of 40 examples, 0.05 of 100.
    head = Head(
        target="tram",
        encoder="words",
        dimensions=1,
        classes=("against", "favor"),
        weights=b"",
        n_examples={"favor": n, "against": n},
        accuracy=accuracy,
        majority=0.5,
    )

    assert head.is_beyond_luck == is_beyond
