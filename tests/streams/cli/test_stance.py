import json
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from agents.stance.head import Head, read_head
from agents.stance.settings import StanceSettings
from agents.stance.target import Target
from streams.cli import main


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.chdir(tmp_path)
    return CliRunner()


def lines(file: Path, rows: list[dict[str, str]]) -> str:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(file)


def test_suggest_drafts_targets_that_the_settings_take(runner: CliRunner, tmp_path: Path) -> None:
    rows = [
        {"id": str(n), "text": text, "discussion_title": "Should we close the ring?"}
        for n, text in enumerate(
            ["I'm for the tram.", "Stop the tram!", "No to the tram", "A cat sits there"]
        )
    ]

    result = runner.invoke(main, ["stance", "suggest", lines(tmp_path / "comments.jsonl", rows)])

    assert result.exit_code == 0, result.output
    drafted = tomllib.loads(result.stdout)["stance"]["targets"]
    targets = [Target(d["id"], d["title"], tuple(d["favor"]), tuple(d["against"])) for d in drafted]
    assert StanceSettings(targets=tuple(targets)).judged[0].favor == ("We should close the ring",)
    assert [target.title for target in targets] == ["Should we close the ring?", "The tram"]
    assert (
        "# Draft to approve, from the title \u201cShould we close the ring?\u201d, 4 comments"
        in result.stdout
    )
    assert "# Draft to approve, from 1 comment for it and 2 against it" in result.stdout


def test_suggest_drafts_nothing_from_news_and_words_that_are_frequent(
    runner: CliRunner, tmp_path: Path
) -> None:
    rows = [
        {"id": str(n), "text": "The tram line is late.", "discussion_title": "Tram late again"}
        for n in range(9)
    ]

    result = runner.invoke(main, ["stance", "suggest", lines(tmp_path / "comments.jsonl", rows)])

    assert result.exit_code == 1
    assert result.stdout == ""


def test_suggest_without_a_source_says_what_to_give(runner: CliRunner) -> None:
    result = runner.invoke(main, ["stance", "suggest"])

    assert result.exit_code == 1
    assert "--live" in result.output


def test_suggest_of_a_broker_that_is_not_there_says_so(runner: CliRunner) -> None:
    result = runner.invoke(main, ["stance", "suggest", "--live", "--broker", "127.0.0.1:1"])

    assert result.exit_code == 1
    assert "127.0.0.1:1 can't be reached" in result.output


def test_suggest_says_when_nothing_can_be_drafted(runner: CliRunner, tmp_path: Path) -> None:
    file = lines(tmp_path / "comments.jsonl", [{"id": "1", "text": "hm"}])

    result = runner.invoke(main, ["stance", "suggest", file])

    assert result.exit_code == 1
    assert "0 titles ask or demand" in result.output


def test_train_writes_a_head_and_says_how_often_it_is_right(runner: CliRunner, tmp_path: Path) -> None:
    rows = [{"text": f"I am for the tram, it is great, reason {n}", "side": "favor"} for n in range(20)]
    rows += [{"text": f"Stop this awful waste, reason {n}", "side": "against"} for n in range(20)]
    file = lines(tmp_path / "examples.jsonl", rows)

    result = runner.invoke(main, ["stance", "train", "--target", "tram", file])

    assert result.exit_code == 0, result.output
    assert "20 against, 20 favor" in result.output
    assert read_head(Path("heads/tram.json")).accuracy > 0.9
    assert 'heads = ["heads/tram.json"] under [stance] in groundswell.toml' in " ".join(result.stderr.split())
    assert "luck" not in result.stderr


def test_train_says_when_a_head_may_be_right_by_luck(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = Head(
        target="tram",
        encoder="words",
        dimensions=1,
        classes=("against", "favor"),
        weights=b"",
        n_examples={"favor": 20, "against": 20},
        accuracy=0.55,
        majority=0.5,
    )
    monkeypatch.setattr("streams.cli.stance.train_head", lambda *_: head)
    file = lines(tmp_path / "examples.jsonl", [{"text": "good", "side": "favor"}])

    result = runner.invoke(main, ["stance", "train", "--target", "tram", file])

    assert "That may be luck" in result.stderr


def test_train_refuses_too_few_examples(runner: CliRunner, tmp_path: Path) -> None:
    file = lines(tmp_path / "examples.jsonl", [{"text": "good", "side": "favor"}])

    result = runner.invoke(main, ["stance", "train", "--target", "tram", file])

    assert result.exit_code == 1
    assert "a head needs 20" in result.output


def test_fit_refuses_data_without_an_open_licence(runner: CliRunner, tmp_path: Path) -> None:
    row = {"text": "t", "statement": "s", "label": "support", "source": "x", "licence": "none stated"}

    result = runner.invoke(main, ["stance", "fit", lines(tmp_path / "rows.jsonl", [row])])

    assert result.exit_code == 1
    assert "open licence" in result.output
