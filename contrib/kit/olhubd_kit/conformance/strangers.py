"""Answers that the system itself did not give, as firewalls, gateways, caches and a system's own plugins give them.

They come with any status, before the system has acted or after: nothing in them says which.
"""

from __future__ import annotations

from typing import Any

from olhubd_kit.faults import PAGE, Fault, FaultKind

__all__ = ["AFTER_ACTING", "BEFORE_ACTING", "strange"]

_BARE = (400, 401, 402, 403, 404, 405, 406, 409, 410, 412, 413, 414, 422, 429, 431, 451, 500, 503)
_GATEWAYS_JSON = '{"error": {"status": 403, "text": "denied by a rule"}}'

BEFORE_ACTING: tuple[dict[str, Any], ...] = (
    *({"status": status, "body": PAGE} for status in _BARE),
    {"status": 403, "body": ""},
    {"status": 404, "body": "", "content_type": "text/plain"},
    {"status": 401, "body": _GATEWAYS_JSON, "content_type": "application/json"},
)
"""Failed answers."""

AFTER_ACTING: tuple[dict[str, Any], ...] = (
    *BEFORE_ACTING,
    {"status": 200, "body": PAGE},
    {"status": 201, "body": ""},
    {"status": 302, "body": ""},
    {"status": 307, "body": ""},
)
"""And those that look like success."""


def strange(kind: FaultKind, answer: dict[str, Any], **options: Any) -> Fault:
    return Fault(kind=kind, **answer, **options)
