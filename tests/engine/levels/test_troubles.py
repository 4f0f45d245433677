"""What a leveller does where something is missing: a report, a rule, a place in order, the leave to write."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import msgspec
import pytest

from olhubd.decide.stock.level import Phase
from olhubd.decide.stock.policy import StockRule
from olhubd.decide.stock.sellable import Buffer
from olhubd.engine.calls import PluginFault
from olhubd.model import Counting, Kind, Offer, OfferState, OfferTerms, StockBasis, StockLevel, code_of
from olhubd.plugin import (
    Accepted,
    ContractBroken,
    Forbidden,
    LevelCall,
    PluginError,
    RateLimited,
    RowOutcome,
    ShownLevel,
    Unavailable,
)
from olhubd.store import Database, events, quarantine, stock_items
from tests.engine.levels.stall import Channel, Stall
from tests.waiting import until


class Troubled(Channel):
    """Its reports fail as long as there are failures left, and what it shows is answered late."""

    def __init__(self) -> None:
        super().__init__()
        self.failures: list[Exception] = []
        self.reports = 0
        self.before_answer: Callable[[], Awaitable[None]] | None = None
        self.unread: PluginError | None = None
        """Why nothing that it shows can be read."""
        self.termless: PluginError | None = None
        """Why no terms can be read."""
        self.never: set[str] = set()
        """Commands whose report is never to be had."""

    async def read_terms(self, offers: Sequence[str]) -> Sequence[OfferTerms]:
        if self.termless is not None:
            raise self.termless
        return await super().read_terms(offers)

    async def report_levels(self, command: str, call: LevelCall) -> Sequence[RowOutcome] | Accepted | None:
        self.reports += 1
        if command in self.never:
            raise Unavailable("500")
        if self.failures:
            raise self.failures.pop(0)
        return await super().report_levels(command, call)

    async def read_levels(self, offers: Sequence[str]) -> Sequence[ShownLevel]:
        if self.unread is not None:
            raise self.unread
        answer = await super().read_levels(offers)
        meanwhile, self.before_answer = self.before_answer, None
        if meanwhile is not None:
            await meanwhile()
        return answer


@pytest.fixture
def channel() -> Troubled:
    return Troubled()


@pytest.fixture
async def stall(database: Database, channel: Troubled) -> Stall:
    """Five of A in the shop, and an offer of it that shows five."""
    stall = Stall(database)
    stall.channel = channel
    stall.leveller = stall.make_leveller()
    await stall.stock("A", 5)
    await stall.offer("111", "A", 5)
    await stall.orders_read()
    await stall.turns(10)
    assert channel.calls == []
    return stall


@pytest.mark.parametrize("failure", [Unavailable("down"), RateLimited("too many", retry_after=40.0)])
async def test_a_report_that_fails_is_asked_for_again_and_nothing_is_sent_twice(
    stall: Stall, channel: Troubled, failure: Exception
) -> None:
    channel.mode = "lost"
    channel.failures = [failure, failure, failure]
    await stall.stock("A", 3)
    await stall.turns(10)
    row = await stall.level()
    assert (row.phase, row.sent, row.confirmed) == (Phase.SENT, 3, 5)
    await stall.turns(600)
    assert (await stall.level()).even
    assert (channel.calls, channel.reports) == ([("set", 3, ("111",))], 4)


async def test_a_reading_that_comes_late_undoes_none_that_was_asked_for_after_it(
    stall: Stall, channel: Troubled
) -> None:
    """The list of offers says meanwhile that it shows more: what was read before that is no proof of a lowering."""
    there = Offer(external_id="222", name="A", sku="A", state=OfferState.ACTIVE, quantity=None)
    channel.list("222", 5)
    await stall.land("allegro", there)
    assert (await stall.level("222")).confirmed is None

    async def raised_by_somebody() -> None:
        channel.list("222", 9)
        await stall.land("allegro", msgspec.structs.replace(there, quantity=9))

    channel.before_answer = raised_by_somebody
    await stall.leveller.turn()
    assert (await stall.level("222")).confirmed == 9
    await stall.turns(60)
    assert channel.shown["222"] == 5


async def test_where_no_rule_sells_it_any_more_an_offer_is_left_as_it_is(stall: Stall, channel: Troubled) -> None:
    """It is not known what may be sold of it, which is not zero."""
    stall.rules[:] = [StockRule(master="erp", channels=frozenset({"allegro"}))]
    stall.leveller = stall.make_leveller()
    await stall.leveller.begin()
    await stall.stock("A", 2)
    await stall.turns(60)
    row = await stall.level()
    assert (row.wanted, row.even, channel.calls) == (None, True, [])


async def test_each_masters_stock_is_sold_by_its_own_rule(stall: Stall) -> None:
    """Two masters sell on one account, and only one of them keeps something back."""
    other = StockRule(master="erp", channels=frozenset({"allegro"}), buffer=Buffer(pieces=3))
    stall.rules[:] = [other, *stall.rules]
    (item,) = await stock_items.find(stall.database.reader, "A")
    await stall.land("erp", msgspec.structs.replace(item.level, external_id="e-1", sku="E", quantity=9))
    await stall.offer("333", "E", 9)
    await stall.stock("A", 4)
    await stall.turns(30)
    assert ((await stall.level("111")).wanted, (await stall.level("333")).wanted) == (4, 6)


async def test_a_count_that_was_asked_for_before_the_one_that_is_held_changes_nothing(stall: Stall) -> None:
    """The answer to an older question came late: what it shows was sold meanwhile."""
    asked = await stall.head()
    await stall.land("ebay", stall.purchase("e1", "none"))
    await stall.stock("A", 2)
    await stall.stock("A", 5, asked=asked)
    (item,) = await stock_items.find(stall.database.reader, "A")
    assert item.level.quantity == 2


async def test_the_same_count_again_is_no_news(stall: Stall) -> None:
    """A master that is read every minute would fill the events with what has not changed."""
    before = await stall.head()
    await stall.stock("A", 5)
    await stall.stock("A", 5)
    assert await stall.head() == before


@pytest.mark.parametrize("asked", [True, False])
async def test_an_offer_of_which_nobody_says_whether_it_lists_itself_again_is_raised(
    stall: Stall, channel: Troubled, asked: bool
) -> None:
    """Its terms were read, or there are none to be had: it does not wait for them for ever."""
    terms = channel.terms["111"]
    if asked:
        channel.terms["111"] = msgspec.structs.replace(terms, renews=None)
    else:
        del channel.terms["111"]
    await stall.stock("A", 8)
    for _ in range(6):
        await stall.orders_read()
        await stall.turns(10)
    assert channel.shown["111"] == 8


class Pulse:
    def __init__(self) -> None:
        self.rested = asyncio.Event()

    def rest(self) -> None:
        self.rested.set()

    def beat(self, _seconds: float) -> None:
        pass

    def well(self) -> None:
        pass


async def test_a_paused_leveller_writes_nothing_until_it_is_resumed(stall: Stall, channel: Troubled) -> None:
    stall.leveller.pause()
    await stall.stock("A", 2)
    pulse = Pulse()
    running = asyncio.create_task(stall.leveller.run(pulse))  # type: ignore[arg-type]
    try:
        await pulse.rested.wait()
        stall.leveller.wake()
        await asyncio.sleep(0)
        assert channel.calls == []
        stall.leveller.resume()
        await until(lambda: channel.calls == [("set", 2, ("111",))])
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_what_is_left_to_do_when_it_is_paused_is_done_at_once_when_it_is_resumed(
    stall: Stall, channel: Troubled
) -> None:
    """A person who resumes an account does not wait for a pause that a failure had begun."""
    channel.trouble = RateLimited("too many", retry_after=3000.0)
    await stall.stock("A", 2)
    await stall.turns(60)
    channel.trouble = None
    stall.leveller.pause()
    stall.leveller.resume()
    await stall.turns(10)
    assert channel.shown["111"] == 2


async def test_a_first_turn_that_fails_is_reported_and_tried_again(stall: Stall, channel: Troubled) -> None:
    channel.trouble = Unavailable("down")
    await stall.stock("A", 2)
    stall.leveller = stall.make_leveller()
    assert await stall.leveller.turn() > 0
    channel.trouble = None
    await stall.turns(60)
    assert channel.shown["111"] == 2


@pytest.mark.parametrize("kind", [Kind.STOCK, Kind.OFFER])
async def test_what_the_hub_itself_cannot_store_is_kept_aside_and_holds_up_no_neighbour(
    stall: Stall, kind: Kind
) -> None:
    """Nothing is silent: it stays in quarantine until it lands after all."""
    odd, names = "\ud800", ("p-C", "p-D") if kind is Kind.STOCK else ("333", "444")
    account = "shop" if kind is Kind.STOCK else "allegro"

    def made(number: str, name: str) -> StockLevel | Offer:
        if kind is Kind.STOCK:
            return StockLevel(
                external_id=number, name=name, counting=Counting.COUNTED, basis=StockBasis.FREE, quantity=4
            )
        return Offer(external_id=number, name=name, state=OfferState.ACTIVE, quantity=4)

    await stall.land(account, made(names[0], odd), made(names[1], "a thing"))
    (kept,) = await quarantine.listing(stall.database.reader)
    assert (kept.kind, kept.external_id, kept.reason) == (
        kind,
        names[0],
        "the hub failed on it: UnicodeEncodeError",
    )
    await stall.land(account, made(names[0], "a thing"))
    assert await quarantine.listing(stall.database.reader) == []


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ({"counting": Counting.COUNTED, "quantity": None}, "stock.count-without-number"),
        ({"counting": Counting.UNTRACKED, "quantity": 4}, "stock.number-without-count"),
        ({"counting": Counting.UNKNOWN, "quantity": 4}, "stock.number-without-count"),
        ({"basis": StockBasis.FREE, "allocated": 1}, "stock.allocated-of-free"),
        ({"basis": StockBasis.FREE, "allocated": 0}, "stock.allocated-of-free"),
    ],
)
async def test_a_count_that_makes_no_sense_is_kept_aside_and_the_last_good_one_counts(
    stall: Stall, bad: dict[str, object], code: str
) -> None:
    await stall.stock("A", 9)
    (item,) = await stock_items.find(stall.database.reader, "A")
    await stall.land("shop", msgspec.structs.replace(item.level, **{"quantity": 7, **bad}))
    (kept,) = await quarantine.listing(stall.database.reader)
    assert code_of(kept.reason) == code
    await stall.orders_read()
    await stall.turns(30)
    assert (await stall.level()).wanted == 9


async def test_a_second_offer_of_what_is_on_sale_is_known_and_is_no_alarm(stall: Stall) -> None:
    """Only one beside an offer that has ended sells what nobody reckoned with."""
    await stall.offer("222", "A", 5)
    await stall.turns(10)
    assert await reported(stall) == []
    await stall.stock("A", 0)
    await stall.turns(30)
    await stall.offer("333", "A", 5)
    assert [(one["offer"], one["shown"]) for one in await reported(stall)] == [("333", 5)]


async def test_two_new_offers_of_one_thing_in_one_page_are_no_alarm(stall: Stall) -> None:
    """Neither was linked before the other, so neither has ended beside it."""
    await stall.stock("B", 5)
    ended = Offer(external_id="444", name="B", sku="B", state=OfferState.ENDED, quantity=0)
    begun = Offer(external_id="555", name="B", sku="B", state=OfferState.ACTIVE, quantity=5)
    await stall.land("allegro", ended, begun)
    assert await reported(stall) == []


async def reported(stall: Stall) -> list[dict[str, object]]:
    """The offers that nobody knew, as they were reported."""
    found = await events.since(stall.database.reader, 0, limit=1000)
    return [msgspec.json.decode(event.data) for event in found if event.kind == "offer.unknown"]


async def test_an_action_that_is_forbidden_keeps_no_other_from_being_done(stall: Stall, channel: Troubled) -> None:
    """A 403 that nobody knows, for the ends of offers alone: what must show less still does."""
    await stall.stock("B", 5)
    await stall.offer("222", "B", 5)
    await stall.orders_read()
    await stall.turns(10)
    send = channel.write_levels

    async def barred(command: str, call: LevelCall) -> Sequence[RowOutcome] | Accepted:
        if call.action == "end":
            raise Forbidden("403 (nobody_knows)")
        return await send(command, call)

    channel.write_levels = barred  # type: ignore[method-assign]
    await stall.stock("A", 0)
    await stall.stock("B", 3)
    await stall.turns(10)
    assert channel.active["111"], "it cannot be ended"
    assert channel.shown["222"] == 3


@pytest.fixture
async def two(stall: Stall) -> Stall:
    """Beside A five of B, and an offer of it, which was just lowered and cannot be read."""
    await stall.stock("B", 5)
    await stall.offer("222", "B", 5)
    await stall.orders_read()
    await stall.turns(10)
    return stall


@pytest.mark.parametrize(
    "failure", [Forbidden("403 (nobody_knows)"), Unavailable("down"), ContractBroken("no list"), PluginFault("bug")]
)
async def test_what_cannot_be_read_keeps_nothing_from_being_lowered_once_and_raises_nothing(
    two: Stall, channel: Troubled, failure: PluginError
) -> None:
    """One write of an offer is unsettled at a time: the next one waits until it can be read."""
    await two.stock("C", 5)
    await two.offer("333", "C", 5)
    await two.turns(30)
    channel.unread = failure
    await two.stock("B", 4)
    await two.turns(600)
    assert (await two.level("222")).phase is Phase.SETTLING
    await two.stock("C", 9)
    await two.stock("A", 3)
    for _ in range(5):
        await two.orders_read()
        await two.turns(1)
    assert (channel.shown["111"], channel.shown["333"]) == (3, 5)
    await two.stock("A", 1)
    await two.turns(600)
    assert [offers for _, _, offers in channel.calls].count(("111",)) == 1, "the first is not settled"
    channel.unread = None
    for _ in range(60):
        await two.orders_read()
        await two.turns(10)
    assert [channel.shown[one] for one in ("111", "222", "333")] == [1, 4, 9]


async def test_a_report_that_is_never_to_be_had_keeps_no_other_offer_from_being_kept(
    two: Stall, channel: Troubled
) -> None:
    channel.mode = "late"
    await two.stock("A", 4)
    await two.leveller.turn()
    channel.mode = "lost"
    (stuck,) = [command for command, _ in channel.late]
    channel.never.add(stuck)
    for pieces in (4, 3, 2):
        await two.stock("B", pieces)
        await two.orders_read()
        await two.turns(400)
        assert (channel.shown["222"], (await two.level("222")).even) == (pieces, True)
    assert (await two.level("111")).phase is Phase.SENT


async def test_terms_that_cannot_be_read_keep_nothing_from_being_lowered(two: Stall, channel: Troubled) -> None:
    await two.stock("C", 5)
    await two.offer("333", "C", 5)
    channel.termless = Forbidden("403 (nobody_knows)")
    await two.stock("C", 9)
    for pieces in (4, 3, 2):
        await two.stock("A", pieces)
        await two.orders_read()
        await two.turns(8)
        assert (channel.shown["111"], (await two.level("111")).even) == (pieces, True)
    assert channel.shown["333"] == 5, "it may be one that is listed again by itself"
    channel.termless = None
    for _ in range(60):
        await two.orders_read()
        await two.turns(10)
    assert channel.shown["333"] == 9
