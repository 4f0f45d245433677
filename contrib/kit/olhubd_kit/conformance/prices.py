"""Prices out: what is planned, sent under a number, reported row by row, and read as the seller has set it.

The content is what the simulator's verbs `list_offers` and `prices` give. What the rules about failures ask of
every call holds for these calls too.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal

from olhubd.model import Kind, Money
from olhubd.plugin import (
    OfferFeed,
    PluginError,
    PriceCall,
    PriceSink,
    PriceWish,
    RowOutcome,
)
from olhubd_kit.conformance.bench import Bench
from olhubd_kit.conformance.levels import MANY, STRANGE, Rows, ended
from olhubd_kit.conformance.lost import lose_answer
from olhubd_kit.conformance.rule import Tier, check, rule
from olhubd_kit.faults import FaultKind

__all__ = ["price_call"]

CURRENCY = "PLN"
STOOD = "10.00"
"""What each offer costs before a rule begins."""


def _sink(bench: Bench) -> PriceSink:
    return bench.part(PriceSink)


async def _offers(bench: Bench, count: int) -> list[str]:
    """New offers on sale, each at the same price."""
    offers = list(await bench.do("list_offers", count))
    await bench.do("set_prices", offers, amount=STOOD)
    return offers


async def _costs(bench: Bench) -> Mapping[str, Decimal]:
    found: Mapping[str, str] = await bench.do("prices")
    return {offer: Decimal(amount) for offer, amount in found.items()}


def _money(amount: str) -> Money:
    return Money(Decimal(amount), CURRENCY)


def _plan(bench: Bench, prices: Mapping[str, str]) -> Sequence[PriceCall]:
    return _sink(bench).plan_prices(
        [PriceWish(offer=offer, price=_money(amount), shown=_money(STOOD)) for offer, amount in prices.items()]
    )


def price_call(bench: Bench, offers: Sequence[str], amount: str) -> PriceCall:
    """The one call by which these offers shall cost so much."""
    calls = _plan(bench, dict.fromkeys(offers, amount))
    check(len(calls) == 1, f"{len(offers)} offers of one price are planned as {len(calls)} calls")
    return calls[0]


async def _ended(bench: Bench, command: str, call: PriceCall, answer: object) -> Rows:
    return await ended(bench, answer, lambda: _sink(bench).report_prices(command, call))


async def _written(bench: Bench, prices: Mapping[str, str]) -> dict[str, RowOutcome]:
    """Write these prices, each call under a number of its own, and wait for the end."""
    rows: dict[str, RowOutcome] = {}
    for call in _plan(bench, prices):
        command = str(uuid.uuid4())
        answer = await _sink(bench).write_prices(command, call)
        rows.update(await _ended(bench, command, call, answer))
    bench.clock.advance(_sink(bench).price_settle.total_seconds())
    return rows


async def _shown(bench: Bench, offers: Sequence[str]) -> dict[str, Money | None]:
    """What the connector says that these offers cost; None where it cannot say."""
    return {one.offer: one.price for one in await _sink(bench).read_prices(offers)}


@rule("PRICE-01", Tier.BRONZE, "PriceSink")
async def a_plan_of_prices_is_pure_and_exact(bench: Bench) -> None:
    """A plan names each offer once with the price that is wanted of it, comes out the same each time, and calls
    nobody.
    """
    offers = await _offers(bench, 4)
    prices = dict(zip(offers, ("12.00", "9.99", "12.00", "0.07"), strict=True))
    made = bench.session.calls
    first, second = _plan(bench, prices), _plan(bench, prices)
    check(bench.session.calls == made, "planning makes calls")
    check(list(first) == list(second), "the same wishes are planned in two ways")
    named = [offer for call in first for offer in call.offers]
    check(sorted(named) == sorted(offers), f"four offers are planned as {named}")
    for call in first:
        for offer in call.offers:
            check(call.price == _money(prices[offer]), f"{prices[offer]} is planned as {call.price}")


@rule("PRICE-02", Tier.BRONZE, "PriceSink")
async def what_is_written_is_what_the_offer_costs(bench: Bench) -> None:
    """A price that is written is what the offer costs to the last coin, and reading says so; others stay."""
    one, other, kept = await _offers(bench, 3)
    prices = {one: "12.30", other: "9.07"}
    rows = await _written(bench, prices)
    failed = [offer for offer in prices if offer not in rows or not rows[offer].done]
    check(not failed, f"not reported as done: {', '.join(failed)}")
    costs = await _costs(bench)
    for offer, amount in {**prices, kept: STOOD}.items():
        check(costs[offer] == Decimal(amount), f"offer {offer} was to cost {amount}, and costs {costs[offer]}")
    read = await _shown(bench, [one, other, kept])
    wanted = {one: _money("12.30"), other: _money("9.07"), kept: _money(STOOD)}
    check(read == wanted, f"reading shows {', '.join(map(str, read.values()))}")


@rule("PRICE-03", Tier.SILVER, "PriceSink")
async def a_lost_answer_to_a_price_is_no_answer(bench: Bench) -> None:
    """A write whose answer is lost raises OutcomeUnknown, and its report says after a restart what became of it."""
    offers = await _offers(bench, 2)
    tries: dict[int, tuple[str, PriceCall]] = {}

    async def write(number: int) -> object:
        tries[number] = str(uuid.uuid4()), price_call(bench, offers, f"12.{number:02}")
        return await _sink(bench).write_prices(*tries[number])

    async def done(number: int) -> bool:
        costs = await _costs(bench)
        return any(costs[offer] == tries[number][1].price.amount for offer in offers)

    command, call = tries[await lose_answer(bench, write, done)]
    bench.clock.advance(60)
    async with bench.restarted() as another:
        sink = another.capability(PriceSink)
        answer = await sink.report_prices(command, call) if sink is not None else None
    rows = await _ended(bench, command, call, answer)
    check(all(offer in rows and rows[offer].done for offer in offers), "a write that was done is not reported so")


@rule("PRICE-04", Tier.SILVER, "PriceSink")
async def a_price_that_never_arrived_is_not_known(bench: Bench) -> None:
    """A command that never arrived has no report, and nothing of it is done."""
    offers = await _offers(bench, 2)
    call, command = price_call(bench, offers, "12.00"), str(uuid.uuid4())
    bench.strike(FaultKind.CUT, times=None)
    lost = await bench.attempt(lambda: _sink(bench).write_prices(command, call))
    bench.faults.clear()
    check(isinstance(lost, PluginError), f"with its connection cut a write gave {lost!r:.60}")
    report = await _sink(bench).report_prices(command, call)
    check(report is None, f"the report of a command that never arrived is {report!r:.60}")
    costs = await _costs(bench)
    check(all(costs[offer] == Decimal(STOOD) for offer in offers), "what never arrived was done")


@rule("PRICE-05", Tier.SILVER, "PriceSink")
async def a_number_of_a_price_is_used_once(bench: Bench) -> None:
    """A command goes under the host's own number; a second one under it does nothing and is not called done."""
    offers = await _offers(bench, 1)
    command = str(uuid.uuid4())
    first, second = price_call(bench, offers, "12.00"), price_call(bench, offers, "8.00")
    known = set(await bench.do("commands"))
    await _ended(bench, command, first, await _sink(bench).write_prices(command, first))
    new = set(await bench.do("commands")) - known
    check(new == {command}, f"a call went under the numbers {sorted(new)}, not under the host's own")
    again = await bench.attempt(lambda: _sink(bench).write_prices(command, second))
    check(isinstance(again, PluginError), f"another call under a used number gave {again!r:.60}")
    costs = await _costs(bench)
    check(costs[offers[0]] == Decimal("12.00"), f"under a used number the price became {costs[offers[0]]}")


