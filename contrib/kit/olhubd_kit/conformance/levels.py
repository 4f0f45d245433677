"""Quantities out: what is planned, sent under a number, reported row by row, and read where buyers see it.

The content is what the simulator's verbs `list_offers` and `buyable` give. What the rules about failures ask of
every call holds for these calls too.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence

from olhubd.model import Kind
from olhubd.plugin import (
    Accepted,
    LevelCall,
    LevelSink,
    LevelWish,
    OfferFeed,
    PluginError,
    RowOutcome,
)
from olhubd_kit.conformance.bench import Bench
from olhubd_kit.conformance.lost import lose_answer
from olhubd_kit.conformance.rule import Tier, broken, check, rule
from olhubd_kit.faults import FaultKind

__all__ = ["MANY", "STRANGE", "Rows", "call_of", "ended"]

MANY = 150
"""More offers than a page of most systems shows unless it is asked for more."""
MOST_ASKS = 50
"""A report that is asked for more often than this has no end."""
STOOD = 5
"""Pieces of each offer before a rule begins."""
STRANGE = "999999999999"
"""An offer that nobody has."""
Rows = Mapping[str, RowOutcome]


def _sink(bench: Bench) -> LevelSink:
    return bench.part(LevelSink)


async def _offers(bench: Bench, count: int) -> list[str]:
    """New offers on sale."""
    return list(await bench.do("list_offers", count, quantity=STOOD))


async def _buyable(bench: Bench) -> Mapping[str, int]:
    found: Mapping[str, int] = await bench.do("buyable")
    return found


def _plan(bench: Bench, values: Mapping[str, int]) -> Sequence[LevelCall]:
    return _sink(bench).plan_levels(
        [LevelWish(offer=offer, value=value, shown=STOOD) for offer, value in values.items()]
    )


def call_of(bench: Bench, offers: Sequence[str], value: int) -> LevelCall:
    """The one call by which these offers shall show `value`."""
    calls = _plan(bench, dict.fromkeys(offers, value))
    check(len(calls) == 1, f"{len(offers)} offers of one value are planned as {len(calls)} calls")
    return calls[0]


async def ended(bench: Bench, answer: object, report: Callable[[], Awaitable[object]]) -> Rows:
    """What became of each offer at last. `answer` is what the write gave; while it is Accepted `report` asks on."""
    for _ in range(MOST_ASKS):
        if not isinstance(answer, Accepted):
            break
        bench.clock.advance(answer.after)
        answer = await report()
    if answer is None or isinstance(answer, Accepted) or not isinstance(answer, Sequence):
        broken(f"the report of a command that was sent is {answer!r:.60}")
    return {row.offer: row for row in answer}


async def _ended(bench: Bench, command: str, call: LevelCall, answer: object) -> Rows:
    return await ended(bench, answer, lambda: _sink(bench).report_levels(command, call))


async def _written(bench: Bench, values: Mapping[str, int]) -> dict[str, RowOutcome]:
    """Write these values, each call under a number of its own, and wait for the end."""
    rows: dict[str, RowOutcome] = {}
    for call in _plan(bench, values):
        command = str(uuid.uuid4())
        answer = await _sink(bench).write_levels(command, call)
        rows.update(await _ended(bench, command, call, answer))
    bench.clock.advance(_sink(bench).level_settle.total_seconds())
    return rows


async def _shown(bench: Bench, offers: Sequence[str]) -> dict[str, int | None]:
    """What the connector says that buyers can buy; None where it cannot say."""
    read = await _sink(bench).read_levels(offers)
    return {one.offer: one.quantity if one.active else 0 for one in read}


@rule("LEVEL-01", Tier.BRONZE, "LevelSink")
async def a_plan_is_pure_and_sold_out_goes_first(bench: Bench) -> None:
    """A plan names each offer once, comes out the same each time, calls nobody, and has what is sold out first."""
    offers = await _offers(bench, 6)
    values = dict(zip(offers, (3, 0, 3, 7, 0, 3), strict=True))
    made = bench.session.calls
    first, second = _plan(bench, values), _plan(bench, values)
    check(bench.session.calls == made, "planning makes calls")
    check(list(first) == list(second), "the same wishes are planned in two ways")
    named = [offer for call in first for offer in call.offers]
    check(sorted(named) == sorted(offers), f"six offers are planned as {named}")
    check(len(first) <= len(offers), f"{len(offers)} offers are planned as {len(first)} calls")
    places = [any(values[offer] == 0 for offer in call.offers) for call in first]
    check(places == sorted(places, reverse=True), "something is lowered to zero after something that is still sold")


@rule("LEVEL-02", Tier.BRONZE, "LevelSink")
async def what_is_written_is_what_buyers_see(bench: Bench) -> None:
    """A value that is written is what buyers see, more and less than there was, and reading says so."""
    offers = await _offers(bench, 4)
    values = dict(zip(offers, (2, 9, 9, 1), strict=True))
    rows = await _written(bench, values)
    failed = [offer for offer in offers if offer not in rows or not rows[offer].done]
    check(not failed, f"not reported as done: {', '.join(failed)}")
    there = await _buyable(bench)
    for offer, value in values.items():
        check(there[offer] == value, f"offer {offer} was to show {value}, and buyers see {there[offer]}")
    check(await _shown(bench, offers) == values, "reading shows something else than buyers see")


@rule("LEVEL-03", Tier.BRONZE, "LevelSink")
async def zero_stops_selling(bench: Bench) -> None:
    """An offer that is written to zero cannot be bought, and reading shows it as such; others go on."""
    gone, kept = await _offers(bench, 2)
    await _written(bench, {gone: 0})
    there = await _buyable(bench)
    check(there[gone] == 0, f"after a zero buyers can still buy {there[gone]} pieces")
    check(there[kept] == STOOD, "an offer that nobody named changed")
    read = await _shown(bench, [gone, kept])
    check(read.get(gone, 0) == 0, f"after a zero reading shows {read.get(gone)} pieces on sale")
    check(read.get(kept) == STOOD, f"reading shows {read.get(kept)} of an offer that has {STOOD}")


@rule("LEVEL-04", Tier.SILVER, "LevelSink")
async def a_lost_answer_is_no_answer(bench: Bench) -> None:
    """A write whose answer is lost raises OutcomeUnknown, and its report says after a restart what became of it."""
    offers = await _offers(bench, 2)
    tries: dict[int, tuple[str, LevelCall]] = {}

    async def write(number: int) -> object:
        tries[number] = str(uuid.uuid4()), call_of(bench, offers, STOOD + 1 + number)
        return await _sink(bench).write_levels(*tries[number])

    async def done(number: int) -> bool:
        there = await _buyable(bench)
        return any(there[offer] == tries[number][1].value for offer in offers)

    command, call = tries[await lose_answer(bench, write, done)]
    bench.clock.advance(60)
    async with bench.restarted() as another:
        sink = another.capability(LevelSink)
        answer = await sink.report_levels(command, call) if sink is not None else None
    rows = await _ended(bench, command, call, answer)
    check(all(offer in rows and rows[offer].done for offer in offers), "a write that was done is not reported so")


@rule("LEVEL-05", Tier.SILVER, "LevelSink")
async def what_never_arrived_is_not_known(bench: Bench) -> None:
    """A command that never arrived has no report, and nothing of it is done."""
    offers = await _offers(bench, 2)
    call, command = call_of(bench, offers, 3), str(uuid.uuid4())
    bench.strike(FaultKind.CUT, times=None)
    lost = await bench.attempt(lambda: _sink(bench).write_levels(command, call))
    bench.faults.clear()
    check(isinstance(lost, PluginError), f"with its connection cut a write gave {lost!r:.60}")
    report = await _sink(bench).report_levels(command, call)
    check(report is None, f"the report of a command that never arrived is {report!r:.60}")
    there = await _buyable(bench)
    check(all(there[offer] == STOOD for offer in offers), "what never arrived was done")


@rule("LEVEL-06", Tier.SILVER, "LevelSink")
async def a_number_is_used_once(bench: Bench) -> None:
    """A command goes under the host's own number; a second one under it does nothing and is not called done."""
    offers = await _offers(bench, 1)
    command, first, second = str(uuid.uuid4()), call_of(bench, offers, 3), call_of(bench, offers, 8)
    known = set(await bench.do("commands"))
    await _ended(bench, command, first, await _sink(bench).write_levels(command, first))
    new = set(await bench.do("commands")) - known
    check(new == {command}, f"a call went under the numbers {sorted(new)}, not under the host's own")
    again = await bench.attempt(lambda: _sink(bench).write_levels(command, second))
    check(isinstance(again, PluginError), f"another call under a used number gave {again!r:.60}")
    there = await _buyable(bench)
    check(there[offers[0]] == 3, f"a call under a used number was done: buyers see {there[offers[0]]}")


