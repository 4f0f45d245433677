"""The quirks of WooCommerce in the project's notes (21 to 34), each played by the simulator and survived."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from olhubd.model import Address, Buyer, Fulfilment, Order, Shipment, Stage
from olhubd.plugin import AuthLost, ContractBroken, Gone, OutcomeUnknown, Rejected
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.simulator import serve
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator, listing
from olhubd_kit.simulators.woocommerce.access import KEY, PASSWORD, READ_KEY, READ_SECRET, SECRET, USER
from olhubd_woocommerce.connector import WooCommerce
from tests.plugins.woocommerce.orders import drain, line, open_shop, pln, push_of

pytestmark = pytest.mark.proves("woocommerce", "quirks", each=range(21, 35))

MUG = [{"sku": "KUB-BIA", "quantity": 1}]


def doc_of(simulator: WooCommerceSimulator, external_id: str) -> dict[str, Any]:
    return simulator.ledger.sheets[int(external_id)].doc


async def raw(base: str, method: str, path: str, **options: Any) -> tuple[int, Any]:
    """A request of somebody who knows the shop's own rules, past the plugin."""
    head = {"Authorization": aiohttp.encode_basic_auth(KEY, SECRET)}
    async with (
        aiohttp.ClientSession(headers=head) as session,
        session.request(method, f"{base}/wp-json/wc/v3{path}", **options) as answer,
    ):
        return answer.status, await answer.json()


async def test_quirk_21_no_idempotency_and_no_filter_by_meta() -> None:
    """The same POST twice is two orders, and a filter by meta is ignored: so one POST, and an own search."""
    simulator = WooCommerceSimulator(secure=True)
    async with serve(simulator) as base:
        body = {"line_items": MUG, "meta_data": [{"key": "mark", "value": "1"}]}
        for _ in range(2):
            assert (await raw(base, "POST", "/orders", json=body))[0] == 201
        _, rows = await raw(base, "GET", "/orders?meta_key=mark&meta_value=nothing")
        assert len(rows) == 2
        _, rows = await raw(base, "GET", "/orders?search=mark")
        assert rows == []
    simulator = WooCommerceSimulator()
    async with open_shop(simulator) as shop:
        for kind in (FaultKind.LOSE, FaultKind.ERROR_AFTER, FaultKind.HALF):
            simulator.faults.add(Fault(kind=kind, match="^POST"))
            with pytest.raises(OutcomeUnknown):
                await shop.push_order(push_of(kind.value))
            found = await shop.find_order(f"allegro:{kind.value}", timedelta(minutes=1))
            assert found is not None
        assert len(simulator.books()) == simulator.calls["POST /wc/v3/orders"] == 3


