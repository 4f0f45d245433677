"""All commands beside a daemon that trades: data for programs, tables that fit, and wrong input told in words.

Who adds a command adds it to a table here; one that is missing fails.
"""

from __future__ import annotations

import asyncio
import csv
import io
import re
from pathlib import Path

import click
import msgspec
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result, _NamedTextIOWrapper
from rich.cells import cell_len

from olhubd.cli import cli, session
from olhubd.cli.failures import Exit
from olhubd.control.http.routes import Endpoint
from olhubd.control.http.server import ROUTES
from olhubd.model import Scope
from tests.cli.conftest import Run, Terminal
from tests.cli.test_commands import EVERY, PAGE
from tests.cli.test_daemon import held
from tests.control.house import House

ROWS: dict[str, tuple[str, ...]] = {
    "account settings": ("shop",),
    "alarms": ("--past",),
    "config show": (),
    "customers list": (),
    "deliveries list": ("--all",),
    "doctor": ("DAEMON", "REACH"),
    "events": (),
    "holds causes": (),
    "holds list": (),
    "links list": (),
    "links suggest": (),
    "mappings": (),
    "offers drafts": (),
    "offers list": (),
    "orders list": (),
    "plugins": (),
    "prices list": (),
    "prices lists": (),
    "products imports": (),
    "products list": (),
    "quarantine": (),
    "reconcile": (),
    "replay": (),
    "runs": (),
    "status": (),
    "statuses leaders": (),
    "statuses list": (),
    "stock list": (),
    "stock oversold list": (),
    "stock plans list": (),
    "stock stops": (),
    "strangers list": (),
    "token list": (),
    "unlinked": (),
}
"""What prints rows, with what to ask it."""
LEAVES = {" ".join(words): command for words, command in EVERY.items() if not isinstance(command, click.Group)}
ALONE = {"config show", "plugins", "replay"}
"""They need no daemon, and know nothing of the connector that only the house has."""
WRONG: dict[str, tuple[str, ...]] = {
    "account remove": ("nobody",),
    "account rename": ("nobody", "x"),
    "account settings": ("nobody",),
    "account show": ("nobody",),
    "alarms": ("--limit", "0"),
    "check": ("surplus",),
    "completion": ("ksh",),
    "config schema": ("surplus",),
    "config show": ("--json", "--csv"),
    "customers data": ("999",),
    "customers erase": ("999",),
    "customers export": ("--kind", "martian"),
    "customers list": ("--account", "nobody"),
    "customers show": ("999",),
    "deliveries accept": ("x",),
    "deliveries discard": ("999",),
    "deliveries list": ("--state", "lost"),
    "deliveries release": (),
    "deliveries retry": ("999",),
    "demo": ("--orders", "x"),
    "doctor": ("NOTHING",),
    "events": ("--account", "nobody"),
    "explain": ("nothing",),
    "fetch": ("nobody",),
    "holds adopt": ("x", "1"),
    "holds discard": ("17",),
    "holds causes": ("--target", "nobody"),
    "holds list": ("--target", "nobody"),
    "holds accept": ("q1",),
    "holds release": ("q1",),
    "holds retry": ("x",),
    "holds show": ("999",),
    "journal": ("--before", "yesterday"),
    "links add": ("nothing", "KUB"),
    "links confirm": ("nothing",),
    "links export": ("--account", "nobody"),
    "links import": ("no-such-file.csv",),
    "links list": ("--account", "nobody"),
    "links remove": ("nothing",),
    "links suggest": ("--account", "nobody"),
    "login": ("nobody",),
    "log-level": ("loud",),
    "mappings": ("--kind", "colour"),
    "offers change": ("nobody", "1", "--tax", "23"),
    "offers copy": ("nobody", "1", "shop"),
    "offers create": ("nobody", "--sku", "A"),
    "offers drafts": ("--account", "nobody"),
    "offers end": ("nobody", "1"),
    "offers import": ("no-such-file.csv",),
    "offers list": ("--account", "nobody"),
    "offers show": ("nothing",),
    "orders address": ("nothing", "--city", "Gdynia"),
    "orders edit": ("nothing", "--tax-number", "1"),
    "orders pay": ("nothing", "1.00"),
    "orders unpay": ("nothing", "1"),
    "orders export": ("--from", "yesterday"),
    "orders forward": ("nothing",),
    "orders list": ("--from", "yesterday"),
    "orders own-status": ("nothing", "packed"),
    "orders note": ("nothing", "x"),
    "orders ship": ("nothing", "--carrier", "DPD", "--waybill", "1"),
    "orders show": ("nothing",),
    "orders status": ("nothing", "sent"),
    "pause": ("nobody",),
    "plugins": ("nothing",),
    "prove": ("nothing",),
    "quarantine": ("--limit", "many"),
    "prices approve": ("nobody", "1", "9.00"),
    "prices explain": ("nothing",),
    "prices follow": ("nobody", "1", "--on"),
    "prices list": ("--currency", "zloty"),
    "prices lists": ("--account", "nobody"),
    "prices send": ("nobody", "1"),
    "products imports": ("--account", "nobody"),
    "products list": ("--ean", "17"),
    "products show": ("nothing",),
    "reconcile": ("--now",),
    "reload": ("surplus",),
    "replay": ("--since", "yesterday", "--into", "x"),
    "resume": ("nobody",),
    "run": ("surplus",),
    "runs": ("--account", "nobody"),
    "simulate": ("nothing",),
    "status": ("surplus",),
    "statuses leaders": ("surplus",),
    "statuses list": ("surplus",),
    "statuses remove": ("nothing",),
    "statuses set": ("Not-A-Name",),
    "stock auto-resume": ("nobody", "1", "--on"),
    "stock ignore": ("nobody", "1", "--reason", "x"),
    "stock list": ("--account", "nobody"),
    "stock lift": ("nobody",),
    "stock oversold close": ("999",),
    "stock oversold list": ("--account", "nobody"),
    "stock oversold show": ("999",),
    "stock plans approve": ("999", "--offers", "1", "--zeros", "1", "--raises", "0"),
    "stock plans list": ("--account", "nobody"),
    "stock plans reject": ("999",),
    "stock plans show": ("999",),
    "stock resume": ("nobody", "1"),
    "stock retry": ("nobody", "1"),
    "stock show": ("nothing",),
    "stock stop": ("nobody",),
    "stock stops": ("surplus",),
    "strangers discard": ("nobody", "1", "--reason", "x"),
    "strangers list": ("--limit", "0"),
    "token create": ("x", "--expires", "soon"),
    "token list": ("surplus",),
    "token revoke": ("nobody",),
    "torture": ("--schedules", "many"),
    "unlinked": ("--account", "nobody"),
    "version": ("surplus",),
}
"""For each command something that it cannot do."""


