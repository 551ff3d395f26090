"""How good a stance model is on debates with two opposing statements, beside its controls.

A row is a comment with two poles of which it takes one. Intervals are bootstrapped over
discussions, not comments: comments of one debate share its statements and its difficulty.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from agents.errors import SettingsError
from agents.stance.model import Question
from agents.stance.negation import is_negative
from agents.stance.target import Target, slug

__all__ = [
    "COVERAGES",
    "Debate",
    "Measured",
    "Report",
    "accuracy_at",
    "area_under_curve",
    "blind_leans",
    "calibration_error",
    "measure",
    "read_debates",
]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

COVERAGES: Final = tuple(range(10, 101, 10))
"""Shares of the comments, the surest first, in percent."""
BINS: Final = 10
"""Bins of equal width between 0.5 and 1 over which calibration is measured."""
RESAMPLES: Final = 2000
"""Draws of discussions; the ends of a 95 % interval then rest on 50 draws each."""


@dataclass(frozen=True, slots=True)
class Debate:
    """A comment with two poles, of which it takes one."""

    text: str
    discussion: str
    poles: tuple[str, str]
    is_first: bool
    """Whether it takes the first pole."""

    @property
    def question(self) -> Question:
        """The comment with a target whose favor is the first pole."""
        first, second = self.poles
        return Question(self.text, Target(slug(self.discussion), self.discussion, (first,), (second,)))


@dataclass(frozen=True, slots=True)
class Measured:
    """A value with its 95 % interval; nan where it is undefined in the file or in every draw.

    One discussion has no interval: it says nothing of how others would differ.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Report:
    """What a model reaches on a file of debates."""

    n_comments: int
    n_discussions: int
    accuracy: Measured
    """Share that is right when a side must be named."""
    by_coverage: dict[int, Measured]
    """The same over the surest comments, by percent of them."""
    auc: Measured
    """Probability that a comment of the first pole leans more to it than one of the second."""
    calibration_error: Measured
    """Mean distance of confidence and share right, 0 to 0.5; lower is better."""
    blind: Measured
    """Control: the statements hidden."""
    position: Measured
    """Control: always the pole that is more frequent over the whole file."""
    oracle: float
    """Not a control: the side of each debate's majority, which nobody knows beforehand."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON: None instead of nan, which JSON doesn't know."""
        return {name: _known(value) for name, value in asdict(self).items()}


def read_debates(path: Path) -> list[Debate]:
    """Read JSON Lines of `text`, `discussion`, `pole_a`, `pole_b` and `stance` (a or b).

    Raises
    ------
    SettingsError
        At the first line that isn't one or whose poles make no target, or if there is none.
    """
    found: list[Debate] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            found.append(_debate(json.loads(line)))
        except SettingsError as cause:
            raise SettingsError(f"{path} line {number}: {cause}") from cause
        except (ValueError, KeyError, TypeError) as cause:
            raise SettingsError(
                f"{path} line {number} is {line[:60]!r}; a line must be an object with text, discussion, "
                "pole_a, pole_b and stance (a or b). Mend that line."
            ) from cause
    if not found:
        raise SettingsError(f"{path} has 0 comments; give JSON Lines with one a line.")
    return found


def _debate(row: dict[str, Any]) -> Debate:
    """Return one row as a debate; a row without a text, or whose poles make no target, raises."""
    text, discussion = row["text"], str(row["discussion"])
    if not isinstance(text, str) or not text.strip():
        raise ValueError(text)
    is_first = {"a": True, "b": False}[row["stance"]]
    debate = Debate(text, discussion, (str(row["pole_a"]), str(row["pole_b"])), is_first)
    _ = debate.question
    return debate


def blind_leans(debates: Sequence[Debate], read: Callable[[Sequence[tuple[str, str]]], Floats]) -> Floats:
    """Return (n,) leans to the first pole of a reader that never sees a statement.

    It reads each comment beside an empty statement; approval counts for the pole without a
    negation, or for the first where that doesn't tell them apart. Over the whole file it is then
    turned round if that serves it better: a control is given its best chance.
    """
    rows = np.clip(read([(each.text, "") for each in debates]), 1e-6, 1.0)
    approval = np.log(rows[:, 0]) - np.log(rows[:, 1])
    is_turned = np.array([is_negative(e.poles[0]) and not is_negative(e.poles[1]) for e in debates])
    leans: Floats = 1 / (1 + np.exp(-np.where(is_turned, -approval, approval)))
    truth = np.array([each.is_first for each in debates])
    is_right = float(((leans >= 0.5) == truth).mean())
    return leans if is_right >= 0.5 else 1 - leans


