"""What a person asks for of offers, and what goes wrong with it. Drawn apart from the rest of a schedule."""

from __future__ import annotations

import random
from collections.abc import Sequence

from olhubd_torture.network_faults import NetworkFault

__all__ = ["ASKED", "draw_asks"]

ASKED = "make|edit|publish|end|told|bearing|offer"
"""The calls by which offers are made."""
_SPELLS: tuple[tuple[NetworkFault, str], ...] = (
    (NetworkFault.LOSE, "make"),
    (NetworkFault.LATE, "make"),
    (NetworkFault.HANG, "make"),
    (NetworkFault.PAGE_AFTER, "make|edit"),
    (NetworkFault.LOSE, "edit|publish|end"),
    (NetworkFault.LATE, "edit|publish|end"),
    (NetworkFault.CUT, "make|edit|told"),
    (NetworkFault.DOWN, ASKED),
    (NetworkFault.THROTTLE, ASKED),
    (NetworkFault.SLOW, "bearing|told"),
)

Drawn = tuple[float, str, dict[str, object]]


def draw_asks(dice: random.Random, markets: Sequence[str], span: float, small: bool) -> list[Drawn]:
    """The steps: when, which verb, and what it says."""
    found: list[Drawn] = []
    for number in range(1 if small else dice.choice((1, 1, 2))):
        where, sku, at = dice.choice(markets), f"OWN-{number}", dice.uniform(0, span)
        public, ended = dice.random() < 0.6, False

        def ask(verb: str, at: float, **more: object) -> None:
            found.append((at, "ask", {"where": where, "what": sku, "match": verb, **more}))  # noqa: B023

        ask("list", at, count=dice.randint(10, 99), it=number + 1, also=int(public))
        for _ in range(dice.choice((0, 1, 2, 3))):
            at += dice.uniform(0.5, 60)
            chance = dice.random()
            if chance < 0.6:
                ask("edit", at, count=dice.choice((0, dice.randint(10, 99))), it=dice.randint(10, 99))
            elif chance < 0.8 and not public and not ended:
                public = True
                ask("publish", at)
            elif not ended:
                ended = True
                ask("withdraw", at)
        for _ in range(dice.choice((0, 1, 1, 2))):
            ill, match = dice.choice(_SPELLS)
            seconds = dice.uniform(20, 60) if ill in (NetworkFault.HANG, NetworkFault.SLOW) else 0.0
            more = {"what": ill.value, "match": match, "count": dice.choice((1, 1, 2, 3)), "seconds": seconds}
            found.append((dice.uniform(0, at), "spell", {"where": where, **more}))
        if dice.random() < 0.3:
            found.append((dice.uniform(0, at), "tarry", {"where": where, "count": dice.choice((1, 2))}))
    return found
