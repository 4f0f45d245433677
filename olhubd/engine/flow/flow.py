"""What a flow is: how the records of one kind come into the database, and what becomes of them.

A flow decides within a transaction that landing began, from what is in the database and the routes alone, so a
replay of the same records decides the same. It begins and ends no transaction, moves no cursor and counts no run:
that is `olhubd.engine.flow.landing`. The flows are listed in `olhubd.engine.flow.registry`.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Generic, Protocol

import msgspec

from olhubd.decide.doubt import Doubt
from olhubd.decide.own_status import NO_STATUSES, OwnStatuses
from olhubd.decide.planners import PLANNERS
from olhubd.decide.planning import Planner, Transition
from olhubd.decide.route import Route
from olhubd.decide.stock.policy import StockRule
from olhubd.engine.flow import prepared
from olhubd.engine.flow.prepared import Candidate, R
from olhubd.engine.outbox.recorder import Recorder
from olhubd.engine.planning import follow
from olhubd.model import Cause, Counts, Kind, OrderId, Run
from olhubd.store import Reader, Transaction, quarantine, reread_queue

__all__ = [
    "UNASKED",
    "Asked",
    "FlowContext",
    "Known",
    "RecordFlow",
    "RecordName",
    "Result",
    "StoredRecord",
]


class Known(Protocol):
    """What a flow's table knows of a record without its document."""

    @property
    def id(self) -> int: ...

    @property
    def digest(self) -> bytes: ...


class StoredRecord(Protocol):
    """A record as it is stored, of any kind; what else a table has of it, the handlers of its kind know."""

    @property
    def id(self) -> int: ...

    @property
    def account(self) -> str:
        """The source that it is from."""
        ...

    @property
    def external_id(self) -> str:
        """The name that its source gave it."""
        ...


