"""Every command: help with an example, words instead of tracebacks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from streams.cli import COMMANDS, main


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize("path", list(commands(main)), ids=" ".join)
def test_every_command_has_a_line_of_help_and_an_example(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, [*path, "--help"])

    assert result.exit_code == 0
    assert "Example" in result.output


def test_an_unknown_command_is_refused() -> None:
    assert CliRunner().invoke(main, ["nonsense"]).exit_code == 2


def test_the_list_of_commands_is_loaded_without_loading_them() -> None:
    result = CliRunner().invoke(main, ["--help"])

    assert result.exit_code == 0
    assert all(name in result.output for name in COMMANDS)


def test_settings_are_listed_with_what_set_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUNDSWELL_WEB__PORT", "7001")

    result = CliRunner().invoke(main, ["settings", "--changed"])

    assert "web.port" in result.output
    assert "7001" in result.output
    assert "environment" in result.output


def test_a_wrong_setting_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUNDSWELL_WEB__PORT", "70000")

    result = CliRunner().invoke(main, ["settings"])

    assert result.exit_code == 1
    assert "Error: web.port is 70000; it must lie in 0 to 65535" in result.output
    assert "Traceback" not in result.output


def test_the_embedded_broker_of_another_process_must_be_named() -> None:
    result = CliRunner().invoke(main, ["rejected"])

    assert result.exit_code == 1
    assert "--broker HOST:PORT" in result.output


def test_settings_at_their_defaults_are_not_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUNDSWELL_WEB__PORT", "7001")

    result = CliRunner().invoke(main, ["settings", "--changed"])

    assert [line.split()[0] for line in result.output.splitlines()[1:]] == ["web.port"]


@pytest.mark.parametrize("command", ["evaluate", "evaluate-drift"])
def test_a_file_that_is_not_utf8_is_told_in_words(command: str, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_bytes(b'{"id": "a", "text": "gr\xfcn", "topic": "x"}\n')

    result = CliRunner().invoke(main, [command, str(file), "--label", "topic"])

    assert result.exit_code == 1
    assert "Error: a file has the byte 0xfc at 23, which isn't UTF-8" in result.output
