"""What can be done to an HTTP answer before it arrives. Pure: an honest answer in, a distorted one out.

A `Distortion` is plain data, so that hypothesis can draw, shrink and print it, and a failing one can be written
down as an example. Some are lies that fit the contract (`Kind.VALUE`, `Kind.DROP` ...); `GARBAGE` are those that no
reader can take for an answer.
"""

from __future__ import annotations

import enum
import gzip
import json
from typing import Any, NamedTuple

from hypothesis import strategies as st

__all__ = ["BODIES", "GARBAGE", "Answered", "Distortion", "Kind", "distort", "distortions", "twist", "written"]


class Kind(enum.StrEnum):
    VALUE = "value"
    """One value in the JSON becomes one of `VALUES`."""
    DROP = "drop"
    """One value disappears."""
    ADD = "add"
    """One object gets fields that nobody knows, one list another element."""
    REPEAT = "repeat"
    """One list holds everything twice."""
    CUT = "cut"
    """The body ends early, though its length is right."""
    BYTES = "bytes"
    """Bytes in the body are others."""
    BODY = "body"
    """The whole body is one of `BODIES`."""
    HEADER = "header"
    """One header is one of `HEADERS`."""
    STATUS = "status"
    """Another status, the same body."""
    RAW = "raw"
    """No HTTP as anybody knows it: one of `RAW`, then the connection ends."""


GARBAGE = (Kind.CUT, Kind.BODY, Kind.RAW)

_BIG = 10**400
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, -(2**63) - 1, 2**64, _BIG, 1.5, -0.0, 1e308, 1e-308,
    "", " ", "0", "-1", "NaN", "Infinity", "-Infinity", "sNaN", "1e999999999", "1e-999999999", "9" * 5000,
    "1_0", "٣",
    "\x00", "\ud800", "\u202e", "x" * 70_000, "../../etc/passwd", "a/b?c#d", "%2e%2e", "\r\nX: y",
    "'; DROP TABLE orders",
    "<script>alert(1)</script>", "PLN", "XXX", "ZZZZ", "pln", "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999Z",
    "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00", "2026-13-45T99:99:99Z",
    "2026-01-01",
    "2026-01-01T00:00:00", "CANCELLED", "READY_FOR_PROCESSING", "completed", "Cancelled", "Draft", "http://[",
    [], [None], [[]], [1, "a", None, {}], {}, {"id": None}, {"amount": "x", "currency": 1}, {"amount": "1.00"},
    {"amount": "NaN", "currency": "PLN"}, {"amount": "1e99999", "currency": "PLN"}, {"": ""},
)  # fmt: skip


