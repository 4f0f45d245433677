"""The seller's own list of statuses, as people keep it while the daemon runs.

The database is under the file: where the file has a list, nothing is kept here. A list is checked as if the file
had it, kept with an event, and in force at once. A status that orders have cannot be taken away from under them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

import msgspec

from olhubd.config.problem import near
from olhubd.config.statuses import in_force, read_kept
from olhubd.decide.own_status import OwnStatus
from olhubd.engine.errors import NotPossible
from olhubd.engine.event_log import EventLog
from olhubd.engine.in_force import InForce
from olhubd.engine.reload import Reloader
from olhubd.model import Reason
from olhubd.plugin import Clock
from olhubd.store import Database, Transaction, orders, own_statuses
from olhubd.store.own_statuses import KeptStatus

__all__ = ["OwnStatusActions"]

V = TypeVar("V")


class OwnStatusActions:
    """Keeps the list, and puts it into force where the file has none."""

    def __init__(
        self, in_force: InForce, reloader: Reloader, database: Database, clock: Clock, events: EventLog
    ) -> None:
        self._in_force = in_force
        self._reloader = reloader
        self._database = database
        self._clock = clock
        self._events = events
        self._changing = asyncio.Lock()
        """Held while one list is made of another, or a change in between would be lost."""

    async def begin(self) -> None:
        """Take what is kept into force, before any account begins."""
        kept = await own_statuses.every(self._database.reader)
        self._in_force.take_statuses([one.status for one in kept])

    async def change(
        self,
        name: str,
        who: str,
        *,
        title: str | None = None,
        position: int | None = None,
        sends: Mapping[str, str | None] | None = None,
        follows: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """Add a status, or change one. What is left out stays; an account without a word is mapped no more.

        `position` is its place in the list, from 1 on. Raises NotPossible with what is wrong.
        """
        async with self._changing:
            kept = await self._kept()
            known = {one.status.name: one for one in kept}
            before = known[name].status if name in known else OwnStatus(name=name, title=name)
            after = msgspec.structs.replace(
                before,
                title=title if title is not None else before.title,
                sends=_merged(before.sends, sends or {}),
                follows=_merged(
                    before.follows, {key: tuple(words) or None for key, words in (follows or {}).items()}
                ),
            )
            now = self._clock.now()
            changed = KeptStatus(status=after, changed_by=who, changed_at=now)
            listed = [changed if one.status.name == name else one for one in kept]
            if name not in known:
                listed.append(changed)
            if position is not None:
                place = min(position, len(listed)) - 1
                listed = [one for one in listed if one.status.name != name]
                listed.insert(place, changed)
            if [one.status for one in listed] == [one.status for one in kept]:
                return
            self._right(listed, name)
            facts: dict[str, object] = {"status": name, "title": after.title}
            if listed.index(changed) != (list(known).index(name) if name in known else -1):
                facts["position"] = listed.index(changed) + 1
            for key in ("sends", "follows"):
                if (mapped := getattr(after, key)) != getattr(before, key):
                    facts[key] = {account: mapped[account] for account in sorted(mapped)}
            await self._keep(listed, "status.changed" if name in known else "status.added", facts, who)

    async def remove(self, name: str, who: str) -> None:
        """Take a status off the list. Raises NotPossible where an order or a setting has it."""
        async with self._changing:
            kept = await self._kept()
            left = [one for one in kept if one.status.name != name]
            if len(left) == len(kept):
                known = {one.status.name for one in kept}
                hint = near(name, known)
                raise NotPossible(Reason("status.unknown", status=name, near=f" ({hint})" if hint else ""))
            for account, first in self._in_force.statuses().first.items():
                if name in (first.general, first.cod, first.paid):
                    raise NotPossible(Reason("status.first-of", status=name, account=account))

            async def unused(tx: Transaction) -> None:
                if count := (await orders.with_own_status(tx)).get(name):
                    raise NotPossible(Reason("status.in-use", status=name, orders=count))

            await self._keep(left, "status.removed", {"status": name}, who, unused)

    async def _kept(self) -> list[KeptStatus]:
        configuration = self._in_force.configuration
        if configuration.statuses:
            raise NotPossible(Reason("status.pinned", origin=str(configuration.origin("statuses"))))
        return await own_statuses.every(self._database.reader)

    def _right(self, listed: Sequence[KeptStatus], name: str) -> None:
        """Raise what is wrong with the list. What another status has of an account that is gone is no obstacle."""
        configuration = self._in_force.configuration
        accounts = configuration.accounts
        fitting = in_force((), [one.status for one in listed if one.status.name != name], accounts).items
        mine = [one.status for one in listed if one.status.name == name]
        _, problems = read_kept([*fitting, *mine], accounts, configuration.plugins)
        for problem in problems:
            if problem.key.startswith("accounts."):
                continue  # which names a status that is perhaps the next one to be added
            key = problem.key.split(".", 2)[-1]
            hint = f" ({problem.hint})" if problem.hint else ""
            raise NotPossible(Reason("status.wrong", key=key, problem=f"{problem.message}{hint}"))

    async def _keep(
        self,
        listed: Sequence[KeptStatus],
        kind: str,
        facts: Mapping[str, object],
        who: str,
        allowed: Callable[[Transaction], Awaitable[None]] | None = None,
    ) -> None:
        statuses = [one.status for one in listed]
        configuration = self._in_force.configuration
        after = in_force(configuration.statuses, statuses, configuration.accounts)

        async def work(tx: Transaction) -> None:
            if allowed is not None:
                await allowed(tx)
            await own_statuses.replace(tx, listed)
            await self._events.note(kind, facts, who, tx=tx)
            await self._reloader.keep_statuses(tx, after)

        await self._database.write(work)
        self._in_force.take_statuses(statuses)


def _merged(before: Mapping[str, V], given: Mapping[str, V | None]) -> dict[str, V]:
    merged = {**before, **given}
    return {account: value for account, value in merged.items() if value is not None}
