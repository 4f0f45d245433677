"""The flows, in the order in which the kinds of a page land. One more is a module here and a line in the list.

OrderFlow   orders: compared, contested for lines, planned for
ProductFlow what a stock master has in its catalogue
StockFlow   what a stock master counts
PriceFlow   what the price lists of a stock master say
OfferFlow   what the offers of a channel show
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from olhubd.engine.flow.flow import RecordFlow
from olhubd.engine.flow.offers import OfferFlow
from olhubd.engine.flow.orders import OrderFlow
from olhubd.engine.flow.prices import PriceFlow
from olhubd.engine.flow.products import ProductFlow
from olhubd.engine.flow.stock import StockFlow
from olhubd.model import Kind

__all__ = ["FLOWS", "Flows"]


class Flows:
    """Flows by their kind, and by the type of their records. Raises ValueError for two of one kind or type."""

    def __init__(self, flows: Iterable[RecordFlow[Any]]) -> None:
        self._flows = tuple(flows)
        self._by_kind = {flow.kind: flow for flow in self._flows}
        self._by_type = {flow.record: flow for flow in self._flows}
        if not len(self._flows) == len(self._by_kind) == len(self._by_type):
            raise ValueError("two flows are for one kind or one type of record")

    def __iter__(self) -> Iterator[RecordFlow[Any]]:
        return iter(self._flows)

    def __contains__(self, kind: object) -> bool:
        return kind in self._by_kind

    def __getitem__(self, kind: Kind) -> RecordFlow[Any]:
        return self._by_kind[kind]

    def of(self, record: object) -> RecordFlow[Any] | None:
        """The flow of a record, by its type; None where nothing carries that."""
        for type_ in type(record).__mro__:
            if (flow := self._by_type.get(type_)) is not None:
                return flow
        return None


FLOWS = Flows((OrderFlow(), ProductFlow(), StockFlow(), PriceFlow(), OfferFlow()))
