"""Changes of many offers that wait for a person, and the dangerous changes of late by which they are counted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from olhubd.decide.stock.brake import Danger, PlanState
from olhubd.store import codec
from olhubd.store.base import Reader, Row, Transaction

__all__ = [
    "EXAMPLES",
    "BrakedPlan",
    "PlanExample",
    "PlanTally",
    "PlannedOffer",
    "RecentDanger",
    "add",
    "count",
    "decide",
    "end",
    "examples",
    "forget",
    "forget_account",
    "hold",
    "holds",
    "listing",
    "lower",
    "note",
    "of_account",
    "offers_of",
    "open_count",
    "read",
    "recent",
    "release",
    "remember",
    "showing",
    "tally",
    "waiting",
]

EXAMPLES = 10
_COLUMNS = (
    "id, account, master, state, danger, counted, showing, made_at, decided_at, decided_by, reason, ended_at,"
    " tally, examples"
)


class PlanTally(msgspec.Struct, frozen=True, kw_only=True):
    """How many offers a plan holds: those that go to zero, those that are raised far, and all."""

    zeros: int = 0
    raises: int = 0
    offers: int = 0


class PlanExample(msgspec.Struct, frozen=True, kw_only=True):
    """One offer of a plan: what it stays at, and what the master's numbers make it."""

    offer: str
    name: str
    shown: int | None
    wanted: int
    danger: Danger | None = None


class BrakedPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Changes of offers of `account` by the numbers of `master`, stopped as a whole.

    `counted` dangerous changes of `showing` offers stopped it. `tally` and `examples` are what it held when it was
    stopped or decided about; what it holds now is asked by the functions of these names.
    """

    id: int
    account: str
    master: str
    danger: Danger
    counted: int
    showing: int
    made_at: datetime
    state: PlanState = PlanState.STOPPED
    decided_at: datetime | None = None
    decided_by: str | None = None
    reason: str | None = None
    ended_at: datetime | None = None
    tally: PlanTally | None = None
    examples: tuple[PlanExample, ...] = ()


class PlannedOffer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An offer that a plan holds, what it would show, and why that is dangerous."""

    offer: int
    plan: int
    wanted: int
    danger: Danger | None = None


class RecentDanger(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A dangerous change that was let through: what the offer showed before it."""

    offer: int
    danger: Danger
    shown: int


async def add(tx: Transaction, plan: BrakedPlan) -> None:
    """Store a new plan."""
    await tx.execute(
        "INSERT INTO stock_plans (id, account, master, state, danger, counted, showing, made_at)"
        " VALUES (?,?,?,?,?,?,?,?)",
        (
            plan.id,
            plan.account,
            plan.master,
            plan.state.value,
            plan.danger.value,
            plan.counted,
            plan.showing,
            codec.stamp(plan.made_at),
        ),
    )


async def read(reader: Reader, plan: int) -> BrakedPlan | None:
    row = await reader.one(f"SELECT {_COLUMNS} FROM stock_plans WHERE id = ?", (plan,))
    return _plan(row) if row is not None else None


async def of_account(reader: Reader, account: str) -> list[BrakedPlan]:
    """The plans that hold offers of an account, oldest first."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM stock_plans WHERE account = ? AND ended_at IS NULL ORDER BY id", (account,)
    )
    return [_plan(row) for row in rows]


