"""`olhubd doctor`: is all well, what is not, and how to mend it; with a daemon that runs and without."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from olhubd.cli import progress
from olhubd.cli.failures import Exit, Failure, failure
from olhubd.cli.session import PROMPT, Session, session_command
from olhubd.control.doctor import machine
from olhubd.control.doctor.finding import CHECKS, CheckState, Diagnosis, fine, gather, look, skipped, wrong
from olhubd.control.doctor.service import service

if TYPE_CHECKING:
    from olhubd.cli.output import Printer
    from olhubd.config import Configuration, Problem
    from olhubd.control.api.schema.settings import Setting
    from olhubd.control.api.schema.system import Status
    from olhubd.control.doctor.finding import Finding

__all__ = ["doctor"]

_BESIDE = 5.0
"""Seconds for the whole database beside a daemon that does not answer: the answer must come soon."""
_COLOURS = {"fine": "green", "look": "yellow", "wrong": "red"}


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@session_command(rows=True)
def doctor(session: Session, ids: tuple[str, ...]) -> None:
    """Check the installation: what is wrong and how to mend it. With ID only that check.

    The daemon is asked when it runs, and asks the systems of its accounts; without it the files, the disk, the port
    and the service are looked at. Exit code 1 when anything is wrong; what somebody should only look at is no
    failure. All ids are in docs/doctor.md.

    \b
    Examples:
      olhubd doctor
      olhubd doctor CLOCK TOKENS
      olhubd doctor INTEGRITY --json
    """
    wanted = tuple(dict.fromkeys(name.upper() if name.upper() in CHECKS else name for name in ids))
    with progress.working("examining", session):
        found = _Examination(session, wanted).run()
    diagnosis = Diagnosis(items=tuple(found), well=all(one.state is not CheckState.WRONG for one in found))
    printer = session.printer
    if not printer.json(diagnosis):
        _tell(printer, found)
    if not diagnosis.well:
        count = sum(one.state is CheckState.WRONG for one in found)
        what = f"{count} of {len(found)} findings {'is' if count == 1 else 'are'} wrong"
        raise Failure("" if printer.as_json else what, Exit.FAILED)


class _Examination:
    """One run: first whether the daemon answers, for that decides who looks at the rest."""

    def __init__(self, session: Session, wanted: Sequence[str]) -> None:
        self._session = session
        self._wanted = wanted
        self._found: list[Finding] = []
        self._configuration: Configuration | None = None
        self._silent = False
        """Something holds the daemon's door open and does not answer."""

    def _add(self, check: str, look: Callable[[], Iterable[Finding]]) -> None:
        if not self._wanted or check in self._wanted:
            self._found += gather(check, look())

    def run(self) -> list[Finding]:
        problems = self._load()
        told, status, trouble = self._ask()
        self._add("CONFIG", lambda: self._config(problems, told))
        self._add("DAEMON", lambda: _daemon(status, trouble))
        self._add("SERVICE", lambda: service(self._session.config))
        if status is None:
            self._alone(trouble)
        elif "PORT" in self._wanted:
            self._add("PORT", lambda: [fine("the daemon listens")])
        order = {name: place for place, name in enumerate(CHECKS)}
        return sorted(self._found, key=lambda one: order.get(one.check, len(order)))

    def _load(self) -> Sequence[Problem]:
        from olhubd import config

        try:
            self._configuration = self._session.as_the_service()
        except config.ConfigurationError as error:
            return error.problems
        return self._configuration.warnings

    def _ask(self) -> tuple[Mapping[str, Setting] | None, Status | None, Failure | None]:
        """The settings in force and the status, or why there are none; what the daemon finds is kept."""
        from olhubd.client import EndpointRefused, NotReachable
        from olhubd.config import ConfigurationError
        from olhubd.control.api.schema.settings import Settings
        from olhubd.control.api.schema.system import Status

        outside = {name for name, check in CHECKS.items() if not check.inside}
        asked = [name for name in self._wanted if name not in outside]
        try:
            with self._session.daemon(PROMPT) as daemon:
                status = daemon.get("/api/v1/status", Status)
                settings = daemon.get("/api/v1/settings", Settings)
            if asked or not self._wanted:
                self._examine(asked)
        except (NotReachable, ConfigurationError, Failure) as error:
            self._silent = isinstance(error, NotReachable) and error.silent
            return None, None, error if isinstance(error, Failure) else failure(error)
        except EndpointRefused as error:
            if error.problem.status not in (401, 403):
                raise
            return None, None, failure(error)
        return {one.key: one for one in settings.items}, status, None

    def _examine(self, asked: Sequence[str]) -> None:
        """Let the daemon look, which asks others and waits for them.

        Taking too long for that is no silence: it has just answered.
        """
        from olhubd.client import EndpointRefused, NotReachable

        try:
            with self._session.daemon() as daemon:
                self._found += daemon.get("/api/v1/doctor", Diagnosis, check=asked or None).items
        except (NotReachable, EndpointRefused) as error:
            if isinstance(error, EndpointRefused) and error.problem.status < 500:
                raise
            mend = "ask for this one alone: olhubd doctor {}; what the daemon said: journalctl --unit olhubd"
            for name in asked or [name for name, check in CHECKS.items() if check.inside]:
                self._found += gather(name, [wrong(f"the daemon could not tell: {error}", mend.format(name))])

    def _config(self, problems: Sequence[Problem], told: Mapping[str, Setting] | None) -> Iterator[Finding]:
        for problem in problems:
            text, mend = f"{problem.key}: {problem.message}".removeprefix(": "), problem.hint or "see olhubd check"
            where = f"{problem.file}:{problem.line}" if problem.line else str(problem.file)
            if told is not None and "cannot be read: permission denied" in problem.message:
                yield skipped(f"{text}; this user may not, and the daemon can", where)
                continue
            yield (look if problem.warning else wrong)(text, mend, where)
        if self._configuration is None:
            return
        if told is not None:
            changed = _changed(self._configuration, told)
            if changed:
                names = ", ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
                text = f"changed and not in force yet: {names}"
                yield look(text, "olhubd reload; where the daemon listens changes with a restart only")
                return
        if not problems:
            yield fine(f"{self._session.config} is right" + (" and in force" if told is not None else ""))

    def _alone(self, trouble: Failure | None) -> None:
        """What this process can look at by itself."""
        found = self._configuration
        own: list[tuple[str, Finding]] = []
        if found is not None:
            at = machine.place(found)
            self._add("PLUGINS", lambda: machine.plugins(found))
            self._add("FILES", lambda: machine.files(at))
            self._add("DISK", lambda: machine.disk(at))
            within = _BESIDE if self._silent and "INTEGRITY" not in self._wanted else None
            self._add("INTEGRITY", lambda: asyncio.run(machine.database(at, within)))
            if self._silent:
                self._add("PORT", lambda: [skipped("the daemon that does not answer has it")])
            elif trouble is not None and trouble.exit_code == Exit.UNREACHABLE:
                self._add("PORT", lambda: machine.port(found.control))
            own = list(machine.own_checks(found, [name for name in self._wanted if name not in CHECKS]))
        for name, one in own:
            self._add(name, lambda one=one: [one])  # type: ignore[misc]
        for name in self._wanted:
            if name not in CHECKS and name not in {known for known, _ in own}:
                raise click.UsageError(f"there is no check {name}; known: {', '.join([*CHECKS, *dict(own)])}")
        for name, check in CHECKS.items():
            if check.inside and not (check.machine and found is not None):
                self._add(name, lambda: [skipped("only the daemon can tell")])


