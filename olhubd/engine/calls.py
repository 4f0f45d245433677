"""The one place through which the host calls a plugin, so that no plugin can hurt more than its own account.

Each call runs in a task of its own and has a time limit. Whatever comes out that is no answer of the promised kind
and none of the plugin errors becomes one: a cancellation that nobody asked for, an exit, a forgotten `return`. A
call that does not end when it is cancelled is left behind, reported, and bars what might be done twice.

What blocks the loop itself cannot be stopped from inside of it; `olhubd.runtime.blocked` says whose call it is.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import msgspec

from olhubd.engine.access.refusals import KeyRefusals
from olhubd.model import Reason
from olhubd.plugin import (
    AuthLost,
    Clock,
    ContractBroken,
    Cursor,
    Forbidden,
    Log,
    OutcomeUnknown,
    Page,
    PluginError,
    Temporary,
    Unavailable,
)
from olhubd.plugin.errors import LONGEST_PAUSE

__all__ = ["LET_GO", "Calls", "ForbiddenCall", "OverdueCall", "OverdueCalls", "PluginFault", "seconds"]

T = TypeVar("T")

LIMIT = 120.0
"""Seconds that a call may take where its caller says nothing else."""
_FORBIDDEN = timedelta(days=1)
"""For how long a call that its system forbade counts, where it was not made again."""
LET_GO = 2.0
"""Seconds that a call has to end once it was cancelled."""


class PluginFault(ContractBroken):
    """The plugin itself failed, by none of the errors that it may raise or by an answer that is none.

    `cause` is what was raised, if anything was; its text may hold what nobody should read.
    """

    def __init__(self, message: str, cause: BaseException | None = None) -> None:
        super().__init__(message)
        self.cause = cause

    @property
    def kind(self) -> str:
        """The name of what was raised."""
        return type(self.cause or self).__name__


class OverdueCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that was cancelled and did not end. `writes` says whether it may still change something in the
    other system."""

    account: str
    what: str
    writes: bool
    since: datetime
    task: asyncio.Task[Any]
    calls: object
    """By whom it was made: another instance of the same account's connector starts afresh."""

    @property
    def name(self) -> str:
        return f"{self.what} of {self.account}"


class ForbiddenCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that its system forbids, with its last answer."""

    what: str
    reason: str
    since: datetime
    last: datetime


class OverdueCalls:
    """The calls of all plugins that did not end when they were cancelled, until they do."""

    def __init__(self) -> None:
        self._all: list[OverdueCall] = []

    def add(self, stray: OverdueCall) -> None:
        self._all.append(stray)

    @property
    def alive(self) -> Sequence[OverdueCall]:
        """Those that have still not ended."""
        self._all = [stray for stray in self._all if not stray.task.done()]
        return tuple(self._all)

    def hinders(self, calls: Calls, what: str, writes: bool) -> OverdueCall | None:
        """What must end before this call may be made: it would be done twice, or pile up.

        A stray that writes bars every later write to its account, whichever instance makes it.
        """
        if not self._all:
            return None
        for stray in self.alive:
            if stray.account == calls.who and (
                (writes and stray.writes) or (stray.what, stray.calls) == (what, calls)
            ):
                return stray
        return None


class Calls:
    """The calls of one account's connector, or of one plugin's hooks.

    `who` is named in texts, logs and names of tasks. With `refusals` a refused key counts as lost only when they
    say so; until then the account is unavailable. `quiet` leaves it to the caller to report what broke.
    """

    def __init__(
        self,
        who: str,
        clock: Clock,
        log: Log,
        strays: OverdueCalls,
        *,
        limit: Callable[[], float] = lambda: LIMIT,
        refusals: KeyRefusals | None = None,
        quiet: bool = False,
    ) -> None:
        self.who = who
        self._clock = clock
        self._log = log
        self._strays = strays
        self._limit = limit
        self._refusals = refusals
        self._quiet = quiet
        self._failing: frozenset[str] = frozenset()
        self._forbidden: dict[str, ForbiddenCall] = {}

    @property
    def forbidden(self) -> Sequence[ForbiddenCall]:
        """The calls that the system forbids by codes that nobody knows, until they go well or a day is over."""
        began = self._clock.now() - _FORBIDDEN
        return [one for one in self._forbidden.values() if one.last > began]

    async def read(
        self,
        what: str,
        call: Callable[[], Awaitable[Any]],
        kind: Any = object,
        *,
        limit: float | None = None,
        told: bool = True,
    ) -> Any:
        """The answer of a call that changes nothing, which is of `kind`.

        Raises the plugin's own error, Broken, or Unavailable when it takes longer than `limit` seconds. Without
        `told` a refused key is reported as such at once.
        """
        return await self._call(what, call, kind, limit, writes=False, told=told)

    async def write(
        self, what: str, call: Callable[[], Awaitable[Any]], kind: Any = object, *, limit: float | None = None
    ) -> Any:
        """The same for a call that may change something. Raises OutcomeUnknown when it takes too long.

        After Broken it is not known either what was done.
        """
        return await self._call(what, call, kind, limit, writes=True, told=True)

    async def page(
        self,
        what: str,
        call: Callable[[], Awaitable[Page]],
        before: Cursor | None,
        *,
        limit: float | None = None,
    ) -> Page:
        """A page of a feed that went on from `before`; what it promises can be relied on."""
        page: Page = await self._call(what, call, Page, limit, writes=False, told=True)
        fault = _page_fault(what, page)
        if fault is not None:
            raise ContractBroken(fault)
        if page.more and page.cursor == (before or ""):
            # What it brought still lands, since there may be orders in it.
            stuck = ContractBroken(Reason("feed.not-moved", call=what))
            return msgspec.structs.replace(page, more=False, failure=page.failure or stuck)
        if page.failure is not None:
            _bounded(page.failure)
            if isinstance(page.failure, Forbidden):
                self._forbid(what, page.failure)
        return page

    def ask(self, what: str, call: Callable[[], Any], kind: Any = object) -> Any:
        """The answer of a call that waits for nothing. Raises the plugin's own error, or PluginFault."""
        try:
            answer = call()
        except PluginError:
            raise
        except BaseException as error:
            raise self._broken(what, error) from None
        return self._checked(what, answer, kind)

    async def _call(
        self,
        what: str,
        call: Callable[[], Awaitable[Any]],
        kind: Any,
        limit: float | None,
        *,
        writes: bool,
        told: bool,
    ) -> Any:
        if (stray := self._strays.hinders(self, what, writes)) is not None:
            raise Unavailable(Reason("call.stray", call=stray.what))
        limit = self._limit() if limit is None else limit
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()
        task = loop.create_task(_contained(call, ended), name=f"{what} of {self.who}")
        task.add_done_callback(partial(_release, ended))  # also where it was cancelled before it began
        timer = loop.call_later(limit, _release, ended)
        try:
            await ended
        except asyncio.CancelledError:
            await self._let_go(task, what, writes)
            raise
        finally:
            timer.cancel()
        if not task.done():
            await self._let_go(task, what, writes)
            late = Reason("call.time-out", seconds=f"{limit:g}")
            raise OutcomeUnknown(late) if writes else Unavailable(late)
        answer, error = task.result()
        if isinstance(error, PluginError):
            if isinstance(error, Forbidden):
                self._forbid(what, error)
            raise self._judged(error, told)
        if error is not None:
            raise self._broken(what, error) from None
        answer = self._checked(what, answer, kind)
        if what in self._failing:
            self._failing -= {what}
        if self._forbidden:
            self._forbidden.pop(what, None)
        if self._refusals is not None:
            self._refusals.worked()
        return answer

    async def _let_go(self, task: asyncio.Task[Any], what: str, writes: bool) -> None:
        """End a call that nobody waits for any more; leave it behind if it does not."""
        task.cancel()
        try:
            await asyncio.wait([task], timeout=LET_GO)
        finally:
            if not task.done():
                self._log.error("a plugin does not end its call, which is left behind", account=self.who, call=what)
                stray = OverdueCall(
                    account=self.who, what=what, writes=writes, since=self._clock.now(), task=task, calls=self
                )
                self._strays.add(stray)

    def _forbid(self, what: str, error: Forbidden) -> None:
        now = self._clock.now()
        known = self._forbidden.get(what)
        if known is None:
            self._log.error("the system forbids a call", account=self.who, call=what, reason=str(error))
        since = known.since if known is not None else now
        self._forbidden[what] = ForbiddenCall(what=what, reason=str(error), since=since, last=now)

    def _judged(self, error: PluginError, told: bool) -> PluginError:
        """The plugin's own error, with nothing in it that could stop a loop."""
        if isinstance(error, Temporary):
            _bounded(error)
        if (
            told
            and isinstance(error, AuthLost)
            and self._refusals is not None
            and not self._refusals.refused(error)
        ):
            return Unavailable(Reason("call.key-refused", error=error), code=error.code, status=error.status)
        return error

    def _checked(self, what: str, answer: Any, kind: Any) -> Any:
        if not isinstance(answer, kind):
            raise self._fault(what, Reason("connector.answer", call=what, given=type(answer).__name__))
        return answer

    def _broken(self, what: str, error: BaseException) -> PluginFault:
        if isinstance(error, asyncio.CancelledError):
            return self._fault(what, Reason("connector.broke-off", call=what), error)
        if isinstance(error, SystemExit | KeyboardInterrupt):
            return self._fault(what, Reason("connector.exit", call=what), error)
        return self._fault(what, Reason("connector.failed", what=type(error).__name__), error)

    def _fault(self, what: str, text: str, error: BaseException | None = None) -> PluginFault:
        # Once when it begins to fail, not at each of its tries.
        report = self._log.debug if what in self._failing else self._log.error
        self._failing |= {what}
        if not self._quiet:
            report("connector failed", account=self.who, call=what, reason=text, exc_info=error or False)
        return PluginFault(text, error)


