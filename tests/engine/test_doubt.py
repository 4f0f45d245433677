"""Doubt has a bound, a target is asked no sooner than it wants, and what a system cannot do is held."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from olhubd.decide import plan
from olhubd.decide.plan import PlannedDelivery
from olhubd.engine.flow.landing import Landing
from olhubd.engine.lineage import Lineage
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import Action, Cause, DeliveryState, OrderId, Shipment, Stage, Subject
from olhubd.plugin import ContractBroken, OutcomeUnknown, PluginError, Push, RateLimited, Receipt, Unavailable
from olhubd.store import Database, Transaction, deliveries, events
from tests.engine.test_dispatcher import Bench, Shop, lose_before, refuse
from tests.orders import order, paid
from tests.waiting import until


@pytest.fixture
async def bench(database: Database) -> Any:
    bench = Bench(database)
    bench.start()
    yield bench
    if bench.task is not None:
        bench.task.cancel()
        await asyncio.gather(bench.task, return_exceptions=True)


async def owe(bench: Bench, item: PlannedDelivery) -> None:
    async def work(tx: Transaction) -> None:
        recorder = Recorder(tx, bench.clock.now(), Cause("operator", "test"))
        about = Subject.order(1)
        await recorder.owe(about, item, await recorder.event("order.noted", "allegro", about))
        await recorder.write(tx)

    await bench.database.write(work)
    bench.dispatcher.wake()


async def test_doubt_has_a_bound_and_ends_with_the_systems_own_words(bench: Bench) -> None:
    """Sent again and again, each time without an answer and each time not there: a person reads what was said."""

    async def fail(shop: Shop, push: Push) -> Receipt:
        raise OutcomeUnknown("POST /orders: 500 data too long for column title")

    bench.shop.settle = timedelta(seconds=0.02)
    bench.shop.script = [fail] * 50
    await bench.land(order("A"))
    await bench.until("hold")
    assert len(bench.shop.script) == 50 - 6
    (held,) = await deliveries.listing(bench.database.reader)
    assert held.reason == (
        "sent 6 times without an answer that tells what became of it, and it is not there:"
        " POST /orders: 500 data too long for column title"
    )
    assert held.sent_at is not None  # so that a retry looks it up first
    (told,) = [e for e in await events.of_order(bench.database.reader, OrderId(1)) if e.kind == "delivery.held"]
    assert msgspec.json.decode(told.data)["kind"] == "in-doubt"


async def killed_after_each_try(bench: Bench, tries: int) -> None:
    """The process dies as soon as what became of a try is stored, and another one goes on."""
    for count in range(1, tries):

        async def stored(count: int = count) -> bool:
            rows = await deliveries.listing(bench.database.reader)
            return any(row.unknown_tries == count for row in rows)

        await until(stored, stands=bench.told, within=10, pause=0.005)
        await bench.kill()


async def test_the_bound_of_a_doubt_holds_over_restarts(bench: Bench) -> None:
    """Else a target that answers nothing would get the same order for ever, once more with each start."""
    bench.shop.settle = timedelta(seconds=0.02)
    bench.shop.script = [lose_before] * 50
    await bench.land(order("A"))
    await killed_after_each_try(bench, 6)
    await bench.until("hold")
    assert len(bench.shop.script) == 50 - 6
    (held,) = await deliveries.listing(bench.database.reader)
    assert held.reason is not None
    assert held.reason.startswith("sent 6 times without an answer")
    assert held.reason.endswith(": the answer was lost"), "what was said is stored too"
    assert (held.unknown_tries, held.unknown_words) == (0, None), "a person's retry is counted from the beginning"


async def test_the_bound_of_a_doubted_status_holds_over_restarts(bench: Bench) -> None:
    await bench.land(order("A"))
    await bench.settled(1)
    bench.shop.refusal = OutcomeUnknown("setOrderStatus: the server failed")
    await owe(bench, plan.status_at("shop", "sent", 0))
    await killed_after_each_try(bench, 6)
    await bench.until("confirmed", "hold")
    (held,) = await deliveries.listing(bench.database.reader, states=[DeliveryState.HOLD])
    assert held.attempts == 6
    assert held.reason is not None
    assert held.reason.startswith("tried 6 times")


async def test_after_a_person_mended_the_cause_a_doubted_order_is_sent_again(bench: Bench) -> None:
    """The tries of before are over: with them it would be looked up and held for ever."""
    bench.shop.settle = timedelta(seconds=0.02)
    bench.shop.script = [lose_before] * 6
    await bench.land(order("A"))
    await bench.until("hold")

    async def retry(tx: Transaction) -> None:
        (held,) = await deliveries.listing(tx)
        again = msgspec.structs.replace(held, state=DeliveryState.SENT, due_at=bench.clock.now(), reason=None)
        await deliveries.save(tx, [again])

    await bench.database.write(retry)
    bench.dispatcher.wake()
    await bench.settled(1)
    assert bench.shop.books == ["allegro:A"]


async def test_a_look_up_that_fails_is_no_try(bench: Bench) -> None:
    """While a target cannot be asked nothing is known, and nobody is bothered with it."""
    bench.shop.settle = timedelta(seconds=0.02)
    bench.shop.script = [lose_before]
    failures = [OutcomeUnknown("the answer was lost") for _ in range(9)]

    async def find(reference: str, age: timedelta | None) -> Receipt | None:
        if failures:
            raise failures.pop()
        return None

    bench.shop.find_order = find  # type: ignore[method-assign]
    await bench.land(order("A"))
    await bench.settled(1)
    assert bench.shop.books == ["allegro:A"]


async def test_a_target_that_stays_broken_when_it_is_looked_up_comes_to_a_person(bench: Bench) -> None:
    """One broken page decides nothing. With more and more of them the order would be looked up unseen for ever."""

    async def find(reference: str, age: timedelta | None) -> Receipt | None:
        raise ContractBroken("the answer is not JSON")

    bench.shop.find_order = find  # type: ignore[method-assign]
    bench.shop.script = [lose_before]
    await bench.land(order("A"))
    await bench.until("hold")
    (held,) = await deliveries.listing(bench.database.reader)
    assert held.reason == "the answer is not JSON"
    assert held.sent_at is not None, "a retry looks it up first"
    assert bench.shop.books == []


async def test_a_look_up_during_which_the_machine_proved_to_be_set_back_counts_for_nothing(bench: Bench) -> None:
    """How old the order can be was told by a clock that stood still, so it may have been sought too near."""
    asked: list[list[str]] = []

    async def find(reference: str, age: timedelta | None) -> Receipt | None:
        if not asked:
            bench.lineage.generation += 1
        asked.append(list(bench.shop.books))
        return None

    bench.shop.find_order = find  # type: ignore[method-assign]
    bench.lineage.otherwise("allegro", [OrderId(1)])
    await bench.land(order("A"))
    await bench.settled(1)
    assert len(asked) > 1, "looked up once more before it was sent"
    assert not any(asked)
    assert bench.shop.books == ["allegro:A"]


@pytest.mark.parametrize("there", [True, False])
async def test_what_is_cancelled_before_this_process_sent_it_is_looked_up(bench: Bench, there: bool) -> None:
    """A file that was put back calls it never sent: an earlier process may have sent it all the same."""
    bench.lineage = Lineage(bench.clock)
    await bench.kill()
    bench.dispatcher.pause()
    bench.landing = Landing(
        bench.database,
        bench.clock,
        lambda: bench.routes,
        lambda targets: bench.dispatcher.wake(),
        lineage=bench.lineage,
    )
    bench.shop.books = ["allegro:A"] if there else []
    await bench.land(order("A"))
    await bench.land(order("A", stage=Stage.CANCELLED))
    bench.dispatcher.resume()
    await bench.until(*(["confirmed", "confirmed"] if there else ["dropped"]))
    assert (bench.shop.lookups, bench.shop.cancelled) == (1, ["100"] if there else [])
    assert bench.shop.books == (["allegro:A"] if there else [])


async def test_a_status_of_unknown_outcome_waits_for_a_person_in_the_end(bench: Bench) -> None:
    await bench.land(order("A"))
    await bench.settled(1)
    bench.shop.refusal = OutcomeUnknown("setOrderStatus: the server failed")
    await owe(bench, plan.status_at("shop", "sent", 0))
    await bench.until("confirmed", "hold")
    held = (await deliveries.listing(bench.database.reader, states=[DeliveryState.HOLD]))[0]
    assert held.reason == (
        "tried 6 times without an answer that tells what became of it: setOrderStatus: the server failed"
    )


@pytest.mark.parametrize(("received", "becomes"), [("15.00", "confirmed"), ("10.00", "dropped")])
async def test_a_status_that_stands_for_a_payment_goes_only_while_it_is_paid(
    bench: Bench, received: str, becomes: str
) -> None:
    """The shop would send what is not paid any more. Money may have gone back while the shop was asked."""
    bench.shop.refusal = None
    await bench.land(order("A", payment=paid(received)))
    await bench.settled(1)
    await owe(bench, plan.status_at("shop", "processing", 0, while_paid=True))
    await bench.until("confirmed", becomes)
    assert bench.shop.told == (["processing"] if becomes == "confirmed" else [])


async def test_a_parcel_of_unknown_outcome_is_not_sent_again_at_once_by_a_person_either(bench: Bench) -> None:
    """It may come there yet: with a time of sending a retry waits until the target has settled."""
    bench.shop.settle = timedelta(seconds=0.02)
    bench.shop.parcels.late = [3600.0] * 6
    await bench.land(order("A"))
    await bench.settled(1)
    await owe(bench, plan.shipment_at("shop", Shipment(waybill="W1", carrier="DPD"), 0))
    await bench.until("confirmed", "hold")
    (held,) = await deliveries.listing(bench.database.reader, states=[DeliveryState.HOLD])
    assert held.reason is not None
    assert held.reason.startswith("tried 6 times")
    assert held.sent_at is not None


async def test_what_a_system_cannot_do_is_held_and_never_dropped(bench: Bench) -> None:
    await bench.land(order("A", payment=paid("3.00")))
    await bench.settled(1)
    await owe(bench, plan.PlannedDelivery(target="shop", action=Action.SET_PAYMENT, cause=0, key="3.00"))
    await bench.until("confirmed", "hold")
    held = (await deliveries.listing(bench.database.reader, states=[DeliveryState.HOLD]))[0]
    assert held.reason == "Memory knows no set-payment: do it there by hand"


async def test_a_hold_names_the_field_that_was_no_use(bench: Bench) -> None:
    broken = ContractBroken("unexpected answer: Expected `int`, got `str`", field="$.line_items[0].id")
    bench.shop.script = [refuse(broken)]
    await bench.land(order("A"))
    await bench.until("hold")
    (held,) = await deliveries.listing(bench.database.reader)
    assert (held.reason or "").endswith("got `str` (field $.line_items[0].id)")
    (told,) = [e for e in await events.of_order(bench.database.reader, OrderId(1)) if e.kind == "delivery.held"]
    assert msgspec.json.decode(told.data)["field"] == "$.line_items[0].id"


@pytest.mark.parametrize("error", [RateLimited("429", retry_after=1234.0), Unavailable("503", retry_after=1234.0)])
async def test_a_delivery_waits_as_long_as_its_target_asks(bench: Bench, error: PluginError) -> None:
    bench.shop.script = [refuse(error)]
    await bench.land(order("A"))
    await bench.until("retry")
    (row,) = await deliveries.listing(bench.database.reader)
    assert row.due_at - bench.clock.now() > timedelta(seconds=1200)


async def test_a_target_that_is_down_is_left_alone_for_the_time_it_asked_for(bench: Bench) -> None:
    bench.shop.script = [refuse(Unavailable("503", retry_after=1234.0))] * 8
    await bench.land(*(order(name) for name in "ABCDE"))
    async with asyncio.timeout(10):
        while not bench.dispatcher.down:
            await asyncio.sleep(0.01)
    assert bench.dispatcher._down_until - bench.clock.monotonic() > 1200


async def test_a_target_that_was_down_is_tried_at_once_when_a_person_resumes_it(bench: Bench) -> None:
    """They mended it, and its own word of how long it would take is over."""
    bench.shop.script = [refuse(Unavailable("503", retry_after=1234.0))] * 4
    await bench.land(*(order(str(number)) for number in range(12)))
    async with asyncio.timeout(10):
        while not bench.dispatcher.down or "sent" in await bench.states():
            await asyncio.sleep(0.01)
    bench.dispatcher.pause()
    bench.dispatcher.resume()
    async with asyncio.timeout(10):
        while sorted(await bench.states()) != ["confirmed"] * 8 + ["retry"] * 4:
            await asyncio.sleep(0.01)
