"""What a query asks for, checked: the parameters that every JSON view shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Final

from streams.web.flow import Filter

__all__ = ["AskError", "Asked", "asked"]

BOUNDS: Final = {"limit": (1, 200), "offset": (0, 1_000_000), "points": (2, 500), "top": (1, 40)}
WINDOW_SECONDS: Final = (60, 366 * 86_400)
STATES: Final = ("live", "merged", "faded")


class AskError(ValueError):
    """A query that can't be answered; the message says which parameter and what it may be."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One query."""

    where: Filter = field(default_factory=Filter)
    window: float | None = None
    """Seconds of event time before the newest tick; None for all that is kept."""
    points: int = 160
    top: int = 12
    limit: int = 50
    offset: int = 0
    state: str = "live"
    cluster: str | None = None
    before: tuple[float, str] | None = None


NAMES: Final = {known.name for known in fields(Asked)} - {"where"} | {"discussion", "source"}


def asked(query: Mapping[str, str]) -> Asked:
    """Read a query.

    Raises
    ------
    AskError
        If a parameter is unknown or out of its bounds.

    Examples
    --------
    >>> asked({"limit": "10", "window": "3600"}).window
    3600.0
    """
    unknown = set(query) - NAMES
    if unknown:
        raise AskError(f"{min(unknown)!r} is no parameter; there are {', '.join(sorted(NAMES))}.")
    state = query.get("state", "live")
    if state not in STATES:
        raise AskError(f"state is {state[:40]!r}; it must be one of {', '.join(STATES)}.")
    numbers = {name: _number(query[name], name, *BOUNDS[name]) for name in BOUNDS if name in query}
    window = _number(query["window"], "window", *WINDOW_SECONDS) if query.get("window") else None
    return Asked(
        where=Filter(query.get("discussion") or None, query.get("source") or None),
        window=float(window) if window is not None else None,
        state=state,
        cluster=query.get("cluster") or None,
        before=_before(query["before"]) if query.get("before") else None,
        **numbers,
    )


def _number(text: str, name: str, least: int, most: int) -> int:
    """Read a whole number within its bounds."""
    value = int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None
    if value is None or not least <= value <= most:
        raise AskError(f"{name} is {text[:40]!r}; it must be a whole number in {least}..{most}.")
    return value


def _before(text: str) -> tuple[float, str]:
    """Read the ``next`` of a page of comments."""
    at, comma, comment_id = text.partition(",")
    try:
        seconds = float(at)
    except ValueError:
        comma = ""
        seconds = 0.0
    if not comma:
        raise AskError(f"before is {text[:40]!r}; it must be the 'next' of the page before.")
    return seconds, comment_id
