"""The first comments of micro-clusters that have no cluster yet: published again once they have one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import msgspec

from agents.records import Assignment, Placement

__all__ = ["Waiting"]

MOST = 16
"""First comments of a micro-cluster that wait: well above the weight at which a cluster is published."""


class Waiting:
    """Assignments without a cluster, by the id of their micro-cluster."""

    def __init__(self) -> None:
        self._waiting: dict[str, dict[str, Assignment]] = {}

    def add(self, assignment: Assignment) -> None:
        """Keep an assignment, if it is among the first of its micro-cluster."""
        kept = self._waiting.setdefault(assignment.micro, {})
        if len(kept) < MOST:
            kept[assignment.id] = assignment

    def drop(self, micro: str, comment: str) -> None:
        """Forget a comment that was edited or retracted."""
        kept = self._waiting.get(micro)
        if kept is not None:
            kept.pop(comment, None)

    def give_up(self, micros: Collection[str]) -> None:
        """Forget micro-clusters that are live no more: nobody will place them."""
        for micro in micros:
            self._waiting.pop(micro, None)

    def placed(self, placements: Mapping[str, Placement]) -> Iterator[Assignment]:
        """Yield what can be published again, now with its cluster, and forget it."""
        for micro in [micro for micro in self._waiting if micro in placements]:
            placement = placements[micro]
            for assignment in self._waiting.pop(micro).values():
                yield msgspec.structs.replace(
                    assignment, cluster=placement.cluster, chart_tick=placement.since
                )

    def snapshot(self) -> bytes:
        """Return the state as bytes."""
        return msgspec.msgpack.encode(self._waiting)

    def restore(self, state: bytes) -> None:
        """Take over a state that `snapshot` gave."""
        self._waiting = msgspec.msgpack.decode(state, type=dict[str, dict[str, Assignment]])
