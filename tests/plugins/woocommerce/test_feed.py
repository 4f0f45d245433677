"""The feed: overlap, same-second rows, moving pages, echo guard."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from olhubd.model import Fulfilment, Order, PaymentType, Stage
from olhubd.plugin import ContractBroken, Cursor, Gone, Unavailable, Unreadable
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator
from olhubd_woocommerce.connector import WooCommerce
from tests.plugins.woocommerce.orders import drain, line, open_shop, push_of

MUG = [{"sku": "KUB-BIA", "quantity": 1}]


class Clock:
    """The shop's clock, moved by hand."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 21, 17, 55, 25, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def simulator(clock: Callable[[], datetime]) -> WooCommerceSimulator:
    return WooCommerceSimulator(now=clock, verify_signatures=False)


def ids(records: object) -> list[str]:
    assert isinstance(records, list | tuple)
    return [record.external_id for record in records]


async def test_a_row_that_shows_up_late_is_not_lost(
    shop: WooCommerce, simulator: WooCommerceSimulator, clock: Clock
) -> None:
    """A slow transaction becomes visible after a later one has been read: the overlap finds it."""
    cursor = await shop.orders.start(None)
    slow = int(simulator.place_order(MUG))
    hidden = simulator.ledger.sheets.pop(slow)
    entry = simulator.ledger.by_modified.pop()
    simulator.ledger.by_created.pop()
    clock.pass_(30)
    fast = simulator.place_order(MUG)
    records, cursor = await drain(shop, cursor)
    assert ids(records) == [fast]
    simulator.ledger.sheets[slow] = hidden
    simulator.ledger.by_modified.insert(0, entry)
    simulator.ledger.by_created.insert(0, entry)
    clock.pass_(20)
    records, cursor = await drain(shop, cursor)
    assert ids(records) == [str(slow)]
    assert (await shop.orders.pull(cursor)).records == []


async def test_rows_of_one_second_come_once_each(
    shop: WooCommerce, simulator: WooCommerceSimulator, clock: Clock
) -> None:
    """The bound is exclusive and in whole seconds; rows of the cursor's own second that come later are told."""
    cursor = await shop.orders.start(None)
    first = simulator.place_order(MUG)
    records, cursor = await drain(shop, cursor)
    assert ids(records) == [first]
    second = simulator.place_order(MUG)
    records, cursor = await drain(shop, cursor)
    assert ids(records) == [second]
    same = await shop.orders.pull(cursor)
    assert (same.records, same.cursor, same.more) == ([], cursor, False)
    simulator.touch(first)
    clock.pass_(1)
    simulator.touch(first)
    records, cursor = await drain(shop, cursor)
    assert ids(records) == [first]


async def test_a_new_process_tells_the_overlap_once_more_and_nothing_is_lost(
    simulator: WooCommerceSimulator, clock: Clock
) -> None:
    """What was seen is remembered in memory only; without it rows of the last minute are told again."""
    async with open_shop(simulator) as shop:
        cursor = await shop.orders.start(None)
        old, clock_ = simulator.place_order(MUG), clock
        clock_.pass_(10)
        new = simulator.place_order(MUG)
        _, cursor = await drain(shop, cursor)
    async with open_shop(simulator) as shop:
        records, again = await drain(shop, cursor)
        assert ids(records) == [old, new]
        assert again == cursor
        assert (await shop.orders.pull(again)).records == []


async def test_a_change_in_the_second_of_the_cursor_is_told_by_a_new_process(
    simulator: WooCommerceSimulator, clock: Clock
) -> None:
    """The shop's time has whole seconds: that the order was seen then does not mean that this version was."""
    async with open_shop(simulator) as shop:
        cursor = await shop.orders.start(None)
        clock.pass_(30)
        number = simulator.place_order(MUG)
        _, cursor = await drain(shop, cursor)
    simulator.set_status(number, "completed")
    async with open_shop(simulator) as shop:
        records, cursor = await drain(shop, cursor)
        (told,) = records
        assert isinstance(told, Order)
        assert (told.external_id, told.fulfilment) == (number, Fulfilment.SENT)
        assert (await shop.orders.pull(cursor)).records == []


