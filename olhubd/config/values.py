"""How values of the file are read that say more than their type: addresses, moments, spans, time zones, names."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from datetime import datetime, time, timedelta
from typing import Annotated, Any, NamedTuple
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator

from olhubd.config.problem import HintedError, near
from olhubd.plugin.settings import duration

__all__ = [
    "Listen",
    "Pause",
    "Span",
    "Start",
    "Zone",
    "read_hosts",
    "read_listen",
    "read_names",
    "read_start",
    "read_time_of_day",
]


class Listen(NamedTuple):
    """An address of the control endpoint. Port 0 takes any free one."""

    host: str
    port: int

    @property
    def local(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


Start = datetime | timedelta | None
"""From when on orders are taken: a moment, so long before the account first runs, or None for then itself."""


def read_listen(value: Any) -> Listen | None:
    """An address and a port; None for "off". Raises HintedError."""
    if isinstance(value, Listen) or value is None or value == "off":
        return None if value == "off" else value
    example = 'for example "127.0.0.1:8742", "[::1]:8742" or "off"'
    if not isinstance(value, str):
        raise HintedError("must be text: an address and a port", example)
    host, colon, port = value.strip().rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdecimal():
        raise HintedError("must be an address and a port", example)
    if int(port) > 65535:
        raise HintedError("has a port beyond 65535", example)
    return Listen(host, int(port))


def read_start(value: Any) -> Start:
    """A moment, a span, or None for now. Raises HintedError."""
    if value is None or value == "now":
        return None
    if isinstance(value, timedelta):
        return value
    example = 'write "now", a span like "14 days", or a moment like 2026-01-31T00:00:00+01:00'
    if not isinstance(value, str | datetime):
        raise HintedError("is no time to start from", example)
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except ValueError:
        pass
    else:
        if moment.tzinfo is None:
            raise HintedError("is a moment without its offset from UTC", example)
        return moment
    try:
        span = duration(value)
    except ValueError:
        raise HintedError("is no time to start from", example) from None
    if not isinstance(span, timedelta) or span < timedelta(0):
        raise HintedError("is no time to start from", example)
    return span


def read_hosts(value: tuple[str, ...]) -> tuple[str, ...]:
    """Names of machines, in small letters. Raises HintedError."""
    for name in value:
        if not re.fullmatch(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9])?)*", name.lower()):
            raise HintedError(f"has {name!r}, which is no name of a machine", 'write it alone, like "hub.example"')
    return tuple(name.lower() for name in value)


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise HintedError("must be longer than nothing")
    return value


def _not_negative(value: timedelta) -> timedelta:
    if value < timedelta(0):
        raise HintedError("must not be negative")
    return value


def _zone(value: str) -> str:
    zones = available_timezones()
    if value not in zones:
        city = next((zone for zone in sorted(zones) if zone.lower().endswith(f"/{value.lower()}")), None)
        hint = f'did you mean "{city}"?' if city else near(value, zones)
        raise HintedError("is not a known time zone", hint or 'for example "Europe/Warsaw"')
    return value


def read_names(value: Any) -> Any:
    """One name as a list of one."""
    return [value] if isinstance(value, str) else value


Span = Annotated[timedelta, AfterValidator(_positive), BeforeValidator(duration)]
Pause = Annotated[timedelta, AfterValidator(_not_negative), BeforeValidator(duration)]
Zone = Annotated[str, AfterValidator(_zone)]


def read_time_of_day(value: Any) -> time:
    """A time like "06:10", or one that TOML has read. Raises HintedError."""
    if isinstance(value, time) and value.tzinfo is None:
        return value
    if isinstance(value, str) and re.fullmatch(r"\d\d:\d\d", value):
        with contextlib.suppress(ValueError):
            return time.fromisoformat(value)
    raise HintedError("is no time of a day", 'for example "06:10"')
