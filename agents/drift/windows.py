"""Windows of event time: the current one against the reference before it, in whole ticks.

The current window is the fewest newest ticks that hold enough comments, the reference the fewest
before it that hold ``ratio`` times as many. While a discussion is too young for that, "enough" is what
leaves the reference its ratio: one part of all there is to ``ratio`` parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Split", "blocks", "enough", "keep_from", "split"]


@dataclass(frozen=True, slots=True)
class Split:
    """Where the windows lie in a list of ticks: reference [start, middle), current [middle, end)."""

    start: int
    middle: int
    end: int


def enough(total: int, window: int, ratio: int) -> int:
    """Comments that the current window must hold, given all there are.

    Examples
    --------
    >>> enough(1000, window=200, ratio=4), enough(400, window=200, ratio=4)
    (200, 80)
    """
    return min(window, total // (1 + ratio))


def split(sizes: Sequence[int], window: int, ratio: int, least: int) -> Split | None:
    """Cut a list of ticks into the reference and the current window.

    Parameters
    ----------
    sizes
        Comments of each tick, oldest first.
    window
        Comments that the current window holds once it can, > 0.
    ratio
        How many times as many the reference holds.
    least
        Comments from which on there is anything to compare; full windows always are.

    Returns
    -------
    Split or None
        None while there are fewer comments than ``least``, or where the newest tick holds so many
        that nothing is left for a reference of its own size.

    Examples
    --------
    >>> split([5, 5, 5, 5, 5, 5], window=5, ratio=4, least=10)
    Split(start=1, middle=5, end=6)
    """
    total = sum(sizes)
    if total < min(least, (1 + ratio) * window):
        return None
    size = enough(total, window, ratio)
    middle = _reach_back(sizes, len(sizes), size)
    start = _reach_back(sizes, middle, ratio * size)
    if sum(sizes[start:middle]) < size:
        return None
    return Split(start, middle, len(sizes))


def blocks(sizes: Sequence[int], size: int, n_blocks: int) -> list[Split]:
    """Cut the newest ticks into blocks that hold enough each, newest first.

    Each block is the `Split` of nothing and its ticks. Blocks that can't be filled are left out.

    Examples
    --------
    >>> [(block.middle, block.end) for block in blocks([3, 1, 2, 3], size=3, n_blocks=3)]
    [(3, 4), (1, 3), (0, 1)]
    """
    found: list[Split] = []
    end = len(sizes)
    while len(found) < n_blocks and end > 0:
        begin = _reach_back(sizes, end, size)
        if sum(sizes[begin:end]) < size:
            break
        found.append(Split(begin, begin, end))
        end = begin
    return found


def keep_from(sizes: Sequence[int], window: int, ratio: int) -> int:
    """Index of the oldest tick that any window can still reach."""
    middle = _reach_back(sizes, len(sizes), window)
    return _reach_back(sizes, middle, ratio * window)


def _reach_back(sizes: Sequence[int], end: int, size: int) -> int:
    """Return the begin of the fewest ticks before ``end`` that hold ``size``, 0 if there aren't as many."""
    begin, held = end, 0
    while begin > 0 and held < size:
        begin -= 1
        held += sizes[begin]
    return begin
