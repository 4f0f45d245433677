"""How the daemon logs: one JSON object a line for the journal, readable lines for a terminal, in neither a secret.

All lines, ours by structlog and the libraries' by the standard library, pass the same processors. Loggers are got
by `structlog.get_logger()` and bound; what all lines of a run share is put into structlog's context variables
(`account`, `feed`, `run`). The level can be changed at any time and counts at once, also for loggers that were
bound before.
"""

from __future__ import annotations

import enum
import json
import logging
import os
import sys
import traceback
from collections.abc import Iterable
from types import TracebackType
from typing import Any, TextIO

import msgspec
import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from olhubd.runtime.clock import SystemClock
from olhubd.runtime.redact import Redactor

__all__ = ["Format", "configure", "hide_keys", "level", "register_secret", "set_level"]

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
_PRIORITY = {"debug": "<7>", "info": "<6>", "warning": "<4>", "error": "<3>", "critical": "<2>", "exception": "<3>"}
_FRAMES = 30
_MINUTE, _MOST, _KINDS = 60.0, 10, 500
"""How many lines of a kind a library may log within how many seconds, and how many kinds are distinguished."""

_clock = SystemClock()
_redactor = Redactor()


class Format(enum.StrEnum):
    AUTO = "auto"
    """The journal's where the error output goes to the journal, else readable."""
    JOURNAL = "journal"
    """JSON with the priority in front that systemd reads (`<4>`)."""
    JSON = "json"
    CONSOLE = "console"


class _Threshold:
    value = _LEVELS["info"]


class Logger(structlog.BoundLoggerBase):
    """A bound logger that asks for the level before it does anything else."""

    def debug(self, event: str, **facts: Any) -> Any:
        if _Threshold.value <= 10:
            return self._proxy_to_logger("debug", event, **facts)
        return None

    def info(self, event: str, **facts: Any) -> Any:
        if _Threshold.value <= 20:
            return self._proxy_to_logger("info", event, **facts)
        return None

    def warning(self, event: str, **facts: Any) -> Any:
        if _Threshold.value <= 30:
            return self._proxy_to_logger("warning", event, **facts)
        return None

    def error(self, event: str, **facts: Any) -> Any:
        if _Threshold.value <= 40:
            return self._proxy_to_logger("error", event, **facts)
        return None

    def critical(self, event: str, **facts: Any) -> Any:
        return self._proxy_to_logger("critical", event, **facts)

    def exception(self, event: str, **facts: Any) -> Any:
        """An error with the exception that is being handled."""
        facts.setdefault("exc_info", True)
        return self.error(event, **facts)


class _Output:
    """Where rendered lines go: one write a line, so that lines of several threads do not mix."""

    stream: TextIO | None = None

    def msg(self, line: str) -> None:
        stream = self.stream or sys.stderr  # looked up each time: it may have been replaced
        try:
            stream.write(line + "\n")
            stream.flush()
        except (OSError, ValueError):
            pass  # there is nowhere left to report it

    debug = info = warning = error = critical = msg


_output = _Output()
_processors: list[Processor] = []
"""One list for the life of the process: loggers that were bound before a change of it follow."""


