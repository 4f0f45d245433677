"""Signing in to an account from a terminal, on whichever machine the browser may be."""

from __future__ import annotations

import os
import select
import sys
from typing import TYPE_CHECKING

import click

from olhubd.cli.failures import Failure
from olhubd.cli.session import Session, account_argument, session_command

if TYPE_CHECKING:
    from olhubd.client import EndpointClient
    from olhubd.control.api.schema.sign_in import SignIn

__all__ = ["login"]

_PATIENCE = 50.0
"""Seconds that one question for the end of a sign-in waits; then it is asked again."""
_PASTED = 1.0
"""The same while somebody may paste an address meanwhile."""


@click.command()
@account_argument
@click.option(
    "--flow",
    type=click.Choice(["device", "code"]),
    help="By a code that is confirmed on any device, or by the browser, which is sent back to the daemon.",
)
@session_command()
def login(session: Session, account: str, flow: str | None) -> None:
    """Sign in to ACCOUNT: open the address that is shown, on any device, and agree.

    No password is asked for here. The daemon waits by itself, so this command may be interrupted; a parked account
    goes on as soon as somebody has signed in. Another seller's sign-in is refused.

    By --flow code the other system sends your browser back to the daemon. Where the browser cannot reach that, as
    on another machine, copy the address of the page that does not open, paste it here and press Enter.

    \b
    Example:
      olhubd login allegro-main
    """
    from olhubd.client import segment
    from olhubd.control.api.schema.sign_in import SignIn, SignInRequest, SignInState
    from olhubd.plugin import Flow

    path = f"/api/v1/accounts/{segment(account)}/sign-in"
    printer = session.printer
    with session.daemon() as daemon:
        found = daemon.post(path, SignIn, SignInRequest(flow=Flow(flow)) if flow else None)
        code = f"\nCode   {found.user_code}" if found.user_code else f"\nBack   {found.redirect_uri}"
        click.echo(f"Open   {found.url}{code}", err=printer.as_json)
        until = printer.when(found.expires_at)
        if found.user_code:
            click.echo(f"The code is good until {until}. Waiting ...", err=True)
        else:
            click.echo(f"Waiting until {until} for your browser to come back.", err=True)
            click.echo("Does the page not open that it is sent back to? Paste its address here:", err=True)
        pasting = not found.user_code
        while found.state is SignInState.PENDING:
            found = daemon.get(path, SignIn, wait=_PASTED if pasting else _PATIENCE)
            if pasting and found.state is SignInState.PENDING and (typed := _typed()) is not None:
                pasting = bool(typed)
                found = _bring(daemon, path, typed) or found
    printer.json(found)
    if found.state is SignInState.FAILED:
        raise Failure(f"the sign-in failed: {found.reason}")
    if not printer.as_json:
        who = f" as {found.login}" if found.login else ""
        printer.line(f"Signed in to {account}{who}.")


def _typed() -> bytes | None:
    """What was typed since; None for nothing yet, nothing at all where nobody can type here."""
    try:
        ready, _, _ = select.select([sys.stdin], [], [], 0)
        return os.read(sys.stdin.fileno(), 2**16) if ready else None
    except (OSError, ValueError, AttributeError):  # no standard input, or one without a number
        return b""


def _bring(daemon: EndpointClient, path: str, typed: bytes) -> SignIn | None:
    """Go on with what was pasted; None where there is nothing in it, or it is not the right address."""
    from olhubd.client import EndpointRefused
    from olhubd.control.api.schema.sign_in import CallbackRequest, SignIn

    address = typed.decode(errors="replace").strip()
    if not address:
        return None
    try:
        return daemon.post(f"{path}/return", SignIn, CallbackRequest(address=address))
    except EndpointRefused as error:
        if error.problem.status != 400:
            raise
        click.echo(f"olhubd: {error}", err=True)
        return None
