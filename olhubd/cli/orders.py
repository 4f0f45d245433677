"""Orders: the list, a file of them, one of them, and its history in plain words."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from olhubd.cli import order_commands
from olhubd.cli.output import Printer
from olhubd.cli.private import PRIVATE
from olhubd.cli.session import Session, account_option, named, session_command

if TYPE_CHECKING:
    from olhubd.control.api.schema.orders import OrderCard, OrderRow, Timeline
    from olhubd.model import Address, Payment

__all__ = ["explain", "orders"]

F = TypeVar("F", bound=Callable[..., Any])
PROGRESS = ["new", "processing", "ready", "sent", "delivered", "returned", "cancelled", "suspended", "unknown"]
STAGES = ["placed", "confirmed", "cancelled", "unknown"]


@click.group(invoke_without_command=False)
def orders() -> None:
    """List orders, write them to a file, show one, or change what a person may change."""


def filtered(function: F) -> F:
    """Adds the filters that the list and the export share; the command gets them as keywords."""
    for option in reversed(
        (
            account_option("Of this account only."),
            click.option("--connector", help="Of the accounts at this connector only."),
            click.option("--stage", type=click.Choice(STAGES), help="At this stage only."),
            click.option("--progress", "fulfilment", type=click.Choice(PROGRESS), help="With this progress only."),
            click.option("--own-status", metavar="STATUS", help="With this status of the own list only."),
            click.option("--from", "placed_from", metavar="DAY", help="Placed on this day (2026-01-31) or later."),
            click.option("--to", "placed_to", metavar="DAY", help="Placed on this day or earlier."),
            click.option("--least", "amount_from", metavar="AMOUNT", help="With at least this total."),
            click.option("--most", "amount_to", metavar="AMOUNT", help="With at most this total."),
            click.option("-q", "--find", "q", metavar="NUMBER", help="With this id or number, anywhere."),
            click.option("--text", help="Whose buyer's name or login begins so, or with this SKU or EAN."),
            click.option("--unlinked", is_flag=True, default=None, help="With lines without a product only."),
        )
    ):
        function = option(function)
    return function


for _command in (
    order_commands.note,
    order_commands.status,
    order_commands.own_status,
    order_commands.ship,
    order_commands.address,
    order_commands.edit,
    order_commands.pay,
    order_commands.unpay,
    order_commands.forward,
):
    orders.add_command(_command)


@orders.command(name="list")
@filtered
@click.option("--before", type=int, metavar="ID", help="Older than this one: the next page.")
@click.option("--limit", type=click.IntRange(1, 500), default=30, show_default=True, help="How many.")
@session_command(rows=True)
def listing(session: Session, before: int | None, limit: int, **asked: Any) -> None:
    """The newest orders first. All filters that are given must fit.

    \b
    Examples:
      olhubd orders list --account shop-pl --stage cancelled
      olhubd orders list --find 1042
      olhubd orders list --from 2026-01-01 --to 2026-01-31 --least 500
    """
    from olhubd.control.api.schema.orders import OrderPage

    with session.daemon() as daemon:
        page = daemon.get("/api/v1/orders", OrderPage, before=before, limit=limit, **_given(asked))
    printer = session.printer
    if printer.json(page):
        return
    columns = (
        "ID:right", "ORDER", "PLACED", "BUYER:least", "TOTAL:right", "STAGE", "STATUS:least", "PAID:least",
        "FREE LINES:least", "AT TARGETS",
    )  # fmt: skip
    printer.table(columns, map(_row, page.items), "No orders.")
    printer.more(page.next)


@orders.command()
@click.argument("orders", nargs=-1, type=click.IntRange(0), metavar="[ID]...")
@filtered
@click.option(
    "--format", "kind", type=click.Choice(["csv", "json"]), default="csv", show_default=True, help="What to write."
)
@click.option("--lines", is_flag=True, help="A row of the CSV is a line and not an order.")
@click.option("-o", "--output", type=PRIVATE, default="-", help="The file to write; else standard output.")
@session_command()
def export(session: Session, orders: tuple[int, ...], kind: str, lines: bool, output: Any, **asked: Any) -> None:
    """Write the orders that fit the filters, or those with these IDs, as CSV or JSON.

    It holds personal data, so the file is made for its owner alone. A cell that a spreadsheet would take for a
    formula begins with an apostrophe.

    \b
    Examples:
      olhubd orders export --from 2026-01-01 -o orders.csv
      olhubd orders export --account shop-pl --format json
      olhubd orders export 17 18 --lines
    """
    rows = "lines" if lines else None
    kind = "json" if session.as_json else kind
    with session.daemon() as daemon:
        daemon.save("/api/v1/orders/export", output, format=kind, rows=rows, id=orders or None, **_given(asked))


def _given(asked: dict[str, Any]) -> dict[str, Any]:
    return {name: "true" if value is True else value for name, value in asked.items()}


def _row(order: OrderRow) -> tuple[object, ...]:
    return (
        order.id,
        f"{order.account} {order.number or order.external_id}",
        order.placed_at,
        order.buyer,
        order.total,
        "superseded" if order.superseded_by is not None else order.stage.value,
        order.own_status,
        order.paid,
        order.unlinked or None,
        ", ".join(f"{at.account} {at.number or at.external_id or at.state}" for at in order.targets),
    )


@orders.command()
@click.argument("order", callback=named)
@session_command()
def show(session: Session, order: str) -> None:
    """All that is known of ORDER: its id or number, here or at a target, or its reference (account:id).

    \b
    Examples:
      olhubd orders show 1042
      olhubd orders show shop-pl:1042
    """
    from olhubd.client import segment
    from olhubd.control.api.schema.orders import OrderCard

    with session.daemon() as daemon:
        card = daemon.get(f"/api/v1/orders/{segment(order)}", OrderCard)
    if not session.printer.json(card):
        _card(session.printer, card)


def _card(printer: Printer, card: OrderCard) -> None:
    order = card.order
    way, point = order.shipping, order.shipping.pickup_point
    buyer = order.buyer
    name = " ".join(filter(None, (buyer.first_name, buyer.last_name)))
    printer.facts(
        (
            ("order", card.reference),
            ("hub id", card.id),
            ("number", order.number),
            ("placed", order.placed_at),
            ("stage", f"{order.stage.value} ({order.external_stage})"),
            ("superseded by", card.superseded_by),
            ("progress", order.fulfilment.value),
            ("buyer", ", ".join(filter(None, (name, buyer.login, buyer.company)))),
            ("e-mail", buyer.email),
            ("phone", buyer.phone),
            ("delivery", way.method or way.method_id),
            ("to", _address(order.recipient)),
            ("pick-up point", point and " ".join(filter(None, (point.id, point.name)))),
            ("invoice to", _address(order.invoice.address) if order.invoice else None),
            ("tax number", order.invoice and [f"{t.kind} {t.value}" for t in order.invoice.tax_ids]),
            ("payment", _payment(order.payment)),
            ("buyer's note", order.buyer_note),
            ("note", card.note),
        )
    )
    printer.line()
    rows: list[tuple[object, ...]] = [
        (line.quantity, line.name, line.sku, line.price, line.sum, line.external_id) for line in order.lines
    ]
    rows += [(charge.quantity, charge.name or charge.kind, "", charge.price, "", "") for charge in order.charges]
    if way.cost is not None:
        rows.append(("", "delivery", "", "", way.cost, ""))
    rows += [("", d.name or d.kind, "", "", -d.amount, "") for d in order.discounts if d.amount is not None]
    rows.append(("", "total", "", "", order.total, ""))
    if order.remitted.amount:
        rows.append(("", "of it remitted by the marketplace", "", "", order.remitted, ""))
    printer.table(("PIECES:right", "WHAT", "SKU", "PRICE:right", "SUM:right", "LINE"), rows, "")
    _edited(printer, card)
    for parcel in order.shipments:
        printer.line(f"parcel {parcel.carrier} {parcel.waybill}")
    for copy in card.copies:
        what = copy.number or copy.external_id
        printer.line(f"\nat {copy.account}: {what}, {copy.total}, status {copy.status or 'not told'}")
        if copy.url:
            printer.line(f"  {copy.url}")
    if card.deliveries:
        printer.line()
        printer.table(
            ("DELIVERY:right", "TARGET", "WHAT", "STATE", "TRIES:right", "REASON"),
            [
                (d.id, d.target, d.action.value, d.state.value, d.attempts, d.reason or d.error)
                for d in card.deliveries
            ],
            "",
        )


def _edited(printer: Printer, card: OrderCard) -> None:
    """What was edited here, with what the source says instead, and what was booked by hand."""
    told = card.edited
    for part in told.parts:
        again = ", and has changed it since" if part in told.contested else ""
        printer.line(f"{part.value} edited here; the source says otherwise{again}")
        if part.value == "recipient":
            printer.line(f"  {_address(told.source_recipient) or 'nothing'}")
        elif part.value == "invoice":
            printer.line(f"  {_address(told.source_invoice.address if told.source_invoice else None) or 'nothing'}")
        else:
            for line in told.source_lines:
                printer.line(f"  {line.quantity} x {printer.cell(line.name)}, {line.price} ({line.external_id})")
            printer.line(f"  {told.source_total} in all")
    if told.parts and told.stays:
        printer.line(f"  not sent to {', '.join(told.stays)}, which had the order already")
    for one in card.bookings:
        undone = f", undone by {one.undone_by}" if one.undone_at is not None else ""
        comment = f": {printer.cell(one.comment)}" if one.comment else ""
        printer.line(f"payment {one.id} of {one.amount} booked by {one.who}{undone}{comment}")


def _address(address: Address | None) -> str:
    if address is None:
        return ""
    name = " ".join(filter(None, (address.first_name, address.last_name)))
    town = " ".join(filter(None, (address.postcode, address.city)))
    return ", ".join(filter(None, (name, address.company, address.street, town, address.country)))


def _payment(payment: Payment | None) -> str:
    if payment is None:
        return ""
    paid = f", {payment.paid} received" if payment.paid is not None else ""
    return payment.type.value + (f" by {payment.provider}" if payment.provider else "") + paid


@click.command()
@click.argument("order", callback=named)
@click.argument("item", required=False)
@session_command()
def explain(session: Session, order: str, item: str | None) -> None:
    """What happened to ORDER, when and why, and what is still open. With `sku ITEM`: how many may be sold, and why.

    Every step names its cause: the run that brought it, the delivery it came of, or the person who did it. Arrows
    show what a step led to.

    \b
    Examples:
      olhubd explain 1042
      olhubd explain shop-pl:1042 --json
      olhubd explain sku KUB-BIA
    """
    if item is not None:
        if order != "sku":
            raise click.UsageError(f"an item comes after the word sku: olhubd explain sku {item}")
        from olhubd.cli.stock import explain_item

        explain_item(session, item)
        return
    from olhubd.client import segment
    from olhubd.control.api.schema.orders import Timeline

    with session.daemon() as daemon:
        history = daemon.get(f"/api/v1/orders/{segment(order)}/events", Timeline)
    if not session.printer.json(history):
        _story(session.printer, history)


def _story(printer: Printer, history: Timeline) -> None:
    order = history.order
    printer.line(f"Order {order.reference}" + (f", number {order.number}" if order.number else ""))
    deliveries = {int(delivery.id): delivery for delivery in history.deliveries}
    day, step = "", ""
    for moment in history.events:
        date, time, zone = printer.when(moment.at).split(" ", 2)
        if date != day:
            printer.line(f"\n{date} ({zone})")
            day = date
        # What has one cause is shown below it together.
        if step != (step := f"  {time}  {moment.why}:"):
            printer.line(step)
        printer.line(f"              {printer.cell(moment.text)}")
        for number in moment.owes:
            owed = deliveries[number]
            printer.line(f"              -> delivery {number}: {owed.action.value} to {owed.target} ({owed.state})")
    printer.line()
    for sentence in history.now:
        printer.line(f"Open: {sentence}")
    if not history.now:
        printer.line("Nothing is open.")