def test_the_tables_have_every_command() -> None:
    offered = {
        name for name, command in LEAVES.items() if any("--csv" in parameter.opts for parameter in command.params)
    }
    assert offered == ROWS.keys()
    assert LEAVES.keys() == WRONG.keys()


@pytest.fixture
async def house(house: House) -> House:
    """With something to be told by every command."""
    await house.sell(3)
    await held(house)
    (bought,) = house.tiny.buy()
    house.tiny.corrupt(bought)
    await house.ask("POST", "/accounts/stingy/fetch")
    await house.make_token("till", Scope.READ)
    return house


async def test_rows_for_programs(house: House, terminal: Terminal, tmp_path: Path) -> None:
    """As JSON, and as CSV whose rows all have as many cells as the heading."""
    filled = set()
    for name, arguments in ROWS.items():
        if name in ALONE:
            continue
        words = [*name.split(), *arguments]
        msgspec.json.decode(await terminal(*words, "--json"))
        out = (await printed(house, *words, "--csv")).splitlines()
        heading, *rows = csv.reader(out)
        assert len(set(heading)) == len(heading)
        assert all(re.fullmatch(r"[a-z_]+", cell) for cell in heading), name
        assert {len(row) for row in rows} <= {len(heading)}, name
        filled |= {name} if rows else set()
    assert filled >= {"deliveries list", "doctor", "events", "holds list", "mappings", "orders list", "runs"}
    assert filled >= {"quarantine", "status", "token list"}


async def printed(house: House, *arguments: str, code: int = 0) -> str:
    """Standard output alone."""
    command = ["--config", str(house.path), *arguments]
    result = await asyncio.to_thread(CliRunner().invoke, cli, command)
    assert result.exit_code == code, result.output
    return result.stdout


