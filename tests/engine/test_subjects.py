"""Deliveries about another kind than an order, beside orders at one target: a product is announced to a shop.

The action is one of a test: a handler for products, and the capability that it needs. All else is the outbox as it
is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from types import NoneType
from typing import Any, ClassVar

import msgspec
import pytest
import structlog

from olhubd.decide import plan
from olhubd.decide.plan import PlannedDelivery
from olhubd.decide.planners import PLANNERS
from olhubd.decide.planning import Keys, PlanningContext, Plans, Transition
from olhubd.engine.flow.landing import Landing
from olhubd.engine.flow.registry import Flows
from olhubd.engine.outbox.actions import HANDLERS
from olhubd.engine.outbox.booking import book
from olhubd.engine.outbox.dispatcher import Dispatcher
from olhubd.engine.outbox.handler import Done, Handler, Result
from olhubd.engine.outbox.job import Job
from olhubd.engine.outbox.target import TargetAccount
from olhubd.model import Action, Delivery, Kind, Product, Reason, Run, RunId, Subject
from olhubd.plugin import (
    Capability,
    Conflict,
    Connector,
    OutcomeUnknown,
    PluginError,
    Rejected,
    Settings,
    Unavailable,
)
from olhubd.store import Database, Reader, Transaction, deliveries, events
from tests.engine import test_dispatcher
from tests.engine.test_dispatcher import Shop
from tests.engine.test_flows import OTHERS, ProductFlow, StoredProduct, mug, with_products
from tests.orders import EPOCH, order


class Announcements(Capability):
    """A system that wants to hear of products. Told twice it would show a product twice."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.script: list[PluginError | None] = []
        self.asked: list[str] = []
        self.order: list[str] = []

    async def announce(self, external_id: str, called: str) -> None:
        trouble = self.script.pop(0) if self.script else None
        if trouble is None or isinstance(trouble, OutcomeUnknown):
            self.told.append(f"{external_id} {called}")
        if trouble is not None:
            raise trouble

    async def find(self, external_id: str) -> str | None:
        self.asked.append(external_id)
        return next((one for one in self.told if one.startswith(f"{external_id} ")), None)


class Window(Shop):
    """A target that takes orders and announcements."""

    provides: ClassVar[Mapping[type, str]] = {**Shop.provides, Announcements: "announcements"}

    def __init__(self) -> None:
        super().__init__()
        self.announcements = Announcements()


class Announcing(Handler[Announcements]):
    """What twice would be two: looked up by the name that the product has at its source."""

    action = Action.SET_STATUS
    kinds = frozenset({Kind.PRODUCT})
    capability = Announcements
    creates = True
    looks_up = True
    on_copy = False

    async def perform(self, target: TargetAccount, job: Job[StoredProduct]) -> Result:
        one = job.stored
        await target.calls.write("announce", partial(self.sink(target).announce, one.external_id, one.called))
        return Done(facts={"called": one.called})

    async def look_up(self, target: TargetAccount, job: Job[StoredProduct]) -> Result | None:
        look = partial(self.sink(target).find, job.stored.external_id)
        found: str | None = await target.calls.read("find", look, (str, NoneType))
        return Done() if found is not None else None


class Announce:
    """Each change of a product is announced to the targets of its routes, by its name."""

    kinds = frozenset({Kind.PRODUCT})

    def needs(self, batch: Sequence[Transition[Product]]) -> Keys:
        return Keys(deliveries=frozenset(step.subject for step in batch))

    def plan(self, step: Transition[Product], context: PlanningContext, so_far: Plans) -> Iterable[PlannedDelivery]:
        for route in context.routes:
            one = plan.status_at(route.target, step.after.name, 0)
            yield msgspec.structs.replace(one, replaces=False)


class Products(ProductFlow):
    """Products of which one may have a row that cannot be read."""

    broken: ClassVar[set[int]] = set()

    async def read(self, reader: Reader, ids: Sequence[int]) -> Mapping[int, StoredProduct]:
        if self.broken & set(ids):
            raise msgspec.DecodeError("the document of a product is no JSON")
        return await super().read(reader, ids)


