"""The settings of one account that can be changed while the daemon runs."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Annotated

import msgspec

from olhubd.control.api.schema.base import AnswerStruct, RequestStruct

__all__ = ["AccountSettings", "SettingPlace", "SettingRow", "SettingsRequest"]

SettingText = Annotated[str, msgspec.Meta(max_length=500)]


class SettingPlace(enum.StrEnum):
    """Which of the places that a value may come from has it."""

    DEFAULT = "default"
    PROFILE = "profile"
    """The account's profile says so."""
    MARKETPLACE = "marketplace"
    """The account's own system says so."""
    DATABASE = "database"
    """A person has set it while the daemon ran."""
    FILE = "file"
    """It is pinned by the configuration: a file, a variable or a credential."""


class SettingRow(AnswerStruct, frozen=True, kw_only=True):
    """One setting with the value that is in force. `origin` is the line or the variable of one that is `pinned`.

    `kind` is the sort of its value, `choices` the words it may be. `changed_by` and `changed_at` are of the place
    `database`.
    """

    key: str
    value: str
    place: SettingPlace
    origin: str
    pinned: bool
    kind: str
    choices: tuple[str, ...] = ()
    meaning: str
    changed_by: str | None = None
    changed_at: datetime | None = None


class AccountSettings(AnswerStruct, frozen=True, kw_only=True):
    account: str
    items: tuple[SettingRow, ...]


class SettingsRequest(RequestStruct, frozen=True, kw_only=True):
    """The values as text, as they would stand in the file, by their keys.

    For those in `unset` the weaker places count again. All of it is done, or nothing.
    """

    values: Annotated[dict[str, SettingText], msgspec.Meta(max_length=100)] = msgspec.field(default_factory=dict)
    unset: Annotated[tuple[SettingText, ...], msgspec.Meta(max_length=100)] = ()

    @property
    def wanted(self) -> dict[str, str | None]:
        """Each key with its value, None where it is to be unset."""
        return {**dict.fromkeys(self.unset), **self.values}
