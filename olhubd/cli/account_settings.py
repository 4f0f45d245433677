"""`olhubd account settings`: what can be set of an account while the daemon runs, and where it comes from."""

from __future__ import annotations

import click

from olhubd.cli.session import Session, account_names, named, session_command

__all__ = ["settings"]


@click.command()
@click.argument("name", metavar="ACCOUNT", callback=named, shell_complete=account_names)
@click.argument("values", metavar="[KEY=VALUE]...", nargs=-1)
@click.option("--unset", metavar="KEY", multiple=True, help="Let the weaker places count again; may be repeated.")
@session_command(rows=True)
def settings(session: Session, name: str, values: tuple[str, ...], unset: tuple[str, ...]) -> None:
    """What can be set of ACCOUNT while the daemon runs, and where each value comes from.

    With KEY=VALUE it is set first, all of it or nothing, and in force at once. What the file says is pinned there.

    \b
    Examples:
      olhubd account settings allegro-main
      olhubd account settings allegro-main default_category=257933 "handling_time=2 d"
      olhubd account settings allegro-main --unset default_category
    """
    from olhubd.client import segment
    from olhubd.control.api.schema.account_settings import AccountSettings, SettingsRequest

    wanted: dict[str, str] = {}
    for one in values:
        key, equals, text = one.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"{one!r} is no KEY=VALUE", param_hint="KEY=VALUE")
        if key in wanted or key in unset:
            raise click.BadParameter(f"{key} is named twice", param_hint="KEY=VALUE")
        wanted[key] = text
    path = f"/api/v1/accounts/{segment(name)}/settings"
    with session.daemon() as daemon:
        if wanted or unset:
            found = daemon.post(path, AccountSettings, SettingsRequest(values=wanted, unset=unset))
        else:
            found = daemon.get(path, AccountSettings)
    if session.printer.json(found):
        return
    rows = [(one.key, one.value, one.origin, one.changed_by, one.changed_at) for one in found.items]
    session.printer.table(("KEY", "VALUE:least", "FROM", "BY", "AT"), rows, "Nothing can be set.")
