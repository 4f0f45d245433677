"""How a client finds the daemon, read from the same files. No plugin is loaded and no account is looked at.

What a client may not read, the daemon's token say, is not a problem here: the Unix socket needs none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from olhubd.config.checker import Checker
from olhubd.config.problem import ConfigurationError
from olhubd.config.secrets import UNSEEN, reveal
from olhubd.config.source import read
from olhubd.config.tables import Control, Daemon, Listen

__all__ = ["EndpointAddress", "reach"]


@dataclass(frozen=True, kw_only=True)
class EndpointAddress:
    """Where the daemon listens, what to show it, and in which zone people want their times."""

    socket: Path | None
    listen: Listen | None
    token: str | None
    data: Path
    zone: ZoneInfo
    certificate: Path | None = None


def reach(path: Path, environ: Mapping[str, str]) -> EndpointAddress:
    """Read it at `path`. Raises ConfigurationError when the files or these two tables are wrong."""
    tree, problems = read(path, environ)
    if not tree.complete:
        raise ConfigurationError(problems)
    root = Checker(tree)
    daemon = root.at("daemon").check(Daemon)
    place = root.at("control")
    control = place.value if place.value is not None else {}
    hidden: set[str] = set()
    if isinstance(control, dict):
        control, hidden = reveal(place.apart(), Control, control)
        control.update(dict.fromkeys(hidden, UNSEEN))
    checked = place.check(Control, control)
    if daemon is None or checked is None:
        raise ConfigurationError(root.problems)
    base = path.absolute().parent
    return EndpointAddress(
        socket=checked.socket and base / checked.socket,
        listen=checked.listen,
        token=checked.token.get_secret_value() if checked.token and not hidden else None,
        data=base / daemon.data,
        zone=daemon.zone,
        certificate=checked.certificate and base / checked.certificate,
    )
