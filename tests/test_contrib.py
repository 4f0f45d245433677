"""What contrib ships speaks of metrics that exist."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import structlog
import yaml
from prometheus_client import CollectorRegistry, ProcessCollector

from olhubd.control.api.metrics import Snapshot
from olhubd.control.api.schema.accounts import AccountState
from olhubd.model import AlarmKind, DeliveryState
from olhubd.runtime.clock import SystemClock
from olhubd.runtime.supervisor import Supervisor

ROOT = Path(__file__).parent.parent
ALERTS = ROOT / "contrib" / "prometheus" / "alerts.yaml"


def rules() -> Iterator[dict[str, Any]]:
    for group in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]:
        yield from group["rules"]


def metrics() -> dict[str, set[str]]:
    """By name as Prometheus stores it, the labels of each metric that the endpoint shows, in an empty hub."""
    clock = SystemClock()
    hub: Any = SimpleNamespace(
        clock=clock,
        runs=SimpleNamespace(totals={}, latest={}),
        units={},
        budgets=SimpleNamespace(snapshot=lambda: ()),
        alarms=SimpleNamespace(open={}),
        checks=SimpleNamespace(ran=Counter(), found=Counter()),
        alarm_sender=SimpleNamespace(sent={}),
        reconciler=SimpleNamespace(last={}),
        supervisor=Supervisor(clock, structlog.get_logger()),
    )
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    found: dict[str, set[str]] = {"up": {"job"}}
    for family in [*registry.collect(), *Snapshot(hub, ()).collect()]:
        name = f"{family.name}_total" if family.type == "counter" else family.name
        found[name] = set(getattr(family, "_labelnames", ()))
    return found


def test_alerts_ask_for_metrics_that_exist() -> None:
    """An alert on a name that nobody exports never fires, and nobody notices."""
    known = metrics()
    asked = set()
    for rule in rules():
        for name in re.findall(r"\b(olhubd_\w+|up|process_\w+)\b", rule["expr"]):
            assert name in known, f"{rule['alert']} asks for {name}"
            asked.add(name)
    assert len(asked) > 5


def test_alerts_use_labels_and_states_that_exist() -> None:
    known = metrics()
    states = {state.value for state in (*DeliveryState, *AccountState)}
    for rule in rules():
        for name, selectors in re.findall(r"(\w+)\{([^}]*)\}", rule["expr"]):
            for label, words in re.findall(r'(\w+)[!=]~?"([^"]*)"', selectors):
                assert label in known[name], f"{rule['alert']}: {name} has no label {label}"
                if label in ("kind", "check"):
                    assert set(words.split("|")) <= set(AlarmKind), rule["alert"]
                if label == "state":
                    assert set(words.split("|")) <= states, rule["alert"]


def test_each_alert_says_what_it_means() -> None:
    found = list(rules())
    assert len({rule["alert"] for rule in found}) == len(found)
    for rule in found:
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
