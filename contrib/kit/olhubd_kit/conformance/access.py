"""Reading one order, and the small questions: who am I, which statuses are there, may I stay signed in."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from olhubd.model import Order
from olhubd.plugin import (
    AuthLost,
    DeliveryMethodList,
    Flow,
    Gone,
    Method,
    OAuthLogin,
    OrderLookup,
    PaymentMethodList,
    PluginError,
    Probe,
    SellerProfile,
    Status,
    StatusList,
    StillPending,
    Temporary,
    Token,
    Unreadable,
)
from olhubd_kit.conformance.bench import Bench
from olhubd_kit.conformance.rule import NotApplicable, Tier, broken, check, rule, skip
from olhubd_kit.conformance.small import nobody
from olhubd_kit.faults import FaultKind


@rule("READ-01", Tier.BRONZE, "OrderLookup")
async def one_order_is_read(bench: Bench) -> None:
    """An order read by its id is the order of that id, at the total of the other side's books."""
    for key in await bench.buy(2):
        record = await bench.part(OrderLookup).read_order(key)
        if not isinstance(record, Order):
            broken(f"an order was read as {type(record).__name__}")
        check(record.external_id == key, f"reading {key} gave {record.external_id}")
        check(record.total == bench.books()[key].total, f"read at {record.total}")


@rule("READ-02", Tier.BRONZE, "OrderLookup")
async def an_order_that_is_not_there_is_gone(bench: Bench) -> None:
    """An id of no order gives Gone, which is a state and no error."""
    record = await bench.part(OrderLookup).read_order(await nobody(bench))
    check(isinstance(record, Gone), f"an id of no order gave {type(record).__name__}")


@rule("READ-03", Tier.SILVER, "OrderLookup")
async def an_unreadable_order_is_told(bench: Bench) -> None:
    """An order that cannot be understood is read as Unreadable with its raw text."""
    [key] = await bench.buy(1)
    await bench.do("corrupt", key)
    record = await bench.part(OrderLookup).read_order(key)
    if not isinstance(record, Unreadable):
        broken(f"an unreadable order was read as {type(record).__name__}")
    check(record.raw, "it came without its raw text")


@rule("READ-04", Tier.BRONZE, "OrderLookup", "OrderFeed")
async def lookup_and_feed_agree(bench: Bench) -> None:
    """An order read by its id is the same as in the feed."""
    bought = await bench.buy(2)
    told = (await bench.walk()).orders
    for key in bought:
        record = await bench.part(OrderLookup).read_order(key)
        check(record == told.get(key), f"the lookup of {key} differs from what the feed told")


@rule("PROBE-01", Tier.BRONZE, "Probe")
async def the_account_has_one_identity(bench: Bench) -> None:
    """Asked twice who it is, the account says the same, and it says something."""
    first, second = await bench.part(Probe).probe(), await bench.part(Probe).probe()
    check(first.id and first.login, "the identity has no id or no login")
    check(first == second, "the identity differs from one call to the next")


@rule("PROFILE-01", Tier.BRONZE, "SellerProfile")
async def the_seller_is_where_the_account_says(bench: Bench) -> None:
    """The address of the seller is the one that the account has now, its country as two capital letters."""
    profile = bench.part(SellerProfile)
    for street, postcode, city, country in (
        ("Polna 3", "00-625", "Warszawa", "PL"),
        ("Hlavná 1", "811 01", "Bratislava", "SK"),
    ):
        await bench.do("move_seller", street=street, postcode=postcode, city=city, country=country)
        found = await profile.seller_address()
        if found is None:
            broken("the account has an address, and none was given")
        given = (found.street, found.postcode, found.city, found.country)
        check(given == (street, postcode, city, country), "the address is not the one that the account has now")


@rule("PROFILE-02", Tier.BRONZE, "SellerProfile")
async def a_seller_without_an_address_has_none(bench: Bench) -> None:
    """Where the account has no address the answer is None, which is no error and no half of an address."""
    await bench.do("move_seller")
    check(await bench.part(SellerProfile).seller_address() is None, "an address was given where there is none")


