"""`olhubd plugins`: what is installed, what it can do and how far it was proved. Needs no daemon."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from olhubd.cli import progress
from olhubd.cli.failures import Failure
from olhubd.cli.session import Session, session_command

if TYPE_CHECKING:
    from olhubd.control.records import Connector
    from olhubd.plugin.connector import Connector as Kind
    from olhubd.plugin.loading import Plugins as Loaded
    from olhubd.plugin.quality import Proof
    from olhubd_kit.conformance import Report

__all__ = ["plugins"]


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
    from olhubd.plugin import loading

    if (tests or record) and not prove:
        raise click.UsageError("--tests and --record are for --prove")
    found = loading.load(None, environ=os.environ)
    unknown = sorted(set(names) - set(found.connectors))
    if unknown:
        known = ", ".join(sorted(found.connectors)) or "none"
        if found.failed:
            lines = [f"  {name}: {reason}" for name, reason in sorted(found.failed.items())]
            raise Failure(f"no plugin provides {unknown[0]!r}, and some cannot be loaded", lines=lines)
        raise click.UsageError(f"no plugin provides {unknown[0]!r}; installed: {known}")
    if prove:
        _prove(session, [found.connectors[name] for name in names or sorted(found.connectors)], tests, record)
    else:
        _list(session, found, names)
    if found.failed:
        lines = [f"  {name}: {reason}" for name, reason in sorted(found.failed.items())]
        raise Failure("some plugins cannot be loaded", lines=lines)


def _list(session: Session, found: Loaded, names: tuple[str, ...]) -> None:
    from olhubd.control.catalogue import described
    from olhubd.control.records import Plugins
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


def _prove(session: Session, chosen: list[type[Kind[Any]]], tests: tuple[Path, ...], record: bool) -> None:
    # The kit is no part of the running daemon: only who asks for a proof pays for it.
    from olhubd_kit.conformance import keeping, proofs

    try:
        gathered = proofs.gather(tests) if tests else {}
    except proofs.Unprovable as error:
        raise Failure(str(error)) from None
    done: dict[type[Kind[Any]], Proof] = {}
    broken: list[str] = []
    for connector in chosen:
        own = gathered.get(connector.name, {})
        proof, report = _tried(session, connector, own)
        done[connector] = keeping.kept(connector, proof, own)
        # The most basic first: what breaks above it is mostly a consequence.
        found = sorted(report.broken, key=lambda result: result.rule.tier)
        broken += [f"  {connector.name}: {result.rule.title}: {result.reason}" for result in found]
    if not session.printer.json({connector.name: _plain(proof) for connector, proof in done.items()}):
        for connector, proof in done.items():
            _tell(session, connector.name, proof)
    if record:
        for path in keeping.write(done):
            click.echo(f"written: {path}", err=True)
    if broken:
        raise Failure("some rules are broken; mend the first one first", lines=broken)


def _tried(session: Session, connector: type[Kind[Any]], own: Mapping[str, Any]) -> tuple[Proof, Report]:
    import asyncio

    from olhubd_kit import conformance

    count = len(conformance.concerning(connector))
    with progress.counted(connector.name, count) as advance:
        return asyncio.run(conformance.prove(connector, own, told=lambda result: advance()))


def _plain(proof: Proof) -> dict[str, Any]:
    return {"tier": proof.tier.label, "facts": proof.facts, "rules": proof.rules}


def _tell(session: Session, name: str, proof: Proof) -> None:
    printer, count = session.printer, _counted(proof.rules.values())
    printer.line(f"{name}: {proof.tier.label} ({count})")
    for fact in proof.facts:
        printer.line(f"  {fact.tier:<9} {fact.name:<13} {fact.lacking or ('met' if fact.concerns else 'n/a')}")


def _counted(verdicts: Iterable[str]) -> str:
    told = list(verdicts)
    counts = ((word, told.count(word)) for word in dict.fromkeys(told))
    return ", ".join(f"{number} rules {word.replace('-', ' ')}" for word, number in counts) or "no rules"
