"""Each statement of the tables is one that SQLite and PostgreSQL both take: a second home finds nothing to mend.

Every function of every table is called with made-up values and a transaction that only writes down what it is
asked. SQLite then prepares each statement against the newest schema; PostgreSQL's own parser reads it as well. A
parser knows no functions and no types, so what is known to mean something else there is named here.
"""

import ast
import contextlib
import enum
import importlib
import inspect
import re
import sqlite3
import sys
import types
import typing
from collections.abc import Collection, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
import pglast
import pytest

import olhubd.store
from olhubd.model import Order
from olhubd.store.base import Parameters, Reader, Reading, Row, Transaction
from olhubd.store.sqlite import migrate
from tests.orders import EPOCH, order

FOLDER = Path(olhubd.store.__file__).parent
OTHERS = {"__init__", "base", "catalog_search", "codec", "search"}
"""No tables; how orders are searched is each home's own."""
TABLES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in OTHERS)
CALLS = {"fetch", "one", "execute", "executemany"}
FOREIGN = {
    # `instr` would be, too; one line makes it of PostgreSQL's `strpos`.
    r"\b(iif|json_\w+|strftime|julianday|ifnull|group_concat|printf|total)\(": "a function of SQLite alone",
    r"(\b(WHERE|AND|OR|NOT|BY|ON|SELECT) |[,(] ?)\+ ?(?!id\b)[a-z_]+": "a plus before a column",
    r"\b(MAX|MIN)\([^()]*,": "the larger of two, which is GREATEST elsewhere",
    r"\bx'": "bytes, which are bits in PostgreSQL",
    r"\b(rowid|INDEXED BY|NOCASE|AUTOINCREMENT|GLOB|PRAGMA|sqlite_\w+)\b": "a word of SQLite alone",
    r"->": "a look into JSON, whose paths differ",
    r"\bINSERT OR\b": "ON CONFLICT says it in both",
    r"DO UPDATE SET.*?(= |WHEN |THEN |ELSE )(?!NULL|CASE|excluded\b)[a-z_]+(?![\w.(])": "a column of either of two",
    r'"': "a quoted name",
}
"""What a parser lets through and PostgreSQL does not take, or takes for something else."""