@rule("LIST-01", Tier.BRONZE, "StatusList")
async def statuses_are_listed_once(bench: Bench) -> None:
    """There are statuses, each with a name and a code of its own."""
    listed = await bench.part(StatusList).statuses()
    _listed(listed, "status")
    fixed = type(bench.connector).fixed_statuses
    strange = sorted(status.code for status in listed if fixed is not None and status.code not in fixed)
    check(not strange, f"{', '.join(strange)}: listed, and not among the fixed statuses")


@rule("LIST-02", Tier.BRONZE, "DeliveryMethodList")
async def delivery_methods_are_listed_once(bench: Bench) -> None:
    """There are delivery methods, each with a name and a code of its own."""
    _listed(await bench.part(DeliveryMethodList).delivery_methods(), "delivery method")


@rule("LIST-03", Tier.BRONZE, "PaymentMethodList")
async def payment_methods_are_listed_once(bench: Bench) -> None:
    """There are payment methods, each with a name and a code of its own."""
    _listed(await bench.part(PaymentMethodList).payment_methods(), "payment method")


def _listed(words: Sequence[Status | Method], what: str) -> None:
    check(words, f"no {what} is listed")
    check(all(word.code and word.name for word in words), f"a {what} has no code or no name")
    check(len({word.code for word in words}) == len(words), f"the code of a {what} is listed twice")


def _token(bench: Bench) -> Token:
    token = bench.simulator.token()
    if token is None:
        skip("the simulator gives no token")
    return token


def _has(bench: Bench, flow: Flow) -> None:
    if flow not in bench.part(OAuthLogin).flows:
        raise NotApplicable(f"the system has no sign-in of the kind {flow.value}", natural=True)


@rule("LOGIN-01", Tier.BRONZE, "OAuthLogin")
async def a_token_is_renewed(bench: Bench) -> None:
    """Renewing gives a token that ends later than now, with what renews it again, and the account works with it."""
    check(bench.part(OAuthLogin).flows, "it declares no way to sign in")
    token = await bench.part(OAuthLogin).refresh(_token(bench))
    check(token.expires_at > bench.clock.now(), "the new token is over already")
    check(token.refresh, "the new token cannot be renewed")
    tokens: Any = bench.connector.account.tokens
    tokens.token = token
    if bench.has("OrderFeed"):
        await bench.feed.start(None)
    elif bench.has("Probe"):
        await bench.part(Probe).probe()


@rule("LOGIN-02", Tier.SILVER, "OAuthLogin")
async def a_failed_renewal_is_not_a_lost_grant(bench: Bench) -> None:
    """When renewing fails for any passing reason, the error is Temporary: nobody has to sign in again."""
    token = _token(bench)
    for kind, status in (
        (FaultKind.ERROR, 500),
        (FaultKind.ERROR, 503),
        (FaultKind.CUT, 0),
        (FaultKind.THROTTLE, 0),
        (FaultKind.LOSE, 0),
    ):
        bench.strike(kind, times=None, status=status)
        answer = await bench.attempt(lambda: bench.part(OAuthLogin).refresh(token))
        bench.faults.clear()
        check(isinstance(answer, Temporary), f"after {kind.value} {status or ''} came {type(answer).__name__}")


@rule("LOGIN-03", Tier.BRONZE, "OAuthLogin")
async def a_refused_renewal_is_a_lost_grant(bench: Bench) -> None:
    """When the server definitely refuses to renew, AuthLost is raised."""
    false = msgspec.structs.replace(_token(bench), access="no-such", refresh="no-such-refresh")
    answer = await bench.attempt(lambda: bench.part(OAuthLogin).refresh(false))
    check(isinstance(answer, AuthLost), f"a refused renewal gave {type(answer).__name__}")
    check(isinstance(answer, PluginError) and "no-such-refresh" not in str(answer), "the error shows the token")


@rule("LOGIN-04", Tier.SILVER, "OAuthLogin", "OrderFeed")
async def a_token_that_ends_early_is_renewed(bench: Bench) -> None:
    """When the server refuses a token before its time, it is renewed and the feed goes on without an error."""
    bought = await bench.buy(2)
    await bench.do("expire_tokens")
    found = await bench.walk()
    check(not found.failures, "a token that ended early is a failure of the feed")
    check(set(bought) <= set(found.orders), "orders are missing after a renewal")


