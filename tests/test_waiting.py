"""A test that waited in vain says for what, and what stood there."""

from __future__ import annotations

import pytest

from tests.waiting import until


async def test_a_wait_in_vain_says_for_what_and_what_stood_there() -> None:
    wanted = 3
    states = ["sent"]

    async def there() -> bool:
        return len(states) == wanted

    with pytest.raises(AssertionError) as failed:
        await until(there, stands=lambda: states, within=0.05, pause=0.01)
    said = str(failed.value)
    assert "return len(states) == wanted" in said
    assert "where states=['sent'], wanted=3" in said
    assert "there stood: ['sent']" in said


async def test_what_came_is_given_back() -> None:
    found = iter([None, [], ["order"]])
    assert await until(lambda: next(found), pause=0) == ["order"]
