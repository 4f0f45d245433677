"""Parcels where the shop keeps what is in them: the kit's rules of them, with fulfilments or a tracking plugin."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from olhubd_kit import conformance
from olhubd_kit.conformance import RuleVerdict
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator
from olhubd_woocommerce.connector import WooCommerce

PARCELS = [rule for rule in conformance.concerning(WooCommerce) if rule.family == "SHIP"]


class Fulfilling(WooCommerceSimulator):
    def __init__(self, seed: int = 0, now: Callable[[], datetime] | None = None) -> None:
        super().__init__(seed, now, fulfillments=True, verify_signatures=False)


class Tracking(WooCommerceSimulator):
    def __init__(self, seed: int = 0, now: Callable[[], datetime] | None = None) -> None:
        super().__init__(seed, now, tracking_plugin=True, verify_signatures=False)


@pytest.mark.parametrize("rule", PARCELS, ids=lambda rule: rule.id)
async def test_a_parcel_of_a_fulfilment_holds_its_lines(rule: conformance.Rule) -> None:
    result = await conformance.try_rule(rule, WooCommerce, Fulfilling)
    assert result.verdict is RuleVerdict.PASS, result.reason


@pytest.mark.parametrize("rule", PARCELS, ids=lambda rule: rule.id)
async def test_a_parcel_of_the_tracking_plugin_has_its_carrier(rule: conformance.Rule) -> None:
    result = await conformance.try_rule(rule, WooCommerce, Tracking)
    assert result.verdict is not RuleVerdict.FAIL, result.reason
    # That plugin keeps no lines.
    assert (result.verdict is RuleVerdict.NOT_APPLICABLE) == (rule.id in ("SHIP-04", "SHIP-05"))
