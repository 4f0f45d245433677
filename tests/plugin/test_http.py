"""The HTTP client over real sockets, against a server that misbehaves in every way the fault injector knows.

Repeats without duplicates; the system's own complaint and the field it names.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import gzip
import socket
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web
from yarl import URL

from olhubd import model
from olhubd.engine.access.value_window import ValueWindow
from olhubd.plugin import (
    AuthLost,
    Bearer,
    Client,
    Conflict,
    ContractBroken,
    ErrorDetails,
    ErrorTable,
    Forbidden,
    Lane,
    NotFound,
    OutcomeUnknown,
    PluginError,
    RateLimited,
    Rejected,
    Response,
    Unavailable,
    ValueBudget,
    ValuesSpent,
    decode,
)
from olhubd.plugin.budget import calling_for
from olhubd_kit.faults import Fault, FaultKind, Faults
from olhubd_kit.virtual_clock import VirtualClock

CANARY = "c4n4ry-s3cret"


class Thing(msgspec.Struct, frozen=True):
    id: int
    name: str = ""


class Colour(enum.Enum):
    RED = "red"


class Shop:
    """A server that counts what it did. `answer` replaces its answer to everything under /thing."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.seen: list[web.Request] = []
        self.bodies: list[bytes] = []
        self.acts = 0
        self.answer: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None
        self.base = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        self.bodies.append(await request.read())
        self.acts += 1
        if self.answer is not None:
            return await self.answer(request)
        return web.json_response({"id": self.acts, "name": "thing"})


class Turnstile:
    """A gate that counts, and can be told to fail or to block the next who comes."""

    def __init__(self) -> None:
        self.inside = self.passed = self.open = self.strains = 0
        self.closed: list[float | None] = []
        self.blocks = False
        self.fails: Exception | None = None
        self.lanes: list[tuple[Lane, int]] = []

    async def acquire(self, lane: Lane = Lane.ORDERS, cost: int = 1) -> None:
        if self.blocks:
            await asyncio.Event().wait()
        if self.fails:
            raise self.fails
        self.lanes.append((lane, cost))
        self.inside += 1
        self.passed += 1

    def release(self) -> None:
        self.inside -= 1

    def close(self, seconds: float | None) -> None:
        assert self.inside, "the gate is told before the place is given back"
        self.closed.append(seconds)

    def opened(self) -> None:
        assert self.inside, "the gate is told before the place is given back"
        self.open += 1

    def strained(self) -> None:
        assert self.inside, "the gate is told before the place is given back"
        self.strains += 1


class Keeper:
    """Tokens that can be refused; counts renewals."""

    def __init__(self) -> None:
        self.number = 1
        self.renewed = 0
        self.fails: PluginError | None = None

    async def access(self) -> str:
        if self.fails:
            raise self.fails
        return f"{CANARY}-{self.number}"

    async def refused(self, access: str) -> None:
        if access == f"{CANARY}-{self.number}":
            self.number += 1
            self.renewed += 1


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    shop = Shop()
    app = web.Application(middlewares=[shop.faults.middleware], client_max_size=2**28)
    app.router.add_route("*", "/{path:.*}", shop.handle)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    shop.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield shop
    await runner.cleanup()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def gate() -> Turnstile:
    return Turnstile()


@pytest.fixture
def client(shop: Shop, session: aiohttp.ClientSession, gate: Turnstile) -> Client:
    return make(session, shop.base, gate)


def make(session: aiohttp.ClientSession, base: str, gate: Turnstile, **options: Any) -> Client:
    defaults: dict[str, Any] = {"timeout": 5.0, "sleep": no_nap}
    return Client(session, base, gates=[gate], **(defaults | options))


OWN = ErrorTable(is_refusal=lambda answer: bool(answer.into(dict[str, Any])["refused"]))
"""A system that refuses by {"refused": true}."""


def refusal(status: int, **headers: str) -> web.Response:
    """Its own refusal."""
    return web.json_response({"refused": True}, status=status, headers=headers)


async def no_nap(_seconds: float) -> None:
    await asyncio.sleep(0)


