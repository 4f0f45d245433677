"""Profiles: the rhythms and rules of other systems, for people who come from one and want to keep them.

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
from olhubd.plugin import Connector

__all__ = ["Profile", "ProfileRules", "account_profile", "lay", "own_interval", "rules"]


class Profile(enum.StrEnum):
    """Whose rhythms and rules hold."""

    OLHUBD = "olhubd"
    """Our own: everything at once, and what changes again meanwhile goes once."""
    BASELINKER = "baselinker"
    """Marketplaces every few minutes, everything else every hour; statuses go to shops hourly, payments every four
    hours, parcels at once; orders of all marketplaces are passed on or of none."""
    E_SALE = "e-sale"
    """Orders go on by themselves when they are paid."""
    ATOMSTORE = "atomstore"
    """Marketplaces every ten minutes, which the operator alone can change."""


class ProfileRules(msgspec.Struct, frozen=True, kw_only=True):
    """What one profile sets and refuses.

    `interval` is between two pulls of the orders of every connector that declares none of its own for the profile.
    `account` and `route` are other keys with their values.
    """

    interval: timedelta | None = None
    longest: timedelta | None = None
    """The longest interval that keeps what the profile promises of connectors that declare one of their own."""
    account: Mapping[str, object] = {}
    route: Mapping[str, object] = {}
    longest_windows: Mapping[str, timedelta] = {}
    """The longest windows by which what is promised of statuses and payments is kept, by the key of a route."""
    operator_only: frozenset[str] = frozenset()
    """The keys of accounts that are set by who writes the file, and by nobody else."""
    whole: bool = False
    """Whether a target gets the orders of all marketplaces or of none."""


_RULES: Mapping[Profile, ProfileRules] = MappingProxyType(
    {
        Profile.OLHUBD: ProfileRules(),
        Profile.BASELINKER: ProfileRules(
            interval=timedelta(minutes=60),
            # Half of it is the mean, and that is five minutes.
            longest=timedelta(minutes=10),
            route={"status_window": timedelta(hours=1), "payment_window": timedelta(hours=4)},
            longest_windows={"status_window": timedelta(hours=2), "payment_window": timedelta(hours=4)},
            whole=True,
        ),
        Profile.E_SALE: ProfileRules(route={"when": "paid"}),
        Profile.ATOMSTORE: ProfileRules(
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


def own_interval(profile: Profile, connector: type[Connector[Any]]) -> timedelta | None:
    """The one that the connector declares for the profile; None where the rule for all others holds."""
    return connector.defaults.profiles.get(profile.value)


def lay(tree: SettingTree, connectors: Mapping[str, type[Connector[Any]]]) -> None:
    """Give the keys that nobody has written the values of the profiles in force."""
    for name, table in _table(tree.values, "accounts").items():
        if isinstance(table, dict):
            profile = account_profile(tree, name)
            if ("engine", "profile") in tree.origins and "profile" not in table:
                table["profile"] = profile.value
                tree.origins["accounts", name, "profile"] = tree.origins["engine", "profile"]
            for key, value in _of_account(profile, connectors.get(str(table.get("connector")))):
                _place(tree, table, ("accounts", name, key), value, profile)
    routes = tree.values.get("routes")
    for index, table in enumerate(routes if isinstance(routes, list) else ()):
        if isinstance(table, dict) and isinstance(table.get("to"), str):
            profile = account_profile(tree, table["to"])
            for key, value in rules(profile).route.items():
                _place(tree, table, ("routes", index, key), value, profile)


def _of_account(profile: Profile, connector: type[Connector[Any]] | None) -> Iterator[tuple[str, object]]:
    ruled = rules(profile)
    own = own_interval(profile, connector) if connector is not None else None
    if (interval := own or ruled.interval) is not None:
        yield "interval", interval
    yield from ruled.account.items()


def _place(
    tree: SettingTree, table: dict[str, Any], path: tuple[str, str | int, str], value: object, profile: Profile
) -> None:
    if path[-1] not in table:
        table[path[-1]] = value
        tree.origins[path] = Origin("profile", None, Layer.PROFILE, profile.value)


def _table(tables: Any, name: str) -> dict[str, Any]:
    found = tables.get(name) if isinstance(tables, dict) else None
    return found if isinstance(found, dict) else {}
