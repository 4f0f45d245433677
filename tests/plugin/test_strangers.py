"""Answers that the system itself did not give: what they prove, and what a person is told of them.

Each request is acted upon before the stranger answers, as by a firewall that looks at what the server said.
"""

from __future__ import annotations

import errno
import os
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from olhubd.plugin import (
    AuthLost,
    Bearer,
    Client,
    ContractBroken,
    ErrorTable,
    Forbidden,
    NotFound,
    OutcomeUnknown,
    PluginError,
    RateLimited,
    Rejected,
    Unavailable,
)
from olhubd.plugin.page import describe
from olhubd.plugin.response import Response
from olhubd.plugin.transport import reason
from olhubd_kit.conformance.strangers import AFTER_ACTING, BEFORE_ACTING
from olhubd_kit.faults import Fault, FaultKind
from tests.plugin.test_http import (  # noqa: F401  (fixtures)
    CANARY,
    OWN,
    Keeper,
    Shop,
    Thing,
    Turnstile,
    client,
    everything,
    gate,
    make,
    no_nap,
    refusal,
    session,
    shop,
)

NAMES = [f"{a['status']}-{a['body'][:6] or 'empty'}" for a in AFTER_ACTING]
UNDECLARED = ErrorTable()


@pytest.mark.parametrize("table", [OWN, UNDECLARED], ids=["declared", "undeclared"])
@pytest.mark.parametrize("answer", AFTER_ACTING, ids=NAMES)
async def test_a_strangers_answer_to_a_write_proves_nothing(
    answer: dict[str, Any],
    table: ErrorTable,
    shop: Shop,  # noqa: F811
    session: aiohttp.ClientSession,  # noqa: F811
    gate: Turnstile,  # noqa: F811
) -> None:
    """SYN-19: a repeat without a look would be a second order."""
    shop.faults.add(Fault(kind=FaultKind.ERROR_AFTER, **answer, times=None))
    with pytest.raises(OutcomeUnknown, match="POST /thing: "):
        await make(session, shop.base, gate, errors=table).call("POST", "/thing", Thing, json={"n": 1})
    assert (shop.acts, gate.inside) == (1, 0)


async def test_a_page_with_a_good_status_is_no_answer_to_a_write(
    shop: Shop,  # noqa: F811
    session: aiohttp.ClientSession,  # noqa: F811
    gate: Turnstile,  # noqa: F811
) -> None:
    """Nor where its caller reads no body, since the status is all that it goes by."""
    shop.faults.add(Fault(kind=FaultKind.ERROR, status=200, body="<html><title>Sign in</title>"))
    with pytest.raises(OutcomeUnknown, match="Sign in"):
        await make(session, shop.base, gate, errors=OWN).request("PUT", "/thing", json={"n": 1})
    assert gate.inside == 0


@pytest.mark.parametrize("answer", BEFORE_ACTING, ids=NAMES[: len(BEFORE_ACTING)])
@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_a_strangers_answer_to_what_may_be_repeated_is_no_word_of_the_systems(
    method: str,
    answer: dict[str, Any],
    shop: Shop,  # noqa: F811
    session: aiohttp.ClientSession,  # noqa: F811
    gate: Turnstile,  # noqa: F811
) -> None:
    shop.faults.add(Fault(kind=FaultKind.ERROR, **answer, times=None))
    with pytest.raises(RateLimited if answer["status"] == 429 else Unavailable):
        await make(session, shop.base, gate, errors=OWN).request(method, "/thing", repeatable=True)


@pytest.mark.parametrize(
    ("status", "kind"), [(401, AuthLost), (403, Forbidden), (404, NotFound), (400, Rejected), (301, ContractBroken)]
)
async def test_without_a_declaration_a_bare_status_must_do_for_what_reads(
    status: int,
    kind: type[PluginError],
    client: Client,  # noqa: F811
    shop: Shop,  # noqa: F811
) -> None:
    """And a page does not even there."""

    async def bare(_request: web.Request) -> web.Response:
        return web.Response(status=status)

    shop.answer = bare
    with pytest.raises(kind):
        await client.request("GET", "/thing")
    if status >= 400:
        shop.faults.add(Fault(kind=FaultKind.ERROR, status=status, times=None))
        with pytest.raises(Unavailable):
            await client.request("GET", "/thing")


