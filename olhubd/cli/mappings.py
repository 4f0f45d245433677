"""`olhubd mappings` and `olhubd unlinked`: words and lines without a mapping."""

from __future__ import annotations

import click

from olhubd.cli.session import Session, account_option, session_command

__all__ = ["mappings", "unlinked"]


@click.command()
@account_option("Of this source or target only.")
@click.option(
    "--kind", type=click.Choice(["delivery", "payment", "stage", "progress", "status"]), help="Of this kind only."
)
@click.option("--unmapped", is_flag=True, default=None, help="Only those that nobody mapped.")
@session_command(rows=True)
def mappings(session: Session, account: str | None, kind: str | None, unmapped: bool | None) -> None:
    """The words of sources and targets, what they become, and how many orders had them.

    \b
    Examples:
      olhubd mappings --unmapped
      olhubd mappings --kind delivery
    """
    from olhubd.control.api.schema.mappings import Mappings

    asked = {"account": account, "kind": kind, "unmapped": "true" if unmapped else None}
    with session.daemon() as daemon:
        found = daemon.get("/api/v1/mappings", Mappings, **asked)
    printer = session.printer
    if printer.json(found):
        return
    printer.table(
        (
            "KIND", "ACCOUNT", "WORD", "CALLED:least", "BECOMES", "AT", "ORDERS:right", "LAST:least",
            "ORDER:right:least", "WRITTEN IN:least",
        ),
        [
            (
                one.kind.value, one.account, one.value, one.label if one.label != one.value else None,
                one.mapped if one.mapped is not None else "not mapped", one.target, one.orders, one.last_at,
                one.example, one.origin,
            )
            for one in found.items
        ],
        "No words that fit.",
    )  # fmt: skip


@click.command()
@account_option("Of this source only.")
@session_command(rows=True)
def unlinked(session: Session, account: str | None) -> None:
    """The offers whose order lines are bound to no product, those of the most orders first.

    Before a target has an order, a line with neither SKU nor EAN counts; after that what the target said.

    \b
    Example:
      olhubd unlinked --account allegro-main
    """
    from olhubd.control.api.schema.mappings import Unlinked

    with session.daemon() as daemon:
        found = daemon.get("/api/v1/unlinked", Unlinked, account=account)
    printer = session.printer
    if printer.json(found):
        return
    printer.table(
        (
            "ACCOUNT", "AT TARGET:least", "OFFER", "SKU", "EAN:least", "NAME", "ORDERS:right",
            "LAST ORDER:right:least",
        ),
        [
            (one.account, one.target, one.offer_id, one.sku, one.ean, one.name, one.orders, one.last_order)
            for one in found.items
        ],
        "Every line has its product.",
    )  # fmt: skip
    if not found.all:
        click.echo(f"Only the latest {found.looked_at} orders with such lines were looked at.", err=True)
