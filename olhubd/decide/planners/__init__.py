"""The planners, in the order in which they plan. One more is a module here and a line in the list.

Each is about the kinds of records that it names; these are about orders.

Forward     an order goes to the target of a route
Update      what a target has is kept up to date
WriteBack   what a target reports of its copy goes back to the source
Seek        what a target may have without our knowledge is looked for there
TellStatus  a status of the seller's own is written where it is mapped
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from olhubd.decide.planners.forward import Forward
from olhubd.decide.planners.own_status import TellStatus
from olhubd.decide.planners.seek import Seek
from olhubd.decide.planners.update import Update
from olhubd.decide.planners.write_back import WriteBack
from olhubd.decide.planning import Planner

__all__ = ["PLANNERS"]

PLANNERS: Sequence[Planner[Any]] = (Forward(), Update(), WriteBack(), Seek(), TellStatus())
