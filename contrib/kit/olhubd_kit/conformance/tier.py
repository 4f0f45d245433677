"""The tiers: which criteria each one needs. Every criterion is computed; there is no way to claim one.

What is computed here follows from the rules' verdicts, from the files of the plugin's package, and from the proofs:
tests that the plugin's author named (see `proofs`).
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from importlib.resources.abc import Traversable
from typing import Any

import msgspec

from olhubd.plugin import Connector
from olhubd.plugin.quality import Fact, Proof, Tier, package
from olhubd_kit.conformance.proofs import ProofOutcome
from olhubd_kit.conformance.report import Report, RuleVerdict

__all__ = ["CRITERIA", "Criterion", "Evidence", "judge"]

SHOWN = 4
"""So many names of what is missing are listed; the rest is counted."""
AGAIN = ("FIND", "ONCE", "STATUS", "PAY", "SHIP", "CANCEL", "LEVEL", "MAKE", "MAIL")
"""The families of rules about doing a thing once, whatever happens to its answer."""
GOODS = ("ORDER-10", "ORDER-11", "ORDER-12", "SHIP-04", "SHIP-05", "SHIP-06")
"""The rules about what is packed and sent."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """All that a criterion may look at. `proofs` are those of this connector, by name."""

    connector: type[Connector[Any]]
    report: Report
    proofs: Mapping[str, ProofOutcome] = {}

    def has(self, capability: str) -> bool:
        return capability in self.connector.capabilities()

    @property
    def folder(self) -> Traversable:
        return package(self.connector)


Check = Callable[[Evidence], str | None]


class Criterion(msgspec.Struct, frozen=True, kw_only=True):
    """`check` gives None when it is met, else what is lacking; where it does not concern the connector, nothing is
    tried and nothing is met."""

    name: str
    tier: Tier
    meaning: str
    check: Check
    concerns: Callable[[Evidence], bool]


CRITERIA: list[Criterion] = []
"""In the order of the tiers."""


def criterion(
    name: str, tier: Tier, concerns: Callable[[Evidence], bool] = lambda evidence: True
) -> Callable[[Check], Check]:
    """Declare one; the docstring is its meaning."""

    def declare(check: Check) -> Check:
        meaning = " ".join((check.__doc__ or "").split())
        CRITERIA.append(Criterion(name=name, tier=tier, meaning=meaning, check=check, concerns=concerns))
        return check

    return declare


def judge(evidence: Evidence) -> Proof:
    """Each criterion and each rule with what came out."""
    return Proof(
        facts=tuple(
            Fact(
                name=one.name,
                tier=one.tier.label,
                lacking=one.check(evidence) if one.concerns(evidence) else None,
                concerns=one.concerns(evidence),
            )
            for one in sorted(CRITERIA, key=lambda one: one.tier)
        ),
        rules={result.rule.id: result.verdict.value for result in evidence.report.results},
    )


def _named(names: list[str]) -> str:
    rest = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _rules(evidence: Evidence, tier: Tier) -> str | None:
    barring = [
        result
        for result in evidence.report.results
        if result.rule.tier is tier and (result.verdict is RuleVerdict.FAIL or result.lacking)
    ]
    if not barring:
        return None
    if all(result.lacking for result in barring):
        return barring[0].reason
    return f"broken: {_named([r.rule.id for r in barring if not r.lacking])}"


@criterion("bronze-rules", Tier.BRONZE)
def works(evidence: Evidence) -> str | None:
    """It has a simulator, and no bronze rule that concerns it is broken: without faults it does its work."""
    return _rules(evidence, Tier.BRONZE)


def _packs(evidence: Evidence) -> bool:
    return evidence.has("OrderFeed") or evidence.has("ShipmentSink")


@criterion("goods", Tier.BRONZE, _packs)
def knows_what_is_packed(evidence: Evidence) -> str | None:
    """The books of its simulator hold lines, recipients, buyers and parcels, so that what a seller packs and
    sends by was tried."""
    left = [
        result.rule.id
        for result in evidence.report.results
        if result.rule.id in GOODS and result.verdict is RuleVerdict.NOT_APPLICABLE and not result.natural
    ]
    return f"not tried: {_named(left)}" if left else None


@criterion("silver-rules", Tier.SILVER)
def withstands(evidence: Evidence) -> str | None:
    """No silver rule is broken: with a fault at each call in turn nothing is lost, doubled or claimed."""
    return _rules(evidence, Tier.SILVER)


@criterion("gold-rules", Tier.GOLD)
def holds_in_the_corners(evidence: Evidence) -> str | None:
    """No gold rule is broken: full pages, merged purchases, late acts, journals that repeat, reorder and forget."""
    return _rules(evidence, Tier.GOLD)


def _writes(evidence: Evidence) -> bool:
    return any(name.endswith("Sink") for name in evidence.connector.capabilities())


@criterion("once", Tier.GOLD, _writes)
def once(evidence: Evidence) -> str | None:
    """Whatever it writes was tried with its answer lost: no rule of its sinks was left out."""
    left = [
        result.rule.id
        for result in evidence.report.results
        if result.rule.family in AGAIN and result.verdict is RuleVerdict.NOT_APPLICABLE and not result.natural
    ]
    return f"not tried: {_named(left)}" if left else None


def _has_a_sign_in(evidence: Evidence) -> bool:
    return evidence.has("OAuthLogin")


@criterion("sign-in", Tier.GOLD, _has_a_sign_in)
def signs_in(evidence: Evidence) -> str | None:
    """Where a person signs in, the whole life of a grant was tried: given, renewed, refused, ended early."""
    left = [
        result.rule.id
        for result in evidence.report.results
        if result.rule.family == "LOGIN" and result.verdict is not RuleVerdict.PASS and not result.natural
    ]
    return f"not tried, or broken: {_named(left)}" if left else None


@criterion("contract", Tier.GOLD)
def like_the_real_one(evidence: Evidence) -> str | None:
    """The simulator, and what the plugin asks, were held against the system's own description, or against the
    system itself: proof `contract` or `real-server`."""
    if any(_proof(evidence, name) is None for name in ("contract", "real-server")):
        return None
    return _proof(evidence, "contract")


@criterion("readme", Tier.GOLD)
def explains_itself(evidence: Evidence) -> str | None:
    """The package has a README.md that names each capability and each setting, with an account to copy."""
    file = evidence.folder.joinpath("README.md")
    if not file.is_file():
        return f"there is no README.md in {evidence.folder}, beside the package's __init__.py"
    text = file.read_text(encoding="utf-8")
    wanted = [*evidence.connector.capabilities(), *evidence.connector.Settings.model_fields]
    silent = [name for name in wanted if name not in text]
    if f'connector = "{evidence.connector.name}"' not in text:
        silent.append("an account to copy")
    return f"README.md does not tell of: {_named(silent)}" if silent else None


@criterion("all-rules", Tier.PLATINUM)
def leaves_nothing_out(evidence: Evidence) -> str | None:
    """Each rule that concerns it was tried and passed; left out are only those about what the system has nothing
    like, each with the reason."""
    left = [
        result.rule.id
        for result in evidence.report.results
        if result.verdict is not RuleVerdict.PASS and not result.natural
    ]
    return f"not tried: {_named(left)}" if left else None


@criterion("typed", Tier.PLATINUM)
def is_typed(evidence: Evidence) -> str | None:
    """Each function of the package has types for its parameters and its result, and py.typed says so."""
    if not evidence.folder.joinpath("py.typed").is_file():
        return "the package has no py.typed"
    bare = _untyped(evidence.folder, "")
    return f"without types: {_named(bare)}" if bare else None


def _untyped(folder: Traversable, path: str) -> list[str]:
    found: list[str] = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            if entry.name not in ("__pycache__", "node_modules"):
                found += _untyped(entry, f"{path}{entry.name}/")
        elif entry.name.endswith(".py"):
            tree = ast.parse(entry.read_text(encoding="utf-8"))
            found += [
                f"{path}{entry.name}:{node.lineno} {node.name}"
                for node in ast.walk(tree)
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not _is_typed(node)
            ]
    return found


def _is_typed(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    places = [*node.args.posonlyargs, *node.args.args]
    if places and places[0].arg in ("self", "cls"):
        del places[0]
    rest = (one for one in (node.args.vararg, node.args.kwarg) if one is not None)
    return node.returns is not None and all(
        one.annotation is not None for one in (*places, *node.args.kwonlyargs, *rest)
    )


@criterion("real-server", Tier.PLATINUM)
def met_the_real_one(evidence: Evidence) -> str | None:
    """It was tried on the system itself and not on a stand-in: proof `real-server`."""
    return _proof(evidence, "real-server")


@criterion("quirks", Tier.PLATINUM)
def knows_its_quirks(evidence: Evidence) -> str | None:
    """Each known quirk of the system has a test that is named after it: proof `quirks`."""
    return _proof(evidence, "quirks")


def _proof(evidence: Evidence, name: str) -> str | None:
    outcome = evidence.proofs.get(name)
    if outcome is None:
        return f"no test proves {name!r}"
    return outcome.lacking
