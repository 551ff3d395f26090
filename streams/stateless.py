"""Delivery to an agent without a state: what is confirmed is acknowledged at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Iterable, Sequence
from typing import Any, Protocol

from agents.agent import Emission, Message, Step
from streams.delivery import Delivery, let_go, message_of
from streams.road import Road

__all__ = ["StatelessDelivery"]


class PausingStep(Step[Message], Protocol):
    """An agent that can say that a partition fell silent."""

    def pause(self, partition: int, offset: int) -> Emission:
        """Return what says that the partition was read up to ``offset`` and stays silent."""
        ...


class StatelessDelivery(Delivery):
    """Hands the untouched messages of all partitions to one agent, and notes silence.

    While the agent works on one batch it is given the next, so the encoder never waits for what comes
    before and after it. Batches leave and are acknowledged in their order, and never more than two are
    under way.

    A partition is silent when everything in it is confirmed and nothing came for
    ``delivery.pause_seconds``; one that is empty from the start is silent too.
    """

    def __init__(
        self, stage: str, topic: str, agent: PausingStep, road: Road, batch: int | None = None
    ) -> None:
        super().__init__(stage, topic, road, batch=batch, threads=2)
        self._agent = agent
        self._heard_at: dict[int, float] = {}
        self._paused: set[int] = set()
        self._sending: asyncio.Task[None] | None = None

    async def _work(self, events: Sequence[Any]) -> None:
        started = time.monotonic()
        self._hear(events)
        messages = [message_of(event) for event in events]
        thinking = asyncio.create_task(self._run(self._agent.step, messages))
        try:
            await self._sent()
        except BaseException:
            let_go(thinking)
            raise
        self._sending = asyncio.create_task(self._confirm(events, thinking, started))

    async def _confirm(
        self, events: Sequence[Any], thinking: Awaitable[Iterable[Emission]], started: float
    ) -> None:
        await self._send(await thinking)
        await self._acknowledge(events)
        self._hear(events)
        self._processed(events, started)

    def _hear(self, events: Sequence[Any]) -> None:
        """Note that these partitions are not silent."""
        partitions = {event.message.partition for event in events}
        self._heard_at |= dict.fromkeys(partitions, time.monotonic())
        self._paused -= partitions

    async def _sent(self) -> None:
        """Wait for the batch that is under way, and raise what stopped it."""
        if self._sending is not None:
            await self._sending
            self._sending = None

    async def _tend(self) -> None:
        if self._sending is not None and self._sending.done():
            await self._sent()
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
        let_go(self._sending)
        self._sending = None
        self._heard_at.clear()
        self._paused.clear()
