"""Words of routes, prices and settings that a system does not have: a typo there shows in orders and nowhere else.
Pure.

What a system has is read from it, so a list that could not be read says nothing, and neither does an empty one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from olhubd.decide.own_status import OwnStatuses
from olhubd.decide.pricing.rule import PriceRule
from olhubd.decide.route import Route

__all__ = ["UnknownWord", "Vocabulary", "unknown", "unknown_statuses", "unlisted"]


class Vocabulary(msgspec.Struct, frozen=True, kw_only=True):
    """What one system has, by the word, each with its name for people; None where it is not known."""

    statuses: Mapping[str, str] | None = None
    deliveries: Mapping[str, str] | None = None
    payments: Mapping[str, str] | None = None


class UnknownWord(msgspec.Struct, frozen=True, kw_only=True):
    """A word at `path` of the configuration and that the system of `account` has not.

    `what` is what it should be one of, `known` are those there are. `sent` is whether what is sent goes by it; else
    it is waited for and never comes.
    """

    account: str
    path: tuple[str | int, ...]
    word: str
    what: str
    known: Mapping[str, str]
    sent: bool


def unknown(
    routes: Sequence[Route],
    settings: Mapping[str, Iterable[tuple[str, str, str]]],
    vocabularies: Mapping[str, Vocabulary],
) -> Iterator[UnknownWord]:
    """All of them. `settings` has, by account, the words in its settings: the key, the word and the kind of word.

    A kind is the name of a field of Vocabulary.
    """
    nothing = Vocabulary()
    for index, route in enumerate(routes):
        there = vocabularies.get(route.target, nothing)
        sources = {name: vocabularies.get(name, nothing) for name in sorted(route.sources)}
        for key, word in route.statuses.items():
            yield from _judged(route.target, (index, "statuses", key), word, "status", there.statuses, sent=True)
        for key, word in route.shipping.items():
            at = (index, "shipping", key)
            yield from _judged(route.target, at, word, "delivery method", there.deliveries, sent=True)
            yield from _never(sources, at, key)
        for key, word in route.payment.items():
            at = (index, "payment", key)
            yield from _judged(route.target, at, word, "payment method", there.payments, sent=True)
        for key, word in route.status_back.items():
            at = (index, "status_back", key)
            yield from _judged(route.target, at, key, "status", there.statuses, sent=False)
            for name, source in sources.items():
                yield from _judged(name, at, word, "status", source.statuses, sent=True)
    for account, words in settings.items():
        had = vocabularies.get(account, nothing)
        for key, word, kind in words:
            known = getattr(had, kind)
            what = {"statuses": "status", "deliveries": "delivery method", "payments": "payment method"}[kind]
            if known and word not in known:
                path = ("accounts", account, key, word)
                yield UnknownWord(account=account, path=path, word=word, what=what, known=known, sent=False)


def unknown_statuses(own: OwnStatuses, vocabularies: Mapping[str, Vocabulary]) -> Iterator[UnknownWord]:
    """Words of the seller's own statuses that accounts have not, and first statuses that the list has not."""
    for index, status in enumerate(own.items):
        for account, word in status.sends.items():
            there = vocabularies.get(account, Vocabulary()).statuses
            if account not in own.leading and there and word not in there:
                yield _of_list(account, (index, "sends"), word, there, sent=True)
        for account, words in status.follows.items():
            there = vocabularies.get(account, Vocabulary()).statuses
            for word in words:
                if account in own.leading and there and word not in there:
                    yield _of_list(account, (index, "follows"), word, there, sent=False)
    listed = {one.name: one.title for one in own.items}
    for account, first in own.first.items():
        for key, name in (
            ("first_status", first.general),
            ("first_status_cod", first.cod),
            ("first_status_paid", first.paid),
        ):
            if name is not None and name not in listed:
                yield UnknownWord(
                    account=account,
                    path=("accounts", account, key),
                    word=name,
                    what="own status",
                    known=listed,
                    sent=True,
                )


def _of_list(account: str, at: tuple[int, str], word: str, known: Mapping[str, str], *, sent: bool) -> UnknownWord:
    path = ("statuses", *at, account)
    return UnknownWord(account=account, path=path, word=word, what="status", known=known, sent=sent)


def unlisted(rules: Sequence[PriceRule], lists: Mapping[str, Sequence[str]]) -> Iterator[UnknownWord]:
    """The price lists of rules that their masters have not. `lists` has what was read of each master; one of which
    nothing was read yet says nothing. No price goes by such a rule."""
    for index, rule in enumerate(rules):
        there = lists.get(rule.master, ())
        if there and rule.price_list not in there:
            yield UnknownWord(
                account=rule.master,
                path=("prices", index, "price_list"),
                word=rule.price_list,
                what="price list",
                known={name: name for name in there},
                sent=True,
            )


def _judged(
    account: str, at: tuple[int, str, str], word: str, what: str, known: Mapping[str, str] | None, *, sent: bool
) -> Iterator[UnknownWord]:
    if known and word not in known:
        yield UnknownWord(account=account, path=("routes", *at), word=word, what=what, known=known, sent=sent)


def _never(sources: Mapping[str, Vocabulary], at: tuple[int, str, str], word: str) -> Iterator[UnknownWord]:
    """A delivery method that no source of the route has, by its id or its name, where all could be asked."""
    had: dict[str, str] = {}
    for source in sources.values():
        if not source.deliveries or word in source.deliveries or word in source.deliveries.values():
            return
        had |= {name: name for name in source.deliveries.values()}
    for name in list(sources)[:1]:
        yield UnknownWord(
            account=name, path=("routes", *at), word=word, what="delivery method", known=had, sent=False
        )
