"""A whole worker on each broker, read by a client of another library."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import tempfile
from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path

import aiohttp
import pytest

from agents.embedding.encoder import Encoder, load_encoder
from agents.embedding.settings import EmbeddingSettings
from agents.errors import RoadError
from agents.records import Comment
from streams.dead_letters import read_dead_letters, replay
from streams.feeds.files import read_file
from streams.feeds.sample import SAMPLE
from streams.settings import Settings, load_settings
from tests.road.conftest import Broker
from tests.support.worker import feed, latest, read_topic, running, settled

pytestmark = pytest.mark.road

RUBBISH = {
    b"not json": "not_json",
    b"[]": "not_an_object",
    b"\xff": "not_utf8",
    b'{"text": "no id"}': "no_id",
    b'{"id": "r1"}': "no_text",
    b'{"id": "r2", "text": "  "}': "empty_text",
    b'{"id": 3, "text": "x"}': "wrong_type",
    b'{"id": "r4", "text": "x", "created_at": "soon"}': "bad_time",
    b'{"id": "r5", "text": "x", "created_at": "2990-01-01"}': "future_time",
    json.dumps({"id": "r6", "text": "x" * 300_000}).encode(): "too_large",
}


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder(EmbeddingSettings(encoder="static"))


@pytest.fixture
def settings(broker: Broker) -> Settings:
    return load_settings(
        {
            "broker": {"url": broker.url},
            "topics": {"prefix": broker.prefix, "partitions": 4},
            "embedding": {"encoder": "static"},
            "web": {"port": 0},
            "delivery": {"pause_seconds": 0.5},
        }
    )


def sample(n: int) -> list[Comment]:
    return list(islice(read_file(SAMPLE), n))


async def test_a_foreign_client_joins_assignments_placements_and_clusters(
    broker: Broker, settings: Settings, encoder: Encoder
) -> None:
    comments = sample(400)

    async with running(settings, broker.bootstrap, encoder) as worker:
        await feed(worker, comments)
        await settled(worker)
        tables = [
            latest(await asyncio.to_thread(read_topic, broker.bootstrap, name, broker.prefix))
            for name in ("assignments", "placements", "clusters")
        ]

    assignments, placements, clusters = tables
    assert set(assignments) == {comment.id for comment in comments}
    counts = Counter(
        placements[row["micro"]]["cluster"] for row in assignments.values() if row["micro"] in placements
    )
    assert counts
    assert {name: row["count"] for name, row in clusters.items() if row["state"] == "live"} == counts


async def test_rubbish_is_rejected_with_its_bytes_and_the_worker_goes_on(
    broker: Broker, settings: Settings, encoder: Encoder
) -> None:
    comments = sample(20)

    async with running(settings, broker.bootstrap, encoder) as worker:
        await feed(worker, [*RUBBISH, None, *comments])
        await settled(worker)
        letters = [letter async for letter in read_dead_letters(worker.connection)]
        n_sent = await replay(worker.connection, worker.publisher, {"no_text", "bad_time"})
        await settled(worker)
        again = [letter async for letter in read_dead_letters(worker.connection)]
        assignments = latest(
            await asyncio.to_thread(read_topic, broker.bootstrap, "assignments", broker.prefix)
        )

    assert {letter.value: letter.reason for letter in letters} == {**RUBBISH, None: "null"}
    assert {letter.origin_topic for letter in letters} == {f"{broker.prefix}comments"}
    assert n_sent == 2
    assert len(again) == len(letters) + 2
    assert set(assignments) == {comment.id for comment in comments}


async def test_a_running_worker_is_scraped(broker: Broker, settings: Settings, encoder: Encoder) -> None:
    async with running(settings, broker.bootstrap, encoder) as worker:
        await feed(worker, [*sample(100), b"not json"])
        await settled(worker)
        async with aiohttp.ClientSession(worker.url) as session:
            metrics = await (await session.get("/metrics")).text()
            ready = await session.get("/readyz")
            page = await (await session.get("/")).text()

    assert 'groundswell_rejected_total{reason="not_json"} 1.0' in metrics
    assert "groundswell_end_to_end_seconds_count 100.0" in metrics
    assert "groundswell_ready 1.0" in metrics
    assert "groundswell_clusters_live" in metrics
    assert ready.status == 200
    assert page.startswith("<!doctype html>")


async def test_a_worker_leaves_nothing_on_the_disk_even_if_it_were_killed(
    broker: Broker,
    settings: Settings,
    encoder: Encoder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here, temporary = tmp_path / "here", tmp_path / "temporary"
    here.mkdir()
    temporary.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))

    async with running(settings, broker.bootstrap, encoder) as worker:
        await feed(worker, sample(20))
        await settled(worker)
        while_running = [*here.iterdir(), *temporary.iterdir()]

    assert while_running == []


async def test_a_worker_ends_when_a_process_that_it_thinks_in_does(
    broker: Broker, settings: Settings, encoder: Encoder
) -> None:
    async with running(settings, broker.bootstrap, encoder) as worker:
        await feed(worker, sample(20))
        await settled(worker)
        os.kill(worker.minds[0], signal.SIGKILL)

        with pytest.raises(RoadError, match=r"assign thinks in has ended \(exit code -9\)"):
            await asyncio.wait_for(worker.run(asyncio.Event()), 30)


async def test_a_worker_may_think_in_its_own_process_only(
    broker: Broker, settings: Settings, encoder: Encoder
) -> None:
    alone = replace(settings, delivery=replace(settings.delivery, processes=False))

    async with running(alone, broker.bootstrap, encoder) as worker:
        await feed(worker, sample(20))
        await settled(worker)

        assert worker.minds == []
        assert worker.n_placed == 20


async def test_an_edit_moves_and_a_retraction_erases(
    broker: Broker, settings: Settings, encoder: Encoder
) -> None:
    comments = sample(120)
    edited = Comment(id=comments[3].id, text="zebra pelican marmalade, nothing like it was")
    retracted = Comment(id=comments[5].id, deleted=True)

    async with running(settings, broker.bootstrap, encoder) as worker:
        await feed(worker, comments, key="one discussion")
        await settled(worker)
        before = latest(await asyncio.to_thread(read_topic, broker.bootstrap, "assignments", broker.prefix))
        await feed(worker, [edited, retracted, comments[7]], key="one discussion")
        await settled(worker)
        after = latest(await asyncio.to_thread(read_topic, broker.bootstrap, "assignments", broker.prefix))
        clusters = await asyncio.to_thread(read_topic, broker.bootstrap, "clusters", broker.prefix)

    assert set(before) - set(after) == {retracted.id}
    assert after[edited.id]["excerpt"] == edited.text
    assert after[comments[7].id] == before[comments[7].id]
    newest = latest(clusters)
    assert comments[5].text not in json.dumps(newest, ensure_ascii=False)
