"""The SQLite file as the home of the store: the connection that writes, migrations, and what is asked of a file.

Whatever only SQLite knows is in here; the tables beside this folder are written in SQL that both homes take.
"""

from olhubd.store.sqlite.database import FAILURES, TROUBLE, SQLite

__all__ = ["FAILURES", "TROUBLE", "SQLite"]
