"""What each offer must show, what was sent to it and read of it, and the commands by which it was sent."""

from __future__ import annotations

import enum
from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from olhubd.decide.stock.level import RESTORED, TRIES, Drift, OfferLevel, Phase
from olhubd.model import LevelKind, LevelStep
from olhubd.store import codec
from olhubd.store.base import Reader, Row, Transaction

__all__ = [
    "LevelCommand",
    "LevelCommandState",
    "commands",
    "disputed",
    "forget_wanted",
    "held_prices",
    "keep",
    "lower_bound",
    "lower_sold",
    "numbers",
    "of_command",
    "of_offers",
    "put",
    "settle_command",
    "stuck",
    "uneven",
    "unrestored",
    "unresumed",
    "unsettled",
]

_LEVEL = (
    "offer_id, kind, scope, account, wanted, wanted_after, wanted_at, basis_after, phase, command, sent, sent_at,"
    " confirmed, confirmed_after, confirmed_at, active, due_at, tries, reason, held, step, inside, ended_here,"
    " resumes, resume_by, drifts, disputed_at, disputed_over, approved, currency, allocated, bound,"
    " bound_after, change, reported, beneath"
)
_READ = ", ".join(f"l.{name.strip()}" for name in _LEVEL.split(","))
_FROM = "FROM levels l JOIN offers o ON o.id = l.offer_id"
# `kind || '' = ?`, not `kind = ?`: beside an index of one kind alone SQLite takes the value of a plain one for a
# part of the plan, and prepares the statement again whenever it runs, which takes ten times as long as to run it.


class LevelCommandState(enum.StrEnum):
    """How far a command is. Its word is stored."""

    KEPT = "kept"
    """It may have been sent or not: who finds it so looks it up."""
    ACCEPTED = "accepted"
    """The other system does it later; its report is asked for."""
    UNKNOWN = "unknown"
    """What became of it is not known; it is looked up."""
    ENDED = "ended"


class LevelCommand(msgspec.Struct, frozen=True, kw_only=True):
    """One call to a channel as it was decided: an action, its value, and the offers by their numbers there."""

    id: str
    account: str
    action: str
    value: int | None
    offers: tuple[str, ...]
    created_at: datetime
    change: int | None = None
    """By how much it changes the offers, where it gives them no number."""
    state: LevelCommandState = LevelCommandState.KEPT
    due_at: datetime | None = None
    ended_at: datetime | None = None
    kind: LevelKind = LevelKind.QUANTITY


async def put(tx: Transaction, rows: Sequence[OfferLevel]) -> None:
    """Store or renew levels. Lock the items that they sell before."""
    names = [name.strip() for name in _LEVEL.split(",")]
    renewed = ", ".join(f"{name} = excluded.{name}" for name in (*names[3:], "uneven"))
    await tx.executemany(
        f"INSERT INTO levels ({_LEVEL}, uneven) VALUES ({codec.marks(names)},?)"
        f" ON CONFLICT (offer_id, kind, scope) DO UPDATE SET {renewed}",
        [
            (
                row.offer,
                row.kind.value,
                row.scope,
                row.account,
                row.wanted,
                row.wanted_after,
                codec.stamp(row.wanted_at),
                row.basis_after,
                row.phase.value,
                row.command,
                row.sent,
                codec.stamp(row.sent_at),
                row.confirmed,
                row.confirmed_after,
                codec.stamp(row.confirmed_at),
                int(row.active),
                codec.stamp(row.due_at),
                row.tries,
                codec.reason(row.reason),
                codec.reason(row.held),
                row.step.value if row.step is not None else None,
                row.inside,
                int(row.ended_here),
                int(row.resumes),
                row.resume_by,
                codec.encode(row.drifts).decode() if row.drifts else None,
                codec.stamp(row.disputed_at),
                row.disputed_over,
                row.approved,
                row.currency,
                int(row.allocated),
                row.bound,
                row.bound_after,
                row.change,
                int(row.reported),
                row.beneath,
                int(not row.even),
            )
            for row in rows
        ],
    )


