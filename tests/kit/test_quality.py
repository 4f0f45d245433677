"""Tiers follow from what was tried and from nothing else; the bundled plugins' records say what is true now."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from olhubd.plugin import Connector, loading, quality
from olhubd.plugin.quality import FILE, Fact, Proof, RecordState, Tier
from olhubd_kit import conformance
from olhubd_kit.conformance import CRITERIA, Report, RuleResult, RuleVerdict, keeping
from olhubd_kit.conformance.proofs import ProofNotRun, ProofOutcome, gather
from olhubd_kit.conformance.tier import Evidence, judge
from tests.kit.broken.good import GoodFeed, GoodShop
from tests.kit.broken.signin import GoodLogin

ROOT = Path(__file__).parents[2]
BUNDLED = sorted(loading.load(None, environ={}).connectors.values(), key=lambda connector: connector.name)
TIERS = [tier.label for tier in Tier if tier]


def facts(*met: str, lacking: Mapping[str, str] = {}) -> Proof:
    found = [Fact(name=f"{name}-things", tier=name) for name in met]
    found += [Fact(name=f"{name}-things", tier=name, lacking=why) for name, why in lacking.items()]
    return Proof(facts=tuple(found), rules={})


@pytest.mark.parametrize(
    ("proof", "tier"),
    [
        (facts(), Tier.NONE),
        (facts("silver", "gold", "platinum", lacking={"bronze": "x"}), Tier.NONE),
        (facts("bronze", "gold", "platinum", lacking={"silver": "x"}), Tier.BRONZE),
        (facts("bronze", "silver", "platinum", lacking={"gold": "x"}), Tier.SILVER),
        (facts("bronze", "silver", "gold", lacking={"platinum": "x"}), Tier.GOLD),
        (facts("bronze", "silver", "gold", "platinum"), Tier.PLATINUM),
        (facts("bronze", "bronze", lacking={"bronze": "x", "silver": "y"}), Tier.NONE),
    ],
)
def test_a_tier_needs_all_of_its_own_and_of_those_below(proof: Proof, tier: Tier) -> None:
    assert proof.tier is tier
    assert {fact.tier for fact in proof.missing} <= {label.label for label in Tier if label == tier + 1}


def test_each_tier_has_criteria_that_are_explained() -> None:
    assert {one.tier for one in CRITERIA} == set(Tier) - {Tier.NONE}
    assert len({one.name for one in CRITERIA}) == len(CRITERIA)
    assert all(one.meaning.endswith(".") for one in CRITERIA)


def judged(
    connector: type[Connector[Any]], verdicts: Mapping[str, RuleVerdict], **proofs: ProofOutcome
) -> dict[str, Fact]:
    """The criteria when all rules pass but `verdicts`."""
    results = [
        RuleResult(rule=rule, verdict=verdicts.get(rule.id, RuleVerdict.PASS))
        for rule in conformance.concerning(connector)
    ]
    report = Report(connector=connector.name, capabilities=connector.capabilities(), results=tuple(results))
    named = {name.replace("_", "-"): outcome for name, outcome in proofs.items()}
    proof = judge(Evidence(connector=connector, report=report, proofs=named))
    return {fact.name: fact for fact in proof.facts}


@pytest.mark.parametrize(
    ("rule", "lost"),
    [
        ("FEED-01", {"bronze-rules", "all-rules"}),
        ("ONCE-01", {"silver-rules", "all-rules"}),
        ("SWEEP-02", {"gold-rules", "all-rules"}),
    ],
)
def test_a_broken_rule_costs_its_own_tier(rule: str, lost: set[str]) -> None:
    before = {name for name, fact in judged(GoodShop, {}).items() if fact.lacking}
    after = {name for name, fact in judged(GoodShop, {rule: RuleVerdict.FAIL}).items() if fact.lacking}
    assert after - before == lost


def test_a_write_that_was_never_tried_twice_is_no_gold() -> None:
    fact = judged(GoodShop, {"SHIP-02": RuleVerdict.NOT_APPLICABLE})["once"]
    assert (fact.tier, fact.lacking) == ("gold", "not tried: SHIP-02")


def test_what_does_not_concern_a_connector_is_not_met() -> None:
    """Else a plugin that keeps a grant by itself would have a sign-in that nobody tried."""
    feed = judged(GoodFeed, {})
    assert [feed[name].concerns for name in ("sign-in", "once", "goods")] == [False, False, True]
    shop = judged(GoodShop, {})
    assert [shop[name].concerns for name in ("sign-in", "once", "goods")] == [False, True, True]
    assert judged(GoodLogin, {})["sign-in"].concerns


@pytest.mark.parametrize(
    ("outcome", "lacking"),
    [
        (ProofOutcome(passed=2), None),
        (ProofOutcome(), "none of its tests ran"),
        (ProofOutcome(passed=2, failed=["test_a"]), "failed: test_a"),
        (ProofOutcome(passed=2, skipped=["no server"]), "not tried here: no server"),
        (ProofOutcome(passed=2, wanted=[3, 7]), "no test for 3, 7"),
    ],
)
def test_a_proof_holds_when_all_of_its_tests_passed(outcome: ProofOutcome, lacking: str | None) -> None:
    assert judged(GoodShop, {}, quirks=outcome)["quirks"].lacking == lacking


def test_the_real_server_is_as_good_as_its_description() -> None:
    assert judged(GoodShop, {})["contract"].lacking == "no test proves 'contract'"
    assert judged(GoodShop, {}, contract=ProofOutcome(passed=1))["contract"].lacking is None
    assert judged(GoodShop, {}, real_server=ProofOutcome(passed=1))["contract"].lacking is None


PROVING = """
    import pytest

    @pytest.mark.proves("tinyshop", "quirks", each=[1, 2, 3])
    def test_quirk_01_all_is_well(): pass

    @pytest.mark.proves("tinyshop", "quirks")
    @pytest.mark.parametrize("side", [1, 2])
    def test_quirk_03_from_both_sides(side): pass

    @pytest.mark.proves("tinyshop", "contract")
    @pytest.mark.skipif(True, reason="no description here")
    def test_the_contract(): pass

    @pytest.mark.proves("other", "contract")
    def test_is_red(): assert False

    def test_nothing_of_it(): assert False
