"""The tokens that people made for programs and for each other, by the digest of what is shown."""

from __future__ import annotations

from datetime import datetime

import msgspec

from olhubd.model import Scope
from olhubd.store import codec
from olhubd.store.base import Reader, Transaction

__all__ = ["TokenRow", "add", "every", "remove", "touch"]


class TokenRow(msgspec.Struct, frozen=True, kw_only=True):
    """One token. Without `expires_at` it is good until somebody revokes it."""

    name: str
    digest: bytes
    scope: Scope
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    used_at: datetime | None = None


async def add(tx: Transaction, row: TokenRow) -> bool:
    """Store a new token; False when one of that name is there."""
    return bool(
        await tx.execute(
            "INSERT INTO tokens (name, digest, scope, created_at, created_by, expires_at) VALUES (?,?,?,?,?,?)"
            " ON CONFLICT (name) DO NOTHING",
            (
                row.name,
                row.digest,
                row.scope.value,
                codec.stamp(row.created_at),
                row.created_by,
                codec.stamp(row.expires_at),
            ),
        )
    )


async def remove(tx: Transaction, name: str) -> bool:
    """Forget a token; False when there is none of that name."""
    return bool(await tx.execute("DELETE FROM tokens WHERE name = ?", (name,)))


async def touch(tx: Transaction, name: str, at: datetime) -> None:
    """Remember when it was last used."""
    await tx.execute("UPDATE tokens SET used_at = ? WHERE name = ?", (codec.stamp(at), name))


async def every(reader: Reader) -> list[TokenRow]:
    return [
        TokenRow(
            name=row[0],
            digest=row[1],
            scope=Scope(row[2]),
            created_at=codec.moment(row[3]),
            created_by=row[4],
            expires_at=codec.moment(row[5]),
            used_at=codec.moment(row[6]),
        )
        for row in await reader.fetch(
            "SELECT name, digest, scope, created_at, created_by, expires_at, used_at FROM tokens ORDER BY name"
        )
    ]
