"""What is kept for a time only: what is over goes when its time is over, and nothing that still matters does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from olhubd.engine.monitor.reconcile import _HORIZON
from olhubd.engine.monitor.retention import Retention
from olhubd.model import Alarm, AlarmId, AlarmKind, Kind, OrderId, Reconciliation, Shipping
from olhubd.store import Database, Transaction, alarms, quarantine, reconciliations, seen_values, sign_ins
from olhubd.store.quarantine import QuarantineDraft
from olhubd_kit.virtual_clock import EPOCH, VirtualClock
from tests.orders import order

HOUR = timedelta(hours=1)


class Shelf:
    """A database with what was put there at the beginning, and what forgets it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = VirtualClock()
        self.waste = Retention(database, self.clock, lambda: timedelta(days=14))

    async def until(self, moment: datetime) -> int:
        """Look when it is that moment; gives how many were forgotten."""
        self.clock.jump((moment - self.clock.now()).total_seconds())
        return await self.waste.clear()


@pytest.fixture
async def shelf(tmp_path: Path) -> AsyncIterator[Shelf]:
    async with Database.open(tmp_path / "olhubd.sqlite") as database:
        yield Shelf(database)


def alarm(number: int, cleared: datetime | None = EPOCH) -> Alarm:
    kind, id_ = AlarmKind.SILENCE, AlarmId(number)
    return Alarm(id=id_, kind=kind, subject=f"market-{number}", detail="", raised_at=EPOCH, cleared_at=cleared)


async def test_alarms_that_are_over_go_and_open_ones_stay(shelf: Shelf) -> None:
    """However many there are, and however old. The newest gives the number of the next, also after a restart."""
    over = [alarm(number) for number in range(3, 1300)]
    last = EPOCH + alarms.KEPT
    kept = [alarm(1, None), alarm(2, EPOCH + 2 * HOUR), alarm(1300)]
    await shelf.database.write(lambda tx: alarms.put(tx, [*kept, *over]))
    assert await shelf.until(last - HOUR) == 0
    assert await shelf.until(last + HOUR) == len(over)
    reader = shelf.database.reader
    assert [one.id for one in await alarms.listing(reader)] == [1]
    assert [one.id for one in await alarms.listing(reader, past=True)] == [1300, 2]


async def test_days_that_nobody_looks_at_any_more_go(shelf: Shelf) -> None:
    """By when they were looked at: an old day that a person has just compared is new. Those that are looked at by
    themselves again are younger by far."""
    assert timedelta(days=_HORIZON) < reconciliations.KEPT
    found = Reconciliation(
        id=1,
        account="market",
        day=EPOCH.date(),
        since=EPOCH,
        until=EPOCH + 24 * HOUR,
        source=3,
        hub=2,
        missing=1,
        surplus=0,
        names=("a",),
        looks=2,
        looked_at=EPOCH,
    )
    again = msgspec.structs.replace(found, id=2, account="other", looked_at=EPOCH + 2 * HOUR)

    async def work(tx: Transaction) -> None:
        await reconciliations.put(tx, found)
        await reconciliations.put(tx, again)

    await shelf.database.write(work)
    last = EPOCH + reconciliations.KEPT
    assert await shelf.until(last - HOUR) == 0
    assert await shelf.until(last + HOUR) == 1
    assert await reconciliations.listing(shelf.database.reader) == [again]


async def test_words_that_no_order_brings_any_more_go(shelf: Shelf) -> None:
    async def see(name: str, at: datetime) -> None:
        seen = msgspec.structs.replace(order(), shipping=Shipping(method=name))
        await shelf.database.write(lambda tx: seen_values.put(tx, "market", [(OrderId(1), seen, None)], at))

    async def words() -> dict[str, int]:
        every = await seen_values.every(shelf.database.reader)
        return {one.value: one.orders for one in every if one.kind is seen_values.SeenKind.DELIVERY}

    await see("sleigh", EPOCH)
    await see("courier", EPOCH)
    await see("courier", EPOCH + 2 * HOUR)
    last = EPOCH + seen_values.KEPT
    assert await shelf.until(last - HOUR) == 0
    assert await shelf.until(last + HOUR) > 0
    assert await words() == {"courier": 2}
    await see("sleigh", shelf.clock.now())
    assert await words() == {"courier": 2, "sleigh": 1}


async def test_records_that_were_given_up_go_when_their_source_tells_them_no_more(shelf: Shelf) -> None:
    """Those that wait stay, however old; those that are told again and again stay given up."""
    reader = shelf.database.reader

    async def tell(at: datetime, *names: str) -> None:
        records = [
            QuarantineDraft(kind=Kind.ORDER, external_id=name, reason="no total", raw=b"{}") for name in names
        ]
        await shelf.database.write(lambda tx: quarantine.put(tx, "market", "orders", records, at))

    await tell(EPOCH, "waits", "told", "late", "over")
    for one in await quarantine.listing(reader):
        at = EPOCH + 2 * HOUR if one.external_id == "late" else EPOCH
        if one.external_id != "waits":
            await shelf.database.write(lambda tx, id_=one.id, at=at: quarantine.discard(tx, id_, "a test", at))  # type: ignore[misc]
    await tell(EPOCH + 2 * HOUR, "told")
    last = EPOCH + quarantine.KEPT
    assert await shelf.until(last - HOUR) == 0
    assert await shelf.until(last + HOUR) == 1
    assert await reader.fetch("SELECT external_id FROM quarantine ORDER BY id") == [
        ("waits",),
        ("told",),
        ("late",),
    ]
    await tell(shelf.clock.now(), "told")
    assert [one.external_id for one in await quarantine.listing(reader)] == ["waits"]


async def test_a_record_that_was_given_up_waits_again_in_another_version(shelf: Shelf) -> None:
    reader = shelf.database.reader

    async def tell(raw: bytes) -> int:
        draft = QuarantineDraft(kind=Kind.ORDER, external_id="A", reason="no total", raw=raw)
        await shelf.database.write(lambda tx: quarantine.put(tx, "market", "orders", [draft], EPOCH))
        return len(await quarantine.listing(reader))

    assert await tell(b"{}") == 1
    (one,) = await quarantine.listing(reader)
    assert await shelf.database.write(lambda tx: quarantine.discard(tx, one.id, "a test", EPOCH))
    assert await tell(b"{}") == 0
    assert await tell(b"[]") == 1


async def test_a_sign_in_is_forgotten_a_day_after_its_time_with_whatever_it_still_holds(shelf: Shelf) -> None:
    """One that nobody came back to while the daemon was off holds its secret until then."""

    def row(account: str, expires_at: datetime) -> sign_ins.SignInRow:
        return sign_ins.SignInRow(
            account=account, key="k", state="pending", flow="code", url="", secret=b"s", who="jan",
            begun_at=EPOCH, expires_at=expires_at,
        )  # fmt: skip

    old = [row(f"old-{number}", EPOCH) for number in range(250)]
    for one in [*old, row("young", EPOCH + 2 * HOUR)]:
        await shelf.database.write(lambda tx, one=one: sign_ins.put(tx, one))  # type: ignore[misc]
    assert await shelf.until(EPOCH + sign_ins.KEPT - HOUR) == 0
    assert await shelf.until(EPOCH + sign_ins.KEPT + HOUR) == len(old)
    assert await shelf.database.reader.fetch("SELECT account FROM sign_ins") == [("young",)]
