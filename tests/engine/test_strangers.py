"""Orders that an earlier process may have sent: looked for when off, known again when a shop tells of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from olhubd.decide.route import Route
from olhubd.engine.feed.caught_up import caught_up
from olhubd.engine.flow.landing import Landing
from olhubd.engine.lineage import Lineage
from olhubd.engine.outbox.attempt import DeliveryOutcome
from olhubd.engine.outbox.booking import book
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import Cause, DeliveryState, Fulfilment, OrderId, Run, RunId, Shipment, Stage
from olhubd.plugin import Gone
from olhubd.runtime.clock import SystemClock
from olhubd.store import Database, Transaction, deliveries, strangers, target_orders
from tests.engine.test_landing import Bench
from tests.orders import EPOCH, line, order, pln


@pytest.fixture
def bench(database: Database, clock: SystemClock) -> Bench:
    """Nothing is proved of this bench until its feed `reached` its end."""
    bench = Bench(database, clock)
    bench.lineage = Lineage(clock)
    bench.landing = Landing(database, clock, lambda: bench.routes, bench.woken.extend, None, bench.lineage)
    return bench


async def test_an_order_first_seen_cancelled_is_looked_for(bench: Bench) -> None:
    await bench.land(order("A", stage=Stage.CANCELLED))
    assert await bench.owed() == [("shop", "push-order", DeliveryState.PENDING)]


async def test_an_order_that_came_and_went_in_this_process_is_not_looked_for(bench: Bench) -> None:
    await caught_up(bench.database, bench.lineage, "allegro")
    await bench.land(order("A", stage=Stage.CANCELLED))
    assert await bench.owed() == []


async def test_an_order_that_ripened_and_was_cancelled_unseen_is_looked_for(bench: Bench) -> None:
    await bench.land(order("A", stage=Stage.PLACED))
    await bench.land(order("A", stage=Stage.CANCELLED))
    assert await bench.owed() == [("shop", "push-order", DeliveryState.PENDING)]


async def test_what_waits_to_be_sent_is_looked_up_before_it_is_dropped(bench: Bench) -> None:
    await bench.land(order("A"))
    await bench.land(order("A", stage=Stage.CANCELLED))
    assert await bench.owed() == [("shop", "push-order", DeliveryState.RETRY)]


async def test_an_order_that_another_took_over_is_looked_for(bench: Bench) -> None:
    await bench.land(order("A", stage=Stage.PLACED))
    await bench.land(order("B", lines=order("A").lines, updated_at=EPOCH.replace(hour=13)))
    assert await bench.owed(1) == [("shop", "push-order", DeliveryState.PENDING)]


async def test_what_a_sweep_finds_cancelled_is_looked_for_at_any_time(bench: Bench) -> None:
    """The feed had not told it, so it may be from before this process."""
    await caught_up(bench.database, bench.lineage, "allegro")
    run = Run(id=RunId(1), account="allegro", feed="orders.sweep", trigger="timer", started_at=EPOCH)
    await bench.landing.land("allegro", [order("A", stage=Stage.CANCELLED)], run=run)
    assert await bench.owed() == [("shop", "push-order", DeliveryState.PENDING)]


@pytest.mark.parametrize("state", [DeliveryState.PENDING, DeliveryState.RETRY, DeliveryState.HOLD])
async def test_what_a_shop_tells_to_be_there_is_looked_up_and_not_sent(bench: Bench, state: DeliveryState) -> None:
    await bench.land(order("A"))
    await bench.move(1, state)
    await bench.land(order("77", reference="allegro:A"), account="shop")
    assert await bench.owed() == [("shop", "push-order", DeliveryState.SENT)]
    assert "copy.found" in await bench.kinds(1)


async def test_what_is_under_way_stays_so(bench: Bench) -> None:
    await bench.land(order("A"))
    await bench.move(1, DeliveryState.SENT, lease_until=EPOCH)
    before = await deliveries.of_orders(bench.database.reader, [1])
    await bench.land(order("77", reference="allegro:A"), account="shop")
    assert await bench.owed() == [("shop", "push-order", DeliveryState.SENT)]
    assert await deliveries.of_orders(bench.database.reader, [1]) == before, "no second look beside its own"


async def test_what_a_person_gave_up_and_a_shop_has_all_the_same_is_told_once(bench: Bench) -> None:
    """It would be shipped. Whoever lets it go has it looked up, though it was never sent from here."""
    await bench.land(order("A"))
    await bench.move(1, DeliveryState.DISCARDED)
    await bench.land(order("77", reference="allegro:A"), account="shop")
    (held,) = await deliveries.listing(bench.database.reader, states=[DeliveryState.HOLD])
    assert (held.reason or "").startswith("it was given up here, and shop has it as 77:")
    assert held.sent_at is not None
    await bench.move(1, DeliveryState.DISCARDED)
    await bench.land(order("77", reference="allegro:A"), account="shop")
    assert await bench.owed() == [("shop", "push-order", DeliveryState.DISCARDED)]


async def test_what_a_person_gave_up_and_a_shop_has_as_cancelled_is_let_be(bench: Bench) -> None:
    await bench.land(order("A"))
    await bench.move(1, DeliveryState.DISCARDED)
    await bench.land(order("77", reference="allegro:A", stage=Stage.CANCELLED), account="shop")
    assert await bench.owed() == [("shop", "push-order", DeliveryState.DISCARDED)]


async def test_an_order_that_nobody_owes_is_looked_for_and_never_made(bench: Bench) -> None:
    await bench.land(order("A", stage=Stage.PLACED))
    await bench.land(order("77", reference="allegro:A"), account="shop")
    (push,) = (await deliveries.of_orders(bench.database.reader, [1]))[OrderId(1)]
    assert (push.state, bytes(push.payload)) == (DeliveryState.PENDING, b'{"only_found":true}')


async def test_an_order_that_was_dropped_and_that_the_shop_has_is_looked_for_and_never_made(bench: Bench) -> None:
    """It was cancelled before it went, and is on again without being finished: nobody owes it."""
    await caught_up(bench.database, bench.lineage, "allegro")
    await bench.land(order("A"))
    await bench.land(order("A", stage=Stage.CANCELLED))
    assert await bench.owed() == [("shop", "push-order", DeliveryState.DROPPED)]
    await bench.land(order("A", stage=Stage.PLACED))
    await bench.land(order("77", reference="allegro:A"), account="shop")
    (push,) = (await deliveries.of_orders(bench.database.reader, [1]))[OrderId(1)]
    assert (push.state, bytes(push.payload)) == (DeliveryState.PENDING, b'{"only_found":true}')


async def test_what_was_looked_for_in_vain_is_owed_like_any_other_once_it_is_wanted(bench: Bench) -> None:
    """What is owed then is the order, and no look at what the shop has; nor is a rule lifted any more."""
    await bench.land(order("A", stage=Stage.PLACED))
    await bench.land(order("77", reference="allegro:A"), account="shop")
    waived = msgspec.Raw(b'{"free_lines":true,"only_found":true}')
    await bench.move(1, DeliveryState.DROPPED, payload=waived)
    await bench.land(order("A"))
    (push,) = (await deliveries.of_orders(bench.database.reader, [1]))[OrderId(1)]
    assert (push.state, bytes(push.payload)) == (DeliveryState.PENDING, b"{}")


async def test_an_order_that_the_shop_told_of_first_is_looked_for_when_it_lands(bench: Bench) -> None:
    await bench.land(order("77", reference="allegro:A"), account="shop")
    await bench.land(order("A", stage=Stage.PLACED))
    (push,) = (await deliveries.of_orders(bench.database.reader, [1]))[OrderId(1)]
    assert bytes(push.payload) == b'{"only_found":true}'


async def test_another_hubs_order_is_let_be(bench: Bench) -> None:
    bench.routes.clear()
    await bench.land(order("A", stage=Stage.PLACED))
    await bench.land(order("77", reference="allegro:A"), account="shop")
    assert await bench.owed() == []


async def arrive(bench: Bench, external_id: str) -> None:
    """The look-up has found the order of the hub in the shop."""
    copy = target_orders.TargetOrder(
        order_id=OrderId(1), account="shop", external_id=external_id, total=pln("15.00"), created_at=EPOCH
    )

    async def work(tx: Transaction) -> None:
        owed = (await deliveries.of_orders(tx, [1]))[OrderId(1)]
        (push,) = (one for one in owed if one.target == "shop")
        recorder = Recorder(tx, bench.clock.now(), Cause("start", "dispatcher"), decided=True)
        await book(tx, recorder, "shop", [arrived(push, copy)], (), bench.routes)

    await bench.database.write(work)


def arrived(push: Any, copy: target_orders.TargetOrder) -> Any:
    done = msgspec.structs.replace(push, state=DeliveryState.CONFIRMED, external_id=copy.external_id)
    return DeliveryOutcome(delivery=done, account="allegro", event="delivery.confirmed", copy=copy)


async def test_parcels_that_were_told_too_early_go_back_when_the_copy_is_known(bench: Bench) -> None:
    parcel = Shipment(carrier="INPOST", waybill="630")
    await bench.land(order("77", reference="allegro:A", shipments=(parcel,)), account="shop")
    await bench.land(order("A"))
    await arrive(bench, "77")
    assert ("allegro", "add-shipment", DeliveryState.PENDING) in await bench.owed()
    assert await strangers.by_reference(bench.database.reader, ["allegro:A"]) == []


async def test_of_parcels_that_were_told_too_early_the_last_telling_counts(bench: Bench) -> None:
    """A shop tells of an order when it is paid, and once more when it is packed."""
    parcel = Shipment(carrier="INPOST", waybill="630")
    for number, shipments in enumerate([(), (parcel,)]):
        at = EPOCH.replace(hour=13 + number)
        told = order("77", reference="allegro:A", shipments=shipments, updated_at=at)
        await bench.land(told, account="shop")
    await bench.land(order("A"))
    await arrive(bench, "77")
    assert ("allegro", "add-shipment", DeliveryState.PENDING) in await bench.owed()


async def test_a_second_order_that_was_told_too_early_is_a_double_when_the_copy_is_known(bench: Bench) -> None:
    """Both were told before either was known: one is the copy, the other one waits for a person."""
    for number in ("77", "78"):
        await bench.land(order(number, reference="allegro:A"), account="shop")
    await bench.land(order("A"))
    await arrive(bench, "77")
    assert (await bench.kinds(1)).count("copy.doubled") == 1
    (amendment,) = [
        d
        for d in (await deliveries.of_orders(bench.database.reader, [1]))[OrderId(1)]
        if d.action.value == "amend-order"
    ]
    assert amendment.key == "copy.doubled:78"


async def test_what_another_shop_told_too_early_is_no_double_here(bench: Bench) -> None:
    """The order goes to two shops, each of which has it once."""
    bench.routes.append(Route(target="outlet", sources=frozenset({"allegro"})))
    await bench.land(order("4711", reference="allegro:A"), account="outlet")
    await bench.land(order("A"))
    await arrive(bench, "77")
    assert "copy.doubled" not in await bench.kinds(1)
    (waits,) = await strangers.by_reference(bench.database.reader, ["allegro:A"])
    assert (waits.account, waits.external_id) == ("outlet", "4711")


async def test_a_double_waits_for_a_person(bench: Bench) -> None:
    await bench.land(order("A"))
    await bench.move(1, DeliveryState.CONFIRMED, sent_at=EPOCH)
    for _ in range(2):
        await bench.land(order("78", reference="allegro:A"), account="shop")
    assert (await bench.owed())[1:] == [("shop", "amend-order", DeliveryState.PENDING)]


async def test_a_number_that_bears_another_mark_tells_nothing_of_the_order_that_had_it(bench: Bench) -> None:
    """The shop was set back and counts on from there: what becomes of the other order is not the first one's."""
    bench.routes[0] = msgspec.structs.replace(bench.routes[0], status_back={"completed": "SENT"})
    await bench.land(order("A"))
    await bench.move(1, DeliveryState.CONFIRMED, sent_at=EPOCH)
    await bench.land(order("B", lines=(line("B-1"),)))
    await bench.move(2, DeliveryState.HOLD, sent_at=EPOCH)
    parcel = Shipment(waybill="620999000111222333444555", carrier="INPOST")
    told = order("77", reference="allegro:B", external_stage="completed", shipments=(parcel,))
    await bench.land(told, account="shop")
    assert [one for one in await bench.owed() if one[0] == "allegro"] == []
    assert not {"copy.status-changed", "copy.shipped"}.intersection(await bench.kinds(1))
    assert "copy.found" in await bench.kinds(2)


