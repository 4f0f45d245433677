"""A simulator is found by its connector's name: installed, or beside the tests of the project one is in."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from click.testing import CliRunner

from olhubd_kit import simulators
from olhubd_kit.commands.simulate import simulate
from olhubd_kit.process import spawn_simulator
from olhubd_kit.simulators.allegro import AllegroSimulator

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A plugin's own folder, in which somebody works."""
    before = list(sys.path)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.path[:] = before


def name(folder: Path, where: object) -> None:
    (folder / "pyproject.toml").write_text(f"[tool.olhubd.simulators]\nown = {where!r}\n")


OWN = """
    from olhubd_kit.simulators.allegro import AllegroSimulator

    class OwnSimulator(AllegroSimulator):
        connector = "own"

    class Other: ...
"""


def test_those_of_bundled_connectors_are_installed_with_the_kit() -> None:
    assert simulators.find("allegro") is AllegroSimulator
    assert simulators.find("vendure") is None
    assert {"allegro", "woocommerce"} <= set(simulators.names())
    source = simulators.source("allegro")
    assert source == ROOT / "contrib" / "kit" / "olhubd_kit" / "simulators" / "allegro"


def test_one_beside_the_tests_is_named_by_the_project(project: Path) -> None:
    """And is found from there alone."""
    (project / "checks").mkdir()
    (project / "checks" / "own_simulator.py").write_text(textwrap.dedent(OWN))
    assert simulators.find("own") is None
    name(project, "checks.own_simulator:OwnSimulator")
    made = simulators.find("own")
    assert made is not None
    assert made(seed=3).connector == "own"
    assert "own" in simulators.names()
    assert simulators.source("own") == project / "checks" / "own_simulator.py"


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("nothing.there:Simulator", "tool.olhubd.simulators.own: ModuleNotFoundError: No module named 'nothing'"),
        ("olhubd_kit.test_host:Simulator", "tool.olhubd.simulators.own: AttributeError: "),
        (
            "olhubd_kit.test_host:InstantClock",
            "olhubd_kit.test_host:InstantClock does not derive from olhubd_kit.simulator.Simulator",
        ),
        ("olhubd_kit.test_host", 'tool.olhubd.simulators.own: ValueError: it must be "package.module:Class"'),
        (7, "pyproject.toml: Expected `str`, got `int`"),
    ],
)
def test_one_that_cannot_be_had_is_named_with_its_place(project: Path, where: object, said: str) -> None:
    name(project, where)
    with pytest.raises(simulators.SimulatorUnusable) as error:
        simulators.find("own")
    assert said in str(error.value)
    result = CliRunner().invoke(simulate, ["own"])
    assert (result.exit_code, said in result.output) == (1, True)


def test_one_that_there_is_not_is_answered_with_those_there_are(project: Path) -> None:
    result = CliRunner().invoke(simulate, ["vendure"])
    assert result.exit_code == 2
    assert "no simulator of 'vendure' is installed, or named by pyproject.toml in this folder" in result.output
    assert "there are: allegro, woocommerce" in result.output


async def test_tiny_shops_is_served_from_its_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """As its author would: by the command, in the folder of its pyproject.toml."""
    import contextlib

    monkeypatch.chdir(ROOT / "contrib" / "example_plugin")
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        remote = await spawn_simulator(stack, "tinyshop")
        await remote.do(session, "buy", count=2)
        assert len(await remote.books(session)) == 2
