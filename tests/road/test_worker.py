"""A whole worker on each broker, read by a client of another library."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
import threading
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import aiohttp
import msgspec
import numpy as np
import pytest
from aiokafka import AIOKafkaProducer

from agents.agent import Emission
from agents.embedding.encoder import Encoder, load_encoder
from agents.embedding.settings import EmbeddingSettings
from agents.errors import RoadError, SettingsError
from agents.records import Comment, Embedded, encode
from agents.stance.model import Question, Verdict
from streams.app import Worker
from streams.dead_letters import read_dead_letters, replay
from streams.feeds.files import read_file
from streams.feeds.sample import SAMPLE
from streams.settings import Settings, load_settings
from streams.topic_admin import CONNECT_SECONDS
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

FOR_THE_JUDGE = 10_000
"""Comments that wait for the judge: more than twice what Faust holds of one stream."""


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder(EmbeddingSettings(encoder="static"))


@pytest.fixture
def settings(broker: Broker) -> Settings:
    return settings_on(broker)


def settings_on(broker: Broker) -> Settings:
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


async def test_what_was_taken_back_or_sent_again_since_is_not_replayed(
    broker: Broker, settings: Settings, encoder: Encoder
) -> None:
    undated = [json.dumps({"id": name, "text": name, "created_at": "soon"}).encode() for name in ("a", "b")]

    async with running(settings, broker.bootstrap, encoder) as worker:
        await feed(worker, [*undated, b"no json", Comment(id="a", deleted=True)], key="one discussion")
        await settled(worker)
        sent = []
        for _ in range(2):
            sent.append(await replay(worker.connection, worker.publisher))
            await settled(worker)
        letters = [letter async for letter in read_dead_letters(worker.connection)]

    assert sent == [2, 2]
    assert Counter(letter.reason for letter in letters) == {"bad_time": 4, "not_json": 3}


async def test_a_vector_of_another_encoder_is_rejected_and_can_be_made_anew(
    broker: Broker, settings: Settings, encoder: Encoder
) -> None:
    comments = sample(20)
    said = Embedded(
        id="foreign",
        text="said elsewhere",
        event_time=datetime(2025, 3, 10, tzinfo=UTC),
        vector=np.ones(encoder.dimensions, "<f2").tobytes(),
        encoder="other",
        partition=0,
        offset=1_000,
        discussion="d1",
        source="test",
    )

    async with running(settings, broker.bootstrap, encoder) as worker:
        await feed(worker, comments)
        await settled(worker)
        await worker.publisher.send([Emission("embedded", "foreign", said, 0)])
        await settled(worker)
        (letter,) = [letter async for letter in read_dead_letters(worker.connection)]
        n_sent = await replay(worker.connection, worker.publisher, {"wrong_encoder"})
        await settled(worker)
        assignments = latest(
            await asyncio.to_thread(read_topic, broker.bootstrap, "assignments", broker.prefix)
        )

    assert (letter.stage, letter.reason) == ("assign", "wrong_encoder")
    assert "'other' where this worker's embedding.encoder is 'static-256-3'" in letter.exception
    assert n_sent == 1
    assert assignments["foreign"]["event_time"] == "2025-03-10T00:00:00Z"
    assert set(assignments) == {"foreign", *(comment.id for comment in comments)}


async def test_a_worker_with_another_encoder_than_the_deployments_writes_nothing(
    broker: Broker, settings: Settings, encoder: Encoder
) -> None:
    class Other:
        name = "other"
        dimensions = encoder.dimensions
        encode = staticmethod(encoder.encode)

    async with running(settings, broker.bootstrap, encoder) as worker:
        await feed(worker, sample(20))
        await settled(worker)
    with pytest.raises(SettingsError, match=r"'other', the topics of .* were made with 'static-256-3'"):
        async with running(settings, broker.bootstrap, Other()):
            pass


class Held:
    """A judge that says nothing until it is let go."""

    name = "held"

    def __init__(self) -> None:
        self.is_asked = threading.Event()
        self.goes_on = threading.Event()

    def judge(self, questions: Sequence[Question]) -> list[Verdict]:
        self.is_asked.set()
        assert self.goes_on.wait(300)
        return [Verdict(favor=0.9, against=0.05, none=0.05, model=self.name) for _ in questions]


@pytest.mark.kafka
async def test_topics_do_not_wait_for_stances(
    on_kafka: Broker, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker, settings = on_kafka, settings_on(on_kafka)
    stance = replace(settings.stance, targets=("the old ring",), gate=0.0)
    after, *before = (
        [msgspec.structs.replace(said, id=f"{turn}-{said.id}", created_at=None) for said in sample(500)]
        for turn in range(1 + FOR_THE_JUDGE // 500)
    )
    backlog = [said for turn in before for said in turn]

    async def judged() -> set[str]:
        messages = await asyncio.to_thread(read_topic, broker.bootstrap, "judgements", broker.prefix)
        return {row["id"] for row in latest(messages).values()}

    @asynccontextmanager
    async def held() -> AsyncIterator[tuple[Worker, Held]]:
        judge = Held()
        monkeypatch.setattr("streams.thinking.load_panel", lambda *_: judge)
        async with running(replace(settings, stance=stance), broker.bootstrap, encoder) as worker:
            yield worker, judge
            judge.goes_on.set()

    async with held() as (worker, _):
        await feed(worker, backlog)
        await placed(worker, len(backlog))
    n_judged = len(await judged())
    async with held() as (worker, judge):  # which fetches more for the judge than Faust has room for
        assert await asyncio.to_thread(judge.is_asked.wait, 60)
        for upto in range(100, len(after) + 1, 100):
            await feed(worker, after[upto - 100 : upto])
            await placed(worker, upto)
        n_judged_since = len(await judged()) - n_judged
        judge.goes_on.set()
        await settled(worker, 120)

    assert n_judged < len(backlog) / 2
    assert n_judged_since == 0
    assert await judged() == {said.id for said in [*backlog, *after]}


async def placed(worker: Worker, n: int) -> None:
    """Wait until the worker has given ``n`` comments a place."""
    async with asyncio.timeout(120):
        while worker.n_placed < n:  # noqa: ASYNC110 - it is counted, not told
            await asyncio.sleep(0.05)


@pytest.mark.kafka
async def test_a_feed_may_write_in_transactions(on_kafka: Broker, encoder: Encoder) -> None:
    settings = settings_on(on_kafka)
    said, unsaid, more = sample(30)[:10], sample(30)[10:20], sample(30)[20:]

    async with (
        running(settings, on_kafka.bootstrap, encoder) as worker,
        AIOKafkaProducer(bootstrap_servers=on_kafka.bootstrap, transactional_id="feed") as feeding,
    ):
        topic = worker.connection.topic("comments")
        for comments, is_meant in ((said, True), (unsaid, False), (more, True)):
            await feeding.begin_transaction()
            for comment in comments:
                await feeding.send_and_wait(topic, encode(comment), comment.id.encode())
            await (feeding.commit_transaction() if is_meant else feeding.abort_transaction())
        await settled(worker)
        assignments = latest(
            await asyncio.to_thread(read_topic, on_kafka.bootstrap, "assignments", on_kafka.prefix)
        )
    async with running(settings, on_kafka.bootstrap, encoder) as worker:
        await settled(worker)
        readiness = worker.readiness()

    assert set(assignments) == {comment.id for comment in (*said, *more)}
    assert (readiness.lag, readiness.behind_seconds) == (0, 0.0)


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
    told_by_the_chart = {"cluster", "chart_tick"}  # an assignment comes again once the chart has spoken
    repeated, first = (
        {name: value for name, value in rows[comments[7].id].items() if name not in told_by_the_chart}
        for rows in (after, before)
    )
    assert repeated == first
    newest = latest(clusters)
    assert comments[5].text not in json.dumps(newest, ensure_ascii=False)


@pytest.mark.parametrize(
    ("command", "sign", "expected"),
    [
        ("worker --encoder static --port 0", signal.SIGTERM, 0),
        ("demo --encoder static --port 0", signal.SIGTERM, 143),
        ("watch", signal.SIGINT, 0),
    ],
)
async def test_a_command_that_still_waits_for_its_broker_ends_when_it_is_told_to(
    command: str, sign: signal.Signals, expected: int
) -> None:
    asked = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    mute = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    broker = f"127.0.0.1:{mute.sockets[0].getsockname()[1]}"
    words = [*command.split(), "--broker", broker]
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "streams", *words)
    try:
        await asyncio.wait_for(asked.wait(), 120)
        process.send_signal(sign)
        code = await asyncio.wait_for(process.wait(), CONNECT_SECONDS / 2)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        mute.close()

    assert code == expected


async def test_a_demo_that_is_told_to_end_while_it_feeds_says_so_to_the_shell() -> None:
    words = ["demo", "--encoder", "static", "--port", "0"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "streams", *words, stderr=PIPE, stdout=PIPE
    )
    try:
        async with asyncio.timeout(120):
            assert process.stderr is not None
            while b"Watch it live" not in await process.stderr.readline():
                continue
            process.send_signal(signal.SIGINT)
            _, talk = await process.communicate()
    finally:
        with suppress(ProcessLookupError):
            process.kill()

    assert process.returncode == 130
    assert b"Traceback" not in talk
    assert b"never retrieved" not in talk
