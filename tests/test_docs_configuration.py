"""The configuration reference is made from the settings classes, and the example is true.

Regenerate: python -m olhubd.config.reference docs/configuration.md
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from olhubd import config
from olhubd.config import reference
from olhubd.plugin.loading import Plugins, wanted

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "configuration.md"
EXAMPLE = ROOT / "etc" / "olhubd.toml"


def plugins() -> Plugins:
    """Those that olhubd brings, which are found only where it is installed."""
    found = reference.bundled({})
    if not found.connectors and not found.failed:
        pytest.skip("olhubd is not installed here: pip install -e .")
    return found


def test_the_reference_is_not_stale() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for section in reference.core_sections():
        assert section in page


def test_each_bundled_connector_has_its_section() -> None:
    page = PAGE.read_text(encoding="utf-8")
    found = plugins()
    for connector in found.connectors.values():
        assert reference.connector_section(connector) in page, f"{connector.name} is stale"
    if not found.failed:
        assert page == reference.reference(found)


def test_every_setting_is_described() -> None:
    """A key without a meaning is of no use to anybody."""
    rows = [line for section in sections() for line in section.splitlines() if line.startswith("| `")]
    assert len(rows) > 40
    for row in rows:
        assert not row.endswith("|  |"), row


def sections() -> list[str]:
    connectors = reference.bundled({}).connectors.values()
    return [*reference.core_sections(), *map(reference.connector_section, connectors)]


def test_the_example_as_installed_is_a_daemon_without_accounts() -> None:
    configuration = config.load(EXAMPLE, None, {})
    assert configuration.accounts == {}
    assert configuration.routes == ()


def test_the_example_switched_on_is_true(tmp_path: Path) -> None:
    found = plugins()
    if found.failed:
        pytest.skip(f"a bundled plugin cannot be loaded: {found.failed}")
    text = re.sub(r"^#(?=\S)", "", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for name in re.findall(r"/etc/olhubd/(credentials/\S+)\"", text):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("a-secret-of-some-length\n")
        file.chmod(0o600)
    path = tmp_path / "olhubd.toml"
    path.write_text(text.replace("/etc/olhubd/", f"{tmp_path}/"))
    configuration = config.load(path, lambda connectors, extra: wanted(connectors, extra, environ={}), {})
    assert {name: account.connector.name for name, account in configuration.accounts.items()} == {
        "allegro-main": "allegro",
        "shop": "woocommerce",
        "outlet": "vendure",
        "post": "smtp",
    }
    (route,) = configuration.routes
    assert (route.target, route.sources) == ("shop", frozenset({"allegro-main"}))
    assert configuration.warnings == ()


def test_the_example_shows_the_true_defaults() -> None:
    core = EXAMPLE.read_text(encoding="utf-8").split("# Accounts,")[0]
    shown = re.findall(r"^#(\w+) = (\S.*?)(?:[ \t]+#.*)?$", core, re.MULTILINE)
    page = "\n".join(reference.core_sections())
    assert len(shown) > 10
    for key, value in shown:
        if key != "token_file":
            assert re.search(rf"^\| `{key}` \|.*\| `{re.escape(value)}` \|", page, re.MULTILINE), key
