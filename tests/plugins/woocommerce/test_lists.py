"""Lists of a shop that caps its pages, counts wrongly, hides rows, or moves them while they are read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import LogCapture

from olhubd.plugin import ContractBroken, Cursor, Unavailable
from olhubd_kit import conformance
from olhubd_kit.simulator import serve
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator, listing
from olhubd_kit.simulators.woocommerce.ledger import ShopOrder
from olhubd_kit.test_host import account
from olhubd_woocommerce.connector import WooCommerce
from tests.plugins.woocommerce.orders import drain, open_shop, push_of

MUG = [{"sku": "KUB-BIA", "quantity": 1}]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def simulator() -> WooCommerceSimulator:
    return WooCommerceSimulator(verify_signatures=False)


async def _swept(shop: WooCommerce, since: datetime = LONG_AGO) -> list[str]:
    ids: list[str] = []
    place: Cursor | None = None
    for _ in range(200):
        page = await shop.orders.sweep(since, place)
        ids += [record.external_id for record in page.records]
        place = page.cursor
        if not page.more:
            return ids
    raise AssertionError("the sweep does not end")


CAPS = [(10, 0, True), (3, 0, True), (10, 0, False), (10, -20, True), (1, 0, True)]
"""Rows a page, by how much the count is wrong, and whether it is told at all."""


@pytest.mark.parametrize(("cap", "by", "told"), CAPS)
async def test_a_look_up_reads_to_the_end_where_pages_are_capped(
    cap: int, by: int, told: bool, shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    """Else the order is sent a second time after a lost answer."""
    await shop.push_order(push_of())
    for _ in range(12):
        simulator.place_order(MUG)
    simulator.pager.cap_pages(cap)
    simulator.pager.count_wrong(by)
    simulator.pager.count_nothing(told)
    found = await shop.find_order("allegro:A1", None)
    assert found is not None
    assert found.external_id == "501"
    assert await shop.find_order("allegro:none", None) is None


@pytest.mark.parametrize(("cap", "by", "told"), CAPS)
async def test_the_feed_does_not_stand_still_where_pages_are_capped(
    cap: int, by: int, told: bool, shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    cursor = await shop.orders.start(LONG_AGO)
    simulator.pager.cap_pages(cap)
    simulator.pager.count_wrong(by)
    simulator.pager.count_nothing(told)
    placed = {simulator.place_order(MUG) for _ in range(25)}
    records, cursor = await drain(shop, cursor)
    assert {record.external_id for record in records} == placed
    later = {simulator.place_order(MUG) for _ in range(25)}
    records, cursor = await drain(shop, cursor)
    assert {record.external_id for record in records} >= later


@pytest.mark.parametrize(("cap", "by", "told"), CAPS)
async def test_the_sweep_reads_to_the_end_where_pages_are_capped(
    cap: int, by: int, told: bool, shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    placed = {simulator.place_order(MUG) for _ in range(25)}
    simulator.pager.cap_pages(cap)
    simulator.pager.count_wrong(by)
    simulator.pager.count_nothing(told)
    assert set(await _swept(shop)) == placed


async def test_rates_and_customers_are_all_read_where_pages_are_capped(simulator: WooCommerceSimulator) -> None:
    """Nine rates in pages of four: without the last of them the taxes of Austria would be guessed."""
    simulator.pager.cap_pages(4)
    async with open_shop(simulator, customers="match", notify_buyer=True) as shop:
        book = await shop._taxes.book()
        assert len(book.rates) == len(simulator.scheme.rates) == 9
        # The shop searches for parts: allegro-pl-4711 stands behind each of these.
        for number in range(12):
            who = {"email": f"b{number}@shop.example", "username": f"allegro-pl-47110{number}"}
            simulator.customers.append({"id": 100 + number, **who})
        simulator.customers.append({"id": 200, "email": "old@shop.example", "username": "allegro-pl-4711"})
        receipt = await shop.push_order(push_of())
        assert simulator.ledger.sheets[int(receipt.external_id)].doc["customer_id"] == 200


async def test_pages_that_are_shorter_are_told_once(simulator: WooCommerceSimulator) -> None:
    simulator.buy(30)
    simulator.pager.cap_pages(10)
    log = LogCapture()
    async with serve(simulator) as base, account(WooCommerce, simulator.settings(base), log=log) as shop:
        await _swept(shop)
        await _swept(shop)
        await shop.find_order("allegro:none", None)
    assert [entry["event"] for entry in log.entries].count("the shop gives 10 rows a page") == 1


async def test_a_look_up_that_was_shown_less_than_is_counted_says_nothing(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    """What is not shown may be the very order: "not there" would send it a second time."""
    simulator.buy(5)
    simulator.pager.count_wrong(+1)
    with pytest.raises(Unavailable, match="fewer orders than it counts"):
        await shop.find_order("allegro:A1", None)
    simulator.pager.count_wrong(0)
    simulator.pager.short_pages(1)
    assert await shop.find_order("allegro:A1", None) is None


@pytest.mark.parametrize("how", ["touch", "trash", "delete"])
@pytest.mark.parametrize("cap", [100, 10])
async def test_a_look_up_misses_nothing_while_rows_shift(
    how: str, cap: int, shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    await shop.push_order(push_of())
    simulator.buy(150)
    simulator.pager.cap_pages(cap)
    simulator.pager.shift_rows(4, how)
    found = await shop.find_order("allegro:A1", None)
    assert found is not None
    assert found.external_id == "501"


@pytest.mark.parametrize("how", ["touch", "trash", "delete"])
async def test_a_sweep_misses_nothing_while_rows_shift(
    how: str, shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    placed = set(simulator.buy(250))
    simulator.pager.cap_pages(40)
    simulator.pager.shift_rows(8, how)
    swept = set(await _swept(shop))
    standing = {entry.external_id for entry in simulator.books() if entry.status != "trash"}
    assert placed & standing <= swept


async def test_the_feed_misses_nothing_while_rows_shift(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    cursor = await shop.orders.start(None)
    placed = set(simulator.buy(250))
    simulator.pager.cap_pages(40)
    simulator.pager.shift_rows(12)
    records, _ = await drain(shop, cursor)
    assert {record.external_id for record in records} == placed


async def test_a_sweep_says_that_rows_are_hidden_and_goes_on(simulator: WooCommerceSimulator) -> None:
    placed = set(simulator.buy(5))
    simulator.pager.count_wrong(+2)
    log = LogCapture()
    async with serve(simulator) as base, account(WooCommerce, simulator.settings(base), log=log) as shop:
        assert set(await _swept(shop)) == placed
    assert [entry["event"] for entry in log.entries].count("the shop shows fewer rows than it counts") == 1


Sorting = Callable[[list[ShopOrder]], list[ShopOrder]]


def _sorted_by(monkeypatch: pytest.MonkeyPatch, sorting: Sorting) -> None:
    """A plugin of the shop sorts its orders otherwise than is asked for."""
    rows = listing.rows
    monkeypatch.setattr(listing, "rows", lambda ledger, params: sorting(rows(ledger, params)))


@pytest.mark.parametrize("reader", ["pull", "sweep", "find"])
async def test_a_list_in_another_order_is_no_list(
    reader: str, simulator: WooCommerceSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were it read by times that go back, all rows between would be left out for good, and in silence."""
    at = [datetime(2026, 11, 21, 9, tzinfo=UTC)]
    simulator.ledger.now = simulator.now = lambda: at[0]
    async with open_shop(simulator) as shop:
        cursor = await shop.orders.start(LONG_AGO)
        for _ in range(120):
            simulator.place_order(MUG)
            at[0] += timedelta(minutes=2)
        _sorted_by(monkeypatch, lambda found: sorted(found, key=lambda sheet: (sheet.doc["id"] * 37) % 101))
        calls: dict[str, Callable[[], Awaitable[object]]] = {
            "pull": lambda: shop.orders.pull(cursor),
            "sweep": lambda: shop.orders.sweep(LONG_AGO, None),
            "find": lambda: shop.find_order("allegro:A1", None),
        }
        with pytest.raises(ContractBroken, match="not in the order that was asked for"):
            await calls[reader]()


