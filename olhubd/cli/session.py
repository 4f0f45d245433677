"""What all commands share: where the configuration is, whether to print JSON, and the way to the daemon."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from olhubd.cli.failures import Exit, Failure
from olhubd.cli.output import Printer

if TYPE_CHECKING:
    from olhubd.client import EndpointClient
    from olhubd.config import Configuration
    from olhubd.config.endpoint import EndpointAddress

__all__ = [
    "DEFAULT_CONFIG",
    "PROMPT",
    "Session",
    "account_argument",
    "account_names",
    "account_option",
    "config_option",
    "named",
    "session_command",
]

DEFAULT_CONFIG = Path("/etc/olhubd/olhubd.toml")
DEFAULT_SOCKET = Path("/run/olhubd/olhubd.sock")
TOKEN_FILE = "control.token"
PROMPT = 10.0
"""Seconds in which a daemon that works reports its status: it gives itself no longer for that."""
_PATIENT = 130.0
"""Seconds for what may take its time, such as a run or a comparison; the daemon ends each before that."""
_LONGEST_NAME = 500

F = TypeVar("F", bound=Callable[..., Any])


def named(_ctx: click.Context, _parameter: click.Parameter, value: str) -> str:
    """Checks what something is called: not empty, as a variable of a script is that was never set."""
    if not value.strip():
        raise click.BadParameter("it is empty")
    if len(value) > _LONGEST_NAME:
        raise click.BadParameter("it is longer than any name")
    return value


@dataclass
class Session:
    """One run of the command line."""

    config: Path
    as_json: bool = False
    as_csv: bool = False

    @property
    def for_programs(self) -> bool:
        return self.as_json or self.as_csv

    @functools.cached_property
    def reach(self) -> EndpointAddress | None:
        """Where the daemon is, by the configuration; None when that is not there but the usual socket is."""
        from olhubd.config import ConfigurationError
        from olhubd.config.endpoint import reach

        try:
            return reach(self.config, os.environ)
        except ConfigurationError:
            if self.config == DEFAULT_CONFIG and DEFAULT_SOCKET.exists():
                return None
            raise

    def as_the_service(self) -> Configuration:
        """The configuration as the service will have it: with what its unit alone gives it.

        Raises ConfigurationError.
        """
        from olhubd import config
        from olhubd.control.doctor.unit import given

        unit = given(self.config)
        return config.load(self.config, None, {**unit.environ, **os.environ}, unit.credentials)

    @property
    def printer(self) -> Printer:
        """Prints for people; times are in the zone of the configuration once the daemon has been asked."""
        reach = self.__dict__.get("reach")
        return Printer(self.as_json, reach.zone if reach else None, as_csv=self.as_csv)

    @contextlib.contextmanager
    def daemon(self, timeout: float = _PATIENT) -> Any:
        """A client of the running daemon. Its errors become messages further out."""
        with self._client(timeout) as client:
            yield client

    def _client(self, timeout: float) -> EndpointClient:
        from olhubd.client import EndpointClient

        reach = self.reach
        if reach is None:
            return EndpointClient(DEFAULT_SOCKET, timeout=timeout)
        sockets = [reach.socket] if reach.socket else []
        if self.config == DEFAULT_CONFIG:
            sockets.append(DEFAULT_SOCKET)
        for path in sockets:
            with contextlib.suppress(PermissionError):
                if path.exists():
                    return EndpointClient(path, timeout=timeout)
        if reach.listen is None:
            return EndpointClient(sockets[0] if sockets else DEFAULT_SOCKET, timeout=timeout)
        if reach.listen.port == 0:
            raise Failure(
                "the daemon listens on a port that it chose by itself",
                Exit.UNREACHABLE,
                ["Set control.socket, or a port in control.listen."],
            )
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(reach.listen.host, reach.listen.host)
        at = (host, reach.listen.port)
        return EndpointClient(at, _token(reach), timeout, certificate=reach.certificate)


def _token(reach: EndpointAddress) -> str | None:
    if token := os.environ.get("OLHUBD_TOKEN"):
        return token
    if reach.token is not None:
        return reach.token
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return (reach.data / TOKEN_FILE).read_text(encoding="ascii").strip() or None
    return None


def _session(ctx: click.Context) -> Session:
    session = ctx.find_root().obj
    if not isinstance(session, Session):
        session = Session(Path(os.environ.get("OLHUBD_CONFIG") or DEFAULT_CONFIG))
        ctx.find_root().obj = session
    return session


def _set_config(ctx: click.Context, _parameter: click.Parameter, value: Path | None) -> None:
    if value is not None:
        _session(ctx).config = value


def _set_json(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        _session(ctx).as_json = True
        _one_form(_session(ctx))


def _set_csv(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        _session(ctx).as_csv = True
        _one_form(_session(ctx))


def _one_form(session: Session) -> None:
    if session.as_json and session.as_csv:
        raise click.UsageError("--json or --csv, not both")


def account_names(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """For the shell's completion: the accounts of the configuration. What cannot be read completes nothing."""
    from olhubd.config.source import read

    try:
        tree, _ = read(_session(ctx).config, os.environ)
    except (OSError, ValueError):
        return []
    names = tree.values.get("accounts", {})
    return sorted(name for name in names if name.startswith(incomplete)) if isinstance(names, dict) else []


def account_option(text: str) -> Callable[[F], F]:
    """Adds --account, a filter."""
    return click.option("--account", help=text, shell_complete=account_names)


def account_argument(function: F) -> F:
    """Adds ACCOUNT, which the shell completes."""
    return click.argument("account", callback=named, shell_complete=account_names)(function)


def config_option(function: F) -> F:
    """Adds --config."""
    option = click.option(
        "-c",
        "--config",
        type=click.Path(readable=False, path_type=Path),
        metavar="PATH",
        expose_value=False,
        callback=_set_config,
        help=f"The configuration. Default: $OLHUBD_CONFIG, else {DEFAULT_CONFIG}.",
    )
    return option(function)


def session_command(*, data: bool = True, rows: bool = False) -> Callable[[F], F]:
    """Makes a command's first argument the Session; adds --config, with `data` --json, and with `rows` --csv."""

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def wrapped(*args: Any, **options: Any) -> Any:
            return function(_session(click.get_current_context()), *args, **options)

        result = config_option(wrapped)
        if rows:
            result = click.option(
                "--csv",
                is_flag=True,
                expose_value=False,
                callback=_set_csv,
                help="Print the rows as CSV, for spreadsheets.",
            )(result)
        if data:
            result = click.option(
                "--json", is_flag=True, expose_value=False, callback=_set_json, help="Print JSON for programs."
            )(result)
        return result  # type: ignore[return-value]

    return decorate
