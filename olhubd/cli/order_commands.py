"""What a person changes about an order; the commands are below `olhubd orders`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from olhubd.cli.session import Session, named, session_command

if TYPE_CHECKING:
    import msgspec

    from olhubd.control.api.schema.orders import LineRequest, OrderCard

__all__ = ["address", "edit", "forward", "note", "own_status", "pay", "ship", "status", "unpay"]

STATUSES = ["processing", "ready", "sent", "delivered", "returned", "suspended"]

_ORDER = click.argument("order", callback=named)


@click.command()
@_ORDER
@click.argument("text", required=False)
@click.option("--remove", is_flag=True, help="Remove the note.")
@session_command()
def note(session: Session, order: str, text: str | None, remove: bool) -> None:
    """Write the hub's own note on ORDER. It goes to nobody.

    \b
    Examples:
      olhubd orders note 1042 "rang, wants it on Friday"
      olhubd orders note 1042 --remove
    """
    from olhubd.control.api.schema.orders import NoteRequest

    if bool(text) is remove:
        raise click.UsageError("give the text of the note, or --remove")
    card = _do(session, order, "note", NoteRequest(note=None if remove else text))
    _told(session, card, f"note: {card.note}" if card.note else "the note was removed")


@click.command()
@_ORDER
@click.argument("status", type=click.Choice(STATUSES))
@session_command()
def status(session: Session, order: str, status: str) -> None:
    """Say how far ORDER has come.

    It goes to the order's source, and to the targets whose route maps the word (statuses in the configuration). It
    holds until the source itself reports a different value.

    \b
    Example:
      olhubd orders status 1042 sent
    """
    from olhubd.control.api.schema.orders import StatusRequest
    from olhubd.model import Fulfilment

    card = _do(session, order, "status", StatusRequest(status=Fulfilment(status)))
    goes = ", ".join(f"{account} ({word})" for account, word in card.statuses[Fulfilment(status)].items())
    _told(session, card, f"its status is {card.order.fulfilment.value}; goes to: {goes or 'nobody'}")


@click.command(name="own-status")
@_ORDER
@click.argument("status", required=False)
@click.option("--remove", is_flag=True, help="Take its status away.")
@session_command()
def own_status(session: Session, order: str, status: str | None, remove: bool) -> None:
    """Give ORDER a STATUS of your own list (`olhubd statuses`).

    It goes to the accounts that the hub leads, by the words that the status has there.

    \b
    Examples:
      olhubd orders own-status 1042 packed
      olhubd orders own-status 1042 --remove
    """
    from olhubd.control.api.schema.orders import OwnStatusChoice

    if bool(status) is remove:
        raise click.UsageError("give the status, or --remove")
    card = _do(session, order, "own-status", OwnStatusChoice(status=None if remove else status))
    goes = card.own_statuses.get(status or "", {})
    told = ", ".join(f"{account} ({word})" for account, word in goes.items())
    _told(session, card, f"its status is {card.own_status or 'none'}; goes to: {told or 'nobody'}")


@click.command()
@_ORDER
@click.option("--carrier", required=True, help="The carrier's code: DPD, INPOST ...")
@click.option("--waybill", required=True, help="The tracking number.")
@click.option("--carrier-name", help="What people call the carrier, for code OTHER.")
@click.option("--url", help="Where the parcel can be followed.")
@click.option(
    "--line", "lines", multiple=True, help="The id of a line in the parcel. May be repeated. Without: all."
)
@session_command()
def ship(
    session: Session,
    order: str,
    carrier: str,
    waybill: str,
    carrier_name: str | None,
    url: str | None,
    lines: tuple[str, ...],
) -> None:
    """Add a parcel to ORDER. Its number goes to the source, and to the targets that have the order.

    \b
    Example:
      olhubd orders ship 1042 --carrier DPD --waybill 0000123456789
    """
    from olhubd.control.api.schema.orders import ShipmentRequest

    parcel = ShipmentRequest(carrier=carrier, waybill=waybill, carrier_name=carrier_name, url=url, lines=lines)
    card = _do(session, order, "shipments", parcel)
    _told(session, card, f"parcel {carrier} {waybill} was added")


@click.command()
@_ORDER
@click.option("--first-name", help="The recipient's first name.")
@click.option("--last-name", help="The recipient's last name.")
@click.option("--company", help="The company at the address.")
@click.option("--street", help="With the number of the house.")
@click.option("--postcode", help="The postcode.")
@click.option("--city", help="The town.")
@click.option("--region", help="The region, where a country has them in addresses.")
@click.option("--country", help="Two letters, such as PL.")
@click.option("--phone", help="The recipient's phone.")
@session_command()
def address(session: Session, order: str, **fields: str | None) -> None:
    """Send ORDER elsewhere. What is left out stays as it is.

    A target that has the order already is sent nothing of it. It holds until somebody undoes it; an address that
    the marketplace reports later is shown beside it.

    \b
    Example:
      olhubd orders address 1042 --street "Prosta 7" --postcode 00-838 --city Warszawa
    """
    from olhubd.control.api.schema.orders import AddressRequest

    if not any(fields.values()):
        raise click.UsageError("give at least one part of the address")
    _told(session, _do(session, order, "address", AddressRequest(**fields)), "the address was changed")


@click.command()
@_ORDER
@click.option("--quantity", "quantities", nargs=2, multiple=True, metavar="LINE N", help="Another quantity.")
@click.option(
    "--price", "prices", nargs=2, multiple=True, metavar="LINE PRICE", help="Another price for one piece."
)
@click.option("--name", "names", nargs=2, multiple=True, metavar="LINE NAME", help="Another name.")
@click.option("--sku", "skus", nargs=2, multiple=True, metavar="LINE SKU", help="Another SKU.")
@click.option("--remove", "removed", multiple=True, metavar="LINE", help="Take a line out.")
@click.option("--add", "added", nargs=3, multiple=True, metavar="NAME N PRICE", help="Add a line.")
@click.option("--total", help="What the order is expected to come to; refused where it comes to something else.")
@click.option("--invoice-company", help="The company on the invoice.")
@click.option("--invoice-street", help="The street on the invoice, with the number of the house.")
@click.option("--invoice-postcode", help="The postcode on the invoice.")
@click.option("--invoice-city", help="The town on the invoice.")
@click.option("--tax-number", help="The tax number on the invoice.")
@click.option(
    "--undo",
    multiple=True,
    type=click.Choice(["recipient", "invoice", "lines"]),
    help="Have the source's word count again for a part that was edited.",
)
@session_command()
def edit(
    session: Session,
    order: str,
    quantities: tuple[tuple[str, str], ...],
    prices: tuple[tuple[str, str], ...],
    names: tuple[tuple[str, str], ...],
    skus: tuple[tuple[str, str], ...],
    removed: tuple[str, ...],
    added: tuple[tuple[str, str, str], ...],
    total: str | None,
    tax_number: str | None,
    undo: tuple[str, ...],
    **invoice: str | None,
) -> None:
    """Edit lines and invoice party of ORDER. LINE is the id of a line, as `olhubd orders show` gives it.

    Until the order is sent on, the edit is what goes; a target that has it already is sent nothing. What the
    marketplace reports later is shown beside the edit, which holds until somebody undoes it.

    \b
    Examples:
      olhubd orders edit 1042 --quantity L-1 2 --price L-1 19.90
      olhubd orders edit 1042 --remove L-2 --add "Gift box" 1 5.00 --total 64.80
      olhubd orders edit 1042 --undo lines
    """
    from olhubd.client import segment
    from olhubd.control.api.schema.orders import AddressRequest, EditRequest, OrderCard
    from olhubd.decide.override import EditedPart

    with session.daemon() as daemon:
        seen: OrderCard = daemon.get(f"/api/v1/orders/{segment(order)}", OrderCard)
    known = [line.external_id for line in seen.order.lines]
    given = [("quantity", *one) for one in quantities] + [("price", *one) for one in prices]
    given += [("name", *one) for one in names] + [("sku", *one) for one in skus]
    for line in (*(line for _, line, _ in given), *removed):
        if line not in known:
            raise click.UsageError(f"the order has no line {line}; it has {', '.join(known)}")
    lines: tuple[LineRequest, ...] = ()
    if given or removed or added:
        lines = tuple(
            _line(id=line, **{name: value for name, of, value in given if of == line})
            for line in known
            if line not in removed
        ) + tuple(_line(name=name, quantity=quantity, price=price) for name, quantity, price in added)
    party = {name.removeprefix("invoice_"): value for name, value in invoice.items() if value is not None}
    if not lines and not party and tax_number is None and not undo:
        raise click.UsageError("say what is to be edited, such as --quantity LINE N")
    body = EditRequest(
        version=seen.version,
        lines=lines,
        total=total,
        invoice=AddressRequest(**party) if party else None,
        tax_number=tax_number,
        undo=tuple(map(EditedPart, undo)),
    )
    card = _do(session, order, "edit", body)
    stays = f"; not sent to {', '.join(card.edited.stays)}, which has it already" if card.edited.stays else ""
    _told(session, card, f"edited, {card.order.total} in all{stays}")


def _line(**given: str) -> LineRequest:
    from olhubd.control.api.schema.orders import LineRequest

    try:
        quantity = int(given["quantity"]) if "quantity" in given else None
    except ValueError:
        raise click.UsageError(f"{given['quantity']!r} is no quantity: give a whole number") from None
    return LineRequest(**{**given, "quantity": quantity})  # type: ignore[arg-type]


@click.command()
@_ORDER
@click.argument("amount")
@click.option("--comment", help="What a colleague should know of it; it stays in the order's history.")
@session_command()
def pay(session: Session, order: str, amount: str, comment: str | None) -> None:
    """Book AMOUNT, which was received outside of the marketplace, as paid for ORDER.

    It counts as far as the order is not paid, and goes to the targets whose route carries payments.

    \b
    Example:
      olhubd orders pay 1042 64.80 --comment "cash at the counter"
    """
    from olhubd.control.api.schema.orders import BookingRequest

    card = _do(session, order, "payments", BookingRequest(amount=amount, comment=comment))
    booking = card.bookings[-1]
    _told(session, card, f"payment {booking.id} of {booking.amount} is booked; received {card.order.paid}")


@click.command()
@_ORDER
@click.argument("payment", type=int)
@click.option("--comment", help="Why it is undone; it stays in the order's history.")
@session_command()
def unpay(session: Session, order: str, payment: int, comment: str | None) -> None:
    """Undo PAYMENT of ORDER, which was booked by hand: its number as `olhubd orders pay` said it.

    \b
    Example:
      olhubd orders unpay 1042 1 --comment "booked for the wrong order"
    """
    from olhubd.control.api.schema.orders import UndoBookingRequest

    card = _do(session, order, f"payments/{payment}/undo", UndoBookingRequest(comment=comment))
    _told(session, card, f"payment {payment} is undone; received {card.order.paid}")


@click.command()
@_ORDER
@click.option("--to", "target", help="The target, where several routes lead from the order's account.")
@session_command()
def forward(session: Session, order: str, target: str | None) -> None:
    """Send ORDER on although its route would not: unpaid, from before the route, within its hold window.

    \b
    Examples:
      olhubd orders forward 1042
      olhubd orders forward 1042 --to shop-pl
    """
    from olhubd.control.api.schema.orders import ForwardRequest

    _told(session, _do(session, order, "forward", ForwardRequest(target=target)), "it is sent on")


def _do(session: Session, order: str, what: str, body: msgspec.Struct) -> OrderCard:
    from olhubd.client import segment
    from olhubd.control.api.schema.orders import OrderCard

    with session.daemon() as daemon:
        card: OrderCard = daemon.post(f"/api/v1/orders/{segment(order)}/{what}", OrderCard, body)
    return card


def _told(session: Session, card: OrderCard, what: str) -> None:
    if not session.printer.json(card):
        session.printer.line(f"order {card.reference}: {what}")
