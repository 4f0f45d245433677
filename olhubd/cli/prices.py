"""`olhubd prices`: what is in the price lists, what offers cost and why, and what a person says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from olhubd.cli import pages
from olhubd.cli.session import Session, account_option, named, session_command

if TYPE_CHECKING:
    from olhubd.cli.output import Printer
    from olhubd.control.api.schema.prices import ApprovePriceRequest, FollowPriceRequest, PricedItemRow

__all__ = ["prices"]


@click.group()
def prices() -> None:
    """What is in the price lists, and what the offers cost and why."""


@prices.command()
@account_option("Of this stock master only.")
@session_command(rows=True)
def lists(session: Session, account: str | None) -> None:
    """The price lists that were read, and whose offers go by them.

    \b
    Example:
      olhubd prices lists
    """
    from olhubd.control.api.schema.list_prices import PriceListPage

    with session.daemon() as daemon:
        page = daemon.get("/api/v1/price-lists", PriceListPage, account=account)
    if session.printer.json(page):
        return
    session.printer.table(
        ("ACCOUNT", "LIST", "PRICES:right", "WITHOUT:right:least", "CHANNELS:least", "FOUND:least"),
        [
            (
                one.account, one.name, ", ".join(f"{count} {currency}" for currency, count in one.prices.items()),
                one.unpriced or None, ", ".join(one.channels), one.found_at,
            )
            for one in page.items
        ],
        "No price list was read yet.",
    )  # fmt: skip


@prices.command(name="list")
@account_option("Of this stock master only.")
@click.option("--list", "price_list", help="In this price list only; see olhubd prices lists.")
@click.option("--currency", help="In this currency only, such as PLN.")
@click.option("--item", help="Of the product or variant with this number at its stock master.")
@click.option("--sku", help="Of what has this SKU.")
@pages.paged
@session_command(rows=True)
def listing(session: Session, before: int | None, limit: int, every: bool, **asked: Any) -> None:
    """The prices in the lists of the stock masters. All filters that are given must fit.

    \b
    Examples:
      olhubd prices list --account shop --list default
      olhubd prices list --sku KUB-BIA
    """
    from olhubd.control.api.schema.list_prices import ListPricePage

    with session.daemon() as daemon:
        found, after = pages.rows(
            daemon, "/api/v1/list-prices", ListPricePage, before=before, limit=limit, every=every, **asked
        )
    if session.printer.json({"items": found, "next": after}):
        return
    session.printer.table(
        (
            "ID:right:least", "ITEM", "NAME:least", "SKU:least", "LIST", "PRICE:right", "REGULAR:right:least",
            "TAX:least", "CHANGES:least", "READ:least",
        ),
        [
            (
                one.id, f"{one.account}:{one.item}", one.name, one.sku, one.price_list, one.price, one.regular,
                one.basis.value, one.changes_at, one.read_at,
            )
            for one in found
        ],
        "No prices.",
    )  # fmt: skip
    session.printer.more(after, whole=True)


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
@click.argument("price")
@session_command()
def approve(session: Session, account: str, offer: str, price: str) -> None:
    """Let PRICE be sent, which changes by more than its rule allows. Where another one waits by now it is refused.

    \b
    Example:
      olhubd prices approve allegro-main 7000000003 129.00
    """
    from olhubd.control.api.schema.prices import ApprovePriceRequest

    body = ApprovePriceRequest(price=price)
    _post(session, account, offer, "approve-price", f"the price of {offer} is sent: {price}", body)


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
    session: Session,
    account: str,
    offer: str,
    verb: str,
    said: str,
    body: FollowPriceRequest | ApprovePriceRequest | None = None,
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