def strict(token: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A server that knows one token only."""

    async def answer(request: web.Request) -> web.Response:
        known = request.headers["Authorization"] == f"Bearer {token}"
        return web.json_response({"id": 1}) if known else refusal(401)

    return answer


def hang(shop: Shop) -> asyncio.Event:
    """Let the shop take requests and never answer; the event tells that one has come."""
    came = asyncio.Event()

    async def wait(_request: web.Request) -> web.Response:
        came.set()
        await asyncio.Event().wait()
        raise AssertionError

    shop.answer = wait
    return came


@contextlib.asynccontextmanager
async def raw_server(*scripts: bytes | None) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A socket that reads one request a connection and answers the next script as it is; None hangs up at once."""
    heard: list[bytes] = []
    todo = list(scripts)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            heard.append(await reader.readuntil(b"\r\n\r\n"))
            script = todo.pop(0) if todo else None
            if script is not None:
                writer.write(script)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", heard
    finally:
        server.close()
        await server.wait_closed()


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# What goes over the wire


async def test_a_read_is_decoded_into_its_type(client: Client, shop: Shop) -> None:
    thing = await client.get("/thing/1", Thing, query={"a": "b+c&d=é ;", "n": 2})
    assert thing == Thing(1, "thing")
    assert dict(shop.seen[0].query) == {"a": "b+c&d=é ;", "n": "2"}


async def test_a_query_may_repeat_a_name(client: Client, shop: Shop) -> None:
    await client.request("GET", "/thing", query=[("status", "NEW"), ("status", "SENT")])
    assert shop.seen[0].query.getall("status") == ["NEW", "SENT"]


@pytest.mark.parametrize(
    ("base", "path", "wire"),
    [
        ("", "/orders/1", "/orders/1"),
        ("/", "/orders/1", "/orders/1"),
        ("/sub/wp-json", "/wc/v3/orders", "/sub/wp-json/wc/v3/orders"),
        ("/sub/wp-json/", "/wc/v3/orders/", "/sub/wp-json/wc/v3/orders/"),
        ("/sub", "", "/sub"),
        ("/my%2Fshop", "/a%2Fb", "/my%2Fshop/a%2Fb"),
        ("", "/a%20b", "/a%20b"),
        ("", "/a b/ż", "/a%20b/%C5%BC"),
        ("", "/100%", "/100%25"),
        ("", "/a?b#c", "/a%3Fb%23c"),
        ("", "/a?b", "/a%3Fb"),
        ("", "/a#b", "/a%23b"),
        ("", "/a+b:c@d", "/a+b:c@d"),
        ("", "//evil.example/x", "//evil.example/x"),
    ],
)
async def test_paths_join_as_they_are_encoded(
    base: str, path: str, wire: str, shop: Shop, session: aiohttp.ClientSession, gate: Turnstile
) -> None:
    await make(session, shop.base + base, gate).request("GET", path)
    assert shop.seen[0].raw_path == wire


@pytest.mark.parametrize("path", ["orders", "@evil.example/", ".evil.example/", ":1/", "/a/../b", "/..", "/a/./b"])
async def test_a_path_cannot_leave_the_base(path: str, client: Client, shop: Shop) -> None:
    with pytest.raises(ValueError, match="path"):
        await client.request("GET", path)
    assert not shop.seen


@pytest.mark.parametrize(
    "base",
    [
        "shop.example",
        "ftp://shop.example",
        f"https://user:{CANARY}@shop.example",
        f"https://shop.example/?key={CANARY}",
    ],
)
async def test_a_base_is_an_address_and_nothing_else(
    base: str, session: aiohttp.ClientSession, gate: Turnstile
) -> None:
    with pytest.raises(ValueError, match="base address") as caught:
        make(session, base, gate)
    assert CANARY not in str(caught.value)


async def test_headers_of_the_client_yield_to_those_of_the_call(
    shop: Shop, session: aiohttp.ClientSession, gate: Turnstile
) -> None:
    client = make(session, shop.base, gate, headers={"accept": "application/a", "X-Shop": "1"})
    await client.request("POST", "/thing", json={"a": Decimal("1.10")}, headers={"Accept": "application/b"})
    sent = shop.seen[0].headers
    assert sent.getall("Accept") == ["application/b"]
    assert (sent["X-Shop"], sent["Content-Type"]) == ("1", "application/json")
    assert shop.bodies == [b'{"a":"1.10"}']
    await client.request("POST", "/thing", json={}, headers={"content-type": "application/vnd.x+json"})
    assert shop.seen[1].headers.getall("Content-Type") == ["application/vnd.x+json"]
    await client.request("GET", "/thing")
    assert shop.seen[2].headers.getall("Accept") == ["application/a"]


async def test_lane_and_cost_reach_the_gate(client: Client, gate: Turnstile) -> None:
    await client.request("GET", "/thing", lane=Lane.ACCESS, cost=5)
    assert gate.lanes == [(Lane.ACCESS, 5)]


async def test_what_a_call_is_for_is_the_hosts_word(client: Client, gate: Turnstile) -> None:
    with calling_for(Lane.of({model.Kind.PRODUCT, model.Kind.STOCK})):
        await client.get("/thing", object)
        with calling_for(Lane.PRICES):
            await asyncio.create_task(client.get("/thing", object))
    await client.get("/thing", object)
    assert [lane for lane, _ in gate.lanes] == [Lane.STOCK, Lane.PRICES, Lane.ORDERS]


# Repeats


@pytest.mark.parametrize(
    "kind", [FaultKind.CUT, FaultKind.LOSE, FaultKind.RESET, FaultKind.HALF, FaultKind.ERROR, FaultKind.ERROR_AFTER]
)
async def test_a_read_is_repeated_until_it_goes_well(
    kind: FaultKind, client: Client, shop: Shop, gate: Turnstile
) -> None:
    shop.faults.add(Fault(kind=kind, times=2))
    assert (await client.get("/thing", Thing)).name == "thing"
    assert gate.inside == 0


async def test_a_read_is_given_up_after_its_attempts(client: Client, shop: Shop, gate: Turnstile) -> None:
    shop.faults.add(Fault(kind=FaultKind.ERROR, status=503, times=None))
    with pytest.raises(Unavailable, match="GET /thing: 503 Service Unavailable") as caught:
        await client.get("/thing", Thing)
    assert (caught.value.status, shop.faults.struck[FaultKind.ERROR], gate.passed) == (503, 3, 3)


async def test_a_server_that_says_when_to_come_back_is_not_asked_again(client: Client, shop: Shop) -> None:
    async def busy(_request: web.Request) -> web.Response:
        return web.Response(status=503, headers={"Retry-After": "20"})

    shop.answer = busy
    with pytest.raises(Unavailable) as caught:
        await client.get("/thing", Thing)
    assert (caught.value.retry_after, shop.acts) == (20.0, 1)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "kind", [FaultKind.LOSE, FaultKind.RESET, FaultKind.HALF, FaultKind.ERROR_AFTER, FaultKind.LATE]
)
async def test_a_write_that_was_acted_upon_is_unknown_and_never_repeated(
    method: str, kind: FaultKind, client: Client, shop: Shop, gate: Turnstile
) -> None:
    """SYN-19: the server sees it exactly once."""
    shop.faults.add(Fault(kind=kind, seconds=0.01))
    with pytest.raises(OutcomeUnknown, match=f"{method} /thing: "):
        await client.request(method, "/thing", json={"a": 1})
    await asyncio.sleep(0.05)
    assert (shop.acts, gate.inside, gate.passed) == (1, 0, 1)


