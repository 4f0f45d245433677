"""The events that no decision makes: what a person did to an account or to the daemon, or the hub by itself."""

from __future__ import annotations

from collections.abc import Mapping

from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import Cause
from olhubd.plugin import Clock
from olhubd.store import Database, Transaction

__all__ = ["EventLog"]


class EventLog:
    """Writes them, each with who did it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def note(
        self, kind: str, facts: Mapping[str, object], who: str, *, account: str = "", tx: Transaction | None = None
    ) -> None:
        """Write one about an account, or (without one) the daemon itself: in `tx` if given, else by itself."""

        async def work(tx: Transaction) -> None:
            cause = Cause("start", "hub") if who == "hub" else Cause("operator", who)
            recorder = Recorder(tx, self._clock.now(), cause)
            await recorder.event(kind, account, None, dict(facts))
            await recorder.write(tx)

        await (work(tx) if tx is not None else self._database.write(work))
