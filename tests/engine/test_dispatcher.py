"""The outbox at work against a target that behaves as badly as the script says."""

from __future__ import annotations

import asyncio
import email.utils
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any, ClassVar

import msgspec
import pytest
import structlog

from olhubd.control.text import event_text
from olhubd.decide import changes, plan
from olhubd.decide.route import Route
from olhubd.engine.calls import Calls, OverdueCalls
from olhubd.engine.flow.landing import Landing
from olhubd.engine.lineage import Lineage
from olhubd.engine.outbox.actions import HANDLERS
from olhubd.engine.outbox.attempt import Executor, RetryPolicy
from olhubd.engine.outbox.dispatcher import Dispatcher
from olhubd.engine.outbox.handler import Handler
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import (
    Action,
    Cause,
    Charge,
    Delivery,
    DeliveryState,
    Money,
    Order,
    OrderId,
    Payment,
    Remitter,
    Run,
    RunId,
    Shipment,
    Stage,
    Subject,
)
from olhubd.plugin import (
    AuthLost,
    CancelSink,
    Clock,
    Conflict,
    Connector,
    ContractBroken,
    Forbidden,
    Found,
    Lane,
    OrderSink,
    OutcomeUnknown,
    Parts,
    PaymentSink,
    PluginError,
    Push,
    RateLimited,
    Receipt,
    Rejected,
    Settings,
    ShipmentSink,
    StatusSink,
    Unavailable,
    ValuesSpent,
)
from olhubd.plugin.budget import calling_for, calls_for
from olhubd.runtime.clock import SystemClock
from olhubd.runtime.supervisor import Heartbeat
from olhubd.store import Database, Transaction, deliveries, events, target_orders
from olhubd_kit.virtual_clock import VirtualClock
from tests.orders import EPOCH, line, order, paid, pln
from tests.waiting import until

Step = Callable[["Shop", Push], Awaitable[Receipt]]


async def nothing() -> None:
    """As it is unless a test says otherwise."""


class Parcels(ShipmentSink):
    """The target's parcels: those that are `there`."""

    settle = timedelta(seconds=0.2)

    def __init__(self) -> None:
        self.there: list[str] = []
        self.late: list[float] = []
        """In how many seconds each parcel is there, its answer being lost; what follows is there at once."""

    async def add_shipment(self, external_id: str, shipment: Shipment) -> None:
        if shipment.waybill in self.there:
            return
        if not self.late:
            self.there.append(shipment.waybill)
            return
        asyncio.get_running_loop().call_later(self.late.pop(0), self.there.append, shipment.waybill)
        raise OutcomeUnknown("the answer was lost")


class Shop(Connector[Settings], OrderSink, CancelSink, StatusSink):
    """A target in memory: `script` says how it behaves at each push; `books` is what it holds."""

    name = "memory"
    title = "Memory"
    provides: ClassVar[Parts] = {Parcels: "parcels"}
    settle = timedelta(seconds=0.2)

    def __init__(self) -> None:
        self.parcels = Parcels()
        self.script: list[Step] = []
        self.books: list[str] = []
        self.cancelled: list[str] = []
        self.withdrawn: list[str] = []
        self.under_way = 0
        self.most = 0
        self.lookups = 0
        self.status: str | None = None
        self.find_error: PluginError | None = None
        self.find_takes = 0.0
        """Seconds from a look at the books to the answer that tells of it."""
        self.before_status: Callable[[], Awaitable[None]] = nothing
        """What happens between the asking for a status and its refusal."""
        self.refusal: PluginError | None = Conflict("the purchase is cancelled")
        self.told: list[str] = []

    async def push_order(self, push: Push) -> Receipt:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            step = self.script.pop(0) if self.script else accept
            return await step(self, push)
        finally:
            self.under_way -= 1

    def book(self, push: Push) -> Receipt:
        self.books.append(push.reference)
        return self.receipt(push.reference, push.order.total)

    def receipt(self, reference: str, total: Money) -> Receipt:
        return Receipt(
            status=self.status, external_id=str(self.books.index(reference) + 100), number="N1", total=total
        )

    async def find_order(self, reference: str, age: timedelta | None) -> Receipt | None:
        self.lookups += 1
        if self.find_error is not None:
            error, self.find_error = self.find_error, None
            raise error
        found = self.receipt(reference, pln("15.00")) if reference in self.books else None
        await asyncio.sleep(self.find_takes)
        return found

    async def cancel_order(self, external_id: str, reason: str) -> None:
        self.cancelled.append(external_id)

    async def set_status(self, external_id: str, status: str) -> None:
        await self.before_status()
        if self.refusal is not None:
            raise self.refusal
        self.told.append(status)

    async def withdraw_order(self, reference: str) -> None:
        self.withdrawn.append(reference)


async def accept(shop: Shop, push: Push) -> Receipt:
    await asyncio.sleep(0.001)
    return shop.book(push)


async def lose_after(shop: Shop, push: Push) -> Receipt:
    shop.book(push)
    raise OutcomeUnknown("the answer was lost")


async def lose_before(shop: Shop, push: Push) -> Receipt:
    raise OutcomeUnknown("the answer was lost")


async def break_after(shop: Shop, push: Push) -> Receipt:
    shop.book(push)
    raise ZeroDivisionError("a fault of the connector")


async def cheat(shop: Shop, push: Push) -> Receipt:
    return msgspec.structs.replace(shop.book(push), total=push.order.total + pln("0.01"))


def late(seconds: float) -> Step:
    async def step(shop: Shop, push: Push) -> Receipt:
        asyncio.get_running_loop().call_later(seconds, shop.books.append, push.reference)
        raise OutcomeUnknown("the answer was lost")

    return step


def refuse(error: PluginError) -> Step:
    async def step(shop: Shop, push: Push) -> Receipt:
        raise error

    return step


