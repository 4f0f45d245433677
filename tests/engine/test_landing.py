"""Records become rows, events and planned, in one transaction with the cursor."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from olhubd.decide.route import Route
from olhubd.engine.flow import landing, prepared
from olhubd.engine.flow.flow import Result
from olhubd.engine.flow.landing import Landing
from olhubd.engine.flow.orders import OrderFlow
from olhubd.engine.flow.prepared import Candidate
from olhubd.engine.lineage import Lineage
from olhubd.model import (
    Address,
    Cause,
    Customer,
    DeliveryState,
    Fulfilment,
    Kind,
    Order,
    Run,
    RunId,
    Shipment,
    Shipping,
    Stage,
    code_of,
)
from olhubd.plugin import Gone, Later, Record, Unreadable
from olhubd.runtime.clock import SystemClock
from olhubd.store import (
    Database,
    Transaction,
    deliveries,
    events,
    feeds,
    orders,
    quarantine,
    reread_queue,
    target_orders,
)
from tests.orders import EPOCH, line, order, paid, pln


class Bench:
    """A landing with one route, and short ways to look at what it did."""

    def __init__(self, database: Database, clock: SystemClock) -> None:
        self.database = database
        self.clock = clock
        self.woken: list[str] = []
        self.routes = [Route(target="shop", sources=frozenset({"allegro"}), status_back={"completed": "SENT"})]
        self.landing = Landing(database, clock, lambda: self.routes, self.woken.extend)
        self.lineage = Lineage(clock)

    async def land(
        self, *records: Record, account: str = "allegro", cursor: str | None = None, **more: Any
    ) -> Result:
        run = Run(id=RunId(1), account=account, feed="orders", trigger="timer", started_at=EPOCH)
        position = cursor and feeds.FeedPosition(account=account, feed="orders", cursor=cursor, moved_at=EPOCH)
        return await self.landing.land(account, records, run=run, position=position or None, **more)

    async def kinds(self, order_id: int) -> list[str]:
        return [event.kind for event in await events.of_order(self.database.reader, order_id)]

    async def owed(self, order_id: int = 1) -> list[tuple[str, str, DeliveryState]]:
        found = await deliveries.of_orders(self.database.reader, [order_id])
        return [(d.target, d.action.value, d.state) for d in found.get(order_id, ())]  # type: ignore[call-overload]

    async def move(self, order_id: int, state: DeliveryState, **more: Any) -> None:
        """Let a push be in another state, as the dispatcher would leave it."""

        async def work(tx: Transaction) -> None:
            found = await deliveries.of_orders(tx, [order_id])
            push = msgspec.structs.replace(found[order_id][0], state=state, **more)  # type: ignore[index]
            await deliveries.save(tx, [push])
            if state is DeliveryState.CONFIRMED:
                copy = target_orders.TargetOrder(
                    order_id=push.order_id, account="shop", external_id="77", total=pln("15.00"), created_at=EPOCH
                )
                await target_orders.put(tx, [copy])

        await self.database.write(work)


@pytest.fixture
def bench(database: Database, clock: SystemClock) -> Bench:
    return Bench(database, clock)


async def test_rows_events_deliveries_and_cursor_come_together(bench: Bench) -> None:
    """Invariants 1 and 3."""
    result = await bench.land(order("A"), order("B", stage=Stage.PLACED), cursor="7")
    assert (result.counts.seen, result.counts.added, result.counts.changed) == (2, 2, 0)
    assert bench.woken == ["shop"]
    assert await bench.kinds(1) == ["order.placed", "order.confirmed"]
    assert await bench.owed(1) == [("shop", "push-order", DeliveryState.PENDING)]
    assert await bench.owed(2) == []
    position = await feeds.get(bench.database.reader, "allegro", "orders")
    assert position is not None
    assert position.cursor == "7"


async def test_every_event_has_a_cause_and_every_delivery_its_event(bench: Bench) -> None:
    """Invariant 3."""
    await bench.land(order("A", payment=paid("15.00")))
    history = await events.of_order(bench.database.reader, 1)
    assert {event.cause for event in history} == {Cause("run", "1")}
    (push,) = (await deliveries.of_orders(bench.database.reader, [1]))[1]  # type: ignore[index]
    assert [e.kind for e in history if e.id == push.event_id] == ["order.confirmed"]


async def test_the_same_page_twice_changes_nothing(bench: Bench) -> None:
    """Invariant 2."""
    page = [order(str(i)) for i in range(250)]
    assert (await bench.land(*page)).counts.added == 250
    again = await bench.land(*page)
    assert (again.counts.added, again.counts.changed) == (0, 0)
    assert len(await events.latest(bench.database.reader, limit=10_000)) == 500
    assert len(await bench.owed(1)) == 1


async def test_a_landing_that_is_broken_off_leaves_nothing_at_work(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A daemon that stopped between two batches of a page: the first wrote on into a database that was closed."""
    begun = asyncio.Event()
    hold = asyncio.Event()
    batches = 0

    async def prepare(flow: OrderFlow, batch: Sequence[Order]) -> list[Candidate[Order]]:
        nonlocal batches
        batches += 1
        if batches == 2:
            begun.set()
            await hold.wait()
        return await prepared.prepare(batch, flow.objection)

    async def write(_work: Any) -> None:
        await hold.wait()

    monkeypatch.setattr(landing, "BATCH", 1)
    monkeypatch.setattr(OrderFlow, "prepare", prepare)
    monkeypatch.setattr(bench.database, "write", write)
    before = asyncio.all_tasks()
    working = asyncio.create_task(bench.land(order("A"), order("B")))
    await begun.wait()
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    assert asyncio.all_tasks() == before


