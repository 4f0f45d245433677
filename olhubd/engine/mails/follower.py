"""Follows the log of events, and plans the mails that follow from it.

How far it came is stored in the transaction that plans them, so that each event is looked at once, whatever process
does it. What was before a switch was on is the past, about which nobody is written to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from olhubd.decide import changes
from olhubd.decide.mails.rule import DueMail, MailRule, Occasion, due, due_at_landing, mail_by
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import Cause, Event, OrderId
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
        gone, new = known.keys() - wanted, wanted - known.keys()
        # One that goes through another mail account from now on was on all the time.
        moved = {(account, occasion): known[through, account, occasion] for through, account, occasion in gone}
        if gone:
            await mails.off(tx, gone)
        for one in sorted(new):
            begun = moved.get(one[1:], Switched(self._clock.now(), head))
            await mails.on(tx, [one], begun.since, begun.after)
        return await mails.switches(tx) if gone or new else known

    async def _plan(
        self,
        tx: Transaction,
        rules: Sequence[MailRule],
        switches: Mapping[MailSwitch, Switched],
        found: Sequence[Event],
    ) -> set[str]:
        telling = [one for one in found if one.kind == changes.Placed.kind or due(one.kind, one.data) is not None]
        ids = {one.order_id for one in telling if one.order_id is not None}
        rows = await orders.read(tx, list(ids)) if ids else {}
        asked = [(event, event.order_id, wish) for event in telling for wish in _wishes(event, rows)]
        recorder = Recorder(tx, self._clock.now(), Cause("rule", "mails"))
        planned: set[tuple[int | None, str]] = set()
        for event, order_id, wish in asked:
            stored = rows.get(order_id) if order_id is not None else None
            if stored is None or event.subject is None:
                continue
            for rule in rules:
                switched = switches.get((rule.through, stored.account, wish.payload.occasion.value))
                if switched is None or _past(event, wish, stored, switched):
                    continue
                known = (await recorder.known_deliveries([event.subject]))[event.subject]
                # Whatever account it went through: a mail account that is moved or renamed writes nothing again.
                mail = mail_by(rule.through, wish)
                there = {one.key for one in known if one.action is mail.action}
                mark = (order_id, wish.key)
                if mark in planned or wish.key in there:
                    continue
                planned.add(mark)
                facts: dict[str, object] = {"target": rule.through}
                cause = Cause("event", str(event.id))
                event_id = await recorder.event(
                    f"mail.{wish.payload.occasion}", stored.account, event.subject, facts, cause
                )
                await recorder.owe(event.subject, mail, event_id)
        await recorder.write(tx)
        return recorder.targets


def _wishes(event: Event, rows: Mapping[OrderId, StoredOrder]) -> Sequence[DueMail]:
    """The mails that an event asks for."""
    stored = rows.get(event.order_id) if event.order_id is not None else None
    if stored is None:
        return ()
    if event.kind == changes.Placed.kind:
        return due_at_landing(stored.order)
    wish = due(event.kind, event.data)
    return () if wish is None else (wish,)


def _past(event: Event, wish: DueMail, stored: StoredOrder, switched: Switched) -> bool:
    """Whether it was before the switch was on. What an order was when it came here is as old as the order."""
    if event.id <= switched.after:
        return True
    if wish.payload.occasion is Occasion.SENT:
        made = [one.created_at for one in stored.order.shipments if one.waybill == wish.payload.waybill]
        if any(at is not None and at < switched.since for at in made):
            return True
    at_once = wish.payload.occasion is Occasion.RECEIVED or event.at <= stored.created_at
    return at_once and stored.order.placed_at < switched.since