async def _contained(
    call: Callable[[], Awaitable[Any]], ended: asyncio.Future[None]
) -> tuple[Any, BaseException | None]:
    """The answer, or whatever was raised: nothing passes, since an exit would end the loop that runs this.

    Who waits for `ended` goes on a turn of the loop before a callback of the task could say so.
    """
    try:
        return await call(), None
    except BaseException as error:
        return None, error
    finally:
        _release(ended)


def _release(ended: asyncio.Future[None], *_: object) -> None:
    if not ended.done():
        ended.set_result(None)


def _page_fault(what: str, page: Page) -> Reason | None:
    """What makes a page no page, whatever is in its records."""
    if isinstance(page.records, str | bytes) or not isinstance(page.records, Sequence):
        return Reason("feed.records", call=what, given=type(page.records).__name__)
    if not isinstance(page.cursor, str) or not _storable(page.cursor):
        return Reason("feed.cursor", call=what, given=type(page.cursor).__name__)
    if page.failure is not None and not isinstance(page.failure, PluginError):
        return Reason("feed.failure", call=what, given=type(page.failure).__name__)
    return None


def _storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _bounded(error: PluginError) -> None:
    """Believe no pause that is none: one that is no number would never be over."""
    if isinstance(error, Temporary):
        error.retry_after = seconds(error.retry_after)


def seconds(told: Any, longest: float = LONGEST_PAUSE) -> float | None:
    """A pause that a plugin asks for, as one that can be waited for; None where it is no number."""
    if not isinstance(told, int | float) or math.isnan(told):
        return None
    return min(max(0.0, float(told)), longest)
