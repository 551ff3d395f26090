"""The key of a comment: its discussion, else its id; an edit or a retraction keeps that of the original."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from agents.agent import Emission
from agents.records import Comment

__all__ = ["MAX_KEYS", "Keys"]

MAX_KEYS: Final = 100_000
"""Comments whose key is remembered: as many as ASSIGN remembers by default."""


class Keys:
    """Gives comments their keys and remembers them.

    Parameters
    ----------
    n_partitions
        Partitions of ``comments``: a retraction of a comment that isn't remembered goes to all of
        them, since only the one that has it does anything about it.
    keyed_by_id
        Whether the deployment keys by id always (``topics.keyed_by_id``).
    home
        The partition of a comment that somebody else sent, where that is known.
    """

    def __init__(
        self,
        n_partitions: int,
        *,
        keyed_by_id: bool = False,
        max_keys: int = MAX_KEYS,
        home: Callable[[str], int | None] = lambda comment: None,
    ) -> None:
        self._n_partitions = n_partitions
        self._keyed_by_id = keyed_by_id
        self._max_keys = max_keys
        self._keys: OrderedDict[str, str] = OrderedDict()
        self._home = home

    def emissions(self, comment: Comment) -> list[Emission]:
        """Return what to send for a comment: one record, or one a partition for an unknown retraction."""
        home = None if self._keyed_by_id or comment.id in self._keys else self._home(comment.id)
        if home is not None:
            return [Emission("comments", comment.discussion or comment.id, comment, home)]
        key = self._key(comment)
        if key is None:
            return [
                Emission("comments", comment.id, comment, partition)
                for partition in range(self._n_partitions)
            ]
        return [Emission("comments", key, comment)]

    def _key(self, comment: Comment) -> str | None:
        if self._keyed_by_id:
            return comment.id
        known = self._keys.get(comment.id)
        if comment.deleted:
            return known or comment.discussion
        key = known or comment.discussion or comment.id
        if key != comment.id:
            self._keys[comment.id] = key
            self._keys.move_to_end(comment.id)
            if len(self._keys) > self._max_keys:
                self._keys.popitem(last=False)
        return key
