"""Speaking GraphQL with one Vendure server: signing in, and distinguishing its three kinds of failure.

1. HTTP 400: the document does not fit the server's schema.
2. HTTP 200 with `errors`: no right, bad input, or the server's own failure, which says nothing of what was done.
3. HTTP 200 with an ErrorResult as the data: a refusal.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from olhubd.model import Reason
from olhubd.plugin import (
    Account,
    AuthLost,
    Budget,
    Client,
    Conflict,
    ContractBroken,
    ErrorDetails,
    ErrorTable,
    NotFound,
    OutcomeUnknown,
    PluginError,
    Rejected,
    Response,
    Unavailable,
    decode,
    mask,
)
from olhubd_vendure import queries, wire
from olhubd_vendure.queries import Mutation
from olhubd_vendure.settings import VendureSettings

__all__ = ["CODES", "RESULTS", "Duplicate", "GraphQL", "refusal"]

T = TypeVar("T")


class Duplicate(Conflict):
    """A unique field refused the value: another record has it."""


_DUPLICATE = "DUPLICATE"
"""What olhubd calls the failure of a unique field, which has no code of its own."""
CODES: dict[str, type[PluginError]] = {
    _DUPLICATE: Duplicate,
    "FORBIDDEN": AuthLost,
    "UNAUTHORIZED": AuthLost,
    "CHANNEL_NOT_FOUND": AuthLost,
    "USER_INPUT_ERROR": Rejected,
    "ENTITY_NOT_FOUND": NotFound,
    "ILLEGAL_OPERATION": Conflict,
    "BAD_USER_INPUT": ContractBroken,
    "GRAPHQL_VALIDATION_FAILED": ContractBroken,
    "GRAPHQL_PARSE_FAILED": ContractBroken,
}
"""Codes of `errors`. Any other is the server's own failure, which says nothing of what was done."""

RESULTS: dict[str, type[PluginError]] = {
    "INVALID_CREDENTIALS_ERROR": AuthLost,
    "NATIVE_AUTH_STRATEGY_ERROR": AuthLost,
    "ORDER_STATE_TRANSITION_ERROR": Conflict,
    "FULFILLMENT_STATE_TRANSITION_ERROR": Conflict,
    "PAYMENT_STATE_TRANSITION_ERROR": Conflict,
    "MANUAL_PAYMENT_STATE_ERROR": Conflict,
    "ORDER_MODIFICATION_ERROR": Conflict,
    "ITEMS_ALREADY_FULFILLED_ERROR": Conflict,
    "CANCEL_ACTIVE_ORDER_ERROR": Conflict,
    "SETTLE_PAYMENT_ERROR": Conflict,
}
"""Codes of ErrorResults. Any other is Rejected."""

_UNIQUE = ("unique constraint", "duplicate key", "duplicate entry")
_QUIET = frozenset({"BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED"})
"""Errors whose text repeats the values that were sent."""
_OWN_WORDS = {"CHANNEL_NOT_FOUND": "the server has no channel of this channel_token"}
"""For errors whose text repeats a secret."""
_QUOTED = re.compile(
    r"""(?P<before>\b(?:column|key|constraint|type|relation|table|field)\s+)?(['"`]).*?\2""", re.DOTALL
)
"""What a database quotes: names of its own after such a word, else a value that was sent."""


class _Extensions(msgspec.Struct):
    code: str | None = None


class _Problem(msgspec.Struct):
    message: str = ""
    extensions: _Extensions | None = None
    path: list[str | int] | None = None

    @property
    def code(self) -> str:
        return (self.extensions.code if self.extensions else None) or ""


class _Reply(msgspec.Struct):
    data: msgspec.Raw = msgspec.Raw()
    errors: list[_Problem] | None = None

    @property
    def empty(self) -> bool:
        return bytes(self.data) in (b"", b"null")


class _Entered(msgspec.Struct):
    login: wire.Outcome


def _complaint(answer: Response) -> ErrorDetails:
    problems = answer.into(_Reply).errors or [_Problem()]
    return ErrorDetails(code=problems[0].code or None)


