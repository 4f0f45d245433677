"""Wrong input about offers that are to be made: by the endpoint, the command line, the dashboard and a file alike
each is answered by a sentence that names the field and says what is possible. Nothing is made by it or lost.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from olhubd.store import offer_drafts
from tests.cli.conftest import Terminal
from tests.control.dashboard.browser import Browser, forms, visible
from tests.control.house import House

GOOD = {
    "account": "market",
    "sku": "MADE-1",
    "name": "Kubek ceramiczny biały 330 ml",
    "ean": "5900001234501",
    "price": "24.90",
    "quantity": "5",
    "shipping": "Kurier i paczkomaty",
    "tax": "23",
    "parameter:Stan": "Nowy",
}


class Case(NamedTuple):
    """What is given otherwise than in a right draft, an empty text for nothing at all; the field that is named, and
    a part of what is said of it. `typed` is said instead where a type is wrong, or a file asks for less.
    """

    given: dict[str, str]
    field: str
    said: str
    typed: str | None = None


CASES: dict[str, Case] = {
    "a wrong digit": Case({"ean": "5900001234502"}, "ean", "digit"),
    "letters in an EAN": Case({"ean": "59O0001234501"}, "ean", "digit"),
    "a price of zero": Case({"price": "0"}, "price", "above zero"),
    "a price below zero": Case({"price": "-1"}, "price", "above zero"),
    "a price in words": Case({"price": "a lot"}, "price", "24.90"),
    "a price with its currency": Case({"price": "24.90 PLN"}, "price", "24.90"),
    "half a grosz": Case({"price": "24.905"}, "price", "24.905"),
    "no price": Case({"price": ""}, "price", "needed"),
    "a quantity in words": Case({"quantity": "five"}, "quantity", "whole number", "int"),
    "half a piece": Case({"quantity": "1.5"}, "quantity", "whole number", "int"),
    "no piece": Case({"quantity": "0"}, "quantity", "1"),
    "less than no piece": Case({"quantity": "-3"}, "quantity", "-3"),
    "no quantity": Case({"quantity": ""}, "quantity", "needed"),
    "no tax": Case({"tax": ""}, "tax", "tax"),
    "a tax that is none": Case({"tax": "22"}, "tax", "23.00"),
    "a category that is closed": Case({"ean": "", "category": "257999"}, "category", "257999"),
    "a category that has others below": Case({"ean": "", "category": "257000"}, "category", "257000"),
    "a category that is none": Case({"ean": "", "category": "1"}, "category", "1"),
    "no product": Case({"ean": ""}, "ean", "EAN"),
    "a picture that is no address": Case({"images": "kubek.jpg"}, "images", "kubek.jpg"),
    "a value that is unknown": Case({"parameter:Stan": "Zepsuty"}, "parameters.Stan", "Nowy"),
    "a parameter that is unknown": Case({"parameter:Zapach": "miły"}, "parameters.Zapach", "Stan"),
    "a parameter that is required": Case({"parameter:Stan": ""}, "parameters.Stan", "Nowy"),
    "a number that is too high": Case({"parameter:Liczba w zestawie": "25"}, "parameters.Liczba w zestawie", "24"),
    "a price list that is missing": Case({"shipping": "Gołąb"}, "shipping", "Kurier i paczkomaty"),
    "a price list that is not named": Case({"shipping": ""}, "shipping", "Kurier i paczkomaty"),
    "a producer that is missing": Case({"producer": "Nikt"}, "producer", "Bolesławiec SA"),
    "a title that is too short": Case({"name": "Kubek"}, "name", "12"),
    "a tag that is forbidden": Case({"description": "<table>Kubek</table>"}, "description", "table"),
    "days that are impossible": Case({"handling_days": "6"}, "handling_days", "5"),
    "days in words": Case({"handling_days": "soon"}, "handling_days", "whole number", "int"),
    "an account that is none": Case({"account": "markt"}, "account", "markt"),
    "an account that cannot": Case({"account": "shop"}, "account", "name another account"),
    "a product that was not imported": Case({"source": "KUB-999"}, "source", "import them first"),
    "a mark that is too long": Case({"sku": "S" * 101}, "sku", "100"),
    "neither mark nor product": Case({"sku": ""}, "sku", "mark of the seller", "needs a SKU"),
}


class Answer(NamedTuple):
    field: str
    said: str


def _api(given: dict[str, str]) -> dict[str, Any]:
    """As a program sends it."""
    body: dict[str, Any] = {name: text for name, text in given.items() if text and ":" not in name}
    for name in ("quantity", "handling_days"):
        if body.get(name, "").lstrip("-").isdigit():
            body[name] = int(body[name])
    if "images" in body:
        body["images"] = [body["images"]]
    return body | {"parameters": [{"name": name, "values": [text]} for name, text in _parameters(given)]}


def _parameters(given: dict[str, str]) -> list[tuple[str, str]]:
    return [(name.partition(":")[2], text) for name, text in given.items() if ":" in name and text]


async def by_endpoint(house: House, given: dict[str, str], folder: Path) -> Answer:
    status, answer = await house.ask("POST", "/offers", _api(given))
    if status >= 400:
        return Answer(answer.get("parameter") or "", answer["detail"])
    return Answer(
        ", ".join(one["field"] for one in answer["wrong"]), " ".join(one["why"] for one in answer["wrong"])
    )


async def by_terminal(house: House, given: dict[str, str], folder: Path) -> Answer:
    arguments = ["offers", "create", given["account"]]
    for name, text in given.items():
        if name == "account" or not text:
            continue
        option = {"images": "--image", "source": "--from"}.get(name, f"--{name.replace('_', '-')}")
        arguments += ["--parameter", f"{name[10:]}={text}"] if ":" in name else [f"{option}={text}"]
    result = await Terminal(house)(*arguments, code=None)
    return Answer("", " ".join(result.split()))


async def by_page(house: House, given: dict[str, str], folder: Path) -> Answer:
    async with Browser(house) as browser:
        await browser.enter()
        [form] = [one for one in forms(await browser.page("/offers/made")) if one.action == "/offers/made"]
        fields = {name: text for name, text in given.items() if ":" not in name}
        fields["parameters"] = "\n".join(f"{name}={text}" for name, text in _parameters(given))
        answer = await browser.post("/offers/made", {**form.fields, **fields})
        assert answer.status != 303, "it was made"
        return Answer("", visible(answer.text))


async def by_file(house: House, given: dict[str, str], folder: Path) -> Answer:
    path = folder / "offers.csv"
    text = io.StringIO()
    csv.writer(text).writerows([[*given], [*given.values()]])
    path.write_text(text.getvalue(), encoding="utf-8")
    told = await Terminal(house)("offers", "import", str(path), code=1)
    return Answer("", " ".join(told.split()))


DOORS: dict[str, Callable[[House, dict[str, str], Path], Awaitable[Answer]]] = {
    "endpoint": by_endpoint,
    "terminal": by_terminal,
    "page": by_page,
    "file": by_file,
}


@pytest.mark.parametrize("door", DOORS)
async def test_what_is_wrong_is_named_and_nothing_is_made(trading: House, tmp_path: Path, door: str) -> None:
    bad: dict[str, Answer] = {}
    for name, case in CASES.items():
        answer = await DOORS[door](trading, GOOD | case.given, tmp_path)
        spoken = case.field.partition(".")[2] or case.field
        named = case.field in answer.field or any(one in answer.said for one in (spoken, spoken.replace("_", "-")))
        if not named or not (case.said in answer.said or (case.typed or "\0") in answer.said):
            bad[name] = answer
    assert not bad, "\n".join(f"{name}: {answer.field!r}: {answer.said[-600:]}" for name, answer in bad.items())
    assert await offer_drafts.by_sku(trading.database.reader, "market", "MADE-1") is None
    assert trading.market.listing.sent == []


def test_there_are_thirty_and_more() -> None:
    assert len(CASES) > 30