@pytest.mark.parametrize("kind", [FaultKind.CUT, FaultKind.ERROR])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_a_write_whose_fate_cannot_be_told_is_unknown(
    method: str, kind: FaultKind, client: Client, shop: Shop
) -> None:
    shop.faults.add(Fault(kind=kind, status=504, times=None))
    with pytest.raises(OutcomeUnknown):
        await client.request(method, "/thing", json={"a": 1})
    assert (shop.acts, shop.faults.struck[kind]) == (0, 1)


@pytest.mark.parametrize("kind", [FaultKind.LOSE, FaultKind.RESET])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_a_dropped_keep_alive_connection_repeats_no_write(
    method: str, kind: FaultKind, client: Client, shop: Shop, session: aiohttp.ClientSession
) -> None:
    """aiohttp itself sends PUT and DELETE again when a kept connection turns out dead."""
    await client.request("GET", "/thing")
    assert session.connector is not None
    shop.faults.add(Fault(kind=kind))
    with pytest.raises(OutcomeUnknown):
        await client.request(method, "/thing", json={"a": 1})
    assert [r.method for r in shop.seen] == ["GET", method]


async def test_a_write_declared_repeatable_is_repeated(client: Client, shop: Shop) -> None:
    shop.faults.add(Fault(kind=FaultKind.LOSE), Fault(kind=FaultKind.ERROR))
    await client.call("PUT", "/thing", Thing, json={"a": 1}, repeatable=True)
    assert set(shop.bodies) == {b'{"a":1}'}
    shop.faults.add(Fault(kind=FaultKind.ERROR))
    await client.call("POST", "/search", Thing, json={"q": 1}, repeatable=True)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
async def test_no_connection_means_not_done(method: str, session: aiohttp.ClientSession, gate: Turnstile) -> None:
    client = make(session, f"http://127.0.0.1:{closed_port()}", gate)
    with pytest.raises(Unavailable, match=f"{method} /thing: cannot connect"):
        await client.request(method, "/thing", json={})
    assert gate.passed == (3 if method == "GET" else 1)
    assert gate.inside == 0


async def test_an_unknown_host_means_not_done(gate: Turnstile) -> None:
    class Nowhere(aiohttp.abc.AbstractResolver):
        async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[Any]:
            raise OSError(None, "Name or service not known")

        async def close(self) -> None: ...

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=Nowhere())) as session:
        with pytest.raises(Unavailable, match="cannot connect") as caught:
            await make(session, "https://shop.example", gate).request("POST", "/thing", json={})
    assert "shop.example" not in str(caught.value)


async def test_a_pool_without_a_free_connection_means_not_done(shop: Shop, gate: Turnstile) -> None:
    came = hang(shop)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
        slow = asyncio.create_task(make(session, shop.base, gate).request("GET", "/slow"))
        await came.wait()
        with pytest.raises(Unavailable, match="cannot connect"):
            await make(session, shop.base, gate, timeout=0.2).request("POST", "/thing", json={})
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)
    assert (shop.acts, gate.inside) == (1, 0)


@pytest.mark.parametrize(
    ("method", "kind"), [("GET", Unavailable), ("POST", OutcomeUnknown), ("PUT", OutcomeUnknown)]
)
async def test_a_server_that_never_answers(
    method: str, kind: type[PluginError], client: Client, shop: Shop, gate: Turnstile
) -> None:
    shop.faults.add(Fault(kind=FaultKind.HANG, times=None))
    with pytest.raises(kind, match="no answer"):
        await client.request(method, "/thing", json={}, timeout=0.1)
    assert gate.inside == 0


async def test_a_closed_session_means_not_done(client: Client, session: aiohttp.ClientSession) -> None:
    await session.close()
    with pytest.raises(Unavailable, match="stopping"):
        await client.request("POST", "/thing")


# What answers mean


