"""``groundswell dashboards``: write the generated dashboards, metric table and demo rules."""

from __future__ import annotations

import click

__all__ = ["dashboards"]


@click.command()
def dashboards() -> None:
    """Write the Grafana dashboards, the table of metrics and the demo's rules into config/.

    Example: groundswell dashboards
    """
    try:
        from streams.dashboards import write

        changed = write()
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"{error.name} is not installed; it comes with the development tools. Run `make setup`."
        ) from error
    for path in changed:
        click.echo(path)
    click.echo(f"{len(changed)} changed.", err=True)
