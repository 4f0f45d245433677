"""Laws of the page: every route, every kind of refusal and every metric is in docs/api.md by name."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from olhubd.control.http import server
from olhubd.control.http.routes import Endpoint
from tests.control.house import House

SOURCES = Path(server.__file__).parents[1]
PAGE = (SOURCES.parent.parent / "docs" / "api.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("route", server.ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_is_documented(route: Endpoint) -> None:
    assert f"`{route.method} {route.path}`" in PAGE
    assert route.answer is not None


def test_every_refusal_is_documented() -> None:
    kinds = {
        ast.literal_eval(call.args[1])
        for path in SOURCES.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "Refusal"
        if isinstance(call.args[1], ast.Constant)
    }
    assert len(kinds) > 10
    assert [kind for kind in kinds if f"| `{kind}` |" not in PAGE] == []


async def test_every_metric_is_documented(trading: House) -> None:
    await trading.sell()
    told = {
        sample.name
        for family in text_string_to_metric_families(await trading.get("/metrics"))
        for sample in family.samples
        if sample.name.startswith("olhubd_")
    }
    # An alarm has a sample for as long as it is on.
    assert len(told - {"olhubd_alarm"}) == 22
    assert [name for name in told if f"| `{name}` |" not in PAGE] == []