async def test_quirk_22_totals_are_net(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """Gross sent as total would have tax put on top; the shop's sum is compared with what was paid."""
    push = push_of(lines=(line("1", "24.90", 2, sku="KUB-BIA"),))
    receipt = await shop.push_order(push)
    [row] = doc_of(simulator, receipt.external_id)["line_items"]
    assert (row["total"], row["subtotal"], row["total_tax"]) == ("40.49", "40.49", "9.31")
    assert receipt.total == push.order.total == pln("59.79")
    naive = simulator.place_order([{"sku": "KUB-BIA", "quantity": 2, "total": "49.80", "subtotal": "49.80"}])
    assert Decimal(doc_of(simulator, naive)["line_items"][0]["total_tax"]) == Decimal("11.45")


async def test_quirk_23_only_what_is_paid_is_paid(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """Cash on delivery under the shop's own "cod" is processing and unpaid; with another module it is on hold."""
    cod = doc_of(simulator, (await shop.push_order(push_of("A1", cod=True))).external_id)
    assert (cod["status"], cod["payment_method"], cod["date_paid_gmt"]) == ("processing", "cod", None)
    push = push_of("A2", cod=True, push={"payment_method": "paczkomaty_cod"})
    other = doc_of(simulator, (await shop.push_order(push)).external_id)
    assert (other["status"], other["date_paid_gmt"]) == ("on-hold", None)
    unpaid = doc_of(simulator, (await shop.push_order(push_of("A3", paid=False))).external_id)
    assert (unpaid["status"], unpaid["date_paid_gmt"]) == ("pending", None)
    paid = doc_of(simulator, (await shop.push_order(push_of("A4"))).external_id)
    assert (paid["status"], paid["date_paid_gmt"] is None) == ("processing", False)


async def test_quirk_24_one_null_refuses_the_order() -> None:
    """Every field of an address is text; what is not known is empty, and an e-mail that is none is left out."""
    simulator = WooCommerceSimulator(secure=True)
    async with serve(simulator) as base:
        for field, value in (("company", None), ("email", "")):
            status, answer = await raw(base, "POST", "/orders", json={"billing": {field: value}, "line_items": MUG})
            assert (status, answer["code"]) == (400, "rest_invalid_param")
    async with open_shop(simulator, notify_buyer=True) as shop:
        for number, email in enumerate((None, "", "nobody", "a@b.pl")):
            buyer = Buyer(login="x", email=email, address=Address(last_name="Y"))
            receipt = await shop.push_order(push_of(f"A{number}", buyer=buyer))
            billing = doc_of(simulator, receipt.external_id)["billing"]
            assert all(isinstance(value, str) for value in billing.values())
    assert billing["email"] == "a@b.pl"


async def test_quirk_25_times_of_changes(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """Read in the shop's own zone, exclusive, in seconds; a suffix beside dates_are_gmt hides rows silently."""
    at = datetime(2026, 11, 21, 17, 55, 25, tzinfo=UTC)
    simulator.now = simulator.ledger.now = lambda: at
    simulator.place_order(MUG)

    def told(text: str, **more: str) -> int:
        return len(listing.rows(simulator.ledger, {"modified_after": text, **more}))

    assert told("2026-11-21T17:55:24", dates_are_gmt="true") == 1
    assert told("2026-11-21T17:55:25", dates_are_gmt="true") == 0  # exclusive
    assert told("2026-11-21T17:55:24Z") == 1
    assert told("2026-11-21T18:55:24") == 1  # the shop's own time
    assert told("2026-11-21T18:55:25") == 0
    assert told("2026-11-21T17:55:24Z", dates_are_gmt="true") == 0  # shifted twice: missing
    simulator.access.verify = False
    page = await shop.orders.pull(await shop.orders.start(at - timedelta(seconds=1)))
    [record] = page.records
    assert isinstance(record, Order)
    assert record.placed_at == at


async def test_quirk_26_pages_of_a_hundred(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """More in a page is refused, and the order of changes must be asked for."""
    with pytest.raises(Rejected, match="per_page"):
        await shop._shop.get("/wc/v3/orders", list[Any], {"per_page": 101})
    cursor = await shop.orders.start(None)
    bought = simulator.buy(205)
    simulator.touch(bought[0])
    records, _ = await drain(shop, cursor)
    assert len(records) == 205
    assert {record.external_id for record in records} == set(bought)


async def test_quirk_27_hard_deletions_are_invisible(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """No list tells of a deleted order or product: an order is gone when it is read, a product when it is sold."""
    number = simulator.place_order(MUG)
    cursor = await shop.orders.start(None)
    simulator.delete(number)
    assert (await drain(shop, cursor))[0] == []
    assert await shop.orders.read_order(number) == Gone(external_id=number)
    await shop.push_order(push_of("A1"))
    del simulator.catalogue.products[101]
    receipt = await shop.push_order(push_of("A2"))
    assert [row.line_id for row in receipt.unlinked] == ["A2-1"]


async def test_quirk_28_stock_is_left_to_the_shop(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """No increment is atomic, so none is made; the shop's own books move, below zero if need be."""
    simulator.set_stock("KUB-BIA", 1)
    await shop.push_order(push_of())
    assert simulator.catalogue.products[101]["stock_quantity"] == -1
    assert not [name for name in simulator.calls if name.startswith("PUT /wc/v3/products")]


async def test_quirk_29_a_product_that_is_not_counted(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """It has no number, which is not zero: it is sold and bound like any other, and stays uncounted."""
    simulator.set_stock("KUB-BIA", None)
    receipt = await shop.push_order(push_of())
    assert not receipt.unlinked
    assert simulator.catalogue.products[101]["stock_quantity"] is None


async def test_quirk_30_one_customer_per_buyer(simulator: WooCommerceSimulator) -> None:
    """By what is stable of a buyer, never by a masked e-mail; one whose e-mail is taken is found by it."""
    async with open_shop(simulator, customers="match", notify_buyer=True) as shop:
        for number, mask in enumerate(("cub31c122", "cub31c123")):
            buyer = Buyer(
                external_id="4711",
                login="janek",
                email=f"8awgqyk6a5+{mask}@allegromail.pl",
                email_key="8awgqyk6a5",
                email_masked=True,
            )
            receipt = await shop.push_order(push_of(f"A{number}", buyer=buyer))
            assert doc_of(simulator, receipt.external_id)["customer_id"] == 2
        simulator.customers.append({"id": 77, "email": "Anna@Example.Test", "username": "anna"})
        buyer = Buyer(external_id="4712", email="anna@example.test")
        receipt = await shop.push_order(push_of("B1", buyer=buyer))
        assert doc_of(simulator, receipt.external_id)["customer_id"] == 77
        receipt = await shop.push_order(push_of("B2", buyer=Buyer(email="x@y.pl", guest=True)))
        assert doc_of(simulator, receipt.external_id)["customer_id"] == 0
    assert [c["email"] for c in simulator.customers] == ["8awgqyk6a5@allegromail.pl", "Anna@Example.Test"]


async def test_quirk_30_a_customer_made_by_somebody_else_meanwhile(
    simulator: WooCommerceSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_shop(simulator, customers="match", notify_buyer=True) as shop:
        find = shop._placing._customers._find
        asked: list[str] = []

        async def race(name: str, email: str) -> int | None:
            asked.append(name)
            found = await find(name, email)
            if len(asked) == 1:
                simulator.customers.append({"id": 9, "email": email.upper(), "username": "somebody"})
            return found

        monkeypatch.setattr(shop._placing._customers, "_find", race)
        receipt = await shop.push_order(push_of(buyer=Buyer(external_id="1", email="a@b.pl")))
    assert doc_of(simulator, receipt.external_id)["customer_id"] == 9
    assert len(simulator.customers) == 1


async def test_quirk_31_no_tracking_field_in_core(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """Where neither fulfilments nor a tracking plugin are there, the number is in order meta and in a note."""
    order = (await shop.push_order(push_of())).external_id
    await shop.parcels.add_shipment(
        order, Shipment(waybill="520001", carrier="INPOST", url="https://inpost.test/520001")
    )
    sheet = simulator.ledger.sheets[int(order)]
    assert sheet.meta("_tracking_number") == "520001"
    assert sheet.notes[0]["note"] == "INPOST: 520001 https://inpost.test/520001"
    record = await shop.orders.read_order(order)
    assert isinstance(record, Order)
    assert [parcel.url for parcel in record.shipments] == ["https://inpost.test/520001"]


async def test_quirk_32_failed_is_not_cancelled(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """A payment that failed may be tried again; refunded and cancelled are the end."""
    order = (await shop.push_order(push_of("A1", paid=False))).external_id
    simulator.set_status(order, "failed")
    record = await shop.orders.read_order(order)
    assert isinstance(record, Order)
    assert (record.stage, record.fulfilment) == (Stage.PLACED, Fulfilment.NEW)
    await shop.set_status(order, "processing")
    assert doc_of(simulator, order)["status"] == "processing"


async def test_quirk_33_keys_over_plain_http() -> None:
    """Basic with keys is refused there, so requests are signed; a redirect is not followed with the key."""
    simulator = WooCommerceSimulator()
    async with serve(simulator) as base:
        status, answer = await raw(base, "GET", "/orders")
        assert (status, answer["code"]) == (401, "woocommerce_rest_cannot_view")
    async with open_shop(simulator) as shop:
        assert (await shop.probe()).details["currency"] == "PLN"
    async with open_shop(simulator, auth="basic") as shop:
        with pytest.raises(AuthLost, match="saw no key that it knows"):
            await shop.probe()
    async with open_shop(simulator, consumer_key=READ_KEY, consumer_secret=READ_SECRET) as shop:
        await shop.probe()
        with pytest.raises(AuthLost, match="lacks the right"):
            await shop.push_order(push_of())
    async with open_shop(simulator) as shop:
        simulator.faults.add(Fault(kind=FaultKind.ERROR, status=301, times=None))
        with pytest.raises(ContractBroken, match="write its final address"):
            await shop.probe()


async def test_quirk_33_behind_tls() -> None:
    simulator = WooCommerceSimulator(secure=True)
    async with open_shop(simulator) as shop:
        assert (await shop.push_order(push_of())).total == push_of().order.total
    none = {"consumer_key": None, "consumer_secret": None}
    async with open_shop(simulator, **none, username=USER, application_password=PASSWORD) as shop:
        assert (await shop.push_order(push_of("A2"))).total == push_of().order.total


@pytest.mark.parametrize("secure", [False, True])
async def test_quirk_33_without_permalinks(secure: bool) -> None:
    """Only /?rest_route= answers, and keys count only while the address holds wp-json/wc/ somewhere."""
    simulator = WooCommerceSimulator(permalinks=False, secure=secure)
    async with open_shop(simulator) as shop:
        cursor = await shop.orders.start(None)
        receipt = await shop.push_order(push_of())
        assert receipt.total == push_of().order.total
        assert [record.external_id for record in (await drain(shop, cursor))[0]] == [receipt.external_id]
    async with open_shop(simulator, pretty_permalinks=True) as shop:
        with pytest.raises(Exception, match="404"):
            await shop.orders.start(None)


async def test_quirk_34_no_webhook_is_needed(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """A shop switches webhooks off after five failures: none is registered, and polling tells every change."""
    cursor = await shop.orders.start(None)
    order = simulator.place_order(MUG)
    records, cursor = await drain(shop, cursor)
    simulator.now = simulator.ledger.now = lambda: datetime.now(UTC) + timedelta(seconds=70)
    simulator.set_status(order, "cancelled")
    again, _ = await drain(shop, cursor)
    stages = [record.stage for record in (*records, *again) if isinstance(record, Order)]
    assert stages == [Stage.CONFIRMED, Stage.CANCELLED]
    assert not [name for name in simulator.calls if "webhooks" in name]