async def wanted(bench: Bench) -> list[strangers.Stranger]:
    return await strangers.unknown(bench.database.reader)


async def test_an_order_of_ours_that_is_not_known_waits_until_it_comes(bench: Bench) -> None:
    await bench.land(order("77", reference="allegro:A", number="1077"), account="shop")
    (one,) = await wanted(bench)
    assert (one.account, one.number, one.reference, one.since) == ("shop", "1077", "allegro:A", one.seen_at)
    await bench.land(order("A"))
    assert await wanted(bench) == []


@pytest.mark.parametrize(
    "end", [{"stage": Stage.CANCELLED}, {"fulfilment": Fulfilment.DELIVERED}, {"fulfilment": Fulfilment.CANCELLED}]
)
async def test_one_that_is_cancelled_or_delivered_waits_no_more(bench: Bench, end: dict[str, Any]) -> None:
    await bench.land(order("77", reference="allegro:A"), account="shop")
    await bench.land(order("77", reference="allegro:A", **end), account="shop")
    assert await wanted(bench) == []


async def test_one_that_is_sent_waits_for_its_parcels_are_told_to_nobody(bench: Bench) -> None:
    await bench.land(order("77", reference="allegro:A", fulfilment=Fulfilment.SENT), account="shop")
    assert len(await wanted(bench)) == 1


