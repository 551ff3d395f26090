"""Rate, latency and memory from door to door, beside the bare encoder in the same run."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

import msgspec

from agents.agent import Emission
from agents.embedding.agent import Embed
from agents.embedding.encoder import Encoder, load_encoder
from agents.records import Comment
from streams.app import Worker
from streams.broker import embedded_broker
from streams.feeds.files import read_file
from streams.feeds.sample import SAMPLE
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


def measure(name: str, n_comments: int) -> Measured:
    """Run ``n_comments`` of the sample discussion through a worker on the embedded broker.

    The bare encoder reads the same texts in the same batches before and after the road does; its
    rate is the mean of both. Latency is taken at half the road's rate.
    """
    settings = load_settings(
        {"embedding": {"encoder": name}, "web": {"port": 0}, "delivery": {"pause_seconds": 1}}
    )
    encoder = load_encoder(settings.embedding)
    comments = list(_comments(n_comments))
    texts = [comment.text or "" for comment in comments]
    encoder.encode(texts[:WARM_UP])
    batch = Embed(encoder, settings.embedding).batch_size
    before = _bare(encoder, texts, batch)
    with embedded_broker() as bootstrap:
        road, latencies = asyncio.run(_road(Worker(settings, bootstrap, encoder), comments))
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


async def _road(worker: Worker, comments: list[Comment]) -> tuple[float, list[float]]:
    await worker.start()
    try:
        half = len(comments) // 2
        started = time.perf_counter()
        await _send(worker, comments[:half])
        await _placed(worker, half)
        rate = half / (time.perf_counter() - started)
        latencies = await _paced(worker, comments[half:], rate / 2)
        return rate, latencies
    finally:
        await worker.stop()


async def _send(worker: Worker, comments: Sequence[Comment]) -> None:
    for start in range(0, len(comments), SEND_TOGETHER):
        await worker.publisher.send(
            Emission("comments", comment.id, comment) for comment in comments[start : start + SEND_TOGETHER]
        )


async def _placed(worker: Worker, n: int) -> None:
    while worker.n_placed < n:  # noqa: ASYNC110 - a poll costs the measured road less than an event a comment
        await asyncio.sleep(0.01)


async def _paced(worker: Worker, comments: Sequence[Comment], rate: float) -> list[float]:
    """Send at a pace and return the seconds from each comment's sending to its assignment's confirmation."""
    base = worker.n_placed
    sent: list[float] = []
    latencies: list[float] = []
    sending = asyncio.create_task(_trickle(worker, comments, rate, sent))
    while len(latencies) < len(comments):
        await asyncio.sleep(0.005)
        placed, now = worker.n_placed - base, time.perf_counter()
        latencies.extend(now - at for at in sent[len(latencies) : placed])
    await sending
    return latencies


async def _trickle(worker: Worker, comments: Sequence[Comment], rate: float, sent: list[float]) -> None:
    started = time.perf_counter()
    step = max(1, int(rate / 50))
    for start in range(0, len(comments), step):
        await asyncio.sleep(max(0.0, started + start / rate - time.perf_counter()))
        some = comments[start : start + step]
        sent.extend([time.perf_counter()] * len(some))
        await worker.publisher.send(Emission("comments", comment.id, comment) for comment in some)
