"""`olhubd plugins`: the tier of each connector, what the next one needs, and the proof of it."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from olhubd.cli.root import cli
from olhubd.plugin import loading, quality
from olhubd.plugin.quality import Fact, Proof
from olhubd_kit import conformance
from olhubd_woocommerce.connector import WooCommerce


@pytest.fixture(autouse=True)
def _one_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLHUBD_PLUGINS", "woocommerce")


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["plugins", *words], env=dict(os.environ))
    return result.exit_code, result.output


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of one file with a record of it: bronze, and something that silver lacks."""
    (tmp_path / "shop.py").write_text("")
    facts = (Fact(name="works", tier="bronze"), Fact(name="stands", tier="silver", lacking="broken: ONCE-01"))
    record = quality.Record(
        version="1",
        kit="1",
        digest=quality.digest(tmp_path),
        connectors={"woocommerce": Proof(facts=facts, rules={})},
    )
    (tmp_path / quality.FILE).write_bytes(msgspec.json.encode(record))
    monkeypatch.setattr(quality, "package", lambda _: tmp_path)
    return tmp_path


def test_the_tier_is_shown_with_what_the_next_one_needs(recorded: Path) -> None:
    code, shown = run()
    assert code == 0
    assert "bronze" in shown
    assert "woocommerce: silver needs stands: broken: ONCE-01" in shown
    [plugin] = [item for item in json.loads(run("--json")[1])["items"] if item["name"] == "woocommerce"]
    assert plugin["connectors"][0]["quality"] == {
        "state": "proved",
        "tier": "bronze",
        "missing": [{"tier": "silver", "criterion": "stands", "lacking": "broken: ONCE-01"}],
    }


def test_a_record_of_other_sources_proves_nothing(recorded: Path) -> None:
    (recorded / "shop.py").write_text("changed = True\n")
    assert "out of date" in run()[1]
    (recorded / quality.FILE).unlink()
    assert "not proved" in run()[1]


def test_proving_tries_the_rules_now() -> None:
    code, shown = run("woocommerce", "--prove", "--json")
    assert code == 0, shown
    proof = json.loads(shown[shown.index("{") :])["woocommerce"]
    assert set(proof["rules"]) == {rule.id for rule in conformance.concerning(WooCommerce)}
    assert proof["tier"] == "silver"
    [signing] = [fact for fact in proof["facts"] if fact["name"] == "sign-in"]
    assert not signing["concerns"]
    assert {fact["lacking"] for fact in proof["facts"] if fact["name"] == "contract"} == {
        "no test proves 'contract'"
    }


def test_a_broken_rule_is_told_and_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    async def push_order(self: object, push: object) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr(WooCommerce, "push_order", push_order)
    code, shown = run("woocommerce", "--prove")
    assert code == 1
    assert "PUSH-01 a push makes one order" in shown
    tiers = {rule.id: rule.tier for rule in conformance.rules()}
    order = [tiers[line.split()[1]] for line in shown.splitlines() if line.startswith("  woocommerce: ")]
    assert len(set(order)) > 1
    assert order == sorted(order)
    assert "the first one first" in shown
    assert "woocommerce: none" in shown
    assert "FEED-12 a journal may repeat itself: a WooCommerce shop has a list of orders and no journal" in shown


def test_what_makes_no_sense_is_refused() -> None:
    assert "no plugin provides 'nothing'; installed: woocommerce" in run("nothing")[1]
    assert "--tests and --record are for --prove" in run("--record")[1]


def test_a_package_that_cannot_be_imported_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is not unknown: its package is there and broken."""
    failed = {"ebay": "ModuleNotFoundError: No module named 'olhubd_ebay.clent'"}
    load = loading.load
    monkeypatch.setattr(loading, "load", lambda *a, **k: replace(load(*a, **k), failed=failed))
    code, shown = run("ebay", "--prove")
    assert code == 1
    assert "no plugin provides 'ebay', and some cannot be loaded" in shown
    assert "ebay: ModuleNotFoundError: No module named 'olhubd_ebay.clent'" in shown
