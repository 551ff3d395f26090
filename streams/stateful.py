"""Delivery to an agent with a state: one instance a partition, acknowledged by checkpoint."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from aiokafka.errors import KafkaError

from agents.agent import Agent, Emission
from agents.embedding.agent import rejection
from agents.errors import GroundswellError, InvalidError, RejectedError, RoadError
from agents.records import Record
from streams.checkpoints import Checkpoint, checkpoint_emission, read_checkpoint
from streams.continuity import Input
from streams.delivery import BEAT_SECONDS, Delivery, let_go, message_of
from streams.publish import PATIENCE_MS, Publisher
from streams.road import DeliverySettings, Road, SleptError
from streams.topics import INPUTS

__all__ = ["StatefulDelivery", "ahead"]

logger = logging.getLogger(__name__)

SNAPSHOT_SHARE: Final = 0.03
"""Part of a core that may go into a runner's checkpoints; slow ones are written less often under load."""

SELDOM_SECONDS: Final = 10.0
"""However slow they are, this often at least."""

RENEWED_SECONDS: Final = 12 * 3600.0
"""A silent partition writes its checkpoint again after this long: Kafka forgets who may write to it after
seven quiet days (``transactional.id.expiration.ms``), and the first comment would end the worker."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A checkpoint that is packed and not yet confirmed."""

    partition: int
    checkpoint: Checkpoint
    emission: Emission
    """What writes it."""
    events: list[Any]
    """What may be acknowledged once it is confirmed."""


@dataclass(slots=True)
class Part:
    """One partition in this generation."""

    agent: Agent[Any]
    publisher: Publisher
    """What it writes through; a transactional one is refused once another owner has started one."""
    checkpoint: Checkpoint
    """The newest: the state to rewind to."""
    confirmed: int
    """Last offset that a confirmed checkpoint includes."""
    included: int
    """Last offset that was stepped."""
    done: list[Any] = field(default_factory=list)
    """Records stepped since the checkpoint."""
    pending: list[Any] = field(default_factory=list)
    """Events stepped and not yet acknowledged."""
    written_at: float = field(default_factory=time.monotonic)
    stepped_at: float = field(default_factory=time.monotonic)
    """When it last learnt something."""
    sending: asyncio.Task[None] | None = None
    """What followed from the last step, on its way, with the checkpoint that was due."""
    cost_seconds: float = 0.0
    """What packing the last checkpoint took, without waiting for its turn or the broker."""

    def is_due(self, settings: DeliverySettings, n_parts: int) -> bool:
        """Whether a checkpoint should be written now, by a runner of so many partitions."""
        now, wait = time.monotonic(), settings.checkpoint_seconds
        if now - self.written_at >= RENEWED_SECONDS:
            return True
        if now - self.stepped_at < wait:  # under load
            wait = max(wait, min(n_parts * self.cost_seconds / SNAPSHOT_SHARE, SELDOM_SECONDS))
        return bool(self.pending) and now - self.written_at >= wait

    async def sent(self) -> None:
        """Wait until what followed from the last step is confirmed, and raise what stopped it."""
        if self.sending is not None:
            await self.sending
            self.sending = None


