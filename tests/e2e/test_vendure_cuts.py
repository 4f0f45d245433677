"""Cutting the line to a real shop at every call: in the end there is one order, and its total is right.

The driver does what the hub's dispatcher does: after an unknown outcome it looks the order up, and only
what is surely not there is pushed again.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from olhubd.model import Order
from olhubd.plugin import OutcomeUnknown, Push, RateLimited, Receipt, Rejected, Temporary, Unavailable
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.proxy import Proxy
from olhubd_kit.samples import sample
from olhubd_kit.test_host import InstantClock, account
from olhubd_vendure import Vendure
from tests.e2e.shop import Shop

pytestmark = [pytest.mark.xdist_group("vendure"), pytest.mark.proves("vendure", "real-server")]

TRIES = 60
WAYS = {"whole": True, "steps": False}
"""An order is made by one call of the server plugin, or step by step as on a server without it."""


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The settings for one of the ways."""
    return {"whole_orders": WAYS[request.param]}


STEPS: dict[str, Any] = {"whole_orders": False}


def sold(name: str, kind: str = "serviced") -> Push:
    order = sample(kind, name, datetime.now(UTC))
    return Push(order=order, reference=f"cut:{name}", account="cut", marketplace="allegro")


async def deliver(shop: Vendure, push: Push) -> tuple[Receipt, list[Temporary]]:
    """Push as the dispatcher does; the receipt, and what went wrong on the way."""
    troubles: list[Temporary] = []
    unknown = False
    for _ in range(TRIES):
        try:
            if unknown:
                found = await shop.find_order(push.reference, timedelta(hours=1))
                if found is not None:
                    return await shop.compare_order(push, found), troubles
                unknown = False
            return await shop.push_order(push), troubles
        except OutcomeUnknown as trouble:
            unknown = True
            troubles.append(trouble)
        except (Unavailable, RateLimited) as trouble:
            troubles.append(trouble)
    raise AssertionError(f"not delivered in {TRIES} tries: {troubles[-1]}")


def check(vendure: Shop, push: Push, receipt: Receipt) -> None:
    """The shop's own books, asked directly."""
    order: Order = push.order
    held = vendure.clerk.order(push.reference)
    assert held["id"] == receipt.external_id
    assert held["totalWithTax"] == order.total.minor() == receipt.total.minor()
    assert held["state"] == "PaymentSettled"
    assert receipt.differences == ()
    assert [payment["amount"] for payment in held["payments"]] == [order.total.minor()]
    charges = len(order.charges) + sum(len(line.charges) for line in order.lines)
    assert len(held["lines"]) == len(order.lines) + charges


async def test_a_push_makes_few_calls(vendure: Shop, proxy: Proxy, way: dict[str, Any]) -> None:
    """However many lines there are, once the server is known."""
    most = 4 if way["whole_orders"] else 13
    async with account(Vendure, vendure.settings(proxy.base, **way)) as shop:
        await deliver(shop, sold(f"first-{most}"))
        proxy.calls.clear()
        await deliver(shop, sold(f"second-{most}"))
    assert len(proxy.calls) <= most, proxy.calls


@pytest.mark.parametrize("kind", [FaultKind.LOSE, FaultKind.CUT])
async def test_cut_at_each_call(vendure: Shop, kind: FaultKind, way: dict[str, Any]) -> None:
    """The answer is lost after the shop acted, or the request before it did, at each call in turn."""
    seen = 0
    for number in range(40):
        async with (
            Proxy(vendure.base).serve() as proxy,
            account(Vendure, vendure.settings(proxy.base, **way)) as shop,
        ):
            push = sold(f"{kind}-{number}-{way['whole_orders']}")
            proxy.faults.add(Fault(kind=kind, after=number))
            receipt, troubles = await deliver(shop, push)
            check(vendure, push, receipt)
            if not proxy.faults.struck:
                break
            seen += 1
            cut = proxy.calls[number].split()[-1]
            if cut[0].islower():
                assert [type(trouble) for trouble in troubles] == [OutcomeUnknown], f"after {cut} was cut"
            else:
                assert troubles == [], f"{cut} only asks, so it is asked again"
    assert seen >= 9


@pytest.mark.parametrize("name", ["addItemToDraftOrder", "setOrderCustomFields", "addManualPaymentToOrder"])
async def test_a_call_that_acts_late_does_not_double(vendure: Shop, proxy: Proxy, name: str) -> None:
    """The request seemed lost, and is carried out while the next try is under way."""
    push = sold(f"late-{name}")
    async with account(Vendure, vendure.settings(proxy.base, **STEPS)) as shop:
        slow = Fault(kind=FaultKind.SLOW, match="transitionOrderToState", seconds=0.5)
        proxy.faults.add(Fault(kind=FaultKind.LATE, match=name, seconds=0.2), slow)
        receipt, _ = await deliver(shop, push)
        await proxy.faults.settle()
        assert proxy.faults.struck[FaultKind.LATE] == 1
        check(vendure, push, receipt)


