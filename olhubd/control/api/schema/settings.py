"""The settings in force."""

from __future__ import annotations

from olhubd.control.api.schema.base import AnswerStruct

__all__ = [
    "Setting",
    "Settings",
]


class Setting(AnswerStruct, frozen=True, kw_only=True):
    """`origin` is a file with its line, a variable, `default`, `database` for what a person has set meanwhile, or
    `marketplace` for what the account's system says. A secret's value is not shown."""

    key: str
    value: str
    origin: str


class Settings(AnswerStruct, frozen=True, kw_only=True):
    """As the daemon has them in force; `path` is the main file."""

    path: str
    items: tuple[Setting, ...]
