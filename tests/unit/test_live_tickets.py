"""Orders of a person's own: one ticket one order, the gate rules, cancel and amend, and what is wrong is said."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from pathlib import Path

import pytest

from deepalpha.config import Settings, Workspace
from deepalpha.errors import OrderError
from deepalpha.live import Loop
from deepalpha.live.workstation import Workstation
from deepalpha.types import OrderRequest, Origin

SETTINGS = Settings.from_mapping(
    {
        "symbols": ["AAPL", "IBM"],
        "history_bars": 300,
        "replay": {"start": "2012-06-01"},
        "agents": {"enabled": ["trend"]},
    }
)


@pytest.fixture
def loop(tmp_path: Path) -> Loop:
    loop = Loop(Workspace(tmp_path / "ws"), SETTINGS)
    step(loop)
    return loop


def step(loop: Loop) -> None:
    asyncio.run(loop.step())
    loop.heartbeat()


def state(loop: Loop, client_order_id: str) -> str:
    sql = "SELECT state FROM order_event WHERE client_order_id = ? ORDER BY seq DESC LIMIT 1"
    return str(loop.ops.scalar(sql, [client_order_id]))


def order_id(loop: Loop) -> str:
    return str(loop.ops.scalar("SELECT client_order_id FROM order_intent ORDER BY id DESC LIMIT 1"))


def send(loop: Loop, quantity: str = "10", side: str = "buy", **terms: object) -> tuple[str, str]:
    """Submit a ticket for IBM, let the engine answer, give the answer."""
    station = Workstation(loop.workspace)
    ticket = station.submit_order("IBM", side, quantity, **terms)
    loop.desk.poll()
    answered = station.answer("order", ticket)
    assert answered is not None
    return answered


def limit_below(loop: Loop) -> str:
    last = loop.account.last("IBM")
    assert last is not None
    return str((Decimal(last[0]) * Decimal("0.96")).quantize(Decimal("0.01")))


def test_one_ticket_is_one_order_however_often_it_is_sent(loop: Loop) -> None:
    station = Workstation(loop.workspace)
    for _ in range(3):
        station.submit_order("IBM", "buy", "10", ticket_id="ticket-1")
    assert loop.desk.poll() == 1
    body = json.loads(str(loop.ops.scalar("SELECT body FROM order_intent")))
    assert body["order"]["origin"] == Origin.MANUAL.value
    step(loop)
    assert station.fills()["quantity"].to_list()[0] == "10"
    assert station.positions()[0].quantity == 10


def test_the_gate_rules_on_a_ticket_as_on_any_order(loop: Loop) -> None:
    status, message = send(loop, quantity="1000")
    assert status == "refused"
    assert "max_trade_fraction" in message
    assert loop.ops.scalar("SELECT count(*) FROM order_intent") == 0
    loop.account.gate.kill("test")
    status, message = send(loop)
    assert (status, "kill_switch" in message) == ("refused", True)


@pytest.mark.parametrize(
    ("terms", "part"),
    [
        ({"quantity": "0"}, "quantity"),
        ({"quantity": "-1"}, "quantity"),
        ({"quantity": "1.5"}, "lot"),
        ({"type": "limit"}, "limit_price"),
        ({"type": "limit", "limit_price": "100.001"}, "tick"),
        ({"type": "stop", "trigger_price": "0"}, "trigger price"),
        ({"type": "trailing_stop"}, "trailing"),
        ({"post_only": True}, "post-only"),
        ({"stop_loss": "300", "take_profit": "100"}, "stop loss"),
        ({"quantity": "1e30"}, "quantity"),
    ],
)
def test_a_ticket_that_makes_no_sense_is_answered_with_the_reason(
    loop: Loop, terms: dict[str, object], part: str
) -> None:
    before = loop.account.gateway.working()
    status, message = send(loop, **terms)  # type: ignore[arg-type]
    assert status == "refused"
    assert part in message
    assert loop.ops.scalar("SELECT count(*) FROM order_intent") == 0, "an intent would be sent again after a restart"
    assert loop.account.gateway.working() == before


def test_a_ticket_that_cannot_be_read_is_refused_before_it_is_sent(loop: Loop) -> None:
    station = Workstation(loop.workspace)
    for fields in ({"quantity": 1.5}, {"side": "byu"}, {"quantity": "many"}, {"limit_prize": "1"}, {"quantity": "nan"}):
        with pytest.raises(OrderError):
            station.submit_order(**{"symbol": "IBM", "side": "buy", "quantity": "1", **fields})  # type: ignore[arg-type]
    assert loop.desk.poll() == 0


def test_an_unlisted_symbol_is_refused_by_name(loop: Loop) -> None:
    station = Workstation(loop.workspace)
    ticket = station.submit_order("NOPE", "buy", "1")
    loop.desk.poll()
    answered = station.answer("order", ticket)
    assert answered is not None
    assert answered[0] == "refused"
    assert "AAPL, IBM" in answered[1]


def test_a_working_order_is_cancelled_once(loop: Loop) -> None:
    assert send(loop, type="limit", limit_price=limit_below(loop))[0] == "done"
    station, order = Workstation(loop.workspace), order_id(loop)
    assert [row["client_order_id"] for row in station.working_orders()] == [order]
    assert [station.cancel_order(order), station.cancel_order(order)] == [True, False]
    loop.desk.poll()
    assert state(loop, order) == "cancelled"
    assert station.working_orders() == ()


def test_a_working_order_is_amended_and_says_so(loop: Loop) -> None:
    assert send(loop, type="limit", limit_price=limit_below(loop))[0] == "done"
    station, order = Workstation(loop.workspace), order_id(loop)
    ticket = station.amend_order(order, quantity="5")
    loop.desk.poll()
    assert station.answer("amend", ticket) == ("done", f"order {order} is changed")
    with pytest.raises(OrderError, match="nothing to change"):
        station.amend_order(order)


def test_a_ticket_answered_after_a_restart_is_still_one_order(loop: Loop) -> None:
    station = Workstation(loop.workspace)
    station.submit_order("IBM", "buy", "10", ticket_id="ticket-1")
    loop.desk.poll()
    again = Loop(loop.workspace, SETTINGS)
    assert again.desk.poll() == 0
    assert loop.ops.scalar("SELECT count(*) FROM order_intent") == 1


def test_every_term_of_an_order_survives_the_log(loop: Loop) -> None:
    assert send(loop, type="stop_limit", trigger_price="500.00", limit_price="501.00", time_in_force="day")[0] == "done"
    body = json.loads(str(loop.ops.scalar("SELECT body FROM order_intent ORDER BY id DESC LIMIT 1")))
    order = body["order"]
    assert (order["type"], order["trigger_price"], order["time_in_force"]) == ("stop_limit", "500.00", "day")
    restored = Loop(loop.workspace, SETTINGS)
    assert restored.account.gateway.working() == loop.account.gateway.working()
    assert set(order) <= set(OrderRequest.__struct_fields__)
