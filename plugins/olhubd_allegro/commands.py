"""Commands: one change of many offers, done later. Its report may hold tasks that failed, and only a task says what
became of an offer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from typing import Any

from olhubd.model import Reason
from olhubd.plugin import Accepted, Client, Conflict, ContractBroken, NotFound, OutcomeUnknown, RowOutcome
from olhubd_allegro import wire_offers
from olhubd_allegro.client import MEDIA

__all__ = ["MOST", "Commands"]

MOST = 1000
"""Offers in one command."""
_BODY = {"Content-Type": MEDIA}
_SOON = 2.0
"""Seconds until a report is asked for."""
_FINAL = frozenset({"SUCCESS", "FAIL"})
"""What a task says when it has come to its end."""


class Commands:
    """Sends commands, each under a number that the host has made and kept, and reads their reports. `changing`
    makes the client that keeps to what Allegro lets them change; most accounts send none. `most` go in one."""

    def __init__(self, api: Client, changing: Callable[[], Client], most: int = MOST) -> None:
        self._api = api
        self.most = most
        self._make_changing = changing

    @cached_property
    def _changing(self) -> Client:
        return self._make_changing()

    async def put(self, path: str, offers: Sequence[str], change: Mapping[str, Any]) -> Accepted:
        """Have this done to these offers. `path` ends with the command's number."""
        criteria = [{"type": "CONTAINS_OFFERS", "offers": [{"id": offer} for offer in offers]}]
        try:
            await self._changing.request(
                "PUT", path, json={"offerCriteria": criteria, **change}, headers=_BODY, values=len(offers)
            )
        except Conflict as error:
            # The number is used: this very call has arrived before, or it is another one's. Its report says which.
            raise OutcomeUnknown(Reason("olhubd_allegro:command-known", why=error)) from error
        return Accepted(after=_SOON)

    async def report(
        self, path: str, command: str, offers: Sequence[str], fields: Collection[str]
    ) -> Sequence[RowOutcome] | Accepted | None:
        """What became of these offers; `fields` is what the tasks of the command may say that they change."""
        try:
            report = await self._api.get(path, wire_offers.CommandReport)
        except NotFound:
            return None
        if report.id != command:
            raise ContractBroken("Allegro gave the report of another command", field="id")
        tasks = await self._tasks(path)
        if any(task.field is not None and task.field not in fields for task in tasks.values()):
            raise ContractBroken("Allegro gave the tasks of another command", field="field")
        mine = {offer: tasks[offer] for offer in offers if offer in tasks}
        if report.completed_at is None or any(task.status == "NEW" for task in mine.values()):
            return Accepted(after=_SOON)
        # A word that is not known says neither done nor refused: what was done must not be sent once more.
        return [_outcome(task) for task in mine.values() if task.status in _FINAL]

    async def _tasks(self, path: str) -> Mapping[str, wire_offers.CommandTask]:
        """All tasks of a command by their offers, to the end: a page shows 100 unless it is asked for more."""
        found: dict[str, wire_offers.CommandTask] = {}
        while True:
            query: dict[str, str | int] = {"limit": MOST, "offset": len(found)}
            page = (await self._api.get(f"{path}/tasks", wire_offers.CommandTasks, query)).tasks
            before = len(found)
            found.update({task.offer.id: task for task in page})
            if len(found) == before or len(found) >= MOST:
                return found


def _outcome(task: wire_offers.CommandTask) -> RowOutcome:
    if task.status == "SUCCESS":
        return RowOutcome(offer=task.offer.id, done=True)
    first = next(iter(task.errors or ()), None)
    said = (first.user_message or first.message or first.code) if first is not None else None
    return RowOutcome(offer=task.offer.id, done=False, error=said or task.message or task.status)
