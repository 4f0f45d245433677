"""Orders for which nothing was left: what was known, why it came to it, and that a person has dealt with one."""

from __future__ import annotations

from olhubd.control.api.lookup import known_account
from olhubd.control.api.schema.base import Nothing
from olhubd.control.api.schema.oversold import CloseOversoldRequest, OversoldPage, OversoldQuery, OversoldRow
from olhubd.control.http.problem import Refusal
from olhubd.control.http.routes import Call, route
from olhubd.model import Reason
from olhubd.store import oversold

__all__ = ["ROUTES"]


async def listing(call: Call[OversoldQuery, Nothing]) -> OversoldPage:
    """The oversold orders, the newest first."""
    asked, hub = call.query, call.hub
    await known_account(hub, "account", asked.account)
    found = await oversold.listing(
        hub.database.reader,
        account=asked.account,
        cause=asked.cause,
        open_=asked.open,
        before=asked.before,
        limit=asked.limit,
    )
    rows = tuple(map(OversoldRow.of, found))
    return OversoldPage(items=rows, next=found[-1].id if len(found) == asked.limit else None)


async def one(call: Call[Nothing, Nothing]) -> OversoldRow:
    """One of them, as in the list."""
    number = call.number("record")
    found = await oversold.read(call.hub.database.reader, number)
    if found is None:
        raise _none(number)
    return OversoldRow.of(found)


async def close(call: Call[Nothing, CloseOversoldRequest]) -> OversoldRow:
    """Say that one is dealt with: its buyer has the pieces, or knows that there are none."""
    number = call.number("record")
    if await oversold.read(call.hub.database.reader, number) is None:
        raise _none(number)
    return OversoldRow.of(await call.hub.oversold_actions.close(number, call.who, call.body.reason))


def _none(number: int) -> Refusal:
    return Refusal(404, "not-found", Reason("none.oversold", record=number))


_ONE = "/api/v1/oversold/{record}"

ROUTES = (
    route("GET", "/api/v1/oversold", listing),
    route("GET", _ONE, one, refusals=(404,)),
    route("POST", f"{_ONE}/close", close, refusals=(404, 409)),
)