async def of_offers(
    reader: Reader, offers: Collection[int], kind: LevelKind = LevelKind.QUANTITY
) -> dict[int, OfferLevel]:
    """The quantities of these offers, or their levels of another kind, by offer."""
    found: dict[int, OfferLevel] = {}
    for part in codec.parts(offers):
        rows = await reader.fetch(
            f"SELECT {_READ}, o.external_id {_FROM} WHERE l.kind || '' = ? AND l.scope = ''"
            f" AND l.offer_id IN ({codec.marks(part)})",
            (kind.value, *part),
        )
        found |= {row[0]: _level(row) for row in rows}
    return found


async def uneven(
    reader: Reader,
    account: str,
    limit: int,
    after: int = 0,
    kind: LevelKind = LevelKind.QUANTITY,
    *,
    since: int | None = None,
    unsent: bool = True,
) -> list[OfferLevel]:
    """The levels of an account that do not show what is wanted, or are under way, from the offer `after` on.

    With `since` only those that were read, or of which something else was wanted, after that event or with it.
    Without `unsent` none that was read and merely waits to be sent, unless it is allocated.
    """
    where = "" if since is None else " AND (l.wanted_after >= ? OR l.confirmed_after >= ?)"
    if not unsent:
        where += " AND (l.phase <> 'settled' OR l.confirmed IS NULL OR l.allocated = 1)"
    rows = await reader.fetch(
        f"SELECT {_READ}, o.external_id {_FROM} WHERE l.account = ? AND l.uneven = 1 AND l.offer_id > ?"
        f" AND l.kind || '' = ?{where} ORDER BY l.offer_id LIMIT ?",
        (account, after, kind.value, *([] if since is None else [since, since]), limit),
    )
    return [_level(row) for row in rows]


async def disputed(reader: Reader) -> list[OfferLevel]:
    """The levels that somebody else writes too, the longest first."""
    rows = await reader.fetch(
        f"SELECT {_READ}, o.external_id {_FROM} WHERE l.disputed_at IS NOT NULL ORDER BY l.disputed_at, l.offer_id"
    )
    return [_level(row) for row in rows]


async def stuck(reader: Reader, accounts: Collection[str]) -> list[OfferLevel]:
    """The offers of these accounts that show more than is wanted, and could not be lowered again and again."""
    rows = await reader.fetch(
        f"SELECT {_READ}, o.external_id {_FROM} WHERE l.uneven = 1 AND l.account IN ({codec.marks(list(accounts))})"
        " AND l.kind || '' = ? AND l.tries >= ? AND l.active = 1"
        " AND (l.confirmed > l.wanted OR l.confirmed IS NULL) ORDER BY l.account, l.offer_id",
        (*accounts, LevelKind.QUANTITY.value, TRIES),
    )
    return [_level(row) for row in rows]


async def unrestored(reader: Reader, accounts: Collection[str]) -> list[OfferLevel]:
    """The offers of these accounts that could be bought before a stop, which was lifted, and stay at zero for a
    reason."""
    rows = await reader.fetch(
        f"SELECT {_READ}, o.external_id {_FROM} WHERE l.uneven = 1 AND l.account IN ({codec.marks(list(accounts))})"
        " AND l.kind || '' = ? AND l.scope = '' AND l.resume_by = ? AND l.beneath IS NULL AND l.wanted > 0"
        " AND l.phase = ? AND l.reason IS NOT NULL AND (l.active = 0 OR l.confirmed = 0)"
        " ORDER BY l.account, l.offer_id",
        (*accounts, LevelKind.QUANTITY.value, RESTORED, Phase.SETTLED.value),
    )
    return [_level(row) for row in rows]


