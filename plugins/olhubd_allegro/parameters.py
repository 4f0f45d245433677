"""The parameters that a category asks for, and whether what a draft says fits them. Pure.

A parameter is found by its name, whatever its case, or by its number; a value of a list by what buyers read or by
its number. Those that describe the product go with the product, the others with the offer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from olhubd.model import OfferFlaw, OfferParameter, Reason
from olhubd_allegro import wire_listing

__all__ = ["FittedParameters", "fit"]

_NO_LIMITS = wire_listing.Restrictions()
_SHOWN = 30
"""Names and words that a sentence has at most."""
_MOST_WORDS = 12
"""Values of a list that are named where another was given."""


class FittedParameters(msgspec.Struct, frozen=True, kw_only=True):
    """What goes with the product and what with the offer, as Allegro takes it, and what does not fit."""

    product: tuple[Mapping[str, Any], ...] = ()
    offer: tuple[Mapping[str, Any], ...] = ()
    flaws: tuple[OfferFlaw, ...] = ()


def fit(
    given: Sequence[OfferParameter],
    rules: Sequence[wire_listing.CategoryParameter],
    *,
    new_product: bool,
    partial: bool = False,
) -> FittedParameters:
    """What is given, by the rules of the category. `new_product`: Allegro does not know the product, so what
    describes it is needed too. `partial`: what is not given stays as it is."""
    by_name = {rule.name.casefold(): rule for rule in rules} | {rule.id: rule for rule in rules}
    flaws: list[OfferFlaw] = []
    fitted: dict[str, Mapping[str, Any]] = {}
    for one in given:
        field = f"parameters.{one.name}"
        rule = by_name.get(one.name) or by_name.get(one.name.casefold())
        if rule is None:
            why = Reason("olhubd_allegro:parameter-unknown", name=one.name, known=_named(rules))
            flaws.append(OfferFlaw(field=field, why=why))
        elif rule.id in fitted:
            flaws.append(OfferFlaw(field=field, why=Reason("olhubd_allegro:parameter-twice", name=rule.name)))
        else:
            found = _value(rule, one.values)
            if isinstance(found, Reason):
                flaws.append(OfferFlaw(field=field, why=found))
                found = {}
            fitted[rule.id] = {"id": rule.id, **found}
    for rule in () if partial else rules:
        if rule.id in fitted or not _needed(rule, fitted, new_product=new_product):
            continue
        words = ", ".join(one.value for one in (rule.dictionary or ())[:_SHOWN])
        code = "olhubd_allegro:parameter-needed-of" if words else "olhubd_allegro:parameter-needed"
        why = Reason(code, name=rule.name, **({"words": words} if words else {}))
        flaws.append(OfferFlaw(field=f"parameters.{rule.name}", why=why))
    describing = {rule.id for rule in rules if rule.options is not None and rule.options.describes_product}
    return FittedParameters(
        product=tuple(one for id_, one in fitted.items() if id_ in describing),
        offer=tuple(one for id_, one in fitted.items() if id_ not in describing),
        flaws=tuple(flaws),
    )


def _named(rules: Sequence[wire_listing.CategoryParameter]) -> str:
    return ", ".join(rule.name for rule in rules[:_SHOWN])


def _needed(
    rule: wire_listing.CategoryParameter, fitted: Mapping[str, Mapping[str, Any]], *, new_product: bool
) -> bool:
    of_product = rule.options is not None and bool(rule.options.describes_product)
    if of_product and not new_product:
        return False  # the product of the catalogue says it
    if rule.required or (of_product and rule.required_for_product):
        return True
    return rule.required_if is not None and _holds(rule.required_if, fitted)


def _holds(conditions: wire_listing.Conditions, fitted: Mapping[str, Mapping[str, Any]]) -> bool:
    some = [
        bool({str(id_) for id_ in one.one_of_value_ids} & set(fitted.get(one.id, {}).get("valuesIds", ())))
        for one in conditions.parameters_with_value
    ]
    none = [one.id not in fitted for one in conditions.parameters_without_value]
    return bool(some or none) and all(some) and all(none)


def _value(rule: wire_listing.CategoryParameter, values: Sequence[str]) -> dict[str, Any] | Reason:
    limits = rule.restrictions or _NO_LIMITS
    texts = [value.strip() for value in values]
    match rule.type:
        case "dictionary":
            return _of_list(rule, limits, texts)
        case "integer" | "float":
            return _numbers(rule, limits, texts)
    return _texts(rule, limits, texts)


def _of_list(
    rule: wire_listing.CategoryParameter, limits: wire_listing.Restrictions, texts: Sequence[str]
) -> dict[str, Any] | Reason:
    if len(texts) > 1 and not limits.multiple_choices:
        return Reason("olhubd_allegro:parameter-one", name=rule.name)
    known = {str(one.id): str(one.id) for one in rule.dictionary or ()}
    known |= {one.value.casefold(): str(one.id) for one in rule.dictionary or ()}
    found: list[str] = []
    for text in texts:
        id_ = known.get(text) or known.get(text.casefold())
        if id_ is None:
            if rule.options is not None and rule.options.custom_values_enabled:
                return {"values": list(texts)}
            words = ", ".join([one.value for one in rule.dictionary or ()][:_MOST_WORDS])
            return Reason("olhubd_allegro:parameter-word", name=rule.name, given=text, words=words)
        found.append(id_)
    return {"valuesIds": found}


def _numbers(
    rule: wire_listing.CategoryParameter, limits: wire_listing.Restrictions, texts: Sequence[str]
) -> dict[str, Any] | Reason:
    numbers: list[Decimal] = []
    for text in texts:
        try:
            number = Decimal(text.replace(",", "."))
        except InvalidOperation:
            return Reason("olhubd_allegro:parameter-number", name=rule.name, given=text)
        if not number.is_finite() or (rule.type == "integer" and number != number.to_integral_value()):
            return Reason("olhubd_allegro:parameter-number", name=rule.name, given=text)
        if (limits.min is not None and number < limits.min) or (limits.max is not None and number > limits.max):
            return Reason(
                "olhubd_allegro:parameter-limits", name=rule.name, given=text, least=limits.min, most=limits.max
            )
        places = max(0, -int(number.normalize().as_tuple().exponent))
        if rule.type == "float" and limits.precision is not None and places > limits.precision:
            return Reason("olhubd_allegro:parameter-places", name=rule.name, given=text, most=limits.precision)
        numbers.append(number)
    said = [f"{number:f}" for number in numbers]
    if limits.range:
        if len(numbers) != 2 or numbers[0] > numbers[1]:
            return Reason("olhubd_allegro:parameter-range", name=rule.name)
        return {"rangeValue": {"from": said[0], "to": said[1]}}
    if len(numbers) > 1:
        return Reason("olhubd_allegro:parameter-one", name=rule.name)
    return {"values": said}


def _texts(
    rule: wire_listing.CategoryParameter, limits: wire_listing.Restrictions, texts: Sequence[str]
) -> dict[str, Any] | Reason:
    most = limits.allowed_number_of_values
    if most is not None and len(texts) > max(1, most):
        return Reason("olhubd_allegro:parameter-many", name=rule.name, most=max(1, most))
    for text in _misfits(limits, texts):
        return Reason(
            "olhubd_allegro:parameter-length",
            name=rule.name,
            given=text[:40],
            least=limits.min_length or 0,
            most=limits.max_length or 0,
        )
    return {"values": list(texts)}


def _misfits(limits: wire_listing.Restrictions, texts: Sequence[str]) -> Iterator[str]:
    for text in texts:
        if limits.min_length is not None and len(text) < limits.min_length:
            yield text
        if limits.max_length is not None and len(text) > limits.max_length:
            yield text
