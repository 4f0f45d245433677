"""One decision about all deliveries that wait for the same cause, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from olhubd.engine.operator import hold_causes
from olhubd.model import Reason
from olhubd.store import codec
from olhubd_kit.faults import Fault, FaultKind
from tests.control.house import House


async def refused(house: House, times: int) -> list[Any]:
    """So many deliveries that the shop refused, the newest first."""
    known = len((await house.get("/deliveries", state="hold"))["items"])
    house.shop.faults.add(Fault(kind=FaultKind.REFUSE, match="POST .*/orders$", status=400, times=times))
    for _ in range(times):
        house.market.ledger.buy()
    found: list[Any] = []

    async def there() -> bool:
        found[:] = (await house.get("/deliveries", state="hold"))["items"]
        return len(found) == known + times

    await house.until(there)
    return found


async def cause(house: House) -> Any:
    (one,) = (await house.get("/hold-causes"))["items"]
    return one


async def test_what_waits_for_the_same_is_one_row(trading: House) -> None:
    """With how many, since when, the newest as an example, and what can be decided about all."""
    rows = await refused(trading, 3)
    answer = await trading.get("/hold-causes")
    assert (answer["causes"], answer["deliveries"]) == (1, 3)
    (one,) = answer["items"]
    assert (one["target"], one["action"], one["count"]) == ("shop", "push-order", 3)
    made = sorted(row["created_at"] for row in rows)
    assert (one["first_at"], one["last_at"]) == (made[0], made[-1])
    assert one["example"]["id"] == rows[0]["id"]
    assert one["decisions"] == ["retry", "discard"], "no rule of the route holds them, the shop has no such order"
    shown = (await trading.get("/deliveries", cause=one["cause"]))["items"]
    assert [row["id"] for row in shown] == [row["id"] for row in rows]
    page = await trading.get("/deliveries", cause=one["cause"], limit=2)
    assert [row["id"] for row in page["items"]] == [row["id"] for row in rows[:2]]
    rest = await trading.get("/deliveries", cause=one["cause"], limit=2, before=page["next"])
    assert [row["id"] for row in rest["items"]] == [rows[2]["id"]]


async def test_all_are_tried_again_and_each_once(trading: House) -> None:
    """Each is in the history of its order, with who did it; each order is in the shop once."""
    rows = await refused(trading, 3)
    one = await cause(trading)
    path = f"/hold-causes/{one['cause']}/retry"
    status, answer = await trading.ask("POST", path, {"until": one["example"]["id"]})
    assert status == 200, answer
    assert (answer["done"], answer["refused"], answer["left"]) == (3, [], 0)

    async def sent() -> bool:
        return not (await trading.get("/deliveries", state="hold"))["items"] and all(
            [(await trading.get(f"/deliveries/{row['id']}"))["external_id"] for row in rows]
        )

    await trading.until(sent)
    references = [entry.reference for entry in trading.shop.books() if entry.reference]
    assert len(references) == len(set(references)) == 3
    for row in rows:
        told = (await trading.get(f"/orders/{row['order']['external_id']}/events"))["events"]
        (again,) = [event for event in told if event["kind"] == "delivery.released"]
        assert again["why"] == "by a program with the token"


async def test_what_came_after_the_look_is_left_alone(trading: House) -> None:
    """A person decides about what was shown, not about what has come since."""
    await refused(trading, 2)
    seen = await cause(trading)
    newest = (await refused(trading, 1))[0]
    assert (await cause(trading))["count"] == 3
    path = f"/hold-causes/{seen['cause']}/discard"
    status, answer = await trading.ask("POST", path, {"until": seen["example"]["id"], "reason": "test purchases"})
    assert (status, answer["done"], answer["left"]) == (200, 2, 0)
    (left,) = (await trading.get("/deliveries", state="hold"))["items"]
    assert left["id"] == newest["id"]
    given_up = (await trading.get("/deliveries", state="discarded"))["items"]
    assert len(given_up) == 2
    told = (await trading.get(f"/orders/{given_up[0]['order']['external_id']}/events"))["events"]
    assert "test purchases" in next(event["text"] for event in told if event["kind"] == "delivery.discarded")


async def test_many_are_decided_in_portions_the_oldest_first(
    trading: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next portion begins behind the one before: one that is refused again meanwhile is not tried twice."""
    monkeypatch.setattr(hold_causes, "_PORTION", 2)
    rows = await refused(trading, 3)
    one = await cause(trading)
    path, until = f"/hold-causes/{one['cause']}/retry", one["example"]["id"]
    trading.shop.faults.add(Fault(kind=FaultKind.REFUSE, match="POST .*/orders$", status=400, times=2))
    _, first = await trading.ask("POST", path, {"until": until})
    assert (first["done"], first["left"], first["through"]) == (2, 1, rows[1]["id"])

    async def back() -> bool:
        return len((await trading.get("/deliveries", state="hold"))["items"]) == 3

    await trading.until(back)
    _, second = await trading.ask("POST", path, {"until": until, "after": first["through"]})
    assert (second["done"], second["left"]) == (1, 0)

    async def tried() -> bool:
        return bool((await trading.get(f"/deliveries/{rows[0]['id']}"))["external_id"])

    await trading.until(tried)
    for row in rows[1:]:
        told = (await trading.get(f"/orders/{row['order']['external_id']}/events"))["events"]
        assert [event["kind"] for event in told].count("delivery.released") == 1


