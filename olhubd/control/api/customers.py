"""Customers: the list, and the card with the orders of one."""

from __future__ import annotations

from collections.abc import Sequence

from olhubd.control.api.lookup import hub_number, known_account
from olhubd.control.api.schema.base import Nothing
from olhubd.control.api.schema.customers import (
    CustomerCard,
    CustomerData,
    CustomerPage,
    CustomerQuery,
    CustomerRow,
    CustomersFilter,
    CustomersQuery,
    ErasureReceiptRow,
    HeldDelivery,
    HeldEvent,
    HeldOrder,
    UsedAddress,
)
from olhubd.control.http.problem import Refusal
from olhubd.control.http.routes import Call, route
from olhubd.decide.customers import territories, words
from olhubd.engine.hub import Hub
from olhubd.model import Address, CustomerKind, OrderId, Reason, Scope, Subject
from olhubd.store import Reader, codec, customers, deliveries, events, orders, overrides, target_orders
from olhubd.store.customers import CustomerSearch, StoredCustomer
from olhubd.store.orders import StoredOrder

__all__ = ["ROUTES", "customer_rows", "customer_search"]

_PAGE = 50
"""Orders of a customer on one page of the card."""
_ALL = 2**31


async def listing(call: Call[CustomersQuery, Nothing]) -> CustomerPage:
    """The customers that fit all filters, the newest first."""
    asked, hub = call.query, call.hub
    wanted = await customer_search(hub, asked)
    seller = hub.configuration.customers.seller_country

    async def work(reader: Reader) -> CustomerPage:
        ids = await customers.find(reader, wanted, before=asked.before, limit=asked.limit)
        rows = await customer_rows(reader, ids, seller)
        return CustomerPage(items=tuple(rows), next=ids[-1] if len(ids) == asked.limit else None)

    return await hub.database.read(work)


async def card(call: Call[CustomerQuery, Nothing]) -> CustomerCard:
    """One customer, by the hub's number, with the orders, the newest first."""
    asked, hub = call.query, call.hub
    text = call.path["customer"]
    number = hub_number(text) if text.startswith("#") else call.number("customer")
    seller = hub.configuration.customers.seller_country

    async def work(reader: Reader) -> CustomerCard | None:
        one = (await customers.read(reader, [number])).get(number) if number is not None else None
        if one is None:
            return None
        count = (await customers.counts(reader, [one.id])).get(one.id, 0)
        ids = await customers.orders_of(reader, one.id, before=asked.before, limit=_PAGE)
        return CustomerCard.of(
            one,
            CustomerRow.of(one, count, seller),
            await orders.listing(reader, ids=ids, limit=len(ids)) if ids else (),
            _used(list((await orders.read(reader, ids)).values())),
            ids[-1] if len(ids) == _PAGE else None,
        )

    found = await hub.database.read(work)
    if found is None:
        raise Refusal(404, "not-found", Reason("none.customer", customer=text))
    return found


async def data(call: Call[Nothing, Nothing]) -> CustomerData:
    """Everything that the hub holds about one customer, to be handed to them."""
    number, hub = call.number("customer"), call.hub
    seller = hub.configuration.customers.seller_country

    async def work(reader: Reader) -> CustomerData | None:
        one = (await customers.read(reader, [number])).get(number)
        if one is None:
            return None
        ids = await customers.orders_of(reader, number, limit=_ALL)
        held: list[HeldOrder] = []
        for part in codec.parts(ids):
            rows, there = await orders.read(reader, part), await target_orders.of_orders(reader, part)
            said, owed = await overrides.of_orders(reader, part), await deliveries.of_orders(reader, part)
            told = await events.of_subjects(reader, [Subject.order(id_) for id_ in part])
            held += [
                HeldOrder(
                    id=row.id,
                    account=row.account,
                    order=row.order,
                    note=said[row.id].note if row.id in said else None,
                    copies=tuple(there.get(row.id, ())),
                    deliveries=tuple(map(HeldDelivery.of, owed.get(row.id, ()))),
                    events=tuple(map(HeldEvent.of, told.get(Subject.order(row.id), ()))),
                )
                for row in rows.values()
            ]
        return CustomerData(customer=CustomerRow.of(one, len(ids), seller), record=one.record, orders=tuple(held))

    found = await hub.database.read(work)
    if found is None:
        raise Refusal(404, "not-found", Reason("none.customer", customer=number))
    return found


async def erase(call: Call[Nothing, Nothing]) -> ErasureReceiptRow:
    """Erase one customer wherever the hub keeps them; their purchases stay without them. It cannot be undone."""
    number = call.number("customer")
    if not await customers.read(call.hub.database.reader, [number]):
        raise Refusal(404, "not-found", Reason("none.customer", customer=number))
    return ErasureReceiptRow.of(await call.hub.customer_actions.erase(number, call.who))


async def customer_search(hub: Hub, asked: CustomersFilter, ids: Sequence[int] = ()) -> CustomerSearch:
    """What these filters look for, among `ids` alone if there are any. Raises Refusal."""
    await known_account(hub, "account", asked.account)
    seller = hub.configuration.customers.seller_country
    near = {kind: territories(kind, seller) for kind in (CustomerKind.DOMESTIC, CustomerKind.INTRA_EU)}
    within = near.get(asked.kind) if asked.kind is not None else None
    beyond = frozenset[str]().union(*near.values()) if asked.kind is CustomerKind.EXTRA_EU else None
    spelled = words(asked.text) if asked.text is not None else ()
    nothing = asked.text is not None and not spelled
    return CustomerSearch(
        account=asked.account,
        words=spelled,
        within=None if within is None else tuple(sorted(within)),
        beyond=None if beyond is None else tuple(sorted(beyond)),
        ids=() if nothing else tuple(ids) or None,
    )


async def customer_rows(reader: Reader, ids: Sequence[int], seller: str) -> list[CustomerRow]:
    """These customers as rows, in this order."""
    found: dict[int, StoredCustomer] = await customers.read(reader, ids)
    bought = await customers.counts(reader, ids)
    return [CustomerRow.of(found[id_], bought.get(id_, 0), seller) for id_ in ids if id_ in found]


def _used(rows: Sequence[StoredOrder]) -> list[UsedAddress]:
    """Where these orders went, the last one first."""
    found: dict[Address, list[StoredOrder]] = {}
    for row in sorted(rows, key=lambda row: (row.order.placed_at, OrderId(row.id)), reverse=True):
        if row.order.recipient is not None:
            found.setdefault(row.order.recipient, []).append(row)
    return [
        UsedAddress(
            address=address,
            orders=len(some),
            first_at=some[-1].order.placed_at,
            last_at=some[0].order.placed_at,
        )
        for address, some in found.items()
    ]


ROUTES = (
    route("GET", "/api/v1/customers", listing),
    route("GET", "/api/v1/customers/{customer}", card, refusals=(404,)),
    route("GET", "/api/v1/customers/{customer}/data", data, refusals=(404,)),
    route(
        "POST",
        "/api/v1/customers/{customer}/erase",
        erase,
        limit=60.0,
        scope=Scope.ADMIN,
        refusals=(404, 409),
    ),
)
