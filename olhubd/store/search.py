"""The list of orders by what a person looks for, as the home does it.

Which index is to be walked is told to each database in words of its own.
"""

from __future__ import annotations

from olhubd.store.sqlite.search import OrderSearch, find, unlinked

__all__ = ["OrderSearch", "find", "unlinked"]
