"""Bytes of a file, plain or compressed, as lines of a bounded length with the offset after each.

Lines come as UTF-8, whatever the file was saved in.
"""

from __future__ import annotations

import codecs
import gzip
import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from streams.feeds.feed import FeedError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["MAX_LINE_BYTES", "Splitter", "Utf8", "is_damage", "is_utf16", "open_bytes", "read_lines"]

logger = logging.getLogger(__name__)

MAX_LINE_BYTES: Final = 4 * 1024 * 1024
"""A longer line is refused without being held in memory; Kafka would take no more than 1 MB of it."""

_ZSTD_WINDOW_BYTES: Final = 2**31
"""Reddit dumps are written with ``zstd --long=31``; the default of the library refuses them."""

_SKIP_BYTES: Final = 1024 * 1024

_PACKED_BYTES: Final = 16 * 1024
"""A hostile file unpacks to some ten thousand times its size, and this much is unpacked at once."""


_STRAY: Final = {0xDC00 + byte: bytes([byte]).decode("cp1252", "replace") for byte in range(0x80, 0x100)}
"""From a byte that isn't UTF-8, as ``surrogateescape`` keeps it, to what it is in Windows-1252."""


@contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading, through ``.gz`` and ``.zst`` by its first bytes.

    Raises
    ------
    FeedError
        If the file can't be opened.
    """
    try:
        raw = path.open("rb")
    except OSError as error:
        raise FeedError(f"{path} can't be read: {error.strerror}. Check the path.") from error
    with raw:
        try:
            magic = raw.peek(4)[:4]
        except OSError as error:
            raise FeedError(f"{path} can't be read: {error.strerror}. Name a file.") from error
        yield _unpacked(raw, magic)


def _unpacked(raw: io.BufferedReader, magic: bytes) -> IO[bytes]:
    if magic[:2] == b"\x1f\x8b":
        return io.BufferedReader(gzip.GzipFile(fileobj=raw))
    if magic == b"\x28\xb5\x2f\xfd":
        return io.BufferedReader(_Zstandard(raw), _SKIP_BYTES)
    return raw


class _Zstandard(io.RawIOBase):
    """Frames of Zstandard as bytes; unlike the reader of the library it tells a file that was cut off."""

    def __init__(self, raw: IO[bytes]) -> None:
        import zstandard

        self._raw = raw
        self._frames = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES)
        self._frame = self._frames.decompressobj()
        self._ready = memoryview(b"")
        self._is_within = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        while not self._ready:
            packed = (self._frame.unused_data if self._frame.eof else b"") or self._raw.read(_PACKED_BYTES)
            if not packed:
                if self._is_within:
                    raise EOFError("it ends within a frame")
                return 0
            if self._frame.eof:
                self._frame = self._frames.decompressobj()
            self._ready = memoryview(self._frame.decompress(packed))
            self._is_within = not self._frame.eof
        target = memoryview(buffer).cast("B")
        n_bytes = min(len(target), len(self._ready))
        target[:n_bytes] = self._ready[:n_bytes]
        self._ready = self._ready[n_bytes:]
        return n_bytes


class _Utf16(io.RawIOBase):
    """UTF-16 with a byte order mark as UTF-8 without one."""

    def __init__(self, packed: IO[bytes]) -> None:
        self._packed = packed
        self._decoder = codecs.getincrementaldecoder("utf-16")("replace")
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        target = memoryview(buffer).cast("B")
        while not self._ready and (packed := self._packed.read(_PACKED_BYTES)):
            self._ready = self._decoder.decode(packed).encode("utf-8", "replace")
        n_bytes = min(len(target), len(self._ready))
        target[:n_bytes], self._ready = self._ready[:n_bytes], self._ready[n_bytes:]
        return n_bytes


def is_utf16(head: bytes) -> bool:
    """Say whether bytes open with a byte order mark of UTF-16."""
    return head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))


class Utf8:
    """Gives lines as UTF-8; bytes that aren't are taken for Windows-1252, of which a warning tells once."""

    def __init__(self) -> None:
        self._has_told = False

    def __call__(self, line: bytes) -> bytes:
        """Return a line as UTF-8.

        Examples
        --------
        >>> Utf8()("grün".encode("cp1252")).decode()
        'grün'
        """
        try:
            line.decode()
        except UnicodeDecodeError as error:
            if not self._has_told:
                self._has_told = True
                logger.warning(
                    "not UTF-8, read as Windows-1252", extra={"byte": f"0x{line[error.start]:02x}"}
                )
            return line.decode("utf-8", "surrogateescape").translate(_STRAY).encode()
        return line


def read_lines(stream: IO[bytes], offset: int = 0) -> Iterator[tuple[bytes | None, int]]:
    """Give the lines after an offset as UTF-8, without their end, each with the offset after it.

    A line longer than `MAX_LINE_BYTES` comes as None.

    Parameters
    ----------
    stream
        Bytes, from their beginning.
    offset
        Bytes to pass over, >= 0, counted in the decompressed stream, of UTF-16 once it is UTF-8.

    Raises
    ------
    FeedError
        If a compressed stream is damaged.
    """
    as_utf8 = Utf8()
    try:
        stream = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(stream)  # type: ignore[type-var]
        if is_utf16(stream.peek(2)):
            stream = io.BufferedReader(_Utf16(stream))
        _skip(stream, offset)
        while line := stream.readline(MAX_LINE_BYTES + 1):
            offset += len(line)
            if len(line) <= MAX_LINE_BYTES:
                yield as_utf8(line.rstrip(b"\r\n")), offset
                continue
            while line and not line.endswith(b"\n"):
                line = stream.readline(_SKIP_BYTES)
                offset += len(line)
            yield None, offset
    except Exception as error:
        if not is_damage(error):
            raise
        raise _damaged(offset, error) from error


def _skip(stream: IO[bytes], n_bytes: int) -> None:
    if n_bytes and isinstance(stream, io.BufferedReader) and isinstance(stream.raw, io.FileIO):
        stream.seek(n_bytes)
        return
    while n_bytes > 0 and (passed := len(stream.read(min(n_bytes, _SKIP_BYTES)))):
        n_bytes -= passed


def is_damage(error: Exception) -> bool:
    """Say whether an error comes from bytes that can't be read or unpacked, not from a mistake of ours."""
    packers = {"zstandard", "zlib", "zstd"}
    return isinstance(error, (OSError, EOFError)) or type(error).__module__.partition(".")[0] in packers


def _damaged(offset: int, error: Exception) -> FeedError:
    return FeedError(
        f"the file is damaged after {offset} bytes: {error}. Fetch it again; feeding goes on from there."
    )


class Splitter:
    """Splits bytes that arrive in pieces into lines; one longer than `MAX_LINE_BYTES` comes as None."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._is_too_long = False

    def feed(self, piece: bytes) -> list[bytes | None]:
        """Return the lines that the piece completes, without their end; an empty piece ends the last one."""
        if not piece:
            last = bytes(self._rest)
            self._rest.clear()
            return [None] if self._is_too_long else [last] if last else []
        *whole, rest = piece.split(b"\n")
        lines: list[bytes | None] = []
        for end in whole:
            self._rest += end
            too_long = self._is_too_long or len(self._rest) > MAX_LINE_BYTES
            lines.append(None if too_long else bytes(self._rest).rstrip(b"\r"))
            self._rest.clear()
            self._is_too_long = False
        self._rest += rest
        if len(self._rest) > MAX_LINE_BYTES:
            self._rest.clear()
            self._is_too_long = True
        return lines
