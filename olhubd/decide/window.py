"""Windows that collect: a target gets its statuses or payments at set times, each order's last value once. Pure.

A window of an hour opens at each full hour in UTC, one of four hours at 00:00, 04:00 and so on, whatever the zone
and its daylight saving. What waits for one holds up nothing behind it: a parcel goes at once.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from olhubd.decide.route import Route
from olhubd.model import Action, Delivery, DeliveryState, Reason

__all__ = ["COLLECTED", "opens_at", "patience", "waits_until", "was_collected", "why_waiting"]

COLLECTED = frozenset({Action.SET_STATUS, Action.SET_PAYMENT})
"""What may be sent by windows: a value of which the last one counts."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def opens_at(now: datetime, window: timedelta) -> datetime:
    """When the next window opens after `now`; `now` itself where there are none."""
    return now if window <= timedelta(0) else _EPOCH + ((now - _EPOCH) // window + 1) * window


def patience(route: Route, action: Action) -> timedelta:
    """For how long the route itself keeps what it sends by this action, at most."""
    windows = {Action.SET_STATUS: route.status_window, Action.SET_PAYMENT: route.payment_window}
    return max(timedelta(seconds=route.hold_seconds), windows.get(action, timedelta(0)))


def was_collected(delivery: Delivery) -> bool:
    """Whether it was planned for a window, and has not been tried yet."""
    return (
        delivery.action in COLLECTED
        and delivery.state is DeliveryState.PENDING
        and delivery.due_at > delivery.created_at
    )


def waits_until(delivery: Delivery, now: datetime) -> datetime | None:
    """When the window opens that it waits for; None where it waits for none."""
    return delivery.due_at if was_collected(delivery) and delivery.due_at > now else None


def why_waiting(delivery: Delivery, now: datetime) -> Reason | None:
    """The same as people read it."""
    at = waits_until(delivery, now)
    return None if at is None else Reason("delivery.window", at=f"{at:%Y-%m-%d %H:%M} UTC")