def test_rows_for_programs_without_a_daemon(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "olhubd.toml"
    path.write_text('[daemon]\ndata = "data"\n', encoding="utf-8")
    for name in ("config show", "plugins"):
        done = run(*name.split(), "--csv", "--config", str(path))
        assert done.exit_code == 0, done.output
        heading, *rows = csv.reader(io.StringIO(done.stdout))
        assert rows
        assert {len(row) for row in rows} == {len(heading)}
        assert msgspec.json.decode(run(*name.split(), "--json", "--config", str(path)).output)


async def test_a_cell_is_no_formula(house: House, terminal: Terminal) -> None:
    (waiting,) = (await house.get("/deliveries", state="hold"))["items"]
    await terminal("deliveries", "discard", str(waiting["id"]), "--reason", "=1+1")
    rows = csv.DictReader(io.StringIO(await printed(house, "deliveries", "list", "--csv")))
    assert [row["reason"] for row in rows] == ["'=1+1"]


@pytest.mark.parametrize("width", [80, 120, 200])
async def test_tables_fit_the_terminal(
    house: House, terminal: Terminal, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    """Usual terminals have 80 columns: nothing is wider, and what is a table stays one."""
    monkeypatch.setattr(_NamedTextIOWrapper, "isatty", lambda self: self.name == "<stdout>")
    for name, arguments in ROWS.items():
        if name in ALONE or name == "reconcile":
            continue
        told = click.unstyle(await terminal(*name.split(), *arguments, COLUMNS=str(width), TERM="xterm"))
        lines = [line for line in told.splitlines() if not line.startswith(("No room for:", "  "))]
        assert max(map(cell_len, lines)) <= width, (name, told)
        if name in ("orders list", "runs", "deliveries list", "events", "mappings", "token list", "holds list"):
            assert re.search(r"^ *[A-Z]+ +[A-Z]+", told, re.MULTILINE), f"{name} is no table at {width}"


@pytest.mark.parametrize("name", [name for name in WRONG if name not in ALONE])
def test_wrong_input_without_a_daemon_is_told_in_words(run: Run, tmp_path: Path, name: str) -> None:
    """Whatever is wrong first: a code of the table, one sentence, and no traceback."""
    path = tmp_path / "olhubd.toml"
    path.write_text('[daemon]\ndata = "data"\n[control]\nsocket = "no.sock"\n', encoding="utf-8")
    given = list(WRONG[name])
    if name != "completion" and any("--config" in parameter.opts for parameter in LEAVES[name].params):
        given += ["--config", str(path)]
    told(run(*name.split(), *given))


def told(done: Result) -> None:
    assert done.exit_code in set(Exit) - {Exit.OK, Exit.INTERNAL}, done.output
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    assert "Traceback" not in done.output
    assert done.output.strip()


async def test_wrong_input_is_told_in_words(house: House) -> None:
    """The same beside a daemon, which refuses what the command line could not know."""
    for name, arguments in WRONG.items():
        if name in ALONE or name in ("completion", "demo", "simulate", "torture", "run", "config schema"):
            continue
        command = ["--config", str(house.path), *name.split(), *arguments]
        told(await asyncio.to_thread(CliRunner().invoke, cli, command))


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_no_route_takes_longer_than_the_command_line_waits(route: Endpoint) -> None:
    """It would tell of a daemon that does not answer, which works."""
    assert route.limit < session._PATIENT


def test_the_page_has_the_exit_codes_and_no_others() -> None:
    text = PAGE.read_text(encoding="utf-8")
    table = text.partition("## Exit codes")[2].partition("\n## ")[0]
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)] == [code.value for code in Exit]


def test_the_shell_completes_accounts_and_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the configuration, without asking anybody; a broken one completes nothing."""
    path = tmp_path / "olhubd.toml"
    path.write_text(
        '[accounts.shop-pl]\nconnector = "x"\n[accounts.shop-de]\n[accounts.market]\n', encoding="utf-8"
    )
    monkeypatch.setenv("OLHUBD_CONFIG", str(path))

    def offered(words: list[str], begun: str) -> list[str]:
        completer = ShellComplete(cli, {}, "olhubd", "_OLHUBD_COMPLETE")
        return [item.value for item in completer.get_completions(words, begun)]

    assert offered(["fetch"], "shop") == ["shop-de", "shop-pl"]
    assert offered(["orders", "list", "--account"], "") == ["market", "shop-de", "shop-pl"]
    assert offered(["deliveries", "list", "--target"], "m") == ["market"]
    assert offered(["orders", "list", "--stage"], "c") == ["confirmed", "cancelled"]
    path.write_text("[accounts", encoding="utf-8")
    assert offered(["fetch"], "") == []
