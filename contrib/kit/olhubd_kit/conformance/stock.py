"""What a stock master counts: how many pieces, by which reckoning, of what, and what is no number at all.

The truth is what the simulator's `stocked` says. What all feeds must keep, such as a list
that shifts, is in `streams`.
"""

from __future__ import annotations

from olhubd.model import Counting, Kind, StockBasis, StockLevel
from olhubd.plugin import OrderSink, Page, PluginError, Receipt, StockFeed, Unreadable
from olhubd_kit.conformance.bench import Bench
from olhubd_kit.conformance.push import push_of
from olhubd_kit.conformance.rule import NotApplicable, Tier, check, rule, skip
from olhubd_kit.conformance.whole import KindReading, feed_of, full_pass, one_of
from olhubd_kit.simulator import BookedItem

_FEED = "StockFeed"
MANY = 150
"""More than a page of most systems shows."""


def _books(bench: Bench) -> dict[str, BookedItem]:
    found = {one.external_id: one for one in bench.simulator.stocked()}
    if not found:
        raise NotApplicable("the simulator's `stocked` holds no items", lacking=True)
    return found


async def _item(bench: Bench, pieces: float = 5) -> str:
    return str(await bench.do("stock_item", pieces))


def _level(reading: KindReading, key: str) -> StockLevel:
    return one_of(reading.records, key, StockLevel)


def _fits(level: StockLevel, booked: BookedItem) -> None:
    """Whether it says what the books hold."""
    key = booked.external_id
    check(level.free == booked.free, f"item {key} is reported with {level.free} pieces, and has {booked.free}")
    wanted = Counting.UNTRACKED if not booked.counted else Counting.UNKNOWN
    wanted = wanted if booked.free is None else Counting.COUNTED
    check(level.counting is wanted, f"item {key} is {wanted}, and reported as {level.counting}")


def _marked(level: StockLevel, booked: BookedItem) -> None:
    said = f"item {booked.external_id} has the SKU {booked.sku!r}"
    check(level.sku == booked.sku, f"{said}, and is reported with {level.sku!r}")


@rule("STOCK-01", Tier.BRONZE, _FEED)
async def each_item_comes_with_its_pieces(bench: Bench) -> None:
    """Each item that is counted comes with the pieces that can be sold of it and with its SKU, and zero is a number
    like another.
    """
    reading = await KindReading.begun(bench, Kind.STOCK)
    items = [await _item(bench, pieces) for pieces in (5, 1, 0, 1200)]
    await reading.go_on()
    for key in items:
        level, booked = _level(reading, key), _books(bench)[key]
        _fits(level, booked)
        _marked(level, booked)


@rule("STOCK-02", Tier.BRONZE, _FEED)
async def the_number_means_what_its_basis_says(bench: Bench) -> None:
    """Pieces that an open order of the system has taken are off a FREE number; an ON_HAND one still holds them, and
    says so in `allocated`.
    """
    reading = await KindReading.begun(bench, Kind.STOCK)
    key = await _item(bench, 5)
    await reading.go_on()
    await bench.do("sell_item", key, pieces=2)
    await reading.settle()
    level, booked = _level(reading, key), _books(bench)[key]
    _fits(level, booked)
    if level.basis is StockBasis.ON_HAND:
        check(level.allocated is not None, "an ON_HAND number does not say what is allocated of it")
        on_shelf = booked.on_hand if booked.on_hand is not None else level.quantity
        check(level.quantity == on_shelf, f"{on_shelf} pieces are on the shelf, and {level.quantity} are reported")
    else:
        check(level.allocated is None, "a FREE number has nothing allocated of it")


@rule("STOCK-03", Tier.BRONZE, _FEED)
async def what_is_not_counted_has_no_number(bench: Bench) -> None:
    """An item that the system does not count is UNTRACKED: it has no number, and zero least of all."""
    reading = await KindReading.begun(bench, Kind.STOCK)
    key, none = await _item(bench, 5), await _item(bench, 0)
    await bench.do("untrack", key)
    await reading.go_on()
    for one in (key, none):
        _fits(_level(reading, one), _books(bench)[one])
    check(_level(reading, key).quantity is None, "what is not counted has a number")


