"""The least host that a connector can live in: a real session, a token that is kept and renewed, no database.

For tests of a plugin against its simulator over real sockets. It is not the engine: no supervision, no lanes, no
leases; its gates count and remember, they never make anybody wait.

    async with serve(simulator) as base:
        async with account(Shop, simulator.settings(base), token=simulator.token()) as shop:
            page = await shop.pull(await shop.start(None))
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import aiohttp
import structlog
from structlog.testing import LogCapture

from olhubd.plugin import (
    Account,
    AuthLost,
    Budget,
    Client,
    Connector,
    ErrorTable,
    Lane,
    Middleware,
    OAuthLogin,
    Token,
    ValueBudget,
)
from olhubd.plugin.connector import Clock

__all__ = ["CountingClientMaker", "CountingGate", "CountingWindow", "InstantClock", "KeptToken", "account"]

C = TypeVar("C", bound=Connector[Any])


class InstantClock:
    """A clock whose naps take no time; `naps` remembers them in seconds."""

    def __init__(self) -> None:
        self.naps: list[float] = []

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        await asyncio.sleep(0)


class KeptToken:
    """Keeps one token and has the connector renew it: a minute before its end, or when the server refused it."""

    def __init__(self, token: Token | None, clock: Clock) -> None:
        self.token = token
        self.login: OAuthLogin | None = None
        self.renewed = 0
        self._clock = clock
        self._lock = asyncio.Lock()

    async def access(self) -> str:
        async with self._lock:
            token = self._held()
            if token.expires_at - self._clock.now() < timedelta(minutes=1):
                token = await self._renew(token)
            return token.access

    async def refused(self, access: str) -> None:
        async with self._lock:
            token = self._held()
            if token.access == access:
                await self._renew(token)

    def _held(self) -> Token:
        if self.token is None:
            raise AuthLost("nobody has signed in to this account")
        return self.token

    async def _renew(self, token: Token) -> Token:
        if self.login is None:
            raise AuthLost("the token is over and this connector cannot renew it")
        self.token = await self.login.refresh(token)
        self.renewed += 1
        return self.token


class CountingGate:
    """A gate that is always open; `calls` counts per lane, `closed` keeps each pause that was asked for."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.calls: dict[Lane, int] = {}
        self.closed: list[float | None] = []
        self.inside = 0
        self.most = 0
        self.strains = 0

    async def acquire(self, lane: Lane = Lane.ORDERS, cost: int = 1) -> None:
        self.calls[lane] = self.calls.get(lane, 0) + cost
        self.inside += 1
        self.most = max(self.most, self.inside)

    def release(self) -> None:
        self.inside -= 1

    def close(self, seconds: float | None) -> None:
        self.closed.append(seconds)

    def opened(self) -> None:
        return

    def strained(self) -> None:
        self.strains += 1


class CountingWindow:
    """A window that is always open; `values` counts what calls took, `closed` keeps each pause asked for."""

    def __init__(self, budget: ValueBudget) -> None:
        self.budget = budget
        self.values = 0
        self.closed: list[float | None] = []

    def left(self, values: int) -> float:
        return 0.0

    def take(self, values: int) -> None:
        self.values += values

    def ended(self, values: int) -> None:
        return

    def close(self, seconds: float | None) -> None:
        self.closed.append(seconds)


class CountingClientMaker:
    """Builds clients over one session; `gates` holds a turnstile for each budget key that was named, `windows` one
    for each budget of values."""

    def __init__(self, session: aiohttp.ClientSession, clock: Clock) -> None:
        self.gates: dict[str, CountingGate] = {}
        self.windows: dict[str, CountingWindow] = {}
        self._session = session
        self._clock = clock

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
        gates = [self.gates.setdefault(one.key, CountingGate(one)) for one in budgets if isinstance(one, Budget)]
        windows = [
            self.windows.setdefault(one.key, CountingWindow(one)) for one in budgets if isinstance(one, ValueBudget)
        ]
        return Client(
            self._session,
            base,
            auth=auth,
            gates=gates,
            windows=windows,
            errors=errors,
            headers=headers,
            timeout=timeout,
            sleep=self._clock.sleep,
        )


@contextlib.asynccontextmanager
async def account(
    connector: type[C],
    settings: Mapping[str, Any],
    *,
    token: Token | None = None,
    session: aiohttp.ClientSession | None = None,
    clock: Clock | None = None,
    name: str | None = None,
    log: LogCapture | None = None,
) -> AsyncIterator[C]:
    """An instance of `connector` with checked `settings`, signed in by `token`.

    Without `session` one is opened and closed here; without `clock` naps take no time. Log entries go to `log`.
    On the instance, `account.tokens` is a `KeptToken` and `account.make_client` a `CountingClientMaker`.
    """
    clock = clock or InstantClock()
    async with contextlib.AsyncExitStack() as stack:
        if session is None:
            session = await stack.enter_async_context(aiohttp.ClientSession())
        keeper = KeptToken(token, clock)
        instance = connector(
            Account(
                name=name or f"{connector.name}-test",
                settings=connector.Settings.model_validate(dict(settings)),
                log=structlog.wrap_logger(None, processors=[log or LogCapture()]),
                clock=clock,
                tokens=keeper,
                make_client=CountingClientMaker(session, clock),
            )
        )
        instance.check_parts()
        keeper.login = instance.capability(OAuthLogin)
        stack.push_async_callback(instance.close)
        yield instance