class Bench:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock: Clock = SystemClock()
        self.shop = Shop()
        self.timeout = 5.0
        self.lost: list[PluginError] = []
        self.displaced = asyncio.Event()
        self.veto: str | None = None
        self.routes = [Route(target="shop", sources=frozenset({"allegro"}))]
        self.landing = Landing(database, self.clock, lambda: self.routes, lambda targets: self.dispatcher.wake())
        self.lineage = Lineage(self.clock)
        self.lineage.reported("allegro", EPOCH)
        self.lineage.reached("allegro", OrderId(0))
        self.handlers = dict(HANDLERS)
        self.dispatcher = self.make()
        self.task: asyncio.Task[None] | None = None

    def use(self, *handlers: Handler[Any]) -> None:
        """Have these carry out their actions, from the next life on."""
        self.handlers = {**HANDLERS, **{handler.action: handler for handler in handlers}}

    def make(self) -> Dispatcher:
        log = structlog.get_logger()
        policy = RetryPolicy(backoff_first=0.03, backoff_max=0.2, look_up_after=0.02, timeout=self.timeout)
        executor = Executor(
            "shop",
            self.shop,
            self.clock,
            log,
            policy,
            lambda: self.routes,
            lambda account: "PROCESSING",
            lambda: self.amend,
            self.lineage,
            Calls("shop", self.clock, log, OverdueCalls(), limit=lambda: policy.timeout),
            self.handlers,
        )
        return Dispatcher(
            "shop",
            executor,
            self.database,
            self.clock,
            log,
            parallel=4,
            policy=policy,
            wake_others=lambda targets: None,
            lost=self.park,
            displaced=self.displaced.set,
        )

    async def amend(self, delivery: Delivery, order: Order) -> Order | str | None:
        return self.veto

    async def park(self, error: PluginError) -> None:
        self.lost.append(error)

    def start(self) -> None:
        self.task = asyncio.create_task(self.dispatcher.run(Heartbeat("dispatcher", self.clock)))

    async def kill(self, left: Callable[[Transaction], Awaitable[Any]] | None = None) -> None:
        """End it as if the process died and `left` the database so, then begin anew on it."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
        latest = self.clock.now() + timedelta(hours=1)
        await self.database.write(left or (lambda tx: deliveries.recover(tx, latest)))
        self.dispatcher = self.make()
        self.start()

    async def land(self, *orders: Order) -> None:
        run = Run(id=RunId(1), account="allegro", feed="orders", trigger="timer", started_at=EPOCH)
        await self.landing.land("allegro", orders, run=run)

    async def states(self) -> list[str]:
        found = await deliveries.listing(self.database.reader, limit=1000)
        return [d.state.value for d in reversed(found)]

    async def until(self, *states: str) -> None:
        async def there() -> bool:
            return await self.states() == list(states)

        await until(there, what=f"deliveries {list(states)}", stands=self.told, within=10, pause=0.01)

    async def told(self) -> list[str]:
        """The deliveries in words, for who waited for others."""
        found = await deliveries.listing(self.database.reader, limit=1000)
        return [f"{d.id} {d.action.value} {d.state.value} ({d.attempts}: {d.reason})" for d in reversed(found)]

    async def settled(self, count: int) -> None:
        await self.until(*["confirmed"] * count)


@pytest.fixture
async def bench(database: Database) -> Any:
    bench = Bench(database)
    bench.start()
    yield bench
    if bench.task is not None:
        bench.task.cancel()
        await asyncio.gather(bench.task, return_exceptions=True)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with structlog.testing.capture_logs():
        yield


async def last_told(bench: Bench) -> str:
    """The last that the history of the first order tells."""
    return event_text.tell((await events.of_order(bench.database.reader, 1))[-1])


async def test_each_order_goes_once(bench: Bench) -> None:
    """FWD-06."""
    await bench.land(*(order(str(i)) for i in range(120)))
    await bench.settled(120)
    assert sorted(bench.shop.books) == sorted(f"allegro:{i}" for i in range(120))
    assert 1 < bench.shop.most <= 4
    copy = (await target_orders.of_orders(bench.database.reader, [1]))[1]  # type: ignore[index]
    assert copy[0].number == "N1"


async def test_what_a_marketplace_remits_is_no_part_of_what_a_shop_gets(bench: Bench) -> None:
    """Neither of the order, nor of what is compared with it: the shop's lower total is no difference."""
    tax = Charge(kind="sales-tax", price=pln("1.20"), remitter=Remitter.MARKETPLACE)
    await bench.land(order("A", charges=(tax,), payment=paid("16.20")))
    await bench.settled(1)
    (copy,) = (await target_orders.of_orders(bench.database.reader, [1]))[1]  # type: ignore[index]
    assert copy.total == pln("15.00")


class Cashier(Shop, PaymentSink):
    def __init__(self) -> None:
        super().__init__()
        self.received: list[tuple[Money | None, Money]] = []

    async def set_payment(self, external_id: str, payment: Payment, paid: Money) -> None:
        self.received.append((payment.paid, paid))


async def test_a_payment_is_told_without_what_the_marketplace_keeps_of_it(bench: Bench) -> None:
    cashier = bench.shop = Cashier()
    await bench.kill()
    tax = Charge(kind="sales-tax", price=pln("1.20"), remitter=Remitter.MARKETPLACE)
    await bench.land(order("A", charges=(tax,)))
    await bench.settled(1)
    await bench.land(order("A", charges=(tax,), payment=paid("16.20")))
    await bench.settled(2)
    assert cashier.received == [(pln("15.00"), pln("15.00"))]


async def test_money_that_is_told_only_as_a_later_payment_reaches_the_shop(bench: Bench) -> None:
    """Of an order without a first payment; what the marketplace keeps comes off it all the same."""
    cashier = bench.shop = Cashier()
    await bench.kill()
    tax = Charge(kind="sales-tax", price=pln("1.20"), remitter=Remitter.MARKETPLACE)
    await bench.land(order("A", charges=(tax,)))
    await bench.settled(1)
    await bench.land(order("A", charges=(tax,), surcharges=(paid("1.00"), paid("15.20"))))
    await bench.settled(2)
    assert cashier.received == [(pln("0.00"), pln("15.00"))]


async def test_an_order_that_was_found_is_told_of_the_money_that_came_since(bench: Bench) -> None:
    """The shop has it from a life that the database forgot, unpaid; nothing that changes from now on would tell."""
    cashier = bench.shop = Cashier()
    bench.lineage = Lineage(bench.clock)
    bench.lineage.reported("allegro", EPOCH + timedelta(hours=1))
    bench.lineage.reached("allegro", OrderId(0))
    await bench.kill()
    cashier.books.append("allegro:A")
    await bench.land(order("A", payment=paid("15.00")), order("B", placed_at=EPOCH + timedelta(hours=2)))
    await bench.settled(3)
    assert cashier.books == ["allegro:A", "allegro:B"]
    assert cashier.received == [(pln("15.00"), pln("15.00"))]


@pytest.mark.parametrize("step", [lose_after, break_after])
async def test_a_lost_answer_is_looked_up_not_sent_again(bench: Bench, step: Step) -> None:
    """Invariant 4."""
    bench.shop.script = [step]
    await bench.land(order("A"))
    await bench.settled(1)
    assert bench.shop.books == ["allegro:A"]
    assert bench.shop.lookups == 1
    assert "found by looking it up after an answer was lost" in await last_told(bench)


async def test_a_lost_answer_that_asked_for_time_is_not_looked_up_sooner(bench: Bench) -> None:
    """Someone on the way answered 429 to the sending: whether it was done is open, and a look-up waits as asked."""

    async def throttled(shop: Shop, push: Push) -> Receipt:
        shop.book(push)
        raise OutcomeUnknown("429 from no shop", retry_after=0.8)

    bench.shop.script = [throttled]
    began = bench.clock.now()
    await bench.land(order("A"))
    await bench.settled(1)
    assert bench.shop.books == ["allegro:A"]
    assert bench.clock.now() - began >= timedelta(seconds=0.8)


async def test_orders_from_before_this_process_are_looked_up_first(bench: Bench) -> None:
    """A restored backup knows less than the shop: what an earlier life sent must not be sent again."""
    bench.lineage = Lineage(bench.clock)
    bench.lineage.reported("allegro", EPOCH + timedelta(hours=1))
    bench.lineage.reached("allegro", OrderId(0))
    await bench.kill()
    bench.shop.books.append("allegro:A")
    bench.shop.find_error = Unavailable("503")
    await bench.land(order("A"), order("B"), order("C", placed_at=EPOCH + timedelta(hours=2)))
    await bench.settled(3)
    assert bench.shop.books[0] == "allegro:A"
    assert sorted(bench.shop.books) == ["allegro:A", "allegro:B", "allegro:C"]
    assert bench.shop.lookups == 3
    assert "where it stood already, with our mark" in await last_told(bench)


