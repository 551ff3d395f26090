"""Settings: who wins, and what is refused."""

from __future__ import annotations

import traceback
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from agents.errors import SettingsError
from streams.options import BrokerSettings
from streams.reference import reference
from streams.settings import DEFAULT_FILE, Settings, fingerprint, load_settings, sources


def write(path: Path, text: str) -> Path:
    file = path / "settings.toml"
    file.write_text(text, "utf-8")
    return file


def test_the_reference_file_equals_the_defaults() -> None:
    assert DEFAULT_FILE.read_text("utf-8") == reference()
    assert load_settings(file=DEFAULT_FILE) == Settings()


def test_targets_can_be_appended_to_the_reference_file(tmp_path: Path) -> None:
    drafted = '[[stance.targets]]\nid = "tram"\ntitle = "A tram"\nfavor = ["Yes."]\nagainst = ["No."]\n'

    settings = load_settings(file=write(tmp_path, reference() + drafted))

    assert [target.id for target in settings.stance.judged] == ["tram"]


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


@pytest.mark.parametrize(
    ("said", "hosts"),
    [
        ("page.example.org", ("page.example.org",)),
        ('["page.example.org", ".example.com"]', ("page.example.org", ".example.com")),
        ("", ()),
    ],
)
def test_a_list_can_be_set_by_the_environment(
    said: str, hosts: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUNDSWELL_WEB__HOSTS", said)
    monkeypatch.setenv("GROUNDSWELL_STANCE__TARGETS", "a ban on cars, in the centre")

    settings = load_settings()

    assert settings.web.hosts == hosts
    assert [target.title for target in settings.stance.judged] == ["A ban on cars, in the centre"]


def test_a_list_that_is_none_is_refused_with_an_example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUNDSWELL_WEB__HOSTS", '["page.example.org"')

    with pytest.raises(SettingsError, match=r"web\.hosts to .* which is no list .* e\.g\. "):
        load_settings()


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


SECRET = 8675309


@pytest.mark.parametrize(
    "text",
    [
        f"[broker]\npassword = {SECRET}\n",
        f"[broker]\npassword = [{SECRET}]\n",
        f"[post]\ntoken = {SECRET}\n",
        f'[broker]\nurl = "kafka://me:{SECRET}@kafka:9092"\n',
        f'[broker]\nurl = "kafka:9092,me:{SECRET},{SECRET}@kafka:9092"\n',
    ],
)
def test_a_secret_that_is_wrong_is_refused_without_being_shown(
    tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GROUNDSWELL_CONFIG", raising=False)

    with pytest.raises(SettingsError, match=r"^(broker\.(password|url)|post\.token) is ") as refused:
        load_settings(file=write(tmp_path, text))

    told = "".join(traceback.format_exception(refused.value))
    assert str(SECRET) not in told


def test_a_secret_is_not_shown_with_the_settings_it_is_one_of() -> None:
    assert str(SECRET) not in repr(BrokerSettings(password=str(SECRET)))


def test_a_section_in_the_environment_that_is_not_json_is_told_in_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GROUNDSWELL_BROKER", str(SECRET) + "-")

    with pytest.raises(SettingsError, match="takes JSON; better write GROUNDSWELL_SECTION__KEY") as refused:
        load_settings()

    assert str(SECRET) not in str(refused.value)


@pytest.mark.parametrize(
    "other",
    [
        {"embedding": {"encoder": "static"}},
        {"clustering": {"granularity": 0.1}},
        {"time": {"tick_seconds": 10}},
        {"drift": {"window_comments": 100}},
        {"stance": {"targets": ["a tram"]}},
        {"topics": {"keyed_by_id": True}},
    ],
)
def test_workers_of_one_deployment_are_told_apart_by_what_makes_results(
    other: dict[str, dict[str, Any]],
) -> None:
    assert fingerprint(load_settings(other)) != fingerprint(load_settings())


def test_what_a_worker_may_have_its_own_way_is_left_out() -> None:
    own: dict[str, dict[str, Any]] = {
        "broker": {"url": "kafka:9092", "password": "p"},
        "embedding": {"batch_size": 64, "cache_folder": "/tmp"},
        "stance": {"threads": 2},
        "delivery": {"batch": 64},
        "web": {"port": 7001},
        "post": {"token": "t" * 32},
        "topics": {"create": False},
    }

    assert fingerprint(load_settings(own)) == fingerprint(load_settings())


def test_a_target_in_full_is_the_phrase_that_makes_it() -> None:
    (target,) = load_settings({"stance": {"targets": ["a tram"]}}).stance.judged
    in_full = {"id": target.id, "title": target.title, "favor": target.favor, "against": target.against}

    assert fingerprint(load_settings({"stance": {"targets": [in_full]}})) == fingerprint(
        load_settings({"stance": {"targets": ["a tram"]}})
    )


def test_sections_are_the_parts_of_the_settings() -> None:
    assert {"broker", "topics", "embedding", "time", "clustering", "charting"} <= {
        f.name for f in fields(Settings)
    }