async def test_the_last_telling_in_a_page_counts(bench: Bench) -> None:
    await bench.land(order("A", stage=Stage.PLACED), order("A"))
    assert await bench.kinds(1) == ["order.placed", "order.confirmed"]


async def test_what_makes_no_sense_is_kept_aside_and_its_neighbours_land(bench: Bench) -> None:
    """Invariants 1 and 6: one bad record of a page loses nobody, and the cursor moves on."""
    records: Sequence[Record] = (
        order("A"),
        order("B", total=pln("1.00")),
        Unreadable(external_id="C", reason="no such field", raw=b"{}"),
        order("D"),
    )
    result = await bench.land(*records, cursor="9")
    assert (result.counts.added, result.counts.quarantined) == (2, 2)
    kept = {q.external_id: q.reason for q in await quarantine.listing(bench.database.reader)}
    assert "sum up to" in kept["B"]
    assert kept["C"] == "no such field"


@pytest.mark.parametrize(
    ("odd", "error"), [({"sku": ("X", "Y")}, "ProgrammingError"), ({"image": "\ud800"}, "UnicodeEncodeError")]
)
async def test_a_record_that_breaks_the_hub_itself_holds_up_nobody(
    bench: Bench, odd: dict[str, Any], error: str
) -> None:
    """Invariant 1, for what no check foresaw: here a connector that breaks the types it promised."""
    page = [order("A"), order("B", lines=(line("B-1", **odd),)), order("C")]
    result = await bench.land(*page, Unreadable(external_id="D", reason="no such field", raw=b"{}"), cursor="9")
    assert (result.counts.seen, result.counts.added, result.counts.quarantined) == (4, 2, 2)
    kept = {q.external_id: q.reason for q in await quarantine.listing(bench.database.reader)}
    assert kept == {"B": f"the hub failed on it: {error}", "D": "no such field"}
    position = await feeds.get(bench.database.reader, "allegro", "orders")
    assert position is not None
    assert position.cursor == "9"


