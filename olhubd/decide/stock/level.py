"""What is to be done with one quantity of one offer. Pure.

A level is something that must be so, unlike a delivery, which must happen once. What is wanted may change ten times
before it is written, and only the last counts. Three rules keep it from selling what is not there:

Lowering is always allowed. Raising waits until the orders of the channel, and of the stock master, were read to
their end after what it is computed from was read, by the order of our own commits and no clock.

One write of a row is unsettled at a time. No newer value is sent while what became of the one before is unknown.

Success is a reading of what buyers see, after the other system has settled, and never the answer to the write.

What is allocated is never written as a number, which would put back what was sold a moment before, but as a change:
lowered by what it shows too much, raised by what is free, which `bound` says (`olhubd.decide.stock.exposure`).
"""

from __future__ import annotations

import enum
from datetime import datetime, timedelta

import msgspec

from olhubd.model import LevelKind, LevelStep, Reason, code_of

__all__ = [
    "RESTORED",
    "SELDOM",
    "TRIES",
    "Drift",
    "Move",
    "NextMove",
    "OfferLevel",
    "Phase",
    "Settled",
    "change_of",
    "given_back",
    "glimpse",
    "judge",
    "next_step",
    "put_off",
    "stale",
    "unread",
    "unread_and_stopped",
]

TRIES = 3
"""After so many writes in a row that were not kept it is reported to a person."""
RESTORED = "stop lifted"
"""By what an offer is brought back that could be bought when a person stopped all selling."""
SELDOM = timedelta(hours=1)
"""Between two tries of what is refused to be raised. It sells too little at worst, and waits for a person."""
_LONGEST_PAUSE = timedelta(minutes=15)


class Phase(enum.StrEnum):
    """How far the write of a row is. Its word is stored, so it never changes."""

    SETTLED = "settled"
    """Nothing was sent since it was read last."""
    SENT = "sent"
    """A command was kept and may have been sent. Its report is asked for, or it is looked up."""
    SETTLING = "settling"
    """The command is known to be done, or to be refused, or lost. It counts when it is read again."""


