"""The routes: do both ends exist, can they do what is asked, and does every order have one way only?

What the operator asked for and a connector cannot do is refused with the reason (FWD-15). What they left open is
decided by what the connectors can.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from olhubd.config.accounts import AccountConfig, connectors
from olhubd.config.checker import Checker
from olhubd.config.problem import near
from olhubd.config.tables import Include, RouteTable
from olhubd.decide.route import Route
from olhubd.model import Fulfilment, PaymentType
from olhubd.plugin import Connector
from olhubd.plugin.loading import Plugins

__all__ = ["read_routes"]

EVERYONE = "*"
_AT_CREATION = frozenset({"new", "paid", "cod"})
_LATER = frozenset(str(state) for state in Fulfilment if state not in {Fulfilment.UNKNOWN, Fulfilment.NEW})
_PAYMENTS = frozenset(str(kind) for kind in PaymentType if kind is not PaymentType.UNKNOWN)
_FORTH = {
    "sync_status": ("StatusSink", "CancelSink"),
    "sync_payment": ("PaymentSink",),
    "sync_shipments": ("ShipmentSink",),
}
"""What the target must be able to do, any of it, to be kept in step."""


def read_routes(root: Checker, plugins: Plugins, accounts: Mapping[str, AccountConfig]) -> tuple[Route, ...]:
    """All routes. They are right only if no problem was added. `accounts` are those that are right."""
    routes = root.at("routes")
    tables = routes.value if routes.value is not None else []
    if not isinstance(tables, list):
        routes.report("must be a list of tables", "write each as [[routes]]")
        return ()
    written: list[tuple[Checker, RouteTable]] = []
    for index in range(len(tables)):
        place = routes.at(index)
        checked = place.check(RouteTable) or _half(place)
        if checked is not None:
            written.append((place, checked))
    ends = _Ends.of(root, plugins, accounts, frozenset(table.target for _, table in written))
    taken: dict[tuple[str, str], Checker] = {}
    found: list[Route] = []
    for place, table in written:
        route = _Check(place, table, ends).route()
        for source in sorted(route.sources):
            first = taken.setdefault((source, table.target), place)
            if first is not place:
                place.report(f"{source} already has a route to {table.target}", f"see {first.origin}")
        found.append(route)
    return tuple(found)


def _half(place: Checker) -> RouteTable | None:
    """Of a route with a mistake, what is still known of its ends."""
    table = place.value
    ends = {key: table[key] for key in ("from", "to") if key in table} if isinstance(table, dict) else {}
    return place.apart().check(RouteTable, ends)


@dataclass(frozen=True)
class _Ends:
    """The accounts that routes may lead from and to. A connector that is unknown (None) is not blamed twice."""

    kinds: Mapping[str, type[Connector[Any]] | None]
    accounts: Mapping[str, AccountConfig]
    """Those that are right."""
    targets: frozenset[str]
    """Those that a route leads to."""

    @classmethod
    def of(
        cls, root: Checker, plugins: Plugins, accounts: Mapping[str, AccountConfig], targets: frozenset[str]
    ) -> _Ends:
        tables = root.at("accounts").value
        kinds: dict[str, type[Connector[Any]] | None] = dict.fromkeys(tables if isinstance(tables, dict) else ())
        kinds.update({name: plugins.connectors.get(named) for name, named in connectors(root.tree).items()})
        return cls(kinds, accounts, targets)

    def can(self, account: str, *capabilities: str) -> bool:
        """Whether the account can do any of these; one with an unknown connector is believed to."""
        kind = self.kinds.get(account)
        return kind is None or bool(set(capabilities).intersection(kind.capabilities()))

    def able(self, capability: str) -> list[str]:
        """The accounts that can do it."""
        return [name for name in self.kinds if self.can(name, capability)]

    def kind(self, account: str) -> str:
        """The name of the account's connector."""
        kind = self.kinds.get(account)
        return kind.name if kind else account

    def plain(self, account: str, word: str) -> str:
        """A status of the account's system in that system's word."""
        kind = self.kinds.get(account)
        return word if kind is None else kind.word(word)

    def plain_of_all(self, accounts: Sequence[str], word: str) -> str:
        """The same for several, as far as they agree."""
        found = {self.plain(name, word) for name in accounts}
        return found.pop() if len(found) == 1 else word

    def fetched(self, account: str) -> bool:
        """Whether the account's orders are read; of one that is wrong that is believed."""
        return account not in self.accounts or self.accounts[account].fetch_orders


