"""What is asked of one Vendure shop: its abilities, its orders, its products. It reads and never writes.

A row is believed to satisfy a filter only after a look at it: a server may ignore a filter it does not know.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from olhubd.model import Line
from olhubd.plugin import Account, ContractBroken, Rejected, Unavailable, decode
from olhubd_vendure import queries, wire
from olhubd_vendure.client import GraphQL
from olhubd_vendure.draft import Server
from olhubd_vendure.settings import VendureSettings

__all__ = ["Keys", "Row", "Rows", "Shop"]

T = TypeVar("T")

_TAKE_LESS = re.compile(r"more than (\d{1,9}) ")
_ORDER_FIELDS = frozenset(
    {
        "externalId",
        "imported",
        "marketplaceShipping",
        "marketplace",
        "marketplaceLogin",
        "marketplaceDelivery",
        "marketplaceNote",
        "marketplaceInvoice",
    }
)
_LINE_FIELDS = frozenset({"marketplaceLineId", "marketplacePrice", "marketplaceTitle", "marketplaceOffer"})


class Row(msgspec.Struct, frozen=True):
    """One order of a list: what is always readable, the order or why it is not, and its text."""

    key: wire.Key
    order: wire.Order | None
    reason: str | None
    raw: bytes

    def refused(self, reason: str) -> Row:
        """The same, put aside."""
        return Row(self.key, None, self.reason or reason, self.raw)


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """A page of keys, those that have none beside them. `total` is how many the server counts that fit."""

    items: list[wire.Key]
    unreadable: list[Row]
    total: int
    more: bool = False

    def with_more(self, other: Keys) -> Keys:
        """Both together, with more to come."""
        return Keys(
            items=[*other.items, *self.items],
            unreadable=[*other.unreadable, *self.unreadable],
            total=self.total + other.total,
            more=True,
        )


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """A page of orders. `total` is how many the server counts that fit."""

    rows: list[Row]
    total: int


_PAGE = 100
_MOST = 1000


class Shop:
    """One account's view of its shop. Knows the server's abilities after the first question."""

    def __init__(self, account: Account[VendureSettings]) -> None:
        self.settings = account.settings
        self.api = GraphQL(account)
        self._server: Server | None = None
        self._methods: dict[str, str] | None = None
        self.most = _MOST
        """How many records the server gives in one page, as far as it has said."""

    @property
    def page(self) -> int:
        """How many whole orders are asked for at one time."""
        return min(_PAGE, self.most)

    async def server(self) -> Server:
        """The server's abilities, asked once; again while it lacks what a push needs, since somebody may add it."""
        if self._server is None or "imported" not in self._server.order_fields:
            self._server = await self._ask_server()
        return self._server

    async def _ask_server(self) -> Server:
        answer = await self.api.ask(queries.SERVER, _ServerAnswer)
        has = {
            entity.entity_name: frozenset(field.name for field in entity.custom_fields)
            for entity in answer.global_settings.server_config.entity_custom_fields
        }
        return Server(
            order_fields=has.get("Order", frozenset()) & _ORDER_FIELDS,
            line_fields=has.get("OrderLine", frozenset()) & _LINE_FIELDS,
            variant_fields=has.get("ProductVariant", frozenset()),
            currency=answer.active_channel.default_currency_code,
            promises=frozenset(
                method.code
                for method in answer.payment_methods.items
                if method.enabled and method.handler.code == "olhubd-payment"
            ),
        )

    async def order(self, id_: str) -> wire.Order | None:
        """One order; None when the shop has none of this id."""
        server = await self.server()
        document = queries.order(server.order_fields, server.line_fields)
        return (await self.api.ask(document, _OrderAnswer, id=id_)).order

    async def find(self, reference: str) -> wire.Order | None:
        """The order, draft or not, that carries our reference. None only where the server says that it has none."""
        if "externalId" not in (await self.server()).order_fields:
            return None
        page = await self.rows({"take": 2, "filter": {"externalId": {"eq": reference}}})
        found = []
        for row in page.rows:
            if row.order is None:
                raise ContractBroken(f"order {row.key.id} carries the reference but cannot be read: {row.reason}")
            mark = row.order.custom("externalId")
            if mark == reference:
                found.append(row.order)
            elif not isinstance(mark, str) or mark.casefold() != reference.casefold():
                # Some databases know no difference of capital letters; anything else was not asked for.
                raise ContractBroken("the shop does not filter orders by externalId", field="externalId")
        if len(found) > 1:
            raise ContractBroken("two orders carry one reference: the custom field externalId is not unique")
        if page.total > len(page.rows):
            raise Unavailable(f"the shop counts {page.total} orders of one reference and shows {len(page.rows)}")
        return found[0] if found else None

    async def rows(self, options: Mapping[str, Any]) -> Rows:
        """A page of orders."""
        server = await self.server()
        document = queries.orders(server.order_fields, server.line_fields)
        page = (await self._list(document, _OrdersAnswer, options)).orders
        return Rows(rows=[_row(bytes(item)) for item in page.items], total=page.total_items)

    async def keys(self, options: Mapping[str, Any]) -> Keys:
        """A page of keys. Its end is the server's word: how many fit, not how many came."""
        page = (await self._list(queries.KEYS, _OrdersAnswer, options)).orders
        items: list[wire.Key] = []
        unreadable: list[Row] = []
        for raw in map(bytes, page.items):
            try:
                items.append(decode(raw, wire.Key))
            except ContractBroken as error:
                unreadable.append(_nameless(raw, str(error)))
        if len(page.items) > options["take"]:
            raise ContractBroken("the shop lists more orders than it was asked for", field="take")
        came = int(options.get("skip", 0)) + len(page.items)
        if came < page.total_items and not page.items:
            raise Unavailable(f"the shop counts {page.total_items} orders and shows none")
        return Keys(items=items, unreadable=unreadable, total=page.total_items, more=came < page.total_items)

    async def _list(self, document: str, into: type[T], options: Mapping[str, Any]) -> T:
        """A page of a list, as long as the server lets it be (`apiOptions.adminListQueryLimit`)."""
        while True:
            take = min(int(options["take"]), self.most)
            try:
                return await self.api.ask(document, into, options={**options, "take": take})
            except Rejected as error:
                limit = _limit(error)
                if limit is None or limit >= take:
                    raise
                self.most = limit

    async def count(self, only: Mapping[str, Any]) -> int:
        """How many orders fit."""
        return (await self.api.ask(queries.COUNT, _CountAnswer, filter=only)).orders.total_items

    async def strays(self, before: datetime) -> list[str]:
        """Empty drafts made by ourselves before a time and carrying no reference: each is a lost answer's."""
        answer = await self.api.ask(queries.STRAYS, _StraysAnswer, before=before.isoformat())
        if answer.active_administrator is None:
            # A key is no administrator, and histories name administrators only.
            return []
        me = {answer.active_administrator.id}
        return [
            one.id
            for one in answer.orders.items
            if one.state == "Draft"
            and one.total_quantity == 0
            and one.customer is None
            and not (one.custom_fields or {}).get("externalId")
            and {entry.administrator and entry.administrator.id for entry in one.history.items} == me
        ]

    async def products(self, lines: Sequence[Line]) -> tuple[dict[str, wire.Variant], wire.Variant | None]:
        """The products of lines, by the line's id, found by SKU or else by EAN; and the one that stands for what is
        no product. Raises Rejected where more than one fits."""
        stand_in = self.settings.placeholder_sku
        server = await self.server()
        ean_field = self.settings.ean_field if self.settings.ean_field in server.variant_fields else None
        skus = {line.sku for line in lines if line.sku}
        by_sku = await self._variants("sku", skus | ({stand_in} if stand_in else set()), ean_field)
        rest = [line for line in lines if line.ean and line.sku not in by_sku]
        by_ean = await self._variants(ean_field, {line.ean for line in rest if line.ean}, ean_field)
        found = {}
        for line in lines:
            fitting = by_sku.get(line.sku or "") or by_ean.get(line.ean or "")
            if fitting is not None:
                found[line.external_id] = _only(fitting, line.sku or line.ean or "")
        placeholder = by_sku.get(stand_in) if stand_in else None
        return found, _only(placeholder, stand_in or "") if placeholder else None

    async def _variants(
        self, field: str | None, values: set[str], ean_field: str | None
    ) -> dict[str, list[wire.Variant]]:
        found: dict[str, list[wire.Variant]] = {}
        if field is None or not values:
            return found
        document = queries.variants(ean_field)
        wanted = sorted(values)
        for start in range(0, len(wanted), 200):
            options = {"take": 1000, "filter": {field: {"in": wanted[start : start + 200]}}}
            for variant in (await self.api.ask(document, _VariantsAnswer, options=options)).product_variants.items:
                value = variant.sku if field == "sku" else (variant.custom_fields or {}).get(field)
                if value in values:
                    found.setdefault(str(value), []).append(variant)
        return found

    async def shipping_method(self, wanted: str | None) -> str:
        """The id of the delivery method of this code or id; of the one for marketplace orders when none is said."""
        name = wanted or self.settings.shipping_method
        if self._methods is None or (name is not None and name not in self._methods):
            methods = (await self.api.ask(queries.SHIPPING_METHODS, _MethodsAnswer)).shipping_methods.items
            own = sorted(m.code for m in methods if m.calculator and m.calculator.code == "olhubd-shipping")
            # A code goes before an id.
            self._methods = {m.id: m.id for m in methods} | {m.code: m.id for m in methods}
            if own:
                self._methods[""] = self._methods[own[0]]
        if (name or "") not in self._methods:
            what = f"the shop has no delivery method {name!r}" if name else "no delivery method is mapped nor set"
            raise Rejected(f"{what}: map it in the route, or name one in shipping_method", field="shippingMethod")
        return self._methods[name or ""]

    async def notes(self, id_: str) -> list[str]:
        """The notes on an order."""
        found = (await self.api.ask(queries.NOTES, _NotesAnswer, id=id_)).order
        entries = found.history.items if found else []
        return [str(entry.data.get("note", "")) for entry in entries]

    async def states(self) -> list[str]:
        """The server's order states, custom ones too."""
        answer = await self.api.ask(queries.STATES, _StatesAnswer)
        return [state.name for state in answer.global_settings.server_config.order_process]

    async def channel(self) -> wire.Channel:
        return (await self.api.ask(queries.CHANNEL, _ChannelAnswer)).active_channel


