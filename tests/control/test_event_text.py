"""Every kind of event has its sentence, and no history is too strange to be told."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from olhubd.control.text import event_text
from olhubd.control.text.formatter import Formatter
from olhubd.decide import changes
from olhubd.decide.changes import Change
from olhubd.engine.outbox.actions import HANDLERS
from olhubd.model import (
    Action,
    Cause,
    Delivery,
    DeliveryId,
    DeliveryState,
    Event,
    EventId,
    Fulfilment,
    Money,
    Reason,
    Run,
    RunId,
    Stage,
    Subject,
)
from olhubd.store import codec
from tests.text.catalogues import texts

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SOURCES = Path(event_text.__file__).parents[2]
PLN = Money(Decimal("12.5"), "PLN")
CHANGES: list[Change] = [
    changes.Placed(total=PLN, lines=2, stage=Stage.CONFIRMED, external_stage="READY"),
    changes.Confirmed(external_stage="READY"),
    changes.Paid(amount=PLN),
    changes.PaymentChanged(old=PLN, new=PLN, total=PLN),
    changes.AddressChanged(),
    changes.InvoiceChanged(),
    changes.LinesChanged(old_total=PLN, new_total=PLN),
    changes.LinesMoved(lines=("a", "b"), to="other"),
    changes.Cancelled(external_word="BUYER_CANCELLED"),
    changes.Reopened(external_stage="READY"),
    changes.Superseded(by="other"),
    changes.FulfilmentChanged(old=Fulfilment.NEW, new=Fulfilment.SENT, external_word="SENT"),
    changes.Forwarded(target="shop"),
    changes.NoteChanged(),
    changes.OwnStatusChanged(new="packed"),
    changes.OrderEdited(
        what=("recipient", "lines"),
        lines=(
            changes.LineChange(line="1", old_quantity=1, new_quantity=2, old_price=PLN, new_price=PLN),
            changes.LineChange(line="olhubd:1-1", new_quantity=1, new_price=PLN, new_name="Mug"),
        ),
        old_total=PLN,
        new_total=Money(Decimal(25), "PLN"),
        stays=("shop",),
    ),
    changes.EditContested(what=("lines",), old_total=PLN, new_total=Money(Decimal(25), "PLN")),
    changes.PaymentBooked(booking=1, amount=PLN, old=Money(Decimal(0), "PLN"), new=PLN),
    changes.StageUnknown(external_stage="STRANGE"),
    changes.Shipped(carrier="DPD", waybill="123"),
    changes.Amended(),
    changes.DeliveryChanged(what=("shipping.method", "payment.type")),
    changes.Vanished(),
    changes.CopyStatusChanged(target="shop", new="done"),
    changes.CopyCancelled(target="shop", status="cancelled"),
    changes.CopyReopened(target="shop", status="processing"),
    changes.CopyShipped(target="shop", carrier="DPD", waybill="123"),
    changes.CopyDoubled(target="shop", known="1", other="2"),
    changes.CopyFound(target="shop", external_id="7"),
    changes.CopyTotalChanged(target="shop", old=Money(Decimal("83.98"), "PLN"), new=Money(Decimal("44.98"), "PLN")),
    changes.CopyRefunded(target="shop", amount="39.00"),
    changes.StockCounted(old=3, new=5),
    changes.ProductChanged(what=("name", "ean")),
    changes.ProductGone(),
    changes.ProductReturned(),
    changes.PriceChanged(price_list="default", old=PLN, new=PLN),
]


def event(kind: str, data: Any) -> Event:
    return Event(
        id=EventId(1),
        at=AT,
        kind=kind,
        account="market",
        cause=Cause("run", "7"),
        data=msgspec.Raw(msgspec.json.encode(data)),
    )


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.kind)
def test_each_change_has_its_sentence(change: Change) -> None:
    text = event_text.tell(event(change.kind, change))
    assert change.kind not in text, "it is told by its name only"
    assert "{" not in text


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.kind)
def test_each_change_has_its_polish_sentence(change: Change) -> None:
    """Nothing of the English one is left over: what stands in it is said in Polish too."""
    text, english = (
        event_text.tell(event(change.kind, change), voice=Formatter("pl")),
        event_text.tell(event(change.kind, change)),
    )
    assert change.kind not in text
    assert "{" not in text
    assert text != english


def test_no_change_is_without_a_sentence() -> None:
    kinds = {kind.kind for kind in Change.__subclasses__() if kind.__module__.startswith("olhubd.")}
    assert kinds == {change.kind for change in CHANGES}
    assert kinds <= texts("events", "en").keys()


_CALLS = {"event", "note", "outcome", "end", "_steer"}
"""Functions that write an event, or say which one is to be written."""


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _written() -> tuple[set[str], set[str]]:
    """The dotted names that the hub has in its text, and those of them that it writes as events for certain."""
    dotted = re.compile(r"[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*")
    every: set[str] = set()
    certain = {kind.kind for kind in Change.__subclasses__() if kind.__module__.startswith("olhubd.")}
    for folder in ("engine", "control", "decide"):
        for path in (SOURCES / folder).rglob("*.py"):
            if "dashboard" in path.parts:
                continue
            tree = ast.parse(path.read_text(encoding="utf-8"))
            every.update(filter(dotted.fullmatch, _texts(tree)))
            for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
                if ast.unparse(call.func).rpartition(".")[2] in _CALLS:
                    said = [
                        *call.args[:4],
                        *(word.value for word in call.keywords if word.arg in ("event", "kind")),
                    ]
                    certain.update(text for one in said for text in _texts(one) if dotted.fullmatch(text))
    return every, certain


def test_no_event_that_is_written_is_without_a_sentence() -> None:
    """Every dotted name that begins as one does which the hub surely writes, so that a new kind cannot escape."""
    every, certain = _written()
    begins = {name.partition(".")[0] for name in certain | event_text.SEVERITIES.keys()}
    assert {"account", "alarm", "copy", "delivery", "order", "record", "stock", "token"} <= begins
    written = {name for name in every if name.partition(".")[0] in begins}
    assert {"delivery.held", "account.parked", "account.signed-in", "alarm.raised", "token.created"} <= written
    assert sorted(written - texts("events", "en").keys() - texts("reasons", "en").keys()) == []


def test_what_is_grave_is_a_kind_that_is_told() -> None:
    assert event_text.SEVERITIES.keys() <= texts("events", "en").keys()


def test_each_action_has_its_sentence() -> None:
    """A new one would be told by its name, which is English."""
    assert [action for action in Action if f"do.{action.value}" not in texts("events", "en")] == []
    assert [one.unable for one in HANDLERS.values() if one.unable not in texts("reasons", "en")] == []


def test_a_reason_among_the_facts_is_said_in_the_language_of_who_reads() -> None:
    """By its code and values beside it; what another system answered, and what an earlier version wrote, stays."""
    facts = {"delivery": 3, "target": "shop", "reason": Reason("route.gone", account="a", target="b")}
    held = event("delivery.held", msgspec.Raw(codec.facts(facts)))
    assert event_text.tell(held) == "delivery 3 to shop waits for a person: no route leads from a to b any more"
    assert event_text.tell(held, voice=Formatter("pl")) == (
        "przekazanie 3 do shop: czeka na człowieka: żadna trasa nie prowadzi już z a do b"
    )
    for text in ("422 Unprocessable: nope", "no route leads from a to b any more"):
        told = event_text.tell(
            event("delivery.held", {"delivery": 3, "target": "shop", "reason": text}), voice=Formatter("pl")
        )
        assert told == f"przekazanie 3 do shop: czeka na człowieka: {text}"


def test_what_is_not_known_is_told_by_its_name() -> None:
    assert event_text.tell(event("order.blessed", {"by": "a plugin"})) == "order.blessed: by a plugin"
    assert event_text.tell(event("order.paid", {"sum": 3})) == "order.paid: sum 3"


def test_money_is_told_in_whole_grosze() -> None:
    assert event_text.tell(event("order.paid", changes.Paid(amount=PLN))) == "it is fully paid: 12.50 PLN"


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (Cause("run", "7"), "told by the feed of orders of market (run 7, asked for by hand)"),
        (Cause("run", "8"), "told by run 8"),
        (Cause("delivery", "3"), "the outcome of delivery 3"),
        (Cause("operator", "ewa"), "by ewa"),
        (Cause("operator", "token"), "by a program with the token"),
        (Cause("start", "hub"), "by olhubd itself"),
        (Cause("event", "4"), "because of event 4"),
        (Cause("rule", "silence"), "found by the check for silence"),
        (Cause("moon", "full"), "because of moon full"),
    ],
    ids=str,
)
def test_causes_are_told(cause: Cause, words: str) -> None:
    run = Run(id=RunId(7), account="market", feed="orders", trigger="manual", started_at=AT)
    assert event_text.why(cause, {7: run}) == words


@pytest.mark.parametrize("state", list(DeliveryState), ids=str)
def test_what_is_open_has_a_way_on(state: DeliveryState) -> None:
    delivery = Delivery(
        id=DeliveryId(5),
        subject=Subject.order(1),
        target="shop",
        action=Action.PUSH_ORDER,
        key="",
        state=state,
        event_id=EventId(1),
        created_at=AT,
        due_at=AT,
        attempts=3,
        reason="no such product",
        error="no answer",
        external_id="501",
    )
    told = event_text.still_open([delivery])
    assert bool(told) is (state.open or state in (DeliveryState.DEAD, DeliveryState.DISCARDED))
    if state is DeliveryState.HOLD:
        assert "no such product" in told[0]
        assert "accept 5 | release 5 | retry 5 | discard 5" in told[0]
