"""How the worker is: what the page, ``/readyz`` and ``/status`` say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Readiness"]


@dataclass(frozen=True, slots=True)
class Readiness:
    """The state of a worker at one moment."""

    is_ready: bool
    """Whether it works: model loaded, broker reached, partitions assigned, state restored."""
    reasons: tuple[str, ...] = ()
    """What is missing, one sentence each with the remedy; empty where it is ready."""
    lag: int | None = None
    """Comments that wait to be read, >= 0; None where it isn't known."""
    behind_seconds: float | None = None
    """Age of the oldest comment that waits, in seconds, >= 0; None where it isn't known."""
    details: Mapping[str, object] = field(default_factory=dict)
    """Anything else that ``/status`` shows; plain values only."""
