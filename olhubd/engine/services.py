"""What all accounts of one daemon share: the database, the session, the clock, the routes in force."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from olhubd.decide.route import Route
from olhubd.engine.access.budget import BudgetBook
from olhubd.engine.access.http_session import ClientFactory
from olhubd.engine.calls import OverdueCalls
from olhubd.engine.feed.limiter import Limiter
from olhubd.engine.feed.run_log import RunLog
from olhubd.engine.flow.landing import Landing
from olhubd.engine.lineage import Lineage
from olhubd.engine.outbox.attempt import Amend, Policy
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import Cause
from olhubd.plugin import Clock
from olhubd.runtime.supervisor import Supervisor
from olhubd.store import Database, Transaction

__all__ = ["Shared"]


class Shared(msgspec.Struct, kw_only=True):
    """Handed to each account by the hub."""

    database: Database
    clock: Clock
    log: Any
    supervisor: Supervisor
    strays: OverdueCalls
    budgets: BudgetBook
    clients: ClientFactory
    landing: Landing
    runs: RunLog
    sweeps: Limiter
    pulls: Limiter
    policy: Policy
    routes: Callable[[], Sequence[Route]]
    processing: Callable[[str], str | None]
    amending: Callable[[], Amend | None]
    wake: Callable[[Iterable[str]], None]
    lineage: Lineage
    learned: Callable[[str], None]
    """Hears each secret as it becomes known, so that no log shows it."""

    async def note(
        self,
        tx: Transaction,
        kind: str,
        account: str,
        facts: Mapping[str, object],
        who: str,
    ) -> None:
        """Write one event about an account (or the daemon) that a person or the hub itself caused."""
        cause = Cause("start", "hub") if who == "hub" else Cause("operator", who)
        recorder = Recorder(tx, self.clock.now(), cause)
        await recorder.event(kind, account, None, dict(facts))
        await recorder.write(tx)