def _is_refusal(answer: Response) -> bool:
    """Vendure refuses by `errors`, each with one of its codes. A GraphQL gateway's errors have none, or others."""
    problems = answer.into(_Reply).errors or []
    return bool(problems) and all(problem.code in CODES for problem in problems)


class _Session:
    """Signs in with user name and password, once for all who ask; a session that ended is opened again."""

    def __init__(self, client: Client, settings: VendureSettings) -> None:
        assert settings.username is not None  # the settings were checked
        assert settings.password is not None
        password = settings.password.get_secret_value()
        self._variables = {"username": settings.username, "password": password}
        self._client = client
        self._path = settings.admin_path
        self._headers: Mapping[str, str] | None = None
        self._signing_in = asyncio.Lock()

    async def sign(self) -> Mapping[str, str]:
        async with self._signing_in:
            if self._headers is None:
                self._headers = {"Authorization": f"Bearer {await self._open()}"}
            return self._headers

    async def refused(self, headers: Mapping[str, str]) -> None:
        if headers == self._headers:
            self._headers = None

    async def _open(self) -> str:
        body = {"operationName": "Login", "query": queries.LOGIN, "variables": self._variables}
        errors = _table("login", True)
        reply, answer = await self._client.fetch(
            "POST", self._path, _Reply, json=body, repeatable=True, errors=errors
        )
        outcome = decode(bytes(reply.data), _Entered).login
        if outcome.error_code is not None:
            raise refusal(Mutation("login"), outcome)
        token = answer.headers.get("vendure-auth-token")
        if not token:
            raise AuthLost(Reason("olhubd_vendure:no-bearer"))
        return token


class GraphQL:
    """Questions (`ask`) and changes (`change`) to the admin API of one channel."""

    def __init__(self, account: Account[VendureSettings]) -> None:
        settings = account.settings
        headers = {}
        if settings.channel_token is not None:
            headers["vendure-token"] = settings.channel_token.get_secret_value()
        if settings.api_key is not None:
            headers["vendure-api-key"] = settings.api_key.get_secret_value()
        base = str(settings.url).rstrip("/")
        # Vendure itself has no limit of calls; what counts is how many its database carries at one time.
        budget = Budget(key=f"vendure:{urlsplit(base).netloc}", calls=6000, per=60.0, parallel=settings.parallel)
        make = partial(account.client, base, budgets=(budget,), headers=headers, timeout=settings.timeout)
        self._session = None if settings.username is None else _Session(make(), settings)
        self._http = make(auth=self._session)
        self._path = settings.admin_path

    async def ask(self, document: str, into: type[T], **variables: Any) -> T:
        """The answer to a question. Asking twice does no harm, so it is done where an answer gets lost."""
        return decode(await self._exchange(_name(document), document, variables, repeatable=True), into)

    async def change(self, *calls: Mutation) -> list[wire.Outcome]:
        """Carry out `calls` in order, in one request. Raises for the first refused one; those after it were tried
        as well. Without a readable answer raises OutcomeUnknown."""
        name, document, variables = queries.changes(calls)
        data = await self._exchange(name, document, variables, repeatable=False, calls=calls)
        try:
            outcomes = decode(data, dict[str, wire.Outcome | None])
        except ContractBroken as error:
            raise OutcomeUnknown(f"{name}: done or not, but {error}") from error
        told = [outcomes.get(f"c{number}") for number in range(len(calls))]
        for call, outcome in zip(calls, told, strict=True):
            if outcome is not None and outcome.error_code is not None:
                raise refusal(call, outcome)
        if None in told:
            # Null says nothing of what was done.
            raise OutcomeUnknown(f"{calls[told.index(None)].name}: done or not, but the answer says nothing of it")
        return [outcome for outcome in told if outcome is not None]

    async def write(self, document: str, into: type[T], **variables: Any) -> T:
        """Carry out a mutation whose answer is no `Outcome`. Without a readable answer raises OutcomeUnknown."""
        name = _name(document)
        data = await self._exchange(name, document, variables, repeatable=False)
        try:
            return decode(data, into)
        except ContractBroken as error:
            raise OutcomeUnknown(f"{name}: done or not, but {error}") from error

    async def _exchange(
        self,
        name: str,
        document: str,
        variables: dict[str, Any],
        *,
        repeatable: bool,
        calls: Sequence[Mutation] = (),
    ) -> bytes:
        body = {"operationName": name, "query": document, "variables": variables}
        errors = _table(name, repeatable, calls)
        reply, _ = await self._http.fetch(
            "POST", self._path, _Reply, json=body, repeatable=repeatable, errors=errors
        )
        if reply.empty:
            kind = Unavailable if repeatable else OutcomeUnknown
            raise kind(f"{name}: an answer without data")
        return bytes(reply.data)


