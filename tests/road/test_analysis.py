"""What the agents give for a file without Kafka is what the road gives for one partition of its four."""

from __future__ import annotations

import asyncio
import time
from itertools import islice
from typing import Any

import pytest

from agents.agent import Emission
from agents.analysis import Analysis
from agents.embedding.encoder import load_encoder
from agents.records import Cluster, Placement
from streams.feeds.files import read_file
from streams.feeds.sample import SAMPLE
from streams.settings import load_settings
from streams.thinking import make_agents
from streams.web.view import View
from tests.support.worker import latest, read_topic, running, settled

pytestmark = pytest.mark.road

TABLES = ("placements", "clusters")

N_PARTITIONS = 4
"""Of a topic on the embedded broker."""


async def test_the_same_agents_without_kafka_give_what_the_road_gives(embedded: str) -> None:
    settings = load_settings(
        {"embedding": {"encoder": "static"}, "web": {"port": 0}, "delivery": {"pause_seconds": 1}}
    )
    encoder = load_encoder(settings.embedding)
    comments = list(islice(read_file(SAMPLE), 500))
    found: dict[str, dict[str, Any]] = {name: {} for name in TABLES}

    def keep(emission: Emission) -> None:
        if isinstance(emission.record, Placement | Cluster):
            found[emission.topic][str(emission.key)] = emission.record

    view = View()
    agents = make_agents(settings, encoder, view.placements, N_PARTITIONS, "0")
    chart = make_agents(settings, encoder, view.placements, 1, "0").chart(0)
    analysis = Analysis(agents.embed, agents.assign, chart, None, view.placements, keep)
    analysis.feed(comments, time.time())
    analysis.pause()
    async with running(settings, embedded, encoder) as worker:
        await worker.publisher.send(Emission("comments", comment.id, comment, 0) for comment in comments)
        await settled(worker)
        on_the_road = {name: latest(await asyncio.to_thread(read_topic, embedded, name)) for name in TABLES}

    assert found["placements"]
    assert {k: v.cluster for k, v in found["placements"].items()} == {
        k: v["cluster"] for k, v in on_the_road["placements"].items()
    }
    assert {k: (v.label, v.count, v.weight) for k, v in found["clusters"].items()} == {
        k: (v["label"], v["count"], v["weight"]) for k, v in on_the_road["clusters"].items()
    }
