"""The HTTP client a connector calls its system with.

It knows the base address, signs in, asks the budget before each attempt, limits every call in time, repeats only
what is safe to repeat, and turns each failure into one of the plugin errors. It never follows redirects, since one
that leaves the host would carry the credentials along, and it never puts a body, a query or a header into an error
text; nor does it chain the transport's own errors, whose texts hold whole addresses.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Protocol, TypeVar, runtime_checkable
from urllib.parse import urlencode

import aiohttp
import msgspec
from multidict import CIMultiDict
from yarl import URL

from olhubd.model import Reason
from olhubd.plugin.budget import Gate, Lane, ValueGate, calls_for
from olhubd.plugin.errors import (
    AccountBlocked,
    AuthLost,
    ContractBroken,
    OutcomeUnknown,
    PluginError,
    RateLimited,
    Temporary,
    Unavailable,
    ValuesSpent,
)
from olhubd.plugin.oauth import Tokens
from olhubd.plugin.response import ErrorDetails, ErrorTable, NotJson, Response, decode
from olhubd.plugin.transport import LONGEST_HEADER, MOST_HEADERS, NO_ANSWER, NOT_SENT, limits, once, read, reason

__all__ = ["Bearer", "Client", "ErrorDetails", "ErrorTable", "Middleware", "Response", "Signer", "decode"]

T = TypeVar("T")

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_ODD = 1
"""How often a refused key is tried once more for what may be repeated: hosts refuse a good one now and then."""
_RENEWALS = 2
"""How often a request has its token renewed before a refusal counts as the loss of the grant."""
_LARGEST = 64 * 2**20
_LATE = 0.25
"""The share of its time limit after which an answer counts as late."""

_Query = Mapping[str, str | int] | Sequence[tuple[str, str | int]] | None


@runtime_checkable
class Signer(Protocol):
    """Signs in by headers that may first have to be fetched, and fetched again once the server refuses them.

    Both methods may call out: they run before the request takes its place in the budget.
    """

    async def sign(self) -> Mapping[str, str]:
        """The headers that sign a request now."""

    async def refused(self, headers: Mapping[str, str]) -> None:
        """Report that the server answered 401 to these very headers. The request is then signed and sent again."""


Middleware = aiohttp.ClientMiddlewareType | Signer
"""How a client signs in: a `Signer`, or an aiohttp client middleware where the signature covers the request."""


class Bearer:
    """Signs each request with the account's token; a refused one is renewed and the request sent again."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def sign(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {await self._tokens.access()}"}

    async def refused(self, headers: Mapping[str, str]) -> None:
        await self._tokens.refused(headers["Authorization"].removeprefix("Bearer "))


