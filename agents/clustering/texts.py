"""Beginnings of recent texts: what the judge is shown as the comment that was answered."""

from __future__ import annotations

import msgspec

from agents.clustering.exemplars import shorten

__all__ = ["Texts"]

CHARACTERS = 500
"""Characters kept of a text."""


class Texts:
    """The last so many texts of a partition by the id of their comment.

    Examples
    --------
    >>> texts = Texts(1)
    >>> texts.remember("a", "first"); texts.remember("b", "second")
    >>> texts.find("a") is None, texts.find("b")
    (True, 'second')
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._texts: dict[str, str] = {}

    def find(self, comment: str | None) -> str | None:
        """Return the beginning of a text, or None where it isn't known (any more)."""
        return None if comment is None else self._texts.get(comment)

    def remember(self, comment: str, text: str) -> None:
        """Keep a text in the place of the oldest."""
        if not self._size:
            return
        self._texts.pop(comment, None)
        self._texts[comment] = shorten(text, CHARACTERS)
        if len(self._texts) > self._size:
            del self._texts[next(iter(self._texts))]

    def forget(self, comment: str) -> None:
        """Drop a retracted text."""
        self._texts.pop(comment, None)

    def snapshot(self) -> bytes:
        """Return the state as bytes."""
        return msgspec.msgpack.encode(self._texts)

    def restore(self, state: bytes) -> None:
        """Take over a state that `snapshot` gave."""
        self._texts = msgspec.msgpack.decode(state, type=dict[str, str])
