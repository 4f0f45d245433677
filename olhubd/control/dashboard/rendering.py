"""Templates to HTML. Everything is escaped, and a name that is not there is an error and not an empty place."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from olhubd.control.dashboard import assets
from olhubd.control.dashboard.locale import PageLocale

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["TEMPLATES", "environment", "link", "render"]

TEMPLATES = Path(__file__).parent / "templates"


@cache
def environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # slow to import, needed only for people

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals["asset"] = assets.address
    made.filters["link"] = link
    return made


def link(address: str | None) -> str | None:
    """An address of another system that may be put in a link; a script is none."""
    return address if address and address.startswith(("https://", "http://")) else None


def render(template: str, speech: PageLocale, values: dict[str, Any]) -> str:
    return environment().get_template(template).render(s=speech, t=speech.t, n=speech.n, **values)
