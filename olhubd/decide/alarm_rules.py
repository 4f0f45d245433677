"""Which alarms there should be, from the facts of one moment. Pure: the caller gathers the facts, raises and
clears.

What somebody wanted is no alarm: an account that a person paused is asked for nothing but its journal's age, since
what a journal forgets meanwhile is lost whatever was meant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from olhubd.model import AlarmKind, Reason, Reconciliation

__all__ = [
    "AlarmFacts",
    "AlarmFinding",
    "AlarmLimits",
    "FailingFeed",
    "LinkedOffers",
    "SourceFacts",
    "TargetFacts",
    "findings",
    "span",
]


_ANY = timedelta()
_NAMED = 5


class AlarmFinding(msgspec.Struct, frozen=True, kw_only=True):
    """That something is wrong now. `detail` is for people and may change while it stays wrong."""

    kind: AlarmKind
    subject: str
    detail: str
    since: datetime | None = None
    """One that was raised before is over, and this is another: a reminder that comes again."""

    @property
    def key(self) -> tuple[AlarmKind, str]:
        return self.kind, self.subject


class AlarmLimits(msgspec.Struct, frozen=True, kw_only=True):
    """From when on it is wrong."""

    feed: timedelta
    retention: float
    undelivered: timedelta
    target_down: timedelta
    sign_in: timedelta
    disk: int
    unchecked: timedelta = timedelta(days=3)
    loop: timedelta = timedelta(minutes=2)
    stranger: timedelta = timedelta(minutes=15)


class FailingFeed(msgspec.Struct, frozen=True, kw_only=True):
    """A feed of something else than orders and cannot be read."""

    name: str
    since: datetime
    reason: str


class SourceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """An account as far as it is read from. `heard` is up to when all is known, `checked` when it was last
    reconciled; both None for never, and then counted from `began`."""

    name: str
    active: bool
    parked: str | None
    fetches: bool
    began: datetime
    heard: datetime | None
    checked: datetime | None
    interval: timedelta
    retention: timedelta | None
    signed_in: bool | None
    sign_in_ends: datetime | None
    missed: int
    quarantined: int
    differences: Sequence[Reconciliation]
    trouble: str | None = None
    """What keeps it from being read, or reached at all, now."""
    refused_since: datetime | None = None
    """Since when its key has been refused."""
    comparable: bool = True
    """Whether its orders can be compared with the source's at all."""
    failing: Sequence[FailingFeed] = ()
    """Its feeds beside that of orders that cannot be read."""
    import_due: datetime | None = None
    """Since when a person is to be reminded that its products were not read on this day, by the seller's clock."""
    missing: Sequence[str] = ()
    """Settings that its system requires and that it lacks."""
    forbidden: Sequence[str] = ()
    """What its system answered where it forbids a call by a code that nobody knows."""


class UnknownOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order with our mark at a target, whose own order is not known.

    `sweep` is how often its source is swept where it cannot be asked for one order.
    """

    number: str
    reference: str
    since: datetime
    sweep: timedelta | None = None


class TargetFacts(msgspec.Struct, frozen=True, kw_only=True):
    """An account as a target of deliveries. `owed_since` leaves out what waits by a route's wish."""

    name: str
    active: bool
    down_since: datetime | None
    owed_since: datetime | None
    held: int
    dead: int
    unmet: str | None = None
    """Why it has never answered yet; None where it has, or nobody knows."""
    doubled: int = 0
    strangers: Sequence[UnknownOrder] = ()


class LinkedOffers(msgspec.Struct, frozen=True, kw_only=True):
    """How many offers of an account are linked, and the numbers of the first."""

    count: int
    names: Sequence[str]


class AlarmFacts(msgspec.Struct, frozen=True, kw_only=True):
    """`late` and `failing_since` are of the daemon's own tasks; `free` are bytes, None where they are not known;
    `stalled` has the accounts that could not begin, with the reason; `left` what was cancelled and did not end."""

    now: datetime
    sources: Sequence[SourceFacts]
    targets: Sequence[TargetFacts]
    late: Mapping[str, float]
    failing_since: Mapping[str, datetime]
    free: int | None
    database: bool
    stalled: Mapping[str, str] = {}
    left: Sequence[str] = ()
    doubted: Mapping[str, int] = {}
    """How many offers of an account are not raised, since their links are in doubt."""
    gone: Mapping[str, LinkedOffers] = {}
    """Accounts that the configuration names no more, and that have linked offers."""


