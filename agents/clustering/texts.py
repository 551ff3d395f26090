"""Recent texts, and what they are about: what is known of a comment that another one answers."""

from __future__ import annotations

import msgspec

from agents.clustering.exemplars import shorten

__all__ = ["Texts"]

CHARACTERS = 500
"""Characters kept of a text."""


class _Text(msgspec.Struct, frozen=True, array_like=True, gc=False):
    text: str
    about: dict[str, float]


class Texts:
    """The last so many texts of a partition by the id of their comment.

    Examples
    --------
    >>> texts = Texts(1)
    >>> texts.remember("a", "first", {}); texts.remember("b", "second", {"pact": 0.9})
    >>> texts.find("a") is None, texts.find("b"), texts.about("b")
    (True, 'second', {'pact': 0.9})
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._texts: dict[str, _Text] = {}

    def find(self, comment: str | None) -> str | None:
        """Return the beginning of a text, or None where it isn't known (any more)."""
        known = None if comment is None else self._texts.get(comment)
        return None if known is None else known.text

    def about(self, comment: str | None) -> dict[str, float]:
        """Return how probably a text is about each target, nothing where it isn't known (any more)."""
        known = None if comment is None else self._texts.get(comment)
        return {} if known is None else known.about

    def remember(self, comment: str, text: str, about: dict[str, float]) -> None:
        """Keep a text, and how probably it is about each target, in the place of the oldest."""
        if not self._size:
            return
        self._texts.pop(comment, None)
        self._texts[comment] = _Text(shorten(text, CHARACTERS), about)
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
        self._texts = msgspec.msgpack.decode(state, type=dict[str, _Text])
