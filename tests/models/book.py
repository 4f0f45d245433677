"""The stock of one item as a transition system: a master, one channel, sales, copies, readings and writes.

Every step that can come between two others is one of its own: a sale between reading and writing, a command that
acts late or of which the answer is lost, two landings of which each reads before it writes. Each rule of the hub is
a switch, so that it can be seen what goes wrong without it.

The master counts free pieces. A sale at the channel lowers the channel's own number at once. What the hub writes is
absolute, as most systems have it, so sales that nobody has told yet are overwritten: those made after the orders
were read to their end are the systems' own delay and are excused. Whatever else is sold beyond what was bought is a
fault of the hub.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Rules", "State", "start", "steps", "wrong"]


@dataclass(frozen=True)
class Rules:
    """What the hub keeps to."""

    lock: bool = True
    """Whoever changes what concerns an item locks it first."""
    reserves_with_order: bool = True
    """The reservation is made in the transaction that stores the order."""
    seen_by_later_reading: bool = True
    """A reservation is released by a reading asked for after the copy was known, not by the copy itself."""
    reads_orders_first: bool = True
    """Raising waits until the orders were read to their end after the reading began."""
    one_unsettled: bool = True
    """No newer value is sent while what became of the one before is unknown."""
    restock: int = 1
    stock: int = 1
    sales: int = 2
    """How many more are bought at the channel than there were at first."""


class State(NamedTuple):
    """`shelf` is what the master shows. `unread` are sales that have not landed, of which `before` were made before
    the reading in force was asked for. `held`, `away` and `known` are reserved pieces: without a copy, with one
    that the hub does not know of, with a known one that no reading has shown."""

    shelf: int
    shown: int
    sold: int
    bought: int
    excused: int = 0
    unread: int = 0
    before: int = 0
    unreserved: int = 0
    """Sales whose order has landed without its reservation."""
    held: int = 0
    away: int = 0
    known: int = 0
    number: int = 0
    """What the newest reading says."""
    asked: tuple[int, int] | None = None
    """A reading under way: how many of `known` were there when it was asked for, and the sales unread then."""
    answer: int | None = None
    """What it says; None until the master has answered."""
    through: bool = True
    """Whether the orders were read to their end since the reading in force was asked for."""
    total: int | None = None
    """The sum of reservations that a landing has read and has not written yet, where nothing locks the item."""
    sum: int = 0
    """Reserved pieces that count, as the item's row has them."""
    confirmed: int = 0
    lowers: bool = True
    """Whether the orders were read to their end since `confirmed` was read: a sale that lands now is later."""
    open: tuple[tuple[int, int, bool], ...] = ()
    """Values that were sent and may still act, each with the sales that it overwrites and that the systems' own
    delay excuses, and whether nothing was sent after it."""
    settling: bool = False
    """Whether what was sent has acted or is lost, and was not read back."""
    aim: int = 0
    """The value sent last, or read since."""
    restocked: int = 0


def start(rules: Rules) -> State:
    return State(
        shelf=rules.stock,
        shown=rules.stock,
        sold=0,
        bought=rules.stock,
        number=rules.stock,
        confirmed=rules.stock,
        aim=rules.stock,
    )


def wrong(state: State) -> str | None:
    if state.sold > state.bought + state.excused:
        return f"{state.sold} sold of {state.bought}"
    quiet = not state.open and not state.settling and not state.unread
    if quiet and state.shown > state.confirmed:
        return f"the channel shows {state.shown} for good, and the hub believes {state.confirmed}"
    return None


def steps(rules: Rules, state: State) -> Iterator[tuple[str, State]]:
    yield from _others(rules, state)
    yield from _landings(rules, state)
    yield from _readings(rules, state)
    yield from _writes(rules, state)


