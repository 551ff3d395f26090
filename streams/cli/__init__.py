"""The command ``groundswell``: each subcommand lives in a module of its own and is loaded when it is used."""

from __future__ import annotations

import importlib
from typing import Final

import click

__all__ = ["main"]

COMMANDS: Final = {
    "analyze": "streams.cli.analyze:analyze",
    "audit": "streams.cli.audit:audit",
    "dashboards": "streams.cli.dashboards:dashboards",
    "demo": "streams.cli.demo:demo",
    "evaluate": "streams.cli.evaluate:evaluate",
    "evaluate-drift": "streams.cli.evaluate_drift:evaluate_drift",
    "evaluate-stance": "streams.cli.evaluate_stance:evaluate_stance",
    "feed": "streams.cli.feed:feed",
    "rejected": "streams.cli.rejected:rejected",
    "settings": "streams.cli.settings:settings",
    "stance": "streams.cli.stance:stance",
    "topics": "streams.cli.topics:topics",
    "watch": "streams.cli.watch:watch",
    "worker": "streams.cli.worker:worker",
}
"""Where each subcommand is defined."""


class Commands(click.Group):
    """A group that imports a subcommand only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the subcommands, sorted."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a subcommand, or None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="groundswell")
def main() -> None:
    """Watch opinion move while it moves.

    Example: groundswell demo
    """
