"""The list of orders by what a person looks for, as the home does it.

Which index is to be walked is named to each database in its own dialect.
"""

from __future__ import annotations

from olhubd.store.sqlite.search import OrderSearch, find, unlinked

__all__ = ["OrderSearch", "find", "unlinked"]
