"""`olhubd offers`: the offers of the channels, what each sells, must show and shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from olhubd.cli import pages
from olhubd.cli.offer_import import bring_offers
from olhubd.cli.offer_making import change, copy, create, drafts, end
from olhubd.cli.session import Session, account_option, named, session_command

if TYPE_CHECKING:
    from olhubd.cli.output import Printer
    from olhubd.control.api.schema.offers import LinkedItem, OfferItem, OfferRow

__all__ = ["offers", "parts"]

STATES = ["active", "inactive", "ended", "unknown"]
LINKINGS = ["linked", "none", "proposed", "conflict", "left"]


@click.group()
def offers() -> None:
    """The offers of the channels: what each sells, what it must show and what it shows."""


@offers.command(name="list")
@account_option("Of this account only.")
@click.option("--state", type=click.Choice(STATES), help="In this state only.")
@click.option("--linking", type=click.Choice(LINKINGS), help="Of which this is known only; see docs/operator.md.")
@click.option("--unlinked", is_flag=True, help="Those of which it is not known what they sell.")
@click.option("--conflict", is_flag=True, help="Those that may sell one of several items.")
@click.option("--doubted", is_flag=True, help="Those whose link somebody must look at.")
@click.option("--uneven", is_flag=True, help="Those that do not show what they must.")
@click.option("--sold-out", is_flag=True, help="Those that must show nothing.")
@click.option("--text", help="Whose name begins so, or with this number or SKU.")
@click.option("--sku", help="With this SKU only.")
@click.option("--ean", help="With this EAN only, however it is written.")
@pages.paged
@session_command(rows=True)
def listing(session: Session, before: int | None, limit: int, every: bool, conflict: bool, **asked: Any) -> None:
    """The newest offers first. All filters that are given must fit.

    \b
    Examples:
      olhubd offers list --account allegro-main --unlinked
      olhubd offers list --conflict --all
      olhubd offers list --sold-out --state active
    """
    from olhubd.control.api.schema.offers import OfferPage

    if conflict:
        if asked["linking"] not in (None, "conflict"):
            raise click.UsageError("--conflict is --linking conflict: one of them")
        asked["linking"] = "conflict"
    with session.daemon() as daemon:
        found, after = pages.rows(
            daemon, "/api/v1/offers", OfferPage, before=before, limit=limit, every=every, **asked
        )
    if session.printer.json({"items": found, "next": after}):
        return
    session.printer.table(
        (
            "ID:right:least", "OFFER", "NAME:least", "SKU:least", "EAN:least", "STATE", "SELLS", "WANTED:right",
            "SHOWN:right", "CONFIRMED:least", "REASON",
        ),
        [
            (
                one.id, f"{one.account}:{one.external_id}", one.name, one.sku, one.ean, one.state.value,
                parts(one) or one.linking.value, one.wanted, one.shown, one.confirmed_at, one.reason or one.why,
            )
            for one in found
        ],
        "No offers.",
    )  # fmt: skip
    session.printer.more(after, whole=True)


@offers.command()
@click.argument("offer", callback=named)
@session_command()
def show(session: Session, offer: str) -> None:
    """All that is known of OFFER: its reference (account:number), its number, or the hub's (#17).

    \b
    Example:
      olhubd offers show allegro-main:7712345678
    """
    from olhubd.client import segment
    from olhubd.control.api.schema.offers import OfferRow

    with session.daemon() as daemon:
        found = daemon.get(f"/api/v1/offers/{segment(offer)}", OfferRow)
    if not session.printer.json(found):
        card(session.printer, found)


for _verb in (create, change, end, copy, drafts, bring_offers):
    offers.add_command(_verb)


def card(printer: Printer, one: OfferRow) -> None:
    """Print one offer."""
    printer.facts(
        (
            ("offer", f"{one.account}:{one.external_id}"),
            ("hub id", one.id),
            ("name", one.name),
            ("SKU", one.sku),
            ("EAN", one.ean),
            ("state", f"{one.state.value} ({one.external_state})" if one.external_state else one.state.value),
            ("pieces a set", one.set_size),
            ("sells", parts(one) or one.linking.value),
            ("why not linked", one.why),
            ("must show", one.wanted),
            ("showed last", one.shown),
            ("sent", one.sent),
            ("confirmed", one.confirmed_at),
            ("why not as wanted", one.reason),
            ("costs", one.price),
            ("must cost", one.price_wanted),
            ("price follows", None if one.price_sync is None else "yes" if one.price_sync else "no"),
            ("priced by", one.price_rule),
            ("price confirmed", one.price_confirmed_at),
            ("why not that price", one.price_reason),
            ("read", one.read_at),
        )
    )
    if one.links:
        printer.line()
        printer.table(
            ("ITEM", "OF", "NAME", "UNITS:right", "LINKED BY", "WHO", "SINCE", "DOUBT"),
            [
                (
                    link.item.sku or link.item.external_id, link.item.account, link.item.name, link.units, link.by,
                    link.made_by or "the hub", link.linked_at, link.doubt,
                )
                for link in one.links
            ],
            "",
        )  # fmt: skip
    if one.candidates:
        printer.line("\nIt may sell:")
        printer.table(
            ("ITEM", "OF", "SKU", "EAN", "NAME", "PIECES:right"),
            [
                (item.external_id, item.account, item.sku, item.ean, item.name, item.together)
                for item in one.candidates
            ],
            "",
        )


def parts(one: OfferRow) -> str:
    """What an offer sells, in a few letters."""
    return ", ".join(_part(link) for link in one.links)


def _part(link: LinkedItem) -> str:
    return (f"{link.units} x " if link.units != 1 else "") + _called(link.item)


def _called(item: OfferItem) -> str:
    return item.sku or item.external_id
