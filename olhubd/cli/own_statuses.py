"""`olhubd statuses`: the seller's own list of statuses, and what each is at marketplaces and shops."""

from __future__ import annotations

import click

from olhubd.cli.session import Session, named, session_command

__all__ = ["statuses"]

_STATUS = click.argument("status", callback=named)


@click.group()
def statuses() -> None:
    """The seller's own statuses, their words at accounts, and which side leads."""


@statuses.command(name="list")
@session_command(rows=True)
def listing(session: Session) -> None:
    """The statuses in their order, with what is written to accounts and what is taken from them.

    \b
    Example:
      olhubd statuses list
    """
    from olhubd.control.api.schema.own_statuses import OwnStatusList

    with session.daemon() as daemon:
        found = daemon.get("/api/v1/statuses", OwnStatusList)
    if session.printer.json(found):
        return
    rows = [
        (
            one.name,
            one.title,
            ", ".join(f"{account}={word}" for account, word in one.sends.items()),
            ", ".join(f"{account}={'|'.join(words)}" for account, words in one.follows.items()),
            one.orders,
            found.origin or one.changed_by,
        )
        for one in found.items
    ]
    columns = ("STATUS", "TITLE", "SENDS", "FOLLOWS", "ORDERS:right", "BY:least")
    session.printer.table(columns, rows, "There are no statuses of your own.")


@statuses.command(name="leaders")
@session_command(rows=True)
def leading(session: Session) -> None:
    """Which side's status the other follows, account by account, and the first status of new orders.

    It is set with `olhubd account settings ACCOUNT status_leader=account`.

    \b
    Example:
      olhubd statuses leaders
    """
    from olhubd.control.api.schema.own_statuses import OwnStatusList

    with session.daemon() as daemon:
        found = daemon.get("/api/v1/statuses", OwnStatusList)
    if session.printer.json({"items": found.accounts}):
        return
    rows = [
        (
            one.account,
            one.leader.value,
            one.sends,
            one.follows,
            one.first_status,
            one.first_status_cod,
            one.first_status_paid,
        )
        for one in found.accounts
    ]
    columns = ("ACCOUNT", "LEADS", "SENDS:right", "FOLLOWS:right", "FIRST", "FIRST COD:least", "FIRST PAID:least")
    session.printer.table(columns, rows, "No account has orders.")


@statuses.command(name="set")
@_STATUS
@click.option("--title", help="What people read.")
@click.option("--position", type=click.IntRange(1, 1000), help="Its place in the list, from 1 on.")
@click.option("--send", "sends", metavar="ACCOUNT=WORD", multiple=True, help="What it is there; no WORD: nothing.")
@click.option(
    "--follow",
    "follows",
    metavar="ACCOUNT=WORD,...",
    multiple=True,
    help="The words there that bring it.",
)
@session_command()
def change(
    session: Session,
    status: str,
    title: str | None,
    position: int | None,
    sends: tuple[str, ...],
    follows: tuple[str, ...],
) -> None:
    """Add STATUS to the list, or change it. What is left out stays; it is in force at once.

    \b
    Examples:
      olhubd statuses set packed --title "Packed" --send shop-pl=processing --send allegro-main=READY_FOR_SHIPMENT
      olhubd statuses set done --follow shop-pl=completed,refunded
      olhubd statuses set packed --position 2 --send shop-pl=
    """
    from olhubd.client import segment
    from olhubd.control.api.schema.own_statuses import OwnStatusList, OwnStatusRequest

    body = OwnStatusRequest(
        title=title,
        position=position,
        sends=_pairs("--send", sends),
        follows={
            account: tuple(one.strip() for one in words.split(",") if one.strip())
            for account, words in _pairs("--follow", follows).items()
        },
    )
    with session.daemon() as daemon:
        found = daemon.post(f"/api/v1/statuses/{segment(status)}", OwnStatusList, body)
    if not session.printer.json(found):
        session.printer.line(f"the list of statuses: {', '.join(one.name for one in found.items)}")


@statuses.command()
@_STATUS
@session_command()
def remove(session: Session, status: str) -> None:
    """Take STATUS off the list. One that orders or settings have is refused.

    \b
    Example:
      olhubd statuses remove packed
    """
    from olhubd.client import segment
    from olhubd.control.api.schema.own_statuses import OwnStatusList

    with session.daemon() as daemon:
        found = daemon.post(f"/api/v1/statuses/{segment(status)}/remove", OwnStatusList)
    if not session.printer.json(found):
        session.printer.line(f"the list of statuses: {', '.join(one.name for one in found.items) or 'empty'}")


def _pairs(option: str, given: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in given:
        account, equals, words = one.partition("=")
        if not equals or not account:
            raise click.BadParameter(f"{one!r} is no ACCOUNT=WORD", param_hint=option)
        if account in found:
            raise click.BadParameter(f"{account} is named twice", param_hint=option)
        found[account] = words.strip()
    return found
