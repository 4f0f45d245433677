"""The class a plugin provides for one kind of external system, and what the host hands to each instance.

One instance serves one account. It is built again when the account's settings change; so it may cache, yet nothing
that matters may live only in it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import msgspec

from olhubd.model import Action, Kind
from olhubd.plugin import capability, level, mail, offer_sink, price
from olhubd.plugin.budget import Budget, ValueBudget
from olhubd.plugin.compose import Composition, compose
from olhubd.plugin.feed import Feed, OrderFeed, Sweep
from olhubd.plugin.http import Client, ErrorTable, Middleware
from olhubd.plugin.memory import Memory
from olhubd.plugin.oauth import Tokens
from olhubd.plugin.part import Capability, Parts, abilities, require_apart
from olhubd.plugin.settings import Settings

__all__ = [
    "CAPABILITIES",
    "Account",
    "Clock",
    "Connector",
    "Defaults",
    "Log",
    "RegisterConnector",
    "RequiredSetting",
]

S = TypeVar("S", bound=Settings)
T = TypeVar("T")
C = TypeVar("C", bound=Capability)

CAPABILITIES: Mapping[str, type[Capability]] = {"OrderFeed": OrderFeed, "Sweep": Sweep} | {
    name: one
    for module in (capability, level, price, offer_sink, mail)
    for name, one in vars(module).items()
    if isinstance(one, type) and issubclass(one, Capability) and one.__module__ == module.__name__
}
"""All that a connector can declare, by the name people read: the classes themselves, in the order of their modules.
Feeds of other kinds than orders are named after what their records are about."""


class Clock(Protocol):
    """Time as the host gives it; tests let it run as fast as they like."""

    def now(self) -> datetime:
        """The wall clock, UTC and aware."""

    def monotonic(self) -> float:
        """Seconds that never jump."""

    def sleep(self, seconds: float) -> Awaitable[None]: ...


class Log(Protocol):
    """A bound structlog logger: an event in words and facts by name."""

    def debug(self, event: str, **facts: Any) -> Any: ...
    def info(self, event: str, **facts: Any) -> Any: ...
    def warning(self, event: str, **facts: Any) -> Any: ...
    def error(self, event: str, **facts: Any) -> Any: ...


class ClientMaker(Protocol):
    """How the host builds an HTTP client; see `Account.client`."""

    def __call__(
        self,
        base: str,
        *,
        auth: Middleware | None,
        budgets: Sequence[Budget | ValueBudget],
        errors: ErrorTable,
        headers: Mapping[str, str],
        timeout: float,
    ) -> Client: ...


class Account(msgspec.Struct, Generic[S], frozen=True, kw_only=True):
    """All that a connector gets from the host."""

    name: str
    settings: S
    log: Log
    clock: Clock
    tokens: Tokens
    make_client: ClientMaker
    memory: Memory = msgspec.field(default_factory=Memory)

    def client(
        self,
        base: str,
        *,
        auth: Middleware | None = None,
        budgets: Sequence[Budget | ValueBudget] = (),
        errors: ErrorTable | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30.0,
    ) -> Client:
        """An HTTP client for `base` that authenticates by `auth`, keeps to `budgets`, limits each call to `timeout`
        seconds, repeats only what is safe to repeat, and raises the plugin errors."""
        return self.make_client(
            base, auth=auth, budgets=budgets, errors=errors or ErrorTable(), headers=headers or {}, timeout=timeout
        )

    async def remember(
        self, key: str, ttl: timedelta, load: Callable[[], Awaitable[T]], *, fresh: bool = False
    ) -> T:
        """What `load` gave, for as long as `ttl`; with `fresh` read again. Where that fails, the old one stays."""
        return await self.memory.recall(key, ttl.total_seconds(), load, self.clock.monotonic, fresh)

    def forget(self, *keys: str) -> None:
        """Drop these, so that the next use reads them again."""
        self.memory.forget(*keys)


class Defaults(msgspec.Struct, frozen=True, kw_only=True):
    """What the system's nature sets, unless the operator says otherwise.

    `interval` between pulls; `sweep_interval` between sweeps that look back `sweep_window`; `retention` is for how
    long the remote journal remembers; `parallel` deliveries at one time; `manual_per_hour` limits fetching by hand.
    """

    interval: timedelta = timedelta(minutes=60)
    sweep_interval: timedelta = timedelta(hours=1)
    sweep_window: timedelta = timedelta(days=3)
    retention: timedelta | None = None
    parallel: int = 4
    manual_per_hour: int | None = None
    fetch_orders: bool = True
    products_once_a_day: bool = False
    """Its products may be read once a day, when a person asks for that: no timer reads them."""
    profiles: Mapping[str, timedelta] = {}
    """The interval under a profile of the configuration, by its name, where it is not that of all connectors: what
    each profile promises is in docs/profiles.md."""


class RequiredSetting(msgspec.Struct, frozen=True, kw_only=True):
    """A setting of an account, by the key that people write, without which its system refuses some actions.

    Every account may have it or not: while it is missing an alarm stands, and only these actions are refused.
    """

    key: str
    actions: frozenset[Action]


class Connector(Generic[S]):
    """Derive from this. `name` is what accounts write as their connector.

    A connector is composed of parts. It is one itself for each capability that it derives from; the others are
    objects of their own, which it makes in `__init__` and names in `provides`.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    Settings: ClassVar[type[Settings]]
    defaults: ClassVar[Defaults] = Defaults()
    provides: ClassVar[Parts] = {}
    """The parts beside the connector itself: the class of each, and the attribute that holds it."""
    secret_keys: ClassVar[frozenset[str]] = frozenset()
    """Names of fields in this system's traffic that no log may show."""

    fixed_statuses: ClassVar[frozenset[str] | None] = None
    """The status words of this system where they never differ, so that a wrong one is reported without asking
    the system."""
    words_in_settings: ClassVar[Mapping[str, str]] = {}
    """Settings that are tables whose keys are words of this system, with the capability that lists those words."""

    informs_buyers: ClassVar[frozenset[str]] = frozenset()
    """Of which occasions (received, paid, sent, cancelled) the system informs its buyers, so that no mail does."""
    masks_buyers: ClassVar[bool] = False
    """Whether buyers have masked addresses, to which only mails from addresses known there get through."""

    required_settings: ClassVar[Sequence[RequiredSetting]] = ()
    """Settings that became required: an account that was configured before lacks them, and works on without."""

    _composition: ClassVar[Composition] = Composition({}, {})

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        require_apart(cls, Connector, *abilities(cls))
        cls._composition = compose(cls, cls.provides)

    def __init__(self, account: Account[S]) -> None:
        self.account = account
        self.settings: S = account.settings
        self.log = account.log

    @classmethod
    def word(cls, written: str) -> str:
        """A status in the system's own word, for one that people write otherwise."""
        return written

    @classmethod
    def capabilities(cls) -> tuple[str, ...]:
        """The names of what this connector can do; a feed counts by the kinds of its records."""
        found = cls._composition
        read = {kind for feed in found.feeds for kind in feed.kinds}
        sweeps = any(issubclass(feed, Sweep) for feed in found.feeds)
        able = {*found.parts, *([OrderFeed] if Kind.ORDER in read else []), *([Sweep] if sweeps else [])}
        others = (f"{kind.title()}Feed" for kind in Kind if kind in read - {Kind.ORDER})
        return (*(name for name, capability in CAPABILITIES.items() if capability in able), *others)

    @classmethod
    def can(cls, wanted: type[Capability]) -> bool:
        """Whether one of its parts can do what is wanted. Feeds are not asked for this way: see `feeds`."""
        return cls._composition.place_of(wanted) is not None

    @classmethod
    def parts_of(cls, wanted: type[C]) -> Sequence[type[C]]:
        """The classes of its parts that can do what is wanted, for what a class says of itself."""
        return [part for part in (cls, *cls.provides) if issubclass(part, wanted)]

    def capability(self, wanted: type[C]) -> C | None:
        """The part that can do what is wanted, which may be the connector itself; None where the system cannot.
        Feeds are not asked for this way: see `feeds`."""
        place = self._composition.place_of(wanted)
        return None if place is None else self._part(place, wanted)

    @property
    def feeds(self) -> Mapping[str, Feed]:
        """Its feeds by name, in the order of `provides`."""
        return {feed.name: self._part(place, feed) for feed, place in self._composition.feeds.items()}

    def feed(self, kind: Kind) -> Feed | None:
        """The first feed whose records are about such things."""
        return next((feed for feed in self.feeds.values() if kind in feed.kinds), None)

    def check_parts(self) -> None:
        """Raises what is wrong with a part; the host calls it once, when the connector was made."""
        for wanted, place in self._composition.all:
            self._part(place, wanted)

    def _part(self, place: str, wanted: type[C]) -> C:
        part = getattr(self, place) if place else self
        if not isinstance(part, wanted):
            raise TypeError(f"{type(self).__name__}.{place} is no {wanted.__name__}, as `provides` says")
        return part

    async def close(self) -> None:
        """Let go of what was opened. The HTTP session is the host's and stays."""


RegisterConnector = Callable[[type[Connector[Any]]], None]
