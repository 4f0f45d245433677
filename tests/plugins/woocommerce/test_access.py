"""Signing in, settings, and what refusals are turned into."""

from __future__ import annotations

import logging
import secrets as randomness
from datetime import UTC, datetime

import pytest
from oauthlib.oauth1 import Client as Library
from pydantic import ValidationError
from yarl import URL

from olhubd.plugin import AuthLost, Rejected, Unavailable
from olhubd.testing.faults import Fault, Kind
from olhubd_woocommerce.client import signed
from olhubd_woocommerce.connector import WooCommerce
from olhubd_woocommerce.settings import WooCommerceSettings
from olhubd_woocommerce.simulator import WooCommerceSimulator
from tests.plugins.woocommerce.orders import open_shop, push_of

KEYS = {"consumer_key": "ck_1", "consumer_secret": "cs_1"}
PASSWORDS = {"username": "hub", "application_password": "abcd"}


@pytest.mark.parametrize("query", [{}, {"sku": "a b,c+d/é'()*!~", "per_page": 100}, {"rest_route": "/wc/v3/x"}])
def test_signatures_are_those_of_the_standard(
    query: dict[str, str | int], caplog: pytest.LogCaptureFixture
) -> None:
    url = URL("http://shop.test:8080/wp-json/wc/v3/products").with_query(query)
    nonce = randomness.token_hex(8)
    ours = signed("GET", url, "ck", "c s&", 1795000000, nonce)
    library = Library("ck", "c s&", signature_method="HMAC-SHA256", timestamp="1795000000", nonce=nonce)
    with caplog.at_level(logging.CRITICAL):
        _, head, _ = library.sign(str(url))
    assert sorted(ours.split(", ")[1:]) == sorted(
        part for part in head["Authorization"].removeprefix("OAuth ").split(", ") if "consumer_key" not in part
    )


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
    simulator.faults.add(Fault(kind=Kind.ERROR, status=403, times=None))
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
