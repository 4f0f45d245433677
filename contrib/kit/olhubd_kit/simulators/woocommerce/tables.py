"""What the shop's tables keep of an order. What they cannot hold they lose, and the shop still answers "made".

With orders in tables of their own (HPOS, the default) a text that is too wide for its column fails the saving of
the whole order, whose fault WooCommerce swallows: lines, addresses and meta are gone, the total stays. An old table
of three bytes a letter refuses a row with a letter of four.
"""

from __future__ import annotations

import re
from typing import Any

__all__ = ["SECTIONS", "Tables"]

SECTIONS = ("line_items", "shipping_lines", "fee_lines")
_NARROW = 100
"""Letters of a phone number, the id of a payment method or a transaction."""
_TAG = re.compile(r"<[^>]*>")


class Tables:
    """`hpos`: orders have tables of their own; `old`: those that hold three bytes a letter, "orders" or "items"."""

    def __init__(self, hpos: bool = True) -> None:
        self.hpos = hpos
        self.old: set[str] = set()

    def keep(self, doc: dict[str, Any]) -> set[int]:
        """Change `doc` to what is kept of it. The ids of the rows that are lost."""
        doc["transaction_id"] = doc["transaction_id"][:_NARROW]
        for row in doc["shipping_lines"]:
            row["method_title"] = " ".join(_TAG.sub("", row.get("method_title", "")).split())
        lost: set[int] = set()
        whole = self._whole(doc)
        for section in SECTIONS:
            gone = [
                row for row in doc[section] if not whole or ("items" in self.old and _wide(row.get("name", "")))
            ]
            lost |= {row["id"] for row in gone}
            doc[section] = [row for row in doc[section] if row["id"] not in lost]
        if not whole:
            doc["meta_data"] = []
            for party in ("billing", "shipping"):
                doc[party] = dict.fromkeys(doc[party], "")
        return lost

    def _whole(self, doc: dict[str, Any]) -> bool:
        if not self.hpos:
            return True
        narrow = [doc["payment_method"], doc["billing"]["phone"], doc["shipping"]["phone"]]
        texts = [doc["customer_note"], *doc["billing"].values(), *doc["shipping"].values()]
        return all(len(text) <= _NARROW for text in narrow) and not (
            "orders" in self.old and any(map(_wide, texts))
        )


def _wide(text: str) -> bool:
    return any(ord(letter) > 0xFFFF for letter in text)