async def waiting(reader: Reader, accounts: Collection[str]) -> list[tuple[BrakedPlan, PlanTally]]:
    """The plans of these accounts that wait for a person, oldest first, with what they hold."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM stock_plans WHERE account IN ({codec.marks(list(accounts))})"
        " AND ended_at IS NULL AND state = 'stopped' ORDER BY id",
        list(accounts),
    )
    found = [_plan(row) for row in rows]
    return [(one, await tally(reader, one.id)) for one in found]


async def open_count(reader: Reader) -> int:
    """How many plans wait for a person."""
    row = await reader.one("SELECT COUNT(*) FROM stock_plans WHERE ended_at IS NULL AND state = 'stopped'")
    return int(row[0]) if row is not None else 0


async def listing(
    reader: Reader, *, account: str | None = None, open_: bool = False, before: int | None = None, limit: int = 50
) -> list[BrakedPlan]:
    """The newest plans first; `open_` are those that hold offers."""
    where = ["id < ?"]
    parameters: list[Any] = [before if before is not None else 2**62]
    if account is not None:
        where.append("account = ?")
        parameters.append(account)
    if open_:
        where.append("ended_at IS NULL")
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM stock_plans WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ?",
        [*parameters, limit],
    )
    return [_plan(row) for row in rows]


async def decide(
    tx: Transaction, plan: int, state: PlanState, at: datetime, who: str | None, reason: str | None
) -> None:
    """Store what a person, or nobody, made of a plan."""
    await tx.execute(
        "UPDATE stock_plans SET state = ?, decided_at = ?, decided_by = ?, reason = ? WHERE id = ?",
        (state.value, codec.stamp(at), who, codec.reason(reason), plan),
    )


async def remember(tx: Transaction, plan: int) -> PlanTally:
    """Keep what a plan holds now for who reads of it when it holds nothing any more."""
    counts, some = await tally(tx, plan), await examples(tx, plan)
    await tx.execute(
        "UPDATE stock_plans SET tally = ?, examples = ? WHERE id = ?",
        (codec.encode(counts), codec.encode(some), plan),
    )
    return counts


async def end(tx: Transaction, plan: int, at: datetime) -> None:
    """A plan holds no offer any more."""
    await tx.execute("DELETE FROM stock_plan_offers WHERE plan_id = ?", (plan,))
    await tx.execute("UPDATE stock_plans SET ended_at = ? WHERE id = ?", (codec.stamp(at), plan))


async def hold(tx: Transaction, rows: Sequence[PlannedOffer]) -> None:
    """Have plans hold these offers; one that is held already is held by this plan from now on."""
    await tx.executemany(
        "INSERT INTO stock_plan_offers (offer_id, plan_id, wanted, danger) VALUES (?,?,?,?)"
        " ON CONFLICT (offer_id) DO UPDATE SET plan_id = excluded.plan_id, wanted = excluded.wanted,"
        " danger = excluded.danger",
        [(row.offer, row.plan, row.wanted, row.danger.value if row.danger is not None else None) for row in rows],
    )


async def release(tx: Transaction, ids: Collection[int]) -> None:
    """Hold these offers no more."""
    await tx.executemany("DELETE FROM stock_plan_offers WHERE offer_id = ?", [(id_,) for id_ in ids])


async def holds(reader: Reader, ids: Collection[int]) -> dict[int, PlannedOffer]:
    """Those of these offers that a plan holds."""
    rows = await reader.fetch(
        "SELECT offer_id, plan_id, wanted, danger FROM stock_plan_offers"
        f" WHERE offer_id IN ({codec.marks(list(ids))})",
        list(ids),
    )
    return {row[0]: _held(row) for row in rows}


async def offers_of(reader: Reader, plan: int, after: int = 0, limit: int = 500) -> list[int]:
    """The offers that a plan holds, from the offer `after` on."""
    rows = await reader.fetch(
        "SELECT offer_id FROM stock_plan_offers WHERE plan_id = ? AND offer_id > ? ORDER BY offer_id LIMIT ?",
        (plan, after, limit),
    )
    return [row[0] for row in rows]


async def tally(reader: Reader, plan: int) -> PlanTally:
    """How many offers a plan holds."""
    rows = await reader.fetch(
        "SELECT danger, COUNT(*) FROM stock_plan_offers WHERE plan_id = ? GROUP BY danger", (plan,)
    )
    counts: Mapping[str | None, int] = {row[0]: row[1] for row in rows}
    return PlanTally(
        zeros=counts.get(Danger.ZERO.value, 0),
        raises=counts.get(Danger.RAISE.value, 0),
        offers=sum(counts.values()),
    )


async def examples(reader: Reader, plan: int) -> list[PlanExample]:
    """Some offers of a plan, the dangerous ones first."""
    found: list[PlanExample] = []
    for what in ("p.danger IS NOT NULL", "p.danger IS NULL"):
        rows = await reader.fetch(
            "SELECT o.external_id, o.name, COALESCE(l.beneath, l.wanted), l.confirmed, p.wanted, p.danger"
            " FROM stock_plan_offers p JOIN offers o ON o.id = p.offer_id"
            " LEFT JOIN levels l ON l.offer_id = p.offer_id AND l.kind = 'quantity' AND l.scope = ''"
            f" WHERE p.plan_id = ? AND {what} ORDER BY p.offer_id LIMIT ?",
            (plan, EXAMPLES - len(found)),
        )
        found += [
            PlanExample(
                offer=row[0],
                name=row[1],
                shown=row[2] if row[2] is not None else row[3],
                wanted=row[4],
                danger=Danger(row[5]) if row[5] is not None else None,
            )
            for row in rows
        ]
    return found


async def recent(reader: Reader, account: str, master: str, since: datetime) -> list[RecentDanger]:
    """The dangerous changes of an account's offers by a master's numbers that were let through since then."""
    rows = await reader.fetch(
        "SELECT offer_id, danger, shown FROM stock_dangers WHERE account = ? AND master = ? AND at > ?"
        " ORDER BY offer_id",
        (account, master, codec.stamp(since)),
    )
    return [RecentDanger(offer=row[0], danger=Danger(row[1]), shown=row[2]) for row in rows]


async def count(
    reader: Reader, account: str, master: str, kind: Danger, since: datetime, but: Collection[int]
) -> int:
    """How many offers changed so since then, `but` for these."""
    row = await reader.one(
        "SELECT COUNT(*) FROM stock_dangers WHERE account = ? AND master = ? AND at > ? AND danger = ?"
        f" AND offer_id NOT IN ({codec.marks(list(but))})",
        (account, master, codec.stamp(since), kind.value, *but),
    )
    return int(row[0]) if row is not None else 0


async def note(
    tx: Transaction, account: str, master: str, rows: Sequence[RecentDanger], at: datetime, until: datetime
) -> None:
    """Count these changes as let through, and forget those before `until`."""
    await tx.executemany(
        "INSERT INTO stock_dangers (account, master, offer_id, danger, shown, at) VALUES (?,?,?,?,?,?)"
        " ON CONFLICT (account, master, offer_id, danger) DO UPDATE SET shown = excluded.shown, at = excluded.at",
        [(account, master, row.offer, row.danger.value, row.shown, codec.stamp(at)) for row in rows],
    )
    await tx.execute(
        "DELETE FROM stock_dangers WHERE account = ? AND master = ? AND at <= ?",
        (account, master, codec.stamp(until)),
    )


async def lower(tx: Transaction, account: str, masters: Collection[str], fewer: Mapping[int, int]) -> None:
    """Orders took so much of what these offers showed before a change of theirs was let through."""
    await tx.executemany(
        "UPDATE stock_dangers SET shown = CASE WHEN shown > ? THEN shown - ? ELSE 0 END"
        " WHERE account = ? AND master = ? AND offer_id = ?",
        [(less, less, account, master, offer) for master in masters for offer, less in fewer.items()],
    )


async def forget(tx: Transaction, account: str, master: str) -> None:
    """Count from nothing again: a person has looked."""
    await tx.execute("DELETE FROM stock_dangers WHERE account = ? AND master = ?", (account, master))


async def forget_account(tx: Transaction, account: str, at: datetime) -> None:
    """End the plans of an account's offers, and those by its numbers, and count neither any more. They stay to be
    read, as withdrawn."""
    rows = await tx.fetch(
        "SELECT id, state FROM stock_plans WHERE (account = ? OR master = ?) AND ended_at IS NULL",
        (account, account),
    )
    for plan, state in rows:
        await remember(tx, plan)
        if state == PlanState.STOPPED.value:
            await decide(tx, plan, PlanState.WITHDRAWN, at, None, None)
        await end(tx, plan, at)
    await tx.execute("DELETE FROM stock_dangers WHERE account = ? OR master = ?", (account, account))


async def showing(reader: Reader, account: str, master: str | None, limit: int) -> int:
    """How many offers of an account show something, up to `limit`; with a master, of those that sell its stock."""
    where = ""
    parameters: list[Any] = [account]
    if master is not None:
        where = (
            " AND EXISTS (SELECT 1 FROM links k JOIN stock_items i ON i.id = k.item_id"
            " WHERE k.offer_id = l.offer_id AND i.account = ?)"
        )
        parameters.append(master)
    row = await reader.one(
        "SELECT COUNT(*) FROM (SELECT 1 FROM levels l WHERE l.account = ? AND l.kind = 'quantity'"
        " AND l.scope = '' AND COALESCE(l.beneath, l.wanted, l.confirmed) > 0"
        f"{where} LIMIT ?) AS shown",
        [*parameters, limit],
    )
    return int(row[0]) if row is not None else 0


def _held(row: Row) -> PlannedOffer:
    danger = Danger(row[3]) if row[3] is not None else None
    return PlannedOffer(offer=row[0], plan=row[1], wanted=row[2], danger=danger)


def _plan(row: Row) -> BrakedPlan:
    return BrakedPlan(
        id=row[0],
        account=row[1],
        master=row[2],
        state=PlanState(row[3]),
        danger=Danger(row[4]),
        counted=row[5],
        showing=row[6],
        made_at=codec.moment(row[7]),
        decided_at=codec.moment(row[8]),
        decided_by=row[9],
        reason=codec.text(row[10]),
        ended_at=codec.moment(row[11]),
        tally=msgspec.json.decode(row[12], type=PlanTally) if row[12] is not None else None,
        examples=msgspec.json.decode(row[13], type=tuple[PlanExample, ...]) if row[13] is not None else (),
    )
