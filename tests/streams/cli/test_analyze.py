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