def _deep(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


_HTML = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Maintenance</body></html>"
BODIES: tuple[bytes, ...] = (
    b"", b" ", b"null", b"true", b"0", b'""', b"[]", b"{}", b"[null]", b"[[]]", b"[{}]", b'{"data":null}',
    b'{"data":{}}',
    b'{"data":[]}', b'{"data":{"c0":null}}', b'{"errors":[]}', b'{"errors":[{}]}', b'{"errors":[null]}',
    b'{"errors":{}}',
    b'{"errors":"x"}', b'{"error":"invalid_grant"}', b'{"code":1,"message":[]}', b"NaN", b"[NaN,Infinity]",
    b"{'a':1}",
    b"\xff\xfe\x00\x00", b'{"id":"\xff\xfe"}', b'{"id":"\\ud800"}', b"\xef\xbb\xbf{}", b"\xef\xbb\xbf",
    b"\x00" * 64,
    b"<br />\n<b>Warning</b>: Undefined index in /var/www/x.php on line 3<br />\n{}", _HTML,
    _deep(100), _deep(5_000), _deep(100_000), b'{"a":' * 20_000 + b"1" + b"}" * 20_000, b"[" * 1_000_000,
    b'{"events":' + _deep(3_000) + b"}", b"9" * 100_000, b'{"total_count":' + b"9" * 5_000 + b"}",
    b"[" + b"1," * 1_000_000 + b"1]", b'"' + b"a" * 3_000_000 + b'"', gzip.compress(b"{}"),
)  # fmt: skip

HEADERS: tuple[tuple[str, str], ...] = (
    *(("Retry-After", v) for v in (
        "", "-1", "0", "NaN", "inf", "1e400", "9" * 4000, "soon", "1_0", "Wed, 21 Oct 2015 07:28:00 GMT",
        "Mon, 01 Jan 0001 00:00:00 +2359", "Fri, 31 Dec 9999 23:59:59 -2359", "Fri, 31 Dec 99999 23:59:59 GMT",
        "Thu, 99 Foo 2026 99:99:99 +9999", "1;2;3")),
    *(("Date", v) for v in (
        "", "0", "yesterday", "Mon, 01 Jan 0001 00:00:00 +2359", "Mon, 01 Jan 0001 00:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 -2359", "Thu, 01 Jan 1970 00:00:00 GMT", "Thu, 99 Foo 2026 99:99:99 +9999",
        "é")),
    *(("Content-Type", v) for v in (
        "text/html", "", "application/octet-stream", "application/json; charset=utf-16",
        "application/json; charset=x",
        "application/json; charset=punycode", "application/json; charset=idna",
        "application/json; charset=utf-7",
        "application/json; charset=unicode_escape", "application/json; charset=undefined",
        "multipart/mixed; boundary=",
        "application/json; charset=zlib", "application/json; charset=\"", "/", "a" * 4000)),
    *(("Content-Encoding", v) for v in ("gzip", "br", "deflate", "zstd", "identity", "x")),
    *(("Location", v) for v in ("http://[", "//", "javascript:0", "/", "\\")),
    *(("Link", v) for v in ("<", '<x>; rel="next"', "<http://127.0.0.1:1/>; rel=next" * 50)),
    *(("X-WP-Total", v) for v in ("", "-1", "x", "9" * 5000, "٣", "1e3")),
    *(("X-WP-TotalPages", v) for v in ("", "-1", "9" * 5000)),
    *(("vendure-auth-token", v) for v in ("", " ", "é", "a" * 4000)),
    *(("Set-Cookie", v) for v in ("", "=", "a" * 4000, "a=b; Domain=..; Max-Age=x; Expires=x")),
    *(("X-Filler", v) for v in ("a" * 8000, "é")),
)  # fmt: skip

_OK = b"HTTP/1.1 200 OK\r\n"
RAW: tuple[bytes, ...] = (
    b"", b"\r\n", b"\x00" * 512, b"garbage\r\n\r\n", b"HTTP/9.9 200 OK\r\n\r\n", b"HTTP/1.1 0 \r\n\r\n",
    b"HTTP/1.1 99999 Big\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 200\r\n", b"HTTP/1.1 -1 x\r\n\r\n",
    b"\x16\x03\x01\x00\x05hello",
    b"HTTP/1.1 100 Continue\r\n\r\n" * 50, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 304 Not Modified\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n{}",
    _OK + b"Content-Length: -5\r\n\r\n{}", _OK + b"Content-Length: 5\r\nContent-Length: 9\r\n\r\n{}",
    _OK + b"Content-Length: 99999999999999999999\r\n\r\n{}", _OK + b"Content-Length: x\r\n\r\n{}",
    _OK + b"Content-Length: 1000\r\n\r\n{}", _OK + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n0\r\n\r\n",
    _OK + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n{}\r\n0\r\n\r\n",
    _OK + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n{}",
    _OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}",
    _OK + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    _OK + b"Transfer-Encoding: x\r\n\r\n{}", _OK + b"no colon here\r\n\r\n{}", _OK + b": empty\r\n\r\n{}",
    _OK + b"X: " + b"a" * 100_000 + b"\r\n\r\n{}", _OK + b"X-%d: y\r\n" * 20 + b"\r\n{}",
    _OK + b"X: \x00\r\nContent-Length: 2\r\n\r\n{}",
    _OK + b"X: \xff\xfe\r\nContent-Length: 2\r\n\r\n{}", _OK + b" folded\r\n\r\n{}",
    _OK + b"Content-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\n\r\n",
    _OK + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
    _OK + b"Content-Encoding: deflate\r\n\r\n" + b"\x00" * 100,
    b"HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n", b"HTTP/2.0 200\r\n\r\n",
    b"HTTP/1.1 200 " + b"O" * 100_000,
)  # fmt: skip

