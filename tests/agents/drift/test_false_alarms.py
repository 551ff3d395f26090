"""False alarms of the whole watch, counted on streams that never change.

Topics have the shares of Zipf's law, three comments come a minute, and a conversation keeps its topic.
A larger `N_COMMENTS` gives the rates to as many digits as wanted.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from agents.drift.agent import DriftWatch, Observed
from agents.drift.settings import DriftSettings

N_COMMENTS = 8_000

N_TOPICS = 30

PER_TICK = 24

MINUTES_PER_COMMENT = 1 / 3

TALK_MINUTES = 20.0
"""Within as many minutes all of a conversation is said."""


def talk(size: int, n_comments: int, generator: np.random.Generator) -> Iterator[Observed]:
    """Yield ticks of comments that come in conversations of ``size`` on one topic each."""
    shares = 1 / np.arange(1, N_TOPICS + 1)
    n = n_comments // size
    begins = np.cumsum(generator.exponential(size * MINUTES_PER_COMMENT, size=n))
    said = begins[:, None] + generator.uniform(0, TALK_MINUTES, size=(n, size)) * (size > 1)
    topics = np.repeat(generator.choice(N_TOPICS, p=shares / shares.sum(), size=n), size)
    topics = topics[np.argsort(said.ravel(), kind="stable")]
    directions = generator.normal(size=(N_TOPICS, 16))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    places = {f"0-{topic}": f"c{topic}" for topic in range(N_TOPICS)}
    for end in range(PER_TICK, len(topics) + 1, PER_TICK):
        drawn = topics[end - PER_TICK : end]
        vectors = directions[drawn] + generator.normal(scale=0.3, size=(PER_TICK, 16))
        yield Observed(
            at=datetime(2026, 3, 2, tzinfo=UTC) + timedelta(minutes=end * MINUTES_PER_COMMENT),
            counts={
                f"0-{topic}": int(n) for topic, n in zip(*np.unique(drawn, return_counts=True), strict=True)
            },
            places=places,
            sample=vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
        )


@pytest.mark.parametrize("size", [1, 4, 8])
def test_conversations_raise_hardly_more_alarms_than_independent_comments(size: int) -> None:
    """Taken for independent, those of four raised 7 in 10,000 comments, those of eight 33."""
    watch = DriftWatch(DriftSettings(), tick_seconds=60 * PER_TICK * MINUTES_PER_COMMENT)

    said = [watch.tick(seen) for seen in talk(size, N_COMMENTS, np.random.default_rng(size))]

    alarms = sum(record.state == "alarm" for each in said for record in each.records)
    assert alarms <= 2
