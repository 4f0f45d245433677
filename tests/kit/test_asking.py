"""Verbs are listed with what they take, and a wrong argument is answered in words before anything is done."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from olhubd_kit.simulator import Simulator, serve
from olhubd_kit.simulators.allegro import AllegroSimulator
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator
from tinyshop_simulator import TinyShopSimulator

ALL = [AllegroSimulator, WooCommerceSimulator, TinyShopSimulator]


class Door:
    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session, self._base = session, base

    async def do(self, verb: str, arguments: object) -> tuple[int, str]:
        body = arguments if isinstance(arguments, bytes) else msgspec.json.encode(arguments)
        async with self._session.post(f"{self._base}/_sim/do/{verb}", data=body) as answer:
            return answer.status, await answer.text()

    async def verbs(self) -> dict[str, dict[str, str]]:
        async with self._session.get(f"{self._base}/_sim/do") as answer:
            told: dict[str, dict[str, str]] = await answer.json()
            return told


@contextlib.asynccontextmanager
async def door(simulator: Simulator) -> AsyncIterator[Door]:
    async with serve(simulator) as base, aiohttp.ClientSession() as session:
        yield Door(session, base)


@pytest.mark.parametrize("kind", ALL)
async def test_every_verb_says_what_it_takes_and_does(kind: type[Simulator]) -> None:
    simulator = kind()
    async with door(simulator) as at:
        told = await at.verbs()
    assert told.keys() == simulator.verbs().keys()
    assert [name for name, one in told.items() if not one["does"]] == []
    assert told["buy"]["takes"].startswith("count: int = 1")
    assert told["corrupt"]["takes"].startswith("id: ")


@pytest.mark.parametrize("kind", ALL)
async def test_an_order_is_named_by_id_whichever_simulator_it_is(kind: type[Simulator]) -> None:
    simulator = kind()
    async with door(simulator) as at:
        (order,) = msgspec.json.decode((await at.do("buy", {}))[1])
        assert (await at.do("cancel", {"id": order}))[0] == 200
        assert simulator.books()[0].cancelled


@pytest.mark.parametrize(
    ("verb", "arguments", "words"),
    [
        ("corrupt", {}, ["'id' is missing", "it takes id: "]),
        ("buy", {"cuont": 1}, ["there is no 'cuont'", "it takes count: int = 1"]),
        ("buy", {"count": "many"}, ["'count' does not fit", "Expected `int`"]),
        ("buy", ["one"], ["a JSON object"]),
        ("buy", b"{", ["no JSON"]),
        ("cancel", {"id": "no-such-order"}, ["no-such-order"]),
        ("corrupt", {"id": "999999"}, ["999999"]),
    ],
)
@pytest.mark.parametrize("kind", ALL)
async def test_a_wrong_argument_is_answered_in_words(
    kind: type[Simulator], verb: str, arguments: object, words: list[str]
) -> None:
    simulator = kind()
    if kind is AllegroSimulator and isinstance(arguments, dict) and "cuont" in arguments:
        words = ["cuont"]  # its shape of a purchase is a record of its own
    async with door(simulator) as at:
        await at.do("buy", {})
        before = msgspec.json.encode(simulator.books())
        status, text = await at.do(verb, arguments)
        assert status == 400
        assert text.startswith(f"{verb}: ")
        assert all(word in text for word in words), text
        assert "Error" not in text
        assert msgspec.json.encode(simulator.books()) == before


@pytest.mark.parametrize(
    ("kind", "verb", "arguments", "word"),
    [
        (AllegroSimulator, "buy", {"count": 1, "sku": "NO-SUCH-SKU"}, "NO-SUCH-SKU"),
        (AllegroSimulator, "buy", {"marketplace": "allegro-xx"}, "allegro-xx"),
        (AllegroSimulator, "buy", {"payment": "SHELLS"}, "SHELLS"),
        (AllegroSimulator, "buy", {"lines": 0}, "lines"),
        (AllegroSimulator, "buy", {"quantity": -1}, "quantity"),
        (AllegroSimulator, "consent", {"user_code": "nope"}, "nope"),
        (AllegroSimulator, "cancel", {"id": "{order}", "by": "nobody"}, "nobody"),
        (AllegroSimulator, "surcharge", {"id": "{order}", "amount": "much"}, "much"),
        (AllegroSimulator, "merge", {"ids": []}, "two purchases"),
        (WooCommerceSimulator, "buy", {"sku": "NO-SUCH-SKU"}, "NO-SUCH-SKU"),
        (WooCommerceSimulator, "set_rate", {"country": "PL", "percent": "much"}, "much"),
        (WooCommerceSimulator, "set_rate", {"country": "XX", "percent": "1"}, "XX"),
        (WooCommerceSimulator, "die", {"at": "lunch"}, "lunch"),
        (WooCommerceSimulator, "old_tables", {"tables": ["chairs"]}, "chairs"),
        (WooCommerceSimulator, "slow_host", {"workers": 0}, "one worker"),
        (WooCommerceSimulator, "add_product", {"sku": "X", "fields": {"colour": "red"}}, "colour"),
        (WooCommerceSimulator, "set_stock", {"sku": "NO-SUCH-SKU", "quantity": 1}, "NO-SUCH-SKU"),
        (TinyShopSimulator, "merge", {"ids": []}, "two orders"),
    ],
    ids=str,
)
async def test_what_cannot_be_done_leaves_nothing_behind(
    kind: type[Simulator], verb: str, arguments: dict[str, Any], word: str
) -> None:
    """No half a purchase, no half a change."""
    simulator = kind()
    async with door(simulator) as at:
        (order,) = msgspec.json.decode((await at.do("buy", {}))[1])
        before = msgspec.json.encode(simulator.books())
        told = {name: order if value == "{order}" else value for name, value in arguments.items()}
        status, text = await at.do(verb, told)
        assert (status, word in text) == (400, True), text
        assert msgspec.json.encode(simulator.books()) == before


async def test_a_number_may_be_written_as_a_text_and_a_text_as_a_number() -> None:
    simulator = WooCommerceSimulator()
    async with door(simulator) as at:
        orders = [*msgspec.json.decode((await at.do("buy", {"count": "2"}))[1])]
        assert (await at.do("set_status", {"id": int(orders[0]), "status": "completed"}))[0] == 200
        assert (await at.do("set_status", {"id": orders[1], "status": "completed"}))[0] == 200
    assert [one.status for one in simulator.books()] == ["completed", "completed"]


async def test_what_no_shop_knows_can_be_bought() -> None:
    """A line that stays without a product is to be had by what the manual says."""
    simulator = AllegroSimulator()
    async with door(simulator) as at:
        assert (await at.do("buy", {"unlisted": True}))[0] == 200
    (purchase,) = simulator.ledger.purchases.values()
    assert all(line["offer"]["external"]["id"].endswith("-X") for line in purchase.form["lineItems"])


async def test_an_unknown_verb_is_answered_with_those_there_are() -> None:
    async with door(WooCommerceSimulator()) as at:
        status, text = await at.do("byu", {})
    assert status == 404
    assert "buy, buyable, cancel" in text


@pytest.mark.parametrize("kind", [AllegroSimulator, WooCommerceSimulator])
def test_the_manual_names_every_verb(kind: type[Simulator]) -> None:
    manual = (Path(__file__).parents[2] / "docs" / "simulators.md").read_text(encoding="utf-8")
    assert [verb for verb in kind().verbs() if f"`{verb}`" not in manual] == []
