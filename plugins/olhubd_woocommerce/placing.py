"""One order into the shop: the POST that nothing ever repeats, and what the shop made of it.

Whatever follows the POST may fail without the order being forgotten: from then on it is there, and what differs is
reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from olhubd.model import Line, Reason
from olhubd.plugin import (
    Account,
    Difference,
    OutcomeUnknown,
    PluginError,
    Push,
    Rejected,
    Temporary,
)
from olhubd_woocommerce import amend, mapping, single, stored, wire
from olhubd_woocommerce.client import NEEDS_PRODUCT, Shop
from olhubd_woocommerce.columns import encoded, fitted
from olhubd_woocommerce.customers import CustomerFinder
from olhubd_woocommerce.draft import EMAIL, OrderDraft, addresses, head, initial_status, payment_method, sketch
from olhubd_woocommerce.pricing import PricingRules
from olhubd_woocommerce.products import IndexedProduct, ProductIndex
from olhubd_woocommerce.settings import CustomerPolicy, WooCommerceSettings
from olhubd_woocommerce.taxes import TaxAddress, TaxRules, TaxRulesReader

__all__ = ["OrderPlacer", "PlacedOrder"]

_FREE_SKU = "olhubd-free-line"
"""Names no product, for shops that want a line to name one."""
_BAD_EMAIL = ("rest_invalid_param", "order_invalid_billing_email")
_CUSTOMER = "_olhubd_customer_id"
_UNFINISHED = ("pending", "failed")


class PlacedOrder(msgspec.Struct, frozen=True):
    """The order as it is there, and what about it is otherwise than it was sent."""

    order: wire.Stored
    differences: tuple[Difference, ...] = ()


class OrderPlacer:
    """Places orders in one shop."""

    def __init__(self, account: Account[WooCommerceSettings], shop: Shop, taxes: TaxRulesReader) -> None:
        self._settings, self._log, self._shop, self._taxes = account.settings, account.log, shop, taxes
        self._shelf = ProductIndex(shop, account.clock, account.log)
        self._customers = CustomerFinder(shop)
        self._name_products = False
        self._told: set[str] = set()

    async def place(self, push: Push) -> PlacedOrder:
        """Create it. Raises Rejected and whatever a call may raise; OutcomeUnknown where it may be there."""
        order = push.order
        if self._settings.currency not in (None, order.total.currency):
            refused = Reason(
                "olhubd_woocommerce:currency", taken=self._settings.currency, given=order.total.currency
            )
            raise Rejected(refused, field="currency")
        book = await self._taxes.book()
        goods = await self._shelf.bind(order.lines, sure=not push.free_lines)
        why = [self._shelf.why(line) for line in order.lines]
        body, draft = self._body(push, goods, book, why)
        if order.cash_on_delivery and body["status"] == "processing" and payment_method(push) != "cod":
            self._log.warning(
                "the shop will date a payment on this cash on delivery order", reference=push.reference
            )
        if push.shipping_method is None and order.shipping.method:
            self._unmapped(order.shipping.method)
        if self._settings.customers is CustomerPolicy.MATCH:
            await self._file(push, body)
        answer, left_out = await self._create(body)
        try:
            fits = wire.total(answer) == order.total
        except ValueError as error:
            raise OutcomeUnknown(Reason("olhubd_woocommerce:made-but", why=error)) from error
        if not fits:
            answer = await self._correct(push, draft, answer)
        self._vanished(draft, answer)
        chosen = tuple(
            Difference(field=f"lines[{line.external_id}].product", what=words, cut=True)
            for line, found, words in zip(order.lines, goods, why, strict=True)
            if found is not None and words is not None
        )
        return _differing(push, body, answer, (*chosen, *left_out))

    def compare(self, push: Push, order: wire.Stored) -> PlacedOrder:
        """What a look-up found, beside what would be sent now."""
        no_taxes = TaxRules(
            rules=PricingRules(taxed=False), currency=push.order.total.currency, base=TaxAddress(""), memory={}
        )
        free = msgspec.structs.replace(push, free_lines=True)
        body, _ = self._body(free, [None] * len(push.order.lines), no_taxes)
        return _differing(push, body, order, looked_up=True)

    def reason(self, line: Line) -> str | None:
        """Why a line is bound to no product, where something rules out the one that bears its code."""
        return self._shelf.why(line)

    def _body(
        self, push: Push, goods: Sequence[IndexedProduct | None], book: TaxRules, why: Sequence[str | None] = ()
    ) -> tuple[dict[str, Any], OrderDraft]:
        """The body of POST /orders, its texts as long as they are."""
        billing, shipping = addresses(push.order)
        if not self._settings.notify_buyer:
            billing.pop("email", None)
        draft = sketch(push, goods, book, billing, shipping, why)
        body = head(push, self._settings, initial_status(push))
        return body | {"billing": billing, "shipping": shipping, **draft.rows(draft.priced())}, draft

    def _unmapped(self, method: str) -> None:
        """Warn once of each shipping method without a mapping."""
        if method not in self._told and len(self._told) < 1000:
            self._told.add(method)
            self._log.warning("shipping method is not mapped", method=method)

    async def _file(self, push: Push, body: dict[str, Any]) -> None:
        """Under the buyer's customer. The shop writes to the address of an order's customer, so where it must not,
        the customer is only noted, and none is made."""
        buyer, billing = push.order.buyer, fitted(body["billing"])
        if self._settings.notify_buyer:
            body["customer_id"] = await self._customers.of(buyer, push.marketplace, billing)
        elif known := await self._customers.known(buyer, push.marketplace):
            body["meta_data"].append({"key": _CUSTOMER, "value": str(known)})

    async def _create(self, body: dict[str, Any]) -> tuple[wire.Stored, tuple[Difference, ...]]:
        """The one POST. Two definite refusals are answered: of lines without a product by naming one that is none,
        of an e-mail that the shop takes for none by leaving it out."""
        try:
            return await self._post(body), ()
        except Rejected as error:
            billing = error.field == "billing" or error.code == _BAD_EMAIL[1]
            if error.code not in _BAD_EMAIL or not billing or "email" not in body["billing"]:
                raise
        address = body["billing"]["email"]
        rest = {name: text for name, text in body["billing"].items() if name != "email"}
        meta = [*body["meta_data"], {"key": EMAIL, "value": address}]
        left_out = Difference(
            field="buyer.email", what="the shop takes it for no address; it was left out", cut=True
        )
        return await self._post({**body, "billing": rest, "meta_data": meta}), (left_out,)

    async def _post(self, body: dict[str, Any]) -> wire.Stored:
        if not self._name_products:
            try:
                return await self._shop.write("POST", "/wc/v3/orders", wire.Stored, encoded(body))
            except Rejected as error:
                if error.code != NEEDS_PRODUCT:
                    raise
            self._name_products = True
        rows = [row if "product_id" in row else {**row, "sku": _FREE_SKU} for row in body["line_items"]]
        body = {**body, "line_items": rows}
        return await self._shop.write("POST", "/wc/v3/orders", wire.Stored, encoded(body))

    async def _correct(self, push: Push, draft: OrderDraft, answer: wire.Stored) -> wire.Stored:
        """The shop counted otherwise, so its taxes changed since they were read: read them, and set the rows again.

        No failure may leave this method. What differs then, the host will see.
        """
        try:
            book = await self._taxes.book(fresh=True)
            goods = [e.goods for e in draft.entries if e.line is not None]
            billing, shipping = addresses(push.order)
            again = sketch(msgspec.structs.replace(push, free_lines=True), goods, book, billing, shipping)
            body, fee_added = amend.amendment(amend.as_taxed(again, answer), answer)
            try:
                return await single.change(self._shop, answer.id, body, repeatable=not fee_added)
            except Temporary:
                return await single.read(self._shop, answer.id)
        except (PluginError, ValueError) as error:
            self._log.warning("total not corrected", order=answer.id, reference=push.reference, error=str(error))
            return answer

    def _vanished(self, draft: OrderDraft, answer: wire.Stored) -> None:
        """A product that was bound and is not there any more is asked for again with the next order."""
        bound = [(row.line, row.goods) for row in draft.entries if row.line is not None and row.goods is not None]
        if not bound:
            return
        unbound = {wire.meta_value(i.meta_data, mapping.LINE) for i in answer.line_items if not i.product_id}
        for line, goods in bound:
            if line.external_id in unbound:
                self._shelf.forget(goods)
                self._log.warning("a product has vanished from the shop", product=goods.product_id)


def _differing(
    push: Push,
    body: dict[str, Any],
    order: wire.Stored,
    told: tuple[Difference, ...] = (),
    looked_up: bool = False,
) -> PlacedOrder:
    """The order with all that is otherwise; what was `told` already is not reported as missing too."""
    fields = {one.field for one in told}
    found = stored.differences(body, order, invoice=push.order.invoice is not None)
    rest = (one for one in found if one.field not in fields)
    return PlacedOrder(order, (*told, *rest, *_status(order.status, body["status"], looked_up)))


def _status(now: str, wanted: str, looked_up: bool) -> tuple[Difference, ...]:
    """An order that is further than it was sent, or under another plugin's status, is no difference; nor is one
    that ended meanwhile, if it was looked up: somebody in the shop did that to a whole order. One that waits for
    a payment, as after a death of PHP before the last saving, is to be brought on."""
    if now == "trash":
        return (Difference(field="status", what="the order is in the shop's trash"),)
    ended = now in ("cancelled", "refunded") and wanted != now
    if mapping.WAY.due(now, wanted) or (ended and not looked_up):
        what = f"{wanted} was sent, it is {now}"
        return (Difference(field="status", what=what, wanted=wanted if now in _UNFINISHED else None),)
    return ()
