"""Which stock item an offer sells, by what both say of themselves. Pure.

One mark is no identity: sellers use one mark for several things, and a catalogue has one article number for two.
The seller's own mark links where one item alone bears it and nothing speaks against it. An article number proposes;
it links where a second mark agrees: the seller's own, or the name. All else is shown to a person, not guessed.

A link that was made is looked at again when its offer changes: another article number, or another size of its set,
is a doubt. Doubted, an offer is lowered as before and not raised.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from olhubd.model import Link, Linking, LinkOrigin, Reason

__all__ = ["Marks", "PartMarks", "Verdict", "agree", "doubted", "judge", "settled"]

_WORD = re.compile(r"\w+")
_SHORTEST = 3
"""Letters of a word that says something."""
_ENOUGH = 2
"""Words in common that make two names agree, where one of them has as many."""


class PartMarks(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one product that an offer sells with others: its article numbers, and how many pieces."""

    gtins: tuple[str, ...]
    pieces: int


class Marks(msgspec.Struct, frozen=True, kw_only=True):
    """What an offer or a stock item says of itself. `id` is its number in the hub, `gtin` its article number in the
    form in which they are compared."""

    id: int
    name: str
    sku: str | None = None
    gtin: str | None = None
    parts: tuple[PartMarks, ...] = ()
    """Of an offer that sells several products together: each of them."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What an offer sells. `item` and `origin` are there where it is to be linked; `why` says why it is not by
    itself. `candidates` are the items that it may sell, the likeliest first."""

    state: Linking
    item: int | None = None
    origin: LinkOrigin | None = None
    why: str | None = None
    candidates: tuple[int, ...] = ()
    units: Mapping[int, int] = {}
    """How many pieces of each candidate the offer takes, where it sells them together and nothing else."""


def judge(offer: Marks, items: Sequence[Marks], set_size: int | None, *, by_ean: bool) -> Verdict:
    """What an offer sells, of these items of its stock masters. `by_ean`: an article number may link by itself."""
    by_sku = [item for item in items if offer.sku and item.sku == offer.sku]
    if len(offer.parts) > 1:
        return _judge_set(offer, items, by_sku)
    by_gtin = [item for item in items if offer.gtin and item.gtin == offer.gtin]
    both = [item for item in by_sku if item in by_gtin]
    others = [item for item in by_gtin if item not in both]
    candidates = tuple(item.id for item in [*both, *(i for i in by_sku if i not in both), *others])
    if not candidates:
        return Verdict(state=Linking.NONE)
    if len(both) == 1 and len(by_gtin) == 1:
        origin = LinkOrigin.SKU if len(by_sku) == 1 else LinkOrigin.EAN
        if origin is LinkOrigin.SKU or by_ean:
            return Verdict(state=Linking.LINKED, item=both[0].id, origin=origin, candidates=candidates)
    if len(candidates) > 1:
        code = "link.several-skus" if len(by_sku) > 1 else "link.several-items"
        why = Reason(code, n=len(candidates), sku=offer.sku or "")
        return Verdict(state=Linking.CONFLICT, why=why, candidates=candidates)
    (item,) = by_sku or by_gtin
    if by_sku:
        if offer.gtin and item.gtin:
            why = Reason("link.eans-differ", sku=offer.sku, offer=offer.gtin, item=item.gtin)
            return Verdict(state=Linking.PROPOSED, why=why, candidates=candidates)
        return Verdict(state=Linking.LINKED, item=item.id, origin=LinkOrigin.SKU, candidates=candidates)
    against = _against(offer, item, set_size, by_ean=by_ean)
    if against is not None:
        return Verdict(state=Linking.PROPOSED, why=against, candidates=candidates)
    return Verdict(state=Linking.LINKED, item=item.id, origin=LinkOrigin.EAN, candidates=candidates)


