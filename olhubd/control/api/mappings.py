"""Mappings: the words of sources and targets beside what the routes make of them, and what no route names yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Words

from olhubd.control.api.lookup import known_account
from olhubd.control.api.schema.base import Nothing
from olhubd.control.api.schema.mappings import (
    Mapping,
    Mappings,
    MappingsQuery,
    Unlinked,
    UnlinkedLine,
    UnlinkedQuery,
)
from olhubd.control.http.routes import Call, route
from olhubd.decide.route import Route
from olhubd.engine.hub import Hub
from olhubd.model import Fulfilment, Line, OrderId, Stage
from olhubd.store import orders, search, seen_values, target_orders
from olhubd.store.orders import StoredOrder
from olhubd.store.search import OrderSearch
from olhubd.store.seen_values import SeenKind, SeenValue

__all__ = ["ROUTES", "free", "words"]

_LATEST = 500
"""Orders whose lines are looked at."""
_UNKNOWN = {Stage.UNKNOWN.value, Fulfilment.UNKNOWN.value}


async def listing(call: Call[MappingsQuery, Nothing]) -> Mappings:
    """Every word that was seen or is mapped; with `unmapped` those alone that nobody said anything of."""
    hub, asked = call.hub, call.query
    await known_account(hub, "account", asked.account)
    found = await words(hub)
    wanted = [
        one
        for one in found
        if (asked.kind is None or one.kind is asked.kind)
        and (asked.account is None or asked.account in (one.account, one.target))
        and (one.mapped is None or not asked.unmapped)
    ]
    wanted.sort(key=lambda one: (one.mapped is not None, one.kind, one.account, -one.orders, one.value))
    return Mappings(items=tuple(wanted), unmapped=sum(one.mapped is None for one in found))


async def words(hub: Hub) -> list[Mapping]:
    """Every word that was seen or is mapped."""
    return list(_all(hub, await seen_values.every(hub.database.reader)))


def _all(hub: Hub, seen: Sequence[SeenValue]) -> Iterator[Mapping]:
    for one in seen:
        if one.kind in (SeenKind.STAGE, SeenKind.PROGRESS):
            # These the connector maps; a word that it does not know is kept and shown.
            yield _mapping(one, None, None if one.known in _UNKNOWN else one.known, None)
    told: dict[str, list[SeenValue]] = {}
    for one in seen:
        told.setdefault(one.account, []).append(one)
    for index, way in enumerate(hub.configuration.routes):
        seen = [one for account in sorted({*way.sources, way.target}) for one in told.get(account, ())]
        for one in seen:
            if one.kind is SeenKind.DELIVERY and one.account in way.sources:
                yield _routed(hub, index, one, way.target, "shipping", way.shipping, one.value, one.label)
            elif one.kind is SeenKind.PAYMENT and one.account in way.sources and one.known is not None:
                yield _routed(hub, index, one, way.target, "payment", way.payment, one.known)
            elif one.kind is SeenKind.STATUS and one.account == way.target and way.status_back:
                yield _routed(hub, index, one, None, "status_back", way.status_back, one.value)
        yield from _states(hub, index, way, seen)
        yield from _unseen(hub, index, way, seen)


def _routed(
    hub: Hub, index: int, seen: SeenValue, target: str | None, table: str, words: Words[str, str], *names: str
) -> Mapping:
    name = next((name for name in names if name in words), None)
    origin = None if name is None else _origin(hub, index, table, name)
    return _mapping(seen, target, None if name is None else words[name], origin)


def _mapping(seen: SeenValue, target: str | None, mapped: str | None, origin: str | None) -> Mapping:
    return Mapping(
        kind=seen.kind,
        account=seen.account,
        target=target,
        value=seen.value,
        label=seen.label,
        known=seen.known,
        mapped=mapped,
        orders=seen.orders,
        first_at=seen.first_at,
        last_at=seen.last_at,
        example=seen.example,
        origin=origin,
    )


def _states(hub: Hub, index: int, way: Route, seen: Sequence[SeenValue]) -> Iterator[Mapping]:
    """States of ours that are sent to the target, in its words. Those that are not sent are no omission."""
    for word, there in way.statuses.items():
        had = [
            one
            for one in seen
            if one.kind is SeenKind.PROGRESS and one.known == word and one.account in way.sources
        ]
        last = max(had, key=lambda one: one.last_at, default=None)
        yield Mapping(
            kind=SeenKind.PROGRESS,
            account=", ".join(sorted(way.sources)),
            target=way.target,
            value=word,
            label=word,
            known=word,
            mapped=there,
            orders=sum(one.orders for one in had),
            first_at=min((one.first_at for one in had), default=None),
            last_at=last.last_at if last else None,
            example=last.example if last else None,
            origin=_origin(hub, index, "statuses", word),
        )


def _unseen(hub: Hub, index: int, way: Route, seen: Sequence[SeenValue]) -> Iterator[Mapping]:
    """Words of the configuration that no order had yet."""
    tables: tuple[tuple[SeenKind, str, Words[str, str]], ...] = (
        (SeenKind.DELIVERY, "shipping", way.shipping),
        (SeenKind.PAYMENT, "payment", way.payment),
        (SeenKind.STATUS, "status_back", way.status_back),
    )
    for kind, table, words in tables:
        accounts = {way.target} if kind is SeenKind.STATUS else way.sources
        used = {
            name
            for one in seen
            if one.kind is kind and one.account in accounts
            for name in (one.value, one.label, one.known)
        }
        for word in words.keys() - used:
            yield Mapping(
                kind=kind,
                account=", ".join(sorted(accounts)),
                target=None if kind is SeenKind.STATUS else way.target,
                value=word,
                label=word,
                known=word if kind is SeenKind.PAYMENT else None,
                mapped=words[word],
                orders=0,
                first_at=None,
                last_at=None,
                example=None,
                origin=_origin(hub, index, table, word),
            )


def _origin(hub: Hub, index: int, table: str, word: str) -> str | None:
    """Where a word of a route's table is written, or the table itself."""
    origins = hub.configuration.origins
    found = origins.get(("routes", index, table, word)) or origins.get(("routes", index, table))
    return str(found) if found else None


