"""What the shipped model learns from: rows with an open licence, each with its statement turned round.

A `Contrast` is a text with the statement that it supports and one that it opposes; the model
learns to tell the two apart, which is what judging a target asks of it.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final, Literal

from agents.errors import SettingsError
from agents.stance.negation import CONTRACTIONS, negate, opposite

__all__ = [
    "OPEN_LICENCES",
    "Contrast",
    "Corpus",
    "contrasts",
    "entailments",
    "held_out",
    "read_corpus",
    "tidy",
]

OPEN_LICENCES: Final = frozenset(
    {
        "Apache-2.0",
        "CC BY 4.0",
        "CC BY-SA 3.0",
        "CC BY-SA 4.0",
        "CC0",
        "CDLA-Permissive-2.0",
        "CDLA-Sharing-1.0",
        "MIT",
        "OANC and others",
    }
)
"""Licences that let weights trained on the rows be passed on, also for money; no other row is read."""

HELD_OUT_PERCENT: Final = 6
"""Share of topics that are never trained on; calibration rests on them."""

QUOTAS: Final = {
    "kpa-arg": 2500,
    "kpa-kp-match": 1000,
    "perspectrum-irrelevant": 1500,
    "nixon-kennedy": 0,
    "conjnli": 8000,
}
"""Rows of a source per epoch. Sources of few statements are cut, so that statements weigh more alike;
in `nixon-kennedy` both sides are passages of speeches and neither is a statement."""

REPEATED: Final = {"ukpconvarg1": 2}
"""How often a row counts per epoch: long texts from debate portals are rare and most like comments."""

N_LONG: Final = 4000
"""Texts per epoch that are joined of two to four of one side, because comments are long."""
N_CROSSED: Final = 2500
"""Texts per epoch set against one of their own side and one of the other, instead of a claim."""
N_POINTS: Final = 1500
"""The same with key points of a topic."""
N_MINED: Final = 1500
"""Texts per epoch set beside a statement of another topic: they leave it open."""

Label = Literal["support", "oppose", "open"]
_LABELS: Final = {
    "support": "support",
    "oppose": "oppose",
    "neutral": "open",
    "entailment": "support",
    "contradiction": "oppose",
}
_OTHER: Final = {"support": "oppose", "oppose": "support"}


@dataclass(frozen=True, slots=True)
class Row:
    """A text, a statement, and what the first says to the second."""

    text: str
    statement: str
    label: Label
    source: str
    topic: str


@dataclass(frozen=True, slots=True)
class Contrast:
    """A text between two statements."""

    text: str
    statement: str
    other: str | None
    """What it opposes if it supports the statement, and the reverse; None where there is none."""
    label: Label = "support"
    is_exact: bool = True
    """Whether the text really supports or opposes the statement, and doesn't only lean to its side."""


@dataclass(slots=True)
class Corpus:
    """The rows that may be learnt from."""

    stances: list[Row] = field(default_factory=list)
    entailments: list[Row] = field(default_factory=list)
    n_refused: Counter[str] = field(default_factory=Counter)
    """Rows left out, by licence."""


def read_corpus(files: Iterable[Path]) -> Corpus:
    """Read JSON Lines (plain or gzip) of stance or entailment pairs, open licences only.

    Raises
    ------
    SettingsError
        At the first line that is neither, or if no row may be used.
    """
    corpus = Corpus()
    for file in files:
        with gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open("rt") as lines:
            for number, line in enumerate(lines, start=1):
                _take(corpus, line, f"{file} line {number}")
    if not corpus.stances:
        raise SettingsError(
            f"the data hold 0 stance pairs with an open licence ({', '.join(sorted(OPEN_LICENCES))}); give "
            "JSON Lines of text, statement, label, source, topic and licence."
        )
    return corpus


def held_out(corpus: Corpus) -> list[Contrast]:
    """Return every claim of the topics that are never trained on, its text between claim and negation."""
    rows = [row for row in corpus.stances if _is_held_out(row) and row.label in _OTHER]
    return [_contrast(row, *_plain_poles(row)) for row in rows if row.statement == row.topic]