def findings(facts: AlarmFacts, limits: AlarmLimits) -> Iterator[AlarmFinding]:
    """Everything that is wrong, but silence, which has a memory of its own."""
    for name, reason in facts.stalled.items():
        yield AlarmFinding(kind=AlarmKind.PARKED, subject=name, detail=reason)
    for source in facts.sources:
        yield from _source(source, facts.now, limits)
    for target in facts.targets:
        yield from _target(target, facts.now, limits)
    yield from _links(facts)
    yield from _daemon(facts, limits)


def _source(source: SourceFacts, now: datetime, limits: AlarmLimits) -> Iterator[AlarmFinding]:
    name = source.name
    if source.parked is not None:
        yield AlarmFinding(kind=AlarmKind.PARKED, subject=name, detail=source.parked)
    if source.quarantined:
        text = Reason("alarm.quarantine", n=source.quarantined)
        yield AlarmFinding(kind=AlarmKind.QUARANTINE, subject=name, detail=text)
    if source.missed:
        text = Reason("alarm.missed", n=source.missed)
        yield AlarmFinding(kind=AlarmKind.MISSED, subject=name, detail=text)
    if source.differences:
        yield AlarmFinding(kind=AlarmKind.RECONCILIATION, subject=name, detail=_difference(source.differences))
    if source.signed_in is not None and (source.active or source.parked is not None):
        yield from _sign_in(source, now, limits)
    if source.missing:
        text = Reason("alarm.setting", account=name, key=source.missing[0], keys=", ".join(source.missing))
        yield AlarmFinding(kind=AlarmKind.SETTING, subject=name, detail=text)
    if source.active and source.forbidden:
        text = Reason("alarm.forbidden", error=source.forbidden[0])
        yield AlarmFinding(kind=AlarmKind.FORBIDDEN, subject=name, detail=text)
    if source.active and source.refused_since is not None:
        since = f"{source.refused_since:%Y-%m-%d %H:%M} UTC"
        text = Reason("alarm.key-refused", since=since)
        yield AlarmFinding(kind=AlarmKind.SIGN_IN, subject=name, detail=text)
    if source.active and source.import_due is not None:
        due = source.import_due
        text = Reason("alarm.import-due", account=name, since=f"{due:%Y-%m-%d %H:%M}")
        yield AlarmFinding(kind=AlarmKind.IMPORT_DUE, subject=name, detail=text, since=due)
    yield from _feeds(source, now, limits)


def _feeds(source: SourceFacts, now: datetime, limits: AlarmLimits) -> Iterator[AlarmFinding]:
    """That of orders, else the others: an account has one alarm of each kind."""
    told = False
    for finding in _orders(source, now, limits) if source.fetches else ():
        told = told or finding.kind is AlarmKind.FEED
        yield finding
    late = max(limits.feed, source.interval * 3)
    others = [feed for feed in source.failing if now - feed.since > late]
    if others and not told and source.active and source.signed_in is not False:
        first = others[0]
        text = Reason("alarm.feed-unread", feed=first.name, age=span(now - first.since), error=first.reason)
        yield AlarmFinding(kind=AlarmKind.FEED, subject=source.name, detail=text)


def _orders(source: SourceFacts, now: datetime, limits: AlarmLimits) -> Iterator[AlarmFinding]:
    name = source.name
    age = now - (source.heard or source.began)
    if source.retention is not None and age > source.retention * limits.retention:
        text = Reason("alarm.retention", age=span(age), retention=span(source.retention))
        yield AlarmFinding(kind=AlarmKind.RETENTION, subject=name, detail=text)
    if not source.active:
        return
    # A missing sign-in is reported already.
    if source.signed_in is not False:
        if source.heard is None and source.trouble is not None:
            # An account that never worked has no past by which its present could be judged.
            yield AlarmFinding(
                kind=AlarmKind.FEED, subject=name, detail=Reason("alarm.unread", error=source.trouble)
            )
        elif age > max(limits.feed, source.interval * 3):
            yield AlarmFinding(kind=AlarmKind.FEED, subject=name, detail=Reason("alarm.feed", age=span(age)))
    if source.comparable and now - (source.checked or source.began) > limits.unchecked + timedelta(days=1):
        when = None if source.checked is None else span(now - source.checked)
        text = Reason("alarm.never-compared") if when is None else Reason("alarm.unchecked", age=when)
        yield AlarmFinding(kind=AlarmKind.UNCHECKED, subject=name, detail=text)


def _difference(days: Sequence[Reconciliation]) -> Reason:
    missing, surplus = sum(day.missing for day in days), sum(day.surplus for day in days)
    names = ", ".join([name for day in days for name in day.names][:5])
    code = "alarm.missing-and-surplus" if missing and surplus else "alarm.missing" if missing else "alarm.surplus"
    told = ", ".join(str(day.day) for day in days[:3])
    return Reason(code, days=told, missing=missing, surplus=surplus, names=names)


