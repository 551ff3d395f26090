import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.cli import main

DEBATES = [
    {"text": text, "discussion": name, "pole_a": f"{thing} should be banned",
     "pole_b": f"{thing} should not be banned", "stance": side}
    for name, thing in (("boxing", "Boxing"), ("zoos", "Zoos"), ("cars", "Cars"))
    for text, side in ((f"{thing} must be banned now.", "a"), (f"{thing} should stay, no ban!", "b"))
]  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "debates.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in DEBATES))
    return str(path)


def test_the_report_is_json_on_request(file: str) -> None:
    result = CliRunner().invoke(main, ["evaluate-stance", file, "--json"])

    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert (report["n_comments"], report["n_discussions"]) == (6, 3)
    assert report["oracle"] == 0.5
    assert report["accuracy"]["low"] <= report["accuracy"]["value"] <= report["accuracy"]["high"]
    assert set(report["by_coverage"]) == {str(each) for each in range(10, 101, 10)}


def test_the_table_shows_measures_controls_and_the_oracle_by_its_name(file: str) -> None:
    result = CliRunner().invoke(main, ["evaluate-stance", file])

    assert result.exit_code == 0, result.output
    for said in ("accuracy, a side forced", "statements hidden", "more frequent pole", "oracle, no control"):
        assert said in result.stdout


def test_a_file_of_something_else_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text('{"text": "no poles"}\n')

    result = CliRunner().invoke(main, ["evaluate-stance", str(path)])

    assert result.exit_code == 1
    assert "line 1" in result.output


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"text": None}, "a line must be an object with text"),
        ({"text": " "}, "a line must be an object with text"),
        ({"pole_b": "Boxing should be banned"}, "in favor and against"),
        ({"pole_b": "x" * 301}, "301 characters"),
    ],
)
def test_a_row_that_cannot_be_judged_is_refused_with_its_line(
    tmp_path: Path, changed: dict[str, object], said: str
) -> None:
    path = tmp_path / "debates.jsonl"
    path.write_text(json.dumps(DEBATES[0]) + "\n" + json.dumps(DEBATES[0] | changed) + "\n")

    result = CliRunner().invoke(main, ["evaluate-stance", str(path)])

    assert result.exit_code == 1
    assert "line 2" in result.output
    assert said in result.output


def test_what_one_debate_of_one_side_cannot_tell_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "debates.jsonl"
    path.write_text(json.dumps(DEBATES[0]) + "\n")

    told = CliRunner().invoke(main, ["evaluate-stance", str(path), "--json"])
    shown = CliRunner().invoke(main, ["evaluate-stance", str(path)])

    def refuse(word: str) -> None:
        raise AssertionError(word)

    report = json.loads(told.stdout, parse_constant=refuse)
    assert report["auc"] == {"value": None, "low": None, "high": None}
    assert report["accuracy"]["low"] is None
    assert "nan" not in shown.stdout
    assert "unknown" in shown.stdout
