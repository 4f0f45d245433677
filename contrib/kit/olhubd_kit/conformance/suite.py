"""Running the rules: as pytest tests, one for each, or as a report. Each rule gets a fresh bench."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any

from olhubd.plugin import Connector, PluginError
from olhubd.plugin.quality import Proof
from olhubd_kit.conformance.bench import bench
from olhubd_kit.conformance.proofs import ProofOutcome
from olhubd_kit.conformance.report import Report, RuleResult, RuleVerdict
from olhubd_kit.conformance.rule import NotApplicable, Rule, RuleBroken, declared, rules
from olhubd_kit.conformance.tier import Evidence, judge
from olhubd_kit.simulator import Simulator

__all__ = ["concerning", "prove", "run", "suite", "try_rule"]

PATIENCE = 60.0
"""Seconds after which a rule that does not end counts as broken."""


def concerning(connector: type[Connector[Any]]) -> tuple[Rule, ...]:
    """The rules for what `connector` declares."""
    able = declared(connector)
    return tuple(rule for rule in rules() if able.issuperset(rule.capabilities))


async def try_rule(
    rule: Rule, connector: type[Connector[Any]], simulator: Callable[..., Simulator] | None = None
) -> RuleResult:
    """Try one rule on a bench of its own."""
    try:
        async with asyncio.timeout(PATIENCE), bench(connector, simulator) as place:
            await rule.trial(place)
    except NotApplicable as why:
        return RuleResult(
            rule=rule,
            verdict=RuleVerdict.NOT_APPLICABLE,
            reason=str(why),
            lacking=why.lacking,
            natural=why.natural,
        )
    except RuleBroken as why:
        return RuleResult(rule=rule, verdict=RuleVerdict.FAIL, reason=str(why))
    except PluginError as error:
        return RuleResult(rule=rule, verdict=RuleVerdict.FAIL, reason=f"raised {type(error).__name__}: {error}")
    except TimeoutError:
        return RuleResult(rule=rule, verdict=RuleVerdict.FAIL, reason=f"did not end within {PATIENCE:g} s")
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{PurePath(last.filename).name}:{last.lineno}"
        reason = f"{type(error).__name__} at {where}: {error}"
        return RuleResult(rule=rule, verdict=RuleVerdict.FAIL, reason=reason)
    return RuleResult(rule=rule, verdict=RuleVerdict.PASS)


async def run(
    connector: type[Connector[Any]],
    simulator: Callable[..., Simulator] | None = None,
    told: Callable[[RuleResult], object] = lambda result: None,
) -> Report:
    """Try all rules for what `connector` declares, against its own simulator unless another one is given.

    `told` is called with each result as soon as there is one.
    """
    results: list[RuleResult] = []
    for rule in concerning(connector):
        results.append(await try_rule(rule, connector, simulator))
        told(results[-1])
    return Report(connector=connector.name, capabilities=connector.capabilities(), results=tuple(results))


async def prove(
    connector: type[Connector[Any]],
    proofs: Mapping[str, ProofOutcome] | None = None,
    simulator: Callable[..., Simulator] | None = None,
    told: Callable[[RuleResult], object] = lambda result: None,
) -> tuple[Proof, Report]:
    """Try all rules and judge all criteria; `proofs` are the connector's own, as `proofs.gather` found them."""
    report = await run(connector, simulator, told)
    return judge(Evidence(connector=connector, report=report, proofs=proofs or {})), report


def suite(connector: type[Connector[Any]], simulator: Callable[..., Simulator] | None = None) -> type:
    """A pytest class with one test for each rule: `TestShop = conformance.suite(Shop)`.

    The tests are synchronous and run a loop of their own, so they need no plugin of pytest.
    """
    import pytest  # only there where tests run

    chosen = concerning(connector)

    class Suite:
        @pytest.mark.parametrize("rule", chosen, ids=[rule.title.replace(" ", "-") for rule in chosen])
        def test(self, rule: Rule) -> None:
            result = asyncio.run(try_rule(rule, connector, simulator))
            if result.verdict is RuleVerdict.NOT_APPLICABLE:
                pytest.skip(f"{rule.id}: {result.reason}")
            if result.verdict is RuleVerdict.FAIL:
                pytest.fail(f"{rule.id} {rule.meaning}\n{result.reason}", pytrace=False)

    Suite.__doc__ = f"The conformance rules for {connector.title}."
    return Suite