async def test_what_waits_for_something_else_is_no_part_of_the_decision(trading: House) -> None:
    """The cause of most comes first; each is a row, a list and a decision of its own."""
    rows = await refused(trading, 3)
    words = codec.reason(Reason("order.changed-afterwards", what="the address"))
    other = rows[1]["id"]
    await trading.database.write(
        lambda tx: tx.execute("UPDATE deliveries SET reason = ? WHERE id = ?", (words, other))
    )
    first, second = (await trading.get("/hold-causes"))["items"]
    assert (first["count"], second["count"], second["example"]["id"]) == (2, 1, other)
    assert first["example"]["reason"] != second["example"]["reason"]
    path = f"/hold-causes/{first['cause']}/discard"
    _, answer = await trading.ask("POST", path, {"until": first["example"]["id"], "reason": "test purchases"})
    assert (answer["done"], answer["left"]) == (2, 0)
    assert [row["id"] for row in (await trading.get("/deliveries", state="hold"))["items"]] == [other]


async def test_one_that_waits_for_something_else_by_then_is_left_alone(
    trading: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named with why, and keeps no other: what is compared is what it waits for as it is decided about."""
    rows = await refused(trading, 3)
    one = await cause(trading)
    words, other = codec.reason(Reason("order.changed-afterwards", what="the address")), rows[1]["id"]
    discard = trading.hub.delivery_actions.discard

    async def meanwhile(*args: Any, **named: Any) -> Any:
        await trading.database.write(
            lambda tx: tx.execute(
                "UPDATE deliveries SET reason = ? WHERE id = ? AND state = 'hold'", (words, other)
            )
        )
        return await discard(*args, **named)

    monkeypatch.setattr(trading.hub.delivery_actions, "discard", meanwhile)
    path = f"/hold-causes/{one['cause']}/discard"
    status, answer = await trading.ask("POST", path, {"until": one["example"]["id"], "reason": "test purchases"})
    assert (status, answer["done"]) == (200, 2)
    assert [(row["id"], row["why_code"]) for row in answer["refused"]] == [(other, "delivery.other-cause")]
    assert [row["id"] for row in (await trading.get("/deliveries", state="hold"))["items"]] == [other]


async def test_what_a_rule_of_the_route_holds_is_released_together(trading: House) -> None:
    """The orders go with a free line, as they would one by one. What no rule holds is not let go by that word."""
    trading.path.write_text(trading.path.read_text().replace('to = "shop"', 'to = "shop"\nunlinked = "hold"'))
    await trading.hub.reload(trading.configuration())
    known = dict(trading.shop.catalogue.products)
    trading.shop.catalogue.products.clear()
    for _ in range(2):
        trading.market.ledger.buy()

    async def there() -> bool:
        return len((await trading.get("/deliveries", state="hold"))["items"]) == 2

    await trading.until(there)
    one = await cause(trading)
    assert (one["count"], "release" in one["decisions"]) == (2, True)
    path = f"/hold-causes/{one['cause']}/release"
    status, answer = await trading.ask("POST", path, {"until": one["example"]["id"]})
    assert (status, answer["done"]) == (200, 2)
    await trading.until(trading.settled)
    assert len(trading.shop.books()) == 2
    trading.shop.catalogue.products.update(known)
    rows = await refused(trading, 2)
    one = await cause(trading)
    assert "release" not in one["decisions"]
    path = f"/hold-causes/{one['cause']}/release"
    status, answer = await trading.ask("POST", path, {"until": one["example"]["id"]})
    assert (status, answer["done"]) == (200, 0)
    assert {row["id"] for row in answer["refused"]} == {row["id"] for row in rows}
    assert {row["why_code"] for row in answer["refused"]} == {"delivery.no-rule"}


async def test_an_unknown_cause_and_a_wrong_question(trading: House) -> None:
    status, problem = await trading.ask("POST", "/hold-causes/feedbeef/retry", {"until": 9})
    assert (status, problem["type"]) == (404, "urn:olhubd:problem:not-found")
    assert "'feedbeef'" in problem["detail"]
    await refused(trading, 1)
    one = await cause(trading)
    status, problem = await trading.ask("POST", f"/hold-causes/{one['cause']}/discard", {"until": 1})
    assert (status, "reason" in str(problem)) == (400, True)
    status, problem = await trading.ask("POST", f"/hold-causes/{one['cause']}/retry", {"until": -1})
    assert (status, "until" in str(problem)) == (400, True)
    status, problem = await trading.ask("GET", f"/deliveries?cause={one['cause']}&state=confirmed")
    assert (status, "hold" in str(problem)) == (400, True)
    status, problem = await trading.ask("GET", "/hold-causes?target=nowhere")
    assert (status, "nowhere" in str(problem)) == (400, True)