def _name(document: str) -> str:
    """The name of a document's operation."""
    return document.split(None, 1)[1].partition("{")[0].partition("(")[0].strip()


def _table(name: str, repeatable: bool, calls: Sequence[Mutation] = ()) -> ErrorTable:
    """What failures of one request mean: it knows what was asked, and so which part of it failed."""
    return ErrorTable(
        statuses={400: ContractBroken},
        codes=CODES,
        read=_complaint,
        is_refusal=_is_refusal,
        ok=lambda answer: _failure(answer.into(_Reply), name, repeatable, calls),
    )


def _failure(reply: _Reply, name: str, repeatable: bool, calls: Sequence[Mutation]) -> ErrorDetails | None:
    """What `errors` say. Of several, the one that leaves the most open decides."""
    problems = reply.errors or []
    for problem in problems:
        if any(sign in problem.message.lower() for sign in _UNIQUE):
            said = "another record has this value already"
            return ErrorDetails(code=_DUPLICATE, message=f"{_where(name, problem, calls)}: {said}")
    for problem in problems:
        if problem.code not in CODES:
            said = f"the server failed: {_unquoted(problem.message) or 'no reason given'}"
            where = _where(name, problem, calls)
            return ErrorDetails(code=problem.code or None, message=f"{where}: {said}", done=None)
    if not problems:
        return None
    problem = problems[0]
    said = "" if problem.code in _QUIET else f" {_OWN_WORDS.get(problem.code) or problem.message[:200]}"
    if CODES[problem.code] is AuthLost:
        said = f" no right to do this{said and f' ({said.strip()})'}"
    done = not _barred(reply, repeatable)
    return ErrorDetails(code=problem.code, message=f"{_where(name, problem, calls)}:{said}", done=done)


def _barred(reply: _Reply, repeatable: bool) -> bool:
    """Whether nothing was done for want of a session. The first refused mutation ends the request, unless it may
    answer null; then the next ones go on."""
    problems = reply.errors or []
    if any(problem.code not in ("FORBIDDEN", "UNAUTHORIZED") for problem in problems):
        return False
    if repeatable:
        return True
    if reply.empty:
        return problems[0].path == ["c0"]
    try:
        return all(value is None for value in decode(bytes(reply.data), dict[str, Any]).values())
    except ContractBroken:
        return False


def _where(name: str, problem: _Problem, calls: Sequence[Mutation]) -> str:
    """The call of a request that failed, and its subject; the whole request where the error does not say."""
    place = str(problem.path[0]) if problem.path else ""
    number = int(place[1:]) if place[:1] == "c" and place[1:].isdecimal() else len(calls)
    if number >= len(calls):
        return name
    call = calls[number]
    return f"{call.name} of {call.about}" if call.about else call.name


def _unquoted(message: str) -> str:
    """The server's own words, without the values it quotes: those are what was sent, and may be a person's."""
    said = _QUOTED.sub(lambda found: found[0] if found["before"] else "...", " ".join(message[:600].split()))
    return mask(said)[:300]


def refusal(call: Mutation, outcome: wire.Outcome) -> PluginError:
    """The error for an ErrorResult."""
    code = outcome.error_code or ""
    about = f" of {call.about}" if call.about else ""
    said = outcome.transition_error or outcome.message or code
    text = f"{call.name}{about}: {said[:300]}"
    kind = RESULTS.get(code) or CODES.get(code, Rejected)
    if kind is Rejected:
        return Rejected(text, field=call.about, code=code)
    return kind(text, code=code)
