"""The sources of the catalogues, as tests read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from string import Formatter

from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

import olhubd.text

ROOT = Path(olhubd.text.__file__).parents[2]
PACKAGES = [Path(olhubd.text.__file__).parent, *sorted(one.parent for one in ROOT.glob("plugins/*/locales"))]
Texts = Mapping[str, str | tuple[str, ...]]


def catalogues() -> Iterator[Path]:
    """The sources of all of them: ours, and those of the bundled plugins."""
    for package in PACKAGES:
        yield from sorted(package.glob("locales/*/LC_MESSAGES/*.po"))


@cache
def texts(domain: str, language: str, package: Path = PACKAGES[0]) -> Texts:
    """The texts by their keys; one with plural forms is a tuple."""
    with (package / "locales" / language / "LC_MESSAGES" / f"{domain}.po").open("rb") as file:
        return _texts(read_po(file, locale=language))


def compiled(source: Path) -> Texts:
    with source.with_suffix(".mo").open("rb") as file:
        return _texts(read_mo(file))


def _texts(messages: object) -> Texts:
    found = {}
    for message in messages:  # type: ignore[attr-defined]
        if message.id:
            key = message.id if isinstance(message.id, str) else message.id[0]
            found[key] = message.string if isinstance(message.string, str) else tuple(message.string)
    return found


def places(value: str | tuple[str, ...]) -> set[str]:
    """The names of a text's places."""
    parts = value if isinstance(value, tuple) else (value,)
    return {name for text in parts for _, name, _, _ in Formatter().parse(text) if name}
