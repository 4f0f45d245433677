"""`olhubd plugins`: what is installed, what it can do and how far it was proved. Needs no daemon.

The proof itself is the command `prove` of olhubd-kit, which a seller's machine need not have.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from olhubd.cli.failures import Failure
from olhubd.cli.session import Session, session_command

if TYPE_CHECKING:
    from olhubd.control.api.schema.plugins import Connector
    from olhubd.plugin.loading import Plugins as Loaded

__all__ = ["having", "must_be_whole", "plugins"]


@click.command()
@click.argument("names", metavar="[CONNECTOR]...", nargs=-1)
@click.option("--prove", is_flag=True, help="Try each rule of the conformance kit now, against the simulators.")
@click.option(
    "--tests",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="With --prove: run what is marked as a proof there (needs pytest). May be given more than once.",
)
@click.option("--record", is_flag=True, help="With --prove: write what was found into the plugin's package.")
@session_command(rows=True)
def plugins(session: Session, names: tuple[str, ...], prove: bool, tests: tuple[Path, ...], record: bool) -> None:
    """What is installed, what each connector can do, and its tier: how far it was proved.

    The tier is read from the record in the plugin's package, and counts only for the sources that were tried.
    Exit code 1 when a plugin cannot be loaded, or, with --prove, when a rule is broken.

    \b
    Examples:
      olhubd plugins
      olhubd plugins allegro --prove
      olhubd plugins allegro --prove --tests tests/plugins/allegro --record
    """
    if (tests or record) and not prove:
        raise click.UsageError("--tests and --record are for --prove")
    if prove:
        context = click.get_current_context()
        root = context.find_root().command
        assert isinstance(root, click.Group)
        kit = root.get_command(context, "prove")
        assert kit is not None
        context.invoke(kit, names=names, tests=tests, record=record)
        return
    found = having(names)
    _list(session, found, names)
    must_be_whole(found)


def having(names: Iterable[str]) -> Loaded:
    """All installed plugins; the connectors `names` are among what they provide, or the error names those that
    are there."""
    from olhubd.plugin import loading

    found = loading.load(None, environ=os.environ)
    unknown = sorted(set(names) - set(found.connectors))
    if unknown:
        known = ", ".join(sorted(found.connectors)) or "none"
        if found.failed:
            lines = [f"  {name}: {reason}" for name, reason in sorted(found.failed.items())]
            raise Failure(f"no plugin provides {unknown[0]!r}, and some cannot be loaded", lines=lines)
        raise click.UsageError(f"no plugin provides {unknown[0]!r}; installed: {known}")
    return found


def must_be_whole(found: Loaded) -> None:
    """A plugin that cannot be loaded is a failure, once the others are shown."""
    if found.failed:
        lines = [f"  {name}: {reason}" for name, reason in sorted(found.failed.items())]
        raise Failure("some plugins cannot be loaded", lines=lines)


def _list(session: Session, found: Loaded, names: tuple[str, ...]) -> None:
    from olhubd.control.api.plugin_list import described
    from olhubd.control.api.schema.plugins import Plugins
    from olhubd.plugin import loading

    items = [
        plugin
        for plugin in described(found, loading.installed())
        if not names or any(connector.name in names for connector in plugin.connectors)
    ]
    printer = session.printer
    if printer.json(Plugins(items=tuple(items))):
        return
    connectors = [(plugin, connector) for plugin in items for connector in plugin.connectors]
    printer.table(
        ("PLUGIN", "VERSION", "CONNECTOR", "TIER", "TITLE", "CAN"),
        [
            (plugin.name, plugin.version, connector.name, _tier(connector), connector.title, connector.capabilities)
            for plugin, connector in connectors
        ],
        "No plugin is installed.",
    )
    missing = [
        f"  {connector.name}: {one.tier} needs {one.criterion}: {one.lacking}"
        for _, connector in connectors
        for one in connector.quality.missing
    ]
    if missing:
        printer.line("\nTo climb:")
        for line in missing:
            printer.line(line)


def _tier(connector: Connector) -> str:
    quality = connector.quality
    return quality.tier or quality.state.replace("-", " ")
