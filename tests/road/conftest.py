"""Brokers and the browser for the tests of the road."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from streams.broker import EMBEDDED, embedded_broker
from streams.publish import Connection
from tests.support.kafka import Kafka, running

_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a test's broker is, and the prefix of its own topics there."""

    bootstrap: str
    prefix: str
    is_embedded: bool

    @property
    def url(self) -> str:
        """What ``broker.url`` says to have it."""
        return EMBEDDED if self.is_embedded else self.bootstrap

    @property
    def connection(self) -> Connection:
        """How to reach it."""
        return Connection(self.bootstrap, self.prefix)


@pytest.fixture
def embedded() -> Iterator[str]:
    """An embedded broker of the test's own: its ``host:port``."""
    with embedded_broker() as bootstrap:
        yield bootstrap


@pytest.fixture(scope="session")
def kafka() -> Iterator[Kafka]:
    """A node of Apache Kafka that all tests share; each takes a prefix of its own."""
    with running() as node:
        yield node


@pytest.fixture
def on_kafka(kafka: Kafka) -> Broker:
    """Apache Kafka, with a prefix of the test's own."""
    return Broker(kafka.bootstrap, f"t{next(_numbers)}.", is_embedded=False)


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def broker(request: pytest.FixtureRequest) -> Broker:
    """Each broker in turn: the embedded one, and with ``--all`` Apache Kafka."""
    if request.param == "kafka":
        there: Broker = request.getfixturevalue("on_kafka")
        return there
    return Broker(request.getfixturevalue("embedded"), f"t{next(_numbers)}.", is_embedded=True)


def chromium() -> str | None:
    """Return the path of a Chromium, None where there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture
async def browser() -> AsyncIterator[Any]:
    """Chromium, headless."""
    path = chromium()
    if path is None:
        pytest.skip("Chromium is needed: apt-get install chromium")
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        await opened.close()