BACK = datetime(2026, 10, 25, 1, tzinfo=UTC).timestamp()
"""When the clocks of Poland go back: its hour from two to three comes once more."""


def _sorted_by_the_local_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shop that keeps its orders as posts sorts by its own clock."""
    _sorted_by(
        monkeypatch,
        lambda found: sorted(
            found, key=lambda s: (s.modified + (7200 if s.modified < BACK else 3600), s.doc["id"])
        ),
    )


async def test_the_hour_that_comes_twice_in_autumn_loses_nothing(
    simulator: WooCommerceSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = [datetime(2026, 10, 25, 0, 0, 5, tzinfo=UTC)]
    simulator.ledger.now = simulator.now = lambda: at[0]
    async with open_shop(simulator) as shop:
        cursor = await shop.orders.start(at[0])
        placed = []
        for _ in range(230):
            placed.append(simulator.place_order(MUG))
            at[0] += timedelta(seconds=31)
        _sorted_by_the_local_clock(monkeypatch)
        records, cursor = await drain(shop, cursor)
        assert sorted(record.external_id for record in records) == placed
        assert (await shop.orders.pull(cursor)).cursor == cursor


async def test_the_first_of_the_two_hours_is_read_to_its_end_over_three_pages(
    simulator: WooCommerceSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first page holds orders of the second hour alone, or ends with one: all goes forward on it."""
    first, second = datetime(2026, 10, 25, 0, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)
    at = [first]
    simulator.ledger.now = simulator.now = lambda: at[0]
    async with open_shop(simulator) as shop:
        cursor = await shop.orders.start(at[0])
        placed = []
        for begin, seconds in ((first, range(600, 2400, 9)), (second, range(0, 2700, 27))):
            for second_of_hour in seconds:
                at[0] = begin + timedelta(seconds=second_of_hour)
                placed.append(simulator.place_order(MUG))
        assert len(placed) == 300
        _sorted_by_the_local_clock(monkeypatch)
        simulator.pager.cap_pages(20)
        records, cursor = await drain(shop, cursor)
        assert sorted(record.external_id for record in records) == sorted(placed)
        assert (await shop.orders.pull(cursor)).cursor == cursor