@pytest.mark.parametrize(
    ("status", "read", "write"),
    [
        (400, Rejected, Rejected),
        (401, AuthLost, AuthLost),
        (403, Forbidden, Forbidden),
        (404, NotFound, NotFound),
        (408, Unavailable, OutcomeUnknown),
        (409, Conflict, Conflict),
        (410, NotFound, NotFound),
        (412, Conflict, Conflict),
        (422, Rejected, Rejected),
        (425, Unavailable, OutcomeUnknown),
        (429, RateLimited, RateLimited),
        (500, Unavailable, OutcomeUnknown),
        (502, Unavailable, OutcomeUnknown),
        (503, Unavailable, OutcomeUnknown),
        (599, Unavailable, OutcomeUnknown),
        (451, Rejected, Rejected),
    ],
)
async def test_statuses_of_the_systems_own_refusals(
    status: int,
    read: type[PluginError],
    write: type[PluginError],
    shop: Shop,
    session: aiohttp.ClientSession,
    gate: Turnstile,
) -> None:
    async def fail(_request: web.Request) -> web.Response:
        return refusal(status)

    shop.answer = fail
    client = make(session, shop.base, gate, errors=OWN)
    for method, kind in (("GET", read), ("POST", write)):
        with pytest.raises(PluginError) as caught:
            await client.request(method, "/thing")
        assert (type(caught.value), caught.value.status) == (kind, status)
    assert [r.method for r in shop.seen].count("POST") == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "-3"}, 0.0),
        (
            {"Retry-After": "Wed, 21 Oct 2015 07:28:30 GMT", "Date": "Wed, 21 Oct 2015 07:28:00 GMT"},
            30.0,
        ),
        ({"Retry-After": "Wed, 21 Oct 2015 07:27:00 GMT", "Date": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "60000000"}, 900.0),
        ({"Retry-After": ""}, None),
        ({}, None),
    ],
)
async def test_a_429_closes_the_gate_for_as_long_as_the_server_says(
    headers: dict[str, str],
    seconds: float | None,
    shop: Shop,
    session: aiohttp.ClientSession,
    gate: Turnstile,
) -> None:
    async def slow_down(_request: web.Request) -> web.Response:
        return refusal(429, **headers)

    shop.answer = slow_down
    client = make(session, shop.base, gate, errors=OWN)
    with pytest.raises(RateLimited) as caught:
        await client.get("/thing", Thing)
    assert caught.value.retry_after == seconds
    assert (gate.closed, gate.inside, shop.acts) == ([seconds], 0, 1)


async def test_a_pause_that_a_stranger_asks_for_is_believed_for_a_minute(
    shop: Shop, session: aiohttp.ClientSession, gate: Turnstile
) -> None:
    """A firewall that bars for an hour would stop an account whose system is well; one call a minute finds out."""

    async def barred(_request: web.Request) -> web.Response:
        return web.json_response({"error": "too many"}, status=429, headers={"Retry-After": "600"})

    shop.answer = barred
    client = make(session, shop.base, gate, errors=OWN)
    with pytest.raises(RateLimited) as caught:
        await client.get("/thing", Thing)
    assert (caught.value.retry_after, gate.closed) == (60.0, [60.0])


async def test_the_injectors_throttle(client: Client, shop: Shop, gate: Turnstile) -> None:
    shop.faults.add(Fault(kind=FaultKind.THROTTLE, retry_after=3))
    with pytest.raises(OutcomeUnknown) as caught:
        await client.request("POST", "/thing", json={})
    assert caught.value.retry_after == 3.0
    assert (gate.closed, gate.open, shop.acts) == ([3.0], 0, 0)
    await client.request("POST", "/thing", json={})
    assert (gate.open, shop.acts) == (1, 1)


@pytest.mark.parametrize(("status", "told"), [(200, 1), (404, 1), (500, 0)])
async def test_an_answer_to_a_probe_opens_the_gate_a_failure_does_not(
    status: int, told: int, client: Client, shop: Shop, gate: Turnstile
) -> None:
    async def reply(_request: web.Request) -> web.Response:
        return web.Response(status=status)

    shop.answer = reply
    with contextlib.suppress(PluginError):
        await client.request("POST", "/thing")
    assert gate.open == told


