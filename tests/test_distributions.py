"""What a seller installs is the daemon, and nothing that tries it."""

from __future__ import annotations

import ast
import configparser
import re
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

import olhubd
from olhubd.cli.group import DistributionCommand
from olhubd.cli.root import COMMANDS

ROOT = Path(__file__).parent.parent
APART = {"olhubd-kit": ROOT / "contrib" / "kit", "olhubd-torture": ROOT / "contrib" / "torture"}
TRYING = {"olhubd_kit", "olhubd_torture", "pytest", "_pytest", "hypothesis", "mock", "unittest"}
"""What a module imports that tries something."""


def built(folder: Path, into: Path) -> zipfile.ZipFile:
    """The wheel of the project in `folder`."""
    return zipfile.ZipFile(next(WheelBuilder(str(folder)).build(directory=str(into), versions=["standard"])))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return built(ROOT, tmp_path_factory.mktemp("wheel"))


def project(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return found


def test_the_wheel_is_the_daemon_and_its_plugins(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist() if ".dist-info/" not in name}
    assert tops == {"olhubd", "olhubd_allegro", "olhubd_smtp", "olhubd_vendure", "olhubd_woocommerce"}
    assert "olhubd/daemon.py" in wheel.namelist()
    tools = re.compile(r"simulator|testing|torture|conformance|/demo|_kit")
    assert [name for name in wheel.namelist() if tools.search(name)] == []


def test_nothing_in_the_wheel_imports_what_tries_it(wheel: zipfile.ZipFile) -> None:
    """Nor anything that only tests have: no mock, no pytest."""
    found = [
        f"{name}: {module}"
        for name in wheel.namelist()
        if name.endswith(".py")
        for module in imports(ast.parse(wheel.read(name)))
        if module.split(".")[0] in TRYING
    ]
    assert found == []


def imports(tree: ast.Module) -> list[str]:
    """Each module that is imported, wherever in the file."""
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            found.append(node.module)
    return found


def test_the_wheel_needs_nothing_that_tries_it(wheel: zipfile.ZipFile) -> None:
    [metadata] = [name for name in wheel.namelist() if name.endswith("METADATA")]
    needed = re.findall(r"^Requires-Dist: ([\w-]+)(?!.*extra ==)", wheel.read(metadata).decode(), re.MULTILINE)
    assert "aiohttp" in needed
    assert set(needed).isdisjoint({*APART, "pytest", "hypothesis"})


@pytest.mark.parametrize("name", APART)
def test_what_tries_it_is_a_distribution_of_the_same_version(name: str, tmp_path: Path) -> None:
    """It reaches for modules of the daemon, which another version may not have."""
    made = built(APART[name], tmp_path)
    package = name.replace("-", "_")
    assert {one.split("/")[0] for one in made.namelist() if ".dist-info/" not in one} == {package}
    assert f"{package}/py.typed" in made.namelist()
    [metadata] = [one for one in made.namelist() if one.endswith("METADATA")]
    text = made.read(metadata).decode()
    assert f"\nVersion: {olhubd.__version__}\n" in text
    assert f"\nRequires-Dist: olhubd=={olhubd.__version__}\n" in text
    points = configparser.ConfigParser()
    points.read_string(made.read(metadata.replace("METADATA", "entry_points.txt")).decode())
    assert points["olhubd"] == {package.removeprefix("olhubd_"): package}


def test_each_command_that_stands_apart_has_its_distribution() -> None:
    named = {
        one.distribution
        for section in COMMANDS.values()
        for one in section.values()
        if isinstance(one, DistributionCommand)
    }
    assert named == APART.keys()
    assert {project(folder)["name"] for folder in APART.values()} == named


def test_the_source_archive_has_all_of_it(tmp_path: Path) -> None:
    """So that who builds from it can try what was built."""
    [made] = SdistBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with tarfile.open(made) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for folder in APART.values():
        assert f"{folder.relative_to(ROOT)}/pyproject.toml" in names
    assert {
        "olhubd/daemon.py",
        "contrib/example_plugin/tests/tinyshop_simulator.py",
        "tests/test_distributions.py",
    } <= names