@pytest.mark.parametrize(("feed", "looked"), [("orders", 0), ("orders.sweep", 1), ("orders.again", 1)])
async def test_what_came_by_another_way_than_the_feed_is_looked_up_first(
    bench: Bench, feed: str, looked: int
) -> None:
    """The feed had not reported it, so it may be as old as any, and an earlier process may have sent it."""
    bench.landing = Landing(
        bench.database,
        bench.clock,
        lambda: bench.routes,
        lambda targets: bench.dispatcher.wake(),
        lineage=bench.lineage,
    )
    bench.shop.books = ["allegro:A"] * looked
    run = Run(id=RunId(1), account="allegro", feed=feed, trigger="timer", started_at=EPOCH)
    await bench.landing.land("allegro", [order("A")], run=run)
    await bench.settled(1)
    assert bench.shop.lookups == looked
    assert bench.shop.books == ["allegro:A"]


async def test_what_was_on_its_way_as_the_machine_was_set_back_is_waited_for(bench: Bench) -> None:
    """The order was being sent a moment ago, which nobody here remembers."""
    set_back(bench)
    asyncio.get_running_loop().call_later(0.1, bench.shop.books.append, "allegro:A")
    await bench.land(order("A"), order("B"))
    await bench.settled(2)
    await asyncio.sleep(0.1)
    assert sorted(bench.shop.books) == ["allegro:A", "allegro:B"]


@pytest.mark.parametrize("beside", [(), ("B",)])
async def test_what_was_in_doubt_as_the_machine_was_set_back_settles_anew(
    beside: tuple[str, ...], bench: Bench
) -> None:
    """How long ago it was sent is a memory of before: since then it may have been sent once more, a moment ago.

    So it is also where another order is looked up at the same time.
    """
    find = bench.shop.find_order

    async def find_too_early(reference: str, age: timedelta | None) -> Receipt | None:
        found = await find(reference, age)
        if reference == "allegro:A" and reference not in bench.shop.books:
            bench.shop.books.append(reference)
        return found

    bench.shop.script = [lose_before]
    await bench.land(order("A"))
    await stored(bench, 1, DeliveryState.SENT)
    bench.dispatcher.pause()
    await asyncio.sleep(bench.shop.settle.total_seconds() * 1.5)
    set_back(bench)
    bench.shop.find_order = find_too_early  # type: ignore[method-assign]
    await bench.land(*map(order, beside))
    bench.dispatcher.resume()
    await bench.settled(1 + len(beside))
    assert sorted(bench.shop.books) == ["allegro:A", *(f"allegro:{name}" for name in beside)]


async def test_what_was_not_there_before_the_machine_was_set_back_is_looked_up_again(bench: Bench) -> None:
    bench.lineage.otherwise("allegro", [OrderId(1)])
    bench.shop.script = [refuse(Unavailable("503", retry_after=0.2))]
    await bench.land(order("A"))
    await stored(bench, 1, DeliveryState.RETRY)
    assert bench.shop.lookups == 1
    set_back(bench)
    bench.shop.books.append("allegro:A")
    await bench.settled(1)
    assert bench.shop.books == ["allegro:A"]


