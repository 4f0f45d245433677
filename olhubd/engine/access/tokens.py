"""The keeper of one account's token: always fresh, renewed by one at a time, durable before its first use.

A renewal is a write whose answer can be lost, and with it the only copy of a rotated refresh token. So a mark is
stored before it is sent, the answer is stored before it is used, the token that was sent is soon sent again while
the server may still take it, and only the server's definite refusal ends a grant. Where tokens are stored and how
they are renewed is given from outside; nothing here knows a database or a marketplace.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, NoReturn, Protocol

import msgspec

from olhubd.model import Reason
from olhubd.plugin.connector import Clock
from olhubd.plugin.errors import (
    AuthLost,
    OutcomeUnknown,
    PluginError,
    RateLimited,
    Rejected,
    Temporary,
    Unavailable,
)
from olhubd.plugin.oauth import Token
from olhubd.runtime.backoff import Backoff
from olhubd.runtime.wakeup import Wakeup

__all__ = ["BorrowedToken", "StoredTokens", "TokenKeeper", "TokenStorage"]

AHEAD = timedelta(minutes=5)
"""How long before its end a token is renewed; a fifth of its life where that is shorter."""
LIMIT = 90.0
"""Seconds within which a renewal must be answered."""
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 60.0
_SOON = (0.0, 1.0, 3.0, 10.0)
"""Seconds until a renewal without an outcome is sent again, for all who still want it: servers that rotate take
the old token for a minute (Allegro) or less, and what is not asked for within that time is lost with the grant.
Where each try is given up after ten seconds, the last begins within that minute."""


class StoredTokens(msgspec.Struct, frozen=True, kw_only=True):
    """What the vault holds: the token, the one before it, and since when a renewal has been without an outcome."""

    token: Token
    previous: Token | None = None
    refreshing_at: datetime | None = None


class TokenStorage(Protocol):
    """Where tokens outlive the process. Each method returns after its effect is durable."""

    async def load(self, account: str) -> StoredTokens | None: ...

    async def save(self, account: str, token: Token) -> None:
        """Keep `token`, keep the one it replaces as the previous one, and end the mark of a renewal."""

    async def mark(self, account: str, at: datetime | None) -> None:
        """A renewal is about to be sent, or (None) surely was without effect.

        Where several processes share the vault, raises Unavailable while another one is renewing.
        """


Refresh = Callable[[Token], Awaitable[Token]]
Obtain = Callable[[], Awaitable[Token | None]]
Lost = Callable[[AuthLost], Awaitable[None]]


class TokenKeeper:
    """Implements `olhubd.plugin.Tokens` for one account.

    `refresh` is the connector's `OAuthLogin.refresh`, None where there is none. `obtain` gives a token that no
    person has to grant, None where one must. `lost` parks the account; it is called once per lost grant, with the
    refusal. `learned` is called with each access and refresh token, for the redaction of logs. A renewal runs as a
    task of its own, since its outcome matters beyond the first caller; `close` waits for it.
    """

    def __init__(
        self,
        account: str,
        vault: TokenStorage,
        refresh: Refresh | None,
        clock: Clock,
        lost: Lost,
        learned: Callable[[str], None] = lambda _secret: None,
        ahead: timedelta = AHEAD,
        obtain: Obtain | None = None,
    ) -> None:
        self._account = account
        self._vault = vault
        self._refresh = refresh
        self._obtain = obtain
        self._clock = clock
        self._lost_call = lost
        self._learned = learned
        self._ahead = ahead
        self._kept: StoredTokens | None = None
        self._loaded = False
        self._unsaved: Token | None = None
        self._renew_at: datetime | None = None
        """From when on a renewal is due; None: now."""
        self._refused = False
        self._lost: AuthLost | None = None
        self._work: asyncio.Task[None] | None = None
        self._backoff = Backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
        self._retry_at = 0.0
        self._failure: PluginError | None = None
        self._closing = False
        self._wakeup = Wakeup()

    @property
    def token(self) -> Token | None:
        """The token as it is, fresh or not; None before the first use and without a sign-in."""
        return self._kept.token if self._kept else None

    @property
    def expires_at(self) -> datetime | None:
        """When the access token ends."""
        return self._kept.token.expires_at if self._kept else None

    @property
    def refresh_expires_at(self) -> datetime | None:
        """When a person must sign in again at the latest, where the server says so."""
        return self._kept.token.refresh_expires_at if self._kept else None

    async def access(self) -> str:
        """A token that is good now. One near its end still serves while it is being renewed.

        Raises AuthLost when a person must sign in, Unavailable when the token is over and cannot be renewed yet.
        """
        kept = self._kept
        if kept is not None and self._renew_at is not None and self._clock.now() < self._renew_at:
            return kept.token.access
        if self._lost is not None:
            raise _again(self._lost)
        if self._usable():
            if self._work is None and not self._too_soon():
                self._start(self._provide())
            return self._present().access
        # The work goes on when a caller that waits for it gives up.
        await asyncio.shield(self._work or self._start(self._provide()))
        return self._present().access

    async def refused(self, access: str) -> None:
        """The server refused this very token: the next `access` renews it, unless that has happened meanwhile."""
        if self._kept is not None and self._kept.token.access == access:
            self._refused = True
            self._renew_at = None

    async def adopt(self, token: Token) -> None:
        """Take the token of a finished sign-in. Raises Rejected when it is of another owner than the account.

        An account's orders and mappings belong to one seller; another's grant would silently give them away.
        """
        if not self._loaded:
            self._set(await self._vault.load(self._account))
        owner = self._kept.token.owner if self._kept else None
        if owner is not None and token.owner != owner:
            who = f"as {token.owner}" if token.owner else "without telling whose it is"
            raise Rejected(
                f"signed in {who}, but {self._account} belongs to {owner}; add another account for another seller",
                field="owner",
            )
        # A renewal under way may be about to store what this sign-in replaces; none begins before this is stored.
        while self._work is not None:
            await asyncio.wait([self._work])
        self._lost = None
        await asyncio.shield(self._start(self._store(token)))

    async def close(self) -> None:
        """Wait until a renewal under way has come to its end, which it does within its limit, and is stored."""
        self._closing = True
        self._wakeup.wake()
        while self._work is not None:
            await asyncio.wait([self._work])
        if self._unsaved is not None:
            await self._store(self._unsaved)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        self._work = asyncio.create_task(work, name=f"token of {self._account}")
        self._work.add_done_callback(self._done)
        return self._work

    def _done(self, work: asyncio.Task[None]) -> None:
        self._work = None
        if not work.cancelled():
            work.exception()  # seen by those who waited; nobody may have

    async def _provide(self) -> None:
        """Make the present token a fresh one."""
        if not self._loaded:
            self._set(await self._vault.load(self._account))
            if self._fresh():
                return
        if self._failure is not None and self._too_soon():
            raise self._unavailable(self._failure)
        try:
            if self._unsaved is not None:
                await self._store(self._unsaved)
            elif self._kept is None:
                await self._store(await self._first(Reason("sign-in.nobody", account=self._account)))
            else:
                await self._renew()
        except AuthLost:
            raise
        except PluginError as error:
            self._put_off(error)
            raise self._unavailable(error) from None
        except Exception as error:  # the vault's, or a mistake in a plugin: the token must survive both
            failure = Unavailable(type(error).__name__)
            self._put_off(failure)
            raise self._unavailable(failure) from error

    async def _renew(self) -> None:
        # Another process may have been here first.
        known = self._present()
        self._set(await self._vault.load(self._account))
        if self._present().access != known.access and self._fresh():
            return
        token = self._present()
        if self._refresh is None or token.refresh is None:
            await self._store(await self._first(Reason("token.over", account=self._account)))
            return
        unsure_since = self._kept.refreshing_at if self._kept else None
        await self._vault.mark(self._account, unsure_since or self._clock.now())
        try:
            fresh = await self._ask(token)
        except AuthLost as refusal:
            fresh = await self._last_resort(refusal)
        except (Unavailable, RateLimited):
            # Surely without effect. After any other failure the mark stays, and a restart asks again at once, while
            # the server may still take the old token.
            await self._vault.mark(self._account, unsure_since)
            raise
        await self._store(fresh)

    async def _first(self, lacking: str) -> Token:
        """One that no person has to grant, where there is such. Asking again after a lost answer does no harm."""
        token = await self._obtain() if self._obtain is not None else None
        return token if token is not None else await self._give_up(AuthLost(lacking))

    async def _ask(self, token: Token) -> Token:
        """Have it renewed, if need be by several tries."""
        fresh = await self._insist(token)
        return msgspec.structs.replace(
            fresh,
            # A server that does not rotate need not repeat what stays.
            refresh=fresh.refresh or token.refresh,
            refresh_expires_at=fresh.refresh_expires_at or (None if fresh.refresh else token.refresh_expires_at),
            scopes=fresh.scopes or token.scopes,
            owner=token.owner or fresh.owner,
        )

    async def _insist(self, token: Token) -> Token:
        """A lost answer is asked for again, by the token that was kept, and soon. Raises what the first try raises,
        and OutcomeUnknown when none of them had an answer.
        """
        lost: OutcomeUnknown | None = None
        for pause in (*_SOON, None):
            try:
                return await self._send(token)
            except OutcomeUnknown as unknown:
                lost = unknown
            except (Unavailable, RateLimited):
                if lost is None:
                    raise
            # Also who ends asks once more: the next start may come when the old token is not taken any longer.
            if pause is None or (await self._closes_within(pause) and pause > 0):
                break
        assert lost is not None
        raise lost

    async def _closes_within(self, seconds: float) -> bool:
        if not self._closing:
            await self._wakeup.wait(seconds)
        return self._closing

    async def _send(self, token: Token) -> Token:
        assert self._refresh is not None
        try:
            async with asyncio.timeout(LIMIT):
                return await self._refresh(token)
        except TimeoutError:
            raise OutcomeUnknown(Reason("token.no-answer")) from None

    async def _last_resort(self, refusal: AuthLost) -> Token:
        """The present token was refused for good. The one before it is the last that the server may still know."""
        assert self._kept is not None
        previous = self._kept.previous
        if previous is not None and previous.refresh not in (None, self._kept.token.refresh):
            try:
                return await self._ask(previous)
            except AuthLost:
                pass
        await self._vault.mark(self._account, None)
        return await self._give_up(refusal)

    async def _give_up(self, refusal: AuthLost) -> NoReturn:
        self._renew_at = None
        await self._lost_call(refusal)
        self._lost = refusal
        raise refusal

    def _put_off(self, error: PluginError) -> None:
        """Not now: the next try waits, each time twice as long, and at least as long as the server said."""
        asked = error.retry_after if isinstance(error, Temporary) else None
        self._retry_at = self._clock.monotonic() + max(self._backoff.next(), asked or 0.0)
        self._failure = error

    def _too_soon(self) -> bool:
        """Whether the next try still waits; the tolerance covers rounding when a caller slept exactly that long."""
        return self._clock.monotonic() < self._retry_at - 0.001

    def _unavailable(self, error: PluginError) -> Unavailable:
        return Unavailable(
            Reason("token.not-renewed", account=self._account, error=error),
            retry_after=self._retry_at - self._clock.monotonic(),
            code=error.code,
            status=error.status,
        )

    async def _store(self, token: Token) -> None:
        """Durable first, in use second. One that could not be stored is stored before anything else is tried."""
        self._unsaved = token
        await self._vault.save(self._account, token)
        self._unsaved = None
        self._backoff.reset()
        self._retry_at = 0.0
        self._failure = None
        self._set(StoredTokens(token=token, previous=self._kept.token if self._kept else None))

    def _set(self, kept: StoredTokens | None) -> None:
        self._loaded = True
        changed = self._kept is None or kept is None or kept.token != self._kept.token
        self._kept = kept
        if kept is None or not changed:
            return
        for token in (kept.token, kept.previous):
            if token is not None:
                self._learned(token.access)
                if token.refresh is not None:
                    self._learned(token.refresh)
        self._refused = False
        # A renewal that was sent and has no known outcome may have used the refresh token up: find out at once.
        self._renew_at = None if kept.refreshing_at is not None else self._due(kept.token)

    def _due(self, token: Token) -> datetime:
        left = token.expires_at - self._clock.now()
        return token.expires_at - min(self._ahead, left / 5)

    def _fresh(self) -> bool:
        return self._renew_at is not None and self._clock.now() < self._renew_at

    def _usable(self) -> bool:
        """Whether the present token still serves although its renewal is due."""
        return (
            self._kept is not None
            and not self._refused
            and self._lost is None
            and self._clock.now() < self._kept.token.expires_at
        )

    def _present(self) -> Token:
        if self._kept is None:
            raise AuthLost(Reason("sign-in.nobody", account=self._account))
        return self._kept.token


class BorrowedToken:
    """A token that is not (yet) anybody's: to ask whose it is before it is adopted."""

    def __init__(self, token: Token) -> None:
        self._token = token

    async def access(self) -> str:
        return self._token.access

    async def refused(self, access: str) -> None:
        """Nothing replaces it: it is refused as often as it is sent, and that is the answer."""


def _again(refusal: AuthLost) -> AuthLost:
    """The same refusal for somebody else: an exception that is raised twice collects tracebacks."""
    return AuthLost(str(refusal), code=refusal.code, status=refusal.status)
