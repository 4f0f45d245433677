"""OAuth 2.0 as the kit speaks it: a server that is strict about what the standards say, over real sockets."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestServer

from olhubd.plugin import (
    Account,
    AuthLost,
    Flow,
    OAuth2,
    OutcomeUnknown,
    Rejected,
    Secret,
    Settings,
    StillPending,
    Token,
    Unavailable,
)
from olhubd_kit.test_host import CountingClientMaker, InstantClock, KeptToken

BACK = "https://hub.example/signin/callback"
NOW = datetime(2026, 11, 1, tzinfo=UTC)
BASIC = "Basic " + base64.b64encode(b"app:key").decode()


class Clock(InstantClock):
    def now(self) -> datetime:
        return NOW


class Server:
    """Answers with what is in `answers`, first to last, and keeps the forms that came."""

    def __init__(self) -> None:
        self.forms: list[dict[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.answers: list[tuple[int, Any]] = []
        self.base = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        assert request.content_type == "application/x-www-form-urlencoded"
        self.forms.append({key: str(value) for key, value in (await request.post()).items()})
        self.headers.append(dict(request.headers))
        status, body = self.answers.pop(0)
        if isinstance(body, str):
            return web.Response(status=status, text=body, content_type="text/html")
        return web.json_response(body, status=status)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    app = web.Application()
    app.router.add_post("/{path}", made.handle)
    async with TestServer(app) as served:
        made.base = str(served.make_url("")).rstrip("/")
        yield made


@pytest.fixture
async def account(server: Server) -> AsyncIterator[Account[Settings]]:
    async with aiohttp.ClientSession() as session:
        clock = Clock()
        yield Account(
            name="one",
            settings=Settings(),
            log=structlog.get_logger(),
            clock=clock,
            tokens=KeptToken(None, clock),
            make_client=CountingClientMaker(session, clock),
        )


class Rotating(OAuth2):
    refresh_life = timedelta(days=90)


def login(account: Account[Settings], server: Server, kind: type[OAuth2] = OAuth2, **options: Any) -> OAuth2:
    options = {"client_secret": Secret("key"), **options}
    return kind(account, server.base, title="Shop", client_id="app", token="/token", **options)


GIVEN = {
    "access_token": "a1",
    "token_type": "bearer",
    "expires_in": 600,
    "refresh_token": "r1",
    "scope": "read write",
}


def test_a_login_has_the_flows_whose_addresses_it_names(account: Account[Settings], server: Server) -> None:
    assert login(account, server).flows == ()
    everything = login(account, server, machine=True, authorize="/authorize", device="/device")
    assert everything.flows == (Flow.DEVICE, Flow.CODE, Flow.CLIENT)


@pytest.mark.parametrize("where", ["/authorize", "https://auth.shop.example/consent?locale=pl"])
async def test_the_person_is_sent_with_all_that_the_standard_asks(
    account: Account[Settings], server: Server, where: str
) -> None:
    one = login(account, server, authorize=where, prompts={"prompt": "confirm"}, asks=["read", "write all"])
    url = urlsplit(one.authorize_url(BACK, "st&te", "challenge"))
    assert f"{url.scheme}://{url.netloc}" == (server.base if where.startswith("/") else "https://auth.shop.example")
    assert {key: value[0] for key, value in parse_qs(url.query).items() if key != "locale"} == {
        "response_type": "code",
        "client_id": "app",
        "redirect_uri": BACK,
        "scope": "read write all",
        "state": "st&te",
        "code_challenge": "challenge",
        "code_challenge_method": "S256",
        "prompt": "confirm",
    }


@pytest.mark.parametrize(
    ("options", "keys", "header"),
    [
        ({}, {}, BASIC),
        ({"in_form": True}, {"client_id": "app", "client_secret": "key"}, None),
        ({"client_secret": None}, {"client_id": "app"}, None),
    ],
    ids=["header", "form", "public"],
)
async def test_a_code_is_exchanged_with_its_verifier(
    account: Account[Settings], server: Server, options: dict[str, Any], keys: dict[str, str], header: str | None
) -> None:
    server.answers = [(200, GIVEN)]
    token = await login(account, server, authorize="/authorize", **options).exchange("c0de", BACK, "verifier")
    assert token == Token(
        access="a1", refresh="r1", expires_at=NOW + timedelta(minutes=10), scopes=("read", "write")
    )
    code = {"grant_type": "authorization_code", "code": "c0de", "redirect_uri": BACK, "code_verifier": "verifier"}
    assert server.forms == [code | keys]
    assert server.headers[0].get("Authorization") == header


async def test_refresh_tokens_rotate_or_stay(account: Account[Settings], server: Server) -> None:
    server.answers = [(200, GIVEN | {"refresh_token": "r2"}), (200, {"access_token": "a3"})]
    one = login(account, server, Rotating)
    first = Token(access="a1", refresh="r1", expires_at=NOW, owner="seller")
    second = await one.refresh(first)
    assert (second.access, second.refresh, second.owner) == ("a1", "r2", "seller")
    assert second.refresh_expires_at == NOW + timedelta(days=90)
    third = await one.refresh(second)
    assert (third.refresh, third.expires_at) == (None, NOW + timedelta(hours=1)), "the keeper keeps the old one"
    assert [form["refresh_token"] for form in server.forms] == ["r1", "r2"]


@pytest.mark.parametrize(("told", "ends"), [(60.0, 60.0), (-5, 0.0), (1e300, 3650 * 86400.0)])
async def test_ends_are_believed_as_far_as_they_make_sense(
    account: Account[Settings], server: Server, told: float, ends: float
) -> None:
    server.answers = [(200, GIVEN | {"expires_in": told, "refresh_token_expires_in": told})]
    token = await login(account, server).exchange("c", BACK, "v")
    assert token.expires_at == token.refresh_expires_at == NOW + timedelta(seconds=ends)


async def test_without_a_person(account: Account[Settings], server: Server) -> None:
    """A token of the application has nothing to renew it by: it is asked for again."""
    server.answers = [(200, {"access_token": "m1", "expires_in": 60}), (200, {"access_token": "m2"})]
    one = login(account, server, machine=True, asks=["stock"])
    first = await one.obtain()
    assert (await one.refresh(first)).access == "m2"
    assert server.forms == [{"grant_type": "client_credentials", "scope": "stock"}] * 2


async def test_a_code_on_another_device(account: Account[Settings], server: Server) -> None:
    server.answers = [
        (
            200,
            {
                "device_code": "d",
                "user_code": "u",
                "verification_uri": "https://shop.example/d",
                "expires_in": 60,
                "interval": 900,
            },
        ),
        (400, {"error": "authorization_pending"}),
        (400, {"error": "slow_down"}),
        (200, GIVEN),
    ]
    one = login(account, server, device="/device")
    grant = await one.begin_device()
    assert (grant.url, grant.interval, grant.expires_at) == (
        "https://shop.example/d",
        60.0,
        NOW + timedelta(seconds=60),
    )
    assert await one.poll_device(grant) == StillPending(interval=60.0)
    assert await one.poll_device(grant) == StillPending(interval=65.0)
    assert isinstance(await one.poll_device(grant), Token)
    assert server.forms[0] == {"client_id": "app"}
    assert server.forms[-1] == {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": "d"}


async def test_wrong_keys_while_a_person_is_asked_are_no_code_that_ran_out(
    account: Account[Settings], server: Server
) -> None:
    """Else the person is sent to sign in again and again, and what is wrong is the client's secret."""
    device = {"device_code": "d", "user_code": "u", "verification_uri": "https://shop.example/d", "expires_in": 60}
    server.answers = [(200, device), (401, {"error": "invalid_client"})]
    one = login(account, server, device="/device")
    grant = await one.begin_device()
    with pytest.raises(Rejected) as refused:
        await one.poll_device(grant)
    assert refused.value.field == "client_secret"


