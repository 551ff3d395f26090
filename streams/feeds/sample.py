"""The discussion that comes with Groundswell: the one that ``groundswell`` shows without a source."""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["SAMPLE"]

SAMPLE: Final = Path(__file__).parent / "sample" / "discussion.jsonl"
"""JSON Lines, written for the project, under its licence."""
