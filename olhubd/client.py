"""The endpoint's other end: one synchronous request at a time, over the Unix socket or TCP.

For the command line, which asks once or twice and ends; so it needs no event loop and starts fast.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from olhubd.control.api.schema.problem import Problem
from olhubd.model import plain

__all__ = ["EndpointClient", "EndpointRefused", "NotReachable", "segment"]

T = TypeVar("T")

_PART = 64 * 1024
_PROBLEM = "application/problem+json"


class NotReachable(Exception):
    """No daemon answers there. `denied`: it may well run, but this user may not speak to it.

    `silent`: something holds the door open there and says nothing, as a process that is stopped does.
    """

    def __init__(self, message: str, *, denied: bool = False, silent: bool = False) -> None:
        super().__init__(message)
        self.denied = denied
        self.silent = silent


class EndpointRefused(Exception):
    """The daemon answered that it does not do it."""

    def __init__(self, problem: Problem, retry_after: str | None = None) -> None:
        super().__init__(problem.detail or problem.title)
        self.problem = problem
        self.retry_after = retry_after


class EndpointClient:
    """Speaks to the daemon at `address`: the path of a Unix socket, or host and port. Seconds in `timeout`.

    With the file of its `certificate` it speaks TLS and trusts that one alone, by whatever name it is reached.
    """

    def __init__(
        self,
        address: Path | tuple[str, int],
        token: str | None = None,
        timeout: float = 100.0,
        certificate: Path | None = None,
    ) -> None:
        self.address = address
        self._token = token
        self._timeout = timeout
        if isinstance(address, Path):
            self._connection: http.client.HTTPConnection = _UnixConnection(address, timeout)
        elif certificate is not None:
            self._connection = http.client.HTTPSConnection(*address, timeout=timeout, context=_trust(certificate))
        else:
            self._connection = http.client.HTTPConnection(*address, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def get(self, path: str, into: type[T], **query: Any) -> T:
        """Raises Refused, or NotReachable."""
        return self._ask("GET", _address(path, query), None, into)

    def save(self, path: str, out: IO[bytes], **query: Any) -> None:
        """Write the whole answer as it comes, however long it is. Raises Refused, or NotReachable."""
        with self._failures():
            answer = self._send("GET", _address(path, query), None, accept="*/*")
        if answer.status >= 400:
            with self._failures():
                content = answer.read()
            raise EndpointRefused(_problem(answer, content), answer.headers.get("Retry-After"))
        while True:
            with self._failures():
                part = answer.read(_PART)
            if not part:
                return
            out.write(part)

    def post(self, path: str, into: type[T], body: msgspec.Struct | None = None) -> T:
        """Raises Refused, or NotReachable."""
        return self._ask("POST", path, None if body is None else msgspec.json.encode(body, enc_hook=plain), into)

    def _ask(self, method: str, path: str, body: bytes | None, into: type[T]) -> T:
        with self._failures():
            answer = self._send(method, path, body)
            content = answer.read()
        if answer.status >= 400:
            raise EndpointRefused(_problem(answer, content), answer.headers.get("Retry-After"))
        try:
            return msgspec.json.decode(content, type=into)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise NotReachable(f"what answers at {self._where} is no olhubd of this version: {error}") from error

    def _send(
        self, method: str, path: str, body: bytes | None, accept: str = "application/json"
    ) -> http.client.HTTPResponse:
        headers = {"Accept": accept, "User-Agent": "olhubd-cli"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self._token is not None:
            if not (self._token.isascii() and self._token.isprintable()):
                raise NotReachable("the token holds characters that no token has", denied=True)
            headers["Authorization"] = f"Bearer {self._token}"
        self._connection.request(method, path, body=body, headers=headers)
        return self._connection.getresponse()

    @contextlib.contextmanager
    def _failures(self) -> Iterator[None]:
        """What goes wrong on the way, in words."""
        try:
            yield
        except PermissionError as error:
            raise NotReachable(f"{self._where} may not be used by this user", denied=True) from error
        except TimeoutError as error:
            raise NotReachable(f"{self._where} did not answer within {self._timeout:g} s", silent=True) from error
        except BlockingIOError as error:  # how a socket of a file says that its queue is full
            raise NotReachable(f"{self._where} takes nobody in", silent=True) from error
        except http.client.IncompleteRead as error:
            raise NotReachable(f"{self._where} ended in the middle; what was written is not whole") from error
        except ssl.SSLError as error:
            raise NotReachable(f"{self._where} has another certificate than the configuration names") from error
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise NotReachable(f"{self._where} does not answer ({reason})") from error

    @property
    def _where(self) -> str:
        return str(self.address) if isinstance(self.address, Path) else "{}:{}".format(*self.address)


def _address(path: str, query: Mapping[str, Any]) -> str:
    given = [(name, value) for name, value in query.items() if value is not None]
    return f"{path}?{urlencode(given, doseq=True, errors='surrogateescape')}" if given else path


def segment(text: str) -> str:
    """One part of a path, whatever it holds; bytes that were no UTF-8 go as they came."""
    return quote(text, safe=":", errors="surrogateescape")


def _trust(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # the certificate itself is what is known
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(certificate)
    except OSError as error:
        reason = f"the certificate {certificate} cannot be read by this user"
        raise NotReachable(reason, denied=isinstance(error, PermissionError)) from error
    return context


def _problem(answer: http.client.HTTPResponse, content: bytes) -> Problem:
    if answer.headers.get_content_type() == _PROBLEM:
        try:
            return msgspec.json.decode(content, type=Problem)
        except (msgspec.DecodeError, msgspec.ValidationError):
            pass
    detail = f"{answer.status} {answer.reason}, and not from olhubd as it seems"
    return Problem(type="about:blank", title=answer.reason, status=answer.status, detail=detail)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
