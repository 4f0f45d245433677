"""What came back over HTTP, and what it means: decoding, and the table from statuses and codes to plugin errors.

No I/O: the client fetches an `Response`, this module reads it.

Between a plugin and its system are firewalls, caches, gateways and the system's own plugins. Each of them answers
in the system's place, with whatever status, before or after the system has acted. So a failed answer proves
something only when it is the system's own refusal in its own form, which each connector declares.
"""

from __future__ import annotations

import codecs
import contextlib
import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from multidict import CIMultiDictProxy

from olhubd.model import Reason
from olhubd.plugin import lenient
from olhubd.plugin.dates import moment
from olhubd.plugin.errors import (
    LONGEST_PAUSE,
    AuthLost,
    Conflict,
    ContractBroken,
    Forbidden,
    NotFound,
    OutcomeUnknown,
    PluginError,
    RateLimited,
    Rejected,
    Temporary,
    Unavailable,
)
from olhubd.plugin.page import describe, is_page
from olhubd.plugin.redaction import mask

__all__ = ["STRANGERS_PAUSE", "ErrorDetails", "ErrorTable", "NotJson", "Response", "decode"]

T = TypeVar("T")

STRANGERS_PAUSE = 60.0
"""Seconds for which a Retry-After is believed that is not in the system's own answer: then one call finds out."""
_STRAINED = frozenset({500, 502, 504})
_LONGEST_COMPLAINT = 500
_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]+)", re.IGNORECASE)
_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F]..)|.)", re.DOTALL)
"""An escape in a JSON text: a pair of surrogates, one alone (the group), or any other."""
_QUOTED_VALUE = re.compile(r" '.*", re.DOTALL)


@lru_cache(maxsize=128)
def _foreign_charset(content_type: str) -> str | None:
    """The charset that is declared, where that is not UTF-8. A system declares the same with each answer."""
    declared = _CHARSET.search(content_type)
    if declared is None or declared[1].lower() in ("utf-8", "utf8", "us-ascii"):
        return None
    return declared[1]


class NotJson(ContractBroken):
    """The body is no JSON: a page, half an answer, nothing."""


@lru_cache(maxsize=512)
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def decode(body: bytes, into: type[T]) -> T:
    """Decode JSON into a typed record. Raises ContractBroken with the path of what does not fit.

    What a record marks as `Side` is beside the matter: where it does not fit, it is taken as absent. A text that
    was cut in the middle of an emoji, as long names are, is read with a mark in that place: half a pair of escapes
    must not make a page of orders unreadable. What is no JSON at all is NotJson.
    """
    try:
        try:
            return _decoded(body, into)
        except msgspec.DecodeError as error:
            if isinstance(error, msgspec.ValidationError) or (whole := _whole(body)) == body:
                raise
            return _decoded(whole, into)
    except msgspec.ValidationError as error:
        text, _, path = str(error).partition(" - at `")
        # What the body held is not for an error text: "Invalid enum value 'Jan Kowalski'".
        text = _QUOTED_VALUE.sub("", text)
        failure = ContractBroken(Reason("call.unexpected", answer=text), field=path.rstrip("`") or None)
    except RecursionError:
        failure = ContractBroken("unexpected answer: nested beyond all sense")
    except (msgspec.DecodeError, UnicodeDecodeError):
        failure = NotJson(Reason("call.not-json"))
    raise failure


def _decoded(body: bytes, into: type[T]) -> T:
    kind: Any = into
    try:
        record: T = _decoder(kind).decode(body)
    except msgspec.ValidationError:
        return lenient.read(body, into)
    return record


def _whole(body: bytes) -> bytes:
    """The same without halves of letters. Bytes that are no UTF-8 stay: a whole charset may be wrong there."""
    return _ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], body)


class ErrorDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What a failed answer says of itself: the system's code, its sentence, the field it names.

    `done` is for a failure inside a good answer: whether some of the request was still carried out; None where
    nobody knows.
    """

    code: str | None = None
    message: str | None = None
    field: str | None = None
    done: bool | None = False


class Response(msgspec.Struct, frozen=True):
    """One complete answer."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether its status is one of success. Whether a failure is inside is for the system's table to say."""
        return 200 <= self.status < 300

    @property
    def text(self) -> bytes:
        """The body as UTF-8 without a byte order mark, which it has where some PHP file was saved with one.

        The one place where a body is cleaned: who looks at `body` itself takes a marked answer for a page.
        """
        body = self.body.removeprefix(codecs.BOM_UTF8)
        charset = _foreign_charset(self._type)
        if charset is not None:
            # An unknown charset, or one that does not fit, is taken for the UTF-8 that JSON is anyway.
            with contextlib.suppress(LookupError, UnicodeError):
                body = body.decode(charset).encode()
        return body

    def into(self, kind: type[T]) -> T:
        """The body decoded as JSON. Raises ContractBroken; NotJson, which says what came, when it is no JSON."""
        try:
            return decode(self.text, kind)
        except NotJson as error:
            failure = NotJson(Reason("then", first=error, second=self.described), status=self.status)
        raise failure

    @property
    def is_page(self) -> bool:
        """Whether this is a page for people."""
        if self.body[:1] in (b"{", b"["):
            return False  # so it is with nearly all answers, and nothing needs to be cleaned for that
        return is_page(self.text, self._type)

    @property
    def described(self) -> str:
        """What came instead of an answer: the kind of it, its title, a likely cause."""
        return describe(self.status, self.text, self._type)

    @property
    def _type(self) -> str:
        return self.headers.get("Content-Type", "")

    @property
    def dated(self) -> datetime | None:
        """When it was made, by the server's own clock; None when it does not say."""
        return moment(self.headers.get("Date", ""))

    @property
    def retry_after(self) -> float | None:
        """Seconds from the Retry-After header, whether it holds a number or a date; None without a usable one.

        A day at most: more is a mistake of units, and would stop an account for good.
        """
        value = self.headers.get("Retry-After")
        if value is None:
            return None
        seconds: float
        try:
            seconds = float(value)
        except ValueError:
            until, sent = moment(value), self.dated
            if until is None or sent is None:
                return None
            # Both by the server's own clock, so a wrong clock here does not matter.
            seconds = (until - sent).total_seconds()
        return min(max(0.0, seconds), LONGEST_PAUSE) if math.isfinite(seconds) else None