def _changed(configuration: Configuration, told: Mapping[str, Setting]) -> list[str]:
    """The keys of what the files say otherwise than it is in force. What is kept under them is no change."""
    from olhubd.config.effective import shown
    from olhubd.config.kept import KEPT_PLACES
    from olhubd.config.source import Layer

    written = {one.key: one.value for one in shown(configuration)}
    kept = {
        key
        for key, one in told.items()
        if one.origin in KEPT_PLACES and (key not in written or configuration.origin(key).layer < Layer.FILE)
    }
    in_force = {key: one.value for key, one in told.items()}
    keys = (written.keys() | in_force.keys()) - kept
    return sorted(key for key in keys if written.get(key) != in_force.get(key))


def _daemon(status: Status | None, trouble: Failure | None) -> Iterator[Finding]:
    from olhubd import __version__

    if status is None:
        hint = "systemctl start olhubd, or: olhubd run"
        text = trouble.message if trouble is not None else "no daemon answers"
        yield wrong(text, " ".join(trouble.lines) if trouble is not None and trouble.lines else hint)
        return
    if status.version != __version__:
        text = f"version {status.version} runs, and {__version__} is installed"
        yield look(text, "systemctl restart olhubd")
    if not status.ready:
        stuck = ", ".join([*status.overdue, *status.failing]) or "see its log"
        yield wrong(f"is not ready: {stuck}", "journalctl --unit olhubd; a restart loses nothing")
    elif status.version == __version__:
        yield fine(f"version {status.version} is ready")


def _tell(printer: Printer, found: Sequence[Finding]) -> None:
    if printer.as_csv:
        rows = [(one.check, one.state.value, one.subject, one.text, one.mend) for one in found]
        printer.table(("CHECK", "STATE", "OF", "FOUND", "MEND"), rows, "")
        return
    margin = max((len(one.check) for one in found), default=0) + 12
    for one in found:
        word = click.style(f"{one.state.value:<8}", fg=_COLOURS.get(one.state.value))
        about = printer.cell(f"{one.subject}: {one.text}" if one.subject else one.text)
        lines = printer.wrapped(about, margin)
        if one.mend is not None:
            lines += printer.wrapped(f"-> {printer.cell(one.mend)}", margin)
        click.echo(f"{word}  {one.check:<{margin - 10}}{lines[0]}")
        for line in lines[1:]:
            click.echo(f"{'':{margin}}{line}")
