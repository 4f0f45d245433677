"""Several feeds of one account: whose turn it is, what each may do to the others, and what an inbox is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
import structlog

from olhubd.control.api.accounts import standing
from olhubd.control.api.metrics import Snapshot
from olhubd.model import Customer, Kind, RunState
from olhubd.plugin import Account, AuthLost, Cursor, Feed, Lane, Later, OrderFeed, Page, Parts, Unavailable
from olhubd.plugin.budget import calls_for
from olhubd.runtime.clock import SystemClock
from olhubd.store import Database, feeds, quarantine
from tests.engine.test_poller import Bench, Market
from tests.engine.wild import Calm, opened
from tests.orders import EPOCH, order
from tests.waiting import until

HOUR = timedelta(hours=1)


class Orders(Market):
    """The market's orders; `calls` has what was asked of any feed, in turn."""

    def __init__(self, calls: list[str]) -> None:
        super().__init__()
        self.calls = calls
        self.lane: Lane | None = None

    async def pull(self, cursor: Cursor) -> Page:
        self.calls.append("orders")
        self.lane = calls_for()
        return await super().pull(cursor)


class Customers(Feed):
    """A list of so many customers, each a page of its own. `told` is what it heard to be stored."""

    name = "customers"
    kinds = frozenset({Kind.CUSTOMER, Kind.STOCK})

    def __init__(self, calls: list[str], count: int = 0) -> None:
        self.calls = calls
        self.count = count
        self.lane: Lane | None = None
        self.trouble: Exception | None = None

    async def start(self, since: datetime | None) -> Cursor:
        return Cursor("0")

    async def pull(self, cursor: Cursor) -> Page:
        self.calls.append(self.name)
        self.lane = calls_for()
        if self.trouble is not None:
            raise self.trouble
        at = int(cursor)
        records: Any = [Customer(key=str(at), account="market")] if at < self.count else []
        end = at + len(records)
        return Page(records=records, cursor=Cursor(str(end)), more=end < self.count)


class Offers(Customers):
    name = "offers"
    kinds = frozenset({Kind.OFFER})


class Inbox(Customers):
    """Keeps its messages until they are acknowledged; `hears` is what it does then."""

    name = "inbox"

    def __init__(self, calls: list[str], count: int, hears: Callable[[Cursor], Any]) -> None:
        super().__init__(calls, count)
        self.hears = hears

    async def landed(self, cursor: Cursor) -> None:
        self.calls.append(f"landed {cursor}")
        await self.hears(cursor)


class Several(Bench):
    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.calls: list[str] = []
        self.market = self.orders = Orders(self.calls)

    def read(self, *others: Feed, **schedule: Any) -> None:
        self.others = [*others]
        self.start(**{"interval": HOUR, **schedule})

    async def at(self, feed: str) -> str | None:
        position = await feeds.get(self.database.reader, self.name, feed)
        return position.cursor if position is not None else None

    async def until_at(self, feed: str, cursor: str) -> None:
        async def there() -> bool:
            return await self.at(feed) == cursor

        await until(there, what=f"{feed} at {cursor}", stands=lambda: self.at(feed), within=10, pause=0.01)


@pytest.fixture
async def several(database: Database) -> AsyncIterator[Several]:
    made = Several(database)
    with structlog.testing.capture_logs():
        yield made
        await made.stop()


def between(calls: list[str], others: set[str]) -> list[int]:
    """How often orders were read between two pages of others, for each such pair."""
    counts: list[int] = []
    seen: int | None = None
    for call in calls:
        if call in others:
            counts += [seen] if seen is not None else []
            seen = 0
        elif call == "orders" and seen is not None:
            seen += 1
    return counts