class Asked(Transaction):
    """Writes down each statement with the place in the store that asks it, and finds nothing."""

    holder = "me"

    def __init__(self) -> None:
        self.held = {"x": 1}
        self.statements: dict[str, set[tuple[str, int]]] = {}

    def _note(self, sql: str) -> None:
        frame: types.FrameType | None = sys._getframe(2)
        while frame is not None and Path(frame.f_code.co_filename).parent != FOLDER:
            frame = frame.f_back
        while frame is not None and Path(frame.f_code.co_filename).stem == "base":
            frame = frame.f_back
        assert frame is not None
        self.statements.setdefault(sql, set()).add((Path(frame.f_code.co_filename).stem, frame.f_lineno))

    async def fetch(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        self._note(sql)
        return [("x", 1)] if "epoch FROM leases WHERE account IN" in sql else []

    async def together(self, work: Reading[Any]) -> Any:
        return await work(self)

    async def execute(self, sql: str, parameters: Parameters = ()) -> int:
        self._note(sql)
        return 0

    async def executemany(self, sql: str, rows: Collection[Parameters]) -> int:
        self._note(sql)
        return 0

    async def next_id(self, table: str) -> int:
        return 1


def sample(hint: Any, full: bool) -> Any:
    """A value of that type; where one may be left out, it is there when `full`."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hasattr(hint, "__supertype__"):
        return sample(hint.__supertype__, full)
    if origin in (typing.Union, types.UnionType):
        if type(None) in arguments and not full:
            return None
        return sample(next(one for one in arguments if one is not type(None)), full)
    if origin is tuple and (len(arguments) != 2 or arguments[1] is not Ellipsis):
        return tuple(sample(one, full) for one in arguments)
    if origin is dict or (origin is not None and issubclass(origin, typing.Mapping)):
        return {sample(arguments[0], full): sample(arguments[1], full)}
    if origin is not None:
        made = [sample(arguments[0], full)]
        return tuple(made) if origin is tuple else frozenset(made) if origin in (set, frozenset) else made
    if hint is Order:
        return order("x")
    simple = {
        str: "x",
        int: 1,
        bool: full,
        bytes: b"{}",
        Decimal: Decimal(1),
        datetime: EPOCH,
        date: EPOCH.date(),
        timedelta: timedelta(days=1),
        msgspec.Raw: msgspec.Raw(b"{}"),
        object: "x",
        Any: "x",
    }
    if hint in simple:
        return simple[hint]
    if issubclass(hint, enum.Enum):
        return next(iter(hint))
    hints = typing.get_type_hints(hint)
    names = hint.__struct_fields__
    return hint(**{name: sample(hints[name], full) for name in names})


def functions(name: str) -> Iterator[Any]:
    module = importlib.import_module(f"olhubd.store.{name}")
    for function in vars(module).values():
        asks = inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
        if asks and function.__module__ == module.__name__ and not function.__name__.startswith("_"):
            yield function


async def asked(name: str) -> dict[str, set[tuple[str, int]]]:
    """All statements of a table, each with the lines that ask them."""
    found: dict[str, set[tuple[str, int]]] = {}
    for function, full, empty in product(functions(name), (True, False), (True, False)):
        tx = Asked()
        hints = typing.get_type_hints(function)
        given: dict[str, Any] = {}
        for one in inspect.signature(function).parameters:
            value = tx if hints[one] in (Reader, Transaction) else sample(hints[one], full)
            given[one] = [] if empty and isinstance(value, list) else value
        if inspect.isasyncgenfunction(function):
            async for _ in function(**given):
                break
        else:
            with contextlib.suppress(olhubd.store.LeaseLost):
                await function(**given)
        for sql, places in tx.statements.items():
            found.setdefault(sql, set()).update(places)
    return found


def sites(name: str) -> set[int]:
    """The lines of a table's module that ask a statement."""
    tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    return {
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CALLS
    }


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> sqlite3.Connection:
    path = tmp_path_factory.mktemp("schema") / "hub.sqlite"
    migrate.migrate(path)
    return sqlite3.connect(path)


def postgres(sql: str) -> str:
    """The same with its own marks, as the home will write it."""
    count = iter(range(1, 10_000))
    return re.sub(r"\?", lambda _: f"${next(count)}", sql)


@pytest.mark.parametrize("name", TABLES)
async def test_a_table_asks_what_both_homes_take(name: str, schema: sqlite3.Connection) -> None:
    statements = await asked(name)
    reached = {line for places in statements.values() for module, line in places if module == name}
    missed = {site for site in sites(name) if not any(site <= line <= site + 12 for line in reached)}
    assert not missed, f"olhubd/store/{name}.py: nothing was seen of what these lines ask"
    wrong = []
    for sql in statements:
        schema.execute(f"EXPLAIN {sql}", [None] * sql.count("?"))
        try:
            pglast.parse_sql(postgres(sql))
        except pglast.parser.ParseError as error:
            wrong.append((sql, str(error)))
        wrong += [(sql, why) for found, why in FOREIGN.items() if re.search(found, sql)]
    assert not wrong


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 FROM orders INDEXED BY orders_listed",
        "SELECT id FROM runs WHERE error IS 'x'",
        "SELECT id FROM runs WHERE id IN ()",
        "INSERT OR IGNORE INTO runs VALUES (?)",
    ],
)
def test_what_only_sqlite_takes_is_seen(sql: str) -> None:
    with pytest.raises(pglast.parser.ParseError):
        pglast.parse_sql(postgres(sql))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT iif(id, 1, 2) FROM runs",
        "SELECT id FROM runs WHERE +account = ?",
        "SELECT MAX(1, id) FROM runs",
        "SELECT id FROM copies WHERE unlinked <> x'5b5d'",
        "DELETE FROM runs WHERE rowid = 1",
        "INSERT INTO runs VALUES (?) ON CONFLICT (id) DO UPDATE SET polls = polls + 1",
    ],
)
def test_what_a_parser_lets_through_is_seen(sql: str) -> None:
    assert any(re.search(found, sql) for found in FOREIGN)
