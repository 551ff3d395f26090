from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import msgspec
import pytest

from agents import records
from agents.records import (
    Assignment,
    Cluster,
    Comment,
    Exemplar,
    Pause,
    Placement,
    Pulse,
    RunnerUp,
    Slice,
    encode,
)
from streams.asyncapi import asyncapi, documents, schema
from streams.field_words import words
from streams.topics import TOPICS

CONFIG = Path(__file__).parents[2] / "config"
PARSER = "@asyncapi/parser@3.6.3"
NOON = datetime(2025, 3, 10, 12, tzinfo=UTC)

CHECK = """
import { readFileSync } from "node:fs";
import parser from "@asyncapi/parser";
const { document, diagnostics } = await new parser.Parser().parse(readFileSync(process.argv[2], "utf8"));
const bad = diagnostics.filter((one) => one.severity <= 1);
console.log(JSON.stringify(bad));
process.exit(document === undefined || bad.length > 0 ? 1 : 0);
"""


def test_the_files_are_what_the_records_make() -> None:
    made = documents()

    found = {
        path.relative_to(CONFIG).as_posix(): path.read_text("utf-8")
        for path in [CONFIG / "asyncapi.yaml", *(CONFIG / "schemas").glob("*.json")]
    }

    assert found == made, "run `python -m streams.asyncapi`"


def test_every_field_of_every_record_is_explained() -> None:
    unexplained = [
        f"{name}.{field}"
        for name in records.__all__
        if isinstance(kind := getattr(records, name), type) and issubclass(kind, msgspec.Struct)
        for field in kind.__struct_fields__
        if words(name, field) is None
    ]

    assert unexplained == []


def test_every_public_topic_has_a_channel_and_no_other_has() -> None:
    channels = asyncapi()["channels"]

    public = {topic.name for topic in TOPICS.values() if topic.is_public}
    assert set(channels) == public | {"cluster.one", "stance.one"}


@pytest.mark.parametrize(
    ("topic", "record"),
    [
        ("comments", Comment(id="a", text="Trams.", created_at=1741608000)),
        ("comments", Comment(id="a", deleted=True)),
        ("embedded", Pause(partition=0, offset=-1)),
        ("placements", Placement(micro="0-1", cluster="c1", since=NOON)),
        (
            "assignments",
            Assignment(
                id="a",
                event_time=NOON,
                micro="0-1",
                cluster=None,
                similarity=0.5,
                novelty=0.5,
                partition=0,
                offset=1,
                encoder="e",
                version="1",
                runners_up=(RunnerUp(micro="0-2", similarity=0.4),),
            ),
        ),
        (
            "clusters",
            Cluster(
                id="c1",
                state="live",
                label="trams",
                tick=NOON,
                born=NOON,
                last_heard=NOON,
                count=3,
                weight=2.5,
                share=0.5,
                exemplars=(Exemplar(id="a", text="Trams."),),
                sides={"tram": {"favor": 2}},
            ),
        ),
        (
            "pulse",
            Pulse(
                tick=NOON,
                comments=3,
                unassigned=1,
                total=3,
                n_micros=1,
                n_clusters=1,
                clusters=(Slice(id="c1", label="trams", share=0.5, weight=2.5, count=3),),
                measures={"entropy": 0.0},
            ),
        ),
    ],
)
def test_a_record_as_it_is_written_fits_the_schema_of_its_topic(topic: str, record: records.Record) -> None:
    checker = jsonschema.Draft202012Validator(schema(TOPICS[topic]))

    assert list(checker.iter_errors(json.loads(encode(record)))) == []


def test_a_record_without_what_it_needs_does_not_fit() -> None:
    checker = jsonschema.Draft202012Validator(schema(TOPICS["placements"]))

    assert [error.message for error in checker.iter_errors({"micro": "0-1", "cluster": "c1"})] == [
        "'since' is a required property"
    ]


def test_dead_letters_have_no_schema() -> None:
    with pytest.raises(ValueError, match=r"comments\.rejected carries bytes"):
        schema(TOPICS["comments.rejected"])


@pytest.mark.browser
def test_the_parser_of_asyncapi_finds_nothing_wrong(tmp_path: Path) -> None:
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("npm and node are needed for the AsyncAPI parser")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "check.mjs").write_text(CHECK)
    install = [npm, "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", PARSER]
    subprocess.run(install, cwd=tmp_path, check=True, capture_output=True)

    checked = subprocess.run(
        [node, "check.mjs", CONFIG / "asyncapi.yaml"],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )

    assert (checked.returncode, checked.stdout.strip()) == (0, "[]"), checked.stderr
