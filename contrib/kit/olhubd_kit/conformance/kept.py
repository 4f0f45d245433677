"""What a connector believes: answers that show something else than was sent, and answers bent beside the matter."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from olhubd.model import Order, Payment, PaymentType, Shipment
from olhubd.plugin import CancelSink, OrderSink, PaymentSink, PluginError, Receipt, ShipmentSink, StatusSink
from olhubd_kit.conformance.bench import Bench
from olhubd_kit.conformance.push import only, push_of
from olhubd_kit.conformance.rule import Tier, check, rule, skip
from olhubd_kit.conformance.small import shows, subject, words
from olhubd_kit.simulator import BookedOrder

WAYBILL = "620111222333444555666777"


@rule("PUSH-14", Tier.SILVER, "OrderSink")
async def a_line_that_was_lost_is_told(bench: Bench) -> None:
    """When the target keeps an order's sum and loses one of its lines, the receipt names the line, at once and
    after a look-up.
    """
    push = push_of(bench, external_id="torn-1")
    await bench.do("lose_lines", 1)
    receipt: Receipt = await bench.part(OrderSink).push_order(push)
    entry = only(bench, push)
    if entry.lines is None:
        skip("the books do not tell of lines")
    held = {line.mark or line.id for line in entry.lines}
    lost = [line.external_id for line in push.order.lines if line.external_id not in held]
    check(lost, "the simulator lost no line")
    again: Receipt = await bench.part(OrderSink).compare_order(push, receipt)
    for when, told in (("", receipt), (" after a look-up", again)):
        named = [one.field for one in told.differences if not one.cut]
        silent = [mark for mark in lost if not any(mark in field for field in named)]
        check(not silent, f"a line is missing over there, and{when} the receipt does not say so")


@rule("PUSH-15", Tier.SILVER, "OrderSink")
async def a_whole_order_has_no_differences(bench: Bench) -> None:
    """When the target keeps all that it was sent, the receipt names no difference, at once and after a look-up."""
    push = push_of(bench, external_id="whole-1")
    receipt: Receipt = await bench.part(OrderSink).push_order(push)
    again: Receipt = await bench.part(OrderSink).compare_order(push, receipt)
    for when, told in (("", receipt), (" after a look-up", again)):
        named = [f"{one.field} {one.what}" for one in told.differences]
        check(not named, f"nothing is missing, and{when} the receipt says: {', '.join(named)}")


@rule("PUSH-16", Tier.SILVER, "OrderSink")
async def nobody_writes_to_the_buyer(bench: Bench) -> None:
    """As it is set by default, a forwarded order makes the target write to nobody but its own people."""
    push = push_of(bench, external_id="quiet-1")
    await bench.part(OrderSink).push_order(push)
    mails: list[Any] = await bench.do("mails")
    email = push.order.buyer.email
    written = [mail for mail in mails if str(getattr(mail, "to", mail)) == email]
    check(not written, f"the target wrote {len(written)} mails to the buyer")


async def _not_kept(
    bench: Bench, order: str, act: Callable[[], Awaitable[None]], done: Callable[[BookedOrder], Any]
) -> None:
    """`act` while the system answers as ever and keeps nothing: it must not be taken for done."""
    await bench.do("ignore_changes", 1)
    answer = await bench.attempt(act)
    if not isinstance(answer, PluginError):
        check(done(bench.books()[order]), "an answer without an error was believed, and nothing is done")


@rule("STATUS-06", Tier.SILVER, "StatusSink")
async def a_status_that_was_not_kept_is_not_set(bench: Bench) -> None:
    """When the system answers as if all were well and keeps the old status, that is an error, or sent again."""
    word, order, sink = (await words(bench))[0], await subject(bench), bench.part(StatusSink)
    await _not_kept(bench, order, lambda: sink.set_status(order, word), lambda entry: shows(entry, word))


@rule("PAY-04", Tier.SILVER, "PaymentSink")
async def a_payment_that_was_not_kept_is_not_booked(bench: Bench) -> None:
    """When the system answers as if all were well and books no payment, that is an error, or sent again."""
    order, sink = await subject(bench, paid=False), bench.part(PaymentSink)
    total, payment = bench.books()[order].total, Payment(type=PaymentType.ONLINE, finished_at=bench.clock.now())
    await _not_kept(bench, order, lambda: sink.set_payment(order, payment, total), lambda entry: entry.paid)


@rule("SHIP-07", Tier.SILVER, "ShipmentSink")
async def a_parcel_that_was_not_kept_is_not_added(bench: Bench) -> None:
    """When the system answers as if all were well and keeps no parcel, that is an error, or sent again."""
    order, sink = await subject(bench), bench.part(ShipmentSink)
    parcel = Shipment(carrier="INPOST", carrier_name="InPost", waybill=WAYBILL)
    await _not_kept(bench, order, lambda: sink.add_shipment(order, parcel), lambda entry: entry.shipments)


@rule("CANCEL-05", Tier.SILVER, "CancelSink")
async def a_cancelling_that_was_not_kept_is_not_done(bench: Bench) -> None:
    """When the system answers as if all were well and the order lives on, that is an error, or sent again."""
    order, sink = await subject(bench), bench.part(CancelSink)
    await _not_kept(bench, order, lambda: sink.cancel_order(order, "withdrawn"), lambda entry: entry.cancelled)


@rule("FEED-17", Tier.SILVER, "OrderFeed")
async def a_field_beside_the_matter_hides_no_order(bench: Bench) -> None:
    """When a plugin of the system bends a field that no order needs, such as a note, the order comes all the
    same."""
    first, *_ = await bench.buy(2)
    await bench.do("decorate", first)
    bench.clock.advance(3600)
    record = (await bench.walk()).latest.get(first)
    check(isinstance(record, Order), f"the order came as {type(record).__name__}")
