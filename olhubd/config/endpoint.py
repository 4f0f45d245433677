"""How a client finds the daemon, read from the same files. No plugin is loaded and no account is looked at.

What a client may not read, the daemon's token say, is not a problem here: the Unix socket needs none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from olhubd.config.problem import ConfigurationError, Problem
from olhubd.config.secrets import UNSEEN, reveal
from olhubd.config.source import read
from olhubd.config.tables import Control, Daemon, Listen
from olhubd.config.validation import check

__all__ = ["Reach", "reach"]


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Where the daemon listens, what to show it, and in which zone people want their times."""

    socket: Path | None
    listen: Listen | None
    token: str | None
    data: Path
    zone: ZoneInfo
    certificate: Path | None = None


def reach(path: Path, environ: Mapping[str, str]) -> Reach:
    """Read it at `path`. Raises ConfigurationError when the files or these two tables are wrong."""
    tree, problems = read(path, environ)
    if not tree.complete:
        raise ConfigurationError(problems)
    problems = []
    daemon = check(Daemon, tree.values.get("daemon", {}), ("daemon",), tree, problems)
    control = tree.values.get("control", {})
    hidden: set[str] = set()
    if isinstance(control, dict):
        unreadable: list[Problem] = []
        control, hidden = reveal(Control, control, ("control",), tree, environ, unreadable)
        control.update(dict.fromkeys(hidden, UNSEEN))
    checked = check(Control, control, ("control",), tree, problems)
    if daemon is None or checked is None:
        raise ConfigurationError(problems)
    base = path.absolute().parent
    return Reach(
        socket=checked.socket and base / checked.socket,
        listen=checked.listen,
        token=checked.token.get_secret_value() if checked.token and not hidden else None,
        data=base / daemon.data,
        zone=daemon.zone,
        certificate=checked.certificate and base / checked.certificate,
    )
