"""The gate tells whether a comment is about a target at all.

Cosines can't be compared between encoders or targets: two unrelated news titles lie at 0.06,
two tweets of one crisis at 0.2. So the gate asks how far a cosine stands out from those of 96
everyday comments about other things, encoded by the same encoder. Whoever names the target in
its own words is about it though the rest of the comment is about lime trees, so the gate also
asks how many of the words of the target's title a comment has.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.clustering.phrases import is_stop_word, stop_language
from agents.clustering.terms import words
from agents.embedding.everyday import everyday_comments
from agents.stance.target import Target

__all__ = ["Asked", "Gate", "Gatekeeper", "is_form"]

Matrix = NDArray[np.float32]
Wide = NDArray[np.float64]

SLOPE: Final = 1.15
"""Log-odds per standard deviation above the background. This and the next two: logistic regression on
4,500 arguments against their own claim and three others (open rows of the stance pairs outside the held-out
topics, at most eight a claim, both classes weighing the same), by MiniLM and by the static encoder alike. On
held-out topics the area under the curve is 0.972 and 0.944; without the words it is 0.971 and 0.927."""
NAMED: Final = 6.48
"""Log-odds of a comment that has all the words of a target's title; of one that has a part, that part."""
INTERCEPT: Final = -2.64
"""Log-odds at the background's mean of a comment that has none."""
UNTITLED: Final = -1.0
"""Prior log-odds of a comment whose discussion has no title: most streams talk about other things."""
OFF_TOPIC: Final = -2.0
"""Prior log-odds where the discussion's title isn't about the target."""
ON_TOPIC: Final = 2.0
"""Prior log-odds where it is: most comments under an article are about what it is about, and as many of
those under another one aren't."""
DIGITS: Final = 4
"""Decimal places of a probability that is remembered."""
NOTHING: Final[Mapping[str, float]] = {}
"""What is known of a comment that isn't known."""
KNOWN_TITLES: Final = 4096
"""Titles of which it is known what they are about."""
START: Final = 3
"""Letters that all forms of a word begin with."""
ENDING: Final = 3
"""Letters that the ending of a form has at most."""


class Asked(NamedTuple):
    """A comment of which it is asked what it is about."""

    id: str
    vector: Matrix
    """(d,) float32 of unit length."""
    title: str | None = None
    """Title of its discussion."""
    parent: str | None = None
    """Id of what it answers."""
    text: str = ""


class Gate:
    """How probably comments are about targets, from vectors and words.

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
        telling = [_telling(target.title) for target in targets]
        self._n_telling = np.array([max(1, len(each)) for each in telling], dtype=np.float64)
        self._by_start: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for place, its in enumerate(telling):
            for word in its:
                self._by_start[word[:START]].append((place, word))

    def evidence(self, vectors: Matrix, said: Sequence[Sequence[str]]) -> Wide:
        """Return (n, t) log-odds that texts are about targets, before any prior.

        A row's value doesn't depend on the rows beside it.

        Parameters
        ----------
        vectors
            (n, d) float32, rows of unit length.
        said
            The words of each text, as `agents.clustering.terms.words` gives them.
        """
        near = (self._nearest(vectors) - self._mean) / self._spread
        named = np.array([self._named(each) for each in said]).reshape(near.shape)
        evidence: Wide = SLOPE * near + NAMED * named + INTERCEPT
        return evidence

    def probability(self, evidence: Wide, titled: Wide | None = None, answered: Wide | None = None) -> Wide:
        """Return (n, t) probabilities that each comment is about each target.

        Parameters
        ----------
        evidence
            (n, t) of the comments.
        titled
            (n, t) evidence of the titles of their discussions, a row of nan where there is none;
            None where there is none at all.
        answered
            (n, t) the probabilities of the comments that they answer, 0 where there is none.
            An answer is about what it answers as a comment is about its discussion's title.
        """
        prior = np.full_like(evidence, UNTITLED)
        if titled is not None:
            prior = np.where(np.isnan(titled), prior, _prior(_logistic(titled)))
        if answered is not None:
            prior = np.maximum(prior, _prior(answered))
        return _logistic(evidence + prior)

    def relevant(self, probabilities: Wide) -> list[tuple[str, ...]]:
        """Return the ids of the targets that each comment is about, in the order of the targets."""
        return [
            tuple(target for target, is_about in zip(self._ids, row, strict=True) if is_about)
            for row in probabilities >= self._threshold
        ]

    def _nearest(self, vectors: Matrix) -> Wide:
        """Return (n, t) largest cosines to a statement; einsum adds up each in the same order."""
        rows = vectors.astype(np.float64)
        best = [np.einsum("nd,kd->nk", rows, each).max(axis=1) for each in self._statements]
        return np.stack(best, axis=1) if best else np.zeros((len(rows), 0))

    def _named(self, said: Sequence[str]) -> Wide:
        """Return (t,) the part of each title's telling words that is said, in any form."""
        found = {
            (place, word)
            for each in said
            for place, word in self._by_start.get(each[:START], ())
            if is_form(each, word)
        }
        counts = np.bincount([place for place, _ in found], minlength=len(self._ids))
        part: Wide = counts / self._n_telling
        return part


