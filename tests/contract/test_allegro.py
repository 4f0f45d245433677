"""Allegro's official contract against both sides: what the plugin asks, and what its simulator answers.

A broad scenario runs over a real socket; every request and every answer of it is checked against the OpenAPI
document: paths, query parameters, media types, languages, bodies. The document is read from the folder named by
OLHUBD_SPECS and is not part of this repository.
"""

from __future__ import annotations

import asyncio
import functools
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from aiohttp import web
from jsonschema import Draft4Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from referencing import Registry
from referencing.jsonschema import DRAFT4

from olhubd.model import (
    EndedBy,
    Fulfilment,
    LevelStep,
    Money,
    Offer,
    OfferDraft,
    OfferParameter,
    Shipment,
)
from olhubd.plugin import (
    Accepted,
    Conflict,
    Cursor,
    LevelWish,
    OfferTicket,
    OutcomeUnknown,
    PluginError,
    PriceWish,
    Rejected,
    RowOutcome,
    Unavailable,
    decode,
)
from olhubd_allegro import Allegro, wire
from olhubd_allegro.mapping import order
from olhubd_kit.faults import CONTROL
from olhubd_kit.simulator import serve
from olhubd_kit.simulators.allegro import AllegroSimulator
from olhubd_kit.test_host import account

Json = Any

ROOT = os.environ.get("OLHUBD_SPECS")
SPEC = Path(ROOT or "/nonexistent", "allegro", "swagger.yaml")
pytestmark = [
    pytest.mark.proves("allegro", "contract"),
    pytest.mark.skipif(not SPEC.is_file(), reason="no allegro/swagger.yaml in the folder OLHUBD_SPECS"),
]

SIGN_IN = "/auth/"
"""The sign-in is described in prose only."""


class Exchange(msgspec.Struct):
    """One request and its answer."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    sent: bytes
    status: int
    media: str
    got: bytes


class Recorded(AllegroSimulator):
    """The simulator, keeping all that goes in and out."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.exchanges: list[Exchange] = []

    def application(self) -> web.Application:
        app = super().application()

        @web.middleware
        async def record(request: web.Request, handler: Any) -> web.StreamResponse:
            response: web.StreamResponse = await handler(request)
            if not request.path.startswith((CONTROL, SIGN_IN)) and isinstance(response, web.Response):
                body = response.body if isinstance(response.body, bytes) else b""
                self.exchanges.append(
                    Exchange(
                        method=request.method.lower(),
                        path=request.path,
                        query=list(request.query.items()),
                        headers=dict(request.headers),
                        sent=await request.read(),
                        status=response.status,
                        media=response.headers.get("Content-Type", ""),
                        got=body,
                    )
                )
            return response

        app.middlewares.append(record)
        return app


@functools.cache
def document() -> Json:
    with SPEC.open("rb") as file:
        return yaml.load(file, Loader=yaml.CSafeLoader)


def as_json_schema(part: Json) -> Json:
    """OpenAPI 3.0 says `nullable` where JSON Schema names the type null."""
    if isinstance(part, list):
        return [as_json_schema(one) for one in part]
    if not isinstance(part, dict):
        return part
    schema = {key: as_json_schema(value) for key, value in part.items()}
    if schema.pop("nullable", False) is True:
        if isinstance(schema.get("type"), str):
            schema["type"] = [schema["type"], "null"]
        if isinstance(schema.get("enum"), list):
            schema["enum"] = [*schema["enum"], None]
    return schema


@functools.cache
def registry() -> Any:
    schemas = as_json_schema(document()["components"]["schemas"])
    # An empty list counts nothing, though the contract wants at least one of it.
    for name in ("count", "totalCount"):
        del schemas["CheckoutForms"]["properties"][name]["minimum"]
    return Registry().with_resource("urn:allegro", DRAFT4.create_resource({"components": {"schemas": schemas}}))


formats = FormatChecker(formats=("uuid",))


@formats.checks("date-time", raises=ValueError)
def _date_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


def check(schema: Json, value: Json) -> None:
    """Raises jsonschema's ValidationError."""
    absolute = msgspec.json.decode(
        msgspec.json.encode(as_json_schema(schema)).replace(b'"#/components', b'"urn:allegro#/components')
    )
    Draft4Validator(absolute, registry=registry(), format_checker=formats).validate(value)