async def test_the_table_knows_the_systems_own_words(
    shop: Shop, session: aiohttp.ClientSession, gate: Turnstile
) -> None:
    """Part of LOG-12 and LOG-13: message and field reach the caller, without the buyer's address."""

    def read(answer: Response) -> ErrorDetails:
        body = msgspec.json.decode(answer.body)
        return ErrorDetails(code=body["code"], message=body["message"], field=body.get("field"))

    table = ErrorTable(
        statuses={418: Conflict},
        codes={"gone": NotFound, "quota": RateLimited},
        read=read,
        is_refusal=lambda answer: answer.status == 418 or bool(answer.into(dict[str, str])["code"]),
    )
    client = make(session, shop.base, gate, errors=table)
    reply: dict[str, Any] = {}

    async def complain(request: web.Request) -> web.Response:
        return web.Response(status=int(request.path[1:]), body=msgspec.json.encode(reply))

    shop.answer = complain
    reply.update(code="BadEan", message="EAN of\n jan@example.com, tel. +48 600 700 800\n is wrong", field="ean")
    with pytest.raises(Rejected) as caught:
        await client.request("POST", "/400")
    assert str(caught.value) == "POST /400: 400 EAN of [e-mail], tel. [phone] is wrong (BadEan)"
    assert (caught.value.field, caught.value.code, caught.value.status) == ("ean", "BadEan", 400)
    reply.update(code="gone", message="x" * 5000)
    with pytest.raises(NotFound) as gone:
        await client.request("GET", "/500")
    assert len(str(gone.value)) < 600
    reply.update(code="quota")
    with pytest.raises(RateLimited):
        await client.request("POST", "/403")
    assert gate.closed == [None]
    reply.clear()  # the reader stumbles, the status still tells
    with pytest.raises(Conflict, match="GET /418: 418"):
        await client.request("GET", "/418")
    with pytest.raises(OutcomeUnknown):
        await client.request("POST", "/500")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_never_followed(
    status: int, shop: Shop, session: aiohttp.ClientSession, gate: Turnstile
) -> None:
    other = Shop()
    async with raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") as (elsewhere, heard):

        async def away(_request: web.Request) -> web.Response:
            return web.Response(status=status, headers={"Location": f"{elsewhere}/?key={CANARY}"})

        shop.answer = away
        client = make(session, shop.base, gate, auth=Bearer(Keeper()))
        with pytest.raises(ContractBroken) as caught:
            await client.request("GET", "/thing")
        # A redirect after a write may also be how a framework says that it is done.
        with pytest.raises(OutcomeUnknown, match="write its final address"):
            await client.request("POST", "/thing")
        assert not heard
        assert CANARY not in str(caught.value)
    assert (shop.acts, other.acts) == (2, 0)


# Bodies


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ('{"id": 1, "name": "żółw"}'.encode(), "application/json"),
        (b'\xef\xbb\xbf{"id": 1, "name": "\xc5\xbc\xc3\xb3\xc5\x82w"}', "application/json; charset=utf-8"),
        ('{"id": 1, "name": "żółw"}'.encode("iso-8859-2"), "application/json; charset=ISO-8859-2"),
        ('{"id": 1, "name": "żółw"}'.encode(), "application/json; charset=klingon"),
        ('{"id": 1, "name": "żółw"}'.encode(), 'text/html; charset="utf8"'),
    ],
)
async def test_text_is_read_whatever_its_charset(
    body: bytes, content_type: str, client: Client, shop: Shop
) -> None:
    async def reply(_request: web.Request) -> web.Response:
        return web.Response(body=body, headers={"Content-Type": content_type})

    shop.answer = reply
    assert await client.get("/thing", Thing) == Thing(1, "żółw")


