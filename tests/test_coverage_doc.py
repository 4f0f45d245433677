"""The page of promised behaviours says the truth about the tests.

Regenerate: make docs
"""

from __future__ import annotations

from pathlib import Path

from tests import coverage_doc

SIZES = {
    "ACC": 27, "IMP": 36, "CRD": 13, "FWD": 27, "SYN": 21, "OFF": 30,
    "PRC": 10, "PRD": 14, "CUS": 16, "NOT": 14, "LOG": 13, "MAN": 12,
}  # fmt: skip


def test_every_behaviour_is_listed_once() -> None:
    ids = [f"{group}-{number:02}" for group, size in SIZES.items() for number in range(1, size + 1)]
    assert len(ids) == 233
    assert coverage_doc.listed(coverage_doc.PAGE.read_text(encoding="utf-8")) == ids


def test_tests_claim_only_what_is_listed() -> None:
    listed = coverage_doc.listed(coverage_doc.PAGE.read_text(encoding="utf-8"))
    assert coverage_doc.claims().keys() - set(listed) == set()


def test_the_page_is_not_stale() -> None:
    page = coverage_doc.PAGE.read_text(encoding="utf-8")
    assert coverage_doc.written(page, coverage_doc.claims()) == page, "run: make docs"


def test_claims_are_read_from_docstrings_alone(tmp_path: Path) -> None:
    (tmp_path / "test_one.py").write_text(
        '"""All about FWD-01 and IMP-02 to IMP-04."""\n'
        "def test_a():\n"
        '    """FWD-01, twice: FWD-01; and SYN-01 to 02."""\n'
        '    "FWD-09"  # FWD-10\n'
        "def helper():\n"
        '    """FWD-11."""\n'
    )
    (tmp_path / "other.py").write_text('"""FWD-12."""\n')
    assert coverage_doc.claims(tmp_path) == {
        "FWD-01": ["test_one.py::test_a"],
        "IMP-02": ["test_one.py"],
        "IMP-03": ["test_one.py"],
        "IMP-04": ["test_one.py"],
        "SYN-01": ["test_one.py::test_a"],
        "SYN-02": ["test_one.py::test_a"],
    }


def test_an_open_behaviour_is_called_open() -> None:
    page = "**old**\n\n| FWD-01 | a switch | `gone.py` |\n| FWD-02 | another | open |\n"
    fresh = coverage_doc.written(page, {"FWD-02": ["a", "b", "c", "d"]})
    assert fresh.splitlines() == [
        "**1 of 2 have a test, 1 are open.**",
        "",
        "| FWD-01 | a switch | open |",
        "| FWD-02 | another | `a`, `b`, `c` and 1 more |",
    ]
