"""Micro-clusters that the chart hasn't placed yet: which topic they most probably belong to.

A story that breaks is talked about before the next tick closes. So a comment that founds a
micro-cluster is compared with the topics that there are as the chart compares groups, and is given
to the one that it is most clearly part of; where there is none it may be the first of a new topic,
which bears the founder's name, here and in the chart. What the chart says later holds: the first
comments are published again then.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

import msgspec
import numpy as np

from agents.charting.macro import needed
from agents.charting.settings import ChartingSettings
from agents.clustering.block import Kinship
from agents.records import Assignment, Placement

__all__ = ["Newcomers", "cluster_id"]

MOST = 16
"""First comments of a micro-cluster that are published again: well above the weight of a cluster."""

DOUBT = 0.05
"""What a topic of one comment has to be nearer than a large one, whose mean is surer: it falls with the
root of its comments, as a standard error does; from 0.03 to 0.08 little changes."""


def cluster_id(founder: str) -> str:
    """Return the public id of the cluster that a micro-cluster gives its name.

    Examples
    --------
    >>> cluster_id("0-42")
    'c0-42'
    """
    return f"c{founder}"


class _Newcomer(msgspec.Struct):
    kin: str
    """Micro-cluster whose topic it shares: one that was placed, or the founder of a new one."""
    n_comments: int = 0
    first: dict[str, Assignment] = {}


class Newcomers:
    """The micro-clusters of one partition that have no place yet.

    Parameters
    ----------
    settings
        How the chart groups.
    placements
        The latest placement of every micro-cluster, by its id; kept up to date by the caller.
    name
        Gives the id of a micro-cluster by its number.
    """

    def __init__(
        self, settings: ChartingSettings, placements: Mapping[str, Placement], name: Callable[[int], str]
    ) -> None:
        self._name = name
        self._settings = settings
        self._placements = placements
        self._newcomers: dict[str, _Newcomer] = {}
        self._comments: dict[str, int] = {}
        """Comments that share each kin, those of micro-clusters that were given up in this tick too."""
        self._topics: dict[str, int] = {}
        """A code for every topic."""
        self._codes: dict[int, int] = {}
        """The code of the topic of every micro-cluster, by number."""

    def look(self) -> None:
        """Read the placements anew; what they say is taken to hold until the next call."""
        self._topics.clear()
        self._codes.clear()

    def relate(self, number: int, kinship: Kinship) -> None:
        """Decide which topic a micro-cluster most probably belongs to, unless it has a place."""
        micro = self._name(number)
        if micro in self._placements:
            return
        newcomer = self._newcomers.setdefault(micro, _Newcomer(micro))
        self._count(newcomer, -newcomer.n_comments)
        newcomer.kin = self._kin(kinship) or micro
        self._count(newcomer, newcomer.n_comments)
        self._codes.pop(number, None)

    def add(self, micro: str) -> str | None:
        """Count a comment and return the cluster that it belongs to, None where it belongs to none yet."""
        placement = self._placements.get(micro)
        if placement is not None:
            return placement.cluster
        newcomer = self._newcomers.setdefault(micro, _Newcomer(micro))
        newcomer.n_comments += 1
        self._count(newcomer, 1)
        kin = self._placements.get(newcomer.kin)
        if kin is not None:
            return kin.cluster
        is_enough = self._comments[newcomer.kin] >= self._settings.minimum_weight
        return cluster_id(newcomer.kin) if is_enough else None

    def keep(self, assignment: Assignment) -> None:
        """Keep an assignment for when the chart places it, if it is among the first of its micro-cluster."""
        newcomer = self._newcomers.get(assignment.micro)
        if newcomer is not None and len(newcomer.first) < MOST:
            newcomer.first[assignment.id] = assignment

    def drop(self, micro: str, comment: str) -> None:
        """Forget a comment that was edited or retracted."""
        newcomer = self._newcomers.get(micro)
        if newcomer is not None:
            newcomer.first.pop(comment, None)
            newcomer.n_comments -= 1
            self._count(newcomer, -1)

    def give_up(self, micros: Collection[str]) -> None:
        """Forget micro-clusters that are live no more: nobody will place them."""
        for micro in micros:
            self._newcomers.pop(micro, None)

    def end_tick(self) -> None:
        """Let what was given up weigh no more: here and not at once, so that no batch feels it sooner."""
        self._comments = {}
        for newcomer in self._newcomers.values():
            self._count(newcomer, newcomer.n_comments)

    def placed(self) -> Iterator[Assignment]:
        """Yield what can be published again, now with the chart's cluster, and forget it."""
        for micro in [micro for micro in self._newcomers if micro in self._placements]:
            placement = self._placements[micro]
            for assignment in self._newcomers.pop(micro).first.values():
                yield msgspec.structs.replace(
                    assignment, cluster=placement.cluster, chart_tick=placement.since
                )

    def _count(self, newcomer: _Newcomer, n: int) -> None:
        self._comments[newcomer.kin] = self._comments.get(newcomer.kin, 0) + n

    def _kin(self, kinship: Kinship) -> str | None:
        """Return the kin of the topic that a comment is most clearly part of, None where there is none.

        The mean similarity to all comments of a topic counts, less what it takes to be grouped with it.
        """
        numbers = kinship.numbers.tolist()
        if not numbers:
            return None
        known = self._codes
        codes = [known[number] if number in known else self._code(number) for number in numbers]
        nearness = kinship.similarities * np.exp(-kinship.silences / self._settings.gap_seconds)
        counts = np.maximum(np.bincount(codes, kinship.counts), 1)
        similar = np.bincount(codes, nearness * kinship.counts) / counts - DOUBT / np.sqrt(counts)
        weights = np.bincount(codes, kinship.weights)
        scale = 1.0 - kinship.concentration
        margins = similar - needed(
            weights / weights.sum(),
            scale * self._settings.group_above + self._settings.granularity,
            scale * self._settings.share_weight,
        )
        margins[np.bincount(codes) == 0] = -np.inf
        best = int(margins.argmax())
        return self._kin_of(self._name(numbers[codes.index(best)])) if margins[best] >= 0 else None

    def _code(self, number: int) -> int:
        """Return the code of a micro-cluster's topic."""
        micro = self._name(number)
        placement = self._placements.get(micro)
        if placement is None:
            micro = self._kin_of(micro)
            placement = self._placements.get(micro)
        topic = cluster_id(micro) if placement is None else placement.cluster
        code = self._codes[number] = self._topics.setdefault(topic, len(self._topics))
        return code

    def _kin_of(self, micro: str) -> str:
        """Return the micro-cluster whose topic another shares: itself where it has a place."""
        newcomer = self._newcomers.get(micro)
        return micro if newcomer is None or micro in self._placements else newcomer.kin

    def snapshot(self) -> bytes:
        """Return the state as bytes."""
        return msgspec.msgpack.encode((self._newcomers, self._comments))

    def restore(self, state: bytes) -> None:
        """Take over a state that `snapshot` gave."""
        self._newcomers, self._comments = msgspec.msgpack.decode(
            state, type=tuple[dict[str, _Newcomer], dict[str, int]]
        )
