"""``groundswell settings``: what is in force and where it comes from."""

from __future__ import annotations

from operator import attrgetter

import click
from rich.table import Table

from streams.cli.common import in_words, stdout
from streams.settings import SECRETS, Settings, sources

__all__ = ["settings"]


@click.command()
@click.option("--changed", is_flag=True, help="Only what differs from the defaults.")
@in_words
def settings(*, changed: bool) -> None:
    """List every setting in force and what set it.

    Example: groundswell settings --changed
    """
    table = Table("setting", "value", "set by", box=None, pad_edge=False)
    defaults = Settings()
    for each in sources():
        differs = each.value != attrgetter(each.name)(defaults)
        if changed and not differs:
            continue
        value = "(set)" if each.name in SECRETS and each.value else repr(each.value)
        table.add_row(each.name, value, each.source, style="bold" if differs else "")
    stdout.print(table if table.row_count else "Every setting has its default.")
