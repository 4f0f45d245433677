"""Follows the log of events, and plans the mails that follow from it.

How far it came is stored in the transaction that plans them, so that each event is looked at once, whatever process
does it. What was before a switch was on is the past, about which nobody is written to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from olhubd.decide.mails.rule import DueMail, MailRule, Occasion, due, mail_by
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import Cause, Event
from olhubd.plugin import Clock
from olhubd.runtime.supervisor import Heartbeat, Supervisor
from olhubd.store import Database, Transaction, events, mails, orders
from olhubd.store.mails import MailSwitch, Switched
from olhubd.store.orders import StoredOrder

__all__ = ["MailPlanner"]

_INTERVAL = 2.0
_MANY = 200
"""Events of one transaction."""


class MailPlanner:
    """Call `round` again and again."""

    def __init__(
        self,
        rules: Callable[[], Sequence[MailRule]],
        database: Database,
        clock: Clock,
        wake: Callable[[Iterable[str]], None],
    ) -> None:
        self._rules = rules
        self._database = database
        self._clock = clock
        self._wake = wake

    def start(self, supervisor: Supervisor) -> None:
        supervisor.every("mails", _INTERVAL, self.round)

    async def round(self, pulse: Heartbeat | None = None) -> None:
        """Look at all that is new."""
        if not self._rules() and not await mails.switches(self._database.reader):
            return
        while await self._some():
            if pulse is not None:
                pulse.beat(_INTERVAL * 30)

    async def _some(self) -> bool:
        """Look at some of it. Whether there is more."""

        async def work(tx: Transaction) -> tuple[bool, set[str]]:
            rules, head = self._rules(), await events.head(tx)
            switches = await self._switched(tx, rules, head)
            seen = await mails.cursor(tx)
            if not rules or seen is None:
                await mails.follow_from(tx, head)
                return False, set()
            found = await events.since(tx, seen, _MANY)
            if not found:
                return False, set()
            targets = await self._plan(tx, rules, switches, found)
            await mails.follow_from(tx, found[-1].id)
            return len(found) == _MANY, targets

        more, targets = await self._database.write(work)
        self._wake(targets)
        return more

    async def _switched(
        self, tx: Transaction, rules: Sequence[MailRule], head: int
    ) -> Mapping[MailSwitch, Switched]:
        """The switches, which are from now on those of the rules in force."""
        wanted: set[MailSwitch] = {
            (rule.through, account, occasion.value)
            for rule in rules
            for account in rule.sources
            for occasion in Occasion
            if rule.writes(account, occasion)
        }
        known = await mails.switches(tx)
        if gone := known.keys() - wanted:
            await mails.off(tx, gone)
        if new := wanted - known.keys():
            await mails.on(tx, sorted(new), self._clock.now(), head)
            return await mails.switches(tx)
        return known

    async def _plan(
        self,
        tx: Transaction,
        rules: Sequence[MailRule],
        switches: Mapping[MailSwitch, Switched],
        found: Sequence[Event],
    ) -> set[str]:
        asked = [
            (event, event.order_id, wish)
            for event in found
            if event.order_id is not None and (wish := due(event.kind, event.data)) is not None
        ]
        rows = await orders.read(tx, list({order_id for _, order_id, _ in asked})) if asked else {}
        recorder = Recorder(tx, self._clock.now(), Cause("rule", "mails"))
        planned: set[tuple[int, str, str]] = set()
        for event, order_id, wish in asked:
            stored = rows.get(order_id)
            if stored is None or event.subject is None:
                continue
            for rule in rules:
                switched = switches.get((rule.through, stored.account, wish.payload.occasion.value))
                if switched is None or _past(event, wish, stored, switched):
                    continue
                known = (await recorder.known_deliveries([event.subject]))[event.subject]
                there = {(one.target, one.key) for one in known}
                mark = (order_id, rule.through, wish.key)
                if mark in planned or (rule.through, wish.key) in there:
                    continue
                planned.add(mark)
                facts: dict[str, object] = {"target": rule.through}
                cause = Cause("event", str(event.id))
                event_id = await recorder.event(
                    f"mail.{wish.payload.occasion}", stored.account, event.subject, facts, cause
                )
                await recorder.owe(event.subject, mail_by(rule.through, wish), event_id)
        await recorder.write(tx)
        return recorder.targets


def _past(event: Event, wish: DueMail, stored: StoredOrder, switched: Switched) -> bool:
    """Whether it was before the switch was on. What an order was when it came here is as old as the order."""
    if event.id <= switched.after:
        return True
    at_once = wish.payload.occasion is Occasion.RECEIVED or event.at <= stored.created_at
    return at_once and stored.order.placed_at < switched.since
