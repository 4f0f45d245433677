"""Tokens: give a program or a person access to the daemon, see who has it, and take it away."""

from __future__ import annotations

from datetime import timedelta

import click

from olhubd.cli.session import Session, named, session_command

__all__ = ["token"]

_SCOPES = ("read", "operate", "admin")


@click.group()
def token() -> None:
    """Who may use the endpoint and the dashboard, and what they may do there."""


def _lifetime(_ctx: click.Context, _parameter: click.Parameter, value: str) -> float | None:
    from olhubd.plugin.settings import duration

    if value == "never":
        return None
    try:
        span = duration(value)
    except ValueError as error:
        raise click.BadParameter(f'{error}: write it like "90 d", "12 h" or "never"') from None
    if not isinstance(span, timedelta) or not timedelta(minutes=1) <= span <= timedelta(days=3650):
        raise click.BadParameter('a minute to ten years, like "90 d" or "12 h", or "never"')
    return span.total_seconds()


@token.command()
@click.argument("name", callback=named)
@click.option(
    "--scope",
    type=click.Choice(_SCOPES),
    default="read",
    show_default=True,
    help="read: see; operate: also the daily work; admin: also configuration and tokens.",
)
@click.option(
    "--expires", default="90d", show_default=True, callback=_lifetime, help='For how long it is good, or "never".'
)
@session_command()
def create(session: Session, name: str, scope: str, expires: float | None) -> None:
    """Make the token NAME and print it: now and never again. It needs the scope admin.

    NAME says who has it; what is done with it is under that name in the log of events. Standard output has the
    token alone, to be put into a file or a password store.

    \b
    Example:
      olhubd token create reports --scope read --expires 90d > reports.token
    """
    from olhubd.control.api.schema.tokens import CreatedToken, TokenRequest
    from olhubd.model import Scope

    body = TokenRequest(name=name, scope=Scope(scope), lifetime=expires)
    with session.daemon() as daemon:
        made = daemon.post("/api/v1/tokens", CreatedToken, body)
    printer = session.printer
    if printer.json(made):
        return
    until = f"until {printer.when(made.token.expires_at)}" if made.token.expires_at else "until it is revoked"
    click.echo(f"The token {name} is good for {scope}, {until}. It is shown only now:", err=True)
    click.echo(made.text)


@token.command("list")
@session_command(rows=True)
def listing(session: Session) -> None:
    """All tokens that were made: what they may do, by whom, until when, and when they were last used."""
    from olhubd.control.api.schema.tokens import Tokens

    with session.daemon() as daemon:
        found = daemon.get("/api/v1/tokens", Tokens)
    printer = session.printer
    if printer.json(found):
        return
    rows = [
        (
            token.name,
            token.scope.value,
            token.created_by,
            token.created_at,
            "expired" if token.expired else token.expires_at or "never",
            token.used_at or "never",
        )
        for token in found.items
    ]
    columns = ("TOKEN", "SCOPE", "BY:least", "MADE:least", "EXPIRES", "LAST USED")
    printer.table(columns, rows, "No tokens were made.")


@token.command()
@click.argument("name", callback=named)
@session_command()
def revoke(session: Session, name: str) -> None:
    """Take the token NAME away: at once it opens nothing, and its sessions at the dashboard end.

    \b
    Example:
      olhubd token revoke reports
    """
    from olhubd.client import segment
    from olhubd.control.api.schema.tokens import Tokens

    with session.daemon() as daemon:
        found = daemon.post(f"/api/v1/tokens/{segment(name)}/revoke", Tokens)
    if not session.printer.json(found):
        session.printer.line(f"The token {name} opens nothing any more.")
