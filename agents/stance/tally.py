"""What one open tick holds: signed counts of sides and the comments that show each best."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from agents.charting.exemplars import readability
from agents.records import Exemplar, Side, StanceDelta

__all__ = ["EXEMPLAR_CHARACTERS", "Tally", "aptness"]

EXEMPLAR_CHARACTERS: Final = 280
"""Characters of a comment that shows a side; enough to read which one it is."""

Place = tuple[str, str, Side]
"""Target, micro-cluster, side."""


def aptness(shown: Exemplar) -> float:
    """Return how well a comment shows a side, 0..1: how surely it takes it, less where it reads badly alone.

    Examples
    --------
    >>> curt = Exemplar(id="a", text="YES TRAM", similarity=0.86)
    >>> said = Exemplar(id="b", text="I'd take a tram over a car any day. Bring it", similarity=0.68)
    >>> aptness(said) > aptness(curt)
    True
    """
    return shown.similarity * (0.5 + 0.5 * readability(shown.text))


class Tally(msgspec.Struct):
    """The counts of one tick of one partition; they add up.

    Examples
    --------
    >>> tally = Tally()
    >>> tally.count(("pact", "0-1", "favor"), Exemplar(id="a", text="Good!", similarity=0.9), exemplars=3)
    >>> tally.take_back("b", "0-2", {"pact": "against"})
    >>> [(delta.side, delta.count) for delta in tally.deltas()]
    [('favor', 1), ('against', -1)]
    """

    counts: dict[Place, int] = {}
    shown: dict[Place, list[Exemplar]] = {}
    retracted: dict[str, None] = {}

    def count(self, place: Place, shown: Exemplar, exemplars: int) -> None:
        """Count a comment on a side, and show it while it is one of those that show it best.

        Parameters
        ----------
        shown
            The comment; its ``similarity`` is the confidence of the judgement.
        exemplars
            Comments shown of a side, >= 0. Nobody is shown for `none`.
        """
        self.counts[place] = self.counts.get(place, 0) + 1
        if place[2] != "none":
            self._show(place, [shown], exemplars)

    def take_back(self, id: str, micro: str, sides: Mapping[str, Side]) -> None:
        """Count a comment off the sides that it was counted on, and tell the chart to show it no longer."""
        for target, side in sides.items():
            place = (target, micro, side)
            self.counts[place] = self.counts.get(place, 0) - 1
        self.retracted[id] = None

    def forget(self, id: str) -> None:
        """Show a comment no longer."""
        for place, shown in self.shown.items():
            self.shown[place] = [each for each in shown if each.id != id]

    def add(self, other: Tally, exemplars: int) -> None:
        """Add another tick's counts to this one's."""
        for place, count in other.counts.items():
            self.counts[place] = self.counts.get(place, 0) + count
        for place, shown in other.shown.items():
            self._show(place, shown, exemplars)
        self.retracted.update(other.retracted)

    def deltas(self) -> list[StanceDelta]:
        """Return what changed, in the order of target, micro-cluster and first count."""
        return [
            StanceDelta(
                target=place[0],
                micro=place[1],
                side=place[2],
                count=count,
                exemplars=tuple(self.shown.get(place, ())),
            )
            for place, count in sorted(self.counts.items(), key=lambda each: each[0][:2])
            if count or self.shown.get(place)
        ]

    def _show(self, place: Place, more: list[Exemplar], exemplars: int) -> None:
        all_of_them = [*self.shown.get(place, ()), *more]
        self.shown[place] = sorted(all_of_them, key=lambda each: (-aptness(each), each.id))[:exemplars]