async def test_orders_are_read_between_any_two_pages_of_others(several: Several) -> None:
    """Though orders are not due for an hour: a list of thousands must not keep a buyer waiting."""
    several.read(Customers(several.calls, 6), Offers(several.calls, 6))
    await several.until_at("customers", "6")
    await several.until_at("offers", "6")
    counts = between(several.calls, {"customers", "offers"})
    assert len(counts) >= 11
    assert set(counts) == {1}


async def test_no_feed_starves_another(several: Several) -> None:
    several.read(Customers(several.calls, 5), Offers(several.calls, 5))
    await several.until_at("customers", "5")
    await several.until_at("offers", "5")
    turns = [call for call in several.calls if call != "orders"]
    assert turns[:8] == ["customers", "offers"] * 4


async def test_an_order_lands_while_a_long_list_is_read(several: Several) -> None:
    customers = Customers(several.calls, 100_000)
    several.read(customers)
    await several.sooner_or_later(lambda: _later(several.calls.count("customers") > 2))
    several.orders.place(order("news"))
    await several.until("news")
    assert int(await several.at("customers") or 0) < 100_000


async def _later(value: bool) -> bool:
    return value


async def test_what_no_flow_carries_is_kept_aside_and_each_feed_has_its_own_cursor_and_runs(
    several: Several,
) -> None:
    several.orders.place(order("1"), told=False)
    several.read(Customers(several.calls, 3))
    await several.until_at("customers", "3")
    several.orders.place(order("2"))
    several.poller.resume()
    await several.until("2")
    kept = await quarantine.listing(several.database.reader, limit=50)
    assert {(one.feed, one.kind) for one in kept} == {("customers", "customer")}
    assert len(kept) == 3
    assert "carries no customer records yet" in kept[0].reason
    assert b"market" in kept[0].raw
    (run,) = [run for run in await several.logged("customers") if run.seen]
    assert (run.seen, run.quarantined, run.state) == (3, 3, RunState.DONE), "one run, however many turns it took"
    assert await several.cursor() == "1"


async def test_a_feed_that_fails_is_in_nobodys_way(several: Several) -> None:
    customers, offers = Customers(several.calls, 3), Offers(several.calls, 3)
    customers.trouble = Unavailable("503")
    several.read(customers, offers, interval=timedelta(seconds=0.03))
    await several.until_at("offers", "3")
    several.orders.place(order("1"))
    await several.until("1")
    assert several.poller.trouble is not None
    assert several.poller.trouble.reason == "customers: 503"
    assert several.poller.orders is not None
    assert several.poller.orders.trouble is None
    customers.trouble = None
    await several.until_at("customers", "3")
    assert several.poller.trouble is None


async def test_orders_that_fail_are_in_nobodys_way(several: Several) -> None:
    """And they are not asked more often than they may be, between the pages of others."""

    def fails() -> Page | None:
        raise Unavailable("503", retry_after=3600)

    several.orders.trouble = [fails] * 50
    several.read(Customers(several.calls, 20))
    await several.until_at("customers", "20")
    assert several.calls.count("orders") == 1
    assert several.poller.trouble is not None
    assert several.poller.trouble.reason == "503"