@rule("STOCK-04", Tier.BRONZE, _FEED)
async def a_number_that_nobody_knows_is_unknown(bench: Bench) -> None:
    """An item that is counted and has no number yet is UNKNOWN: neither zero nor untracked."""
    reading = await KindReading.begun(bench, Kind.STOCK)
    key = await _item(bench, 5)
    await bench.do("lose_count", key)
    await reading.go_on()
    _fits(_level(reading, key), _books(bench)[key])


@rule("STOCK-05", Tier.BRONZE, _FEED)
async def what_is_not_on_sale_says_so(bench: Bench) -> None:
    """An item that is taken off sale, such as a draft, comes again with `on_sale` false, the system's own word for
    it and its number; and once more when it is sold again. Its neighbour stays on sale.
    """
    reading = await KindReading.begun(bench, Kind.STOCK)
    key, other = await _item(bench), await _item(bench)
    await reading.go_on()
    check(_level(reading, key).on_sale, f"item {key} is on sale, and reported as it were not")
    await bench.do("withdraw_item", key)
    await reading.go_on()
    level = _level(reading, key)
    check(not level.on_sale, f"item {key} is off sale, and reported as on sale")
    check(level.external_state, "what is not on sale comes without the system's own word for it")
    _fits(level, _books(bench)[key])
    check(_level(reading, other).on_sale, "with one item another one went off sale")
    await bench.do("withdraw_item", key, back=True)
    await reading.go_on()
    check(_level(reading, key).on_sale, f"item {key} is sold again, and not reported so")


@rule("STOCK-06", Tier.BRONZE, _FEED)
async def a_mark_is_the_items_own(bench: Bench) -> None:
    """Each item has the SKU that it has in the system: a variation without one has None, and not that of its
    article. Each variation has the number of its own, and the article none beside them.
    """
    reading = await KindReading.begun(bench, Kind.STOCK)
    items = [await _item(bench), *await bench.do("stock_variations", 2)]
    items += await bench.do("stock_variations", 2, own=False)
    await reading.go_on()
    books = _books(bench)
    for key in {*items, *(set(reading.records) & set(books))}:
        _fits(_level(reading, key), books[key])
        _marked(_level(reading, key), books[key])


@rule("STOCK-07", Tier.SILVER, _FEED)
async def below_zero_stays_below_zero(bench: Bench) -> None:
    """Where more was sold than there was, the number comes as it is, below zero."""
    reading = await KindReading.begun(bench, Kind.STOCK)
    key = await _item(bench)
    await bench.do("set_pieces", key, pieces=-3)
    await reading.go_on()
    _fits(_level(reading, key), _books(bench)[key])


@rule("STOCK-08", Tier.SILVER, _FEED)
async def half_a_piece_is_no_number(bench: Bench) -> None:
    """A number that is no whole number of pieces is Unreadable, and not rounded; its neighbour comes."""
    reading = await KindReading.begun(bench, Kind.STOCK)
    key, other = await _item(bench), await _item(bench)
    await bench.do("set_pieces", key, pieces=2.5)
    await reading.go_on()
    found = reading.records.get(key)
    check(isinstance(found, Unreadable), f"two and a half pieces came as {found!r:.80}")
    _fits(_level(reading, other), _books(bench)[other])


@rule("STOCK-09", Tier.SILVER, _FEED)
async def an_unreadable_variation_is_its_own_failure(bench: Bench) -> None:
    """A variation that cannot be understood is Unreadable; the others of its article come, and the article too."""
    reading = await KindReading.begun(bench, Kind.STOCK)
    bad, *good = await bench.do("stock_variations", 3)
    feed = feed_of(bench, Kind.STOCK)
    await bench.do("spoil", feed.name, kind=Kind.STOCK, id=bad)
    await reading.go_on()
    found = reading.records.get(bad)
    check(isinstance(found, Unreadable), f"a variation that cannot be understood came as {found!r:.80}")
    for key in good:
        _fits(_level(reading, key), _books(bench)[key])


