"""What systemd gives the service alone is known to who asks about it, by a stand-in for systemctl."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from olhubd.cli import cli
from olhubd.control.doctor import unit

TEXT = """\
# /etc/systemd/system/olhubd.service
[Unit]
Environment=OLHUBD_ENGINE__DOWN_AFTER=9
[Service]
ExecStart=/usr/bin/olhubd run --config {config}
RuntimeDirectory=olhubd
StateDirectory=olhubd
Environment=LANG=C "OLHUBD_DAEMON__LOG_LEVEL=debug"
LoadCredential=shop.consumer_key:/nowhere
LoadCredential=

# /etc/systemd/system/olhubd.service.d/override.conf
[Service]
LoadCredential=shop.consumer_secret:{secret}
SetCredentialEncrypted=shop.consumer_key: \\
  k6iUCUh0RJCQyvL8k8q1UyAAAAABAAAADAAAABAAAAC1lFmbWAqWZ8dCCQkAAAAAgAAAA
#LoadCredential=control.token:/nowhere
"""
CONFIG = """\
[accounts.shop]
connector = "woocommerce"
url = "https://shop.example"
"""


class Machine:
    """A machine that systemd runs, with the unit installed; `config` is what it works by."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.booted = folder / "systemd"
        self.booted.mkdir()
        self.config = folder / "olhubd.toml"
        self.config.write_text(CONFIG)
        self.secret = folder / "secret"
        self.secret.write_text("cs_0123456789\n")
        self.secret.chmod(0o600)
        self.shows(TEXT)

    def shows(self, text: str) -> None:
        told = text.format(config=self.config, secret=self.secret)
        program = self.folder / "systemctl"
        program.write_text(f"#!/bin/sh\ncat <<'END'\n{told}\nEND\n")
        program.chmod(0o755)

    def given(self) -> unit.UnitFacts:
        return unit.given(self.config, self.booted)

    def checks(self, monkeypatch: pytest.MonkeyPatch, *command: str) -> tuple[int, str]:
        monkeypatch.setattr(unit.given, "__defaults__", (self.booted,))
        done = CliRunner().invoke(cli, [*command, "--config", str(self.config)])
        return done.exit_code, done.output


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return Machine(tmp_path)


def test_what_the_unit_gives_is_read_from_it_and_its_drop_ins(machine: Machine) -> None:
    assert machine.given() == (
        {
            "RUNTIME_DIRECTORY": "/run/olhubd",
            "STATE_DIRECTORY": "/var/lib/olhubd",
            "OLHUBD_DAEMON__LOG_LEVEL": "debug",
        },
        {"shop.consumer_key": None, "shop.consumer_secret": machine.secret},
    )


def test_a_service_of_another_configuration_gives_this_one_nothing(machine: Machine) -> None:
    assert unit.given(machine.folder / "other.toml", machine.booted) == ({}, {})
    assert unit.given(machine.config, machine.folder / "nowhere") == ({}, {}), "nor a machine without systemd"
    machine.shows("[Service]\nExecStart='unfinished")
    assert machine.given() == ({}, {})


def test_check_knows_secrets_that_come_from_the_unit(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that it can read is read; of one that systemd alone can open it says where it is."""
    code, told = machine.checks(monkeypatch, "check")
    assert code == 0, told
    assert "from the unit" in told
    assert "accounts.shop.consumer_key" in told
    assert "accounts.shop.consumer_secret" in told
    machine.secret.write_text("")
    code, told = machine.checks(monkeypatch, "check")
    assert (code, "is empty" in told) == (3, True), "a secret that it can read is looked at"
    machine.secret.unlink()
    code, told = machine.checks(monkeypatch, "check")
    assert (code, "does not exist" in told) == (3, True), "and the unit could not start without it"
    machine.shows(TEXT.replace("shop.consumer_secret", "shop.consumer_secert"))
    code, told = machine.checks(monkeypatch, "check")
    assert (code, "consumer_secret" in told) == (3, True), "a name that was mistyped"


def test_doctor_looks_at_what_the_service_has(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    _, told = machine.checks(monkeypatch, "doctor", "CONFIG")
    assert "is right" in told
    assert "missing" not in told


def test_the_settings_are_shown_as_the_service_has_them(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    code, told = machine.checks(monkeypatch, "config", "show", "--csv")
    assert code == 0, told
    assert "control.socket,/run/olhubd/olhubd.sock" in told
    assert "daemon.log_level,debug" in told
    assert "cs_0123456789" not in told
