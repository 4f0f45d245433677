"""Whoever changes something is named in the log of events: a table over all routes that change anything.

It fails when a route is missing from it. Each entry makes the change come about and names the event that tells it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from olhubd.model import Event, Scope
from olhubd.store import events
from tests.control.dashboard.browser import Browser, forms
from tests.control.house import House, decoded
from tests.control.offer_situations import beside, disputed, ended, following, leaping, one_offer, priced, resumable
from tests.control.shelf import Shelf
from tests.control.situations import (
    Parts,
    Prepare,
    booked,
    bought,
    brought,
    by_hand,
    doubted,
    earlier,
    given_up,
    gone,
    listed,
    loose,
    made,
    nothing,
    one_cause,
    one_rule,
    packing,
    paused,
    placed,
    sales_stopped,
    seen,
    selling,
    sent_back,
    short,
    stopped,
    strange,
    tied,
    unforwarded,
    unpaid,
)
from tests.control.table import API, BUTTONS
from tests.control.trouble import held, quarantined, unequal

Key = tuple[str, str]


@dataclass(frozen=True)
class Change:
    """`event` is the kind that tells it; `parts` are those of the path, `body` what is sent.

    `prepare` brings about what is to be changed, and gives further parts; one of them may be the body.
    """

    event: str
    parts: Parts = field(default_factory=dict)
    body: Parts | None = None
    prepare: Prepare = nothing
    form: Parts | None = None
    """What the form sends, where that is named otherwise."""


ACCOUNTS = {
    "fetch": Change("account.fetched", {"account": "market"}),
    "pause": Change("account.paused", {"account": "shop"}),
    "resume": Change("account.resumed", {"account": "shop"}, prepare=paused),
    "sign-in": Change("account.sign-in-begun", {"account": "market"}),
    "sign-in/return": Change("account.signed-in", prepare=sent_back),
}
DELIVERIES = {
    "retry": Change("delivery.released", prepare=held),
    "discard": Change("delivery.discarded", body={"reason": "entered by hand"}, prepare=held),
    "accept": Change("delivery.accepted", prepare=unequal),
}
ORDERS = {
    "note": Change("order.noted", body={"note": "call first"}, prepare=placed),
    "status": Change("order.fulfilment-changed", body={"status": "processing"}, prepare=placed),
    "own-status": Change("order.own-status-changed", body={"status": "packed"}, prepare=packing),
    "shipments": Change("order.shipped", body={"carrier": "INPOST", "waybill": "1"}, prepare=placed),
    "address": Change("order.edited", body={"city": "Gdynia"}, prepare=placed),
    "edit": Change("order.edited", prepare=seen),
    "payments": Change("order.payment-booked", body={"amount": "1.00"}, prepare=unpaid),
    "payments/{booking}/undo": Change("order.payment-booked", prepare=booked),
    "forward": Change("order.forwarded", prepare=unforwarded),
}
LINKS = {
    "": Change("link.set", prepare=loose),
    "/remove": Change("link.removed", prepare=tied),
    "/confirm": Change("link.confirmed", prepare=doubted),
    "/import": Change("link.set", prepare=brought),
}
STOPS = {
    "": Change("stock.stopped", body={"account": "market", "reason": "a flood"}, prepare=selling),
    "/lift": Change("stock.stop-lifted", body={"account": "market"}, prepare=sales_stopped),
}
PLANS = {
    "approve": Change("stock.plan-approved", body={"offers": 1, "zeros": 1, "raises": 0}, prepare=stopped),
    "reject": Change("stock.plan-rejected", body={"reason": "the export was empty"}, prepare=stopped),
}
OVERSOLD = {"close": Change("stock.oversold-closed", body={"reason": "refunded"}, prepare=short)}
STATUSES = {
    "": Change("status.added", {"status": "packed"}, body={"title": "Packed"}),
    "/remove": Change("status.removed", {"status": "packed"}, prepare=listed),
}
RECORDS = {
    "retry": Change("record.retried", prepare=quarantined),
    "discard": Change("record.discarded", body={"reason": "a test"}, prepare=quarantined),
}
CHANGES: dict[Key, Change] = {
    ("POST", "/api/v1/reload"): Change("daemon.reloaded"),
    ("POST", "/api/v1/log-level"): Change("daemon.log-level-set", body={"level": "debug"}),
    ("POST", "/api/v1/tokens"): Change("token.created", body={"name": "till"}),
    ("POST", "/api/v1/tokens/{token}/revoke"): Change("token.revoked", {"token": "till"}, prepare=made),
    **{("POST", f"/api/v1/accounts/{{account}}/{verb}"): change for verb, change in ACCOUNTS.items()},
    **{("POST", f"/api/v1/deliveries/{{delivery}}/{verb}"): change for verb, change in DELIVERIES.items()},
    **{("POST", f"/api/v1/orders/{{order}}/{verb}"): change for verb, change in ORDERS.items()},
    ("POST", "/api/v1/strangers/{account}/{order}/discard"): Change(
        "stranger.discarded", body={"reason": "a test"}, prepare=strange
    ),
    **{("POST", f"/api/v1/statuses/{{status}}{verb}"): change for verb, change in STATUSES.items()},
    **{("POST", f"/api/v1/links{verb}"): change for verb, change in LINKS.items()},
    **{("POST", f"/api/v1/sales-stops{verb}"): change for verb, change in STOPS.items()},
    **{("POST", f"/api/v1/stock-plans/{{plan}}/{verb}"): change for verb, change in PLANS.items()},
    **{("POST", f"/api/v1/oversold/{{record}}/{verb}"): change for verb, change in OVERSOLD.items()},
    **{("POST", f"/api/v1/quarantine/{{record}}/{verb}"): change for verb, change in RECORDS.items()},
    ("POST", "/api/v1/accounts/{account}/rename"): Change(
        "account.renamed", {"account": "shop"}, {"title": "Shop"}
    ),
    ("POST", "/api/v1/accounts/{account}/settings"): Change(
        "account.setting-changed",
        {"account": "shop"},
        {"values": {"default_category": "257"}},
        form={"set.default_category": "257"},
    ),
    ("POST", "/api/v1/customers/{customer}/erase"): Change("customer.erased", prepare=bought, form={"sure": "yes"}),
    ("POST", "/api/v1/accounts/{account}/remove"): Change("account.removed", prepare=gone),
    ("POST", "/api/v1/accounts/{account}/reconcile"): Change("account.reconciled", prepare=earlier),
    ("POST", "/api/v1/deliveries/{delivery}/release"): Change("delivery.released", prepare=held),
    ("POST", "/api/v1/deliveries/{delivery}/adopt"): Change("delivery.adopted", prepare=by_hand),
    ("POST", "/api/v1/hold-causes/{cause}/retry"): Change("delivery.released", prepare=one_cause),
    ("POST", "/api/v1/hold-causes/{cause}/release"): Change("delivery.released", prepare=one_rule),
    ("POST", "/api/v1/hold-causes/{cause}/discard"): Change("delivery.discarded", prepare=given_up),
}
PRESSED: dict[Key, Change] = {
    (method, path.removeprefix("/api/v1")): change
    for (method, path), change in CHANGES.items()
    if (method, path.removeprefix("/api/v1")) in BUTTONS
}
_DRAFT = {
    "account": "market",
    "sku": "MADE-1",
    "name": "Kubek ceramiczny 330 ml",
    "ean": "5900001234501",
    "price": "24.90",
    "tax": "23",
    "shipping": "Kurier i paczkomaty",
    "parameters": [{"name": "Stan", "values": ["Nowy"]}],
}


_FORM = {
    **{name: value for name, value in _DRAFT.items() if isinstance(value, str)},
    "account": "market",
    "quantity": "5",
    "parameters": "Stan=Nowy",
}
_COLUMNS = ("account", "sku", "name", "ean", "price", "tax", "shipping", "quantity")
_ROWS = [(*_COLUMNS, "parameter:Stan"), (*(_FORM[name] for name in _COLUMNS), "Nowy")]
PRESSED |= {
    ("POST", "/statuses"): Change("status.added", form={"status": "packed"}),
    ("POST", "/offers/made"): Change("offer.make-asked", form=_FORM),
    ("POST", "/offers/made/rows"): Change("offer.make-asked", form={"rows": "\n".join(map(",".join, _ROWS))}),
}


_OFFER_VERBS: dict[str, tuple[str, Callable[[Shelf], Awaitable[Parts]], Parts]] = {
    "resume": ("stock.resume-asked", ended, {}),
    "auto-resume": ("stock.resume-allowed", resumable, {"allowed": True}),
    "retry": ("stock.retried", disputed, {}),
    "ignore": ("stock.unknown-ignored", beside, {"reason": "of another warehouse"}),
    "follow-price": ("pricing.followed", priced, {"follow": True}),
    "send-price": ("pricing.send-asked", following, {}),
    "approve-price": ("pricing.approved", leaping, {"price": "390.00"}),
    "change": ("offer.change-asked", one_offer, {"handling_days": 3}),
    "end": ("offer.end-asked", one_offer, {}),
    "copy": (
        "offer.make-asked",
        one_offer,
        {**{k: v for k, v in _DRAFT.items() if k != "account"}, "to": "market"},
    ),
}
OFFERS = {("POST", f"/api/v1/offers/{{account}}/{{offer}}/{verb}"): change for verb, change in _OFFER_VERBS.items()}
OFFERS[("POST", "/api/v1/offers")] = ("offer.make-asked", one_offer, _DRAFT)
"""Changes of what is kept of an offer, which need a market whose quantities are kept: event, what is to be there
before, and what is sent."""
HARMLESS: set[Key] = set()
"""Routes that are no GET and change nothing all the same."""


def test_the_table_has_every_change() -> None:
    assert CHANGES.keys() | OFFERS.keys() | HARMLESS == {key for key in API if key[0] != "GET"}
    assert PRESSED.keys() == BUTTONS.keys()


async def told(house: House, after: int, kind: str) -> Event:
    found = [event for event in await events.since(house.database.reader, after) if event.kind == kind]
    assert len(found) == 1, (kind, found)
    return found[0]


@pytest.mark.parametrize("key", CHANGES, ids=" ".join)
async def test_a_change_by_a_program_is_told_with_its_token(trading: House, key: Key) -> None:
    change = CHANGES[key]
    parts = {**change.parts, **await change.prepare(trading)}
    await told_with_its_token(trading, key, parts, parts.get("body", change.body) or {}, change.event)


@pytest.mark.parametrize("key", OFFERS, ids=" ".join)
async def test_a_change_of_an_offer_by_a_program_is_told_with_its_token(shelf: Shelf, key: Key) -> None:
    event, prepare, body = OFFERS[key]
    await told_with_its_token(shelf, key, {"account": "market", **await prepare(shelf)}, body, event)


async def told_with_its_token(house: House, key: Key, parts: Parts, body: Parts, kind: str) -> None:
    """Make the change with a token, and find its event."""
    text = await house.make_token("worker", Scope.ADMIN)
    before = await house.events()
    shown = {"Authorization": f"Bearer {text}"}
    async with house.client.request(key[0], key[1].format_map(parts), json=body, headers=shown) as response:
        assert response.status < 300, await decoded(response)
    event = await told(house, before, kind)
    assert (event.cause.kind, event.cause.id) == ("operator", "token:worker")
    assert text not in str(event)


def _fields(body: Parts) -> dict[str, str]:
    """A body as a form sends it."""
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in body.items()}


@pytest.mark.parametrize("key", PRESSED, ids=" ".join)
async def test_a_change_at_the_dashboard_is_told_with_the_session(trading: House, key: Key) -> None:
    change = PRESSED[key]
    parts = {**change.parts, **await change.prepare(trading)}
    async with Browser(trading) as browser:
        await browser.enter(token=await trading.make_token("anna", BUTTONS[key]))
        form = forms(await browser.page("/"))[0].fields
        before = await trading.events()
        fields = _fields(change.form or parts.get("body", change.body) or {})
        answer = await browser.post(key[1].format_map(parts), {**form, **fields})
        assert answer.status in (200, 303), answer.text
    event = await told(trading, before, change.event)
    assert (event.cause.kind, event.cause.id) == ("operator", "dashboard:anna")


async def test_a_user_at_the_socket_is_told_by_name(trading: House) -> None:
    before = await trading.events()
    async with trading.over_socket() as session, session.post("/api/v1/reload") as response:
        assert response.status == 200
    event = await told(trading, before, "daemon.reloaded")
    assert event.cause.kind == "operator"
    assert event.cause.id not in ("token", "nobody", "")
    assert event.account == "", "it is about the daemon and no account"


async def test_what_is_refused_is_no_change(trading: House) -> None:
    before = await trading.events()
    wrong = {"/log-level": {"level": "loud"}, "/accounts/nobody/pause": {}, "/tokens": {"name": ""}}
    for path, body in wrong.items():
        status, _ = await trading.ask("POST", path, body)
        assert status >= 400
    assert await trading.done_since(before) == []


ACTS: dict[Key, Callable[[House], tuple[object, str]]] = {
    ("POST", "/api/v1/accounts/{account}/fetch"): lambda house: (house.hub.unit("market"), "fetch"),
    ("POST", "/api/v1/accounts/{account}/reconcile"): lambda house: (house.hub.reconciler, "_look"),
    ("POST", "/api/v1/log-level"): lambda house: (house, "_log_level"),
    ("POST", "/api/v1/reload"): lambda house: (house.hub._launcher, "_end"),
}
"""Changes that are no row of their own, each with what does it."""


@pytest.mark.parametrize("key", ACTS, ids=" ".join)
async def test_an_act_is_told_before_it_is_done(trading: House, key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon that is killed between would have done it without a trace."""
    change = CHANGES[key]
    parts = {**change.parts, **await change.prepare(trading)}
    if key[1].endswith("reload"):
        trading.path.write_text(trading.path.read_text().replace('"1 h"', '"2 h"'))
    before = await trading.events()
    holder, name = ACTS[key](trading)
    told_then: list[str] = []
    act = getattr(holder, name)

    async def watched(*args: Any) -> Any:
        told_then.extend(event.kind for event in await events.since(trading.database.reader, before))
        return await act(*args)

    monkeypatch.setattr(holder, name, watched)
    async with trading.reopened():
        assert (await trading.ask(key[0], key[1].removeprefix("/api/v1").format_map(parts), change.body))[0] == 200
    assert change.event in told_then


async def test_a_fetch_that_is_refused_is_not_told(trading: House) -> None:
    for _ in range(3):
        assert (await trading.ask("POST", "/accounts/stingy/fetch"))[0] == 200
    before = await trading.events()
    assert (await trading.ask("POST", "/accounts/stingy/fetch"))[0] == 429
    assert (await trading.ask("POST", "/accounts/shop/fetch"))[0] == 409
    found = await events.since(trading.database.reader, before)
    assert "account.fetched" not in {event.kind for event in found}
