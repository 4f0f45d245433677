"""`olhubd prove`, which is also `olhubd plugins --prove`: the rules of the kit, tried on what is installed.

What was found can be written into the plugin's package, where the daemon and `olhubd plugins` read its tier.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from olhubd.cli import progress
from olhubd.cli.failures import Failure
from olhubd.cli.plugins import having, must_be_whole
from olhubd.cli.session import Session, session_command

if TYPE_CHECKING:
    from olhubd.plugin import Connector
    from olhubd.plugin.quality import Proof
    from olhubd_kit.conformance import Report

__all__ = ["prove"]


@click.command()
@click.argument("names", metavar="[CONNECTOR]...", nargs=-1)
@click.option(
    "--tests",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="Run what is marked as a proof there (needs pytest). May be given more than once.",
)
@click.option("--record", is_flag=True, help="Write what was found into the plugin's package.")
@session_command()
def prove(session: Session, names: tuple[str, ...], tests: tuple[Path, ...], record: bool) -> None:
    """Try each rule of the conformance kit now, against the simulators: the same as `olhubd plugins --prove`.

    Exit code 1 when a rule is broken, or a plugin cannot be loaded.

    \b
    Examples:
      olhubd prove allegro
      olhubd prove allegro --tests tests/plugins/allegro --record
    """
    found = having(names)
    _all(session, [found.connectors[name] for name in names or sorted(found.connectors)], tests, record)
    must_be_whole(found)


def _all(session: Session, chosen: list[type[Connector[Any]]], tests: tuple[Path, ...], record: bool) -> None:
    from olhubd_kit import simulators
    from olhubd_kit.conformance import keeping, proofs

    try:
        for connector in chosen:
            simulators.find(connector.name)
        gathered = proofs.gather(tests) if tests else {}
    except (simulators.SimulatorUnusable, proofs.ProofNotRun) as error:
        raise Failure(str(error)) from None
    done: dict[type[Connector[Any]], Proof] = {}
    reports: dict[type[Connector[Any]], Report] = {}
    broken: list[str] = []
    for connector in chosen:
        own = gathered.get(connector.name, {})
        proof, report = _tried(session, connector, own)
        done[connector] = keeping.kept(connector, proof, own)
        reports[connector] = report
        # The most basic first: what breaks above it is mostly a consequence.
        found = sorted(report.broken, key=lambda result: result.rule.tier)
        broken += [f"  {connector.name}: {result.rule.title}: {result.reason}" for result in found]
    if not session.printer.json({connector.name: _plain(proof) for connector, proof in done.items()}):
        for connector, proof in done.items():
            _tell(session, connector.name, proof)
            _tell_untried(session, reports[connector])
    if record:
        for path in keeping.write(done):
            click.echo(f"written: {path}", err=True)
    if broken:
        raise Failure("some rules are broken; mend the first one first", lines=broken)


def _tried(session: Session, connector: type[Connector[Any]], own: Mapping[str, Any]) -> tuple[Proof, Report]:
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


def _tell_untried(session: Session, report: Report) -> None:
    """The rules that are not applicable, each with the reason: what a simulator lacks, an author can give it."""
    untried = [result for result in report.results if result.verdict is result.verdict.NOT_APPLICABLE]
    if untried:
        session.printer.line("  not applicable:")
    for result in untried:
        session.printer.line(f"    {result.rule.title}: {result.reason or 'the system has nothing like it'}")


def _counted(verdicts: Iterable[str]) -> str:
    told = list(verdicts)
    counts = ((word, told.count(word)) for word in dict.fromkeys(told))
    return ", ".join(f"{number} rules {word.replace('-', ' ')}" for word, number in counts) or "no rules"
