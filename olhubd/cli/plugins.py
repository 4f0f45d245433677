"""`olhubd plugins`: what is installed and what it can do. Needs no daemon."""

from __future__ import annotations

import os

import click

from olhubd.cli.failures import Failure
from olhubd.cli.session import Session, session_command

__all__ = ["plugins"]


@click.command()
@session_command()
def plugins(session: Session) -> None:
    """What is installed, and what each connector can do.

    Exit code 1 when a plugin cannot be loaded; the reason is told.
    """
    from olhubd.control.catalogue import described
    from olhubd.control.records import Plugins
    from olhubd.plugin import loading

    found = loading.load(None, environ=os.environ)
    items = described(found, loading.installed())
    printer = session.printer
    if not printer.json(Plugins(items=items)):
        printer.table(
            ("PLUGIN", "VERSION", "CONNECTOR", "TITLE", "CAN"),
            [
                (plugin.name, plugin.version, connector.name, connector.title, connector.capabilities)
                for plugin in items
                for connector in plugin.connectors
            ],
            "No plugin is installed.",
        )
    if found.failed:
        lines = [f"  {name}: {reason}" for name, reason in sorted(found.failed.items())]
        raise Failure("some plugins cannot be loaded", lines=lines)