class ErrorTable(msgspec.Struct, frozen=True, kw_only=True):
    """From a status, or the system's own error code, to a plugin error. Codes win over statuses.

    `read` finds code, message and field in a failed answer.

    `forbidden` is what the system's own 403 means, by its code: `AccountBlocked` where the account itself is
    blocked, `Rejected` where this one thing is not allowed. One that is not there is `Forbidden`, which switches
    nothing off and raises an alarm.

    `is_refusal` says whether a failed answer is the system's own refusal in its own form: by the shape of its
    errors, and not by the status, which anybody on the way can give. Raising is the same as False. Only such a
    refusal proves that nothing was done; after any other failed answer to a write that must not be repeated the
    outcome is unknown, and what may be repeated is Unavailable. Without `is_refusal` no failed answer to such a
    write is believed, while what may be repeated is judged by its status, unless it is a page.

    `ok` finds the failure in an answer with a status of success, as GraphQL and JSON-RPC have it; None where all is
    well. Its code decides as ever, an unknown one is Rejected. Where the complaint leaves open what was `done`, the
    outcome of a write is unknown and what may be repeated is Unavailable.

    `longest` is the longest pause in seconds that the system is documented to ask for.
    """

    statuses: Mapping[int, type[PluginError]] = {}
    codes: Mapping[str, type[PluginError]] = {}
    forbidden: Mapping[str, type[PluginError]] = {}
    read: Callable[[Response], ErrorDetails] | None = None
    is_refusal: Callable[[Response], bool] | None = None
    ok: Callable[[Response], ErrorDetails | None] | None = None
    longest: float = 900.0

    def proves(self, answer: Response) -> bool:
        """Whether a failed answer is the system's own word."""
        if self.is_refusal is None:
            return False
        try:
            return self.is_refusal(answer)
        except Exception:  # a page, or anything else that its reader trips over
            return False

    def error(self, answer: Response, what: str, repeatable: bool) -> PluginError:
        """The error for a failed answer to `what`."""
        own = self.proves(answer)
        # Nobody says how this system refuses: where nothing can be doubled a bare status must do.
        guessed = self.is_refusal is None and repeatable and answer.status >= 400 and not answer.is_page
        if own or guessed:
            return self._refusal(answer, what, repeatable)
        return self.foreign(answer, what, repeatable)

    def inside(self, answer: Response) -> ErrorDetails | None:
        """The failure in an answer with a status of success. What cannot be read is for its decoder to judge."""
        if self.ok is not None:
            with contextlib.suppress(Exception):
                return self.ok(answer)
        return None

    def refused(self, complaint: ErrorDetails, answer: Response, what: str, repeatable: bool) -> PluginError:
        """The error for a failure that `inside` found."""
        kind = self.codes.get(complaint.code or "", Rejected)
        if complaint.done is None:
            kind = Unavailable if repeatable else OutcomeUnknown
        return self._error(kind, complaint, answer, f"{what}: {_sentence(complaint.message) or 'refused'}")

    def _refusal(self, answer: Response, what: str, repeatable: bool) -> PluginError:
        complaint = self._complaint(answer)
        status = answer.status
        code = complaint.code or ""
        known = self.forbidden.get(code) if status == HTTPStatus.FORBIDDEN else None
        kind = known or self.codes.get(code) or self.statuses.get(status) or _default(status, repeatable)
        said = _sentence(complaint.message) or _phrase(status)
        return self._error(kind, complaint, answer, f"{what}: {status} {said}")

    def _error(
        self, kind: type[PluginError], complaint: ErrorDetails, answer: Response, message: str
    ) -> PluginError:
        status = answer.status
        message += f" ({complaint.code})" if complaint.code else ""
        if issubclass(kind, Temporary):
            pause = self.pause(answer)
            strained = status in _STRAINED
            return kind(message, retry_after=pause, strained=strained, code=complaint.code, status=status)
        if issubclass(kind, Rejected | ContractBroken):
            return kind(message, field=complaint.field, code=complaint.code, status=status)
        return kind(message, code=complaint.code, status=status)

    def foreign(self, answer: Response, what: str, repeatable: bool) -> PluginError:
        """The error for an answer, of whatever status, that the system itself did not give."""
        status = answer.status
        said = answer.described
        if self.is_refusal is None and not answer.is_page:
            said = _sentence(self._complaint(answer).message) or said
        if 300 <= status < 400 and status != 304:
            said = "the server redirects: write its final address as url (https, with or without www)"
        message = f"{what}: {status} {_phrase(status)}: {said}"
        if not repeatable:
            kind: type[Temporary] = OutcomeUnknown
            message += "; whether it was done is not known"
        elif status < 200 or 300 <= status < 400:
            return ContractBroken(message, status=status)
        else:
            kind = RateLimited if status == HTTPStatus.TOO_MANY_REQUESTS else Unavailable
        return kind(message, retry_after=self.pause(answer), strained=status in _STRAINED, status=status)

    def _complaint(self, answer: Response) -> ErrorDetails:
        if self.read is not None:
            # If the reader fails, the status is still known.
            with contextlib.suppress(Exception):
                return self.read(answer)
        return ErrorDetails()

    def pause(self, answer: Response) -> float | None:
        """For how many seconds the answer asks, as far as the sender is trusted."""
        asked = answer.retry_after
        if asked is None:
            return None
        return min(asked, self.longest if self.proves(answer) else STRANGERS_PAUSE)


def _sentence(message: str | None) -> str:
    """Their words in one line of bearable length, without anybody's address in them."""
    return mask(" ".join(message[: 2 * _LONGEST_COMPLAINT].split())[:_LONGEST_COMPLAINT]) if message else ""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "unknown status"


def _default(status: int, repeatable: bool) -> type[PluginError]:
    match status:
        case 401:
            return AuthLost
        case 403:
            return Forbidden
        case 404 | 410:
            return NotFound
        case 409 | 412:
            return Conflict
        case 429:
            return RateLimited
        case 408 | 425:
            return Unavailable if repeatable else OutcomeUnknown
        case _ if status < 400:
            # Also how a web framework says "done, look there".
            return ContractBroken if repeatable else OutcomeUnknown
        case _ if status >= 500:
            # A gateway's 502 or 504 says nothing of what the server behind it did.
            return Unavailable if repeatable else OutcomeUnknown
    return Rejected
