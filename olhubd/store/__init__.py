"""The only SQL of the project: schema, migrations, one module per record, and the unit of work.

Callers above see functions and records. What is not stored here did not happen.
"""

from olhubd.store.database import FAILURES, TROUBLE, Database, Reader, StoreError, Transaction
from olhubd.store.upgrade import Planned, Watcher

__all__ = ["FAILURES", "TROUBLE", "Database", "Planned", "Reader", "StoreError", "Transaction", "Watcher"]
