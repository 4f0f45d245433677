"""The import log as it is kept: each execution of a feed is a run, and quiet ones share a row.

A feed that is asked every twenty seconds and has nothing new would write 4,320 rows a day. So successive runs of
one feed that found nothing count up in one row, which is written now and then; anything else is written at once.
What a kill can lose is the count of quiet runs, never a fact. While the disk takes nothing, ends are kept and
written later: no row may stay as running for ever because its end came at the wrong moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from olhubd.model import Counts, Reason, Run, RunId, RunState
from olhubd.plugin import Clock, PluginError
from olhubd.runtime.supervisor import Heartbeat, Supervisor
from olhubd.store import TROUBLE, Database, Transaction, runs

__all__ = ["RunLog", "RunTotals", "words"]

_FLUSH = 15.0
_LONGEST_ROW = timedelta(hours=1)
_MOST_KEPT = 1_000
"""How many ends are kept while nothing can be written. The oldest stay, for theirs are rows that began before."""


class RunTotals(Counts, frozen=True, kw_only=True, gc=False):
    """What the runs of one feed have come to since the process began."""

    runs: int = 0
    failed: int = 0

    def and_run(self, run: Run) -> RunTotals:
        """The same, with this run."""
        failed = self.failed + (run.state is RunState.FAILED)
        return msgspec.structs.replace(self.plus(run), runs=self.runs + 1, failed=failed)


class RunLog:
    """Begin and end runs here."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._quiet: dict[tuple[str, str], Run] = {}
        self._dirty: set[tuple[str, str]] = set()
        self._unwritten: dict[RunId, Run] = {}
        self.latest: dict[tuple[str, str], Run] = {}
        """The last run of each account's feeds, whichever process it was of."""
        self.totals: dict[tuple[str, str], RunTotals] = {}
        """Since this process began, as counters of metrics are."""

    async def load(self) -> None:
        """Know the last runs of earlier processes, so that a restart does not show feeds that were never read."""
        self.latest = {**await runs.last_ended(self._database.reader), **self.latest}

    async def begin(self, account: str, feed: str, trigger: str) -> Run:
        """A new run; it becomes a row with its first landing or its end."""
        return Run(
            id=RunId(await self._database.next_id("runs")),
            account=account,
            feed=feed,
            trigger=trigger,
            started_at=self._clock.now(),
        )

    async def end(self, run: Run, error: str | None = None) -> Run:
        """Store how a run ended."""
        state = RunState.DONE if error is None else RunState.FAILED
        ended = msgspec.structs.replace(run, state=state, error=error, ended_at=self._clock.now())
        key = (run.account, run.feed)
        self.totals[key] = self.totals.get(key, RunTotals()).and_run(ended)
        quiet = error is None and not (run.added or run.changed or run.quarantined) and run.trigger == "timer"
        before = self._quiet.get(key)
        if quiet and before is not None and ended.started_at - before.started_at < _LONGEST_ROW:
            ended = msgspec.structs.replace(
                before, ended_at=ended.ended_at, polls=before.polls + 1, seen=before.seen + ended.seen
            )
        self.latest[key] = ended
        if quiet:
            self._quiet[key] = ended
            self._dirty.add(key)
            return ended
        waiting = [ended]
        if before is not None:
            waiting.append(before)
            del self._quiet[key]
            self._dirty.discard(key)
        await self._put(waiting)
        return ended

    def start(self, supervisor: Supervisor) -> None:
        supervisor.every("import log", _FLUSH, self.flush)

    async def flush(self, _pulse: Heartbeat | None = None) -> None:
        """Write the quiet runs counted since the last time."""
        waiting = [self._quiet[key] for key in self._dirty]
        self._dirty.clear()
        if waiting or self._unwritten:
            await self._put(waiting)

    async def _put(self, waiting: list[Run]) -> None:
        rows = {**self._unwritten, **{run.id: run for run in waiting}}
        try:
            await self._write(list(rows.values()))
        except TROUBLE:
            self._keep(waiting)
            raise
        except Exception:
            # Not the disk's doing: what can never be written must not keep all others from being written.
            self._unwritten.clear()
            for run in rows.values():
                try:
                    await self._write([run])
                except TROUBLE:
                    self._keep([run])
                except Exception:
                    continue  # this is the one, and it is raised below
            raise
        for id_, run in rows.items():
            if self._unwritten.get(id_) is run:
                del self._unwritten[id_]

    def _keep(self, waiting: Sequence[Run]) -> None:
        for run in waiting:
            if run.id in self._unwritten or len(self._unwritten) < _MOST_KEPT:
                self._unwritten[run.id] = run

    async def _write(self, ended: Sequence[Run]) -> None:
        async def work(tx: Transaction) -> None:
            await runs.put(tx, ended)

        await self._database.write(work)


def words(error: Exception) -> str:
    """What a person may read of a failure; only plugin errors promise to hold nothing secret."""
    if isinstance(error, TROUBLE):
        return Reason("run.database", error=error)
    return str(error) if isinstance(error, PluginError) else Reason("run.hub-failed", error=type(error).__name__)
