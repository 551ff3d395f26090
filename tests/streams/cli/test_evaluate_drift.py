"""The commands that judge drift and write what is generated, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from streams.cli import main
from streams.cli.dashboards import dashboards

WORDS = {
    "tram": "tram rails line stops",
    "air": "asthma soot lungs breathing",
    "strike": "strike drivers union",
}


@pytest.fixture
def stream(tmp_path: Path) -> tuple[Path, Path]:
    """Six hundred comments on two topics, of which the last two hundred turn to a third; their vectors."""
    generator = np.random.default_rng(4)
    names = ["tram", "air"]
    labels = [str(generator.choice(names)) for _ in range(400)]
    labels += [str(generator.choice(["strike", *names], p=[0.6, 0.2, 0.2])) for _ in range(200)]
    directions = dict(zip(WORDS, np.eye(32), strict=False))
    vectors = np.stack([directions[label] + generator.normal(scale=0.05, size=32) for label in labels])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = [
        {
            "id": f"x{at}",
            "text": f"{WORDS[label]} {at}",
            "topic": label,
            "created_at": 1_700_000_000 + 20 * at,
        }
        for at, label in enumerate(labels)
    ]
    file, kept = tmp_path / "stream.jsonl", tmp_path / "stream.npy"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    np.save(kept, vectors.astype(np.float16))
    return file, kept


def test_a_topic_that_emerges_is_found_and_reported_as_json(stream: tuple[Path, Path]) -> None:
    file, kept = map(str, stream)

    done = CliRunner().invoke(
        main,
        ["evaluate-drift", file, "--label", "topic", "--vectors", kept, "--json"],
        catch_exceptions=False,
    )

    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    found = {finding["name"]: finding for finding in told["findings"]}
    assert found["strike"]["found"]
    assert found["strike"]["delay_comments"] <= 50
    assert told["false_alarms"] == 0


def test_a_shuffled_stream_has_no_onset_and_its_alarms_are_counted(stream: tuple[Path, Path]) -> None:
    file, kept = map(str, stream)

    done = CliRunner().invoke(
        main, ["evaluate-drift", file, "--label", "topic", "--vectors", kept, "--shuffles", "2"]
    )

    assert done.exit_code == 0, done.output
    assert "0 alarms in 2 shuffles" in done.stdout


def test_a_shuffle_may_keep_neighbours_together(stream: tuple[Path, Path]) -> None:
    """In one piece the stream is what it was, and tells of its third topic again."""
    file, kept = map(str, stream)

    done = CliRunner().invoke(
        main,
        [
            "evaluate-drift",
            file,
            "--label",
            "topic",
            "--vectors",
            kept,
            "--shuffles",
            "1",
            "--together",
            "600",
        ],
    )

    assert done.exit_code == 0, done.output
    assert not done.stdout.startswith("0 alarms")


def test_shifts_of_stance_are_watched_on_true_sides_and_on_judged_ones(tmp_path: Path) -> None:
    said = {
        "favor": "Boxing must be banned at once, ban boxing.",
        "against": "Do not ban boxing, keep it legal.",
    }
    sides = ["favor"] * 300 + ["against"] * 60
    rows = [
        {
            "id": f"x{at}",
            "text": said[side],
            "topic": "boxing",
            "stances": {"boxing": side},
            "created_at": 1_700_000_000 + 60 * at,
        }
        for at, side in enumerate(sides)
    ]
    file, events, targets = tmp_path / "boxing.jsonl", tmp_path / "events.json", tmp_path / "targets.toml"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    shift = {"target": "boxing", "starts": "2023-11-15T03:13:20+00:00"}
    events.write_text(json.dumps({"topics": [], "stance_shifts": [shift]}), encoding="utf-8")
    targets.write_text(
        '[[targets]]\nid = "boxing"\ntitle = "Banning boxing"\n'
        'favor = ["Boxing should be banned"]\nagainst = ["Boxing should not be banned"]\n',
        encoding="utf-8",
    )

    arguments = [str(file), "--label", "topic", "--events", str(events), "--targets", str(targets)]
    done = CliRunner().invoke(main, ["evaluate-drift", *arguments, "--json"], catch_exceptions=False)

    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["stances"]["boxing"]["found"] == 1
    assert told["judged"]["boxing"]["found"] == 1


def test_what_is_generated_is_up_to_date() -> None:
    done = CliRunner().invoke(dashboards, [])

    assert done.exit_code == 0, done.output
    assert done.stdout == ""