@rule("LOGIN-05", Tier.GOLD, "OAuthLogin")
async def a_person_signs_in_on_another_device(bench: Bench) -> None:
    """Until the person agrees, the answer is StillPending; then it is a token that is good and can be renewed."""
    _has(bench, Flow.DEVICE)
    grant = await bench.part(OAuthLogin).begin_device()
    check(grant.user_code and grant.url, "the person is told no code or no address")
    check(grant.expires_at > bench.clock.now() and grant.interval > 0, "the sign-in is over before it began")
    waiting = await bench.attempt(lambda: bench.part(OAuthLogin).poll_device(grant))
    check(isinstance(waiting, StillPending), f"before the person agreed came {type(waiting).__name__}")
    await bench.do("consent", grant.user_code, granted=True)
    token = await bench.attempt(lambda: bench.part(OAuthLogin).poll_device(grant))
    check(isinstance(token, Token), f"after the person agreed came {type(token).__name__}")
    if isinstance(token, Token):
        check(token.expires_at > bench.clock.now(), "the token is over already")
        renewed = await bench.part(OAuthLogin).refresh(token)
        check(isinstance(renewed, Token), "the token of the sign-in cannot be renewed")


@rule("LOGIN-06", Tier.GOLD, "OAuthLogin")
async def a_person_may_refuse(bench: Bench) -> None:
    """A person who refuses, or lets the code run out, ends the sign-in with AuthLost."""
    _has(bench, Flow.DEVICE)
    grant = await bench.part(OAuthLogin).begin_device()
    await bench.do("consent", grant.user_code, granted=False)
    refused = await bench.attempt(lambda: bench.part(OAuthLogin).poll_device(grant))
    check(isinstance(refused, AuthLost), f"after the person refused came {type(refused).__name__}")
    grant = await bench.part(OAuthLogin).begin_device()
    bench.clock.advance((grant.expires_at - bench.clock.now()).total_seconds() + 1)
    late = await bench.attempt(lambda: bench.part(OAuthLogin).poll_device(grant))
    check(isinstance(late, AuthLost), f"after the code ran out came {type(late).__name__}")


_BACK = "https://hub.example/signin/callback"
_VERIFIER = "a-verifier-of-the-kit-0123456789-0123456789-0123456789"


@rule("LOGIN-07", Tier.GOLD, "OAuthLogin")
async def a_person_signs_in_by_the_browser(bench: Bench) -> None:
    """Who agrees in the browser is sent back with the state and a code, which gives a token that can be renewed."""
    back = await _sent_back(bench, granted=True)
    check(back.get("state") == "the state", "the browser came back without the state it was sent with")
    token = await bench.attempt(lambda: bench.part(OAuthLogin).exchange(back.get("code", ""), _BACK, _VERIFIER))
    check(isinstance(token, Token), f"for the code came {type(token).__name__}")
    if isinstance(token, Token):
        check(token.expires_at > bench.clock.now(), "the token is over already")
        renewed = await bench.part(OAuthLogin).refresh(token)
        check(isinstance(renewed, Token), "the token of the sign-in cannot be renewed")


@rule("LOGIN-08", Tier.GOLD, "OAuthLogin")
async def a_code_is_of_use_once(bench: Bench) -> None:
    """A code that was exchanged already ends the sign-in with AuthLost, and so does one that nobody gave."""
    code = (await _sent_back(bench, granted=True)).get("code", "")
    await bench.attempt(lambda: bench.part(OAuthLogin).exchange(code, _BACK, _VERIFIER))
    for one in (code, "nobody-gave-this"):
        again = await bench.attempt(partial(bench.part(OAuthLogin).exchange, one, _BACK, _VERIFIER))
        check(isinstance(again, AuthLost), f"a code that is none gave {type(again).__name__}")
    refused = await _sent_back(bench, granted=False)
    check("code" not in refused and refused.get("error"), "who refused was sent back with a code")


async def _sent_back(bench: Bench, granted: bool) -> dict[str, str]:
    """What a browser brings back, after the person was at the page where the connector sends them."""
    _has(bench, Flow.CODE)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(_VERIFIER.encode()).digest()).rstrip(b"=").decode()
    url = bench.part(OAuthLogin).authorize_url(_BACK, "the state", challenge)
    address = await bench.do("authorize", url, granted=granted)
    check(address.startswith(f"{_BACK}?"), "the browser was sent back to another address")
    return dict(parse_qsl(urlsplit(address).query))
