"""Keys that never change: what is sent, as the standards say, and that nothing of them is told."""

from __future__ import annotations

import base64
import logging
import secrets as randomness
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from oauthlib.oauth1 import Client as Library
from yarl import URL

from olhubd.plugin import Basic, Client, Middleware, OAuth1, Secret
from olhubd.plugin.auth import signed
from olhubd_kit.test_host import InstantClock


class Clock(InstantClock):
    def now(self) -> datetime:
        return datetime.fromtimestamp(1795000000, UTC)


async def sent(auth: Middleware, query: str = "") -> tuple[str, URL]:
    """The Authorization header that a server sees, and the address."""
    seen: list[tuple[str, URL]] = []

    async def handle(request: web.Request) -> web.Response:
        seen.append((request.headers["Authorization"], request.url))
        return web.json_response({})

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        client = Client(session, str(server.make_url("/api")), auth=auth)
        await client.get("/orders", dict, {"sku": "a b", "page": 1} if query else None)
    return seen[0]


async def test_basic_is_user_and_password() -> None:
    header, _ = await sent(Basic("użytkownik", Secret("a:b")))
    assert base64.b64decode(header.removeprefix("Basic ")).decode() == "użytkownik:a:b"


@pytest.mark.parametrize("scheme", [None, "https"])
async def test_a_request_is_signed_for_the_address_that_the_server_believes_in(scheme: str | None) -> None:
    header, url = await sent(OAuth1(Secret("ck"), Secret("cs"), Clock(), scheme=scheme), "query")
    nonce = header.partition('oauth_nonce="')[2].partition('"')[0]
    library = Library("ck", "cs", signature_method="HMAC-SHA256", timestamp="1795000000", nonce=nonce)
    wanted = library.sign(str(url.with_scheme(scheme or "http")))[1]["Authorization"]
    assert sorted(header.removeprefix("OAuth ").split(", ")) == sorted(wanted.removeprefix("OAuth ").split(", "))


def test_no_key_shows_itself() -> None:
    for one in (Basic("u", Secret("hidden")), OAuth1(Secret("k"), Secret("hidden"), Clock())):
        assert "hidden" not in repr(one)


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