@pytest.mark.parametrize(
    ("body", "kind", "asked"),
    [
        (b"", Unavailable, 1),
        (b"<html>", Unavailable, 3),
        (b'{"id": 1, "name": "\xff\xfe"}', Unavailable, 1),
        (b'{"id"', Unavailable, 1),
        (b"\x00", Unavailable, 1),
        (b"null", ContractBroken, 1),
        (b"[" * 100_000, ContractBroken, 1),
        (b'{"id": "1"}', ContractBroken, 1),
    ],
    ids=["empty", "html", "not UTF-8", "half", "zero", "null", "deep", "wrong type"],
)
async def test_an_unreadable_answer(
    body: bytes, kind: type[PluginError], asked: int, client: Client, shop: Shop
) -> None:
    """What is no JSON is nobody's answer; JSON of another shape is a broken contract."""

    async def reply(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    shop.answer = reply
    with pytest.raises(kind):
        await client.get("/thing", Thing)
    with pytest.raises(OutcomeUnknown, match=r"POST /thing: .*(done or not|whether it was done)"):
        await client.call("POST", "/thing", Thing, json={})
    with pytest.raises(kind):
        await client.call("POST", "/thing", Thing, json={}, repeatable=True)
    assert [request.method for request in shop.seen].count("POST") == 1 + asked


def test_decoding_tells_the_path_but_not_the_value() -> None:
    body = msgspec.json.encode({"things": [{"id": CANARY}]})
    with pytest.raises(ContractBroken, match="Expected `int`, got `str`") as caught:
        decode(body, dict[str, list[Thing]])
    assert caught.value.field == "$[...][0].id"
    assert CANARY not in everything(caught.value)
    with pytest.raises(ContractBroken, match="Invalid enum value") as chosen:
        decode(body, dict[str, list[dict[str, Colour]]])
    assert chosen.value.field == "$[...][0][...]"
    assert CANARY not in everything(chosen.value)


async def test_a_large_body_passes_and_one_too_large_does_not(
    shop: Shop, session: aiohttp.ClientSession, gate: Turnstile
) -> None:
    async def big(request: web.Request) -> web.StreamResponse:
        body = b'"' + b"x" * (3 * 2**20) + b'"'
        if request.path == "/plain":
            return web.Response(body=body)
        if request.path == "/packed":
            return web.Response(body=gzip.compress(body), headers={"Content-Encoding": "gzip"})
        response = web.StreamResponse()
        await response.prepare(request)
        for i in range(0, len(body), 2**18):
            await response.write(body[i : i + 2**18])
        return response

    shop.answer = big
    roomy, tight = make(session, shop.base, gate), make(session, shop.base, gate, largest=2**20)
    for path in ("/plain", "/packed", "/chunked"):
        assert len(await roomy.get(path, str)) == 3 * 2**20
        with pytest.raises(ContractBroken, match="more than 1048576 bytes"):
            await tight.get(path, str)
        with pytest.raises(OutcomeUnknown, match="more than 1048576 bytes"):
            await tight.call("POST", path, str)
    assert gate.inside == 0


async def test_what_a_few_packed_bytes_unpack_to_lets_others_have_their_turn(client: Client, shop: Shop) -> None:
    """A kilobyte of zeros makes a megabyte, a small body all that is allowed: never in one piece of the loop."""
    body = gzip.compress(b" " * (48 * 2**20) + b"1")

    async def bomb(_request: web.Request) -> web.Response:
        return web.Response(body=body, headers={"Content-Encoding": "gzip"})

    shop.answer = bomb
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    ticking = asyncio.create_task(others())
    answer = await client.request("GET", "/thing")
    ticking.cancel()
    assert len(answer.body) == 48 * 2**20 + 1
    assert turns > 48


async def test_a_long_header_is_taken_and_a_longer_one_is_told(
    session: aiohttp.ClientSession, gate: Turnstile
) -> None:
    """Content security policies of shops are longer than the eight KiB that servers usually allow."""

    def script(length: int) -> bytes:
        policy = b"Content-Security-Policy: " + b"x" * length
        return b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n" + policy + b'\r\n\r\n{"id": 1}'

    async with raw_server(script(60_000)) as (base, _):
        assert await make(session, base, gate).call("POST", "/thing", Thing) == Thing(1)
    async with raw_server(script(70_000)) as (base, _):
        with pytest.raises(OutcomeUnknown, match=r"no answer \(a header of it is longer than 64 KiB\)") as caught:
            await make(session, base, gate).call("POST", "/thing", Thing)
        assert "xxx" not in everything(caught.value)


@pytest.mark.parametrize(
    ("headers", "heard"), [({}, 1), ({"Age": "86000"}, 0)], ids=["the system's own", "out of a cache"]
)
async def test_the_time_is_told_by_answers_that_no_cache_gave(
    headers: dict[str, str], heard: int, shop: Shop, session: aiohttp.ClientSession, gate: Turnstile
) -> None:
    """A cached Date is as old as the cache, and would make orders younger than they are. A failure tells it too."""

    async def reply(_request: web.Request) -> web.Response:
        return web.Response(status=404, headers={"Date": "Thu, 01 May 2031 12:00:00 GMT", **headers})

    shop.answer = reply
    told: list[str] = []
    with pytest.raises(NotFound):
        await make(session, shop.base, gate, dated=told.append).request("GET", "/thing")
    assert told == ["Thu, 01 May 2031 12:00:00 GMT"] * heard


async def test_a_late_answer_and_none_at_all_strain_the_gate(client: Client, shop: Shop, gate: Turnstile) -> None:
    await client.request("GET", "/thing")
    assert gate.strains == 0
    shop.faults.add(Fault(kind=FaultKind.SLOW, seconds=0.3))
    await client.request("GET", "/thing", timeout=0.5)
    assert gate.strains == 1
    shop.faults.add(Fault(kind=FaultKind.HANG))
    with pytest.raises(OutcomeUnknown) as caught:
        await client.request("POST", "/thing", timeout=0.2)
    assert (gate.strains, caught.value.strained) == (2, True)


@pytest.mark.parametrize(
    ("status", "strained"), [(500, True), (502, True), (504, True), (503, False), (404, False)]
)
async def test_a_server_that_broke_under_a_call_is_told_from_one_that_is_down(
    status: int, strained: bool, client: Client, shop: Shop
) -> None:
    shop.faults.add(Fault(kind=FaultKind.ERROR, status=status, times=None))
    with pytest.raises(Unavailable) as caught:
        await client.request("GET", "/thing", attempts=1)
    assert caught.value.strained is strained
    assert shop.faults.struck == {FaultKind.ERROR: 1}


async def test_a_large_body_is_sent_whole(client: Client, shop: Shop) -> None:
    await client.request("POST", "/thing", data=b"y" * (5 * 2**20))
    assert shop.bodies == [b"y" * (5 * 2**20)]


@pytest.mark.parametrize(
    "script",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}",
        b"c4n4ry-s3cret is not HTTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        None,
    ],
)
async def test_odd_and_half_answers(script: bytes | None, session: aiohttp.ClientSession, gate: Turnstile) -> None:
    async with raw_server(script) as (base, heard):
        with pytest.raises(OutcomeUnknown, match="POST /thing: no answer") as caught:
            await make(session, base, gate).request("POST", "/thing", json={})
        assert CANARY not in str(caught.value)
        assert len(heard) == 1
    async with raw_server(script, script, script, script, script, script) as (base, heard):
        with pytest.raises(Unavailable):
            await make(session, base, gate).request("GET", "/thing")
    assert gate.inside == 0


# Signing in


