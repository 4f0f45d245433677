"""The one HTTP session of the daemon, and the clients that connectors get over it.

One connection pool, one TLS context, no cookies, nothing taken from the environment unless asked for. A session per
account would cost a pool and a TLS context each, and they leak.
"""

from __future__ import annotations

import asyncio.sslproto
import ssl
from collections.abc import Callable, Mapping, Sequence

import aiohttp

from olhubd import __version__
from olhubd.engine.access.budget import BudgetBook
from olhubd.plugin.budget import Budget, ValueBudget
from olhubd.plugin.connector import Clock
from olhubd.plugin.http import Client, ErrorTable, Middleware
from olhubd.runtime.resolver import SharedResolver

__all__ = ["ClientFactory", "open_session", "slim_tls"]

KEEP_ALIVE = 120.0
"""Seconds an unused connection is kept: longer than most polling intervals, shorter than most firewalls' memory. A
server that closes earlier is noticed; the shorter of the two holds."""
PER_HOST = 32
"""Connections to one host. The budgets' own `parallel` is the finer limit."""
TLS_BUFFER = 16 * 1024


def slim_tls(size: int = TLS_BUFFER) -> bool:
    """Let TLS connections of asyncio's own loop keep read buffers of one TLS record in place of sixteen.

    A kept connection then costs 76 KiB in place of 315. It is the chunk asyncio reads by, no limit on anything;
    bodies of any length still pass. Returns whether it had an effect: other loops (uvloop) have buffers of their
    own.
    """
    protocol = asyncio.sslproto.SSLProtocol
    present = getattr(protocol, "max_size", None)
    if not isinstance(present, int) or present <= size:
        return False
    protocol.max_size = size
    return True


def open_session(
    *,
    trust_env: bool = False,
    keep_alive: float = KEEP_ALIVE,
    per_host: int = PER_HOST,
    tls: ssl.SSLContext | None = None,
) -> aiohttp.ClientSession:
    """Make the session; the caller closes it.

    `trust_env` reads proxies and .netrc from the environment. `tls` replaces the system's trust, for a shop with a
    certificate of its own making.
    """
    slim_tls()
    connector = aiohttp.TCPConnector(
        limit=0,  # per host is enough: one slow host must not take the places of the others
        limit_per_host=per_host,
        keepalive_timeout=keep_alive,
        ssl=tls or ssl.create_default_context(),
        ttl_dns_cache=60,
        resolver=SharedResolver(),
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=trust_env,
        headers={"User-Agent": f"olhubd/{__version__}"},
        # Clients set their own limits; this one is for those that do not.
        timeout=aiohttp.ClientTimeout(total=60.0, sock_connect=10.0),
    )


class ClientFactory:
    """Makes clients over one session and one budget book; fits `olhubd.plugin.connector.ClientMaker`."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        budgets: BudgetBook,
        clock: Clock,
        dated: Callable[[str], None] | None = None,
        keys: set[str] | None = None,
    ) -> None:
        self._session = session
        self._budgets = budgets
        self._clock = clock
        self._dated = dated
        self._keys = set() if keys is None else keys

    def of(self, heard: Callable[[str], None], keys: set[str]) -> ClientFactory:
        """The same for one account: its clients pass the Date header of each answer to `heard`, and `keys`
        learns the keys of their budgets."""
        return ClientFactory(self._session, self._budgets, self._clock, heard, keys)

    def __call__(
        self,
        base: str,
        *,
        auth: Middleware | None,
        budgets: Sequence[Budget | ValueBudget],
        errors: ErrorTable,
        headers: Mapping[str, str],
        timeout: float,
    ) -> Client:
        """A client for `base`. Raises ValueError when that is no base address."""
        self._keys.update(budget.key for budget in budgets)
        return Client(
            self._session,
            base,
            auth=auth,
            gates=[self._budgets.gate(one) for one in budgets if isinstance(one, Budget)],
            windows=[self._budgets.window(one, id(self._keys)) for one in budgets if isinstance(one, ValueBudget)],
            errors=errors,
            headers=headers,
            timeout=timeout,
            sleep=self._clock.sleep,
            dated=self._dated,
        )
