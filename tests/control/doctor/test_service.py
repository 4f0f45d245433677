"""What systemd tells of the service, by a stand-in for systemctl that tells what a test wants it to."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from olhubd.control.doctor.finding import CheckState, Finding
from olhubd.control.doctor.service import service

CONFIG = Path("/etc/olhubd/olhubd.toml")
WELL = {
    "LoadState": "loaded",
    "UnitFileState": "enabled",
    "ActiveState": "active",
    "SubState": "running",
    "NRestarts": "0",
    "ExecStart": f"{{ path={sys.executable} ; argv[]={sys.executable} run ; ignore_errors=no ; pid=1 }}",
    "Environment": "",
}


class Machine:
    """A machine that systemd runs."""

    def __init__(self, folder: Path) -> None:
        self.booted = folder / "systemd"
        self.booted.mkdir()
        self._program = folder / "systemctl"

    def tells(self, **changes: str) -> list[Finding]:
        lines = "\n".join(f"{name}={value}" for name, value in {**WELL, **changes}.items())
        self._program.write_text(f"#!/bin/sh\ncat <<'END'\n{lines}\nEND\n", encoding="utf-8")
        self._program.chmod(0o755)
        return list(service(CONFIG, self.booted))

    def fails(self) -> list[Finding]:
        self._program.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
        self._program.chmod(0o755)
        return list(service(CONFIG, self.booted))


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return Machine(tmp_path)


def test_a_service_that_is_well(systemd: Machine) -> None:
    assert [(one.state, one.text) for one in systemd.tells()] == [(CheckState.FINE, "is enabled and active")]


@pytest.mark.parametrize(
    ("changes", "told", "mend"),
    [
        ({"UnitFileState": "disabled"}, CheckState.WRONG, "systemctl enable olhubd"),
        ({"ActiveState": "inactive"}, CheckState.WRONG, "systemctl start olhubd"),
        ({"ActiveState": "failed"}, CheckState.WRONG, "journalctl --unit olhubd; then: systemctl restart olhubd"),
        ({"NRestarts": "3"}, CheckState.LOOK, "journalctl --unit olhubd"),
        ({"LoadState": "not-found"}, CheckState.LOOK, "make install; systemctl enable --now olhubd"),
        (
            {"ExecStart": "{ path=/opt/gone ; argv[]=/opt/gone run ; ignore_errors=no }"},
            CheckState.WRONG,
            "make install, or: systemctl edit olhubd",
        ),
        (
            {"ExecStart": f"{{ path=x ; argv[]={sys.executable} run --config /srv/hub.toml ; }}"},
            CheckState.LOOK,
            "olhubd doctor --config /srv/hub.toml",
        ),
        ({"Environment": "A=1 OLHUBD_CONFIG=/srv/b.toml"}, CheckState.LOOK, "olhubd doctor --config /srv/b.toml"),
    ],
)
def test_a_service_that_is_not(systemd: Machine, changes: dict[str, str], told: CheckState, mend: str) -> None:
    (one,) = systemd.tells(**changes)
    assert (one.state, one.mend) == (told, mend)


def test_a_machine_without_systemd(systemd: Machine, tmp_path: Path) -> None:
    systemd.tells()
    (one,) = service(CONFIG, tmp_path / "nowhere")
    assert (one.state, one.text) == (CheckState.SKIPPED, "systemd does not run this machine")


def test_a_systemctl_that_fails(systemd: Machine) -> None:
    (one,) = systemd.fails()
    assert one.state is CheckState.SKIPPED
