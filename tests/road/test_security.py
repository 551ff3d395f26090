"""Encrypted from door to door, closed by default, no word of a comment in a log, nothing pickled."""

from __future__ import annotations

import ast
import asyncio
import json
import re
import ssl
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from agents.embedding.encoder import load_encoder
from agents.errors import RoadError
from streams.audit import audit
from streams.publish import Connection
from streams.settings import Settings, load_settings
from streams.topic_admin import create_topics
from tests.support.deployment import Deployment, wait_until
from tests.support.kafka import Certificates, Kafka, make_certificates
from tests.support.torture import wait_for_rest

ROOT = Path(__file__).parents[2]
USER, PASSWORD = "groundswell", "rise-and-fall"
SECRETS = ("zebracorn", "quixotelle")
"""A word of every comment, and its author."""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def secure(certificates: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """A node that speaks SASL_SSL with certificates made here."""
    node = Kafka(tmp_path_factory.mktemp("kafka"), certificates=certificates, users={USER: PASSWORD})
    node.start()
    yield node
    node.stop()


def secured(secure: Kafka, certificates: Certificates, **changes: str) -> Settings:
    broker = {
        "url": secure.secure_bootstrap,
        "protocol": "SASL_SSL",
        "mechanism": "SCRAM-SHA-512",
        "username": USER,
        "password": PASSWORD,
        "ca_file": str(certificates.authority),
    }
    return load_settings(
        {"broker": broker | changes, "embedding": {"encoder": "static"}, "topics": {"partitions": 2}}
    )


def connection(settings: Settings) -> Connection:
    return Connection(settings.broker.url, settings.topics.prefix, settings.broker.client())


@pytest.mark.road
@pytest.mark.kafka
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "PLAIN"])
def test_a_comment_goes_from_door_to_door_over_sasl_ssl_and_leaves_no_word_in_a_log(
    secure: Kafka, certificates: Certificates, tmp_path: Path, mechanism: str
) -> None:
    settings = secured(secure, certificates, mechanism=mechanism)
    prefix = f"{mechanism.lower()}."
    there = Connection(secure.secure_bootstrap, prefix, settings.broker.client())
    load_encoder(settings.embedding)
    deployment = Deployment(
        secure.secure_bootstrap,
        prefix,
        tmp_path,
        {
            "BROKER__PROTOCOL": "SASL_SSL",
            "BROKER__MECHANISM": mechanism,
            "BROKER__USERNAME": USER,
            "BROKER__PASSWORD": PASSWORD,
            "BROKER__CA_FILE": str(certificates.authority),
            "EMBEDDING__ENCODER": "static",
            "TOPICS__PARTITIONS": "2",
        },
    )
    worker = deployment.start(arguments=("--log-level", "DEBUG"))
    try:
        asyncio.run(feed(there))
        wait_until(lambda: worker.n_assigned() >= 50, 120, "all are assigned", deployment.check)
        evidence = wait_for_rest(there, deployment, 60)
    finally:
        deployment.stop()

    report = audit(evidence, settings.embedding)
    log = worker.log.read_text()
    assert report.findings == []
    assert (report.counts["assigned"], report.counts["rejected"]) == (50, 1)
    assert "partition opened" in log
    assert not [word for word in (*SECRETS, PASSWORD) if word in log]


async def feed(there: Connection) -> None:
    """Send fifty comments and one that can't be used, each with a word and an author that no log may show."""
    await create_topics(there, load_settings({"topics": {"partitions": 2}}).topics)
    producer = AIOKafkaProducer(**there.client(), acks="all")
    await producer.start()
    for n in range(50):
        said = {"id": f"s{n}", "text": f"the {SECRETS[0]} bridge, part {n}", "author": SECRETS[1]}
        await producer.send(there.topic("comments"), json.dumps(said).encode(), b"d")
    await producer.send(there.topic("comments"), json.dumps({"text": SECRETS[0]}).encode(), b"d")
    await producer.stop()


@pytest.mark.road
@pytest.mark.kafka
@pytest.mark.parametrize(
    "changes",
    [{"password": "wrong"}, {"username": "stranger"}],
)
async def test_who_can_not_log_in_is_told_so(
    secure: Kafka, certificates: Certificates, changes: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.topic_admin.CONNECT_SECONDS", 3.0)
    settings = secured(secure, certificates, **changes)

    with pytest.raises(RoadError, match=r"broker\.url|broker\.username"):
        await create_topics(connection(settings), settings.topics)


@pytest.mark.road
@pytest.mark.kafka
async def test_a_broker_whose_certificate_nobody_vouches_for_is_not_talked_to(
    secure: Kafka, certificates: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.topic_admin.CONNECT_SECONDS", 3.0)
    other = make_certificates(tmp_path)
    settings = secured(secure, certificates, ca_file=str(other.authority))

    with pytest.raises(RoadError):
        await create_topics(connection(settings), settings.topics)
    assert settings.broker.client()["ssl_context"].verify_mode is ssl.CERT_REQUIRED
    assert settings.broker.client()["ssl_context"].check_hostname


def test_the_page_listens_on_this_machine_alone_unless_told_otherwise() -> None:
    assert load_settings().web.host == "127.0.0.1"


def test_faust_s_own_web_views_are_off() -> None:
    source = (ROOT / "streams/app.py").read_text()

    assert "web_enabled=False" in source


def test_nothing_is_pickled() -> None:
    forbidden = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    found = []
    for package in ("agents", "streams"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                found += [(path.name, name) for name in names if name.split(".")[0] in forbidden]

    assert found == []


def test_every_dependency_is_pinned_to_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = {
        re.split(r"[\[<>=~! ]", requirement)[0].lower().replace("_", "-")
        for requirement in [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    }
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {line.partition("==")[0].lower() for line in lines if "==" in line}

    assert wanted - pinned == set()
    assert all("==" in line for line in lines if line.strip() and not line.lstrip().startswith("#"))
