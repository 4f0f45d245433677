"""A history in plain words: what each event says, how grave it is, and why it happened. Pure.

An event gives a sentence's key, which is its kind, and the values for the sentence's places, mostly its own facts;
the catalogue `events` of `olhubd.text` has the sentences. So a new kind of event needs its sentence there, and
something here only when its facts are not said as they are. An unknown kind, from a newer version or a plugin, is
shown by its name and its facts, so nothing of a history is ever left out.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec

from olhubd.control.text.formatter import ENGLISH, CountedNoun, Formatter, TextPart
from olhubd.model import Action, Cause, Delivery, DeliveryState, Event, Run

__all__ = ["SEVERITIES", "Severity", "action", "severity", "still_open", "tell", "why"]

Facts = Mapping[str, Any]


class Severity(enum.StrEnum):
    """How grave an entry of the journal is."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


SEVERITIES: Final[Mapping[str, Severity]] = {
    "account.parked": Severity.ERROR,
    "account.paused": Severity.WARNING,
    "account.taken-back": Severity.WARNING,
    "account.taken-over": Severity.ERROR,
    "alarm.raised": Severity.WARNING,
    "copy.cancelled": Severity.WARNING,
    "copy.doubled": Severity.ERROR,
    "copy.refunded": Severity.WARNING,
    "copy.reopened": Severity.WARNING,
    "copy.total-changed": Severity.WARNING,
    "delivery.delayed": Severity.WARNING,
    "delivery.discarded": Severity.WARNING,
    "delivery.held": Severity.WARNING,
    "delivery.refused": Severity.ERROR,
    "order.edit-contested": Severity.WARNING,
    "order.stage-unknown": Severity.WARNING,
    "order.vanished": Severity.WARNING,
    "record.discarded": Severity.WARNING,
    "stranger.discarded": Severity.WARNING,
    "run.failed": Severity.ERROR,
    "run.lost": Severity.WARNING,
}
"""The kinds that are more than information."""

_HOLDERS = {"token:": "by.token-named", "dashboard:": "by.dashboard-named"}


def severity(kind: str) -> Severity:
    return SEVERITIES.get(kind, Severity.INFO)


def action(delivery: Delivery, voice: Formatter = ENGLISH) -> str:
    """What a delivery is to do: "send the order to shop-pl"."""
    return voice.say(_action(delivery.action.value, delivery.target, voice))


def _action(word: str, target: object, voice: Formatter) -> TextPart:
    if voice.knows(f"do.{word}"):
        return TextPart(f"do.{word}", {"target": target})
    return TextPart("do", {"action": word, "target": target})


def _because(reason: str | None, voice: Formatter) -> TextPart | None:
    return TextPart("because", {"reason": voice.reason(reason)}) if reason else None


def _why_so(facts: Facts, voice: Formatter) -> TextPart | None:
    return TextPart("because", {"reason": voice.reason_in(facts, "reason")}) if facts.get("reason") else None


def _delivery(facts: Facts, voice: Formatter) -> TextPart:
    one = TextPart("delivery", {"id": facts["delivery"]}) if "delivery" in facts else TextPart("delivery.some")
    if "action" in facts:
        return TextPart(
            "delivery.doing", {"delivery": one, "what": _action(facts["action"], facts.get("target"), voice)}
        )
    return TextPart("delivery.to", {"delivery": one, "target": facts["target"]}) if "target" in facts else one


def _settled(facts: Facts) -> dict[str, object]:
    """What is said of an order that a target has."""
    there, number, free = facts.get("external_id"), facts.get("number"), facts.get("unlinked")
    return {
        "there": TextPart("there", {"external_id": there}) if there else None,
        "number": TextPart("number", {"number": number}) if number not in (None, there) else None,
        "found": TextPart("found-earlier" if facts.get("earlier") else "found") if facts.get("looked_up") else None,
        "free": TextPart("free", {"names": free}) if free else None,
        "cut": TextPart("cut", {"fields": facts["cut"]}) if facts.get("cut") else None,
        "differs": TextPart("differs", facts) if "expected" in facts else None,
    }