def operation(exchange: Exchange) -> Json:
    for template, methods in document()["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), exchange.path):
            return methods[exchange.method]
    raise AssertionError(f"the contract has no {exchange.path}")


def check_request(exchange: Exchange) -> None:
    asked = operation(exchange)
    assert not asked.get("deprecated"), f"{exchange.method} {exchange.path} is deprecated"
    parameters = {one["name"]: one for one in asked.get("parameters", ()) if one["in"] in ("query", "header")}
    for name, text in exchange.query:
        assert name in parameters, f"{exchange.path} knows no {name}"
        schema = parameters[name]["schema"]
        values: dict[str, Json] = {"integer": int(text) if text.isdecimal() else text, "array": [text]}
        check(schema, values.get(schema["type"], text))
    required = {name for name, one in parameters.items() if one.get("required") and one["in"] == "query"}
    assert required <= {name for name, _ in exchange.query}
    languages = parameters["Accept-Language"]["schema"]["enum"]
    assert exchange.headers["Accept-Language"] in languages
    assert re.fullmatch(r"\S.*/[\d.]+ \(\+https://[^ )]+\)", exchange.headers["User-Agent"])
    answers = {media for one in asked["responses"].values() for media in one.get("content", ())}
    assert not answers or exchange.headers["Accept"] in answers
    if "requestBody" in asked:
        wanted = asked["requestBody"]
        if "$ref" in wanted:
            wanted = document()["components"]["requestBodies"][wanted["$ref"].rpartition("/")[2]]
        content = wanted["content"]
        check(content[exchange.headers["Content-Type"]]["schema"], msgspec.json.decode(exchange.sent))
    else:
        assert exchange.sent == b""
        assert "Content-Type" not in exchange.headers


def check_answer(exchange: Exchange) -> None:
    told = operation(exchange)["responses"]
    assert str(exchange.status) in told, f"{exchange.method} {exchange.path} answers no {exchange.status}"
    content = told[str(exchange.status)].get("content")
    if content:
        check(content[exchange.media]["schema"], msgspec.json.decode(exchange.got))


async def drain(allegro: Allegro, cursor: Cursor) -> Cursor:
    while True:
        page = await allegro.orders.pull(cursor)
        assert page.failure is None
        cursor = page.cursor
        if not page.more:
            return cursor


async def scenario(simulator: AllegroSimulator, allegro: Allegro) -> None:
    """Something of everything: all kinds of purchases, what becomes of them, and what is written back."""
    ledger = simulator.ledger
    await allegro.probe()
    cursor = await drain(allegro, await allegro.orders.start(None))
    ledger.buy(150)
    ledger.buy(10, services=True, deposit=True, discount=True, voucher=True, invoice="company", pickup=True)
    ledger.buy(5, guest=True, invoice="person", marketplace="allegro-cz")
    cursor = await drain(allegro, cursor)
    await allegro.orders.start(None)
    unpaid = ledger.buy(4, ready=False, buyer=9, payment="ONLINE")
    merged = ledger.merge(unpaid[:2])
    ledger.advance(unpaid[2])
    ledger.cancel(unpaid[3], by="auto")
    ready = ledger.buy(6)
    ledger.cancel(ready[0])
    ledger.cancel(ready[1], by="seller")
    ledger.change_address(ready[2])
    ledger.surcharge(ready[2])
    await drain(allegro, cursor)
    place: Cursor | None = None
    while True:
        page = await allegro.orders.sweep(datetime(2020, 1, 1, tzinfo=UTC), place)
        place = page.cursor
        if not page.more:
            break
    for step in (Fulfilment.PROCESSING, Fulfilment.READY, Fulfilment.SENT, Fulfilment.DELIVERED):
        word = allegro.status_for(step)
        assert word is not None
        await allegro.set_status(merged, word)
    await allegro.add_shipment(ready[3], Shipment(waybill="620 1", carrier="INPOST"))
    await allegro.add_shipment(ready[3], Shipment(waybill="620 1", carrier="INPOST"))
    line = ledger.purchases[ready[4]].form["lineItems"][0]["id"]
    await allegro.add_shipment(ready[4], Shipment(waybill="7", carrier="Znajomy", line_ids=(line,)))
    await levels(simulator, allegro)
    await listings(simulator, allegro)
    await refused(simulator, allegro, ready[5])


async def listings(simulator: AllegroSimulator, allegro: Allegro) -> None:
    """Offers made of a known and of a new product, at once and later, changed, published, ended, and refused."""
    sink, book = allegro.listing, simulator.listing
    known = OfferDraft(
        sku="MADE-1",
        name="Kubek ceramiczny biały 330 ml",
        ean="5900001234501",
        price=Money(Decimal("24.90"), "PLN"),
        quantity=5,
        parameters=(OfferParameter(name="Stan", values=("Nowy",)),),
        description="<h1>Kubek</h1><p>Biały <b>kubek</b></p><ul><li>330 ml</li></ul>",
        images=("https://shop.example/kubek.jpg",),
        shipping="Kurier i paczkomaty",
        handling_days=1,
        warranty="Gwarancja 2 lata",
        producer="Bolesławiec SA",
        safety="Nie wkładać do piekarnika",
        tax="23",
    )
    described = (
        OfferParameter(name="Stan", values=("Nowy",)),
        OfferParameter(name="Marka", values=("Własna",)),
        OfferParameter(name="Pojemność", values=("330",)),
    )
    new = msgspec.structs.replace(known, sku="MADE-2", ean="5901234123457", parameters=described)
    numbers: list[str] = []
    for draft in (known, new):
        book.accept_later(1, 60)
        answer = await sink.create_offer(draft)
        assert isinstance(answer, OfferTicket)
        assert isinstance(await sink.report_offer(answer.ticket), OfferTicket)
        for operation in book.operations.values():
            operation.at = simulator.now()
        made = await sink.report_offer(answer.ticket)
        assert isinstance(made, Offer)
        numbers.append(made.external_id)
    await sink.create_offer(msgspec.structs.replace(known, sku="MADE-3"))
    assert await sink.find_offers("MADE-3")
    assert isinstance(await sink.publish_offer(numbers[0]), OfferTicket)
    await sink.change_offer(numbers[1], OfferDraft(sku="MADE-2", price=Money(Decimal(19), "PLN"), handling_days=2))
    book.accept_later(1, 60)
    await sink.change_offer(numbers[1], OfferDraft(sku="MADE-2", description="Inny opis", quantity=3))
    with pytest.raises(Unavailable):
        await sink.change_offer(numbers[1], OfferDraft(sku="MADE-2", handling_days=3))
    again = await sink.describe_offer(numbers[0])
    assert (await sink.prepare_offer(again)).flaws == ()
    book.refuse_listings("images", "The picture is too small.")
    for wrong in (known, msgspec.structs.replace(known, images=("https://shop.example/large.jpg",))):
        with pytest.raises(Rejected):
            await sink.create_offer(wrong)
    assert (await sink.prepare_offer(msgspec.structs.replace(known, category="1", ean=None))).flaws
    assert (await sink.prepare_offer(msgspec.structs.replace(known, category=None, ean=None))).flaws
    assert await sink.report_offer("operation:7:8") is None


async def levels(simulator: AllegroSimulator, allegro: Allegro) -> None:
    """Offers read by list and journal; quantities set and offers ended by command, one of them in vain."""
    cursor = await allegro.offers.start(None)
    while (page := await allegro.offers.pull(cursor)).more:
        cursor = page.cursor
    one, other, stuck = list(simulator.book.offers)[:3]
    simulator.book.fail_tasks([stuck])
    simulator.book.delay_commands(0.05)
    wishes = [LevelWish(offer=offer, value=value, shown=9) for offer, value in ((one, 4), (stuck, 4), (other, 0))]
    for number, call in enumerate(allegro.levels.plan_levels(wishes)):
        command = f"6b1f5a4e-0000-4000-8000-00000000000{number}"
        assert isinstance(await allegro.levels.write_levels(command, call), Accepted)
        await allegro.levels.report_levels(command, call)
        await asyncio.sleep(0.1)
        await allegro.levels.report_levels(command, call)
        with pytest.raises(OutcomeUnknown):
            await allegro.levels.write_levels(command, call)
        assert await allegro.levels.report_levels(f"{command[:-1]}9", call) is None
    await allegro.levels.read_levels([one, other])
    assert {terms.ended_by for terms in await allegro.levels.read_terms([one, other])} == {None, EndedBy.SELLER}
    for number, step in enumerate((LevelStep.FILL, LevelStep.ACTIVATE)):
        (call,) = allegro.levels.plan_levels([LevelWish(offer=other, value=3, shown=0, step=step)])
        command = f"6b1f5a4e-0000-4000-8000-00000000001{number}"
        await allegro.levels.write_levels(command, call)
        await asyncio.sleep(0.1)
        assert await allegro.levels.report_levels(command, call) == [RowOutcome(offer=other, done=True)]
    simulator.book.prices.automate_price(one, "30.00")
    shown, new = Money(Decimal("24.90"), "PLN"), Money(Decimal("25.50"), "PLN")
    (priced,) = allegro.prices.plan_prices(
        [PriceWish(offer=offer, price=new, shown=shown) for offer in (one, stuck)]
    )
    command = "00000000-0000-4000-8000-0000000000aa"
    assert isinstance(await allegro.prices.write_prices(command, priced), Accepted)
    assert await allegro.prices.report_prices(command, priced)
    assert len(await allegro.prices.read_prices([one, stuck])) == 2
    simulator.listing.sold.set_products(other, ["5900001234501", "5900001234570"], [2])
    contents = await allegro.product_sets.read_contents([one, other])
    assert [[part.pieces for part in offer.products] for offer in contents] == [[1], [2, 1]]
    named = [part.product for offer in contents for part in offer.products]
    assert all(read.eans for read in await allegro.product_sets.read_catalogue(named))
    simulator.book.renew_offers([one])
    simulator.book.end_offer(one, "EXPIRATION")
    await allegro.offers.pull(cursor)


async def refused(simulator: AllegroSimulator, allegro: Allegro, form: str) -> None:
    """What Allegro says no to, which has a shape in the contract as well."""
    gone = "00000000-0000-4000-8000-000000000000"
    failures: list[type[PluginError]] = []
    for attempt in (
        allegro.set_status(gone, "SENT"),
        allegro.add_shipment(gone, Shipment(waybill="1", carrier="DPD")),
        allegro.add_shipment(form, Shipment(waybill="2", carrier="DPD", line_ids=("strange",))),
    ):
        with pytest.raises(PluginError) as failure:
            await attempt
        failures.append(failure.type)
    assert failures[-1] is Rejected
    for number in range(10):
        (other,) = simulator.ledger.buy(1)
        await allegro.add_shipment(other, Shipment(waybill="TOO-OFTEN", carrier=("DPD", "UPS")[number % 2]))
    with pytest.raises(Conflict):
        await allegro.add_shipment(form, Shipment(waybill="TOO-OFTEN", carrier="DPD"))


async def record() -> list[Exchange]:
    simulator = Recorded(seed=11)
    async with (
        serve(simulator) as base,
        account(Allegro, simulator.settings(base), token=simulator.token()) as allegro,
    ):
        await scenario(simulator, allegro)
    return simulator.exchanges


@pytest.fixture(scope="module")
def traffic() -> list[Exchange]:
    return asyncio.run(record())


def test_the_scenario_is_broad(traffic: list[Exchange]) -> None:
    assert {
        (one.method, re.sub(r"\b7\d{9}\b", "NUMBER", re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", one.path)))
        for one in traffic
    } == {
        ("get", "/me"),
        ("get", "/order/events"),
        ("get", "/order/event-stats"),
        ("get", "/order/carriers"),
        ("get", "/order/checkout-forms"),
        ("get", "/order/checkout-forms/ID"),
        ("put", "/order/checkout-forms/ID/fulfillment"),
        ("get", "/order/checkout-forms/ID/shipments"),
        ("post", "/order/checkout-forms/ID/shipments"),
        ("get", "/sale/offers"),
        ("get", "/sale/offer-events"),
        ("get", "/sale/product-offers/NUMBER"),
        ("put", "/sale/offer-quantity-change-commands/ID"),
        ("get", "/sale/offer-quantity-change-commands/ID"),
        ("get", "/sale/offer-quantity-change-commands/ID/tasks"),
        ("put", "/sale/offer-price-change-commands/ID"),
        ("get", "/sale/offer-price-change-commands/ID"),
        ("get", "/sale/offer-price-change-commands/ID/tasks"),
        ("post", "/sale/product-offers"),
        ("patch", "/sale/product-offers/NUMBER"),
        ("get", "/sale/product-offers/NUMBER/operations/ID"),
        ("get", "/sale/product-offers/7/operations/8"),
        ("get", "/sale/matching-categories"),
        ("get", "/sale/categories/257931"),
        ("get", "/sale/categories/257931/parameters"),
        ("get", "/sale/categories/1"),
        ("get", "/sale/products"),
        ("get", "/sale/products/ID"),
        ("get", "/sale/tax-settings"),
        ("get", "/sale/shipping-rates"),
        ("get", "/sale/responsible-producers"),
        ("get", "/after-sales-service-conditions/return-policies"),
        ("get", "/after-sales-service-conditions/implied-warranties"),
        ("get", "/after-sales-service-conditions/warranties"),
        ("post", "/sale/images"),
        ("put", "/sale/offer-publication-commands/ID"),
        ("get", "/sale/offer-publication-commands/ID"),
        ("get", "/sale/offer-publication-commands/ID/tasks"),
    }
    assert {one.status for one in traffic} == {200, 201, 202, 204, 303, 404, 409, 413, 422}


def test_the_plugin_asks_by_the_contract(traffic: list[Exchange]) -> None:
    for exchange in traffic:
        check_request(exchange)


def test_the_simulator_answers_by_the_contract(traffic: list[Exchange]) -> None:
    for exchange in traffic:
        check_answer(exchange)


def test_the_check_would_find_a_breach(traffic: list[Exchange]) -> None:
    """A validator that resolves nothing would pass everything."""
    form = next(one for one in traffic if one.path.startswith("/order/checkout-forms/") and one.status == 200)
    body = msgspec.json.decode(form.got)
    body["lineItems"][0]["price"]["amount"] = 12.3
    with pytest.raises(ValidationError):
        check_answer(msgspec.structs.replace(form, got=msgspec.json.encode(body)))
    body = msgspec.json.decode(form.got) | {"status": "SOLD"}
    with pytest.raises(ValidationError):
        check_answer(msgspec.structs.replace(form, got=msgspec.json.encode(body)))
    with pytest.raises(AssertionError):
        check_request(msgspec.structs.replace(form, query=[("expand", "all")]))


def example(schema: Json, path: tuple[str, ...] = ()) -> Json:
    """The contract's own example of a schema, put together from those of its parts."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return example(document()["components"]["schemas"][name], (*path, name))
    if "example" in schema:
        return schema["example"]
    if "allOf" in schema:
        return functools.reduce(lambda whole, part: whole | (example(part, path) or {}), schema["allOf"], {})
    match schema.get("type"):
        case "array":
            return [example(schema["items"], path)]
        case "string":
            return "text"
        case "number" | "integer":
            return 1
        case "boolean":
            return True
    return {key: example(one, path) for key, one in schema.get("properties", {}).items()}


def examples(path: str) -> Iterator[bytes]:
    content = document()["paths"][path]["get"]["responses"]["200"]["content"]
    for media in content.values():
        yield msgspec.json.encode(example(media["schema"]))


def test_the_contracts_own_form_is_understood() -> None:
    for body in examples("/order/checkout-forms/{id}"):
        mapped = order(decode(body, wire.Form))
        assert mapped.external_stage == "READY_FOR_PROCESSING"
        assert mapped.fulfilment is Fulfilment.SENT
        assert mapped.lines[0].offer_id == "3213213"
        assert mapped.invoice is not None
        assert mapped.invoice.tax_ids[0].kind == "PL_NIP"
        assert mapped.shipping.pickup_point is not None
        assert mapped.shipping.pickup_point.id == "POZ08A"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/order/events", wire.Events),
        ("/order/event-stats", wire.Stats),
        ("/order/checkout-forms", wire.Forms),
        ("/order/checkout-forms/{id}", wire.FormState),
        ("/order/checkout-forms/{id}", wire.FormKey),
        ("/order/checkout-forms/{id}/shipments", wire.Shipments),
        ("/order/carriers", wire.Carriers),
        ("/me", wire.Me),
    ],
)
def test_the_contracts_own_answers_are_read(path: str, kind: type[msgspec.Struct]) -> None:
    for body in examples(path):
        read = decode(body, kind)
        assert any(getattr(read, field) for field in kind.__struct_fields__)
