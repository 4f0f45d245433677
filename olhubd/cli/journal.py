"""`olhubd journal`: what happened, the latest last, as a log is read; with --follow as it happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from olhubd.cli.session import Session, account_option, session_command

if TYPE_CHECKING:
    from olhubd.cli.output import Printer
    from olhubd.control.api.schema.journal import JournalEntry

__all__ = ["journal"]

_COLOURS = {"warning": "yellow", "error": "red"}


@click.command()
@account_option("Of this account only.")
@click.option("--severity", type=click.Choice(["info", "warning", "error"]), help="At least so grave.")
@click.option("--text", help="With these words in what is told.")
@click.option("-q", "--order", "q", metavar="ORDER", help="Of the order with this id or number.")
@click.option("--all", "everything", is_flag=True, default=None, help="Also deactivations of over 30 days ago.")
@click.option("--before", metavar="PLACE", help="Older than this: the page before.")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="How many.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what happens, until Ctrl-C.")
@session_command()
def journal(
    session: Session,
    account: str | None,
    severity: str | None,
    text: str | None,
    q: str | None,
    everything: bool | None,
    before: str | None,
    limit: int,
    follow: bool,
) -> None:
    """What happened, and why; the latest comes last. Runs that went wrong are among it.

    \b
    Examples:
      olhubd journal --severity warning
      olhubd journal --account shop-pl --follow
      olhubd journal --order 1042
    """
    from olhubd.control.api.schema.journal import Journal

    asked = {"account": account, "severity": severity, "text": text, "q": q, "all": "true" if everything else None}
    printer = session.printer
    with session.daemon() as daemon:
        page = daemon.get("/api/v1/journal", Journal, before=before, limit=limit, **asked)
        if not follow and printer.json(page):
            return
        printer = session.printer  # now with the zone
        _print(printer, page.items)
        if page.next is not None and not follow:
            click.echo(f"Older: --before {page.next}", err=True)
        if not page.items and not follow:
            printer.line("Nothing happened that fits.")
        while follow:
            page = daemon.get("/api/v1/journal", Journal, after=page.newest, wait=20, limit=500, **asked)
            _print(printer, page.items)


def _print(printer: Printer, entries: tuple[JournalEntry, ...]) -> None:
    for entry in reversed(entries):
        if printer.as_json:
            import msgspec

            click.echo(msgspec.json.encode(entry).decode())
            continue
        mark = f"{entry.severity.value:<7}" if entry.severity.value in _COLOURS else " " * 7
        mark = click.style(mark, fg=_COLOURS.get(entry.severity.value))
        click.echo(f"{printer.when(entry.at)}  {mark}  {printer.told(entry)}")
