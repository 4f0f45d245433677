"""Rows that say what offers sell, beside what is stored: what they ask for, and all that is wrong with them.

Nothing is guessed: a row that may mean two things is wrong, and says so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from olhubd.decide.stock.policy import StockRule
from olhubd.engine.levels.linking import masters_of
from olhubd.model import Reason
from olhubd.store import Reader, offers, stock_items
from olhubd.store.offers import StoredOffer
from olhubd.store.stock_items import StockItem

__all__ = ["LinkPlan", "LinkRow", "RowProblem", "named", "plans_of"]

_MOST_UNITS = 1_000_000


class LinkRow(msgspec.Struct, frozen=True, kw_only=True):
    """One part of what an offer of `account` sells: `units` of an item, by `sku` or by its number at its master.

    Without both the offer sells nothing known. `number` is the row's own, for what is wrong with it.
    """

    number: int
    account: str
    offer: str
    sku: str | None = None
    item: str | None = None
    units: int | None = None


class RowProblem(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a row, and in which of its columns."""

    row: int
    column: str
    why: str


class LinkPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What an offer is to sell: units by item, None for as many as its set says."""

    offer: StoredOffer
    units: Mapping[int, int | None]


async def plans_of(
    reader: Reader, rules: Sequence[StockRule], rows: Sequence[LinkRow]
) -> tuple[list[LinkPlan], list[RowProblem]]:
    """What these rows ask for, one plan an offer; and what is wrong with them, in their order."""
    return await _Check(reader, rules).run(rows)


def named(item: StockItem) -> str:
    """What people call an item: its mark, else its number at its master."""
    return item.level.sku or item.level.external_id


class _Check:
    """Rows beside what is stored."""

    def __init__(self, reader: Reader, rules: Sequence[StockRule]) -> None:
        self._reader = reader
        self._rules = rules
        self._wrong: list[RowProblem] = []

    async def run(self, rows: Sequence[LinkRow]) -> tuple[list[LinkPlan], list[RowProblem]]:
        listed = await self._offers(rows)
        by_sku, by_number = await self._items(rows)
        units: dict[int, dict[int, int | None]] = {}
        plans: dict[int, StoredOffer] = {}
        emptied: set[int] = set()
        for row in rows:
            offer = listed.get((row.account, row.offer))
            if offer is None:
                code = "none.offer" if self._sells(row.account) else "link.no-channel"
                column = "offer" if self._sells(row.account) else "account"
                self._object(row, column, Reason(code, account=row.account, offer=row.offer))
                continue
            plans[offer.id] = offer
            mine = units.setdefault(offer.id, {})
            if row.sku is None and row.item is None:
                if mine or offer.id in emptied:
                    self._object(row, "offer", Reason("link.emptied-twice", offer=row.offer))
                emptied.add(offer.id)
                continue
            if offer.id in emptied:
                self._object(row, "offer", Reason("link.emptied-twice", offer=row.offer))
                continue
            if row.units is not None and not 1 <= row.units <= _MOST_UNITS:
                self._object(row, "units", Reason("link.units", units=row.units))
                continue
            item = self._item(row, by_sku, by_number)
            if item is None:
                continue
            if item.id in mine:
                self._object(row, "offer", Reason("link.twice", offer=row.offer, item=named(item)))
                continue
            mine[item.id] = row.units
        return [LinkPlan(offer=plans[id_], units=mine) for id_, mine in units.items()], self._wrong

    def _sells(self, account: str) -> bool:
        return bool(masters_of(self._rules, account))

    def _object(self, row: LinkRow, column: str, why: Reason) -> None:
        self._wrong.append(RowProblem(row=row.number, column=column, why=why))

    def _item(
        self,
        row: LinkRow,
        by_sku: Mapping[str, Collection[StockItem]],
        by_number: Mapping[str, Collection[StockItem]],
    ) -> StockItem | None:
        if not self._sells(row.account):
            self._object(row, "account", Reason("link.no-channel", account=row.account, offer=row.offer))
            return None
        wanted = row.item if row.item is not None else row.sku
        column = "item" if row.item is not None else "sku"
        bearers = list((by_number if row.item is not None else by_sku).get(wanted or "", ()))
        if row.item is not None and row.sku is not None:
            if bearers and not any(one.level.sku == row.sku for one in bearers):
                self._object(row, "sku", Reason("link.another-sku", item=row.item, sku=row.sku))
                return None
            bearers = [one for one in bearers if one.level.sku == row.sku]
        masters = masters_of(self._rules, row.account)
        mine = [one for one in bearers if one.account in masters]
        if len(mine) == 1:
            return mine[0]
        if mine:
            why = Reason("link.which-item", named=wanted or "", n=len(mine))
        elif bearers:
            why = Reason("link.another-master", named=wanted or "", master=bearers[0].account, account=row.account)
        else:
            why = Reason("none.stock-item", item=wanted or "")
        self._object(row, column, why)
        return None

    async def _offers(self, rows: Sequence[LinkRow]) -> dict[tuple[str, str], StoredOffer]:
        names: dict[str, set[str]] = {}
        for row in rows:
            names.setdefault(row.account, set()).add(row.offer)
        found: dict[tuple[str, str], StoredOffer] = {}
        for account, some in names.items():
            for part in _parts(sorted(some)):
                listed = await offers.by_external(self._reader, account, part)
                found.update({(account, name): one for name, one in listed.items()})
        return found

    async def _items(
        self, rows: Sequence[LinkRow]
    ) -> tuple[dict[str, list[StockItem]], dict[str, list[StockItem]]]:
        """The items that are meant, by their marks and by their numbers."""
        by_sku: dict[str, list[StockItem]] = {}
        for part in _parts(sorted({row.sku for row in rows if row.sku and row.item is None})):
            for item in await stock_items.by_codes(self._reader, part, ()):
                by_sku.setdefault(item.level.sku or "", []).append(item)
        by_number: dict[str, list[StockItem]] = {}
        for part in _parts(sorted({row.item for row in rows if row.item})):
            for item in await stock_items.by_numbers(self._reader, part):
                by_number.setdefault(item.level.external_id, []).append(item)
        return by_sku, by_number


def _parts(names: Sequence[str], size: int = 500) -> list[Sequence[str]]:
    return [names[start : start + size] for start in range(0, len(names), size)]
