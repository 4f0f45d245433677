"""What we pushed and what comes back: the hub must know its own orders again."""

from __future__ import annotations

from olhubd_kit.conformance.bench import Bench
from olhubd_kit.conformance.push import made
from olhubd_kit.conformance.rule import Tier, check, rule


@rule("ECHO-01", Tier.BRONZE, "OrderFeed", "OrderSink")
async def a_pushed_order_comes_back_with_its_reference(bench: Bench) -> None:
    """An order that was pushed comes in the same system's feed with the reference it was given, at its total."""
    await bench.origin()
    receipt = await made(bench)
    bench.clock.advance(3600)
    orders = (await bench.walk()).orders
    check(receipt.external_id in orders, "the pushed order does not come in the feed")
    order = orders[receipt.external_id]
    check(order.reference == "market:plain-1", f"it comes with the reference {order.reference!r}")
    check(order.total == receipt.total, f"it comes at {order.total}, it was pushed at {receipt.total}")


@rule("ECHO-02", Tier.BRONZE, "OrderFeed", "OrderSink")
async def a_strangers_order_has_no_reference(bench: Bench) -> None:
    """An order that somebody else placed carries no reference, even if it was placed through an interface too."""
    bought = await bench.buy(2)
    orders = (await bench.walk()).orders
    for key in bought:
        check(key in orders, "an order bought over there does not come in the feed")
        check(orders[key].reference is None, f"an order bought over there carries {orders[key].reference!r}")
