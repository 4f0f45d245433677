"""What systemd gives the service and nobody else: directories, variables and credentials, read from its unit.

A command in a shell has none of it. Without it `olhubd check` would miss secrets that are there, and `olhubd
doctor` take the daemon's own directories for changes that are not in force.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from olhubd.control.doctor.service import BOOTED, UNIT, configured

__all__ = ["UnitFacts", "given"]

_LIMIT = 10.0
_DIRECTORIES = {
    "RuntimeDirectory": ("RUNTIME_DIRECTORY", "/run"),
    "StateDirectory": ("STATE_DIRECTORY", "/var/lib"),
}
_FILES = ("LoadCredential",)
_CLOSED = ("LoadCredentialEncrypted", "SetCredential", "SetCredentialEncrypted")


class UnitFacts(NamedTuple):
    """`credentials` by name: the file each is made of, or None where only systemd knows."""

    environ: Mapping[str, str]
    credentials: Mapping[str, Path | None]


def given(config: Path, booted: Path = BOOTED) -> UnitFacts:
    """What the service gets that works by this configuration; nothing where there is none."""
    program = shutil.which("systemctl")
    if program is None or not booted.is_dir():
        return UnitFacts({}, {})
    asked = [program, "cat", UNIT]
    try:
        told = subprocess.run(asked, capture_output=True, text=True, timeout=_LIMIT, check=True).stdout
        settings = _service(told)
        command = shlex.split(settings.get("ExecStart", [""])[-1])
        environ = _environ(settings.get("Environment", []))
    except (OSError, subprocess.SubprocessError, ValueError):
        return UnitFacts({}, {})
    theirs = configured(command, shlex.join(f"{name}={value}" for name, value in environ.items()))
    if theirs.absolute() != config.absolute():
        return UnitFacts({}, {})
    for setting, (variable, parent) in _DIRECTORIES.items():
        if names := settings.get(setting):
            environ[variable] = ":".join(f"{parent}/{name}" for line in names for name in line.split())
    return UnitFacts(environ, _credentials(settings))


def _service(text: str) -> dict[str, list[str]]:
    """The settings of the service with their values, each in order; one that is empty forgets those before."""
    found: dict[str, list[str]] = {}
    section = ""
    for line in text.replace("\\\n", " ").splitlines():
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif section == "Service" and line and line[0] not in "#;":
            name, _, value = line.partition("=")
            if value.strip():
                found.setdefault(name.strip(), []).append(value.strip())
            else:
                found.pop(name.strip(), None)
    return found


def _environ(lines: list[str]) -> dict[str, str]:
    """Variables of ours."""
    pairs = [word.partition("=") for line in lines for word in shlex.split(line)]
    return {name: value for name, _, value in pairs if name.startswith("OLHUBD_")}


def _credentials(settings: Mapping[str, list[str]]) -> dict[str, Path | None]:
    found: dict[str, Path | None] = {}
    for value in (value for name in _CLOSED for value in settings.get(name, ())):
        found[value.partition(":")[0]] = None
    for value in (value for name in _FILES for value in settings.get(name, ())):
        name, _, path = value.partition(":")
        found[name] = Path(path) if path.startswith("/") else None
    return found
