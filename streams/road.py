"""What all runners of a worker share, and what they tell."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from agents.agent import Emission
from agents.bounds import check_bounds
from agents.errors import RoadError
from streams.offsets import Offsets
from streams.publish import Backlog, Connection, Publisher

__all__ = ["DeliverySettings", "Observer", "Road", "SleptError"]


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """How batches are taken and acknowledged.

    Raises
    ------
    SettingsError
        If a value is out of its range.
    """

    batch: int = 512
    """Most records that an agent takes in one step, 1 to 4096."""

    within_seconds: float = 0.02
    """Longest wait for a batch to fill, 0.001 to 1."""

    checkpoint_seconds: float = 1.0
    """Time between checkpoints under load, 0.1 to 60; a crash repeats at most about this much."""

    pause_seconds: float = 5.0
    """Silence after which a partition that was read to its end says so, 0.5 to 3600."""

    session_seconds: float = 10.0
    """Silence after which Kafka gives a worker's partitions to another, 6 to 300."""

    processes: bool = True
    """Whether ASSIGN and CHART think in processes of their own, some 150 MB each: then they don't wait for
    the encoder and the event loop, nor those for them."""

    def __post_init__(self) -> None:
        """Check every value."""
        check_bounds(
            "delivery",
            self,
            batch=(1, 4096),
            within_seconds=(0.001, 1),
            checkpoint_seconds=(0.1, 60),
            pause_seconds=(0.5, 3600),
            session_seconds=(6, 300),
        )


class Observer(Protocol):
    """Told of what passes, for metrics; never stops the road."""

    def sent(self, stage: str, emissions: Sequence[Emission]) -> None:
        """Note emissions of a stage that were confirmed."""

    def processed(self, stage: str, events: Sequence[Any], seconds: float) -> None:
        """Note events that a stage worked through and sent on, and how long that took."""

    def checkpointed(self, stage: str, partition: int, n_bytes: int) -> None:
        """Note a checkpoint that was confirmed."""

    def revoked(self, stage: str) -> None:
        """Note that the stage's partitions may have gone to another worker."""


@dataclass(slots=True)
class Road:
    """What all runners of a worker share."""

    app: Any
    connection: Connection
    publisher: Publisher
    backlog: Backlog
    offsets: Offsets
    observer: Observer
    settings: DeliverySettings
    failed: asyncio.Future[None]
    """Set to the error that nobody can handle; the worker ends with it."""
    disconnecting: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def generation(self) -> int:
        """The consumer group's current generation, as Faust knows it."""
        return int(self.app.consumer_generation_id)

    @property
    def is_rebalancing(self) -> bool:
        """Whether the group is handing its partitions out anew."""
        return bool(self.app.rebalancing)

    def fail(self, error: BaseException) -> None:
        """End the worker."""
        if not self.failed.done():
            self.failed.set_exception(error)

    def disconnect(self, publisher: Publisher, after: asyncio.Task[None] | None = None) -> None:
        """Disconnect a partition's own publisher, beside the work: a broker that is away may delay it.

        ``after`` is what it was still sending when it was let go.
        """

        async def stop() -> None:
            if after is not None:
                await asyncio.gather(after, return_exceptions=True)
            await publisher.stop()

        if publisher is not self.publisher:
            task = asyncio.create_task(stop())
            self.disconnecting.add(task)
            task.add_done_callback(self.disconnecting.discard)

    async def stop(self) -> None:
        """Wait until every publisher that was let go is disconnected, once no runner is left.

        A runner can't wait for it: it ends by being cancelled, more than once.
        """
        await asyncio.gather(*self.disconnecting, return_exceptions=True)


class SleptError(RoadError):
    """The worker lost its partitions: it slept, was fenced, or the group has rebalanced."""
