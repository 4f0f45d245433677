"""Every route refuses whom it must: a table over all of them, which fails when a new one is missing from it."""

from __future__ import annotations

import pytest

from olhubd.control import dashboard
from olhubd.control.server import ROUTES, application
from tests.control.house import House, decoded

OPEN = {("GET", "/healthz"), ("GET", "/readyz")}
DOOR = {("GET", "/login"), ("POST", "/login"), ("GET", "/static/{name}")}
PAGES = {
    ("GET", "/"),
    ("GET", "/orders"),
    ("GET", "/orders/{order}"),
    ("GET", "/waiting"),
    ("GET", "/runs"),
    ("GET", "/accounts"),
    ("GET", "/accounts/{account}/sign-in"),
    ("POST", "/logout"),
    ("POST", "/accounts/{account}/fetch"),
    ("POST", "/accounts/{account}/pause"),
    ("POST", "/accounts/{account}/resume"),
    ("POST", "/accounts/{account}/sign-in"),
    ("POST", "/deliveries/{delivery}/retry"),
    ("POST", "/deliveries/{delivery}/accept"),
    ("POST", "/deliveries/{delivery}/discard"),
}
STREAM = {("GET", "/events/stream")}
GUARDED = {
    ("GET", "/metrics"),
    ("GET", "/api/v1/status"),
    ("GET", "/api/v1/plugins"),
    ("POST", "/api/v1/reload"),
    ("POST", "/api/v1/log-level"),
    ("GET", "/api/v1/accounts"),
    ("GET", "/api/v1/accounts/{account}"),
    ("POST", "/api/v1/accounts/{account}/fetch"),
    ("POST", "/api/v1/accounts/{account}/pause"),
    ("POST", "/api/v1/accounts/{account}/resume"),
    ("POST", "/api/v1/accounts/{account}/sign-in"),
    ("GET", "/api/v1/accounts/{account}/sign-in"),
    ("GET", "/api/v1/orders"),
    ("GET", "/api/v1/orders/{order}"),
    ("GET", "/api/v1/orders/{order}/events"),
    ("GET", "/api/v1/deliveries"),
    ("GET", "/api/v1/deliveries/{delivery}"),
    ("POST", "/api/v1/deliveries/{delivery}/retry"),
    ("POST", "/api/v1/deliveries/{delivery}/discard"),
    ("POST", "/api/v1/deliveries/{delivery}/accept"),
    ("GET", "/api/v1/runs"),
    ("GET", "/api/v1/quarantine"),
}


def path(pattern: str) -> str:
    return (
        pattern.format(account="nobody", order="0", delivery="0", name="style.css") if "{" in pattern else pattern
    )


async def test_the_table_has_every_route(house: House) -> None:
    """A route that nobody thought of as guarded is a hole."""
    app = application(house.hub, "token", steer=None)  # type: ignore[arg-type]
    served = {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource}
    assert served == OPEN | GUARDED | DOOR | PAGES | STREAM
    assert {(route.method, route.path) for route in ROUTES} == OPEN | GUARDED
    assert {(route.method, route.path) for route in dashboard.ROUTES} == DOOR | PAGES | STREAM


@pytest.mark.parametrize(
    "shown", [None, "Bearer ", "Bearer wrong", "Basic dG9rZW4=", "wrong", "Bearer \N{SNOWMAN}"]
)
async def test_no_token_no_answer(house: House, shown: str | None) -> None:
    house.client.headers.pop("Authorization")
    headers = {} if shown is None else {"Authorization": shown}
    for method, pattern in sorted(GUARDED):
        async with house.client.request(method, path(pattern), headers=headers) as response:
            problem = await decoded(response)
            assert response.status == 401, (method, pattern)
            assert response.content_type == "application/problem+json"
            assert response.headers["WWW-Authenticate"].startswith("Bearer")
            assert problem["type"] == "urn:olhubd:problem:token"
            assert house.token not in str(problem)
    async with house.client.get("/api/v1/no-such-thing", headers=headers) as response:
        assert response.status == 401, "what exists is nobody's business either"


async def test_health_needs_no_token(house: House) -> None:
    house.client.headers.pop("Authorization")
    for method, pattern in OPEN:
        async with house.client.request(method, pattern) as response:
            assert response.status == 200


@pytest.mark.parametrize("shown", [{}, {"Cookie": "olhubd=1"}, {"Authorization": "Bearer right"}], ids=str)
async def test_a_page_is_for_those_who_logged_in(house: House, shown: dict[str, str]) -> None:
    """The token in a header opens the API alone, and the socket no page: a proxy could lend it to anybody."""
    house.client.headers.pop("Authorization")
    headers = {name: value.replace("right", house.token) for name, value in shown.items()}
    async with house.over_socket() as socket:
        for client in (house.client, socket):
            for method, pattern in sorted(PAGES):
                async with client.request(
                    method, path(pattern), headers=headers, allow_redirects=False
                ) as response:
                    assert response.status == 303, (method, pattern)
                    assert response.headers["Location"].startswith("/login"), (method, pattern)
                    assert await response.read() == b""
            async with client.get("/events/stream", headers=headers) as response:
                assert response.status == 401
    assert "paused" not in {unit.row.state.value for unit in house.hub.units.values()}


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
    ids=str,
)
async def test_no_write_from_another_site(house: House, headers: dict[str, str]) -> None:
    for method, pattern in sorted(GUARDED | DOOR | PAGES):
        if method == "GET":
            continue
        async with house.client.request(method, path(pattern), headers=headers) as response:
            assert response.status == 403, (method, pattern)
            assert (await decoded(response))["type"] == "urn:olhubd:problem:cross-site"


async def test_a_write_from_our_own_page_is_one(house: House) -> None:
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": house.base}
    async with house.client.post("/api/v1/log-level", json={"level": "debug"}, headers=headers) as response:
        assert response.status == 200
    assert house.levels == ["debug"]


async def test_every_answer_is_hardened(house: House) -> None:
    for target in ("/healthz", "/api/v1/status", "/api/v1/no-such-thing", "/metrics"):
        async with house.client.get(target) as response:
            headers = response.headers
            assert headers["Cache-Control"] == "no-store", target
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["X-Frame-Options"] == "DENY"
            assert "default-src 'none'" in headers["Content-Security-Policy"]
            assert headers["Server"] == "olhubd"
