"""Installed plugins, their connectors, and how far each was proved."""

from __future__ import annotations

from olhubd.control.api.schema.base import AnswerStruct
from olhubd.plugin.quality import RecordState

__all__ = [
    "Connector",
    "MissingCriterion",
    "Plugin",
    "Plugins",
    "Quality",
]


class MissingCriterion(AnswerStruct, frozen=True, kw_only=True):
    """A criterion of the next tier that is not met, and what it lacks."""

    tier: str
    criterion: str
    lacking: str


class Quality(AnswerStruct, frozen=True, kw_only=True):
    """How far a connector was proved. No `tier` unless the record in its package is of these very sources."""

    state: RecordState
    tier: str | None
    missing: tuple[MissingCriterion, ...]


class Connector(AnswerStruct, frozen=True, kw_only=True):
    name: str
    title: str
    capabilities: tuple[str, ...]
    quality: Quality


class Plugin(AnswerStruct, frozen=True, kw_only=True):
    """An installed plugin. `failed` says why it could not be loaded; one that nobody asked for is not loaded."""

    name: str
    version: str | None
    loaded: bool
    failed: str | None
    connectors: tuple[Connector, ...]


class Plugins(AnswerStruct, frozen=True, kw_only=True):
    items: tuple[Plugin, ...]
