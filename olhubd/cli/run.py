"""The daemon's own commands: run it, check its configuration, have it read that again."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from olhubd.cli.failures import Exit, Failure
from olhubd.cli.session import Session, session_command

__all__ = ["check", "log_level", "reload", "run"]


@click.command()
@session_command(data=False)
def run(session: Session) -> None:
    """Run the daemon in the foreground until SIGTERM or SIGINT; SIGHUP makes it read its configuration again.

    systemd runs it this way. Only one daemon can work on one data directory.

    \b
    Examples:
      olhubd run
      olhubd run --config ./olhubd.toml
    """
    _import_structlog_alone()
    from olhubd import config, daemon
    from olhubd.store import FAILURES, StoreError

    configuration = config.load(session.config, None, os.environ)
    for warning in configuration.warnings:
        click.echo(str(warning), err=True)
    try:
        daemon.run(configuration, os.environ)
    except (daemon.AlreadyRunning, StoreError) as error:
        raise Failure(str(error)) from error
    except FAILURES as error:
        raise Failure(f"the database cannot be used: {error}") from error


def _import_structlog_alone() -> None:
    """Import structlog as if rich were not there.

    It would import it for tracebacks in colours, which a daemon does not print: 3 MB that it would keep for ever.
    """
    if "rich" in sys.modules:
        return
    sys.modules["rich"] = None  # type: ignore[assignment]
    import structlog  # noqa: F401

    del sys.modules["rich"]


@click.command()
@session_command()
def check(session: Session) -> None:
    """Check the configuration and report at once all that is wrong with it: file, line and what to write instead.

    Nothing is started and nobody is called. Exit code 3 when it cannot be used; warnings alone are no failure.

    \b
    Examples:
      olhubd check
      olhubd check --config ./olhubd.toml --json
    """
    from olhubd import config
    from olhubd.control.doctor.machine import own_checks

    printer = session.printer
    try:
        configuration = session.as_the_service()
    except config.ConfigurationError as error:
        if printer.json({"ok": False, "problems": [_problem(problem) for problem in error.problems]}):
            raise Failure("", Exit.CONFIGURATION) from error
        raise
    checks = {name: found.text for name, found in own_checks(configuration) if found.mend is not None}
    warnings = [_problem(problem) for problem in configuration.warnings]
    if printer.json({"ok": True, "problems": warnings, "checks": checks}):
        return
    for warning in configuration.warnings:
        printer.line(str(warning))
    for name, wrong in checks.items():
        printer.line(f"{name}: {wrong}")
    if configuration.from_unit:
        printer.line(f"from the unit, which gives it to the service alone: {', '.join(configuration.from_unit)}")
    accounts, routes = len(configuration.accounts), len(configuration.routes)
    printer.line(
        f"{session.config} is right: {accounts} {'account' if accounts == 1 else 'accounts'},"
        f" {routes} {'route' if routes == 1 else 'routes'}"
        + (f", {len(configuration.warnings)} to look at" if configuration.warnings else "")
    )


def _problem(problem: Any) -> dict[str, object]:
    return {
        "file": problem.file,
        "line": problem.line,
        "key": problem.key,
        "message": problem.message,
        "hint": problem.hint,
        "warning": problem.warning,
    }


@click.command()
@session_command()
def reload(session: Session) -> None:
    """Have the daemon read its configuration again. When that is wrong, the old one stays in force.

    Where and how the daemon listens changes with a restart only.
    """
    from olhubd.control.api.schema.system import ReloadResult

    with session.daemon() as daemon:
        answer = daemon.post("/api/v1/reload", ReloadResult)
    printer = session.printer
    if printer.json(answer):
        return
    for warning in answer.warnings:
        printer.line(warning)
    told = [
        f"{what}: {', '.join(names)}"
        for what, names in (("begun", answer.begun), ("changed", answer.changed), ("ended", answer.ended))
        if names
    ]
    printer.line("; ".join(told) or "in force; no account is different")


@click.command(name="log-level")
@click.argument("level", type=click.Choice(["debug", "info", "warning", "error"]))
@session_command()
def log_level(session: Session, level: str) -> None:
    """Log from LEVEL on, until the daemon restarts."""
    from olhubd.control.api.schema.system import LogLevelAnswer, LogLevelRequest

    with session.daemon() as daemon:
        answer = daemon.post("/api/v1/log-level", LogLevelAnswer, LogLevelRequest(level=level))
    if not session.printer.json(answer):
        session.printer.line(f"logs from {answer.level} on, until it restarts")
