"""The small sinks: status, payment, shipment, cancelling. Whatever is said twice, or once with its answer lost and
then again, must have been done once.
"""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable
from typing import Any

from olhubd.model import Fulfilment, Payment, PaymentType, Shipment
from olhubd.plugin import (
    CancelSink,
    Conflict,
    NotFound,
    PaymentSink,
    PluginError,
    Rejected,
    ShipmentSink,
    StatusList,
    StatusSink,
    Temporary,
)
from olhubd_kit.conformance.bench import Bench
from olhubd_kit.conformance.order import STRANGE
from olhubd_kit.conformance.push import made
from olhubd_kit.conformance.rule import Tier, broken, check, rule, skip
from olhubd_kit.conformance.strangers import AFTER_ACTING
from olhubd_kit.faults import FaultKind
from olhubd_kit.simulator import BookedOrder

MOST_CALLS = 20
STRANGE_STATUSES = (200, 403, 404, 409)
"""Of a stranger's answers: those that could be taken for a word about the order."""
NOBODY = "00000000-0000-4000-8000-000000000000"
"""An id of no order, in a notation that most systems can read."""
Act = Callable[[str], Awaitable[None]]


async def subject(bench: Bench, *, paid: bool = True) -> str:
    """An order to work on, as it comes: pushed into a shop, bought at a marketplace."""
    if bench.has("OrderSink"):
        kind = "plain" if paid else "unpaid"
        return (await made(bench, kind, f"subject-{len(bench.books())}")).external_id
    for _ in range(MOST_CALLS):
        [key] = await bench.buy(1, **({} if paid else {"paid": False}))
        if bench.books()[key].due or not paid:  # some a marketplace carries out by itself, and lets nobody touch
            return key
    return skip("no purchase is the seller's to carry out")


async def nobody(bench: Bench) -> str:
    """An external id shaped like the real ones that no order has."""
    real = await subject(bench)
    return "987654321" if real.isdigit() else NOBODY


async def after_a_fault(bench: Bench, act: Act, done: Callable[[BookedOrder], object], paid: bool = True) -> None:
    """Whatever call of `act` loses its answer, or gets a stranger's, doing it again ends well and with it done."""
    cut = (FaultKind.LOSE, FaultKind.RESET, FaultKind.ERROR_AFTER, FaultKind.CUT)
    struck: list[tuple[FaultKind, dict[str, Any]]] = [(kind, {}) for kind in cut]
    struck += [(FaultKind.ERROR_AFTER, answer) for answer in AFTER_ACTING if answer["status"] in STRANGE_STATUSES]
    for kind, how in struck:
        for call in range(MOST_CALLS):
            order, before = await subject(bench, paid=paid), bench.struck()
            bench.strike(kind, after=call, **how)
            answer = await bench.attempt(lambda order=order: act(order))  # type: ignore[misc]
            bench.faults.clear()
            if isinstance(answer, PluginError):
                check(isinstance(answer, Temporary), f"a fault {kind.value!r} became {type(answer).__name__}")
                await act(order)
            check(done(bench.books()[order]), f"after a fault {kind.value!r} and a second try it is not done once")
            if bench.struck() == before:
                break


async def _unknown(bench: Bench, act: Act) -> None:
    key = await nobody(bench)
    answer = await bench.attempt(lambda: act(key))
    check(isinstance(answer, NotFound), f"for an order that is not there came {type(answer).__name__}")


async def words(bench: Bench) -> list[str]:
    """Status words that a new order can move to, as the connector itself names them."""
    steps = (Fulfilment.PROCESSING, Fulfilment.READY, Fulfilment.SENT)
    words = [word for step in steps if (word := bench.part(StatusSink).status_for(step)) is not None]
    if not words and bench.has("StatusList"):
        words = [status.code for status in await bench.part(StatusList).statuses()]
    if not words:
        skip("the connector names no status of its own")
    return words


def shows(entry: BookedOrder, word: str) -> bool:
    """Whether the books show the status, whichever of the two it is."""
    return word in (entry.status, entry.fulfilment)


