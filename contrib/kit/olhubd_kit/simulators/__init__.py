"""Simulators of the bundled connectors, and how the simulator of any connector is found by its name.

A distribution names its simulators as entry points in the group `olhubd.simulators`. A simulator that lies beside
the tests of a plugin is in no distribution; the plugin's pyproject.toml names it in the same form, and it is found
from the folder of that file:

    [tool.olhubd.simulators]
    tinyshop = "tests.tinyshop_simulator:TinyShopSimulator"
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

import msgspec

from olhubd_kit.simulator import Simulator

__all__ = ["GROUP", "PROJECT", "Maker", "SimulatorUnusable", "find", "names", "source"]

GROUP = "olhubd.simulators"
PROJECT = "pyproject.toml"

Maker = Callable[..., Simulator]
"""The simulator's class: called with a seed, and in tests with a clock."""


class SimulatorUnusable(RuntimeError):
    """A simulator is named and cannot be had; says where and why."""


def names() -> tuple[str, ...]:
    """The connectors that have a simulator here."""
    return tuple(sorted({*_installed(), *_of_project()}))


def find(connector: str) -> Maker | None:
    """The simulator of a connector, None when there is none. Raises SimulatorUnusable."""
    point = _point(connector)
    if point is None:
        return None
    if point.group != GROUP:
        _let_import(Path.cwd(), *Path(*point.module.split(".")).parents)
    try:
        if ":" not in point.value:
            raise ValueError('it must be "package.module:Class"')
        made = point.load()
    except (ImportError, AttributeError, ValueError) as error:
        raise SimulatorUnusable(f"{_where(point)}: {type(error).__name__}: {error}") from error
    if not (isinstance(made, type) and issubclass(made, Simulator)):
        raise SimulatorUnusable(
            f"{_where(point)}: {point.value} does not derive from olhubd_kit.simulator.Simulator"
        )
    return made


def _let_import(folder: Path, *below: Path) -> None:
    """Let what is in the project's folder be imported, and what lies beside the simulator by its bare name, as
    pytest does it too."""
    for path in (folder, *(folder / one for one in below if one.parts)):
        if str(path) not in sys.path:
            sys.path.insert(0, str(path))


def source(connector: str) -> Path | None:
    """The package or module in which the simulator of a connector is written; None when there is none."""
    if find(connector) is None:
        return None
    point = _point(connector)
    spec = find_spec(point.module) if point is not None else None
    if spec is None or spec.origin is None:
        return None
    file = Path(spec.origin)
    return file.parent if spec.submodule_search_locations else file


def _point(connector: str) -> EntryPoint | None:
    """What is installed is not looked for in the folder somebody happens to be in."""
    return _installed().get(connector) or _of_project().get(connector)


def _installed() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


class _Table(msgspec.Struct):
    simulators: dict[str, str] = {}


class _Tools(msgspec.Struct):
    olhubd: _Table = msgspec.field(default_factory=_Table)


class _Project(msgspec.Struct):
    tool: _Tools = msgspec.field(default_factory=_Tools)


def _of_project() -> dict[str, EntryPoint]:
    try:
        found = msgspec.toml.decode(Path(PROJECT).read_bytes(), type=_Project).tool.olhubd.simulators
    except OSError:  # nobody's project
        return {}
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SimulatorUnusable(f"{PROJECT}: {error}") from error
    return {name: EntryPoint(name, value, PROJECT) for name, value in found.items()}


def _where(point: EntryPoint) -> str:
    if point.group == GROUP:
        return f"the entry point {point.name} of {GROUP}"
    return f"{PROJECT}: tool.olhubd.simulators.{point.name}"
