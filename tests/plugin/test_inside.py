"""Failures inside an answer of success, as GraphQL and JSON-RPC have them; and forms."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from olhubd.plugin import (
    AuthLost,
    Client,
    Conflict,
    ErrorDetails,
    ErrorTable,
    OutcomeUnknown,
    PluginError,
    RateLimited,
    Rejected,
    Response,
    Unavailable,
)
from tests.plugin.test_http import Turnstile


class Error(msgspec.Struct):
    code: str
    text: str = ""
    done: bool | None = False


class Reply(msgspec.Struct):
    error: Error | None = None
    result: int | None = None


def found(answer: Response) -> ErrorDetails | None:
    error = answer.into(Reply).error
    return None if error is None else ErrorDetails(code=error.code, message=error.text, done=error.done)


TABLE = ErrorTable(codes={"late": Conflict, "who": AuthLost, "busy": RateLimited}, ok=found)


class Server:
    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.bodies: list[tuple[str, bytes]] = []
        self.keys: list[str | None] = []

    async def handle(self, request: web.Request) -> web.Response:
        self.bodies.append((request.content_type, await request.read()))
        self.keys.append(request.headers.get("X-Key"))
        body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        text = body if isinstance(body, str) else msgspec.json.encode(body).decode()
        return web.Response(text=text, content_type="application/json", headers={"Retry-After": "7"})


class Signing:
    """Signs by a session that is opened anew when it is refused."""

    def __init__(self) -> None:
        self.opened = 1

    async def sign(self) -> Mapping[str, str]:
        return {"X-Key": str(self.opened)}

    async def refused(self, headers: Mapping[str, str]) -> None:
        self.opened += 1


@pytest.fixture
async def at() -> AsyncIterator[tuple[Server, aiohttp.ClientSession, str]]:
    server = Server()
    app = web.Application()
    app.router.add_post("/api", server.handle)
    async with TestServer(app) as served, aiohttp.ClientSession() as session:
        yield server, session, str(served.make_url("")).rstrip("/")


Place = tuple[Server, aiohttp.ClientSession, str]


def client(place: Place, **options: Any) -> Client:
    async def rest(_seconds: float) -> None:
        return

    return Client(place[1], place[2], errors=TABLE, sleep=rest, **options)


@pytest.mark.parametrize(
    ("error", "repeatable", "kind"),
    [
        ({"code": "late", "text": "sent"}, False, Conflict),
        ({"code": "new", "text": "odd"}, False, Rejected),
        ({"code": "new", "done": None}, False, OutcomeUnknown),
        ({"code": "late", "done": None}, False, OutcomeUnknown),
        ({"code": "new", "done": None}, True, Unavailable),
        ({"code": "busy"}, False, RateLimited),
        ({"code": "who"}, False, AuthLost),
        ({"code": "who"}, True, AuthLost),
    ],
)
async def test_what_is_inside_is_a_failure_like_any(
    at: Place, error: dict[str, Any], repeatable: bool, kind: type[PluginError]
) -> None:
    at[0].answers = [{"error": error}]
    with pytest.raises(PluginError) as caught:
        await client(at, attempts=1).call("POST", "/api", Reply, json={}, repeatable=repeatable)
    assert type(caught.value) is kind
    assert caught.value.code == error["code"]
    assert str(caught.value).startswith("POST /api: ")
    assert str(caught.value).endswith(f"({error['code']})")
    assert len(at[0].bodies) == 1, "nothing is sent twice"


async def test_a_good_answer_stays_good_and_an_unreadable_one_is_for_its_decoder(at: Place) -> None:
    at[0].answers = [{"result": 4}, "<oh"]
    assert (await client(at).call("POST", "/api", Reply, json={})).result == 4
    with pytest.raises(OutcomeUnknown, match="done or not"):
        await client(at).call("POST", "/api", Reply, json={})


async def test_too_many_calls_shut_the_gate(at: Place) -> None:
    at[0].answers = [{"error": {"code": "busy"}}]
    gate = Turnstile()
    with pytest.raises(RateLimited):
        await client(at, gates=[gate]).call("POST", "/api", Reply, json={})
    assert gate.closed == [7.0]


@pytest.mark.parametrize(
    ("done", "keys"), [(False, ["1", "2"]), (True, ["1"]), (None, ["1"])], ids=["nothing", "a part", "unknown"]
)
async def test_a_session_that_ended_is_opened_anew_where_nothing_was_done(
    at: Place, done: bool | None, keys: list[str]
) -> None:
    at[0].answers = [{"error": {"code": "who", "done": done}}, {"result": 1}]
    sending = client(at, auth=Signing()).call("POST", "/api", Reply, json={})
    if done is False:
        assert (await sending).result == 1
    else:
        with pytest.raises(AuthLost if done else OutcomeUnknown):
            await sending
    assert at[0].keys == keys


async def test_one_that_is_refused_in_a_new_session_too_is_refused(at: Place) -> None:
    at[0].answers = [{"error": {"code": "who"}}]
    with pytest.raises(AuthLost):
        await client(at, auth=Signing()).call("POST", "/api", Reply, json={})
    assert at[0].keys == ["1", "2"]


async def test_a_table_may_be_of_one_request(at: Place) -> None:
    at[0].answers = [{"error": {"code": "late"}}]
    with pytest.raises(Unavailable):
        await client(at, attempts=1).fetch(
            "POST", "/api", Reply, json={}, errors=ErrorTable(codes={"late": Unavailable}, ok=found)
        )


async def test_a_form_is_sent_as_one(at: Place) -> None:
    at[0].answers = [{}]
    await client(at).request("POST", "/api", form={"grant": "a b&c", "ż": "="})
    assert at[0].bodies == [("application/x-www-form-urlencoded", b"grant=a+b%26c&%C5%BC=%3D")]
