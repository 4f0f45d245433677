"""What a target stored is compared with what was sent: told, held where it matters, brought on where it can be."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from olhubd.decide.route import Route
from olhubd.model import Action, DeliveryState, Money, Stage
from olhubd.plugin import Comparison, OutcomeUnknown, Push, Receipt
from olhubd.store import Database, deliveries, events, target_orders
from tests.engine.test_dispatcher import Bench, Shop, lose_after
from tests.orders import line, order, paid, pln


class Forgetful(Shop):
    """Stores what it is sent as far as `keeps` lets it, and shows it to who asks."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, tuple[dict[str, int], str, str]] = {}
        self.drops: str | None = None
        self.halves: str | None = None
        self.shortens: int | None = None
        self.marks_only: bool = False
        self.stands = "processing"
        self.refusal = None

    def book(self, push: Push) -> Receipt:
        rows = {one.external_id: one.quantity for one in push.order.lines if one.external_id != self.drops}
        if self.halves in rows:
            rows[self.halves] -= 1
        self.kept[push.reference] = (rows, (push.order.buyer_note or "")[: self.shortens], self.stands)
        return self.compare(push, super().book(push))

    def receipt(self, reference: str, total: Money) -> Receipt:
        made = super().receipt(reference, total)
        return msgspec.structs.replace(made, status=self.kept[reference][2])

    def compare(self, push: Push, found: Receipt) -> Receipt:
        rows, note, status = self.kept[push.reference]
        seen = Comparison()
        seen.lines([(one.external_id, one.quantity) for one in push.order.lines], rows.items())
        seen.text("buyer_note", push.order.buyer_note, note)
        if status == "pending" and push.order.fully_paid:
            seen.add("status", "pending, though it is paid", wanted="processing")
        return msgspec.structs.replace(found, differences=seen.differences)

    async def compare_order(self, push: Push, found: Receipt) -> Receipt:
        return self.compare(push, found)

    async def set_status(self, external_id: str, status: str) -> None:
        await super().set_status(external_id, status)
        reference = self.books[int(external_id) - 100]
        self.kept[reference] = (*self.kept[reference][:2], status)


@pytest.fixture
async def bench(database: Database) -> Any:
    bench = Bench(database)
    bench.shop = Forgetful()
    bench.dispatcher = bench.make()
    bench.start()
    yield bench
    if bench.task is not None:
        bench.task.cancel()
        await asyncio.gather(bench.task, return_exceptions=True)


PAIR = {"lines": (line("L1", price="2.50", quantity=2), line("L2", price="5.00"))}


async def last(bench: Bench, kind: str) -> dict[str, Any]:
    found = [e for e in await events.of_order(bench.database.reader, 1) if e.kind == kind]
    told: dict[str, Any] = msgspec.json.decode(found[-1].data)
    return told


async def reason(bench: Bench) -> str:
    return (await deliveries.listing(bench.database.reader, states=[DeliveryState.HOLD]))[0].reason or ""


@pytest.mark.parametrize("steps", [[], [lose_after]], ids=["push", "look-up"])
async def test_a_line_that_the_target_lost_holds_with_its_mark(bench: Bench, steps: list[Any]) -> None:
    bench.shop.script = list(steps)
    bench.shop.drops = "L2"  # type: ignore[attr-defined]
    await bench.land(order("A", **PAIR))
    await bench.until("hold")
    assert "lines[L2]: is not there" in await reason(bench)
    told = await last(bench, "delivery.held")
    assert (told["kind"], told["field"]) == ("stored-differs", "lines[L2]")
    assert (await target_orders.of_orders(bench.database.reader, [1]))[1][0].external_id == "100"  # type: ignore[index]


@pytest.mark.parametrize("steps", [[], [lose_after]], ids=["push", "look-up"])
async def test_a_quantity_that_the_target_lost_holds(bench: Bench, steps: list[Any]) -> None:
    bench.shop.script = list(steps)
    bench.shop.halves = "L1"  # type: ignore[attr-defined]
    await bench.land(order("A", **PAIR))
    await bench.until("hold")
    assert "lines[L1].quantity: 2 were sent, 1 are there" in await reason(bench)


@pytest.mark.parametrize("steps", [[], [lose_after]], ids=["push", "look-up"])
async def test_what_was_only_shortened_is_told_and_holds_nothing(bench: Bench, steps: list[Any]) -> None:
    bench.shop.script = list(steps)
    bench.shop.shortens = 4  # type: ignore[attr-defined]
    await bench.land(order("A", buyer_note="leave it at the neighbour's"))
    await bench.settled(1)
    assert (await last(bench, "delivery.confirmed"))["cut"] == ["buyer_note"]


