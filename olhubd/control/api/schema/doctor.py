"""The checks of an installation."""

from __future__ import annotations

from olhubd.control.api.schema.base import RequestStruct, Text

__all__ = [
    "DoctorQuery",
]


class DoctorQuery(RequestStruct, frozen=True, kw_only=True):
    """`check` is the id of what to look at; it may be given more than once. Without it everything is."""

    check: tuple[Text, ...] = ()
