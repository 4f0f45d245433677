"""Whoever changes something is named in the log of events: a table over all routes that change anything.

It fails when a route is missing from it. Each entry makes the change come about and names the event that tells it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from olhubd.decide.pricing.rule import PriceRule
from olhubd.decide.stock.brake import Danger
from olhubd.decide.stock.level import OfferLevel
from olhubd.decide.stock.policy import StockRule
from olhubd.model import (
    Buyer,
    Counting,
    Event,
    LevelKind,
    Link,
    Linking,
    LinkOrigin,
    ListPrice,
    Money,
    Offer,
    OfferState,
    PriceBasis,
    Scope,
    StockBasis,
    StockLevel,
)
from olhubd.store import (
    Transaction,
    accounts,
    events,
    levels,
    list_prices,
    offers,
    oversold,
    stock_items,
    stock_plans,
    strangers,
)
from olhubd.store.list_prices import StoredPrice
from olhubd.store.offers import StoredOffer
from olhubd.store.stock_items import StockItem
from olhubd.store.stock_plans import BrakedPlan, PlannedOffer
from tests.control.dashboard.browser import Browser, forms
from tests.control.house import House, decoded
from tests.control.shelf import KNOWN, Shelf
from tests.control.table import API, BUTTONS
from tests.control.test_customers import lands
from tests.control.trouble import held, quarantined, unequal
from tests.orders import order
from tests.oversold import lacking

Key = tuple[str, str]
Parts = Mapping[str, Any]
Prepare = Callable[[House], Awaitable[Parts]]


async def nothing(_house: House) -> Parts:
    """Nothing has to happen before."""
    return {}


async def paused(house: House) -> Parts:
    await house.hub.unit("shop").pause("for a while", "somebody")
    return {}


async def placed(house: House) -> Parts:
    """An order that the shop does not have yet."""
    await house.hub.unit("shop").pause("for a while", "somebody")
    (sold,) = house.market.ledger.buy()

    async def landed() -> bool:
        return bool((await house.get("/orders", q=sold))["items"])

    await house.until(landed)
    return {"order": sold}


async def packing(house: House) -> Parts:
    """An order, and a status of the seller's own to give it."""
    await house.hub.own_statuses.change("packed", "somebody", title="Packed")
    return await placed(house)


async def listed(house: House) -> Parts:
    """A status of the seller's own list that no order has."""
    await house.hub.own_statuses.change("packed", "somebody", title="Packed")
    return {"status": "packed"}


async def seen(house: House) -> Parts:
    """An order whose card somebody has read, with the edit that they make."""
    parts = await placed(house)
    version = (await house.get(f"/orders/{parts['order']}"))["version"]
    return {**parts, "body": {"version": version, "tax_number": "5260250274"}}


async def unpaid(house: House) -> Parts:
    """An order whose buyer has not paid."""
    (sold,) = house.market.ledger.buy(paid=False)

    async def landed() -> bool:
        return bool((await house.get("/orders", q=sold))["items"])

    await house.until(landed)
    return {"order": sold}


async def booked(house: House) -> Parts:
    """An order with a payment that somebody booked by hand."""
    parts = await unpaid(house)
    status, _ = await house.ask("POST", f"/orders/{parts['order']}/payments", {"amount": "1.00"})
    assert status == 200
    return {**parts, "booking": "1"}


async def unforwarded(house: House) -> Parts:
    """An order whose route forwards nothing."""
    house.path.write_text(house.path.read_text().replace('to = "shop"', 'to = "shop"\nforward = false'))
    await house.hub.reload(house.configuration())
    return await placed(house)


async def earlier(house: House) -> Parts:
    """A day that lies before, of an account that worked then."""
    house.clock.ahead = timedelta(days=2)
    return {"account": "market"}


async def by_hand(house: House) -> Parts:
    """A held order that somebody entered in the shop."""
    parts = await held(house)
    (number,) = house.shop.buy()
    return {**parts, "body": {"number": str(number), "despite_total": True}}


async def strange(house: House) -> Parts:
    """An order with our mark that only the shop knows."""
    one = strangers.Stranger(
        account="shop", external_id="5012", reference="market:77", shipments=(), seen_at=house.clock.now()
    )
    await house.database.write(lambda tx: strangers.put(tx, one))
    return {"account": "shop", "order": "5012"}


async def one_cause(house: House) -> Parts:
    """What deliveries wait for, up to the newest of them."""
    await held(house)
    (one,) = (await house.get("/hold-causes"))["items"]
    return {"cause": one["cause"], "body": {"until": one["example"]["id"]}}


