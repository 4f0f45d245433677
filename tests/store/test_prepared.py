"""Statements are prepared once, and then only run: a turn of the hub is thousands of small ones.

SQLite prepares a statement again each time that it runs where the value of a parameter could decide which index
serves it, as `kind = ?` does beside an index of `kind = 'price'` alone. Nothing but the time it takes shows that.
"""

from __future__ import annotations

import collections
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from olhubd_kit.catalogue import PRODUCTS
from olhubd_torture.inline import InlineConnection
from olhubd_torture.week import hub
from olhubd_torture.week.plan import BuyerCame
from tests.torture.test_week import OTHER, SKU, a_plan

_connect = sqlite3.connect
_OFTEN = 20
"""Times that a statement is run at least, so that what SQLite learns of a file in the beginning is no finding."""


class Watched:
    """Counts for each statement how often it was run and how often SQLite had to prepare it."""

    def __init__(self) -> None:
        self.run: collections.Counter[str] = collections.Counter()
        self.prepared: collections.Counter[str] = collections.Counter()
        self._now = ""
        self._seen = False

    def connect(self, path: Path, **named: Any) -> sqlite3.Connection:
        raw: sqlite3.Connection = _connect(path, cached_statements=2000, **named)
        raw.set_authorizer(self._asked)
        return raw

    def _asked(self, *_what: object) -> int:
        """SQLite asks what a statement may do while it prepares it, and never while it runs."""
        if not self._seen:
            self._seen = True
            self.prepared[self._now] += 1
        return sqlite3.SQLITE_OK

    def begin(self, statement: str) -> None:
        self._now, self._seen = statement, False
        self.run[statement] += 1

    def again(self) -> dict[str, int]:
        """What was prepared again and again."""
        return {
            statement: self.prepared[statement]
            for statement, times in self.run.items()
            if times >= _OFTEN and self.prepared[statement] > times / 2
        }


def test_the_watch_sees_what_is_prepared_each_time_that_it_runs(tmp_path: Path) -> None:
    watched = Watched()
    raw = watched.connect(tmp_path / "probe.sqlite")
    raw.executescript("CREATE TABLE t (kind TEXT, n INTEGER); CREATE INDEX one ON t (n) WHERE kind = 'a';")
    for kind in ("SELECT n FROM t WHERE kind = ? AND n = ?", "SELECT n FROM t WHERE +kind = ? AND n = ?"):
        for number in range(2 * _OFTEN):
            watched.begin(kind)
            raw.execute(kind, ("b", number)).fetchall()
    raw.close()
    assert list(watched.again()) == ["SELECT n FROM t WHERE kind = ? AND n = ?"]


def test_no_statement_of_the_hub_is_prepared_again_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half an hour of trade: orders, stock and quantities, by the real hub."""
    watched = Watched()

    async def execute_fetchall(self: InlineConnection, sql: str, parameters: Any = ()) -> list[Any]:
        watched.begin(sql)
        return self.raw.execute(sql, parameters).fetchall()

    async def execute(self: InlineConnection, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
        watched.begin(sql)
        return self.raw.execute(sql, parameters)

    monkeypatch.setattr(InlineConnection, "execute_fetchall", execute_fetchall)
    monkeypatch.setattr(InlineConnection, "execute", execute)
    monkeypatch.setattr(sqlite3, "connect", watched.connect)
    acts = [BuyerCame(60.0 * number, "first", ((SKU, 1), (OTHER, 1)), number) for number in range(1, 25)]
    hub.carry(a_plan(*acts, seconds=1800.0, TAL_27=20, LAM_BIU=30), PRODUCTS, lambda _: None)
    assert len(watched.run) > 100
    assert watched.again() == {}
