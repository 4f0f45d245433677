"""The Polish pages are Polish: walked with every kind of event, and what the hub says has its translation."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import olhubd.control
import olhubd.decide
import olhubd.engine
from olhubd.control.text.formatter import Formatter
from olhubd.decide import alarm_rules
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import AlarmKind, Cause, Kind, Reason, Reconciliation, Scope, Subject
from olhubd.plugin import AuthLost
from olhubd.store import Transaction, quarantine, reconciliations
from tests.control.dashboard.browser import Browser
from tests.control.dashboard.test_pages import PAGES, hold
from tests.control.house import House
from tests.text.catalogues import texts

ENGLISH = {
    "the", "is", "was", "not", "of", "and", "with", "are", "has", "have", "cannot", "this", "that", "there", "from",
    "which", "were", "been", "be", "its", "it", "an", "or", "for", "at", "day", "order", "orders",
}  # fmt: skip
"""Words that an English sentence does not do without, and no Polish one has."""

ANOTHER_S = re.compile(r"(get|post|put|patch) /\S*: .*|journalctl.*|olhubd [\w-]+")
"""What another system answered, and commands."""
SOURCES = [Path(str(module.__file__)).parent for module in (olhubd.control, olhubd.decide, olhubd.engine)]
REFUSING = {"FetchRefused", "NotPossible", "Refusal", "TotalDiffers"}
NOT_SHOWN = {
    "a bearer token is needed": "to programs",
    "the bearer token is wrong, expired or revoked": "to programs",
    "too many wrong tokens came from there": "to programs; the login has a sentence of its own",
    "a page of another site may not do this": "to no person of ours",
    "log in first": "to the script",
    "after: there is no event {} yet, the newest is {}: {}": "to programs",
    "{} streams are open already": "to the script",
    "the body must be application/json": "to programs",
    "the body was not there within {} seconds": "to programs",
    "the body is not packed as its header says": "to programs",
    "the body is not JSON": "to programs",
    "the body is no form": "to no browser",
    "this endpoint has another name: add the one that was used to control.hosts if it is right": (
        "to who set up a proxy; nobody is logged in there"
    ),
    "the body is too large": "to programs",
    "{} is given more than once": "to programs",
    "{}: 1 to {} printable letters": "to programs, of an idempotency key",
    "the same is being done just now": "to programs, of an idempotency key",
    "something else was asked with this {}: take another": "to programs, of an idempotency key",
    "this was done; its answer was shown once and is not kept": "to programs, of an idempotency key",
    "{} is not possible here, only {}": "to programs",
    "there is nothing at {}": "to programs",
    "the configuration is wrong; the old one stays": "a reload is asked for from the command line",
    "level: must be one of {}": "the log level is set from the command line",
}
"""Refusals that no page tells, and to whom they are told."""


def text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def sentences() -> Iterator[str]:
    """What is raised for a person to read, and why something is not possible now, where it is a bare text."""
    for folder in SOURCES:
        for path in sorted(folder.rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for node in ast.walk(tree):
                if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in REFUSING:
                    yield from filter(None, map(text, node.args))
            if path.name in ("permitted.py", "alarm_rules.py", "identity.py"):
                inner = {
                    id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values
                }
                prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
                for node in ast.walk(tree):
                    if id(node) not in inner | prose and (said := text(node)):
                        yield said


def test_every_refusal_is_a_reason() -> None:
    """A sentence for people is a code with its text in each language, but where only programs read it."""
    said = {one for one in sentences() if len(re.sub(r"[^a-z ]", "", one).split()) >= 3}
    assert len(said) > 10
    assert sorted(said - NOT_SHOWN.keys()) == []


def test_details_of_alarms_are_said_in_polish() -> None:
    """Whole, with what stands in their places."""
    voice = Formatter("pl")
    days = [
        Reconciliation(
            id=1, account="a", day=date(2026, 1, 2), since=None, until=None,  # type: ignore[arg-type]
            source=3, hub=2, missing=1, surplus=0, names=("x",), looks=1, looked_at=None,  # type: ignore[arg-type]
        )
    ]  # fmt: skip
    for detail, polish in (
        (Reason("alarm.held-and-dead", held=2, dead=1), "wstrzymane: 2, porzucone: 1 (olhubd holds list)"),
        (
            Reason("alarm.feed", age=alarm_rules.span(timedelta(hours=3))),
            "ostatni odczyt 3 godz. temu: olhubd runs",
        ),
        (
            Reason("alarm.unchecked", age=alarm_rules.span(timedelta(days=4))),
            "jego zamówień nie porównano od 4 dni ze źródłem",
        ),
        (alarm_rules._difference(days), "2026-01-02: brak w hubie: 1 (x)"),
    ):
        assert voice.reason(detail) == polish


class _Spoken(HTMLParser):
    """The texts of a page that are in its own language."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._foreign = 0
        self._open: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag in ("input", "br", "img", "meta", "link", "path", "rect"):
            self._see(named)
            return
        foreign = named.get("lang") == "en" or tag in ("script", "style", "code", "textarea")
        self._open.append(foreign)
        self._foreign += foreign
        self._see(named)

    def _see(self, named: dict[str, str | None]) -> None:
        if not self._foreign:
            self.texts += [
                named[name] or "" for name in ("title", "aria-label", "placeholder", "alt") if name in named
            ]

    def handle_endtag(self, tag: str) -> None:
        if self._open:
            self._foreign -= self._open.pop()

    def handle_data(self, data: str) -> None:
        if not self._foreign:
            self.texts.append(data)


