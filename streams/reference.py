"""The reference file of the settings, written from the settings themselves.

``python -m streams.reference`` writes ``config/groundswell.toml`` anew; a test fails where it differs.
"""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from dataclasses import fields
from typing import Any, Final

from streams.settings import DEFAULT_FILE, Settings

__all__ = ["reference"]

WIDTH = 98

APPENDED: Final = {"stance.targets"}
"""Written as comments: ``groundswell stance suggest FILE >> config/groundswell.toml`` adds tables, which TOML
refuses where a list stands already."""

HEAD = """\
# Every setting of Groundswell with its default and the reason for it.
# The environment wins over this file (GROUNDSWELL_CLUSTERING__HALF_LIFE_SECONDS=3600, a list in JSON), the
# command line over both. `groundswell settings` shows what is in force and what set it.
"""


def reference() -> str:
    """Return the reference file as TOML: every setting at its default, each with its sentence."""
    defaults = Settings()
    parts = [HEAD]
    for section in fields(Settings):
        part = getattr(defaults, section.name)
        docs = _sentences(type(part))
        parts.append(f"\n[{section.name}]\n# {_first_line(type(part))}\n")
        for each in fields(part):
            parts.append(_comment(docs.get(each.name, "")))
            mark = "# " if f"{section.name}.{each.name}" in APPENDED else ""
            parts.append(f"{mark}{each.name} = {_toml(getattr(part, each.name))}\n")
    return "\n".join("".join(parts).split("\n"))


def _first_line(kind: type) -> str:
    return (inspect.getdoc(kind) or "").partition("\n")[0]


def _sentences(kind: type) -> dict[str, str]:
    """Return the docstring that follows each field of a dataclass."""
    (made,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(made, ast.ClassDef)
    found = {}
    for field, after in zip(made.body, made.body[1:], strict=False):
        match field, after:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str() as text)):
                found[name] = " ".join(text.split())
    return found


def _comment(text: str) -> str:
    return "".join(f"# {line}\n" for line in textwrap.wrap(text, WIDTH, break_on_hyphens=False))


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return json.dumps([*value])
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return repr(value)


if __name__ == "__main__":
    DEFAULT_FILE.write_text(reference(), encoding="utf-8")