def contrasts(corpus: Corpus, seed: int) -> list[Contrast]:
    """Return what one epoch learns from, drawn anew for every seed."""
    rng = random.Random(seed)
    rows = [row for row in corpus.stances if not _is_held_out(row)]
    sided = [row for row in rows if row.label in _OTHER]
    claims = [row for row in sided if row.statement == row.topic or row.statement in _written()]
    made = [_contrast(row, *_poles(row, rng)) for row in _quota(sided, rng)]
    made += _long(claims, rng)
    made += _crossed(claims, rng)
    made += _points(sided, rng)
    made += [_open(row.text, row, rng) for row in _quota(rows, rng) if row.label == "open"]
    made += _mined(claims, rng)
    return made


def entailments(corpus: Corpus, seed: int) -> list[Contrast]:
    """Return the pairs of the first stage: does a premise entail, contradict or leave open."""
    rng = random.Random(seed)
    return [Contrast(row.text, row.statement, None, row.label) for row in _quota(corpus.entailments, rng)]


def tidy(statement: str) -> str:
    """Return a debating club's motion as a plain statement.

    Examples
    --------
    >>> tidy("This house would ban boxing")
    'We should ban boxing'
    >>> tidy("This house believes that bribery is sometimes acceptable")
    'Bribery is sometimes acceptable'
    """
    text = " ".join(statement.replace("[Response to rebuttal]", "").split()).rstrip(".").strip()
    for pattern, put in (
        (r"this house believes in (.*)", r"We should support \1"),
        (r"this house believes (?:that )?(.*)", r"\1"),
        (r"(?:this house would|thw) (.*)", r"We should \1"),
        (r"this house supports (.*)", r"We should support \1"),
    ):
        text = re.sub(pattern, put, text, count=1, flags=re.IGNORECASE)
    return text[:1].upper() + text[1:]


def _take(corpus: Corpus, line: str, where: str) -> None:
    try:
        row: dict[str, Any] = json.loads(line)
        label, licence, source = _LABELS[row["label"]], row["licence"], row["source"]
        is_entailment = "premise" in row
        text = (
            row["premise"] if is_entailment else row["text"].replace("[Response to rebuttal]", "").strip(" `")
        )
        statement = row["hypothesis"] if is_entailment else row["statement"]
    except (ValueError, KeyError, TypeError, AttributeError) as cause:
        raise SettingsError(
            f"{where} is {line[:60]!r}; a line must be an object with text, statement (or premise, "
            "hypothesis), label, source and licence. Mend that line."
        ) from cause
    if licence not in OPEN_LICENCES:
        corpus.n_refused[licence] += 1
        return
    kept = Row(text, statement, label, source, row.get("topic", statement))  # type: ignore[arg-type]
    (corpus.entailments if is_entailment else corpus.stances).append(kept)


def _is_held_out(row: Row) -> bool:
    """Whether a topic's hash falls into the part that is kept aside; the same in every run."""
    if row.statement in _written():
        return False
    plain = re.sub(r"\W+", " ", row.topic.lower()).strip()
    return int(hashlib.sha1(plain.encode()).hexdigest(), 16) % 100 < HELD_OUT_PERCENT


def _quota(rows: Sequence[Row], rng: random.Random) -> list[Row]:
    by_source: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_source[row.source].append(row)
    kept: list[Row] = []
    for source, its in by_source.items():
        n = min(len(its), QUOTAS.get(source, len(its)))
        kept += rng.sample(its, n) * REPEATED.get(source, 1)
    return kept


def _contrast(row: Row, statement: str, other: str) -> Contrast:
    if row.label == "oppose":
        statement, other = other, statement
    return Contrast(row.text, statement, other)


def _plain_poles(row: Row) -> tuple[str, str]:
    statement = tidy(row.statement)
    return statement, negate(statement)


