"""What the holds of many deliveries have in common, so that one decision can end all that have it. Pure.

Forty orders that a shop refuses for one missing setting are forty deliveries with forty sentences: each names its
own order or product. Their cause is the same: the target, the action, and the reason without what names one.
"""

from __future__ import annotations

import hashlib
import re

from olhubd.model import Action, Money, Reason, Value

__all__ = ["cause"]

_PARTICULAR = re.compile(r"""(?<!\w)["'«„“`][^"'»”“`]*\d[^"'»”“`]*["'»”“`](?!\w)|\S*[\d@]\S*""")
"""What in another system's sentence names one record: what is quoted with a digit in it, a number, an address. A
quoted word is that of a method, a field or a class."""
_ANSWER = re.compile(r"[1-5]\d\d")
"""The status of an answer, behind the call or the name of its protocol: it says what happened."""
_STATUS = frozenset({"status"})
"""Values of a reason whose number says what happened."""
_NAMING = frozenset(
    {
        "delivery",
        "ean",
        "external_id",
        "ids",
        "image",
        "item",
        "items",
        "line",
        "lines",
        "number",
        "offer",
        "offers",
    }
    | {"order", "orders", "product", "products", "record", "reference", "sku", "skus", "title", "waybill"}
)
"""Values of a reason that name records, whatever they look like."""
_SIZE = 6
"""Bytes of the digest: some tens of causes stand beside each other, not millions."""


def cause(target: str, action: Action, reason: str | None) -> str:
    """The name of the cause of a hold: the same for deliveries that wait for the same."""
    words = "\n".join((target, action.value, _common(reason or "")))
    return hashlib.blake2b(words.encode(), digest_size=_SIZE).hexdigest()


def _common(reason: Value) -> str:
    """A reason without what is particular to one record."""
    if isinstance(reason, Reason):
        values = (
            f"{name}={value if name in _STATUS else '#' if name in _NAMING else _common(value)}"
            for name, value in sorted(reason.values.items())
        )
        return f"{reason.code}({' '.join(values)})"
    if isinstance(reason, int | Money):
        return "#"
    return _PARTICULAR.sub(_covered, reason)


def _covered(found: re.Match[str]) -> str:
    status = _ANSWER.fullmatch(found[0].rstrip(".,:;"))
    return found[0] if status and found.string[: found.start()].endswith(("HTTP ", ": ")) else "#"
