"""The HTTP client a connector calls its system with.

It knows the base address, signs in by a middleware, asks the budget before each attempt, limits every call in
time, repeats only what is safe to repeat, and turns each failure into one of the plugin errors. It never follows
redirects, since one that leaves the host would carry the credentials along, and it never puts a body, a query or
a header into an error text.
"""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Any, TypeVar

import aiohttp
import msgspec
from multidict import CIMultiDictProxy
from yarl import URL

from olhubd.plugin.budget import Gate, Lane
from olhubd.plugin.errors import (
    AuthLost,
    Conflict,
    ContractBroken,
    NotFound,
    OutcomeUnknown,
    PluginError,
    RateLimited,
    Rejected,
    Temporary,
    Unavailable,
)
from olhubd.plugin.oauth import Tokens

__all__ = ["Answer", "Bearer", "Client", "Complaint", "ErrorTable", "Middleware", "decode"]

T = TypeVar("T")
Middleware = aiohttp.ClientMiddlewareType

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)


@lru_cache(maxsize=512)
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def decode(body: bytes, into: type[T]) -> T:
    """Decode JSON into a typed record. Raises ContractBroken with the path of what does not fit."""
    try:
        kind: Any = into
        record: T = _decoder(kind).decode(body)
    except msgspec.ValidationError as error:
        text, _, path = str(error).partition(" - at ")
        raise ContractBroken(f"unexpected answer: {text}", field=path.strip("`") or None) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ContractBroken("the answer is not JSON") from None
    return record


class Complaint(msgspec.Struct, frozen=True, kw_only=True):
    """What a failed answer says of itself: the system's code, its sentence, the field it names."""

    code: str | None = None
    message: str | None = None
    field: str | None = None


class Answer(msgspec.Struct, frozen=True):
    """One complete answer."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    def into(self, kind: type[T]) -> T:
        return decode(self.body, kind)

    @property
    def retry_after(self) -> float | None:
        """Seconds from the Retry-After header, whether it holds a number or a date; None without one."""
        value = self.headers.get("Retry-After")
        if value is None:
            return None
        try:
            return max(0.0, float(value))
        except ValueError:
            pass
        try:
            until = email.utils.parsedate_to_datetime(value)
            sent = email.utils.parsedate_to_datetime(self.headers.get("Date", ""))
        except (ValueError, TypeError):
            return None
        # Both by the server's own clock, so a wrong clock here does not matter.
        return max(0.0, (_aware(until) - _aware(sent)).total_seconds())


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class ErrorTable(msgspec.Struct, frozen=True, kw_only=True):
    """From a status, or the system's own error code, to a plugin error. Codes win over statuses.

    `read` finds code, message and field in a failed answer.
    """

    statuses: Mapping[int, type[PluginError]] = {}
    codes: Mapping[str, type[PluginError]] = {}
    read: Callable[[Answer], Complaint] | None = None

    def error(self, answer: Answer, what: str, repeatable: bool) -> PluginError:
        """The error for a failed answer to `what`."""
        complaint = Complaint()
        if self.read is not None:
            # A firewall's page or a PHP notice is no complaint that can be read; the status still tells.
            with contextlib.suppress(ContractBroken, msgspec.MsgspecError, UnicodeDecodeError):
                complaint = self.read(answer)
        kind = self.codes.get(complaint.code or "") or self.statuses.get(answer.status)
        if kind is None:
            kind = _default(answer.status, repeatable)
        said = complaint.message or _phrase(answer.status)
        code = f" ({complaint.code})" if complaint.code else ""
        message = f"{what}: {answer.status} {said}{code}"
        if issubclass(kind, RateLimited | Unavailable):
            return kind(message, retry_after=answer.retry_after, code=complaint.code, status=answer.status)
        if issubclass(kind, Rejected | ContractBroken):
            return kind(message, field=complaint.field, code=complaint.code, status=answer.status)
        return kind(message, code=complaint.code, status=answer.status)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "unknown status"


def _default(status: int, repeatable: bool) -> type[PluginError]:
    match status:
        case 401 | 403:
            return AuthLost
        case 404 | 410:
            return NotFound
        case 409 | 412:
            return Conflict
        case 408 | 425:
            return Unavailable if repeatable else OutcomeUnknown
        case 429:
            return RateLimited
        case _ if status >= 500:
            # A gateway's 502 or 504 says nothing of what the server behind it did.
            return Unavailable if repeatable else OutcomeUnknown
        case _ if 300 <= status < 400:
            return ContractBroken
    return Rejected


class Bearer:
    """Signs each request with the account's token; a refused one is renewed and the request sent once more."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        access = await self._tokens.access()
        request.headers["Authorization"] = f"Bearer {access}"
        response = await handler(request)
        if response.status != HTTPStatus.UNAUTHORIZED:
            return response
        response.release()
        await self._tokens.refused(access)
        request.headers["Authorization"] = f"Bearer {await self._tokens.access()}"
        return await handler(request)