def _fulfilment(facts: Facts, voice: Formatter) -> dict[str, object]:
    word = facts.get("external_word")
    return {
        "old": voice.word("fulfilment", facts["old"]),
        "new": voice.word("fulfilment", facts["new"]),
        "there": TextPart("word-there", {"word": word}) if word else None,
    }


def _edited(facts: Facts, voice: Formatter) -> dict[str, object]:
    lines = [_line(one) for one in facts.get("lines", ())]
    sums = facts["old_total"] != facts["new_total"]
    return {
        "what": [voice.word("part", part) for part in facts["what"]],
        "lines": TextPart("edit.lines", {"lines": "; ".join(lines)}) if lines else None,
        "sums": TextPart("edit.sums", facts) if sums else None,
        "stays": TextPart("edit.stays", {"targets": facts["stays"]}) if facts.get("stays") else None,
    }


def _line(change: Facts) -> str:
    """What was edited of one line, in figures and names alone: they are the same in every language."""
    old, new = _row(change, "old"), _row(change, "new")
    if new is None:
        return f"- {change['line']}: {old}"
    return f"+ {change['line']}: {new}" if old is None else f"{change['line']}: {old} → {new}"


def _row(change: Facts, when: str) -> str | None:
    quantity, price, name = (change.get(f"{when}_{what}") for what in ("quantity", "price", "name"))
    if quantity is None or price is None:
        return None
    sum_ = f"{quantity} × {price['amount']} {price['currency']}"
    return f"{name}, {sum_}" if name else sum_


_UNDONE: Final = {"order.edited": "order.edit-undone", "order.payment-booked": "order.payment-unbooked"}
"""The sentences of what a person took back."""


_PLACES: Final[Mapping[str, Callable[[Facts, Formatter], Mapping[str, object]]]] = {
    "alarm.cleared": lambda f, v: {"detail": v.reason_in(f, "detail")},
    "alarm.raised": lambda f, v: {"detail": v.reason_in(f, "detail")},
    "account.fetched": lambda f, _: {"run": TextPart("run", f) if f.get("run") else None},
    "copy.status-changed": lambda f, _: {"before": TextPart("before", f) if f.get("old") else None},
    "delivery.adopted": lambda f, _: _settled(f),
    "delivery.confirmed": lambda f, _: _settled(f),
    "order.edit-contested": _edited,
    "order.edit-undone": _edited,
    "order.edited": _edited,
    "order.fulfilment-changed": _fulfilment,
    "order.lines-moved": lambda f, _: {"lines": CountedNoun("lines", len(f["lines"]))},
    "order.own-status-changed": lambda f, _: {"old": f.get("old") or "–", "new": f.get("new") or "–"},
    "order.placed": lambda f, _: {"lines": CountedNoun("lines", f["lines"])},
}
"""The values for a sentence's places where they are not the facts themselves."""


def tell(event: Event, deliveries: Iterable[Delivery] = (), voice: Formatter = ENGLISH) -> str:
    """What happened. `deliveries` are those of the order, for what the event itself does not say of one."""
    facts: dict[str, Any] = msgspec.json.decode(event.data)
    if event.cause.kind == "delivery":
        facts.setdefault("delivery", event.cause.id)
    for delivery in deliveries:
        if str(delivery.id) == str(facts.get("delivery")):
            facts = {"action": delivery.action.value, "target": delivery.target, **facts}
    kind = "order.note-removed" if event.kind == "order.noted" and facts.get("removed") else event.kind
    if facts.get("undone"):
        kind = _UNDONE.get(kind, kind)
    if voice.knows(kind):
        try:
            text = voice.say(TextPart(kind, _places(kind, facts, voice)))
        except (KeyError, TypeError, ValueError, ArithmeticError):
            pass  # facts of another version
        else:
            if not kind.startswith(("account.", "record.", "run.")):
                return text
            return voice.say(TextPart("of-account", {"account": event.account, "told": text}))
    told = ", ".join(f"{name} {value}" for name, value in facts.items() if not name.endswith(("_code", "_values")))
    return f"{event.kind}: {told}" if told else event.kind


