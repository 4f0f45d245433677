"""Signing in, settings, and what refusals are turned into."""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from aiohttp import web
from pydantic import ValidationError

from olhubd.model import Payment, PaymentType, Shipment
from olhubd.plugin import AuthLost, Cursor, NotFound, OutcomeUnknown, PluginError, Rejected, Unavailable
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator
from olhubd_kit.simulators.woocommerce.access import KEY, SECRET
from olhubd_woocommerce.connector import WooCommerce
from olhubd_woocommerce.settings import WooCommerceSettings
from tests.plugins.woocommerce.orders import open_shop, push_of

KEYS = {"consumer_key": "ck_1", "consumer_secret": "cs_1"}
PASSWORDS = {"username": "hub", "application_password": "abcd"}


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ({}, "needs either"),
        ({**KEYS, **PASSWORDS}, "needs either"),
        ({"consumer_key": "ck_1"}, "needs either"),
        ({**KEYS, "username": "hub"}, "needs either"),
        ({**PASSWORDS, "auth": "oauth1"}, "needs consumer_key"),
        ({**KEYS, "url": "https://shop.test/wp-json/"}, "without /wp-json"),
        ({**KEYS, "currency": "zł"}, "currency"),
        ({**KEYS, "overlap": "5 s"}, "overlap"),
        ({**KEYS, "webhooks": True}, "webhooks"),
    ],
)
def test_settings_that_cannot_work(written: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says) as caught:
        WooCommerceSettings.model_validate({"url": "https://shop.test", **written})
    assert "ck_1" not in str(caught.value)


def test_settings_that_work() -> None:
    for written in (KEYS, PASSWORDS):
        settings = WooCommerceSettings.model_validate({"url": "https://shop.test", **written, "settle": "90 s"})
        assert settings.settle.total_seconds() == 90
        assert "cs_1" not in repr(settings)


async def test_settle_follows_the_settings(simulator: WooCommerceSimulator) -> None:
    async with open_shop(simulator, settle="2 min") as shop:
        assert shop.settle.total_seconds() == 120
    assert WooCommerce.settle.total_seconds() == 60


