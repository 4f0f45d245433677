"""Whatever is typed or stands in the environment, a command ends with a documented code and no traceback."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from olhubd.cli import cli
from olhubd.cli.failures import Exit
from olhubd.cli.root import COMMANDS
from tests.fuzz.effort import effort, tried

NEVER = frozenset({"run", "demo", "simulate", "torture", "prove"})
"""What goes on until it is stopped, or for minutes; all others come back soon."""
CODES = frozenset(Exit)


def _options(command: click.Command) -> list[str]:
    return [name for one in command.params for name in one.opts if name.startswith("-")]


def _known() -> tuple[list[str], list[str]]:
    """The names of commands, of their commands, and of all options."""
    names, options = [], {"--", "-", "--json", "--csv", "-c", "-h"}
    root = click.Context(cli)
    for group in COMMANDS.values():
        for name in group:
            if name in NEVER:
                continue
            names.append(name)
            command = cli.get_command(root, name)
            assert command is not None
            options.update(_options(command))
            if isinstance(command, click.Group):
                inner = command.list_commands(root)
                names += inner
                for one in inner:
                    found = command.get_command(root, one)
                    options.update(_options(found) if found is not None else [])
    return names, sorted(options - {"--follow", "-f"})


NAMES, OPTIONS = _known()
WORDS = st.sampled_from(
    ["", " ", "0", "-1", "99999999999999999999", "1e400", "nan", "x" * 3000, "../..", "/", "/dev/null",
    "/nope/x", "2026-13-45",
     "2026-01-01T00:00:00", "2 days", "-5 h", "9999999 days", "\u202e", "\x1b[31m", "a:b", "%", "'", "*", "é",
     "@x", "{}", "null"]
)  # fmt: skip
ARGUMENTS = st.lists(
    st.one_of(st.sampled_from(NAMES), st.sampled_from(OPTIONS), WORDS, st.text(max_size=8)), max_size=5
)
VARIABLES = st.sampled_from(
    ["OLHUBD_CONFIG", "OLHUBD_TOKEN", "OLHUBD_DEBUG", "OLHUBD_DAEMON__DATA", "OLHUBD_CONTROL__LISTEN",
    "OLHUBD_ENGINE__X",
     "OLHUBD_ACCOUNTS__SHOP__URL", "OLHUBD_", "OLHUBD___", "CREDENTIALS_DIRECTORY", "TZ", "COLUMNS", "LANG",
     "NO_COLOR", "TERM",
     "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "HOME", "XDG_RUNTIME_DIR"]
)  # fmt: skip


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of a daemon that does not run."""
    folder = tmp_path_factory.mktemp("terminal")
    path = folder / "olhubd.toml"
    path.write_text(f'[daemon]\ndata = "{folder}/data"\n[control]\nsocket = "{folder}/s.sock"\n', encoding="utf-8")
    path.chmod(0o600)
    return path


def _typed(arguments: list[str], environ: dict[str, str], configuration: Path) -> None:
    with tempfile.TemporaryDirectory(dir=configuration.parent) as here, contextlib.chdir(here):
        given_ = {"OLHUBD_CONFIG": str(configuration), **environ, "OLHUBD_DEBUG": ""}
        result = CliRunner().invoke(cli, arguments, env=given_)
    tried("command line and environment")
    assert result.exception is None or isinstance(result.exception, SystemExit), (arguments, result.exception)
    assert result.exit_code in CODES, (arguments, result.exit_code)
    assert result.exit_code != Exit.INTERNAL, (arguments, environ, result.output)
    assert "Traceback" not in result.output


def test_whatever_is_typed(configuration: Path) -> None:
    @effort(80)
    @given(st.sampled_from(NAMES), ARGUMENTS)
    def each(first: str, arguments: list[str]) -> None:
        _typed([first, *(one.replace("\x00", "") for one in arguments)], {}, configuration)

    each()


def test_whatever_the_environment_holds(configuration: Path) -> None:
    values = st.one_of(WORDS, st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30))

    @effort(40)
    @given(
        st.sampled_from(["check", "status", "config", "version"]), st.dictionaries(VARIABLES, values, max_size=3)
    )
    def each(command: str, environ: dict[str, str]) -> None:
        more = ["show"] if command == "config" else []
        _typed([command, *more], environ, configuration)

    each()
