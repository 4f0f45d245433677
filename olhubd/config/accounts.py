"""The accounts: each table split into what every account has and what only its connector understands.

A connector may take up a key of all accounts by declaring a setting of the same name and kind, as those do that
limit their calls by `parallel`: the value is then given to both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from olhubd.config import fields
from olhubd.config.checker import Checker
from olhubd.config.problem import near
from olhubd.config.profiles import Profile, account_profile, own_interval, rules
from olhubd.config.secrets import reveal
from olhubd.config.seller import OfferDefaults
from olhubd.config.source import Layer, SettingTree
from olhubd.config.tables import AccountTable, Start
from olhubd.decide.own_status import FirstStatuses, StatusLeader
from olhubd.decide.product_import import NOT_READ, ImportSettings, ProductImport
from olhubd.plugin import Connector, Settings
from olhubd.plugin.loading import Plugins

__all__ = ["AccountConfig", "ConnectorTypes", "can", "connector_types", "connectors", "read_accounts"]

ConnectorTypes = Mapping[str, type[Connector[Any]] | None]
"""By account; None where the connector is unknown."""
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_RESERVED = frozenset({"alarms", "control"})  # their credentials are those of the tables


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountConfig:
    """One account, with the connector's suggestions filled in where the operator was silent."""

    name: str
    connector: type[Connector[Any]]
    settings: Settings
    title: str
    enabled: bool
    fetch_orders: bool
    interval: timedelta
    adaptive: bool
    """Whether orders are pulled sooner than that while they come."""
    profile: Profile = Profile.OLHUBD
    """Whose rhythms and rules it has."""
    by_profile: frozenset[str] = frozenset()
    """The keys whose values are those of the profile."""
    sweep_interval: timedelta
    sweep_window: timedelta
    start: Start
    """A moment, a span before the first run, or None for the first run itself."""
    start_by_person: bool = False
    """Whether a person has set it while the daemon ran: reading then begins again where it had begun otherwise."""
    parallel: int
    products: ImportSettings = NOT_READ
    offers: OfferDefaults = field(default=OfferDefaults(), compare=False)
    """Read them by the configuration in force: a change of them interrupts no account."""
    first: FirstStatuses = field(default=FirstStatuses(), compare=False)
    """Which status of the seller's own list new orders get; read as `offers` is."""
    status_leader: StatusLeader = field(default=StatusLeader.HUB, compare=False)


def connectors(tree: SettingTree) -> dict[str, str]:
    """Which connector each account names, as far as it does."""
    tables = tree.values.get("accounts")
    if not isinstance(tables, dict):
        return {}
    named = {name: table.get("connector") for name, table in tables.items() if isinstance(table, dict)}
    return {name: connector for name, connector in named.items() if isinstance(connector, str)}


def connector_types(root: Checker, plugins: Plugins) -> ConnectorTypes:
    """The connector of each account that is written, also of one that is not right."""
    tables = root.at("accounts").value
    found: dict[str, type[Connector[Any]] | None] = dict.fromkeys(tables if isinstance(tables, dict) else ())
    found.update({name: plugins.connectors.get(named) for name, named in connectors(root.tree).items()})
    return found


def can(kind: type[Connector[Any]] | None, *capabilities: str) -> bool:
    """Whether it has any of these; an unknown connector is blamed elsewhere."""
    return kind is None or bool(set(capabilities).intersection(kind.capabilities()))


def read_accounts(place: Checker, plugins: Plugins) -> dict[str, AccountConfig]:
    """All accounts that are right; the others leave their problems."""
    tables = place.value if place.value is not None else {}
    if not isinstance(tables, dict):
        place.report("must be tables", "write each as [accounts.NAME]")
        return {}
    found: dict[str, AccountConfig] = {}
    for name, table in tables.items():
        account = place.at(name)
        if not isinstance(table, dict):
            account.report("must be a table", f"write it as [accounts.{name}]; an account needs a table of its own")
            continue
        if not _NAME.fullmatch(name) or name in _RESERVED:
            fitting = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "shop"
            hint = f"choose another than {name}" if name in _RESERVED else f"for example [accounts.{fitting}]"
            account.report("is not a name for an account", hint)
        checked = _account(account, table, plugins)
        if checked is not None:
            found[name] = checked
    return found