async def one_rule(house: House) -> Parts:
    """The same of what a rule of the route holds."""
    house.path.write_text(house.path.read_text().replace('to = "shop"', 'to = "shop"\nunlinked = "hold"'))
    await house.hub.reload(house.configuration())
    house.shop.catalogue.products.clear()
    return await one_cause(house)


async def given_up(house: House) -> Parts:
    parts = await one_cause(house)
    return {**parts, "body": {**parts["body"], "reason": "entered by hand"}}


async def gone(house: House) -> Parts:
    """An account that the configuration names no more."""
    row = accounts.AccountRow(
        name="old", connector="stingy", state=accounts.AccountState.PAUSED, changed_at=house.clock.now()
    )
    await house.database.write(lambda tx: accounts.put(tx, row))
    return {"account": "old"}


async def made(house: House) -> Parts:
    await house.make_token("till", Scope.READ)
    return {}


async def sent_back(house: House) -> Parts:
    _, begun = await house.ask("POST", "/accounts/market/sign-in", {"flow": "code"})
    return {"account": "market", "body": {"address": house.market.authorize(begun["url"])}}


async def _listed(house: House, *, linked: bool, doubt: str | None = None) -> None:
    """An offer of the market, and an item of the shop whose stock is sold there."""
    now = house.clock.now()
    house.hub.in_force.configuration = dataclasses.replace(
        house.hub.configuration, stock=(StockRule(master="shop", channels=frozenset({"market"})),)
    )
    level = StockLevel(
        external_id="900", name="A", counting=Counting.COUNTED, basis=StockBasis.FREE, quantity=1, sku="A-900"
    )
    offer = Offer(external_id="o-1", name="A", state=OfferState.ENDED)
    state = Linking.LINKED if linked else Linking.NONE

    async def work(tx: Transaction) -> None:
        await stock_items.put(tx, [StockItem(id=900, account="shop", level=level, read_after=0, read_at=now)])
        row = StoredOffer(id=900, account="market", offer=offer, read_after=0, read_at=now, linking=state)
        await offers.put(tx, [row])
        if linked:
            await offers.link(tx, [Link(offer=900, item=900, origin=LinkOrigin.SKU, linked_at=now, doubt=doubt)])

    await house.database.write(work)


async def loose(house: House) -> Parts:
    """An offer that is not linked."""
    await _listed(house, linked=False)
    return {"body": {"offer": "o-1", "sku": "A-900"}}


async def tied(house: House) -> Parts:
    """One that is."""
    await _listed(house, linked=True)
    return {"body": {"offer": "o-1"}}


async def doubted(house: House) -> Parts:
    """One whose link is in doubt."""
    await _listed(house, linked=True, doubt="it may be another thing")
    return {"body": {"offer": "o-1"}}


async def brought(house: House) -> Parts:
    """A file of one row."""
    await _listed(house, linked=False)
    return {"body": {"rows": [{"row": 2, "account": "market", "offer": "o-1", "sku": "A-900"}]}}


async def selling(house: House) -> Parts:
    """An account on which stock is sold."""
    await _listed(house, linked=True)
    return {}


async def sales_stopped(house: House) -> Parts:
    """One on which all selling is stopped."""
    await _listed(house, linked=True)
    await house.hub.sales_stop_actions.stop("market", "anna")
    return {}


async def stopped(house: House) -> Parts:
    """A plan that waits for a person."""
    await _listed(house, linked=True)
    plan = BrakedPlan(
        id=7, account="market", master="shop", danger=Danger.ZERO, counted=9, showing=9, made_at=house.clock.now()
    )

    async def work(tx: Transaction) -> None:
        await stock_plans.add(tx, plan)
        await stock_plans.hold(tx, [PlannedOffer(offer=900, plan=7, wanted=0, danger=Danger.ZERO)])

    await house.database.write(work)
    return {"plan": "7"}


async def bought(house: House) -> Parts:
    """A customer whose only order is over."""
    await lands(house, order("X", buyer=Buyer(external_id="70", login="janek70")))
    (row,) = (await house.get("/customers", text="janek70"))["items"]
    return {"customer": str(row["id"])}


async def short(house: House) -> Parts:
    """An order for which nothing was left."""
    await _listed(house, linked=True)
    sold = (await placed(house))["order"]
    (row,) = (await house.get("/orders", q=sold))["items"]
    await house.database.write(lambda tx: oversold.add(tx, lacking(7, 900, row["id"], house.clock.now())))
    return {"record": "7"}


