"""What the demo tells at its end."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import AsyncMock

import pytest
from aiokafka.errors import KafkaConnectionError

from agents.errors import RoadError
from streams import app
from streams.app import Worker
from streams.cli.demo import _links
from streams.offsets import Standing
from streams.publish import Connection
from streams.settings import Settings
from streams.web.settings import WebSettings


@pytest.mark.parametrize(
    ("prefix", "command"),
    [
        ("groundswell.", "groundswell watch --broker kafka:9092"),
        ("demo-7.", "groundswell watch --broker kafka:9092 --prefix demo-7."),
    ],
)
def test_the_command_to_subscribe_finds_what_the_demo_published(prefix: str, command: str) -> None:
    worker = SimpleNamespace(
        connection=Connection("kafka:9092", prefix), url="http://127.0.0.1:6066", is_embedded=False
    )

    assert dict(_links(cast(Any, worker)))["subscribe"] == command


async def test_a_port_in_use_is_named_with_the_option_that_gives_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        worker = Worker(Settings(web=WebSettings(port=port)), "127.0.0.1:1")

        with pytest.raises(RoadError, match=rf"web.port is {port}, .* --port"):
            await worker.start()
        await worker.stop()


async def _endlessly() -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("stopping", [RuntimeError, asyncio.CancelledError, _endlessly])
async def test_what_cannot_be_stopped_keeps_nothing_else_up(
    stopping: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "STOP_SECONDS", 0.05)
    worker: Any = Worker(Settings(), "127.0.0.1:1")
    worker._app = SimpleNamespace(stop=AsyncMock(side_effect=stopping))
    worker.publisher = SimpleNamespace(stop=AsyncMock())

    await worker.stop()

    worker.publisher.stop.assert_awaited_once()


async def test_a_broker_that_is_away_does_not_end_the_demo() -> None:
    worker: Any = Worker(Settings(), "127.0.0.1:1")
    worker._offsets = SimpleNamespace(ask=AsyncMock(side_effect=KafkaConnectionError))

    assert await worker.is_settled() is False


@pytest.mark.parametrize(
    ("host", "url"), [("::1", "http://[::1]:6066"), ("127.0.0.1", "http://127.0.0.1:6066")]
)
def test_the_address_of_the_page_can_be_opened(host: str, url: str) -> None:
    assert Worker(Settings(web=WebSettings(host=host)), "127.0.0.1:1").url == url


@pytest.mark.parametrize(("n_placed", "rejected", "settled"), [(0, 2, True), (1, 1, False), (0, 0, False)])
async def test_a_run_whose_comments_were_all_rejected_is_over(
    n_placed: int, rejected: int, settled: bool
) -> None:
    worker: Any = Worker(Settings(), "127.0.0.1:1")
    inputs = [(name, n) for name in ("comments", "embedded") for n in range(worker.n_partitions)]
    standings = {
        (worker.connection.topic(name), n): Standing(0, 1, 1) for name, n in [*inputs, ("sketches", 0)]
    }
    worker._offsets = SimpleNamespace(ask=AsyncMock(), all=lambda: standings)
    worker._observer = SimpleNamespace(n_placed=n_placed, n_rejected=+Counter(bad_time=rejected))

    assert await worker.is_settled() is settled
