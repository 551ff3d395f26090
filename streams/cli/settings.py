"""``groundswell settings``: what is in force and where it comes from."""

from __future__ import annotations

import click
from rich.table import Table

from streams.cli.common import in_words, stdout
from streams.settings import sources

__all__ = ["settings"]

HIDDEN = {"broker.password", "post.token"}


@click.command()
@click.option("--changed", is_flag=True, help="Only what differs from the defaults.")
@in_words
def settings(*, changed: bool) -> None:
    """List every setting in force and what set it.

    Example: groundswell settings --changed
    """
    table = Table("setting", "value", "set by", box=None, pad_edge=False)
    for each in sources():
        if changed and each.source == "default":
            continue
        value = "(set)" if each.name in HIDDEN and each.value else repr(each.value)
        table.add_row(each.name, value, each.source, style="bold" if each.source != "default" else "")
    stdout.print(table)
