"""Rate, latency and memory from door to door, beside the bare encoder in the same run.

A process of its own feeds, as a live feed would, so that the worker's rate is the worker's.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from multiprocessing.connection import Connection as Pipe

import msgspec
import psutil

from agents.agent import Emission
from agents.embedding.agent import Embed
from agents.embedding.encoder import Encoder, load_encoder
from agents.records import Comment
from streams.app import Worker
from streams.broker import embedded_broker
from streams.feeds.files import read_file
from streams.feeds.sample import SAMPLE
from streams.publish import Backlog, Connection, Publisher
from streams.settings import load_settings

__all__ = ["Measured", "measure"]

WARM_UP = 256
SEND_TOGETHER = 64

A_SECOND = 50
"""Comments in a second of event time: the flood of a large event, 3,000 to a tick."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run of the road gave."""

    encoder: str
    comments: int
    bare_per_second: float
    road_per_second: float
    ratio: float
    latency_p50_seconds: float
    latency_p99_seconds: float
    peak_mib: float
    """Of the worker's own process, in which the encoder, the broker and this benchmark are too."""
    minds_mib: float
    """Of the processes that it thinks in, at the end."""


def measure(name: str, n_comments: int) -> Measured:
    """Run ``n_comments`` of the sample discussion through a worker on the embedded broker.

    The rate is that of the first four fifths, sent at once; latency is that of the last, sent at half that
    rate. Before and after, the bare encoder reads a fifth each, in the same batches; its rate is the mean.
    """
    settings = load_settings(
        {"embedding": {"encoder": name}, "web": {"port": 0}, "delivery": {"pause_seconds": 1}}
    )
    encoder = load_encoder(settings.embedding)
    comments = list(_comments(n_comments))
    texts = [comment.text or "" for comment in comments[_n_at_once(n_comments) :]]
    encoder.encode(texts[:WARM_UP])
    batch = Embed(encoder, settings.embedding).batch_size
    before = _bare(encoder, texts, batch)
    with embedded_broker() as bootstrap, _Feeder(bootstrap, settings.topics.prefix, n_comments) as feeder:
        road, latencies, minds = asyncio.run(_road(Worker(settings, bootstrap, encoder), feeder, n_comments))
    bare = 2 / (1 / before + 1 / _bare(encoder, texts, batch))
    ordered = sorted(latencies)
    return Measured(
        encoder=encoder.name,
        comments=n_comments,
        bare_per_second=bare,
        road_per_second=road,
        ratio=road / bare,
        latency_p50_seconds=ordered[len(ordered) // 2],
        latency_p99_seconds=ordered[int(len(ordered) * 0.99)],
        peak_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        minds_mib=minds / 1_048_576,
    )


def _comments(n: int) -> Iterator[Comment]:
    """Yield the sample over and over, each time with other ids, `A_SECOND` in a second of event time."""
    for number, comment in enumerate(islice(cycle(read_file(SAMPLE)), n)):
        at = 1_741_600_000 + number // A_SECOND
        yield msgspec.structs.replace(comment, id=f"{number}", created_at=at, parent=None)


def _bare(encoder: Encoder, texts: Sequence[str], batch: int) -> float:
    started = time.perf_counter()
    for start in range(0, len(texts), batch):
        encoder.encode(texts[start : start + batch])
    return len(texts) / (time.perf_counter() - started)


def _n_at_once(n_comments: int) -> int:
    return n_comments * 4 // 5


class _Feeder:
    """A process that sends the first comments at once and the others at a pace.

    Nothing holds it back, so the first must fit into the embedded broker: 5 MiB a partition, 50,000
    comments of the sample's length in all.
    """

    def __init__(self, bootstrap: str, prefix: str, n_comments: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_feed, args=(bootstrap, prefix, n_comments, theirs))

    def __enter__(self) -> _Feeder:
        self._process.start()
        self._pipe.recv()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()

    def send(self, rate: float) -> None:
        """Begin to send the next part, at so many a second; 0 for as fast as the broker takes them."""
        self._pipe.send(rate)

    async def sent(self) -> list[float]:
        """Return when each comment of the part was sent, in seconds of `time.monotonic`."""
        times: list[float] = await asyncio.to_thread(self._pipe.recv)
        return times


def _feed(bootstrap: str, prefix: str, n_comments: int, pipe: Pipe) -> None:
    asyncio.run(_send_parts(Connection(bootstrap, prefix), list(_comments(n_comments)), pipe))


async def _send_parts(connection: Connection, comments: list[Comment], pipe: Pipe) -> None:
    publisher = Publisher(connection, lambda *_: [], Backlog({}))
    await publisher.start()
    pipe.send("ready")
    at_once = _n_at_once(len(comments))
    for part in (comments[:at_once], comments[at_once:]):
        rate = await asyncio.to_thread(pipe.recv)
        pipe.send(await _send(publisher, part, rate))
    await publisher.stop()


async def _send(publisher: Publisher, comments: Sequence[Comment], rate: float) -> list[float]:
    """Send comments and return when each was; every clock here is the machine's."""
    started = time.monotonic()
    sent: list[float] = []
    step = max(1, int(rate / 50)) if rate else SEND_TOGETHER
    for start in range(0, len(comments), step):
        if rate:
            await asyncio.sleep(max(0.0, started + start / rate - time.monotonic()))
        some = comments[start : start + step]
        sent.extend([time.monotonic()] * len(some))
        await publisher.send(Emission("comments", comment.id, comment) for comment in some)
    return sent


async def _road(worker: Worker, feeder: _Feeder, n_comments: int) -> tuple[float, list[float], int]:
    await worker.start()
    try:
        at_once = _n_at_once(n_comments)
        started = time.monotonic()
        feeder.send(rate=0)
        await _placed(worker, at_once)
        rate = at_once / (time.monotonic() - started)
        await feeder.sent()
        feeder.send(rate / 2)
        placed = await _placed(worker, n_comments)
        sent = await feeder.sent()
        minds = sum(psutil.Process(pid).memory_info().rss for pid in worker.minds)
        return rate, [there - here for here, there in zip(sent, placed, strict=True)], minds
    finally:
        await worker.stop()


async def _placed(worker: Worker, n: int) -> list[float]:
    """Wait until ``n`` comments are placed, and return when each of those still missing was."""
    base = worker.n_placed
    times: list[float] = []
    while base + len(times) < n:
        await asyncio.sleep(0.005)  # a poll costs the measured road less than an event a comment
        times.extend([time.monotonic()] * (worker.n_placed - base - len(times)))
    return times
