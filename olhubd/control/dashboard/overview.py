"""The overview: is all well, what waits for a person, and how orders flow from each source to each shop."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from olhubd.control.api import alarms, system
from olhubd.control.api import orders as asked_orders
from olhubd.control.api.accounts import standing
from olhubd.control.api.schema.accounts import Account, AccountState
from olhubd.control.api.schema.alarms import AlarmRow, ReconciliationRow, ReconciliationsQuery
from olhubd.control.api.schema.orders import OrdersQuery
from olhubd.control.dashboard import health
from olhubd.control.dashboard.orders import logins
from olhubd.control.dashboard.page import PageRequest, page
from olhubd.control.dashboard.reconciliation import DAYS, grid
from olhubd.decide.route import Route
from olhubd.model import DeliveryState
from olhubd.store import deliveries, orders

__all__ = ["ROUTES", "Bar", "bars"]

_HOURS = 24
_MEDIAN_OF = 20
_LATEST = 8


@dataclass(frozen=True)
class OverviewLane:
    """One source of a route. `typical` and `latest` are from the purchase until the target had the order.

    `latest` are the newest orders, the newest last; `shares` the same to the longest of them, from 0 to 1.
    """

    account: Account
    level: health.Level
    typical: timedelta | None
    latest: tuple[timedelta, ...]

    @property
    def shares(self) -> list[float]:
        longest = max((span.total_seconds() for span in self.latest), default=0.0)
        return [max(0.0, span.total_seconds() / longest) if longest > 0 else 0.0 for span in self.latest]


@dataclass(frozen=True)
class OverviewLine:
    """One route: its sources beside its target, and what that is still to get."""

    lanes: tuple[OverviewLane, ...]
    target: Account
    level: health.Level
    forward: bool

    @property
    def owed(self) -> int:
        return sum(count for state, count in self.target.owed.items() if state.open) - self.held

    @property
    def held(self) -> int:
        return self.target.owed.get(DeliveryState.HOLD, 0)


@dataclass(frozen=True)
class Bar:
    """One hour of the chart; `share` is of the tallest bar, from 0 to 1."""

    hour: datetime
    count: int
    share: float


async def overview(visit: PageRequest) -> dict[str, Any]:
    hub, reader = visit.hub, visit.hub.database.reader
    status = await visit.ask(system.status)
    accounts = await standing(hub)
    found = health.findings(status, accounts)
    lines = _lines(hub.configuration.routes, accounts, await orders.journeys(reader))
    hour = status.now.replace(minute=0, second=0, microsecond=0)
    first = hour - timedelta(hours=_HOURS - 1)
    latest = (await visit.ask(asked_orders.listing, OrdersQuery(limit=_LATEST))).items
    oldest = await deliveries.oldest(reader)
    return {
        "status": status,
        "active": status.accounts.get(AccountState.ACTIVE, 0),
        "owed": sum(count for state, count in status.owed.items() if state.open),
        "level": health.worst(found),
        "findings": found,
        "lines": lines,
        "loose": _loose(lines, accounts),
        "compared": grid(await _compared(visit)),
        "alarms": _told(visit, status.alarms),
        "bars": bars(first, await orders.hourly(reader, first)),
        "rows": latest,
        "logins": await logins(hub, latest),
        "oldest": oldest,
    }


async def _compared(visit: PageRequest) -> list[ReconciliationRow]:
    """What the days that are shown brought, of all accounts, however many there are."""
    found: list[ReconciliationRow] = []
    before = None
    while True:
        page = await visit.ask(alarms.compared, ReconciliationsQuery(before=before, limit=500))
        found += page.items
        if (before := page.next) is None or len({one.day for one in found}) > DAYS:
            return found


def _lines(
    routes: Sequence[Route], accounts: Sequence[Account], journeys: Mapping[tuple[str, str], list[timedelta]]
) -> list[OverviewLine]:
    named = {account.name: account for account in accounts}
    return [
        OverviewLine(
            tuple(_lane(named[name], journeys.get((name, route.target), [])) for name in sorted(route.sources)),
            named[route.target],
            health.level(named[route.target]),
            route.forward,
        )
        for route in routes
    ]


def _lane(account: Account, took: list[timedelta]) -> OverviewLane:
    latest = took[:_MEDIAN_OF]
    return OverviewLane(
        account,
        health.level(account),
        timedelta(seconds=statistics.median(span.total_seconds() for span in latest)) if latest else None,
        tuple(reversed(latest)),
    )


def _loose(lines: Sequence[OverviewLine], accounts: Sequence[Account]) -> list[tuple[Account, health.Level]]:
    """Accounts at work that no route leads from or to."""
    on = {lane.account.name for line in lines for lane in line.lanes} | {line.target.name for line in lines}
    loose = [one for one in accounts if one.name not in on and one.state is not AccountState.OFF]
    return [(one, health.level(one)) for one in loose]


def _told(visit: PageRequest, open_: Sequence[AlarmRow]) -> list[tuple[AlarmRow, str]]:
    """Each alarm with its detail in the page's language, the gravest kinds as they come."""
    return [(alarm, visit.speech.voice.reason(alarm.detail)) for alarm in open_]


def bars(first: datetime, counts: Mapping[datetime, int]) -> list[Bar]:
    """One for each hour from `first` on, also the empty ones."""
    tallest = max(counts.values(), default=0)
    hours = [first + timedelta(hours=number) for number in range(_HOURS)]
    return [Bar(hour, counts.get(hour, 0), counts.get(hour, 0) / tallest if tallest else 0.0) for hour in hours]


ROUTES = (page("/", "overview.html", overview),)
