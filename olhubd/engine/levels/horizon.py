"""How far the orders of each account have been read, by the order of our own commits.

An order that was bought before the feed was read to its end has landed by then. So what is known of an account's
sales is whole up to the newest event when the last page of its orders was asked for.

One process knows it of the accounts that it reads, and learns it again after a start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from olhubd.engine.flow.flow import UNASKED, Asked
from olhubd.store import Database, events

__all__ = ["Horizon"]


class Horizon:
    """Make one for all accounts. Where `wanted` says that nobody sells stock, nothing is asked of the database."""

    def __init__(self, database: Database, wanted: Callable[[], bool], moved: Callable[[], None]) -> None:
        self._database = database
        self._wanted = wanted
        self._moved = moved
        self._through: dict[str, int] = {}
        self._swept: dict[str, int] = {}
        self._begun: set[str] = set()

    async def asked(self, account: str) -> Asked:
        """What is known now, before something is asked of the account's system."""
        if not self._wanted():
            return UNASKED
        return Asked(after=await events.head(self._database.reader), through=self._through.get(account, 0))

    def reached(self, account: str, asked: Asked) -> None:
        """The account's orders were read to their end, and have landed; the last page was `asked` for then."""
        if asked.after > self._through.get(account, 0):
            self._through[account] = asked.after
            self._moved()

    def swept(self, account: str, asked: Asked) -> None:
        """The account's orders were read by a second pass that trusts no journal, and have landed; its first page
        was `asked` for then."""
        if asked.after > self._swept.get(account, 0):
            self._swept[account] = asked.after
            self._moved()

    def begin(self, account: str) -> None:
        """What the offers of an account may still sell is learned again by this process: the file may be an older
        one."""
        self._begun.add(account)

    def begun(self, accounts: Iterable[str]) -> bool:
        """Whether this process has begun with all of these."""
        return self._begun.issuperset(accounts)

    def swept_through(self, accounts: Iterable[str]) -> int:
        """The same as `through`, by the second pass."""
        return min((self._swept.get(account, 0) for account in accounts), default=0)

    def through(self, accounts: Iterable[str]) -> int:
        """Up to which event the sales of all these accounts are known; 0 where one was never read to its end."""
        return min((self._through.get(account, 0) for account in accounts), default=0)
