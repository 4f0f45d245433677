"""Quantities out, by commands: one value for up to a thousand offers, and the end of an offer for zero.

Allegro takes only quantities above zero by the command for quantities; an offer that is sold out is ended by the
command for publications. A command goes under a number that the host has made and kept. It is done later, and its
report may hold tasks that failed: only a task says what became of an offer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from olhubd.model import OfferState, Reason
from olhubd.plugin import (
    Accepted,
    Client,
    Conflict,
    ContractBroken,
    LevelCall,
    LevelSink,
    LevelWish,
    NotFound,
    OutcomeUnknown,
    RowOutcome,
    ShownLevel,
)
from olhubd_allegro import wire
from olhubd_allegro.client import MEDIA
from olhubd_allegro.offers import Offers, shown

__all__ = ["Levels"]

_MOST = 1000
"""Offers in one command."""
_SET, _END = "set", "end"
_PATHS = {_SET: "/sale/offer-quantity-change-commands", _END: "/sale/offer-publication-commands"}
_BODY = {"Content-Type": MEDIA}
_SOON = 2.0
"""Seconds until a report is asked for."""
_STUBBORN = 2
"""So often lowering may be refused before the offer is ended instead: what sells too much must not go on."""


class Levels(LevelSink):
    """The quantities of one account's offers."""

    level_settle = timedelta(seconds=5)

    def __init__(self, api: Client, offers: Offers) -> None:
        self._api = api
        self._offers = offers

    def plan_levels(self, wishes: Sequence[LevelWish]) -> Sequence[LevelCall]:
        by_value: dict[int, list[str]] = {}
        for wish in wishes:
            stuck = wish.value < wish.shown and wish.refused >= _STUBBORN
            by_value.setdefault(0 if stuck else wish.value, []).append(wish.offer)
        return [
            LevelCall(action=_SET if value else _END, value=value or None, offers=tuple(some[at : at + _MOST]))
            for value, some in sorted(by_value.items())
            for at in range(0, len(some), _MOST)
        ]

    async def write_levels(self, command: str, call: LevelCall) -> Sequence[RowOutcome] | Accepted:
        body: dict[str, Any] = {
            "offerCriteria": [{"type": "CONTAINS_OFFERS", "offers": [{"id": offer} for offer in call.offers]}]
        }
        if call.action == _SET:
            body["modification"] = {"changeType": "FIXED", "value": call.value}
        else:
            body["publication"] = {"action": "END"}
        try:
            await self._api.request("PUT", _path(command, call), json=body, headers=_BODY)
        except Conflict as error:
            # The number is used: this very call has arrived before, or it is another one's. Its report says which.
            raise OutcomeUnknown(Reason("olhubd_allegro:command-known", why=error)) from error
        return Accepted(after=_SOON)

    async def report_levels(self, command: str, call: LevelCall) -> Sequence[RowOutcome] | Accepted | None:
        path = _path(command, call)
        try:
            report = await self._api.get(path, wire.CommandReport)
        except NotFound:
            return None
        if report.id != command:
            raise ContractBroken("Allegro gave the report of another command", field="id")
        tasks = await self._tasks(path)
        mine = {offer: tasks[offer] for offer in call.offers if offer in tasks}
        if report.completed_at is None or any(task.status == "NEW" for task in mine.values()):
            return Accepted(after=_SOON)
        return [_outcome(task) for task in mine.values()]

    async def _tasks(self, path: str) -> Mapping[str, wire.CommandTask]:
        """All tasks of a command by their offers, to the end: a page shows 100 unless it is asked for more."""
        found: dict[str, wire.CommandTask] = {}
        while True:
            query: dict[str, str | int] = {"limit": _MOST, "offset": len(found)}
            page = (await self._api.get(f"{path}/tasks", wire.CommandTasks, query)).tasks
            before = len(found)
            found.update({task.offer.id: task for task in page})
            if len(found) == before or len(found) >= _MOST:
                return found

    async def read_levels(self, offers: Sequence[str]) -> Sequence[ShownLevel]:
        return [
            ShownLevel(
                offer=offer.external_id, quantity=offer.quantity or 0, active=offer.state is OfferState.ACTIVE
            )
            for offer in shown(await self._offers.read(offers))
        ]


def _path(command: str, call: LevelCall) -> str:
    return f"{_PATHS[call.action]}/{command}"


def _outcome(task: wire.CommandTask) -> RowOutcome:
    if task.status == "SUCCESS":
        return RowOutcome(offer=task.offer.id, done=True)
    first = next(iter(task.errors or ()), None)
    said = (first.user_message or first.message or first.code) if first is not None else None
    return RowOutcome(offer=task.offer.id, done=False, error=said or task.message or task.status)
