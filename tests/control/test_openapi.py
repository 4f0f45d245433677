"""The description of the endpoint: valid, whole, true to what is served, and there as a page."""

from __future__ import annotations

import re

import msgspec
from openapi_spec_validator import validate

from olhubd.control.api.openapi import document
from olhubd.control.http.server import ROUTES
from tests.control.dashboard.browser import Browser
from tests.control.house import House


async def test_it_is_valid_and_served(house: House) -> None:
    served = await house.get("/openapi.json")
    validate(served)
    assert served["openapi"] == "3.1.0"
    assert served == msgspec.json.decode(msgspec.json.encode(document(ROUTES)))


def test_it_has_every_route_with_its_scope() -> None:
    described = {
        (method.upper(), path): [scope for one in operation["security"] for scope in one["bearer"]]
        for path, methods in document(ROUTES)["paths"].items()
        for method, operation in methods.items()
    }
    assert described == {(r.method, r.path): [r.scope.value] if r.scope else [] for r in ROUTES}


def test_every_route_says_what_it_does_and_has_a_name_of_its_own() -> None:
    operations = [one for methods in document(ROUTES)["paths"].values() for one in methods.values()]
    names = [one["operationId"] for one in operations]
    assert len(set(names)) == len(names)
    assert [one["operationId"] for one in operations if not one["summary"].endswith((".", ":"))] == []


def test_every_refusal_is_a_problem() -> None:
    made = document(ROUTES)
    for methods in made["paths"].values():
        for operation in methods.values():
            for status, answer in operation["responses"].items():
                if "$ref" in answer:
                    named = made["components"]["responses"][status]
                    plain = ["text/plain"] if status == "400" else []
                    assert list(named["content"]) == ["application/problem+json", *plain]
    assert made["components"]["responses"]["429"]["headers"].keys() == {"Retry-After"}


def test_a_parameter_is_described_by_the_type_that_checks_it() -> None:
    parameters = {one["name"]: one for one in document(ROUTES)["paths"]["/api/v1/deliveries"]["get"]["parameters"]}
    assert parameters["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 500, "default": 50}
    assert parameters["target"]["schema"] == {"type": "string"}, "left out and never null"
    assert parameters["state"]["schema"]["type"] == "array"


async def test_it_can_be_read_as_a_page(house: House) -> None:
    async with Browser(house) as browser:
        await browser.enter()
        text = await browser.page("/api")
        for route in ROUTES:
            assert f"<code>{route.method} {route.path}</code>" in text
        links = set(re.findall(r'href="#(schema-[^"]+)"', text))
        assert 'id="schema-Problem"' in text
        assert links
        assert (await browser.get("/api/openapi.json")).headers["Content-Type"].startswith("application/json")
        assert not re.search(r'(src|href)="https?:', text)
