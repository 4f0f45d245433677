"""Whether an earlier process may have sent an order whose sending this database does not know of. Pure.

After a restored backup, a reverted machine or a lost file the shop holds more than the database knows. No process
can have sent what came into being after it was gone; of all else nothing is proved, and it is looked up first.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from olhubd.model import OrderId

__all__ = ["Doubt"]


class Doubt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is in doubt of one account's orders.

    `last` is the newest row there was when the account's feed was first read to its end in this process; None until
    it was. `until` is the source's own time at that moment: what was placed before, by the same clock, was there to
    be sent, even if it comes into the database later. None where the source gives no time.
    """

    last: OrderId | None = None
    until: datetime | None = None

    def covers(self, order_id: OrderId, placed_at: datetime) -> bool:
        """Whether an earlier process may have sent this order."""
        if self.last is None or order_id <= self.last:
            return True
        return self.until is not None and placed_at < self.until
