"""Faust as we run it: without folders, with fetches that fit the embedded broker, and with a full rewind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import faust
from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.transport.drivers import aiokafka as driver

from streams.broker import FETCH_WAIT_MS

__all__ = ["App", "rewind"]


class App(faust.App):  # type: ignore[misc]  # Faust has no types here
    """Faust without its folders: nothing of ours lies in them, and a killed worker would leave them."""

    def _create_directories(self) -> None:
        """Make none."""

    def _new_transport(self) -> Any:
        return _Transport(self.conf.broker_consumer, self)


class _Thread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    def _create_worker_consumer(self, transport: Any) -> Any:
        """Make the consumer; Faust's own fetches wait 1.5 s and can't be set."""
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        return consumer

    async def seek_to_committed(self) -> Mapping[TopicPartition, int | None]:
        """Go back to what is not yet acknowledged: after a rebalance, or where records were let go."""
        committed: Mapping[TopicPartition, int | None] = await self.call_thread(
            rewind, self._ensure_consumer()
        )
        return committed


class _Consumer(driver.Consumer):  # type: ignore[misc]
    def _new_consumer_thread(self) -> _Thread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)


class _Transport(driver.Transport):  # type: ignore[misc]
    Consumer = _Consumer


async def rewind(consumer: AIOKafkaConsumer) -> Mapping[TopicPartition, int | None]:
    """Seek every assigned partition to its committed offset, or to its beginning where there is none.

    aiokafka leaves a partition where it is if nothing was committed there; what Faust took and
    let go before the first commit would never come again.
    """
    committed: Mapping[TopicPartition, int | None] = await consumer.seek_to_committed()
    new = {place for place, offset in committed.items() if not offset} & consumer.assignment()
    if new:
        await consumer.seek_to_beginning(*new)
    return committed