def english(page: str) -> list[str]:
    """The texts in which an English sentence must be."""
    parser = _Spoken()
    parser.feed(page)
    found = []
    for one in parser.texts:
        words = re.findall(r"[\w'-]+", ANOTHER_S.sub("", one.lower()))
        if len(ENGLISH & set(words)) >= 2 or {"the", "is", "was"} & set(words):
            found.append(" ".join(one.split()))
    return found


def test_english_is_noticed() -> None:
    assert english("<p>Nie ma: there is no order 4711</p>") == ["Nie ma: there is no order 4711"]
    assert english('<p title="it was not there">Nie ma</p>') == ["it was not there"]
    assert english('<p lang="en">there is no order</p><p>Zamówienie nie ma notatki.</p>') == []


FACTS: dict[str, Any] = {
    "detail_code": "run.daemon-ended", "detail_values": {}, "reason_code": "order.cancelled-before",
    "reason_values": {},
    "account": "market", "action": "push-order", "alarm": 1, "amount": {"amount": "1.00", "currency": "PLN"},
    "accounts": "shop", "by": "2", "carrier": "INPOST", "delivery": 1, "detail": "the daemon ended",
    "external_id": "1", "external_stage": "BOUGHT", "external_word": "NEW", "feed": "orders", "known": "1",
    "key": "interval", "kind": "hold", "level": "info", "lines": 2, "new": "sent",
    "new_total": {"amount": "2.00", "currency": "PLN"},
    "number": "5", "old": "new", "old_total": {"amount": "1.00", "currency": "PLN"}, "other": "2",
    "reason": "it was cancelled before it was sent", "run": 1, "scope": "read", "status": "completed",
    "subject": "market", "target": "shop", "title": "Rynek", "to": "3", "token": "till",
    "total": {"amount": "2.00", "currency": "PLN"}, "waybill": "1", "what": ["method"],
}  # fmt: skip
"""What any kind of event may tell."""
OTHERWISE: dict[str, dict[str, Any]] = {
    "order.lines-moved": {"lines": ["1"]},
    "order.edit-undone": {"what": ["lines"], "lines": [], "old_total": FACTS["total"], "new_total": FACTS["total"]},
    "order.payment-unbooked": {"old": FACTS["amount"], "new": FACTS["total"]},
    "order.edited": {
        "what": ["lines"],
        "lines": [],
        "stays": ["shop"],
        "old_total": FACTS["total"],
        "new_total": FACTS["total"],
    },
    "order.edit-contested": {
        "what": ["lines"],
        "lines": [],
        "old_total": FACTS["total"],
        "new_total": FACTS["total"],
    },
    "order.payment-booked": {"old": FACTS["amount"], "new": FACTS["total"]},
    "order.payment-changed": {"old": FACTS["amount"], "new": FACTS["total"]},
}


