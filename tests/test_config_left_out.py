"""A rule of stock for all channels loses none of them by a setting without a word."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from olhubd.config import KeptValue, Layer
from olhubd.engine.operator.account_settings import left_out
from tests.test_config_stock import stock


def test_an_account_that_nobody_reads_any_more_leaves_a_star_and_that_is_known(tmp_path: Path) -> None:
    """Its offers would stay as they are, and sell what others have sold."""
    before = stock(tmp_path, 'master = "shop"\nchannels = "*"')
    at = datetime(2026, 3, 1, tzinfo=UTC)
    unread = KeptValue(account="second", key="fetch_orders", text="false", layer=Layer.DATABASE, who="ola", at=at)
    after, refused = before.filled([unread])
    assert not refused
    assert [left_out(before, after, name) for name in ("second", "market")] == [True, False]
    assert not left_out(after, before, "second")
