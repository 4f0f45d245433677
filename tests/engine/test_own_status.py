"""Orders get the seller's own statuses as they land, and what the hub caused is no news when it comes back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from olhubd.decide.own_status import FirstStatuses, OwnStatus, OwnStatuses
from olhubd.decide.route import Route
from olhubd.decide.window import was_collected
from olhubd.engine.flow.landing import Landing
from olhubd.engine.outbox.push import pack
from olhubd.engine.replay import recording
from olhubd.engine.replay.recording import Configured
from olhubd.engine.replay.replay import replay
from olhubd.model import Action, DeliveryState, Fulfilment, Order, Run, RunId, Stage
from olhubd.runtime.clock import SystemClock
from olhubd.store import Database, Transaction, deliveries, events, orders
from tests.engine.test_landing import Bench
from tests.orders import EPOCH, order, paid, pln

LIST = (
    OwnStatus(name="fresh", title="Fresh", sends={"allegro": "NEW"}),
    OwnStatus(name="ready", title="Paid", sends={"shop": "processing", "allegro": "PROCESSING"}),
    OwnStatus(name="done", title="Done", sends={"allegro": "SENT"}, follows={"shop": ("completed",)}),
)
FIRST = {"allegro": FirstStatuses(general="fresh", paid="ready")}


class StatusBench(Bench):
    """With a list of statuses, in which the shop leads if `leading` says so."""

    def __init__(self, database: Database, clock: SystemClock) -> None:
        super().__init__(database, clock)
        self.routes = [Route(target="shop", sources=frozenset({"allegro"}))]
        self.own = OwnStatuses(items=LIST, first=FIRST)
        self.landing = Landing(database, clock, lambda: self.routes, self.woken.extend, statuses=lambda: self.own)

    async def status(self, order_id: int = 1) -> str | None:
        stored = await orders.get(self.database.reader, order_id)
        assert stored is not None
        return stored.own_status

    async def words(self, target: str) -> list[str]:
        """What is or was sent there as a status."""
        found = await deliveries.of_orders(self.database.reader, [1])
        return [
            msgspec.json.decode(one.payload)["status"]
            for some in found.values()
            for one in some
            if one.target == target and one.action.value == "set-status" and one.state is not DeliveryState.DROPPED
        ]

    async def told(self) -> list[tuple[str | None, str | None]]:
        """The changes of its own status, old and new."""
        facts = [
            msgspec.json.decode(event.data)
            for event in await events.of_order(self.database.reader, 1)
            if event.kind == "order.own-status-changed"
        ]
        return [(one.get("old"), one.get("new")) for one in facts]


@pytest.fixture
def bench(database: Database, clock: SystemClock) -> StatusBench:
    return StatusBench(database, clock)


def copy(status: str) -> Order:
    return order("77", reference="allegro:A", external_stage=status, total=pln("15.00"))


async def test_a_new_order_has_its_first_status_and_a_payment_moves_it(bench: StatusBench) -> None:
    """IMP-21, IMP-23, SRC-07: each change is in its history with the old and the new one."""
    await bench.land(order("A"))
    assert await bench.status() == "fresh"
    await bench.land(order("A", payment=paid("15.00")))
    assert await bench.status() == "ready"
    assert await bench.told() == [(None, "fresh"), ("fresh", "ready")]
    await bench.land(order("A", payment=paid("15.00"), number="7"))
    assert len(await bench.told()) == 2, "nothing is new"


async def test_shop_orders_have_the_first_status_of_their_shop(bench: StatusBench) -> None:
    """IMP-33. Part of ACC-26: each source has its own."""
    bench.own = msgspec.structs.replace(bench.own, first={**FIRST, "shop": FirstStatuses(general="done")})
    await bench.land(order("A"))
    await bench.land(order("501"), account="shop")
    assert [await bench.status(1), await bench.status(2)] == ["fresh", "done"]


async def test_the_first_status_is_sent_once_as_one_with_the_order(bench: StatusBench) -> None:
    """SYN-01: the shop makes the order with its word, so nothing follows; the source hears its own."""
    await bench.land(order("A", payment=paid("15.00")))
    assert await bench.words("allegro") == ["PROCESSING"]
    assert await bench.words("shop") == []
    stored = await orders.get(bench.database.reader, 1)
    assert stored is not None
    word = bench.own.word(stored.own_status, "shop")
    assert pack("allegro", stored.order, bench.routes[0], word).status == "processing"


async def test_a_later_status_goes_to_the_shop_that_has_the_order(bench: StatusBench) -> None:
    """SYN-01, SYN-20: only the last one waits."""
    await bench.land(order("A"))
    await bench.move(1, DeliveryState.CONFIRMED, external_id="77")
    await bench.land(order("A", payment=paid("15.00")))
    assert await bench.words("shop") == ["processing"]


async def test_where_the_hub_leads_the_shop_changes_no_status(bench: StatusBench) -> None:
    """Part of SYN-05 and SRC-06: its copy comes back with any word, and our own word is no news either."""
    await bench.land(order("A", payment=paid("15.00")))
    await bench.move(1, DeliveryState.CONFIRMED, external_id="77")
    before = await bench.words("allegro")
    for word in ("processing", "completed", "processing"):
        await bench.land(copy(word), account="shop")
    assert await bench.status() == "ready"
    assert (await bench.words("allegro"), await bench.words("shop")) == (before, [])


async def test_where_the_shop_leads_its_word_is_the_status_and_nothing_is_written_there(bench: StatusBench) -> None:
    """Part of SRC-06: and it goes on to the marketplace, whose echo brings nothing back."""
    bench.own = msgspec.structs.replace(bench.own, leading=frozenset({"shop"}))
    await bench.land(order("A", payment=paid("15.00")))
    await bench.move(1, DeliveryState.CONFIRMED, external_id="77")
    await bench.land(copy("completed"), account="shop")
    assert await bench.status() == "done"
    assert await bench.words("shop") == []
    assert (await bench.words("allegro"))[-1] == "SENT"
    told = await bench.told()
    await bench.land(order("A", payment=paid("15.00"), external_fulfilment="SENT"))
    await bench.land(copy("completed"), account="shop")
    assert await bench.told() == told
    assert (await bench.status(), await bench.words("shop")) == ("done", [])


async def test_an_order_that_is_off_keeps_its_status_and_tells_nobody(bench: StatusBench) -> None:
    await bench.land(order("A"))
    told = await bench.words("allegro")
    await bench.land(order("A", stage=Stage.CANCELLED))
    assert (await bench.status(), await bench.words("allegro")) == ("fresh", told)


async def test_a_replay_gives_the_same_statuses(tmp_path: Path, clock: SystemClock) -> None:
    """By the list that was in force; without it, it says where it differs."""
    path = tmp_path / "olhubd.sqlite"
    async with Database.open(path) as database:
        database.recording = True
        bench = StatusBench(database, clock)

        async def work(tx: Transaction) -> None:
            accounts = {"allegro": "allegro", "shop": "woocommerce"}
            document = Configured(routes=bench.routes, accounts=accounts, statuses=bench.own)
            await recording.keep(tx, EPOCH, document)

        await database.write(work)
        await bench.land(order("A"))
        await bench.land(order("A", payment=paid("15.00")))
        report = await replay(path, tmp_path / "scratch")
        assert (report.orders, report.differ) == (1, 0)
        bench.own = OwnStatuses(items=LIST, first={"allegro": FirstStatuses(general="ready")})
        run = Run(id=RunId(1), account="allegro", feed="orders", trigger="timer", started_at=EPOCH)
        await bench.landing.land("allegro", [order("B")], run=run)
        report = await replay(path, tmp_path / "other")
        assert report.differ == 1, "what was decided by another list is found"


async def test_a_word_of_ours_that_comes_back_moves_nothing_by_the_route_either(bench: StatusBench) -> None:
    """Part of SYN-05: the source reports the word that the hub wrote there, which the route maps to another one at
    the shop; and the shop reports its own, which the route maps back. An order whose status has no word goes by
    the route."""
    (route,) = bench.routes
    maps = {"statuses": {"processing": "on-hold"}, "status_back": {"processing": "READY_FOR_SHIPMENT"}}
    bench.routes = [msgspec.structs.replace(route, **maps)]
    await bench.land(order("A", payment=paid("15.00")))
    await bench.move(1, DeliveryState.CONFIRMED, external_id="77")
    before = await bench.words("allegro")
    echo: dict[str, Any] = {"external_fulfilment": "PROCESSING", "fulfilment": Fulfilment.PROCESSING}
    await bench.land(order("A", payment=paid("15.00"), **echo))
    await bench.land(copy("processing"), account="shop")
    assert await bench.status() == "ready"
    assert (await bench.words("allegro"), await bench.words("shop")) == (before, [])
    bench.own = msgspec.structs.replace(bench.own, items=(), first={})
    await bench.land(order("A", payment=paid("15.00"), **echo | {"fulfilment": Fulfilment.NEW}))
    await bench.land(order("A", payment=paid("15.00"), **echo))
    await bench.land(copy("pending"), account="shop")
    await bench.land(copy("processing"), account="shop")
    assert (await bench.words("allegro"))[-1] == "READY_FOR_SHIPMENT"
    assert await bench.words("shop") == ["on-hold"]


async def test_what_an_order_gets_by_itself_waits_for_the_window_of_its_route(bench: StatusBench) -> None:
    """SYN-04: the source, which has no route of its own, hears it at once."""
    (route,) = bench.routes
    bench.routes = [msgspec.structs.replace(route, status_window=timedelta(hours=1))]
    await bench.land(order("A"))
    await bench.move(1, DeliveryState.CONFIRMED, external_id="77")
    await bench.land(order("A", payment=paid("15.00")))
    rows = [one for one in await deliveries.listing(bench.database.reader) if one.action is Action.SET_STATUS]
    waits = {one.target: was_collected(one) for one in rows}
    assert waits == {"allegro": False, "shop": True}
