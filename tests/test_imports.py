"""The arrow of imports: streams imports agents, never the other way, and the thinking knows no road."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROAD = {"streams", "faust", "mode", "aiokafka", "confluent_kafka", "prometheus_client", "aiohttp", "click"}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("path", modules("agents"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_thinking_imports_nothing_of_the_road(path: Path) -> None:
    assert not {name.partition(".")[0] for name in imported(path)} & ROAD


@pytest.mark.parametrize(
    "path", modules("agents") + modules("streams"), ids=lambda path: str(path.relative_to(ROOT))
)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text("utf-8")))


def test_nothing_of_the_project_imports_the_tests() -> None:
    for path in modules("agents") + modules("streams"):
        assert not any(name.partition(".")[0] == "tests" for name in imported(path))
