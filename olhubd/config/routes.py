"""The routes: do both ends exist, can they do what is asked, and does every order have one way only?

What the operator asked for and a connector cannot do is refused with the reason (FWD-15). What they left open is
decided by what the connectors can.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from olhubd.config.accounts import AccountConfig, connectors
from olhubd.config.problem import Problem, near
from olhubd.config.source import Tree
from olhubd.config.tables import Include, RouteTable
from olhubd.config.toml_positions import KeyPath
from olhubd.config.validation import check
from olhubd.decide.route import Route
from olhubd.model import Fulfilment, PaymentType
from olhubd.plugin import Connector
from olhubd.plugin.loading import Plugins

__all__ = ["read_routes"]

EVERYONE = "*"
_AT_CREATION = frozenset({"new", "paid", "cod"})
_LATER = frozenset(str(state) for state in Fulfilment if state not in {Fulfilment.UNKNOWN, Fulfilment.NEW})
_PAYMENTS = frozenset(str(kind) for kind in PaymentType if kind is not PaymentType.UNKNOWN)


def read_routes(
    tree: Tree, plugins: Plugins, accounts: Mapping[str, AccountConfig], problems: list[Problem]
) -> tuple[Route, ...]:
    """All routes. They are right only if no problem was added. `accounts` are those that are right."""
    tables = tree.values.get("routes", [])
    if not isinstance(tables, list):
        problems.append(tree.problem(("routes",), "must be a list of tables", "write each as [[routes]]"))
        return ()
    written: list[tuple[KeyPath, RouteTable]] = []
    for index, table in enumerate(tables):
        at: KeyPath = ("routes", index)
        checked = check(RouteTable, table, at, tree, problems) or _ends(table, at, tree)
        if checked is not None:
            written.append((at, checked))
    kinds: dict[str, type[Connector[Any]] | None] = dict.fromkeys(_names(tree))
    kinds.update({name: plugins.connectors.get(named) for name, named in connectors(tree).items()})
    targets = frozenset(table.target for _, table in written)
    taken: dict[tuple[str, str], KeyPath] = {}
    found: list[Route] = []
    for at, table in written:
        route = _Check(at, table, tree, kinds, accounts, targets, problems).route()
        for source in sorted(route.sources):
            first = taken.setdefault((source, table.target), at)
            if first != at:
                message = f"{source} already has a route to {table.target}"
                problems.append(tree.problem(at, message, f"see {tree.origin(first)}"))
        found.append(route)
    return tuple(found)


def _ends(table: Any, at: KeyPath, tree: Tree) -> RouteTable | None:
    """Of a route with a mistake, what can be told of its ends all the same."""
    ends = {key: table[key] for key in ("from", "to") if key in table} if isinstance(table, dict) else {}
    return check(RouteTable, ends, at, tree, [])


def _names(tree: Tree) -> Sequence[str]:
    tables = tree.values.get("accounts")
    return list(tables) if isinstance(tables, dict) else []


@dataclass(frozen=True)
class _Check:
    """One route against the connectors at its ends. A connector that is unknown (None) is not blamed twice."""

    at: KeyPath
    table: RouteTable
    tree: Tree
    kinds: Mapping[str, type[Connector[Any]] | None]
    accounts: Mapping[str, AccountConfig]
    targets: frozenset[str]
    problems: list[Problem]

    def route(self) -> Route:
        table = self.table
        self._target()
        sources = self._sources()
        self._words(sources)
        sync_status, sync_payment, sync_shipments, shipments_back = self._options(sources)
        return Route(
            target=table.target,
            sources=frozenset(sources),
            forward=table.forward,
            when=table.when,
            hold_seconds=table.hold.total_seconds(),
            unlinked=table.unlinked,
            statuses={state: self._plain(table.target, word) for state, word in table.statuses.items()},
            shipping=table.shipping,
            payment=table.payment,
            sync_status=sync_status,
            sync_payment=sync_payment,
            sync_shipments=sync_shipments,
            status_back={
                self._plain(table.target, there): self._back(sources, word)
                for there, word in table.status_back.items()
            },
            shipments_back=shipments_back,
            mark_processing=table.mark_processing,
            include_login=Include.LOGIN in table.include,
            include_offer_ids=Include.OFFER_IDS in table.include,
            include_note=Include.NOTE in table.include,
            include_payment=Include.PAYMENT in table.include,
        )

    def _tell(self, message: str, hint: str, *key: str | int) -> None:
        self.problems.append(self.tree.problem((*self.at, *key), message, hint))

    def _can(self, account: str, *capabilities: str) -> bool:
        """Whether the account can do any of these; one with an unknown connector is believed to."""
        kind = self.kinds.get(account)
        return kind is None or bool(set(capabilities).intersection(kind.capabilities()))

    def _kind(self, account: str) -> str:
        kind = self.kinds.get(account)
        return kind.name if kind else account

    def _plain(self, account: str, word: str) -> str:
        """A status of the account's system as that tells it."""
        kind = self.kinds.get(account)
        return word if kind is None else kind.word(word)

    def _back(self, sources: Sequence[str], word: str) -> str:
        """The same for what the sources are told, as far as they agree."""
        found = {self._plain(name, word) for name in sources}
        return found.pop() if len(found) == 1 else word

    def _fixed(self, account: str, word: str, *key: str) -> None:
        """A word that a system never has is told without asking it."""
        kind = self.kinds.get(account)
        if kind is None or kind.fixed_statuses is None or kind.word(word) in kind.fixed_statuses:
            return
        known = sorted(kind.fixed_statuses)
        hint = near(word, known) or f"there are: {', '.join(known)}"
        self._tell(f"{word!r} is no status of {kind.title}", hint, *key)

    def _target(self) -> None:
        target = self.table.target
        if target not in self.kinds:
            self._tell(f"there is no account {target!r}", near(target, self.kinds), "to")
        elif not self._can(target, "OrderSink"):
            able = [name for name in self.kinds if self._can(name, "OrderSink")]
            hint = f"these can: {', '.join(sorted(able))}" if able else "no account can"
            self._tell(f"{self._kind(target)} takes no orders", hint, "to")

    def _sources(self) -> list[str]:
        """The names of the accounts, without those that are wrong."""
        asked = self.table.sources
        if asked == (EVERYONE,):
            found = [name for name in self.kinds if name not in self.targets and self._can(name, "OrderFeed")]
            if not found:
                self._tell("no account gives orders", "add a marketplace under [accounts.NAME]", "from")
            return found
        if not asked:
            self._tell("names no account", 'name at least one, or "*" for all', "from")
        found = []
        for index, name in enumerate(asked):
            key = ("from", index) if (*self.at, "from", index) in self.tree.origins else ("from",)
            if name == EVERYONE:
                self._tell('"*" stands for all and must stand alone', 'write from = "*"', *key)
            elif name not in self.kinds:
                self._tell(f"there is no account {name!r}", near(name, self.kinds), *key)
            elif name == self.table.target:
                self._tell("is the target of the same route", "an order cannot go where it came from", *key)
            elif name in found:
                self._tell(f"names {name} twice", "once is enough", *key)
            elif not self._can(name, "OrderFeed"):
                able = [other for other in self.kinds if self._can(other, "OrderFeed")]
                self._tell(f"{self._kind(name)} gives no orders", f"these do: {', '.join(sorted(able))}", *key)
            else:
                found.append(name)
        return found

    def _words(self, sources: Sequence[str]) -> None:
        """Keys of the mappings are our own words, values those of a system."""
        table = self.table
        for word in table.statuses:
            if word not in _AT_CREATION | _LATER:
                self._tell("is not a status of the hub", near(word, _AT_CREATION | _LATER), "statuses", word)
            elif word == "cancelled" and not self._can(table.target, "StatusSink", "CancelSink"):
                self._tell(f"{self._kind(table.target)} cannot cancel orders", "leave it out", "statuses", word)
            elif word in _LATER - {"cancelled"} and not self._can(table.target, "StatusSink"):
                message = f"{self._kind(table.target)} cannot change the status of an order"
                self._tell(message, "leave it out", "statuses", word)
        for word, there in table.statuses.items():
            self._fixed(table.target, there, "statuses", word)
        for there, word in table.status_back.items():
            self._fixed(table.target, there, "status_back", there)
            for name in {self.kinds[source]: source for source in sources if source in self.kinds}.values():
                self._fixed(name, word, "status_back", there)
        for word in table.payment:
            if word not in _PAYMENTS:
                self._tell("is not a payment type of the hub", near(word, _PAYMENTS), "payment", word)

    def _options(self, sources: Sequence[str]) -> tuple[bool, bool, bool, bool]:
        """The four switches that depend on both ends; where left open, on if it can be done."""
        table, target = self.table, self.table.target
        forth = tuple(
            self._forth(key, asked, capability, what)
            for key, asked, capability, what in (
                ("sync_status", table.sync_status, ("StatusSink", "CancelSink"), "change the status of an order"),
                ("sync_payment", table.sync_payment, ("PaymentSink",), "take later payments"),
                ("sync_shipments", table.sync_shipments, ("ShipmentSink",), "take parcels"),
            )
        )
        readable = self._can(target, "OrderFeed")
        fetched = target not in self.accounts or self.accounts[target].fetch_orders
        for key, asked, capability, what in (
            ("status_back", bool(table.status_back), "StatusSink", "take a status"),
            ("mark_processing", table.mark_processing, "StatusSink", "take a status"),
            ("shipments_back", bool(table.shipments_back), "ShipmentSink", "take parcels"),
        ):
            if not asked:
                continue
            if key != "mark_processing" and not readable:
                self._tell(f"the orders at {self._kind(target)} cannot be read again", "leave it out", key)
            elif key != "mark_processing" and not fetched:
                hint = f"add fetch_orders = true to [accounts.{target}]"
                self._tell(f"needs to see what becomes of the orders at {target}, which nobody reads", hint, key)
            unable = sorted({self._kind(name) for name in sources if not self._can(name, capability)})
            everyone = table.sources == (EVERYONE,)
            if unable and (not everyone or not any(self._can(name, capability) for name in sources)):
                hint = "leave it out, or give those accounts a route of their own"
                self._tell(f"{', '.join(unable)} cannot {what}", hint, key)
        back = table.shipments_back
        if back is None:
            back = readable and fetched and any(self._can(name, "ShipmentSink") for name in sources)
        return forth[0], forth[1], forth[2], back

    def _forth(self, key: str, asked: bool | None, capabilities: Sequence[str], what: str) -> bool:
        able = self._can(self.table.target, *capabilities)
        if asked and not able:
            self._tell(f"{self._kind(self.table.target)} cannot {what}", "leave it out, or write false", key)
        return able if asked is None else asked
