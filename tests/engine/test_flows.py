"""A second flow, of products, is a class and a line: what the registry gives it, on one page with orders."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog

from olhubd.decide.changes import Change
from olhubd.decide.plan import PlannedDelivery, status_at
from olhubd.decide.planners import PLANNERS
from olhubd.decide.planning import Keys, PlanningContext, Plans, Transition
from olhubd.decide.route import Route
from olhubd.engine.flow.flow import FlowContext, RecordFlow, Result
from olhubd.engine.flow.landing import Landing
from olhubd.engine.flow.prepared import Candidate
from olhubd.engine.flow.registry import FLOWS, Flows
from olhubd.engine.replay import recording
from olhubd.engine.replay.numbers import SourceName
from olhubd.engine.replay.play import Play
from olhubd.engine.replay.recording import InputPage
from olhubd.model import Kind, Order, Product, Subject, plain
from olhubd.plugin import Gone, Later, Record
from olhubd.store import (
    Database,
    Reader,
    Transaction,
    codec,
    deliveries,
    events,
    feeds,
    orders,
    quarantine,
    recorded_inputs,
    reread_queue,
    runs,
)
from tests.engine.test_poller import Bench, Market
from tests.orders import order

ROUTE = Route(target="shop", sources=frozenset({"allegro"}))


class Named(Change, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A product is called otherwise than before, or for the first time."""

    kind = "product.named"
    name: str


class Row(msgspec.Struct, frozen=True):
    """A product that is stored."""

    id: int
    digest: bytes
    name: str


class StoredProduct(msgspec.Struct, frozen=True):
    """A product with all that its row says."""

    id: int
    account: str
    external_id: str
    called: str


OTHERS = [flow for flow in FLOWS if flow.kind is not Kind.PRODUCT]
"""What carries all else: the products here are those of this test."""


class ProductFlow(RecordFlow[Product]):
    """Products in a table of this test; `trouble` is raised once one is stored that has it for a name."""

    kind = Kind.PRODUCT
    record = Product

    def __init__(self) -> None:
        self.trouble: dict[str, Exception] = {}

    def objection(self, record: Product) -> str | None:
        return None if record.name else "it has no name"

    def decode(self, document: bytes) -> Product:
        return msgspec.json.decode(document, type=Product)

    async def held(self, reader: Reader, account: str, external_ids: Sequence[str]) -> Mapping[str, Row]:
        rows = await reader.fetch(
            "SELECT external_id, id, digest, name FROM shelf_products"
            f" WHERE external_id IN ({codec.marks(external_ids)})",
            list(external_ids),
        )
        return {row[0]: Row(row[1], row[2], row[3]) for row in rows}

    async def names(self, reader: Reader, ids: Sequence[int]) -> Mapping[int, tuple[str, str]]:
        rows = await reader.fetch(
            f"SELECT id, external_id FROM shelf_products WHERE id IN ({codec.marks(ids)})", list(ids)
        )
        return {row[0]: ("allegro", row[1]) for row in rows}

    async def read(self, reader: Reader, ids: Sequence[int]) -> Mapping[int, StoredProduct]:
        rows = await reader.fetch(
            f"SELECT id, external_id, name FROM shelf_products WHERE id IN ({codec.marks(ids)})", list(ids)
        )
        return {row[0]: StoredProduct(row[0], "allegro", row[1], row[2]) for row in rows}

    async def land(self, context: FlowContext, candidates: Sequence[Candidate[Product]]) -> Result:
        result = Result()
        held = await self.held(context.tx, context.account, [one.external_id for one in candidates])
        bad = {one.external_id: why for one in candidates if (why := one.fault or one.objection)}
        await context.refuse(
            [
                quarantine.QuarantineDraft(
                    kind=self.kind, external_id=one.external_id, reason=bad[one.external_id], raw=one.document
                )
                for one in candidates
                if one.external_id in bad
            ]
        )
        context.touched.update((self.kind, external_id) for external_id in bad)
        result.count(quarantined=len(bad))
        for one in candidates:
            known = held.get(one.external_id)
            if one.external_id in bad or (known is not None and known.digest == one.digest):
                continue
            if one.record.name in self.trouble:
                raise self.trouble[one.record.name]
            row = await context.tx.one("SELECT COALESCE(MAX(id), 0) + 1 FROM shelf_products")
            id_ = known.id if known is not None else (row or (1,))[0]
            await context.tx.execute(
                "INSERT INTO shelf_products VALUES (?,?,?,?) ON CONFLICT (id) DO UPDATE"
                " SET digest = excluded.digest, name = excluded.name",
                (id_, one.external_id, one.digest, one.record.name),
            )
            context.decide(
                Transition(
                    subject=Subject(self.kind, id_),
                    account=context.account,
                    before=None,
                    after=one.record,
                    changes=[Named(name=one.record.name)],
                )
            )
            context.touched.add((self.kind, one.external_id))
            result.count(added=known is None, changed=known is not None)
        await context.follow()
        return result

    async def gone(self, context: FlowContext, external_ids: Sequence[str]) -> Result:
        result = Result()
        await context.tx.execute(
            f"DELETE FROM shelf_products WHERE external_id IN ({codec.marks(external_ids)})", list(external_ids)
        )
        result.count(changed=len(external_ids))
        return result