class Bench(test_dispatcher.Bench):
    """Orders and products of a marketplace, and a shop that takes both."""

    shop: Window

    def __init__(self, database: Database) -> None:
        self.flows = Flows((*OTHERS, Products()))
        super().__init__(database)
        self.shop = Window()
        self.landing = Landing(
            database,
            self.clock,
            lambda: self.routes,
            lambda targets: self.dispatcher.wake(),
            flows=self.flows,
            planners=(*PLANNERS, Announce()),
        )
        self.use(Announcing())

    def make(self) -> Dispatcher:
        made = super().make()
        made._flows = self.flows
        return made

    async def tell(self, *records: Any) -> None:
        run = Run(id=RunId(1), account="allegro", feed="orders", trigger="timer", started_at=EPOCH)
        await self.landing.land("allegro", records, run=run)

    async def of(self, product: int) -> list[Delivery]:
        subject = Subject(Kind.PRODUCT, product)
        return (await deliveries.of_subjects(self.database.reader, [subject])).get(subject, [])

    async def said(self, product: int) -> list[str]:
        subject = Subject(Kind.PRODUCT, product)
        found = await events.of_subjects(self.database.reader, [subject])
        return [event.kind for event in found.get(subject, [])]


@pytest.fixture
async def bench(database: Database) -> AsyncIterator[Bench]:
    await with_products(database)
    made = Bench(database)
    with structlog.testing.capture_logs():
        await made.kill()
        yield made
        Products.broken.clear()
        assert made.task is not None
        assert not made.task.done(), "the task of the target has ended"
        made.task.cancel()
        await asyncio.gather(made.task, return_exceptions=True)


async def test_a_product_is_announced_beside_orders_once(bench: Bench) -> None:
    await bench.tell(mug("5"), order("A"), mug("6", "Cup"), order("5"))
    await bench.settled(4)
    assert sorted(bench.shop.announcements.told) == ["5 Mug", "6 Cup"]
    assert sorted(bench.shop.books) == ["allegro:5", "allegro:A"]
    assert await bench.said(1) == ["product.named", "delivery.confirmed"]


async def test_deliveries_about_one_product_go_in_order_and_hold_up_no_order(bench: Bench) -> None:
    """The second waits for the first, which is tried again; order 1 is no product 1."""
    bench.shop.announcements.script = [Unavailable("down"), Unavailable("down")]
    await bench.tell(mug("5"))
    await bench.tell(mug("5", "Big mug"), order("A"))
    await bench.settled(3)
    assert bench.shop.announcements.told == ["5 Big mug"], "as it is by then, and the second finds it there"
    assert [row.attempts for row in await bench.of(1)] == [3, 1]


async def test_a_lost_answer_about_a_product_is_looked_up_and_nothing_goes_twice(bench: Bench) -> None:
    bench.shop.announcements.script = [OutcomeUnknown("the answer was lost")]
    await bench.tell(mug("5"), order("A"))
    await bench.settled(2)
    assert bench.shop.announcements.told == ["5 Mug"]
    assert bench.shop.announcements.asked.count("5") >= 1


async def test_what_an_earlier_process_may_have_announced_is_looked_up_first(bench: Bench) -> None:
    """Nothing proves of a product that no process with another database has sent it."""
    bench.shop.announcements.told.append("5 Mug")
    await bench.tell(mug("5"))
    await bench.settled(1)
    assert bench.shop.announcements.told == ["5 Mug"]


async def test_a_refused_product_is_held_and_goes_on_when_it_is_let_go(bench: Bench) -> None:
    """Its refusal is no matter of orders: nothing looks for the order of a product."""
    bench.shop.announcements.script = [Rejected("no such shelf"), Conflict("closed")]
    await bench.tell(mug("5"), order("A"))
    await bench.until("confirmed", "hold")
    assert await bench.said(1) == ["product.named", "delivery.held"]
    (held,) = await bench.of(1)
    again = msgspec.structs.replace(held, state=type(held.state).RETRY, due_at=bench.clock.now())
    bench.shop.announcements.script = []
    await bench.database.write(lambda tx: deliveries.save(tx, [again]))
    bench.dispatcher.wake()
    await bench.settled(2)
    assert bench.shop.announcements.told == ["5 Mug"]


