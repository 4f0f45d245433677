"""Laws of the style: what is to be read can be read, in both schemes, by the measure of WCAG 2."""

from __future__ import annotations

import re

import pytest

from olhubd.control.dashboard.assets import STATIC

STYLE = (STATIC / "style.css").read_text(encoding="utf-8")
BLOCKS = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
LIGHT, DARK = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]+)", block)) for block in BLOCKS)
GROUNDS = ("ground", "card", "hover")
ON = {
    **dict.fromkeys(("text", "soft", "link"), GROUNDS),
    **{name: (f"{name}-bg",) for name in ("ok", "warn", "bad", "info", "idle")},
    "bad ": ("card",),
    "ok ": ("card",),
    "on-main": ("main",),
}


def luminance(colour: str) -> float:
    digits = colour.removeprefix("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_stands_out_from_its_ground(scheme: dict[str, str]) -> None:
    colours = {**LIGHT, **scheme}
    faint = {
        (text, ground): round(contrast(colours[text.strip()], colours[ground]), 2)
        for text, grounds in ON.items()
        for ground in grounds
    }
    assert {pair: value for pair, value in faint.items() if value < 4.5} == {}


def test_nothing_is_loaded_from_elsewhere() -> None:
    for path in STATIC.iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "//" not in re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE), path.name
        assert "url(" not in text, path.name
        assert "@import" not in text, path.name
