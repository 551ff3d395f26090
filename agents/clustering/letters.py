r"""What a word is made of in any script.

Python's ``\w`` leaves out the marks that many scripts write over, under and beside their letters: vowels
in Hindi or Bengali, tones in Thai, points in Arabic and Hebrew. A word that is cut there is none.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from itertools import groupby

__all__ = ["UNSPACED", "has_marks", "marked", "marks", "overlapped", "pairs"]

UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+"
)
"""Letters of scripts that write no spaces between words."""

FIRST, LAST = 0x0300, 0xFE2F
"""Where marks lie; the rest are those of musical notes and dead languages."""

_JOINERS = "\u200c\u200d"
"""Without width: they join or part the letters of one word in Persian and in Indian scripts."""


@cache
def marks() -> str:
    """Return the marks as ranges for a class of a regular expression."""
    found = [code for code in range(FIRST, LAST + 1) if unicodedata.category(chr(code)) in {"Mn", "Mc"}]
    runs = [[code for _, code in run] for _, run in groupby(enumerate(found), lambda each: each[1] - each[0])]
    return _JOINERS + "".join(f"{chr(run[0])}-{chr(run[-1])}" for run in runs)


def has_marks(text: str) -> bool:
    """Return whether a text has a mark that stands by itself."""
    return not text.isascii() and _a_mark().search(text) is not None


def marked(letter: str) -> str:
    """Return an expression for letters, given the one for a letter, each with its marks."""
    return f"(?:{letter}[{marks()}]*)+"


def pairs(run: str) -> list[str]:
    """Return the pairs of neighbouring letters, each with its marks; a single letter is given alone.

    Examples
    --------
    >>> pairs("日本語"), pairs("ที่กรุง")
    (['日本', '本語'], ['ที่ก', 'กรุ', 'รุง'])
    """
    letters = _a_letter().findall(run)
    return ["".join(letters[i : i + 2]) for i in range(max(1, len(letters) - 1))]


def overlapped(parts: Sequence[str]) -> str:
    """Return the run that pairs were cut from, each of which begins with the last letter of the one before.

    Examples
    --------
    >>> overlapped(["日本", "本語"]), overlapped(["ที่ก", "กรุ", "รุง"])
    ('日本語', 'ที่กรุง')
    """
    return "".join([parts[0], *(_a_letter().findall(part)[-1] for part in parts[1:])])


@cache
def _a_mark() -> re.Pattern[str]:
    return re.compile(f"[{marks()}]")


@cache
def _a_letter() -> re.Pattern[str]:
    return re.compile(f".[{marks()}]*", re.DOTALL)
