"""Delivery to an agent without a state: what is confirmed is acknowledged at once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Protocol

from agents.agent import Emission, Message, Step
from streams.delivery import Delivery, message_of
from streams.road import Road

__all__ = ["StatelessDelivery"]


class PausingStep(Step[Message], Protocol):
    """An agent that can say that a partition fell silent."""

    def pause(self, partition: int, offset: int) -> Emission:
        """Return what says that the partition was read up to ``offset`` and stays silent."""
        ...


class StatelessDelivery(Delivery):
    """Hands the untouched messages of all partitions to one agent, and notes silence.

    A partition is silent when everything in it is confirmed and nothing came for
    ``delivery.pause_seconds``; one that is empty from the start is silent too.
    """

    def __init__(
        self, stage: str, topic: str, agent: PausingStep, road: Road, batch: int | None = None
    ) -> None:
        super().__init__(stage, topic, road, batch=batch)
        self._agent = agent
        self._heard_at: dict[int, float] = {}
        self._paused: set[int] = set()

    async def _work(self, events: Sequence[Any]) -> None:
        emissions = await self._run(self._agent.step, [message_of(event) for event in events])
        await self._send(emissions)
        await self._acknowledge(events)
        for event in events:
            self._heard_at[event.message.partition] = time.monotonic()
            self._paused.discard(event.message.partition)

    async def _tend(self) -> None:
        now = time.monotonic()
        topic = self._road.connection.topic(self.topic)
        for (name, partition), standing in self._road.offsets.all().items():
            if name != topic or partition in self._paused:
                continue
            silence = now - self._heard_at.setdefault(partition, now)
            if standing.lag == 0 and silence >= self._road.settings.pause_seconds:
                await self._send([self._agent.pause(partition, standing.end - 1)])
                self._paused.add(partition)

    def _forget(self) -> None:
        self._heard_at.clear()
        self._paused.clear()
