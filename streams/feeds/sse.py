"""Server-sent events, read as they arrive."""

from __future__ import annotations

from dataclasses import dataclass

from streams.feeds.lines import Splitter

__all__ = ["EventReader", "ServerEvent"]


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event: its kind and its data, the lines of which are joined."""

    kind: str
    data: bytes


class EventReader:
    r"""Makes events of the pieces of a stream; comments, which keep it alive, and ids are passed over.

    An event with a line longer than `streams.feeds.lines.MAX_LINE_BYTES` is left out.

    References
    ----------
    WHATWG HTML, section 9.2.6, "Interpreting an event stream".

    Examples
    --------
    >>> reader = EventReader()
    >>> reader.feed(b":thump\nevent: delete\nda"), reader.feed(b"ta: 12\n\n")
    ([], [ServerEvent(kind='delete', data=b'12')])
    """

    def __init__(self) -> None:
        self._lines = Splitter()
        self._kind = "message"
        self._data: list[bytes] = []
        self._is_broken = False

    def feed(self, piece: bytes) -> list[ServerEvent]:
        """Return the events that the piece completes."""
        if not piece:
            return []
        lines = self._lines.feed(piece)
        return [event for event in map(self._line, lines) if event is not None]

    def _line(self, line: bytes | None) -> ServerEvent | None:
        if line == b"":
            return self._dispatch()
        name, _, value = (line or b"").partition(b":")
        value = value.removeprefix(b" ")
        if line is None:
            self._is_broken = True
        elif name == b"event":
            self._kind = value.decode("utf-8", "replace")
        elif name == b"data":
            self._data.append(value)
        return None

    def _dispatch(self) -> ServerEvent | None:
        event = ServerEvent(self._kind, b"\n".join(self._data))
        is_whole = bool(self._data) and not self._is_broken
        self._kind, self._data, self._is_broken = "message", [], False
        return event if is_whole else None