async def every_event(house: House, order: int) -> None:
    """One event of each kind that there is, with each kind of cause."""
    kinds = [
        key
        for key in texts("events", "en")
        if key.startswith(("order.", "copy.", "delivery.", "account.", "record."))
    ]
    kinds += [key for key in texts("events", "en") if key.startswith(("daemon.", "token.", "alarm.", "run."))]
    parts = {"delivery.some", "delivery.to", "delivery.doing", "order.note-removed"}
    causes = [
        Cause("run", "1"),
        Cause("delivery", "1"),
        Cause("operator", "dashboard:anna"),
        Cause("operator", "token"),
    ]
    causes += [Cause("start", ""), Cause("event", "1"), Cause("rule", "hold"), Cause("operator", "token:till")]

    async def work(tx: Transaction) -> None:
        for number, kind in enumerate(sorted(set(kinds) - parts)):
            recorder = Recorder(tx, house.clock.now(), causes[number % len(causes)])
            whose = Subject.order(order) if kind.startswith(("order.", "copy.", "delivery.")) else None
            await recorder.event(kind, "market", whose, {**FACTS, **OTHERWISE.get(kind, {})})
            await recorder.write(tx)

    await house.database.write(work)


async def trouble(house: House) -> None:
    """Alarms of every kind, a record in quarantine, a day that differs, a parked account."""
    now = house.clock.now()
    refused = quarantine.QuarantineDraft(
        kind=Kind.ORDER, external_id="77", reason=Reason("order.no-lines"), raw=b'{"id": "77"}'
    )
    await house.database.write(lambda tx: quarantine.put(tx, "market", "orders", [refused], now))
    day = Reconciliation(
        id=1, account="market", day=now.date(), since=now, until=now, source=3, hub=2, missing=1, surplus=0,
        names=("x",), looks=1, looked_at=now,
    )  # fmt: skip
    await house.database.write(lambda tx: reconciliations.put(tx, day))
    details = (
        Reason("alarm.held", held=2, dead=0),
        Reason("alarm.feed", age=Reason("span.hours", n=3)),
    )
    await house.hub.alarms.settle(
        [
            alarm_rules.AlarmFinding(kind=kind, subject="market", detail=details[at % 2])
            for at, kind in enumerate(AlarmKind)
        ]
    )
    await house.hub.unit("market").lost(AuthLost("invalid_grant"))


@pytest.mark.parametrize("scope", list(Scope))
async def test_no_polish_page_has_an_english_sentence(trading: House, scope: Scope) -> None:
    """With an order on hold, one of every event, alarm and cause, and for whoever may do how much."""
    delivery = await hold(trading)
    order = (await trading.get(f"/deliveries/{delivery}"))["order"]["id"]
    await every_event(trading, order)
    await trouble(trading)
    async with Browser(trading, "pl") as browser:
        await browser.enter(token=await trading.make_token("till", scope))
        admin = ("/tokens",) if scope is Scope.ADMIN else ()
        journal = [f"/journal?limit=500&severity={one}" for one in ("info", "warning", "error")]
        found = {}
        for path in (*PAGES, *admin, *journal, f"/orders/{order}", "/api", "/runs?wrong=true"):
            found[path] = english(await browser.page(path))
        for path in ("/orders/4711", "/orders?stage=none", "/runs?account=nobody", "/journal?x=1", "/tokens"):
            if (answer := await browser.get(path)).status != 200:
                found[path] = english(answer.text)
        assert {path: texts for path, texts in found.items() if texts} == {}