async def test_what_cannot_be_stored_together_is_told_even_where_each_lands_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else nobody would ever hear of the fault, and each such page would be written twice."""
    land = OrderFlow.land

    async def fail(self: OrderFlow, context: Any, candidates: Sequence[Any]) -> Any:
        if len(candidates) > 1:
            raise KeyError("what nobody foresaw")
        return await land(self, context, candidates)

    monkeypatch.setattr(OrderFlow, "land", fail)
    with structlog.testing.capture_logs() as told:
        bench.landing = Landing(bench.database, bench.clock, list, bench.woken.extend, structlog.get_logger())
        result = await bench.land(order("A"), order("B"))
    assert (result.counts.added, result.counts.quarantined) == (2, 0)
    assert [one["event"] for one in told] == ["records cannot be stored together"]


async def test_quarantine_empties_when_the_record_lands_after_all(bench: Bench) -> None:
    await bench.land(order("B", total=pln("1.00")))
    await bench.land(order("B"))
    assert await quarantine.listing(bench.database.reader) == []
    assert await bench.owed(1) == [("shop", "push-order", DeliveryState.PENDING)]


async def test_an_impossible_date_is_no_reason_to_pass_over_an_order(bench: Bench) -> None:
    """It would be before any start; it is kept aside, for a person to see."""
    result = await bench.land(order("old", placed_at=datetime(1, 1, 1, tzinfo=UTC)), start=EPOCH)
    assert (result.ignored, result.counts.quarantined) == (0, 1)


async def test_orders_before_the_start_are_not_wanted(bench: Bench) -> None:
    """ACC-16. Part of IMP-36."""
    result = await bench.land(order("old"), start=EPOCH + timedelta(seconds=1))
    assert (result.counts.added, result.ignored) == (0, 1)


async def test_a_later_start_does_not_end_what_has_begun(bench: Bench) -> None:
    """Part of ACC-16: an order that is held is cancelled all the same."""
    await bench.land(order("A"))
    result = await bench.land(order("A", stage=Stage.CANCELLED), order("old"), start=EPOCH + timedelta(seconds=1))
    assert (result.counts.added, result.counts.changed, result.ignored) == (0, 1, 1)
    assert await bench.owed() == [("shop", "push-order", DeliveryState.DROPPED)]


async def test_a_time_without_a_zone_is_no_reason_to_fail(bench: Bench) -> None:
    await bench.land(order("A", placed_at=EPOCH.replace(tzinfo=None)), order("B"), start=EPOCH)
    (kept,) = await quarantine.listing(bench.database.reader)
    assert "no time zone" in kept.reason
    assert await bench.owed(1) == [("shop", "push-order", DeliveryState.PENDING)]


async def test_a_cancellation_before_sending_drops_the_debt(bench: Bench) -> None:
    """A cancel may come before the order ever went: then it must never go."""
    await bench.land(order("A"))
    await bench.land(order("A", stage=Stage.CANCELLED))
    assert await bench.owed() == [("shop", "push-order", DeliveryState.DROPPED)]


async def test_a_cancellation_counts_although_the_rest_makes_no_sense(bench: Bench) -> None:
    """A source that empties the sums of a cancelled order must not hide that it is cancelled."""
    await bench.land(order("A"))
    await bench.move(1, DeliveryState.CONFIRMED, sent_at=EPOCH)
    await bench.land(order("A", stage=Stage.CANCELLED, total=pln("0.00")))
    assert ("shop", "cancel-order", DeliveryState.PENDING) in await bench.owed()
    assert await quarantine.listing(bench.database.reader) == []


async def test_the_sellers_own_cancellation_counts_although_the_rest_makes_no_sense(bench: Bench) -> None:
    """The other face of a cancellation: the purchase itself stands, and the seller has called it off."""
    await bench.land(order("A"))
    await bench.move(1, DeliveryState.CONFIRMED, sent_at=EPOCH)
    await bench.land(order("A", fulfilment=Fulfilment.CANCELLED, total=pln("0.00")))
    assert ("shop", "cancel-order", DeliveryState.PENDING) in await bench.owed()
    assert await quarantine.listing(bench.database.reader) == []


async def test_an_order_that_comes_back_to_life_is_owed_again(bench: Bench) -> None:
    await bench.land(order("A"))
    await bench.land(order("A", stage=Stage.CANCELLED))
    await bench.land(order("A"))
    assert await bench.owed() == [("shop", "push-order", DeliveryState.PENDING)]


@pytest.mark.parametrize("state", [DeliveryState.CONFIRMED, DeliveryState.SENT])
async def test_a_cancellation_follows_what_went_or_may_have_gone(bench: Bench, state: DeliveryState) -> None:
    await bench.land(order("A"))
    await bench.move(1, state, sent_at=EPOCH)
    await bench.land(order("A", stage=Stage.CANCELLED))
    assert ("shop", "cancel-order", DeliveryState.PENDING) in await bench.owed()


async def settle(bench: Bench, action: str, state: DeliveryState) -> None:
    """Let the open delivery of this kind be in another state."""

    async def work(tx: Transaction) -> None:
        await tx.execute(
            "UPDATE deliveries SET state = ? WHERE action = ? AND state IN ('pending', 'hold')",
            (state.value, action),
        )

    await bench.database.write(work)


async def test_a_cancellation_that_still_waits_is_not_owed_once_the_order_is_on_again(bench: Bench) -> None:
    """The shop would cancel an order that its buyer waits for."""
    await pushed(bench)
    for _ in range(2):
        await bench.land(order("A", stage=Stage.CANCELLED))
        await bench.land(order("A"))
    assert await bench.owed() == [
        ("shop", "push-order", DeliveryState.CONFIRMED),
        ("shop", "cancel-order", DeliveryState.DROPPED),
        ("shop", "cancel-order", DeliveryState.DROPPED),
    ]


@pytest.mark.parametrize("state", [DeliveryState.CONFIRMED, DeliveryState.HOLD])
async def test_an_order_that_was_cancelled_over_there_and_is_on_again_is_for_a_person(
    bench: Bench, state: DeliveryState
) -> None:
    """And is cancelled a second time like the first."""
    await pushed(bench)
    await bench.land(order("A", stage=Stage.CANCELLED))
    await settle(bench, "cancel-order", state)
    await bench.land(order("A"))
    then = DeliveryState.DROPPED if state is DeliveryState.HOLD else state
    assert (await bench.owed())[1:] == [
        ("shop", "cancel-order", then),
        ("shop", "amend-order", DeliveryState.PENDING),
    ]
    await bench.land(order("A", stage=Stage.CANCELLED))
    assert (await bench.owed())[-1] == ("shop", "cancel-order", DeliveryState.PENDING)


async def test_a_change_by_hand_is_replaced_only_by_one_of_its_kind(bench: Bench) -> None:
    """Part of FWD-26: who changes the price must still be told of the address."""
    await pushed(bench)
    moved = Shipping(cost=pln("5.00"), address=Address(street="Nowa 2", postcode="00-002", city="Warszawa"))
    for quantity, shipping in ((2, None), (2, moved), (3, moved)):
        more = {} if shipping is None else {"shipping": shipping}
        await bench.land(order("A", lines=(line("A-1", quantity=quantity),), **more))
        await settle(bench, "amend-order", DeliveryState.HOLD)
    found = (await deliveries.of_orders(bench.database.reader, [1]))[1]  # type: ignore[index]
    assert [(d.key.partition("#")[0], d.state) for d in found[1:]] == [
        ("order.lines-changed", DeliveryState.DROPPED),
        ("order.address-changed", DeliveryState.HOLD),
        ("order.lines-changed", DeliveryState.HOLD),
    ]


AFTER = pytest.mark.parametrize("after", [timedelta(hours=1), timedelta(0)], ids=["later", "within a second"])
"""When a merge was made: sources tell whole seconds, so that it may seem as old as its parts."""


@AFTER
async def test_merged_purchases_supersede(bench: Bench, after: timedelta) -> None:
    """Invariant 2: each line belongs to one live order; what was forwarded of the old ones is taken back."""
    await bench.land(order("A"), order("B", stage=Stage.PLACED))
    await bench.move(1, DeliveryState.CONFIRMED, sent_at=EPOCH)
    both = order("C", lines=(line("A-1"), line("B-1")), updated_at=EPOCH + after)
    await bench.land(both, Gone(external_id="A"))
    assert "order.superseded" in await bench.kinds(1)
    assert "order.superseded" in await bench.kinds(2)
    assert ("shop", "cancel-order", DeliveryState.PENDING) in await bench.owed(1)
    assert await bench.owed(3) == [("shop", "push-order", DeliveryState.PENDING)]
    # The old telling again changes nothing: a superseded order stays so.
    assert (await bench.land(order("A", buyer_note="late"))).counts.changed == 0


async def test_merge_and_its_parts_in_one_page(bench: Bench) -> None:
    later = EPOCH + timedelta(hours=1)
    both = order("C", lines=(line("A-1"), line("B-1")), updated_at=later)
    await bench.land(both, order("A"), order("B"))
    live = [o.external_id for o in await orders.listing(bench.database.reader) if o.superseded_by is None]
    assert live == ["C"]


async def test_a_line_may_move_to_a_new_order_within_one_page(bench: Bench) -> None:
    """The order that gives it up is stored before the one that has it now, as no line has two owners at a time.

    The page lands as a whole then; landed one by one, the line would seem to be taken from the first order.
    """
    await bench.land(order("A", lines=(line("1"), line("2"))))
    result = await bench.land(order("B", lines=(line("2"),)), order("A", lines=(line("1"),)))
    assert (result.counts.added, result.counts.changed, result.counts.quarantined) == (1, 1, 0)
    owners = await orders.owners(bench.database.reader, "allegro", ["1", "2"])
    assert {mark: owner.external_id for mark, owner in owners.items()} == {"1": "A", "2": "B"}
    assert await bench.kinds(1) == ["order.placed", "order.confirmed", "order.lines-changed"]
    assert await bench.kinds(2) == ["order.placed", "order.confirmed"]


async def test_an_order_that_lost_a_line_to_another_is_read_again(bench: Bench) -> None:
    """What is left of it is known to its source alone."""
    await bench.land(order("A", lines=(line("A-1"), line("A-2"))))
    await bench.land(order("C", lines=(line("A-1"),), updated_at=EPOCH + timedelta(hours=1)))
    assert (await bench.kinds(1))[-1] == "order.lines-moved"
    (wish,) = await reread_queue.due(bench.database.reader, "allegro", Kind.ORDER, bench.clock.now())
    assert (wish.external_id, code_of(wish.reason)) == ("A", "lookup.lines-moved")


async def test_an_order_that_is_told_to_have_lines_of_a_newer_one_is_superseded_and_not_sent(bench: Bench) -> None:
    """It was there before, so it is no new telling: its own change says what has become of it."""
    await bench.land(order("C", lines=(line("C-1"),), updated_at=EPOCH + timedelta(hours=1)))
    await bench.land(order("A", lines=(line("A-1"),)))
    assert await bench.owed(2) == [("shop", "push-order", DeliveryState.PENDING)]
    await bench.land(order("A", lines=(line("C-1"),)))
    assert (await bench.kinds(2))[-1] == "order.superseded"
    assert ("shop", "push-order", DeliveryState.PENDING) not in await bench.owed(2)
    live = [o.external_id for o in await orders.listing(bench.database.reader) if o.superseded_by is None]
    assert live == ["C"]


async def test_a_stale_telling_after_the_merge_is_born_superseded(bench: Bench) -> None:
    later = EPOCH + timedelta(hours=1)
    await bench.land(order("C", lines=(line("A-1"), line("B-1")), updated_at=later))
    await bench.land(order("A"))
    assert await bench.kinds(2) == ["order.placed", "order.confirmed", "order.superseded"]
    assert await bench.owed(2) == []


async def test_gone_is_a_state_told_once(bench: Bench) -> None:
    await bench.land(order("A", stage=Stage.PLACED))
    await bench.land(Gone(external_id="A"))
    await bench.land(Gone(external_id="A"), Gone(external_id="never seen"))
    assert await bench.kinds(1) == ["order.placed", "order.vanished"]


async def test_later_is_remembered(bench: Bench) -> None:
    await bench.land(Later(external_id="A", seconds=30, reason="not ready yet"))
    assert await reread_queue.due(bench.database.reader, "allegro", Kind.ORDER, bench.clock.now()) == []
    (wish,) = await reread_queue.due(
        bench.database.reader, "allegro", Kind.ORDER, bench.clock.now() + timedelta(minutes=1)
    )
    assert wish.external_id == "A"


async def pushed(bench: Bench) -> None:
    await bench.land(order("A"))
    await bench.move(1, DeliveryState.CONFIRMED, sent_at=EPOCH)


async def test_our_own_order_is_recognised_in_the_shops_feed(bench: Bench) -> None:
    """Invariant 15: by our mark, or, where it was lost, by the id the shop gave us."""
    await pushed(bench)
    echo = order("77", reference="allegro:A", external_stage="processing")
    nameless = order("77", external_stage="processing")
    for telling in (echo, nameless):
        result = await bench.land(telling, account="shop")
        assert (result.counts.added, result.echoes) == (0, 1)


async def test_a_run_that_brought_the_shops_progress_is_no_quiet_one(bench: Bench) -> None:
    """Its events name it as their cause, so it must be counted and kept as a run of its own."""
    await pushed(bench)
    told = order("77", reference="allegro:A", external_stage="processing")
    await bench.land(told, account="shop")
    assert (await bench.land(told, account="shop")).counts.changed == 0
    moved = order("77", reference="allegro:A", external_stage="completed")
    assert (await bench.land(moved, account="shop")).counts.changed == 1
    double = order("78", reference="allegro:A")
    assert [(await bench.land(double, account="shop")).counts.changed for _ in range(2)] == [1, 0]


async def test_a_cancellation_that_may_have_happened_is_for_a_person_when_the_order_is_on_again(
    bench: Bench,
) -> None:
    """Its answer was lost; dropping it says nothing of what the shop did."""
    await pushed(bench)
    await bench.land(order("A", stage=Stage.CANCELLED))

    async def tried(tx: Transaction) -> None:
        await tx.execute("UPDATE deliveries SET state = 'retry', attempts = 2 WHERE action = 'cancel-order'")

    await bench.database.write(tried)
    await bench.land(order("A"))
    assert (await bench.owed())[1:] == [
        ("shop", "cancel-order", DeliveryState.DROPPED),
        ("shop", "amend-order", DeliveryState.PENDING),
    ]


async def test_the_shops_progress_goes_back(bench: Bench) -> None:
    await pushed(bench)
    await bench.land(order("77", reference="allegro:A", external_stage="processing"), account="shop")
    parcel = Shipment(carrier="INPOST", waybill="630")
    done = order("77", reference="allegro:A", external_stage="completed", shipments=(parcel,))
    await bench.land(done, account="shop")
    await bench.land(done, account="shop")
    assert (await bench.owed())[1:] == [
        ("allegro", "add-shipment", DeliveryState.PENDING),
        ("allegro", "set-status", DeliveryState.PENDING),
    ]


async def test_a_double_in_the_shop_is_told_once(bench: Bench) -> None:
    """Nothing is silent: two orders with one mark are an event."""
    await pushed(bench)
    for _ in range(2):
        await bench.land(order("78", reference="allegro:A"), account="shop")
    assert (await bench.kinds(1)).count("copy.doubled") == 1


async def test_the_copy_in_another_shop_makes_no_double_of_the_one_here(bench: Bench) -> None:
    """The order goes to two shops, each of which has it once; the second order of one of them is a double."""
    bench.routes.append(Route(target="outlet", sources=frozenset({"allegro"})))
    await pushed(bench)
    await bench.land(order("4711", reference="allegro:A"), account="outlet")
    assert "copy.doubled" not in await bench.kinds(1)
    await bench.land(order("78", reference="allegro:A"), account="shop")
    assert (await bench.kinds(1)).count("copy.doubled") == 1


async def test_what_somebody_did_to_the_money_of_a_copy_leaves_a_trace_once(bench: Bench) -> None:
    """Edited, and paid back in part and then more: each is told once, and nothing is owed for it."""
    await pushed(bench)

    def copy(**told: Any) -> Order:
        return order("77", reference="allegro:A", external_stage="processing", **told)

    await bench.land(copy(), account="shop")
    before, owed = await bench.kinds(1), await bench.owed()
    (line, *_) = copy().lines
    edited = copy(lines=(msgspec.structs.replace(line, quantity=line.quantity + 1),))
    edited = msgspec.structs.replace(edited, total=edited.expected_total())
    for told in (
        edited,
        edited,
        *(msgspec.structs.replace(edited, extra={"refunded": sum_}) for sum_ in ("5", "5", "9")),
    ):
        await bench.land(told, account="shop")
    assert (await bench.kinds(1))[len(before) :] == ["copy.total-changed", "copy.refunded", "copy.refunded"]
    assert await bench.owed() == owed


async def test_the_first_status_that_a_copy_tells_goes_back(bench: Bench) -> None:
    """Part of SYN-16: where the receipt told none, the first one is news too."""
    await pushed(bench)
    await bench.land(order("77", reference="allegro:A", external_stage="completed"), account="shop")
    assert ("allegro", "set-status", DeliveryState.PENDING) in await bench.owed()
    assert "copy.status-changed" in await bench.kinds(1)


async def test_only_the_last_status_waits(bench: Bench) -> None:
    """SYN-20."""
    bench.routes[0] = msgspec.structs.replace(bench.routes[0], status_back={"a": "X", "b": "Y"})
    await pushed(bench)
    for word in ("processing", "a", "b", "a"):
        await bench.land(order("77", reference="allegro:A", external_stage=word), account="shop")
    states = [state for _, action, state in await bench.owed() if action == "set-status"]
    assert states == [DeliveryState.DROPPED, DeliveryState.DROPPED, DeliveryState.PENDING]


tellings = st.lists(
    st.tuples(st.sampled_from("ABC"), st.sampled_from(list(Stage)), st.sampled_from(["", "x", "y"])),
    min_size=1,
    max_size=12,
)


@given(tellings, st.lists(st.integers(1, 4), min_size=1))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_order_of_tellings_owes_each_order_once(
    tmp_path_factory: pytest.TempPathFactory, told: list[tuple[str, Stage, str]], sizes: list[int]
) -> None:
    """Whatever is told, in whatever pages: one row an order, at most one push, owed if and only if it last was ripe
    or had been pushed before."""
    path = tmp_path_factory.mktemp("hub") / "hub.sqlite"
    async with Database.open(path) as database:
        bench = Bench(database, SystemClock())
        rest: list[Order] = [order(name, stage=stage, buyer_note=note) for name, stage, note in told]
        turn = 0
        while rest:
            size = sizes[turn % len(sizes)]
            await bench.land(*rest[:size])
            rest, turn = rest[size:], turn + 1
        last = {name: stage for name, stage, _ in told}
        rows = {row.external_id: row for row in await orders.listing(database.reader)}
        assert rows.keys() == last.keys()
        for name, stage in last.items():
            owed = await bench.owed(rows[name].id)
            assert len(owed) <= 1
            if stage is Stage.CONFIRMED:
                assert owed == [("shop", "push-order", DeliveryState.PENDING)]
            if stage is Stage.CANCELLED:
                assert owed in ([], [("shop", "push-order", DeliveryState.DROPPED)])


@pytest.mark.parametrize(
    "odd",
    [
        None,
        {"id": 7},
        "an order",
        object(),
        Gone(external_id=None),  # type: ignore[arg-type]
        Unreadable(external_id="7", reason="broken", raw="text"),  # type: ignore[arg-type]
        Later(external_id="\ud800", seconds=1.0, reason="not yet"),
        Later(external_id="7", seconds=1.0, reason="not yet", kind="chair"),  # type: ignore[arg-type]
        Gone(external_id="7", kind=["order"]),  # type: ignore[arg-type]
        Unreadable(external_id="7", reason="broken", raw=b"{}", kind=7),  # type: ignore[arg-type]
    ],
)
async def test_what_is_no_record_is_kept_aside_by_its_kind(bench: Bench, odd: Any) -> None:
    """The cursor moves over it, so nobody would ever ask for it again."""
    result = await bench.land(order("A"), odd, order("B"), cursor="9")
    assert (result.counts.seen, result.counts.added, result.counts.quarantined) == (3, 2, 1)
    (kept,) = await quarantine.listing(bench.database.reader)
    kind = type(odd).__name__
    assert kept.kind == kind
    assert kept.external_id.startswith(f"{kind}-")
    assert kept.reason == f"{kind} is no kind of record"
    assert kept.raw
    await bench.land(odd, {"another": "one"})  # type: ignore[arg-type]
    assert len(await quarantine.listing(bench.database.reader)) == 2, "one that is told again is the same one"


async def test_an_order_and_a_customer_of_one_number_are_two_records(bench: Bench) -> None:
    """Many systems number each of their tables from 1. What nothing takes yet is kept, and waited for by nobody."""
    empty = msgspec.structs.replace(order("5"), lines=())
    customer = Customer(key="5", account="allegro")
    unread = Unreadable(kind=Kind.CUSTOMER, external_id="8", reason="no name", raw=b"{}")
    others: list[Any] = [
        customer,
        Gone(kind=Kind.CUSTOMER, external_id="6"),
        Later(kind=Kind.OFFER, external_id="5", seconds=1.0, reason="not yet"),
        unread,
    ]
    result = await bench.land(empty, order("6"), *others, cursor="9")
    assert (result.counts.seen, result.counts.added, result.counts.quarantined, result.later) == (6, 1, 5, 0)

    async def kept() -> dict[tuple[str, str], str]:
        found = await quarantine.listing(bench.database.reader)
        return {(one.kind, one.external_id): one.reason for one in found}

    nothing = {
        ("customer", "5"): "the hub carries no customer records yet",
        ("customer", "6"): "the hub carries no customer records yet",
        ("offer", "5"): "the hub reads no single offer record again",
        ("customer", "8"): "no name",
    }
    assert await kept() == {("order", "5"): "it has no lines", **nothing}
    assert "order.vanished" not in await bench.kinds(1)
    assert (await feeds.get(bench.database.reader, "allegro", "orders")).cursor == "9"  # type: ignore[union-attr]
    result = await bench.land(order("5"))
    assert result.counts.added == 1
    assert await kept() == nothing, "the order has landed, and nothing else"


@pytest.mark.parametrize("pause", [float("nan"), float("inf"), -3.0, "soon", None])
async def test_a_pause_that_is_none_holds_up_no_page(bench: Bench, pause: Any) -> None:
    result = await bench.land(order("A"), Later(external_id="B", seconds=pause, reason="not yet"), cursor="9")
    assert (result.counts.added, result.later) == (1, 1)


async def test_an_order_of_the_second_in_which_it_began_is_wanted(bench: Bench) -> None:
    """Sources that tell whole seconds: what was bought just after the account began was placed before, it seems."""
    result = await bench.land(order("new", placed_at=EPOCH), start=EPOCH + timedelta(milliseconds=540))
    assert (result.counts.added, result.ignored) == (1, 0)
    result = await bench.land(order("old", placed_at=EPOCH - timedelta(seconds=1)), start=EPOCH)
    assert (result.counts.added, result.ignored) == (0, 1)


async def test_a_page_of_many_batches_moves_the_cursor_with_the_last(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 1. A process that dies between two transactions of a page leaves the cursor before all of it."""
    monkeypatch.setattr(landing, "BATCH", 2)
    page = [order(str(i)) for i in range(5)]
    write, lives = bench.database.write, 0

    async def dies(work: Any) -> Any:
        nonlocal lives
        if lives == 0:
            raise sqlite3.OperationalError("the process died here")
        lives -= 1
        return await write(work)

    for landed in (1, 2):
        lives = landed
        monkeypatch.setattr(bench.database, "write", dies)
        with pytest.raises(sqlite3.OperationalError):
            await bench.land(*page, Gone(external_id="X"), cursor="9")
        assert await feeds.get(bench.database.reader, "allegro", "orders") is None
        assert len(await orders.listing(bench.database.reader, limit=10)) > 0, "it died in the middle"
    monkeypatch.setattr(bench.database, "write", write)
    await bench.land(*page, cursor="9")
    position = await feeds.get(bench.database.reader, "allegro", "orders")
    assert position is not None
    assert position.cursor == "9"
    assert len(await orders.listing(bench.database.reader, limit=10)) == 5


