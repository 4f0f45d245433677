"""Signing in to an account: begun by a person, finished in the background.

By a code that the person confirms on another device, or by their browser, which comes back with a code of its own.

A token that arrives is nobody's until the system has said whose it is; only then does it replace the one that the
account had. What is under way is not stored: after a restart the person asks for another code.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial

import msgspec

from olhubd.engine.access.redirect import PendingCallback, bring
from olhubd.engine.access.tokens import LIMIT, BorrowedToken
from olhubd.engine.account import AccountUnit
from olhubd.engine.calls import Calls, seconds
from olhubd.engine.directory import Directory
from olhubd.engine.errors import NotPossible
from olhubd.model import Reason
from olhubd.plugin import (
    AuthLost,
    Clock,
    DeviceGrant,
    Flow,
    Identity,
    OAuthLogin,
    PluginError,
    Probe,
    Rejected,
    StillPending,
    Temporary,
    Token,
)
from olhubd.runtime.supervisor import Heartbeat, Supervisor

__all__ = ["SignIn", "SignInState", "SignIns"]

_PATIENCE = 300.0
"""Seconds that one call may take with all its repetitions before the loop counts as stuck."""
_BROWSER = timedelta(minutes=10)
"""For how long a browser is waited for."""
_LONGEST_PAUSE = 60.0
_PROBES = 6


class SignInState(enum.StrEnum):
    PENDING = "pending"
    """The person has not confirmed yet."""
    DONE = "done"
    FAILED = "failed"


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """One sign-in. The person opens `url` and agrees; `reason` says why it failed.

    Flow.DEVICE: they compare `user_code`. Flow.CODE: their browser is sent back to `redirect_uri`.
    """

    account: str
    state: SignInState
    flow: Flow
    url: str
    user_code: str | None = None
    redirect_uri: str | None = None
    begun_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None
    login: str | None = None
    reason: str | None = None


_Ask = Callable[[SignIn, Heartbeat], Awaitable[Token]]
"""How the token of a sign-in is got at, once the person has agreed."""


class SignIns:
    """The last sign-in of each account since the process began. `look` is called when one has ended well."""

    def __init__(
        self, directory: Directory, supervisor: Supervisor, clock: Clock, look: Callable[[], Awaitable[None]]
    ) -> None:
        self._directory = directory
        self._supervisor = supervisor
        self._clock = clock
        self._look = look
        self._latest: dict[str, SignIn] = {}
        self._ended: dict[str, asyncio.Event] = {}
        self._awaited: dict[str, PendingCallback] = {}
        """By account: those that wait for a browser to come back."""
        self._brought: dict[str, str] = {}
        """By account: who brought an address by hand, and so finishes the sign-in."""
        self._beginning = asyncio.Lock()

    def of(self, account: str) -> SignIn | None:
        """The state of the account's last sign-in; None when there was none."""
        return self._latest.get(account)

    async def settled(self, account: str, wait: float) -> SignIn | None:
        """The same, once it has ended, or after so many seconds."""
        if (ended := self._ended.get(account)) is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await ended.wait()
        return self.of(account)

    async def begin(self, account: str, who: str, callback: str, flow: Flow | None = None) -> SignIn:
        """Begin one by `flow`, else by the usual one of the system, or give the one that still waits.

        `callback` is where browsers reach this process, unless the application is registered with another address.
        Raises NotPossible, or what the system answers.
        """
        async with self._beginning:
            unit = self._directory.unit(account)
            login = unit.connector.capability(OAuthLogin)
            if login is None:
                why = Reason("sign-in.key", system=unit.connector.title, account=account)
                raise NotPossible(why)
            flow = _chosen(login, unit.connector.title, flow)
            redirect_uri = (login.redirect_uri or callback) if flow is Flow.CODE else None
            known = self._latest.get(account)
            if (
                known is not None
                and self._still_open(known)
                and (known.flow, known.redirect_uri) == (flow, redirect_uri)
            ):
                return known
            task = f"sign-in of {account}"
            await self._supervisor.stop(task)
            self._awaited.pop(account, None)
            self._brought.pop(account, None)
            if redirect_uri is None:
                begun, token = await self._by_device(account, login, unit.calls)
            else:
                begun, token = self._by_browser(account, login, unit.calls, unit.connector.title, redirect_uri)
            self._latest[account] = begun
            self._ended[account] = asyncio.Event()
            self._supervisor.once(task, partial(self._see_through, begun, token, who))
            return begun

    def bring(self, address: str, account: str | None = None, who: str | None = None) -> str:
        """Take the address that a browser came back to, for `account` alone where it was brought for that by `who`.

        Returns the account whose sign-in goes on with it. Raises CallbackRefused.
        """
        waiting = [one for one in self._awaited.values() if account in (None, one.account)]
        found = bring(address, waiting).account
        del self._awaited[found]
        if who is not None:
            self._brought[found] = who
        return found

    def _still_open(self, known: SignIn) -> bool:
        return known.state is SignInState.PENDING and self._clock.now() < known.expires_at

    async def _by_device(self, account: str, login: OAuthLogin, calls: Calls) -> tuple[SignIn, _Ask]:
        now = self._clock.now()
        grant: DeviceGrant = await calls.read("begin_device", login.begin_device, DeviceGrant)
        begun = SignIn(
            account=account,
            state=SignInState.PENDING,
            flow=Flow.DEVICE,
            url=grant.url,
            user_code=grant.user_code,
            begun_at=now,
            expires_at=grant.expires_at,
        )
        return begun, partial(self._polled, grant, login, calls)

    def _by_browser(
        self, account: str, login: OAuthLogin, calls: Calls, title: str, redirect_uri: str
    ) -> tuple[SignIn, _Ask]:
        now = self._clock.now()
        awaited = PendingCallback(account, title, redirect_uri)
        url: str = calls.ask(
            "authorize_url", lambda: login.authorize_url(redirect_uri, awaited.state, awaited.challenge), str
        )
        self._awaited[account] = awaited
        begun = SignIn(
            account=account,
            state=SignInState.PENDING,
            flow=Flow.CODE,
            url=url,
            redirect_uri=redirect_uri,
            begun_at=now,
            expires_at=now + _BROWSER,
        )
        return begun, partial(self._exchanged, awaited, login, calls)

    async def _see_through(self, begun: SignIn, ask: _Ask, who: str, pulse: Heartbeat) -> None:
        try:
            token = await ask(begun, pulse)
            pulse.beat(_PATIENCE)
            who = self._brought.pop(begun.account, who)
            name = await self._take(self._directory.unit(begun.account), token, who)
        except (PluginError, NotPossible) as error:
            self._end(begun, SignInState.FAILED, reason=str(error))
        except Exception as error:
            self._end(begun, SignInState.FAILED, reason=Reason("connector.failed", what=type(error).__name__))
            raise
        else:
            self._end(begun, SignInState.DONE, login=name)
            # A person who has just signed in must not read for another minute that nobody has.
            await self._look()

    def _end(self, begun: SignIn, state: SignInState, login: str | None = None, reason: str | None = None) -> None:
        self._latest[begun.account] = msgspec.structs.replace(
            begun, state=state, login=login, reason=reason, ended_at=self._clock.now()
        )
        self._ended[begun.account].set()

    async def _exchanged(
        self, awaited: PendingCallback, login: OAuthLogin, calls: Calls, begun: SignIn, pulse: Heartbeat
    ) -> Token:
        """Wait for the browser and give the code for a token. Raises AuthLost when nobody came back in time."""
        left = (begun.expires_at - begun.begun_at).total_seconds()
        pulse.beat(left + _PATIENCE)
        try:
            async with asyncio.timeout(left):
                code = await awaited.code
        except TimeoutError:
            self._awaited.pop(begun.account, None)
            raise AuthLost(Reason("sign-in.not-back", system=awaited.title)) from None
        give = partial(login.exchange, code, awaited.redirect_uri, awaited.verifier)
        token: Token = await calls.write("exchange", give, Token, limit=LIMIT)
        return token

    async def _polled(
        self, grant: DeviceGrant, login: OAuthLogin, calls: Calls, _begun: SignIn, pulse: Heartbeat
    ) -> Token:
        """Ask until the person has answered. Raises AuthLost when they refused or did not answer in time."""
        interval = seconds(grant.interval, _LONGEST_PAUSE) or 1.0
        while True:
            pulse.beat(interval + _PATIENCE)
            await self._clock.sleep(interval)
            if self._clock.now() >= grant.expires_at:
                raise AuthLost(Reason("sign-in.late"))
            try:
                ask = partial(login.poll_device, grant)
                answer: Token | StillPending = await calls.read("poll_device", ask, (Token, StillPending))
            except Temporary as error:
                interval = max(error.retry_after or 0.0, min(interval * 2, _LONGEST_PAUSE))
                continue
            if not isinstance(answer, StillPending):
                return answer
            interval = seconds(answer.interval, _LONGEST_PAUSE) or 1.0

    async def _take(self, unit: AccountUnit, token: Token, who: str) -> str | None:
        """Make the token the account's own; returns the login it belongs to, where the system says so."""
        keeper = unit.connection.keeper
        if keeper is None:
            raise NotPossible(Reason("sign-in.no-more", account=unit.name))
        identity = await self._whose(unit, token)
        if identity is None:
            await keeper.adopt(token)
            await unit.signed_in(token.owner, None, who)
            return None
        if unit.row.owner not in (None, identity.id):
            raise Rejected(
                Reason("sign-in.another", login=identity.login, account=unit.name, known=unit.row.login),
                field="owner",
            )
        # What people sign in with may be renamed; the identity stays.
        await keeper.adopt(msgspec.structs.replace(token, owner=identity.id))
        await unit.signed_in(identity.id, identity.login, who)
        return identity.login

    async def _whose(self, unit: AccountUnit, token: Token) -> Identity | None:
        """Who granted it. Asks more than once, since a token that is dropped costs the person another sign-in."""
        visitor = unit.connection.visitor(BorrowedToken(token))
        guest = visitor.capability(Probe)
        if guest is None:
            return None
        try:
            for attempt in range(1, _PROBES + 1):
                try:
                    found: Identity = await unit.calls.read("probe", guest.probe, Identity, told=False)
                    return found
                except Temporary as error:
                    if attempt == _PROBES:
                        raise
                    await self._clock.sleep(min(error.retry_after or 2.0**attempt, _LONGEST_PAUSE))
        finally:
            with contextlib.suppress(PluginError):
                await unit.calls.read("close", visitor.close, limit=_PATIENCE)
        return None


def _chosen(login: OAuthLogin, title: str, wanted: Flow | None) -> Flow:
    """The flow to begin. Raises NotPossible for one that the system does not have."""
    possible = [flow for flow in login.flows if flow is not Flow.CLIENT]
    if not possible:
        raise NotPossible(Reason("sign-in.needless", system=title))
    if wanted is None:
        return possible[0]
    if wanted not in possible:
        has = ", ".join(flow.value for flow in possible)
        raise NotPossible(Reason("sign-in.kind", system=title, kind=wanted.value, kinds=has))
    return wanted
