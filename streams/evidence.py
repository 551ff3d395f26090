"""What an audit looks at and what it says: the records of one deployment, the findings, the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from agents.agent import Message

__all__ = ["Check", "Evidence", "Finding", "Log", "Report"]

Check = Literal[
    "missing",  # a comment has no assignment
    "unsent",  # an assignment has no comment
    "retracted",  # a retracted comment is still there
    "doubled",  # one comment has two places
    "altered",  # an assignment does not say what its comment says
    "miscounted",  # a count differs from the recount
    "gap",  # a sketch is missing from the sequence, or one number has two contents
    "early",  # an offset was committed before what follows from it was confirmed
]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be."""

    check: Check
    subject: str
    """Which comment, cluster or partition."""
    said: str
    """What was found and what should be there."""

    def __str__(self) -> str:
        """Return one line."""
        return f"{self.check}: {self.subject}: {self.said}"


@dataclass(frozen=True, slots=True)
class Log:
    """What one topic keeps."""

    messages: Sequence[Message] = ()
    """In the order of each partition."""
    begins: Mapping[int, int] = field(default_factory=dict)
    """First offset that is kept, by partition."""

    @property
    def is_complete(self) -> bool:
        """Whether retention has dropped nothing."""
        return not any(self.begins.values())


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was read of one deployment, by the names of its topics."""

    comments: Log = Log()
    rejected: Log = Log()
    embedded: Log = Log()
    assignments: Log = Log()
    judgements: Log = Log()
    placements: Log = Log()
    clusters: Log = Log()
    sketches: Log = Log()
    committed: Mapping[tuple[str, int], int] = field(default_factory=dict)
    """Next offset to be read, by topic and partition; read before everything else."""
    checkpoints: Mapping[tuple[str, int], int] = field(default_factory=dict)
    """Last input offset that is included, by agent and partition."""


@dataclass(frozen=True, slots=True)
class Report:
    """What the audit found and how much it looked at."""

    findings: Sequence[Finding]
    counts: Mapping[str, int]
    notes: Sequence[str] = ()
    """What could not be judged, and why."""

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not self.findings
