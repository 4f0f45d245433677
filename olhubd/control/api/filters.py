"""From the filters that people give to what the store looks for: days become moments, connectors their accounts.

What cannot be meant is refused with its name, since a filter that is silently ignored shows the wrong orders.
"""

from __future__ import annotations

import difflib
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from olhubd.control.api.lookup import known_account, meant
from olhubd.control.api.schema.orders import OrdersFilter
from olhubd.control.http.problem import Refusal
from olhubd.engine.hub import Hub
from olhubd.model import Reason
from olhubd.store import accounts
from olhubd.store.search import OrderSearch

__all__ = ["known", "moment", "wanted"]


async def known(hub: Hub) -> dict[str, str]:
    """The connector of each account that has orders or may have: of those that are configured and that were."""
    stored = {name: row.connector for name, row in (await accounts.every(hub.database.reader)).items()}
    return {**stored, **{name: one.connector.name for name, one in hub.configuration.accounts.items()}}


async def wanted(hub: Hub, asked: OrdersFilter, ids: tuple[int, ...] = ()) -> OrderSearch:
    """What these filters look for, among `ids` alone if there are any. Raises Refusal."""
    await known_account(hub, "account", asked.account)
    reader = hub.database.reader
    least = Decimal(asked.amount_from) if asked.amount_from is not None else None
    most = Decimal(asked.amount_to) if asked.amount_to is not None else None
    if least is not None and most is not None and least > most:
        raise Refusal(400, "parameter", Reason("request.amounts"), parameter="amount_to")
    start = moment(hub, "placed_from", asked.placed_from)
    end = moment(hub, "placed_to", asked.placed_to, last=True)
    if start is not None and end is not None and start > end:
        raise Refusal(400, "parameter", Reason("request.days"), parameter="placed_to")
    found: set[int] | None = None if asked.q is None else {*await meant(reader, asked.q)}
    if ids:
        found = set(ids) if found is None else found.intersection(ids)
    return OrderSearch(
        accounts=await _accounts(hub, asked),
        stage=asked.stage,
        fulfilment=asked.fulfilment,
        own_status=asked.own_status,
        placed_from=start,
        placed_to=end,
        least=least,
        most=most,
        text=asked.text,
        unlinked=asked.unlinked,
        ids=None if found is None else tuple(sorted(found)),
    )


async def _accounts(hub: Hub, asked: OrdersFilter) -> tuple[str, ...] | None:
    """The accounts that are meant, by name and by connector; None for any."""
    if asked.connector is None:
        return None if asked.account is None else (asked.account,)
    at = await known(hub)
    if asked.connector not in at.values():
        close = difflib.get_close_matches(asked.connector, set(at.values()), n=1)
        hint = Reason("did-you-mean", near=close[0]) if close else ""
        detail = Reason("none.connector", connector=asked.connector, near=hint)
        raise Refusal(400, "parameter", detail, parameter="connector")
    names = tuple(sorted(name for name, connector in at.items() if connector == asked.connector))
    return names if asked.account is None else tuple({asked.account}.intersection(names))


def moment(hub: Hub, parameter: str, text: str | None, *, last: bool = False) -> datetime | None:
    """A day's beginning, or with `last` its end; a moment is what it is."""
    if text is None:
        return None
    zone = hub.configuration.daemon.zone
    try:
        if len(text) == len("2026-01-31"):
            day = date.fromisoformat(text)
            return datetime.combine(day + timedelta(days=last), time(), zone)
        found = datetime.fromisoformat(text)
        return found if found.tzinfo is not None else found.replace(tzinfo=zone)
    except (ValueError, OverflowError):
        detail = Reason("request.moment", parameter=parameter)
        raise Refusal(400, "parameter", detail, parameter=parameter) from None
