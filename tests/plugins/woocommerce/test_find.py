"""Finding an order after a lost answer."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from olhubd.plugin import OutcomeUnknown, Temporary, Unavailable
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator, listing
from olhubd_woocommerce.connector import WooCommerce
from tests.plugins.woocommerce.orders import open_shop, push_of

POST = "^POST /wp-json/wc/v3/orders$"
KINDS = (FaultKind.LOSE, FaultKind.RESET, FaultKind.HALF, FaultKind.ERROR_AFTER, FaultKind.LATE)


AGE = timedelta(seconds=5)


@pytest.mark.parametrize("kind", KINDS)
async def test_an_order_whose_answer_was_lost_is_found(
    kind: FaultKind, shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    simulator.faults.add(Fault(kind=kind, match=POST, seconds=0.01))
    push = push_of()
    with pytest.raises(OutcomeUnknown):
        await shop.push_order(push)
    while not simulator.books():
        await asyncio.sleep(0.005)
    found = await shop.find_order(push.reference, AGE)
    assert found is not None
    assert found.total == push.order.total
    assert (found.external_id, found.status) == ("501", "processing")
    assert simulator.calls["POST /wc/v3/orders"] == 1


async def test_an_order_that_never_arrived_is_not_found(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    simulator.faults.add(Fault(kind=FaultKind.CUT, match=POST))
    with pytest.raises(OutcomeUnknown):
        await shop.push_order(push_of())
    assert await shop.find_order("allegro:A1", AGE) is None


@pytest.mark.parametrize("ignored", ["after", "created_via", "status", "dates_are_gmt"])
async def test_found_whatever_filter_the_shop_does_not_know(
    ignored: str, shop: WooCommerce, simulator: WooCommerceSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A filter that is ignored lets more rows through, and one that hides would hide the order: neither matters."""
    rows = listing.rows
    monkeypatch.setattr(
        listing,
        "rows",
        lambda ledger, params: rows(ledger, {k: v for k, v in params.items() if k != ignored}),
    )
    simulator.place_order([{"sku": "KUB-BIA", "quantity": 1}])
    await shop.push_order(push_of())
    assert await shop.find_order("allegro:A1", AGE) is not None
    assert await shop.find_order("allegro:A", AGE) is None