OLD = Token(access="a", refresh="r", expires_at=NOW)


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        ((400, {"error": "invalid_grant", "error_description": "r"}), AuthLost, "over or was withdrawn"),
        ((401, {"error": "invalid_client"}), Rejected, "Shop does not know this client id with this secret"),
        ((400, {"error": "invalid_request"}), Rejected, "invalid_request"),
        ((500, {"error": "server_error"}), OutcomeUnknown, "POST /token"),
        ((400, {"message": "no"}), OutcomeUnknown, "whether it was done is not known"),
        ((401, "<html><title>Firewall</title>"), OutcomeUnknown, "Firewall"),
        ((200, "<html><title>Firewall</title>"), OutcomeUnknown, "Firewall"),
        ((200, {"token": "x"}), OutcomeUnknown, "access_token"),
    ],
)
async def test_only_the_servers_own_word_ends_a_grant(
    account: Account[Settings], server: Server, answer: tuple[int, Any], kind: type[Exception], says: str
) -> None:
    server.answers = [answer]
    with pytest.raises(kind, match=says) as caught:
        await login(account, server).refresh(OLD)
    assert type(caught.value) is kind
    if kind is Rejected and "secret" in says:
        assert isinstance(caught.value, Rejected)
        assert caught.value.field == "client_secret"


async def test_a_server_that_is_not_there(account: Account[Settings], server: Server) -> None:
    nobody = OAuth2(account, "http://127.0.0.1:9", title="Shop", client_id="app", token="/token")
    with pytest.raises(Unavailable):
        await nobody.refresh(OLD)
