"""Records of another kind than orders are decided again and compared: what happened to each, and what is stored."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
import structlog

from olhubd.decide.planners import PLANNERS
from olhubd.engine.flow.registry import Flows
from olhubd.engine.outbox.recorder import Recorder
from olhubd.engine.replay import replay as replaying
from olhubd.engine.replay.replay import ReplayReport
from olhubd.model import Cause, DeliveryState, Kind, Subject
from olhubd.plugin import Rejected
from olhubd.store import Database, Transaction, deliveries
from tests.engine.test_flows import OTHERS, mug, with_products
from tests.engine.test_subjects import Announce, Bench, Products
from tests.orders import order

WITH_PRODUCTS = (*PLANNERS, Announce())


class Kept(Products):
    """The products of a table that a replay copies from before."""

    tables: ClassVar = (("shelf_products", "id"),)


class Scratch(Database):
    """A new database with the table of products."""

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, path: Path, *rest: object, **more: object) -> AsyncIterator[Database]:  # type: ignore[override]
        async with Database.open(path) as opened:
            await with_products(opened)
            yield opened


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Database.open(tmp_path / "hub.sqlite") as database:
        await with_products(database)
        made = Bench(database)
        with structlog.testing.capture_logs():
            await made.kill()
            yield made
            made.dispatcher.stop()
            assert made.task is not None
            await made.task


@pytest.fixture
def decided_again(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(replaying, "Database", Scratch)

    async def again(name: str, planners: Any = WITH_PRODUCTS) -> ReplayReport:
        return await replaying.replay(
            tmp_path / "hub.sqlite",
            tmp_path / name,
            routes=bench.routes,
            flows=Flows((*OTHERS, Kept())),
            planners=planners,
        )

    return again


async def let_go(bench: Bench) -> None:
    """A person has the held delivery of the first product tried again."""
    (held,) = await bench.of(1)
    now = bench.clock.now()

    async def work(tx: Transaction) -> None:
        recorder = Recorder(tx, now, Cause("operator", "ewa"))
        facts: dict[str, object] = {"delivery": held.id, "action": held.action.value, "target": held.target}
        await recorder.event("delivery.released", "allegro", held.subject, facts)
        await deliveries.save(
            tx, [msgspec.structs.replace(held, state=DeliveryState.RETRY, due_at=now, reason=None, sent_at=None)]
        )
        await recorder.write(tx)

    await bench.database.write(work)
    bench.dispatcher.wake()


async def test_a_product_and_its_deliveries_are_decided_the_same(bench: Bench, decided_again: Any) -> None:
    """What stood before the first input is copied, what came since is decided again, and both are compared."""
    await bench.tell(mug("9", "Plate"), order("old"))
    await bench.settled(2)
    bench.database.recording = True
    bench.shop.announcements.script = [Rejected("no such shelf")]
    await bench.tell(mug("5"), order("A"))
    await bench.until("confirmed", "confirmed", "confirmed", "hold")
    held = await deliveries.get(bench.database.reader, 4)
    assert held is not None
    assert held.subject == Subject(Kind.PRODUCT, 2)
    await bench.tell(mug("5", "Big mug"))
    await bench.until("confirmed", "confirmed", "confirmed", "hold", "pending")
    report = await decided_again("same")
    assert (report.differ, report.not_compared, report.left_out) == (0, {}, 0), report.differences
    assert (report.orders, report.others) == (1, 1)


async def test_what_a_person_let_go_goes_on_in_a_replay_too(bench: Bench, decided_again: Any) -> None:
    bench.database.recording = True
    bench.shop.announcements.script = [Rejected("no such shelf")]
    await bench.tell(mug("5"), order("A"))
    await bench.until("confirmed", "hold")
    await let_go(bench)
    await bench.settled(2)
    report = await decided_again("same")
    assert report.differ == 0, report.differences
    assert report.others == 1


async def test_a_product_of_which_something_is_otherwise_is_named(bench: Bench, decided_again: Any) -> None:
    """An event that is not there, a document that is another one, a delivery that nobody plans any more."""
    bench.database.recording = True
    await bench.tell(mug("5"), mug("6", "Cup"), mug("7", "Bowl"))
    await bench.settled(3)
    unplanned = await decided_again("unplanned", PLANNERS)
    assert [(one.kind, one.order, one.now) for one in unplanned.differences][:1] == [
        (Kind.PRODUCT, "allegro:5", "nothing")
    ]
    await bench.database.write(lambda tx: tx.execute("UPDATE shelf_products SET digest = x'00' WHERE id = 2"))
    await bench.database.write(lambda tx: tx.execute("UPDATE events SET kind = 'product.hidden' WHERE id = 1"))
    report = await decided_again("spoiled")
    assert [(one.kind, one.order) for one in report.differences] == [
        (Kind.PRODUCT, "allegro:5"),
        (Kind.PRODUCT, "allegro:6"),
    ]
    assert report.differences[1].now == "other: document"