def _sign_in(source: SourceFacts, now: datetime, limits: AlarmLimits) -> Iterator[AlarmFinding]:
    ends = source.sign_in_ends
    if source.signed_in is False:
        text = Reason("alarm.nobody-signed-in", account=source.name)
    elif ends is not None and ends - now < limits.sign_in:
        text = Reason("alarm.sign-in-ends", day=f"{ends:%Y-%m-%d}", account=source.name)
    else:
        return
    yield AlarmFinding(kind=AlarmKind.SIGN_IN, subject=source.name, detail=text)


def _target(target: TargetFacts, now: datetime, limits: AlarmLimits) -> Iterator[AlarmFinding]:
    name = target.name
    if target.held or target.dead:
        code = (
            "alarm.held-and-dead" if target.held and target.dead else "alarm.held" if target.held else "alarm.dead"
        )
        text = Reason(code, held=target.held, dead=target.dead)
        yield AlarmFinding(kind=AlarmKind.HOLD, subject=name, detail=text)
    if target.doubled:
        text = Reason("alarm.doubled", n=target.doubled)
        yield AlarmFinding(kind=AlarmKind.DOUBLED, subject=name, detail=text)
    if late := [one for one in target.strangers if now - one.since > max(limits.stranger, one.sweep or _ANY)]:
        yield AlarmFinding(kind=AlarmKind.STRANGER, subject=name, detail=_strange(late))
    if not target.active:
        return
    if target.unmet is not None:
        text = Reason("alarm.unmet", error=target.unmet)
        yield AlarmFinding(kind=AlarmKind.TARGET_DOWN, subject=name, detail=text)
    elif target.down_since is not None and now - target.down_since >= limits.target_down:
        text = Reason("alarm.target-down", since=f"{target.down_since:%Y-%m-%d %H:%M}")
        yield AlarmFinding(kind=AlarmKind.TARGET_DOWN, subject=name, detail=text)
    if target.owed_since is not None and now - target.owed_since > limits.undelivered:
        text = Reason("alarm.undelivered", since=f"{target.owed_since:%Y-%m-%d %H:%M}")
        yield AlarmFinding(kind=AlarmKind.UNDELIVERED, subject=name, detail=text)


def _strange(some: Sequence[UnknownOrder]) -> Reason:
    named = [f"{one.number} of {one.reference}" for one in some[:_NAMED]] + ["…"] * (len(some) > _NAMED)
    return Reason("alarm.strangers", n=len(some), orders=", ".join(named))


def _links(facts: AlarmFacts) -> Iterator[AlarmFinding]:
    for name, linked in facts.gone.items():
        more = ["…"] * (linked.count > len(linked.names))
        text = Reason("alarm.links-gone", n=linked.count, offers=", ".join([*linked.names, *more]))
        yield AlarmFinding(kind=AlarmKind.LINKS, subject=name, detail=text)
    for name, count in facts.doubted.items():
        if name not in facts.gone:
            text = Reason("alarm.links-doubted", n=count)
            yield AlarmFinding(kind=AlarmKind.LINKS, subject=name, detail=text)


def _daemon(facts: AlarmFacts, limits: AlarmLimits) -> Iterator[AlarmFinding]:
    for name, late in facts.late.items():
        if late > limits.loop.total_seconds():
            yield AlarmFinding(kind=AlarmKind.LOOP, subject=name, detail=Reason("alarm.stuck"))
    for name in facts.left:
        text = Reason("alarm.does-not-end")
        yield AlarmFinding(kind=AlarmKind.LOOP, subject=name, detail=text)
    for name, since in facts.failing_since.items():
        if name not in facts.late and facts.now - since > limits.loop:
            yield AlarmFinding(kind=AlarmKind.LOOP, subject=name, detail=Reason("alarm.failing"))
    if facts.free is not None and facts.free < limits.disk:
        text = Reason("alarm.disk", megabytes=facts.free // 2**20)
        yield AlarmFinding(kind=AlarmKind.DISK, subject="data", detail=text)
    if not facts.database:
        text = Reason("alarm.database")
        yield AlarmFinding(kind=AlarmKind.DATABASE, subject="data", detail=text)


def span(age: timedelta) -> Reason:
    """About how long, in one unit."""
    seconds = age.total_seconds()
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return Reason(f"span.{unit}", n=round(seconds / size))
    return Reason("span.seconds", n=round(seconds))
