"""What several commands share: options, settings with their errors told in words, a console."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final, TypeVar, get_args

import click
from rich.console import Console

from agents.errors import GroundswellError
from streams.feeds.files import Format
from streams.settings import Settings, load_settings

__all__ = [
    "broker_option",
    "encoder_option",
    "format_option",
    "in_words",
    "map_option",
    "settings_from",
    "stderr",
    "stdout",
    "target_option",
]

F = TypeVar("F", bound=Callable[..., Any])

stdout: Final = Console(highlight=False)
"""Results."""
stderr: Final = Console(stderr=True, highlight=False)
"""Talk."""

broker_option = click.option(
    "--broker",
    metavar="HOST:PORT",
    help="Kafka to use; without it the settings decide, and by default a broker is started in the process.",
)
encoder_option = click.option(
    "--encoder", metavar="NAME", help="all-MiniLM-L6-v2, static, or any Sentence Transformers name or folder."
)
format_option = click.option(
    "--format", "kind", type=click.Choice(get_args(Format)), help="Format; else recognised."
)
map_option = click.option(
    "--map", "mapping", metavar="OURS=THEIRS,…", help="Fields, e.g. text=body,id=name; id=@hash."
)
target_option = click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="PHRASE",
    help="A question on which comments take sides, e.g. 'a European security pact'; may be repeated.",
)


def in_words(function: F) -> F:
    """Let our own errors, and a file that isn't UTF-8, end a command with a message and exit code 1."""

    @functools.wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except GroundswellError as error:
            raise click.ClickException(str(error)) from error
        except UnicodeDecodeError as error:
            byte = error.object[error.start]
            message = (
                f"a file has the byte 0x{byte:02x} at {error.start}, which isn't UTF-8; save it in UTF-8."
            )
            raise click.ClickException(message) from error

    return guarded  # type: ignore[return-value]


def settings_from(
    *,
    broker: str | None = None,
    encoder: str | None = None,
    targets: tuple[str, ...] = (),
    prefix: str | None = None,
    **sections: dict[str, Any],
) -> Settings:
    """Load the settings with what the command line says on top.

    Raises
    ------
    SettingsError
        If one is unknown or out of its range.
    """
    overrides: dict[str, dict[str, Any]] = {name: dict(values) for name, values in sections.items()}
    for section, key, value in (
        ("broker", "url", broker),
        ("embedding", "encoder", encoder),
        ("stance", "targets", list(targets) or None),
        ("topics", "prefix", prefix),
    ):
        if value is not None:
            overrides.setdefault(section, {})[key] = value
    return load_settings(overrides)