class Drift(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Somebody else changed an offer that showed what was `wanted`: `shown` is what it showed then. `after` is the
    newest event when the answer of that reading was there."""

    at: datetime
    shown: int
    wanted: int
    after: int


class OfferLevel(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One row: what an offer must show, and what is known of what it shows.

    `wanted_after` is the newest event when `wanted` was computed, `basis_after` the one after which all that it was
    computed from was read. `confirmed` is what a reading showed last, less what was sold since where the channel
    lowers it by itself; `confirmed_after` is the newest event when the answer of that reading was there.
    """

    offer: int
    account: str
    external_id: str
    wanted: int | None = None
    wanted_after: int = 0
    wanted_at: datetime | None = None
    """Since when it is to show what is wanted; None once a reading that was asked for after that has shown it."""
    basis_after: int = 0
    phase: Phase = Phase.SETTLED
    command: str | None = None
    step: LevelStep | None = None
    """What the command does."""
    sent: int | None = None
    """What the offer holds when it is done; 0 where it ends the offer."""
    sent_at: datetime | None = None
    confirmed: int | None = None
    confirmed_after: int = 0
    confirmed_at: datetime | None = None
    """When it was read last that the offer shows what was wanted."""
    active: bool = True
    """Whether the offer could be bought when it was read last."""
    inside: int | None = None
    """What it held when it was read last, whether it could be bought or not."""
    ended_here: bool = False
    """Whether stock control ended it, and nobody else."""
    resumes: bool = False
    """Whether it may be brought back by itself where a rule does so."""
    resume_by: str | None = None
    """Who asked to bring it back once."""
    drifts: tuple[Drift, ...] = ()
    """The last changes by somebody else."""
    disputed_at: datetime | None = None
    disputed_over: int | None = None
    """In dispute with somebody else since then, and what was wanted when it was written or left alone last."""
    due_at: datetime | None = None
    tries: int = 0
    """Writes in a row after which it did not show what was sent."""
    reason: str | None = None
    """Why it is not as wanted."""
    held: str | None = None
    """Why it may not be raised; None where nothing is against it."""
    beneath: int | None = None
    """What it would show if a person had not stopped all selling on its account; None where nobody has."""
    approved: int | None = None
    """What a person has approved to be sent, though it is further away than a rule allows."""
    currency: str | None = None
    """That of the amounts, where it is a price."""
    allocated: bool = False
    """Whether it has a share of what may be sold, and `wanted` is that share."""
    bound: int | None = None
    """The most that it may still sell, with what was bought of it by orders that have not landed. None where that
    is not known yet, and where it is not allocated."""
    bound_after: int = 0
    """The newest event when `bound` was changed by what happened here."""
    change: int | None = None
    """By how much the command changes the offer; None where it gives it a number."""
    reported: bool = False
    """Whether the command's own report says that it was done."""
    kind: LevelKind = LevelKind.QUANTITY
    scope: str = ""

    @property
    def ceiling(self) -> int:
        """The most that the offer may still sell as far as is known."""
        if self.bound is not None:
            return self.bound
        known = self.confirmed or 0
        return max(known, self.sent or 0) if self.phase is not Phase.SETTLED else known

    @property
    def even(self) -> bool:
        """Whether it shows what is wanted, or nothing is."""
        if self.phase is not Phase.SETTLED:
            return False
        if self.allocated and self.bound != (self.wanted if self.wanted is not None else self.confirmed):
            return False
        return self.wanted is None or (self.confirmed == self.wanted and (self.active or self.wanted == 0))


class Move(enum.Enum):
    """What is to be done with a row."""

    NOTHING = enum.auto()
    LOWER = enum.auto()
    RAISE = enum.auto()
    FILL = enum.auto()
    """It has ended: what it is to show is put into it first."""
    ACTIVATE = enum.auto()
    """It has ended and holds what it is to show: it is brought back."""
    TERMS = enum.auto()
    """It is to be raised, and whether the marketplace lists it again by itself is not known."""
    WAIT = enum.auto()
    """It is to be raised, and what that is computed from is not known well enough yet."""
    READ = enum.auto()
    """What it shows is not known."""
    HELD = enum.auto()
    """It cannot be done by itself; a person reads why."""


class NextMove(msgspec.Struct, frozen=True):
    """What is to be done, and for WAIT and HELD why, as the code of a reason."""

    move: Move
    why: str | None = None


def next_step(
    level: OfferLevel,
    read_through: int,
    now: datetime,
    *,
    barred: str | None = "level.ended",
    renews: bool | None = False,
    raises: bool = True,
) -> NextMove:
    """What is to be done with a row.

    `read_through`: the orders of its channel and of the stock master were read to their end, and this was the
    newest event when their last page was asked for. `barred`: why an offer that has ended is not brought back.
    `renews`: whether the marketplace lists it again by itself; None is not known. Without
    `raises` no rule shows more of an offer that can be bought.
    """
    if level.phase is not Phase.SETTLED:
        return NextMove(Move.NOTHING)
    if level.wanted is None:
        return NextMove(Move.NOTHING)
    if level.confirmed is None and not unread_and_stopped(level):
        return NextMove(Move.READ)
    lowers = level.active and (level.confirmed is None or level.wanted < level.confirmed)
    if put_off(level, now):
        return NextMove(Move.NOTHING)
    if stale(level) and level.confirmed is not None:
        return NextMove(Move.READ)
    if lowers:
        return _lower(level, level.wanted)
    if level.wanted == (level.confirmed if level.active else 0):
        return NextMove(Move.NOTHING)
    if not level.active and barred is not None:
        return NextMove(Move.HELD, barred)
    if level.held is not None and not given_back(level):
        return NextMove(Move.HELD, level.held)
    if level.active and not raises and level.resume_by != RESTORED:
        return NextMove(Move.HELD, Reason("level.raise-off", wanted=level.wanted))
    if level.disputed_over is not None:
        return NextMove(Move.HELD, "level.disputed")
    basis = max(level.basis_after, level.confirmed_after)
    if level.allocated:
        if level.bound is None or level.bound >= level.wanted or (level.bound and not level.active):
            # What it shows less was sold by an order that has not landed, or is somebody else's doing.
            return NextMove(Move.HELD, "level.unexplained")
        # Sales that have not landed are counted in it, so its own orders need not be read before.
        basis = level.basis_after
    # Equal is not later: of two things that were asked for between the same two commits either may be the first.
    if read_through <= basis:
        return NextMove(Move.WAIT, "level.orders-not-read")
    if not level.active:
        return NextMove(Move.ACTIVATE if level.inside == level.wanted else Move.FILL)
    if renews is None:
        return NextMove(Move.TERMS)
    return NextMove(Move.HELD, "level.republishes") if renews else NextMove(Move.RAISE)


def put_off(level: OfferLevel, now: datetime) -> bool:
    """Whether it is tried again later only.

    No row waits longer than the number of its tries gives. A time further away was set by a clock that was ahead.
    """
    if level.due_at is None or level.due_at <= now:
        return False
    raises = (level.wanted or 0) > (level.confirmed or 0)
    longest = SELDOM if raises and level.tries >= TRIES else _pause(level.tries)
    return level.due_at <= now + longest


def given_back(level: OfferLevel) -> bool:
    """Whether it comes back to what it was to show before a stop: what the brake holds, or a rule that raises
    nothing, is no more than that."""
    return level.resume_by == RESTORED and code_of(level.held) in ("level.braked", "level.raise-off")


def unread_and_stopped(level: OfferLevel) -> bool:
    """Whether a person has stopped all selling, and it is not known what the offer shows: it is ended without being
    asked first."""
    return level.beneath is not None and level.confirmed is None and level.active


def stale(level: OfferLevel) -> bool:
    """Whether what was read of an allocated offer was read by an earlier process, or is older than a sale of it
    that is known by now, or shows that somebody else has raised it. Another reading says which."""
    if level.phase is not Phase.SETTLED or not level.allocated:
        return False
    older = level.bound is not None and level.active and level.bound < (level.confirmed or 0)
    return older or level.inside is None


def change_of(level: OfferLevel) -> int | None:
    """By how much an allocated offer is to be changed; None where it is to be given a number.

    It is lowered by what it shows too much, and raised by what it may sell more: what was bought of it by orders
    that have not landed is not put back.
    """
    if not level.allocated or not level.active or level.wanted is None or level.confirmed is None:
        return None
    shown = level.confirmed
    return level.wanted - (shown if level.wanted < shown else level.bound or 0)


def _lower(level: OfferLevel, wanted: int) -> NextMove:
    """Lowering goes on whatever was refused. In dispute it goes on when less is wanted than was in dispute, or when
    a person has stopped all selling."""
    if level.beneath is None and level.disputed_over is not None and wanted >= level.disputed_over:
        return NextMove(Move.HELD, "level.disputed")
    return NextMove(Move.LOWER)


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """How a row stands after it was read. `alarm` is the code of what is reported to a person."""

    level: OfferLevel
    alarm: str | None = None


def judge(level: OfferLevel, shown: int, active: bool, asked: int, after: int, now: datetime) -> Settled:
    """A reading of what buyers see: the offer holds `shown`. `asked` was the newest event when it was asked for,
    `after` when its answer was there.

    A row whose command may still act is not settled by a reading: what is read now may be before the act.
    """
    if level.phase is Phase.SENT:
        return Settled(level=level)
    quantity = shown if active else 0
    # Fewer than were sent may be a sale that has not landed. Then less is wanted soon, and the count begins again.
    there = shown if level.step is LevelStep.FILL and not active else quantity
    missed = level.phase is Phase.SETTLING and level.sent is not None and there != level.sent
    if level.change is not None:
        # A change has no number that it must come to: what was sold meanwhile is less.
        missed = missed and (there > (level.sent or 0) if level.change < 0 else there <= (level.confirmed or 0))
    ended = level.phase is Phase.SETTLING and level.sent == 0 and level.active
    tries = level.tries + 1 if missed else (0 if quantity == level.wanted else level.tries)
    right = quantity == level.wanted
    read = msgspec.structs.replace(
        level,
        phase=Phase.SETTLED,
        command=None,
        step=None,
        sent=None,
        sent_at=None,
        change=None,
        reported=False,
        bound=_bound(level, shown, active, asked) if level.bound is not None else None,
        confirmed=quantity,
        confirmed_after=after,
        confirmed_at=now if right else level.confirmed_at,
        active=active,
        inside=shown,
        ended_here=not active and (ended or level.ended_here),
        resume_by=None if active and not _coming_back(level, quantity) else level.resume_by,
        # By the order of our own commits: a clock that jumps makes nobody a meddler, and hides none.
        wanted_at=None if right and asked >= level.wanted_after else level.wanted_at,
        tries=tries,
        due_at=now + _pause(tries) if missed else None,
        reason=None if right else level.reason,
    )
    return Settled(level=read, alarm="level.not-kept" if missed and tries >= TRIES else None)


def glimpse(
    level: OfferLevel, shown: int, active: bool, asked: int, after: int, now: datetime
) -> OfferLevel | None:
    """The level as a reading proves it that was made before the other system has settled; None where it proves
    nothing, since it may be from before the write.

    It proves what was reported as done where it shows that, and did not show it before. The row stays unsettled:
    what is read within that time may be older still.
    """
    quantity = shown if active else 0
    if level.phase is not Phase.SETTLING or not level.reported or level.allocated or level.step is LevelStep.FILL:
        return None
    if level.sent != quantity or level.wanted != quantity or level.confirmed in (None, quantity):
        return None
    return msgspec.structs.replace(
        level,
        confirmed=quantity,
        confirmed_after=after,
        confirmed_at=now,
        active=active,
        inside=shown,
        ended_here=not active and ((level.sent == 0 and level.active) or level.ended_here),
        wanted_at=None if asked >= level.wanted_after else level.wanted_at,
        reason=None,
    )


def _coming_back(level: OfferLevel, quantity: int) -> bool:
    """Whether it shows less than it did before a stop that is lifted."""
    return level.resume_by == RESTORED and quantity < (level.wanted or 0)


def _bound(level: OfferLevel, shown: int, active: bool, asked: int) -> int:
    """The most that the offer may still sell, after a reading. Only what its own command took makes it less."""
    bound, quantity = level.bound or 0, shown if active else 0
    if level.phase is Phase.SETTLING and level.reported:
        if level.change is not None and level.change < 0 and 0 < quantity <= bound + level.change:
            # Of one that shows nothing a system may have taken less than was asked for.
            bound += level.change
        elif level.sent == 0 and level.step is LevelStep.SHOW and level.change is None and not active:
            # It keeps what it held when it was ended.
            bound = max(0, bound - shown)
    # Somebody else has raised it; unless the reading is older than a sale that is known by now.
    return max(bound, quantity) if asked >= level.bound_after else bound


def unread(level: OfferLevel, now: datetime) -> Settled:
    """The offer is there, and what it shows is not known. The row stays so, and is read again, ever later."""
    if level.phase is Phase.SETTLED and unread_and_stopped(level):
        # Only what becomes of its writes puts off the next one.
        return Settled(level=level)
    tries = level.tries + 1
    later = msgspec.structs.replace(
        level, tries=tries, due_at=now + _pause(tries), reason=Reason("level.unreadable")
    )
    return Settled(level=later, alarm="level.not-read" if tries == TRIES else None)


def _pause(tries: int) -> timedelta:
    return timedelta(seconds=min(_LONGEST_PAUSE.total_seconds(), 5 * 4 ** (tries - 1)))
