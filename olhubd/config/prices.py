"""Whose prices go where: does the master have prices, do the channels take one, and is what is sold there known?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from olhubd.config.accounts import AccountConfig, ConnectorTypes, can, connector_types
from olhubd.config.checker import Checker
from olhubd.config.price_table import PriceTable
from olhubd.config.problem import near
from olhubd.config.stock import EVERYONE
from olhubd.decide.pricing.rule import PriceRule
from olhubd.decide.stock.policy import StockRule
from olhubd.plugin.loading import Plugins

__all__ = ["read_prices"]


def read_prices(
    root: Checker, plugins: Plugins, accounts: Mapping[str, AccountConfig], stock: Sequence[StockRule]
) -> tuple[PriceRule, ...]:
    """All rules. They are right only if no problem was added. `accounts` are those that are right."""
    kinds = connector_types(root, plugins)
    found: list[PriceRule] = []
    taken: dict[tuple[str, str], Checker] = {}
    for place in root.at("prices").tables():
        table = place.check(PriceTable)
        if table is None:
            continue
        _master(place, table.master, kinds, accounts)
        if table.ending and (table.round_to is None or table.ending >= table.round_to):
            place.at("ending").report("must be less than round_to", 'with ending = "0.99" write round_to = "1.00"')
        channels = _channels(place, table, kinds, accounts, stock)
        for channel in channels:
            first = taken.setdefault((table.master, channel), place)
            if first is not place:
                place.report(f"the prices of {table.master} go to {channel} already", f"see {first.origin}")
        found.append(
            PriceRule(
                master=table.master,
                channels=frozenset(channels),
                price_list=table.price_list,
                multiply=table.multiply,
                add=table.add,
                round_to=table.round_to,
                ending=table.ending,
                floor=table.floor,
                step=Decimal(table.step) / 100 if table.step is not None else None,
                tax=table.tax,
                on_resume=table.resume_price,
            )
        )
    return tuple(found)


def _master(place: Checker, name: str, kinds: ConnectorTypes, accounts: Mapping[str, AccountConfig]) -> None:
    if name not in kinds:
        place.at("master").report(f"there is no account {name!r}", near(name, kinds))
    elif not can(kinds[name], "PriceFeed"):
        able = sorted(other for other in kinds if can(kinds[other], "PriceFeed"))
        hint = f"these do: {', '.join(able)}" if able else "no account does"
        kind = kinds[name]
        place.at("master").report(f"{kind.name if kind else name} does not say what its products cost", hint)
    elif name in accounts and not accounts[name].products.read:
        hint = f'add products = "always" to [accounts.{name}]'
        place.at("master").report(f"needs the prices of {name}, which nobody reads", hint)


def _channels(
    place: Checker,
    table: PriceTable,
    kinds: ConnectorTypes,
    accounts: Mapping[str, AccountConfig],
    stock: Sequence[StockRule],
) -> Sequence[str]:
    sold = {channel for rule in stock if rule.master == table.master for channel in rule.channels}
    if table.channels == (EVERYONE,):
        found = [name for name in kinds if name in sold and can(kinds[name], "PriceSink")]
        if not found:
            hint = f'write [[stock]] with master = "{table.master}"'
            place.at("channels").report("no account that takes a price sells its stock", hint)
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
            place.at("channels").report("is the master of the same prices", "name where else they go")
        elif name in accounts and accounts[name].settings.is_sandbox:
            place.at("channels").report(f"{name} is in a sandbox, to which no price is written", "leave it out")
        elif name in found:
            place.at("channels").report(f"names {name} twice", "once is enough")
        elif not can(kinds[name], "PriceSink"):
            kind = kinds[name]
            able = sorted(other for other in kinds if can(kinds[other], "PriceSink"))
            hint = f"these can: {', '.join(able)}" if able else "no account can"
            place.at("channels").report(f"{kind.name if kind else name} cannot be told a price", hint)
        elif name not in sold and table.master in kinds:
            # What an offer sells is known by the links that stock makes.
            hint = f'add {name} to the channels of [[stock]] with master = "{table.master}"'
            place.at("channels").report(f"the stock of {table.master} is not sold on {name}", hint)
        else:
            found.append(name)
    return found