class _Switches(NamedTuple):
    """What is kept in step, by what both ends can do where the operator left it open."""

    sync_status: bool
    sync_payment: bool
    sync_shipments: bool
    shipments_back: bool


@dataclass(frozen=True)
class _Check:
    """One route against the connectors at its ends."""

    place: Checker
    table: RouteTable
    ends: _Ends

    def route(self) -> Route:
        table = self.table
        self._target()
        sources = self._sources()
        self._words(sources)
        switches = self._switches(sources)
        return Route(
            target=table.target,
            sources=frozenset(sources),
            forward=table.forward,
            when=table.when,
            hold_seconds=table.hold.total_seconds(),
            unlinked=table.unlinked,
            statuses={state: self.ends.plain(table.target, word) for state, word in table.statuses.items()},
            shipping=table.shipping,
            payment=table.payment,
            sync_status=switches.sync_status,
            sync_payment=switches.sync_payment,
            sync_shipments=switches.sync_shipments,
            status_back={
                self.ends.plain(table.target, there): self.ends.plain_of_all(sources, word)
                for there, word in table.status_back.items()
            },
            shipments_back=switches.shipments_back,
            mark_processing=table.mark_processing,
            include_login=Include.LOGIN in table.include,
            include_offer_ids=Include.OFFER_IDS in table.include,
            include_note=Include.NOTE in table.include,
            include_payment=Include.PAYMENT in table.include,
        )

    def _tell(self, message: str, hint: str, *key: str | int) -> None:
        self.place.at(*key).report(message, hint)

    def _fixed(self, account: str, word: str, *key: str) -> None:
        """A word that a system never has is reported without asking it."""
        kind = self.ends.kinds.get(account)
        if kind is None or kind.fixed_statuses is None or kind.word(word) in kind.fixed_statuses:
            return
        known = sorted(kind.fixed_statuses)
        hint = near(word, known) or f"there are: {', '.join(known)}"
        self._tell(f"{word!r} is no status of {kind.title}", hint, *key)

    def _target(self) -> None:
        target = self.table.target
        if target not in self.ends.kinds:
            self._tell(f"there is no account {target!r}", near(target, self.ends.kinds), "to")
        elif not self.ends.can(target, "OrderSink"):
            able = self.ends.able("OrderSink")
            hint = f"these can: {', '.join(sorted(able))}" if able else "no account can"
            self._tell(f"{self.ends.kind(target)} takes no orders", hint, "to")

    def _sources(self) -> list[str]:
        """The names of the accounts, without those that are wrong."""
        asked = self.table.sources
        if asked == (EVERYONE,):
            found = [name for name in self.ends.able("OrderFeed") if name not in self.ends.targets]
            if not found:
                self._tell("no account gives orders", "add a marketplace under [accounts.NAME]", "from")
            return found
        if not asked:
            self._tell("names no account", 'name at least one, or "*" for all', "from")
        found = []
        for index, name in enumerate(asked):
            key = ("from", index) if self.place.at("from", index).written else ("from",)
            if name == EVERYONE:
                self._tell('"*" stands for all and must stand alone', 'write from = "*"', *key)
            elif name not in self.ends.kinds:
                self._tell(f"there is no account {name!r}", near(name, self.ends.kinds), *key)
            elif name == self.table.target:
                self._tell("is the target of the same route", "an order cannot go where it came from", *key)
            elif name in found:
                self._tell(f"names {name} twice", "once is enough", *key)
            elif not self.ends.can(name, "OrderFeed"):
                able = self.ends.able("OrderFeed")
                self._tell(f"{self.ends.kind(name)} gives no orders", f"these do: {', '.join(sorted(able))}", *key)
            else:
                found.append(name)
        return found

    def _words(self, sources: Sequence[str]) -> None:
        """Keys of the mappings are our own words, values those of a system."""
        table = self.table
        for word in table.statuses:
            if word not in _AT_CREATION | _LATER:
                self._tell("is not a status of the hub", near(word, _AT_CREATION | _LATER), "statuses", word)
            elif word == "cancelled" and not self.ends.can(table.target, "StatusSink", "CancelSink"):
                self._tell(f"{self.ends.kind(table.target)} cannot cancel orders", "leave it out", "statuses", word)
            elif word in _LATER - {"cancelled"} and not self.ends.can(table.target, "StatusSink"):
                message = f"{self.ends.kind(table.target)} cannot change the status of an order"
                self._tell(message, "leave it out", "statuses", word)
        for word, there in table.statuses.items():
            self._fixed(table.target, there, "statuses", word)
        for there, word in table.status_back.items():
            self._fixed(table.target, there, "status_back", there)
            for name in {
                self.ends.kinds[source]: source for source in sources if source in self.ends.kinds
            }.values():
                self._fixed(name, word, "status_back", there)
        for word in table.payment:
            if word not in _PAYMENTS:
                self._tell("is not a payment type of the hub", near(word, _PAYMENTS), "payment", word)

    def _switches(self, sources: Sequence[str]) -> _Switches:
        """The four switches that depend on both ends; where left open, on if it can be done."""
        table = self.table
        return _Switches(
            sync_status=self._forth("sync_status", table.sync_status, "change the status of an order"),
            sync_payment=self._forth("sync_payment", table.sync_payment, "take later payments"),
            sync_shipments=self._forth("sync_shipments", table.sync_shipments, "take parcels"),
            shipments_back=self._back(sources),
        )

    def _back(self, sources: Sequence[str]) -> bool:
        """Whether parcels go back to the sources; and whether what is asked for in that direction can be done."""
        table, target = self.table, self.table.target
        readable, fetched = self.ends.can(target, "OrderFeed"), self.ends.fetched(target)
        for key, asked, capability, what in (
            ("status_back", bool(table.status_back), "StatusSink", "take a status"),
            ("mark_processing", table.mark_processing, "StatusSink", "take a status"),
            ("shipments_back", bool(table.shipments_back), "ShipmentSink", "take parcels"),
        ):
            if not asked:
                continue
            if key != "mark_processing" and not readable:
                self._tell(f"the orders at {self.ends.kind(target)} cannot be read again", "leave it out", key)
            elif key != "mark_processing" and not fetched:
                hint = f"add fetch_orders = true to [accounts.{target}]"
                self._tell(f"needs to see what becomes of the orders at {target}, which nobody reads", hint, key)
            unable = sorted({self.ends.kind(name) for name in sources if not self.ends.can(name, capability)})
            everyone = table.sources == (EVERYONE,)
            if unable and (not everyone or not any(self.ends.can(name, capability) for name in sources)):
                hint = "leave it out, or give those accounts a route of their own"
                self._tell(f"{', '.join(unable)} cannot {what}", hint, key)
        back = table.shipments_back
        if back is None:
            back = readable and fetched and any(self.ends.can(name, "ShipmentSink") for name in sources)
        return back

    def _forth(self, key: str, asked: bool | None, what: str) -> bool:
        able = self.ends.can(self.table.target, *_FORTH[key])
        if asked and not able:
            self._tell(f"{self.ends.kind(self.table.target)} cannot {what}", "leave it out, or write false", key)
        return able if asked is None else asked