@rule("STATUS-01", Tier.BRONZE, "StatusSink")
async def a_status_is_set(bench: Bench) -> None:
    """The order has the status afterwards."""
    word, order = (await words(bench))[0], await subject(bench)
    await bench.part(StatusSink).set_status(order, word)
    entry = bench.books()[order]
    check(shows(entry, word), f"set to {word!r}, the books show {entry.status!r} and {entry.fulfilment!r}")


@rule("STATUS-02", Tier.SILVER, "StatusSink")
async def a_status_set_twice_is_set_once(bench: Bench) -> None:
    """The same status again, at once or after a lost answer, is no error and changes nothing."""
    word, order = (await words(bench))[0], await subject(bench)
    for _ in range(2):
        await bench.part(StatusSink).set_status(order, word)
    check(shows(bench.books()[order], word), "the status is gone after setting it twice")
    await after_a_fault(
        bench, lambda key: bench.part(StatusSink).set_status(key, word), lambda entry: shows(entry, word)
    )


@rule("STATUS-03", Tier.BRONZE, "StatusSink")
async def a_status_of_nobody_is_not_found(bench: Bench) -> None:
    """For an order that is not there NotFound is raised."""
    word = (await words(bench))[0]
    await _unknown(bench, lambda key: bench.part(StatusSink).set_status(key, word))


@rule("STATUS-04", Tier.BRONZE, "StatusSink")
async def a_status_that_does_not_exist_is_refused(bench: Bench) -> None:
    """A word that the target does not know is Rejected (or a Conflict), and the order keeps its status."""
    order = await subject(bench)
    before = bench.books()[order]
    answer = await bench.attempt(lambda: bench.part(StatusSink).set_status(order, STRANGE))
    check(isinstance(answer, Rejected | Conflict), f"an unknown status word gave {type(answer).__name__}")
    now = bench.books()[order]
    check((now.status, now.fulfilment) == (before.status, before.fulfilment), "the status changed all the same")


@rule("STATUS-05", Tier.SILVER, "StatusSink")
async def a_cancelled_order_stays_cancelled(bench: Bench) -> None:
    """Moving a cancelled order on is refused with Conflict or Rejected; it is not brought back to life."""
    word, order = (await words(bench))[0], await subject(bench)
    await bench.do("cancel", order)
    answer = await bench.attempt(lambda: bench.part(StatusSink).set_status(order, word))
    check(bench.books()[order].cancelled, f"set to {word!r}, the cancelled order is alive again")
    check(isinstance(answer, Rejected | Conflict), f"moving a cancelled order on gave {type(answer).__name__}")


def _payment(bench: Bench) -> Payment:
    return Payment(type=PaymentType.ONLINE, external_id="pay-late", finished_at=bench.clock.now())


def _pay(bench: Bench) -> Act:
    async def act(key: str) -> None:
        await bench.part(PaymentSink).set_payment(key, _payment(bench), bench.books()[key].total)

    return act


@rule("PAY-01", Tier.BRONZE, "PaymentSink")
async def a_payment_is_recorded(bench: Bench) -> None:
    """An unpaid order is booked as paid afterwards, and costs what it did."""
    order = await subject(bench, paid=False)
    before = bench.books()[order]
    check(not before.paid, "the unpaid order is booked as paid from the start")
    await _pay(bench)(order)
    check(bench.books()[order].paid, "the payment is not booked")
    check(bench.books()[order].total == before.total, "the payment changed the total")


@rule("PAY-02", Tier.SILVER, "PaymentSink")
async def a_payment_recorded_twice_is_recorded_once(bench: Bench) -> None:
    """The same sum again, at once or after a lost answer, is no second payment."""
    order = await subject(bench, paid=False)
    for _ in range(2):
        await _pay(bench)(order)
    check(bench.books()[order].paid, "recorded twice, the order is not booked as exactly paid")
    await after_a_fault(bench, _pay(bench), lambda entry: entry.paid, paid=False)


@rule("PAY-03", Tier.BRONZE, "PaymentSink")
async def a_payment_of_nobody_is_not_found(bench: Bench) -> None:
    """For an order that is not there NotFound is raised."""
    order = await subject(bench, paid=False)
    total = bench.books()[order].total
    await _unknown(bench, lambda key: bench.part(PaymentSink).set_payment(key, _payment(bench), total))


