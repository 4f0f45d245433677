"""`olhubd products`: what is in the catalogues of the stock masters, and how they were imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from olhubd.cli import pages
from olhubd.cli.output import span
from olhubd.cli.session import Session, account_option, named, session_command

if TYPE_CHECKING:
    from olhubd.cli.output import Printer
    from olhubd.control.api.schema.imports import ImportAccountRow
    from olhubd.control.api.schema.products import ProductCard, ProductRow
    from olhubd.control.api.schema.runs import RunRow

__all__ = ["products"]

KINDS = ["simple", "parent", "variant", "set", "group"]
STATES = ["listed", "draft", "private", "bin", "unknown"]


@click.group()
def products() -> None:
    """The products of the stock masters, as they were imported last."""


@products.command(name="list")
@account_option("Of this stock master only.")
@click.option("--kind", type=click.Choice(KINDS), help="Of this kind only.")
@click.option("--state", type=click.Choice(STATES), help="In this state at their source only.")
@click.option("--gone/--there", "gone", default=None, help="Those that their source has no more, or has.")
@click.option("--shared/--unshared", "shared", default=None, help="Those that their source shares, or no more.")
@click.option("--text", help="Whose name begins so, or with this number or SKU.")
@click.option("--sku", help="With this SKU only.")
@click.option("--ean", help="With this EAN only, however it is written.")
@pages.paged
@session_command(rows=True)
def listing(
    session: Session,
    before: int | None,
    limit: int,
    every: bool,
    gone: bool | None,
    shared: bool | None,
    **asked: Any,
) -> None:
    """The newest products first. All filters that are given must fit.

    \b
    Examples:
      olhubd products list --account shop --there
      olhubd products list --text "Kubek" --all
    """
    from olhubd.control.api.schema.products import ProductPage

    # No is an answer here, and not what is left out.
    told = {name: str(value).lower() for name, value in (("gone", gone), ("shared", shared)) if value is not None}
    with session.daemon() as daemon:
        found, after = pages.rows(
            daemon, "/api/v1/products", ProductPage, before=before, limit=limit, every=every, **asked, **told
        )
    if session.printer.json({"items": found, "next": after}):
        return
    session.printer.table(
        (
            "ID:right:least", "PRODUCT", "NAME:least", "SKU:least", "EAN:least", "KIND", "STATE", "SOLD:least",
            "GONE:least", "READ:least",
        ),
        map(_row, found),
        "No products.",
    )  # fmt: skip
    session.printer.more(after, whole=True)


def _row(one: ProductRow) -> tuple[object, ...]:
    return (
        one.id, _called(one), one.name, one.sku, one.ean, one.kind.value, one.state.value,
        "yes" if one.on_sale else "no", one.gone_at, one.read_at,
    )  # fmt: skip


@products.command()
@click.argument("product", callback=named)
@session_command()
def show(session: Session, product: str) -> None:
    """All that is known of PRODUCT: its reference (account:number), number, SKU or EAN, or the hub's number (#17).

    \b
    Example:
      olhubd products show shop:501
    """
    from olhubd.client import segment
    from olhubd.control.api.schema.products import ProductCard

    with session.daemon() as daemon:
        found = daemon.get(f"/api/v1/products/{segment(product)}", ProductCard)
    if not session.printer.json(found):
        _card(session.printer, found)


def _card(printer: Printer, card: ProductCard) -> None:
    one = card.product
    tax = card.tax.rate if card.tax is not None else None
    printer.facts(
        (
            ("product", _called(one)),
            ("hub id", one.id),
            ("name", one.name),
            ("SKU", one.sku),
            ("EAN", one.ean),
            ("kind", one.kind.value),
            ("state", f"{one.state.value} ({one.external_state})" if one.external_state else one.state.value),
            ("may be sold", "yes" if one.on_sale else "no"),
            ("not shared any more", None if one.shared else "yes"),
            ("gone since", one.gone_at),
            ("variant of", _called(card.parent) if card.parent is not None else one.parent_id),
            ("options", ", ".join(f"{name}: {value}" for name, value in card.options.items())),
            ("made by", card.manufacturer),
            ("categories", ", ".join(category.name for category in card.categories)),
            ("unit", card.unit),
            ("weight", f"{card.weight} kg" if card.weight is not None else None),
            ("tax", f"{tax} %" if tax is not None else None),
            ("pictures", len(card.images) or None),
            ("sellable", card.stock.sellable if card.stock is not None else None),
            ("counted", card.stock.counting if card.stock is not None else None),
            ("read", one.read_at),
        )
    )
    if card.variants:
        printer.line("\nIts variants:")
        printer.table(("PRODUCT", "NAME", "SKU", "EAN", "STATE"), map(_variant, card.variants), "")
    if card.parts:
        printer.line("\nIts parts:")
        printer.table(
            ("PRODUCT", "NAME", "PIECES:right"),
            [
                (part.item, part.product.name if part.product is not None else "not known", part.pieces)
                for part in card.parts
            ],
            "",
        )
    if card.prices:
        printer.line("\nIts prices:")
        printer.table(
            ("LIST", "PRICE:right", "REGULAR:right:least", "TAX", "READ:least"),
            [(one.price_list, one.price, one.regular, one.basis.value, one.read_at) for one in card.prices],
            "",
        )
    if card.offers:
        printer.line("\nIt is sold by:")
        printer.table(
            ("OFFER", "NAME:least", "STATE", "WANTED:right", "SHOWN:right", "COSTS:right", "REASON:least"),
            [
                (
                    f"{offer.account}:{offer.external_id}", offer.name, offer.state.value, offer.wanted,
                    offer.shown, offer.price, offer.reason or offer.price_reason,
                )
                for offer in card.offers
            ],
            "",
        )  # fmt: skip


def _variant(one: ProductRow) -> tuple[object, ...]:
    return _called(one), one.name, one.sku, one.ean, one.state.value


def _called(one: ProductRow) -> str:
    return f"{one.account}:{one.external_id}"


@products.command()
@account_option("Of this account only.")
@pages.paged
@session_command(rows=True)
def imports(session: Session, before: int | None, limit: int, every: bool, account: str | None) -> None:
    """How each account's products are read, and what each import brought, the newest first.

    An import is begun by: olhubd fetch ACCOUNT --products, with --full for all of them.

    \b
    Example:
      olhubd products imports --account shop
    """
    from olhubd.control.api.schema.imports import ImportAccountPage, ImportPage

    with session.daemon() as daemon:
        found, after = pages.rows(
            daemon, "/api/v1/imports", ImportPage, before=before, limit=limit, every=every, account=account
        )
        rows = daemon.get("/api/v1/imports/accounts", ImportAccountPage).items
    accounts = [one for one in rows if account in (None, one.account)]
    printer = session.printer
    if printer.json({"accounts": accounts, "items": found, "next": after}):
        return
    for one in accounts:
        for line in _standing(printer, one):
            printer.line(line)
    printer.table(
        (
            "RUN:right:least", "ACCOUNT", "WHY:least", "STARTED", "TOOK:least", "STATE", "TOLD:right:least",
            "NEW:right", "CHANGED:right", "REFUSED:right", "ERROR",
        ),
        map(_import, found),
        "Nothing has been imported yet.",
    )  # fmt: skip
    printer.more(after, whole=True)


def _standing(printer: Printer, one: ImportAccountRow) -> list[str]:
    """How an account stands, in a sentence each."""
    if one.why_off is not None:
        now = f"nothing can be read: {one.why_off}"
    elif one.under_way:
        now = f"under way: {one.run.seen} told" if one.run is not None else "under way"
    elif one.possible_at is not None:
        now = f"had today, the next is possible at {printer.when(one.possible_at)}"
    elif one.due_since is not None:
        now = "none yet today"
    else:
        now = "had today"
    lines = [f"{one.account}: {one.mode.value}, {now}"]
    if one.disbelieved is not None:
        lines.append(f"  {one.disbelieved}")
    return lines


def _import(run: RunRow) -> tuple[object, ...]:
    took = span((run.ended_at - run.started_at).total_seconds()) if run.ended_at and run.polls == 1 else ""
    return (
        run.id, run.account, run.trigger, run.started_at, took, run.state.value, run.seen, run.added, run.changed,
        run.quarantined, run.error,
    )  # fmt: skip
