"""Telling Vendure's failures apart, over a real socket: each answer below is one that Vendure gave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError

from olhubd.plugin import (
    AuthLost,
    Conflict,
    ContractBroken,
    NotFound,
    OutcomeUnknown,
    PluginError,
    RateLimited,
    Rejected,
    Unavailable,
)
from olhubd_kit.faults import PAGE
from olhubd_kit.test_host import account
from olhubd_vendure import Vendure, queries
from olhubd_vendure.client import Duplicate, GraphQL
from olhubd_vendure.queries import Mutation
from olhubd_vendure.settings import VendureSettings

NOTE = Mutation("addNoteToOrder", {"input": {"id": "1", "note": "n", "isPublic": False}}, "KUB-BIA")
FORBIDDEN = {
    "errors": [{"message": "No", "path": ["c0"], "extensions": {"code": "FORBIDDEN"}}],
    "data": None,
}


@asynccontextmanager
async def answering(
    *answers: dict[str, Any], status: int = 200, login: bool = False
) -> AsyncIterator[tuple[GraphQL, list[str]]]:
    """A client of a server that gives `answers` one after the other, the last for ever; and what it was asked."""
    asked: list[str] = []
    left = list(answers)

    async def handle(request: web.Request) -> web.Response:
        body = await request.json()
        asked.append(body["operationName"])
        if body["operationName"] == "Login":
            await asyncio.sleep(0)
            data = {"data": {"login": {"__typename": "CurrentUser"}}}
            return web.json_response(data, headers={"vendure-auth-token": f"t{len(asked)}"})
        return web.json_response(left.pop(0) if len(left) > 1 else left[0], status=status)

    app = web.Application()
    app.router.add_post("/admin-api", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        way = {"username": "u", "password": "p"} if login else {"api_key": "k"}
        async with account(Vendure, {"url": base, **way}) as shop:
            yield shop._shop.api, asked
    finally:
        await runner.cleanup()


def errors(code: str | None, message: str = "Oh") -> dict[str, Any]:
    extensions = {"extensions": {"code": code}} if code else {}
    return {"errors": [{"message": message, "path": ["c0"], **extensions}], "data": None}


def result(code: str, **more: str) -> dict[str, Any]:
    return {"data": {"c0": {"__typename": "SomeError", "errorCode": code, "message": "Said", **more}}}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (errors("FORBIDDEN"), AuthLost),
        (errors("ENTITY_NOT_FOUND"), NotFound),
        (errors("USER_INPUT_ERROR"), Rejected),
        (errors("ILLEGAL_OPERATION"), Conflict),
        (errors("BAD_USER_INPUT"), ContractBroken),
        (errors("INTERNAL_SERVER_ERROR"), OutcomeUnknown),
        (errors(None), OutcomeUnknown),
        (errors(None, "UNIQUE constraint failed: order.customFieldsExternalid"), Duplicate),
        (errors("INTERNAL_SERVER_ERROR", "duplicate key value violates unique constraint"), Duplicate),
        (result("ORDER_STATE_TRANSITION_ERROR", transitionError="No way"), Conflict),
        (result("INSUFFICIENT_STOCK_ERROR"), Rejected),
        (result("SOMETHING_NEW"), Rejected),
        ({"data": None}, OutcomeUnknown),
        ({"data": {"c0": 5}}, OutcomeUnknown),
    ],
)
async def test_a_change_that_fails(answer: dict[str, Any], kind: type[PluginError]) -> None:
    """Whatever does not say that nothing was done leaves the outcome open, and is sent once only."""
    async with answering(answer) as (api, asked):
        with pytest.raises(kind):
            await api.change(NOTE)
        assert asked == ["addNoteToOrder"]


async def test_a_refusal_names_its_subject() -> None:
    async with answering(result("INSUFFICIENT_STOCK_ERROR")) as (api, _):
        with pytest.raises(Rejected, match="addNoteToOrder of KUB-BIA: Said") as refusal:
            await api.change(NOTE)
        assert (refusal.value.field, refusal.value.code) == ("KUB-BIA", "INSUFFICIENT_STOCK_ERROR")


async def test_a_question_that_fails_changed_nothing() -> None:
    async with answering(errors("INTERNAL_SERVER_ERROR")) as (api, _):
        with pytest.raises(Unavailable):
            await api.ask(queries.CHANNEL, dict)


async def test_a_document_the_server_does_not_know_is_ours_to_mend() -> None:
    """And its text, which repeats what was sent, goes nowhere."""
    said = errors("GRAPHQL_VALIDATION_FAILED", "Variable got invalid value Brzęczyszczykiewicz")
    async with answering(said, status=400) as (api, _):
        with pytest.raises(ContractBroken) as broken:
            await api.change(NOTE)
        assert "Brzęcz" not in str(broken.value)


async def test_an_ended_session_is_renewed_once_for_all() -> None:
    """Many are refused together, one signs in and all go on. What was refused was not done, so it is repeated."""
    fine = {"data": {"c0": {"__typename": "Order"}}}
    async with answering(fine, *[FORBIDDEN] * 3, fine, login=True) as (api, asked):
        await api.change(NOTE)
        await asyncio.gather(*(api.change(NOTE) for _ in range(3)))
        assert asked.count("Login") == 2
        assert asked.count("addNoteToOrder") == 1 + 3 + 3


async def test_a_right_that_lacks_is_no_ended_session() -> None:
    """Each refusal is tried in one other session, and then believed."""
    async with answering(FORBIDDEN, login=True) as (api, asked):
        with pytest.raises(AuthLost, match="no right"):
            await api.change(NOTE)
        with pytest.raises(AuthLost, match="no right"):
            await api.change(NOTE)
        assert (asked.count("Login"), asked.count("addNoteToOrder")) == (3, 4)


@pytest.mark.parametrize(
    "reply",
    [
        {"errors": [{"message": "No", "path": ["c1"], "extensions": {"code": "FORBIDDEN"}}], "data": None},
        {
            "errors": [{"message": "No", "path": ["c1"], "extensions": {"code": "FORBIDDEN"}}],
            "data": {"c0": {"__typename": "Order"}, "c1": None},
        },
    ],
)
async def test_a_batch_of_which_a_part_was_done_is_not_repeated(reply: dict[str, Any]) -> None:
    fine = {"data": {"c0": {"__typename": "Order"}}}
    async with answering(fine, reply, login=True) as (api, asked):
        await api.change(NOTE)
        with pytest.raises(AuthLost):
            await api.change(NOTE, NOTE)
        assert asked.count("addNoteToOrder") == 2


def test_one_document_for_many_calls() -> None:
    calls: Sequence[Mutation] = [Mutation("createDraftOrder"), Mutation("deleteDraftOrder", {"orderId": "7"})]
    name, document, variables = queries.changes(calls)
    assert name == "createDraftOrder_deleteDraftOrder"
    assert document == (
        "mutation createDraftOrder_deleteDraftOrder($c1_orderId:ID!){"
        "c0:createDraftOrder{__typename id} "
        "c1:deleteDraftOrder(orderId:$c1_orderId){__typename result message}}"
    )
    assert variables == {"c1_orderId": "7"}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"username": "u"},
        {"password": "p"},
        {"username": "u", "password": "p", "api_key": "k"},
    ],
)
def test_one_way_in(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        VendureSettings.model_validate({"url": "https://shop.example", **given})


# Answers that are not Vendure's


STRANGERS: list[tuple[int, str, str]] = [
    *((status, PAGE, "text/html") for status in (400, 401, 403, 404, 409, 413, 429, 451, 500, 502, 200)),
    (403, "", "text/plain"),
    (404, '{"statusCode": 404, "message": "Cannot POST /admin-api", "error": "Not Found"}', "application/json"),
    (403, '{"errors": [{"message": "Forbidden by a rule"}]}', "application/json"),
    (400, '{"errors": [{"message": "Blocked", "extensions": {"code": "WAF_BLOCKED"}}]}', "application/json"),
]


@asynccontextmanager
async def strange(status: int, body: str, kind: str) -> AsyncIterator[tuple[GraphQL, list[str]]]:
    """Before a server that would do anything stands somebody who answers in its place."""
    asked: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        asked.append((await request.json())["operationName"])
        return web.Response(status=status, text=body, content_type=kind)

    app = web.Application()
    app.router.add_post("/admin-api", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with account(Vendure, {"url": base, "api_key": "k"}) as shop:
            yield shop._shop.api, asked
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(("status", "body", "kind"), STRANGERS)
async def test_a_strangers_answer_to_a_change_leaves_it_open(status: int, body: str, kind: str) -> None:
    """No refusal: a refusal would have the filled draft deleted, and a second order made of it."""
    async with strange(status, body, kind) as (api, asked):
        with pytest.raises(OutcomeUnknown):
            await api.change(NOTE)
        assert asked == ["addNoteToOrder"]


@pytest.mark.parametrize(("status", "body", "kind"), STRANGERS)
async def test_a_strangers_answer_to_a_question_tells_nothing_of_the_order(
    status: int, body: str, kind: str
) -> None:
    async with strange(status, body, kind) as (api, _):
        with pytest.raises(RateLimited if status == 429 else Unavailable):
            await api.ask(queries.CHANNEL, dict)
