"""Settings of accounts that people change while the daemon runs. They are kept in the database, under the file.

A setting that the file or the environment gives is pinned: what the database holds of it has no effect. What the
account's own system says of itself, such as the seller's address, is weaker still. All of them are checked as if
the file had them, by the same classes and with the same sentences. A field can be kept where its class says that it
is `adjustable`. Fields of a table in a setting are written with a dot, as in `seller_address.city`. Such a table is
taken whole from the strongest place that has any of it, since half an address is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from olhubd.config import fields
from olhubd.config.accounts import AccountConfig
from olhubd.config.problem import Problem
from olhubd.config.source import Layer, Origin, SettingTree
from olhubd.config.tables import AccountTable
from olhubd.config.toml_positions import KeyPath
from olhubd.plugin import Connector, RequiredSetting

__all__ = [
    "KEPT_PLACES",
    "KeptValue",
    "adjustable_fields",
    "blamed",
    "is_private",
    "laid",
    "missing_settings",
    "pin",
]

_SETTING = len(("accounts", "NAME", "KEY"))
_PLACES = {Layer.DATABASE: "database", Layer.MARKETPLACE: "marketplace"}
KEPT_PLACES = frozenset(_PLACES.values())
"""The origins of values that no file holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptValue:
    """One value of an account as text. `layer` is DATABASE, or MARKETPLACE for what its system says."""

    account: str
    key: str
    text: str
    layer: Layer
    who: str
    at: datetime

    @property
    def path(self) -> KeyPath:
        return ("accounts", self.account, *self.key.split("."))

    @property
    def origin(self) -> Origin:
        return Origin(_PLACES[self.layer], None, self.layer)


def adjustable_fields(connector: type[Connector[Any]]) -> dict[str, FieldInfo]:
    """The settings of an account with this connector that can be kept, by the keys that people write."""
    return dict(_adjustable(AccountTable)) | dict(_adjustable(connector.Settings))


def _adjustable(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for key, info in fields.fields(model).items():
        if _said(info, "adjustable") and fields.kind(info) is not fields.FieldKind.SECRET:
            inner = fields.core(info.annotation)
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from _adjustable(inner, f"{prefix}{key}.")
            else:
                yield f"{prefix}{key}", info


def missing_settings(config: AccountConfig) -> list[RequiredSetting]:
    """Those that the account's system requires, and that have no value."""
    places = (config.offers, config.settings, config)
    return [
        one
        for one in config.connector.required_settings
        if next((getattr(place, one.key) for place in places if hasattr(place, one.key)), None) in (None, "", ())
    ]


def is_private(info: FieldInfo) -> bool:
    """Whether no event may have its value."""
    return _said(info, "private")


def _said(info: FieldInfo, word: str) -> bool:
    extra = info.json_schema_extra
    return isinstance(extra, dict) and extra.get(word) is True


def pin(origins: Mapping[KeyPath, Origin], path: KeyPath) -> Origin | None:
    """Where the file or the environment gives a setting, or any of the table that it is in; None if nowhere."""
    found = origins.get(path[:_SETTING])
    return found if found is not None and found.layer >= Layer.FILE else None


def laid(tree: SettingTree, kept: Sequence[KeptValue]) -> SettingTree:
    """Another tree with these values under those that were written."""
    under = SettingTree(
        tree.file,
        deepcopy(tree.values),
        dict(tree.origins),
        tree.complete,
        tree.credentials,
        tree.promised,
        tree.secrets,
    )
    strongest: dict[KeyPath, Layer] = {}
    for one in kept:
        setting = one.path[:_SETTING]
        strongest[setting] = max(one.layer, strongest.get(setting, one.layer))
    for one in kept:
        if (
            pin(tree.origins, one.path) is None
            and one.layer is strongest[one.path[:_SETTING]]
            and isinstance(_table(under, one.account), dict)
        ):
            under.place(one.path, one.text, one.origin)
    return under


def _table(tree: SettingTree, account: str) -> Any:
    tables = tree.values.get("accounts")
    return tables.get(account) if isinstance(tables, dict) else None


def blamed(kept: Sequence[KeptValue], problems: Sequence[Problem]) -> dict[KeptValue, Problem]:
    """Which of these values the problems name, each with what is wrong; none where it is another's place, such as a
    rule of stock, that does not go with one of them."""
    errors = [problem for problem in problems if not problem.warning]
    exact = {one: problem for one in kept for problem in errors if _names(problem, ".".join(map(str, one.path)))}
    if exact:
        return exact
    return {one: problem for one in kept for problem in errors if _names(problem, f"accounts.{one.account}")}


def _names(problem: Problem, key: str) -> bool:
    """Whether it is about this key, a table around it, or something in it."""
    return (
        problem.key == key
        or problem.key.startswith(f"{key}.")
        or (key.startswith(f"{problem.key}.") and problem.key.count(".") > 1)
    )
