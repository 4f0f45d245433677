"""A short slice of the life that `olhubd torture --soak` lives in virtual time."""

from __future__ import annotations

from olhubd.engine.directory import Directory
from olhubd_torture.soak import live
from tests.torture.mutations import swap

HOURS = 3 * 3600.0


def test_a_life_of_some_hours_does_not_grow() -> None:
    """Memory, tasks and files of the last quarter are those of the second, and the books are right."""
    result, samples = live(5, HOURS)
    assert result.findings == []
    assert result.kills == 0
    assert len(samples) == HOURS / 600 - 1
    assert samples[-1].orders > 15


def test_a_hub_that_hoards_is_found_out() -> None:
    hoard: list[bytes] = []
    wake = Directory.wake

    def greedy(self: Directory, *args: object) -> object:
        hoard.append(bytes(200_000))
        return wake(self, *args)  # type: ignore[arg-type]

    with swap(Directory, "wake", greedy):
        result, _ = live(5, HOURS)
    assert "memory" in result.kinds
