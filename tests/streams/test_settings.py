"""Settings: who wins, and what is refused."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from agents.errors import SettingsError
from streams.reference import reference
from streams.settings import DEFAULT_FILE, Settings, load_settings, sources


def write(path: Path, text: str) -> Path:
    file = path / "settings.toml"
    file.write_text(text, "utf-8")
    return file


def test_the_reference_file_equals_the_defaults() -> None:
    assert DEFAULT_FILE.read_text("utf-8") == reference()
    assert load_settings(file=DEFAULT_FILE) == Settings()


def test_every_setting_has_its_sentence() -> None:
    lines = reference().splitlines()

    for line, before in zip(lines[1:], lines, strict=False):
        if " = " in line and not line.startswith("#"):
            assert before.startswith("# "), line


def test_the_command_line_wins_over_environment_over_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path, "[time]\ntick_seconds = 10\n[web]\nport = 7001\n[topics]\npartitions = 2\n")
    monkeypatch.setenv("GROUNDSWELL_TIME__TICK_SECONDS", "20")
    monkeypatch.setenv("GROUNDSWELL_WEB__PORT", "7002")

    overrides = {"web": {"port": 7003}}
    settings = load_settings(overrides, file)

    assert (settings.topics.partitions, settings.time.tick_seconds, settings.web.port) == (2, 20, 7003)
    said = {each.name: each.source for each in sources(overrides, file)}
    assert said["topics.partitions"] == str(file)
    assert said["time.tick_seconds"] == "environment"
    assert said["web.port"] == "command line"
    assert said["web.host"] == "default"


def test_a_file_named_by_the_environment_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUNDSWELL_CONFIG", str(write(tmp_path, "[web]\nport = 7001\n")))

    assert load_settings().web.port == 7001


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[web]\nprot = 1\n", "web.prot, which is no setting; did you mean 'port'"),
        ("[wep]\nport = 1\n", "did you mean 'web'"),
        ("[web]\nport = 70000\n", r"70000; it must"),
        ("[time]\ntick_seconds = 0\n", r"time.tick_seconds is 0; it must lie in 1 to 86400. Set it"),
        ('[time]\ntick_seconds = "soon"\n', r"time.tick_seconds is 'soon'"),
        ("[time\n", "is not TOML"),
        ('[broker]\nurl = "kafka"\n', r"broker.url is 'kafka'; it must be"),
        ('[broker]\nprotocol = "SASL_SSL"\n', "broker.username or broker.password is empty"),
        ('[topics]\nprefix = "a b"\n', "topics.prefix is 'a b'"),
    ],
)
def test_what_is_wrong_is_refused_with_value_bound_and_remedy(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load_settings(file=write(tmp_path, text))


@pytest.mark.parametrize("name", ["GROUNDSWELL_PORT", "GROUNDSWELL_WEB__PROT"])
def test_an_unknown_word_in_the_environment_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "1")

    with pytest.raises(SettingsError, match="no setting"):
        load_settings()


def test_sections_are_the_parts_of_the_settings() -> None:
    assert {"broker", "topics", "embedding", "time", "clustering", "charting"} <= {
        f.name for f in fields(Settings)
    }
