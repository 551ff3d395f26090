"""Faust as we run it: without folders, and with fetches that fit the embedded broker."""

from __future__ import annotations

from typing import Any

import faust
from faust.transport.drivers import aiokafka as driver

from streams.broker import FETCH_WAIT_MS

__all__ = ["App"]


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


class _Consumer(driver.Consumer):  # type: ignore[misc]
    def _new_consumer_thread(self) -> _Thread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)


class _Transport(driver.Transport):  # type: ignore[misc]
    Consumer = _Consumer
