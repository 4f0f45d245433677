"""Signing in to an account: begun here, and gone on with by what a browser brings back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from yarl import URL

from olhubd.control.api.lookup import unit
from olhubd.control.api.schema.base import Nothing
from olhubd.control.api.schema.sign_in import CallbackRequest, SignIn, SignInQuery, SignInRequest
from olhubd.control.http.problem import Refusal
from olhubd.control.http.routes import Call, Reply, route
from olhubd.engine.access import signin
from olhubd.engine.access.redirect import CALLBACK, CallbackRefused
from olhubd.model import Reason, Scope

__all__ = ["EXCHANGE", "ROUTES", "begin", "returned", "state"]

EXCHANGE = 30.0
"""Seconds within which a sign-in that the browser came back to has mostly ended."""

_ANYWHERE = frozenset({"0.0.0.0", "::"})


async def begin(call: Call[Nothing, SignInRequest]) -> Reply[SignIn]:
    """Begin a sign-in, by a code on another device or by the browser; the daemon waits for its end by itself."""
    at_work = unit(call.hub, call.path["account"])
    back = _callback(call.headers, call.context.addresses)
    begun = await call.context.signins.begin(at_work.name, call.who, back, call.body.flow)
    await call.hub.events.note("account.sign-in-begun", {}, call.who, account=at_work.name)
    return Reply(content=_sign_in(begun), status=202)


async def state(call: Call[SignInQuery, Nothing]) -> SignIn:
    """The state of the last sign-in."""
    at_work = unit(call.hub, call.path["account"])
    begun = await call.context.signins.settled(at_work.name, call.query.wait)
    if begun is None:
        raise Refusal(404, "not-found", Reason("none.sign-in", account=at_work.name))
    return _sign_in(begun)


async def returned(call: Call[Nothing, CallbackRequest]) -> SignIn:
    """Go on with a sign-in by the browser, which was sent back to this address and could not get here."""
    at_work = unit(call.hub, call.path["account"])
    try:
        await call.context.signins.bring(call.body.address, at_work.name, call.who)
    except CallbackRefused as error:
        raise Refusal(400, "parameter", str(error), parameter="address") from None
    begun = await call.context.signins.settled(at_work.name, EXCHANGE)
    assert begun is not None  # it was just found
    return _sign_in(begun)


def _callback(headers: Mapping[str, str], addresses: Sequence[str]) -> str:
    """Where a browser can come back to: the place it asks from, else the first one where the endpoint listens.

    The header was compared with the name by which the endpoint was called; behind a proxy it alone knows of TLS.
    """
    origin = headers.get("Origin")
    if origin is None:
        listening = (URL(address) for address in addresses if address.startswith("http"))
        url = next(listening, URL("http://localhost"))
        origin = str(url.with_host("localhost") if url.host in _ANYWHERE else url).rstrip("/")
    return f"{origin}{CALLBACK}"


def _sign_in(begun: signin.SignIn) -> SignIn:
    return msgspec.convert(msgspec.structs.asdict(begun), SignIn, from_attributes=True)


ROUTES = (
    route("POST", "/api/v1/accounts/{account}/sign-in", begin, limit=60.0, statuses=(202,), refusals=(502,)),
    # What it answers lets any reader continue the sign-in.
    route("GET", "/api/v1/accounts/{account}/sign-in", state, limit=90.0, scope=Scope.OPERATE),
    route("POST", "/api/v1/accounts/{account}/sign-in/return", returned, limit=60.0),
)