async def test_a_strangers_401_never_has_a_write_sent_again(
    shop: Shop,  # noqa: F811
    session: aiohttp.ClientSession,  # noqa: F811
    gate: Turnstile,  # noqa: F811
) -> None:
    """The system's own 401 does: it surely did nothing with a token that it refuses."""
    keeper = Keeper()
    signed = make(session, shop.base, gate, auth=Bearer(keeper), errors=OWN)
    shop.faults.add(Fault(kind=FaultKind.ERROR_AFTER, status=401))
    with pytest.raises(OutcomeUnknown):
        await signed.request("POST", "/thing", json={})
    assert (shop.acts, keeper.renewed) == (1, 0)
    shop.faults.refusal = refusal
    shop.faults.add(Fault(kind=FaultKind.REFUSE, status=401))
    await signed.request("POST", "/thing", json={})
    assert (shop.acts, keeper.renewed) == (2, 1)
    shop.faults.add(Fault(kind=FaultKind.ERROR, status=401))
    await signed.request("GET", "/thing")  # here a second sending harms nobody
    assert (shop.acts, keeper.renewed) == (3, 2)
    shop.faults.add(Fault(kind=FaultKind.ERROR, status=401, times=None))
    with pytest.raises(Unavailable):
        await signed.request("GET", "/thing")
    assert keeper.renewed == 3  # not again and again: a firewall would have tokens renewed at each poll


async def test_a_good_key_that_is_refused_once_is_tried_again(
    shop: Shop,  # noqa: F811
    session: aiohttp.ClientSession,  # noqa: F811
    gate: Turnstile,  # noqa: F811
) -> None:
    """Only what may be repeated, and only once."""
    keyed = make(session, shop.base, gate, headers={"X-Key": "k"}, errors=OWN)
    shop.faults.refusal = refusal
    shop.faults.add(Fault(kind=FaultKind.REFUSE, status=401))
    assert (await keyed.get("/thing", Thing)).name == "thing"
    shop.faults.add(Fault(kind=FaultKind.REFUSE, status=401, times=None))
    with pytest.raises(AuthLost):
        await keyed.get("/thing", Thing)
    with pytest.raises(AuthLost):
        await keyed.request("POST", "/thing", json={})
    assert shop.faults.struck == {FaultKind.REFUSE: 4}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("status", "shuts"), [(429, True), (503, False)])
async def test_a_strangers_time_is_believed_for_a_minute(
    status: int,
    shuts: bool,
    method: str,
    shop: Shop,  # noqa: F811
    session: aiohttp.ClientSession,  # noqa: F811
    gate: Turnstile,  # noqa: F811
) -> None:
    """A gateway's word shuts no shop for a day, and WordPress's maintenance page asks for ten minutes always."""
    shop.faults.add(Fault(kind=FaultKind.ERROR, status=status, retry_after=86_400))
    declared = make(session, shop.base, gate, errors=OWN)
    with pytest.raises(RateLimited if (method, status) == ("GET", 429) else PluginError) as caught:
        await declared.request(method, "/thing")
    assert getattr(caught.value, "retry_after", None) == 60.0
    assert gate.closed == ([60.0] if shuts else [])


async def test_the_systems_own_time_is_believed_as_far_as_it_is_documented(
    shop: Shop,  # noqa: F811
    session: aiohttp.ClientSession,  # noqa: F811
    gate: Turnstile,  # noqa: F811
) -> None:
    patient = ErrorTable(is_refusal=OWN.is_refusal, longest=7200.0)
    shop.faults.refusal = refusal
    for table, believed in ((OWN, 900.0), (patient, 7200.0)):
        shop.faults.add(Fault(kind=FaultKind.REFUSE, status=429, retry_after=1e9))
        with pytest.raises(RateLimited) as caught:
            await make(session, shop.base, gate, errors=table).request("POST", "/thing")
        assert caught.value.retry_after == believed
    assert gate.closed == [900.0, 7200.0]


@pytest.mark.parametrize("body", ["{", "<html>", '{"refused": false}', "[]", "null", "\x00", '{"refused": '])
async def test_a_form_that_its_reader_trips_over_is_no_refusal(
    body: str,
    shop: Shop,  # noqa: F811
    session: aiohttp.ClientSession,  # noqa: F811
    gate: Turnstile,  # noqa: F811
) -> None:
    shop.faults.add(Fault(kind=FaultKind.ERROR, status=400, body=body, content_type="application/json"))
    with pytest.raises(OutcomeUnknown):
        await make(session, shop.base, gate, errors=OWN).request("POST", "/thing")


