"""The handlers of all actions, one module each. A new action is a new module and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from olhubd.engine.outbox.actions.add_shipment import AddShipment
from olhubd.engine.outbox.actions.amend_order import AmendOrder
from olhubd.engine.outbox.actions.cancel_order import CancelOrder
from olhubd.engine.outbox.actions.push_order import PushOrder
from olhubd.engine.outbox.actions.set_payment import SetPayment
from olhubd.engine.outbox.actions.set_status import SetStatus
from olhubd.engine.outbox.actions.unknown_action import UnknownAction
from olhubd.engine.outbox.handler import Handler, WaitRule
from olhubd.model import Action
from olhubd.store.deliveries import Precedence

__all__ = ["HANDLERS", "PRECEDENCE"]

HANDLERS: Mapping[Action, Handler[Any]] = {
    handler.action: handler
    for handler in (
        PushOrder(),
        SetStatus(),
        SetPayment(),
        AddShipment(),
        CancelOrder(),
        AmendOrder(),
        UnknownAction(),
    )
}

PRECEDENCE = Precedence(
    never=tuple(a.value for a, handler in HANDLERS.items() if handler.waits_behind is WaitRule.NEVER),
    until_held=tuple(a.value for a, handler in HANDLERS.items() if handler.waits_behind is WaitRule.UNTIL_HELD),
    overtaking=tuple(a.value for a, handler in HANDLERS.items() if handler.overtakes),
)
"""What later deliveries do not wait for, as the store claims by it."""
