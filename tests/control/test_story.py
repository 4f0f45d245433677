"""Every kind of event has its sentence, and no history is too strange to be told."""

from __future__ import annotations

import ast
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from string import Formatter
from typing import Any

import msgspec
import pytest

from olhubd.control import story
from olhubd.control.sentences import ENGLISH, Voice, en, pl, reasons
from olhubd.control.sentences.voice import SENTENCES
from olhubd.decide import changes
from olhubd.decide.changes import Change
from olhubd.engine.outbox import actions, attempt
from olhubd.engine.outbox.actions import amend_order
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
    Run,
    RunId,
    Stage,
    Subject,
)

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SOURCES = Path(story.__file__).parent.parent
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
    changes.Noted(),
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
    text = story.tell(event(change.kind, change))
    assert change.kind not in text, "it is told by its name only"
    assert "{" not in text


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.kind)
def test_each_change_has_its_polish_sentence(change: Change) -> None:
    """Nothing of the English one is left over: what stands in it is said in Polish too."""
    text, english = (
        story.tell(event(change.kind, change), voice=Voice("pl")),
        story.tell(event(change.kind, change)),
    )
    assert change.kind not in text
    assert "{" not in text
    assert text != english


def test_no_change_is_without_a_sentence() -> None:
    kinds = {kind.kind for kind in Change.__subclasses__()}
    assert kinds == {change.kind for change in CHANGES}
    assert kinds <= en.SENTENCES.keys()


def test_no_event_that_is_written_is_without_a_sentence() -> None:
    """Every dotted name that the hub writes is searched for in its own text."""
    word = re.compile(r"(account|alarm|copy|daemon|delivery|order|record|token)\.[a-z-]+")
    written = {
        node.value
        for folder in ("engine", "control", "decide")
        for path in (SOURCES / folder).rglob("*.py")
        if not {"dashboard", "sentences"} & set(path.parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and word.fullmatch(node.value)
    }
    assert {"delivery.held", "account.parked", "account.signed-in", "alarm.raised", "token.created"} <= written
    assert sorted(written - en.SENTENCES.keys()) == []


def test_what_is_grave_is_a_kind_that_is_told() -> None:
    assert story.SEVERITIES.keys() <= en.SENTENCES.keys()


def test_each_action_has_its_sentence() -> None:
    """A new one would be told by its name, which is English."""
    assert [action for action in Action if f"do.{action.value}" not in en.SENTENCES] == []


def test_every_language_says_the_same() -> None:
    def places(value: str | tuple[str, ...]) -> set[str | None]:
        texts = value if isinstance(value, tuple) else (value,)
        return {name for text in texts for _, name, _, _ in Formatter().parse(text) if name is not None}

    for language, sentences in SENTENCES.items():
        assert sentences.keys() == en.SENTENCES.keys(), language
        for key, value in en.SENTENCES.items():
            assert places(value) == places(sentences[key]), (language, key)
    assert [pl.form(number) for number in (1, 2, 4, 5, 12, 22, 112, 0)] == [0, 1, 1, 2, 2, 1, 2, 2]


def _templates(path: Path) -> set[str]:
    """The texts of a module, with `{}` for what they are filled with."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            found.add("".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return found


def test_reasons_are_those_that_the_hub_writes() -> None:
    """A sentence that was changed in the engine and not in the table would silently stay English."""
    written = set().union(*(_templates(path) for path in SOURCES.rglob("*.py") if "sentences" not in path.parts))
    tail = next(text[2:] for text in written if text.startswith("{} changed after the order went on"))
    written |= {f"{changed}{tail}" for changed in (*amend_order.AMENDMENTS.values(), "something")}
    # Of two parts each, and in a statement of the store.
    written |= {
        f"{{}}: {said}" for said in written if said.startswith(("the records ", "the cursor ", "the failure "))
    }
    written |= {re.sub(r"^(pull|sweep): ", "{}: ", said) for said in written}
    written |= {
        "no product for {}",
        "sign-in lost: {}",
        "its key is refused: {}",
        "blocked: {}",
        "the daemon ended",
    }
    written |= {"{} is paused: {}", "{} is parked: {}", "{} hours", "{} minutes", "{}: warning: {}"}
    written |= {"{} on hold and {} given up", "{}: {} not in the hub ({})", "{}: {} not at the source ({})"}
    written |= {"{}: {} not in the hub and {} not at the source ({})", "{} in quarantine (olhubd quarantine)"}
    written |= {text for text in reasons.REASONS["pl"] if text.startswith("{} owed ")}
    # Those of msgspec, which the endpoint tells with the name of the field.
    told = re.compile(r"{}: (expected |invalid |object |must be {}$)")
    written |= {text for text in reasons.REASONS["pl"] if told.match(text)}
    for known in reasons.REASONS.values():
        assert sorted(known.keys() - written) == []
        assert [key for key, value in known.items() if key.count("{}") != value.count("{}")] == []


def test_reasons_of_held_deliveries_are_told_in_polish() -> None:
    """All that the attempt and its handlers write; what a target answered stays in its words."""
    paths = [Path(attempt.__file__), *Path(actions.__file__).parent.glob("*.py")]
    ours = {
        "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        for path in paths
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.JoinedStr)
    }
    ours |= {handler.unable for handler in actions.HANDLERS.values()}
    sentences = {text for text in ours if len(text.replace("{}", "").split()) >= 3}
    assert len(sentences) >= 8
    plain = re.compile(r"\{\} changed after the order went on|\(the target has")
    assert [
        text for text in sorted(sentences) if not plain.search(text) and text not in reasons.REASONS["pl"]
    ] == []
    voice = Voice("pl")
    assert voice.reason("no route leads from a to b any more") == "żadna trasa nie prowadzi już z a do b"
    assert voice.reason("422 Unprocessable: nope") == "422 Unprocessable: nope"
    assert ENGLISH.reason("no route leads from a to b any more") == "no route leads from a to b any more"


def test_what_is_not_known_is_told_by_its_name() -> None:
    assert story.tell(event("order.blessed", {"by": "a plugin"})) == "order.blessed: by a plugin"
    assert story.tell(event("order.paid", {"sum": 3})) == "order.paid: sum 3"


def test_money_is_told_in_whole_grosze() -> None:
    assert story.tell(event("order.paid", changes.Paid(amount=PLN))) == "it is fully paid: 12.50 PLN"


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
    assert story.why(cause, {7: run}) == words


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
    told = story.still_open([delivery])
    assert bool(told) is (state.open or state in (DeliveryState.DEAD, DeliveryState.DISCARDED))
    if state is DeliveryState.HOLD:
        assert "no such product" in told[0]
        assert "accept 5 | release 5 | retry 5 | discard 5" in told[0]
