"""Faults that cannot be meant are refused when they are put in force, and not at the next request."""

from __future__ import annotations

import pytest

from olhubd_kit.faults import Fault, FaultKind, Faults


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Fault(kind=FaultKind.LOSE, match="("), "'(' is no regular expression"),
        (Fault(kind=FaultKind.REFUSE, status=401), "does not say how its system refuses"),
        (Fault(kind=FaultKind.STRIKE), "strikes no processes"),
    ],
)
def test_what_cannot_be_meant_is_refused(fault: Fault, why: str) -> None:
    faults = Faults()
    with pytest.raises(ValueError) as refused:
        faults.add(Fault(kind=FaultKind.CUT), fault)
    assert why in str(refused.value)
    assert faults._faults == []
