"""What the endpoint may do to the process as a whole; the daemon hands it over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

__all__ = ["ProcessControl"]


@dataclass(frozen=True, kw_only=True)
class ProcessControl:
    """`reload`, by whom, reloads the configuration and returns the accounts begun, changed and ended.

    It raises ConfigurationError and then changes nothing. `log_level` takes a name of `olhubd.config.LogLevel`.
    """

    reload: Callable[[str], Awaitable[dict[str, list[str]]]]
    log_level: Callable[[str], Awaitable[None]]