async def _ended(shelf: Shelf) -> Parts:
    """An offer that its seller has ended."""
    number = (await shelf.offer(KNOWN))["external_id"]
    shelf.market.book.end_offer(number, "USER")

    async def known() -> bool:
        return bool((await shelf.get("/status"))["not_resumed"])

    await shelf.until(known)
    return {"offer": number}


async def _resumable(shelf: Shelf) -> Parts:
    """An offer that a rule would bring back."""
    (rule,) = shelf.hub.configuration.stock
    rules = (msgspec.structs.replace(rule, resume=True),)
    shelf.hub.in_force.configuration = dataclasses.replace(shelf.hub.configuration, stock=rules)
    return {"offer": (await shelf.offer(KNOWN))["external_id"]}


async def _priced(shelf: Shelf) -> Parts:
    """An offer of an account to which prices go."""
    rule = PriceRule(master="shop", channels=frozenset({"market"}), price_list="default")
    shelf.hub.in_force.configuration = dataclasses.replace(shelf.hub.configuration, prices=(rule,))
    return {"offer": (await shelf.offer(KNOWN))["external_id"]}


async def _following(shelf: Shelf, amount: str = "41.00") -> Parts:
    """One whose price follows its product, which is listed at another price."""
    known = await shelf.offer(KNOWN)
    (link,) = known["links"]
    record = ListPrice(
        item=link["item"]["external_id"],
        price_list="default",
        price=Money(Decimal(amount), "PLN"),
        basis=PriceBasis.GROSS,
    )

    async def work(tx: Transaction) -> None:
        await offers.follow_prices(tx, [known["id"]], True)
        stored = StoredPrice(id=1, account="shop", record=record, read_after=0, read_at=shelf.clock.now())
        await list_prices.put(tx, [stored])

    await shelf.database.write(work)
    return await _priced(shelf)


async def _leaping(shelf: Shelf) -> Parts:
    """One whose price is to be ten times as high."""
    known, parts = await shelf.offer(KNOWN), await _following(shelf, "390.00")

    async def work(tx: Transaction) -> None:
        row = OfferLevel(
            offer=known["id"],
            account="market",
            external_id=known["external_id"],
            kind=LevelKind.PRICE,
            wanted=39000,
            wanted_at=shelf.clock.now(),
            confirmed=3900,
            currency="PLN",
        )
        await levels.put(tx, [row])

    await shelf.database.write(work)
    return parts


async def _disputed(shelf: Shelf) -> Parts:
    """An offer that another program writes too."""
    known = await shelf.offer(KNOWN)

    async def work(tx: Transaction) -> None:
        (row,) = (await levels.of_offers(tx, [known["id"]])).values()
        await levels.put(
            tx, [msgspec.structs.replace(row, disputed_at=shelf.clock.now(), disputed_over=row.wanted)]
        )

    await shelf.database.write(work)
    return {"offer": known["external_id"]}


async def _beside(shelf: Shelf) -> Parts:
    """An offer that nobody linked."""
    return {"offer": shelf.twin}


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


async def _one_offer(shelf: Shelf) -> Parts:
    return {"offer": (await shelf.offer(KNOWN))["external_id"]}


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
    "resume": ("stock.resume-asked", _ended, {}),
    "auto-resume": ("stock.resume-allowed", _resumable, {"allowed": True}),
    "retry": ("stock.retried", _disputed, {}),
    "ignore": ("stock.unknown-ignored", _beside, {"reason": "of another warehouse"}),
    "follow-price": ("pricing.followed", _priced, {"follow": True}),
    "send-price": ("pricing.send-asked", _following, {}),
    "approve-price": ("pricing.approved", _leaping, {"price": "390.00"}),
    "change": ("offer.change-asked", _one_offer, {"handling_days": 3}),
    "end": ("offer.end-asked", _one_offer, {}),
    "copy": (
        "offer.make-asked",
        _one_offer,
        {**{k: v for k, v in _DRAFT.items() if k != "account"}, "to": "market"},
    ),
}
OFFERS = {("POST", f"/api/v1/offers/{{account}}/{{offer}}/{verb}"): change for verb, change in _OFFER_VERBS.items()}
OFFERS[("POST", "/api/v1/offers")] = ("offer.make-asked", _one_offer, _DRAFT)
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
