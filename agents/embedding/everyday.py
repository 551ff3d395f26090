"""Everyday comments: what to compare with when something has to stand out."""

from __future__ import annotations

from functools import cache
from importlib import resources

__all__ = ["everyday_comments"]


@cache
def everyday_comments() -> tuple[str, ...]:
    """Return 96 everyday comments about many things, written for this purpose."""
    text = resources.files("agents.embedding").joinpath("everyday.txt").read_text("utf-8")
    return tuple(text.splitlines())
