"""`olhubd stock stop`, `lift` and `stops`: selling nothing more on an account, in an emergency."""

from __future__ import annotations

import click

from olhubd.cli.session import Session, account_names, session_command

__all__ = ["lift", "stop", "stops"]


@click.command()
@click.argument("account", required=False, shell_complete=account_names)
@click.option("--all", "every", is_flag=True, help="On every account on which stock is sold.")
@click.option("--reason", help="Why, for whoever reads the history.")
@session_command()
def stop(session: Session, account: str | None, every: bool, reason: str | None) -> None:
    """Sell nothing more on ACCOUNT: all its offers go to zero, what sells fastest first.

    It stays so over a restart, until `olhubd stock lift`.

    \b
    Example:
      olhubd stock stop allegro-main --reason "the warehouse is under water"
    """
    from olhubd.control.api.schema.sales_stops import SalesStopPage, StopRequest

    _one(account, every)
    with session.daemon() as daemon:
        body = StopRequest(account=account, all=every, reason=reason)
        page = daemon.post("/api/v1/sales-stops", SalesStopPage, body)
    if not session.printer.json(page):
        for row in page.items:
            if row.unreached is None:
                session.printer.line(f"all selling on {row.account} is stopped")
                continue
            session.printer.line(
                f"all selling on {row.account} is to stop, and it cannot be reached: {row.unreached}."
                f" {row.selling} of its offers can still be bought until it is at work again"
            )


@click.command()
@click.argument("account", required=False, shell_complete=account_names)
@click.option("--all", "every", is_flag=True, help="On every account that is stopped.")
@session_command()
def lift(session: Session, account: str | None, every: bool) -> None:
    """Sell again on ACCOUNT: its offers show what may be sold, and those that the stop has ended come back.

    \b
    Example:
      olhubd stock lift allegro-main
    """
    from olhubd.control.api.schema.sales_stops import LiftRequest, SalesStopPage

    _one(account, every)
    with session.daemon() as daemon:
        page = daemon.post("/api/v1/sales-stops/lift", SalesStopPage, LiftRequest(account=account, all=every))
    if not session.printer.json(page):
        for row in page.items:
            session.printer.line(f"{row.account} sells again")


@click.command()
@session_command(rows=True)
def stops(session: Session) -> None:
    """The accounts on which all selling is stopped.

    \b
    Example:
      olhubd stock stops
    """
    from olhubd.control.api.schema.sales_stops import SalesStopPage

    with session.daemon() as daemon:
        page = daemon.get("/api/v1/sales-stops", SalesStopPage)
    if session.printer.json(page):
        return
    session.printer.table(
        ("ACCOUNT", "SINCE", "BY", "STILL SELLING:right", "REASON:least", "NOT REACHED:least"),
        [
            (row.account, row.stopped_at, row.stopped_by, row.selling, row.reason, row.unreached)
            for row in page.items
        ],
        "Selling is stopped nowhere.",
    )


def _one(account: str | None, every: bool) -> None:
    if (account is None) is not every:
        raise click.UsageError("name an account, or --all: one of them")