class Bare(OrderFeed):
    """Orders of a system that cannot list them."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders

    async def start(self, since: datetime | None) -> Cursor:
        return await self.orders.start(since)

    async def pull(self, cursor: Cursor) -> Page:
        return await self.orders.pull(cursor)


async def test_a_feed_that_cannot_be_swept_is_followed_all_the_same(several: Several) -> None:
    several.market, orders = Bare(several.orders), several.orders  # type: ignore[assignment]
    several.read(interval=timedelta(seconds=0.03), begin=EPOCH)
    await several.begun()
    orders.place(order("1"), order("2"), order("3"))
    await several.until("1", "2", "3")
    assert list(await feeds.of_account(several.database.reader, several.name)) == ["orders"]


async def test_a_lost_grant_stops_them_all(several: Several) -> None:
    customers = Customers(several.calls, 3)
    customers.trouble = AuthLost("refused")
    several.read(customers, interval=timedelta(seconds=0.03))
    await several.sooner_or_later(lambda: _later(bool(several.lost)))
    calls = len(several.calls)
    await asyncio.sleep(0.2)
    assert len(several.calls) == calls


async def test_stock_is_read_at_once_where_orders_moved_it(several: Several) -> None:
    """A shop that counts the stock sells of it too, and the channels show those pieces until they are read. Where
    orders bring nothing new it is read by its timer alone, which that moves no further away."""
    several.read(Customers(several.calls), Offers(several.calls))
    await several.until_at("customers", "0")
    await several.until_at("offers", "0")
    (stock,) = [one for one in several.poller.readers if one.name == "customers"]

    async def read(times: int) -> None:
        async def so_often() -> bool:
            return several.calls.count("customers") == times

        await several.sooner_or_later(so_often)

    await read(1)
    await several.poller.fetch()
    planned = stock.next_pull
    for number in (1, 2, 3):
        several.market.place(order(f"{number}"))
        await several.poller.fetch()
        await read(1 + number)
        await several.poller.fetch()
    assert abs(stock.next_pull - planned) < timedelta(seconds=0.5)
    assert (several.calls.count("customers"), several.calls.count("offers")) == (4, 1)


async def test_stock_is_read_at_once_also_where_a_sweep_was_before_the_journal(several: Several) -> None:
    """Orders say the same by whichever way they came, and the journal has no news of them then."""
    several.read(Customers(several.calls))
    await several.until_at("customers", "0")
    await several.begun()
    several.market.place(order("1"), told=False)
    several.divided = True  # so that a sweep follows the next reading at once
    await several.poller.fetch()

    async def again() -> bool:
        return several.calls.count("customers") == 2

    await several.sooner_or_later(again)
    assert [run.added for run in await several.logged("orders")] == [0, 0]
    assert [run.added for run in await several.logged("orders.sweep")] == [1]


async def test_what_a_feed_calls_for_is_known_by_its_kinds(several: Several) -> None:
    customers, offers = Customers(several.calls, 2), Offers(several.calls, 2)
    several.read(customers, offers)
    await several.until_at("customers", "2")
    await several.until_at("offers", "2")
    assert (several.orders.lane, customers.lane, offers.lane) == (Lane.ORDERS, Lane.STOCK, Lane.OFFERS)


async def test_an_inbox_hears_what_is_stored_once_it_is(several: Several) -> None:
    stored: list[tuple[str, str | None]] = []

    async def hears(cursor: Cursor) -> None:
        stored.append((cursor, await several.at("inbox")))

    several.read(Inbox(several.calls, 3, hears))
    await several.until_at("inbox", "3")
    await several.sooner_or_later(lambda: _later(len(stored) == 4))
    assert stored == [(at, at) for at in ("0", "1", "2", "3")]


class Standing(Inbox):
    """A list that is read whole at each pull, and ends where it began: its cursor stays, whatever it brings."""

    async def pull(self, cursor: Cursor) -> Page:
        self.calls.append(self.name)
        news = self.calls.count(self.name) < 4
        records: Any = [Customer(key=str(len(self.calls)), account="market")] if news else []
        return Page(records=records, cursor=Cursor("end"))


async def test_what_lands_at_the_same_cursor_is_heard_too(several: Several) -> None:
    """A differential reading that never hears that news have landed takes a change back for nothing new."""

    async def hears(cursor: Cursor) -> None:
        return

    several.read(Standing(several.calls, 1, hears), interval=timedelta(seconds=0.03))
    await several.sooner_or_later(lambda: _later(several.calls.count("inbox") > 5))
    told = [call for call in several.calls if call != "orders"]
    assert told[:7] == ["landed 0", "inbox", "landed end", "inbox", "landed end", "inbox", "landed end"]
    assert told[7:] == ["inbox"] * len(told[7:]), "without news nothing is heard"


async def test_an_inbox_hears_it_again_after_a_sudden_end(several: Several) -> None:
    """Killed between the commit and its telling: nothing more is pulled before it was told."""
    hanging = asyncio.Event()

    async def hears(cursor: Cursor) -> None:
        if cursor == "1" and not hanging.is_set():
            hanging.set()
            await asyncio.Event().wait()

    inbox = Inbox(several.calls, 2, hears)
    several.read(inbox)
    await asyncio.wait_for(hanging.wait(), 10)
    assert await several.at("inbox") == "1"
    await several.stop()
    several.calls.clear()
    several.read(inbox)
    await several.sooner_or_later(lambda: _later("landed 2" in several.calls))
    assert [call for call in several.calls if call != "orders"][:3] == ["landed 1", "inbox", "landed 2"]


async def test_nothing_is_pulled_while_an_inbox_cannot_be_told(several: Several) -> None:
    refusals = 2

    async def hears(cursor: Cursor) -> None:
        nonlocal refusals
        if cursor == "1" and refusals:
            refusals -= 1
            raise Unavailable("503")

    several.read(Inbox(several.calls, 2, hears), interval=timedelta(seconds=0.03))
    await several.sooner_or_later(lambda: _later("landed 2" in several.calls))
    told = [call for call in several.calls if call != "orders"]
    assert told[:7] == ["landed 0", "inbox", "landed 1", "landed 1", "landed 1", "inbox", "landed 2"]
    several.orders.place(order("1"))
    await several.until("1")


class Both(Calm):
    """A connector with a feed of orders and one of customers."""

    provides: ClassVar[Parts] = {**Calm.provides, Customers: "customers"}

    def __init__(self, account: Account[Any]) -> None:
        super().__init__(account)
        self.customers = Customers([], 3)


async def test_each_feed_of_an_account_is_seen_by_its_name(
    database: Database, clock: SystemClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a whole hub: orders come, what nothing carries is kept, and both are counted and shown apart."""
    monkeypatch.setattr("tests.engine.wild.Calm", Both)
    async with opened(tmp_path, database, clock) as zoo:
        await zoo.until(lambda: ("calm", "customers") in zoo.hub.runs.totals)
        await zoo.goes_on()
        assert zoo.hub.runs.totals["calm", "customers"].quarantined == 3
        assert zoo.hub.runs.totals["calm", "orders"].added > 0
        (account,) = [one for one in await standing(zoo.hub) if one.name == "calm"]
        assert account.runs["customers"].state is RunState.DONE
        assert account.last_error is None
        metrics = {
            (sample.labels.get("feed"), sample.name): sample.value
            for metric in Snapshot(zoo.hub, [account]).collect()
            for sample in metric.samples
            if sample.labels.get("account") == "calm"
        }
        assert metrics["customers", "olhubd_records_quarantined_total"] == 3
        assert metrics["orders", "olhubd_records_quarantined_total"] == 0


class Returns(Market):
    """A second feed that tells of orders too."""

    name = "returns"
    kinds = frozenset({Kind.ORDER, Kind.DOCUMENT})


async def test_a_second_feed_that_tells_of_orders_lands_them_too(several: Several) -> None:
    """It is not the one that leads: its pages are read one at a time, its name is its own."""
    returns = Returns()
    several.read(returns, interval=timedelta(seconds=0.03))
    await several.begun()
    returns.place(*(order(f"R{number}") for number in range(5)))
    several.orders.place(order("1"))
    await several.until("1", "R0", "R1", "R2", "R3", "R4")
    await several.until_at("returns", "5")
    assert [run.added for run in await several.logged("returns") if run.added] == [5]
    several.orders.all["late"] = order("late")
    returns.journal.append(Later(external_id="late", seconds=0.0, reason="is not what it will be"))
    await several.until("1", "R0", "R1", "R2", "R3", "R4", "late")
