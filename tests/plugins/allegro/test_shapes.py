"""A field of a form that is only beside the matter, told in another shape, makes no order unreadable."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest

from olhubd.decide.validate import objection
from olhubd.model import Order
from olhubd.plugin import ContractBroken, decode
from olhubd_allegro import wire
from olhubd_allegro.mapping import order
from tests.plugins.allegro.test_mapping import form

Json = dict[str, Any]


def bent(path: str, value: Any) -> Json:
    """The full form with `value` at `path`; parts on the way that it lacks are made."""
    told = copy.deepcopy(form())
    at: Any = told
    *way, last = path.split(".")
    for part in way:
        at = at[int(part)] if isinstance(at, list) else at.setdefault(part, {})
    at[int(last) if isinstance(at, list) else last] = value
    return told


def read(told: Json) -> Order:
    return order(decode(msgspec.json.encode(told), wire.Form))


SIDE = {
    "buyer.preferences": "pl-PL",
    "buyer.preferences.language": ["pl"],
    "buyer.personalIdentity": {"number": "1"},
    "buyer.guest": "perhaps",
    "payment.features": "ALLEGRO_PAY",
    "payment.provider": {"id": "PAYU"},
    "payment.reconciliation": "none",
    "delivery.time": "tomorrow",
    "delivery.time.dispatch": "2026-11-04",
    "delivery.address.modifiedAt": "yesterday",
    "delivery.calculatedNumberOfPackages": "one",
    "delivery.smart": {},
    "delivery.pickupPoint.description": 7,
    "invoice.dueDate": {"date": "2026-12-01"},
    "invoice.features": {"0": "x"},
    "lineItems.0.offer.productSet": "none",
    "lineItems.0.offer.productSet.products": [{"ref": "p1"}, {"id": "p2"}],
    "lineItems.0.offer.hsNumber": 6912,
    "lineItems.0.tax": "23",
    "lineItems.0.tax.rate": 23.0,
    "lineItems.0.vouchers": [{}],
    "lineItems.0.discounts": "BUNDLE",
    "lineItems.0.reconciliation": [],
    "lineItems.0.serialNumbers": ["1"],
    "lineItems.0.originalPrice": 24.9,
    "note": "a good customer",
    "messageToSeller": ["Proszę"],
}


@pytest.mark.parametrize("path", SIDE)
def test_what_is_beside_the_matter_decides_about_nothing(path: str) -> None:
    plain, read_of = order(decode(msgspec.json.encode(form()), wire.Form)), read(bent(path, SIDE[path]))
    assert objection(read_of) is None
    assert (read_of.total, read_of.recipient, read_of.stage) == (plain.total, plain.recipient, plain.stage)
    assert [(row.external_id, row.sku, row.quantity, row.price) for row in read_of.lines] == [
        (row.external_id, row.sku, row.quantity, row.price) for row in plain.lines
    ]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("id", None),
        ("status", {}),
        ("lineItems.0.quantity", "two"),
        ("lineItems.0.quantity", 1.5),
        ("lineItems.0.price", "24.90"),
        ("lineItems.0.id", None),
        ("summary.totalToPay", None),
        ("payment.paidAmount", "49.80"),
        ("delivery.address", "Solna 1, Poznań"),
        ("delivery.cost", 9.99),
        ("lineItems.0.boughtAt", "yesterday"),
    ],
)
def test_what_an_order_needs_is_missed_by_its_place(path: str, value: Any) -> None:
    """Ids, money, quantities, states, times and where it goes: kept aside, with the path, never guessed."""
    with pytest.raises(ContractBroken) as broken:
        read(bent(path, value))
    name = path.rpartition(".")[2]
    assert broken.value.field is not None
    assert name in broken.value.field


def test_one_odd_carrier_or_parcel_does_not_take_the_others_along() -> None:
    carriers = decode(
        b'{"carriers": [{"id": "DPD"}, {"name": "nameless"}, {"id": "UPS", "name": 7}]}', wire.Carriers
    )
    assert [one.id for one in carriers.carriers or ()] == ["DPD", "UPS"]
    parcels = decode(
        b'{"shipments": [{"waybill": 123, "carrierId": null}, {"carrierId": "DPD"},'
        b' {"waybill": "4", "carrierId": "UPS"}]}',
        wire.Shipments,
    )
    assert [(one.waybill, one.carrier_id) for one in parcels.shipments or ()] == [("123", ""), ("4", "UPS")]


@pytest.mark.parametrize(
    ("products", "told"),
    [
        ([{"id": "p1", "quantity": 3}, {"id": "p2", "quantity": 1}], "3 x p1, 1 x p2"),
        ([{"id": "p1", "quantity": 2}], "2 x p1"),
        ([{"id": "p1"}, {"id": "p2", "quantity": "some"}], "1 x p1, 1 x p2"),
        ([{"id": "p1", "quantity": 1}], None),
        ([{"id": "p1"}], None),
        ([], None),
        (None, None),
    ],
    ids=str,
)
def test_a_set_tells_how_many_of_each_product_are_in_it(products: Any, told: str | None) -> None:
    """It is what the packer must know."""
    line = read(bent("lineItems.0.offer.productSet", {"products": products})).lines[0]
    assert line.extra.get("set") == told