class StatefulDelivery(Delivery):
    """Steps one agent a partition and keeps its state beside the offset that it includes.

    While what follows from one step is sent, the next is thought; never more than one is under way for a
    partition. A checkpoint is packed between two steps and leaves after what it includes.

    Parameters
    ----------
    make
        Makes the agent of a partition.
    reads
        What the records of the topic are.
    fenced
        Makes the transactional publisher of a partition: starting it fences whoever owned the
        partition before, so nothing of theirs can land after what the new owner writes. None
        where only one worker can be.
    is_atomic
        Whether a step's emissions and the checkpoint that includes it are one transaction.
    check
        Raises `InvalidError` where a record is no use to the agent.
    """

    def __init__(
        self,
        stage: str,
        topic: str,
        make: Callable[[int], Agent[Any]],
        reads: Any,
        road: Road,
        fenced: Callable[[int], Publisher] | None = None,
        is_atomic: bool = False,
        check: Callable[[Any], None] = lambda _: None,
    ) -> None:
        super().__init__(stage, topic, road)
        self._make = make
        self._check = check
        self._decoder = msgspec.json.Decoder(reads)
        self._fenced = fenced
        self._is_atomic = is_atomic and fenced is not None
        self._input = Input(stage, road.connection.topic(topic), road.offsets)
        self._parts: dict[int, Part] = {}

    async def _work(self, events: Sequence[Any]) -> None:
        started = time.monotonic()
        by_partition: dict[int, list[Any]] = defaultdict(list)
        for event in events:
            by_partition[event.message.partition].append(event)
        await _all(self._learn(partition, its, started) for partition, its in by_partition.items())

    async def _tend(self) -> None:
        await _all(self._tend_part(partition, part) for partition, part in self._parts.items())

    async def _tend_part(self, partition: int, part: Part) -> None:
        emissions = list(await self._run(part.agent.step, ()))
        await part.sent()
        saved = await self._pack_if_due(partition, part, emissions)
        await self._confirm(part, emissions, saved)

    def _forget(self) -> None:
        for part in self._parts.values():
            let_go(part.sending)
            self._road.disconnect(part.publisher, after=part.sending)
        self._parts.clear()

    async def _learn(self, partition: int, events: Sequence[Any], started: float) -> None:
        part = self._parts.get(partition)
        if part is None:
            part = self._parts[partition] = await self._open_patiently(partition)
        await self._acknowledge(event for event in events if event.message.offset <= part.confirmed)
        new = list(ahead(events, part.included))
        if not new:
            return
        offsets = [event.message.offset for event in new]
        await self._input.must_follow(partition, part.included, offsets)
        emissions = await self._step(part, new)
        await part.sent()
        part.pending.extend(new)
        part.included = new[-1].message.offset
        part.stepped_at = time.monotonic()
        saved = await self._pack_if_due(partition, part, emissions)
        part.sending = asyncio.create_task(self._finish(part, emissions, saved, new, started))

    async def _finish(
        self,
        part: Part,
        emissions: list[Emission],
        saved: Saved | None,
        events: Sequence[Any],
        started: float,
    ) -> None:
        await self._confirm(part, emissions, saved)
        self._processed(events, started)

    async def _open_patiently(self, partition: int) -> Part:
        """Open a partition; a broker that is away may come back, as it may for what is sent."""
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while True:
            await self._make_sure()
            try:
                return await self._open(partition)
            except (KafkaError, OSError) as error:
                if time.monotonic() > deadline:
                    raise RoadError(
                        f"the state of {self.stage} on partition {partition} can't be read ({error!r}). "
                        "Look at the broker and start the worker again; nothing unconfirmed was acknowledged."
                    ) from error
                logger.warning("broker away", extra={"stage": self.stage, "error": repr(error)})
                await asyncio.sleep(BEAT_SECONDS)

    async def _open(self, partition: int) -> Part:
        """Take a partition over with the state that its last owner left."""
        publisher = self._fenced(partition) if self._fenced is not None else self._road.publisher
        try:
            if self._fenced is not None:
                await publisher.start()
            agent = self._make(partition)
            checkpoint = await read_checkpoint(self._road.connection, self.stage, partition)
            if checkpoint is None:
                await self._input.must_be_new(partition)
                checkpoint = Checkpoint(-1, await self._run(agent.snapshot))
            else:
                await self._input.must_reach(partition, checkpoint.offset)
                await self._run(agent.restore, checkpoint.state)
        except BaseException:
            self._road.disconnect(publisher)
            raise
        logger.info(
            "partition opened",
            extra={"stage": self.stage, "partition": partition, "offset": checkpoint.offset},
        )
        return Part(agent, publisher, checkpoint, checkpoint.offset, checkpoint.offset)

    async def _pack_if_due(self, partition: int, part: Part, emissions: list[Emission]) -> Saved | None:
        """Pack the state and what it includes for a checkpoint, where time or a waiting writer asks for one.

        Where emissions and checkpoint are one transaction, every emission does.
        """
        is_pressing = self._road.backlog.is_pressing(self._road.connection.topic(self.topic), partition)
        is_due = part.is_due(self._road.settings, len(self._parts)) or (part.pending and is_pressing)
        if not (is_due or (self._is_atomic and emissions)):
            return None
        saved = await self._run(self._pack, partition, part)
        part.pending, part.done = [], []
        part.checkpoint = saved.checkpoint
        part.written_at = time.monotonic()
        return saved

    async def _confirm(self, part: Part, emissions: list[Emission], saved: Saved | None) -> None:
        """Send what follows from a step, then the checkpoint, and acknowledge what that includes."""
        if saved is None:
            await self._send_fenced(part, emissions)
            return
        if not self._is_atomic:
            await self._send_fenced(part, emissions)
            emissions = []
        await self._send_fenced(part, [*emissions, saved.emission])
        assert isinstance(saved.emission.record, bytes)
        self._road.observer.checkpointed(self.stage, saved.partition, len(saved.emission.record))
        part.confirmed = saved.checkpoint.offset
        await self._acknowledge(saved.events)

    async def _send_fenced(self, part: Part, emissions: list[Emission]) -> None:
        """Send what overwrites under a key through the partition's own publisher, then what is numbered.

        What a stage reads is numbered and equal whoever writes it, so a stale copy does no harm there;
        a transaction's mark would leave its reader a lag of one for ever.
        """
        if self._fenced is None:
            await self._send(emissions)
            return
        await self._send([e for e in emissions if e.topic not in INPUTS], part.publisher)
        await self._send([e for e in emissions if e.topic in INPUTS])

    def _pack(self, partition: int, part: Part) -> Saved:
        started = time.perf_counter()
        checkpoint = Checkpoint(part.included, part.agent.snapshot())
        emission = checkpoint_emission(self.stage, partition, checkpoint)
        part.cost_seconds = time.perf_counter() - started
        return Saved(partition, checkpoint, emission, part.pending)

    async def _step(self, part: Part, events: Sequence[Any]) -> list[Emission]:
        """Step the agent; records that can't be read or that break it become dead letters."""
        emissions: list[Emission] = []
        records: list[tuple[Any, Record]] = []
        for event in events:
            try:
                records.append((event, self._read(event)))
            except InvalidError as error:
                emissions.append(rejection(message_of(event), self.stage, error))
        emissions.extend(await self._try(part, records))
        return emissions

    def _read(self, event: Any) -> Record:
        try:
            record: Record = self._decoder.decode(event.message.value)
        except (msgspec.MsgspecError, UnicodeDecodeError, TypeError, RecursionError) as cause:
            raise InvalidError(f"not a record of {self.topic}: {cause}.", "unusable") from cause
        self._check(record)
        return record

    async def _try(self, part: Part, records: list[tuple[Any, Record]]) -> list[Emission]:
        """Step the records; when that fails, halve them until the one that breaks the agent is found."""
        if not records:
            return []
        try:
            emissions = list(await self._run(part.agent.step, [record for _, record in records]))
        except Exception as error:
            if _is_fatal(error) or self._is_atomic:  # a sketch that is skipped leaves a gap
                raise
            cause = error
        else:
            part.done.extend(record for _, record in records)
            return emissions
        await self._rewind(part)
        if len(records) == 1:
            return [self._dead_letter(records[0][0], cause)]
        middle = len(records) // 2
        return await self._try(part, records[:middle]) + await self._try(part, records[middle:])

    async def _rewind(self, part: Part) -> None:
        """Bring the agent back to where it was before a step that failed in the middle."""
        await self._run(part.agent.restore, part.checkpoint.state)
        if part.done:
            await self._run(part.agent.step, list(part.done))

    def _dead_letter(self, event: Any, cause: Exception) -> Emission:
        message = message_of(event)
        logger.error(
            "record unusable",
            extra={
                "stage": self.stage,
                "topic": message.topic,
                "partition": message.partition,
                "offset": message.offset,
            },
            exc_info=cause,
        )
        error = cause if isinstance(cause, RejectedError) else None
        return rejection(
            message,
            self.stage,
            error or InvalidError(f"{self.stage} can't work on it: {cause!r}.", "unusable"),
        )


def ahead(events: Iterable[Any], included: int) -> Iterator[Any]:
    """Yield the events beyond an offset, each offset once.

    When Faust seeks within a generation, what it took before and what it reads again may come in one
    batch, one after the other.
    """
    for event in events:
        if event.message.offset > included:
            included = event.message.offset
            yield event


async def _all(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Work on several partitions at once: one thinks while the others wait for the broker.

    All come to their end before the first error is raised.
    """
    ends = await asyncio.gather(*works, return_exceptions=True)
    errors = [end for end in ends if isinstance(end, BaseException)]
    for error in sorted(errors, key=lambda error: isinstance(error, SleptError)):
        raise error


def _is_fatal(error: Exception) -> bool:
    """Whether no other record would fare better: the worker must end."""
    return isinstance(error, GroundswellError | MemoryError) and not isinstance(error, RejectedError)
