"""``groundswell feed`` as a process of its own, against the embedded broker."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.broker import EMBEDDED_PARTITIONS, embedded_broker
from streams.feeds.keys import Keys
from streams.feeds.outlet import EMBEDDED_BYTES, KafkaOutlet
from streams.options import TopicSettings
from streams.publish import Connection

pytestmark = pytest.mark.road

TOPIC = "groundswell.comments"
PLACES = [TopicPartition(TOPIC, partition) for partition in range(EMBEDDED_PARTITIONS)]


@pytest.fixture
def bootstrap() -> Iterator[str]:
    with embedded_broker() as address:
        yield address


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "rows.jsonl"
    with path.open("w") as file:
        for number in range(3_000):
            file.write(
                json.dumps({"id": str(number), "text": f"Text {number}.", "discussion": f"d{number % 9}"})
            )
            file.write("\n")
    return path


async def start(bootstrap, tmp_path, *arguments, stdin=None):
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from streams.cli import main; main()",
        "feed",
        *map(str, arguments),
        "--broker",
        bootstrap,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")},
        stdin=stdin,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def finish(process, raw=None):
    async with asyncio.timeout(60):
        out, talk = await process.communicate(raw)
    return process.returncode, out.decode(), talk.decode()


async def feed(bootstrap, tmp_path, *arguments, raw=None):
    stdin = asyncio.subprocess.PIPE if raw is not None else None
    return await finish(await start(bootstrap, tmp_path, *arguments, stdin=stdin), raw)


async def reading(bootstrap):
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    consumer.assign(PLACES)
    for place in PLACES:
        consumer.seek(place, 0)
    return consumer


async def on_topic(bootstrap):
    """Count the ids on the topic."""
    consumer = await reading(bootstrap)
    try:
        ends = await consumer.end_offsets(PLACES)
        ids: Counter[str] = Counter()
        while sum(ids.values()) < sum(ends.values()):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                ids.update(json.loads(record.value)["id"] for record in records)
        return ids
    finally:
        await consumer.stop()


async def wait_for_some(bootstrap, n_records):
    consumer = await reading(bootstrap)
    try:
        async with asyncio.timeout(60):
            while n_records > 0:
                n_records -= sum(map(len, (await consumer.getmany(timeout_ms=200)).values()))
    finally:
        await consumer.stop()


async def test_a_file_is_sent_and_the_next_run_sends_what_was_appended(bootstrap, tmp_path, rows):
    code, out, _ = await feed(bootstrap, tmp_path, rows)
    with rows.open("a") as file:
        file.write('{"id": "new", "text": "New."}\n')
    again, out_again, talk = await feed(bootstrap, tmp_path, rows)

    assert (code, again) == (0, 0)
    assert out.startswith(f"3,000 comments sent to {TOPIC} and confirmed")
    assert out_again.startswith("1 comments sent")
    assert "Going on after 3,000 comments" in talk
    assert await on_topic(bootstrap) == Counter([*map(str, range(3_000)), "new"])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
async def test_interrupted_and_started_again_everything_is_there_once(bootstrap, tmp_path, rows, number):
    process = await start(bootstrap, tmp_path, rows, "--rate", "1000/s")
    await wait_for_some(bootstrap, 400)
    process.send_signal(number)
    code, out, _ = await finish(process)
    after = await on_topic(bootstrap)

    again, _, _ = await feed(bootstrap, tmp_path, rows)

    assert 0 < len(after) < 3_000
    assert again == 0
    assert await on_topic(bootstrap) == Counter(map(str, range(3_000)))
    if number == signal.SIGKILL:
        assert code == -number
    else:
        assert code == 128 + number
        assert out.startswith(f"{len(after):,} comments sent")


async def test_what_is_refused_is_counted_and_told_by_the_exit_code(bootstrap, tmp_path):
    raw = b'{"id": "a", "text": "A"}\nnonsense\n{"id": "b", "text": "<script>alert(1)</script>"}\n'

    code, out, _ = await feed(bootstrap, tmp_path, "-", raw=raw)

    assert code == 3
    assert out.splitlines()[0].startswith("2 comments sent")
    assert "1 refused and sent to comments.rejected: 1 not_json" in out
    assert "first: line 2: " in out


async def test_a_broker_that_is_not_there_is_told(tmp_path, rows, unused_tcp_port):
    code, out, talk = await feed(f"127.0.0.1:{unused_tcp_port}", tmp_path, rows)

    assert (code, out) == (1, "")
    assert "can't be reached" in talk


async def test_two_paces_at_once_are_a_mistake(tmp_path, rows):
    code, _, talk = await feed("127.0.0.1:1", tmp_path, rows, "--rate", "1/s", "--speed", "2x")

    assert code == 2
    assert "give one" in talk


async def test_it_holds_back_until_the_worker_confirms_what_it_read(bootstrap):
    connection = Connection(bootstrap, "groundswell.")
    keys = Keys(EMBEDDED_PARTITIONS)
    async with KafkaOutlet(connection, TopicSettings()) as outlet:
        assert outlet.is_embedded
        assert outlet.n_partitions == EMBEDDED_PARTITIONS
        n_sent = 0
        while await outlet.room(100_000):
            made = _comment(n_sent)
            await outlet.send(keys.emissions(made))
            n_sent += 1
        assert n_sent * 100_000 <= EMBEDDED_BYTES

        await _confirm(bootstrap, "groundswell.workers")

        assert await outlet.room(100_000)
        assert outlet.behind == 0


async def test_a_bound_in_comments_holds_on_any_broker(bootstrap):
    async with KafkaOutlet(Connection(bootstrap, "groundswell."), TopicSettings(), max_behind=2) as outlet:
        keys = Keys(EMBEDDED_PARTITIONS)

        await outlet.send([*keys.emissions(_comment(1)), *keys.emissions(_comment(2))])

        assert not await outlet.room(1)
        assert outlet.behind == 2


def _comment(number):
    from agents.records import Comment

    return Comment(id=str(number), text="x" * 100_000)


async def _confirm(bootstrap, group):
    """Do what the worker does: read to the end and commit."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(PLACES)
        await consumer.commit(await consumer.end_offsets(PLACES))
    finally:
        await consumer.stop()
