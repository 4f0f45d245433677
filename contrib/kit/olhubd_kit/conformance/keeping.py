"""Writing the record of what was proved into a plugin's package, and what of the record before may stay."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from olhubd.plugin import Connector, loading
from olhubd.plugin.quality import FILE, Proof, Record, digest, package, recorded
from olhubd_kit import __version__, simulators
from olhubd_kit.conformance.proofs import ProofOutcome

__all__ = ["against", "kept", "write"]


def kept(connector: type[Connector[Any]], proof: Proof, proofs: Mapping[str, ProofOutcome]) -> Proof:
    """The proof, with what could not be tried here (no description, no server) as the record has it.

    Only from a record of the very same sources and simulator; whatever was tried here counts as it came out here.
    """
    folder = package(connector)
    record = recorded(folder)
    before = record.connectors.get(connector.name) if record is not None else None
    if record is None or before is None or record.digest != digest(folder):
        return proof
    if record.simulators.get(connector.name) != against(connector):
        return proof
    met = {fact.name for fact in before.facts if fact.lacking is None}
    untried = {name for name, outcome in proofs.items() if outcome.untried}
    if "real-server" in untried and "contract" not in proofs:
        untried.add("contract")  # which the real server proves as well
    facts = [
        msgspec.structs.replace(fact, lacking=None) if fact.name in met & untried else fact for fact in proof.facts
    ]
    return msgspec.structs.replace(proof, facts=tuple(facts))


def against(connector: type[Connector[Any]]) -> str | None:
    """The digest of the connector's simulator; None where there is none."""
    source = simulators.source(connector.name)
    return digest(source) if source is not None else None


def write(connectors: Mapping[type[Connector[Any]], Proof]) -> tuple[Path, ...]:
    """Write the record of each package that these connectors are from."""
    by_package: dict[Path, dict[str, Proof]] = {}
    for connector, proof in connectors.items():
        by_package.setdefault(Path(str(package(connector))), {})[connector.name] = proof
    tried = {connector.name: found for connector in connectors if (found := against(connector)) is not None}
    for folder, proofs in by_package.items():
        record = Record(
            version=_version(folder.name),
            kit=__version__,
            digest=digest(folder),
            connectors=proofs,
            simulators={name: tried[name] for name in proofs if name in tried},
        )
        text = msgspec.json.format(msgspec.json.encode(record, order="sorted"), indent=2)
        folder.joinpath(FILE).write_bytes(text + b"\n")
    return tuple(folder / FILE for folder in by_package)


def _version(name: str) -> str:
    """Of the distribution that has an entry point into the package."""
    for point in loading.installed():
        if point.module.partition(".")[0] == name and point.dist is not None:
            return point.dist.version
    return ""
