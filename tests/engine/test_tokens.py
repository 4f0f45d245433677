"""The keeper of a token: one renewal at a time, durable before first use, lost only when definitely refused.

A grant that cannot be renewed parks its account. Time is virtual.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from datetime import datetime, timedelta

import looptime
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from olhubd.engine.access.tokens import BorrowedToken, StoredTokens, TokenKeeper
from olhubd.plugin import (
    AuthLost,
    ContractBroken,
    OutcomeUnknown,
    PluginError,
    RateLimited,
    Rejected,
    Token,
    Tokens,
    Unavailable,
)
from olhubd_kit.virtual_clock import VirtualClock

pytestmark = pytest.mark.looptime

HOUR = timedelta(hours=1)


class Server:
    """An authorization server that rotates refresh tokens and still takes the last one for 60 seconds.

    `failures` strike the next renewals, before acting or (`after`) once the token has been rotated.
    """

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.serial = itertools.count(1)
        self.valid: dict[str, datetime | None] = {}
        self.asked: list[str] = []
        self.failures: list[tuple[PluginError | None, PluginError | None]] = []
        self.seconds = 1.0
        self.rotates = True
        self.says: str | None = None
        """Whose a renewed token is, where it says so."""

    def issue(self, owner: str | None = "seller-1") -> Token:
        n = next(self.serial)
        self.valid[f"refresh-{n}"] = None
        now = self.clock.now()
        return Token(
            access=f"access-{n}",
            refresh=f"refresh-{n}" if self.rotates else None,
            expires_at=now + HOUR,
            refresh_expires_at=now + 24 * HOUR,
            owner=owner,
        )

    def fail(self, before: PluginError | None = None, after: PluginError | None = None) -> None:
        self.failures.append((before, after))

    async def refresh(self, token: Token) -> Token:
        assert token.refresh is not None
        self.asked.append(token.refresh)
        await asyncio.sleep(self.seconds)
        before, after = self.failures.pop(0) if self.failures else (None, None)
        if before is not None:
            raise before
        until = self.valid.get(token.refresh, self.clock.now())
        if until is not None and until <= self.clock.now():
            raise AuthLost("invalid_grant")
        if self.rotates:
            self.valid[token.refresh] = until or self.clock.now() + timedelta(seconds=60)
        fresh = self.issue(self.says)
        if after is not None:
            raise after
        return fresh


class Disk:
    """A vault whose writes take time; `durable` is what a restart would find. `fails` breaks the next saves."""

    def __init__(self) -> None:
        self.durable: dict[str, StoredTokens] = {}
        self.fails = 0
        self.journal: list[str] = []

    async def load(self, account: str) -> StoredTokens | None:
        await asyncio.sleep(0)
        return self.durable.get(account)

    async def save(self, account: str, token: Token) -> None:
        await asyncio.sleep(0.5)
        if self.fails:
            self.fails -= 1
            raise OSError(28, "No space left on device")
        old = self.durable.get(account)
        self.durable[account] = StoredTokens(token=token, previous=old.token if old else None)
        self.journal.append(f"save {token.access}")

    async def mark(self, account: str, at: datetime | None) -> None:
        await asyncio.sleep(0)
        self.durable[account] = msgspec.structs.replace(self.durable[account], refreshing_at=at)
        self.journal.append("mark" if at else "unmark")


class Desk:
    """All around one keeper. `restart` forgets what is in memory; with `machine` the keys alone give a token."""

    def __init__(self, *, signed_in: bool = True, machine: bool = False) -> None:
        self.machine = machine
        self.clock = VirtualClock()
        self.server = Server(self.clock)
        self.disk = Disk()
        self.parked: list[str] = []
        self.secrets: list[str] = []
        if signed_in:
            self.disk.durable["main"] = StoredTokens(token=self.server.issue())
        self.keeper = self.restart()

    def restart(self) -> TokenKeeper:
        self.keeper = TokenKeeper(
            "main",
            self.disk,
            self.server.refresh,
            self.clock,
            self.park,
            learned=self.secrets.append,
            obtain=self.obtain,
        )
        return self.keeper

    async def obtain(self) -> Token | None:
        if not self.machine:
            return None
        self.server.asked.append("keys")
        await asyncio.sleep(1.0)
        before, after = self.server.failures.pop(0) if self.server.failures else (None, None)
        if before or after:
            raise before or after  # type: ignore[misc]
        return msgspec.structs.replace(self.server.issue(), refresh=None, refresh_expires_at=None)

    async def park(self, refusal: AuthLost) -> None:
        await asyncio.sleep(0)
        self.parked.append(str(refusal))

    @property
    def kept(self) -> StoredTokens:
        return self.disk.durable["main"]


async def test_it_fits_the_contract_and_costs_no_call_while_fresh() -> None:
    desk = Desk()
    tokens: Tokens = desk.keeper
    assert [await tokens.access() for _ in range(3)] == ["access-1"] * 3
    assert not desk.server.asked
    with pytest.raises(StopIteration):
        desk.keeper.access().send(None)  # not even a turn of the loop


async def test_it_is_renewed_ahead_of_its_end_while_it_still_serves() -> None:
    desk = Desk()
    await desk.keeper.access()
    await asyncio.sleep(3600 - 301)
    assert await desk.keeper.access() == "access-1"
    assert not desk.server.asked
    await asyncio.sleep(2)
    assert await desk.keeper.access() == "access-1"  # nobody waits for the renewal
    await asyncio.sleep(2)
    assert await desk.keeper.access() == "access-2"
    assert desk.server.asked == ["refresh-1"]
    assert desk.keeper.expires_at == desk.kept.token.expires_at
    assert desk.keeper.refresh_expires_at == desk.kept.token.refresh_expires_at


async def test_many_who_find_it_over_cause_one_renewal() -> None:
    desk = Desk()
    await desk.keeper.access()
    await asyncio.sleep(2 * 3600)
    assert await asyncio.gather(*(desk.keeper.access() for _ in range(50))) == ["access-2"] * 50
    assert desk.server.asked == ["refresh-1"]


async def test_concurrent_refusals_of_one_token_cause_one_renewal() -> None:
    desk = Desk()

    async def call(delay: float) -> str:
        access = await desk.keeper.access()
        await asyncio.sleep(delay)
        await desk.keeper.refused(access)
        return await desk.keeper.access()

    # Some answers arrive before, some during and some after the renewal that the first one causes.
    assert await asyncio.gather(*(call(i / 10) for i in range(50))) == ["access-2"] * 50
    assert desk.server.asked == ["refresh-1"]


async def test_a_token_that_no_person_grants_is_asked_for_once_and_kept() -> None:
    desk = Desk(signed_in=False, machine=True)
    assert await asyncio.gather(*(desk.keeper.access() for _ in range(20))) == ["access-1"] * 20
    assert desk.server.asked == ["keys"]
    assert desk.kept.token.access == "access-1"
    assert await desk.restart().access() == "access-1"
    assert desk.server.asked == ["keys"]
    assert not desk.parked


async def test_a_token_that_no_person_grants_is_asked_for_again_when_it_ends() -> None:
    desk = Desk(signed_in=False, machine=True)
    await desk.keeper.access()
    await asyncio.sleep(2 * 3600)
    assert await desk.keeper.access() == "access-2"
    await desk.keeper.refused("access-2")
    assert await desk.keeper.access() == "access-3"
    assert desk.server.asked == ["keys"] * 3
    assert not desk.parked


@pytest.mark.parametrize("failure", [Unavailable("down"), OutcomeUnknown("lost"), Rejected("wrong keys")])
async def test_keys_that_give_no_token_just_now_park_nobody(failure: PluginError) -> None:
    """Asking once more after a lost answer gives another token, and harms none."""
    desk = Desk(signed_in=False, machine=True)
    desk.server.fail(before=failure)
    with pytest.raises(Unavailable, match="could not be renewed"):
        await desk.keeper.access()
    await asyncio.sleep(3)
    assert await desk.keeper.access() == "access-1"
    assert not desk.parked


async def test_a_new_token_is_durable_before_its_first_use() -> None:
    desk = Desk()
    await desk.keeper.access()
    await desk.keeper.refused("access-1")
    waiting = asyncio.create_task(desk.keeper.access())
    await asyncio.sleep(1.4)  # renewed at 1.0, stored at 1.5
    assert not waiting.done()
    assert desk.kept.token.access == "access-1"
    assert await waiting == "access-2"
    assert desk.kept.token.access == "access-2"
    assert desk.kept.previous is not None
    assert desk.kept.previous.access == "access-1"
    assert desk.disk.journal == ["mark", "save access-2"]


async def test_a_token_that_cannot_be_stored_is_not_used_and_not_lost() -> None:
    desk = Desk()
    await desk.keeper.access()
    await desk.keeper.refused("access-1")
    desk.disk.fails = 2
    for _ in range(2):
        with pytest.raises(Unavailable, match="OSError") as caught:
            await desk.keeper.access()
        assert caught.value.retry_after is not None
        await asyncio.sleep(caught.value.retry_after)
    assert await desk.keeper.access() == "access-2"
    assert desk.server.asked == ["refresh-1"]  # the rotated token was in hand all the time


async def test_closing_stores_what_could_not_be_stored() -> None:
    desk = Desk()
    await desk.keeper.access()
    await desk.keeper.refused("access-1")
    desk.disk.fails = 1
    with pytest.raises(Unavailable):
        await desk.keeper.access()
    await desk.keeper.close()
    assert desk.kept.token.access == "access-2"


async def test_a_cancelled_waiter_does_not_cancel_the_renewal() -> None:
    desk = Desk()
    await desk.keeper.access()
    await desk.keeper.refused("access-1")
    first, second = (asyncio.create_task(desk.keeper.access()) for _ in range(2))
    await asyncio.sleep(0.5)
    first.cancel()
    assert await second == "access-2"
    assert first.cancelled()
    third = asyncio.create_task(desk.keeper.access())
    await third
    await desk.keeper.refused("access-2")
    only = asyncio.create_task(desk.keeper.access())
    await asyncio.sleep(0.5)
    only.cancel()
    await desk.keeper.close()
    assert desk.kept.token.access == "access-3"
    assert desk.server.asked == ["refresh-1", "refresh-2"]


async def test_a_lost_answer_is_asked_for_once_more_with_the_kept_token() -> None:
    desk = Desk()
    await desk.keeper.access()
    await desk.keeper.refused("access-1")
    desk.server.fail(after=OutcomeUnknown("cut"))
    assert await desk.keeper.access() == "access-3"
    assert desk.server.asked == ["refresh-1", "refresh-1"]
    assert not desk.parked


async def test_a_lost_answer_is_asked_for_again_within_the_minute_in_which_the_old_token_is_taken() -> None:
    """Part of ACC-20. Three answers lost in a row, then a server that is away: nobody parks for that."""
    desk = Desk()
    await desk.keeper.access()
    await desk.keeper.refused("access-1")
    for _ in range(3):
        desk.server.fail(after=OutcomeUnknown("cut"))
    desk.server.fail(before=RateLimited("a shut gate", retry_after=60.0))
    assert await desk.keeper.access() == "access-5"
    assert not desk.parked


async def test_who_closes_the_keeper_does_not_wait_for_further_tries() -> None:
    desk = Desk()
    await desk.keeper.access()
    await desk.keeper.refused("access-1")
    for _ in range(5):
        desk.server.fail(after=OutcomeUnknown("cut"))
    asking = asyncio.create_task(desk.keeper.access())
    await asyncio.sleep(4.5)  # the third try was lost, the fourth is seconds away
    began = desk.clock.monotonic()
    await desk.keeper.close()
    assert desk.clock.monotonic() - began < 1
    with pytest.raises(Unavailable):
        await asking
    assert desk.kept.refreshing_at is not None


async def test_who_closes_the_keeper_waits_for_a_second_try_at_once() -> None:
    """A stop of a minute would else outlast the time in which the old token is taken."""
    desk = Desk()
    await desk.keeper.access()
    await desk.keeper.refused("access-1")
    desk.server.fail(after=OutcomeUnknown("cut"))
    asking = asyncio.create_task(desk.keeper.access())
    await asyncio.sleep(0.5)
    await desk.keeper.close()
    await asking
    desk.restart()
    await asyncio.sleep(61)
    assert await desk.keeper.access() == "access-3"
    assert not desk.parked


async def test_an_outcome_that_stays_unknown_leaves_the_mark_and_a_restart_asks_at_once() -> None:
    desk = Desk()
    await desk.keeper.access()
    await asyncio.sleep(3400)  # due, not over
    desk.server.fail(after=OutcomeUnknown("cut"))
    for _ in range(4):
        desk.server.fail(before=Unavailable("down"))
    assert await desk.keeper.access() == "access-1"
    await asyncio.sleep(26)
    began = desk.kept.refreshing_at
    assert began is not None
    desk.restart()
    assert await desk.keeper.access() == "access-3"  # well within the time in which the old one is still taken
    assert desk.kept.refreshing_at is None


async def test_a_renewal_that_surely_had_no_effect_leaves_no_mark() -> None:
    desk = Desk()
    await desk.keeper.access()
    await desk.keeper.refused("access-1")
    desk.server.fail(before=Unavailable("no route"))
    with pytest.raises(Unavailable):
        await desk.keeper.access()
    assert desk.kept.refreshing_at is None
    assert desk.disk.journal == ["mark", "unmark"]


async def test_temporary_failures_are_told_spaced_out_and_lose_nothing() -> None:
    desk = Desk()
    await desk.keeper.access()
    await asyncio.sleep(3601)
    for error in (Unavailable("down", status=502), RateLimited("slow", retry_after=40.0), ContractBroken("html")):
        desk.server.fail(before=error)
    pauses = []
    for _ in range(3):
        with pytest.raises(Unavailable, match="the token of main could not be renewed") as caught:
            await desk.keeper.access()
        before = len(desk.server.asked)
        with pytest.raises(Unavailable):
            await desk.keeper.access()  # too soon: the server is not asked
        assert len(desk.server.asked) == before
        assert caught.value.retry_after is not None
        pauses.append(caught.value.retry_after)
        await asyncio.sleep(caught.value.retry_after)
    assert pauses == [2.0, 40.0, 8.0]
    assert await desk.keeper.access() == "access-2"
    assert not desk.parked


async def test_a_token_that_is_not_over_serves_on_while_the_server_is_down() -> None:
    desk = Desk()
    await desk.keeper.access()
    await asyncio.sleep(3400)
    for _ in range(30):
        desk.server.fail(before=Unavailable("down"))
    for _ in range(19):
        assert await desk.keeper.access() == "access-1"
        await asyncio.sleep(10)
    assert 3 <= len(desk.server.asked) <= 8


async def test_a_definite_refusal_parks_the_account_once() -> None:
    """ACC-19."""
    desk = Desk()
    await desk.keeper.access()
    desk.server.valid.clear()
    await desk.keeper.refused("access-1")
    results = await asyncio.gather(*(desk.keeper.access() for _ in range(10)), return_exceptions=True)
    assert all(isinstance(r, AuthLost) for r in results)
    with pytest.raises(AuthLost, match="invalid_grant"):
        await desk.keeper.access()
    assert desk.parked == ["invalid_grant"]
    assert desk.server.asked == ["refresh-1"]
    assert desk.kept.refreshing_at is None, "no renewal is under way that a restart must settle"
    assert desk.kept.token.access == "access-1"  # kept for whoever looks into it


async def test_before_it_counts_as_lost_the_previous_token_is_tried() -> None:
    desk = Desk()
    await desk.keeper.access()
    await desk.keeper.refused("access-1")
    assert await desk.keeper.access() == "access-2"
    del desk.server.valid["refresh-2"]  # the server was restored from a copy of a minute ago
    await desk.keeper.refused("access-2")
    assert await desk.keeper.access() == "access-3"
    assert desk.server.asked == ["refresh-1", "refresh-2", "refresh-1"]
    assert not desk.parked


async def test_while_the_previous_token_cannot_be_tried_nothing_is_lost() -> None:
    desk = Desk()
    await desk.keeper.access()
    await desk.keeper.refused("access-1")
    await desk.keeper.access()
    del desk.server.valid["refresh-2"]
    await desk.keeper.refused("access-2")
    desk.server.fail()
    desk.server.fail(before=Unavailable("down"))
    with pytest.raises(Unavailable):
        await desk.keeper.access()
    assert not desk.parked


async def test_nobody_has_signed_in() -> None:
    desk = Desk(signed_in=False)
    with pytest.raises(AuthLost, match="nobody has signed in to main"):
        await desk.keeper.access()
    assert desk.parked == ["nobody has signed in to main"]
    assert desk.keeper.expires_at is None
    await desk.keeper.adopt(desk.server.issue())
    assert await desk.keeper.access() == "access-1"
    assert desk.kept.token.access == "access-1"


async def test_a_token_that_cannot_be_renewed_is_lost_with_its_end() -> None:
    desk = Desk(signed_in=False)
    desk.server.rotates = False
    await desk.keeper.adopt(desk.server.issue())
    assert await desk.keeper.access() == "access-1"
    await asyncio.sleep(3600)
    with pytest.raises(AuthLost, match="cannot be renewed"):
        await desk.keeper.access()


async def test_a_server_that_does_not_rotate_keeps_its_refresh_token() -> None:
    desk = Desk()
    await desk.keeper.access()
    desk.server.rotates = False
    await desk.keeper.refused("access-1")
    assert await desk.keeper.access() == "access-2"
    assert desk.kept.token.refresh == "refresh-1"
    assert desk.kept.token.owner == "seller-1"


@pytest.mark.parametrize("owner", ["seller-2", None])
async def test_another_sellers_sign_in_is_refused(owner: str | None) -> None:
    desk = Desk()
    with pytest.raises(Rejected, match="main belongs to seller-1") as caught:
        await desk.keeper.adopt(desk.server.issue(owner))
    assert caught.value.field == "owner"
    assert await desk.keeper.access() == "access-1"


async def test_a_renewal_moves_an_account_to_no_other_seller() -> None:
    """Whatever its server says: the account's own seller can still sign in to it, and the other one cannot."""
    desk = Desk()
    await desk.keeper.access()
    desk.server.says = "seller-2"
    await desk.keeper.refused("access-1")
    assert await desk.keeper.access() == "access-2"
    assert desk.kept.token.owner == "seller-1"
    with pytest.raises(Rejected, match="main belongs to seller-1"):
        await desk.keeper.adopt(desk.server.issue("seller-2"))
    await desk.keeper.adopt(desk.server.issue("seller-1"))


