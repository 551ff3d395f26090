"""Standard input: lines as they come, or a page as a whole.

It is read in a thread of its own: a pipe, a terminal and a file behave the same, and whoever
interrupts the feed doesn't wait for the next line.
"""

from __future__ import annotations

import asyncio
import io
import os
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Final

from streams.feeds.feed import FeedError, Item, Position
from streams.feeds.files import MAX_PAGE_BYTES, Format, Options, detect, stream_items
from streams.feeds.jsonlines import Parse, parse_line, parsed
from streams.feeds.lines import Splitter, Utf8, is_utf16
from streams.feeds.reddit import RedditLines

__all__ = ["StandardInput"]

PIECE_BYTES: Final = 64 * 1024
_AHEAD: Final = 16
"""Pieces read ahead; then the writer at the other end waits."""


class StandardInput:
    """Comments from a file descriptor.

    Parameters
    ----------
    descriptor
        Where to read: 0 is standard input.
    """

    is_resumable = False
    name = "-"

    def __init__(self, options: Options, descriptor: int = 0) -> None:
        self._options = options
        self._descriptor = descriptor

    async def read(self, position: Position) -> AsyncGenerator[Item, None]:
        """Give the items; there is no going back to an earlier position."""
        async with aclosing(_pieces(self._descriptor)) as pieces:
            head = await anext(pieces, b"")
            kind = self._kind(head)
            is_lines = kind in ("jsonlines", "reddit") and not is_utf16(head)
            reading = self._lines if is_lines else self._whole
            async with aclosing(reading(kind, head, pieces)) as items:
                async for item in items:
                    yield item

    async def _whole(
        self, kind: Format, head: bytes, pieces: AsyncGenerator[bytes, None]
    ) -> AsyncGenerator[Item, None]:
        whole = bytearray(head)
        async for piece in pieces:
            whole += piece
            if len(whole) > MAX_PAGE_BYTES:
                raise FeedError(f"more than {MAX_PAGE_BYTES} bytes of a {kind}; feed it as a file.")
        for item in stream_items(io.BytesIO(whole), kind, self._options, {}):
            yield item

    def _kind(self, head: bytes) -> Format:
        if self._options.format is not None:
            return self._options.format
        return detect(head, "standard input", self._options.mapping) if head.strip() else "jsonlines"

    async def _lines(
        self, kind: Format, head: bytes, pieces: AsyncGenerator[bytes, None]
    ) -> AsyncGenerator[Item, None]:
        plain = partial(parse_line, mapping=self._options.mapping, source=self._options.source)
        parse: Parse = RedditLines() if kind == "reddit" else plain
        splitter, as_utf8, number, piece = Splitter(), Utf8(), 0, head
        while True:
            for raw in splitter.feed(piece):
                number += 1
                line = None if raw is None else as_utf8(raw)
                yield Item(parsed(line, parse, number), {"line": number})
            if not piece:
                return
            piece = await anext(pieces, b"")


async def _pieces(descriptor: int) -> AsyncGenerator[bytes, None]:
    loop = asyncio.get_running_loop()
    ready: asyncio.Queue[bytes | OSError] = asyncio.Queue()
    room = threading.Semaphore(_AHEAD)
    is_over = threading.Event()

    def tell(what: bytes | OSError) -> None:
        if not is_over.is_set():
            loop.call_soon_threadsafe(ready.put_nowait, what)

    def read() -> None:
        while not is_over.is_set():
            room.acquire()
            try:
                piece: bytes | OSError = os.read(descriptor, PIECE_BYTES)
            except OSError as error:
                piece = error
            tell(piece)
            if not piece or isinstance(piece, OSError):
                return

    threading.Thread(target=read, name="standard-input", daemon=True).start()
    try:
        while piece := await ready.get():
            room.release()
            if isinstance(piece, OSError):
                raise FeedError(f"standard input can't be read: {piece.strerror}.") from piece
            yield piece
    finally:
        is_over.set()
        room.release()