@pytest.mark.parametrize("steps", [[], [lose_after]], ids=["push", "look-up"])
async def test_a_paid_order_that_stands_as_unpaid_is_brought_on(bench: Bench, steps: list[Any]) -> None:
    bench.shop.script = list(steps)
    bench.shop.stands = "pending"  # type: ignore[attr-defined]
    await bench.land(order("A", payment=paid("15.00")))
    await bench.until("confirmed", "confirmed")
    assert bench.shop.told == ["processing"]


async def test_an_order_whose_money_went_back_meanwhile_is_not_brought_on(bench: Bench) -> None:
    """It was paid when it was sent, and is not when the shop's answer is booked."""

    async def meanwhile(shop: Shop, push: Push) -> Receipt:
        await bench.land(order("A", payment=paid("0.00")))
        return shop.book(push)

    bench.shop.script = [meanwhile]
    bench.shop.stands = "pending"  # type: ignore[attr-defined]
    await bench.land(order("A", payment=paid("15.00")))
    async with asyncio.timeout(10):
        while "dropped" not in await bench.states() or "confirmed" not in await bench.states():
            await asyncio.sleep(0.01)
    (status,) = [
        d for d in await deliveries.listing(bench.database.reader, limit=9) if d.action is Action.SET_STATUS
    ]
    assert (status.state, status.reason) == (DeliveryState.DROPPED, "it is not paid any more")
    assert bench.shop.told == []


async def test_what_was_mended_there_goes_on_when_it_is_compared_again(bench: Bench) -> None:
    bench.shop.drops = "L2"  # type: ignore[attr-defined]
    await bench.land(order("A", **PAIR))
    await bench.until("hold")
    bench.shop.kept["allegro:A"][0]["L2"] = 1  # type: ignore[attr-defined]
    (held,) = await deliveries.listing(bench.database.reader)
    again = msgspec.structs.replace(held, state=DeliveryState.SENT, due_at=bench.clock.now())
    await bench.database.write(lambda tx: deliveries.save(tx, [again]))
    bench.dispatcher.wake()
    await bench.settled(1)
    assert bench.shop.books == ["allegro:A"]


async def cheat(shop: Shop, push: Push) -> Receipt:
    total = push.order.total
    return msgspec.structs.replace(shop.book(push), total=Money(amount=total.amount, currency="EUR"))


async def empty(shop: Shop, push: Push) -> Receipt:
    return msgspec.structs.replace(shop.book(push), total=pln("0.00"), status="trash")


async def test_the_same_number_in_another_currency_is_another_total(bench: Bench) -> None:
    bench.shop.script = [cheat]
    await bench.land(order("A"))
    await bench.until("hold")
    assert "stored a total of 15.00 EUR, the buyer pays 15.00 PLN" in await reason(bench)


async def test_an_order_with_nothing_in_it_is_told_as_half_made_with_its_status(bench: Bench) -> None:
    bench.shop.script = [empty]
    await bench.land(order("A"))
    await bench.until("hold")
    assert "with a total of 0 (its status there is trash)" in await reason(bench)
    assert (await last(bench, "delivery.held"))["kind"] == "half-made"


async def test_an_order_that_is_off_is_taken_as_it_is_and_cancelled(bench: Bench) -> None:
    """It was sent, its answer lost; before it is found the buyer has cancelled: what is there need not be right."""
    found = asyncio.Event()

    async def lose_and_wait(shop: Shop, push: Push) -> Receipt:
        shop.book(push)
        found.set()
        raise OutcomeUnknown("the answer was lost")

    bench.shop.drops, bench.shop.script = "L2", [lose_and_wait]  # type: ignore[attr-defined]
    await bench.land(order("A", **PAIR))
    await found.wait()
    await bench.land(order("A", stage=Stage.CANCELLED, **PAIR))
    await bench.until("confirmed", "confirmed")
    assert bench.shop.cancelled == ["100"]


async def test_an_order_held_for_what_is_there_can_be_cancelled(bench: Bench) -> None:
    bench.shop.drops = "L2"  # type: ignore[attr-defined]
    await bench.land(order("A", **PAIR))
    await bench.until("hold")
    await bench.land(order("A", stage=Stage.CANCELLED, **PAIR))
    bench.dispatcher.wake()
    await bench.until("hold", "confirmed")
    assert bench.shop.cancelled == ["100"]


async def test_where_no_route_leads_any_more_only_the_total_is_compared(bench: Bench) -> None:
    bench.shop.drops, bench.shop.script = "L2", [lose_after]  # type: ignore[attr-defined]
    bench.routes = [Route(target="shop", sources=frozenset({"allegro"}))]

    async def lose_and_close(shop: Shop, push: Push) -> Receipt:
        bench.routes = []
        return await lose_after(shop, push)

    bench.shop.script = [lose_and_close]
    await bench.land(order("A", **PAIR))
    await bench.settled(1)