def configure(level: str = "info", fmt: str = Format.AUTO, stream: TextIO | None = None) -> None:
    """Set all logging up. `level` as in debug, info, warning, error; `stream` in place of the error output.

    May be called again. Raises ValueError for a level or a format that there is not.
    """
    chosen = Format(fmt)
    if chosen is Format.AUTO:
        chosen = Format.JOURNAL if _in_journal(stream or sys.stderr) else Format.CONSOLE
    set_level(level)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _stamp,
        _render_exception,
        _redactor,
    ]
    renderer = _renderer(chosen, stream or sys.stderr)
    _output.stream = stream
    _processors[:] = [*shared, renderer]
    structlog.configure(
        processors=_processors,
        wrapper_class=Logger,
        context_class=dict,
        logger_factory=lambda *_args: _output,
        cache_logger_on_first_use=True,
    )
    handler = _Handler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *shared, renderer],
        )
    )
    root = logging.getLogger()
    for old in [h for h in root.handlers if isinstance(h, _Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    logging.captureWarnings(True)
    logging.raiseExceptions = False
    sys.excepthook = _uncaught


def set_level(level: str) -> None:
    """Change the level of everything at once. Raises ValueError for one that there is not.

    Libraries never log more than info: their debug lines show what they handle, such as the parameters of a
    statement, which is what people bought and where they live.
    """
    try:
        _Threshold.value = _LEVELS[level.lower()]
    except KeyError:
        raise ValueError(f"no such level: {level!r}; there are {', '.join(_LEVELS)}") from None
    logging.getLogger().setLevel(max(_Threshold.value, _LEVELS["info"]))


def level() -> str:
    """The level in force."""
    return next(name for name, value in _LEVELS.items() if value == _Threshold.value)


def register_secret(value: str, *, lasting: bool = False) -> None:
    """Never show this value again, wherever it turns up. Of very many, the oldest go but for those that last."""
    _redactor.hide_value(value, lasting=lasting)


def hide_keys(names: Iterable[str]) -> None:
    """Never show the values of these fields: what plugins name by `olhubd_redact_keys` and `secret_keys`."""
    _redactor.hide_keys(names)


class _Throttle:
    """Lines of libraries that repeat themselves: some are logged each minute, with how many were not.

    asyncio logs each connection that it cannot take for want of files: thousands a second, each with a trace.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def passes(self, record: logging.LogRecord) -> bool:
        """Whether it is logged; the first after a minute says how many were not."""
        key = (record.name, str(record.msg).partition("\n")[0])
        now = _clock.monotonic()
        since, count = self._seen.get(key, (now, 0))
        if not 0 <= now - since < _MINUTE:
            left, since, count = count - _MOST, now, 0
            if left > 0:
                record.msg = f"{record.getMessage()} (and {left} more like it)"
                record.args = None
        if len(self._seen) > _KINDS:
            self._seen.clear()
        self._seen[key] = (since, count + 1)
        return count < _MOST


class _Handler(logging.Handler):
    """The standard library's lines on the same way out."""

    def __init__(self) -> None:
        super().__init__()
        self._throttle = _Throttle()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if not self._throttle.passes(record):
                return
            line = self.format(record)
        except Exception:
            # A library's mistake; its arguments are not for showing.
            structlog.get_logger().error("a line could not be formatted", logger=record.name)
        else:
            _output.msg(line)


def _in_journal(stream: TextIO) -> bool:
    """Whether the stream is the one systemd connected to the journal, named as "device:inode"."""
    told = os.environ.get("JOURNAL_STREAM", "")
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError, AttributeError):
        return False
    return told == f"{status.st_dev}:{status.st_ino}"


def _stamp(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    event["at"] = _clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return event


def _render_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """An exception as text: frames and sources, never the values of variables."""
    found = event.pop("exc_info", None)
    event.pop("stack_info", None)
    error = _exception(found)
    if error is not None:
        lines = traceback.format_exception(type(error), error, error.__traceback__, limit=-_FRAMES)
        event["exception"] = "".join(lines).rstrip()
    return event


def _exception(found: ExcInfo | BaseException | bool | None) -> BaseException | None:
    if isinstance(found, BaseException):
        return found
    if isinstance(found, tuple):
        return found[1]
    return sys.exc_info()[1] if found else None


def _renderer(fmt: Format, stream: TextIO) -> Processor:
    if fmt is Format.CONSOLE:
        return structlog.dev.ConsoleRenderer(
            colors=stream.isatty(),
            exception_formatter=structlog.dev.plain_traceback,
            timestamp_key="at",
            pad_event_to=0,
        )
    return _journal_line if fmt is Format.JOURNAL else _json_line


def _json_line(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    ordered = {"at": event.pop("at", None), "level": event.pop("level", None), "event": event.pop("event", None)}
    ordered.update(event)
    try:
        return msgspec.json.encode(ordered, enc_hook=_text).decode()
    except (UnicodeEncodeError, TypeError, ValueError):
        return json.dumps(ordered, default=str)  # half a surrogate pair, a very long integer


def _text(value: object) -> str:
    """A text that carries more than its words."""
    if isinstance(value, str):
        return str.__str__(value)
    raise TypeError


def _journal_line(logger: WrappedLogger, method: str, event: EventDict) -> str:
    return _PRIORITY.get(event.get("level", method), "<6>") + _json_line(logger, method, event)


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """The last words of a dying process, without what Python itself would print."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    structlog.get_logger().critical("the process ends by an error that nobody handled", exc_info=error)
