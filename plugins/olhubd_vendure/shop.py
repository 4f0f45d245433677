"""What is asked of one Vendure shop: its abilities, its orders. It reads and never writes.

A row is believed to satisfy a filter only after a look at it: a server may ignore a filter it does not know. And
the end of a list is what the server says of it, never that fewer rows came than were asked for.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec

from olhubd.plugin import (
    Account,
    ContractBroken,
    ListPage,
    Permanent,
    Portion,
    Rejected,
    Unavailable,
    Unreadable,
    by_offset,
    decode,
    gathered,
    guarded,
    whole,
)
from olhubd_vendure import queries, wire, wire_answers
from olhubd_vendure.abilities import LONGEST, CreationAbilities, ServerAbilities
from olhubd_vendure.client import GraphQL
from olhubd_vendure.settings import VendureSettings

__all__ = ["KeyPage", "OrderPage", "OrderRecord", "Shop"]

T = TypeVar("T")

_TAKE_LESS = re.compile(r"more than (\d{1,9}) ")
_ORDER_FIELDS = frozenset(
    {
        "externalId",
        "imported",
        "marketplaceShipping",
        "marketplace",
        "marketplaceLogin",
        "marketplaceEmail",
        "marketplaceDelivery",
        "marketplaceNote",
        "marketplaceInvoice",
    }
)
_LINE_FIELDS = frozenset({"marketplaceLineId", "marketplacePrice", "marketplaceTitle", "marketplaceOffer"})
_PAGE = 100
_MOST = 1000
_FRESH = timedelta(minutes=5)
"""For how long what the server can do is believed. Any refusal ends it at once."""


class OrderRecord(msgspec.Struct, frozen=True):
    """One order of a list: what is always readable, the order or why it is not, and its text."""

    key: wire.Key
    order: wire.Order | None
    reason: str | None
    raw: bytes

    def refused(self, reason: str) -> OrderRecord:
        """The same, put aside."""
        return OrderRecord(self.key, None, self.reason or reason, self.raw)


class KeyPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of keys, those that have none beside them. `total` is how many the server counts that fit."""

    items: list[wire.Key]
    unreadable: list[OrderRecord]
    total: int
    more: bool = False

    def with_more(self, other: KeyPage) -> KeyPage:
        """Both together, with more to come."""
        return KeyPage(
            items=[*other.items, *self.items],
            unreadable=[*other.unreadable, *self.unreadable],
            total=self.total + other.total,
            more=True,
        )


class OrderPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of orders. `total` is how many the server counts that fit."""

    rows: list[OrderRecord]
    total: int


class Shop:
    """One account's view of its shop."""

    def __init__(self, account: Account[VendureSettings]) -> None:
        self.settings = account.settings
        self.api = GraphQL(account)
        self._account = account
        self.most = _MOST
        """How many records the server gives in one page, as far as it has said."""

    @property
    def page(self) -> int:
        """How many whole orders are asked for at one time."""
        return min(_PAGE, self.most)

    # What the server can do

    def forget(self) -> None:
        """Ask again what the server can do."""
        self._account.forget("server", "facilities")

    @contextlib.contextmanager
    def learning(self) -> Iterator[None]:
        """After a refusal what the server can do is asked again: somebody may have changed just that."""
        try:
            yield
        except Permanent:
            self.forget()
            raise

    async def server(self) -> ServerAbilities:
        """What the server keeps of an order, and what we may do there."""
        return await self._account.remember("server", _FRESH, self._ask_server)

    async def ean_field(self) -> str | None:
        """The custom field of variants that holds the EAN; None where the server has none of this name."""
        wanted = self.settings.ean_field
        return wanted if wanted in (await self.server()).variant_fields else None

    async def facilities(self) -> CreationAbilities:
        """What the server has for making orders."""
        return await self._account.remember("facilities", _FRESH, self._ask_facilities)

    async def _ask_server(self) -> ServerAbilities:
        answer = await self.api.ask(queries.server(self.settings.api_key is None), wire_answers.ServerAnswer)
        entities = answer.global_settings.server_config.entity_custom_fields
        has = {entity.entity_name: frozenset(field.name for field in entity.custom_fields) for entity in entities}
        lengths = {
            f"{entity.entity_name}.{field.name}": field.length or LONGEST
            for entity in entities
            for field in entity.custom_fields
            if field.type == "string"
        }
        channel = answer.active_channel
        ours = [one for one in answer.me.channels if one.id == channel.id] if answer.me else []
        return ServerAbilities(
            order_fields=has.get("Order", frozenset()) & _ORDER_FIELDS,
            line_fields=has.get("OrderLine", frozenset()) & _LINE_FIELDS,
            variant_fields=has.get("ProductVariant", frozenset()),
            currency=channel.default_currency_code,
            lengths=lengths,
            rights=frozenset(ours[0].permissions) if ours else None,
        )

    async def shipping_methods(self) -> list[wire.Method]:
        """All delivery methods as they are now."""
        return await self.everything(queries.SHIPPING_METHODS, wire_answers.MethodsAnswer, {})

    async def payment_methods(self) -> list[str]:
        """The codes of the payment methods that are enabled now."""
        found = await self.everything(queries.PAYMENT_METHODS, wire_answers.PaymentMethodsAnswer, {})
        return [one.code for one in found if one.enabled]

    async def _ask_facilities(self) -> CreationAbilities:
        methods = await self.shipping_methods()
        own = sorted(m.code for m in methods if m.calculator and m.calculator.code == "olhubd-shipping")
        # A code goes before an id.
        shipping = {m.id: m.id for m in methods} | {m.code: m.id for m in methods}
        if own:
            shipping[""] = shipping[own[0]]
        payments = [
            one
            for one in await self.everything(queries.PAYMENT_METHODS, wire_answers.PaymentMethodsAnswer, {})
            if one.enabled and one.handler.code == "olhubd-payment"
        ]
        return CreationAbilities(
            shipping=shipping,
            promises=frozenset(one.code for one in payments),
            exposed=frozenset(one.code for one in payments if one.checker is None),
            whole=self.settings.whole_orders and await self._makes_whole_orders(),
            line_marks=not (await self.server()).line_fields or await self._gives_lines_fields(),
        )

    async def _makes_whole_orders(self) -> bool:
        try:
            return (await self.api.ask(queries.WHOLE, wire_answers.WholeAnswer)).marketplace_orders == 1
        except ContractBroken:
            return False

    async def _gives_lines_fields(self) -> bool:
        """Whether a line can be given custom fields. A server that does not show its schema is believed to."""
        try:
            shape = (await self.api.ask(queries.MARKS, wire_answers.MarksAnswer)).input
        except (ContractBroken, Rejected):
            return True
        return shape is None or any(field.name == "customFields" for field in shape.input_fields)

    # Orders

    async def order(self, id_: str) -> wire.Order | None:
        """One order; None when the shop has none of this id."""
        server = await self.server()
        document = queries.order(server.order_fields, server.line_fields)
        return (await self.api.ask(document, wire_answers.OrderAnswer, id=id_)).order

    async def find(self, reference: str) -> wire.Core | None:
        """The order, draft or not, that carries our reference; a `wire.Order` where all of it can be read. None
        only where the server says that it has none."""
        if "externalId" not in (await self.server()).order_fields:
            return None
        page = await self.rows({"take": 2, "filter": {"externalId": {"eq": reference}}})
        found: list[wire.Core] = []
        for row in page.rows:
            try:
                order: wire.Core = row.order or decode(row.raw, wire.Core)
            except ContractBroken as error:
                raise ContractBroken(
                    f"order {row.key.id} carries the reference but cannot be read: {error}"
                ) from error
            mark = order.custom("externalId")
            if mark == reference:
                found.append(order)
            elif not isinstance(mark, str) or mark.casefold() != reference.casefold():
                # Some databases know no difference of capital letters; anything else was not asked for.
                raise ContractBroken("the shop does not filter orders by externalId", field="externalId")
        if len(found) > 1:
            raise ContractBroken("two orders carry one reference: the custom field externalId is not unique")
        if page.total > len(page.rows):
            raise Unavailable(f"the shop counts {page.total} orders of one reference and shows {len(page.rows)}")
        return found[0] if found else None

    async def rows(self, options: Mapping[str, Any]) -> OrderPage:
        """A page of orders."""
        server = await self.server()
        document = queries.orders(server.order_fields, server.line_fields)
        page = (await self._list(document, wire_answers.OrdersAnswer, options)).orders
        return OrderPage(rows=[_row(bytes(item)) for item in page.items], total=page.total_items)

    async def keys(self, options: Mapping[str, Any]) -> KeyPage:
        """A page of keys. Its end is the server's word: how many fit, not how many came."""
        page = (await self._list(queries.KEYS, wire_answers.OrdersAnswer, options)).orders
        items: list[wire.Key] = []
        unreadable: list[OrderRecord] = []
        for raw in page.items:
            key = guarded(raw, "", _key)
            if isinstance(key, Unreadable):
                unreadable.append(_aside(key))
            else:
                items.append(key)
        if len(page.items) > options["take"]:
            raise ContractBroken("the shop lists more orders than it was asked for", field="take")
        came = int(options.get("skip", 0)) + len(page.items)
        if came < page.total_items and not page.items:
            raise Unavailable(f"the shop counts {page.total_items} orders and shows none")
        return KeyPage(items=items, unreadable=unreadable, total=page.total_items, more=came < page.total_items)

    async def count(self, only: Mapping[str, Any]) -> int:
        """How many orders fit."""
        return (await self.api.ask(queries.COUNT, wire_answers.CountAnswer, filter=only)).orders.total_items

    async def strays(self, before: datetime) -> list[str]:
        """Empty drafts made by ourselves before a time of the shop's and carrying no reference: each is a lost
        answer's."""
        only = {
            "state": {"eq": "Draft"},
            "externalId": {"isNull": True},
            "createdAt": {"before": before.isoformat()},
        }
        answer = await self._list(queries.STRAYS, wire_answers.StraysAnswer, {"take": _PAGE, "filter": only})
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

    async def notes(self, id_: str) -> list[str]:
        """The notes on an order."""
        options = {"filter": {"type": {"eq": "ORDER_NOTE"}}}
        entries = await self.everything(queries.NOTES, wire_answers.NotesAnswer, options, id=id_)
        return [str(entry.data.get("note", "")) for entry in entries]

    # Beside orders

    async def customer(self, email: str) -> str | None:
        """The id of the shop's customer of this e-mail address who has an account; None when there is none."""
        found = (await self.api.ask(queries.CUSTOMERS, wire_answers.CustomersAnswer, email=email)).customers.items
        fitting = [
            one for one in found if one.email_address.casefold() == email.casefold() and one.user is not None
        ]
        return fitting[0].id if fitting else None

    async def states(self) -> list[str]:
        """The server's order states, custom ones too."""
        answer = await self.api.ask(queries.STATES, wire_answers.StatesAnswer)
        return [state.name for state in answer.global_settings.server_config.order_process]

    async def channel(self) -> wire.Channel:
        return (await self.api.ask(queries.CHANNEL, wire_answers.ChannelAnswer)).active_channel

    # Lists

    async def everything(
        self,
        document: str,
        into: type[Any],
        options: Mapping[str, Any],
        *,
        key: Callable[[Any], str] = lambda record: str(record.id),
        **more: Any,
    ) -> list[Any]:
        """All records of a short list, whatever the server's pages hold. Raises Unavailable where they do not come
        to what it counts."""
        return await whole(self._portions(document, into, options, key, more), "a list of the shop")

    async def gathered(
        self, document: str, into: type[Any], options: Mapping[str, Any], key: Callable[[Any], str]
    ) -> tuple[list[Any], bool]:
        """The records that come of a short list, and whether they come to what the server counts."""
        return await gathered(self._portions(document, into, options, key, {}))

    def _portions(
        self,
        document: str,
        into: type[Any],
        options: Mapping[str, Any],
        key: Callable[[Any], str],
        more: Mapping[str, Any],
    ) -> AsyncIterator[Portion[Any]]:
        async def fetch(offset: int) -> ListPage[Any]:
            return await self.part(document, into, {**options, "sort": {"id": "ASC"}}, offset, _MOST, **more)

        return by_offset(fetch, key)

    async def part(
        self, document: str, into: type[Any], options: Mapping[str, Any], offset: int, take: int, **more: Any
    ) -> ListPage[Any]:
        """One page of a list, of `take` rows where the server lets it be as long, with the server's own count."""
        page = (await self._list(document, into, {**options, "take": take, "skip": offset}, **more)).page
        return ListPage(rows=page.items, asked=min(take, self.most), total=page.total_items)

    async def _list(self, document: str, into: type[T], options: Mapping[str, Any], **more: Any) -> T:
        """A page of a list, as long as the server lets it be (`apiOptions.adminListQueryLimit`)."""
        while True:
            take = min(int(options["take"]), self.most)
            try:
                return await self.api.ask(document, into, options={**options, "take": take}, **more)
            except Rejected as error:
                limit = _limit(error)
                if limit is None or limit >= take:
                    raise
                self.most = limit


def _limit(error: Rejected) -> int | None:
    """How many records the server gives at most, where it says so: "Cannot take more than 100 results ..."."""
    said = _TAKE_LESS.search(str(error))
    return int(said[1]) if said and int(said[1]) > 0 else None


def _row(raw: bytes) -> OrderRecord:
    key = guarded(raw, "", _key)
    if isinstance(key, Unreadable):
        return _aside(key)
    if not key.sound:
        return OrderRecord(key, None, "the order has no time that a feed can go by", raw)
    order = guarded(raw, key.id, lambda raw: decode(raw, wire.Order))
    return (
        OrderRecord(key, None, order.reason, raw)
        if isinstance(order, Unreadable)
        else OrderRecord(key, order, None, raw)
    )


def _key(raw: bytes) -> wire.Key:
    return decode(raw, wire.Key)


def _aside(put: Unreadable) -> OrderRecord:
    return OrderRecord(wire.Key(id=put.external_id), None, put.reason, put.raw)
