"""Looks up known vulnerabilities of what is installed: fails at one, says where it can't tell."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["judge", "main"]

SECONDS = 180


def judge(dependencies: Sequence[dict[str, Any]]) -> tuple[int, str]:
    """Return the exit code and what to tell from what ``pip-audit --format json`` found.

    Examples
    --------
    >>> judge([{"name": "a", "version": "1", "vulns": []}, {"name": "b", "skip_reason": "not found"}])
    (0, '1 of 2 packages have no known vulnerability; 1 could not be looked up at this registry.')
    >>> judge([{"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}])
    (1, 'a 1 has PYSEC-1, mended in 2.')
    """
    bad = [
        f"{each['name']} {each['version']} has {vulnerability['id']}, "
        f"mended in {', '.join(vulnerability['fix_versions']) or 'no version yet'}."
        for each in dependencies
        for vulnerability in each.get("vulns", ())
    ]
    if bad:
        return 1, "\n".join(bad)
    n_unknown = sum("skip_reason" in each for each in dependencies)
    said = f"{len(dependencies) - n_unknown} of {len(dependencies)} packages have no known vulnerability"
    return 0, f"{said}; {n_unknown} could not be looked up at this registry." if n_unknown else f"{said}."


def main() -> int:
    """Run pip-audit on this environment; without its database say so and pass."""
    command = [str(Path(sys.executable).with_name("pip-audit")), "--skip-editable", "--format", "json"]
    try:
        done = subprocess.run(
            [*command, "--progress-spinner", "off"],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        code, said = judge(json.loads(done.stdout)["dependencies"])
    except (subprocess.TimeoutExpired, json.JSONDecodeError, KeyError):
        code, said = 0, "its database can't be reached from here, so nothing is known of vulnerabilities."
    sys.stdout.write(f"pip-audit: {said}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