async def test_a_storm(vendure: Shop, way: dict[str, Any]) -> None:
    """Ten orders at once, over a line on which one call of six is cut in one of the ways there are."""
    kinds = (
        FaultKind.LOSE,
        FaultKind.CUT,
        FaultKind.HALF,
        FaultKind.ERROR_AFTER,
        FaultKind.ERROR,
        FaultKind.THROTTLE,
    )
    pushes = [
        sold(f"storm-{number}-{way['whole_orders']}", kind) for number, kind in enumerate(["serviced", "plain"] * 5)
    ]
    async with (
        Proxy(vendure.base, seed=7).serve() as proxy,
        account(Vendure, vendure.settings(proxy.base, **way)) as shop,
    ):
        proxy.faults.add(*(Fault(kind=kind, chance=0.03, times=None) for kind in kinds))
        results = await asyncio.gather(*(deliver(shop, push) for push in pushes))
        assert len(proxy.faults.struck) >= 4
    for push, (receipt, _) in zip(pushes, results, strict=True):
        check(vendure, push, receipt)


async def test_two_try_the_same_at_one_time(vendure: Shop, way: dict[str, Any]) -> None:
    """The unique mark decides: the second finds the first's order, never makes its own."""
    push = sold(f"race-{way['whole_orders']}")
    async with (
        account(Vendure, vendure.settings(**way)) as one,
        account(Vendure, vendure.settings(**way)) as other,
    ):
        (first, _), (second, _) = await asyncio.gather(deliver(one, push), deliver(other, push))
    assert first.external_id == second.external_id
    check(vendure, push, first)


async def test_what_changed_between_two_tries_is_taken_over(vendure: Shop, proxy: Proxy) -> None:
    """An unfinished draft is made to be what the order is now."""
    push = sold("changed")
    later = sample("discounted", "changed", push.order.placed_at)
    async with account(Vendure, vendure.settings(proxy.base, **STEPS)) as shop:
        proxy.faults.add(Fault(kind=FaultKind.CUT, match="transitionOrderToState"))
        with pytest.raises(OutcomeUnknown):
            await shop.push_order(push)
        assert vendure.clerk.order(push.reference)["state"] == "Draft"
        changed = Push(order=later, reference=push.reference, account="cut", marketplace="allegro")
        receipt = await shop.push_order(changed)
    assert receipt.total == later.total
    assert vendure.clerk.order(push.reference)["totalWithTax"] == later.total.minor()


async def test_a_whole_order_is_never_half_there(vendure: Shop, proxy: Proxy) -> None:
    """Its answer is lost, and what the shop holds is complete; refused, it holds nothing."""
    push = sold("whole")
    async with account(Vendure, vendure.settings(proxy.base)) as shop:
        proxy.faults.add(Fault(kind=FaultKind.LOSE, match="createMarketplaceOrder"))
        with pytest.raises(OutcomeUnknown):
            await shop.push_order(push)
        found = await shop.find_order(push.reference, timedelta(hours=1))
        assert found is not None
        check(vendure, push, await shop.compare_order(push, found))
        before = len(vendure.clerk.orders())
        refused = sold("whole-refused")
        proxy.calls.clear()
        with pytest.raises(Rejected):
            await shop.push_order(msgspec.structs.replace(refused, shipping_method=vendure.plain_shipping))
    assert any(call.endswith("createMarketplaceOrder") for call in proxy.calls)
    assert len(vendure.clerk.orders()) == before


class Later(InstantClock):
    """Our clock is of no matter: a draft's age is told by the shop."""

    def now(self) -> datetime:
        return super().now() + timedelta(days=1)


async def test_a_lost_empty_draft_is_removed_later(vendure: Shop, proxy: Proxy) -> None:
    """Nobody knows of it, so it cannot be finished; it has no mark of ours, only our name in its history. What
    somebody else has just begun stays, whatever our clock says."""
    stray = vendure.clerk.ask("mutation{createDraftOrder{id}}")["createDraftOrder"]["id"]
    async with account(Vendure, vendure.settings(proxy.base, **STEPS)) as shop:
        proxy.faults.add(Fault(kind=FaultKind.LOSE, match="createDraftOrder"))
        await deliver(shop, sold("stray"))
    drafts = {order["id"] for order in vendure.clerk.orders('{state:{eq:"Draft"}}')}
    assert stray in drafts
    assert len(drafts) >= 2
    async with account(Vendure, vendure.settings(**STEPS), clock=Later()) as shop:
        await deliver(shop, sold("tidy-early"))
    assert {order["id"] for order in vendure.clerk.orders('{state:{eq:"Draft"}}')} == drafts
    vendure.clerk.age(sorted(drafts), timedelta(hours=2))
    async with account(Vendure, vendure.settings(**STEPS)) as shop:
        await deliver(shop, sold("tidy"))
    assert vendure.clerk.orders('{state:{eq:"Draft"}}') == []
