"""What a person writes about one account: the base of each connector's settings.

A connector's `Settings` derives from this one; field descriptions become the configuration reference, the
commented example and the help of an error. Secrets are `Secret`, which shows itself only when asked to.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import AnyHttpUrl, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

__all__ = ["Duration", "Field", "Secret", "Settings", "Url", "adjustable", "duration"]

_UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

Secret = SecretStr
Url = AnyHttpUrl


def duration(value: Any) -> Any:
    """Read "90 s", "20s", "5 min", "1h", "14 days" as a span of time. A bare number is refused: of what?"""
    if isinstance(value, timedelta):
        return value
    if isinstance(value, bool) or not isinstance(value, str):
        raise ValueError('needs a unit: write it as text, for example "20 s", "5 min", "1 h" or "14 d"')
    text = value.strip().lower()
    number = text.rstrip("abcdefghijklmnopqrstuvwxyz ")
    unit = text[len(number) :].strip()
    unit = {"sec": "s", "second": "s", "seconds": "s", "minute": "min", "minutes": "min"}.get(unit, unit)
    unit = {"hour": "h", "hours": "h", "day": "d", "days": "d"}.get(unit, unit)
    if unit not in _UNITS:
        known = ", ".join(("ms", "s", "min", "h", "d"))
        raise ValueError(f'has no unit that is known ({known}): write for example "20 s"')
    try:
        return timedelta(seconds=float(number) * _UNITS[unit])
    except (ValueError, OverflowError):
        raise ValueError(f"{number.strip()!r} is not a number") from None


Duration = Annotated[timedelta, BeforeValidator(duration)]


def adjustable(*, private: bool = False, **extra: Any) -> dict[str, Any]:
    """For `json_schema_extra` of a field that people may also set while the daemon runs, where no file says it.

    No secret may be one, since its value is shown. `private` keeps it out of the log of events.
    """
    return {"adjustable": True, **({"private": True} if private else {}), **extra}


class Settings(BaseModel):
    """The fields of one account that only its connector understands. Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True)

    @property
    def is_sandbox(self) -> bool:
        """Whether the account is at a system for trials, where nobody buys. No quantity is written to one."""
        return False
