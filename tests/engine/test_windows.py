"""Windows that collect, from the landing of a change to the claim of what is sent, by a clock set by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from olhubd.decide import permitted
from olhubd.decide.permitted import OperatorAction
from olhubd.decide.plan import CALLED_OFF
from olhubd.decide.route import Route
from olhubd.decide.window import patience, why_waiting
from olhubd.engine.flow.landing import Landing
from olhubd.engine.outbox.actions import PRECEDENCE
from olhubd.model import (
    Action,
    Delivery,
    DeliveryState,
    Fulfilment,
    Reason,
    Run,
    RunId,
    Shipment,
    Stage,
    code_of,
)
from olhubd.runtime.clock import SystemClock
from olhubd.store import Database, Transaction, deliveries
from tests.orders import EPOCH, order, paid

HOUR = timedelta(hours=1)
WORDS = {"processing": "picking", "ready": "packed", "sent": "gone"}
COLLECTING = Route(
    target="shop", sources=frozenset({"allegro"}), statuses=WORDS, status_window=HOUR, payment_window=4 * HOUR
)


class SetClock(SystemClock):
    def __init__(self) -> None:
        self.at = EPOCH.replace(hour=9, minute=0, second=0, microsecond=0)

    def now(self) -> datetime:
        return self.at


class Scene:
    """An order that is at the shop, what its source says of it later, and what is claimed for the shop when."""

    def __init__(self, database: Database, route: Route = COLLECTING) -> None:
        self.database = database
        self.clock = SetClock()
        self.landing = Landing(database, self.clock, lambda: [route], lambda targets: None)
        self.version = 0

    async def land(self, **more: Any) -> None:
        self.version += 1
        told = order(updated_at=EPOCH + timedelta(seconds=self.version), placed_at=EPOCH, **more)
        run = Run(id=RunId(1), account="allegro", feed="orders", trigger="timer", started_at=EPOCH)
        await self.landing.land("allegro", [told], run=run)

    async def goes(self, at: datetime | None = None) -> list[str]:
        """What goes to the shop now."""
        if at is not None:
            self.clock.at = at

        async def work(tx: Transaction) -> list[Delivery]:
            now = self.clock.now()
            claimed = await deliveries.claim(tx, "shop", PRECEDENCE, now, now + HOUR, 10)
            done = [
                msgspec.structs.replace(
                    one, state=DeliveryState.CONFIRMED, finished_at=now, lease_until=None, external_id="7"
                )
                for one in claimed
            ]
            await deliveries.save(tx, done)
            return claimed

        return [
            f"{one.action.value} {one.key.partition('#')[0]}".strip() for one in await self.database.write(work)
        ]

    async def all(self, action: Action) -> list[Delivery]:
        found = await deliveries.listing(self.database.reader, limit=100)
        return [one for one in reversed(found) if one.action is action]

    def time(self, hour: int, minute: int = 0) -> datetime:
        return self.clock.at.replace(hour=hour, minute=minute, second=0)


@pytest.fixture
async def stage(database: Database) -> Scene:
    made = Scene(database)
    await made.land()
    assert await made.goes() == ["push-order"]
    return made


async def test_statuses_go_at_the_full_hour_and_the_last_one_alone(stage: Scene) -> None:
    """SYN-03, SYN-20: several changes between two runs are one, and it is there within the hour."""
    stage.clock.at = stage.time(9, 20)
    await stage.land(fulfilment=Fulfilment.PROCESSING)
    stage.clock.at = stage.time(9, 40)
    await stage.land(fulfilment=Fulfilment.READY)
    assert await stage.goes(stage.time(9, 59)) == []
    assert await stage.goes(stage.time(10)) == ["set-status packed"]
    assert await stage.goes(stage.time(11)) == []


async def test_payments_go_every_four_hours(stage: Scene) -> None:
    """SYN-07."""
    stage.clock.at = stage.time(9, 20)
    await stage.land(payment=paid("15.00"))
    for hour in (10, 11):
        assert await stage.goes(stage.time(hour)) == []
    assert await stage.goes(stage.time(11, 59)) == []
    assert [word.split()[0] for word in await stage.goes(stage.time(12))] == ["set-payment"]


async def test_a_parcel_does_not_wait_behind_a_status_that_does(stage: Scene) -> None:
    """SYN-09: tracking goes at once, whatever was planned before it for a window."""
    stage.clock.at = stage.time(9, 20)
    await stage.land(fulfilment=Fulfilment.READY, payment=paid("15.00"))
    parcel = Shipment(carrier="DPD", waybill="0034")
    await stage.land(fulfilment=Fulfilment.READY, payment=paid("15.00"), shipments=(parcel,))
    assert await stage.goes() == ["add-shipment DPD/0034"]
    assert await stage.goes(stage.time(10)) == ["set-status packed"]


async def test_an_order_that_is_cancelled_takes_back_what_waits_for_a_window(stage: Scene) -> None:
    """A status or payment after the cancellation would bring the order back to life at some shops."""
    stage.clock.at = stage.time(9, 20)
    await stage.land(fulfilment=Fulfilment.READY, payment=paid("15.00"))
    await stage.land(stage=Stage.CANCELLED, fulfilment=Fulfilment.READY, payment=paid("15.00"))
    assert await stage.goes() == ["cancel-order"]
    assert await stage.goes(stage.time(12)) == []
    waited = [*await stage.all(Action.SET_STATUS), *await stage.all(Action.SET_PAYMENT)]
    assert {(one.state, code_of(one.reason)) for one in waited} == {(DeliveryState.DROPPED, CALLED_OFF.code)}
    assert len(waited) == 2


async def test_without_windows_all_goes_at_once(database: Database) -> None:
    """Our own default: at once, and what was changed again before it went goes once."""
    made = Scene(database, msgspec.structs.replace(COLLECTING, status_window=0 * HOUR, payment_window=0 * HOUR))
    await made.land()
    await made.goes()
    made.clock.at = made.time(9, 20)
    await made.land(fulfilment=Fulfilment.PROCESSING)
    await made.land(fulfilment=Fulfilment.READY)
    assert await made.goes() == ["set-status packed"]


async def test_it_says_until_when_it_waits_and_no_longer(stage: Scene) -> None:
    stage.clock.at = stage.time(9, 20)
    await stage.land(fulfilment=Fulfilment.READY)
    (waits,) = await stage.all(Action.SET_STATUS)
    day = f"{stage.clock.at:%Y-%m-%d}"
    assert why_waiting(waits, stage.clock.at) == Reason("delivery.window", at=f"{day} 10:00 UTC")
    assert why_waiting(waits, stage.time(10)) is None
    now = {one.name: one.possible for one in permitted.of_delivery(waits, stage.clock.at, False)}
    assert now[OperatorAction.RELEASE], "a person may send it now"
    since = await deliveries.waiting_since(stage.database.reader)
    assert since == {("shop", Action.SET_STATUS): stage.clock.at}
    assert patience(COLLECTING, Action.SET_STATUS) == HOUR, "for so long it is no alarm"
    assert patience(COLLECTING, Action.SET_PAYMENT) == 4 * HOUR
    assert patience(COLLECTING, Action.PUSH_ORDER) == 0 * HOUR, "an order that does not go is one as soon as ever"
    (pushed,) = await stage.all(Action.PUSH_ORDER)
    assert why_waiting(pushed, stage.clock.at) is None