def _places(kind: str, facts: Facts, voice: Formatter) -> dict[str, object]:
    places: dict[str, object] = {**facts, "because": _why_so(facts, voice)}
    if kind.startswith("delivery."):
        places["delivery"] = _delivery(facts, voice)
    if kind.startswith("run."):
        places["feed"] = _feed(facts["feed"], voice)
    if kind in _PLACES:
        places.update(_PLACES[kind](facts, voice))
    return places


def why(cause: Cause, runs: Mapping[int, Run], voice: Formatter = ENGLISH) -> str:
    """Who or what caused it. `runs` are those known by their ids."""
    return voice.say(_why(cause, runs, voice))


def _why(cause: Cause, runs: Mapping[int, Run], voice: Formatter) -> TextPart:
    match cause.kind:
        case "run":
            run = runs.get(int(cause.id)) if cause.id.isdecimal() else None
            if run is None:
                return TextPart("why.some-run", {"run": cause.id})
            places = {"account": run.account, "run": run.id, "trigger": voice.word("trigger", run.trigger)}
            return TextPart("why.run", {**places, "feed": _feed(run.feed, voice)})
        case "delivery":
            return TextPart("why.delivery", {"id": cause.id})
        case "operator":
            return _by(cause.id, voice)
        case "start":
            return TextPart("why.start")
        case "rule":
            return TextPart("why.rule", {"rule": cause.id})
        case "event":
            return TextPart("why.event", {"id": cause.id})
    return TextPart("why.other", {"kind": cause.kind, "id": cause.id})


def _feed(name: str, voice: Formatter) -> TextPart:
    return TextPart(f"feed.{name}") if voice.knows(f"feed.{name}") else TextPart("feed", {"name": name})


def _by(who: str, voice: Formatter) -> TextPart:
    """A person, or a program with a token."""
    for prefix, key in _HOLDERS.items():
        if who.startswith(prefix):
            return TextPart(key, {"name": who.removeprefix(prefix)})
    return TextPart(f"by.{who}") if voice.knows(f"by.{who}") else TextPart("by", {"who": who})


def still_open(deliveries: Iterable[Delivery], voice: Formatter = ENGLISH) -> list[str]:
    """What of an order is not settled, each with the way on."""
    return [voice.say(part) for delivery in deliveries if (part := _open(delivery, voice))]


def _open(delivery: Delivery, voice: Formatter) -> TextPart | None:
    number = TextPart("delivery", {"id": delivery.id})
    doing = _action(delivery.action.value, delivery.target, voice)
    what = TextPart("delivery.doing", {"delivery": number, "what": doing})
    match delivery.state:
        case DeliveryState.PENDING:
            return TextPart("open.pending", {"what": what, "since": delivery.created_at})
        case DeliveryState.SENT if delivery.ticket is not None:
            return TextPart("open.submitted", {"what": what, "because": _because(delivery.error, voice)})
        case DeliveryState.SENT:
            return TextPart("open.sent", {"what": what, "because": _because(delivery.error, voice)})
        case DeliveryState.RETRY:
            places = {"what": what, "attempts": delivery.attempts, "due": delivery.due_at}
            return TextPart("open.retry", {**places, "because": _because(delivery.error, voice)})
        case DeliveryState.HOLD:
            ways = [f"{way} {delivery.id}" for way in ("release", "retry", "discard")]
            if delivery.external_id is not None:
                ways.insert(0, f"accept {delivery.id}")
            elif delivery.action is Action.PUSH_ORDER:
                ways.insert(2, f"adopt {delivery.id} NUMBER")
            because = _because(delivery.reason, voice)
            return TextPart("open.hold", {"what": what, "because": because, "ways": " | ".join(ways)})
        case DeliveryState.DEAD | DeliveryState.DISCARDED:
            because = _because(delivery.reason or delivery.error, voice)
            return TextPart("open.dead", {"what": what, "because": because, "id": delivery.id})
    return None
