"""A reason is its sentence and its data, through errors, columns and copies."""

from __future__ import annotations

import copy
import pickle
from decimal import Decimal

import msgspec
import pytest

from olhubd.model import Money, Reason, beside, chained, code_of, plain
from olhubd.plugin import PluginError, Rejected
from olhubd.store import codec

NESTED = Reason(
    "alarm.unmet",
    error=Reason("stored.total", there=Money(Decimal("12.5"), "PLN"), expected=Money.of_minor(1, "PLN")),
)


def test_a_reason_outlives_an_error() -> None:
    for error in (PluginError(NESTED), Rejected(NESTED, field="x"), ValueError(NESTED)):
        assert str(error) is NESTED or isinstance(str(error), Reason)
        assert code_of(str(error)) == "alarm.unmet"
        assert Reason("alarm.unread", error=error).values["error"] is NESTED


@pytest.mark.parametrize("text", ["", "it has no lines", '{"code": 1}', '{"code":"a"}', '{"code":', None])
def test_a_text_is_stored_as_it_is(text: str | None) -> None:
    assert codec.reason(text) == text
    assert codec.text(text) == text
    assert code_of(codec.text(text)) is None
    assert beside("reason", text) == {}


def test_a_reason_is_stored_with_its_sentence_and_comes_back_whole() -> None:
    stored = codec.reason(NESTED)
    assert stored is not None
    assert plain(NESTED) in msgspec.json.decode(stored).values()
    back = codec.text(stored)
    assert back == NESTED
    assert back.code == NESTED.code
    assert back.values == NESTED.values
    assert back.values["error"].values["there"] == Money(Decimal("12.5"), "PLN")
    assert codec.reason(back) == stored


def test_facts_have_the_sentence_and_beside_it_the_code_and_the_values() -> None:
    facts = msgspec.json.decode(codec.facts({"delivery": 1, "reason": Reason("copy.never"), "kind": "x"}))
    assert facts == {
        "delivery": 1, "reason": "the target never had the order", "kind": "x",
        "reason_code": "copy.never", "reason_values": {},
    }  # fmt: skip


def test_a_reason_is_not_encoded_unless_somebody_says_how() -> None:
    """Where its data would be lost in silence, there is an error."""
    with pytest.raises(TypeError):
        msgspec.json.encode({"reason": NESTED})


def test_copies_are_reasons() -> None:
    for twin in (copy.deepcopy(NESTED), pickle.loads(pickle.dumps(NESTED)), str(NESTED)):
        assert twin == NESTED
        assert code_of(twin) == NESTED.code


def test_values_are_what_a_database_takes() -> None:
    reason = Reason("call.no-answer", call="\udcff", why=None, more=True)
    assert reason.values == {"call": "\\udcff", "why": "None", "more": "True"}
    assert str(reason).encode()


def test_a_code_without_a_sentence_shows_what_it_has() -> None:
    assert Reason("a_plugin_that_is_not_there:broken", by="wind") == "a_plugin_that_is_not_there:broken: wind"


def test_several_are_one() -> None:
    whole = chained([Reason("copy.never"), "what they said", Reason("copy.none")])
    assert whole == "the target never had the order; what they said; the target does not have the order"
    assert code_of(whole) == "both"
    assert chained([]) == ""
