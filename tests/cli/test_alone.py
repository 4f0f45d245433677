"""The command line without a daemon: checking, showing, and good words when nobody answers."""

from __future__ import annotations

import importlib
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest
from click.testing import CliRunner

from olhubd import __version__, config
from olhubd.cli import cli, session
from olhubd.cli.output import Printer, span
from olhubd.plugin import hookimpl
from tests.cli.conftest import Run

GOOD = """
[daemon]
data = "data"
timezone = "Europe/Warsaw"

[control]
listen = "127.0.0.1:{port}"

[accounts.shop]
connector = "woocommerce"
url = "https://shop.example"
consumer_key = "ck_1234567890abcdef1234567890abcdef12345678"
consumer_secret = "cs_CANARY67890abcdef1234567890abcdef1234567"
"""


@pytest.fixture
def port() -> int:
    """One that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


@pytest.fixture
def path(tmp_path: Path, port: int) -> Path:
    file = tmp_path / "olhubd.toml"
    file.touch(mode=0o600)
    file.write_text(GOOD.format(port=port), encoding="utf-8")
    return file


def test_a_right_configuration(run: Run, path: Path) -> None:
    result = run("check", "--config", str(path))
    assert result.exit_code == 0
    assert result.output == f"{path} is right: 1 account, 0 routes\n"


@pytest.mark.parametrize("place", ["before", "after", "environment"])
def test_the_configuration_may_be_named_anywhere(run: Run, path: Path, place: str) -> None:
    match place:
        case "before":
            result = run("-c", str(path), "check")
        case "after":
            result = run("check", "-c", str(path))
        case _:
            result = run("check", OLHUBD_CONFIG=str(path))
    assert result.exit_code == 0, result.output


def test_the_plugins_own_checks_are_asked(run: Run, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a plugin finds wrong with the set-up is told, in words and as JSON; so is a check that breaks."""

    class Careful:
        @hookimpl
        def olhubd_register_checks(self, register: Callable[[str, Callable[[], str | None]], None]) -> None:
            register("printer", lambda: "no paper: put some in")
            register("scales", lambda: None)
            register("lamp", lambda: str(1 // 0))

    load = config.load

    def with_plugin(*arguments: Any) -> config.Configuration:
        configuration = load(*arguments)
        configuration.plugins.manager.register(Careful())
        return configuration

    monkeypatch.setattr(config, "load", with_plugin)
    told = {"printer": "no paper: put some in", "lamp": "the check itself failed: ZeroDivisionError"}
    result = run("check", "--config", str(path))
    assert result.exit_code == 0
    assert [line for line in result.output.splitlines() if ": " in line][:2] == [
        f"{k}: {v}" for k, v in told.items()
    ]
    as_json = run("check", "--config", str(path), "--json")
    assert msgspec.json.decode(as_json.stdout)["checks"] == told


def test_all_that_is_wrong_is_told_at_once(run: Run, path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace("timezone", "timezon").replace("woocommerce", "woocomerce")
    path.write_text(text, encoding="utf-8")
    result = run("check", "--config", str(path))
    assert result.exit_code == 3
    assert "the configuration has 2 problems" in result.output
    assert f'{path}:4: daemon.timezon: is not a known key (did you mean "timezone"?)' in result.output
    assert 'did you mean "woocommerce"?' in result.output
    assert "Traceback" not in result.output


def test_problems_as_json(run: Run, path: Path) -> None:
    path.write_text("[daemon]\nlog_level = 'loud'\n", encoding="utf-8")
    result = run("check", "--config", str(path), "--json")
    assert result.exit_code == 3
    answer = msgspec.json.decode(result.stdout)
    assert answer["ok"] is False
    (problem,) = answer["problems"]
    assert (problem["file"], problem["line"], problem["key"]) == (str(path), 2, "daemon.log_level")


def test_no_configuration_at_all(run: Run, tmp_path: Path) -> None:
    for command in (["check"], ["status"], ["run"], ["config", "show"]):
        result = run(*command, "--config", str(tmp_path / "none.toml"))
        assert result.exit_code == 3
        assert "there is no such file" in result.output


@pytest.mark.parametrize(
    "command",
    [
        ["status"],
        ["fetch", "shop"],
        ["login", "shop"],
        ["pause", "shop"],
        ["resume", "shop"],
        ["orders", "list"],
        ["orders", "show", "1"],
        ["explain", "1"],
        ["deliveries", "list"],
        ["deliveries", "retry", "1"],
        ["deliveries", "release", "--all"],
        ["runs"],
        ["quarantine"],
        ["reload"],
        ["log-level", "debug"],
    ],
    ids=" ".join,
)
def test_nobody_answers(run: Run, path: Path, port: int, command: list[str]) -> None:
    result = run(*command, "--config", str(path))
    assert result.exit_code == 4
    assert f"127.0.0.1:{port} does not answer" in result.output
    assert "Is the daemon running?" in result.output


def test_who_answers_nothing_is_not_waited_for(run: Run, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon that is stopped takes connections in, and says nothing."""
    assert session.PROMPT <= 10
    for command in ("status", "doctor"):
        monkeypatch.setattr(importlib.import_module(f"olhubd.cli.{command}"), "PROMPT", 0.2)
    door = path.parent / "olhubd.sock"
    text = path.read_text(encoding="utf-8").replace("[control]", f'[control]\nsocket = "{door}"')
    path.write_text(text, encoding="utf-8")
    with socket.socket(socket.AF_UNIX) as frozen:
        frozen.bind(str(door))
        frozen.listen(8)
        result = run("status", "--config", str(path))
        assert result.exit_code == 4
        assert f"olhubd: {door} did not answer within 0.2 s\n" in result.output
        assert "systemctl restart olhubd" in result.output
        assert "Is the daemon running?" not in result.output
        told = run("doctor", "--config", str(path))
    assert told.exit_code == 1
    assert f"wrong     DAEMON     {door} did not answer within 0.2 s" in told.output
    assert "skipped   PORT       the daemon that does not answer has it" in told.output


def test_a_socket_that_is_not_ours_to_use(run: Run, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from olhubd.client import _UnixConnection

    def denied(_: _UnixConnection) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(_UnixConnection, "connect", denied)
    socket_path = path.parent / "olhubd.sock"
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(socket_path))
        text = path.read_text(encoding="utf-8").replace("[control]", f'[control]\nsocket = "{socket_path}"')
        path.write_text(text, encoding="utf-8")
        result = run("status", "--config", str(path))
    assert result.exit_code == 5
    assert "use sudo, or become a member of the daemon's group" in result.output


def test_usage_is_a_code_of_its_own(run: Run) -> None:
    assert run("no-such-command").exit_code == 2
    assert run("fetch").exit_code == 2
    assert run("orders", "list", "--stage", "sold").exit_code == 2
    assert run("deliveries", "release").exit_code == 2
    assert run("deliveries", "release", "5", "--all").exit_code == 2


def test_the_configuration_in_force_hides_secrets(run: Run, path: Path) -> None:
    for more in ((), ("--json",)):
        result = run("config", "show", "--config", str(path), *more)
        assert result.exit_code == 0
        assert "CANARY" not in result.output
        assert "********" in result.output
    rows = {row["key"]: row for row in msgspec.json.decode(result.stdout)}
    assert rows["daemon.timezone"] == {
        "key": "daemon.timezone",
        "value": "Europe/Warsaw",
        "origin": f"{path}:4",
    }
    assert rows["engine.backoff_max"]["origin"] == "default"


def test_the_schema_is_one(run: Run) -> None:
    schema = msgspec.json.decode(run("config", "schema").stdout)
    assert schema["title"] == "olhubd.toml"
    assert "accounts" in schema["properties"]


def test_plugins_are_told_without_a_daemon(run: Run) -> None:
    result = run("plugins")
    assert result.exit_code == 0
    assert "WooCommerce" in result.output
    assert "OrderSink" in result.output
    items = msgspec.json.decode(run("plugins", "--json").stdout)["items"]
    assert {plugin["name"] for plugin in items} >= {"allegro", "woocommerce", "vendure"}


def test_a_plugin_that_cannot_be_loaded_is_told(run: Run) -> None:
    result = run("plugins", OLHUBD_PLUGINS="allegro,alegro")
    assert result.exit_code == 1
    assert "alegro: is not installed; did you mean 'allegro'?" in result.output


def test_the_version(run: Run) -> None:
    assert run("version").output == f"olhubd {__version__}\n"
    assert run("--version").output == f"olhubd {__version__}\n"
    assert msgspec.json.decode(run("version", "--json").stdout) == {"version": __version__}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(run: Run, shell: str) -> None:
    result = run("completion", shell)
    assert result.exit_code == 0
    assert "_OLHUBD_COMPLETE" in result.stdout


def test_bash_accepts_its_script(run: Run, tmp_path: Path) -> None:
    script = tmp_path / "olhubd.bash"
    script.write_text(run("completion", "bash").stdout, encoding="utf-8")
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0


def test_a_mistake_of_ours_is_a_sentence(run: Run, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from olhubd.config import endpoint

    def broken(*_: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(endpoint, "reach", broken)
    result = run("status", "--config", str(path))
    assert result.exit_code == 70
    assert "ZeroDivisionError: division by zero" in result.output
    assert "Traceback" not in result.output
    result = run("status", "--config", str(path), OLHUBD_DEBUG="1")
    assert isinstance(result.exception, ZeroDivisionError), "who asks for it gets to see it"


def test_a_pipe_gets_plain_columns(capsys: pytest.CaptureFixture[str]) -> None:
    Printer(False).table(("A:right", "LONG NAME"), [(1, "x"), (22, None)], "none")
    assert capsys.readouterr().out == "A   LONG NAME\n1   x\n22\n"


def test_a_table_fits_the_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    Printer(False).table(("NAME", "WHY"), [("shop", "word " * 30)], "none")
    lines = click.unstyle(capsys.readouterr().out).splitlines()
    assert len(lines) > 3
    assert max(map(len, lines)) <= 40
    assert sum(line.count("word") for line in lines) == 30, "nothing is cut off"


@pytest.mark.parametrize("room", range(40, 130))
def test_a_table_loses_no_letter(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    """Whether it is a table or cards, and however narrow its columns become."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(room))
    row = (7, "market ab186989-9c34-45f9-ab7e-4879350e845a", "push-order", "waits for a person: 400", "found by x")
    Printer(False).table(("ID:right", "ORDER", "WHAT", "REASON", "WHY"), [row, row], "none")
    out = click.unstyle(capsys.readouterr().out)
    headings = sum(map(str.isalpha, "IDORDERWHATREASONWHY"))
    cells = sum(map(str.isalnum, "".join(map(str, row))))
    # Cards tell the headings again for each row.
    assert sum(map(str.isalnum, out)) in (2 * cells + headings, 2 * cells + 2 * headings), out


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.6, "1 min"), (61, "1 min 1 s"), (3600, "1 h"), (3661, "1 h 1 min"), (90_000, "1 d 1 h")],
)
def test_spans_are_told_in_two_units(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_what_strangers_wrote_does_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """A buyer's name may hold escape sequences and line breaks."""
    Printer(False).table(("A", "B"), [("x\x1b]0;evil\x07\x1b[31m", "two\nlines\u202e")], "none")
    Printer(False).line("note \x1b[2J\x9b31m")
    out = capsys.readouterr().out
    assert out.count("\n") == 3
    assert not set(out) & {"\x1b", "\x07", "\x9b", "\u202e"}


def test_a_terminal_too_narrow_for_a_table_gets_cards(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "20")
    long = "x" * 20
    Printer(False).table(("ID:right", "NAME", "WHY"), [(1, long, long), (2, "other", None)], "none")
    assert capsys.readouterr().out == f"id    1\nname  {long}\nwhy   {long}\n\nid    2\nname  other\n"


@pytest.mark.parametrize("command", [["fetch", ""], ["explain", " "], ["orders", "show", "x" * 501]])
def test_a_name_that_is_none_is_wrong_usage(run: Run, path: Path, command: list[str]) -> None:
    assert run(*command, "--config", str(path)).exit_code == 2


def test_a_name_that_is_no_text_reaches_nobody(run: Run, path: Path) -> None:
    """Bytes of another encoding on the command line."""
    assert run("explain", "\udcff\udcfe", "--config", str(path)).exit_code == 4


def test_a_token_that_cannot_be_one_is_told(run: Run, path: Path) -> None:
    result = run("status", "--config", str(path), OLHUBD_TOKEN="zażółć\n")
    assert result.exit_code == 5
    assert "token" in result.output


@pytest.mark.parametrize("where", [">&-", "2>&- >&-", "> /dev/full", "| true"])
def test_an_output_that_takes_nothing_is_no_mistake_of_ours(path: Path, where: str) -> None:
    command = f"{sys.executable} -c 'from olhubd.cli import main; main()' plugins {where}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1)
    assert "Traceback" not in done.stderr
    assert "mistake" not in done.stderr


def test_a_mistyped_command_is_answered_with_the_one_that_was_meant() -> None:
    for typed, meant in (("statsu", "status"), ("docter", "doctor"), ("order", "orders"), ("tortur", "torture")):
        done = CliRunner().invoke(cli, [typed])
        assert done.exit_code == 2
        assert f"Did you mean {meant}?" in done.output
    assert "Did you mean" not in CliRunner().invoke(cli, ["xyzzy"]).output
