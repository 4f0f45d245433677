"""The whole hub over sockets, steered by people, and then decided again."""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog

from olhubd.engine.replay import recording
from olhubd.engine.replay.recording import Configured, ManualChange
from olhubd.engine.replay.replay import replay
from olhubd.model import DeliveryState, Fulfilment
from olhubd.store import orders
from olhubd.store import recorded_inputs as kept
from olhubd_kit.faults import Fault, FaultKind
from tests.e2e.test_hub import Seller


@pytest.fixture
def seller(tmp_path: Path) -> Seller:
    return Seller(tmp_path)


async def test_what_people_did_and_reloads_are_inputs(seller: Seller, tmp_path: Path) -> None:
    """A refused order that a person retries, a status, an address, a pause, and a route that is switched off."""
    with structlog.testing.capture_logs():
        async with seller.open():
            seller.shop.faults.add(Fault(kind=FaultKind.REFUSE, match="POST .*/orders$", status=400, times=1))
            (first,) = seller.first.ledger.buy(1)

            async def held() -> bool:
                return bool(await seller.deliveries(DeliveryState.HOLD))

            await seller.until(held)
            (order,) = await orders.listing(seller.database.reader)
            await seller.hub.order_actions.note(order.id, "call before sending", "anna")
            (delivery,) = await seller.deliveries(DeliveryState.HOLD)
            await seller.hub.delivery_actions.retry(delivery.id, "anna")
            await seller.settled()
            await seller.hub.order_actions.status(order.id, Fulfilment.READY, "anna")
            await seller.hub.unit("second").pause("holidays", "anna")
            await seller.hub.unit("second").resume("anna")
            seller.route["forward"] = False
            await seller.hub.reload(seller.configuration())
            seller.first.ledger.change_address(first)
            seller.second.ledger.buy(1)

            async def landed() -> bool:
                return len(await orders.listing(seller.database.reader)) == 2

            await seller.until(landed)
            report = await replay(tmp_path / "hub.sqlite", tmp_path / "scratch.sqlite")
            found = [recording.decode(one) for one in await kept.following(seller.database.reader, 0, 1000)]
    assert report.differences == []
    assert (report.orders, report.left_out) == (2, 0)
    forwards = [[route.forward for route in one.routes] for one in found if isinstance(one, Configured)]
    assert forwards == [[True], [False]]
    told = [event.kind for one in found if isinstance(one, ManualChange) for event in one.events]
    assert {"delivery.released", "account.paused", "account.resumed"} <= set(told)
    assert any(image.remark is not None for one in found if isinstance(one, ManualChange) for image in one.orders)


async def test_a_status_that_is_said_a_second_time_is_another_one(seller: Seller, tmp_path: Path) -> None:
    """There and back: what was told first has ended as it did, also when the same is told again."""
    with structlog.testing.capture_logs():
        async with seller.open():
            seller.first.ledger.buy(1)
            await seller.settled()
            (order,) = await orders.listing(seller.database.reader)
            for status in (Fulfilment.READY, Fulfilment.PROCESSING, Fulfilment.READY):
                await seller.hub.order_actions.status(order.id, status, "anna")
                await seller.settled()
            report = await replay(tmp_path / "hub.sqlite", tmp_path / "scratch.sqlite")
    assert report.differences == []
    assert report.orders == 1