@rule("LEVEL-07", Tier.SILVER, "LevelSink")
async def each_row_fails_by_itself(bench: Bench) -> None:
    """A row that is refused, or whose offer is not there, is that row's failure with the system's words; the others
    are done.
    """
    good, bad = await _offers(bench, 2)
    await bench.do("fail_tasks", [bad])
    rows = await _written(bench, {good: 3, bad: 3, STRANGE: 3})
    check(good in rows and rows[good].done, "one failed row took the others with it")
    for offer in (bad, STRANGE):
        row = rows.get(offer)
        check(row is not None and not row.done, f"offer {offer}, which was not written, is reported as {row!r:.60}")
        check(row is not None and row.error, f"offer {offer} failed without a word of the system")


@rule("LEVEL-08", Tier.GOLD, "LevelSink")
async def a_report_of_many_is_read_to_its_end(bench: Bench) -> None:
    """Of more offers than a page of a report shows, each has its outcome."""
    offers = await _offers(bench, MANY)
    await bench.do("fail_tasks", offers[-2:-1])
    rows = await _written(bench, dict.fromkeys(offers, 3))
    lost = [offer for offer in offers if offer not in rows]
    check(not lost, f"{len(lost)} of {MANY} offers are not in the report")
    failed = [offer for offer, row in rows.items() if not row.done]
    check(failed == offers[-2:-1], f"one of {MANY} was refused, and reported as refused are {failed}")


