"""`olhubd config`: the configuration in force with where each value comes from, and the schema for editors."""

from __future__ import annotations

import os

import click

from olhubd.cli.session import Session, session_command

__all__ = ["config"]


@click.group()
def config() -> None:
    """The configuration in force, and its schema for editors."""


@config.command()
@session_command(rows=True)
def show(session: Session) -> None:
    """Every value in force and the file and line it comes from. Secrets are not shown.

    It reads the files, not the daemon: after a change, this is what a reload would take into force.
    """
    from olhubd.config.effective import shown

    rows = list(shown(session.as_the_service()))
    printer = session.printer
    if not printer.json([{"key": row.key, "value": row.value, "origin": row.origin} for row in rows]):
        printer.table(("KEY", "VALUE", "FROM"), rows, "")


@config.command()
@click.option("--json", "_json", is_flag=True, help="Accepted for uniformity; a schema is always JSON.")
def schema(_json: bool) -> None:
    """Print the JSON Schema of the configuration file, with the keys of all installed connectors.

    \b
    Example:
      olhubd config schema > olhubd.schema.json
    """
    import msgspec

    from olhubd.config import schema as make
    from olhubd.plugin import loading

    made = make(loading.load(None, environ=os.environ))
    click.echo(msgspec.json.format(msgspec.json.encode(made), indent=2))
