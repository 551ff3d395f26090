"""A head of one's own: a target's sides learnt from labelled comments, over the frozen encoder."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from agents.errors import EncoderError, SettingsError
from agents.stance.model import Question, Verdict
from agents.stance.target import Example

__all__ = ["LEAST_OF_A_SIDE", "Head", "HeadModel", "read_examples", "read_head", "train_head", "write_head"]

Matrix = NDArray[np.float32]
Encode = Callable[[Sequence[str]], Matrix]

LEAST_OF_A_SIDE: Final = 20
"""Examples that favor and against need each: with fewer, five-fold estimates of how often the head
is right are off by more than ten points."""
LEAST_OF_NONE: Final = 10
"""Examples of `none` from which on the head can name it; fewer are left out."""
FOLDS: Final = 5
STRENGTHS: Final = (0.1, 1.0, 10.0)
"""Inverse regularisation that is tried; the one with the best held-out likelihood stays."""


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """A trained head as it lies in a file."""

    target: str
    encoder: str
    dimensions: Annotated[int, Meta(ge=1)]
    classes: tuple[str, ...]
    weights: bytes
    """(classes, dimensions + 1) little-endian float32, the bias last; base64 in the file."""
    n_examples: dict[str, int]
    accuracy: float
    """Share of examples whose side the head names when they are held out."""
    majority: float
    """Share of the most frequent side: what always naming it would reach."""

    @property
    def matrix(self) -> Matrix:
        """The weights as (classes, dimensions + 1)."""
        return np.frombuffer(self.weights, dtype="<f4").reshape(len(self.classes), self.dimensions + 1)

    @property
    def is_beyond_luck(self) -> bool:
        """Whether it names more rightly than the most frequent side, by two standard errors of that share."""
        n = sum(self.n_examples.values())
        return self.accuracy > self.majority + 2 * math.sqrt(self.majority * (1 - self.majority) / n)

    def probabilities(self, vector: Matrix) -> dict[str, float]:
        """Return the probability of each class for one (d,) vector of unit length."""
        logits = self.matrix.astype(np.float64) @ np.append(vector.astype(np.float64), 1.0)
        powers = np.exp(logits - logits.max())
        return dict(zip(self.classes, (powers / powers.sum()).tolist(), strict=True))


class HeadModel:
    """Judges the target that its head was trained for.

    Parameters
    ----------
    head
        What `train_head` gave.
    encode
        The encoder's: texts to (n, d) float32 rows of unit length.
    encoder
        Its name.

    Raises
    ------
    EncoderError
        If the head was trained over another encoder.
    """

    def __init__(self, head: Head, encode: Encode, encoder: str) -> None:
        if head.encoder != encoder:
            raise EncoderError(
                f"the head of {head.target!r} was trained over the encoder {head.encoder!r}, "
                f"embedding.encoder is {encoder!r}. Train it again, or restore the encoder."
            )
        self.name = f"head:{head.target}"
        self._head = head
        self._encode = encode

    def judge(self, questions: Sequence[Question]) -> list[Verdict]:
        """Return one verdict a question, in order; texts are encoded one at a time, so none moves another."""
        return [self._verdict(question.text) for question in questions]

    def _verdict(self, text: str) -> Verdict:
        found = self._head.probabilities(self._encode([text])[0])
        return Verdict(found["favor"], found["against"], found.get("none", 0.0), model=self.name)


def train_head(target: str, examples: Sequence[Example], encode: Encode, encoder: str) -> Head:
    """Train a head by logistic regression, its strength and calibration chosen on held-out folds.

    Parameters
    ----------
    target
        Id of the target.
    examples
        Comments with their side; repeated texts count once.
    encode
        The encoder's.
    encoder
        Its name; the head works with no other.

    Raises
    ------
    SettingsError
        If there are too few examples of a side.
    """
    kept = _enough(target, examples)
    vectors = encode([each.text for each in kept]).astype(np.float64)
    sides = np.array([each.side for each in kept])
    tried = [(_held_out(vectors, sides, strength), strength) for strength in STRENGTHS]
    (_, accuracy, temperature), strength = max(tried, key=lambda each: each[0][0])
    weights, classes = _fit(vectors, sides, strength)
    counts = Counter(sides.tolist())
    return Head(
        target=target,
        encoder=encoder,
        dimensions=vectors.shape[1],
        classes=tuple(classes),
        weights=(weights / temperature).astype("<f4").tobytes(),
        n_examples=dict(counts),
        accuracy=accuracy,
        majority=max(counts.values()) / len(kept),
    )


def read_examples(path: Path) -> list[Example]:
    """Read JSON Lines of `text` and `side` (favor, against, none).

    Raises
    ------
    SettingsError
        At the first line that isn't one.
    """
    found: list[Example] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            text, side = row["text"], row["side"]
        except (ValueError, KeyError, TypeError) as cause:
            raise SettingsError(_bad_line(path, number, line)) from cause
        if side not in ("favor", "against", "none") or not isinstance(text, str) or not text.strip():
            raise SettingsError(_bad_line(path, number, line))
        found.append(Example(text, side))
    return found


def write_head(head: Head, path: Path) -> None:
    """Write a head as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(head)) + b"\n")