class Announce:
    """A target is told what a product is called."""

    kinds = frozenset({Kind.PRODUCT})

    def needs(self, batch: Sequence[Transition[Product]]) -> Keys:
        assert all(isinstance(step.after, Product) for step in batch), "an order is none of its business"
        return Keys(deliveries=frozenset(step.subject for step in batch))

    def plan(self, step: Transition[Product], context: PlanningContext, so_far: Plans) -> Iterable[PlannedDelivery]:
        for route in context.routes:
            yield status_at(route.target, step.after.name, 0)


PLANNED = (*PLANNERS, Announce())


class Catalogue(Market):
    """One feed of orders and products, so many of both on a page."""

    kinds = frozenset({Kind.ORDER, Kind.PRODUCT})

    def tell(self, *records: Record) -> None:
        self.journal.extend(records)
        self.page = len(records) or self.page


class Shelf(Bench):
    """An account whose one feed has both kinds."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.market = self.catalogue = Catalogue()
        self.products = ProductFlow()
        self.woken: list[str] = []
        self.landing = Landing(
            database,
            self.clock,
            lambda: [ROUTE],
            self.woken.extend,
            structlog.get_logger(),
            flows=Flows((*OTHERS, self.products)),
            planners=PLANNED,
        )

    async def at(self) -> str | None:
        position = await feeds.get(self.database.reader, self.name, "orders")
        return position.cursor if position is not None else None

    async def tell(self, *records: Record) -> None:
        """Have a page of these read, and landed."""
        self.catalogue.tell(*records)
        end = str(len(self.catalogue.journal))

        async def there() -> bool:
            return await self.at() == end

        await self.sooner_or_later(there)

    async def stumbles(self) -> None:
        """Wait until the trouble of the products ends the task that reads, as a full disk does."""
        assert self.task is not None
        with pytest.raises(sqlite3.OperationalError):
            await asyncio.wait_for(self.task, 10)

    async def mended(self) -> None:
        """Let the trouble be over, and all be read."""
        self.products.trouble.clear()
        self.task = asyncio.create_task(self.poller.run(self.pulse))
        await self.tell()

    async def owed(self, subject: Subject) -> list[tuple[str, str]]:
        found = await deliveries.of_subjects(self.database.reader, [subject])
        return [(one.action.value, one.key.partition("#")[0]) for one in found.get(subject, ())]

    async def names(self) -> list[str]:
        """Of the products that are stored."""
        rows = await self.database.reader.fetch("SELECT name FROM shelf_products ORDER BY id")
        return [row[0] for row in rows]

    async def numbers(self) -> list[str]:
        """Of the orders that are stored."""
        return sorted(row.external_id for row in await orders.listing(self.database.reader))


async def with_products(database: Database) -> None:
    async def work(tx: Transaction) -> None:
        columns = "id INTEGER PRIMARY KEY, external_id TEXT, digest BLOB, name TEXT"
        await tx.execute(f"CREATE TABLE IF NOT EXISTS shelf_products ({columns})")

    await database.write(work)


@pytest.fixture
async def shelf(database: Database) -> AsyncIterator[Shelf]:
    await with_products(database)
    shelf = Shelf(database)
    with structlog.testing.capture_logs():
        shelf.start()
        await shelf.tell()
        yield shelf
        await shelf.stop()


def mug(external_id: str = "5", name: str = "Mug") -> Product:
    return Product(external_id=external_id, name=name)


async def test_both_kinds_of_a_page_land_with_its_cursor_and_are_planned_for(shelf: Shelf) -> None:
    """Each by its flow, each planned for by the planners of its kind. Order 5 and product 5 are two things."""
    await shelf.tell(mug(), order("5"), mug("6", ""), mug("7", "Cup"))
    assert await shelf.names() == ["Mug", "Cup"]
    assert await shelf.numbers() == ["5"]
    assert await shelf.owed(Subject(Kind.PRODUCT, 1)) == [("set-status", "Mug")]
    assert await shelf.owed(Subject.order(1)) == [("push-order", "")]
    assert shelf.woken == ["shop"]
    told = (await events.of_subjects(shelf.database.reader, [Subject(Kind.PRODUCT, 2)]))[Subject(Kind.PRODUCT, 2)]
    (run,) = [run for run in await runs.listing(shelf.database.reader) if run.seen]
    assert [(event.kind, event.cause.id) for event in told] == [("product.named", str(run.id))]
    assert (run.seen, run.added, run.changed, run.quarantined) == (4, 3, 0, 1)
    (kept,) = await quarantine.listing(shelf.database.reader)
    assert (kept.kind, kept.external_id, kept.reason) == ("product", "6", "it has no name")


async def test_both_kinds_of_a_page_are_rolled_back_together(shelf: Shelf) -> None:
    """The orders of the page were written already when the disk was full."""
    shelf.products.trouble["Cup"] = sqlite3.OperationalError("database or disk is full")
    await shelf.tell(mug())
    page: list[Record] = [order("A"), mug("5", "Big mug"), mug("6", "Cup")]
    shelf.catalogue.tell(*page)
    await shelf.stumbles()
    assert (await shelf.at(), await shelf.numbers(), await shelf.names()) == ("1", [], ["Mug"])
    assert await shelf.owed(Subject.order(1)) == []
    await shelf.mended()
    assert (await shelf.at(), await shelf.numbers(), await shelf.names()) == ("4", ["A"], ["Big mug", "Cup"])


async def test_a_record_of_one_kind_that_breaks_the_hub_holds_up_no_neighbour(shelf: Shelf) -> None:
    shelf.products.trouble["Cup"] = ValueError("what no check foresaw")
    await shelf.tell(order("A"), mug("5", "Cup"), mug("6"), order("B"))
    assert (await shelf.numbers(), await shelf.names()) == (["A", "B"], ["Mug"])
    (kept,) = await quarantine.listing(shelf.database.reader)
    assert (kept.kind, kept.external_id) == ("product", "5")
    assert "the hub failed on it" in kept.reason


async def test_what_is_gone_or_later_is_so_for_its_own_kind(shelf: Shelf) -> None:
    """Nobody reads a single product again, so one that is to be read later is kept aside, in nobody's way."""
    await shelf.tell(order("5"), mug("5"), mug("6", "Cup"))
    later = Later(kind=Kind.PRODUCT, external_id="7", seconds=1.0, reason="not yet")
    await shelf.tell(Gone(kind=Kind.PRODUCT, external_id="5"), later)
    assert (await shelf.numbers(), await shelf.names()) == (["5"], ["Cup"])
    assert "order.vanished" not in [event.kind for event in await events.of_order(shelf.database.reader, 1)]
    assert not await reread_queue.waiting(shelf.database.reader, shelf.name, Kind.PRODUCT)
    (kept,) = await quarantine.listing(shelf.database.reader)
    assert (kept.kind, kept.external_id) == ("product", "7")


