"""The assign step over a long stream: rate, latency and memory from the thousandth comment to the last.

Vectors come from a seeded mixture that drifts: a thousand topics, one of which dies and another is
born every few thousand comments. Each topic has words of its own beside the common ones. Vectors
and hashes of words are given, so it is the agents' own work that is timed.

python -m tests.benchmarks.assign_bench [COMMENTS]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import psutil
from zstandard import ZstdCompressor

from agents.charting.macro import Micros, group
from agents.charting.resemblance import Resemblance
from agents.charting.settings import ChartingSettings
from agents.clustering.block import Part
from agents.clustering.micro import MicroClusters
from agents.clustering.settings import ClusteringSettings
from agents.clustering.terms import DIMENSIONS
from agents.states import LEVEL

COMMENTS = 1_000_000
BATCH = 512
TOPICS = 1_000
DIMENSIONS_OF_VECTORS = 384
PER_SECOND = 2_000
REPLACED_EVERY = 5_000
WINDOW = 100
"""Batches over which a 99th percentile is taken: 51,200 comments."""


class Mixture:
    """A seeded stream of topics that come and go."""

    def __init__(self, seed: int, topics: int = TOPICS) -> None:
        self._random = np.random.default_rng(seed)
        self._centres = self._directions(topics)
        self._words = self._vocabulary(topics)
        self._common = self._random.integers(0, 2**32, 2_000, dtype=np.uint32)
        self._n = 0

    def parts(self, comments: int, batch: int = BATCH) -> Iterator[Part]:
        """Yield the stream batch by batch."""
        while self._n < comments:
            yield self._part(min(batch, comments - self._n))

    def _part(self, n: int) -> Part:
        topics = self._random.integers(0, len(self._centres), n)
        noise = self._random.standard_normal((n, DIMENSIONS_OF_VECTORS), dtype=np.float32)
        vectors = self._centres[topics] + noise * np.float32(0.9 / np.sqrt(DIMENSIONS_OF_VECTORS))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        own = self._words[topics[:, None], self._random.integers(0, self._words.shape[1], (n, 5))]
        common = self._common[self._random.integers(0, len(self._common), (n, 5))]
        times = 1.7e9 + (self._n + np.arange(n)) / PER_SECOND
        before, self._n = self._n, self._n + n
        for _ in range(before // REPLACED_EVERY, self._n // REPLACED_EVERY):
            self._replace()
        return Part(
            vectors.astype(np.float16),
            np.concatenate([own, common], axis=1).ravel(),
            np.arange(0, 10 * n + 1, 10),
            times,
            (times // 60 * 60).astype(np.int64),
            np.zeros(n, np.int64),
        )

    def _replace(self) -> None:
        """Let one topic die and another be born."""
        topic = int(self._random.integers(0, len(self._centres)))
        self._centres[topic], self._words[topic] = self._directions(1)[0], self._vocabulary(1)[0]

    def _directions(self, n: int) -> np.ndarray:
        drawn = self._random.standard_normal((n, DIMENSIONS_OF_VECTORS), dtype=np.float32)
        return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)

    def _vocabulary(self, n: int) -> np.ndarray:
        return self._random.integers(0, 2**32, (n, 20), dtype=np.uint32)


def run(comments: int = COMMENTS) -> list[dict[str, Any]]:
    """Return the figures by name."""
    return [_stream(comments), _grouping()]


def _stream(comments: int) -> dict[str, Any]:
    core = MicroClusters(
        ClusteringSettings(micro_clusters=2 * TOPICS),
        DIMENSIONS_OF_VECTORS,
        TOPICS,
        ChartingSettings().within,
    )
    process = psutil.Process()
    walls: list[float] = []
    cpu = 0.0
    memory: dict[int, int] = {}
    done = 0
    for part in Mixture(7).parts(comments):
        used = process.cpu_times()
        started = time.perf_counter()
        core.assign(part)
        core.drain()
        walls.append((time.perf_counter() - started) / len(part))
        after = process.cpu_times()
        cpu += after.user + after.system - used.user - used.system
        done += len(part)
        if len(walls) % WINDOW == 0:
            memory[done] = process.memory_info().rss
    warm = len(walls) // 5
    early = walls[10_000 // BATCH : 10_000 // BATCH + WINDOW]
    late = walls[-WINDOW:]
    return {
        "benchmark": "assign",
        "comments": comments,
        "live_micro_clusters": len(core),
        "comments_per_second": round(1.0 / float(np.mean(walls[warm:]))),
        "comments_per_second_of_cpu": round(comments / cpu),
        "p99_us_a_comment_at_10_000": round(float(np.quantile(early, 0.99)) * 1e6, 1),
        "p99_us_a_comment_at_the_end": round(float(np.quantile(late, 0.99)) * 1e6, 1),
        "median_us_a_comment_at_10_000": round(float(np.median(early)) * 1e6, 1),
        "median_us_a_comment_at_the_end": round(float(np.median(late)) * 1e6, 1),
        "memory_mib": {
            str(n): round(size / 2**20) for n, size in list(memory.items())[:: max(1, len(memory) // 8)]
        },
        "state_mib": round(len(core.snapshot()) / 2**20, 2),
        "checkpoint_mib": round(len(ZstdCompressor(LEVEL).compress(core.snapshot())) / 2**20, 2),
    }


def _grouping(micros: int = 2_000, times: int = 9) -> dict[str, Any]:
    """Time the grouping at the global ceiling: where all is new, and where a tenth has changed."""
    random = np.random.default_rng(3)
    means = random.standard_normal((micros, DIMENSIONS_OF_VECTORS)).astype(np.float32)
    centres = random.standard_normal((200, DIMENSIONS_OF_VECTORS)).astype(np.float32)
    means += 4 * centres[random.integers(0, len(centres), micros)]
    words = random.standard_normal((micros, DIMENSIONS)).astype(np.float32)
    words *= random.random((micros, DIMENSIONS)) < 0.05
    weights = random.uniform(1, 50, micros)
    previous = random.integers(-1, 200, micros)
    settings = ChartingSettings()

    def tick(resemblance: Resemblance, rows: np.ndarray) -> float:
        started = time.perf_counter()
        for low in range(0, len(rows), 64):
            some = rows[low : low + 64]
            resemblance.put(some, micros, means[some], words[some])
        resemblance.compare(rows, micros)
        pairs = resemblance.pairs(micros)
        within = np.diag(pairs).astype(np.float64)
        group(Micros(weights, weights, within, pairs, np.zeros(micros), np.ones(micros)), settings, previous)
        return (time.perf_counter() - started) * 1e3

    resemblance = Resemblance(settings.lexical_weight)
    all_new = [tick(Resemblance(settings.lexical_weight), np.arange(micros)) for _ in range(times)]
    tick(resemblance, np.arange(micros))
    tenths = [tick(resemblance, np.sort(random.permutation(micros)[: micros // 10])) for _ in range(times)]
    return {
        "benchmark": "grouping",
        "micro_clusters": micros,
        "all_new_median_ms": round(float(np.median(all_new)), 1),
        "all_new_largest_ms": round(max(all_new), 1),
        "a_tenth_changed_median_ms": round(float(np.median(tenths)), 1),
        "a_tenth_changed_largest_ms": round(max(tenths), 1),
    }


if __name__ == "__main__":
    from rich.console import Console
    from rich.table import Table

    for figures in run(int(sys.argv[1]) if len(sys.argv) > 1 else COMMENTS):
        table = Table("figure", "value", title=figures["benchmark"])
        for name, value in figures.items():
            table.add_row(name, str(value))
        Console().print(table)
