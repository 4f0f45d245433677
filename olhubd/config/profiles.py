"""Profiles: the rhythms and rules of other systems, which whoever comes from one may keep.

A profile gives values to keys that nobody has written, one layer above the defaults: each of them is pinned by
being written. What it does not name is as in our own, `olhubd`: at once, and coalesced. Beside values it has rules,
by which something that could be written is refused.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import msgspec

from olhubd.config.source import Layer, Origin, SettingTree

__all__ = ["Profile", "ProfileRules", "account_profile", "lay", "rules"]


class Profile(enum.StrEnum):
    """Whose rhythms and rules hold."""

    OLHUBD = "olhubd"
    """Our own: everything at once, and what changes again meanwhile goes once."""
    BASELINKER = "baselinker"
    """Marketplaces every five minutes, everything else every hour; statuses go to shops hourly, payments every four
    hours, parcels at once; orders of all marketplaces are passed on or of none."""
    E_SALE = "e-sale"
    """Orders go on by themselves when they are paid."""
    ATOMSTORE = "atomstore"
    """Allegro every ten minutes, which the operator alone can change."""


class ProfileRules(msgspec.Struct, frozen=True, kw_only=True):
    """What one profile sets and refuses.

    `intervals` are between two pulls of orders, by connector, and `interval` that of all others. `account` and
    `route` are other keys with their values.
    """

    intervals: Mapping[str, timedelta] = {}
    interval: timedelta | None = None
    longest: Mapping[str, timedelta] = {}
    """The longest interval that keeps what the profile promises, by connector."""
    account: Mapping[str, object] = {}
    route: Mapping[str, object] = {}
    operator_only: frozenset[str] = frozenset()
    """The keys of accounts that are set by who writes the file, and by nobody else."""
    whole: bool = False
    """Whether a target gets the orders of all marketplaces or of none."""


_JOURNALS = ("allegro", "amazon", "ebay")
"""The marketplaces whose orders are to be known within five minutes on average."""

_RULES: Mapping[Profile, ProfileRules] = MappingProxyType(
    {
        Profile.OLHUBD: ProfileRules(),
        Profile.BASELINKER: ProfileRules(
            intervals=dict.fromkeys(_JOURNALS, timedelta(minutes=5)),
            interval=timedelta(minutes=60),
            # Half of it is the mean, and that is five minutes.
            longest=dict.fromkeys(_JOURNALS, timedelta(minutes=10)),
            whole=True,
        ),
        Profile.E_SALE: ProfileRules(route={"when": "paid"}),
        Profile.ATOMSTORE: ProfileRules(
            intervals={"allegro": timedelta(minutes=10)},
            operator_only=frozenset({"interval", "adaptive"}),
        ),
    }
)


def rules(profile: Profile) -> ProfileRules:
    """What it sets and refuses."""
    return _RULES[profile]


def account_profile(tree: SettingTree, name: str) -> Profile:
    """Which profile an account has: its own, else that of `engine`. A word that is none is blamed elsewhere."""
    for table in (_table(_table(tree.values, "accounts"), name), _table(tree.values, "engine")):
        if "profile" in table:
            try:
                return Profile(table["profile"])
            except ValueError:
                break
    return Profile.OLHUBD


def lay(tree: SettingTree) -> None:
    """Give the keys that nobody has written the values of the profiles in force."""
    for name, table in _table(tree.values, "accounts").items():
        if isinstance(table, dict):
            profile = account_profile(tree, name)
            if ("engine", "profile") in tree.origins and "profile" not in table:
                table["profile"] = profile.value
                tree.origins["accounts", name, "profile"] = tree.origins["engine", "profile"]
            for key, value in _of_account(rules(profile), str(table.get("connector"))):
                _place(tree, table, ("accounts", name, key), value, profile)
    routes = tree.values.get("routes")
    for index, table in enumerate(routes if isinstance(routes, list) else ()):
        if isinstance(table, dict) and isinstance(table.get("to"), str):
            profile = account_profile(tree, table["to"])
            for key, value in rules(profile).route.items():
                _place(tree, table, ("routes", index, key), value, profile)


def _of_account(rules: ProfileRules, connector: str) -> Iterator[tuple[str, object]]:
    interval = rules.intervals.get(connector, rules.interval)
    if interval is not None:
        yield "interval", interval
    yield from rules.account.items()


def _place(
    tree: SettingTree, table: dict[str, Any], path: tuple[str, str | int, str], value: object, profile: Profile
) -> None:
    if path[-1] not in table:
        table[path[-1]] = value
        tree.origins[path] = Origin("profile", None, Layer.PROFILE, profile.value)


def _table(tables: Any, name: str) -> dict[str, Any]:
    found = tables.get(name) if isinstance(tables, dict) else None
    return found if isinstance(found, dict) else {}