async def test_a_firewalls_page_is_no_lost_key(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    simulator.faults.add(Fault(kind=FaultKind.ERROR, status=403, times=None))
    with pytest.raises(Unavailable, match="a page instead of an answer"):
        await shop.probe()
    with pytest.raises(Unavailable):
        await shop.push_order(push_of())


async def test_a_wrong_secret_is_a_lost_key(simulator: WooCommerceSimulator) -> None:
    async with open_shop(simulator, consumer_secret="cs_wrong") as shop:
        with pytest.raises(AuthLost, match="signature"):
            await shop.probe()


async def test_a_refusal_names_the_field_and_quotes_nothing(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    with pytest.raises(Rejected) as caught:
        await shop.push_order(push_of(push={"status": "no-such"}))
    assert caught.value.field == "status"
    assert caught.value.code == "rest_invalid_param"
    assert "Kowalski" not in str(caught.value)
    assert not simulator.books()


async def test_a_wrong_clock_is_no_lost_key(simulator: WooCommerceSimulator) -> None:
    """A machine whose clock is wrong at start must not have its account parked: a clock is set right by itself."""
    simulator.now = lambda: datetime(2001, 1, 1, tzinfo=UTC)
    async with open_shop(simulator) as shop:
        with pytest.raises(Unavailable, match="clock"):
            await shop.probe()


# Hosts that take the Authorization header away


async def test_a_host_that_strips_the_header_is_named_as_the_likely_cause() -> None:
    """The shop sees nobody at all; a wrong key it would call a wrong key."""
    simulator = WooCommerceSimulator(secure=True)
    simulator.access.strips = True
    async with open_shop(simulator) as shop:
        with pytest.raises(AuthLost, match=r"the host strips the Authorization header .then auth = query"):
            await shop.probe()
    simulator.access.strips = False
    async with open_shop(simulator, consumer_secret="cs_wrong", auth="query") as shop:
        with pytest.raises(AuthLost) as caught:
            await shop.probe()
        assert "strips" not in str(caught.value)


@pytest.mark.parametrize("permalinks", [True, False])
async def test_the_key_can_go_in_the_address_and_no_error_shows_it(permalinks: bool) -> None:
    simulator = WooCommerceSimulator(secure=True, permalinks=permalinks)
    simulator.access.strips = True
    async with open_shop(simulator, auth="query") as shop:
        assert (await shop.probe()).id == simulator.home
        receipt = await shop.push_order(push_of())
        found = await shop.find_order("allegro:A1", None)
        assert found is not None
        assert found.external_id == receipt.external_id
        page = f"<html><title>Nothing at /?consumer_key={KEY}</title>"
        for fault in (FaultKind.CUT, FaultKind.HANG, FaultKind.ERROR, FaultKind.HALF):
            simulator.faults.add(Fault(kind=fault, status=403, body=page, times=None))
            with pytest.raises(PluginError) as caught:
                await shop._shop._client.request(
                    "GET", "/wp-json/wc/v3/orders", query=shop._shop._proof, timeout=0.2
                )
            simulator.faults.clear()
            assert KEY not in str(caught.value)
            assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("url", ["https://shop.test", "http://127.0.0.1:8080"])
def test_a_key_in_the_address_goes_over_https_only(url: str) -> None:
    assert WooCommerceSettings.model_validate({"url": url, **KEYS, "auth": "query"}).auth == "query"
    with pytest.raises(ValidationError, match="https") as caught:
        WooCommerceSettings.model_validate({"url": "http://shop.test", **KEYS, "auth": "query"})
    assert "ck_1" not in str(caught.value)


# The site's own index


@pytest.mark.parametrize("permalinks", [True, False])
@pytest.mark.parametrize("auth", ["basic", "query"])
async def test_an_application_password_on_the_site_does_not_hide_who_the_shop_is(
    auth: str, permalinks: bool
) -> None:
    """A key of the shop is no user of the site, which WordPress says where it is shown one."""
    simulator = WooCommerceSimulator(secure=True, permalinks=permalinks)
    async with open_shop(simulator, auth=auth) as shop:
        identity = await shop.probe()
        assert (identity.id, identity.login) == (simulator.home, "Sklep testowy")
        assert identity.details["time zone"] == "UTC+1"


async def test_a_site_that_hides_its_index_is_known_by_its_address_and_no_time_is_made_up() -> None:
    class Shy(WooCommerceSimulator):
        async def _answer(self, request: web.Request, path: str, params: dict[str, str]) -> web.Response:
            return self.refusal(401) if path == "/" else await super()._answer(request, path, params)

    async with open_shop(Shy()) as shop:
        identity = await shop.probe()
        assert identity.id.startswith("http://127.0.0.1")
        assert identity.details["time zone"] == "unknown"


async def test_a_site_that_is_down_at_its_index_is_not_taken_for_another_one(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    """Its name by the settings alone would be another one than before: the account would stop."""
    simulator.faults.add(Fault(kind=FaultKind.ERROR, match="/wp-json/?$", status=502, times=None))
    with pytest.raises(Unavailable):
        await shop.probe()


async def test_the_maintenance_page_of_an_update_is_believed_for_a_minute(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    """WordPress always says ten minutes; an update takes seconds."""
    page = "<!DOCTYPE html><title>Maintenance</title><h1>Briefly unavailable for scheduled maintenance.</h1>"
    simulator.faults.add(Fault(kind=FaultKind.ERROR, match="POST", status=503, body=page, retry_after=600))
    with pytest.raises(OutcomeUnknown, match="the site is being maintained") as caught:
        await shop.push_order(push_of())
    assert caught.value.retry_after == 60


# What proves that nothing was done


@pytest.mark.parametrize(
    "body",
    [
        '{"code": 403, "message": "Forbidden", "data": {"status": 403}}',
        '{"code": "blocked", "message": "Forbidden"}',
        '{"code": "blocked", "message": "Forbidden", "data": {"status": 200}}',
        '{"code": "wp_die", "message": "Forbidden", "data": {"status": 403}, "additional_errors": []}',
        '{"code": "internal_server_error", "message": "Critical error.", "data": {"status": 403}}',
        '{"success": false, "data": "blocked"}',
        "[]",
    ],
)
async def test_json_of_a_firewall_or_of_a_program_that_broke_off_proves_nothing(
    body: str, shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    simulator.faults.add(
        Fault(
            kind=FaultKind.ERROR_AFTER,
            match="POST",
            status=403,
            body=body,
            content_type="application/json",
            times=None,
        )
    )
    with pytest.raises(OutcomeUnknown):
        await shop.push_order(push_of())
    assert len(simulator.books()) == 1


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "marked"])
async def test_the_shops_own_refusal_proves_it(
    mark: str, shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    body = mark + '{"code": "rest_gone", "message": "No such thing.", "data": {"status": 404, "params": {}}}'
    simulator.faults.add(
        Fault(kind=FaultKind.ERROR, match="POST", status=404, body=body, content_type="application/json")
    )
    with pytest.raises(NotFound, match="No such thing"):
        await shop.push_order(push_of())


PAID = Payment(type=PaymentType.ONLINE)
PARCEL = Shipment(carrier="INPOST", waybill="6001")
CALLS: dict[str, Callable[[WooCommerce], Awaitable[object]]] = {
    "read": lambda shop: shop.orders.read_order("501"),
    "pull": lambda shop: shop.orders.pull(Cursor("2026-11-20T08:00:00|")),
    "push": lambda shop: shop.push_order(push_of("A2")),
    "find": lambda shop: shop.find_order("allegro:A1", None),
    "find by number": lambda shop: shop.find_by_number("501"),
    "status": lambda shop: shop.set_status("501", "completed"),
    "payment": lambda shop: shop.set_payment("501", PAID, push_of().order.total),
    "parcel": lambda shop: shop.parcels.add_shipment("501", PARCEL),
    "cancel": lambda shop: shop.cancel_order("501", "at the marketplace"),
}
OFF = '{"code": "rest_no_route", "message": "No route was found.", "data": {"status": 404}}'


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
async def test_a_shop_whose_woocommerce_is_off_has_lost_no_order(
    call: Callable[[WooCommerce], Awaitable[object]], shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    """WordPress takes a plugin out while it brings a newer one, and says of each address that there is none: in its
    own form, with 404. Taken for an order that is not there, it would be told as gone, and its status, payment and
    cancellation be given up."""
    await shop.push_order(push_of())
    fault = Fault(
        kind=FaultKind.ERROR, match="/wc/", status=404, body=OFF, content_type="application/json", times=None
    )
    simulator.faults.add(fault)
    with pytest.raises(Unavailable, match="switched off"):
        await call(shop)
    simulator.faults.clear()
    await call(shop)
