"""The simulated shop does what a real one did, also where no connector of ours goes."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from yarl import URL

from olhubd.plugin import AuthLost, Unavailable
from olhubd.plugin.auth import signed
from olhubd_kit.simulator import serve
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator
from olhubd_kit.simulators.woocommerce.access import KEY, PASSWORD, SECRET, USER
from olhubd_kit.simulators.woocommerce.mails import OWNER
from tests.plugins.woocommerce.orders import open_shop, push_of

MUG = [{"sku": "KUB-BIA", "quantity": 1}]
DOG = "\N{DOG FACE}"


async def asked(url: URL, headers: dict[str, str]) -> int:
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        return answer.status


@pytest.mark.parametrize(("path", "status"), [("/", 401), ("/index.php", 200)])
async def test_the_bare_slash_is_signed_otherwise_than_it_is_asked_for(path: str, status: int) -> None:
    """The shop takes the path of its own address off the request's before it checks the signature."""
    simulator = WooCommerceSimulator(permalinks=False)
    async with serve(simulator) as base:
        url = URL(f"{base}{path}").with_query(rest_route="/wc/v3/orders", x="wp-json/wc/")
        at = int(simulator.now().timestamp())
        assert await asked(url, {"Authorization": signed("GET", url, KEY, SECRET, at, "n1")}) == status


@pytest.mark.parametrize(
    ("name", "password", "status"),
    [(KEY, SECRET, 401), (USER, PASSWORD, 200), ("", "", 200)],
    ids=["key", "user", "nobody"],
)
async def test_a_key_is_no_user_of_the_index(name: str, password: str, status: int) -> None:
    """It belongs to the shop; the index asks WordPress who that is."""
    async with serve(WooCommerceSimulator(secure=True)) as base:
        headers = {"Authorization": aiohttp.encode_basic_auth(name, password)} if name else {}
        assert await asked(URL(f"{base}/wp-json/"), headers) == status


async def test_an_update_is_waited_for() -> None:
    simulator = WooCommerceSimulator(verify_signatures=False)
    async with open_shop(simulator) as shop:
        await shop.push_order(push_of("A1"))
        simulator.maintenance(1)
        with pytest.raises(Unavailable, match="Maintenance"):
            await shop.cancel_order("501", "the buyer withdrew")
        assert simulator.books()[0].status == "processing"


async def test_one_worker_answers_one_call_at_a_time() -> None:
    simulator = WooCommerceSimulator(verify_signatures=False)
    simulator.slow_host(1, 0)
    under_way: list[int] = [0, 0]
    serve_one = simulator._serve

    async def counted(*args: Any) -> Any:
        under_way[0] += 1
        under_way[1] = max(under_way)
        await asyncio.sleep(0)
        try:
            return await serve_one(*args)
        finally:
            under_way[0] -= 1

    simulator._serve = counted  # type: ignore[assignment, method-assign]
    async with open_shop(simulator) as shop:
        await asyncio.gather(*(shop.push_order(push_of(f"A{n}")) for n in range(5)))
    assert under_way == [0, 1]
    assert len(simulator.books()) == 5


def test_without_tables_of_their_own_orders_keep_long_texts() -> None:
    """As posts, every field is a row of its own and nothing is lost."""
    for hpos, lines in ((True, 0), (False, 1)):
        simulator = WooCommerceSimulator(hpos=hpos)
        simulator.place_order(MUG, billing={"phone": "6" * 101}, transaction_id="t" * 120)
        doc = simulator.ledger.sheets[501].doc
        assert (len(doc["line_items"]), len(doc["transaction_id"])) == (lines, 100)
        assert float(doc["total"]) > 0


def test_an_old_table_loses_what_it_cannot_hold_and_counts_it() -> None:
    simulator = WooCommerceSimulator()
    plain = simulator.place_order([*MUG, {"name": "Obroża", "quantity": 1, "total": "10.00"}])
    simulator.old_tables(["items"])
    odd = simulator.place_order([*MUG, {"name": f"Obroża {DOG}", "quantity": 1, "total": "10.00"}])
    first, second = (simulator.ledger.sheets[int(number)].doc for number in (plain, odd))
    assert second["total"] == first["total"]
    assert (len(first["line_items"]), len(second["line_items"])) == (2, 1)


def test_mails_go_to_the_owner_once_and_to_the_buyer_at_each_step() -> None:
    simulator = WooCommerceSimulator()
    order = simulator.place_order(MUG)
    simulator.set_status(order, "completed")
    simulator.set_status(order, "refunded")
    assert [mail.to for mail in simulator.mails()].count(OWNER) == 1
    assert [mail.kind for mail in simulator.ledger.mails.to_buyers] == [
        "customer-processing-order",
        "customer-completed-order",
        "customer-refunded-order",
    ]


def test_an_order_of_a_customer_takes_over_its_address() -> None:
    """Which is why an order that nobody is to hear of has no customer."""
    simulator = WooCommerceSimulator()
    simulator.customers.append({"id": 7, "email": "anna@example.test", "username": "anna"})
    simulator.place_order(MUG, billing={"first_name": "Anna"}, customer_id=7)
    assert [mail.to for mail in simulator.ledger.mails.to_buyers] == ["anna@example.test"]


def test_products_can_share_a_sku_only_past_the_checks() -> None:
    simulator = WooCommerceSimulator()
    first = simulator.catalogue.by_sku("KOC-WEL")
    assert first is not None
    second = simulator.add_product("KOC-WEL", {"name": "Blanket"})
    rows = simulator.catalogue.find({"sku": "KOC-WEL"})
    assert [row["id"] for row in rows] == [second, first["id"]]


async def test_a_lost_right_is_still_a_lost_right() -> None:
    """A wrong key is refused at the shop's addresses, whatever the index says."""
    async with open_shop(WooCommerceSimulator(secure=True), consumer_secret="cs_wrong") as shop:
        with pytest.raises(AuthLost):
            await shop.probe()