def read_head(path: Path) -> Head:
    """Read what `write_head` wrote.

    Raises
    ------
    EncoderError
        If the file holds no head.
    """
    try:
        head = msgspec.json.decode(path.read_bytes(), type=Head)
        assert head.matrix.shape[0] == len(head.classes)
    except (OSError, ValueError, msgspec.MsgspecError, AssertionError) as cause:
        raise EncoderError(
            f"stance.heads names {str(path)!r}, which holds no head ({cause}). Write one with "
            "`groundswell stance train --target ID examples.jsonl`."
        ) from cause
    return head


def _enough(target: str, examples: Sequence[Example]) -> list[Example]:
    """Return each text once, sides with too few examples of `none` left out."""
    kept = list({each.text: each for each in examples}.values())
    counts = Counter(each.side for each in kept)
    for side in ("favor", "against"):
        if counts[side] < LEAST_OF_A_SIDE:
            raise SettingsError(
                f"{target!r} has {counts[side]} examples {side}; a head needs {LEAST_OF_A_SIDE} in favor and "
                f"{LEAST_OF_A_SIDE} against. Label more comments, or leave the target to stance.model."
            )
    return [each for each in kept if each.side != "none" or counts["none"] >= LEAST_OF_NONE]


def _held_out(vectors: NDArray[Any], sides: NDArray[Any], strength: float) -> tuple[float, float, float]:
    """Return log-likelihood, accuracy and the best temperature over stratified folds."""
    from sklearn.model_selection import StratifiedKFold

    order = sorted(set(sides.tolist()))
    logits = np.zeros((len(sides), len(order)))
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(vectors, sides):
        weights, classes = _fit(vectors[train], sides[train], strength)
        columns = [order.index(each) for each in classes]
        logits[np.ix_(test, columns)] = vectors[test] @ weights[:, :-1].T + weights[:, -1]
    truth = np.array([order.index(each) for each in sides])
    temperatures = np.geomspace(0.25, 8.0, 41)
    scores = [_log_likelihood(logits / each, truth) for each in temperatures]
    best = int(np.argmax(scores))
    return scores[best], float((logits.argmax(axis=1) == truth).mean()), float(temperatures[best])


def _fit(vectors: NDArray[Any], sides: NDArray[Any], strength: float) -> tuple[NDArray[Any], list[str]]:
    """Return (classes, d + 1) weights with the bias last, and the classes."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=strength, max_iter=1000).fit(vectors, sides)
    weights = np.column_stack([fitted.coef_, fitted.intercept_])
    if len(weights) == 1:
        weights = np.vstack([-weights / 2, weights / 2])
    return weights, [str(each) for each in fitted.classes_]


def _log_likelihood(logits: NDArray[Any], truth: NDArray[Any]) -> float:
    shifted = logits - logits.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return float(logs[np.arange(len(truth)), truth].mean())


def _bad_line(path: Path, number: int, line: str) -> str:
    return (
        f"{path} line {number} is {line[:60]!r}; a line must be an object with text and side (favor, against "
        'or none), e.g. {"text": "Good idea!", "side": "favor"}. Mend that line.'
    )
