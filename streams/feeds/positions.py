"""Where a feed stands, kept in a file that is replaced as a whole after every confirmed batch."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec

from streams.feeds.feed import FeedError, Position

__all__ = ["Kept", "PositionFile", "default_folder"]

FORMAT: Final = 1


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What a feed has to remember to go on without doubles.

    Parameters
    ----------
    position
        Where the source was read to; everything up to there is confirmed.
    offsets
        Offsets of ``comments`` by partition, at or before the first record that may have been
        written after that: what lies behind them is looked through before going on.
    sent
        Comments sent up to the position, over all runs.
    """

    source: str
    deployment: str
    position: Position
    offsets: dict[str, int]
    sent: int = 0
    v: int = FORMAT


class PositionFile:
    """One source's position in one deployment.

    Parameters
    ----------
    path
        Where to keep it; the folder is made.
    source
        Name of the feed.
    deployment
        Cluster and topic that it goes to.
    """

    def __init__(self, path: Path, source: str, deployment: str) -> None:
        self.path = path
        self._source = source
        self._deployment = deployment

    @classmethod
    def of(cls, source: str, deployment: str, folder: Path) -> PositionFile:
        """Return the file of a source and a deployment in a folder."""
        digest = blake2b(f"{source}\0{deployment}".encode("utf-8", "surrogateescape"), digest_size=12)
        return cls(folder / f"{digest.hexdigest()}.json", source, deployment)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep others from feeding the same source to the same deployment meanwhile.

        Raises
        ------
        FeedError
            If another feed does, or the folder can't be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = self.path.with_suffix(".lock").open("w")
        except OSError as error:
            raise self._unwritable(error) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise FeedError(f"{self._source} is being fed already; end that feed first.") from error
            yield

    def load(self) -> Kept | None:
        """Return what was kept, None where nothing was or it belongs to another source or deployment.

        Raises
        ------
        FeedError
            If the file isn't what `save` wrote.
        """
        try:
            kept = msgspec.json.decode(self.path.read_bytes(), type=Kept)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise FeedError(f"{self.path} keeps no position: {error}. Feed with --from-start.") from error
        is_ours = (kept.source, kept.deployment, kept.v) == (self._source, self._deployment, FORMAT)
        return kept if is_ours else None

    def save(self, position: Position, offsets: dict[str, int], sent: int) -> None:
        """Keep a position in place of the last one.

        Raises
        ------
        FeedError
            If the disk refuses.
        """
        kept = Kept(
            source=self._source, deployment=self._deployment, position=position, offsets=offsets, sent=sent
        )
        new = self.path.with_suffix(".new")
        try:
            new.write_bytes(msgspec.json.encode(kept))
            new.replace(self.path)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> FeedError:
        return FeedError(f"{self.path} can't be written: {error.strerror}. Name another with --position.")


def default_folder() -> Path:
    """Return where positions are kept: below ``XDG_STATE_HOME``, by default ``~/.local/state``."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "groundswell" / "feeds"