@rule("PRICE-06", Tier.SILVER, "PriceSink")
async def each_price_fails_by_itself(bench: Bench) -> None:
    """A row that is refused, or whose offer is not there, is that row's failure with the system's words; the others
    are done.
    """
    good, bad = await _offers(bench, 2)
    await bench.do("fail_tasks", [bad])
    rows = await _written(bench, {good: "12.00", bad: "12.00", STRANGE: "12.00"})
    check(good in rows and rows[good].done, "one failed row took the others with it")
    for offer in (bad, STRANGE):
        row = rows.get(offer)
        check(row is not None and not row.done, f"offer {offer}, which was not written, is reported as {row!r:.60}")
        check(row is not None and row.error, f"offer {offer} failed without a word of the system")


@rule("PRICE-07", Tier.GOLD, "PriceSink")
async def many_prices_are_reported_and_read(bench: Bench) -> None:
    """Of more offers than a page shows, each has its outcome, and each is read."""
    offers = await _offers(bench, MANY)
    await bench.do("fail_tasks", offers[-2:-1])
    rows = await _written(bench, dict.fromkeys(offers, "12.00"))
    failed = [offer for offer in offers if offer not in rows or not rows[offer].done]
    check(failed == offers[-2:-1], f"one of {MANY} was refused, and not reported as done are {len(failed)}")
    read = await _shown(bench, offers)
    check(len(read) == MANY, f"of {MANY} offers {len(read)} are read")
    check(read[offers[-2]] == _money(STOOD), f"a price that was refused is read as {read[offers[-2]]}")


@rule("PRICE-08", Tier.SILVER, "PriceSink")
async def reading_a_price_is_no_echo(bench: Bench) -> None:
    """Reading shows what the offer costs: not what was written and not kept, and what somebody else has set."""
    one, other = await _offers(bench, 2)
    await bench.do("ignore_commands", 1)
    await _written(bench, {one: "12.00"})
    read = await _shown(bench, [one])
    check(read == {one: _money(STOOD)}, f"a write was not kept, and reading shows {read.get(one)}")
    await _written(bench, {other: "12.00"})
    await bench.do("set_prices", [other], amount="8.00")
    read = await _shown(bench, [other])
    check(read == {other: _money("8.00")}, f"somebody set 8.00, and reading shows {read.get(other)}")


@rule("PRICE-09", Tier.SILVER, "PriceSink")
async def a_price_that_cannot_be_read_is_not_zero(bench: Bench) -> None:
    """An offer whose row cannot be understood is read as there, with a price of None; one that is not there is left
    out, and the others are read as ever.
    """
    bad, good = await _offers(bench, 2)
    feed = bench.connector.feed(Kind.OFFER)
    await bench.do("spoil", feed.name if feed is not None else OfferFeed.name, kind=Kind.OFFER, id=bad)
    read = await _shown(bench, [bad, good, STRANGE])
    check(read == {bad: None, good: _money(STOOD)}, f"of one spoilt and one good offer reading shows {read!r:.80}")
