"""The grammar of a description at Allegro: blocks of h1, h2, p, ul and ol, with b in a few, and nothing else.

What breaks it is refused whole by Allegro, so it is looked at before it is sent. A text without any tag is taken as
paragraphs, one a line.
"""

from __future__ import annotations

import html
from html.parser import HTMLParser
from typing import Any

from olhubd.model import Reason

__all__ = ["LONGEST", "sections", "wrong"]

LONGEST = 40_000
"""Bytes."""
_BLOCKS = frozenset({"h1", "h2", "p", "ul", "ol"})
_INSIDE = {
    "h1": frozenset[str](),
    "h2": frozenset[str](),
    "p": frozenset({"b"}),
    "ul": frozenset({"li"}),
    "ol": frozenset({"li"}),
    "li": frozenset({"b"}),
    "b": frozenset[str](),
}
_WITHOUT_TEXT = frozenset({"ul", "ol"})


def sections(description: str) -> dict[str, Any]:
    """The description as Allegro takes it: one section with one text."""
    return {"sections": [{"items": [{"type": "TEXT", "content": _marked(description)}]}]}


def wrong(description: str) -> Reason | None:
    """What of it Allegro would refuse; None where it is right."""
    content = _marked(description)
    if len(content.encode()) > LONGEST:
        return Reason("olhubd_allegro:description-long", most=LONGEST)
    grammar = _Grammar()
    grammar.feed(content)
    grammar.close()
    return grammar.found or (
        Reason("olhubd_allegro:description-open", tag=grammar.open[-1]) if grammar.open else None
    )


def _marked(description: str) -> str:
    if "<" in description:
        return description.strip()
    lines = (" ".join(line.split()) for line in description.splitlines())
    return "".join(f"<p>{html.escape(line, quote=False)}</p>" for line in lines if line)


class _Grammar(HTMLParser):
    """Stops at the first thing that is wrong."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.found: Reason | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if attrs:
            self._object(Reason("olhubd_allegro:description-attribute", tag=tag, attribute=attrs[0][0]))
        elif tag not in _INSIDE:
            self._object(Reason("olhubd_allegro:description-tag", tag=tag))
        elif tag not in (_INSIDE[self.open[-1]] if self.open else _BLOCKS):
            outer = self.open[-1] if self.open else None
            self._object(
                Reason("olhubd_allegro:description-inside", tag=tag, outer=outer)
                if outer
                else Reason("olhubd_allegro:description-outside", tag=tag)
            )
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._object(Reason("olhubd_allegro:description-tag", tag=tag))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            self._object(Reason("olhubd_allegro:description-closed", tag=tag))
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if data.strip() and (not self.open or self.open[-1] in _WITHOUT_TEXT):
            self._object(Reason("olhubd_allegro:description-text", text=" ".join(data.split())[:40]))

    def handle_comment(self, data: str) -> None:
        self._object(Reason("olhubd_allegro:description-tag", tag="!--"))

    def _object(self, why: Reason) -> None:
        self.found = self.found or why
