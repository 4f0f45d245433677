"""What the kit asks of a simulator beside its API and its books: the verbs.

A simulator lists them in `Simulator.verbs`. The kit hands an order's external id, or the name of a feed, as the
first argument and all else by name. A rule whose verb or option is missing is not applicable, and says so; only a
MINIMUM verb is required.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["MINIMUM", "VERBS"]

VERBS: Mapping[str, str] = {
    "buy(count=1, *, paid=True, cod=False)": (
        "`count` finished purchases at this very moment, paid online unless asked otherwise; the list of the "
        "external ids under which the feed will report them"
    ),
    "cancel(id)": "the order is cancelled in the system, by anybody",
    "refund(id)": "the whole sum is given back to the buyer in the system: the order is not to be sent any more",
    "set_status(id, status)": "the order's own status word becomes `status`, even one that is not known",
    "corrupt(id)": "from now on the system sends this order in a way that cannot be understood",
    "drop_events(count)": "the journal will never report the next `count` changes; the orders are there",
    "duplicate_events(count)": "the journal sends the last `count` changes once more",
    "reorder_events(window)": "the last `window` changes in the journal change places",
    "short_pages(count)": (
        "the next `count` pages of the feed, of a sweep or of a search hold less than they could, with more behind "
        "them"
    ),
    "lose_lines(count)": "the next `count` orders that are made keep their sum and lose one of their lines",
    "ignore_changes(count)": "the next `count` changes of an order are answered as ever and not kept",
    "decorate(id)": "from now on a field of this order that nobody needs comes in another shape",
    "mails()": "what the system has written so far: for each mail the address it went to, as itself or as `to`",
    "merge(ids)": "the buyer puts purchases that are not paid yet together; the id of the order they become",
    "revoke_grant()": "the person withdraws the consent: no token works any more",
    "expire_tokens()": "the access tokens are over before their time; what renews them still works",
    "consent(user_code, granted)": "the person at the other device agrees to the sign-in, or refuses",
    "authorize(url, granted)": (
        "the person opens the page of a sign-in and agrees, or refuses; the address that browsers are sent back to"
    ),
    "ship(id)": "the order is sent, so that it cannot be cancelled any more",
    "put(feed, count=1)": (
        "`count` things more stand in what the feed of this name reads, of each of its kinds where there are enough"
    ),
    "take(feed, kind, id)": "the thing stands there no more, and whatever stood behind it moves up",
    "change(feed, kind, id)": "the thing is another one now in a field that the feed sends",
    "spoil(feed, kind, id)": "from now on the system sends the thing in a way that cannot be understood",
    "waiting(feed)": "how many messages of the feed's inbox are not acknowledged yet",
    "stock_item(pieces=5)": "one item more is counted and on sale, so many pieces of it; its id",
    "set_pieces(id, pieces)": (
        "so many pieces of an item can be sold from now on: below zero, or no whole number, where the system can"
    ),
    "untrack(id)": "from now on the system does not count an item",
    "lose_count(id)": "the system counts an item, and does not know how many there are",
    "withdraw_item(id, back=False)": "an item is not on sale any more, such as a draft; with `back` it is again",
    "sell_item(id, pieces)": "an open order that is placed in the system itself takes so many pieces of an item",
    "stock_variations(count=2, own=True)": (
        "an article with variations, five pieces of each, which have SKUs of their own or, with `own` false, none; "
        "the ids of the variations"
    ),
    "list_product(amount='10.00')": (
        "one product more in the catalogue, at a price as text; at none where that is empty; its id"
    ),
    "price_product(id, amount)": "a product costs so much from now on, or has no price where that is empty",
    "jumble_rows(count)": "the next `count` pages of a list have their rows in another order than was asked for",
    "list_offers(count=1, quantity=5)": "`count` offers more are on sale, `quantity` pieces in each; their ids",
    "buyable()": "how many pieces of each offer buyers can buy now, by the offer's id: 0 of what is not on sale",
    "commands()": "the numbers of all commands about quantities that have arrived",
    "set_quantity(offer, quantity)": "the seller sets an offer's quantity by hand; 0 ends it",
    "sell_offer(offer, pieces)": "buyers buy so many pieces of an offer, all of them perhaps",
    "end_offer(offer, by)": "the offer ends; `by` is a word of `EndedBy`: who or what ended it",
    "renew_offers(offers, on)": "from now on these offers are listed again by themselves when they end, or not",
    "set_offer_state(offer, state)": "the offer's own state word becomes `state`, even one that is not known",
    "hide_quantity(offer)": "from now on the system sends the offer without its quantity",
    "leave_out(offer)": "from now on lists still count the offer, and their pages are without it",
    "unmark_offer(offer)": "the seller takes their own mark off the offer",
    "prices()": "what each offer costs by its id: the amount as text, in the currency of the offers",
    "set_prices(offers, amount)": "the seller gives these offers this price by hand",
    "fail_tasks(offers)": "from now on commands fail for these offers, in the system's words",
    "delay_commands(seconds)": "from now on commands act so many seconds after they have arrived",
    "move_seller(street='', postcode='', city='', country='PL')": (
        "the seller is at another place, as the account has it; without a city it has no address any more"
    ),
    "ignore_commands(count)": "the next `count` commands are reported as done and nothing of them is kept",
    "offer_draft(sku)": (
        "what the system would take as a new offer under this mark of the seller's: an `OfferDraft` with a name, a "
        "price and a quantity"
    ),
    "listings(sku)": "the ids of all offers that bear this mark of the seller's",
    "offer_fields(offer)": (
        "an offer by the system's own books: its `name`, its `price` as text and its `quantity`, None where it has "
        "none"
    ),
    "mark_draft(sku)": "the seller makes a draft of an offer by hand, without a price, under this mark; its id",
    "accept_later(count, seconds)": (
        "the next `count` offers that are made or changed are accepted, and done so many seconds later"
    ),
    "mails_taken()": (
        "all mails that were handed over, oldest first, each with `recipients`, `message_id`, `subject`, `text` "
        "and `html`"
    ),
    "refuse_recipient(address)": "from now on there is no such mailbox: mails to this address are refused for good",
    "refuse_listings(count)": (
        "the next `count` offers that are made or changed are refused, for a field that the system names"
    ),
}
"""Signature and meaning of each verb."""

MINIMUM: Mapping[str, frozenset[str]] = {
    "Feed": frozenset({"put"}),
    "LevelSink": frozenset({"list_offers", "buyable"}),
    "MailSink": frozenset({"mails_taken", "refuse_recipient"}),
    "OfferFeed": frozenset({"list_offers"}),
    "OfferSink": frozenset({"offer_draft", "listings", "offer_fields", "buyable"}),
    "ProductFeed": frozenset({"list_product"}),
    "PriceSink": frozenset({"list_offers", "prices"}),
    "OrderCount": frozenset({"buy"}),
    "OrderFeed": frozenset({"buy"}),
    "OrderLookup": frozenset({"buy"}),
    "SellerProfile": frozenset({"move_seller"}),
    "StockFeed": frozenset({"stock_item"}),
}
"""The verbs without which a capability cannot be tried at all."""
