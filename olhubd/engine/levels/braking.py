"""The brake: what many offers would show at once by one stock master's numbers is stopped, whole, for a person.

It works where what is wanted is computed, so what is stopped is never wanted: nothing that writes or repairs offers
needs to know of it. An offer that is held stays at what it was to show, less what orders take meanwhile. What the
brake knows are rows (`olhubd.store.stock_plans`), so a restart changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from olhubd.decide.stock.brake import WINDOW, Brake, Danger, PlanState, by_orders, danger
from olhubd.decide.stock.level import OfferLevel, Phase
from olhubd.decide.stock.policy import StockRule
from olhubd.engine.levels.stopping import beneath
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import Cause, Reason
from olhubd.store import Transaction, levels, runs, stock_items, stock_plans
from olhubd.store.stock_plans import BrakedPlan, PlannedOffer, RecentDanger

__all__ = ["Allowed", "Braked", "OfferChange", "apply_brakes", "shown_before"]


def shown_before(row: OfferLevel) -> int:
    """What an offer was to show, or shows. One of which that is not known shows something, as far as is known."""
    known = row.wanted if row.wanted is not None else row.confirmed
    return known if known is not None else int(row.active)


class OfferChange(msgspec.Struct, frozen=True, kw_only=True):
    """What an offer that sells these `items` is to show now. Orders alone make it `fewer` than before, or so many
    `more`."""

    row: OfferLevel
    items: frozenset[int]
    wanted: int | None
    fewer: int = 0
    more: int = 0

    @property
    def moves(self) -> bool:
        return self.wanted != self.row.wanted

    @property
    def before(self) -> int:
        """What it was to show, or shows."""
        return shown_before(self.row)


class Allowed(msgspec.Struct, frozen=True):
    """What an offer that is held may show, and why not what it is to."""

    wanted: int | None
    held: Reason


class Braked(msgspec.Struct):
    """`allowed` are the offers that are held, also such as were not asked about; the rest goes. `again` are offers
    that are held no more and were not asked about."""

    allowed: dict[int, Allowed] = msgspec.field(default_factory=dict)
    again: set[int] = msgspec.field(default_factory=set)


async def apply_brakes(
    tx: Transaction, account: str, changes: Sequence[OfferChange], rules: Sequence[StockRule], now: datetime
) -> Braked:
    """Say which of these changes go, and stop those that are too many."""
    brakes = {rule.master: rule.brake for rule in rules if account in rule.channels}
    taken = {one.row.offer: one.fewer for one in changes if one.fewer}
    if taken:
        await stock_plans.lower(tx, account, [master for master, brake in brakes.items() if brake], taken)
    plans = await stock_plans.of_account(tx, account)
    if not plans and not any(brake and _dangerous(brake, one) for brake in brakes.values() for one in changes):
        return Braked()
    return await _Braking(tx, account, brakes, plans, now).run(changes)


def _dangerous(brake: Brake, one: OfferChange) -> Danger | None:
    if not one.moves or one.wanted is None:
        return None
    return danger(brake, one.before, one.wanted, by_orders(one.before, one.wanted, one.fewer))


class _Braking:
    """One time that it is asked."""

    def __init__(
        self,
        tx: Transaction,
        account: str,
        brakes: Mapping[str, Brake | None],
        plans: Sequence[BrakedPlan],
        now: datetime,
    ) -> None:
        self._tx = tx
        self._account = account
        self._brakes = brakes
        self._plans = {plan.id: plan for plan in plans}
        self._stopped = {plan.master: plan for plan in plans if plan.state is PlanState.STOPPED}
        self._now = now
        self._recorder = Recorder(tx, now, Cause("rule", "brake"))
        self._found = Braked()
        self._into: dict[int, PlannedOffer] = {}
        self._out: set[int] = set()

    async def run(self, changes: Sequence[OfferChange]) -> Braked:
        masters = await self._masters(changes)
        held = await stock_plans.holds(self._tx, [one.row.offer for one in changes]) if self._plans else {}
        free: dict[str, list[OfferChange]] = {}
        for one in changes:
            master = masters.get(one.row.offer, "")
            brake, kept = self._brakes.get(master), held.get(one.row.offer)
            if kept is not None and (brake is None or one.wanted is None or self._another(kept, one)):
                self._out.add(one.row.offer)
                kept = None
            if brake is None or one.wanted is None or (kept is None and not one.moves):
                continue
            plan = self._plans[kept.plan] if kept is not None else self._stopped.get(master)
            if plan is None:
                free.setdefault(master, []).append(one)
            elif not self._hold(plan, brake, one) and kept is not None:
                self._out.add(one.row.offer)
        for master, some in free.items():
            await self._count(master, some)
        await stock_plans.release(self._tx, self._out - self._into.keys())
        await stock_plans.hold(self._tx, list(self._into.values()))
        for plan in list(self._plans.values()):
            await self._look(plan)
        await self._recorder.write(self._tx)
        return self._found

    async def _masters(self, changes: Sequence[OfferChange]) -> dict[int, str]:
        """By whose numbers each offer changes. One that sells what several masters count goes with the first."""
        if len(self._brakes) == 1:
            return dict.fromkeys((one.row.offer for one in changes), next(iter(self._brakes)))
        items = await stock_items.read(self._tx, {item for one in changes for item in one.items})
        return {
            one.row.offer: min(items[item].account for item in one.items if item in items)
            for one in changes
            if any(item in items for item in one.items)
        }

    def _another(self, kept: PlannedOffer, one: OfferChange) -> bool:
        """Whether the master says another number of an offer than the one that a person rejected."""
        if self._plans[kept.plan].state is not PlanState.REJECTED or one.wanted is None:
            return False
        brake = self._brakes.get(self._plans[kept.plan].master)
        # What a person rejected is as dangerous by another number. What orders and their copies do to the number
        # of an offer in between says nothing of what the master says.
        if brake is not None and kept.danger is not None and _dangerous(brake, one) is kept.danger:
            return False
        return not kept.wanted - one.fewer <= one.wanted <= kept.wanted + one.more

    def _hold(self, plan: BrakedPlan, brake: Brake, one: OfferChange) -> bool:
        """Hold an offer, unless orders explain all of its change."""
        if one.wanted is None:
            return False
        explained = by_orders(one.before, one.wanted, one.fewer)
        if explained == one.wanted:
            return False
        why = danger(brake, one.before, one.wanted, explained)
        # What was never wanted of an offer stays what it shows.
        known = one.row.wanted is not None or one.row.confirmed is not None
        shows = explained if known else None
        self._keep(plan, PlannedOffer(offer=one.row.offer, plan=plan.id, wanted=one.wanted, danger=why), shows)
        return True

    def _keep(self, plan: BrakedPlan, row: PlannedOffer, shows: int | None) -> None:
        self._into[row.offer] = row
        self._found.allowed[row.offer] = Allowed(shows, Reason("level.braked", plan=plan.id, wanted=row.wanted))

    async def _count(self, master: str, some: Sequence[OfferChange]) -> None:
        """Stop what a master's numbers bring about where too much of it is dangerous; else count it."""
        brake = self._brakes[master]
        if brake is None:
            return
        found = {one.row.offer: why for one in some if (why := _dangerous(brake, one)) is not None}
        if not found:
            return
        since = self._now - WINDOW
        if (began := await runs.running_since(self._tx, master)) is not None:
            since = min(since, began)
        for kind in Danger:
            new = [one for one in some if found.get(one.row.offer) is kind]
            if not new:
                continue
            offers = {one.row.offer for one in new}
            earlier = await stock_plans.count(self._tx, self._account, master, kind, since, offers)
            count = len(new) + earlier
            if count < brake.least:
                continue
            several = master if len(self._brakes) > 1 else None
            of = await stock_plans.showing(self._tx, self._account, several, brake.enough(count) + 1)
            # Those that show nothing now and did before, or will.
            of += earlier if kind is Danger.ZERO else sum(not one.before for one in new)
            if brake.stops(count, of):
                plan = await self._stop(master, brake, kind, count, of, some)
                await self._call_back(plan, await stock_plans.recent(self._tx, self._account, master, since))
                return
        noted = [
            RecentDanger(offer=one.row.offer, danger=found[one.row.offer], shown=max(0, one.before - one.fewer))
            for one in some
            if one.row.offer in found
        ]
        await stock_plans.note(self._tx, self._account, master, noted, self._now, since)

    async def _stop(
        self,
        master: str,
        brake: Brake,
        kind: Danger,
        count: int,
        of: int,
        some: Sequence[OfferChange],
    ) -> BrakedPlan:
        plan = BrakedPlan(
            id=await self._tx.next_id("stock_plans"),
            account=self._account,
            master=master,
            danger=kind,
            counted=count,
            showing=of,
            made_at=self._now,
        )
        await stock_plans.add(self._tx, plan)
        self._plans[plan.id] = plan
        for one in some:
            self._hold(plan, brake, one)
        return plan

    async def _call_back(self, plan: BrakedPlan, late: Sequence[RecentDanger]) -> None:
        """Stop also what was let through and has not been sent."""
        rows = await levels.of_offers(self._tx, [one.offer for one in late])
        for one in late:
            row = beneath(rows[one.offer]) if one.offer in rows else None
            if row is None or one.offer in self._into or row.phase is not Phase.SETTLED:
                continue
            wanted, shown = row.wanted, row.confirmed
            if wanted is None or shown is None or not row.active:
                continue
            if (wanted == 0 < shown) if one.danger is Danger.ZERO else (wanted > shown):
                self._keep(
                    plan,
                    PlannedOffer(offer=one.offer, plan=plan.id, wanted=wanted, danger=one.danger),
                    min(one.shown, shown),
                )

    async def _look(self, plan: BrakedPlan) -> None:
        """Report a plan that is new, and end one of which nothing dangerous is left."""
        fresh = plan.tally is None
        counts = await stock_plans.remember(self._tx, plan.id) if fresh else await self._left(plan)
        if counts is None:
            return
        facts: dict[str, object] = {
            "plan": plan.id,
            "master": plan.master,
            "offers": counts.offers,
            "zeros": counts.zeros,
            "raises": counts.raises,
        }
        if fresh:
            await self._recorder.event("stock.braked", self._account, None, facts)
            return
        if plan.state is PlanState.STOPPED:
            await stock_plans.decide(self._tx, plan.id, PlanState.WITHDRAWN, self._now, None, None)
            await self._recorder.event("stock.plan-withdrawn", self._account, None, facts)
        last = 0
        while some := await stock_plans.offers_of(self._tx, plan.id, last):
            self._found.again.update(some)
            last = some[-1]
        await stock_plans.end(self._tx, plan.id, self._now)

    async def _left(self, plan: BrakedPlan) -> stock_plans.PlanTally | None:
        """What an older plan holds, where it is to end; else None."""
        off = self._brakes.get(plan.master) is None
        if not (self._out or self._into or off):
            return None
        counts = await stock_plans.tally(self._tx, plan.id)
        if off:
            return counts
        if plan.state is PlanState.REJECTED:
            return counts if not counts.offers else None
        return counts if not counts.zeros and not counts.raises else None