async def unlinked(call: Call[UnlinkedQuery, Nothing]) -> Unlinked:
    """The offers whose lines are bound to no product, those of the most orders first."""
    await known_account(call.hub, "account", call.query.account)
    return await free(call.hub, call.query.account)


async def free(hub: Hub, account: str | None = None) -> Unlinked:
    """The same, for all accounts or one."""
    reader = hub.database.reader
    wanted = OrderSearch(unlinked=True, accounts=None if account is None else (account,))
    ids = await search.find(reader, wanted, limit=_LATEST + 1)
    latest = ids[:_LATEST]
    found = await orders.read(reader, latest)
    there = await target_orders.of_orders(reader, latest)
    lines: dict[tuple[str, str | None, str], UnlinkedLine] = {}
    for id_ in latest:
        stored = found[OrderId(id_)]
        for target, line in _free(stored, there.get(OrderId(id_), ())):
            key = (stored.account, target, line.offer_id or line.sku or line.ean or line.name)
            before = lines.get(key)
            lines[key] = UnlinkedLine(
                account=stored.account,
                target=target,
                offer_id=line.offer_id,
                sku=line.sku,
                ean=line.ean,
                name=line.name,
                orders=before.orders + 1 if before else 1,
                last_order=before.last_order if before else stored.id,
                last_at=before.last_at if before else stored.order.placed_at,
            )
    items = sorted(lines.values(), key=lambda line: (-line.orders, -line.last_order))
    return Unlinked(items=tuple(items), looked_at=len(latest), all=len(ids) <= _LATEST)


def _free(stored: StoredOrder, there: Sequence[target_orders.TargetOrder]) -> Iterator[tuple[str | None, Line]]:
    """The order's lines without a product, each with the target that said so."""
    for copy in there:
        yield from ((copy.account, line) for line in stored.order.lines if line.external_id in copy.unlinked)
    if not there:
        yield from ((None, line) for line in stored.order.lines if line.sku is None and line.ean is None)


ROUTES = (
    route("GET", "/api/v1/mappings", listing),
    route("GET", "/api/v1/unlinked", unlinked),
)
