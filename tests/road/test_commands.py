"""What commands say of a broker or a deployment that isn't there."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from streams.cli import main
from tests.support.kafka import free_port

pytestmark = pytest.mark.road

COMMANDS = [
    "rejected --broker {} --prefix nowhere.",
    "rejected --broker {} --prefix nowhere. replay",
    "audit --broker {} --prefix nowhere.",
    "watch --broker {} --prefix nowhere.",
    "topics replay --broker {} --from nowhere. --prefix new.",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_prefix_without_topics_is_told_at_once(command: str, embedded: str) -> None:
    told = CliRunner().invoke(main, command.format(embedded).split())

    assert told.exit_code == 1
    assert "Error: there is no topic nowhere." in told.stderr
    assert "its dot included" in told.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_broker_that_is_not_there_is_told_in_words(command: str) -> None:
    told = CliRunner().invoke(main, command.format(f"127.0.0.1:{free_port()}").split())

    assert told.exit_code == 1
    assert "can't be reached" in told.stderr