def _judge_set(offer: Marks, items: Sequence[Marks], by_sku: Sequence[Marks]) -> Verdict:
    """What an offer of several products sells. An item that bears the seller's mark of the whole, and is none of
    them, is the set itself; else each of them is proposed with its pieces."""
    of_parts = [[item for item in items if item.gtin is not None and item.gtin in one.gtins] for one in offer.parts]
    units: dict[int, int] = {}
    for one, bearers in zip(offer.parts, of_parts, strict=True):
        for item in bearers:
            units[item.id] = units.get(item.id, 0) + one.pieces
    whole = [item for item in by_sku if item.id not in units]
    if len(by_sku) == len(whole) == 1:
        return Verdict(state=Linking.LINKED, item=whole[0].id, origin=LinkOrigin.SKU, candidates=(whole[0].id,))
    candidates = (*(item.id for item in whole), *units)
    if not candidates:
        return Verdict(state=Linking.NONE)
    if whole or any(len(bearers) > 1 for bearers in of_parts):
        why = Reason("link.several-skus" if whole else "link.several-items", n=len(candidates), sku=offer.sku or "")
        return Verdict(state=Linking.CONFLICT, why=why, candidates=candidates)
    found = sum(1 for bearers in of_parts if bearers)
    why = Reason("link.set-of-several", n=len(offer.parts), found=found)
    # With a part that is not known, what is known of the others is not what the offer sells.
    known = units if found == len(offer.parts) else {}
    return Verdict(state=Linking.PROPOSED, why=why, candidates=candidates, units=known)


def _against(offer: Marks, item: Marks, set_size: int | None, *, by_ean: bool) -> Reason | None:
    """What keeps an article number from linking by itself."""
    if not by_ean:
        return Reason("link.ean-off")
    if offer.sku and item.sku:
        return Reason("link.skus-differ", offer=offer.sku, item=item.sku)
    if set_size is not None and set_size != 1:
        return Reason("link.set-of-ean", n=set_size)
    return None if agree(offer.name, item.name) else Reason("link.names-differ", offer=offer.name, item=item.name)


def agree(one: str, other: str) -> bool:
    """Whether two names mean one thing: the same numbers in both, and half of the words of the shorter one.

    A number that only one of them has may be that of a pack.
    """
    words, others = _words(one), _words(other)
    if {w for w in words if w.isdecimal()} != {w for w in others if w.isdecimal()}:
        return False
    words, others = _telling(words), _telling(others)
    least = min(len(words), len(others))
    common = len(words & others)
    return least > 0 and common * 2 >= least and common >= min(_ENOUGH, least)


def _words(name: str) -> set[str]:
    # "300ml" and "300 ml" are one.
    return {part for word in _WORD.findall(name.casefold()) for part in re.findall(r"\d+|[^\W\d]+", word)}


def _telling(words: set[str]) -> set[str]:
    return {word for word in words if len(word) >= _SHORTEST and not word.isdecimal()}


def doubted(link: Link, gtin: str | None, set_size: int | None, of_item: str | None) -> Link:
    """The link after its offer was read again, with this article number and this size of its set; the same link
    where nothing speaks against it. `of_item` is the article number of its item.

    What the offer does not report is no change. A larger set takes more pieces at once; a smaller one takes as many
    as before until a person says so.
    """
    doubt = link.doubt
    if set_size is not None and set_size != (link.set_size or 1):
        # The units that a person, or the set itself, last said.
        before = _before(doubt) or link.units
        scaled = -(-before * set_size // (link.set_size or 1))
        units = max(link.units, before, scaled)
        code = "link.set-size-changed"
        doubt = Reason(code, old=link.set_size or 1, new=set_size, before=before, units=units)
        return link if doubt == link.doubt else msgspec.structs.replace(link, units=units, doubt=doubt)
    if gtin is None or doubt is not None or gtin == link.gtin:
        return link
    if link.gtin is None and of_item in (None, gtin):
        return msgspec.structs.replace(link, gtin=gtin)
    old = link.gtin or of_item
    return msgspec.structs.replace(link, doubt=Reason("link.ean-changed", old=old, new=gtin))


def settled(link: Link, gtin: str | None, set_size: int | None, units: int | None) -> Link | None:
    """The link after a person has said that it is right, with so many `units`; with None as many as the size of the
    set makes of those before. None where that is no whole number."""
    before = _before(link.doubt)
    if units is None and before is not None and set_size is not None:
        units, rest = divmod(before * set_size, link.set_size or 1)
        if rest:
            return None
    return msgspec.structs.replace(link, gtin=gtin, set_size=set_size, units=units or link.units, doubt=None)


def _before(doubt: str | None) -> int | None:
    """How many units there were before the size of the set changed, by the doubt about it."""
    found = doubt.values.get("before") if isinstance(doubt, Reason) else None
    return found if isinstance(found, int) else None
