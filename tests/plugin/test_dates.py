"""Dates of HTTP headers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from olhubd.plugin.dates import moment

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Wed, 01 May 2024 12:00:00 GMT", NOON),
        ("Wed, 01 May 2024 14:00:00 +0200", NOON),
        ("Wed, 01 May 2024 12:00:00 -0000", NOON),
        ("", None),
        ("yesterday", None),
        ("Wed, 99 May 2024 12:00:00 GMT", None),
    ],
)
def test_a_date_is_told_in_utc_or_not_at_all(text: str, told: datetime | None) -> None:
    assert moment(text) == told
