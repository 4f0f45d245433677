"""All variants of a channel: a whole reading at each pull, of which news are reported, and all by the sweep.

A sale moves no time that variants could be asked for by: `updatedAt` stands still when pieces are allocated, taken
or given back. So each pull reads the whole list, by id, and reports what is otherwise than in the reading before.
What has just changed is reported once more: the hub may have learned since of the order that it was for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import Generic, TypeVar

import msgspec

from olhubd.model import Kind, Offer, Reason, StockLevel
from olhubd.plugin import (
    Account,
    AuthLost,
    ContractBroken,
    Cursor,
    ListPlace,
    Page,
    Rejected,
    Unreadable,
    decode,
    guarded,
    require_order,
)
from olhubd_vendure import queries, wire_stock
from olhubd_vendure.pricing import PriceTerms
from olhubd_vendure.settings import VendureSettings
from olhubd_vendure.shop import Shop

__all__ = ["NOT_SHOWN", "CountingRules", "VariantWalk", "Variants", "sort_key", "variant_id"]

NOT_SHOWN = "the shop shows fewer variants than it counts"
_PAGE = 500
"""Variants in one question: the server looks up the levels of each one singly."""
_NAMED = 100
"""Variants that are asked for by their ids in one question."""
_BEGINNING = Cursor("")
_YOUNG = timedelta(minutes=1)
_FRESH = timedelta(minutes=5)
"""For how long it is believed which locations there are, and whether the shop tracks its inventory."""
_RECENT = timedelta(minutes=1)
"""For how long it is believed how the channel keeps its prices where they are written and read back."""
_TRACKED = {"TRUE": True, "FALSE": False, "INHERIT": None}
_Order = tuple[int, str]

R = TypeVar("R", StockLevel, Offer)


class CountingRules(msgspec.Struct, frozen=True):
    """By which rules the shop counts: the locations whose pieces are sold elsewhere, the first of them, and all
    those of the channel; and what holds of a variant that says nothing itself: whether it is tracked, and how many
    pieces the shop keeps back."""

    named: frozenset[str]
    first: str | None
    all: frozenset[str]
    tracked: bool
    kept_back: int
    pricing: PriceTerms | None = None
    """How the channel keeps its prices; None where the shop does not say it."""

    def tracks(self, row: wire_stock.StockVariant) -> bool:
        """Whether the shop counts a variant. Raises ContractBroken."""
        if row.track_inventory not in _TRACKED:
            raise ContractBroken("the shop tracks its inventory in a way that is not known", field="trackInventory")
        own = _TRACKED[row.track_inventory]
        return self.tracked if own is None else own

    def keeps_back(self, row: wire_stock.StockVariant) -> int:
        """How many pieces the shop does not sell itself. One that sells below zero keeps back none."""
        return self.kept_back if row.use_global_out_of_stock_threshold else max(0, row.out_of_stock_threshold)


class Variants:
    """The variants of one shop, and by which rules it counts them."""

    def __init__(self, account: Account[VendureSettings], shop: Shop) -> None:
        self._account = account
        self._shop = shop
        self._warned: frozenset[str] = frozenset()

    async def page(self, place: ListPlace, *, priced: bool = False) -> tuple[Sequence[bytes], ListPlace | None]:
        """One page, in the order of ids, and where the next one begins; None at the end."""
        with self._shop.learning():
            document = queries.stock(await self._shop.ean_field(), priced=priced)
            part = await self._shop.part(
                document, wire_stock.VariantsAnswer, {"sort": {"id": "ASC"}}, place.offset, _PAGE
            )
        require_order(map(sort_key, part.rows), "id")
        fresh, then, _complete = place.after(part, variant_id)
        return [bytes(raw) for raw in fresh], then

    async def named(
        self, ids: Sequence[str], *, priced: bool = False
    ) -> tuple[Mapping[str, bytes], Collection[str]]:
        """The variants of these ids, of which one that is not among them is not there; then those that did not come
        and may be there: the pages that name them do not come to what is counted."""
        found: dict[str, bytes] = {}
        unsure: set[str] = set()
        wanted = sorted(set(ids))
        with self._shop.learning():
            document = queries.stock(await self._shop.ean_field(), priced=priced)
            for start in range(0, len(wanted), _NAMED):
                some = wanted[start : start + _NAMED]
                rows, complete = await self._shop.gathered(
                    document, wire_stock.VariantsAnswer, {"filter": {"id": {"in": some}}}, variant_id
                )
                # A filter that is not obeyed would bring anything.
                found.update({id_: bytes(raw) for raw in rows if (id_ := variant_id(raw)) in some})
                if not complete:
                    unsure.update(id_ for id_ in some if id_ not in found)
        return found, unsure

    async def ean_field(self) -> str | None:
        return await self._shop.ean_field()

    async def counting(self) -> CountingRules:
        """By which rules the shop counts. Raises Rejected where a location is named that is not there."""
        with self._shop.learning():
            return await self._account.remember("stock", _FRESH, self._ask)

    async def pricing(self) -> PriceTerms | None:
        """How the channel keeps its prices, a minute old at most. All that reads offers goes by it then."""
        return (await self._account.remember("pricing", _RECENT, self._ask_again)).pricing

    async def _ask_again(self) -> CountingRules:
        with self._shop.learning():
            return await self._account.remember("stock", _FRESH, self._ask, fresh=True)

    async def _ask(self) -> CountingRules:
        try:
            answer = await self._shop.api.ask(queries.STOCK_SETTINGS, wire_stock.SettingsAnswer)
            locations = await self._shop.everything(queries.STOCK_LOCATIONS, wire_stock.LocationsAnswer, {})
        except AuthLost as error:
            await self.require_sign_in()
            raise Rejected(Reason("olhubd_vendure:no-stock-right")) from error
        found = answer.global_settings
        named = self._named(locations)
        return CountingRules(
            named=frozenset(named),
            first=named[0] if named else None,
            all=frozenset(one.id for one in locations),
            tracked=found.track_inventory,
            kept_back=max(0, found.out_of_stock_threshold),
            pricing=_terms(answer),
        )

    async def require_sign_in(self) -> None:
        """Raise AuthLost unless orders can be read: then the sign-in is not lost, and a right is missing."""
        await self._shop.count({})

    def _named(self, locations: Sequence[wire_stock.Location]) -> Sequence[str]:
        """The ids of the locations that count: those that the settings name, by name or id, else the shop's first.

        One that comes later counts only when somebody names it. One that is named and not there is no zero.
        """
        named = self._shop.settings.stock_locations
        if named is None:
            found = [one.id for one in sorted(locations, key=lambda one: (one.created_at, _number(one.id)))[:1]]
        else:
            known = {one.id: one.id for one in locations} | {one.name: one.id for one in locations}
            for name in named:
                if name not in known:
                    raise Rejected(Reason("olhubd_vendure:no-location", name=name), field="stock_locations")
            found = list(dict.fromkeys(known[name] for name in named))
        self._warn({one.id: one.name for one in locations if one.id not in found})
        return found

    def _warn(self, left_out: dict[str, str]) -> None:
        """Report once which locations do not count."""
        if left_out.keys() - self._warned:
            self._account.log.warning(
                "stock locations that do not count: name them in stock_locations if they are to",
                locations=sorted(left_out.values()),
            )
        self._warned = frozenset(left_out)


class _Told(msgspec.Struct, frozen=True):
    """What was reported of a variant, by its hash, and the moment since which it is so; None once it was reported
    again later."""

    mark: int
    since: float | None


class VariantWalk(Generic[R]):
    """The variants as records of one kind, which `read` makes of the text of each."""

    def __init__(
        self,
        account: Account[VendureSettings],
        variants: Variants,
        kind: Kind,
        read: Callable[[bytes, CountingRules, str | None], R],
        *,
        priced: bool = False,
    ) -> None:
        self._priced = priced
        self._clock = account.clock
        self._variants = variants
        self._kind = kind
        self._read_row: Callable[[bytes, CountingRules, str | None], R] = read
        self._pause = account.settings.stock_interval.total_seconds()
        self._began: float | None = None
        self._told: dict[str, _Told] = {}
        self._read_news: tuple[Cursor, dict[str, _Told]] | None = None
        """What the page that was read last has brought, by its cursor: it counts once it has landed."""

    async def start(self) -> Cursor:
        """All is read first, whatever is asked: what is there now counts."""
        return _BEGINNING

    async def pull(self, cursor: Cursor) -> Page:
        now = self._clock.monotonic()
        if cursor == _BEGINNING and self._began is not None and now - self._began < self._pause:
            return Page(records=(), cursor=cursor)
        records, then = await self._read(cursor)
        if cursor == _BEGINNING:
            self._began = now
        news: dict[str, _Told] = {}
        self._read_news = then or _BEGINNING, news
        return Page(
            records=[one for one in records if self._news(one, now, news)],
            cursor=then or _BEGINNING,
            more=then is not None,
        )

    def landed(self, cursor: Cursor) -> None:
        """What was brought up to here is stored: it need not be brought again."""
        if self._read_news is not None and self._read_news[0] == cursor:
            self._told.update(self._read_news[1])
            self._read_news = None

    async def sweep(self, cursor: Cursor | None) -> Page:
        records, then = await self._read(cursor or _BEGINNING)
        return Page(records=records, cursor=then or cursor or _BEGINNING, more=then is not None)

    def _news(self, record: R | Unreadable, now: float, news: dict[str, _Told]) -> bool:
        """Whether it is reported. What is remembered saves work alone: without it, as after a restart, all of it
        comes once more."""
        said = record.raw if isinstance(record, Unreadable) else msgspec.json.encode(record)
        told, mark = self._told.get(record.external_id), hash(said)
        if told is None or told.mark != mark:
            news[record.external_id] = _Told(mark, now)
            return True
        if told.since is None:
            return False
        if now - told.since >= _YOUNG.total_seconds():
            news[record.external_id] = _Told(mark, None)
        return True

    async def _read(self, cursor: Cursor) -> tuple[list[R | Unreadable], Cursor | None]:
        try:
            place = msgspec.json.decode(cursor, type=ListPlace) if cursor != _BEGINNING else ListPlace()
        except msgspec.MsgspecError as error:
            raise ContractBroken(f"not a cursor of this connector: {error}") from None
        counting, ean_field = await self._variants.counting(), await self._variants.ean_field()
        rows, then = await self._variants.page(place, priced=self._priced)
        records = [
            guarded(raw, variant_id, lambda raw: self._read_row(raw, counting, ean_field), kind=self._kind)
            for raw in rows
        ]
        return records, Cursor(msgspec.json.encode(then).decode()) if then is not None else None


def _terms(answer: wire_stock.SettingsAnswer) -> PriceTerms | None:
    config, channel = answer.global_settings.server_config, answer.active_channel
    if config is None or channel is None:
        return None
    return PriceTerms(
        currency=channel.default_currency_code,
        includes_tax=channel.prices_include_tax,
        currencies=frozenset(channel.available_currency_codes),
        decimals=config.money_strategy_precision,
    )


def variant_id(raw: bytes | msgspec.Raw) -> str:
    """The id of a row, whatever else of it cannot be read."""
    return decode(bytes(raw), wire_stock.Key).id


def sort_key(raw: msgspec.Raw) -> _Order:
    """By what the rows of a list by id must go up."""
    return _number(variant_id(raw))


def _number(id_: str) -> _Order:
    """An id as the database sorts it: numbers by their value, anything else as text."""
    return (int(id_), "") if id_.isascii() and id_.isdecimal() and len(id_) < 19 else (0, id_)
