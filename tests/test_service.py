"""The unit and its companions, judged by systemd's own tools where they are installed."""

from __future__ import annotations

import configparser
import datetime as dt
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from olhubd.cli.failures import Exit
from olhubd.config import Daemon

ETC = Path(__file__).parent.parent / "etc"
UNIT = ETC / "olhubd.service"


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed here")
    return found


def run(*command: str | Path) -> str:
    """The output of a command, which must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def service() -> dict[str, str]:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNIT)
    return dict(parser["Service"])


def verified(folder: Path, text: str) -> str:
    """What systemd says of a unit, with a program and its documents in their places."""
    analyze = tool("systemd-analyze")
    command = folder / "olhubd"
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    unit = folder / "olhubd.service"
    unit.write_text(text.replace("/usr/bin/olhubd", str(command)))
    return run(analyze, "verify", "--man=no", unit)


def test_systemd_takes_the_unit_without_a_word(tmp_path: Path) -> None:
    """Also with what is there to be switched on."""
    assert verified(tmp_path, UNIT.read_text()) == ""
    (tmp_path / "olhubd-failed.service").write_text(f"[Service]\nType=oneshot\nExecStart={sys.executable}\n")
    switched = re.sub(r"^#(?=[A-Z]\w+=)", "", UNIT.read_text(), flags=re.MULTILINE)
    assert "\nOnFailure=" in switched
    assert verified(tmp_path, switched) == ""


def test_the_unit_exposes_next_to_nothing() -> None:
    """1.5 of 10; what remains is the network and the sockets it cannot do without."""
    run(tool("systemd-analyze"), "security", "--offline=true", "--threshold=15", "--no-pager", UNIT)


def test_the_unit_speaks_the_protocol_that_debian_12_knows() -> None:
    unit = service()
    assert unit["Type"] == "notify"
    assert unit["ExecStart"] == "/usr/bin/olhubd run"
    assert unit["ExecReload"] == "/usr/bin/olhubd reload", "which fails where the new configuration is wrong"
    assert unit["WatchdogSec"]


def test_only_what_stays_wrong_ends_it_for_good() -> None:
    """A start limit counts deaths of any kind: some bad minutes would end it until somebody comes."""
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNIT)
    assert parser["Unit"]["StartLimitIntervalSec"] == "0"
    assert service()["RestartPreventExitStatus"].split() == [str(int(Exit.CONFIGURATION))]
    assert service()["LimitCORE"] == "0"


def test_what_the_unit_points_at_is_installed(tmp_path: Path) -> None:
    run("make", "-C", str(ETC.parent), "files", f"ROOT={tmp_path}")
    told = re.findall(r"^Documentation=file://(\S+)", UNIT.read_text(), re.MULTILINE)
    assert {Path(path).name for path in told} == {"operator.md", "configuration.md"}
    for path in told:
        assert (tmp_path / path.lstrip("/")).is_file()
    page = (tmp_path / told[0].lstrip("/")).read_text(encoding="utf-8")
    for name in re.findall(r"\]\(([\w-]+\.md)", page):
        assert (tmp_path / told[0].lstrip("/")).with_name(name).is_file(), f"the page links {name}"


def test_what_is_installed_can_be_taken_away(tmp_path: Path) -> None:
    """All that was put there goes, and what people wrote stays."""
    run("make", "-C", str(ETC.parent), "files", f"ROOT={tmp_path}")
    kept = tmp_path / "var/lib/olhubd/olhubd.sqlite"
    kept.parent.mkdir(parents=True)
    kept.touch()
    assert "/var/lib/olhubd" in run("make", "-C", str(ETC.parent), "uninstall", f"ROOT={tmp_path}")
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"etc/olhubd/olhubd.toml", "var/lib/olhubd/olhubd.sqlite"}


def test_the_daemon_has_time_to_stop() -> None:
    allowed = dt.timedelta(seconds=int(service()["TimeoutStopSec"].removesuffix("s")))
    assert allowed > Daemon().stop_timeout


def make_user(root: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make users and give files away")
    (root / "etc").mkdir()
    run(tool("systemd-sysusers"), f"--root={root}", ETC / "sysusers.d" / "olhubd.conf")


def test_the_user_of_the_unit_is_made(tmp_path: Path) -> None:
    make_user(tmp_path)
    (user,) = [line.split(":") for line in (tmp_path / "etc/passwd").read_text().splitlines()]
    assert user[0] == service()["User"] == service()["Group"] == "olhubd"
    assert user[5] == "/var/lib/olhubd"
    assert user[6].endswith("nologin")


def test_the_configuration_is_for_root_to_write_and_the_daemon_to_read(tmp_path: Path) -> None:
    tmpfiles = tool("systemd-tmpfiles")
    make_user(tmp_path)
    settings = tmp_path / "etc/olhubd/olhubd.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text("")
    run(tmpfiles, f"--root={tmp_path}", "--create", ETC / "tmpfiles.d" / "olhubd.conf")
    modes = {path.name: path.stat().st_mode & 0o777 for path in (settings.parent, *settings.parent.iterdir())}
    assert modes == {"olhubd": 0o750, "conf.d": 0o750, "credentials": 0o700, "olhubd.toml": 0o640}
