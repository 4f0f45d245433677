"""A command of the simulated marketplace that changes many offers later, and what it reports of each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from olhubd_kit.simulators.allegro.population import Json, stamp

__all__ = ["OfferCommand"]


class OfferCommand:
    """What was ordered: `kind` is quantity, price or publication. It acts at `acts`, or never."""

    def __init__(self, id_: str, kind: str, body: Json, at: datetime, acts: datetime | None) -> None:
        self.id, self.kind, self.body, self.at, self.acts = id_, kind, body, at, acts
        self.done: datetime | None = None
        self.offers = [one["id"] for criterion in body["offerCriteria"] for one in criterion["offers"]]
        self.tasks: dict[str, tuple[str, Json | None]] = dict.fromkeys(self.offers, ("NEW", None))

    def summary(self) -> Json:
        states = [status for status, _ in self.tasks.values()]
        counts = {
            "failed": states.count("FAIL"),
            "success": states.count("SUCCESS"),
            "total": len(states) if self.done else 0,
        }
        sent: dict[str, Any] = {"id": self.id, "createdAt": stamp(self.at), "taskCount": counts}
        sent["completedAt"] = stamp(self.done) if self.done else None
        return sent

    def outcomes(self) -> list[Json]:
        """What became of each offer."""
        return [
            {
                "offer": {"id": offer},
                "field": self.kind,
                "status": status,
                "message": error["message"] if error else "",
                "errors": [error] if error else [],
            }
            for offer, (status, error) in self.tasks.items()
        ]