async def test_a_page_is_gone_on_from_where_the_list_is_in_order(simulator: WooCommerceSimulator) -> None:
    """A long backlog lands page by page, and not all at its end."""
    at = [datetime(2026, 10, 24, 12, tzinfo=UTC)]
    simulator.ledger.now = simulator.now = lambda: at[0]
    async with open_shop(simulator) as shop:
        cursor = await shop.orders.start(at[0])
        for _ in range(250):
            at[0] += timedelta(seconds=2)
            simulator.place_order(MUG)
        page = await shop.orders.pull(cursor)
        assert (len(page.records), page.more) == (100, True)


async def test_a_page_that_goes_forward_behind_one_that_went_back_is_no_place_to_go_on_from(
    simulator: WooCommerceSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind it there may be orders of the first of the two hours, older than all that it holds."""
    at = [datetime(2026, 10, 25, 0, 0, 5, tzinfo=UTC)]
    simulator.ledger.now = simulator.now = lambda: at[0]
    async with open_shop(simulator) as shop:
        cursor = await shop.orders.start(at[0])
        placed = []
        for minute in (1, 3, 40, 62, 70, 72, 105):  # by the local clock: 2:01 2:02 2:03, 2:10 2:12, 2:40 2:45
            at[0] = datetime(2026, 10, 25, minute // 60, minute % 60, tzinfo=UTC)
            placed.append(simulator.place_order(MUG))
        _sorted_by_the_local_clock(monkeypatch)
        simulator.pager.cap_pages(3)
        records, _ = await drain(shop, cursor)
        assert sorted(record.external_id for record in records) == placed


async def test_of_a_draft_and_an_order_the_order_is_found(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    """A shop that refuses an order after it began to save it keeps a draft with our mark, older than the order."""
    mark = [{"key": "_olhubd_reference", "value": "allegro:A1"}]
    draft = simulator.place_order(MUG, meta_data=mark)
    simulator.set_status(draft, "checkout-draft")
    assert await shop.find_order("allegro:A1", None) is None
    receipt = await shop.push_order(push_of())
    found = await shop.find_order("allegro:A1", None)
    assert found is not None
    assert found.external_id == receipt.external_id


async def test_of_a_binned_order_and_another_the_other_is_found(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    binned = await shop.push_order(push_of())
    simulator.trash(binned.external_id)
    standing = await shop.push_order(push_of())
    found = await shop.find_order("allegro:A1", None)
    assert found is not None
    assert found.external_id == standing.external_id


async def test_drafts_are_not_counted(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    now = simulator.now()
    numbers = simulator.buy(3)
    simulator.set_status(numbers[0], "checkout-draft")
    day = timedelta(days=1)
    assert await shop.orders.count_orders(now - day, now + day) == 2
    simulator.remove_status("checkout-draft")
    assert await shop.orders.count_orders(now - day, now + day) == 2


async def test_an_order_whose_status_left_with_its_plugin_is_found_by_its_number(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    """No list of the shop holds it any more, so a look-up by our mark cannot find it; a person can name it."""
    receipt = await shop.push_order(push_of())
    simulator.set_status(receipt.external_id, "packed")
    simulator.remove_status("packed")
    assert await shop.find_order("allegro:A1", None) is None
    found = await shop.find_by_number(receipt.external_id)
    assert found is not None
    assert found.reference == "allegro:A1"


async def test_a_sweep_whose_place_leads_no_further_begins_anew(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    """A place that is only ever refused would keep the sweep from its end for good."""
    placed = set(simulator.buy(5))
    page = await shop.orders.sweep(LONG_AGO, Cursor('made|{"last":"4711","restarts":5}'))
    assert isinstance(page.failure, Unavailable)
    assert (page.records, page.more) == ([], False)
    page = await shop.orders.sweep(LONG_AGO, page.cursor or None)
    assert {record.external_id for record in page.records} == placed


async def test_a_place_in_a_sweep_that_was_written_before_goes_on(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    placed = simulator.buy(150)
    page = await shop.orders.sweep(LONG_AGO, Cursor(f"made|99|{placed[99]}"))
    assert [record.external_id for record in page.records] == placed[100:]
    with pytest.raises(ContractBroken, match="not a cursor"):
        await shop.orders.sweep(LONG_AGO, Cursor("made|{broken"))


async def test_an_order_is_found_by_a_number_of_the_shops_own_behind_others(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    """A plugin counts its own way; the search brings all numbers that hold this one, the newest first."""
    orders = simulator.buy(12)
    for count, number in enumerate(orders, start=1):
        simulator.bend(number, {"number": f"ZAM-{count}"})
    simulator.pager.cap_pages(2)
    found = await shop.find_by_number("ZAM-1")
    assert found is not None
    assert found.external_id == orders[0]


class Capped(WooCommerceSimulator):
    """Gives thirty rows a page at most, and does not count."""

    def __init__(self, seed: int = 0, now: Callable[[], datetime] | None = None) -> None:
        super().__init__(seed, now, verify_signatures=False)
        self.pager.cap_pages(30)
        self.pager.count_nothing()


LISTS = [rule for rule in conformance.concerning(WooCommerce) if rule.family in ("FEED", "SWEEP", "FIND", "MERGE")]


@pytest.mark.parametrize("rule", LISTS, ids=lambda rule: rule.id)
async def test_the_rules_of_lists_hold_where_pages_are_capped_and_not_counted(rule: conformance.Rule) -> None:
    result = await conformance.try_rule(rule, WooCommerce, Capped)
    assert result.verdict is not conformance.RuleVerdict.FAIL, result.reason