@rule("LEVEL-09", Tier.SILVER, "LevelSink")
async def what_is_under_way_is_not_done(bench: Bench) -> None:
    """What the system does later is Accepted until it is done: no row is called done or failed before."""
    good, bad = await _offers(bench, 2)
    await bench.do("delay_commands", 3600.0)
    await bench.do("fail_tasks", [bad])
    call, command = call_of(bench, [good, bad], 3), str(uuid.uuid4())
    answer = await _sink(bench).write_levels(command, call)
    check(isinstance(answer, Accepted), f"a write that is done in an hour gave {answer!r:.60}")
    report = await _sink(bench).report_levels(command, call)
    check(isinstance(report, Accepted), f"the report of what is done in an hour is {report!r:.60}")
    bench.clock.advance(3600)
    rows = await _ended(bench, command, call, await _sink(bench).report_levels(command, call))
    outcome = {offer: rows[offer].done for offer in (good, bad) if offer in rows}
    check(outcome == {good: True, bad: False}, f"in the end the report says {outcome}")


@rule("LEVEL-10", Tier.SILVER, "LevelSink")
async def reading_shows_no_echo(bench: Bench) -> None:
    """Reading shows what buyers see: not what was written and not kept, and what somebody else has set since."""
    one, other = await _offers(bench, 2)
    await bench.do("ignore_commands", 1)
    await _written(bench, {one: 3})
    read = await _shown(bench, [one])
    check(read == {one: STOOD}, f"a write was not kept, and reading shows {read.get(one)} instead of {STOOD}")
    await _written(bench, {other: 3})
    await bench.do("set_quantity", other, 8)
    read = await _shown(bench, [other])
    check(read == {other: 8}, f"somebody set 8, and reading shows {read.get(other)}")


