"""The sample orders themselves: whole, exact, and of one kind each."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from olhubd.model import Order
from olhubd_kit.catalogue import PRODUCTS
from olhubd_kit.samples import SAMPLES, sample

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("kind", SAMPLES)
def test_the_parts_sum_to_the_total_and_survive_storing(kind: str) -> None:
    order = sample(kind, "1", AT)
    assert order.expected_total() == order.total
    assert order.total.amount > 0
    assert order.total == order.total.rounded()
    assert msgspec.json.decode(msgspec.json.encode(order), type=Order) == order


def test_only_two_kinds_are_not_paid() -> None:
    unpaid = {kind for kind in SAMPLES if not sample(kind, "1", AT).fully_paid}
    assert unpaid == {"cash-on-delivery", "unpaid"}


def test_only_free_lines_are_unknown_to_the_catalogue() -> None:
    skus = {product.sku for product in PRODUCTS}
    strange = {kind for kind in SAMPLES if any(line.sku not in skus for line in sample(kind, "1", AT).lines)}
    assert strange == {"free-lines"}