class RecordName(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A stored record of which only the name is known, or wanted."""

    id: int
    account: str
    external_id: str = ""


class Result(msgspec.Struct):
    """The outcome for the records of a page.

    `targets` have something new pending; `later` are to be read again. `fresh` says of each record that was added
    when it last changed, `newest` when the youngest was made of those that make sense; both by the source's own
    time. `besides` are the ids of orders that were added and that the feed had not reported.
    """

    counts: Counts = Counts()
    echoes: int = 0
    ignored: int = 0
    later: int = 0
    targets: set[str] = msgspec.field(default_factory=set)
    fresh: list[datetime] = msgspec.field(default_factory=list)
    newest: datetime | None = None
    besides: list[OrderId] = msgspec.field(default_factory=list)

    def count(self, *, seen: int = 0, added: int = 0, changed: int = 0, quarantined: int = 0) -> None:
        """Count some more records."""
        self.counts = self.counts.plus(Counts(seen=seen, added=added, changed=changed, quarantined=quarantined))

    def add(self, other: Result) -> None:
        self.counts = self.counts.plus(other.counts)
        self.echoes += other.echoes
        self.ignored += other.ignored
        self.later += other.later
        self.targets |= other.targets
        self.fresh += other.fresh
        if other.newest is not None:
            self.newest = max(other.newest, self.newest or other.newest)
        self.besides += other.besides


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """When records were asked for, by the order of our own commits: `after` was the newest event then, and the
    account's orders had been read to their end, of which the last page was asked for when `through` was."""

    after: int = 0
    through: int = 0


UNASKED = Asked()


class FlowContext:
    """What the flows of one transaction share: the transaction itself, whose records they are, what they record.

    `doubt` is what an earlier process may have sent; None where nothing was asked about that yet. Records made
    before `start` are not imported. `touched` are the records that made a difference, by kind and external id; the
    rest need not be kept for a replay.
    """

    def __init__(
        self,
        tx: Transaction,
        account: str,
        run: Run,
        now: datetime,
        routes: Sequence[Route],
        *,
        doubt: Doubt | None = None,
        start: datetime | None = None,
        planners: Sequence[Planner[Any]] = PLANNERS,
        rules: Sequence[StockRule] = (),
        asked: Asked = UNASKED,
        statuses: OwnStatuses = NO_STATUSES,
    ) -> None:
        self.tx = tx
        self.account = account
        self.feed = run.feed
        self.now = now
        self.routes = routes
        self.doubt = doubt
        self.start = start
        self.planners = planners
        self.rules = rules
        self.statuses = statuses
        self.after = asked.after
        self.through = asked.through
        self.recorder = Recorder(tx, now, Cause("run", str(run.id)), decided=True)
        self.touched: set[tuple[Kind, str]] = set()
        self.later = 0
        """How many records were asked to be read again."""
        self._decided: list[Transition[Any]] = []

    @property
    def acts(self) -> bool:
        """Whether something follows from an order that a target reported first. Off for what was recorded
        before."""
        return self.doubt is not None

    def decide(self, step: Transition[Any]) -> None:
        """Add what happened to one subject. What follows from it is planned with its neighbours, by `follow`."""
        self._decided.append(step)

    async def follow(self) -> None:
        """Record what was decided since the last time, with what the planners make of it."""
        decided, self._decided = self._decided, []
        if decided:
            await follow(
                self.tx,
                self.recorder,
                decided,
                self.routes,
                acts=self.acts,
                planners=self.planners,
                statuses=self.statuses,
            )

    async def refuse(self, refused: Sequence[quarantine.QuarantineDraft]) -> None:
        """Keep records aside."""
        if refused:
            await quarantine.put(self.tx, self.account, self.feed, refused, self.now)

    async def sensible(self, kind: Kind, candidates: Sequence[Candidate[R]], result: Result) -> list[Candidate[R]]:
        """The candidates that may land, which leave quarantine if they are there; the others go into it."""
        refused = [
            quarantine.QuarantineDraft(kind=kind, external_id=one.external_id, reason=why, raw=one.document)
            for one in candidates
            if (why := one.fault or one.objection) is not None
        ]
        landed = [one for one in candidates if one.fault is None and one.objection is None]
        await self.refuse(refused)
        result.count(quarantined=len(refused))
        if landed:
            await quarantine.clear(self.tx, self.account, kind, [one.external_id for one in landed])
        return landed

    async def read_later(self, wishes: Sequence[reread_queue.RereadRequest]) -> None:
        """Have single records read again."""
        await reread_queue.put(self.tx, self.account, wishes)
        self.later += len(wishes)


class RecordFlow(abc.ABC, Generic[R]):
    """The records of one kind. It keeps nothing between two calls.

    `record` is their type, by which landing knows whose they are. `rereads` says that somebody reads single ones
    again (`olhubd.engine.feed.reread`); without, a `Later` is kept aside, since nobody would ever come back to it.
    """

    kind: ClassVar[Kind]
    record: type[R]
    rereads: ClassVar[bool] = False
    tables: ClassVar[Sequence[tuple[str, str]]] = ()
    """Where its records are stored: each table with the column that has the number of the record."""
    replayed: ClassVar[bool] = True
    """Off where what is decided depends on more than the inputs keep, so that a replay is not compared."""

    async def prepare(self, records: Sequence[R]) -> list[Candidate[R]]:
        """The records as candidates, outside of a transaction. Of several with one external id the last counts."""
        return await prepared.prepare(records, self.objection)

    @abc.abstractmethod
    def objection(self, record: R) -> str | None:
        """Why the record makes no sense and goes into quarantine; None when it may land."""

    @abc.abstractmethod
    def decode(self, document: bytes) -> R:
        """The record of a document, as inputs keep it. Raises what msgspec raises."""

    @abc.abstractmethod
    async def held(self, reader: Reader, account: str, external_ids: Sequence[str]) -> Mapping[str, Known]:
        """What is stored of these records of an account, by external id."""

    @abc.abstractmethod
    async def names(self, reader: Reader, ids: Sequence[int]) -> Mapping[int, tuple[str, str]]:
        """The account and the external id of each of these records, by the number that they have here."""

    async def read(self, reader: Reader, ids: Sequence[int]) -> Mapping[int, StoredRecord]:
        """These records as they are stored, by number, for the handlers of deliveries about them.

        One that is not there is left out. Names alone, where a kind does not say more.
        """
        return {
            id_: RecordName(id=id_, account=account, external_id=external_id)
            for id_, (account, external_id) in (await self.names(reader, ids)).items()
        }

    @abc.abstractmethod
    async def land(self, context: FlowContext, candidates: Sequence[Candidate[R]]) -> Result:
        """Store the candidates, of which no two have one external id, with what follows from them.

        One with a `fault` or an `objection` goes into quarantine with it; one that lands leaves it. Each that made
        a difference is added to `context.touched`.
        """

    @abc.abstractmethod
    async def gone(self, context: FlowContext, external_ids: Sequence[str]) -> Result:
        """What follows for records that their source has no more, or never had."""
