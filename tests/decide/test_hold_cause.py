"""Which holds wait for the same: the target, the action, and the reason without what names one record."""

from __future__ import annotations

import pytest

from olhubd.decide.hold_cause import cause
from olhubd.model import Action, Reason


def named(reason: str | None, target: str = "shop", action: Action = Action.PUSH_ORDER) -> str:
    return cause(target, action, reason)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("the product 'MUG-1' has no tax", "the product 'LAMP-22' has no tax"),
        ("POST /orders: 400 product 4711 is gone", "POST /orders: 400 product 4712 is gone"),
        ("order 4711 has no VAT number", "order 4712 has no VAT number"),
        ("nobody answers at a@example.pl today", "nobody answers at b@example.pl today"),
        (Reason("link.none", skus="A-1, B"), Reason("link.none", skus="C-9")),
        (
            Reason("call.refused", said="no stock of „Kubek 1”"),
            Reason("call.refused", said="no stock of „Lampa 2”"),
        ),
        (Reason("call.refused", n=4), Reason("call.refused", n=5)),
        (
            Reason("order.refused", said=Reason("tax.none", sku="A")),
            Reason("order.refused", said=Reason("tax.none", sku="B")),
        ),
    ],
)
def test_what_names_one_record_is_no_part_of_the_cause(one: str, other: str) -> None:
    assert named(one) == named(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("the product 'MUG-1' has no tax", "the product 'MUG-1' has no price"),
        (Reason("link.none", skus="A"), Reason("link.floor", skus="A")),
        (Reason("call.refused", said="no stock of it"), Reason("call.refused", said="no country in it")),
        (
            Reason("order.refused", said=Reason("tax.none", sku="A")),
            Reason("order.refused", said=Reason("country.none", sku="A")),
        ),
        (None, "the product 'MUG-1' has no tax"),
        ("HTTP 401: not allowed", "HTTP 422: not allowed"),
        ("POST /orders: 400 no", "POST /orders: 422 no"),
        (Reason("call.failed", status=401), Reason("call.failed", status=422)),
        ("unknown shipping method 'DPD'", "unknown shipping method 'InPost'"),
        ('"code": "woocommerce_rest_cannot_create"', '"code": "rest_invalid_param"'),
        ("it can't take the payment method, it's off", "it can't take the address, it's off"),
    ],
)
def test_what_was_said_is_the_cause(one: str | None, other: str) -> None:
    assert named(one) != named(other)


def test_another_target_and_another_action_are_other_causes() -> None:
    """A setting that is mended at one shop helps no delivery to another."""
    reason = Reason("link.none", skus="A")
    assert len({named(reason), named(reason, "shop2"), named(reason, action=Action.SET_STATUS)}) == 3


def test_a_cause_is_named_by_what_an_address_can_carry() -> None:
    assert named("anything / at ? all").isalnum()
