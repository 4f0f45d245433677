"""What a person makes of an order in the hub: its recipient, its invoice party and its lines. Pure.

An edit is refused with the field that cannot be meant; what is left out stays as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from olhubd.decide import validate
from olhubd.decide.changes import LineChange, OrderEdited
from olhubd.decide.override import ADDED, EditedPart, Override, as_reported, booked, own_line, retotalled
from olhubd.model import Address, InvoiceParty, Line, Money, Order, OrderId, Reason, check

__all__ = ["EditRefused", "LineEdit", "OrderEdit", "edited", "version"]

_FIELDS = ("name", "quantity", "price", "sku", "ean", "offer_id")


class EditRefused(Exception):
    """An edit that cannot be meant: the field of it, and why."""

    def __init__(self, field: str, reason: Reason) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason


class LineEdit(msgspec.Struct, frozen=True, kw_only=True):
    """A line as it is to be. `id` is that of a line of the order; without it the line is a new one, which needs a
    name, a quantity and a price."""

    id: str | None = None
    name: str | None = None
    quantity: int | None = None
    price: Decimal | None = None
    sku: str | None = None
    ean: str | None = None
    offer_id: str | None = None


class OrderEdit(msgspec.Struct, frozen=True, kw_only=True):
    """`lines` are all that the order is to have. `total` is what the person expects it to come to, in its own
    currency. `undo` are parts for which the source's word is to count again."""

    recipient: Address | None = None
    invoice: Address | None = None
    tax_number: str | None = None
    lines: tuple[LineEdit, ...] | None = None
    total: Decimal | None = None
    undo: tuple[EditedPart, ...] = ()


def version(order: Order, remark: Override) -> str:
    """The mark of what an editor sees: another one as soon as the order or an edit of it is another."""
    told = msgspec.structs.replace(order, revision=None, updated_at=None)
    seen = msgspec.json.encode((told, remark), order="deterministic")
    return hashlib.blake2b(seen, digest_size=8).hexdigest()


def edited(
    order_id: OrderId, order: Order, remark: Override, edit: OrderEdit, holders: Sequence[str] = ()
) -> tuple[Order, Override, OrderEdited] | None:
    """The order and its override after the edit, and what was edited; None where nothing is otherwise.

    `holders` are targets that have the order already, which are sent nothing of it. Raises EditRefused.
    """
    told, after, left = as_reported(remark, order), order, remark
    for part in edit.undo:
        if part not in remark.edited:
            raise EditRefused("undo", Reason("edit.not-edited", part=part.value))
        after, left = _undone(after, told, part), left.without(part)
    if edit.recipient is not None:
        address = _filled(after.shipping.address, edit.recipient, "recipient")
        shipping = msgspec.structs.replace(after.shipping, address=address)
        after = msgspec.structs.replace(after, shipping=shipping)
        left = msgspec.structs.replace(
            left.without(EditedPart.RECIPIENT), address=address, address_instead_of=told.shipping.address
        )
    if edit.invoice is not None or edit.tax_number is not None:
        invoice = _invoice(after, edit)
        after = msgspec.structs.replace(after, invoice=invoice)
        left = msgspec.structs.replace(
            left.without(EditedPart.INVOICE), invoice=invoice, invoice_instead_of=told.invoice
        )
    if edit.lines is not None:
        lines = _lines(order_id, after, remark, edit.lines)
        if lines != after.lines:
            after = msgspec.structs.replace(after, lines=lines)
            left = msgspec.structs.replace(
                left.without(EditedPart.LINES),
                lines=lines,
                lines_instead_of=told.lines,
                total_instead_of=told.total,
            )
    if after.lines != order.lines and EditedPart.LINES not in edit.undo:
        after = _summed(order, after)
    if edit.total is not None and edit.total != after.total.rounded().amount:
        total = Money(edit.total, after.total.currency)
        raise EditRefused("total", Reason("edit.total", wanted=total, total=after.total))
    after = booked(after, left.bookings)
    if (why := validate.objection(after)) is not None:
        raise EditRefused("lines", Reason("edit.senseless", why=why))
    left = _without_moot(left)
    if after == order and left.edited == remark.edited and left.contested == remark.contested:
        return None
    what = tuple(part.value for part in EditedPart if _part(after, part) != _part(order, part))
    return (
        after,
        left,
        OrderEdited(
            what=what or tuple(part.value for part in edit.undo),
            lines=tuple(_line_changes(order, after)),
            old_total=order.total,
            new_total=after.total,
            undone=bool(edit.undo),
            stays=tuple(sorted(holders)),
        ),
    )


def _undone(order: Order, told: Order, part: EditedPart) -> Order:
    match part:
        case EditedPart.RECIPIENT:
            shipping = msgspec.structs.replace(order.shipping, address=told.shipping.address)
            return msgspec.structs.replace(order, shipping=shipping)
        case EditedPart.INVOICE:
            return msgspec.structs.replace(order, invoice=told.invoice)
    return msgspec.structs.replace(order, lines=told.lines, total=told.total)


def _without_moot(left: Override) -> Override:
    """The override without edits that say what the source says."""
    if left.address is not None and left.address == left.address_instead_of:
        left = left.without(EditedPart.RECIPIENT)
    if left.invoice is not None and left.invoice == left.invoice_instead_of:
        left = left.without(EditedPart.INVOICE)
    if left.lines is not None and left.lines == left.lines_instead_of:
        left = left.without(EditedPart.LINES)
    return left