async def test_signing_in_again_ends_a_lost_grant() -> None:
    desk = Desk()
    await desk.keeper.access()
    desk.server.valid.clear()
    await desk.keeper.refused("access-1")
    with pytest.raises(AuthLost):
        await desk.keeper.access()
    await desk.keeper.adopt(desk.server.issue())
    assert await desk.keeper.access() == "access-2"


async def test_a_sign_in_during_a_renewal_has_the_last_word() -> None:
    desk = Desk()
    await desk.keeper.access()
    await desk.keeper.refused("access-1")
    asking = asyncio.create_task(desk.keeper.access())
    await asyncio.sleep(0.5)
    signed = desk.server.issue()
    await desk.keeper.adopt(signed)
    await asking
    assert await desk.keeper.access() == signed.access
    assert desk.kept.token == signed


async def test_a_token_renewed_by_another_process_is_taken_over() -> None:
    desk = Desk()
    await desk.keeper.access()
    desk.disk.durable["main"] = StoredTokens(token=desk.server.issue())
    await desk.keeper.refused("access-1")
    assert await desk.keeper.access() == "access-2"
    assert not desk.server.asked


async def test_a_server_that_never_answers_is_given_up() -> None:
    desk = Desk()
    await desk.keeper.access()
    await desk.keeper.refused("access-1")
    desk.server.seconds = 1e6
    with pytest.raises(Unavailable, match="no answer in time"):
        await desk.keeper.access()
    assert desk.kept.refreshing_at is not None