class Gatekeeper:
    """Asks the gate about one comment at a time, and once about a discussion's title.

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
        self._titles: OrderedDict[str, Wide] = OrderedDict()
        self._ids = [target.id for target in targets]
        statements = [encode([*target.statements, target.title]) for target in targets]
        self._gate = Gate(targets, statements, encode(everyday_comments()), threshold) if targets else None

    def about(
        self,
        vector: Matrix,
        title: str | None = None,
        answered: Mapping[str, float] = NOTHING,
        said: Sequence[str] = (),
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
        said
            Its words, as `agents.clustering.terms.words` gives them.
        """
        if self._gate is None:
            return (), {}
        evidence = self._gate.evidence(vector[None, :], [said])
        titled = self._titled(self._gate, title) if title else None
        parent = np.array([[answered.get(target, 0.0) for target in self._ids]])
        found = self._gate.probability(evidence, titled, parent).round(DIGITS)
        return self._gate.relevant(found)[0], dict(zip(self._ids, found[0].tolist(), strict=True))

    def about_each(self, comments: Iterable[Asked]) -> Iterator[tuple[str, ...]]:
        """Yield the ids of the targets that each comment is about; they come in their order."""
        known: dict[str | None, dict[str, float]] = {}
        for asked in comments:
            answered = known.get(asked.parent, NOTHING)
            targets, known[asked.id] = self.about(asked.vector, asked.title, answered, words(asked.text))
            yield targets

    def _titled(self, gate: Gate, title: str) -> Wide:
        """Return (1, t) the evidence of a title."""
        if title not in self._titles:
            self._titles[title] = gate.evidence(self._encode([title]), [words(title)])
            if len(self._titles) > KNOWN_TITLES:
                self._titles.popitem(last=False)
        self._titles.move_to_end(title)
        return self._titles[title]


def is_form(word: str, other: str) -> bool:
    """Return whether two words are forms of one: equal but for their endings.

    Of three letters, one word must be the other's beginning, and the ending is a single letter.

    Examples
    --------
    >>> is_form("trams", "tram"), is_form("closing", "closed"), is_form("car", "cars")
    (True, True, True)
    >>> is_form("care", "cars"), is_form("trams", "trammels"), is_form("5", "50")
    (False, False, False)
    """
    if word == other:
        return True
    short, long = sorted((word, other), key=len)
    shared = next((at for at, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if shared == START:
        return shared == len(short) and len(long) == shared + 1
    return shared > START and len(long) - shared <= ENDING


def _telling(title: str) -> list[str]:
    """Return the words of a title that aren't of any text."""
    found = list(dict.fromkeys(words(title)))
    language = stop_language(found)
    return [word for word in found if not is_stop_word(word, language)]


def _prior(probability: Wide) -> Wide:
    """Return log-odds for what stands beside something that is about a target with this probability."""
    between: Wide = OFF_TOPIC + (ON_TOPIC - OFF_TOPIC) * probability
    return between


def _logistic(log_odds: Wide) -> Wide:
    odds: Wide = 1.0 / (1.0 + np.exp(-np.clip(log_odds, -60.0, 60.0)))
    return odds
