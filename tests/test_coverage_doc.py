"""The page of promised behaviours says the truth about the tests.

Regenerate: make docs
"""

from __future__ import annotations

from pathlib import Path

from tests import coverage_doc
from tests.coverage_doc import OPEN, PART, PROVED, Claims

SIZES = {
    "ACC": 27, "IMP": 36, "CRD": 13, "FWD": 27, "SYN": 21, "OFF": 30,
    "PRC": 10, "PRD": 14, "CUS": 16, "NOT": 14, "LOG": 13, "MAN": 12, "SRC": 15,
}  # fmt: skip


def page() -> str:
    return coverage_doc.PAGE.read_text(encoding="utf-8")


def test_every_behaviour_is_listed_once() -> None:
    ids = [f"{group}-{number:02}" for group, size in SIZES.items() for number in range(1, size + 1)]
    assert len(ids) == 233 + 15
    assert [row.id for row in coverage_doc.listed(page())] == ids
    readme = (coverage_doc.PAGE.parents[1] / "README.md").read_text(encoding="utf-8")
    assert f"which of the {len(ids)} promised behaviours" in readme


def test_tests_claim_only_what_is_listed() -> None:
    listed = {row.id for row in coverage_doc.listed(page())}
    assert coverage_doc.claims().keys() - listed == set()


def test_a_test_that_claims_something_can_fail() -> None:
    assert coverage_doc.toothless() == []


def test_the_page_is_not_stale() -> None:
    assert coverage_doc.written(page(), coverage_doc.claims()) == page(), "run: make docs"


def test_what_is_proved_in_part_says_what_is_missing() -> None:
    """And what is proved lacks nothing; who ends a lack says so on the page."""
    rows = coverage_doc.listed(page())
    assert [row.id for row in rows if row.state == PART and not row.missing] == []
    assert [row.id for row in rows if row.state == PROVED and row.missing] == []


def test_only_a_function_claims_and_only_in_its_docstring(tmp_path: Path) -> None:
    (tmp_path / "test_one.py").write_text(
        '"""All about FWD-01 and IMP-02 to IMP-04."""\n'
        "class TestAll:\n"
        '    """FWD-07."""\n'
        "def test_a():\n"
        '    """FWD-01, twice: FWD-01; SYN-01 to 02. Part of FWD-03, FWD-04 and IMP-05 to IMP-06; FWD-05."""\n'
        '    "FWD-09"  # FWD-10\n'
        "def helper():\n"
        '    """FWD-11."""\n'
    )
    (tmp_path / "other.py").write_text('"""FWD-12."""\n')
    name = ["test_one.py::test_a"]
    assert coverage_doc.claims(tmp_path) == {
        **{id_: Claims(name, []) for id_ in ("FWD-01", "SYN-01", "SYN-02", "FWD-05")},
        **{id_: Claims([], name) for id_ in ("FWD-03", "FWD-04", "IMP-05", "IMP-06")},
    }


def test_a_claim_without_an_assertion_is_found(tmp_path: Path) -> None:
    (tmp_path / "test_one.py").write_text(
        'def test_a():\n    """FWD-01."""\n    run()\n'
        'def test_b():\n    """FWD-02."""\n    with pytest.raises(ValueError):\n        run()\n'
        "def test_c():\n    run()\n"
    )
    assert coverage_doc.toothless(tmp_path) == ["test_one.py::test_a"]


def test_the_three_states() -> None:
    old = (
        "**old**\n\n| FWD-01 | a switch | proved | - | `gone.py` |\n| FWD-02 | another | open | the rest | - |\n"
        "| FWD-03 | a third | open | - | - |\n"
    )
    fresh = coverage_doc.written(old, {"FWD-02": Claims([], ["a"]), "FWD-03": Claims(["a", "b", "c"], ["d"])})
    assert fresh.splitlines() == [
        "**Of 3 behaviours 1 are proved, 1 in part, 1 are open.**",
        "",
        f"| FWD-01 | a switch | {OPEN} | - | - |",
        f"| FWD-02 | another | {PART} | the rest | `a` |",
        f"| FWD-03 | a third | {PROVED} | - | `a`, `b`, `c` and 1 more |",
    ]
