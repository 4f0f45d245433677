"""Plugins are found as installed packages: these tests install throw-away ones on the import path."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import EntryPoint
from pathlib import Path
from textwrap import dedent

import pytest

from olhubd.model import Buyer, Money, Order, Stage
from olhubd.plugin import loading

Install = Callable[..., None]

TINY = """
    from olhubd.plugin import Connector, Secret, Settings, hookimpl

    class TinySettings(Settings):
        key: Secret
        "The key."

    class Tiny(Connector[TinySettings]):
        name = "{name}"
        title = "Tiny"
        Settings = TinySettings
        secret_keys = frozenset({{"{name}_key"}})

    @hookimpl
    def olhubd_register_connectors(register):
        register(Tiny)
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs one package with one entry point, as pip would leave it."""
    monkeypatch.syspath_prepend(tmp_path)
    modules: set[str] = set()

    def put(name: str, source: str, *, distribution: str | None = None) -> None:
        package = (distribution or f"hub_{name}").replace("-", "_")
        info = tmp_path / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[olhubd]\n{name} = {package}\n")
        (tmp_path / f"{package}.py").write_text(dedent(source))
        modules.add(package)

    yield put
    for module in modules:
        sys.modules.pop(module, None)


def test_only_what_is_wanted_is_imported(install: Install) -> None:
    install("tiny", TINY.format(name="tiny"))
    install("loud", "raise RuntimeError('nobody asked for me')")
    plugins = loading.load(["tiny"], environ={})
    assert plugins.loaded == ("tiny",)
    assert plugins.connectors["tiny"].title == "Tiny"
    assert plugins.providers == {"tiny": "tiny"}
    assert plugins.failed == {}
    assert "loud" in plugins.idle
    assert "hub_loud" not in sys.modules


def test_a_broken_plugin_is_told_in_one_line_and_stops_nobody(install: Install) -> None:
    install("tiny", TINY.format(name="tiny"))
    install("broken", "import no_such_library_here")
    install("quits", "raise SystemExit('bye\\nnow')")
    install("typo", "def f(:\n    pass")
    plugins = loading.load(["broken", "quits", "tiny", "typo"], environ={})
    assert set(plugins.connectors) == {"tiny"}
    assert plugins.failed["broken"] == "ModuleNotFoundError: No module named 'no_such_library_here'"
    assert plugins.failed["quits"] == "SystemExit: bye now"
    assert plugins.failed["typo"].startswith("SyntaxError: ")
    assert not any("\n" in reason or "Traceback" in reason for reason in plugins.failed.values())


def test_what_is_not_installed_is_told_with_what_was_meant(install: Install) -> None:
    install("tiny", TINY.format(name="tiny"))
    assert loading.load(["tinny"], environ={}).failed == {"tinny": "is not installed; did you mean 'tiny'?"}


def test_the_allow_list_loads_exactly_what_it_names(install: Install) -> None:
    install("tiny", TINY.format(name="tiny"))
    install("other", TINY.format(name="other"))
    environ = {"OLHUBD_PLUGINS": " other ,"}
    assert loading.load(["tiny"], environ=environ).loaded == ("other",)
    assert loading.load(None, environ=environ).loaded == ("other",)
    assert loading.wanted({"tiny"}, environ=environ).loaded == ("other",)
    assert loading.load(None, environ={"OLHUBD_PLUGINS": ""}).loaded == ()


def test_a_connector_of_another_name_than_its_plugin_is_found(install: Install) -> None:
    install("bundle", TINY.format(name="tiny"))
    install("broken", "import no_such_library_here")
    plugins = loading.wanted({"tiny"}, ["missing"], environ={})
    assert plugins.providers["tiny"] == "bundle"
    assert plugins.failed["broken"].startswith("ModuleNotFoundError")
    assert plugins.failed["missing"] == "is not installed"


def test_wanted_imports_no_more_when_names_agree(install: Install) -> None:
    install("tiny", TINY.format(name="tiny"))
    install("loud", "raise RuntimeError('nobody asked for me')")
    plugins = loading.wanted({"tiny"}, environ={})
    assert plugins.loaded == ("tiny",)
    assert plugins.failed == {}


def test_a_plugin_wanted_for_its_hooks_alone_is_loaded(install: Install) -> None:
    install("tiny", TINY.format(name="tiny"))
    install(
        "watcher",
        """
        from olhubd.plugin import hookimpl

        @hookimpl
        def olhubd_redact_keys():
            return ["pesel"]
        """,
    )
    plugins = loading.wanted({"tiny"}, ["watcher"], environ={})
    assert plugins.loaded == ("tiny", "watcher")
    assert plugins.redacted == {"pesel", "tiny_key"}


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (
            "from olhubd.plugin import hookimpl\n@hookimpl\ndef olhubd_register_conectors(register): ...",
            "implements the hook olhubd_register_conectors, which does not exist; did you mean olhubd_register_con",
        ),
        (
            "from olhubd.plugin import hookimpl\n@hookimpl\ndef olhubd_register_connectors(registry): ...",
            "PluginValidationError: ",
        ),
        (
            "from olhubd.plugin import hookimpl\n@hookimpl\ndef olhubd_register_connectors(register): register(1)",
            "registers 1, which is not a Connector class",
        ),
        (
            "from olhubd.plugin import hookimpl\n@hookimpl\ndef olhubd_register_connectors(register): 1 / 0",
            "ZeroDivisionError: ",
        ),
        (TINY.format(name="Not A Name"), "registers the connector Tiny without a proper name"),
        (
            dedent(TINY.format(name="tiny")).replace("(Settings):", "():"),
            "registers the connector Tiny whose Settings do not derive from",
        ),
        (
            dedent(TINY.format(name="tiny"))
            .replace("import Connector,", "import Connector, OrderLookup,")
            .replace("(Connector[TinySettings])", "(Connector[TinySettings], OrderLookup)"),
            "registers the connector Tiny, which lacks read_order",
        ),
    ],
)
def test_a_plugin_that_breaks_the_rules_is_refused_whole(install: Install, source: str, reason: str) -> None:
    install("rule", source)
    install("tiny2", TINY.format(name="tiny2"))
    plugins = loading.load(["rule", "tiny2"], environ={})
    assert plugins.failed["rule"].startswith(reason)
    assert set(plugins.connectors) == {"tiny2"}
    assert not plugins.manager.has_plugin("rule")


def test_a_connector_has_one_provider(install: Install) -> None:
    install("first", TINY.format(name="tiny"))
    install("second", TINY.format(name="tiny"))
    plugins = loading.load(["first", "second"], environ={})
    assert plugins.providers == {"tiny": "first"}
    assert plugins.failed == {"second": "registers the connector 'tiny' that 'first' already provides"}


def test_two_packages_with_one_name_are_told(install: Install) -> None:
    install("tiny", TINY.format(name="tiny"), distribution="one")
    install("tiny", TINY.format(name="tiny"), distribution="two")
    assert loading.load(["tiny"], environ={}).failed == {"tiny": "is provided more than once: one, two"}


def test_the_trace_tells_each_hook_call_with_its_result(install: Install) -> None:
    install("tiny", TINY.format(name="tiny"))
    lines: list[str] = []
    plugins = loading.load(["tiny"], environ={"OLHUBD_TRACE_HOOKS": "1"}, trace=lines.append)
    assert lines == ["hook olhubd_register_connectors(register=list.append) by tiny -> []"]
    plugins.manager.hook.olhubd_redact_keys()
    assert lines[1:] == ["hook olhubd_redact_keys() by nobody -> []"]


def test_the_trace_shows_no_personal_data(install: Install) -> None:
    install(
        "watcher",
        """
        from olhubd.plugin import hookimpl

        @hookimpl
        def olhubd_amend_delivery(delivery, order):
            return order
        """,
    )
    lines: list[str] = []
    plugins = loading.load(["watcher"], environ={"OLHUBD_TRACE_HOOKS": "1"}, trace=lines.append)
    order = Order(
        external_id="1",
        placed_at=datetime(2026, 1, 1, tzinfo=UTC),
        stage=Stage.CONFIRMED,
        external_stage="READY",
        lines=(),
        total=Money(Decimal(1), "PLN"),
        buyer=Buyer(last_name="Canary-Kowalska"),
    )
    plugins.manager.hook.olhubd_amend_delivery(delivery=None, order=order)
    assert lines[-1:] == ["hook olhubd_amend_delivery(delivery=None, order=Order) by watcher -> Order"]


def test_without_the_switch_nothing_is_traced(install: Install, capfd: pytest.CaptureFixture[str]) -> None:
    install("tiny", TINY.format(name="tiny"))
    loading.load(["tiny"], environ={"OLHUBD_TRACE_HOOKS": "0"})
    assert capfd.readouterr() == ("", "")
    loading.load(["tiny"], environ={"OLHUBD_TRACE_HOOKS": "1"})
    assert capfd.readouterr().err == "hook olhubd_register_connectors(register=list.append) by tiny -> []\n"


def test_bundled_plugins_enter_by_the_same_door() -> None:
    """Their entry points are those of the project's own metadata; nothing in core names them."""
    own = {point.name: point for point in loading.installed() if point.dist and point.dist.name == "olhubd"}
    if not own:
        pytest.skip("olhubd is not installed here: pip install -e .")
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    assert {name: point.value for name, point in own.items()} == project["entry-points"][loading.GROUP]
    assert all(isinstance(point, EntryPoint) for point in own.values())
