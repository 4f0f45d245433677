"""What a person changes about an order; the commands are below `olhubd orders`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from olhubd.cli.session import Session, named, session_command

if TYPE_CHECKING:
    import msgspec

    from olhubd.control.api.schema.orders import OrderCard

__all__ = ["address", "forward", "note", "own_status", "ship", "status"]

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
    """Send ORDER elsewhere, as long as it has not gone on. What is left out stays as it is.

    It holds until the buyer changes the address at the marketplace.

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