async def held_prices(reader: Reader, accounts: Collection[str]) -> list[OfferLevel]:
    """The prices of these accounts that are not as wanted, or may not be sent, by account and offer."""
    rows = await reader.fetch(
        f"SELECT {_READ}, o.external_id {_FROM} WHERE l.account IN ({codec.marks(list(accounts))})"
        " AND l.kind = 'price' AND (l.uneven = 1 OR l.held IS NOT NULL) ORDER BY l.account, l.offer_id LIMIT 1000",
        list(accounts),
    )
    return [_level(row) for row in rows]


async def unsettled(reader: Reader, accounts: Collection[str]) -> dict[str, datetime]:
    """By account, when the oldest command was made of which it is not known what became of it."""
    rows = await reader.fetch(
        "SELECT account, min(created_at) FROM level_commands WHERE ended_at IS NULL"
        f" AND account IN ({codec.marks(list(accounts))}) GROUP BY account",
        list(accounts),
    )
    return {row[0]: codec.moment(row[1]) for row in rows}


async def unresumed(reader: Reader) -> dict[str, int]:
    """By account, how many offers have ended, could be sold again, and may not be resumed by themselves."""
    rows = await reader.fetch(
        "SELECT account, count(*) FROM levels WHERE uneven = 1 AND active = 0 AND wanted > 0 AND resumes = 0"
        " AND resume_by IS NULL AND kind || '' = ? GROUP BY account",
        (LevelKind.QUANTITY.value,),
    )
    return {row[0]: row[1] for row in rows}


async def numbers(reader: Reader, account: str, after: int, limit: int) -> list[int]:
    """The offers of an account that have a quantity to show, from the offer `after` on."""
    rows = await reader.fetch(
        "SELECT DISTINCT offer_id FROM levels WHERE account = ? AND offer_id > ? AND kind || '' = ?"
        " ORDER BY offer_id LIMIT ?",
        (account, after, LevelKind.QUANTITY.value, limit),
    )
    return [row[0] for row in rows]


async def of_command(reader: Reader, command: str) -> list[OfferLevel]:
    """The levels that a command was to write."""
    rows = await reader.fetch(
        f"SELECT {_READ}, o.external_id {_FROM} WHERE l.command = ? ORDER BY l.offer_id", (command,)
    )
    return [_level(row) for row in rows]


async def lower_sold(tx: Transaction, account: str, sales: Sequence[tuple[str, int]], through: int) -> None:
    """A channel has lowered these offers itself by what was sold of them, as orders say that have just landed.

    Only what was read before that can be lowered: a reading that came later may have the sale in it. It is later
    unless the orders were read to their end after it, which they were up to the event `through`.
    """
    await tx.executemany(
        "UPDATE levels SET confirmed = CASE WHEN levels.confirmed > ? THEN levels.confirmed - ? ELSE 0 END,"
        " uneven = 1 WHERE confirmed IS NOT NULL AND confirmed_after < ? AND kind || '' = ? AND scope = ''"
        " AND offer_id IN (SELECT id FROM offers WHERE account = ? AND external_id = ?)",
        [(pieces, pieces, through, LevelKind.QUANTITY.value, account, offer) for offer, pieces in sales],
    )


async def lower_bound(tx: Transaction, account: str, sales: Sequence[tuple[str, int]], after: int) -> None:
    """Orders have just landed that bought these pieces, which were in what each offer could still sell until now,
    whenever it was read. `after` is the newest event."""
    await tx.executemany(
        "UPDATE levels SET bound = CASE WHEN bound > ? THEN bound - ? ELSE 0 END, bound_after = ?, uneven = 1"
        " WHERE bound IS NOT NULL AND kind || '' = ? AND scope = ''"
        " AND offer_id IN (SELECT id FROM offers WHERE account = ? AND external_id = ?)",
        [(pieces, pieces, after, LevelKind.QUANTITY.value, account, offer) for offer, pieces in sales],
    )


