"""Whether systemd runs the daemon, by what systemctl says. Nothing is started or changed here."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from olhubd.control.doctor.finding import Finding, fine, look, skipped, wrong

__all__ = ["BOOTED", "UNIT", "configured", "service"]

UNIT = "olhubd.service"
BOOTED = Path("/run/systemd/system")
"""There when systemd runs the machine."""
_ASKED = ("LoadState", "UnitFileState", "ActiveState", "SubState", "NRestarts", "ExecStart", "Environment")
_LIMIT = 10.0
_DEFAULT = Path("/etc/olhubd/olhubd.toml")


def service(config: Path, booted: Path = BOOTED) -> Iterator[Finding]:
    """Is there a unit, enabled and at work, with this configuration?"""
    program = shutil.which("systemctl")
    if program is None or not booted.is_dir():
        yield skipped("systemd does not run this machine")
        return
    try:
        facts = _show(program)
    except (OSError, subprocess.SubprocessError) as error:
        yield skipped(f"systemctl does not answer: {type(error).__name__}")
        return
    if facts.get("LoadState") != "loaded":
        text = "is not installed here, so nothing starts olhubd with the machine"
        yield look(text, "make install; systemctl enable --now olhubd", UNIT)
        return
    found = list(_findings(facts, config))
    yield from found or [fine(f"is enabled and {facts.get('ActiveState')}", UNIT)]


def _show(program: str) -> Mapping[str, str]:
    asked = [program, "show", UNIT, "--no-pager", f"--property={','.join(_ASKED)}"]
    told = subprocess.run(asked, capture_output=True, text=True, timeout=_LIMIT, check=True).stdout
    return dict(line.split("=", 1) for line in told.splitlines() if "=" in line)


def _findings(facts: Mapping[str, str], config: Path) -> Iterator[Finding]:
    state = facts.get("ActiveState", "")
    if state == "failed":
        yield wrong(
            f"failed ({facts.get('SubState')})", "journalctl --unit olhubd; then: systemctl restart olhubd", UNIT
        )
    elif state != "active":
        yield wrong(f"is {state or 'in no state'}", "systemctl start olhubd", UNIT)
    if facts.get("UnitFileState") not in ("enabled", "enabled-runtime", "static"):
        yield wrong("does not start with the machine", "systemctl enable olhubd", UNIT)
    restarts = facts.get("NRestarts", "0")
    if restarts.isdecimal() and int(restarts) > 0:
        yield look(f"was started again {restarts} times after it ended by itself", "journalctl --unit olhubd", UNIT)
    command = re.search(r"argv\[\]=([^;]*)", facts.get("ExecStart", ""))
    words = command[1].split() if command else []
    if words and not Path(words[0]).exists():
        yield wrong(f"starts {words[0]}, which is not there", "make install, or: systemctl edit olhubd", UNIT)
    theirs = configured(words, facts.get("Environment", ""))
    if theirs.absolute() != config.absolute():
        yield look(
            f"works by {theirs}, and this was asked about {config}", f"olhubd doctor --config {theirs}", UNIT
        )


def configured(words: Sequence[str], environment: str) -> Path:
    """Which configuration a service works by, from its command and its environment."""
    for index, word in enumerate(words):
        name, _, value = word.partition("=")
        if name in ("-c", "--config") and (value or index + 1 < len(words)):
            return Path(value or words[index + 1])
    for setting in environment.split():
        if setting.startswith("OLHUBD_CONFIG="):
            return Path(setting.partition("=")[2])
    return _DEFAULT
