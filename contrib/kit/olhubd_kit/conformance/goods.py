"""What a seller packs and sends by: the goods of an order, who gets them, and what goes in which parcel.

The books of a simulator hold it where they can; a rule about what they do not hold is not tried.
"""

from __future__ import annotations

from olhubd.model import Address, Order, Shipment, Stage
from olhubd.plugin import ShipmentSink
from olhubd_kit.conformance.bench import Bench
from olhubd_kit.conformance.rule import NotApplicable, Tier, broken, check, rule, skip
from olhubd_kit.conformance.small import subject
from olhubd_kit.simulator import BookedLine, BookedOrder, BookedParcel

_FEED = "OrderFeed"
_SHIP = "ShipmentSink"
MOST = 12
"""So many purchases are made until one has several lines."""


async def _told(bench: Bench) -> list[tuple[Order, BookedOrder]]:
    """Orders as the feed brings them, beside the books."""
    await bench.buy(5)
    books, orders = bench.books(), (await bench.walk()).orders
    check(orders, "the feed brought no orders")
    return [(order, books[key]) for key, order in orders.items() if key in books]


@rule("ORDER-10", Tier.BRONZE, _FEED)
async def lines_are_the_goods_that_were_bought(bench: Bench) -> None:
    """Each line that was bought comes under its id with its quantity and its SKU, and no other one with a SKU."""
    for order, entry in await _told(bench):
        if entry.lines is None:
            skip("the books do not tell of lines")
        told = {line.external_id: line for line in order.lines}
        for booked in entry.lines:
            line = told.get(booked.id)
            if line is None:
                broken(f"line {booked.id} of order {entry.external_id} is not told")
            check(line.quantity == booked.quantity, f"{line.quantity} pieces are told of {booked.quantity}")
            check((line.sku or None) == (booked.sku or None), f"the SKU {booked.sku} is told as {line.sku}")
        bought = {booked.id for booked in entry.lines}
        strange = [key for key, line in told.items() if line.sku and key not in bought]
        check(not strange, f"lines are told that nobody bought: {', '.join(strange)}")


def _place(address: Address | None) -> dict[str, str | None]:
    names = ("first_name", "last_name", "company", "street", "postcode", "city", "country")
    return {name: getattr(address, name) or None for name in names}


@rule("ORDER-11", Tier.BRONZE, _FEED)
async def the_recipient_is_who_gets_it(bench: Bench) -> None:
    """Name, street, postcode, city and country of the recipient are those of the books."""
    for order, entry in await _told(bench):
        if entry.recipient is None:
            skip("the books do not tell of recipients")
        told, booked = _place(order.recipient), _place(entry.recipient)
        wrong = [name for name, value in booked.items() if value is not None and told[name] != value]
        check(not wrong, f"the recipient is told without or with another {', '.join(wrong)}")


@rule("ORDER-12", Tier.BRONZE, _FEED)
async def the_buyer_is_who_bought(bench: Bench) -> None:
    """The buyer comes with what identifies buyers in the system: an id, a login or an e-mail."""
    for order, entry in await _told(bench):
        if entry.buyer is None:
            skip("the books do not tell of buyers")
        known = (order.buyer.external_id, order.buyer.login, order.buyer.email)
        check(entry.buyer in known, "the buyer is another one or nobody")


@rule("ORDER-13", Tier.SILVER, _FEED)
async def a_refunded_order_is_not_to_be_sent(bench: Bench) -> None:
    """An order whose whole sum was given back is reported as cancelled: nobody packs it."""
    first, second = await bench.buy(2)
    walk = await bench.walk()
    await bench.do("refund", first)
    bench.clock.advance(3600)
    found = await bench.walk(walk.cursor)
    found.records.extend((await bench.sweep()).records)
    check(first in found.orders, "the refunded order did not come again")
    stage = found.orders[first].stage
    check(stage is Stage.CANCELLED, f"the refunded order is told as {stage.value}")
    if second in found.orders:
        check(found.orders[second].stage is not Stage.CANCELLED, "another order is told as cancelled")


async def _several(bench: Bench) -> tuple[str, list[BookedLine]]:
    """An order to send with two lines or more, and its lines."""
    for _ in range(MOST):
        key = await subject(bench)
        lines = bench.books()[key].lines
        if lines is None:
            skip("the books do not tell of lines")
        goods = [line for line in lines if line.mark or not any(other.mark for other in lines)]
        if len(goods) > 1:
            return key, goods
    return skip("no purchase has several lines")


def _parcels(bench: Bench, key: str) -> dict[str, BookedParcel]:
    parcels = bench.books()[key].parcels
    if parcels is None:
        skip("the books do not tell of parcels")
    return {"".join(parcel.waybill.split()).upper(): parcel for parcel in parcels}


def _parcel(waybill: str, *lines: BookedLine, carrier: str = "INPOST", name: str = "InPost") -> Shipment:
    ids = tuple(line.mark or line.id for line in lines)
    return Shipment(carrier=carrier, carrier_name=name, waybill=waybill, line_ids=ids)


@rule("SHIP-04", Tier.SILVER, _SHIP)
async def a_parcel_holds_the_lines_it_names(bench: Bench) -> None:
    """A parcel of one line holds that line in the system and no other one."""
    key, lines = await _several(bench)
    _parcels(bench, key)
    await bench.part(ShipmentSink).add_shipment(key, _parcel("620111222333444555666777", lines[1]))
    held = _parcels(bench, key).get("620111222333444555666777")
    check(held is not None, "the parcel is not there")
    if held is not None:
        if held.lines is None:
            raise NotApplicable("the system does not keep what is in a parcel", natural=True)
        check(held.lines == [lines[1].id], f"the parcel of one line holds {len(held.lines)} lines, or another one")


@rule("SHIP-05", Tier.BRONZE, _SHIP)
async def a_parcel_without_lines_is_the_whole_order(bench: Bench) -> None:
    """A parcel that names no lines holds all of the order."""
    key, lines = await _several(bench)
    _parcels(bench, key)
    await bench.part(ShipmentSink).add_shipment(key, _parcel("620111222333444555666777"))
    held = _parcels(bench, key).get("620111222333444555666777")
    check(held is not None, "the parcel is not there")
    if held is not None:
        if held.lines is None:
            raise NotApplicable("the system does not keep what is in a parcel", natural=True)
        missing = [line.id for line in lines if line.id not in held.lines]
        check(not missing, f"{len(missing)} of {len(lines)} lines are not in the parcel")


@rule("SHIP-06", Tier.BRONZE, _SHIP)
async def a_parcel_goes_by_its_carrier(bench: Bench) -> None:
    """The carrier of a parcel arrives in the system, each its own."""
    key = await subject(bench)
    wanted = {"620111222333444555666777": ("INPOST", "InPost"), "520999888777666": ("DPD", "DPD")}
    for waybill, (carrier, name) in wanted.items():
        await bench.part(ShipmentSink).add_shipment(key, _parcel(waybill, carrier=carrier, name=name))
    held = _parcels(bench, key)
    for waybill, (carrier, _) in wanted.items():
        told = held[waybill].carrier if waybill in held else None
        if told is None and waybill in held:
            skip("the books do not tell of carriers")
        check(told is not None and carrier in told.upper(), f"a parcel of {carrier} goes by {told}")
