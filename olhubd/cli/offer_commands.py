"""`olhubd stock resume`, `auto-resume`, `retry`, `ignore`: what a person says of an offer under stock control."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from olhubd.cli.session import Session, session_command

if TYPE_CHECKING:
    from olhubd.control.api.schema.offer_commands import AutoResumeRequest, OfferLevelAnswer

__all__ = ["auto_resume", "ignore", "resume", "retry"]


@click.command()
@click.argument("account")
@click.argument("offer")
@session_command()
def resume(session: Session, account: str, offer: str) -> None:
    """Bring back an offer that has ended, once.

    It must have ended at most 60 days ago, not by the marketplace, and sell at a price; and there must be stock.

    \b
    Example:
      olhubd stock resume allegro-main 7000000003
    """
    row = _post(session, account, offer, "resume")
    if not session.printer.json(row):
        session.printer.line(f"offer {offer} is to be brought back with {row.wanted} pieces")


@click.command("auto-resume")
@click.argument("account")
@click.argument("offer")
@click.option("--on/--off", "allowed", required=True, help="Whether it may be.")
@session_command()
def auto_resume(session: Session, account: str, offer: str, allowed: bool) -> None:
    """Say whether an offer may be brought back by itself when there is stock again.

    No offer is until this is said of it, and only where a rule of [[stock]] has resume = true.

    \b
    Example:
      olhubd stock auto-resume allegro-main 7000000003 --on
    """
    from olhubd.control.api.schema.offer_commands import AutoResumeRequest

    row = _post(session, account, offer, "auto-resume", AutoResumeRequest(allowed=allowed))
    if not session.printer.json(row):
        said = "may be brought back by itself" if row.resumes else "is not brought back by itself"
        session.printer.line(f"offer {offer} {said}")


@click.command()
@click.argument("account")
@click.argument("offer")
@session_command()
def retry(session: Session, account: str, offer: str) -> None:
    """Write an offer again: a dispute with another program is over, or what was refused is put right.

    \b
    Example:
      olhubd stock retry allegro-main 7000000003
    """
    row = _post(session, account, offer, "retry")
    if not session.printer.json(row):
        session.printer.line(f"offer {offer} is written again")


@click.command()
@click.argument("account")
@click.argument("offer")
@click.option("--reason", required=True, help="Why, for whoever reads the history.")
@session_command()
def ignore(session: Session, account: str, offer: str, reason: str) -> None:
    """Let an offer that nobody linked sell beside the hub, and alarm nobody.

    \b
    Example:
      olhubd stock ignore allegro-main 7000000003 --reason "sold from another warehouse"
    """
    from olhubd.control.api.schema.base import DiscardRequest
    from olhubd.control.api.schema.offer_commands import IgnoredOffer

    with session.daemon() as daemon:
        answer = daemon.post(_path(account, offer, "ignore"), IgnoredOffer, DiscardRequest(reason=reason))
    if not session.printer.json(answer):
        session.printer.line(f"offer {offer} of {account} alarms nobody any more")


def _post(
    session: Session, account: str, offer: str, verb: str, body: AutoResumeRequest | None = None
) -> OfferLevelAnswer:
    from olhubd.control.api.schema.offer_commands import OfferLevelAnswer

    with session.daemon() as daemon:
        row: OfferLevelAnswer = daemon.post(_path(account, offer, verb), OfferLevelAnswer, body)
    return row


def _path(account: str, offer: str, verb: str) -> str:
    from olhubd.client import segment

    return f"/api/v1/offers/{segment(account)}/{segment(offer)}/{verb}"
