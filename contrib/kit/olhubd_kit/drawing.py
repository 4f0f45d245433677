"""A picture of goods that do not exist: their first letters on a colour of their own."""

from __future__ import annotations

import zlib
from html import escape

from olhubd_kit.faults import CONTROL

__all__ = ["PATH", "drawing", "path"]

PATH = f"{CONTROL}/pictures/{{name}}.svg"
"""Where each simulator serves them. No fault strikes there."""


def path(name: str) -> str:
    """The path of the picture of what is called so."""
    return PATH.format(name="".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in name))


def drawing(name: str) -> str:
    """An SVG, the same one for the same name."""
    hue = zlib.crc32(name.encode()) % 360
    letters = escape(name[:3].upper())
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96">'
        f'<rect width="96" height="96" fill="hsl({hue} 45% 82%)"/>'
        f'<text x="48" y="59" text-anchor="middle" font-family="sans-serif" font-size="30" font-weight="600"'
        f' fill="hsl({hue} 55% 26%)">{letters}</text></svg>'
    )
