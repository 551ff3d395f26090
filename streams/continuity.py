"""Whether what a stage with a state reads goes on where its state ends; where not, records would be lost."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from agents.errors import RoadError, StateError
from streams.offsets import Offsets

__all__ = ["Input"]

logger = logging.getLogger(__name__)


class Input:
    """The topic that a stage with a state reads.

    Parameters
    ----------
    stage
        Name of the agent.
    topic
        Full name of the topic.
    offsets
        Asks the broker.
    """

    def __init__(self, stage: str, topic: str, offsets: Offsets) -> None:
        self._stage = stage
        self._topic = topic
        self._offsets = offsets

    async def must_be_new(self, partition: int) -> None:
        """Refuse to begin from nothing where input was acknowledged before.

        Raises
        ------
        StateError
            If it was.
        """
        await self._offsets.ask()
        standing = self._offsets.standing(self._topic, partition)
        if standing is not None and standing.committed:
            raise StateError(
                f"{self._stage} has acknowledged {self._topic} up to offset {standing.committed} on "
                f"partition {partition}, but its checkpoint is gone. Choose a new topics.prefix and replay."
            )

    async def must_reach(self, partition: int, included: int) -> None:
        """Refuse a topic that ends before what the state includes: what is written next would be skipped.

        Raises
        ------
        StateError
            If it does.
        """
        end = await self._offsets.end(self._topic, partition)
        if included >= end:
            raise StateError(
                f"{self._topic} ends at offset {end} on partition {partition}, but the checkpoint of "
                f"{self._stage} includes offset {included}: the topic was made anew or has lost records. "
                "Choose a new topics.prefix and replay."
            )

    async def must_follow(self, partition: int, included: int, offsets: Iterable[int]) -> None:
        """Refuse to step over records that are there and were not delivered.

        What a stage reads is written without transactions and never compacted: nothing but
        retention makes holes in its offsets.

        Parameters
        ----------
        included
            Last offset that was stepped, -1 for none.
        offsets
            Those that come next, in their order.

        Raises
        ------
        RoadError
            If records between them are still there.
        """
        expected = included + 1
        for offset in offsets:
            if offset != expected:
                await self._must_be_deleted(partition, expected, offset)
            expected = offset + 1

    async def _must_be_deleted(self, partition: int, expected: int, found: int) -> None:
        begin = await self._offsets.beginning(self._topic, partition)
        if begin < found:
            raise RoadError(
                f"{self._stage} was given offset {found} of {self._topic} on partition {partition} where "
                f"{max(expected, begin)} comes next. Start the worker again: it goes on from its checkpoint; "
                "nothing after it was acknowledged."
            )
        if expected > 0:
            logger.warning(
                "records deleted before they were read",
                extra={
                    "stage": self._stage,
                    "partition": partition,
                    "offset": expected,
                    "before": found,
                },
            )
