"""What is different between two tellings of an order."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from olhubd.decide import changes, compare, validate
from olhubd.decide.merge import merge
from olhubd.model import (
    Address,
    Buyer,
    Fulfilment,
    InvoiceParty,
    Money,
    Order,
    OrderId,
    Payment,
    PaymentType,
    PickupPoint,
    Shipment,
    Shipping,
    Stage,
)
from tests.orders import EPOCH, line, order, paid, pln


def kinds(held: Order, incoming: Order) -> list[str]:
    return [change.kind for change in compare.compare(held, incoming)]


def test_equal_tellings_change_nothing() -> None:
    assert kinds(order(), order()) == []


def test_first_sight_of_a_paid_order() -> None:
    found = compare.first_seen(order(payment=paid("15.00")))
    assert [change.kind for change in found] == ["order.placed", "order.confirmed", "order.paid"]


def test_unconfirmed_is_kept_apart() -> None:
    """IMP-15, FWD-05: before the delivery form an order is only placed."""
    assert [c.kind for c in compare.first_seen(order(stage=Stage.PLACED))] == ["order.placed"]


@pytest.mark.parametrize("face", [{"stage": Stage.CANCELLED}, {"fulfilment": Fulfilment.CANCELLED}])
def test_both_faces_of_a_cancellation(face: dict[str, object]) -> None:
    assert kinds(order(), msgspec.structs.replace(order(), **face)) == ["order.cancelled"]


def test_payment_does_not_revive_a_cancelled_order() -> None:
    """A re-read that brings a payment leaves a cancelled order cancelled."""
    gone = order(stage=Stage.CANCELLED)
    assert "order.confirmed" not in kinds(gone, order(stage=Stage.CANCELLED, payment=paid("15.00")))


def test_unknown_stage_is_told_and_mapped_to_nothing() -> None:
    """Invariant 11."""
    odd = order(stage=Stage.UNKNOWN, external_stage="LIMBO")
    assert kinds(order(stage=Stage.PLACED), odd) == ["order.stage-unknown"]


def test_each_part_has_its_change() -> None:
    base = order()
    elsewhere = Address(street="Inna 2", postcode="00-002", city="Warszawa")
    moved = msgspec.structs.replace(base, shipping=msgspec.structs.replace(base.shipping, address=elsewhere))
    assert kinds(base, moved) == ["order.address-changed"]
    more = order(lines=(line("A-1", quantity=2),))
    assert kinds(base, more) == ["order.lines-changed"]
    assert kinds(base, order(payment=paid("15.00"))) == ["order.payment-changed", "order.paid"]
    assert kinds(base, order(fulfilment=Fulfilment.SENT)) == ["order.fulfilment-changed"]
    assert kinds(base, order(shipments=(Shipment(carrier="INPOST", waybill="1"),))) == ["order.shipped"]
    assert kinds(base, order(buyer_note="Please ring")) == ["order.amended"]


def test_merge_keeps_what_the_source_no_longer_tells() -> None:
    """A later read with blanked personal data or without parcels takes nothing away."""
    held = order(shipments=(Shipment(carrier="DPD", waybill="77"),))
    blank = msgspec.structs.replace(order(), buyer=Buyer(login="jan"), shipping=Shipping(cost=pln("5.00")))
    kept = merge(held, blank)
    assert kept.buyer.email == held.buyer.email
    assert kept.shipping.address == held.shipping.address
    assert kept.shipments == held.shipments


def test_another_parcel_locker_is_another_address() -> None:
    """Nothing else of the recipient is different, and a parcel that goes to the old one is lost."""
    first, second = (
        msgspec.structs.replace(order().shipping, pickup_point=PickupPoint(id=id_)) for id_ in ("WAW1", "KRK2")
    )
    assert kinds(order(shipping=first), order(shipping=second)) == ["order.address-changed"]
    assert kinds(order(shipping=first), order(shipping=first)) == []


def test_merge_keeps_an_address_of_which_the_source_tells_only_a_part() -> None:
    """Some sources blank the person and the street and leave the country: no parcel would find it."""
    held = order()
    for part in (Address(country="PL"), Address(city="Warszawa", postcode="00-001")):
        left = msgspec.structs.replace(order(), shipping=Shipping(cost=pln("5.00"), address=part))
        assert merge(held, left).shipping.address == held.shipping.address
    moved = Address(street="Inna 2", city="Gdynia", postcode="81-001")
    told = msgspec.structs.replace(order(), shipping=Shipping(cost=pln("5.00"), address=moved))
    assert merge(held, told).shipping.address == moved


def test_a_merged_purchase_takes_all_lines() -> None:
    first, second = order("A"), order("B")
    both = order("C", lines=(line("A-1"), line("B-1")), updated_at=EPOCH + timedelta(hours=1))
    verdict = compare.contest(both, {OrderId(1): first, OrderId(2): second})
    assert verdict.superseded == {1, 2}
    assert not verdict.moved
    assert not verdict.lost


def test_a_late_telling_of_the_old_purchase_does_not_win_the_lines_back() -> None:
    """Two tellings that both claim a line settle the same way whichever comes first."""
    old = order("A")
    both = order("C", lines=(line("A-1"), line("B-1")), updated_at=EPOCH + timedelta(hours=1))
    assert compare.contest(both, {OrderId(1): old}).superseded == {1}
    assert compare.contest(old, {OrderId(3): both}).lost == {3}


def test_a_split_moves_single_lines() -> None:
    old = order("A", lines=(line("x"), line("y")))
    part = order("B", lines=(line("y"),), updated_at=EPOCH + timedelta(hours=1))
    assert compare.contest(part, {OrderId(1): old}).moved == {1: ("y",)}


EUROS = msgspec.structs.replace(paid("1"), paid=Money(Decimal(20), "EUR"))


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (order(total=pln("14.99")), "sum up to 15.00 PLN, but its total is 14.99 PLN"),
        (order(lines=(line("x"), line("x"))), "same number"),
        (order(lines=(line("x", quantity=0),)), "quantity 0"),
        (order(total=Money(Decimal("NaN"), "PLN")), "its total is NaN"),
        (order(total=Money(Decimal("15.00"), "ZLO")), "'ZLO' is not a currency"),
        (
            order(lines=(msgspec.structs.replace(line("x"), price=Money(Decimal(10), "EUR")),), total=pln(15)),
            "currencies",
        ),
        (msgspec.structs.replace(order(), lines=()), "no lines"),
        (order(payment=paid("15.00"), surcharges=(EUROS,)), "paid in EUR, but its total is in PLN"),
        (order(payment=EUROS), "paid in EUR"),
        (order(payment=paid("NaN")), "a payment of it is NaN"),
    ],
)
def test_what_makes_no_sense_is_refused(broken: Order, words: str) -> None:
    """Invariant 6: an order that does not sum to its total is quarantined, not mended."""
    assert words in (validate.objection(broken) or "")


@pytest.mark.parametrize(
    "broken",
    [
        order(placed_at=datetime(1, 1, 1, tzinfo=UTC)),
        order(placed_at=datetime(9999, 12, 31, tzinfo=UTC)),
        order(lines=(line("A-1", quantity=10**18),)),
        order(total=pln("1e500")),
        order(lines=(line("A-1", price="9" * 40),), total=pln(1)),
    ],
    ids=["year 1", "year 9999", "quantity", "1e500", "forty digits"],
)
def test_what_is_beyond_all_bounds_is_refused_and_breaks_nothing(broken: Order) -> None:
    assert validate.objection(broken)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"method_id": "m2"}, "shipping.method"),
        ({"method": "Locker", "method_id": None}, "shipping.method"),
        ({"dispatch_by": EPOCH.replace(day=9)}, "shipping.dispatch_by"),
    ],
)
def test_another_way_of_delivery_is_a_change_of_its_own(change: dict[str, Any], what: str) -> None:
    """Its sum need not tell: with a subscription all ways are free."""
    way = Shipping(method_id="m1", method="Courier", dispatch_by=EPOCH)
    if "method" in change:
        way = msgspec.structs.replace(way, method_id=None)
    held, now = (order(shipping=one) for one in (way, msgspec.structs.replace(way, **change)))
    assert compare.compare(held, now) == [changes.DeliveryChanged(what=(what,))]


def test_cash_at_the_door_instead_of_a_payment_is_a_change_of_its_own() -> None:
    online = Payment(type=PaymentType.ONLINE, paid=pln("0.00"))
    held, now = order(payment=online), order(payment=Payment(type=PaymentType.CASH_ON_DELIVERY, paid=pln("0.00")))
    assert changes.DeliveryChanged(what=("payment.type",)) in compare.compare(held, now)


def test_what_is_told_for_the_first_time_is_no_other_way() -> None:
    held = order(shipping=Shipping(method="Courier"))
    now = order(shipping=Shipping(method="Courier", dispatch_by=EPOCH))
    assert compare.compare(held, now) == [changes.Amended()]


def test_a_revision_alone_is_no_change() -> None:
    assert compare.compare(order(revision="1"), order(revision="2", updated_at=EPOCH.replace(hour=15))) == []


def test_money_that_is_not_told_is_not_nothing() -> None:
    """Neither for a payment that is over, nor for one of which an amount was told before."""
    over = order(payment=Payment(type=PaymentType.ONLINE, finished_at=EPOCH))
    assert over.fully_paid
    silent = order(payment=Payment(type=PaymentType.ONLINE))
    assert not silent.fully_paid
    assert not any(
        isinstance(c, changes.PaymentChanged) for c in compare.compare(order(payment=paid("15.00")), silent)
    )


def test_a_closed_form_of_cash_on_delivery_is_no_money() -> None:
    """Its time says when the buyer chose so; what the courier collects is not there yet."""
    chosen = order(payment=Payment(type=PaymentType.CASH_ON_DELIVERY, finished_at=EPOCH))
    assert chosen.paid == pln(0)
    assert not chosen.fully_paid
    assert kinds(order(payment=Payment(type=PaymentType.CASH_ON_DELIVERY)), chosen) == ["order.amended"]


def test_a_payment_told_only_as_surcharges_is_money() -> None:
    assert order(surcharges=(paid("10.00"), paid("5.00"))).fully_paid


def test_what_was_paid_is_kept_for_the_same_payment_only() -> None:
    """A source that is silent about the amount is not silent about another payment."""
    was = msgspec.structs.replace(paid("15.00"), external_id="P1")
    for id_, amount in (("P1", was.paid), ("P2", None)):
        silent = msgspec.structs.replace(was, external_id=id_, paid=None)
        kept = merge(order(payment=was), order(payment=silent)).payment
        assert kept is not None
        assert kept.paid == amount, id_


def test_an_invoice_that_a_source_blanks_is_kept() -> None:
    asked = order(invoice=InvoiceParty(address=Address(company="Firma")))
    assert merge(asked, order()).invoice == asked.invoice
    other = order(invoice=InvoiceParty(address=Address(company="Inna")))
    assert merge(asked, other).invoice == other.invoice


def test_an_offer_that_is_named_only_now_makes_no_line_another() -> None:
    """A connector that reports more than before changes no order that is on its way."""
    known = line("2", offer_id="7")
    held = order(lines=(line("1"), known))
    assert kinds(held, order(lines=(line("1", offer_id="5"), known))) == ["order.amended"]
    for other in ((line("1"), line("2", offer_id="8")), (line("1", offer_id="5"), line("2"))):
        assert "order.lines-changed" in kinds(held, order(lines=other))


def test_an_order_went_only_into_one_that_has_all_its_lines_and_is_not_older() -> None:
    """What its source says is gone without a successor is gone, and is cancelled where it was forwarded."""
    part = order("A", (line("x"), line("y")))

    def off(name: str, *lines: str, hours: int = 1) -> Order:
        moment = EPOCH + timedelta(hours=hours)
        return order(name, tuple(map(line, lines)), updated_at=moment, stage=Stage.CANCELLED)

    whole, some, other, older = (
        off("B", "x", "y", "z"),
        off("C", "x"),
        off("D", "z"),
        off("E", "x", "y", hours=-1),
    )
    assert compare.heir(part, {OrderId(2): whole}) == 2
    assert compare.heir(part, {OrderId(3): some, OrderId(4): other, OrderId(5): older}) is None
    assert compare.heir(part, {OrderId(2): whole, OrderId(3): off("C", "x", hours=9)}) == 2
    assert compare.heir(part, {}) is None


def test_of_two_orders_of_one_moment_the_one_that_comes_has_the_lines() -> None:
    """Coarse clocks give a merge the time of its parts; what its source says now is what it has last said."""
    moment = EPOCH + timedelta(hours=1)
    old, both = order("A", updated_at=moment), order("C", (line("A-1"), line("B-1")), updated_at=moment)
    assert compare.contest(both, {OrderId(1): old}) == compare.Contest(superseded=frozenset({OrderId(1)}))
    same = order("C", (line("A-1"),), updated_at=moment)
    assert compare.contest(same, {OrderId(1): old}).superseded == {1}
    assert compare.heir(old, {OrderId(2): msgspec.structs.replace(both, stage=Stage.CANCELLED)}) == 2


@pytest.mark.parametrize(
    ("off", "word"),
    [
        ({"stage": Stage.CANCELLED, "external_stage": "CANCELLED_BY_BUYER"}, "CANCELLED_BY_BUYER"),
        ({"fulfilment": Fulfilment.CANCELLED, "external_fulfilment": "VOID"}, "VOID"),
        ({"fulfilment": Fulfilment.CANCELLED}, "cancelled"),
    ],
)
def test_a_cancellation_is_told_with_the_word_of_its_source(off: dict[str, Any], word: str) -> None:
    (change,) = [
        one for one in compare.compare(order("A"), order("A", **off)) if isinstance(one, changes.Cancelled)
    ]
    assert word in msgspec.json.encode(change).decode()