def _typed(text: str) -> str:
    return "".join(text.split()).upper()


def _parcel(waybill: str) -> Shipment:
    return Shipment(carrier="INPOST", carrier_name="InPost", waybill=waybill)


def _waybill(key: str) -> str:
    """A number of the order's own: a carrier gives none twice."""
    return f"62011122233344{zlib.crc32(key.encode()):010}"


def _once(entry: BookedOrder, waybill: str) -> bool:
    return [_typed(found) for found in entry.shipments].count(_typed(waybill)) == 1


@rule("SHIP-01", Tier.BRONZE, "ShipmentSink")
async def parcels_are_added(bench: Bench) -> None:
    """Each parcel of an order is there afterwards, the first also when there is a second."""
    order = await subject(bench)
    for waybill in ("620111222333444555666777", "620999888777666555444333"):
        await bench.part(ShipmentSink).add_shipment(order, _parcel(waybill))
    entry = bench.books()[order]
    check(len(entry.shipments) == 2, f"two parcels were added, the books hold {len(entry.shipments)}")
    check(_once(entry, "620111222333444555666777"), "the first parcel is not there")


@rule("SHIP-02", Tier.SILVER, "ShipmentSink")
async def a_parcel_added_twice_is_added_once(bench: Bench) -> None:
    """The same waybill again, however it is typed, at once or after a lost answer, is no second parcel."""
    order = await subject(bench)
    for waybill in ("PL620111222333", "pl620 111 222 333", " PL620111222333"):
        await bench.part(ShipmentSink).add_shipment(order, _parcel(waybill))
    entry = bench.books()[order]
    check(len(entry.shipments) == 1, f"one parcel typed three ways became {len(entry.shipments)}")
    await after_a_fault(
        bench,
        lambda key: bench.part(ShipmentSink).add_shipment(key, _parcel(_waybill(key))),
        lambda entry: _once(entry, _waybill(entry.external_id)),
    )


@rule("SHIP-03", Tier.BRONZE, "ShipmentSink")
async def a_parcel_of_nobody_is_not_found(bench: Bench) -> None:
    """For an order that is not there NotFound is raised."""
    await _unknown(
        bench, lambda key: bench.part(ShipmentSink).add_shipment(key, _parcel("620111222333444555666777"))
    )


def _cancel(bench: Bench) -> Act:
    async def act(key: str) -> None:
        await bench.part(CancelSink).cancel_order(key, "the buyer withdrew")

    return act


@rule("CANCEL-01", Tier.BRONZE, "CancelSink")
async def an_order_is_cancelled(bench: Bench) -> None:
    """The order is cancelled afterwards, and no other one is."""
    order, other = await subject(bench), await subject(bench)
    await _cancel(bench)(order)
    check(bench.books()[order].cancelled, "the order is not cancelled")
    check(not bench.books()[other].cancelled, "another order was cancelled too")


@rule("CANCEL-02", Tier.SILVER, "CancelSink")
async def cancelled_twice_is_cancelled_once(bench: Bench) -> None:
    """Cancelling again, at once or after a lost answer, is no error."""
    order = await subject(bench)
    for _ in range(2):
        await _cancel(bench)(order)
    await after_a_fault(bench, _cancel(bench), lambda entry: entry.cancelled)


@rule("CANCEL-03", Tier.BRONZE, "CancelSink")
async def cancelling_nobody_is_not_found(bench: Bench) -> None:
    """For an order that is not there NotFound is raised."""
    await _unknown(bench, _cancel(bench))


@rule("CANCEL-04", Tier.SILVER, "CancelSink")
async def what_is_sent_cannot_be_cancelled(bench: Bench) -> None:
    """An order that is too far gone raises Conflict and stays as it is."""
    order = await subject(bench)
    await bench.do("ship", order)
    answer = await bench.attempt(lambda: _cancel(bench)(order))
    if answer is None:
        broken("a sent order was cancelled without a word")
    check(isinstance(answer, Conflict), f"cancelling a sent order gave {type(answer).__name__}")
    check(not bench.books()[order].cancelled, "the sent order is cancelled all the same")
