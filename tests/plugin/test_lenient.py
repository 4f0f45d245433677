"""What is beside the matter does not decide about the rest, and what is needed still does."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from olhubd.plugin import ContractBroken, Side, decode


class Meta(msgspec.Struct, frozen=True):
    key: str
    value: Any = None


class Picture(msgspec.Struct, frozen=True):
    src: Side[str | None] = None


class Row(msgspec.Struct, frozen=True):
    id: int
    total: str = "0"
    pieces: Decimal = Decimal(1)
    sku: Side[str | None] = None
    picture: Side[Picture | None] = None
    seen: Side[datetime | None] = None
    hidden: Side[bool] = False
    share: Side[float | None] = None
    notes: Side[list[Meta]] = []


class Whole(msgspec.Struct, frozen=True):
    id: int
    rows: list[Row] = []
    owner: Side[Picture] = Picture()


class Strict(msgspec.Struct):
    id: int
    name: str = ""


def row(**told: Any) -> Row:
    return decode(msgspec.json.encode({"id": 1, **told}), Row)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"picture": "https://shop.example/a.jpg"}, {"picture": None}),
        ({"picture": []}, {"picture": Picture()}),
        ({"picture": {"src": False}}, {"picture": Picture()}),
        ({"sku": 5901234}, {"sku": "5901234"}),
        ({"sku": 0}, {"sku": "0"}),
        ({"sku": False}, {"sku": None}),
        ({"sku": {"raw": "A"}}, {"sku": None}),
        ({"seen": "yesterday"}, {"seen": None}),
        ({"hidden": "yes"}, {"hidden": True}),
        ({"hidden": 1}, {"hidden": True}),
        ({"hidden": "perhaps"}, {"hidden": False}),
        ({"share": "0.25"}, {"share": 0.25}),
        ({"share": "nan"}, {"share": None}),
        ({"notes": None}, {"notes": []}),
        ({"notes": ""}, {"notes": []}),
        ({"notes": [{}, {"key": "a"}, None, "b"]}, {"notes": [Meta("a")]}),
        ({"notes": {"3": {"key": "a"}, "5": {"key": "b"}}}, {"notes": [Meta("a"), Meta("b")]}),
        ({"total": 12.5}, {"total": "12.5"}),
        ({"total": 7}, {"total": "7"}),
        ({"pieces": "2"}, {"pieces": Decimal(2)}),
        ({"pieces": 0.98}, {"pieces": Decimal("0.98")}),
        ({"total": None}, {"total": "0"}),
    ],
    ids=str,
)
def test_what_is_bent_is_read_as_far_as_it_can_be(told: dict[str, Any], expected: dict[str, Any]) -> None:
    """`seen` is broken beside it, so that each shape goes the long way."""
    read = row(**{"seen": {}, **told})
    assert {name: getattr(read, name) for name in expected} == expected


@pytest.mark.parametrize(
    "told", [{"id": "x"}, {"id": None}, {"id": 1.5}, {"pieces": "two"}, {"total": {}}], ids=str
)
def test_what_is_needed_breaks_the_contract_with_its_place(told: dict[str, Any]) -> None:
    (name,) = told
    with pytest.raises(ContractBroken) as broken:
        decode(msgspec.json.encode({"id": 1, "rows": [{"id": 1, **told}]}), Whole)
    assert broken.value.field == f"$.rows[0].{name}"


def test_a_needed_list_keeps_each_of_its_rows() -> None:
    """A row that cannot be read is no row less: nobody would miss it."""
    with pytest.raises(ContractBroken):
        decode(b'{"id": 1, "rows": [{"id": 1}, "gone"]}', Whole)
    assert decode(b'{"id": "1", "rows": {"0": {"id": "4"}}, "owner": []}', Whole).rows == [Row(4)]


def test_records_that_mark_nothing_stay_strict() -> None:
    with pytest.raises(ContractBroken):
        decode(b'{"id": "1"}', Strict)
    with pytest.raises(ContractBroken):
        decode(b'{"id": 1, "name": null}', Strict)


def test_no_value_gets_into_the_error() -> None:
    with pytest.raises(ContractBroken) as broken:
        decode(b'{"id": "Jan Kowalski", "owner": "Anna Nowak"}', Whole)
    assert "Jan" not in str(broken.value)
    assert "Anna" not in str(broken.value)


def test_an_absurd_power_costs_nothing() -> None:
    assert row(total=1, seen={}, sku=None).total == "1"
    read = decode(b'{"id": 1, "seen": {}, "total": 1e999999}', Row)
    assert read.total == "1E+999999"
