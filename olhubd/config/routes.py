"""The routes: do both ends exist, can they do what is asked, and does every order have one way only?

What the operator asked for and a connector cannot do is refused with the reason (FWD-15). What they left open is
decided by what the connectors can.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from olhubd.config.accounts import AccountConfig, ConnectorTypes, can, connector_types, spelled
from olhubd.config.checker import Checker
from olhubd.config.problem import near
from olhubd.config.profiles import account_profile, rules
from olhubd.config.switches import Needs, Way
from olhubd.config.tables import RouteTable
from olhubd.decide.route import Include, Route
from olhubd.model import Fulfilment, PaymentType
from olhubd.plugin.loading import Plugins

__all__ = ["read_routes"]

EVERYONE = "*"
_AT_CREATION = frozenset({"new", "paid", "cod"})
_LATER = frozenset(str(state) for state in Fulfilment if state not in {Fulfilment.UNKNOWN, Fulfilment.NEW})
_PAYMENTS = frozenset(str(kind) for kind in PaymentType if kind is not PaymentType.UNKNOWN)


def _needs() -> Mapping[str, Needs]:
    """What each switch of a route needs, by its key."""
    return {
        key: needs
        for key, field in RouteTable.model_fields.items()
        for needs in field.metadata
        if isinstance(needs, Needs)
    }


def read_routes(root: Checker, plugins: Plugins, accounts: Mapping[str, AccountConfig]) -> tuple[Route, ...]:
    """All routes. They are right only if no problem was added. `accounts` are those that are right."""
    written: list[tuple[Checker, RouteTable]] = []
    for place in root.at("routes").tables():
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
    for place, table in written:
        _whole(place, table, ends, found)
        _windows(place, table)
    return tuple(found)


def _whole(place: Checker, table: RouteTable, ends: _Ends, routes: Sequence[Route]) -> None:
    """Where the target's profile says so, it gets the orders of all marketplaces or of none (FWD-03)."""
    profile = account_profile(place.tree, table.target)
    if not rules(profile).whole or table.some_sources or not table.forward:
        return
    passed = {name for route in routes if route.target == table.target and route.forward for name in route.sources}
    left = sorted(set(ends.marketplaces()) - passed)
    if left:
        message = f"leaves out {', '.join(left)}: the profile {profile} passes on the orders of all or of none"
        place.at("from").report(message, 'write from = "*", or some_sources = true')


def _windows(place: Checker, table: RouteTable) -> None:
    """No window may be longer than a day, nor than the target's profile promises (SYN-04)."""
    profile = account_profile(place.tree, table.target)
    for key in ("status_window", "payment_window"):
        window, longest = getattr(table, key), rules(profile).longest_windows.get(key, timedelta(days=1))
        if window > longest:
            of = "" if key not in rules(profile).longest_windows else f" that the profile {profile} allows"
            place.at(key).report(f"is longer than the longest{of}", f"write {spelled(longest)} at most")


def _half(place: Checker) -> RouteTable | None:
    """Of a route with a mistake, what is still known of its ends."""
    table = place.value
    ends = {key: table[key] for key in ("from", "to") if key in table} if isinstance(table, dict) else {}
    return place.apart().check(RouteTable, ends)


@dataclass(frozen=True)
class _Ends:
    """The accounts that routes may lead from and to. A connector that is unknown (None) is not blamed twice."""

    kinds: ConnectorTypes
    accounts: Mapping[str, AccountConfig]
    """Those that are right."""
    targets: frozenset[str]
    """Those that a route leads to."""

    @classmethod
    def of(
        cls, root: Checker, plugins: Plugins, accounts: Mapping[str, AccountConfig], targets: frozenset[str]
    ) -> _Ends:
        return cls(connector_types(root, plugins), accounts, targets)

    def can(self, account: str, *capabilities: str) -> bool:
        """Whether the account can do any of these; one with an unknown connector is believed to."""
        return can(self.kinds.get(account), *capabilities)

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

    def marketplaces(self) -> list[str]:
        """The accounts at work whose orders are read and may be passed on."""
        return [
            name
            for name in self.able("OrderFeed")
            if name not in self.targets
            and (account := self.accounts.get(name)) is not None
            and account.enabled
            and account.fetch_orders
        ]

    def fetched(self, account: str) -> bool:
        """Whether the account's orders are read; of one that is wrong that is believed."""
        return account not in self.accounts or self.accounts[account].fetch_orders


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
            status_back={
                self.ends.plain(table.target, there): self.ends.plain_of_all(sources, word)
                for there, word in table.status_back.items()
            },
            status_window=table.status_window,
            payment_window=table.payment_window,
            include_login=Include.LOGIN in table.include,
            include_offer_ids=Include.OFFER_IDS in table.include,
            include_note=Include.NOTE in table.include,
            include_payment=Include.PAYMENT in table.include,
            **self._switches(sources),
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

    def _switches(self, sources: Sequence[str]) -> dict[str, bool]:
        """The switches that depend on both ends; where left open, on if it can be done."""
        found: dict[str, bool] = {}
        for key, needs in _needs().items():
            asked = getattr(self.table, key)
            if needs.way is Way.FORTH:
                able = self._forth(key, needs, asked)
            else:
                able = self._back(key, needs, asked, sources)
            if asked is None or isinstance(asked, bool):  # the rest are words that are mapped
                found[key] = able if asked is None else asked
        return found

    def _back(self, key: str, needs: Needs, asked: object, sources: Sequence[str]) -> bool:
        """Whether it can go back to the sources. What is asked for and cannot is reported."""
        table, target = self.table, self.table.target
        read = needs.way is Way.READ_BACK
        readable = not read or self.ends.can(target, "OrderFeed")
        fetched = not read or self.ends.fetched(target)
        able = {name for name in sources if self.ends.can(name, *needs.capabilities)}
        if asked:
            if not readable:
                self._tell(f"the orders at {self.ends.kind(target)} cannot be read again", "leave it out", key)
            elif not fetched:
                hint = f"add fetch_orders = true to [accounts.{target}]"
                self._tell(f"needs to see what becomes of the orders at {target}, which nobody reads", hint, key)
            unable = sorted({self.ends.kind(name) for name in sources if name not in able})
            if unable and not (table.sources == (EVERYONE,) and able):
                hint = "leave it out, or give those accounts a route of their own"
                self._tell(f"{', '.join(unable)} cannot {needs.what}", hint, key)
        return readable and fetched and bool(able)

    def _forth(self, key: str, needs: Needs, asked: bool | None) -> bool:
        able = self.ends.can(self.table.target, *needs.capabilities)
        if asked and not able:
            message = f"{self.ends.kind(self.table.target)} cannot {needs.what}"
            self._tell(message, "leave it out, or write false", key)
        return able