@AFTER
async def test_parts_of_a_merge_that_is_first_heard_of_cancelled_are_asked_for_and_taken_back(
    bench: Bench, after: timedelta
) -> None:
    """It took their lines over and was cancelled before it was read: what went on of them must not live on."""
    await bench.land(order("A"), order("B", stage=Stage.PLACED))
    await bench.move(1, DeliveryState.CONFIRMED, sent_at=EPOCH)
    both = order("C", lines=(line("A-1"), line("B-1")), stage=Stage.CANCELLED, updated_at=EPOCH + after)
    result = await bench.land(both)
    wishes = await reread_queue.due(
        bench.database.reader, "allegro", Kind.ORDER, bench.clock.now() + timedelta(minutes=1)
    )
    assert ([wish.external_id for wish in wishes], result.later) == (["A", "B"], 2)
    assert "order.superseded" not in await bench.kinds(1)
    await bench.land(Gone(external_id="A"), Gone(external_id="B"))
    assert (await bench.kinds(1))[-1] == "order.superseded"
    assert (await bench.kinds(2))[-1] == "order.superseded"
    assert ("shop", "cancel-order", DeliveryState.PENDING) in await bench.owed(1)


@AFTER
async def test_parts_that_were_gone_before_their_cancelled_merge_is_heard_of_are_asked_for_again(
    bench: Bench, after: timedelta
) -> None:
    await bench.land(order("A"))
    await bench.land(Gone(external_id="A"))
    both = order("C", lines=(line("A-1"), line("B-1")), stage=Stage.CANCELLED, updated_at=EPOCH + after)
    await bench.land(both)
    await bench.land(Gone(external_id="A"))
    assert (await bench.kinds(1))[-2:] == ["order.vanished", "order.superseded"]