def _others(rules: Rules, s: State) -> Iterator[tuple[str, State]]:
    """What buyers, the shop and the systems do."""
    if s.shown and s.sold < rules.sales + rules.stock:
        late = tuple((value, excuse + 1, last) for value, excuse, last in s.open)
        yield "buy", s._replace(shown=s.shown - 1, sold=s.sold + 1, unread=s.unread + 1, open=late)
    if s.restocked < rules.restock:
        yield (
            "restock",
            s._replace(shelf=s.shelf + 1, bought=s.bought + 1, restocked=s.restocked + 1),
        )
    if s.held:
        # The shop takes the piece when the copy is made; the hub hears of it later.
        yield "copy made", s._replace(held=s.held - 1, away=s.away + 1, shelf=s.shelf - 1)
    for index, (value, excuse, last) in enumerate(s.open):
        rest = s.open[:index] + s.open[index + 1 :]
        # Nobody waits for a command any more after which another one was sent.
        settling = s.settling or rules.one_unsettled or last
        yield (
            f"write {value} acts",
            s._replace(open=rest, shown=value, excused=s.excused + excuse, settling=settling),
        )
        yield f"write {value} is lost", s._replace(open=rest, settling=settling)


def _landings(rules: Rules, s: State) -> Iterator[tuple[str, State]]:
    """Orders land. Without the lock a landing reads the sum, another one writes between, and it writes its own."""
    if s.unread:
        rest = _landed(s)
        if not rules.reserves_with_order:
            yield "order lands", rest._replace(unreserved=s.unreserved + 1)
        elif rules.lock:
            yield "order lands", rest._replace(held=s.held + 1, sum=s.sum + 1)
        else:
            if s.total is None:
                yield "landing reads", s._replace(total=s.sum)
            yield "order lands", rest._replace(held=s.held + 1, sum=s.sum + 1)
    if s.total is not None and s.unread:
        yield (
            "landing writes what it read",
            _landed(s)._replace(held=s.held + 1, sum=s.total + 1, total=None),
        )
    if s.unreserved:
        yield "reserved later", s._replace(unreserved=s.unreserved - 1, held=s.held + 1, sum=s.sum + 1)
    if s.unread == 0 and not (s.through and s.lowers):
        yield "orders read to their end", s._replace(through=True, lowers=True, before=0)
    if s.away:
        if rules.seen_by_later_reading:
            yield "copy known", s._replace(away=s.away - 1, known=s.known + 1)
        else:
            yield "copy known", s._replace(away=s.away - 1, sum=s.sum - 1)


def _landed(s: State) -> State:
    """A sale has landed, and nothing is reserved for it yet."""
    confirmed = max(0, s.confirmed - 1) if s.lowers and not s.open and not s.settling else s.confirmed
    return s._replace(unread=s.unread - 1, before=max(0, s.before - 1), confirmed=confirmed)


def _readings(rules: Rules, s: State) -> Iterator[tuple[str, State]]:
    if s.asked is None:
        yield "master asked", s._replace(asked=(s.known, s.unread), answer=None)
        return
    known, unread = s.asked
    if s.answer is None:
        yield "master answers", s._replace(answer=s.shelf)
        return
    if s.open:
        return  # when it lands matters to the next write alone
    yield (
        "reading lands",
        s._replace(
            number=s.answer,
            known=s.known - known,
            sum=s.sum - known,
            asked=None,
            answer=None,
            before=min(unread, s.unread),
            through=False,
        ),
    )


def _writes(rules: Rules, s: State) -> Iterator[tuple[str, State]]:
    if s.settling and (not s.open or not rules.one_unsettled):
        yield "read back", s._replace(confirmed=s.shown, aim=s.shown, lowers=False, settling=False)
    if rules.one_unsettled and (s.open or s.settling):
        return
    if len(s.open) == 2:
        return
    wanted = max(0, s.number - s.sum)
    # With another one open it is the value sent last that counts as shown.
    believed = s.aim if s.open or s.settling else s.confirmed
    known = s.through and s.lowers
    if wanted < believed or (wanted > believed and (known or not rules.reads_orders_first)):
        # Lowering waits for nothing, so all that is not told yet is delay. Raising has no such excuse for what was
        # sold before the reading it comes from: the orders were to be read after that.
        overwrites = s.unread if wanted < believed else max(0, s.unread - s.before)
        older = [(value, excuse, False) for value, excuse, _ in s.open]
        yield f"write {wanted}", s._replace(open=(*older, (wanted, overwrites, True)), aim=wanted)
