"""Brokers for the tests of the road."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from streams.broker import embedded_broker


@pytest.fixture
def embedded() -> Iterator[str]:
    """An embedded broker of the test's own: its ``host:port``."""
    with embedded_broker() as bootstrap:
        yield bootstrap
