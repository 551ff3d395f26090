"""Pages of a dozen comments, sorted without Kafka."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.cli.analyze import analyze

PAGES = {Path("tests/data/feeds/page.txt"): 12, Path("../shared/data/seed_thread.txt"): 11}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_falls_into_a_handful_of_topics_and_comments_alone(page: Path) -> None:
    if not page.exists():
        pytest.skip(f"{page} is absent")

    result = CliRunner().invoke(analyze, [str(page), "--json"], catch_exceptions=False)

    records = [json.loads(line) for line in result.stdout.splitlines()]
    pulse = [each["value"] for each in records if each["topic"] == "pulse"][-1]
    parts = [cluster["count"] for cluster in pulse["clusters"]]
    assert sum(parts) + pulse["unassigned"] == pulse["total"] == PAGES[page]
    assert 1 <= len(parts) <= 4
    assert max(parts) <= PAGES[page] / 2


@pytest.mark.parametrize(
    ("rows", "said"),
    [("id,text\n", "0 rejected"), ("id,text\na,\nb,\n", "2 rejected: 2 no_text")],
    ids=["header only", "no text"],
)
def test_a_file_without_a_usable_comment_ends_with_the_reasons(tmp_path: Path, rows: str, said: str) -> None:
    file = tmp_path / "comments.csv"
    file.write_text(rows)

    result = CliRunner().invoke(analyze, [str(file)])

    assert result.exit_code == 1
    assert f"comments.csv has no comment that can be used: {said}" in result.output
