"""Orders out: that a push makes exactly one order, and that what it costs is what the buyer paid."""

from __future__ import annotations

from typing import Any

from olhubd.model import Order, reference
from olhubd.plugin import OrderSink, PaymentSink, Push, Receipt, Rejected
from olhubd_kit.conformance.bench import Bench
from olhubd_kit.conformance.rule import Tier, broken, check, rule
from olhubd_kit.samples import sample
from olhubd_kit.simulator import BookedOrder

__all__ = ["made", "only", "push_of"]

_SINK = "OrderSink"
SOURCE = "market"


def push_of(bench: Bench, kind: str = "plain", external_id: str | None = None, **decided: Any) -> Push:
    """A push of a sample order, with nothing mapped unless `decided` says so."""
    order = sample(kind, external_id or f"{kind}-1", bench.clock.now())
    decided.setdefault("reference", reference(SOURCE, order.external_id))
    return Push(order=order, account=SOURCE, marketplace=order.marketplace or SOURCE, **decided)


def only(bench: Bench, push: Push) -> BookedOrder:
    """The one order in the books that carries the reference; not one, or several, break the rule."""
    found = bench.carrying(push.reference)
    check(len(found) == 1, f"the books hold {len(found)} orders with the reference {push.reference}")
    return found[0]


async def made(bench: Bench, kind: str = "plain", external_id: str | None = None, **decided: Any) -> Receipt:
    """Push a sample; check receipt and books against it."""
    push = push_of(bench, kind, external_id, **decided)
    receipt: Receipt = await bench.part(OrderSink).push_order(push)
    entry = only(bench, push)
    wanted = push.order.total
    check(
        receipt.external_id == entry.external_id,
        f"the receipt names {receipt.external_id}, not {entry.external_id}",
    )
    check(
        entry.total == wanted,
        f"the {kind} order costs {wanted}; {entry.total.amount} {entry.total.currency} booked",
    )
    check(receipt.total == entry.total, f"the receipt says {receipt.total.amount}, the books {entry.total.amount}")
    return receipt


async def _booked(bench: Bench, kind: str) -> tuple[Order, BookedOrder]:
    receipt = await made(bench, kind)
    return push_of(bench, kind).order, bench.books()[receipt.external_id]


@rule("PUSH-01", Tier.BRONZE, _SINK)
async def a_push_makes_one_order(bench: Bench) -> None:
    """One push makes one order, with our reference and the buyer's total, and the receipt is of that one."""
    before = len(bench.books())
    await made(bench)
    check(len(bench.books()) == before + 1, f"one push made {len(bench.books()) - before} orders")


@rule("PUSH-02", Tier.BRONZE, _SINK)
async def two_orders_stay_two(bench: Bench) -> None:
    """Orders of one buyer with the same lines are different orders as long as their references differ."""
    for number in range(3):
        await made(bench, external_id=f"twin-{number}")


@rule("PUSH-03", Tier.BRONZE, _SINK)
async def many_pieces_cost_what_they_cost(bench: Bench) -> None:
    """Many pieces at awkward prices sum to the grosz."""
    await made(bench, "bulk")


@rule("PUSH-04", Tier.BRONZE, _SINK)
async def discounts_are_carried(bench: Bench) -> None:
    """A discount of the whole order lowers the total; one that is already in a price does so only once."""
    await made(bench, "discounted")


@rule("PUSH-05", Tier.BRONZE, _SINK)
async def services_and_charges_are_carried(bench: Bench) -> None:
    """Services, deposits and surcharges are paid for too."""
    await made(bench, "serviced")


@rule("PUSH-06", Tier.BRONZE, _SINK)
async def cash_on_delivery_is_not_paid(bench: Bench) -> None:
    """An order to be paid on delivery, or not yet paid at all, is not booked as paid."""
    for kind in ("cash-on-delivery", "unpaid"):
        _, entry = await _booked(bench, kind)
        check(not entry.paid, f"the {kind} order is booked as paid")


@rule("PUSH-07", Tier.BRONZE, _SINK)
async def a_paid_order_is_booked_as_paid(bench: Bench) -> None:
    """A paid order is booked as paid, in one part or in two, by the push or by the payment sent after it."""
    for kind in ("plain", "surcharged"):
        order, entry = await _booked(bench, kind)
        if not entry.paid and bench.has("PaymentSink"):
            payment = order.payment
            if payment is None:
                broken("the sample has no payment")
            await bench.part(PaymentSink).set_payment(entry.external_id, payment, order.paid)
            entry = bench.books()[entry.external_id]
        check(entry.paid, f"the {kind} order is not booked as paid")


@rule("PUSH-08", Tier.BRONZE, _SINK)
async def parties_and_places_are_carried(bench: Bench) -> None:
    """A company's invoice and a pick-up point without a postal address are no obstacle."""
    for kind in ("company", "locker"):
        await made(bench, kind)


@rule("PUSH-09", Tier.BRONZE, _SINK)
async def free_lines_are_told(bench: Bench) -> None:
    """Lines without a product arrive with their price where the route allows it, and the receipt names each."""
    receipt = await made(bench, "free-lines", free_lines=True)
    told = {line.line_id for line in receipt.unlinked}
    check({"line-9", "line-10"} <= told, f"unlinked lines told: {', '.join(sorted(told)) or 'none'}")
    check("line-1" not in told, "a line whose SKU the target sells is told as unlinked")


@rule("PUSH-10", Tier.BRONZE, _SINK)
async def unlinked_lines_can_be_refused(bench: Bench) -> None:
    """Where the route forbids free lines, an order with one is Rejected and nothing is made."""
    push = push_of(bench, "free-lines", free_lines=False)
    answer = await bench.attempt(lambda: bench.part(OrderSink).push_order(push))
    check(isinstance(answer, Rejected), f"instead of Rejected came {type(answer).__name__}")
    check(not bench.carrying(push.reference), "the refused order was made")


@rule("PUSH-11", Tier.BRONZE, _SINK)
async def gifts_are_carried(bench: Bench) -> None:
    """A line for nothing and delivery for nothing are not filled with the shop's own prices."""
    await made(bench, "gift")


async def made_or_refused(bench: Bench, name: str) -> None:
    """The sample is made at its price, or Rejected and not made."""
    push = push_of(bench, name)
    answer = await bench.attempt(lambda: bench.part(OrderSink).push_order(push))
    if isinstance(answer, Rejected):
        check(not bench.carrying(push.reference), "the refused order was made")
        return
    if not isinstance(answer, Receipt):
        broken(f"raised {type(answer).__name__}: {answer}")
    entry = only(bench, push)
    check(entry.total == push.order.total, f"{push.order.total} became {entry.total}")
    check(answer.total == push.order.total, f"the receipt for {push.order.total} says {answer.total}")


@rule("PUSH-12", Tier.SILVER, _SINK)
async def a_currency_is_never_exchanged(bench: Bench) -> None:
    """An order in another currency is stored in that currency or Rejected, never the same number in one's own."""
    await made_or_refused(bench, "foreign")


@rule("PUSH-13", Tier.SILVER, _SINK)
async def tax_on_top_is_carried(bench: Bench) -> None:
    """An order with net prices and the tax on top costs what the buyer paid, or is Rejected and not made."""
    await made_or_refused(bench, "net")