@rule("STOCK-10", Tier.GOLD, _FEED)
async def many_variations_all_come(bench: Bench) -> None:
    """Of an article with more variations than a page shows, each comes."""
    reading = await KindReading.begun(bench, Kind.STOCK)
    items = await bench.do("stock_variations", MANY)
    await reading.go_on()
    for key in items:
        _fits(_level(reading, key), _books(bench)[key])


@rule("STOCK-11", Tier.SILVER, _FEED)
async def a_number_that_moves_while_it_is_read_ends_as_it_is(bench: Bench) -> None:
    """A sale between two pages of a reading, of what was read already and of what was not, is known when the feed
    has been read on to its end, and swept where it can be.
    """
    reading = await KindReading.begun(bench, Kind.STOCK)
    items = [await _item(bench, 9) for _ in range(MANY)]

    async def sold(_page: Page) -> None:
        for key in (items[0], items[-1]):
            if (_books(bench)[key].free or 0) > 1:
                await bench.do("sell_item", key, pieces=1)

    await reading.go_on(sold)
    await reading.settle()
    for key in (items[0], items[1], items[-1]):
        _fits(_level(reading, key), _books(bench)[key])


@rule("STOCK-12", Tier.GOLD, _FEED)
async def rows_in_disorder_lose_nothing_in_silence(bench: Bench) -> None:
    """When pages come in another order than was asked for, the reading brings every item all the same, or fails."""
    reading = await KindReading.begun(bench, Kind.STOCK)
    items = [await _item(bench) for _ in range(MANY)]
    await bench.do("jumble_rows", 20)
    try:
        await reading.go_on()
    except PluginError:
        return
    for key in items:
        _fits(_level(reading, key), _books(bench)[key])


@rule("STOCK-13", Tier.GOLD, _FEED)
async def a_full_pass_is_complete_or_fails(bench: Bench) -> None:
    """A sweep brings every item that is there, also where pages end early and items are taken out of the list
    between two pages, or it fails.
    """
    feed = feed_of(bench, Kind.STOCK)
    items = [await _item(bench) for _ in range(MANY)]
    taken = iter(items[:4])

    async def takes(_page: Page) -> None:
        for key in (next(taken, None), next(taken, None)):
            if key is not None:
                await bench.do("take", feed.name, kind=Kind.STOCK, id=key)

    await bench.do("short_pages", 2)
    try:
        found = (await full_pass(bench, feed, takes)).latest
    except PluginError:
        return
    lost = sorted(set(_books(bench)) - set(found))
    check(not lost, f"a full pass ended without {len(lost)} items ({', '.join(lost[:5])})")


@rule("STOCK-14", Tier.SILVER, _FEED, "OrderSink")
async def what_lowers_the_number_is_declared(bench: Bench) -> None:
    """`lowered_by` names the states of an order in which its pieces are off the number, and no others: those of an
    order that was pushed, and of one that was cancelled.
    """
    feed = feed_of(bench, Kind.STOCK)
    lowered_by = feed.lowered_by if isinstance(feed, StockFeed) else frozenset[str]()
    reading = await KindReading.begun(bench, Kind.STOCK)
    before = {one.sku: one for one in _books(bench).values() if one.sku and one.free}
    push = push_of(bench)
    sold = [line.sku for line in push.order.lines if line.sku in before]
    if not sold:
        skip("the books hold no item that the kit's orders are of")
    receipt: Receipt = await bench.part(OrderSink).push_order(push)
    for cancelled in (False, True):
        if cancelled:
            await bench.do("cancel", receipt.external_id)
        state = bench.books()[receipt.external_id].status
        now = {one.sku: one for one in _books(bench).values()}
        taken = any(now[sku].free != before[sku].free for sku in sold)
        said = f"the pieces of an order in the state {state!r} are {'' if taken else 'not '}off the number"
        check(taken == (state in lowered_by), f"{said}, and `lowered_by` says otherwise")
        await reading.settle()
        for sku in sold:
            _fits(_level(reading, now[sku].external_id), now[sku])
