"""What came back over HTTP, and what it means: decoding, and the table from statuses and codes to plugin errors.

No I/O: the client fetches an `Answer`, this module reads it.
"""

from __future__ import annotations

import contextlib
import email.utils
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from multidict import CIMultiDictProxy

from olhubd.plugin import lenient
from olhubd.plugin.errors import (
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
from olhubd.plugin.mask import mask

__all__ = ["LONGEST_PAUSE", "Answer", "Complaint", "ErrorTable", "decode"]

T = TypeVar("T")

LONGEST_PAUSE = 86400.0
"""Seconds; a server that asks for more is not believed."""
_LONGEST_COMPLAINT = 500
_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]+)", re.IGNORECASE)
_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F]..)|.)", re.DOTALL)
"""An escape in a JSON text: a pair of surrogates, one alone (the group), or any other."""
_QUOTED_VALUE = re.compile(r" '.*", re.DOTALL)


@lru_cache(maxsize=512)
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def decode(body: bytes, into: type[T]) -> T:
    """Decode JSON into a typed record. Raises ContractBroken with the path of what does not fit.

    What a record marks as `Side` is beside the matter: where it does not fit, it is taken as not told.
    A text that was cut in the middle of an emoji, as long names are, is read with a mark in that place: half a pair
    of escapes must not make a page of orders unreadable.
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
        failure = ContractBroken(f"unexpected answer: {text}", field=path.rstrip("`") or None)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        failure = ContractBroken("the answer is not JSON")
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
        """The body decoded as JSON. Raises ContractBroken."""
        body = self.body
        if body.startswith(b"\xef\xbb\xbf"):  # some PHP file was saved with a byte order mark
            body = body[3:]
        declared = _CHARSET.search(self.headers.get("Content-Type", ""))
        if declared is not None and declared[1].lower() not in ("utf-8", "utf8", "us-ascii"):
            # An unknown charset, or one that does not fit, is taken for the UTF-8 that JSON is anyway.
            with contextlib.suppress(LookupError, UnicodeError):
                body = body.decode(declared[1]).encode()
        return decode(body, kind)

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
            until, sent = _moment(value), _moment(self.headers.get("Date", ""))
            if until is None or sent is None:
                return None
            # Both by the server's own clock, so a wrong clock here does not matter.
            seconds = (until - sent).total_seconds()
        return min(max(0.0, seconds), LONGEST_PAUSE) if math.isfinite(seconds) else None


def _moment(text: str) -> datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
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
            # A firewall's page or a PHP notice is no complaint that can be read, whatever the reader trips over;
            # the status still tells.
            with contextlib.suppress(Exception):
                complaint = self.read(answer)
        kind = self.codes.get(complaint.code or "") or self.statuses.get(answer.status)
        if kind is None:
            kind = _default(answer, repeatable)
        said = _sentence(complaint.message) or _phrase(answer.status)
        code = f" ({complaint.code})" if complaint.code else ""
        message = f"{what}: {answer.status} {said}{code}"
        if issubclass(kind, RateLimited | Unavailable):
            return kind(message, retry_after=answer.retry_after, code=complaint.code, status=answer.status)
        if issubclass(kind, Rejected | ContractBroken):
            return kind(message, field=complaint.field, code=complaint.code, status=answer.status)
        return kind(message, code=complaint.code, status=answer.status)


def _sentence(message: str | None) -> str:
    """Their words in one line of bearable length, without anybody's address in them."""
    return mask(" ".join(message[: 2 * _LONGEST_COMPLAINT].split())[:_LONGEST_COMPLAINT]) if message else ""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "unknown status"


def _default(answer: Answer, repeatable: bool) -> type[PluginError]:
    status = answer.status
    match status:
        case 403 if answer.headers.get("Content-Type", "").startswith("text/html"):
            # A page comes from a firewall on the way, which knows nothing of grants.
            return Unavailable
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
        case 302 | 303:
            # Also how a web framework says "done, look there".
            return ContractBroken if repeatable else OutcomeUnknown
        case _ if status < 200 or status == 304:
            # Nobody asked for another protocol, nor whether anything is new: no word about what was done.
            return ContractBroken if repeatable else OutcomeUnknown
        case _ if status >= 500:
            # A gateway's 502 or 504 says nothing of what the server behind it did.
            return Unavailable if repeatable else OutcomeUnknown
        case _ if 300 <= status < 400:
            return ContractBroken
    return Rejected
