"""Where tokens are kept: encoded in the database, durable before anybody may use them."""

from __future__ import annotations

from datetime import datetime

import msgspec

from olhubd.engine.access.tokens import StoredTokens
from olhubd.plugin import Clock, Token, Unavailable
from olhubd.store import Database, LeaseLost, Transaction, credentials

__all__ = ["TokenStore"]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Token).decode


class TokenStore:
    """The token keepers' view of the store; fits `olhubd.engine.access.tokens.Vault`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def load(self, account: str) -> StoredTokens | None:
        row = await credentials.get(self._database.reader, account)
        if row is None:
            return None
        previous = _decode(row.previous) if row.previous is not None else None
        return StoredTokens(token=_decode(row.token), previous=previous, refreshing_at=row.refreshing_at)

    async def save(self, account: str, token: Token) -> None:
        encoded, now = _encode(token), self._clock.now()

        async def work(tx: Transaction) -> None:
            await credentials.put(tx, account, encoded, now)

        await self._database.write(work)

    async def mark(self, account: str, at: datetime | None) -> None:
        async def work(tx: Transaction) -> None:
            await credentials.mark(tx, account, at)

        try:
            await self._database.write(work)
        except LeaseLost as error:
            raise Unavailable(str(error)) from error