async def test_a_marked_refusal_is_a_refusal(
    shop: Shop,  # noqa: F811
    session: aiohttp.ClientSession,  # noqa: F811
    gate: Turnstile,  # noqa: F811
) -> None:
    """Where some PHP file was saved with a byte order mark."""
    marked = '\ufeff{"refused": true}'
    shop.faults.add(Fault(kind=FaultKind.ERROR, status=400, body=marked, content_type="application/json"))
    with pytest.raises(Rejected):
        await make(session, shop.base, gate, errors=OWN).request("POST", "/thing")


# What a person is told


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (403, "<html><title>Just a moment...</title>", 'a page instead of an answer: "Just a moment..." (a fire'),
        (200, "<!DOCTYPE html><title>\n Sklep - kubki &amp; koce </title>", '"Sklep - kubki & koce" (a firewall'),
        (503, "<h1>Briefly unavailable for scheduled maintenance.</h1>", "the site is being maintained"),
        (200, "<br />\n<b>Warning</b>: Undefined array key", "a program or plugin there fails"),
        (500, "<html><title>Error establishing a database connection</title>", "does not reach its database"),
        (403, "<html><body>Blocked</body>", "a page instead of an answer without a title (a firewall or a rule"),
        (404, "<html><title>Nie znaleziono</title>", "the address in the settings may be wrong"),
        (413, "<html><title>413 Request Entity Too Large</title>", "limits the size of a request"),
        (431, "<html>", "limits the size of headers"),
        (402, "<html>", "the host asks to be paid"),
        (502, "", "nothing instead of an answer (a gateway, or a program behind it, failed)"),
        (403, '{"blocked": true}', "an answer that is not the system's own"),
        (403, "denied", "a text instead of an answer"),
    ],
)  # fmt: skip
def test_a_page_is_told_by_its_title_and_a_likely_cause(status: int, body: str, told: str) -> None:
    assert told in describe(status, body.encode(), "text/html" if body.startswith("<") else "text/plain")


@pytest.mark.parametrize(
    "title",
    [
        f"No page at /wp-json/wc/v3/orders?consumer_key={CANARY}",
        f"Blocked: {CANARY}",
        f"jan.kowalski@example.com +48 600 700 800 {CANARY}",
        f"<b>{CANARY}</b>",
        f"&lt;{CANARY}&gt;",
        "Request 1795000000123456 abcdef0123456789",
    ],
)
def test_a_title_shows_words_and_nothing_else(title: str) -> None:
    """A firewall's title may repeat the address that was asked for, with the key in it."""
    said = describe(403, f"<html><title>{title}</title><p>{CANARY}".encode(), "text/html")
    for secret in (CANARY, "kowalski", "600 700", "wp-json", "0123456789"):
        assert secret not in said


def test_a_long_title_is_cut_between_words() -> None:
    said = describe(403, b"<html><title>" + b"again " * 500 + b"</title>", "text/html")
    assert '"again again' in said
    assert len(said) < 200


async def test_no_body_is_quoted_and_no_error_holds_the_page(
    client: Client,  # noqa: F811
    shop: Shop,  # noqa: F811
) -> None:
    shop.faults.add(Fault(kind=FaultKind.ERROR, status=403, body=f"<html><body>{CANARY}</body>", times=None))
    for method in ("GET", "POST"):
        with pytest.raises(PluginError) as caught:
            await client.request(method, "/thing")
        assert CANARY not in everything(caught.value)


def test_own_looks_at_a_body_are_not_needed() -> None:
    from multidict import CIMultiDict, CIMultiDictProxy

    headers = CIMultiDictProxy(CIMultiDict({"Content-Type": "application/json; charset=ISO-8859-2"}))
    assert Response(200, headers, "\u017c".encode("iso-8859-2")).text == "\u017c".encode()
    assert Response(200, headers, b"\xef\xbb\xbf{}").text == b"{}"


async def test_an_empty_answer_of_phps_default_type_is_no_page(
    client: Client,  # noqa: F811
    shop: Shop,  # noqa: F811
) -> None:
    """What has nothing to say is said with the content type that PHP gives to everything."""

    async def done(_request: web.Request) -> web.Response:
        return web.Response(content_type="text/html")

    shop.answer = done
    assert (await client.request("PUT", "/thing", json={})).body == b""


@pytest.mark.parametrize("number", [errno.ECONNRESET, None])
def test_a_connection_that_breaks_under_a_body_tells_no_address(number: int | None) -> None:
    """The transport's own words hold the whole address, with the key in the query."""
    said = f"Can not write request body for http://shop.example/?consumer_secret={CANARY}"
    told = reason(aiohttp.ClientOSError(number, said))
    assert told == (os.strerror(errno.ECONNRESET) if number else "ClientOSError")
