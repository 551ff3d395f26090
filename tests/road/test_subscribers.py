"""Those who build on the topics: the examples, ``watch``, and a subscriber that starts late."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from itertools import islice
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from agents.embedding.encoder import Encoder, load_encoder
from agents.embedding.settings import EmbeddingSettings
from agents.records import Comment
from streams.app import Worker
from streams.asyncapi import schema
from streams.feeds.files import read_file
from streams.feeds.sample import SAMPLE
from streams.settings import load_settings
from streams.topics import TOPICS
from streams.web.reader import Reader
from streams.web.view import View
from tests.support.worker import feed, latest, read_topic, running, settled

pytestmark = pytest.mark.road

ROOT = Path(__file__).parents[2]
N_COMMENTS = 150


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder(EmbeddingSettings(encoder="static"))


@pytest.fixture
async def worker(embedded: str, encoder: Encoder) -> AsyncIterator[Worker]:
    """A worker that has been through the sample, and has seen a comment retracted."""
    settings = load_settings(
        {"embedding": {"encoder": "static"}, "web": {"port": 0}, "delivery": {"pause_seconds": 0.5}}
    )
    comments = list(islice(read_file(SAMPLE), N_COMMENTS))
    async with running(settings, embedded, encoder) as started:
        await feed(started, comments, key="one discussion")
        await settled(started)
        await feed(started, [Comment(id=comments[-1].id, deleted=True)], key="one discussion")
        await settled(started)
        yield started


async def lines_of(*command: str, enough: Callable[[list[str]], bool], seconds: float = 60) -> list[str]:
    """Run a command until it has printed enough, then end it."""
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    found: list[str] = []
    try:
        async with asyncio.timeout(seconds):
            while not enough(found) and (line := await process.stdout.readline()):
                found.append(line.decode().rstrip("\n"))
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.communicate()
    return found


def fits(topic: str, value: bytes) -> list[str]:
    checker = jsonschema.Draft202012Validator(schema(TOPICS[topic]))
    return [error.message for error in checker.iter_errors(json.loads(value))]


async def test_the_road_as_its_subscribers_see_it(worker: Worker, embedded: str) -> None:
    """One worker, for it takes a while to get through the sample; each part is a claim of its own."""
    messages: dict[str, list[Any]] = {
        topic: await asyncio.to_thread(read_topic, embedded, topic)
        for topic, told in TOPICS.items()
        if told.is_public
    }
    await every_record_is_a_cloud_event_that_fits_its_schema(messages)
    await a_late_subscriber_rebuilds_present_and_past(worker)
    await ten_lines_of_python_join_assignments_with_placements(embedded, messages)
    await kcat_follows_the_live_topics(embedded, messages)
    await watch_tells_comments_with_their_clusters(worker, embedded)


async def every_record_is_a_cloud_event_that_fits_its_schema(messages: dict[str, list[Any]]) -> None:
    wrong = {}
    for topic, found in messages.items():
        for message in found:
            if (
                message.value() is not None
                and TOPICS[topic].value is not None
                and (errors := fits(topic, message.value()))
            ):
                wrong[topic] = errors[:3]
            headers = dict(message.headers() or ())
            if not {"ce_id", "ce_source", "ce_type", "ce_specversion", "content-type"} <= set(headers):
                wrong[topic] = [f"headers {sorted(headers)}"]

    assert wrong == {}
    assert {
        topic
        for topic in ("clusters", "placements", "lineage", "pulse", "assignments")
        if not messages[topic]
    } == set()


async def a_late_subscriber_rebuilds_present_and_past(worker: Worker) -> None:
    late = View()
    reader = Reader(worker.connection, late)
    await reader.start()
    await reader.stop()

    seen = worker.view
    assert late.clusters == seen.clusters
    assert late.placements == seen.placements
    assert dict(late.comments) == dict(seen.comments)
    assert len(late.comments) == N_COMMENTS - 1
    assert late.pulses == seen.pulses
    assert late.lineage == seen.lineage


async def ten_lines_of_python_join_assignments_with_placements(
    embedded: str, messages: dict[str, list[Any]]
) -> None:
    placed = {key: record["cluster"] for key, record in latest(messages["placements"]).items()}
    joined = {
        key: placed[record["micro"]]
        for key, record in latest(messages["assignments"]).items()
        if record["micro"] in placed
    }

    def told(lines: list[str]) -> dict[str, str]:
        return dict(line.split(" ", 2)[:2] for line in lines)

    command = (sys.executable, "examples/subscribe.py", embedded)
    said = await lines_of(*command, enough=lambda lines: joined.items() <= told(lines).items())

    assert {key: told(said).get(key) for key in joined} == joined


async def kcat_follows_the_live_topics(embedded: str, messages: dict[str, list[Any]]) -> None:
    if shutil.which("kcat") is None:
        return
    run = await asyncio.to_thread(
        subprocess.run,
        ["examples/subscribe-kcat.sh", embedded, "groundswell.", "-e"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )

    last = dict(line.split("\t", 1) for line in run.stdout.splitlines())
    assert {key: json.loads(value)["label"] for key, value in last.items() if value} == {
        key: record["label"] for key, record in latest(messages["clusters"]).items()
    }


async def watch_tells_comments_with_their_clusters(worker: Worker, embedded: str) -> None:
    biggest = worker.view.live()[0]
    command = ["-m", "streams", "watch", "--broker", embedded, "--cluster", biggest.id, "--last", "3"]

    said = await lines_of(sys.executable, *command, enough=lambda lines: len(lines) == 3)

    assert len(said) == 3
    assert all(f" {biggest.id} {biggest.label}  " in line for line in said)
