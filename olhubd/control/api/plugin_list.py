"""The plugins as people see them. Serves the endpoint, and the command line without a daemon."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

from olhubd.control.api.schema.plugins import Connector, MissingCriterion, Plugin, Quality
from olhubd.plugin import connector as provided
from olhubd.plugin.loading import Plugins
from olhubd.plugin.quality import standing

__all__ = ["described"]


def described(found: Plugins, points: tuple[EntryPoint, ...]) -> tuple[Plugin, ...]:
    """Each installed plugin, by name: what was loaded of it, or why it could not be."""
    versions = {point.name: point.dist.version if point.dist else None for point in points}
    return tuple(
        Plugin(
            name=name,
            version=versions.get(name),
            loaded=name in found.loaded,
            failed=found.failed.get(name),
            connectors=tuple(
                Connector(
                    name=connector.name,
                    title=connector.title,
                    capabilities=connector.capabilities(),
                    quality=_quality(connector),
                )
                for connector in found.connectors.values()
                if found.providers[connector.name] == name
            ),
        )
        for name in sorted({*versions, *found.failed})
    )


def _quality(connector: type[provided.Connector[Any]]) -> Quality:
    found = standing(connector)
    return Quality(
        state=found.state,
        tier=found.tier.label if found.tier is not None else None,
        missing=tuple(
            MissingCriterion(tier=fact.tier, criterion=fact.name, lacking=fact.lacking)
            for fact in found.missing
            if fact.lacking is not None
        ),
    )