@rule("LEVEL-11", Tier.BRONZE, "LevelSink")
async def what_is_not_there_is_not_read(bench: Bench) -> None:
    """Reading says nothing of an offer that is not there, nor of one that nobody asked about; the others come."""
    one, _ = await _offers(bench, 2)
    read = [row.offer for row in await _sink(bench).read_levels([one, STRANGE])]
    check(read == [one], f"asked about one offer and one that is not there, reading shows {read}")


@rule("LEVEL-12", Tier.SILVER, "LevelSink")
async def an_ended_offer_is_not_on_sale(bench: Bench) -> None:
    """An offer that somebody has ended cannot be bought, and reading shows it so."""
    one, other = await _offers(bench, 2)
    await bench.do("set_quantity", one, 0)
    read = await _shown(bench, [one, other])
    check(read.get(one, 0) == 0, f"an ended offer is read as {read.get(one)} pieces on sale")
    check(read.get(other) == STOOD, f"reading shows {read.get(other)} of an offer that has {STOOD}")


@rule("LEVEL-13", Tier.GOLD, "LevelSink")
async def many_offers_are_all_read(bench: Bench) -> None:
    """Each of many offers is read, more than fit on a page."""
    offers = await _offers(bench, MANY)
    read = await _shown(bench, offers)
    check(read == dict.fromkeys(offers, STOOD), f"of {MANY} offers {len(read)} are read, or with another quantity")


@rule("LEVEL-14", Tier.GOLD, "LevelSink")
async def a_short_page_hides_no_offer(bench: Bench) -> None:
    """When a page of offers holds less than it could, each offer is read all the same: none is taken for gone."""
    offers = await _offers(bench, 6)
    await bench.do("short_pages", 1)
    read = await _shown(bench, offers)
    check(read == dict.fromkeys(offers, STOOD), f"with a short page {len(read)} of six offers are read")


@rule("LEVEL-15", Tier.SILVER, "LevelSink")
async def what_cannot_be_read_is_neither_gone_nor_zero(bench: Bench) -> None:
    """An offer whose row cannot be understood is read as there, with a quantity of None: it is neither left out nor
    shown with a number. The others are read as ever.
    """
    bad, good = await _offers(bench, 2)
    feed = bench.connector.feed(Kind.OFFER)
    await bench.do("spoil", feed.name if feed is not None else OfferFeed.name, kind=Kind.OFFER, id=bad)
    read = {one.offer: one for one in await _sink(bench).read_levels([bad, good])}
    check(bad in read, "an offer that cannot be understood is left out, as if it were not there")
    check(read[bad].quantity is None, f"an offer that cannot be understood is read as {read[bad].quantity} pieces")
    fine = read.get(good)
    check(
        fine is not None and fine.active and fine.quantity == STOOD,
        f"beside an offer that cannot be understood, another is read as {fine!r:.60}",
    )


@rule("LEVEL-16", Tier.SILVER, "LevelSink")
async def what_is_counted_and_not_shown_may_be_there(bench: Bench) -> None:
    """An offer that its list counts and leaves out is neither gone nor zero: it is read as there, with a quantity
    of None. The others are read as ever.
    """
    out, good = await _offers(bench, 2)
    await bench.do("leave_out", out)
    read = {one.offer: one for one in await _sink(bench).read_levels([out, good])}
    check(out in read, "an offer that is counted and left out of its page is left out, as if it were not there")
    check(
        read[out].quantity is None, f"an offer that is left out of its page is read as {read[out].quantity} pieces"
    )
    fine = read.get(good)
    check(
        fine is not None and fine.active and fine.quantity == STOOD,
        f"beside an offer that is left out of its page, another is read as {fine!r:.60}",
    )
