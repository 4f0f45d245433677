"""What a name in a request means: an order by any of its numbers, an account by its own."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from olhubd.control.api.schema.base import OrderName, SubjectName
from olhubd.control.api.schema.problem import OrderCandidate
from olhubd.control.http.problem import Refusal
from olhubd.engine.account import AccountUnit
from olhubd.engine.flow.registry import Flows
from olhubd.engine.hub import Hub
from olhubd.model import OrderId, Reason, Subject, reference
from olhubd.store import Reader, accounts, events, orders
from olhubd.store.orders import StoredOrder

__all__ = [
    "hub_number",
    "known_account",
    "known_place",
    "meant",
    "one_order",
    "order_name",
    "subject_names",
    "unit",
]


async def one_order(reader: Reader, text: str) -> StoredOrder:
    """The order meant by the hub's id, its reference, or an id or number here or at a target.

    `#17` is the hub's id and nothing else: the shop may have an order 17 as well.
    """
    account, _, external_id = text.partition(":")
    if (own := hub_number(text)) is not None:
        exact: OrderId | None = OrderId(own)
    else:
        exact = await orders.by_reference(reader, account, external_id) if external_id else None
    ids = [exact] if exact is not None else await meant(reader, text, "order")
    if not ids:
        raise Refusal(404, "not-found", Reason("none.order", order=text))
    if len(ids) > 1:
        raise Refusal(
            409,
            "ambiguous",
            Reason("request.ambiguous", text=text, n=len(ids)),
            candidates=await _candidates(reader, ids),
        )
    stored = await orders.get(reader, ids[0])
    if stored is None:
        raise Refusal(404, "not-found", Reason("none.order", order=text))
    return stored


def hub_number(text: str) -> int | None:
    """The number in `#17`, which is the hub's own and nothing else; None for any other text."""
    number = text[1:]
    fits = text.startswith("#") and number.isascii() and number.isdecimal() and len(text) < 19
    return int(number) if fits else None


async def meant(reader: Reader, text: str, parameter: str = "q") -> list[OrderId]:
    """All orders that have this id or number. Refuses what more have than can be shown: a part is not the truth."""
    ids = await orders.find(reader, text)
    if len(ids) > orders.MEANT:
        detail = Reason("request.meant-by-many", parameter=parameter, text=text, n=orders.MEANT)
        raise Refusal(400, "parameter", detail, parameter=parameter)
    return ids


async def _candidates(reader: Reader, ids: list[OrderId]) -> tuple[OrderCandidate, ...]:
    return tuple(
        OrderCandidate(
            id=found.id,
            reference=reference(found.account, found.external_id),
            number=found.number,
            placed_at=found.placed_at,
        )
        for found in await orders.listing(reader, ids=ids, limit=len(ids))
    )


def order_name(id_: int, account: str, external_id: str, number: str | None) -> OrderName:
    return OrderName(
        id=id_, reference=reference(account, external_id), account=account, external_id=external_id, number=number
    )


async def subject_names(reader: Reader, flows: Flows, about: Iterable[Subject]) -> dict[Subject, SubjectName]:
    """What these are called, one read a kind. What is not known, or of a kind without a flow, has its number."""
    wanted = set(about)
    found = {one: SubjectName(kind=one.kind.value, id=one.id) for one in wanted}
    for flow in flows:
        ids = sorted(one.id for one in wanted if one.kind is flow.kind)
        for id_, (account, name) in (await flow.names(reader, ids) if ids else {}).items():
            found[Subject(flow.kind, id_)] = SubjectName(kind=flow.kind.value, id=id_, account=account, name=name)
    return found


async def known_account(hub: Hub, parameter: str, name: str | None) -> None:
    """Refuse a filter by an account that never was: its empty answer would be taken for the truth."""
    if name is None or name in hub.configuration.accounts:
        return
    names = {*hub.configuration.accounts, *await accounts.every(hub.database.reader)}
    if name not in names:
        detail = Reason("none.account-parameter", parameter=parameter, account=name, near=_near(name, names))
        raise Refusal(400, "parameter", detail, parameter=parameter)


def unit(hub: Hub, name: str) -> AccountUnit:
    """The account at work. One that is configured but off raises NotPossible with the reason."""
    if name not in hub.units and name not in hub.configuration.accounts:
        known = hub.configuration.accounts
        raise Refusal(404, "not-found", Reason("none.account-near", account=name, near=_near(name, set(known))))
    return hub.unit(name)


def _near(name: str, names: set[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    return Reason("did-you-mean", near=close[0]) if close else ""


async def known_place(hub: Hub, after: int) -> None:
    """Refuse a place that the log of events has not come to: it is of another log."""
    newest = await events.head(hub.database.reader)
    if after > newest:
        another = "the log is another one than before, as after a restore; begin anew without after"
        raise Refusal(410, "gone", f"after: there is no event {after} yet, the newest is {newest}: {another}")