async def test_found_where_the_shop_dropped_our_mark_of_origin(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    receipt = await shop.push_order(push_of())
    simulator.ledger.sheets[int(receipt.external_id)].doc["created_via"] = "rest-api"
    assert await shop.find_order("allegro:A1", AGE) is not None


async def test_found_in_the_trash(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """Somebody threw it away already: it is not to be made a second time for that."""
    receipt = await shop.push_order(push_of())
    simulator.trash(receipt.external_id)
    found = await shop.find_order("allegro:A1", AGE)
    assert found is not None
    assert found.status == "trash"


@pytest.mark.parametrize(
    "faulty", [Fault(kind=FaultKind.ERROR, status=503), Fault(kind=FaultKind.ERROR, status=200)]
)
async def test_a_shop_that_cannot_be_read_gives_no_answer(
    faulty: Fault, shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    await shop.push_order(push_of())
    faulty.times = None
    simulator.faults.add(faulty)
    with pytest.raises(Temporary):
        await shop.find_order("allegro:A1", AGE)


async def test_rows_that_vanish_while_reading_hide_nothing(
    shop: WooCommerce, simulator: WooCommerceSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deletion between two pages pulls the rows up; the reading notices and begins anew."""
    receipt = await shop.push_order(push_of())
    for _ in range(120):
        simulator.place_order([{"sku": "KUB-BIA", "quantity": 1}])
    fetch = shop._shop.fetch
    deleted: list[int] = []

    async def get(path, query, into, **how):  # type: ignore[no-untyped-def]
        rows, answer = await fetch(path, query, into, **how)
        if query and query.get("offset") == 0 and len(deleted) < 30:
            for number in sorted(simulator.ledger.sheets)[-15:]:
                simulator.delete(number)
                deleted.append(number)
        return rows, answer

    monkeypatch.setattr(shop._shop, "fetch", get)
    found = await shop.find_order("allegro:A1", AGE)
    assert len(deleted) == 30
    assert found is not None
    assert found.external_id == receipt.external_id


async def test_a_shop_that_never_stands_still_gives_no_answer(
    shop: WooCommerce, simulator: WooCommerceSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(300):
        simulator.place_order([{"sku": "KUB-BIA", "quantity": 1}])
    fetch = shop._shop.fetch

    async def get(path, query, into, **how):  # type: ignore[no-untyped-def]
        rows, answer = await fetch(path, query, into, **how)
        for row in rows[-2:]:
            simulator.delete(row.id)
        return rows, answer

    monkeypatch.setattr(shop._shop, "fetch", get)
    with pytest.raises(Unavailable, match="faster"):
        await shop.find_order("allegro:none", AGE)


async def test_many_searches_read_far_back_once(
    shop: WooCommerce, simulator: WooCommerceSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an outage of days, each waiting order is searched; only the first search pays for the days."""
    now = simulator.ledger.now
    simulator.ledger.now = lambda: datetime(2020, 1, 1, tzinfo=UTC)
    for _ in range(350):
        simulator.place_order([{"sku": "KUB-BIA", "quantity": 1}])
    simulator.ledger.now = now
    await shop.push_order(push_of())
    asked = 0
    fetch = shop._shop.fetch

    async def counting(path, query, into, **how):  # type: ignore[no-untyped-def]
        nonlocal asked
        asked += 1
        return await fetch(path, query, into, **how)

    monkeypatch.setattr(shop._shop, "fetch", counting)
    old = timedelta(days=5000)
    assert await shop.find_order("allegro:A1", old) is not None
    first, asked = asked, 0
    assert await shop.find_order("allegro:A1", old) is not None
    assert await shop.find_order("allegro:none", old) is None
    assert first >= 5
    assert asked == 5  # twice the young ones and the trash, and the order that was found


async def test_what_comes_after_a_search_is_found_by_the_next(shop: WooCommerce) -> None:
    """What is remembered never stands for what is young."""
    assert await shop.find_order("allegro:A1", AGE) is None
    receipt = await shop.push_order(push_of())
    found = await shop.find_order("allegro:A1", AGE)
    assert found is not None
    assert found.external_id == receipt.external_id


async def test_a_remembered_order_that_was_deleted_is_not_reported(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    receipt = await shop.push_order(push_of())
    old = timedelta(days=5000)
    assert await shop.find_order("allegro:A1", old) is not None
    simulator.delete(receipt.external_id)
    with pytest.raises(Unavailable, match="vanished"):
        await shop.find_order("allegro:A1", old)
    assert await shop.find_order("allegro:A1", old) is None


@pytest.mark.parametrize("age", [timedelta(hours=1), timedelta(days=1)], ids=["as far back", "farther back"])
async def test_what_is_read_anew_counts_more_than_what_is_remembered(
    age: timedelta, shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    """Somebody threw the order away, and it was made anew."""
    first = await shop.push_order(push_of())
    simulator.trash(first.external_id)
    found = await shop.find_order("allegro:A1", timedelta(hours=1))
    assert found is not None
    assert found.status == "trash"
    again = await shop.push_order(push_of())
    found = await shop.find_order("allegro:A1", age)
    assert found is not None
    assert found.external_id == again.external_id


async def test_what_came_during_a_search_that_took_long_is_found_by_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It stands before the pages that are still to be read, so only what is older than the first is known."""
    simulator, aside, pages = WooCommerceSimulator(verify_signatures=False), timedelta(), 0
    simulator.now = simulator.ledger.now = lambda: datetime.now(UTC) + aside
    for _ in range(150):
        simulator.place_order([{"sku": "KUB-BIA", "quantity": 1}])
    async with open_shop(simulator) as shop:
        fetch = shop._shop.fetch

        async def slow(path, query, into, **how):  # type: ignore[no-untyped-def]
            nonlocal aside, pages
            rows, answer = await fetch(path, query, into, **how)
            pages += "offset" in (query or {})
            if pages == 1 and not aside:
                aside = timedelta(minutes=1)
                await shop.push_order(push_of())
                aside = timedelta(minutes=30)
            return rows, answer

        monkeypatch.setattr(shop._shop, "fetch", slow)
        old = timedelta(days=5000)
        assert await shop.find_order("allegro:none", old) is None
        assert pages > 1, "another page was read, long after the first"
        assert await shop.find_order("allegro:A1", old) is not None


@pytest.mark.parametrize("aside", [timedelta(minutes=-14), timedelta(minutes=14)])
async def test_found_by_the_shops_own_clock_however_far_it_is_from_ours(
    aside: timedelta, shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    simulator.now = simulator.ledger.now = lambda: datetime.now(UTC) + aside
    receipt = await shop.push_order(push_of())
    found = await shop.find_order("allegro:A1", AGE)
    assert found is not None
    assert found.external_id == receipt.external_id


async def test_of_a_pair_the_older_order_is_found(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """The one that was made first is the one that people work on; the second is theirs to see."""
    first = await shop.push_order(push_of())
    second = await shop.push_order(push_of())
    assert first.external_id != second.external_id
    found = await shop.find_order("allegro:A1", AGE)
    assert found is not None
    assert found.external_id == first.external_id


async def test_clocks_of_one_shop_may_differ_by_minutes(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """The database that dates an order is another machine than the server that dates the answer."""
    now = simulator.ledger.now
    simulator.ledger.now = lambda: now() - timedelta(minutes=4)
    receipt = await shop.push_order(push_of())
    found = await shop.find_order("allegro:A1", AGE)
    assert found is not None
    assert found.external_id == receipt.external_id


async def test_without_a_known_age_all_orders_are_read(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    now = simulator.ledger.now
    simulator.ledger.now = lambda: datetime(2001, 1, 1, tzinfo=UTC)
    await shop.push_order(push_of())
    simulator.ledger.now = now
    assert await shop.find_order("allegro:A1", AGE) is None
    assert await shop.find_order("allegro:A1", None) is not None


async def test_a_clock_of_the_shop_that_was_put_forward_hides_no_order() -> None:
    """What was made before bears the earlier time. The same where this machine was asleep meanwhile."""
    simulator = WooCommerceSimulator(verify_signatures=False)
    async with open_shop(simulator) as shop:
        receipt = await shop.push_order(push_of())
        simulator.now = simulator.ledger.now = lambda: datetime.now(UTC) + timedelta(hours=2)
        simulator.place_order([{"sku": "KUB-BIA", "quantity": 1}])
        await shop.statuses()  # any answer tells the new time
        found = await shop.find_order("allegro:A1", timedelta(seconds=10))
        assert found is not None
        assert found.external_id == receipt.external_id


async def test_a_senseless_time_of_the_shop_does_not_have_all_its_orders_read_for_ever() -> None:
    simulator = WooCommerceSimulator(verify_signatures=False)
    async with open_shop(simulator) as shop:
        await shop.statuses()
        now = shop._shop.earliest
        simulator.now = lambda: datetime(2001, 1, 1, tzinfo=UTC)
        await shop.statuses()
        assert now is not None
        assert shop._shop.earliest is not None
        assert abs(shop._shop.earliest - now) < timedelta(minutes=10)