def _only(fitting: list[wire.Variant], code: str) -> wire.Variant:
    if len(fitting) > 1:
        raise Rejected(f"{len(fitting)} products of the shop have the SKU or EAN {code}", field="sku")
    return fitting[0]


def _limit(error: Rejected) -> int | None:
    """How many records the server gives at most, where it says so: "Cannot take more than 100 results ..."."""
    said = _TAKE_LESS.search(str(error))
    return int(said[1]) if said and int(said[1]) > 0 else None


def _nameless(raw: bytes, reason: str) -> Row:
    """Put aside by a name made up from its text, so that its neighbours land."""
    return Row(wire.Key(id=f"unreadable-{zlib.crc32(raw):08x}"), None, reason, raw)


def _row(raw: bytes) -> Row:
    try:
        key = decode(raw, wire.Key)
    except ContractBroken as error:
        return _nameless(raw, str(error))
    if not key.sound:
        return Row(key, None, "the order has no time that a feed can go by", raw)
    try:
        return Row(key, decode(raw, wire.Order), None, raw)
    except ContractBroken as error:
        return Row(key, None, str(error), raw)


class _Answer(msgspec.Struct, rename="camel"):
    pass


class _OrderAnswer(_Answer):
    order: wire.Order | None = None


class _OrdersAnswer(_Answer):
    orders: wire.Orders