@pytest.mark.parametrize("tried", [True, False])
async def test_a_parcel_that_was_on_its_way_as_the_machine_was_set_back_is_waited_for(
    tried: bool, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was being registered a moment ago, which nobody here remembers, whether or not it was tried before.

    Until the target has settled, its sink reads that it is not there.
    """
    parcels = bench.shop.parcels
    monkeypatch.setattr(Parcels, "settle", timedelta(seconds=0.5))
    parcels.late = [3600.0] if tried else []
    await bench.land(order("A"))
    await bench.settled(1)
    if tried:
        await owe_parcel(bench)
        await stored(bench, 2, DeliveryState.SENT)
    bench.dispatcher.pause()
    await asyncio.sleep(parcels.settle.total_seconds() * 1.2)
    set_back(bench)
    settled_at, add = bench.clock.monotonic() + parcels.settle.total_seconds(), parcels.add_shipment

    async def add_beside(external_id: str, shipment: Shipment) -> None:
        if bench.clock.monotonic() >= settled_at:
            parcels.there.append(shipment.waybill)
            await add(external_id, shipment)
        else:
            await add(external_id, shipment)
            parcels.there.append(shipment.waybill)

    parcels.add_shipment = add_beside  # type: ignore[method-assign]
    if not tried:
        await owe_parcel(bench)
    bench.dispatcher.resume()
    await bench.settled(2)
    assert parcels.there == ["620"]


def set_back(bench: Bench) -> None:
    """The machine is set back with its memory: a source's Date is far ahead of what is remembered of it."""
    before = bench.lineage.generation
    bench.lineage.heard("allegro", email.utils.format_datetime(EPOCH))
    bench.lineage.heard("allegro", email.utils.format_datetime(EPOCH + timedelta(hours=1)))
    assert bench.lineage.generation == before + 1


async def stored(bench: Bench, delivery: int, state: DeliveryState) -> Delivery:
    """Wait until a try of it has ended so, and nobody is at it."""
    async with asyncio.timeout(10):
        while True:
            found = await deliveries.get(bench.database.reader, delivery)
            if found is not None and (found.state, found.lease_until) == (state, None):
                return found
            await asyncio.sleep(0.01)


async def test_what_never_arrived_is_sent_again_after_the_target_settled(bench: Bench) -> None:
    bench.shop.script = [lose_before]
    await bench.land(order("A"))
    await bench.settled(1)
    assert bench.shop.books == ["allegro:A"]
    assert bench.shop.lookups >= 2


async def test_a_target_that_acts_late_gets_no_second_order(bench: Bench) -> None:
    """Looked up too early it is not there; only after the settle time that means anything."""
    bench.shop.script = [late(0.1)]
    await bench.land(order("A"))
    await bench.settled(1)
    await asyncio.sleep(0.2)
    assert bench.shop.books == ["allegro:A"]


async def test_a_look_up_tells_of_the_time_when_it_was_asked(bench: Bench) -> None:
    """It was asked before the target had settled: that it had by the answer does not make "not there" true."""
    bench.shop.script = [late(0.1)]
    bench.shop.find_takes = 0.3
    await bench.land(order("A"))
    await bench.settled(1)
    await asyncio.sleep(0.2)
    assert bench.shop.books == ["allegro:A"]


async def test_a_clock_put_forward_settles_no_target(bench: Bench) -> None:
    """The hour was not waited for: a late order is still to come."""
    bench.clock = clock = VirtualClock(EPOCH)
    bench.landing = Landing(bench.database, clock, lambda: bench.routes, lambda targets: bench.dispatcher.wake())

    async def jump_and_come_late(shop: Shop, push: Push) -> Receipt:
        clock.jump(3600.0)
        return await late(0.1)(shop, push)

    async def jump_after(shop: Shop, push: Push) -> Receipt:
        asyncio.get_running_loop().call_later(0.01, clock.jump, 3600.0)
        return await late(0.1)(shop, push)

    for name, step in (("A", jump_and_come_late), ("B", jump_after)):
        await bench.kill()
        bench.shop.script = [step]
        await bench.land(order(name, placed_at=clock.now()))
        async with asyncio.timeout(10):
            while "confirmed" not in (await bench.states())[-1:]:
                await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    assert sorted(bench.shop.books) == ["allegro:A", "allegro:B"]


@pytest.mark.parametrize("marks", [False, True])
async def test_the_status_of_an_order_that_is_found_goes_back(marks: bool, bench: Bench) -> None:
    """It moved on over there while nobody here knew that it existed; that work began is not the last word then, and
    one status of an order is pending at a time."""
    words = {"completed": "SENT"}
    bench.routes[0] = msgspec.structs.replace(bench.routes[0], status_back=words, mark_processing=marks)

    async def complete_at_once(shop: Shop, push: Push) -> Receipt:
        shop.book(push)
        shop.status = "completed"
        raise OutcomeUnknown("the answer was lost")

    bench.shop.script = [complete_at_once]
    await bench.land(order("A"))
    await stored(bench, 1, DeliveryState.CONFIRMED)
    (back,) = await deliveries.listing(bench.database.reader, target="allegro")
    assert (back.action, back.state) == (Action.SET_STATUS, DeliveryState.PENDING)
    assert b"SENT" in bytes(back.payload)


async def owe_parcel(bench: Bench) -> None:
    """The order is there, and a parcel of it is owed to the same target."""
    await bench.land(order("A"))
    await bench.settled(1)

    async def owe(tx: Transaction) -> None:
        push = (await deliveries.of_orders(tx, [1]))[1][0]  # type: ignore[index]
        parcel = msgspec.structs.replace(
            push,
            id=2,
            action=Action.ADD_SHIPMENT,
            state=DeliveryState.PENDING,
            payload=msgspec.Raw(msgspec.json.encode(Shipment(waybill="620", carrier="INPOST"))),
            attempts=0,
            sent_at=None,
            external_id=None,
            finished_at=None,
        )
        await deliveries.add(tx, [parcel])

    await bench.database.write(owe)
    bench.dispatcher.wake()


async def test_what_a_delivery_is_about_says_what_its_calls_are_for(bench: Bench) -> None:
    """Whatever the task was begun for: an order outranks the list of offers beside it."""
    lanes: list[Lane] = []

    async def step(shop: Shop, push: Push) -> Receipt:
        lanes.append(calls_for())
        return await accept(shop, push)

    bench.shop.script = [step]
    with calling_for(Lane.OFFERS):
        await bench.kill()
    await bench.land(order("A"))
    await bench.until("confirmed")
    assert lanes == [Lane.ORDERS]


async def test_a_parcel_that_is_registered_late_is_registered_once(bench: Bench) -> None:
    """SYN-19: its answer was lost, and reading at once would not have seen it."""
    bench.shop.parcels.late = [0.15]
    await owe_parcel(bench)
    await bench.settled(2)
    await asyncio.sleep(0.2)
    assert bench.shop.parcels.there == ["620"]


async def test_a_parcel_that_never_arrived_is_sent_again_after_the_target_settled(bench: Bench) -> None:
    bench.shop.parcels.late = [3600]
    await owe_parcel(bench)
    await bench.settled(2)
    assert bench.shop.parcels.there == ["620"]


async def test_after_a_death_a_parcel_waits_for_the_target_too(bench: Bench) -> None:
    """The old life may have sent it just before it ended."""
    bench.shop.parcels.late = [0.15]
    await owe_parcel(bench)
    async with asyncio.timeout(10):
        while bench.shop.parcels.late:
            await asyncio.sleep(0.001)
    await bench.kill()
    await bench.settled(2)
    await asyncio.sleep(0.2)
    assert bench.shop.parcels.there == ["620"]


async def test_a_look_up_forgets_no_parcel_that_the_target_told_of(bench: Bench) -> None:
    """A receipt knows no parcels; with the copy's forgotten, its next telling would register them again."""
    bench.shop.script = [cheat]
    await bench.land(order("A"))
    await bench.until("hold")
    parcel = Shipment(waybill="620", carrier="INPOST")

    async def look_again(tx: Transaction) -> None:
        copy = (await target_orders.of_orders(tx, [1]))[1][0]  # type: ignore[index]
        await target_orders.put(tx, [msgspec.structs.replace(copy, shipments=(parcel,), seen_at=EPOCH)])
        held = (await deliveries.of_orders(tx, [1]))[1][0]  # type: ignore[index]
        again = msgspec.structs.replace(held, state=DeliveryState.SENT, sent_at=EPOCH, due_at=EPOCH)
        await deliveries.save(tx, [again])

    await bench.database.write(look_again)
    bench.dispatcher.wake()
    async with asyncio.timeout(10):
        while not bench.shop.lookups or (await bench.states()) == ["sent"]:
            await asyncio.sleep(0.01)
    copy = (await target_orders.of_orders(bench.database.reader, [1]))[1][0]  # type: ignore[index]
    assert (copy.shipments, copy.seen_at) == ((parcel,), EPOCH)


async def test_the_target_settles_from_the_sending_not_from_the_claim(bench: Bench) -> None:
    """What waited long for its turn was sent just now, so "not there" means nothing yet."""

    async def slow(shop: Shop, push: Push) -> Receipt:
        await asyncio.sleep(0.3)
        return shop.book(push)

    bench.shop.script = [slow] * 4 + [late(0.15)]
    await bench.land(*(order(str(i)) for i in range(5)))
    await bench.settled(5)
    await asyncio.sleep(0.2)
    assert sorted(bench.shop.books) == [f"allegro:{i}" for i in range(5)]


async def test_what_was_under_way_as_a_dispatcher_broke_off_settles_from_there(bench: Bench) -> None:
    """It was claimed long before it was sent, and its answer will never come: it is sent again too early only where
    it counts from the claim."""
    reached = asyncio.Event()

    async def slow(shop: Shop, push: Push) -> Receipt:
        await asyncio.sleep(0.3)
        return shop.book(push)

    async def hang(shop: Shop, push: Push) -> Receipt:
        asyncio.get_running_loop().call_later(0.15, shop.books.append, push.reference)
        reached.set()
        await asyncio.sleep(60)
        raise AssertionError

    bench.shop.script = [*[slow] * 4, hang]
    await bench.land(*(order(str(i)) for i in range(5)))
    await asyncio.wait_for(reached.wait(), 5)
    assert bench.task is not None
    bench.task.cancel()
    await asyncio.gather(bench.task, return_exceptions=True)
    bench.start()  # the same one, as the supervisor does after a disk was full for a moment
    await bench.settled(5)
    await asyncio.sleep(0.2)
    assert sorted(bench.shop.books) == [f"allegro:{i}" for i in range(5)]


async def test_after_a_death_the_target_settles_from_the_new_life(bench: Bench) -> None:
    """When the old one sent it, between its claim and its death, nobody knows."""
    reached = asyncio.Event()

    async def hang(shop: Shop, push: Push) -> Receipt:
        asyncio.get_running_loop().call_later(0.15, shop.books.append, push.reference)
        reached.set()
        await asyncio.sleep(60)
        raise AssertionError

    bench.shop.script = [hang]
    await bench.land(order("A"))
    await asyncio.wait_for(reached.wait(), 5)

    async def claimed_long_ago(tx: Transaction) -> None:
        await tx.execute("UPDATE deliveries SET state = 'sent', sent_at = 0, lease_until = NULL WHERE id = 1")

    bench.lineage = Lineage(bench.clock)
    await bench.kill(claimed_long_ago)
    await bench.settled(1)
    await asyncio.sleep(0.2)
    assert bench.shop.books == ["allegro:A"]


@pytest.mark.parametrize("before", [0, 4])
async def test_what_is_under_way_is_never_claimed_again(bench: Bench, before: int) -> None:
    """However long it takes: leases may run out, by a slow target or by a clock that jumps.

    Whether it is the first that a task carries out or follows on another one.
    """
    gate = asyncio.Event()

    async def wait(shop: Shop, push: Push) -> Receipt:
        await gate.wait()
        return shop.book(push)

    bench.shop.script = [*[accept] * before, *[wait] * 2]
    await bench.land(*(order(f"before {i}") for i in range(before)), order("A"), order("B"))
    while len(bench.shop.books) < before or bench.shop.under_way < 2:
        await asyncio.sleep(0.01)

    async def run_out(tx: Transaction) -> None:
        await tx.execute("UPDATE deliveries SET lease_until = 0, sent_at = 0")

    await bench.database.write(run_out)
    bench.dispatcher.wake()
    await bench.land(*(order(str(i)) for i in range(4)))
    async with asyncio.timeout(5):
        while (await bench.states()).count("confirmed") < before + 4:
            await asyncio.sleep(0.01)
    gate.set()
    await bench.settled(before + 6)
    assert len(bench.shop.books) == before + 6
    assert bench.shop.lookups == 0


@pytest.mark.parametrize("full", [False, True])
async def test_what_waits_for_a_target_that_went_down_is_given_back(
    full: bool, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would grow old in memory, while its order may be cancelled. Also where the disk was full just then."""
    write = bench.database.write

    async def fail_once(work: Any) -> Any:
        nonlocal full
        if full and bench.dispatcher.down:
            full = False
            raise OSError("No space left on device")
        return await write(work)

    monkeypatch.setattr(bench.database, "write", fail_once)
    bench.shop.script = [refuse(Unavailable("down"))] * 4
    await bench.land(*(order(str(i)) for i in range(12)))
    async with asyncio.timeout(5):
        while not bench.dispatcher.down or "sent" in await bench.states():
            await asyncio.sleep(0.01)
            bench.dispatcher._down_until = bench.clock.monotonic() + 60
            if bench.task is not None and bench.task.done():
                bench.start()  # as the supervisor does
    assert not full
    assert sorted(await bench.states()) == ["pending"] * 8 + ["retry"] * 4
    assert bench.shop.books == []


async def test_a_plugin_that_never_answers_is_not_waited_for(bench: Bench) -> None:
    """Invariant 13: no call without a time limit."""
    answers = iter([asyncio.sleep(60), asyncio.sleep(0)])

    async def hang(delivery: Delivery, order: Order) -> None:
        await next(answers)

    bench.amend = hang  # type: ignore[method-assign]
    bench.timeout = 0.1
    await bench.kill()
    await bench.land(order("A"))
    await bench.settled(1)
    assert bench.shop.books == ["allegro:A"]


@pytest.mark.parametrize("error", [Unavailable("503"), ContractBroken("the answer is not JSON")])
async def test_a_failing_look_up_settles_nothing(bench: Bench, error: PluginError) -> None:
    bench.shop.script = [lose_after]
    bench.shop.find_error = error
    await bench.land(order("A"))
    await bench.settled(1)
    assert bench.shop.books == ["allegro:A"]


async def test_killed_between_sending_and_storing(bench: Bench) -> None:
    """Invariants 3 and 4: the row was written before the call, so the next process looks before it sends."""
    reached = asyncio.Event()

    async def hang_after(shop: Shop, push: Push) -> Receipt:
        shop.book(push)
        reached.set()
        await asyncio.sleep(60)
        raise AssertionError

    bench.shop.script = [hang_after]
    await bench.land(order("A"))
    await asyncio.wait_for(reached.wait(), 5)
    assert await bench.states() == ["sent"]
    await bench.kill()
    await bench.settled(1)
    assert bench.shop.books == ["allegro:A"]


async def test_stopping_gives_back_what_was_not_begun(bench: Bench) -> None:
    """A graceful stop leaves no outcome unknown: under way ends, the rest is as it was."""
    gate = asyncio.Event()

    async def wait(shop: Shop, push: Push) -> Receipt:
        await gate.wait()
        return shop.book(push)

    bench.shop.script = [wait] * 50
    await bench.land(*(order(str(i)) for i in range(50)))
    while bench.shop.under_way < 4:
        await asyncio.sleep(0.01)
    bench.dispatcher.stop()
    gate.set()
    assert bench.task is not None
    await asyncio.wait_for(bench.task, 5)
    found = await deliveries.listing(bench.database.reader, limit=100)
    confirmed = [d for d in found if d.state is DeliveryState.CONFIRMED]
    assert len(confirmed) == len(bench.shop.books) == 4
    assert {(d.state, d.attempts, d.sent_at) for d in found if d not in confirmed} == {
        (DeliveryState.PENDING, 0, None)
    }


async def test_what_is_given_back_in_doubt_keeps_the_time_at_which_it_may_have_been_sent(bench: Bench) -> None:
    """By that the next process knows that "not there" means nothing until the target has settled."""
    gate = asyncio.Event()

    async def lose(shop: Shop, push: Push) -> Receipt:
        raise OutcomeUnknown("the answer was lost", retry_after=0.2)

    async def wait(shop: Shop, push: Push) -> Receipt:
        await gate.wait()
        return shop.book(push)

    bench.shop.script = [lose, *[wait] * 4]
    await bench.land(order("A"))
    before = await stored(bench, 1, DeliveryState.SENT)
    await bench.land(*(order(str(number)) for number in range(4)))
    async with asyncio.timeout(10):
        while (await deliveries.get(bench.database.reader, 1)) == before:
            await asyncio.sleep(0.01)
    assert (bench.shop.under_way, bench.shop.lookups) == (4, 0), "claimed, and nobody is free to look it up"
    bench.dispatcher.stop()
    gate.set()
    assert bench.task is not None
    await asyncio.wait_for(bench.task, 5)
    assert await deliveries.get(bench.database.reader, 1) == before
    assert before.sent_at is not None
    asyncio.get_running_loop().call_later(0.1, bench.shop.books.append, "allegro:A")
    await bench.kill()
    await bench.settled(5)
    await asyncio.sleep(0.1)
    assert bench.shop.books.count("allegro:A") == 1


@pytest.mark.parametrize("error", [Unavailable("down"), RateLimited("slow", retry_after=0.05)])
async def test_temporary_refusals_are_tried_again(bench: Bench, error: PluginError) -> None:
    """SYN-19."""
    bench.shop.script = [refuse(error)] * 6
    await bench.land(order("A"))
    await bench.settled(1)
    assert bench.shop.lookups == 0
    assert bench.shop.books == ["allegro:A"]


async def test_what_waits_for_a_budget_of_values_holds_up_nothing_else(bench: Bench) -> None:
    """Nothing was sent, so that it says nothing of the target: what changes no such values goes on."""
    bench.shop.script = [refuse(ValuesSpent("not before an hour is over", retry_after=3600.0))] * 5
    await bench.land(*(order(str(i)) for i in range(5)))
    await bench.until(*["retry"] * 5)
    assert not bench.dispatcher.down
    await bench.land(order("good"))
    await bench.until(*["retry"] * 5, "confirmed")


async def test_a_target_that_is_down_is_probed_one_at_a_time(bench: Bench) -> None:
    bench.shop.script = [refuse(Unavailable("down"))] * 8
    await bench.land(*(order(str(i)) for i in range(30)))
    async with asyncio.timeout(20):
        while bench.shop.script:
            await asyncio.sleep(0.01)
            if bench.dispatcher.down:
                bench.dispatcher._down_until = min(bench.dispatcher._down_until, bench.clock.monotonic() + 0.05)
                bench.dispatcher.wake()
    await bench.settled(30)
    assert sorted(bench.shop.books) == sorted(f"allegro:{i}" for i in range(30))


async def test_what_is_forbidden_again_and_again_holds_up_no_other_order(bench: Bench) -> None:
    """Some are refused for ever, by a 403 that nobody knows: the pause of a target that is down must not grow
    with each of their tries."""
    tries = 0

    async def barred(shop: Shop, push: Push) -> Receipt:
        nonlocal tries
        if push.reference == "allegro:good":
            return await accept(shop, push)
        tries += 1
        raise Forbidden("403 (nobody_knows)")

    bench.shop.script = [barred] * 1000
    await bench.land(*(order(str(i)) for i in range(5)))

    async def often() -> bool:
        return tries >= 20

    await until(often, what="twenty refusals", within=10, pause=0.01)
    await bench.land(order("good"))
    await bench.until(*["retry"] * 5, "confirmed")


async def test_what_has_spent_its_values_holds_up_no_other_delivery(bench: Bench) -> None:
    """As three offers that a person ends while a stop of all sales has used up what may be published in an hour."""

    async def spent(shop: Shop, push: Push) -> Receipt:
        if push.reference == "allegro:good":
            return await accept(shop, push)
        raise ValuesSpent("spent", retry_after=3600.0)

    bench.shop.script = [spent] * 10
    await bench.land(*(order(str(i)) for i in range(3)))
    await bench.until(*["retry"] * 3)
    assert not bench.dispatcher.down
    await bench.land(order("good"))
    await bench.until(*["retry"] * 3, "confirmed")


async def test_a_refused_order_waits_for_a_person_and_holds_up_nobody(bench: Bench) -> None:
    bench.shop.script = [refuse(Rejected("no such product", field="line_items"))]
    await bench.land(order("A"), order("B"))
    await bench.until("hold", "confirmed")
    held = (await deliveries.listing(bench.database.reader, states=[DeliveryState.HOLD]))[0]
    assert "no such product" in (held.reason or "")
    assert "line_items" in (held.reason or "")
    history = await events.of_order(bench.database.reader, held.order_id)
    assert history[-1].kind == "delivery.held"


async def test_another_total_in_the_shop_is_held_with_its_order(bench: Bench) -> None:
    """Invariant 6: what the shop stored is compared to the grosz."""
    bench.shop.script = [cheat]
    await bench.land(order("A"))
    await bench.until("hold")
    held = (await deliveries.listing(bench.database.reader))[0]
    assert "15.01 PLN" in (held.reason or "")
    assert held.external_id == "100"
    assert (await target_orders.of_orders(bench.database.reader, [1]))[1][0].external_id == "100"  # type: ignore[index]


async def test_what_is_held_once_more_can_still_be_cancelled(bench: Bench) -> None:
    """It is there under its number, also where it was tried again and could not be looked at."""
    bench.shop.script = [cheat]
    await bench.land(order("A"))
    await bench.until("hold")
    bench.shop.find_error = Rejected("no right to read orders")
    await bench.database.write(
        lambda tx: tx.execute("UPDATE deliveries SET state = 'sent', due_at = 0, reason = NULL WHERE id = 1")
    )
    bench.dispatcher.wake()
    held = await stored(bench, 1, DeliveryState.HOLD)
    assert (held.reason, held.external_id) == ("no right to read orders", "100")
    await bench.land(order("A", stage=Stage.CANCELLED))
    await bench.until("hold", "confirmed")
    assert bench.shop.cancelled == ["100"]


async def test_a_number_of_another_order_is_held_and_holds_up_nobody(bench: Bench) -> None:
    """A shop that was set up anew counts from one again; its orders must not be taken for those before."""
    await bench.land(order("A"))
    await bench.settled(1)
    bench.shop.books.clear()
    await bench.land(order("B"), order("C"))
    await bench.until("confirmed", "hold", "confirmed")
    held = (await deliveries.listing(bench.database.reader, states=[DeliveryState.HOLD]))[0]
    assert "as 100, which is known there as order 1 of the hub" in (held.reason or "")
    known = await target_orders.by_external(bench.database.reader, "shop", ["100", "101"])
    assert {external_id: copy.order_id for external_id, copy in known.items()} == {"100": 1, "101": 3}
    assert bench.dispatcher.confirmed == 2


async def test_two_orders_of_one_turn_cannot_share_a_number(bench: Bench) -> None:
    """A shop that answers two pushes at once with one order: the second waits for a person."""
    both = asyncio.Barrier(2)

    async def same(shop: Shop, push: Push) -> Receipt:
        await both.wait()
        return Receipt(external_id="100", number="N1", total=push.order.total)

    bench.shop.script = [same, same]
    await bench.land(order("A"), order("B"))
    async with asyncio.timeout(10):
        while sorted(await bench.states()) != ["confirmed", "hold"]:
            await asyncio.sleep(0.01)
    found = {d.state: d for d in await deliveries.listing(bench.database.reader)}
    first = found[DeliveryState.CONFIRMED].order_id
    assert f"as 100, which is known there as order {first} of the hub" in (found[DeliveryState.HOLD].reason or "")


async def test_a_plugin_may_veto(bench: Bench) -> None:
    bench.veto = "the address is blocked"
    await bench.land(order("A"))
    await bench.until("hold")
    assert bench.shop.books == []


async def test_a_lost_key_parks_and_nothing_is_burnt(bench: Bench) -> None:
    """One refusal parks the target; the others are not even tried."""
    bench.shop.script = [refuse(AuthLost("key refused"))] * 4
    await bench.land(*(order(str(i)) for i in range(20)))
    while not bench.lost:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    assert bench.shop.books == []
    bench.shop.script.clear()
    bench.dispatcher.resume()
    await bench.settled(20)


async def test_a_cancelled_order_is_taken_back_after_it_went(bench: Bench) -> None:
    await bench.land(order("A"))
    await bench.settled(1)
    await bench.land(order("A", stage=Stage.CANCELLED))
    await bench.settled(2)
    assert bench.shop.cancelled == ["100"]


async def test_the_copy_of_an_order_that_another_took_over_is_cancelled(bench: Bench) -> None:
    """The purchase itself is not cancelled: its lines are another's now, which is sent with them."""
    await bench.land(order("A"))
    await bench.settled(1)
    await bench.land(order("C", lines=(line("A-1"), line("B-1")), updated_at=EPOCH + timedelta(hours=1)))
    await bench.settled(3)
    assert bench.shop.cancelled == ["100"]
    assert bench.shop.books == ["allegro:A", "allegro:C"]


@pytest.mark.parametrize(
    ("mark", "total", "other"),
    [
        ("allegro:A", "15.00", False),
        ("allegro:A", "14.00", False),
        (None, "15.00", False),
        (None, "39.89", True),
        ("allegro:B", "15.00", True),
    ],
)
async def test_nobody_elses_order_is_cancelled(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, mark: str | None, total: str, other: bool
) -> None:
    """The shop was set back to a backup of its own and gave the number anew."""

    async def find_by_number(number: str) -> Found | None:
        return Found(external_id="100", number=number, total=pln(total), reference=mark)

    monkeypatch.setattr(Shop, "numbered", True)
    monkeypatch.setattr(bench.shop, "find_by_number", find_by_number)
    await bench.land(order("A"))
    await bench.settled(1)
    await bench.land(order("A", stage=Stage.CANCELLED))
    await bench.until("confirmed", "hold" if other else "confirmed")
    assert bench.shop.cancelled == ([] if other else ["100"])
    held = [d.reason or "" for d in await deliveries.listing(bench.database.reader, states=[DeliveryState.HOLD])]
    assert ["is another one by now" in reason for reason in held] == [True] * other


async def test_an_order_that_is_on_again_is_not_cancelled(bench: Bench) -> None:
    """Not even by a cancellation whose outcome is unknown; a person looks."""
    await bench.land(order("A"))
    await bench.settled(1)
    bench.dispatcher.pause()
    await bench.land(order("A", stage=Stage.CANCELLED))

    async def tried(tx: Transaction) -> None:
        await tx.execute("UPDATE deliveries SET state = 'sent', sent_at = 0, attempts = 1 WHERE id = 2")

    await bench.database.write(tried)
    await bench.land(order("A"))
    bench.dispatcher.resume()
    await bench.until("confirmed", "dropped", "hold")
    assert bench.shop.cancelled == []
    held = (await deliveries.listing(bench.database.reader, states=[DeliveryState.HOLD]))[0]
    assert "cancellation" in (held.reason or "")


async def test_a_later_change_waits_for_a_person_and_holds_up_nothing(bench: Bench) -> None:
    """Part of FWD-26."""
    await bench.land(order("A"))
    await bench.settled(1)
    await bench.land(order("A", lines=(line("A-1", quantity=2),)))
    await bench.until("confirmed", "hold")
    held = (await deliveries.listing(bench.database.reader, states=[DeliveryState.HOLD]))[0]
    assert "15.00 PLN, the buyer pays 25.00 PLN" in (held.reason or "")
    await bench.land(order("A", lines=(line("A-1", quantity=2),), stage=Stage.CANCELLED))
    await bench.until("confirmed", "hold", "confirmed")
    assert bench.shop.cancelled == ["100"]


async def test_an_order_cancelled_while_its_answer_was_lost_is_not_sent_again(bench: Bench) -> None:
    bench.shop.script = [lose_before]
    await bench.land(order("A"))
    await bench.until("sent")
    await bench.land(order("A", stage=Stage.CANCELLED))
    await bench.until("dropped", "dropped")
    assert bench.shop.books == []
    assert bench.shop.withdrawn == ["allegro:A"]


async def test_the_source_of_a_cancelled_order_is_not_told_that_work_began(bench: Bench) -> None:
    """It was cancelled before its answer, which was lost, could be looked up."""
    bench.routes[0] = msgspec.structs.replace(bench.routes[0], mark_processing=True)

    async def cancelled_meanwhile(shop: Shop, push: Push) -> Receipt:
        shop.book(push)
        await bench.land(order("A", stage=Stage.CANCELLED))
        raise OutcomeUnknown("the answer was lost")

    bench.shop.script = [cancelled_meanwhile]
    await bench.land(order("A"))
    async with asyncio.timeout(10):
        while not bench.shop.cancelled:
            await asyncio.sleep(0.01)
    assert await deliveries.listing(bench.database.reader, target="allegro") == []


async def test_a_part_that_a_try_left_which_surely_made_no_order_is_withdrawn(bench: Bench) -> None:
    """Its next try was not due for long: cancelled meanwhile it is not just forgotten."""
    bench.shop.script = [refuse(Unavailable("503", retry_after=3600.0))]
    await bench.land(order("A"))
    await bench.until("retry")
    await bench.land(order("A", stage=Stage.CANCELLED))
    await bench.until("dropped")
    assert bench.shop.withdrawn == ["allegro:A"]


async def test_what_a_broken_connector_may_have_made_is_not_forgotten_when_it_is_cancelled(bench: Bench) -> None:
    """A person was asked at last. It may be there, so that its cancellation waits until somebody has looked."""
    fail = refuse(ZeroDivisionError("a fault of the connector"))  # type: ignore[arg-type]
    bench.shop.script = [fail, fail, break_after]
    await bench.land(order("A"))
    await bench.until("hold")
    assert bench.shop.books == ["allegro:A"]
    await bench.land(order("A", stage=Stage.CANCELLED))
    await bench.until("hold", "pending")
    await bench.database.write(
        lambda tx: tx.execute("UPDATE deliveries SET state = 'sent', due_at = 0 WHERE id = 1")
    )
    bench.dispatcher.wake()
    await bench.until("confirmed", "confirmed")
    assert bench.shop.cancelled == ["100"]


async def look(bench: Bench) -> None:
    """The target tells of the first order, which nobody owes there."""

    async def work(tx: Transaction) -> None:
        recorder = Recorder(tx, bench.clock.now(), Cause("run", "1"))
        about, found = Subject.order(1), changes.CopyFound(target="shop", external_id="77")
        known = (await recorder.known_deliveries([about]))[about]
        await recorder.record(about, "allegro", [found], [plan.look("shop", 0)], known)
        await recorder.write(tx)

    await bench.database.write(work)
    bench.dispatcher.wake()


async def test_an_order_that_came_after_its_cancellation_had_found_nothing_is_cancelled(bench: Bench) -> None:
    """It acted later than any target settles: the cancellation that had nothing to do is none of what came."""
    bench.shop.script = [lose_before]
    await bench.land(order("A"))
    await bench.until("sent")
    await bench.land(order("A", stage=Stage.CANCELLED))
    await bench.until("dropped", "dropped")
    bench.shop.books.append("allegro:A")
    await look(bench)
    await bench.until("confirmed", "dropped", "confirmed")
    assert bench.shop.cancelled == ["100"]


@pytest.mark.parametrize("forward", [True, False])
async def test_what_a_target_told_of_and_does_not_have_is_looked_for_once_and_not_made(
    forward: bool, bench: Bench
) -> None:
    """It was not owed there before: the buyer has not finished it, or the route of its source forwards nothing."""
    bench.routes[0] = msgspec.structs.replace(bench.routes[0], forward=forward)
    bench.routes.append(Route(target="shop", sources=frozenset({"another"})))
    await bench.land(order("A", stage=Stage.PLACED if forward else Stage.CONFIRMED))
    await look(bench)
    await bench.until("dropped")
    assert (bench.shop.lookups, bench.shop.books) == (1, [])


async def test_what_is_finished_while_it_is_looked_for_in_vain_is_made(bench: Bench) -> None:
    await bench.land(order("A", stage=Stage.PLACED))
    bench.shop.find_takes = 0.2
    await look(bench)
    async with asyncio.timeout(10):
        while not bench.shop.lookups:
            await asyncio.sleep(0.01)
    await bench.land(order("A"))
    await bench.settled(1)
    assert bench.shop.books == ["allegro:A"]


async def test_a_part_that_an_earlier_try_left_is_withdrawn_when_nothing_can_come_late(bench: Bench) -> None:
    """Also from a target that would refuse a second one: what acts late must not stay either."""
    bench.shop.idempotent = True  # type: ignore[misc]
    bench.shop.script = [late(0.15)]
    await bench.land(order("A"))
    await bench.until("sent")
    await bench.land(order("A", stage=Stage.CANCELLED))
    await bench.until("confirmed", "confirmed")
    assert bench.shop.cancelled == ["100"]
    assert bench.shop.withdrawn == []


async def test_a_refused_status_holds_up_no_parcel(bench: Bench) -> None:
    """A person may decide about the status; the parcel is on its way meanwhile."""
    await bench.land(order("A"))
    await bench.settled(1)

    async def owe(tx: Transaction) -> None:
        held = (await deliveries.of_orders(tx, [1]))[1][0]  # type: ignore[index]
        for number, action, state in ((2, Action.SET_STATUS, DeliveryState.HOLD), (3, Action.CANCEL_ORDER, None)):
            more = msgspec.structs.replace(
                held,
                id=number,
                action=action,
                state=state or DeliveryState.PENDING,
                external_id=None,
                finished_at=None,
            )
            await deliveries.add(tx, [more])

    await bench.database.write(owe)
    bench.dispatcher.wake()
    async with asyncio.timeout(10):
        while (await bench.states())[2] in ("pending", "sent"):
            await asyncio.sleep(0.01)
    assert (await bench.states())[1] == "hold"


REFUSALS = pytest.mark.parametrize(
    ("refusal", "state"), [(Conflict("the purchase is cancelled"), "dead"), (Rejected("not now"), "hold")]
)


async def refuse_status(bench: Bench) -> None:
    """The shop has an order, is to be told its status, and says no."""
    await bench.land(order("A"))
    await bench.settled(1)

    async def owe(tx: Transaction) -> None:
        done = (await deliveries.of_orders(tx, [1]))[1][0]  # type: ignore[index]
        status = msgspec.structs.replace(
            done,
            id=9,
            action=Action.SET_STATUS,
            key="completed",
            state=DeliveryState.PENDING,
            external_id=None,
            finished_at=None,
            payload=msgspec.Raw(b'{"status": "completed"}'),
        )
        await deliveries.add(tx, [status])

    await bench.database.write(owe)
    bench.dispatcher.wake()


@REFUSALS
async def test_a_status_refused_of_a_cancelled_purchase_is_no_matter(
    bench: Bench, refusal: PluginError, state: str
) -> None:
    """Refused for good or so that a person would have to see to it: the cancellation was known by then."""
    bench.shop.refusal = refusal

    async def cancel() -> None:
        await bench.land(order("A", stage=Stage.CANCELLED))

    bench.shop.before_status = cancel
    await refuse_status(bench)
    await bench.until("confirmed", "confirmed", "dropped")
    status = await deliveries.get(bench.database.reader, 9)
    assert status is not None
    assert (status.state, status.reason) == (DeliveryState.DROPPED, plan.CALLED_OFF)
    kinds = [event.kind for event in await events.of_order(bench.database.reader, 1)]
    assert "delivery.dropped" in kinds
    assert "delivery.refused" not in kinds
    assert "delivery.held" not in kinds


@REFUSALS
async def test_a_refused_status_is_dropped_when_its_purchase_turns_out_cancelled(
    bench: Bench, refusal: PluginError, state: str
) -> None:
    """And the history tells so, for it told of the refusal."""
    bench.shop.refusal = refusal
    await refuse_status(bench)
    await bench.until("confirmed", state)
    assert await deliveries.tally(bench.database.reader) == {("shop", DeliveryState(state)): 1}
    await bench.land(order("A", stage=Stage.CANCELLED))
    await bench.until("confirmed", "confirmed", "dropped")
    assert await deliveries.tally(bench.database.reader) == {}
    status = await deliveries.get(bench.database.reader, 9)
    assert status is not None
    assert status.reason == plan.CALLED_OFF
    assert status.finished_at is not None
    told = await events.of_order(bench.database.reader, 1)
    cancelled = next(event for event in told if event.kind == "order.cancelled")
    dropped = [event for event in told if event.kind == "delivery.dropped"]
    assert [(event.account, event.cause) for event in dropped] == [("allegro", Cause("event", str(cancelled.id)))]
    facts = {
        "delivery": 9, "action": "set-status", "target": "shop", "reason": plan.CALLED_OFF,
        "reason_code": "order.called-off", "reason_values": {},
    }  # fmt: skip
    assert msgspec.json.decode(dropped[0].data) == facts


@pytest.mark.parametrize("known", ["before", "after"])
async def test_a_status_dropped_for_a_cancellation_is_owed_again_when_the_order_is(
    bench: Bench, known: str
) -> None:
    """Whether the cancellation was known before the refusal or after it: the word must not be lost."""
    if known == "before":
        bench.shop.before_status = lambda: bench.land(order("A", stage=Stage.CANCELLED))
        await refuse_status(bench)
    else:
        await refuse_status(bench)
        await bench.until("confirmed", "dead")
        await bench.land(order("A", stage=Stage.CANCELLED))
    await bench.until("confirmed", "confirmed", "dropped")
    bench.shop.refusal, bench.shop.before_status = None, nothing
    await bench.land(order("A"))
    async with asyncio.timeout(10):
        while not bench.shop.told:
            await asyncio.sleep(0.01)
    assert bench.shop.told == ["completed"]
    async with asyncio.timeout(10):
        while (status := await deliveries.get(bench.database.reader, 9)) and status.state.open:
            await asyncio.sleep(0.01)
    assert status is not None
    assert (status.state, status.reason) == (DeliveryState.CONFIRMED, None)


async def test_what_a_person_discarded_is_not_dropped_nor_owed_again(bench: Bench) -> None:
    """The last word about it was a person's."""
    await refuse_status(bench)
    await bench.until("confirmed", "dead")

    async def discard(tx: Transaction) -> None:
        refused = await deliveries.get(tx, 9)
        assert refused is not None
        await deliveries.save(tx, [msgspec.structs.replace(refused, state=DeliveryState.DISCARDED)])

    await bench.database.write(discard)
    bench.shop.refusal = None
    await bench.land(order("A", stage=Stage.CANCELLED))
    await bench.until("confirmed", "confirmed", "discarded")
    await bench.land(order("A"))
    status = await deliveries.get(bench.database.reader, 9)
    assert status is not None
    assert status.state is DeliveryState.DISCARDED


async def test_a_time_from_a_wrong_clock_is_not_waited_for(bench: Bench) -> None:
    """Quarrels of clocks: a delivery that is due in years was stored while the clock was years ahead."""
    bench.dispatcher.pause()
    await bench.land(order("A"))

    async def years_ahead(tx: Transaction) -> None:
        await tx.execute("UPDATE deliveries SET due_at = due_at + 100000000000000000")
        await deliveries.recover(tx, bench.clock.now())

    await bench.kill(years_ahead)
    await bench.settled(1)


async def test_a_failed_transaction_forgets_no_outcome(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full for a moment: what ended is stored as soon as it can be, without another look-up."""
    write, broken = bench.database.write, 2

    async def fail(work: Any) -> Any:
        nonlocal broken
        if bench.shop.books and broken:
            broken -= 1
            raise OSError("No space left on device")
        return await write(work)

    monkeypatch.setattr(bench.database, "write", fail)
    await bench.land(order("A"))
    async with asyncio.timeout(10):
        while await bench.states() != ["confirmed"]:
            if bench.task is not None and bench.task.done():
                bench.start()  # as the supervisor does
            await asyncio.sleep(0.01)
    assert bench.shop.books == ["allegro:A"]
    assert bench.shop.lookups == 0
    assert broken == 0


async def test_deliveries_of_one_order_go_in_order(bench: Bench) -> None:
    """Invariant 5: the cancellation waits for the push before it, however long that takes."""
    bench.shop.script = [refuse(Unavailable("down")), refuse(Unavailable("down"))]
    await bench.land(order("A"))
    await asyncio.sleep(0.02)

    async def sent(tx: Transaction) -> None:
        await tx.execute("UPDATE deliveries SET sent_at = 0 WHERE id = 1")

    await bench.database.write(sent)
    await bench.land(order("A", stage=Stage.CANCELLED))
    async with asyncio.timeout(10):
        while any(state in ("pending", "retry", "sent") for state in await bench.states()):
            await asyncio.sleep(0.01)
    # Whatever the interleaving: cancelled only if it was there, and never there uncancelled.
    assert len(bench.shop.cancelled) == len(bench.shop.books)