async def test_a_page_longer_than_a_transaction_moves_the_cursor_after_all_kinds(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("olhubd.engine.flow.landing.BATCH", 2)
    shelf.products.trouble["Cup"] = sqlite3.OperationalError("database or disk is full")
    shelf.catalogue.tell(*(mug(str(n), f"Mug {n}") for n in range(3)), mug("9", "Cup"), order("A"))
    await shelf.stumbles()
    assert (await shelf.at(), await shelf.numbers(), await shelf.names()) == (
        "0",
        ["A"],
        ["Mug 0", "Mug 1", "Mug 2"],
    )
    await shelf.mended()
    assert (await shelf.at(), len(await shelf.names())) == ("5", 4)


async def test_both_kinds_are_kept_in_one_input_and_decided_again(shelf: Shelf, tmp_path: Path) -> None:
    shelf.database.recording = True
    await shelf.tell(mug(), order("5"), mug("6", ""))
    await shelf.tell(mug(), mug("5", "Big mug"), order("5"))
    inputs = await recorded_inputs.following(shelf.database.reader, 0)
    pages = [recording.decode(one) for one in inputs]
    assert [_counted(page) for page in pages] == [{"order": 1, "product": 2}, {"product": 1}]
    async with Database.open(tmp_path / "scratch") as scratch:
        await with_products(scratch)
        play = Play(scratch, nobody, [ROUTE], flows=Flows((*OTHERS, ProductFlow())), planners=PLANNED)
        assert await play.decide(inputs) == 2
        assert play.failures == []
        subjects = [Subject(Kind.PRODUCT, 1), Subject.order(1)]
        for table in (events.of_subjects, deliveries.of_subjects):
            was, now = [_plain(await table(database.reader, subjects)) for database in (shelf.database, scratch)]
            assert was == now
            assert all(was.values())
        rows = await scratch.reader.fetch("SELECT name FROM shelf_products")
        kept = [(one.kind, one.external_id) for one in await quarantine.listing(scratch.reader)]
    assert (rows, kept) == ([("Big mug",)], [("product", "6")])


async def nobody(subjects: Collection[Subject]) -> Mapping[Subject, SourceName]:
    """A page names nothing by its number."""
    assert not subjects
    return {}


def _counted(page: recording.Document) -> dict[str, int]:
    assert isinstance(page, InputPage)
    return {kind.value: len(documents) for kind, documents in page.records.items()}


def _plain(found: Mapping[Subject, Sequence[Any]]) -> dict[Subject, bytes]:
    return {subject: msgspec.json.encode(rows, enc_hook=plain) for subject, rows in found.items()}


def test_two_flows_of_one_kind_are_refused() -> None:
    class Again(ProductFlow):
        record = Order  # type: ignore[assignment]

    with pytest.raises(ValueError, match="two flows"):
        Flows((ProductFlow(), ProductFlow()))
    with pytest.raises(ValueError, match="two flows"):
        Flows((*OTHERS, Again()))
