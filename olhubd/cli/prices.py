"""`olhubd prices`: what offers cost and why, and what a person says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from olhubd.cli.session import Session, named, session_command

if TYPE_CHECKING:
    from olhubd.cli.output import Printer
    from olhubd.control.api.schema.prices import FollowPriceRequest, PricedItemRow

__all__ = ["prices"]


@click.group()
def prices() -> None:
    """What the offers cost, and why."""


@prices.command()
@click.argument("item", callback=named)
@session_command()
def explain(session: Session, item: str) -> None:
    """What ITEM (its SKU, or its number at its stock master) costs in the lists and on its offers, and why.

    \b
    Example:
      olhubd prices explain KUB-BIA
    """
    from olhubd.client import segment
    from olhubd.control.api.schema.prices import PricedItemPage

    with session.daemon() as daemon:
        page = daemon.get(f"/api/v1/pricing/{segment(item)}", PricedItemPage)
    if session.printer.json(page):
        return
    for row in page.items:
        _explain(session.printer, row)


@prices.command()
@click.argument("account")
@click.argument("offer")
@click.option("--on/--off", "on", required=True, help="Whether it does.")
@session_command()
def follow(session: Session, account: str, offer: str, on: bool) -> None:
    """Say whether the price of an offer follows its product.

    Only a price that its list brings from now on is sent; `olhubd prices send` sends what the list says now.

    \b
    Example:
      olhubd prices follow allegro-main 7000000003 --on
    """
    from olhubd.control.api.schema.prices import FollowPriceRequest

    said = "follows its product from now on" if on else "stays as it is"
    _post(session, account, offer, "follow-price", f"the price of {offer} {said}", FollowPriceRequest(follow=on))


@prices.command()
@click.argument("account")
@click.argument("offer")
@session_command()
def approve(session: Session, account: str, offer: str) -> None:
    """Let a price be sent that changes by more than its rule allows.

    \b
    Example:
      olhubd prices approve allegro-main 7000000003
    """
    _post(session, account, offer, "approve-price", f"the price of {offer} is sent")


@prices.command()
@click.argument("account")
@click.argument("offer")
@session_command()
def send(session: Session, account: str, offer: str) -> None:
    """Send the price that the list says now, which nobody brought newly.

    \b
    Example:
      olhubd prices send allegro-main 7000000003
    """
    _post(session, account, offer, "send-price", f"the price of {offer} is sent as its list says it now")


def _post(
    session: Session, account: str, offer: str, verb: str, said: str, body: FollowPriceRequest | None = None
) -> None:
    from olhubd.client import segment
    from olhubd.control.api.schema.prices import OfferPriceAnswer

    with session.daemon() as daemon:
        path = f"/api/v1/offers/{segment(account)}/{segment(offer)}/{verb}"
        answer = daemon.post(path, OfferPriceAnswer, body)
    if not session.printer.json(answer):
        session.printer.line(said)


def _explain(printer: Printer, row: PricedItemRow) -> None:
    printer.line(f"{row.name} ({row.sku or row.external_id}) of {row.account}")
    printer.table(
        ("LIST", "PRICE:right", "TAX", "READ"),
        [(one.price_list, one.price, one.basis, one.read_at) for one in row.listed],
        "No list has a price for it.",
    )
    printer.table(
        (
            "ACCOUNT", "OFFER", "FOLLOWS", "BY THE RULE:right", "WANTED:right", "COSTS:right", "CONFIRMED:least",
            "REASON",
        ),
        [
            (
                one.account, one.external_id, _FOLLOWS[one.price_sync], one.price_computed, one.price_wanted,
                one.price, one.price_confirmed_at, one.price_reason or one.price_why,
            )
            for one in row.offers
        ],
        "No offer sells it.",
    )  # fmt: skip


_FOLLOWS = {None: None, True: "yes", False: "no"}
