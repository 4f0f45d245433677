"""Where an order is, as a row of steps from the purchase to the parcel: pure, from the order's card."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from olhubd.control.api.schema.orders import OrderCard
from olhubd.model import Action, Delivery, DeliveryState, Stage

__all__ = ["Step", "StepState", "steps"]


class StepState(enum.StrEnum):
    """The state of a step; the words are those of the style."""

    OK = "ok"
    NOW = "info"
    """Goes on by itself."""
    WARN = "warn"
    """Waits for a person."""
    BAD = "bad"
    IDLE = "idle"
    """Will not come."""
    TODO = "todo"


_PUSHED = {
    DeliveryState.CONFIRMED: StepState.OK,
    DeliveryState.HOLD: StepState.WARN,
    DeliveryState.DEAD: StepState.BAD,
    DeliveryState.DISCARDED: StepState.BAD,
    DeliveryState.DROPPED: StepState.IDLE,
}


@dataclass(frozen=True)
class Step:
    """A key of the catalogue with its values. `after` is how long after the purchase.

    `word` is the state of the delivery that is to bring it about.
    """

    key: str
    state: StepState
    at: datetime | None = None
    after: timedelta | None = None
    number: str | None = None
    word: DeliveryState | None = None
    values: Mapping[str, str] = field(default_factory=dict)


def steps(card: OrderCard) -> list[Step]:
    """In the order in which they happen."""
    order = card.order
    found = [
        Step("step.bought", StepState.OK, order.placed_at),
        Step("step.landed", StepState.OK, card.created_at, card.created_at - order.placed_at),
    ]
    if card.superseded_by is not None:
        found.append(Step("step.superseded", StepState.IDLE, number=f"#{card.superseded_by}"))
    elif order.stage is Stage.CANCELLED:
        found.append(Step("step.cancelled", StepState.IDLE))
    elif order.cash_on_delivery:
        found.append(Step("step.cod", StepState.OK))
    else:
        found.append(Step("step.paid", StepState.OK) if order.fully_paid else Step("step.unpaid", StepState.TODO))
    found.extend(_targets(card))
    if parcel := next(iter(order.shipments), None):
        found.append(Step("step.shipped", StepState.OK, parcel.created_at, number=parcel.waybill))
    elif order.stage is not Stage.CANCELLED and card.superseded_by is None:
        found.append(Step("step.shipped", StepState.TODO))
    return found


def _targets(card: OrderCard) -> Iterator[Step]:
    there = {copy.account: copy for copy in card.copies}
    pushes: dict[str, Delivery] = {d.target: d for d in card.deliveries if d.action is Action.PUSH_ORDER}
    for target in sorted({*there, *pushes}):
        copy, push = there.get(target), pushes.get(target)
        state = StepState.OK if push is None else _PUSHED.get(push.state, StepState.NOW)
        at = copy.created_at if copy is not None else None
        yield Step(
            "step.at",
            state,
            at,
            at - card.order.placed_at if at is not None else None,
            (copy.number or copy.external_id) if copy is not None else None,
            push.state if push is not None and state is not StepState.OK else None,
            {"target": target},
        )
    if not there and not pushes:
        yield Step("step.not-sent-on", StepState.IDLE)
