"""The tokens that open the endpoint: the one of the configuration, and those that people made, each with its scope.

A made token is shown once and kept as its digest; it is as random as the digest is long, so a slow hash would
protect nothing. The daemon alone writes tokens, so they are held in memory and the file is their copy.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from olhubd.engine.errors import NotPossible
from olhubd.engine.hub import Hub
from olhubd.model import Reason, Scope
from olhubd.store import FAILURES, Transaction, tokens
from olhubd.store.tokens import TokenRow

__all__ = ["PREFIX", "ApiTokens", "TokenHolder"]

PREFIX = "olhubd_"
"""How a made token begins, so that one that is found in a file says what it opens."""
_USED_STEP = timedelta(minutes=10)
"""How exactly the last use is kept; a write for every question would cost more than the answer."""
_PATIENCE = 1.0
"""Seconds that an answer waits for the last use to be written."""


class TokenHolder(msgspec.Struct, frozen=True, kw_only=True):
    """The client that showed a token or came by the socket. `mark` distinguishes tokens and reveals none."""

    name: str | None
    """What the token is called; None for the configuration's own and for users at the socket."""
    who: str
    """As written in the log of events: `token`, `token:NAME`, or the user at the socket."""
    scope: Scope
    mark: str
    expires_at: datetime | None = None


class ApiTokens:
    """`load` it before it is asked. `token` is the one of the configuration, which may do everything."""

    def __init__(self, token: str, hub: Hub) -> None:
        self.token = token
        self._hub = hub
        self._writing = asyncio.Lock()
        self._rows: Mapping[str, TokenRow] = {}
        self._used: dict[str, datetime] = {}
        digest = _digest(token)
        self._own = digest
        self._master = TokenHolder(name=None, who="token", scope=Scope.ADMIN, mark=_mark(digest))
        hub.learned(token)

    async def load(self) -> None:
        async with self._writing:
            await self._load()

    async def _load(self) -> None:
        self._rows = {_mark(row.digest): row for row in await tokens.every(self._hub.database.reader)}

    def shown(self, text: str) -> TokenHolder | None:
        """Who shows this token; None when it is none of ours, revoked or expired."""
        digest = _digest(text.strip())
        own = hmac.compare_digest(digest, self._own)
        holder = self._master if own else self.marked(_mark(digest))
        if holder is not None:
            # What people made is kept nowhere, so the logs learn here what they must not show.
            self._hub.learned(text.strip())
        return holder

    def marked(self, mark: str) -> TokenHolder | None:
        """Whose token has this mark, as long as it is good."""
        if mark == self._master.mark:
            return self._master
        row = self._rows.get(mark)
        if row is None or (row.expires_at is not None and self._hub.clock.now() >= row.expires_at):
            return None
        return TokenHolder(
            name=row.name, who=f"token:{row.name}", scope=row.scope, mark=mark, expires_at=row.expires_at
        )

    async def use(self, holder: TokenHolder) -> None:
        """Remember that it was used. A database in trouble keeps nobody out."""
        now = self._hub.clock.now()
        before = self._used.get(holder.mark)
        if before is not None and abs(now - before) < _USED_STEP:
            return
        self._used[holder.mark] = now
        name = holder.name
        if name is None:
            return

        async def work(tx: Transaction) -> None:
            await tokens.touch(tx, name, now)

        with contextlib.suppress(*FAILURES, TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await self._hub.database.write(work)

    async def listing(self) -> Sequence[TokenRow]:
        return await tokens.every(self._hub.database.reader)

    async def make(self, name: str, scope: Scope, lifetime: timedelta | None, who: str) -> tuple[TokenRow, str]:
        """A new token and its text, which nobody knows afterwards. Raises NotPossible when the name is taken."""
        text = PREFIX + secrets.token_urlsafe(32)
        self._hub.learned(text)
        now = self._hub.clock.now()
        row = TokenRow(
            name=name,
            digest=_digest(text),
            scope=scope,
            created_at=now,
            created_by=who,
            expires_at=None if lifetime is None else now + lifetime,
        )

        async def work(tx: Transaction) -> None:
            if not await tokens.add(tx, row):
                raise NotPossible(Reason("request.token-twice", token=name))
            facts = {"token": name, "scope": scope.value, "expires_at": row.expires_at}
            await self._hub.events.note("token.created", facts, who, tx=tx)

        async with self._writing:
            await self._hub.database.write(work)
            await self._load()
        return row, text

    async def revoke(self, name: str, who: str) -> bool:
        """From now on it opens nothing, nor does a session that was begun with it. False when there is none."""

        async def work(tx: Transaction) -> bool:
            if not await tokens.remove(tx, name):
                return False
            await self._hub.events.note("token.revoked", {"token": name}, who, tx=tx)
            return True

        async with self._writing:
            # At once and whatever comes of the writing: one that was given up waiting for may still be done.
            self._rows = {mark: row for mark, row in self._rows.items() if row.name != name}
            return await self._hub.database.write(work)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()


def _mark(digest: bytes) -> str:
    """Of the digest, so that a mark in a cookie says nothing about what the database holds."""
    return hashlib.sha256(b"olhubd mark " + digest).hexdigest()[:32]
