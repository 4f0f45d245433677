"""The only SQL of the project: the port to a database, its homes, and one module a record.

Callers above see functions and records. What is not stored here did not happen.
"""

from olhubd.store.base import Database, LeaseLost, PlannedUpgrade, Reader, StoreError, Transaction, UpgradeWatcher
from olhubd.store.sqlite import FAILURES, TROUBLE

__all__ = [
    "FAILURES",
    "TROUBLE",
    "Database",
    "LeaseLost",
    "PlannedUpgrade",
    "Reader",
    "StoreError",
    "Transaction",
    "UpgradeWatcher",
]
