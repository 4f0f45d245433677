"""`olhubd strangers`: orders with our mark that a shop has and nobody here knows."""

from __future__ import annotations

import click

from olhubd.cli.session import Session, session_command

__all__ = ["strangers"]


@click.group()
def strangers() -> None:
    """Orders with our mark that only a shop knows, as after an older database was put back."""


@strangers.command("list")
@session_command(rows=True)
def listing(session: Session) -> None:
    """What waits, the oldest first. What is off at its source, gone or cancelled, is to be cancelled in the shop.

    \b
    Example:
      olhubd strangers list
    """
    from olhubd.control.api.schema.strangers import StrangerPage

    with session.daemon() as daemon:
        page = daemon.get("/api/v1/strangers", StrangerPage)
    printer = session.printer
    if printer.json(page):
        return
    printer.table(
        ("SHOP", "ID", "NUMBER", "OF", "SINCE", "AT ITS SOURCE"),
        [(s.account, s.external_id, s.number, s.reference, s.since, s.source) for s in page.items],
        "All orders with our mark are known.",
    )


@strangers.command()
@click.argument("account", metavar="SHOP")
@click.argument("order", metavar="ID")
@click.option("--reason", required=True, help="Why, for whoever reads the history.")
@session_command()
def discard(session: Session, account: str, order: str, reason: str) -> None:
    """Let an order wait for nobody any more: it was seen to in the shop, or is to stay there.

    \b
    Example:
      olhubd strangers discard shop 5012 --reason "cancelled in the shop"
    """
    from urllib.parse import quote

    from olhubd.control.api.schema.base import DiscardRequest
    from olhubd.control.api.schema.strangers import StrangerPage

    with session.daemon() as daemon:
        path = f"/api/v1/strangers/{quote(account, safe='')}/{quote(order, safe='')}/discard"
        page = daemon.post(path, StrangerPage, DiscardRequest(reason=reason))
    if not session.printer.json(page):
        session.printer.line(f"order {order} of {account} waits for nobody any more")