async def test_a_refused_token_is_renewed_once_and_the_request_sent_again(
    shop: Shop, session: aiohttp.ClientSession, gate: Turnstile
) -> None:
    keeper = Keeper()

    shop.answer = strict(f"{CANARY}-2")
    client = make(session, shop.base, gate, auth=Bearer(keeper), errors=OWN)
    things = await asyncio.gather(*(client.call("POST", "/thing", Thing, json={"n": 7}) for _ in range(10)))
    assert things == [Thing(1)] * 10
    assert keeper.renewed == 1
    assert shop.bodies == [b'{"n":7}'] * 20
    assert gate.passed == 20  # a second sending is a second call
    assert gate.inside == 0


async def test_a_renewed_token_that_ends_at_once_is_renewed_again(
    shop: Shop, session: aiohttp.ClientSession, gate: Turnstile
) -> None:
    """Two refusals within a second parked an account for good, although its grant was as good as ever."""
    keeper = Keeper()

    shop.answer = strict(f"{CANARY}-3")
    assert await make(session, shop.base, gate, auth=Bearer(keeper)).call("GET", "/thing", Thing) == Thing(1)
    assert keeper.renewed == 2


async def test_a_third_sending_has_the_token_of_then_and_not_of_before_its_pause(
    shop: Shop, session: aiohttp.ClientSession, gate: Turnstile
) -> None:
    """Another request renewed it meanwhile; the older one was refused, and the account parked with a good grant."""
    keeper = Keeper()

    async def pause(_seconds: float) -> None:
        await keeper.refused(await keeper.access())

    shop.answer = strict(f"{CANARY}-4")
    client = make(session, shop.base, gate, auth=Bearer(keeper), sleep=pause)
    assert await client.call("GET", "/thing", Thing) == Thing(1)
    assert (shop.acts, keeper.renewed) == (3, 3)


async def test_a_renewed_token_that_is_refused_again_and_again_is_lost(
    shop: Shop, session: aiohttp.ClientSession, gate: Turnstile
) -> None:
    async def never(_request: web.Request) -> web.Response:
        return web.Response(status=401)

    shop.answer = never
    keeper = Keeper()
    with pytest.raises(AuthLost):
        await make(session, shop.base, gate, auth=Bearer(keeper)).request("GET", "/thing")
    assert (shop.acts, keeper.renewed) == (3, 2)


async def test_a_renewal_needs_no_place_of_the_calls_it_serves(shop: Shop, session: aiohttp.ClientSession) -> None:
    """With one place in the budget, a renewal through the same budget would otherwise wait for ever."""

    class Single(Turnstile):
        def __init__(self) -> None:
            super().__init__()
            self.lock = asyncio.Lock()

        async def acquire(self, lane: Lane = Lane.ORDERS, cost: int = 1) -> None:
            await self.lock.acquire()
            await super().acquire(lane, cost)

        def release(self) -> None:
            super().release()
            self.lock.release()

    gate = Single()

    class Renewing(Keeper):
        async def refused(self, access: str) -> None:
            await make(session, shop.base, gate).request("POST", "/token")
            await super().refused(access)

    async def strict(request: web.Request) -> web.Response:
        stale = request.headers.get("Authorization") == f"Bearer {CANARY}-1"
        return refusal(401) if stale else web.Response()

    shop.answer = strict
    client = make(session, shop.base, gate, auth=Bearer(Renewing()), errors=OWN)
    async with asyncio.timeout(5):
        await client.request("POST", "/thing")
    assert [r.path for r in shop.seen] == ["/thing", "/token", "/thing"]


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (AuthLost("sign in"), AuthLost),
        (RateLimited("slow"), RateLimited),
        (Unavailable("down"), Unavailable),
        (OutcomeUnknown("renewal lost"), Unavailable),
        (Rejected("client id"), Unavailable),
    ],
)
async def test_a_failed_sign_in_is_not_the_requests_failure(
    failure: PluginError, kind: type[PluginError], shop: Shop, session: aiohttp.ClientSession, gate: Turnstile
) -> None:
    """A write that was never sent is neither unknown nor rejected."""
    keeper = Keeper()
    keeper.fails = failure
    with pytest.raises(PluginError) as caught:
        await make(session, shop.base, gate, auth=Bearer(keeper)).request("POST", "/thing")
    assert type(caught.value) is kind
    assert (shop.acts, gate.passed) == (0, 0)


