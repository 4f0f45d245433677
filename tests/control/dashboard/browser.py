"""A browser without a window: keeps cookies, follows nothing by itself, and reads forms out of pages."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import NamedTuple

from aiohttp import ClientSession, CookieJar

from tests.control.house import House

__all__ = ["Answer", "Browser", "Form", "forms", "visible"]


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    text: str


class Form(NamedTuple):
    action: str
    fields: dict[str, str]


class Browser:
    """Somebody's browser at the house's TCP address. Use it as a context."""

    def __init__(self, house: House, language: str = "en") -> None:
        self.house = house
        self._client = ClientSession(
            house.base, cookie_jar=CookieJar(unsafe=True), headers={"Accept-Language": language}
        )

    async def __aenter__(self) -> Browser:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    @property
    def client(self) -> ClientSession:
        return self._client

    async def get(self, path: str, **headers: str) -> Answer:
        async with self._client.get(path, allow_redirects=False, headers=headers) as response:
            return Answer(response.status, dict(response.headers), await response.text())

    async def post(self, path: str, fields: dict[str, str], **headers: str) -> Answer:
        headers = {"Origin": self.house.base, "Sec-Fetch-Site": "same-origin", **headers}
        async with self._client.post(path, data=fields, allow_redirects=False, headers=headers) as response:
            return Answer(response.status, dict(response.headers), await response.text())

    async def enter(self, back: str = "/", token: str | None = None) -> Answer:
        """Log in, with the control token unless another is given."""
        answer = await self.post("/login", {"token": token or self.house.token, "next": back})
        assert answer.status == 303, answer.text
        return answer

    async def page(self, path: str) -> str:
        answer = await self.get(path)
        assert answer.status == 200, (path, answer.status, answer.text)
        return answer.text

    async def press(self, path: str, action: str, **fields: str) -> str:
        """Press the button of `action` on the page at `path`; gives the page that follows."""
        text = await self.page(path)
        found = {form.action: form for form in forms(text)}
        assert action in found, (action, sorted(found))
        answer = await self.post(action, {**found[action].fields, **fields})
        assert answer.status == 303, answer.text
        return await self.page(answer.headers["Location"])


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self.button = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.button = named.get("method") == "post"
            if self.button:
                self.found.append(Form(named.get("action", ""), {}))
        elif tag == "input" and named.get("type") == "hidden" and self.button:
            self.found[-1].fields[named["name"]] = named.get("value", "")


def forms(text: str) -> list[Form]:
    """Those that do something; a search is none."""
    parser = _Forms()
    parser.feed(text)
    return parser.found


def visible(text: str) -> str:
    """What a person reads of a page, roughly: without tags, spaces joined."""
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())