STATUSES = (
    201, 202, 203, 206, 299, 300, 301, 302, 304, 307, 308, 400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 411,
    412, 413, 415, 418, 422, 423, 425, 426, 428, 429, 431, 451, 499, 500, 501, 502, 503, 504, 507, 508, 511, 520,
    599, 600, 999,
)  # fmt: skip


class Answered(NamedTuple):
    """An answer on its way. `raw` replaces all of it."""

    status: int
    headers: dict[str, str]
    body: bytes
    raw: bytes | None = None


class Distortion(NamedTuple):
    """`where` says at which place of those there are, `what` by which of the things there are."""

    kind: Kind
    where: int = 0
    what: int = 0

    @property
    def header(self) -> tuple[str, str]:
        return HEADERS[self.what % len(HEADERS)]


def distortions(*kinds: Kind) -> st.SearchStrategy[Distortion]:
    """Any of these kinds, or of all."""
    return st.builds(
        Distortion,
        kind=st.sampled_from(kinds or tuple(Kind)),
        where=st.integers(0, 2000),
        what=st.integers(0, 500),
    )


def distort(answer: Answered, by: Distortion) -> Answered:
    """The answer as it arrives."""
    match by.kind:
        case Kind.VALUE | Kind.DROP | Kind.ADD | Kind.REPEAT:
            return answer._replace(body=_restructured(answer.body, by))
        case Kind.CUT:
            return answer._replace(body=answer.body[: by.where % max(1, len(answer.body))])
        case Kind.BYTES:
            return answer._replace(body=_flipped(answer.body, by))
        case Kind.BODY:
            return answer._replace(body=BODIES[by.what % len(BODIES)])
        case Kind.HEADER:
            name, value = by.header
            return answer._replace(headers={**answer.headers, name: value})
        case Kind.STATUS:
            return answer._replace(status=STATUSES[by.what % len(STATUSES)])
        case Kind.RAW:
            return answer._replace(raw=RAW[by.what % len(RAW)])


def _flipped(body: bytes, by: Distortion) -> bytes:
    if not body:
        return b"\xff"
    changed = bytearray(body)
    for step in range(1 + by.what % 4):
        changed[(by.where * 7919 + step * 104_729) % len(changed)] = (by.what * 31 + step * 97) % 256
    return bytes(changed)


def _restructured(body: bytes, by: Distortion) -> bytes:
    try:
        value = json.loads(body)
    except ValueError:
        return body
    return written(twist(value, by))


def written(value: Any) -> bytes:
    """JSON as no careful writer makes it: lone surrogates stay."""
    return json.dumps(value).encode("utf-8", "surrogatepass")


def twist(value: Any, by: Distortion) -> Any:
    """Change a JSON value in place at one of its places; gives it, or what came instead."""
    places: list[tuple[Any, Any]] = [*_places(value)]
    if not places:
        return VALUES[by.what % len(VALUES)]
    holder, key = places[by.where % len(places)]
    match by.kind:
        case Kind.DROP:
            del holder[key]
        case Kind.ADD if isinstance(holder, dict):
            holder["somethingNew"] = {"deep": [1, None, {"er": "ø"}]}
        case Kind.ADD:
            holder.insert(key, VALUES[by.what % len(VALUES)])
        case Kind.REPEAT:
            lists = [one[key_] for one, key_ in places if isinstance(one[key_], list)]
            if lists:
                chosen = lists[by.where % len(lists)]
                chosen.extend(list(chosen))
        case _:
            holder[key] = VALUES[by.what % len(VALUES)]
    return value


def _places(value: Any) -> Any:
    """Each holder and key in a JSON value, level by level, so that small numbers mean what stands far up."""
    level = [value]
    while level:
        below = []
        for one in level:
            keys: Any = one.keys() if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ()
            for key in list(keys):
                yield one, key
                below.append(one[key])
        level = below