async def keep(tx: Transaction, rows: Sequence[LevelCommand]) -> None:
    """Keep commands before they are sent."""
    await tx.executemany(
        "INSERT INTO level_commands (id, account, action, value, offers, created_at, state, due_at, kind, change)"
        " VALUES (?,?,?,?,?,?,?,?,?,?)",
        [
            (
                one.id,
                one.account,
                one.action,
                one.value,
                codec.encode(one.offers),
                codec.stamp(one.created_at),
                one.state.value,
                codec.stamp(one.due_at),
                one.kind.value,
                one.change,
            )
            for one in rows
        ],
    )


async def forget_wanted(
    tx: Transaction, kind: LevelKind, *, offers: Collection[int] | None = None, account: str | None = None
) -> None:
    """Forget what was wanted, and what a person approved of it, of these offers or of a whole account. A command
    that is under way is still settled."""
    where, given = ("account = ?", [account]) if account is not None else ("offer_id = ?", sorted(offers or ()))
    await tx.executemany(
        "UPDATE levels SET wanted = NULL, wanted_at = NULL, approved = NULL, reason = NULL, held = NULL,"
        f" uneven = (phase <> ?) WHERE {where} AND kind || '' = ?",
        [(Phase.SETTLED.value, one, kind.value) for one in given],
    )


async def settle_command(
    tx: Transaction,
    command: str,
    state: LevelCommandState,
    due_at: datetime | None,
    ended_at: datetime | None,
    report: bytes | None = None,
) -> None:
    """Store what became of a command."""
    await tx.execute(
        "UPDATE level_commands SET state = ?, due_at = ?, ended_at = ?, report = ? WHERE id = ?",
        (state.value, codec.stamp(due_at), codec.stamp(ended_at), report, command),
    )


async def commands(reader: Reader, account: str, kind: LevelKind = LevelKind.QUANTITY) -> list[LevelCommand]:
    """The commands of an account of which it is not known what became of them, oldest first."""
    rows = await reader.fetch(
        "SELECT id, account, action, value, offers, created_at, state, due_at, kind, change FROM level_commands"
        " WHERE account = ? AND ended_at IS NULL AND kind = ? ORDER BY created_at, id",
        (account, kind.value),
    )
    return [
        LevelCommand(
            id=row[0],
            account=row[1],
            action=row[2],
            value=row[3],
            offers=msgspec.json.decode(row[4], type=tuple[str, ...]),
            created_at=codec.moment(row[5]),
            state=LevelCommandState(row[6]),
            due_at=codec.moment(row[7]),
            kind=LevelKind(row[8]),
            change=row[9],
        )
        for row in rows
    ]


def _level(row: Row) -> OfferLevel:
    return OfferLevel(
        offer=row[0],
        kind=LevelKind(row[1]),
        scope=row[2],
        account=row[3],
        wanted=row[4],
        wanted_after=row[5],
        wanted_at=codec.moment(row[6]),
        basis_after=row[7],
        phase=Phase(row[8]),
        command=row[9],
        sent=row[10],
        sent_at=codec.moment(row[11]),
        confirmed=row[12],
        confirmed_after=row[13],
        confirmed_at=codec.moment(row[14]),
        active=bool(row[15]),
        due_at=codec.moment(row[16]),
        tries=row[17],
        reason=codec.text(row[18]),
        held=codec.text(row[19]),
        step=LevelStep(row[20]) if row[20] is not None else None,
        inside=row[21],
        ended_here=bool(row[22]),
        resumes=bool(row[23]),
        resume_by=row[24],
        drifts=msgspec.json.decode(row[25], type=tuple[Drift, ...]) if row[25] else (),
        disputed_at=codec.moment(row[26]),
        disputed_over=row[27],
        approved=row[28],
        currency=row[29],
        allocated=bool(row[30]),
        bound=row[31],
        bound_after=row[32],
        change=row[33],
        reported=bool(row[34]),
        beneath=row[35],
        external_id=row[36],
    )