class Client:
    """One base address, one way to sign in, one set of budgets. See `Account.client`.

    `gates` are passed in their order, so the narrowest comes first: who waits at it should not fill a wider one.
    `windows` limit the values that its calls change.
    `attempts` is how often a repeatable request is sent in all while the system is unavailable. An answer of more
    than `largest` bytes is refused. `dated` is called with the Date of each answer.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base: str,
        *,
        auth: Middleware | None = None,
        gates: Sequence[Gate] = (),
        windows: Sequence[ValueGate] = (),
        errors: ErrorTable | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30.0,
        attempts: int = 3,
        largest: int = _LARGEST,
        sleep: Callable[[float], Any] = asyncio.sleep,
        dated: Callable[[str], None] | None = None,
    ) -> None:
        self._session = session
        self._base = _checked(base)
        self._signer = auth if isinstance(auth, Signer) else None
        self._middlewares = () if auth is None or isinstance(auth, Signer) else (auth,)
        self._gates = tuple(gates)
        self._windows = tuple(windows)
        self._errors = errors or ErrorTable()
        self._headers = CIMultiDict(headers or {})
        self._timeout = limits(timeout)
        self._attempts = attempts
        self._largest = largest
        self._sleep = sleep
        self._dated = dated

    @property
    def base(self) -> str:
        return self._base

    async def get(self, path: str, into: type[T], query: _Query = None) -> T:
        """GET and decode."""
        return await self.call("GET", path, into, query=query)

    async def call(
        self,
        method: str,
        path: str,
        into: type[T],
        *,
        query: _Query = None,
        json: Any = None,
        repeatable: bool | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> T:
        """A request whose answer is decoded. An unreadable answer to a write means that its outcome is unknown.

        What is no JSON at all is nobody's answer: where the request may be repeated, that is Unavailable.
        """
        decoded, _ = await self.fetch(
            method, path, into, query=query, json=json, repeatable=repeatable, headers=headers
        )
        return decoded

    async def fetch(
        self, method: str, path: str, into: type[T], *, repeatable: bool | None = None, **options: Any
    ) -> tuple[T, Response]:
        """Like `call`, with the answer itself for its headers. Options are those of `request`."""
        answer = await self.request(method, path, repeatable=repeatable, **options)
        harmless = method in _SAFE_METHODS if repeatable is None else repeatable
        what = _what(method, path)
        failure: PluginError
        try:
            return answer.into(into), answer
        except NotJson as error:
            if harmless:
                failure = Unavailable(f"{what}: {answer.status} {answer.described}", status=answer.status)
            else:
                failure = OutcomeUnknown(Reason("call.unknown", call=what, why=error), status=answer.status)
        except ContractBroken as error:
            if harmless:
                raise
            failure = OutcomeUnknown(Reason("call.unknown", call=what, why=error), status=answer.status)
        raise failure

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: _Query = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool | None = None,
        lane: Lane | None = None,
        cost: int = 1,
        values: int = 0,
        timeout: float | None = None,
        attempts: int | None = None,
        errors: ErrorTable | None = None,
    ) -> Response:
        """Send one request and return its 2xx answer, or raise. A page is no answer, whatever its status.

        `path` begins with a slash (or is empty) and is appended to the base; what is percent-encoded in it stays
        so. The body is `json`, which is anything msgspec encodes, or the fields of a `form`, or `data` as it is.
        `repeatable` says that sending it twice is harmless; by default only reading methods are. `lane` is for
        the renewal of a token; what any other call is for the host knows. `values` is how many values of the
        client's budgets of values it changes: ValuesSpent says that it may not yet. `timeout` limits each attempt,
        in seconds; `attempts` is how many there may be, and `errors` what failures mean, instead of the client's.
        """
        if repeatable is None:
            repeatable = method in _SAFE_METHODS
        what = _what(method, path)
        lane = calls_for() if lane is None else lane
        url = self._url(path)
        sent = self._headers
        if json is not None:
            data = msgspec.json.encode(json)
            sent = CIMultiDict(sent)
            sent.setdefault("Content-Type", "application/json")
        elif form is not None:
            data = urlencode(form).encode()
            sent = CIMultiDict(sent)
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        if headers:
            sent = CIMultiDict(sent)
            sent.update(headers)
        table = self._errors if errors is None else errors
        limit = self._timeout if timeout is None else limits(timeout)
        # aiohttp itself repeats PUT and DELETE when a connection drops; whether that is harmless is ours to say.
        drops = not repeatable and method not in _SAFE_METHODS and method != "POST"
        middlewares = (*self._middlewares, once) if drops else self._middlewares

        time = asyncio.get_running_loop().time
        attempt = 1
        renewals = odd = 0
        while True:
            signature = None
            if self._signer is not None:
                signature = await _signed(self._signer.sign(), what)
                if renewals > 1:
                    # Refused although it was new: ended early once more, or not yet known to all servers.
                    await self._sleep(random.uniform(1.0, 2.0))
                    signature = await _signed(self._signer.sign(), what)  # others may have renewed it meanwhile
                sent = CIMultiDict(sent)
                sent.update(signature)
            self._take(values)
            held = 0
            try:
                for gate in self._gates:
                    await gate.acquire(lane, cost)
                    held += 1
                began = time()
                try:
                    answer = await self._send(method, url, query, data, sent, limit, middlewares, what, repeatable)
                finally:
                    self._watch(time() - began, limit)
                error, renewable = self._judge(table, answer, what, repeatable, values)
            except Unavailable as unavailable:
                error, renewable = unavailable, 0
            finally:
                for gate in self._gates[:held]:
                    gate.release()
                if values:
                    for window in self._windows:
                        window.ended(values)
            if error is None:
                return answer
            if signature is not None and renewals < renewable:
                renewals += 1
                await _signed(self._signer.refused(signature), what)  # type: ignore[union-attr]
                continue
            if signature is None and repeatable and isinstance(error, AuthLost) and odd < _ODD and not answer.ok:
                odd += 1
                await self._sleep(random.uniform(1.0, 2.0))
                continue
            if not repeatable or not isinstance(error, Unavailable) or error.retry_after is not None:
                raise error
            if attempt >= (attempts or self._attempts):
                raise error
            await self._sleep(random.uniform(0.5, 1.0) * 0.5 * 2**attempt)
            attempt += 1

    async def _send(
        self,
        method: str,
        url: URL,
        query: _Query,
        data: bytes | None,
        headers: CIMultiDict[str],
        timeout: aiohttp.ClientTimeout,
        middlewares: Sequence[aiohttp.ClientMiddlewareType],
        what: str,
        repeatable: bool,
    ) -> Response:
        """One exchange. A failed transport becomes Unavailable (not done) or OutcomeUnknown (perhaps done)."""
        failure: PluginError
        if self._session.closed:
            raise Unavailable(Reason("call.stopping", call=what))
        try:
            response = await self._session.request(
                method,
                url,
                params=query,
                data=data,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
                middlewares=middlewares,
                max_field_size=LONGEST_HEADER,
                max_line_size=LONGEST_HEADER,
                max_headers=MOST_HEADERS,
            )
            if self._dated is not None and "Date" in response.headers and "Age" not in response.headers:
                self._dated(response.headers["Date"])  # a cache's answer has another time
            try:
                body = await read(response, self._largest)
            finally:
                response.release()
            if body is not None:
                return Response(response.status, response.headers, body)
            if not response.ok:
                return Response(response.status, response.headers, b"")
            size = Reason("call.too-long", call=what, bytes=self._largest)
            failure = ContractBroken(size) if repeatable else OutcomeUnknown(size)
        except NOT_SENT as error:
            failure = Unavailable(Reason("call.no-connection", call=what, why=reason(error)))
        except NO_ANSWER as error:
            kind: type[Temporary] = Unavailable if repeatable else OutcomeUnknown
            failure = kind(Reason("call.no-answer", call=what, why=reason(error)), strained=True)
        # Raised here and not above, so that the transport's error is not its context either.
        raise failure

    def _take(self, values: int) -> None:
        """Take the values of a call from all windows, or from none."""
        if not values or not self._windows:
            return
        longest = max(self._windows, key=lambda window: window.left(values))
        longest.take(values)
        for window in self._windows:
            if window is not longest:
                window.take(values)

    def _close(self, seconds: float | None, values: int) -> None:
        """The server refused a call for the number of calls, or of values where it changes some. Which of the two
        it does not say: if it was the calls, the next one is refused as well, and shuts their gates."""
        if values and self._windows:
            for window in self._windows:
                window.close(seconds)
        else:
            for gate in self._gates:
                gate.close(seconds)

    def _watch(self, lasted: float, limit: aiohttp.ClientTimeout) -> None:
        """Report to the gates a call that nearly or really ran out of time: the server has more than it can
        bear."""
        if limit.total is not None and lasted > _LATE * limit.total:
            for gate in self._gates:
                gate.strained()

    def _judge(
        self, table: ErrorTable, answer: Response, what: str, repeatable: bool, values: int
    ) -> tuple[PluginError | None, int]:
        """The error in an answer, if it is one, and how often it may have the token renewed."""
        if answer.ok:
            for gate in self._gates:
                gate.opened()
            if answer.is_page:
                return table.foreign(answer, what, repeatable), 0
            complaint = table.inside(answer)
            if complaint is None:
                return None, 0
            error = table.refused(complaint, answer, what, repeatable)
            if isinstance(error, RateLimited):
                self._close(table.pause(answer), values)
            # The system itself says so, and that nothing was done: a session may merely have ended.
            return error, int(isinstance(error, AuthLost) and complaint.done is False)
        error = table.error(answer, what, repeatable)
        if isinstance(error, RateLimited) or answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            self._close(table.pause(answer), values)
            if values and self._windows and isinstance(error, RateLimited):
                # What is limited for itself waits for itself, whether the host counts it or the system.
                error = ValuesSpent(
                    error.args[0], retry_after=error.retry_after, code=error.code, status=error.status
                )
        elif answer.status < 500:
            for gate in self._gates:
                gate.opened()
        return error, _renewable(table, answer, repeatable)

    def _url(self, path: str) -> URL:
        if not path:
            return URL(self._base)
        if path[0] != "/":
            raise ValueError(f"a path begins with a slash: {path[:40]!r}")
        if "/." in path and not {".", ".."}.isdisjoint(path.split("/")):
            raise ValueError("a path does not climb")
        # A query is given as `query`; a question mark here belongs to somebody's identifier.
        if "?" in path or "#" in path:
            path = path.replace("?", "%3F").replace("#", "%23")
        return URL(self._base + path)


def _renewable(table: ErrorTable, answer: Response, repeatable: bool) -> int:
    """How often an answer may have the token renewed and the request sent again.

    A stranger's 401 may have come after a write was done, so that it has nothing sent again. For what may be
    repeated it is worth one token: some systems refuse in other forms than they say.
    """
    if answer.status != HTTPStatus.UNAUTHORIZED:
        return 0
    if table.proves(answer) or (table.is_refusal is None and repeatable):
        return _RENEWALS
    return int(repeatable)


def _checked(base: str) -> str:
    """The base address without its last slash. Raises ValueError, which shows none of it, when it is no such."""
    url = URL(base)
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError("the base address is not of the form https://host/path")
    if url.raw_user or url.raw_password or url.raw_query_string or url.raw_fragment:
        raise ValueError("the base address holds more than scheme, host, port and path")
    return str(url).rstrip("/")


def _what(method: str, path: str) -> str:
    return f"{method} {path.partition('?')[0] or '/'}"


async def _signed(step: Any, what: str) -> Any:
    """Sign in. Whatever went wrong there, the request itself was not done and is not to blame."""
    failure: PluginError
    try:
        return await step
    except (AuthLost, AccountBlocked, RateLimited, Unavailable):
        raise
    except PluginError as error:
        failure = Unavailable(Reason("call.no-sign-in", call=what, why=error), code=error.code, status=error.status)
    raise failure
