"""Whose stock is sold where: can the master count and the channels be levelled, and has each item one rule?"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from olhubd.config.accounts import AccountConfig, ConnectorTypes, can, connector_types
from olhubd.config.checker import Checker
from olhubd.config.problem import near
from olhubd.config.tables import StockTable
from olhubd.decide.stock.brake import Brake
from olhubd.decide.stock.policy import StockPolicy, StockRule
from olhubd.decide.stock.sellable import Buffer
from olhubd.plugin import Connector, LevelSink, StockFeed
from olhubd.plugin.loading import Plugins

__all__ = ["read_stock"]

EVERYONE = "*"


def read_stock(root: Checker, plugins: Plugins, accounts: Mapping[str, AccountConfig]) -> tuple[StockRule, ...]:
    """All rules. They are right only if no problem was added. `accounts` are those that are right."""
    places = root.at("stock").tables()
    kinds = connector_types(root, plugins)
    found: list[StockRule] = []
    taken: dict[tuple[str, str], Checker] = {}
    masters = {place.value.get("master") for place in places if isinstance(place.value, dict)}
    tables_of: dict[str, list[tuple[Checker, StockPolicy]]] = {}
    for place in places:
        table = place.check(StockTable)
        if table is None:
            continue
        _master(place, table.master, kinds, accounts)
        channels = _channels(place, table, masters, kinds, accounts)
        for channel in channels:
            first = taken.setdefault((table.master, channel), place)
            if first is not place:
                place.report(f"the stock of {table.master} is sold on {channel} already", f"see {first.origin}")
        for channel in channels:
            if (other := taken.get((channel, table.master))) is not None:
                # Each would write the other's number into it, and no number would be anybody's own any more.
                why = f"{channel} sells its own stock on {table.master}, so neither is the master"
                place.report(why, f"leave one of the two out; see {other.origin}")
        tables_of.setdefault(table.master, []).append((place, table.policy))
        if table.policy is StockPolicy.ALLOCATED:
            _divided(place, table, channels, kinds)
            if not table.raise_quantities:
                said = "has no meaning with what is allocated: a piece that moves raises the offer that it goes to"
                place.at("raise_quantities").report(said, 'leave it out, or write policy = "shared"')
        else:
            for key in ("allocate_below", "weights"):
                if getattr(table, key):
                    place.at(key).report("has no meaning with what is shared", "leave it out")
        _brake(place, table)
        found.append(
            StockRule(
                master=table.master,
                channels=frozenset(channels),
                policy=table.policy,
                allocate_below=table.allocate_below,
                buffer=Buffer(pieces=table.buffer, share=table.buffer_share, most=table.most_shown),
                resume=table.resume,
                raises=table.raise_quantities,
                brake=Brake(share=table.brake_share, least=table.brake_least, factor=table.brake_factor)
                if table.brake
                else None,
                weights=table.weights,
                lowered_by=_lowered_by(kinds.get(table.master)),
                link_by_ean=table.link_by_ean,
                shared_only=table.master in accounts
                and accounts[table.master].products.read
                and can(kinds[table.master], "ProductFeed"),
                link_on_events=table.link_on_events,
            )
        )
    for master, known in tables_of.items():
        alone = len(known) == 1
        for place, policy in known:
            if policy is StockPolicy.ALLOCATED and not alone:
                said = f"the stock of {master} is sold by another table too, which would sell the same pieces"
                place.at("policy").report(said, "name all its channels in one table")
    return tuple(found)


def _brake(place: Checker, table: StockTable) -> None:
    if not table.brake:
        for key in sorted(table.model_fields_set & {"brake_share", "brake_least", "brake_factor"}):
            place.at(key).report("has no meaning with brake = false", "leave it out, or switch the brake on")


def _divided(place: Checker, table: StockTable, channels: Sequence[str], kinds: ConnectorTypes) -> None:
    """Whether what is shown on each of these channels can be divided: raised and lowered without a number that puts
    back what was sold at the same moment."""
    for name in channels:
        kind = kinds.get(name)
        if kind is not None and not any(sink.changes for sink in kind.parts_of(LevelSink)):
            said = (
                f"the offers of {name} ({kind.name}) take only a whole number, which overwrites what is sold at the"
                " same moment, so nothing can be allocated there"
            )
            place.at("policy").report(said, 'write "shared", or leave it out of the channels')
    for name in table.weights:
        if name not in channels:
            place.at("weights", name).report("is no channel of this table", near(name, channels))


def _lowered_by(kind: type[Connector[Any]] | None) -> frozenset[str]:
    parts = kind.provides if kind is not None else {}
    return next((part.lowered_by for part in parts if issubclass(part, StockFeed)), frozenset())


def _master(
    place: Checker,
    name: str,
    kinds: ConnectorTypes,
    accounts: Mapping[str, AccountConfig],
) -> None:
    if name not in kinds:
        place.at("master").report(f"there is no account {name!r}", near(name, kinds))
    elif not can(kinds[name], "StockFeed"):
        able = sorted(other for other in kinds if can(kinds[other], "StockFeed"))
        kind = kinds[name]
        hint = f"these do: {', '.join(able)}" if able else "no account does"
        place.at("master").report(f"{kind.name if kind else name} does not say what it has in stock", hint)
    elif name in accounts and not accounts[name].fetch_orders:
        # What becomes of the copies there decides which pieces the master's number is without.
        hint = f"add fetch_orders = true to [accounts.{name}]"
        place.at("master").report(f"needs to see what becomes of the orders at {name}, which nobody reads", hint)


def _channels(
    place: Checker,
    table: StockTable,
    masters: Collection[Any],
    kinds: ConnectorTypes,
    accounts: Mapping[str, AccountConfig],
) -> Sequence[str]:
    # What is shown in a sandbox is bought by nobody, and what is bought there is no sale.
    sandboxes = {name for name, account in accounts.items() if account.settings.is_sandbox}
    unread = {name for name, account in accounts.items() if not account.fetch_orders}
    if table.channels == (EVERYONE,):
        able = [name for name, kind in kinds.items() if name not in masters and can(kind, "LevelSink")]
        found = [name for name in able if name not in sandboxes and name not in unread]
        if not found:
            said = "no account shows quantities"
            if able:
                said = "all accounts that show quantities are in a sandbox, or their orders are not read"
            place.at("channels").report(said, "add a marketplace under [accounts.NAME]")
        return found
    if not table.channels:
        place.at("channels").report("names no account", 'name at least one, or "*" for all')
    found = []
    for name in table.channels:
        if name == EVERYONE:
            place.at("channels").report('"*" stands for all and must stand alone', 'write channels = "*"')
        elif name not in kinds:
            place.at("channels").report(f"there is no account {name!r}", near(name, kinds))
        elif name == table.master:
            place.at("channels").report("is the master of the same stock", "name where else it is sold")
        elif name in sandboxes:
            place.at("channels").report(f"{name} is in a sandbox, to which no quantity is written", "leave it out")
        elif name in unread:
            hint = f"add fetch_orders = true to [accounts.{name}]"
            place.at("channels").report(f"needs to see what is sold on {name}, whose orders nobody reads", hint)
        elif name in found:
            place.at("channels").report(f"names {name} twice", "once is enough")
        elif not can(kinds[name], "LevelSink"):
            kind = kinds[name]
            able = sorted(other for other in kinds if can(kinds[other], "LevelSink"))
            hint = f"these can: {', '.join(able)}" if able else "no account can"
            place.at("channels").report(f"{kind.name if kind else name} cannot be told a quantity", hint)
        else:
            found.append(name)
    return found
