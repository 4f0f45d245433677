"""The simulator itself: as strict as Allegro, the same for the same seed, and honest in its books."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import aiohttp
import msgspec
import pytest

from olhubd.model import Money
from olhubd_kit.catalogue import PRODUCTS
from olhubd_kit.simulator import serve
from olhubd_kit.simulators.allegro import AllegroSimulator

MEDIA = "application/vnd.allegro.public.v1+json"


def headers(simulator: AllegroSimulator, **changes: str | None) -> dict[str, str]:
    proper = {
        "User-Agent": "Shop/1.0 (+https://shop.example/)",
        "Accept": MEDIA,
        "Accept-Language": "pl-PL",
        "Authorization": f"Bearer {simulator.token().access}",
    } | changes
    return {name: value for name, value in proper.items() if value is not None}


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("User-Agent", "python-requests/2.31", 403),
        ("Accept", "application/json", 406),
        ("Accept-Language", "de-DE", 422),
        ("Authorization", None, 401),
        ("Authorization", "Bearer nonsense", 401),
    ],
)
async def test_a_call_must_be_proper(
    simulator: AllegroSimulator, header: str, value: str | None, status: int
) -> None:
    async with serve(simulator) as base, aiohttp.ClientSession() as session:
        async with session.get(f"{base}/me", headers=headers(simulator)) as answer:
            assert answer.status == 200
        async with session.get(f"{base}/me", headers=headers(simulator, **{header: value})) as answer:
            assert answer.status == status


@pytest.mark.parametrize(
    "query", ["offset=9950&limit=100", "limit=101", "limit=0", "offset=-1", "sort=price", "updatedAt.gte=yesterday"]
)
async def test_a_list_has_its_limits(simulator: AllegroSimulator, query: str) -> None:
    async with serve(simulator) as base, aiohttp.ClientSession() as session:
        url = f"{base}/order/checkout-forms?{query}"
        async with session.get(url, headers=headers(simulator)) as answer:
            assert answer.status in (400, 422)


async def test_lists_can_be_filtered_and_sorted(simulator: AllegroSimulator) -> None:
    simulator.ledger.buy(30)
    async with serve(simulator) as base, aiohttp.ClientSession() as session:
        url = f"{base}/order/checkout-forms?fulfillment.provider.id=SELLER&limit=5&offset=5&sort=-updatedAt"
        async with session.get(url, headers=headers(simulator)) as answer:
            page = msgspec.json.decode(await answer.read())
    times = [form["updatedAt"] for form in page["checkoutForms"]]
    assert times == sorted(times, reverse=True)
    assert (page["count"], len(times)) == (5, 5)
    own = [one for one in simulator.ledger.live() if one.form["fulfillment"]["provider"]["id"] == "SELLER"]
    assert page["totalCount"] == len(own)


def test_a_seed_is_a_world() -> None:
    def world(seed: int) -> list[bytes]:
        simulator = AllegroSimulator(seed, now=lambda: datetime(2026, 11, 1, tzinfo=UTC))
        simulator.ledger.buy(20)
        return [one.body for one in simulator.ledger.live()]

    assert world(3) == world(3)
    assert world(3) != world(4)


def test_the_population_is_as_mixed_as_buyers_are(simulator: AllegroSimulator) -> None:
    simulator.ledger.buy(400)
    simulator.ledger.buy(1, warehouse=True)
    forms = [one.form for one in simulator.ledger.live()]
    assert {form["payment"]["type"] for form in forms} == {
        "ONLINE",
        "CASH_ON_DELIVERY",
        "WIRE_TRANSFER",
        "SPLIT_PAYMENT",
        "EXTENDED_TERM",
    }
    assert {len(form["lineItems"]) for form in forms} == {1, 2, 3, 4}
    assert {form["fulfillment"]["provider"]["id"] for form in forms} == {"SELLER", "ALLEGRO"}
    assert {"pickupPoint" in form["delivery"] for form in forms} == {True, False}
    assert {form["delivery"]["smart"] for form in forms} == {True, False}
    assert {"company" in form["invoice"].get("address", {}) for form in forms} == {True, False}
    assert {"companyName" in form["buyer"] for form in forms} == {True, False}
    lines = [line for form in forms for line in form["lineItems"]]
    assert {bool(line["selectedAdditionalServices"]) for line in lines} == {True, False}
    assert {"deposit" in line for line in lines} == {True, False}
    assert {bool(line["discounts"]) for line in lines} == {True, False}
    assert {line["offer"]["external"]["id"] for line in lines} == {product.sku for product in PRODUCTS}


def test_the_books_tell_what_is_due(simulator: AllegroSimulator) -> None:
    buy = simulator.ledger.buy
    (good,) = buy(1, payment="ONLINE")
    (cod,) = buy(1, payment="CASH_ON_DELIVERY")
    (unfinished,) = buy(1, paid=False)
    (warehouse,) = buy(1, warehouse=True)
    (late,) = buy(1)
    simulator.ledger.cancel(late)
    (noted,) = buy(1)
    simulator.ledger.cancel(noted, by="seller")
    old = buy(2, ready=False, payment="ONLINE")
    merged = simulator.ledger.merge(old)

    books = {entry.external_id: entry for entry in simulator.books()}

    assert {key for key, entry in books.items() if entry.due} == {good, cod, merged}
    assert {key for key, entry in books.items() if entry.cancelled} == {late, noted}
    assert {key for key, entry in books.items() if entry.status == "MERGED"} == set(old)
    assert (books[good].paid, books[cod].paid, books[unfinished].paid) == (True, False, False)
    assert not books[warehouse].due
    assert isinstance(books[merged].total, Money)


def test_the_journal_forgets_after_sixty_days() -> None:
    time = [datetime(2026, 1, 1, tzinfo=UTC)]
    simulator = AllegroSimulator(now=lambda: time[0])
    simulator.ledger.buy(1)
    time[0] += timedelta(days=59)
    simulator.ledger.buy(1)
    assert len(simulator.journal.after(None, (), 1000, time[0])) == len(simulator.journal.entries)
    time[0] += timedelta(days=2)
    assert {e.form_id for e in simulator.journal.after(None, (), 1000, time[0])} == {
        simulator.books()[1].external_id
    }


def test_late_events_show_up_at_their_old_places() -> None:
    time = [datetime(2026, 1, 1, tzinfo=UTC)]
    simulator = AllegroSimulator(now=lambda: time[0])
    simulator.delay_events(count=1, seconds=30)
    simulator.ledger.buy(1, payment="ONLINE")
    seen = simulator.journal.after(None, (), 1000, time[0])
    time[0] += timedelta(seconds=31)
    later = simulator.journal.after(None, (), 1000, time[0])
    assert [entry.type for entry in seen] == ["FILLED_IN", "READY_FOR_PROCESSING"]
    assert [entry.type for entry in later] == ["BOUGHT", "FILLED_IN", "READY_FOR_PROCESSING"]
    assert later[0].id < seen[0].id


async def test_it_can_be_driven_from_outside(simulator: AllegroSimulator) -> None:
    async with serve(simulator) as base, aiohttp.ClientSession() as session:

        async def do(verb: str, **arguments: object) -> object:
            async with session.post(f"{base}/_sim/do/{verb}", data=msgspec.json.encode(arguments)) as answer:
                assert answer.status == 200, verb
                return msgspec.json.decode(await answer.read())

        bought = await do("buy", count=2, ready=False, payment="ONLINE", buyer=1)
        assert isinstance(bought, list)
        merged = await do("merge", ids=bought, ready=False)
        await do("announce", id=merged)
        await do("pay", id=merged)
        await do("change_address", id=merged)
        await do("surcharge", id=merged, amount="2.50")
        await do("duplicate_events", count=2)
        await do("reorder_events", window=4)
        await do("delay_events", count=1, seconds=5)
        await do("drop_events", count=1)
        await do("fulfil", id=merged, status="PROCESSING", silent=True)
        await do("ship", id=merged)
        await do("set_status", id=merged, status="NOWY")
        await do("corrupt", id=merged)
        await do("cancel", id=merged, by="auto")
        await do("rotate_and_forget")
        await do("expire_tokens")
        await do("revoke_grant")
        async with session.get(f"{base}/_sim/books") as answer:
            books = msgspec.json.decode(await answer.read())
    assert [entry["status"] for entry in books] == ["MERGED", "MERGED", "CANCELLED"]
    tested = {"advance", "consent"}  # elsewhere, in-process
    assert tested < set(simulator.verbs())


def test_a_backlog_is_cheap_to_serve(simulator: AllegroSimulator) -> None:
    """One encoding per revision, however often a form is asked for."""
    (form,) = simulator.ledger.buy(1)
    purchase = simulator.ledger.purchases[form]
    assert purchase.body is purchase.body
    before = purchase.body
    simulator.ledger.surcharge(form)
    assert purchase.body != before