class _Total(_Answer):
    total_items: int


class _CountAnswer(_Answer):
    orders: _Total


class _Stray(_Answer):
    id: str
    state: str
    total_quantity: int
    history: wire.History
    customer: wire.Administrator | None = None
    custom_fields: dict[str, Any] | None = None


class _Strays(_Answer):
    items: list[_Stray]


class _StraysAnswer(_Answer):
    orders: _Strays
    active_administrator: wire.Administrator | None = None


class _Variants(_Answer):
    items: list[wire.Variant]


class _VariantsAnswer(_Answer):
    product_variants: _Variants


class _Methods(_Answer):
    items: list[wire.Method]


class _MethodsAnswer(_Answer):
    shipping_methods: _Methods


class _PaymentMethod(_Answer):
    code: str
    enabled: bool
    handler: wire.Code


class _PaymentMethods(_Answer):
    items: list[_PaymentMethod]


class _Config(_Answer):
    entity_custom_fields: list[wire.CustomFields] = []
    order_process: list[wire.Field] = []


class _Settings(_Answer):
    server_config: _Config


class _ServerAnswer(_Answer):
    global_settings: _Settings
    active_channel: wire.Channel
    payment_methods: _PaymentMethods


class _StatesAnswer(_Answer):
    global_settings: _Settings


class _ChannelAnswer(_Answer):
    active_channel: wire.Channel


class _Notes(_Answer):
    history: wire.History


class _NotesAnswer(_Answer):
    order: _Notes | None = None
