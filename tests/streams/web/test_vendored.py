from __future__ import annotations

import hashlib
from pathlib import Path

VENDOR = Path(__file__).parents[3] / "streams" / "web" / "page" / "vendor"


def test_vendored_files_are_those_that_were_published() -> None:
    noted = (VENDOR / "README.md").read_text("utf-8")

    for script in VENDOR.glob("*.js"):
        assert hashlib.sha256(script.read_bytes()).hexdigest() in noted, script.name
        assert (VENDOR / f"{script.name.removesuffix('.min.js')}.LICENSE.txt").exists()
