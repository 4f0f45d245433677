"""How Vendure answers a list: filtered, sorted and cut as its ListQueryBuilder does.

An input object is coerced in the order of the schema's fields, whatever the order in the document: so `sort` of two
fields goes by the schema's first one. Rows that are equal in it come in no order at all.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

__all__ = ["ListTooLong", "listed"]

_SORTABLE = (
    "customerLastName",
    "transactionId",
    "aggregateOrderId",
    "id",
    "createdAt",
    "updatedAt",
    "orderPlacedAt",
)
"""OrderSortParameter's fields in the schema's order."""


class ListTooLong(Exception):
    """More was asked for than `apiOptions.adminListQueryLimit`."""


def listed(
    rows: Sequence[Mapping[str, Any]],
    options: Mapping[str, Any],
    limit: int = 1000,
    dice: random.Random | None = None,
) -> dict[str, Any]:
    """A page of `rows`, and how many fit in all. `dice` shuffles what the server leaves without order."""
    take = options.get("take", limit)
    if take > limit:
        raise ListTooLong(f"Cannot take more than {limit} results from a list query")
    found = [row for row in rows if _fits(row, options.get("filter", {}))]
    if dice is not None:
        dice.shuffle(found)
    sort = options.get("sort", {})
    found.sort(key=lambda row: tuple(_value(row, field) for field in _SORTABLE if field in sort))
    skip = options.get("skip", 0)
    return {"totalItems": len(found), "items": found[skip : skip + take]}


def _fits(row: Mapping[str, Any], only: Mapping[str, Any]) -> bool:
    parts = [_one(row, field, test) for field, test in only.items() if field not in ("_and", "_or")]
    parts += [all(_fits(row, part) for part in only["_and"])] if "_and" in only else []
    parts += [any(_fits(row, part) for part in only["_or"])] if "_or" in only else []
    return all(parts)


def _one(row: Mapping[str, Any], field: str, test: Mapping[str, Any]) -> bool:
    ((operator, wanted),) = test.items()
    value = _value(row, field)
    match operator:
        case "eq":
            return bool(value == wanted)
        case "in":
            return value in wanted
        case "notIn":
            return value not in wanted
        case "isNull":
            return (value is None) is wanted
        case "after":
            return value is not None and value > _moment(wanted)
        case "before":
            return value is not None and value < _moment(wanted)
        case "between":
            return value is not None and _moment(wanted["start"]) <= value <= _moment(wanted["end"])
    raise AssertionError(f"no such operator: {operator}")


def _value(row: Mapping[str, Any], field: str) -> Any:
    value = row.get(field, (row.get("customFields") or {}).get(field))
    return _moment(value) if field.endswith("At") and value is not None else value


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
