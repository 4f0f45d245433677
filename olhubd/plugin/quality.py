"""How far a connector was proved: the tiers, and the record of it in the connector's own package.

The record `quality.json` lies beside the plugin's code. The conformance kit alone writes it; here it is read, and
believed only while the sources are those that were tried. No tier is written down: it follows from the facts. What
they were tried against is not in the package, so only the kit can say whether that is still the same.
"""

from __future__ import annotations

import enum
import hashlib
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

import msgspec

from olhubd.plugin.connector import Connector

__all__ = [
    "FILE",
    "Fact",
    "Proof",
    "Record",
    "RecordState",
    "Tier",
    "TierStanding",
    "digest",
    "package",
    "recorded",
    "standing",
]

FILE = "quality.json"


class Tier(enum.IntEnum):
    """How far a connector can be trusted. Each tier holds all of those below it."""

    NONE = 0
    """It does not do its work, or nobody could try."""
    BRONZE = 1
    """It does its work while all is well."""
    SILVER = 2
    """Nothing is lost, doubled or claimed when a call fails."""
    GOLD = 3
    """It holds in the corners, its stand-in is known to be like the real system, and its guide is whole."""
    PLATINUM = 4
    """Nothing is left open: every rule was tried, and it was tried on the real system."""

    @property
    def label(self) -> str:
        return self.name.lower()


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One criterion of a tier as it was found. `lacking` says what it lacks; None when it is met.

    One that does not `concern` the connector bars nothing and is not met either.
    """

    name: str
    tier: str
    lacking: str | None = None
    concerns: bool = True


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of one connector: each criterion, and each rule with its verdict."""

    facts: tuple[Fact, ...]
    rules: dict[str, str]

    @property
    def tier(self) -> Tier:
        """The highest tier with all of its criteria, and of those below it, met."""
        reached = Tier.NONE
        for tier in sorted(set(Tier) - {Tier.NONE}):
            here = [fact for fact in self.facts if fact.tier == tier.label]
            if not here or any(fact.lacking is not None for fact in here):
                break
            reached = tier
        return reached

    @property
    def missing(self) -> tuple[Fact, ...]:
        """The criteria of the next tier that are not met."""
        wanted = {tier.label for tier in Tier if tier == self.tier + 1}
        return tuple(fact for fact in self.facts if fact.tier in wanted and fact.lacking is not None)


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What a package holds of its connectors, by name. `digest` is of its sources, `kit` the version of the kit.

    `simulators` are the digests of what each connector was tried against.
    """

    version: str
    kit: str
    digest: str
    connectors: dict[str, Proof]
    simulators: dict[str, str] = {}


class RecordState(enum.StrEnum):
    PROVED = "proved"
    OUT_OF_DATE = "out-of-date"
    """There is a record, of other sources than these."""
    NOT_PROVED = "not-proved"


class TierStanding(msgspec.Struct, frozen=True, kw_only=True):
    """The tier of a connector. Without a valid record there is no tier."""

    state: RecordState
    tier: Tier | None = None
    missing: tuple[Fact, ...] = ()


def package(connector: type[Connector[Any]]) -> Traversable:
    """The folder of the package that the connector is from."""
    return resources.files(connector.__module__.partition(".")[0])


def digest(source: Traversable) -> str:
    """Of all that is in the package but the record itself and what the interpreter or a tool leaves there.

    `source` may also be a single module.
    """
    found = hashlib.sha256()
    files = _files(source, "") if source.is_dir() else [(source.name, source)]
    for path, file in sorted(files):
        found.update(f"{path}\0".encode())
        found.update(hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()


def _files(folder: Traversable, path: str) -> list[tuple[str, Traversable]]:
    found: list[tuple[str, Traversable]] = []
    for entry in folder.iterdir():
        if entry.name.startswith((".", "__pycache__")) or entry.name in (FILE, "node_modules"):
            continue
        if entry.is_dir():
            found += _files(entry, f"{path}{entry.name}/")
        else:
            found.append((f"{path}{entry.name}", entry))
    return found


def recorded(folder: Traversable) -> Record | None:
    """The package's record; None where there is none, or none that can be read."""
    try:
        return msgspec.json.decode(folder.joinpath(FILE).read_bytes(), type=Record)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def standing(connector: type[Connector[Any]]) -> TierStanding:
    folder = package(connector)
    record = recorded(folder)
    proof = record.connectors.get(connector.name) if record is not None else None
    if record is None or proof is None:
        return TierStanding(state=RecordState.NOT_PROVED)
    if record.digest != digest(folder):
        return TierStanding(state=RecordState.OUT_OF_DATE)
    return TierStanding(state=RecordState.PROVED, tier=proof.tier, missing=proof.missing)
