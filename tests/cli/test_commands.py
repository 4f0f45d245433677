"""All commands: each is there, explains itself, and is documented by name."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from olhubd.cli import cli
from olhubd.cli.failures import Exit
from olhubd.cli.group import DistributionCommand, LazyCommand, LazyGroup
from olhubd.cli.root import COMMANDS
from olhubd.plugin import hookimpl

PAGE = Path(__file__).parent.parent.parent / "docs" / "cli.md"
TOP = [name for section in COMMANDS.values() for name in section]
AWAY = {
    name: command.distribution
    for section in COMMANDS.values()
    for name, command in section.items()
    if isinstance(command, DistributionCommand)
}
"""Commands that are no part of olhubd itself."""


def walk(group: click.Group, prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        yield (*prefix, name), command
        if isinstance(command, click.Group):
            yield from walk(command, (*prefix, name))


EVERY = dict(walk(cli))


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_every_command_explains_itself(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(cli, [*words, "--help"])
    assert result.exit_code == 0
    assert EVERY[words].get_short_help_str(), "a command without a sentence about it"
    for parameter in EVERY[words].params:
        assert not isinstance(parameter, click.Option) or parameter.help, f"{parameter.opts} says nothing"


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_every_command_is_documented(words: tuple[str, ...]) -> None:
    """A law: what is not in the page is not there for who looks for it."""
    assert f"olhubd {' '.join(words)}" in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("code", list(Exit), ids=lambda code: code.name)
def test_every_exit_code_is_documented(code: Exit) -> None:
    assert f"| {code.value} |" in PAGE.read_text(encoding="utf-8")


def test_what_prints_data_prints_json() -> None:
    silent = {"run", "completion", "demo", "torture", "simulate", "schema"}
    for words, command in EVERY.items():
        if isinstance(command, click.Group) or words[-1] in silent:
            continue
        options = {option for parameter in command.params for option in parameter.opts}
        assert "--json" in options, words
        assert "--config" in options, words


def test_the_list_of_commands_imports_nothing_heavy() -> None:
    """`olhubd --help` is typed often, and on small machines."""
    program = (
        "import sys\n"
        "from olhubd.cli import cli\n"
        "cli.main(['--help'], standalone_mode=False)\n"
        "heavy = {'aiohttp', 'pydantic', 'rich', 'aiosqlite', 'msgspec', 'olhubd.engine'}\n"
        "sys.exit(', '.join(sorted(heavy & sys.modules.keys())) or None)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in TOP)


def test_the_daemon_does_not_load_what_only_the_command_line_prints_with(tmp_path: Path) -> None:
    """It runs for months, and structlog would load `rich`, three megabytes, wherever that is installed."""
    path = tmp_path / "olhubd.toml"
    path.write_text('[accounts.shop]\nconnector = "nobody"\n', encoding="utf-8")
    command = (sys.executable, "-X", "importtime", "-m", "olhubd", "run", "--config", str(path))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert {"structlog", "olhubd.daemon"} <= loaded, done.stderr[-500:]
    assert not {name for name in loaded if name.startswith("rich.")}


def test_a_command_that_is_not_installed_says_so() -> None:
    group = LazyGroup(lazy={"All": {"later": LazyCommand("olhubd.cli.no_such_module:later", "Some day.")}})
    result = CliRunner().invoke(group, ["later"])
    assert result.exit_code == 1
    assert "not a part of this installation" in result.output


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> LazyGroup:
    """The command line where nothing but olhubd is installed, as at a seller's."""
    from olhubd.cli import group as module
    from olhubd.plugin import loading

    def only(*, group: str) -> list[EntryPoint]:
        return [point for point in entry_points(group=group) if point.dist and point.dist.name == "olhubd"]

    monkeypatch.setattr(module, "entry_points", only)
    monkeypatch.setattr(loading, "entry_points", only)
    return LazyGroup(name="olhubd", lazy=COMMANDS)


@pytest.mark.parametrize(("name", "distribution"), AWAY.items())
def test_a_command_that_stands_apart_says_what_to_install(alone: LazyGroup, name: str, distribution: str) -> None:
    result = CliRunner().invoke(alone, [name, "--help"])
    assert result.exit_code == 1
    assert f"olhubd: {name} comes with {distribution}, which is not installed\n" in result.output
    assert f"{sys.executable} -m pip install {distribution}\n" in result.output


def test_a_proof_without_the_kit_says_what_to_install(alone: LazyGroup) -> None:
    assert "PLUGIN" in CliRunner().invoke(alone, ["plugins"]).output
    result = CliRunner().invoke(alone, ["plugins", "--prove"])
    assert result.exit_code == 1
    assert "comes with olhubd-kit, which is not installed" in result.output


def test_what_is_not_installed_is_not_in_the_list(alone: LazyGroup) -> None:
    """Nor what was meant by a word that was mistyped."""
    listed = CliRunner().invoke(alone, ["--help"]).output
    for name in TOP:
        assert (f"\n  {name} " in listed) == (name not in AWAY), name
    assert "Did you mean" not in CliRunner().invoke(alone, ["tortur"]).output


def test_what_is_asked_for_by_name_is_there_whatever_plugins_are_allowed() -> None:
    """OLHUBD_PLUGINS narrows down which plugin is at fault; the tool to look for it stays at hand."""
    for name in AWAY:
        made = LazyGroup(name="olhubd", lazy=COMMANDS)
        result = CliRunner().invoke(made, [name, "--help"], env={**os.environ, "OLHUBD_PLUGINS": "allegro"})
        assert result.exit_code == 0, result.output


def test_a_distribution_that_is_broken_is_not_called_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(point: EntryPoint) -> object:
        raise ImportError(f"no {point.module} here")

    monkeypatch.setattr(EntryPoint, "load", broken)
    result = CliRunner().invoke(LazyGroup(name="olhubd", lazy=COMMANDS), ["demo"])
    assert result.exit_code == 1
    assert "demo comes with olhubd-kit, which is installed and does not add it" in result.output
    assert "kit: ImportError: no olhubd_kit here" in result.output


class Greeter:
    @staticmethod
    @hookimpl
    def olhubd_register_commands(cli: click.Group) -> None:
        @cli.command()
        def greet() -> None:
            """Say hello."""
            click.echo("hello from a plugin")


class Clumsy:
    @staticmethod
    @hookimpl
    def olhubd_register_commands(cli: click.Group) -> None:
        raise RuntimeError("no terminal for me")


def test_plugins_add_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the hook, by the same door as all plugins; one that fails takes nobody's command away."""
    from olhubd.cli import group as module
    from olhubd.plugin import loading

    class Point(EntryPoint):
        def load(self) -> object:
            return {"greeter": Greeter, "clumsy": Clumsy}[self.name]

    points = tuple(Point(name, name, "olhubd") for name in ("greeter", "clumsy"))
    monkeypatch.setattr(module, "entry_points", lambda group: points)
    monkeypatch.setattr(loading, "entry_points", lambda group: points)
    made = LazyGroup(name="olhubd", lazy=COMMANDS)
    result = CliRunner().invoke(made, ["greet"])
    assert result.exit_code == 0
    assert "hello from a plugin" in result.output
    assert "the plugin clumsy: no terminal for me" in result.output
    listed = CliRunner().invoke(made, ["--help"]).output
    assert "Of plugins:" in listed
    assert "Say hello." in listed
