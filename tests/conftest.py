"""Fixtures of every floor; the road's are in ``tests/road``."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# A loaded machine is no bug, and what CI finds must be found again by running it again.
settings.register_profile("groundswell", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("groundswell")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--all",
        action="store_true",
        help="also run what needs Kafka, Prometheus, Chromium or npm; none may skip",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without ``--all`` leave out what needs more than Python."""
    if config.getoption("--all"):
        return
    needy = {"kafka", "torture", "prometheus", "browser"}
    left_out = [item for item in items if needy & {mark.name for mark in item.iter_markers()}]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the person who runs the tests reaches them."""
    for name in list(os.environ):
        if name.startswith("GROUNDSWELL_"):
            monkeypatch.delenv(name)