class Client:
    """One base address, one way to sign in, one set of budgets. See `Account.client`."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base: str,
        *,
        auth: Middleware | None = None,
        gates: Sequence[Gate] = (),
        errors: ErrorTable | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30.0,
        attempts: int = 3,
        sleep: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        self._session = session
        self._base = URL(base.rstrip("/"))
        self._middlewares = (auth,) if auth is not None else ()
        self._gates = tuple(gates)
        self._errors = errors or ErrorTable()
        self._headers = dict(headers or {})
        self._timeout = aiohttp.ClientTimeout(total=timeout, sock_connect=min(10.0, timeout))
        self._attempts = attempts
        self._sleep = sleep

    @property
    def base(self) -> str:
        return str(self._base)

    async def get(self, path: str, into: type[T], query: _Query = None, lane: Lane = Lane.ORDERS) -> T:
        """GET and decode."""
        return await self.call("GET", path, into, query=query, lane=lane)

    async def call(
        self,
        method: str,
        path: str,
        into: type[T],
        *,
        query: _Query = None,
        json: Any = None,
        repeatable: bool | None = None,
        lane: Lane = Lane.ORDERS,
        headers: Mapping[str, str] | None = None,
    ) -> T:
        """A request whose answer is decoded. An unreadable answer to a write means that its outcome is unknown."""
        answer = await self.request(
            method, path, query=query, json=json, repeatable=repeatable, lane=lane, headers=headers
        )
        try:
            return answer.into(into)
        except ContractBroken as error:
            if method in _SAFE_METHODS or repeatable:
                raise
            raise OutcomeUnknown(f"{method} {path}: done or not, but {error}", status=answer.status) from error

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: _Query = None,
        json: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool | None = None,
        lane: Lane = Lane.ORDERS,
        cost: int = 1,
        timeout: float | None = None,
    ) -> Answer:
        """Send one request and return its 2xx answer, or raise.

        `path` is appended to the base as it is. `json` is anything msgspec encodes. `repeatable` says that sending
        it twice is harmless; by default only reading methods are.
        """
        if repeatable is None:
            repeatable = method in _SAFE_METHODS
        what = f"{method} {path}"
        url = self._base.with_path(self._base.path.rstrip("/") + path, keep_query=False) if path else self._base
        sent = dict(self._headers)
        if json is not None:
            data = msgspec.json.encode(json)
            sent.setdefault("Content-Type", "application/json")
        if headers:
            sent.update(headers)
        limit = self._timeout if timeout is None else aiohttp.ClientTimeout(total=timeout)
        attempt = 1
        while True:
            try:
                return await self._attempt(method, url, what, query, data, sent, limit, repeatable, lane, cost)
            except Unavailable as error:
                if not repeatable or attempt >= self._attempts or error.retry_after is not None:
                    raise
            await self._sleep(random.uniform(0.5, 1.0) * 0.5 * 2**attempt)
            attempt += 1

    async def _attempt(
        self,
        method: str,
        url: URL,
        what: str,
        query: _Query,
        data: bytes | None,
        headers: Mapping[str, str],
        timeout: aiohttp.ClientTimeout,
        repeatable: bool,
        lane: Lane,
        cost: int,
    ) -> Answer:
        for gate in self._gates:
            await gate.acquire(lane, cost)
        try:
            with _transport(what, repeatable):
                response = await self._session.request(
                    method,
                    url,
                    params=query,
                    data=data,
                    headers=headers,
                    timeout=timeout,
                    allow_redirects=False,
                    middlewares=self._middlewares,
                )
                try:
                    answer = Answer(response.status, response.headers, await response.read())
                finally:
                    response.release()
        finally:
            for gate in self._gates:
                gate.release()
        if 200 <= answer.status < 300:
            for gate in self._gates:
                gate.opened()
            return answer
        error = self._errors.error(answer, what, repeatable)
        if isinstance(error, RateLimited):
            for gate in self._gates:
                gate.close(error.retry_after)
        raise error


_Query = Mapping[str, str | int] | Sequence[tuple[str, str | int]] | None


@contextlib.contextmanager
def _transport(what: str, repeatable: bool) -> Iterator[None]:
    """Turn what the transport raises into Unavailable (not done) or OutcomeUnknown (perhaps done)."""
    try:
        yield
    except PluginError:
        raise
    except _NOT_SENT as error:
        raise Unavailable(f"{what}: cannot connect ({_reason(error)})") from error
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        kind: type[Temporary] = Unavailable if repeatable else OutcomeUnknown
        raise kind(f"{what}: no answer ({_reason(error)})") from error


def _reason(error: BaseException) -> str:
    """The kind of failure without addresses or bodies, which may hold keys."""
    inner = getattr(error, "os_error", None) or error
    return getattr(inner, "strerror", None) or type(inner).__name__