async def test_a_middleware_may_sign_the_request_itself(
    shop: Shop, session: aiohttp.ClientSession, gate: Turnstile
) -> None:
    async def sign(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        request.headers["X-Signature"] = f"{request.method} {request.url.path_qs}"
        return await handler(request)

    await make(session, shop.base, gate, auth=sign).request("PUT", "/thing", query={"a": "1"})
    assert shop.seen[0].headers["X-Signature"] == "PUT /thing?a=1"


# Places in the budget


async def test_a_place_is_given_back_when_the_caller_is_cancelled(
    client: Client, shop: Shop, gate: Turnstile
) -> None:
    came = hang(shop)
    task = asyncio.create_task(client.request("POST", "/thing", json={}))
    await came.wait()
    assert gate.inside == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gate.inside == 0


async def test_of_several_gates_only_those_passed_are_given_back(
    shop: Shop, session: aiohttp.ClientSession
) -> None:
    first, second, third = Turnstile(), Turnstile(), Turnstile()
    client = Client(session, shop.base, gates=[first, second, third])
    second.blocks = True
    task = asyncio.create_task(client.request("GET", "/thing"))
    await asyncio.sleep(0)
    assert first.inside == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    second.blocks = False
    second.fails = RateLimited("shut", retry_after=60)
    with pytest.raises(RateLimited, match="shut"):
        await client.request("POST", "/thing")
    assert (first.inside, second.inside, third.inside, shop.acts) == (0, 0, 0, 0)
    second.fails = None
    await client.request("GET", "/thing")
    assert (first.inside, second.inside, third.inside) == (0, 0, 0)
    assert (first.open, second.open, third.open) == (1, 1, 1)


# Secrets


def everything(error: BaseException | None) -> str:
    """All that an error and the errors behind it could show anybody."""
    parts = []
    while error is not None:
        parts += [str(error), repr(error), repr(error.args), repr(vars(error))]
        parts += traceback.format_exception(error)
        error = error.__cause__ or error.__context__
    return "\n".join(parts)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind=FaultKind.CUT, times=None),
        Fault(kind=FaultKind.LOSE, times=None),
        Fault(kind=FaultKind.RESET, times=None),
        Fault(kind=FaultKind.HALF, times=None),
        Fault(kind=FaultKind.HANG, times=None),
        Fault(kind=FaultKind.ERROR, times=None),
        Fault(kind=FaultKind.ERROR, times=None, status=400),
        Fault(kind=FaultKind.ERROR, times=None, status=401),
        Fault(kind=FaultKind.ERROR, times=None, status=302),
        Fault(kind=FaultKind.THROTTLE, times=None),
        None,
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
async def test_no_error_holds_a_secret(
    fault: Fault | None, method: str, shop: Shop, session: aiohttp.ClientSession, gate: Turnstile
) -> None:
    client = make(session, shop.base, gate, auth=Bearer(Keeper()), headers={"X-Key": CANARY}, timeout=0.3)
    if fault is not None:
        shop.faults.add(fault)

    async def tell(_request: web.Request) -> web.Response:
        return web.json_response({"id": CANARY}, headers={"X-Back": CANARY})

    shop.answer = tell
    with pytest.raises(PluginError) as caught:
        await client.call(method, "/thing", Thing, query={"key": CANARY}, json={"secret": CANARY})
    assert CANARY not in everything(caught.value)


async def test_no_error_of_a_failed_connection_holds_a_secret(
    session: aiohttp.ClientSession, gate: Turnstile
) -> None:
    for base in (f"http://127.0.0.1:{closed_port()}", "http://127.0.0.1:1/sub"):
        with pytest.raises(Unavailable) as caught:
            await make(session, base, gate).request("GET", "/thing", query={"key": CANARY})
        assert CANARY not in everything(caught.value)
    # The mark of a time-out while connecting, whose own text is the whole address.
    assert CANARY in str(aiohttp.ConnectionTimeoutError(f"... {URL(f'http://x/?k={CANARY}')}"))


def test_what_is_missing_at_the_top_is_told_once() -> None:
    with pytest.raises(ContractBroken) as caught:
        decode(b"{}", Thing)
    assert str(caught.value).count("missing") == 1
    assert caught.value.field is None


VALUES = ValueBudget(key="values", values=10, per=60.0)


async def test_a_call_takes_its_values_from_all_windows_or_from_none(
    shop: Shop, session: aiohttp.ClientSession, gate: Turnstile
) -> None:
    """What is spent has nothing sent, and takes no place among the calls."""
    clock = VirtualClock()
    minute, hour = (
        ValueWindow(VALUES, clock),
        ValueWindow(msgspec.structs.replace(VALUES, values=15, per=3600.0), clock),
    )
    client = make(session, shop.base, gate, windows=[minute, hour])
    await client.request("PUT", "/thing", json={}, values=8)
    assert (minute.left(2), hour.left(7)) == (0.0, 0.0)
    acts, opened = shop.acts, gate.open
    with pytest.raises(ValuesSpent) as refused:
        await client.request("PUT", "/thing", json={}, values=3)
    assert refused.value.retry_after == pytest.approx(60.0, abs=5)
    assert (shop.acts, gate.open, gate.inside, hour.left(7)) == (acts, opened, 0, 0.0)
    await client.request("PUT", "/thing", json={})


async def test_a_429_to_values_shuts_their_windows_and_not_the_way_of_orders(
    shop: Shop, session: aiohttp.ClientSession, gate: Turnstile
) -> None:
    window = ValueWindow(VALUES, VirtualClock())
    client = make(session, shop.base, gate, windows=[window], errors=OWN)

    async def slow_down(_request: web.Request) -> web.Response:
        return refusal(429, **{"Retry-After": "40"})

    shop.answer = slow_down
    with pytest.raises(ValuesSpent, match="429") as refused:
        await client.request("PUT", "/thing", json={}, values=1)
    assert refused.value.retry_after == 40.0, "what changes other values need not wait for it"
    assert gate.closed == []
    assert window.left(1) == pytest.approx(40.0, abs=5)
    with pytest.raises(RateLimited):
        await client.request("PUT", "/thing", json={})
    assert gate.closed == [40.0]
