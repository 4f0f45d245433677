"""The seller's own statuses: is the list right, and do its words lead to accounts that can take or give them?

A list that people keep in the database is checked by the same rules, with the same sentences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from olhubd.config.accounts import AccountConfig, ConnectorTypes, can, connector_types
from olhubd.config.checker import Checker
from olhubd.config.problem import Problem, near
from olhubd.config.source import SettingTree
from olhubd.config.tables import Table
from olhubd.config.values import read_names
from olhubd.decide.own_status import FirstStatuses, OwnStatus, OwnStatuses, StatusLeader
from olhubd.plugin.loading import Plugins

__all__ = ["FIRST_KEYS", "StatusTable", "in_force", "read_kept", "read_statuses", "spelled_out"]

FIRST_KEYS: Mapping[str, str] = {
    "first_status": "general",
    "first_status_cod": "cod",
    "first_status_paid": "paid",
}
"""The settings of an account that name a status, each with its field of `FirstStatuses`."""

_Words = Annotated[tuple[str, ...], BeforeValidator(read_names)]


class StatusTable(Table):
    """One status of the seller's own, which an order has beside the state that the hub knows; the list is in the
    order of the tables. Without any in the file, the list is kept with `olhubd statuses` or in the dashboard."""

    name: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)
    """What the status is called in settings and commands: lower-case letters, digits, dashes."""
    title: str | None = Field(default=None, min_length=1, max_length=100)
    """What people read. Default: the name."""
    sends: Mapping[str, str] = {}
    """The word that an order with this status gets at each account, by the account's name. Several may send
    one word. It goes where the hub leads (`status_leader` of the account), and nowhere without a word."""
    follows: Mapping[str, _Words] = {}
    """The words of each account by which an order gets this status, by the account's name. They count where that
    account leads (`status_leader = "account"`)."""


def read_statuses(root: Checker, plugins: Plugins, accounts: Mapping[str, AccountConfig]) -> tuple[OwnStatus, ...]:
    """The list of the file. It is right only if no problem was added. `accounts` are those that are right."""
    kinds = connector_types(root, plugins)
    found: list[OwnStatus] = []
    names: dict[str, Checker] = {}
    followed: dict[tuple[str, str], str] = {}
    for place in root.at("statuses").tables():
        table = place.check(StatusTable)
        if table is None:
            continue
        first = names.setdefault(table.name, place)
        if first is not place:
            place.at("name").report(f"is the name of two statuses, {table.name}", f"see {first.origin}")
        _sent(place, table, kinds, accounts)
        _followed(place, table, kinds, accounts, followed)
        found.append(
            OwnStatus(
                name=table.name,
                title=table.title or table.name,
                sends={account: _plain(kinds, account, word) for account, word in table.sends.items()},
                follows={
                    account: tuple(_plain(kinds, account, word) for word in words)
                    for account, words in table.follows.items()
                },
            )
        )
    if found:
        for account in accounts.values():
            for key, field in FIRST_KEYS.items():
                name = getattr(account.first, field)
                if name is not None and name not in names:
                    message = f"there is no status {name!r} among [[statuses]]"
                    root.at("accounts", account.name, key).report(message, near(name, names))
    return tuple(found)


def read_kept(
    statuses: Sequence[OwnStatus], accounts: Mapping[str, AccountConfig], plugins: Plugins
) -> tuple[tuple[OwnStatus, ...], list[Problem]]:
    """A list that people keep in the database, as if the file had it, with all that is wrong with it."""
    problems: list[Problem] = []
    tables = {name: {"connector": one.connector.name} for name, one in accounts.items()}
    values: dict[str, Any] = {"accounts": tables, "statuses": [spelled_out(one) for one in statuses]}
    found = read_statuses(Checker(SettingTree("database", values), problems), plugins, accounts)
    return found, [problem for problem in problems if not problem.warning]


def spelled_out(status: OwnStatus) -> dict[str, Any]:
    """A status as a table of the file has it."""
    return {
        "name": status.name,
        "title": status.title,
        "sends": dict(status.sends),
        "follows": {account: list(words) for account, words in status.follows.items()},
    }


def in_force(
    written: Sequence[OwnStatus], kept: Sequence[OwnStatus], accounts: Mapping[str, AccountConfig]
) -> OwnStatuses:
    """All that decides about statuses: the list of the file, or without one the list that is kept, and what the
    accounts say. Of what is kept, words of accounts that are not there any more mean nothing."""
    first = {name: one.first for name, one in accounts.items() if one.first != FirstStatuses()}
    leading = frozenset(name for name, one in accounts.items() if one.status_leader is StatusLeader.ACCOUNT)
    items = tuple(written) or tuple(
        OwnStatus(
            name=one.name,
            title=one.title,
            sends={name: word for name, word in one.sends.items() if name in accounts},
            follows={name: words for name, words in one.follows.items() if name in accounts},
        )
        for one in kept
    )
    return OwnStatuses(items=items, first=first, leading=leading)


def _plain(kinds: ConnectorTypes, account: str, word: str) -> str:
    kind = kinds.get(account)
    return word if kind is None else kind.word(word)


def _sent(place: Checker, table: StatusTable, kinds: ConnectorTypes, accounts: Mapping[str, AccountConfig]) -> None:
    for account, word in table.sends.items():
        at = place.at("sends", account)
        if not _known(at, account, kinds):
            continue
        if not can(kinds[account], "StatusSink"):
            at.report(f"{_title(kinds, account)} cannot change the status of an order", "leave it out")
        else:
            _fixed(at, kinds, account, word)
        if account in accounts and accounts[account].status_leader is StatusLeader.ACCOUNT:
            at.warn(
                f"is not sent, since {account} leads",
                f'write it in follows, or status_leader = "hub" for {account}',
            )


def _followed(
    place: Checker,
    table: StatusTable,
    kinds: ConnectorTypes,
    accounts: Mapping[str, AccountConfig],
    taken: dict[tuple[str, str], str],
) -> None:
    for account, words in table.follows.items():
        at = place.at("follows", account)
        if not _known(at, account, kinds):
            continue
        if not can(kinds[account], "OrderFeed"):
            at.report(f"the orders at {_title(kinds, account)} cannot be read", "leave it out")
        for word in words:
            _fixed(at, kinds, account, word)
            other = taken.setdefault((account, _plain(kinds, account, word)), table.name)
            if other != table.name:
                at.report(f"has {word!r}, by which an order gets {other} already", "one word, one status")
        if account in accounts and accounts[account].status_leader is StatusLeader.HUB:
            at.warn("has no effect, since the hub leads", f'write status_leader = "account" for {account}')


def _known(at: Checker, account: str, kinds: ConnectorTypes) -> bool:
    if account not in kinds:
        at.report(f"there is no account {account!r}", near(account, kinds))
    return account in kinds


def _title(kinds: ConnectorTypes, account: str) -> str:
    kind = kinds[account]
    return kind.name if kind else account


def _fixed(at: Checker, kinds: ConnectorTypes, account: str, word: str) -> None:
    """A word that a system never has is reported without asking it."""
    kind = kinds[account]
    if kind is None or kind.fixed_statuses is None or kind.word(word) in kind.fixed_statuses:
        return
    known = sorted(kind.fixed_statuses)
    at.report(f"{word!r} is no status of {kind.title}", near(word, known) or f"there are: {', '.join(known)}")