async def test_pages_within_one_second(shop: WooCommerce, simulator: WooCommerceSimulator, clock: Clock) -> None:
    """More orders in one second than a page holds."""
    cursor = await shop.orders.start(None)
    crowd = simulator.buy(250)
    clock.pass_(5)
    more = simulator.buy(130)
    records, cursor = await drain(shop, cursor)
    assert sorted(ids(records), key=int) == [*crowd, *more]
    assert (await shop.orders.pull(cursor)).records == []


async def test_rows_that_move_between_pages(
    shop: WooCommerce, simulator: WooCommerceSimulator, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row is saved anew between two pages of one second and all after it move up: none is skipped."""
    cursor = await shop.orders.start(None)
    crowd = simulator.buy(220)
    clock.pass_(3)
    fetch = shop.orders._list._page
    moved: list[int] = []

    async def page(query, offset):  # type: ignore[no-untyped-def]
        found = await fetch(query, offset)
        if len(moved) < 5:
            moved.append(int(crowd[len(moved)]))
            simulator.touch(moved[-1])
        return found

    monkeypatch.setattr(shop.orders._list, "_page", page)
    records, _ = await drain(shop, cursor)
    assert set(ids(records)) == set(crowd)


async def test_a_pull_that_never_landed_is_repeated(
    shop: WooCommerce, simulator: WooCommerceSimulator, clock: Clock
) -> None:
    """The host could not store the page: the same cursor gives the same orders again."""
    cursor = await shop.orders.start(None)
    simulator.buy(3)
    clock.pass_(2)
    first = await shop.orders.pull(cursor)
    second = await shop.orders.pull(cursor)
    assert ids(first.records) == ids(second.records)
    assert first.cursor == second.cursor
    assert len(first.records) == 3


async def test_a_quiet_shop_is_asked_for_little(
    shop: WooCommerce, simulator: WooCommerceSimulator, clock: Clock
) -> None:
    """Once its minute is over, a crowd of orders is not read over and over."""
    cursor = await shop.orders.start(None)
    simulator.buy(350)
    _, cursor = await drain(shop, cursor)
    clock.pass_(120)
    await shop.orders.pull(cursor)
    before = simulator.calls["GET /wc/v3/orders"]
    page = await shop.orders.pull(cursor)
    assert simulator.calls["GET /wc/v3/orders"] == before + 1
    assert (page.records, page.cursor) == ([], cursor)


async def test_an_order_of_ours_is_known_when_it_comes_back(
    shop: WooCommerce, simulator: WooCommerceSimulator, clock: Clock
) -> None:
    """Part of IMP-34: with its reference, and with the tracking number that somebody typed into the shop."""
    cursor = await shop.orders.start(None)
    push = push_of()
    receipt = await shop.push_order(push)
    native = simulator.place_order(MUG)
    records, cursor = await drain(shop, cursor)
    by_id = {record.external_id: record for record in records}
    ours, theirs = by_id[receipt.external_id], by_id[native]
    assert isinstance(ours, Order)
    assert isinstance(theirs, Order)
    assert (ours.reference, theirs.reference) == (push.reference, None)
    assert ours.total == ours.expected_total() == push.order.total
    assert [bought.extra["line"] for bought in ours.lines] == ["A1-1", "A1-2"]
    clock.pass_(60)
    simulator.add_tracking(receipt.external_id, "520111222333", "InPost")
    records, cursor = await drain(shop, cursor)
    [ours] = [record for record in records if record.external_id == receipt.external_id]
    assert isinstance(ours, Order)
    assert [parcel.key for parcel in ours.shipments] == [("INPOST", "520111222333")]


@pytest.mark.parametrize("feature", ["fulfillments", "tracking_plugin"])
async def test_parcels_typed_in_come_from_wherever_the_shop_keeps_them(feature: str, clock: Clock) -> None:
    simulator = WooCommerceSimulator(now=clock, verify_signatures=False, **{feature: True})  # type: ignore[arg-type]
    async with open_shop(simulator) as shop:
        receipt = await shop.push_order(push_of())
        simulator.add_tracking(receipt.external_id, "620999", "DPD")
        record = await shop.orders.read_order(receipt.external_id)
        assert isinstance(record, Order)
        assert [parcel.key for parcel in record.shipments] == [("DPD", "620999")]


async def test_a_page_whose_parcels_cannot_be_read_is_read_again(clock: Clock) -> None:
    """The cursor stays before it, also before the orders of it that have no parcels."""
    simulator = WooCommerceSimulator(now=clock, verify_signatures=False, fulfillments=True)
    async with open_shop(simulator) as shop:
        cursor = await shop.orders.start(None)
        clock.pass_(30)
        placed = [simulator.place_order(MUG) for _ in range(3)]
        simulator.add_tracking(placed[1], "620999", "DPD")
        parcels = f"GET .*orders/{placed[1]}/fulfillments"
        simulator.faults.add(Fault(kind=FaultKind.ERROR, match=parcels, status=502, times=None))
        page = await shop.orders.pull(cursor)
        assert isinstance(page.failure, Unavailable)
        assert (list(page.records), page.cursor) == ([], cursor)
        simulator.faults.clear()
        records, _ = await drain(shop, page.cursor)
        assert sorted(ids(records)) == sorted(placed)


@pytest.mark.parametrize(
    ("status", "stage", "fulfilment"),
    [
        ("pending", Stage.PLACED, Fulfilment.NEW),
        ("failed", Stage.PLACED, Fulfilment.NEW),
        ("on-hold", Stage.CONFIRMED, Fulfilment.NEW),
        ("processing", Stage.CONFIRMED, Fulfilment.PROCESSING),
        ("completed", Stage.CONFIRMED, Fulfilment.SENT),
        ("cancelled", Stage.CANCELLED, Fulfilment.CANCELLED),
        ("refunded", Stage.CANCELLED, Fulfilment.RETURNED),
        ("packed-by-plugin", Stage.UNKNOWN, Fulfilment.UNKNOWN),
    ],
)
async def test_what_statuses_mean(
    status: str, stage: Stage, fulfilment: Fulfilment, shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    number = simulator.place_order(MUG)
    simulator.set_status(number, status)
    record = await shop.orders.read_order(number)
    assert isinstance(record, Order)
    assert (record.stage, record.fulfilment) == (stage, fulfilment)
    assert record.external_stage == record.external_fulfilment == status


async def test_a_native_order_in_full(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    number = simulator.place_order(
        [{"sku": "KUB-BIA", "quantity": 3}, {"sku": "MIO-LIP", "quantity": 1}],
        fee_lines=[{"name": "Opakowanie", "total": "2.00"}, {"name": "Rabat", "total": "-5.00"}],
        customer_note="proszę o paragon",
        meta_data=[{"key": "_paczkomat_id", "value": "WAW01N"}, {"key": "_billing_nip", "value": "5260250274"}],
    )
    record = await shop.orders.read_order(number)
    assert isinstance(record, Order)
    assert record.total == record.expected_total()
    assert not record.prices_include_tax
    assert record.tax is not None
    mug = record.lines[0]
    assert (mug.sku, mug.ean, mug.quantity, mug.product_ids) == ("KUB-BIA", "5900001234501", 3, ("100", "101"))
    assert mug.tax is not None
    assert mug.tax.rate == Decimal(23)
    assert record.shipping.pickup_point is not None
    assert record.shipping.pickup_point.id == "WAW01N"
    assert record.invoice is not None
    assert record.invoice.tax_ids[0].valid
    assert record.payment is not None
    assert (record.payment.type, record.fully_paid) == (PaymentType.ONLINE, True)
    assert record.buyer_note == "proszę o paragon"
    assert record.buyer.guest


async def test_prices_that_do_not_divide_still_add_up(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    for total, pieces in (("10.00", 3), ("0.01", 7), ("99.99", 8), ("1.00", 6)):
        row = {"sku": "KUB-BIA", "quantity": pieces, "total": total, "subtotal": "200.00"}
        record = await shop.orders.read_order(simulator.place_order([row]))
        assert isinstance(record, Order)
        assert record.total == record.expected_total()
        assert record.lines[0].sum.amount == Decimal(total)


async def test_drafts_are_no_orders_and_the_trash_is_gone(
    shop: WooCommerce, simulator: WooCommerceSimulator, clock: Clock
) -> None:
    cursor = await shop.orders.start(None)
    draft, thrown = simulator.place_order(MUG), simulator.place_order(MUG)
    simulator.set_status(draft, "checkout-draft")
    simulator.trash(thrown)
    assert (await drain(shop, cursor))[0] == []
    assert await shop.orders.read_order(draft) == Gone(external_id=draft)
    assert await shop.orders.read_order(thrown) == Gone(external_id=thrown)
    assert await shop.orders.read_order("999999") == Gone(external_id="999999")


async def test_an_unreadable_order_comes_with_its_text(
    shop: WooCommerce, simulator: WooCommerceSimulator, clock: Clock
) -> None:
    cursor = await shop.orders.start(None)
    good, bad = simulator.place_order(MUG), simulator.place_order(MUG)
    simulator.corrupt(bad)
    records, _ = await drain(shop, cursor)
    kinds = {record.external_id: type(record) for record in records}
    assert kinds == {good: Order, bad: Unreadable}


async def test_the_sweep_finds_what_has_no_date_of_change(
    shop: WooCommerce, simulator: WooCommerceSimulator, clock: Clock
) -> None:
    """Plugins that write past WooCommerce leave the date alone; new orders are swept by their own date."""
    began = clock.at
    cursor = await shop.orders.start(None)
    simulator.drop_events(1)
    silent = simulator.place_order(MUG)
    told = simulator.place_order(MUG)
    records, _ = await drain(shop, cursor)
    assert ids(records) == [told]
    swept: list[str] = []
    place: Cursor | None = None
    while True:
        page = await shop.orders.sweep(began, place)
        swept += ids(list(page.records))
        place = page.cursor
        if not page.more:
            break
    assert swept == [silent, told]


async def test_an_order_of_the_very_second_at_which_a_sweep_begins_is_in_one_of_its_halves(
    shop: WooCommerce, simulator: WooCommerceSimulator, clock: Clock
) -> None:
    """The first half leaves its bound out, so the second, of what was changed since, takes it in."""
    order = simulator.place_order(MUG)
    edge = clock.at + timedelta(minutes=5)
    clock.pass_(10)
    simulator.touch(order)
    clock.pass_(600)
    swept: list[str] = []
    page = await shop.orders.sweep(edge, None)
    swept += ids(list(page.records))
    while page.more:
        page = await shop.orders.sweep(edge, page.cursor)
        swept += ids(list(page.records))
    assert swept == [order]


async def test_a_row_that_was_counted_and_not_shown_is_looked_for_again(
    shop: WooCommerce, simulator: WooCommerceSimulator, clock: Clock
) -> None:
    """The time of an answer that did not bring all says nothing of how far the list was read."""
    cursor = await shop.orders.start(None)
    clock.pass_(600)
    slow = int(simulator.place_order(MUG))
    hidden = simulator.ledger.sheets.pop(slow)
    entry = simulator.ledger.by_modified.pop()
    simulator.ledger.by_created.pop()
    simulator.pager.count_wrong(+1)
    clock.pass_(600)
    records, cursor = await drain(shop, cursor)
    assert records == []
    simulator.ledger.sheets[slow] = hidden
    simulator.ledger.by_modified.append(entry)
    simulator.ledger.by_created.append(entry)
    simulator.pager.count_wrong(0)
    records, cursor = await drain(shop, cursor)
    assert ids(records) == [str(slow)]


async def test_orders_of_the_first_second_are_counted_and_of_the_last_not(
    shop: WooCommerce, simulator: WooCommerceSimulator, clock: Clock
) -> None:
    """Two days that follow each other count an order at midnight once."""
    simulator.place_order(MUG)
    midnight, day = clock.at, timedelta(days=1)
    assert await shop.orders.count_orders(midnight, midnight + day) == 1
    assert await shop.orders.count_orders(midnight - day, midnight) == 0


async def test_a_cursor_of_somebody_else_is_refused(shop: WooCommerce) -> None:
    with pytest.raises(ContractBroken, match="not a cursor"):
        await shop.orders.pull(Cursor("event-17"))


async def test_an_order_pushed_net_comes_back_equal(shop: WooCommerce) -> None:
    """What the shop tells of a forwarded order can be forwarded again, to the grosz."""
    push = push_of(lines=(line("1", "3.79", 7, sku="WOD-1L"), line("2", "0.03", sku="MIO-LIP")))
    receipt = await shop.push_order(push)
    record = await shop.orders.read_order(receipt.external_id)
    assert isinstance(record, Order)
    again = push_of("B1")
    again = msgspec.structs.replace(again, order=record)
    assert (await shop.push_order(again)).total == push.order.total