def _account(place: Checker, table: Mapping[str, Any], plugins: Plugins) -> AccountConfig | None:
    common = fields.fields(AccountTable)
    connector = plugins.connectors.get(named) if isinstance(named := table.get("connector"), str) else None
    own = fields.fields(connector.Settings) if connector else {}
    written = place.check(AccountTable, {key: table[key] for key in table if key in common}, beside=own)
    if connector is None:
        if isinstance(named, str):
            _unknown(place.at("connector"), named, plugins)
        return None
    shared = own.keys() & common.keys()
    if clash := sorted(key for key in shared if fields.kind(own[key]) is not fields.kind(common[key])):
        message = f"{named} cannot be used: its setting {clash[0]!r} is another thing for every account"
        place.at("connector").report(message, "the plugin's author must rename it")
        return None
    rest = {key: table[key] for key in table if key not in common or key in shared}
    revealed = reveal(place, connector.Settings, rest)
    settings = place.check(connector.Settings, revealed.values, beside=common, broken=revealed.broken)
    if written is None or settings is None:
        return None
    defaults = connector.defaults
    account = AccountConfig(
        name=place.name,
        connector=connector,
        settings=settings,
        title=written.title or place.name,
        enabled=written.enabled,
        fetch_orders=defaults.fetch_orders if written.fetch_orders is None else written.fetch_orders,
        interval=written.interval or defaults.interval,
        adaptive=written.interval is None if written.adaptive is None else written.adaptive,
        profile=account_profile(place.tree, place.name),
        by_profile=frozenset(key for key in table if place.at(key).origin.layer is Layer.PROFILE),
        sweep_interval=written.sweep_interval or defaults.sweep_interval,
        sweep_window=written.sweep_window or defaults.sweep_window,
        start=written.start,
        start_by_person=place.at("start").written and place.at("start").origin.layer is Layer.DATABASE,
        parallel=written.parallel or getattr(settings, "parallel", None) or defaults.parallel,
        products=ImportSettings(
            written.products,
            written.products_from,
            defaults.products_once_a_day if written.products_once_a_day is None else written.products_once_a_day,
            written.products is ProductImport.BY_HAND
            if written.products_remind is None
            else written.products_remind,
        ),
        offers=OfferDefaults(
            seller_address=written.seller_address,
            default_category=written.default_category,
            handling_time=written.handling_time,
        ),
        first=FirstStatuses(
            general=written.first_status,
            cod=written.first_status_cod,
            paid=written.first_status_paid,
            order_from=written.order_from,
        ),
        status_leader=written.status_leader,
    )
    if account.products.read and {"ProductFeed", "PriceFeed"}.isdisjoint(connector.capabilities()):
        place.at("products").report(f"{named} has no products to read", "leave it out")
    if defaults.products_once_a_day and written.products in (ProductImport.DAILY, ProductImport.ALWAYS):
        why = f"{named} gives its products once a day, when a person asks for them, and to no timer"
        place.at("products").report(why, 'write "by-hand"')
    if defaults.products_once_a_day and written.products_once_a_day is False:
        why = f"{named} gives its products once a day at most"
        place.at("products_once_a_day").report(why, "leave it out")
    if written.products_remind and not account.products.read:
        hint = 'write products = "by-hand", or leave it out'
        place.at("products_remind").report("there are no products to be reminded of: products is off", hint)
    if written.fetch_orders and "OrderFeed" not in connector.capabilities():
        place.at("fetch_orders").report(f"{named} has no orders to fetch", "leave it out")
    if defaults.retention is not None and account.interval >= defaults.retention:
        days = f"{defaults.retention / timedelta(days=1):g} days"
        message = f"is longer than {named} remembers what happened ({days}), so orders would be lost"
        place.at("interval").report(message, f"connector's default: {spelled(defaults.interval)}")
    _profiled(place, account)
    return account


def _profiled(place: Checker, account: AccountConfig) -> None:
    """Refuse what the account's profile does not allow."""
    profile, ruled = account.profile, rules(account.profile)
    for key in sorted(ruled.operator_only):
        if place.at(key).written and place.at(key).origin.layer is Layer.DATABASE:
            message = f"can be set by the operator alone under the profile {profile}: in the file, and nowhere else"
            place.at(key).report(message, f"write {key} in [accounts.{account.name}] of the file")
    own, longest = own_interval(profile, account.connector), ruled.longest
    if own is not None and longest is not None and account.fetch_orders and account.interval > longest:
        message = (
            f"is longer than the profile {profile} allows ({spelled(longest)}): orders would not be known within"
            f" {spelled(longest / 2)} on average"
        )
        place.at("interval").report(message, f"write {spelled(longest)} at most, or choose another profile")


def _unknown(place: Checker, named: str, plugins: Plugins) -> None:
    if named in plugins.failed:
        place.report(f"the plugin {named} cannot be loaded: {plugins.failed[named]}")
    elif named in plugins.idle:
        place.report(f"the plugin {named} is not in OLHUBD_PLUGINS", "add it there, or unset OLHUBD_PLUGINS")
    else:
        hint = near(named, {*plugins.connectors, *plugins.idle, *plugins.failed})
        place.report(f"no installed plugin provides {named!r}", hint or "no plugin is installed")


def spelled(span: timedelta) -> str:
    """A span as people write it, in the greatest unit that divides it."""
    for unit, seconds in (("d", 86400), ("h", 3600), ("min", 60)):
        if span and not span % timedelta(seconds=seconds):
            return f"{span // timedelta(seconds=seconds)} {unit}"
    return f"{span.total_seconds():g} s"
