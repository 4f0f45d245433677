"""What is asked wrongly is refused, and the answer names it. All refusals are problem+json."""

from __future__ import annotations

from typing import Any

import pytest

from tests.control.house import House, decoded


@pytest.mark.parametrize(
    ("path", "query", "parameter"),
    [
        ("/orders", {"acount": "shop"}, "acount"),
        ("/orders", {"account": "shopp"}, "account"),
        ("/orders", {"stage": "sold"}, "stage"),
        ("/orders", {"limit": "0"}, "limit"),
        ("/orders", {"limit": "501"}, "limit"),
        ("/orders", {"limit": "ten"}, "limit"),
        ("/orders", {"before": "-1"}, "before"),
        ("/deliveries", {"state": "gone"}, "state"),
        ("/deliveries", {"target": "shopp"}, "target"),
        ("/runs", {"feed": "orders"}, "feed"),
        ("/quarantine", {"raw": "perhaps"}, "raw"),
        ("/status", {"verbose": "1"}, "verbose"),
        ("/accounts/shop", {"x": "1"}, "x"),
        ("/accounts/shop", {"": "1"}, ""),
        ("/accounts/shop", {"a - at `$`": "1"}, "a - at `$`"),
        ("/accounts/shop/sign-in", {"wait": "61"}, "wait"),
    ],
)
async def test_a_wrong_parameter_is_named(house: House, path: str, query: dict[str, str], parameter: str) -> None:
    """A filter that were silently ignored would show the wrong orders."""
    status, problem = await house.ask("GET", path, **query)
    assert status == 400
    assert problem["parameter"] == parameter
    assert parameter in problem["detail"]
    assert problem["status"] == 400


async def test_a_parameter_given_twice_is_refused(house: House) -> None:
    async with house.client.get("/api/v1/orders?limit=1&limit=2") as response:
        assert response.status == 400
        assert (await decoded(response))["parameter"] == "limit"


async def test_a_list_may_be_given_twice(house: House) -> None:
    async with house.client.get("/api/v1/deliveries?state=hold&state=dead") as response:
        assert response.status == 200


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({"raeson": "x"}, "raeson"),
        ({"": "x"}, ""),
        ({"reason": 5}, "reason"),
        ({"reason": ""}, "reason"),
        ([], "body"),
    ],
    ids=str,
)
async def test_a_wrong_body_is_named(house: House, body: Any, parameter: str) -> None:
    status, problem = await house.ask("POST", "/accounts/shop/pause", body)
    assert status == 400
    assert problem["parameter"] == parameter
    assert (await house.get("/accounts/shop"))["state"] == "active", "and nothing was done"


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b'{"reason": "x"}', "text/plain", 415),
        (b"reason=x", "application/x-www-form-urlencoded", 415),
        (b'{"reason": ', "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b" " * 70_000, "application/json", 413),
    ],
)
async def test_a_body_is_small_and_json(house: House, content: bytes, kind: str, status: int) -> None:
    headers = {"Content-Type": kind}
    async with house.client.post("/api/v1/accounts/shop/pause", data=content, headers=headers) as response:
        assert response.status == status
        assert response.content_type == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/accounts/nobody", 404),
        ("POST", "/accounts/nobody/fetch", 404),
        ("GET", "/orders/no-such-order", 404),
        ("GET", "/orders/no-such-order/events", 404),
        ("GET", "/deliveries/77", 404),
        ("GET", "/deliveries/seventy", 404),
        ("POST", "/deliveries/77/retry", 404),
        ("POST", "/deliveries/77/discard", 404),
        ("DELETE", "/orders", 405),
        ("POST", "/status", 405),
        ("GET", "/accounts/shop/fetch", 405),
        ("GET", "/accounts/market/sign-in", 404),
    ],
)
async def test_what_is_not_there_is_a_problem_too(house: House, method: str, path: str, status: int) -> None:
    found, problem = await house.ask(method, path)
    assert found == status
    assert problem["status"] == status
    assert problem["type"].startswith("urn:olhubd:problem:")
    assert problem["detail"]


async def test_a_mistake_of_ours_tells_nothing_of_itself(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception's words may hold anything; they go to the log, the caller gets a number."""
    monkeypatch.setattr(type(house.hub), "started_at", property(lambda _: 1 / 0), raising=False)
    del house.hub.__dict__["started_at"]
    status, problem = await house.ask("GET", "/status")
    assert status == 500
    assert "division" not in str(problem)