async def test_one_whose_order_is_gone_waits_and_that_is_known(bench: Bench) -> None:
    await bench.land(order("77", reference="allegro:A"), account="shop")
    await bench.land(Gone(external_id="A"), Gone(external_id="B"))
    (one,) = await wanted(bench)
    assert one.answer is strangers.StrangerAnswer.OFF


async def test_one_from_before_the_start_is_nobodys_business_unless_it_is_cancelled(bench: Bench) -> None:
    for number, mark in (("77", "A"), ("78", "B")):
        await bench.land(order(number, reference=f"allegro:{mark}"), account="shop")
    later = EPOCH + timedelta(days=9)
    await bench.land(order("A"), order("B", stage=Stage.CANCELLED), start=later)
    (one,) = await wanted(bench)
    assert (one.external_id, one.answer) == ("78", strangers.StrangerAnswer.OFF)


async def test_what_a_person_gave_up_stays_so_however_often_it_is_told(bench: Bench) -> None:
    await bench.land(order("77", reference="allegro:A"), account="shop")
    assert await bench.database.write(lambda tx: strangers.discard(tx, "shop", "77", EPOCH))
    assert not await bench.database.write(lambda tx: strangers.discard(tx, "shop", "77", EPOCH))
    await bench.land(order("77", reference="allegro:A"), account="shop")
    assert await wanted(bench) == []


async def test_a_number_that_is_given_anew_is_another_order_that_waits(bench: Bench) -> None:
    await bench.land(order("77", reference="allegro:A"), account="shop")
    await bench.land(Gone(external_id="A"))
    await bench.database.write(lambda tx: strangers.discard(tx, "shop", "77", EPOCH))
    await bench.land(order("77", reference="allegro:B"), account="shop")
    (one,) = await wanted(bench)
    assert (one.reference, one.answer) == ("allegro:B", None)


async def test_what_is_settled_is_forgotten_and_what_waits_is_not(bench: Bench) -> None:
    await bench.land(
        order("77", reference="allegro:A"),
        order("78", reference="allegro:B", stage=Stage.CANCELLED),
        order("79", reference="allegro:C"),
        account="shop",
    )
    await bench.land(order("C"))
    at = bench.clock.now() + timedelta(minutes=1)
    assert await bench.database.write(lambda tx: strangers.prune(tx, at)) == 2
    assert [one.external_id for one in await wanted(bench)] == ["77"]
