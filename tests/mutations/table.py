"""The table: what is broken, and which tests must turn red.

A row stands here where a behaviour is a chain with a middle: its two ends have tests of their own, and what lies
between could be wrong with all of them green.
"""

from __future__ import annotations

import msgspec

__all__ = ["MUTATIONS", "Mutation"]


class Mutation(msgspec.Struct, frozen=True):
    """In `path`, `old`, which stands there once, becomes `new`; then `tests` must fail."""

    name: str
    path: str
    old: str
    new: str
    tests: tuple[str, ...]


_CHAIN = "tests/e2e/test_route_chain.py"
_PACK = "olhubd/engine/outbox/push.py"
_INCLUDED = f"{_CHAIN}::test_what_a_route_includes_is_in_the_shop"
_LEFT_OUT = f"{_CHAIN}::test_what_a_route_does_not_include_is_not_in_the_shop"
_METHODS = f"{_CHAIN}::test_each_marketplace_account_has_its_own_table_of_methods"
_PLAN = "tests/decide/test_plan.py"
_CARD = "tests/control/test_orders.py::test_the_card_tells_what_became_of_money_status_and_actions"

MUTATIONS = (
    Mutation(
        "the first status is not the route's",
        _PACK,
        "status=own_word or plan.creation_status(order, route.statuses)",
        "status=own_word",
        (f"{_CHAIN}::test_the_first_status_is_the_one_of_the_route",),
    ),
    Mutation(
        "the login goes whatever the route says",
        _PACK,
        "include_login=route.include_login",
        "include_login=True",
        (_LEFT_OUT,),
    ),
    Mutation(
        "the login never goes", _PACK, "include_login=route.include_login", "include_login=False", (_INCLUDED,)
    ),
    Mutation(
        "the offers go whatever the route says",
        _PACK,
        "include_offer_ids=route.include_offer_ids",
        "include_offer_ids=True",
        (_LEFT_OUT,),
    ),
    Mutation(
        "the offers never go",
        _PACK,
        "include_offer_ids=route.include_offer_ids",
        "include_offer_ids=False",
        (_INCLUDED,),
    ),
    Mutation(
        "the note goes whatever the route says",
        _PACK,
        "include_note=route.include_note",
        "include_note=True",
        (_LEFT_OUT,),
    ),
    Mutation(
        "the payment goes whatever the route says",
        _PACK,
        "include_payment=route.include_payment",
        "include_payment=True",
        (_LEFT_OUT,),
    ),
    Mutation("the delivery method is lost", _PACK, "shipping_method=method", "shipping_method=None", (_METHODS,)),
    Mutation("the payment method is lost", _PACK, "payment_method=payment", "payment_method=None", (_METHODS,)),
    Mutation(
        "an order that is ripe waits five seconds",
        "olhubd/decide/planners/forward.py",
        "delay=route.hold_seconds,",
        "delay=route.hold_seconds + 5,",
        (f"{_PLAN}::test_a_confirmed_order_goes_at_once",),
    ),
    Mutation(
        "parcels of the source stay here",
        "olhubd/decide/planners/update.py",
        "case changes.Shipped() if route.sync_shipments:",
        "case changes.Shipped() if False:",
        (_PLAN,),
    ),
    Mutation(
        "a parcel by hand goes whatever the route says",
        "olhubd/engine/operator/orders.py",
        "if r.sync_shipments and r.target in standing.holders",
        "if r.target in standing.holders",
        (f"{_CHAIN}::test_each_of_the_three_is_switched_apart[sync_shipments]",),
    ),
    Mutation(
        "a payment is never seen",
        "olhubd/decide/compare.py",
        "if incoming.fully_paid and not held.fully_paid:",
        "if False:",
        ("tests/decide/test_compare.py", _PLAN),
    ),
    Mutation(
        "no second look is ever taken",
        "olhubd/engine/feed/sweeper.py",
        "        if self.until() > 0:\n            return None\n",
        "        return None\n",
        (f"{_CHAIN}::test_what_no_event_tells_the_second_look_finds",),
    ),
    Mutation(
        "Allegro is asked every 20 minutes",
        "plugins/olhubd_allegro/connector.py",
        "interval=timedelta(seconds=20)",
        "interval=timedelta(minutes=20)",
        ("tests/plugins/allegro/test_connector.py",),
    ),
    Mutation(
        "Allegro's second look comes every nine hours",
        "plugins/olhubd_allegro/connector.py",
        "sweep_interval=timedelta(hours=1)",
        "sweep_interval=timedelta(hours=9)",
        ("tests/plugins/allegro/test_connector.py",),
    ),
    Mutation(
        "a shop is asked for its orders though nobody wants them",
        "olhubd/engine/feed/account_feeds.py",
        "        return config.fetch_orders\n",
        "        return True\n",
        (f"{_CHAIN}::test_a_shop_whose_orders_are_not_wanted_is_not_asked_for_them",),
    ),
    Mutation(
        "no payments in the history",
        "olhubd/control/api/order_history.py",
        "payments=tuple(payments)",
        "payments=()",
        (_CARD,),
    ),
    Mutation(
        "no statuses in the history",
        "olhubd/control/api/order_history.py",
        "statuses=tuple(statuses)",
        "statuses=()",
        (_CARD,),
    ),
    Mutation(
        "no actions in the history",
        "olhubd/control/api/order_history.py",
        "actions=tuple(actions)",
        "actions=()",
        (_CARD,),
    ),
    Mutation(
        "a fetch by hand moves the timer",
        "olhubd/engine/feed/reader.py",
        'if trigger == "timer":',
        "if True:",
        ("tests/engine/test_poller.py::test_fetching_by_hand_leaves_the_timer_where_it_was",),
    ),
    Mutation(
        "all tax numbers are the same",
        "olhubd/model/check.py",
        "return compact.removeprefix(country_code)",
        'return ""',
        ("tests/model/test_check.py",),
    ),
    Mutation(
        "the error of a run is not kept",
        "olhubd/engine/feed/run_log.py",
        "state=state, error=error, ended_at",
        "state=state, error=None, ended_at",
        ("tests/engine/test_poller.py::test_a_run_that_failed_keeps_its_error",),
    ),
    Mutation(
        "the import log of one account shows those of all",
        "olhubd/store/runs.py",
        '        where.append("account = ?")\n        parameters.append(account)\n',
        "        pass\n",
        ("tests/control/dashboard/test_pages.py::test_the_import_log",),
    ),
    Mutation(
        "an account goes although its offers are linked",
        "olhubd/engine/operator/accounts.py",
        "if linked := (await offers.linked_accounts(reader, [name])).get(name):",
        "if linked := 0:",
        ("tests/control/test_offers.py::test_an_account_with_linked_offers_is_not_removed_and_lists_them",),
    ),
    Mutation(
        "an offer in doubt is raised",
        "olhubd/engine/levels/wanted.py",
        "held=held,",
        "held=None,",
        (
            "tests/engine/levels/test_linking.py::test_another_article_number_holds_what_would_be_raised_and_nothing_else",
        ),
    ),
)
