"""Holds: what waits for a person, why, and the ways out of each.

Deliveries and records in quarantine are in one list, since a person mends both. A record is named by `q` and its
number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from olhubd.cli.failures import Failure
from olhubd.cli.session import Session, account_names, session_command

if TYPE_CHECKING:
    import msgspec

    from olhubd.control.api.schema.base import DiscardRequest
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


_IDS = click.argument("ids", nargs=-1, callback=_many, metavar="[ID]...")
_CAUSE = click.option("--cause", help="All deliveries of this cause instead, as `olhubd holds causes` names it.")
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
@click.option("--target", help="Deliveries to this account only.", shell_complete=account_names)
@session_command(rows=True)
def causes(session: Session, target: str | None) -> None:
    """What deliveries wait for, grouped by cause, that of most of them first.

    \b
    Example:
      olhubd holds causes
      olhubd holds retry --cause 3f9a1c20b77e
    """
    from olhubd.control.api.schema.hold_causes import HoldCauseList

    with session.daemon() as daemon:
        found = daemon.get("/api/v1/hold-causes", HoldCauseList, target=target, limit=500)
    printer = session.printer
    if printer.json(found):
        return
    rows: list[tuple[object, ...]] = [
        (
            one.cause,
            one.count,
            f"{one.action.value} to {one.target}",
            one.first_at,
            one.last_at,
            one.example.reason or one.example.error,
            _ways([name.value for name in one.decisions]),
        )
        for one in found.items
    ]
    columns = ("CAUSE", "HELD:right", "WHAT:least", "SINCE:least", "LAST:least", "REASON OF THE NEWEST", "WAYS OUT")
    printer.table(columns, rows, "No delivery waits for a person.")


@holds.command()
@_IDS
@_CAUSE
@session_command()
def retry(session: Session, ids: tuple[tuple[bool, int], ...], cause: str | None) -> None:
    """Try again. A delivery whose outcome is not known is looked up first; a record is read at its source.

    \b
    Example:
      olhubd holds retry 17 q3
      olhubd holds retry --cause 3f9a1c20b77e
    """
    _decide(session, ids, cause, "retry")


@holds.command()
@_IDS
@_CAUSE
@session_command()
def release(session: Session, ids: tuple[tuple[bool, int], ...], cause: str | None) -> None:
    """Let deliveries go before their hold window is over, or although a rule of their route holds them."""
    if any(quarantined for quarantined, _ in ids):
        raise click.UsageError("a record in quarantine cannot be released: retry it, or discard it")
    _decide(session, ids, cause, "release")


@holds.command()
@click.argument("ids", nargs=-1, required=True, callback=_many, metavar="ID...")
@session_command()
def accept(session: Session, ids: tuple[tuple[bool, int], ...]) -> None:
    """Take held orders as they are at the target, although they are not what was sent."""
    if any(quarantined for quarantined, _ in ids):
        raise click.UsageError("a record in quarantine cannot be accepted: retry it, or discard it")
    _each(session, ids, "accept")


@holds.command()
@_IDS
@_CAUSE
@click.option("--reason", required=True, help="Why, for whoever reads the history.")
@session_command()
def discard(session: Session, ids: tuple[tuple[bool, int], ...], cause: str | None, reason: str) -> None:
    """Give up for good: it has been done by hand, or shall not be done.

    \b
    Example:
      olhubd holds discard 17 q3 --reason "a test purchase"
    """
    from olhubd.control.api.schema.base import DiscardRequest

    _decide(session, ids, cause, "discard", DiscardRequest(reason=reason))


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


def _decide(
    session: Session,
    ids: tuple[tuple[bool, int], ...],
    cause: str | None,
    what: str,
    body: DiscardRequest | None = None,
) -> None:
    """About those named by number, or about all of a cause."""
    if bool(ids) == (cause is not None):
        raise click.UsageError("name either what waits by its ID, or all of a cause with --cause")
    if cause is not None:
        _all(session, cause, what, body.reason if body is not None else None)
    else:
        _each(session, ids, what, body)


def _all(session: Session, cause: str, what: str, reason: str | None) -> None:
    """Portion by portion, up to the newest one there is now."""
    from olhubd.client import EndpointRefused
    from olhubd.control.api.schema.deliveries import DeliveryPage
    from olhubd.control.api.schema.hold_causes import (
        CauseDecisionRow,
        DecideCauseRequest,
        DiscardCauseRequest,
        UndecidedRow,
    )

    done, after, left = 0, 0, 1
    refused: list[UndecidedRow] = []
    path = f"/api/v1/hold-causes/{quote(cause, safe='')}/{what}"
    with session.daemon() as daemon:
        newest = daemon.get("/api/v1/deliveries", DeliveryPage, cause=cause, limit=1)
        if not newest.items:
            raise Failure(f"nothing waits for the cause {cause!r}; `olhubd holds causes` lists those there are")
        until = newest.items[0].id
        while left:
            body = (
                DecideCauseRequest(until=until, after=after)
                if reason is None
                else DiscardCauseRequest(until=until, after=after, reason=reason)
            )
            try:
                answer = daemon.post(path, CauseDecisionRow, body)
            except EndpointRefused:
                if not done:
                    raise
                break  # the rest went on meanwhile
            done, after, left = done + answer.done, answer.through, answer.left
            refused += answer.refused
    printer = session.printer
    total = CauseDecisionRow(done=done, refused=tuple(refused), left=0, through=after)
    if not printer.json(total):
        printer.line(f"{what}: {done} of {done + len(refused)} deliveries")
    if refused:
        lines = [f"  {one.id}: {one.why}" for one in refused]
        raise Failure(f"{len(refused)} of {done + len(refused)} could not be changed", lines=lines)


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
