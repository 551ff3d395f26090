"""The compose file: valid, pinned, waiting on health, closed to the network, and what the tests run."""

from __future__ import annotations

import functools
import json
import re
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from streams.cli import COMMANDS
from streams.settings import load_settings
from tests.support.kafka import jars

ROOT = Path(__file__).parents[2]

LOGGING = """Configuration:
  Properties: {}
  Appenders: {}
  Loggers: {Root: {level: INFO}, Logger: []}
"""
"""The least that the image's start script takes for its settings of logging."""


@functools.cache
def compose() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return read


def services() -> list[str]:
    return list(compose()["services"])


def test_it_meets_the_schema_of_the_compose_specification() -> None:
    schemas = files("check_jsonschema") / "builtin_schemas" / "vendor"
    valid = jsonschema.Draft7Validator(json.loads((schemas / "compose-spec.json").read_text()))

    valid.validate(compose())
    assert not valid.is_valid({"services": {"kafka": {"imagine": "a typo"}}})


@pytest.mark.parametrize("name", services())
def test_every_image_has_a_full_version(name: str) -> None:
    _, _, tag = compose()["services"][name]["image"].rpartition(":")

    assert re.fullmatch(r"v?\d+\.\d+\.\d+", tag)


def test_the_image_is_built_on_a_pinned_base_and_runs_without_root() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()

    bases = [line.split()[1] for line in lines if line.startswith("FROM")]
    users = [line.split()[1] for line in lines if line.startswith("USER")]

    assert all(re.search(r":\d+\.\d+\.\d+", base) for base in bases)
    assert users
    assert users[-1] not in {"root", "0"}


def test_everything_that_is_copied_into_the_image_exists_and_reaches_docker() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = {line[1:] for line in ignored if line.startswith("!")}

    copied = [
        name
        for line in dockerfile.splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for name in line.split()[1:-1]
    ]

    assert copied
    assert all((ROOT / name).exists() for name in copied)
    assert set(copied) == allowed


@pytest.mark.parametrize("name", services())
def test_whatever_stays_up_has_a_health_check_and_what_needs_it_waits(name: str) -> None:
    service = compose()["services"][name]

    for other, how in service.get("depends_on", {}).items():
        ends = compose()["services"][other]["restart"] == "no"
        wanted = "service_completed_successfully" if ends else "service_healthy"
        assert how["condition"] == wanted, other
    if service["restart"] != "no" and "build" not in service:
        assert "test" in service["healthcheck"]


@pytest.mark.parametrize("name", services())
def test_no_port_is_open_to_the_network(name: str) -> None:
    for port in compose()["services"][name].get("ports", []):
        assert port.startswith("127.0.0.1:"), port


@pytest.mark.parametrize("name", services())
def test_every_mounted_file_is_in_the_repository_and_read_only(name: str) -> None:
    for volume in compose()["services"][name].get("volumes", []):
        source, _, rest = volume.partition(":")
        if source.startswith("."):
            assert (ROOT / source).exists(), source
            assert rest.endswith(":ro")
        else:
            assert source in compose()["volumes"]


@pytest.mark.parametrize("name", ["topics", "worker", "demo"])
def test_our_services_run_commands_and_settings_that_exist(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = compose()["services"][name]
    for setting, value in service["environment"].items():
        monkeypatch.setenv(setting, re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value))

    settings = load_settings()

    assert service["command"][0] in COMMANDS
    assert settings.broker.url == "kafka:19092"


@pytest.mark.kafka
def test_kafka_s_own_start_script_takes_our_settings(tmp_path: Path) -> None:
    """Runs what the image runs before the broker: merge settings and environment, format the storage."""
    service = compose()["services"]["kafka"]
    defaults, mounted, final = (tmp_path / name for name in ("defaults", "mounted", "final"))
    for folder in (defaults, mounted, final):
        folder.mkdir()
    for name in ("log4j2.yaml", "tools-log4j2.yaml"):
        (defaults / name).write_text(LOGGING)
    (mounted / "server.properties").write_text((ROOT / "config/kafka/server.properties").read_text())
    environment = {**service["environment"], "KAFKA_LOG_DIRS": str(tmp_path / "data")}

    wrapper = ["java", "-cp", f"{jars()}/*", "kafka.docker.KafkaDockerWrapper", "setup"]
    places = ["-D", str(defaults), "-M", str(mounted), "-F", str(final)]
    done = subprocess.run(
        [*wrapper, *places],
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    merged = (final / "server.properties").read_text()
    assert "auto.create.topics.enable=false" in merged
    assert "controller.quorum.voters=1@kafka:9093" in merged
    assert (tmp_path / "data" / "meta.properties").exists()
