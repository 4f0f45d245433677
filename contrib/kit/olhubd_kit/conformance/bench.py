"""The bench on which one rule is tried: a simulator behind a real socket, one account at it, and a still clock.

It does with a connector what the host does, in the least way: it walks feeds and keeps what they brought, catches
plugin errors and remembers their texts. It judges nothing; that is for the rules.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

import aiohttp
import msgspec
from structlog.testing import LogCapture

from olhubd import model
from olhubd.model import Order
from olhubd.plugin import (
    Capability,
    Connector,
    Cursor,
    Feed,
    Later,
    OrderLookup,
    Page,
    PluginError,
    Record,
    Sweep,
    Temporary,
    sweep_of,
)
from olhubd_kit import simulators, test_host
from olhubd_kit.conformance.clock import FrozenClock
from olhubd_kit.conformance.rule import NotApplicable, broken, declared, skip
from olhubd_kit.conformance.verbs import MINIMUM
from olhubd_kit.faults import Fault, FaultKind, Faults
from olhubd_kit.simulator import BookedOrder, Listed, Simulator, serve

__all__ = ["Bench", "FeedReading", "SentRequest", "bench"]

T = TypeVar("T")
C = TypeVar("C", bound=Capability)

MOST_PAGES = 500
"""A feed that brings more pages than this is going round in a circle."""
AGE = timedelta(hours=1)
"""How old orders are when a feed is asked for them; beyond any lag a connector keeps from the present."""


class FeedReading(msgspec.Struct):
    """What a feed brought from one cursor on. `records` has them all, `latest` the last one of each id."""

    cursor: Cursor
    records: list[Record] = msgspec.field(default_factory=list)
    pages: int = 0
    failures: int = 0

    @property
    def latest(self) -> dict[str, Record]:
        return {record.external_id: record for record in self.records}

    @property
    def orders(self) -> dict[str, Order]:
        return {key: record for key, record in self.latest.items() if isinstance(record, Order)}


class SentRequest(msgspec.Struct, frozen=True):
    """A request as a connector made it. Two that are the same ask for the same."""

    method: str
    url: str
    body: bytes | None


class ImpatientSession:
    """A session whose calls may each last `limit` seconds at most, where they had a limit at all.

    What `before` does happens before a request goes out.
    """

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self.limit: float | None = None
        self.before: Callable[[SentRequest], Awaitable[None]] | None = None
        self.calls = 0

    def request(self, method: str, url: Any, **options: Any) -> Any:
        self.calls += 1
        asked = options.get("timeout")
        if self.limit is not None and isinstance(asked, aiohttp.ClientTimeout) and asked.total:
            options["timeout"] = aiohttp.ClientTimeout(total=min(self.limit, asked.total))
        if self.before is not None:
            return self._after(self.before, method, url, options)
        return self._session.request(method, url, **options)

    async def _after(
        self, before: Callable[[SentRequest], Awaitable[None]], method: str, url: Any, options: dict[str, Any]
    ) -> aiohttp.ClientResponse:
        await before(SentRequest(method, str(url), options.get("data")))
        return await self._session.request(method, url, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


class Bench:
    """What a rule gets. `connector` is signed in; `simulator` is at `base`; `log` holds what was logged."""

    def __init__(
        self, connector: Connector[Any], simulator: Simulator, base: str, clock: FrozenClock, log: LogCapture
    ) -> None:
        self.connector = connector
        self.simulator = simulator
        self.base = base
        self.clock = clock
        self.log = log
        self.errors: list[PluginError] = []
        self.session: ImpatientSession
        self._origin: Cursor | None = None

    @property
    def faults(self) -> Faults:
        return self.simulator.faults

    def has(self, capability: str) -> bool:
        return capability in declared(type(self.connector))

    def part(self, wanted: type[C]) -> C:
        """The part of the connector that a rule is about."""
        part = self.connector.capability(wanted)
        return part if part is not None else broken(f"it declares {wanted.__name__} and has no part that can do it")

    @property
    def feed(self) -> Feed:
        """The feed of orders."""
        feed = self.connector.feed(model.Kind.ORDER)
        return feed if feed is not None else broken("it declares OrderFeed and has no feed of orders")

    @property
    def others(self) -> list[Feed]:
        """The feeds beside that of orders."""
        return [feed for feed in self.connector.feeds.values() if model.Kind.ORDER not in feed.kinds]

    @contextlib.asynccontextmanager
    async def restarted(self) -> AsyncIterator[Connector[Any]]:
        """Another instance of the connector, which knows nothing of what the first one did."""
        async with test_host.account(
            type(self.connector),
            self.simulator.settings(self.base),
            token=self.simulator.token(),
            session=cast("aiohttp.ClientSession", self.session),
            clock=self.clock,
            log=self.log,
        ) as instance:
            yield instance

    @property
    def sweeper(self) -> Sweep:
        """The sweep over orders."""
        return sweep_of(self.feed) or skip("its orders cannot be swept")

    @property
    def long_ago(self) -> datetime:
        """Before anything happened on this bench."""
        return self.clock.began - timedelta(days=1)

    def books(self) -> dict[str, BookedOrder]:
        """The simulator's books by external id."""
        return {entry.external_id: entry for entry in self.simulator.books()}

    def listed(self, feed: Feed) -> list[Listed]:
        """What a feed should read, by the simulator's books."""
        known = self.simulator.listed()
        if feed.name not in known:
            raise NotApplicable(f"the simulator's `listed` does not know the feed {feed.name!r}", lacking=True)
        return [*known[feed.name]]

    async def put(self, feed: Feed, count: int = 1) -> list[Listed]:
        """Things that are from now on in what a feed reads, old enough for it to report them."""
        old = {(one.kind, one.external_id) for one in self.listed(feed)}
        await self.do("put", feed.name, count=count)
        self.clock.advance(AGE.total_seconds())
        new = [one for one in self.listed(feed) if (one.kind, one.external_id) not in old]
        if len(new) != count:
            reason = f"the simulator was to `put` {count} things, and lists {len(new)} more"
            raise NotApplicable(reason, lacking=True)
        return new

    def carrying(self, reference: str) -> list[BookedOrder]:
        """The whole orders in the books that carry our reference and are not cancelled."""
        return [
            entry
            for entry in self.simulator.books()
            if entry.reference == reference and not entry.cancelled and not entry.draft
        ]

    async def do(self, verb: str, /, *args: Any, **options: Any) -> Any:
        """Let the simulator do something; NotApplicable when it cannot."""
        act = self.simulator.verbs().get(verb)
        if act is None:
            if verb in self.simulator.absent():
                raise NotApplicable(self.simulator.absent()[verb], natural=True)
            owed = any(verb in MINIMUM.get(name, ()) for name in declared(type(self.connector)))
            raise NotApplicable(f"the simulator has no verb {verb!r}", lacking=owed)
        signature = inspect.signature(act)
        if not any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values()):
            for name in options:
                if name not in signature.parameters:
                    raise NotApplicable(f"the simulator's verb {verb!r} does not take {name!r}")
        result = act(*args, **options)
        return await result if inspect.isawaitable(result) else result

    async def origin(self) -> Cursor:
        """A cursor from before the first purchase."""
        if self._origin is None:
            self._origin = await self.feed.start(None)
            self.clock.advance(60)
        return self._origin

    async def buy(self, count: int = 1, **options: Any) -> list[str]:
        """Purchases at one instant, old enough afterwards for any feed to report them."""
        if self.has("OrderFeed"):
            await self.origin()
        ids: list[str] = await self.do("buy", count=count, **options)
        self.clock.advance(AGE.total_seconds())
        return ids

    async def attempt(self, call: Callable[[], Awaitable[T]]) -> T | PluginError:
        """The answer or the plugin error; anything else that is raised breaks the rule."""
        try:
            return await call()
        except PluginError as error:
            self.errors.append(error)
            return error
        except (NotApplicable, AssertionError):
            raise
        except Exception as error:
            raise broken(f"raised {type(error).__name__} ({error}), which is no plugin error") from error

    async def page(self, cursor: Cursor) -> Page:
        return await self.feed.pull(cursor)

    async def walk(
        self, cursor: Cursor | None = None, pull: Callable[[Cursor], Awaitable[Page]] | None = None, tries: int = 5
    ) -> FeedReading:
        """Pull from `cursor` (None: from the origin) until there is no more, as the host does.

        After a temporary failure the faults are cleared and the walk goes on from where the cursor is, `tries`
        times at most; other errors are raised.
        """
        if cursor is None:
            cursor = await self.origin()
        walk = FeedReading(cursor=cursor)
        while True:
            answer = await self.attempt(lambda: (pull or self.page)(walk.cursor))
            if isinstance(answer, Page):
                walk.records.extend([await self._later(record) for record in answer.records])
                walk.cursor = answer.cursor
                walk.pages += 1
                if walk.pages > MOST_PAGES:
                    broken(f"the feed goes on after {MOST_PAGES} pages")
            failure = answer.failure if isinstance(answer, Page) else answer
            if failure is not None:
                walk.failures += 1
                if not isinstance(failure, Temporary) or walk.failures > tries:
                    raise failure
                self.faults.clear()
                self.clock.advance(failure.retry_after or 0)
            elif isinstance(answer, Page) and not answer.more:
                return walk

    async def read(
        self, feed: Feed, cursor: Cursor, between: Callable[[Page], Awaitable[None]] | None = None
    ) -> FeedReading:
        """Read a feed beside that of orders from `cursor` until there is no more, and report to it what has landed,
        as the host does. `between` comes after each page.
        """

        async def pull(at: Cursor) -> Page:
            await feed.landed(at)
            page = await feed.pull(at)
            if between is not None:
                await between(page)
            return page

        walk = await self.walk(cursor, pull)
        if isinstance(await self.attempt(lambda: feed.landed(walk.cursor)), Temporary):
            self.faults.clear()
            await feed.landed(walk.cursor)
        return walk

    async def _later(self, record: Record) -> Record:
        """Read again what was not ripe yet, as the host does when its time has come."""
        if isinstance(record, Later) and self.has("OrderLookup"):
            self.clock.advance(record.seconds)
            return await self.part(OrderLookup).read_order(record.external_id)
        return record

    async def sweep(
        self, since: datetime | None = None, between: Callable[[Page], Awaitable[None]] | None = None
    ) -> FeedReading:
        """A whole sweep over all that happened `since`, or ever on this bench; `between` comes after each page.

        Nothing where orders cannot be swept.
        """
        if not self.has("Sweep"):
            return FeedReading(cursor=Cursor(""))
        begin, first = since or self.long_ago, True

        async def pull(cursor: Cursor) -> Page:
            nonlocal first
            page = await self.sweeper.sweep(begin, None if first else cursor)
            first = False
            if between is not None:
                await between(page)
            return page

        return await self.walk(Cursor(""), pull)

    def strike(self, kind: FaultKind, **options: Any) -> None:
        self.faults.add(Fault(kind=kind, **options))

    def struck(self) -> int:
        """How many faults have struck so far."""
        return sum(self.faults.struck.values())


@contextlib.asynccontextmanager
async def bench(
    connector: type[Connector[Any]], simulator: Callable[..., Simulator] | None = None
) -> AsyncIterator[Bench]:
    """A fresh bench: new books, no faults, a signed-in account."""
    clock, log = FrozenClock(), LogCapture()
    stand_in = (simulator or _named(connector))(seed=1, now=clock.now)
    async with contextlib.AsyncExitStack() as stack:
        base = await stack.enter_async_context(serve(stand_in))
        session = ImpatientSession(await stack.enter_async_context(aiohttp.ClientSession()))
        settings: Mapping[str, Any] = stand_in.settings(base)
        instance = await stack.enter_async_context(
            test_host.account(
                connector,
                settings,
                token=stand_in.token(),
                session=cast("aiohttp.ClientSession", session),
                clock=clock,
                log=log,
            )
        )
        place = Bench(instance, stand_in, base, clock, log)
        place.session = session
        yield place


def _named(connector: type[Connector[Any]]) -> simulators.Maker:
    made = simulators.find(connector.name)
    if made is None:
        raise NotApplicable("the connector has no simulator", lacking=True)
    return made
