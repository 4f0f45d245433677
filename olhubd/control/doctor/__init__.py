"""The doctor: looks whether all is well, says what is not, and how to mend it. It mends nothing itself.

What only the daemon knows is asked over the endpoint; what the machine knows is asked also without a daemon.
"""

from __future__ import annotations

from olhubd.control.api.schema.base import Nothing
from olhubd.control.api.schema.doctor import DoctorQuery
from olhubd.control.doctor.finding import CHECKS, CheckState, Diagnosis
from olhubd.control.doctor.inside import KNOWN, Examination
from olhubd.control.http.problem import Refusal
from olhubd.control.http.routes import Call, route

__all__ = ["ROUTES"]


async def examine(call: Call[DoctorQuery, Nothing]) -> Diagnosis:
    """Look at everything, or at what is named by `check`. The systems of the accounts are asked who they are."""
    asked = call.query.check
    hub = call.hub
    own: dict[str, object] = {}
    hub.configuration.plugins.manager.hook.olhubd_register_checks(register=own.__setitem__)
    for name in asked:
        if name not in KNOWN and name not in own:
            known = ", ".join([*KNOWN, *own])
            why = "is for the command line" if name in CHECKS else f"is none; known: {known}"
            raise Refusal(400, "parameter", f"check: {name} {why}", parameter="check")
    async with call.context.examining:
        found = await Examination(hub, call.context.keyring).examine(asked)
    return Diagnosis(items=tuple(found), well=all(one.state is not CheckState.WRONG for one in found))


ROUTES = (route("GET", "/api/v1/doctor", examine, limit=110.0),)
