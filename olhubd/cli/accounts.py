"""One account: how it stands, and what is done to it: fetch now, pause, resume, rename, remove."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from olhubd.cli import progress
from olhubd.cli.account_settings import settings
from olhubd.cli.failures import Exit, Failure
from olhubd.cli.output import span
from olhubd.cli.session import Session, account_argument, account_names, named, session_command

if TYPE_CHECKING:
    from olhubd.control.api.schema.accounts import Account

__all__ = ["account", "fetch", "pause", "resume"]


@click.command()
@account_argument
@click.option("--products", is_flag=True, help="Its products and prices instead: what was changed.")
@click.option("--full", is_flag=True, help="All of its products; what is not among them is gone.")
@click.option("--accept-gone", is_flag=True, help="Also where most of the products are not among them.")
@session_command()
def fetch(session: Session, account: str, products: bool, full: bool, accept_gone: bool) -> None:
    """Fetch the orders of ACCOUNT now and say what came.

    While a run is under way none is started beside it; this one is waited for. Some systems allow fetching by hand
    only so often: then exit code 7 and when it is possible again.

    \b
    Examples:
      olhubd fetch shop-pl
      olhubd fetch shop-pl --products --full
    """
    from olhubd.client import segment
    from olhubd.control.api.schema.accounts import FetchRequest, FetchResult

    with session.daemon() as daemon, progress.working(f"fetching from {account}", session):
        body = FetchRequest(
            products=products or full or accept_gone, full=full or accept_gone, accept_gone=accept_gone
        )
        run = daemon.post(f"/api/v1/accounts/{segment(account)}/fetch", FetchResult, body).run
    printer = session.printer
    if run is None:
        printer.json(FetchResult(run=None))
        hint = [f"See: olhubd runs --account {account}"]
        raise Failure("it is still fetching", Exit.LATER, [] if printer.as_json else hint)
    if printer.json(run):
        return
    refused = f", {run.quarantined} could not be stored (olhubd quarantine)" if run.quarantined else ""
    printer.line(f"{account}: {run.seen} told, {run.added} new, {run.changed} changed{refused}")


@click.command()
@account_argument
@click.option("--reason", help="Why, for whoever wonders later.")
@session_command()
def pause(session: Session, account: str, reason: str | None) -> None:
    """Fetch nothing from ACCOUNT and deliver nothing to it until it is resumed, through restarts too.

    \b
    Example:
      olhubd pause shop-pl --reason "stock-taking"
    """
    from olhubd.client import segment
    from olhubd.control.api.schema.accounts import Account, PauseRequest

    body = PauseRequest(reason=reason) if reason else None
    with session.daemon() as daemon:
        _told(session, daemon.post(f"/api/v1/accounts/{segment(account)}/pause", Account, body))


@click.command()
@account_argument
@click.option("--moved", is_flag=True, help="Parked since another system answers: it is the same shop, moved.")
@session_command()
def resume(session: Session, account: str, moved: bool) -> None:
    """Let ACCOUNT go on where it stopped: what was sold meanwhile arrives, once each.

    One that is at work and waits for a time, after a 429 say, goes on at once.
    """
    from olhubd.client import segment
    from olhubd.control.api.schema.accounts import Account, ResumeRequest

    body = ResumeRequest(moved=True) if moved else None
    with session.daemon() as daemon:
        _told(session, daemon.post(f"/api/v1/accounts/{segment(account)}/resume", Account, body))


@click.group()
def account() -> None:
    """Show an account, set what can be set of it, call it otherwise, or remove one that is configured no more."""


account.add_command(settings)


@account.command()
@click.argument("name", metavar="ACCOUNT", callback=named, shell_complete=account_names)
@session_command()
def show(session: Session, name: str) -> None:
    """How ACCOUNT stands, and how often its orders are read now and why.

    \b
    Example:
      olhubd account show allegro-main
    """
    from olhubd.client import segment
    from olhubd.control.api.schema.accounts import Account

    with session.daemon() as daemon:
        found = daemon.get(f"/api/v1/accounts/{segment(name)}", Account)
    printer = session.printer
    if printer.json(found):
        return
    facts: list[tuple[str, object]] = [
        ("Title", found.title),
        ("At", found.connector),
        ("State", found.state.value),
        ("Profile", found.profile),
    ]
    if found.reason:
        facts.append(("Reason", found.reason))
    if found.fetches_orders and found.interval_now is not None:
        now, most = span(found.interval_now), span(found.interval)
        least = "" if found.interval_now == found.interval else f", at least every {most}"
        facts.append(("Orders", f"read every {now}{least}: {found.interval_reason}"))
    if found.next_run is not None:
        facts.append(("Next", found.next_run))
    if found.last_error is not None:
        facts.append(("Error", found.last_error))
    printer.facts(facts)


@account.command()
@click.argument("name", metavar="ACCOUNT", callback=named, shell_complete=account_names)
@click.argument("title", required=False)
@session_command()
def rename(session: Session, name: str, title: str | None) -> None:
    """Show ACCOUNT as TITLE from now on; without a TITLE, as the configuration says.

    Nothing else changes. The key in the configuration cannot be changed so: it is part of the mark on each order in
    the shops.

    \b
    Example:
      olhubd account rename allegro-main "Allegro, garden tools"
    """
    from olhubd.client import segment
    from olhubd.control.api.schema.accounts import Account, RenameRequest

    with session.daemon() as daemon:
        found = daemon.post(f"/api/v1/accounts/{segment(name)}/rename", Account, RenameRequest(title=title))
    if not session.printer.json(found):
        session.printer.line(f"{found.name} is called {found.title}")


@account.command()
@click.argument("name", metavar="ACCOUNT", callback=named, shell_complete=account_names)
@session_command()
def remove(session: Session, name: str) -> None:
    """Forget ACCOUNT, which the configuration names no more: its sign-in, and the positions of its feeds.

    Refused, with the reason, while anything of it is still pending or waits. Its orders and their history are kept.

    \b
    Example:
      olhubd account remove old-shop
    """
    from olhubd.client import segment
    from olhubd.control.api.schema.accounts import Accounts

    with session.daemon() as daemon:
        left = daemon.post(f"/api/v1/accounts/{segment(name)}/remove", Accounts)
    if not session.printer.json(left):
        session.printer.line(f"{name} was removed; its orders and their history are kept")


def _told(session: Session, account: Account) -> None:
    if not session.printer.json(account):
        why = f": {account.reason}" if account.reason else ""
        session.printer.line(f"{account.name} is {account.state.value}{why}")
