"""Where the endpoint listens: sockets taken before anything else begins, and TLS.

A port that is taken must be known before an account has begun to work. A client that connects early waits until the
daemon answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from olhubd.config import Control, Listen
from olhubd.control.http.connections import ConnectionLimiter, GuardedConnection

__all__ = ["LimitedSite", "ListeningSockets", "opened"]

_BACKLOG = 128
"""Connections that wait to be taken."""


@dataclass(frozen=True, kw_only=True)
class ListeningSockets:
    """The sockets, bound and listening; with `tls` those over TCP speak it."""

    unix: socket.socket | None
    tcp: tuple[socket.socket, ...]
    tls: ssl.SSLContext | None

    def addresses(self) -> tuple[str, ...]:
        """What to show people; a host with more than one address is shown once."""
        told = [f"unix:{self.unix.getsockname()}"] if self.unix is not None else []
        if self.tcp:
            host, port = self.tcp[0].getsockname()[:2]
            scheme = "http" if self.tls is None else "https"
            told.append(f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}")
        return tuple(told)

    def renew(self, control: Control) -> None:
        """Read the certificate from its files again, for connections to come. Raises OSError with words.

        Whether TLS is spoken at all is decided at the start.
        """
        if self.tls is not None and control.certificate is not None:
            _certify(self.tls, control)


@contextlib.contextmanager
def opened(control: Control) -> Iterator[ListeningSockets]:
    """Bind as configured. Raises OSError with words for a person."""
    with contextlib.ExitStack() as stack:
        tls = None
        if control.certificate is not None:
            tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            _certify(tls, control)
        unix = stack.enter_context(_unix_door(control.socket)) if control.socket is not None else None
        tcp = tuple(map(stack.enter_context, _tcp(control.listen))) if control.listen is not None else ()
        yield ListeningSockets(unix=unix, tcp=tcp, tls=tls)


def _certify(context: ssl.SSLContext, control: Control) -> None:
    assert control.certificate is not None
    try:
        context.load_cert_chain(control.certificate, control.key)
    except (ssl.SSLError, OSError) as error:
        reason = (error.strerror if not isinstance(error, ssl.SSLError) else error.reason) or str(error)
        detail = f"the certificate {control.certificate} cannot be used: {reason.lower().replace('_', ' ')}"
        raise OSError(error.errno, detail) from None


def _tcp(listen: Listen) -> list[socket.socket]:
    """A socket for each address of the host, as localhost has two."""
    made: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        port = listen.port
        for family, kind, protocol, _, address in dict.fromkeys(found):
            end = socket.socket(family, kind, protocol)
            made.append(end)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                end.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                end.bind((address[0], port, *address[2:]))
            except OSError as error:
                if error.errno != errno.EADDRNOTAVAIL or len(found) == 1:
                    raise
                made.remove(end)  # a name may have an address of a protocol that is off here
                end.close()
                continue
            port = end.getsockname()[1]
            end.listen(_BACKLOG)
            end.setblocking(False)
    except OSError as error:
        for end in made:
            end.close()
        reason = error.strerror or str(error)
        if error.errno and not isinstance(error, socket.gaierror):
            reason = os.strerror(error.errno)
        raise OSError(error.errno, f"cannot listen on {listen}: {reason.lower()}") from None
    if not made:
        raise OSError(errno.EADDRNOTAVAIL, f"cannot listen on {listen}: this machine has no such address")
    return made


@contextlib.contextmanager
def _unix_door(path: Path) -> Iterator[socket.socket]:
    """The Unix socket, whose file goes with it unless another took its place."""
    with _unix(path) as end:
        ours = path.stat()
        try:
            yield end
        finally:
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(path.stat(), ours):
                    path.unlink()


class LimitedSite(web.SockSite):
    """Listens on a socket that is bound; each client counts in the limit of its socket."""

    def __init__(
        self,
        runner: web.BaseRunner,
        sock: socket.socket,
        crowd: ConnectionLimiter,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(runner, sock)
        self._crowd = crowd
        self._tls = tls

    async def start(self) -> None:
        await web.SockSite.__base__.start(self)  # type: ignore[union-attr]
        server = self._runner.server
        assert server is not None

        def meet() -> asyncio.BaseProtocol:
            return GuardedConnection(self._crowd, server(), self._tls)

        # One at a turn of the loop: where no file can be opened, the loop would log each place of the queue.
        self._server = await asyncio.get_running_loop().create_server(meet, sock=self._sock, backlog=1)
        self._sock.listen(_BACKLOG)


def _unix(path: Path) -> socket.socket:
    """A socket that the daemon's user and group may connect to. One that nobody listens on is a leftover."""
    if path.is_socket():
        if _answers(path):
            raise OSError(errno.EADDRINUSE, f"cannot listen on {path}: another program listens there")
        path.unlink(missing_ok=True)
    elif path.exists():
        raise OSError(errno.EADDRINUSE, f"cannot listen on {path}: there is something else that is no socket")
    end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        end.bind(str(path))
        path.chmod(0o660)  # before it listens
    except OSError as error:
        end.close()
        raise OSError(error.errno, f"cannot listen on {path}: {(error.strerror or str(error)).lower()}") from None
    end.listen(_BACKLOG)
    end.setblocking(False)
    return end


def _answers(path: Path) -> bool:
    """Whether somebody listens on a socket; one that may not be asked belongs to somebody."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as end:
        end.settimeout(1.0)
        try:
            end.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True
    return True