def _poles(row: Row, rng: random.Random) -> tuple[str, str]:
    """Return a row's statement and its opposite, worded differently each time."""
    written = _written().get(row.statement)
    if written is not None:
        return _reword(written[0], rng), _reword(written[1], rng)
    statement, other = _plain_poles(row)
    lower = statement[:1].lower() + statement[1:]
    chance = rng.random()
    if chance < 0.12:
        other = rng.choice(("It is not true that {}", "I oppose this: {}", "It is wrong that {}")).format(
            lower
        )
        if rng.random() < 0.5:
            statement = rng.choice(("It is true that {}", "I support this: {}", "I agree that {}")).format(
                lower
            )
    elif chance < 0.4 and (turned := opposite(statement)) is not None:
        other = turned
    elif chance > 0.95:
        statement, other = f"Yes, {lower}", f"No, {other[:1].lower()}{other[1:]}"
    return _reword(statement, rng), _reword(other, rng)


def _reword(statement: str, rng: random.Random) -> str:
    """Contract a "not", drop a capital, add a full stop: as people write statements."""
    if rng.random() < 0.3:
        for short, verb in CONTRACTIONS.items():
            if f" {verb} not " in statement:
                statement = statement.replace(f" {verb} not ", f" {short} ", 1)
                break
    if rng.random() < 0.1:
        statement = statement[:1].lower() + statement[1:]
    return statement + "." if rng.random() < 0.15 else statement


def _by_side(rows: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row.statement == row.topic:
            found[row.topic, row.label].append(row)
    return {side: its for side, its in found.items() if len(its) > 1}


def _long(rows: Sequence[Row], rng: random.Random) -> list[Contrast]:
    sides = _by_side(rows)
    made: list[Contrast] = []
    for side in _draw(sides, N_LONG, rng):
        joined = rng.sample(sides[side], min(len(sides[side]), rng.choice((2, 2, 3, 4))))
        text = " ".join(each.text.rstrip(" .") + "." for each in joined)
        whole = _contrast(joined[0], *_poles(joined[0], rng))
        made.append(Contrast(text, whole.statement, whole.other))
    return made


def _crossed(rows: Sequence[Row], rng: random.Random) -> list[Contrast]:
    sides = _by_side(rows)
    both = {side: its for side, its in sides.items() if (side[0], _OTHER[side[1]]) in sides}
    made: list[Contrast] = []
    for topic, label in _draw(both, N_CROSSED, rng):
        text, same = rng.sample(both[topic, label], 2)
        other = rng.choice(both[topic, _OTHER[label]])
        made.append(Contrast(text.text, same.text, other.text, is_exact=False))
    return made


def _points(rows: Sequence[Row], rng: random.Random) -> list[Contrast]:
    """Set texts between a key point that they make and one of the other side."""
    side_of = {row.text: (row.topic, row.label) for row in rows if row.statement == row.topic}
    points = [row for row in rows if row.statement != row.topic and row.text in side_of]
    known: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in points:
        known[side_of[row.text]].add(row.statement)
    made: list[Contrast] = []
    for row in rng.sample(points, min(N_POINTS, len(points))):
        topic, label = side_of[row.text]
        others = sorted(known.get((topic, _OTHER[label]), ()))
        if others:
            made.append(Contrast(row.text, row.statement, rng.choice(others), is_exact=False))
    return made


def _mined(rows: Sequence[Row], rng: random.Random) -> list[Contrast]:
    if len({row.topic for row in rows}) < 2:
        return []
    drawn = ((rng.choice(rows), rng.choice(rows)) for _ in range(N_MINED))
    return [_open(a.text, b, rng) for a, b in drawn if a.topic != b.topic]


def _open(text: str, row: Row, rng: random.Random) -> Contrast:
    return Contrast(text, rng.choice(_poles(row, rng)), None, "open")


def _draw(
    sides: dict[tuple[str, str], list[Row]], n: int, rng: random.Random, most: int = 12
) -> list[tuple[str, str]]:
    """Draw sides by their size, none as more than ``most``: few topics have hundreds of texts."""
    return rng.choices(list(sides), [min(len(its), most) for its in sides.values()], k=n) if sides else []


@cache
def _written() -> dict[str, list[str]]:
    """Return the poles of statements that no rule can turn round, written by hand."""
    found: dict[str, list[str]] = json.loads(
        resources.files("agents.stance").joinpath("poles.json").read_text("utf-8")
    )
    return found