async def test_an_action_that_acts_for_no_such_record_is_held_and_stops_nobody(bench: Bench) -> None:
    """As it was before anything acted for products: the order beside it goes."""
    bench.handlers = dict(HANDLERS)
    await bench.kill()
    await bench.tell(mug("5"), order("A"))
    await bench.until("confirmed", "hold")
    (held,) = await bench.of(1)
    assert isinstance(held.reason, Reason)
    assert (held.reason.code, bench.shop.books) == ("unable.kind", ["allegro:A"])
    assert await bench.said(1) == ["product.named", "delivery.held"]


async def test_a_product_that_is_not_there_or_cannot_be_read_is_held_alone(bench: Bench) -> None:
    """What is read together is read singly where that fails; the others of the target go."""
    bench.dispatcher.pause()
    await bench.tell(mug("5"), mug("6", "Cup"), mug("7", "Plate"), order("A"))
    await bench.database.write(lambda tx: tx.execute("DELETE FROM shelf_products WHERE id = 2"))
    Products.broken.add(3)
    with structlog.testing.capture_logs() as told:
        bench.dispatcher.resume()
        await bench.until("confirmed", "confirmed", "hold", "hold")
    assert [str(one["exc_info"]) for one in told if one["event"] == "a record cannot be read"] == [
        "the document of a product is no JSON"
    ], "its reason has no more than the name of the error"
    codes = [row.reason.code for n in (2, 3) for row in await bench.of(n) if isinstance(row.reason, Reason)]
    assert codes == ["record.not-there", "record.hub-failed"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("action = 'send-letter'", "delivery.unknown"),
        ("subject_kind = 'waybill'", "delivery.unknown"),
        ("created_at = 'yesterday'", "delivery.damaged"),
        ("payload = ''", None),
    ],
)
async def test_nothing_that_one_row_contains_ends_the_task_of_its_target(
    bench: Bench, change: str, code: str | None
) -> None:
    """A row of another version, or of a hand in the database: it is held and shown, and its neighbours go."""
    bench.dispatcher.pause()
    await bench.tell(order("A"), order("B"))

    await bench.database.write(lambda tx: tx.execute(f"UPDATE deliveries SET {change} WHERE id = 1"))
    bench.dispatcher.resume()
    await bench.until("hold" if code or change.startswith("payload") else "confirmed", "confirmed")
    assert "allegro:B" in bench.shop.books
    row = await deliveries.get(bench.database.reader, 1)
    assert row is not None
    if code is not None:
        assert isinstance(row.reason, Reason)
        assert row.reason.code == code
        assert bench.shop.books == ["allegro:B"]


async def test_an_outcome_that_cannot_be_stored_waits_for_a_person_and_the_others_are_stored(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault in here that no check foresaw: the target has it, so it is never just sent again."""

    async def fail(tx: Transaction, recorder: Any, target: str, ended: Any, *rest: Any) -> Any:
        if any(one.delivery.id == 1 and one.delivery.state.value == "confirmed" for one in ended):
            raise KeyError("what nobody foresaw")
        return await book(tx, recorder, target, ended, *rest)

    monkeypatch.setattr("olhubd.engine.outbox.dispatcher.book", fail)
    bench.dispatcher.pause()
    await bench.tell(order("A"), order("B"), order("C"))
    bench.dispatcher.resume()
    await bench.until("hold", "confirmed", "confirmed")
    row = await deliveries.get(bench.database.reader, 1)
    assert row is not None
    assert isinstance(row.reason, Reason)
    assert row.reason.code == "record.hub-failed"
    assert row.sent_at is not None, "it is looked up before it is sent again"
    assert sorted(bench.shop.books) == ["allegro:A", "allegro:B", "allegro:C"]
    assert timedelta() <= bench.clock.now() - row.sent_at


def test_a_window_is_a_connector_with_a_part_for_announcements() -> None:
    window: Connector[Settings] = Window()
    assert window.capability(Announcements) is not None