def measure(
    debates: Sequence[Debate], leans: Floats, blind: Floats, seed: int = 0, resamples: int = RESAMPLES
) -> Report:
    """Measure leans against the truth.

    Parameters
    ----------
    leans
        (n,) calibrated probabilities of the first pole.
    blind
        (n,) the same with the statements hidden (`blind_leans`).
    seed
        Of the bootstrap.
    """
    truth = np.array([each.is_first for each in debates])
    names, group = np.unique([each.discussion for each in debates], return_inverse=True)
    majority = float(truth.mean() >= 0.5)
    constant = np.full(len(truth), majority)
    draws = list(_resample(group, len(names), seed, resamples))

    def interval(of: Callable[..., float], values: Floats, *more: float) -> Measured:
        drawn = np.array([of(values[rows], truth[rows], *more) for rows in draws])
        defined = drawn[~np.isnan(drawn)]
        is_known = len(defined) > 0 and len(names) > 1
        low, high = np.percentile(defined, [2.5, 97.5]) if is_known else (np.nan, np.nan)
        return Measured(of(values, truth, *more), float(low), float(high))

    return Report(
        n_comments=len(debates),
        n_discussions=len(names),
        accuracy=interval(accuracy_at, leans),
        by_coverage={each: interval(accuracy_at, leans, each) for each in COVERAGES},
        auc=interval(area_under_curve, leans),
        calibration_error=interval(calibration_error, leans),
        blind=interval(accuracy_at, blind),
        position=interval(accuracy_at, constant),
        oracle=_oracle(truth, group, len(names)),
    )


def accuracy_at(leans: Floats, truth: Flags, coverage: float = 100) -> float:
    """Return the share right among the surest, in 0..1.

    Parameters
    ----------
    leans
        (n,) probabilities of the first pole; 0.5 or more names it.
    truth
        (n,) whether the first pole is right.
    coverage
        Percent of the comments, above 0 to 100; at least one is taken, the first of equals.

    Examples
    --------
    >>> accuracy_at(np.array([0.9, 0.6, 0.4, 0.2]), np.array([True, False, False, True]), 50)
    0.5
    """
    n = max(1, round(len(leans) * coverage / 100))
    surest = np.argsort(-np.abs(leans - 0.5), kind="stable")[:n]
    return float(((leans[surest] >= 0.5) == truth[surest]).mean())


def area_under_curve(leans: Floats, truth: Flags) -> float:
    """Return the probability that a true row leans more than a false one, ties counting half.

    nan where one of the two is missing.

    References
    ----------
    Hanley and McNeil (1982): the Mann-Whitney statistic divided by the number of pairs.

    Examples
    --------
    >>> area_under_curve(np.array([0.9, 0.6, 0.6, 0.2]), np.array([True, True, False, False]))
    0.875
    """
    from scipy.stats import rankdata

    n_true, n_false = int(truth.sum()), int((~truth).sum())
    if not n_true or not n_false:
        return float("nan")
    ranks = rankdata(leans)
    return float((ranks[truth].sum() - n_true * (n_true + 1) / 2) / (n_true * n_false))


def calibration_error(leans: Floats, truth: Flags) -> float:
    """Return the mean distance of confidence and share right over bins of confidence, 0 to 1.

    References
    ----------
    Guo et al. (2017), equation 3, over 10 bins of equal width between 0.5 and 1.

    Examples
    --------
    >>> round(calibration_error(np.array([0.9, 0.9, 0.1, 0.1]), np.array([True, True, False, True])), 3)
    0.15
    """
    confidence = np.maximum(leans, 1 - leans)
    is_right = (leans >= 0.5) == truth
    place = np.minimum(((confidence - 0.5) * 2 * BINS + 1e-9).astype(int), BINS - 1)
    sizes = np.bincount(place, minlength=BINS)
    gaps = np.abs(
        np.bincount(place, confidence, minlength=BINS) - np.bincount(place, is_right, minlength=BINS)
    )
    return float(gaps[sizes > 0].sum() / len(leans))


def _resample(group: NDArray[Any], n_groups: int, seed: int, n: int) -> Iterator[NDArray[Any]]:
    """Yield the rows of as many discussions as there are, drawn with replacement."""
    rng = np.random.default_rng(seed)
    rows = [np.flatnonzero(group == each) for each in range(n_groups)]
    for _ in range(n):
        yield np.concatenate([rows[each] for each in rng.integers(n_groups, size=n_groups)])


def _oracle(truth: Flags, group: NDArray[Any], n_groups: int) -> float:
    firsts = np.bincount(group, truth, minlength=n_groups)
    sizes = np.bincount(group, minlength=n_groups)
    return float(np.maximum(firsts, sizes - firsts).sum() / len(truth))


def _known(value: Any) -> Any:
    """Return a value with None in the place of every nan in it."""
    if isinstance(value, dict):
        return {key: _known(each) for key, each in value.items()}
    return None if isinstance(value, float) and np.isnan(value) else value
