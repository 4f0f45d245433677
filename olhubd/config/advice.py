"""What is right as it stands and hardly meant: told as warnings, since only the operator knows.

Nothing is read here but what was checked already.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence

from pydantic import AnyUrl

from olhubd.config.accounts import AccountConfig
from olhubd.config.problem import Problem
from olhubd.config.source import Tree
from olhubd.decide.route import Route

__all__ = ["doubts"]


def doubts(tree: Tree, accounts: Mapping[str, AccountConfig], routes: Sequence[Route]) -> Iterator[Problem]:
    """All of them, each at its place."""
    if not tree.values.get("accounts"):
        message = "names no account, so nothing is fetched and nothing sent"
        yield tree.problem((), message, "add a table [accounts.NAME] for each", warning=True)
    for account in accounts.values():
        if account.enabled:
            yield from _nowhere(tree, account, routes)
            yield from _in_clear(tree, account)


def _nowhere(tree: Tree, account: AccountConfig, routes: Sequence[Route]) -> Iterator[Problem]:
    name = account.name
    if not account.fetch_orders or "OrderFeed" not in account.connector.capabilities():
        return
    if not any(name in route.sources or name == route.target for route in routes):
        message = "has no route, so its orders are fetched and go nowhere"
        way = f'from = "{name}"'
        if "OrderSink" in account.connector.capabilities():
            way += f', or one to = "{name}"'
        hint = f"add a route {way}, or switch it off (enabled = false)"
        yield tree.problem(("accounts", name), message, hint, warning=True)


def _in_clear(tree: Tree, account: AccountConfig) -> Iterator[Problem]:
    for key in type(account.settings).model_fields:
        value = getattr(account.settings, key)
        if isinstance(value, AnyUrl) and value.scheme == "http" and not _here(value.host or ""):
            message = "is plain http: keys and customers' data can be read by everybody on the way"
            yield tree.problem(("accounts", account.name, key), message, "write https://", warning=True)


def _here(host: str) -> bool:
    """Whether it is this machine, or a name that means something in a network of one's own alone."""
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host == "localhost" or "." not in host
    return address.is_loopback
