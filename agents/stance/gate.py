"""The gate tells whether a comment is about a target at all.

Cosines can't be compared between encoders or targets: two unrelated news titles lie at 0.06,
two tweets of one crisis at 0.2. So the gate asks how far a cosine stands out from those of 96
everyday comments about other things, encoded by the same encoder.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agents.embedding.everyday import everyday_comments
from agents.stance.target import Target

__all__ = ["Gate", "Gatekeeper"]

Matrix = NDArray[np.float32]
Wide = NDArray[np.float64]

SLOPE: Final = 1.63
"""Log-odds per standard deviation above the background: logistic regression on 3,000 arguments
against their own claim and three others (open rows of the stance pairs; AUC 0.974)."""
INTERCEPT: Final = -3.78
"""Log-odds at the background's mean, of the same regression, both classes weighing the same."""
UNTITLED: Final = -1.0
"""Prior log-odds of a comment whose discussion has no title: most streams talk about other things."""
OFF_TOPIC: Final = -2.0
"""Prior log-odds where the discussion's title isn't about the target."""
ON_TOPIC: Final = 3.0
"""Prior log-odds where it is: most comments under an article are about what it is about."""
DIGITS: Final = 4
"""Decimal places of a probability that is remembered."""
NOTHING: Final[Mapping[str, float]] = {}
"""What is known of a comment that isn't known."""
KNOWN_TITLES: Final = 4096
"""Titles whose vectors are kept."""


class Gate:
    """How probably comments are about targets, from vectors alone.

    Parameters
    ----------
    targets
        What may be commented on.
    statements
        One (k, d) float32 matrix a target, rows of unit length: its statements and its title.
    everyday
        (m, d) float32, rows of unit length: `everyday_comments`, by the same encoder.
    threshold
        Probability from which on a comment is about a target, 0 to 1.
    """

    def __init__(
        self,
        targets: Sequence[Target],
        statements: Sequence[Matrix],
        everyday: Matrix,
        threshold: float = 0.5,
    ) -> None:
        self._ids = tuple(target.id for target in targets)
        self._statements = [each.astype(np.float64) for each in statements]
        self._threshold = threshold
        nearest = self._nearest(everyday)
        self._mean = nearest.mean(axis=0)
        self._spread = np.maximum(nearest.std(axis=0), 1e-6)

    def probability(
        self, vectors: Matrix, titles: Matrix | None = None, answered: Wide | None = None
    ) -> Wide:
        """Return (n, t) probabilities that each comment is about each target.

        A row's value doesn't depend on the rows beside it.

        Parameters
        ----------
        vectors
            (n, d) float32, rows of unit length: the comments.
        titles
            (n, d) float32: the titles of their discussions, a row of zeros where there is none;
            None where there is none at all.
        answered
            (n, t) the same probabilities of the comments that they answer, 0 where there is none.
            An answer is about what it answers as a comment is about its discussion's title.
        """
        evidence = self._evidence(vectors)
        prior = np.full_like(evidence, UNTITLED)
        if titles is not None:
            named = OFF_TOPIC + (ON_TOPIC - OFF_TOPIC) * _logistic(self._evidence(titles))
            prior = np.where(np.any(titles != 0, axis=1)[:, None], named, prior)
        if answered is not None:
            prior = np.maximum(prior, OFF_TOPIC + (ON_TOPIC - OFF_TOPIC) * answered)
        return _logistic(evidence + prior)

    def relevant(self, probabilities: Wide) -> list[tuple[str, ...]]:
        """Return the ids of the targets that each comment is about, in the order of the targets."""
        return [
            tuple(target for target, is_about in zip(self._ids, row, strict=True) if is_about)
            for row in probabilities >= self._threshold
        ]

    def _evidence(self, vectors: Matrix) -> Wide:
        """Return (n, t) log-odds that rows are about targets, before any prior."""
        evidence: Wide = SLOPE * (self._nearest(vectors) - self._mean) / self._spread + INTERCEPT
        return evidence

    def _nearest(self, vectors: Matrix) -> Wide:
        """Return (n, t) largest cosines to a statement; einsum adds up each in the same order."""
        rows = vectors.astype(np.float64)
        best = [np.einsum("nd,kd->nk", rows, each).max(axis=1) for each in self._statements]
        return np.stack(best, axis=1) if best else np.zeros((len(rows), 0))


class Gatekeeper:
    """Asks the gate about one comment at a time; encodes a discussion's title once.

    Parameters
    ----------
    targets
        What may be commented on; none lets nothing through.
    encode
        The encoder's: texts to (n, d) float32 rows of unit length.
    threshold
        Probability from which on a comment is about a target, 0 to 1.
    """

    def __init__(
        self, targets: Sequence[Target], encode: Callable[[Sequence[str]], Matrix], threshold: float = 0.5
    ) -> None:
        self._encode = encode
        self._titles: OrderedDict[str, Matrix] = OrderedDict()
        self._ids = [target.id for target in targets]
        statements = [encode([*target.statements, target.title]) for target in targets]
        self._gate = Gate(targets, statements, encode(everyday_comments()), threshold) if targets else None

    def about(
        self, vector: Matrix, title: str | None = None, answered: Mapping[str, float] = NOTHING
    ) -> tuple[tuple[str, ...], dict[str, float]]:
        """Return the ids of the targets that a comment is about, and the probability for every target.

        Parameters
        ----------
        vector
            (d,) float32 of unit length.
        title
            Title of its discussion.
        answered
            The probabilities of the comment that it answers, by target; none where that isn't known.
        """
        if self._gate is None:
            return (), {}
        titles = None if not title else self._title(title)[None, :]
        parent = np.array([[answered.get(target, 0.0) for target in self._ids]])
        found = self._gate.probability(vector[None, :], titles, parent).round(DIGITS)
        return self._gate.relevant(found)[0], dict(zip(self._ids, found[0].tolist(), strict=True))

    def about_each(
        self, comments: Iterable[tuple[str, Matrix, str | None, str | None]]
    ) -> Iterator[tuple[str, ...]]:
        """Yield the ids of the targets that each comment is about.

        Parameters
        ----------
        comments
            In the order of their coming: id, vector, title of the discussion, id of what it answers.
        """
        known: dict[str | None, dict[str, float]] = {}
        for name, vector, title, parent in comments:
            targets, known[name] = self.about(vector, title, known.get(parent, NOTHING))
            yield targets

    def _title(self, title: str) -> Matrix:
        if title not in self._titles:
            self._titles[title] = self._encode([title])[0]
            if len(self._titles) > KNOWN_TITLES:
                self._titles.popitem(last=False)
        self._titles.move_to_end(title)
        return self._titles[title]


def _logistic(log_odds: Wide) -> Wide:
    odds: Wide = 1.0 / (1.0 + np.exp(-np.clip(log_odds, -60.0, 60.0)))
    return odds
