"""An order's history in plain words: what each event says, and why it happened. Pure.

Every kind of event has its sentence here. An unknown kind, from a newer version or a plugin, is told by its name
and its facts, so nothing of a history is ever left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from olhubd.model import Action, Cause, Delivery, DeliveryState, Event, Money, Run

__all__ = ["KINDS", "action", "still_open", "tell", "why"]

Facts = Mapping[str, Any]

_ACTIONS = {
    Action.PUSH_ORDER: "send the order",
    Action.SET_STATUS: "set the status",
    Action.SET_PAYMENT: "record the payment",
    Action.ADD_SHIPMENT: "add the parcel",
    Action.CANCEL_ORDER: "cancel the order",
}
_FEEDS = {
    "orders": "the feed of orders",
    "orders.sweep": "the sweep, which looks for what the feed never told,",
    "orders.again": "a second reading",
}
_PEOPLE = {"token": "by a program with the token", "dashboard": "by somebody at the dashboard"}
_TRIGGERS = {"timer": "on time", "manual": "asked for by hand", "start": "the first one"}


def action(delivery: Delivery) -> str:
    """What a delivery is to do: "send the order to shop-pl"."""
    return _action(delivery.action.value, delivery.target)


def _action(word: str, target: object) -> str:
    what = next((told for known, told in _ACTIONS.items() if known == word), word)
    return f"{what} {'to' if word in (Action.PUSH_ORDER, Action.ADD_SHIPMENT) else 'at'} {target}"


def _money(value: object) -> str:
    if not isinstance(value, Mapping):
        return str(value)
    return str(Money(Decimal(str(value["amount"])), str(value["currency"])))


def _because(facts: Facts) -> str:
    return f": {facts['reason']}" if facts.get("reason") else ""


def _delivery(facts: Facts) -> str:
    number = f"delivery {facts['delivery']}" if "delivery" in facts else "a delivery"
    if "action" in facts:
        return f"{number} ({_action(facts['action'], facts.get('target', '?'))})"
    return f"{number} to {facts['target']}" if "target" in facts else number


def _placed(facts: Facts) -> str:
    lines = facts["lines"]
    many = "1 line" if lines == 1 else f"{lines} lines"
    return f"the order was seen for the first time: {many}, {_money(facts['total'])}, {facts['external_stage']}"


def _fulfilment(facts: Facts) -> str:
    word = f' (there: "{facts["external_word"]}")' if facts.get("external_word") else ""
    return f"the seller's progress went from {facts['old']} to {facts['new']}{word}"


def _copy_status(facts: Facts) -> str:
    before = f'from "{facts["old"]}" ' if facts.get("old") else ""
    return f'at {facts["target"]} its status went {before}to "{facts["new"]}"'


def _doubled(facts: Facts) -> str:
    return f"at {facts['target']} a second order carries our mark: {facts['other']} beside {facts['known']}"


def _confirmed(facts: Facts) -> str:
    there = f", there it is {facts['external_id']}" if facts.get("external_id") else ""
    number = (
        f" with number {facts['number']}" if facts.get("number") not in (None, facts.get("external_id")) else ""
    )
    found = ", found by looking it up after an answer was lost" if facts.get("looked_up") else ""
    free = f"; without product there: {', '.join(facts['unlinked'])}" if facts.get("unlinked") else ""
    return f"{_delivery(facts)} was confirmed{there}{number}{found}{free}"


KINDS: Mapping[str, Callable[[Facts], str]] = {
    "order.placed": _placed,
    "order.confirmed": lambda f: f"the order is complete ({f['external_stage']})",
    "order.paid": lambda f: f"it is fully paid: {_money(f['amount'])}",
    "order.payment-changed": lambda f: (
        f"the money received went from {_money(f['old'])} to {_money(f['new'])} of {_money(f['total'])}"
    ),
    "order.address-changed": lambda f: "an address was changed",
    "order.invoice-changed": lambda f: "the invoice data were changed",
    "order.lines-changed": lambda f: (
        f"its lines were changed: the total went from {_money(f['old_total'])} to {_money(f['new_total'])}"
    ),
    "order.lines-moved": lambda f: f"{len(f['lines'])} of its lines now belong to order {f['to']}",
    "order.cancelled": lambda f: f"the order was cancelled ({f['external_word']})",
    "order.reopened": lambda f: f"the order is not cancelled any more ({f['external_stage']})",
    "order.superseded": lambda f: f"order {f['by']} took over all of its lines: the buyer put purchases together",
    "order.fulfilment-changed": _fulfilment,
    "order.stage-unknown": lambda f: f'its stage is a word that is not known here, "{f["external_stage"]}"',
    "order.shipped": lambda f: f"a parcel is on its way: {f['carrier']} {f['waybill']}",
    "order.amended": lambda f: "something else about it was changed, a note or a delivery time",
    "order.vanished": lambda f: "its source says that there is no such order",
    "copy.status-changed": _copy_status,
    "copy.shipped": lambda f: f"at {f['target']} a parcel was registered: {f['carrier']} {f['waybill']}",
    "copy.doubled": _doubled,
    "delivery.confirmed": _confirmed,
    "delivery.delayed": lambda f: f"{_delivery(f)} did not work at once and is tried again{_because(f)}",
    "delivery.held": lambda f: f"{_delivery(f)} waits for a person{_because(f)}",
    "delivery.refused": lambda f: f"{_delivery(f)} was refused for good{_because(f)}",
    "delivery.dropped": lambda f: f"{_delivery(f)} is not needed any more{_because(f)}",
    "delivery.released": lambda f: f"{_delivery(f)} was let go: it is tried again",
    "delivery.discarded": lambda f: f"{_delivery(f)} was given up{_because(f)}",
    "delivery.accepted": lambda f: f"{_delivery(f)} was accepted as it is at the target",
    "account.parked": lambda f: f"the account was parked{_because(f)}",
    "account.paused": lambda f: f"the account was paused{_because(f)}",
    "account.resumed": lambda f: "the account works again",
    "account.signed-in": lambda f: "somebody signed in to the account",
}
"""The sentence of each kind of event, made from its facts."""


def tell(event: Event, deliveries: Iterable[Delivery] = ()) -> str:
    """What happened. `deliveries` are those of the order, for what the event itself does not say of one."""
    facts: dict[str, Any] = msgspec.json.decode(event.data)
    if event.cause.kind == "delivery":
        facts.setdefault("delivery", event.cause.id)
    for delivery in deliveries:
        if str(delivery.id) == str(facts.get("delivery")):
            facts = {"action": delivery.action.value, "target": delivery.target, **facts}
    sentence = KINDS.get(event.kind)
    if sentence is not None:
        try:
            text = sentence(facts)
        except (KeyError, TypeError, ValueError, ArithmeticError):
            pass  # facts of another version
        else:
            return f"{event.account}: {text}" if event.kind.startswith("account.") else text
    told = ", ".join(f"{name} {value}" for name, value in facts.items())
    return f"{event.kind}: {told}" if told else event.kind


def why(cause: Cause, runs: Mapping[int, Run]) -> str:
    """Who or what caused it. `runs` are those known by their ids."""
    match cause.kind:
        case "run":
            run = runs.get(int(cause.id)) if cause.id.isdecimal() else None
            if run is None:
                return f"told by run {cause.id}"
            feed = _FEEDS.get(run.feed, f"the feed {run.feed}")
            return f"told by {feed} of {run.account} (run {run.id}, {_TRIGGERS.get(run.trigger, run.trigger)})"
        case "delivery":
            return f"the outcome of delivery {cause.id}"
        case "operator":
            return _PEOPLE.get(cause.id, f"by {cause.id}")
        case "start":
            return "by olhubd itself"
        case "event":
            return f"because of event {cause.id}"
    return f"because of {cause}"


def still_open(deliveries: Iterable[Delivery]) -> list[str]:
    """What of an order is not settled, each with the way on."""
    return [text for delivery in deliveries if (text := _open(delivery))]


def _open(delivery: Delivery) -> str | None:
    what = f"delivery {delivery.id} ({action(delivery)})"
    match delivery.state:
        case DeliveryState.PENDING:
            return f"{what} is owed since {delivery.created_at:%Y-%m-%d %H:%M:%S} UTC and goes when its turn comes"
        case DeliveryState.SENT:
            error = f": {delivery.error}" if delivery.error else ""
            return f"{what} is under way, or its outcome is not known and is being looked up{error}"
        case DeliveryState.RETRY:
            due = f"{delivery.due_at:%Y-%m-%d %H:%M:%S} UTC"
            return f"{what} failed {delivery.attempts} times and is tried again at {due}: {delivery.error}"
        case DeliveryState.HOLD:
            ways = [f"release {delivery.id}", f"discard {delivery.id}"]
            if delivery.external_id is not None:
                ways.insert(0, f"accept {delivery.id}")
            return f"{what} waits for a person: {delivery.reason}. Then: olhubd deliveries {' | '.join(ways)}"
        case DeliveryState.DEAD:
            again = f"To try it all the same: olhubd deliveries retry {delivery.id}"
            return f"{what} was given up: {delivery.reason or delivery.error}. {again}"
    return None
