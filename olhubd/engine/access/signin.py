"""Signing in to an account: begun by a person, finished in the background.

By a code that the person confirms on another device, or by their browser, which comes back with a code of its own.

A token that arrives is nobody's until the system has said whose it is; only then does it replace the one that the
account had. What is under way is a row (`olhubd.store.sign_ins`), so that another process goes on with it after a
restart. Where a process ended with a code in its hands, nobody knows whether it is used, and the sign-in ends with
that reason.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import secrets
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

import msgspec

from olhubd.engine.access.redirect import CallbackRefused, PendingCallback, bring
from olhubd.engine.access.tokens import LIMIT, BorrowedToken
from olhubd.engine.account import AccountUnit
from olhubd.engine.calls import seconds
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
    Unavailable,
)
from olhubd.runtime.supervisor import Heartbeat, Supervisor
from olhubd.store import Database, LeaseLost, Transaction, sign_ins
from olhubd.store.sign_ins import SignInRow

__all__ = ["SignIn", "SignInState", "SignIns"]

_PATIENCE = 300.0
"""Seconds that one call may take with all its repetitions before the loop counts as stuck."""
_BROWSER = timedelta(minutes=10)
"""For how long a browser is waited for."""
_LONGEST_PAUSE = 60.0
_SHORTEST_PAUSE = 0.05
_ELSEWHERE = 1.0
"""Seconds between two looks at a sign-in that another process may end."""
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


_Ask = Callable[[SignInRow, Heartbeat], Awaitable[Token]]
"""How the token of a sign-in is obtained."""
_encode = msgspec.json.Encoder().encode
_callback = msgspec.json.Decoder(PendingCallback).decode
_grant = msgspec.json.Decoder(DeviceGrant).decode


class SignIns:
    """The last sign-in of each account. `looks` are called when one has ended well, `learned` with each secret."""

    def __init__(
        self,
        directory: Directory,
        database: Database,
        supervisor: Supervisor,
        clock: Clock,
        looks: Sequence[Callable[[], Awaitable[None]]],
        learned: Callable[[str], None],
    ) -> None:
        self._directory = directory
        self._database = database
        self._supervisor = supervisor
        self._clock = clock
        self._looks = looks
        self._learned = learned
        self._ended: dict[str, asyncio.Event] = {}
        """By account: set when the sign-in that this process works on has ended."""
        self._working: dict[str, str] = {}
        """By account: the key of the sign-in that this process works on."""
        self._beginning = asyncio.Lock()

    async def of(self, account: str) -> SignIn | None:
        """The state of the account's last sign-in; None when there was none."""
        row = await sign_ins.get(self._database.reader, account)
        return None if row is None else _public(row)

    async def settled(self, account: str, wait: float) -> SignIn | None:
        """The same, once it has ended, or after so many seconds. Another process may be the one that ends it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                while (found := await self.of(account)) is not None and found.state is SignInState.PENDING:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(_ELSEWHERE):
                            await self._ended.setdefault(account, asyncio.Event()).wait()
                            self._ended.pop(account, None)
        return await self.of(account)

    async def begin(self, account: str, who: str, callback: str, flow: Flow | None = None) -> SignIn:
        """Begin one by `flow`, else by the usual one of the system, or give the one that still waits.

        `callback` is where browsers reach this process, unless the application is registered with another address.
        Raises NotPossible, or what the system answers.
        """
        async with self._beginning:
            unit = self._directory.unit(account)
            login = _login(unit)
            flow = _chosen(login, unit.connector.title, flow)
            redirect_uri = (login.redirect_uri or callback) if flow is Flow.CODE else None
            known = await sign_ins.get(self._database.reader, account)
            if (
                known is not None
                and self._still_open(known)
                and (known.flow, known.redirect_uri) == (flow.value, redirect_uri)
            ):
                self._resume(known)
                return _public(known)
            if redirect_uri is None:
                row = await self._by_device(unit, login, who)
            else:
                row = self._by_browser(unit, login, who, redirect_uri)
            try:
                await self._database.write(partial(sign_ins.put, row=row))
            except LeaseLost as error:
                raise Unavailable(str(error)) from error
            await self._supervisor.stop(_task(account))  # the one before
            self._resume(row)
            return _public(row)

    async def resume(self) -> None:
        """Go on with those that another process, or this one before a restart, has begun."""
        if self._beginning.locked():
            return  # the next round will do
        async with self._beginning:
            for row in await sign_ins.pending(self._database.reader):
                if row.account in self._directory.units:
                    self._resume(row)

    async def bring(self, address: str, account: str | None = None, who: str | None = None) -> str:
        """Take the address that a browser came back to, for `account` alone where it was brought for that by `who`.

        Returns the account whose sign-in goes on with it. Raises CallbackRefused.
        """
        rows = {
            row.account: row
            for row in await sign_ins.pending(self._database.reader)
            if row.account in self._directory.units
            and account in (None, row.account)
            and row.flow == Flow.CODE.value
            and self._still_open(row)
        }
        waiting = [_callback(row.secret) for row in rows.values() if row.secret is not None]
        for one in waiting:  # of another process's this one may not have heard yet
            self._learn(one.state, one.verifier)
        awaited, answer = bring(address, waiting)
        if isinstance(answer, str):
            self._learn(answer)
        row = rows[awaited.account]
        row = msgspec.structs.replace(row, who=who or row.who)
        work = partial(sign_ins.claim, account=row.account, key=row.key, who=row.who, now=self._clock.now())
        # Known as ours before the claim, so that nobody takes it for one that was interrupted.
        before, self._working[row.account] = self._working.get(row.account), row.key
        claimed, why = False, "sign-in.not-waiting"
        try:
            claimed = await self._database.write(work)
        except LeaseLost:
            why = "account.taken-over"
        finally:
            if not claimed and before is None:
                self._working.pop(row.account, None)
        if not claimed:
            raise CallbackRefused(Reason(why))
        # It waited for this; the claim above is what keeps its end by time from being stored.
        await self._supervisor.stop(_task(row.account))
        self._work(row, partial(self._exchanged, awaited, answer))
        return row.account

    def _still_open(self, known: SignInRow) -> bool:
        """Whether it still waits for the person: one whose secret is used does not."""
        return (
            known.state == SignInState.PENDING and known.secret is not None and self._clock.now() < known.expires_at
        )

    async def _by_device(self, unit: AccountUnit, login: OAuthLogin, who: str) -> SignInRow:
        now = self._clock.now()
        grant: DeviceGrant = await unit.calls.read("begin_device", login.begin_device, DeviceGrant)
        return SignInRow(
            account=unit.name,
            key=secrets.token_hex(16),
            state=SignInState.PENDING.value,
            flow=Flow.DEVICE.value,
            url=grant.url,
            user_code=grant.user_code,
            secret=_encode(grant),
            who=who,
            begun_at=now,
            expires_at=grant.expires_at,
        )

    def _by_browser(self, unit: AccountUnit, login: OAuthLogin, who: str, redirect_uri: str) -> SignInRow:
        now = self._clock.now()
        awaited = PendingCallback.new(unit.name, unit.connector.title, redirect_uri)
        url: str = unit.calls.ask(
            "authorize_url", lambda: login.authorize_url(redirect_uri, awaited.state, awaited.challenge), str
        )
        return SignInRow(
            account=unit.name,
            key=secrets.token_hex(16),
            state=SignInState.PENDING.value,
            flow=Flow.CODE.value,
            url=url,
            redirect_uri=redirect_uri,
            secret=_encode(awaited),
            who=who,
            begun_at=now,
            expires_at=now + _BROWSER,
        )

    def _resume(self, row: SignInRow) -> None:
        """Work on a pending sign-in, unless this process does."""
        if self._working.get(row.account) == row.key:
            return
        if row.secret is None:
            self._work(row, self._interrupted)
        elif row.flow == Flow.CODE.value:
            awaited = _callback(row.secret)
            self._learn(awaited.state, awaited.verifier)
            self._work(row, partial(self._overdue, awaited.title))
        else:
            grant = _grant(row.secret)
            self._learn(grant.device_code)
            self._work(row, partial(self._polled, grant))

    def _learn(self, *secrets: str | None) -> None:
        for secret in filter(None, secrets):
            self._learned(secret)

    def _work(self, row: SignInRow, ask: _Ask) -> None:
        self._working[row.account] = row.key
        self._supervisor.once(_task(row.account), partial(self._see_through, row, ask))

    async def _see_through(self, row: SignInRow, ask: _Ask, pulse: Heartbeat) -> None:
        try:
            token = await ask(row, pulse)
            self._learn(token.access, token.refresh)  # before anybody is asked whose it is
            pulse.beat(_PATIENCE)
            name = await self._take(self._directory.unit(row.account), token, row.who)
        except _Superseded:
            pass
        except (PluginError, NotPossible) as error:
            await self._end(row, SignInState.FAILED, reason=str(error))
        except Exception as error:
            await self._end(row, SignInState.FAILED, reason=Reason("connector.failed", what=type(error).__name__))
            raise
        else:
            await self._end(row, SignInState.DONE, login=name)
            # A person who has just signed in must not read for another minute that nobody has.
            for look in self._looks:
                await look()

    async def _end(
        self, row: SignInRow, state: SignInState, login: str | None = None, reason: str | None = None
    ) -> None:
        now = self._clock.now()

        async def work(tx: Transaction) -> bool:
            return await sign_ins.end(tx, row.account, row.key, state.value, now, login, reason)

        try:
            await self._database.write(work)
        except LeaseLost:
            pass  # the process that has the account now ends it
        except BaseException:
            self._working.pop(row.account, None)  # the next round sees to it
            raise
        if (ended := self._ended.get(row.account)) is not None:
            ended.set()

    async def _interrupted(self, row: SignInRow, _pulse: Heartbeat) -> Token:
        raise AuthLost(Reason("sign-in.interrupted"))

    async def _overdue(self, title: str, row: SignInRow, pulse: Heartbeat) -> Token:
        """Wait until nobody can come back any more. Raises AuthLost then."""
        while (left := (row.expires_at - self._clock.now()).total_seconds()) > 0:
            pause = min(max(left, _SHORTEST_PAUSE), _LONGEST_PAUSE)
            pulse.beat(pause + _PATIENCE)
            await self._clock.sleep(pause)
            await self._require(row)
        raise AuthLost(Reason("sign-in.not-back", system=title))

    async def _exchanged(
        self, awaited: PendingCallback, answer: str | AuthLost, row: SignInRow, pulse: Heartbeat
    ) -> Token:
        """Give the code for a token. Raises AuthLost where the person or the system has refused."""
        if isinstance(answer, AuthLost):
            raise answer
        pulse.beat(_PATIENCE)
        unit = self._directory.unit(row.account)
        give = partial(_login(unit).exchange, answer, awaited.redirect_uri, awaited.verifier)
        token: Token = await unit.calls.write("exchange", give, Token, limit=LIMIT)
        return token

    async def _polled(self, grant: DeviceGrant, row: SignInRow, pulse: Heartbeat) -> Token:
        """Ask until the person has answered. Raises AuthLost when they refused or did not answer in time."""
        interval = seconds(grant.interval, _LONGEST_PAUSE) or 1.0
        while True:
            pulse.beat(interval + _PATIENCE)
            await self._clock.sleep(interval)
            await self._require(row)
            if self._clock.now() >= grant.expires_at:
                raise AuthLost(Reason("sign-in.late"))
            unit = self._directory.unit(row.account)
            try:
                ask = partial(_login(unit).poll_device, grant)
                answer: Token | StillPending = await unit.calls.read("poll_device", ask, (Token, StillPending))
            except Temporary as error:
                interval = max(error.retry_after or 0.0, min(interval * 2, _LONGEST_PAUSE))
                continue
            if not isinstance(answer, StillPending):
                return answer
            interval = seconds(answer.interval, _LONGEST_PAUSE) or 1.0

    async def _require(self, row: SignInRow) -> None:
        """Raise _Superseded where another process has gone on with it, or another one was begun."""
        now = await sign_ins.get(self._database.reader, row.account)
        if now is None or (now.key, now.state) != (row.key, row.state) or now.secret is None:
            raise _Superseded

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


class _Superseded(Exception):
    """Somebody else sees to it, so nothing is stored here."""


def _task(account: str) -> str:
    return f"sign-in of {account}"


def _login(unit: AccountUnit) -> OAuthLogin:
    """How one signs in. Raises NotPossible where nobody does."""
    login = unit.connector.capability(OAuthLogin)
    if login is None:
        raise NotPossible(Reason("sign-in.key", system=unit.connector.title, account=unit.name))
    return login


def _public(row: SignInRow) -> SignIn:
    """What a person may know of it."""
    return SignIn(
        account=row.account,
        state=SignInState(row.state),
        flow=Flow(row.flow),
        url=row.url,
        user_code=row.user_code,
        redirect_uri=row.redirect_uri,
        begun_at=row.begun_at,
        expires_at=row.expires_at,
        ended_at=row.ended_at,
        login=row.login,
        reason=row.reason,
    )


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