"""


def test_proofs_are_run_and_counted(tmp_path: Path) -> None:
    tmp_path.joinpath("test_tiny.py").write_text(textwrap.dedent(PROVING))
    found = gather([tmp_path])
    assert found == {
        "tinyshop": {
            "quirks": ProofOutcome(passed=3, wanted=[2]),
            "contract": ProofOutcome(skipped=["no description here"]),
        },
        "other": {"contract": ProofOutcome(failed=["test_is_red"])},
    }


def test_tests_that_cannot_be_run_prove_nothing(tmp_path: Path) -> None:
    with pytest.raises(ProofNotRun, match="could not be run"):
        gather([tmp_path / "nowhere"])


# The record


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[type[Connector[Any]], Path]:
    """The first bundled connector, with its package copied to where a test may spoil it."""
    connector = BUNDLED[0]
    folder = tmp_path / "package"
    shutil.copytree(str(quality.package(connector)), folder)
    folder.joinpath(FILE).unlink(missing_ok=True)
    for module in (quality, keeping):
        monkeypatch.setattr(module, "package", lambda _: folder)
    return connector, folder


def test_without_a_record_nothing_is_proved(copied: tuple[type[Connector[Any]], Path]) -> None:
    connector, folder = copied
    assert quality.standing(connector).state is RecordState.NOT_PROVED
    folder.joinpath(FILE).write_text("{")
    assert quality.standing(connector).state is RecordState.NOT_PROVED


def test_a_record_counts_for_the_sources_that_were_tried(copied: tuple[type[Connector[Any]], Path]) -> None:
    connector, folder = copied
    keeping.write({connector: facts("bronze", lacking={"silver": "x"})})

    found = quality.standing(connector)
    assert (found.state, found.tier) == (RecordState.PROVED, Tier.BRONZE)
    assert [fact.lacking for fact in found.missing] == ["x"]

    folder.joinpath("__pycache__").mkdir(exist_ok=True)
    folder.joinpath("__pycache__", "new.pyc").write_bytes(b"1")
    assert quality.standing(connector).state is RecordState.PROVED, "what the interpreter leaves is no source"

    with folder.joinpath("__init__.py").open("a") as file:
        file.write("\n# changed\n")
    found = quality.standing(connector)
    assert (found.state, found.tier) == (RecordState.OUT_OF_DATE, None)


def test_what_cannot_be_tried_here_stays_as_it_was(copied: tuple[type[Connector[Any]], Path]) -> None:
    connector, folder = copied
    met = Proof(facts=(Fact(name="contract", tier="gold"),), rules={})
    lost = Proof(facts=(Fact(name="contract", tier="gold", lacking="not tried here: no file"),), rules={})
    untried = {"contract": ProofOutcome(skipped=["no file"])}
    assert keeping.kept(connector, lost, untried) == lost, "there is no record yet"

    keeping.write({connector: met})
    assert keeping.kept(connector, lost, untried) == met
    assert keeping.kept(connector, lost, {"contract": ProofOutcome(failed=["test_a"])}) == lost, "it was tried"
    assert keeping.kept(connector, lost, {}) == lost, "it was not asked for"

    folder.joinpath("more.py").touch()
    assert keeping.kept(connector, lost, untried) == lost, "the record is of other sources"


# The bundled plugins


@pytest.fixture(scope="module")
def proofs() -> Mapping[str, Mapping[str, ProofOutcome]]:
    return gather([ROOT / "tests" / "plugins", ROOT / "tests" / "contract"])


@pytest.mark.parametrize("connector", BUNDLED, ids=lambda connector: connector.name)
async def test_a_bundled_record_says_what_is_true(
    connector: type[Connector[Any]], proofs: Mapping[str, Mapping[str, ProofOutcome]]
) -> None:
    """All of it is tried again, but what needs a server; `make docs` writes the records."""
    record = quality.recorded(quality.package(connector))
    assert record is not None, "no record: run `make docs`"
    assert quality.standing(connector).state is RecordState.PROVED, (
        "the record is of other sources: run `make docs`"
    )
    own = proofs.get(connector.name, {})
    assert record.simulators.get(connector.name) == keeping.against(connector), "another simulator: run `make docs`"
    found = keeping.kept(connector, (await conformance.prove(connector, own))[0], own)
    said = record.connectors[connector.name]
    elsewhere = {"real-server"} | ({"contract"} if "contract" not in own else set())
    assert said.rules == found.rules
    assert [fact for fact in said.facts if fact.name not in elsewhere] == [
        fact for fact in found.facts if fact.name not in elsewhere
    ]


def test_a_record_holds_no_tier_that_could_be_claimed() -> None:
    for connector in BUNDLED:
        text = quality.package(connector).joinpath(FILE).read_bytes()
        for proof in msgspec.json.decode(text)["connectors"].values():
            assert set(proof) == {"facts", "rules"}
