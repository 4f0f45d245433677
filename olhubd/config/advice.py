"""What is valid and hardly meant: reported as warnings, since only the operator knows.

Nothing is read here but what was checked already.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence

from pydantic import AnyUrl

from olhubd.config.accounts import AccountConfig
from olhubd.config.checker import Checker
from olhubd.decide.route import Route

__all__ = ["advise"]


def advise(root: Checker, accounts: Mapping[str, AccountConfig], routes: Sequence[Route]) -> None:
    """Add all of them, each at its place."""
    if not root.at("accounts").value:
        root.warn(
            "names no account, so nothing is fetched and nothing sent", "add a table [accounts.NAME] for each"
        )
    for account in accounts.values():
        if account.enabled:
            place = root.at("accounts", account.name)
            _nowhere(place, account, routes)
            _in_clear(place, account)


def _nowhere(place: Checker, account: AccountConfig, routes: Sequence[Route]) -> None:
    name = account.name
    if not account.fetch_orders or "OrderFeed" not in account.connector.capabilities():
        return
    if not any(name in route.sources or name == route.target for route in routes):
        way = f'from = "{name}"'
        if "OrderSink" in account.connector.capabilities():
            way += f', or one to = "{name}"'
        hint = f"add a route {way}, or switch it off (enabled = false)"
        place.warn("has no route, so its orders are fetched and go nowhere", hint)


def _in_clear(place: Checker, account: AccountConfig) -> None:
    for key in type(account.settings).model_fields:
        value = getattr(account.settings, key)
        if isinstance(value, AnyUrl) and value.scheme == "http" and not _here(value.host or ""):
            message = "is plain http: keys and customers' data can be read by everybody on the way"
            place.at(key).warn(message, "write https://")


def _here(host: str) -> bool:
    """Whether it is this machine, or a name that means something in a network of one's own alone."""
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host == "localhost" or "." not in host
    return address.is_loopback