async def test_secrets_are_made_known_for_redaction() -> None:
    desk = Desk()
    await desk.keeper.access()
    await desk.keeper.refused("access-1")
    await desk.keeper.access()
    assert {"access-1", "refresh-1", "access-2", "refresh-2"} <= set(desk.secrets)
    assert "access" not in repr(desk.kept.token).removeprefix("Token(")


async def test_a_borrowed_token_is_never_replaced() -> None:
    loan: Tokens = BorrowedToken(Desk(signed_in=False).server.issue())
    await loan.refused("access-1")
    assert await loan.access() == "access-1"


async def patiently(keeper: TokenKeeper) -> str:
    while True:
        try:
            return await keeper.access()
        except Unavailable as error:
            await asyncio.sleep(error.retry_after or 1.0)


FAILURES: list[Callable[[], tuple[PluginError | None, PluginError | None]]] = [
    lambda: (None, None),
    lambda: (Unavailable("down"), None),
    lambda: (RateLimited("slow", retry_after=3.0), None),
    lambda: (OutcomeUnknown("cut"), None),
    lambda: (None, OutcomeUnknown("cut")),
]


@given(
    failures=st.lists(st.sampled_from(FAILURES), max_size=4),
    deaths=st.lists(st.floats(0.0, 6.0), max_size=2),
    broken_saves=st.integers(0, 1),
)
@settings(max_examples=100)
def test_no_grant_is_lost_by_failures_and_sudden_deaths(
    failures: list[Callable[[], tuple[PluginError | None, PluginError | None]]],
    deaths: list[float],
    broken_saves: int,
) -> None:
    """Whatever fails on the way and whenever the process dies, a restart within the server's tolerance recovers."""

    async def run() -> None:
        desk = Desk()
        desk.server.failures = [failure() for failure in failures]
        desk.disk.fails = broken_saves
        await desk.keeper.access()
        await desk.keeper.refused("access-1")
        for death in deaths:
            task = asyncio.create_task(desk.keeper.access())
            await asyncio.sleep(death)
            if desk.keeper._work is not None:  # kill -9: the work ends at whatever await it was in
                desk.keeper._work.cancel()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            desk.disk.fails = 0
            desk.restart()
        access = await patiently(desk.keeper)
        assert desk.kept.token.access == access
        # Whatever it is, it can still be renewed: the grant itself survived.
        await desk.keeper.refused(access)
        assert await patiently(desk.keeper) != access
        assert not desk.parked

    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        runner.run(run())
