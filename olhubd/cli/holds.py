"""Holds: what waits for a person, why, and the ways out of each.

Deliveries and records in quarantine are in one list, since a person mends both. A record is named by `q` and its
number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from olhubd.cli.failures import Failure
from olhubd.cli.session import Session, account_names, session_command

if TYPE_CHECKING:
    import msgspec

    from olhubd.control.api.schema.deliveries import DeliveryRow
    from olhubd.control.api.schema.quarantine import QuarantineRow

__all__ = ["holds"]


@click.group()
def holds() -> None:
    """What waits for a person, and the way out of each."""


@holds.command(name="list")
@click.option("--target", help="Deliveries to this account only.", shell_complete=account_names)
@session_command(rows=True)
def listing(session: Session, target: str | None) -> None:
    """All that waits for a person: deliveries on hold, and records that could not land.

    \b
    Example:
      olhubd holds list --target shop-pl
    """
    from olhubd.control.api.schema.deliveries import DeliveryPage
    from olhubd.control.api.schema.quarantine import QuarantinePage

    waiting: list[DeliveryRow] = []
    records: list[QuarantineRow] = []
    before = None
    with session.daemon() as daemon:
        while True:
            page = daemon.get(
                "/api/v1/deliveries", DeliveryPage, state="hold", target=target, before=before, limit=500
            )
            waiting += page.items
            if (before := page.next) is None:
                break
        before, more = None, target is None
        while more:
            found = daemon.get("/api/v1/quarantine", QuarantinePage, before=before, limit=500)
            records += found.items
            before, more = found.next, found.next is not None
    printer = session.printer
    if printer.json({"deliveries": waiting, "records": records}):
        return
    rows: list[tuple[object, ...]] = [
        (
            delivery.id,
            delivery.called,
            f"{delivery.action.value} to {delivery.target}",
            delivery.created_at,
            delivery.reason,
            _ways([choice.name.value for choice in delivery.actions if choice.possible]),
        )
        for delivery in waiting
    ]
    rows += [
        (
            f"q{record.id}",
            f"{record.account} {record.called}",
            "to be stored",
            record.first_at,
            record.reason,
            _ways([choice.name.value for choice in record.actions if choice.possible]),
        )
        for record in records
    ]
    columns = ("ID:right", "ABOUT", "WHAT:least", "SINCE:least", "REASON", "WAYS OUT")
    printer.table(columns, rows, "Nothing waits for a person.")


def _ways(names: list[str]) -> str:
    return " | ".join(names)


def _one(_ctx: click.Context, _parameter: click.Parameter, text: str) -> tuple[bool, int]:
    """A delivery by its number, a record in quarantine as q and its number."""
    digits = text.removeprefix("q")
    if not digits.isascii() or not digits.isdecimal() or len(digits) > 18:
        raise click.BadParameter(f"{text!r} is neither the number of a delivery nor q and that of a record")
    return text.startswith("q"), int(digits)


def _many(ctx: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> tuple[tuple[bool, int], ...]:
    return tuple(_one(ctx, parameter, text) for text in texts)


_IDS = click.argument("ids", nargs=-1, callback=_many, required=True, metavar="ID...")
_ID = click.argument("id_", callback=_one, metavar="ID")


@holds.command()
@_ID
@session_command()
def show(session: Session, id_: tuple[bool, int]) -> None:
    """Why ID waits, in full: the reason, what was sent and what is there, what to do, and what may be done."""
    from olhubd.control.api.schema.deliveries import DeliveryRow
    from olhubd.control.api.schema.quarantine import QuarantineRow

    quarantined, number = id_
    printer = session.printer
    with session.daemon() as daemon:
        if quarantined:
            record = daemon.get(f"/api/v1/quarantine/{number}", QuarantineRow)
            if not printer.json(record):
                _record(session, record)
            return
        delivery = daemon.get(f"/api/v1/deliveries/{number}", DeliveryRow)
    if not printer.json(delivery):
        _delivery(session, delivery)


def _record(session: Session, record: QuarantineRow) -> None:
    printer = session.printer
    printer.facts(
        (
            ("record", f"{record.account} {record.called}"),
            ("reason", record.reason),
            ("since", record.first_at),
            ("tries", record.tries),
            ("what to do", record.advice),
        )
    )
    printer.line(f"\n{record.facts}")


def _delivery(session: Session, delivery: DeliveryRow) -> None:
    printer, held = session.printer, delivery.held
    printer.facts(
        (
            ("delivery", f"{delivery.id}, {delivery.action.value} to {delivery.target}"),
            ("order", delivery.order.reference) if delivery.order else ("about", delivery.called),
            ("state", delivery.state.value),
            ("reason", held.reason if held else delivery.reason or delivery.error),
            ("field", held.field if held else None),
            ("what to do", held.advice if held else None),
            ("sent", _words(held.expected) if held else None),
            ("there", _words(held.there) if held else None),
        )
    )
    for choice in delivery.actions:
        printer.line(f"  {choice.name.value:<8} {'possible' if choice.possible else f'not now: {choice.why_not}'}")


def _words(facts: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items())


@holds.command()
@_IDS
@session_command()
def retry(session: Session, ids: tuple[tuple[bool, int], ...]) -> None:
    """Try again. A delivery whose outcome is not known is looked up first; a record is read at its source.

    \b
    Example:
      olhubd holds retry 17 q3
    """
    _each(session, ids, "retry")


@holds.command()
@_IDS
@session_command()
def release(session: Session, ids: tuple[tuple[bool, int], ...]) -> None:
    """Let deliveries go before their hold window is over, or although a rule of their route holds them."""
    if any(quarantined for quarantined, _ in ids):
        raise click.UsageError("a record in quarantine cannot be released: retry it, or discard it")
    _each(session, ids, "release")


@holds.command()
@_IDS
@session_command()
def accept(session: Session, ids: tuple[tuple[bool, int], ...]) -> None:
    """Take held orders as they are at the target, although they are not what was sent."""
    if any(quarantined for quarantined, _ in ids):
        raise click.UsageError("a record in quarantine cannot be accepted: retry it, or discard it")
    _each(session, ids, "accept")


@holds.command()
@_IDS
@click.option("--reason", required=True, help="Why, for whoever reads the history.")
@session_command()
def discard(session: Session, ids: tuple[tuple[bool, int], ...], reason: str) -> None:
    """Give up for good: it has been done by hand, or shall not be done.

    \b
    Example:
      olhubd holds discard 17 q3 --reason "a test purchase"
    """
    from olhubd.control.api.schema.base import DiscardRequest

    _each(session, ids, "discard", DiscardRequest(reason=reason))


@holds.command()
@click.argument("delivery", type=int)
@click.argument("number")
@click.option("--despite-total", is_flag=True, help="Also when its total is another one.")
@session_command()
def adopt(session: Session, delivery: int, number: str, despite_total: bool) -> None:
    """Take the order that its target knows as NUMBER for the one that DELIVERY was to create.

    It is looked up there; one that carries another order's mark, or is known as another order's, is refused. So is
    one with another total, unless you say that this is right.

    \b
    Example:
      olhubd holds adopt 17 10234
    """
    from olhubd.control.api.schema.deliveries import AdoptRequest, DeliveryRow

    body = AdoptRequest(number=number, despite_total=despite_total)
    with session.daemon() as daemon:
        done = daemon.post(f"/api/v1/deliveries/{delivery}/adopt", DeliveryRow, body)
    if not session.printer.json(done):
        session.printer.line(f"delivery {done.id} is {done.state.value}: order {done.external_id} at {done.target}")


def _each(
    session: Session, ids: tuple[tuple[bool, int], ...], what: str, body: msgspec.Struct | None = None
) -> None:
    """Each by itself: one that cannot be helped does not keep the others."""
    from olhubd.client import EndpointRefused
    from olhubd.control.api.schema.deliveries import DeliveryRow
    from olhubd.control.api.schema.quarantine import QuarantineRow

    done: list[DeliveryRow | QuarantineRow] = []
    refused: list[str] = []
    with session.daemon() as daemon:
        for quarantined, number in ids:
            path = f"/api/v1/{'quarantine' if quarantined else 'deliveries'}/{number}/{what}"
            try:
                done.append(daemon.post(path, QuarantineRow if quarantined else DeliveryRow, body))
            except EndpointRefused as error:
                if len(ids) == 1:
                    raise
                refused.append(f"  {'q' if quarantined else ''}{number}: {error}")
    printer = session.printer
    if not printer.json(done):
        for one in done:
            if isinstance(one, DeliveryRow):
                printer.line(printer.let_go(one))
            else:
                printer.line(f"record q{one.id}: {'asked for again' if what == 'retry' else 'given up'}")
    if refused:
        raise Failure(f"{len(refused)} of {len(ids)} could not be changed", lines=refused)