def _part(order: Order, part: EditedPart) -> object:
    match part:
        case EditedPart.RECIPIENT:
            return order.shipping.address
        case EditedPart.INVOICE:
            return order.invoice
    return order.lines


def _filled(old: Address | None, given: Address, field: str) -> Address:
    named = {name: value for name, value in msgspec.structs.asdict(given).items() if value is not None}
    wanted = msgspec.structs.replace(old or Address(), **named)
    if not wanted.reachable:
        raise EditRefused(field, Reason("request.address"))
    if wanted.country is not None and not check.country(wanted.country):
        raise EditRefused(f"{field}.country", Reason("edit.country", country=wanted.country))
    return wanted


def _invoice(order: Order, edit: OrderEdit) -> InvoiceParty:
    old = order.invoice
    address = _filled(old.address if old else order.recipient, edit.invoice or Address(), "invoice")
    tax_ids = old.tax_ids if old else ()
    if edit.tax_number is not None:
        kind = tax_ids[0].kind if tax_ids else "PL_NIP" if address.country in (None, "PL") else "VAT_EU"
        number = check.tax_id(kind, edit.tax_number)
        if number.valid is False:
            raise EditRefused("tax_number", Reason("edit.tax-number", number=edit.tax_number, kind=kind))
        tax_ids = (number, *tax_ids[1:])
    return InvoiceParty(address=address, tax_ids=tax_ids, vat_payer=old.vat_payer if old else None)


def _lines(order_id: OrderId, order: Order, remark: Override, wanted: Sequence[LineEdit]) -> tuple[Line, ...]:
    known = {line.external_id: line for line in order.lines}
    told = {line.external_id: line for line in remark.lines_instead_of}
    used = {*known, *told, *(line.external_id for line in remark.lines or ())}
    lines: list[Line] = []
    for position, one in enumerate(wanted):
        field = f"lines[{position}]"
        if one.id is None:
            number = _free(order_id, used)
            used.add(number)
            lines.append(_new_line(order, one, number, field))
            continue
        # One that was taken out here comes back as the source reports it.
        old = known.get(one.id) or told.get(one.id)
        if old is None:
            raise EditRefused(f"{field}.id", Reason("edit.no-line", line=one.id))
        if one.id in {line.external_id for line in lines}:
            raise EditRefused(f"{field}.id", Reason("edit.line-twice", line=one.id))
        lines.append(_changed_line(order, old, one, field))
    # By a line of its own the purchase is known when its source puts it together with another one.
    if order.lines and not any(not own_line(line.external_id) for line in lines):
        raise EditRefused("lines", Reason("edit.nothing-left"))
    return tuple(lines)


def _free(order_id: OrderId, used: set[str]) -> str:
    number = 1
    while (name := f"{ADDED}{order_id}-{number}") in used:
        number += 1
    return name


def _new_line(order: Order, one: LineEdit, number: str, field: str) -> Line:
    given = {name: getattr(one, name) for name in ("name", "quantity", "price")}
    if missing := [name for name, value in given.items() if value is None]:
        raise EditRefused(f"{field}.{missing[0]}", Reason("edit.new-line", field=missing[0]))
    return Line(
        external_id=number,
        name=given["name"],
        quantity=given["quantity"],
        price=_price(order, given["price"], field),
        sku=one.sku,
        ean=one.ean,
        offer_id=one.offer_id,
    )


def _changed_line(order: Order, old: Line, one: LineEdit, field: str) -> Line:
    given = {name: value for name in _FIELDS if (value := getattr(one, name)) is not None and name != "price"}
    if one.price is not None and one.price != old.price.amount:
        given["price"] = _price(order, one.price, field)
        given["original_price"] = old.original_price
    line = msgspec.structs.replace(old, **given)
    money = (line.quantity, line.price) != (old.quantity, old.price)
    if money and old.tax is not None and old.tax.amount is not None:
        # The tax of all pieces was that of the old ones; by its rate the new one follows.
        if old.tax.rate is None:
            raise EditRefused(field, Reason("edit.tax-amount", line=old.external_id))
        line = msgspec.structs.replace(line, tax=msgspec.structs.replace(old.tax, amount=None))
    return line


def _price(order: Order, amount: Decimal, field: str) -> Money:
    money = Money(amount, order.total.currency)
    if money.rounded().amount != amount:
        raise EditRefused(f"{field}.price", Reason("edit.price", price=str(amount), currency=money.currency))
    return money


def _summed(before: Order, after: Order) -> Order:
    if after.expected_total() == before.expected_total():
        return after
    if after.tax is not None:
        # Tax on top is one amount for all lines: nobody can say how much of it an edited line has.
        raise EditRefused("lines", Reason("edit.tax-on-top"))
    after = retotalled(after)
    if after.total.amount < 0:
        raise EditRefused("lines", Reason("edit.below-nothing", total=after.total))
    return after


def _line_changes(before: Order, after: Order) -> list[LineChange]:
    old = {line.external_id: line for line in before.lines}
    new = {line.external_id: line for line in after.lines}
    found = []
    for number in (*old, *(one for one in new if one not in old)):
        was, now = old.get(number), new.get(number)
        if was == now:
            continue
        found.append(
            LineChange(
                line=number,
                old_quantity=was.quantity if was else None,
                new_quantity=now.quantity if now else None,
                old_price=was.price if was else None,
                new_price=now.price if now else None,
                old_name=was.name if was and (now is None or was.name != now.name) else None,
                new_name=now.name if now and (was is None or was.name != now.name) else None,
            )
        )
    return found
