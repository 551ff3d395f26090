"""``make bench``: every benchmark, a table on the screen and the figures in ``bench.json``.

python -m tests.benchmarks              all of them
python -m tests.benchmarks road assign  some
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

RESULTS = Path("bench.json")
WIDE = 160
"""Columns of a table that goes into a file."""

ROAD_RUNS = (("all-MiniLM-L6-v2", 10_000), ("static", 40_000))


def road() -> list[dict[str, Any]]:
    """Rates from door to door beside the bare encoder."""
    from tests.benchmarks.road_bench import measure

    return [asdict(measure(*run)) for run in ROAD_RUNS]


def _others() -> dict[str, Any]:
    """Find the benchmarks that lie beside this file: modules ``*_bench`` with a ``run()``."""
    found: dict[str, Any] = {"road": road}
    for path in sorted(Path(__file__).parent.glob("*_bench.py")):
        name = path.stem.removesuffix("_bench")
        if name not in {"road", "peers"}:
            found[name] = lambda module=path.stem: importlib.import_module(f"tests.benchmarks.{module}").run()
    return found


def _machine() -> str:
    words = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = next((line.partition(":")[2].strip() for line in words.splitlines() if "model name" in line), "")
    return f"{os.cpu_count()} cores, {model or platform.machine()}, Python {platform.python_version()}"


def _show(console: Console, name: str, rows: list[dict[str, Any]]) -> None:
    table = Table(*rows[0], title=name, title_justify="left")
    for row in rows:
        table.add_row(
            *(
                f"{v:,.3g}"
                if isinstance(v, float) and v < 100
                else f"{v:,.0f}"
                if isinstance(v, float)
                else str(v)
                for v in row.values()
            )
        )
    console.print(table)


def main(wanted: list[str]) -> None:
    """Run the benchmarks that are wanted, all by default."""
    console = Console(width=None if sys.stdout.isatty() else WIDE)
    benchmarks = _others()
    unknown = set(wanted) - set(benchmarks)
    if unknown:
        sys.exit(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(benchmarks)}")
    results: dict[str, Any] = {"machine": _machine()}
    console.print(results["machine"])
    for name in wanted or benchmarks:
        results[name] = benchmarks[name]()
        _show(console, name, results[name])
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", "utf-8")
    console.print(f"figures in {RESULTS}")


if __name__ == "__main__":
    main(sys.argv[1:])
