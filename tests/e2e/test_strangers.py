"""A firewall or gateway that answers a POST in the shop's place, after the shop has made the order."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from olhubd.model import Action, DeliveryState
from olhubd.store import events
from olhubd_kit.faults import Fault, FaultKind
from tests.e2e.test_hub import Seller, seller  # noqa: F401  (a fixture)

POST = "POST .*/orders$"


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 403},
        {"status": 404},
        {"status": 401},
        {"status": 409},
        {"status": 413, "body": ""},
        {"status": 429, "retry_after": 0.5},
        {"status": 451, "body": '{"code": 451, "message": "no"}', "content_type": "application/json"},
        {"status": 200},
        {"status": 301, "body": ""},
    ],
    ids=lambda answer: str(answer["status"]),
)
async def test_a_strangers_answer_to_a_post_makes_one_order(seller: Seller, answer: dict[str, Any]) -> None:  # noqa: F811
    """One order in the shop by one POST, found by looking it up; and the shop's account is as active as before."""
    seller.shop.faults.add(Fault(kind=FaultKind.ERROR_AFTER, match=POST, times=1, **answer))
    seller.first.ledger.buy(1)
    await seller.settled()
    assert len(seller.shop.books()) == 1
    assert seller.shop.calls["POST /wc/v3/orders"] == 1
    (push,) = [d for d in await seller.deliveries() if d.action is Action.PUSH_ORDER]
    assert push.state is DeliveryState.CONFIRMED
    told = await events.latest(seller.database.reader, limit=1000)
    facts = [msgspec.json.decode(event.data) for event in told if event.kind == "delivery.confirmed"]
    assert [fact["external_id"] for fact in facts if fact.get("looked_up")] == [push.external_id]
    assert "account.parked" not in [event.kind for event in told]
