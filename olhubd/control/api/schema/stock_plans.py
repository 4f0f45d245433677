"""Changes of many offers at once that wait for a person."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec

from olhubd.control.api.schema.base import AnswerStruct, Before, Limit, Page, RequestStruct, Text
from olhubd.decide.stock.brake import Danger, PlanState
from olhubd.model import beside, plain
from olhubd.store.stock_plans import BrakedPlan, PlanExample, PlanTally

__all__ = ["ApprovePlanRequest", "RejectPlanRequest", "StockPlanPage", "StockPlanRow", "StockPlansQuery"]


class StockPlansQuery(RequestStruct, frozen=True, kw_only=True):
    """With `open` those that hold offers back. Pages go on by `before`, the `next` of the last one."""

    account: str | None = None
    open: bool = False
    before: Before | None = None
    limit: Limit = 50


_Count = Annotated[int, msgspec.Meta(ge=0, le=2**31)]


class ApprovePlanRequest(RequestStruct, frozen=True, kw_only=True):
    """What the plan held when it was looked at: so many `offers`, of which `zeros` go to zero and `raises` are
    raised far. Where it holds something else by now it is refused."""

    offers: _Count
    zeros: _Count
    raises: _Count


class RejectPlanRequest(RequestStruct, frozen=True, kw_only=True):
    reason: Text | None = None


class PlanExampleRow(AnswerStruct, frozen=True, kw_only=True):
    """One offer of a plan: what it stays at, and what the stock master's numbers make it."""

    external_id: str
    name: str
    shown: int | None
    wanted: int
    danger: Danger | None

    @classmethod
    def of(cls, one: PlanExample) -> PlanExampleRow:
        return cls(external_id=one.offer, name=one.name, shown=one.shown, wanted=one.wanted, danger=one.danger)


class StockPlanRow(AnswerStruct, frozen=True, kw_only=True):
    """What the numbers of the stock master `master` would change of the offers of `account`, stopped as a whole.

    `counted` changes of `danger` (`zero` or `raise`) stopped it, of `showing` offers. It holds `offers`, of which
    `zeros` would be sold no more and `raises` would show many times what they do; of one that is over they say what
    it held when it was decided about. `examples` are ten of them at most, the dangerous ones first.
    """

    id: int
    account: str
    master: str
    state: PlanState
    danger: Danger
    counted: int
    showing: int
    offers: int
    zeros: int
    raises: int
    made_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    ended_at: datetime | None
    examples: tuple[PlanExampleRow, ...]
    reason: str | None = None
    reason_code: str | None = None
    reason_values: dict[str, Any] | None = None

    @classmethod
    def of(cls, plan: BrakedPlan, counts: PlanTally, some: tuple[PlanExample, ...]) -> StockPlanRow:
        return cls(
            id=plan.id,
            account=plan.account,
            master=plan.master,
            state=plan.state,
            danger=plan.danger,
            counted=plan.counted,
            showing=plan.showing,
            offers=counts.offers,
            zeros=counts.zeros,
            raises=counts.raises,
            made_at=plan.made_at,
            decided_at=plan.decided_at,
            decided_by=plan.decided_by,
            ended_at=plan.ended_at,
            examples=tuple(map(PlanExampleRow.of, some)),
            reason=plain(plan.reason) if plan.reason is not None else None,
            **beside("reason", plan.reason),
        )


StockPlanPage = Page[StockPlanRow]