async def test_an_old_cancelled_form_that_is_touched_late_takes_no_live_order_with_it(bench: Bench) -> None:
    """It has all the lines, and what its source says of the live order when asked again is what counts."""
    await bench.land(order("A"))
    form = order("X", lines=(line("A-1"),), stage=Stage.CANCELLED, updated_at=EPOCH + timedelta(hours=1))
    await bench.land(form)
    await bench.land(order("A", updated_at=EPOCH + timedelta(hours=1)))
    assert "order.superseded" not in await bench.kinds(1)
    assert await bench.owed(1) == [("shop", "push-order", DeliveryState.PENDING)]


async def test_an_older_or_smaller_cancelled_order_inherits_nothing(bench: Bench) -> None:
    await bench.land(order("A", lines=(line("A-1"), line("A-2")), updated_at=EPOCH + timedelta(hours=2)))
    await bench.land(
        order("X", lines=(line("A-1"), line("A-2")), stage=Stage.CANCELLED, updated_at=EPOCH + timedelta(hours=1)),
        order("Y", lines=(line("A-1"),), stage=Stage.CANCELLED, updated_at=EPOCH + timedelta(hours=3)),
    )
    await bench.land(Gone(external_id="A"))
    assert (await bench.kinds(1))[-1] == "order.vanished"
    assert (
        await reread_queue.due(
            bench.database.reader, "allegro", Kind.ORDER, bench.clock.now() + timedelta(minutes=1)
        )
        == []
    )
