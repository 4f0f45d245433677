"""What a person decides about a plan that the brake has stopped: it goes, or its offers stay as they are."""

from __future__ import annotations

from functools import partial

from olhubd.decide.stock.brake import PlanState
from olhubd.engine.directory import Directory
from olhubd.engine.errors import NotPossible
from olhubd.engine.in_force import InForce
from olhubd.engine.levels.wanted import follow, want
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import Cause, Reason
from olhubd.plugin import Clock
from olhubd.store import Database, Transaction, stock_plans
from olhubd.store.stock_plans import BrakedPlan, PlanTally

__all__ = ["StockPlanActions"]

_MARKS = 500


class StockPlanActions:
    """The hands of a person on plans."""

    def __init__(self, directory: Directory, in_force: InForce, database: Database, clock: Clock) -> None:
        self._directory = directory
        self._in_force = in_force
        self._database = database
        self._clock = clock

    async def approve(self, plan: int, who: str, seen: PlanTally) -> BrakedPlan:
        """Let a plan go, as the master's numbers are now, while it holds what was `seen` of it: more may have come
        to it since, or other things happen to as many offers. What the master has said until now counts."""
        found = await stock_plans.read(self._database.reader, plan)
        while found is not None and not await self._database.write(partial(self._follow, account=found.account)):
            pass
        return await self._decide(plan, PlanState.APPROVED, who, None, seen)

    async def reject(self, plan: int, who: str, reason: str | None = None) -> BrakedPlan:
        """Leave the offers of a plan as they are until the master says other numbers of them."""
        return await self._decide(plan, PlanState.REJECTED, who, reason, None)

    async def _decide(
        self, number: int, state: PlanState, who: str, reason: str | None, seen: PlanTally | None
    ) -> BrakedPlan:
        now = self._clock.now()

        async def work(tx: Transaction) -> BrakedPlan:
            plan = await stock_plans.read(tx, number)
            if plan is not None and seen is not None:
                await self._follow(tx, account=plan.account)
                plan = await stock_plans.read(tx, number)
            if plan is None:
                raise NotPossible(Reason("none.stock-plan", plan=number))
            if plan.ended_at is not None or plan.state is state:
                raise NotPossible(Reason("stock.plan-decided", plan=number, state=plan.state.value))
            counts = await stock_plans.remember(tx, number)
            if seen is not None and counts != seen:
                now_held = {"offers": counts.offers, "zeros": counts.zeros, "raises": counts.raises}
                raise NotPossible(Reason("stock.plan-changed", plan=number, **now_held))
            await stock_plans.decide(tx, number, state, now, who, reason)
            await stock_plans.forget(tx, plan.account, plan.master)
            recorder = Recorder(tx, now, Cause("operator", who))
            await recorder.event(f"stock.plan-{state.value}", plan.account, None, _facts(plan, counts, reason))
            await recorder.write(tx)
            if state is PlanState.APPROVED:
                await self._let_go(tx, plan)
            found = await stock_plans.read(tx, number)
            assert found is not None
            return found

        found = await self._database.write(work)
        self._directory.level()
        return found

    async def _follow(self, tx: Transaction, *, account: str) -> bool:
        """Compute again what the offers of an account are to show, as its leveller would in a moment. False where
        there is more."""
        rules, now = self._in_force.stock(), self._clock.now()
        return await follow(tx, account, rules, now, _MARKS) < _MARKS

    async def _let_go(self, tx: Transaction, plan: BrakedPlan) -> None:
        """Have the offers of a plan show what the master's numbers make of them now."""
        last = 0
        while some := await stock_plans.offers_of(tx, plan.id, last):
            await stock_plans.release(tx, some)
            await want(tx, plan.account, some, self._in_force.stock(), self._clock.now(), braked=False)
            last = some[-1]
        await stock_plans.end(tx, plan.id, self._clock.now())


def _facts(plan: BrakedPlan, counts: PlanTally, reason: str | None) -> dict[str, object]:
    facts: dict[str, object] = {
        "plan": plan.id,
        "master": plan.master,
        "offers": counts.offers,
        "zeros": counts.zeros,
        "raises": counts.raises,
    }
    return {**facts, "reason": reason} if reason is not None else facts
