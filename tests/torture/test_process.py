"""The daemon as a process: a slice of the strikes, a drill with and without its guard, and what a soak judges by.

The long runs are in docs/reliability.md.
"""

from __future__ import annotations

import random
import signal
from pathlib import Path

import msgspec
import pytest

from olhubd.store import Database
from olhubd_kit.demo_stack import open_stage
from olhubd_kit.traffic import Traffic
from olhubd_torture import checks, names
from olhubd_torture.disk import open_disk
from olhubd_torture.old_schema import OldDatabase
from olhubd_torture.process_faults import HOSTS, FaultInjector, FaultTargets, FaultTrigger, ProcessFault
from olhubd_torture.process_torture import LAUNCHER
from olhubd_torture.scenarios import DRILLS, drill
from olhubd_torture.soak_process import ProcessSample, growth, quarters, watch
from tests.torture.drills import OFF, broken

GUARD = "no mark of sending"


async def test_an_old_file_and_every_trouble_with_the_disk(tmp_path: Path) -> None:
    """FWD-06, invariant 1: killed in the middle of an upgrade; a file that is locked, torn, full or read-only."""
    found: list[str] = []
    hosts, database = tmp_path / "hosts", tmp_path / "data" / "olhubd.sqlite"
    names.write(hosts, dict.fromkeys(HOSTS.values(), "127.0.0.1"))
    old = OldDatabase(database, random.Random(1))
    async with open_disk(tmp_path / "data") as disk:
        async with open_stage(
            tmp_path,
            account={"interval": "300 ms", "sweep_interval": "2 s"},
            target={"settle": "3 s"},
            engine={"backoff_first": "200 ms", "backoff_max": "1 s"},
            launcher=(*LAUNCHER, str(hosts)),
            town=True,
            hosts=HOSTS,
            prepare=old.upgrade,
        ) as stage:
            striker = FaultInjector(FaultTargets(stage, hosts, database, disk), random.Random(2), found.append)
            for number, strike in enumerate(
                (
                    ProcessFault.LOCKED,
                    ProcessFault.TORN,
                    ProcessFault.FULL,
                    ProcessFault.PROTECTED,
                    ProcessFault.SECOND,
                    ProcessFault.NAMELESS,
                )
            ):
                await Traffic(stage, 2, seed=number, quirks=False).run()
                await striker.strike(strike)
            assert await stage.settle(60)
            trap = FaultTrigger(True, "POST .*/orders$")
            assert not await striker.trap(trap, signal.SIGKILL, after=True), "nobody buys, so nothing is sent"
            await Traffic(stage, 2, quirks=False).run()
            assert await striker.trap(trap, signal.SIGKILL, after=True, skip=0)
            assert await stage.settle(60)
            audit = await stage.audit()
            assert (audit.sold, audit.forwarded, audit.clean) == (14, 14, True)
            assert stage.daemon.kills == old.kills + 2 + (disk is not None)
            assert await stage.daemon.stop() == 0
        async with Database.open(database) as opened:
            assert await checks.in_file(opened.reader, stage.log) == []
        assert old.verdict() == []
    assert found == []
    assert old.kills
    assert "another olhubd already works on" in stage.log
    assert "Name or service not known" in stage.log
    assert "Traceback" not in stage.log
    if disk is None:
        pytest.skip("nothing may be mounted here: the full and the read-only disk were left out")


async def test_a_drill_is_survived_and_missed_without_its_guard(tmp_path: Path) -> None:
    """Invariant 4: killed the moment the shop has the order. Without the mark of sending it gets a second one."""
    name, kind = OFF[GUARD]
    for folder in ("whole", "broken"):
        (tmp_path / folder).mkdir()
    assert await drill(tmp_path / "whole", DRILLS[name]) == []
    found = await drill(tmp_path / "broken", DRILLS[name], broken(GUARD))
    assert any(finding.startswith(f"{kind}:") for finding in found), found


async def test_one_daemon_is_watched(tmp_path: Path) -> None:
    """A soak of seconds: samples are taken, trade goes on, the books agree."""
    vigil = await watch(tmp_path, 5, 6.0, 4, print, every=0.5)
    assert [finding for finding in vigil.findings if not finding.startswith("tasks")] == []
    assert vigil.forwarded == vigil.sold > 0
    assert len(vigil.samples) >= 5
    assert all(one.resident > 2**20 and one.files > 3 and one.threads and one.tasks for one in vigil.samples)
    assert (tmp_path / "samples.csv").read_text().startswith("second,resident,files,threads,tasks,cpu,orders\n")


FLAT = [ProcessSample(10.0 * n, 80 * 2**20, 60, 9, 120, n, n) for n in range(40)]


def test_a_flat_process_has_not_grown() -> None:
    """Also when it was smaller while it warmed up."""
    assert growth(FLAT) == []
    young = [msgspec.structs.replace(one, resident=50 * 2**20) for one in FLAT[:10]]
    assert growth([*young, *FLAT[10:]]) == []


@pytest.mark.parametrize(
    ("field", "value"), [("resident", 85 * 2**20), ("files", 90), ("threads", 20), ("tasks", 170)]
)
def test_what_grows_is_told(field: str, value: int) -> None:
    """The last quarter against the second."""
    late = [msgspec.structs.replace(one, **{field: value}) for one in FLAT[30:]]
    (finding,) = growth([*FLAT[:30], *late])
    assert finding.startswith("memory:" if field == "resident" else f"{field}:")


def test_connections_of_a_burst_that_are_kept_are_no_leak() -> None:
    """As many as the pools of all systems hold, and not one more."""
    for files, kinds in ((8 * 10 + 64, []), (8 * 10 + 65, ["files"])):
        late = [msgspec.structs.replace(one, files=files) for one in FLAT[30:]]
        assert [finding.partition(":")[0] for finding in growth([*FLAT[:30], *late], 10)] == kinds


def test_quarters_leave_no_sample_out() -> None:
    assert [quarter.orders for quarter in quarters(FLAT[:7])] == [0, 2, 4, 6]


def test_too_short_a_watch_tells_nothing() -> None:
    assert growth(FLAT[:3]) == ["short: too few samples to tell anything from"]
