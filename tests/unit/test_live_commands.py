"""Clicks in approve mode: one click one order, contradicting clicks, expiry, the kill switch through a restart."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from deepalpha.config import Settings, Workspace
from deepalpha.live import Loop
from deepalpha.live.pending import Pending
from deepalpha.live.workstation import Workstation
from deepalpha.types import Approval

SETTINGS = Settings.from_mapping(
    {"symbols": ["AAPL", "IBM", "MSFT"], "history_bars": 300, "replay": {"start": "2012-06-01"}}
)
MAX_STEPS = 150


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "ws")


def waiting(loop: Loop) -> tuple[Workstation, Pending]:
    """Step until a decision waits."""
    station = Workstation(loop.workspace)
    for _ in range(MAX_STEPS):
        asyncio.run(loop.step())
        loop.heartbeat()
        if found := station.pending():
            return station, found[0][0]
    raise AssertionError(f"no decision in {MAX_STEPS} steps")


def count(loop: Loop, table: str, where: str = "1 = 1") -> int:
    return int(loop.ops.scalar(f"SELECT count(*) FROM {table} WHERE {where}") or 0)


def test_the_market_waits_for_the_click_and_one_click_is_one_order(workspace: Workspace) -> None:
    loop = Loop(workspace, SETTINGS)
    station, pending = waiting(loop)
    assert loop.state == "waiting"
    assert [station.approve(pending.decision_id), station.approve(pending.decision_id)] == [True, False]
    assert loop.desk.poll() == 1
    assert count(loop, "order_intent") == 1
    assert station.answer("approve", pending.decision_id) == ("done", f"order {pending.order.client_order_id} sent")
    asyncio.run(loop.step())
    fills = station.fills()
    assert fills["client_order_id"].to_list()[-1] == pending.order.client_order_id
    detail = station.decision(pending.decision_id)
    assert detail is not None
    assert (detail.status, len(detail.orders) >= 1, len(detail.fills)) == ("approved", True, 1)
    assert station.positions()[0].stop_loss == pending.order.stop_loss
    account = station.account()
    assert account is not None
    assert account.equity == account.cash + account.position_value


def test_the_first_of_two_contradicting_clicks_wins(workspace: Workspace) -> None:
    loop = Loop(workspace, SETTINGS)
    station, pending = waiting(loop)
    assert station.reject(pending.decision_id)
    assert station.approve(pending.decision_id)
    loop.desk.poll()
    assert count(loop, "order_intent") == 0
    answered = station.answer("approve", pending.decision_id)
    assert answered is not None
    assert answered[0] == "refused"


def test_a_click_while_no_engine_runs_acts_at_the_next_start(workspace: Workspace) -> None:
    station, pending = waiting(Loop(workspace, SETTINGS))
    station.approve(pending.decision_id)
    loop = Loop(workspace, SETTINGS)
    loop.desk.poll()
    assert count(loop, "order_intent") == 1
    again = Loop(workspace, SETTINGS)
    assert again.desk.poll() == 0
    assert count(again, "order_intent") == 1


def test_a_decision_expires_when_nobody_clicks(workspace: Workspace) -> None:
    settings = SETTINGS.model_copy(update={"approval_ttl_bars": 1})
    loop = Loop(workspace, settings)
    station, pending = waiting(loop)
    for _ in range(4):
        asyncio.run(loop.step())
    detail = station.decision(pending.decision_id)
    assert detail is not None
    assert detail.status == "expired"
    station.approve(pending.decision_id)
    loop.desk.poll()
    assert count(loop, "order_intent", f"decision_id = '{pending.decision_id}'") == 0


def test_the_kill_switch_stops_new_orders_and_survives_a_restart(workspace: Workspace) -> None:
    loop = Loop(workspace, SETTINGS)
    station, pending = waiting(loop)
    station.kill(by="test")
    station.approve(pending.decision_id)
    loop.desk.poll()
    assert count(loop, "order_intent") == 0
    assert station.pending() == ()
    restarted = Loop(workspace, SETTINGS)
    assert restarted.account.gate.killed == "kill switch by test"
    assert station.status().killed == "kill switch by test"
    verdict = restarted.account.preview(pending.order, restarted.cursor)
    assert (verdict.approved, verdict.rule) == (False, "kill_switch")
    station.rearm(by="test")
    restarted.desk.poll()
    assert Loop(workspace, SETTINGS).account.gate.killed is None


def test_a_position_is_closed_once_by_two_clicks(workspace: Workspace) -> None:
    loop = Loop(workspace, SETTINGS)
    station, pending = waiting(loop)
    station.approve(pending.decision_id)
    loop.desk.poll()
    asyncio.run(loop.step())
    (position,) = [item for item in station.positions() if item.symbol == pending.symbol]
    assert [station.close_position(position.position_id), station.close_position(position.position_id)] == [True, False]
    loop.desk.poll()
    asyncio.run(loop.step())
    assert [item for item in station.positions() if item.symbol == pending.symbol] == []
    fills = loop.ops.rows("SELECT side, quantity FROM fill WHERE symbol = ?", [pending.symbol])
    net = sum(Decimal(str(row["quantity"])) * (1 if row["side"] == "buy" else -1) for row in fills)
    assert net == 0


def test_settings_are_changed_while_running_and_nonsense_is_refused(workspace: Workspace) -> None:
    loop = Loop(workspace, SETTINGS)
    station = Workstation(workspace)
    station.set(bars_per_second=5, approval="auto", paused=True)
    loop.desk.poll()
    assert (loop.bars_per_second, loop.approval, loop.paused, loop.state) == (5.0, Approval.AUTO, True, "paused")
    for nonsense in (
        {"paused": False, "approval": "maybe"},  # one of two is bad: neither is set
        {"bars_per_second": -1},
        {"bars_per_second": True},
        {"paused": 1},
        {"speed": 3},
        {},
    ):
        station.set(**nonsense)
        loop.desk.poll()
        assert (loop.bars_per_second, loop.approval, loop.paused) == (5.0, Approval.AUTO, True), nonsense
    refusals = count(loop, "audit", "kind = 'command' AND status = 'refused'")
    assert refusals == 6
    again = Loop(workspace, SETTINGS)
    assert (again.bars_per_second, again.approval) == (5.0, Approval.AUTO), "a restart goes on as it was set"


def test_the_sql_trail_shows_bar_votes_verdict_approval_order_and_fill(workspace: Workspace) -> None:
    loop = Loop(workspace, SETTINGS)
    station, pending = waiting(loop)
    station.approve(pending.decision_id, by="ana")
    loop.desk.poll()
    asyncio.run(loop.step())
    trail = station.sql(f"SELECT * FROM trail WHERE decision_id = '{pending.decision_id}' AND side = 'buy'")
    row = trail.to_dicts()[0]
    assert (row["verdict"], row["approval"], row["client_order_id"]) == (
        "approved",
        "approved",
        pending.order.client_order_id,
    )
    assert row["votes"].count(",") == 4
    assert row["fill_price"] is not None


def test_the_loss_of_the_day_on_the_screen_is_the_gate_s(workspace: Workspace) -> None:
    loop = Loop(workspace, SETTINGS.model_copy(update={"approval": Approval.AUTO}))
    station = Workstation(workspace)
    losses = 0
    for _ in range(60):
        asyncio.run(loop.step())
        loop.heartbeat()
        account = station.account()
        start = loop.account.gate.core.day_start
        assert account is not None
        assert start is not None
        expected = max(Decimal(0), (Decimal(start) - account.equity) / Decimal(start))
        (shown,) = [limit.value for limit in station.limits() if limit.name == "Loss of the day"]
        assert shown == pytest.approx(float(expected), abs=1e-8), "the gate's shares have eight decimals"
        losses += shown > 0
    assert losses > 3, "no day lost anything, so nothing was compared"


def test_the_gate_rules_again_at_the_click(workspace: Workspace) -> None:
    loop = Loop(workspace, SETTINGS)
    station, pending = waiting(loop)
    loop.account.gate.kill("halted between the decision and the click")
    station.approve(pending.decision_id)
    loop.desk.poll()
    assert count(loop, "order_intent") == 0
    answered = station.answer("approve", pending.decision_id)
    assert answered is not None
    assert answered[0] == "refused"
    assert "halted between the decision and the click" in answered[1]
    detail = station.decision(pending.decision_id)
    assert detail is not None
    assert detail.status == "refused"


def test_the_kill_switch_lets_go_of_what_waits_and_cancels_entries(workspace: Workspace) -> None:
    loop = Loop(workspace, SETTINGS)
    station, pending = waiting(loop)
    station.approve(pending.decision_id)
    loop.desk.poll()
    assert loop.account.gateway.working() == (pending.order.client_order_id,)
    for other, _ in station.pending():
        assert other.decision_id != pending.decision_id
    station.kill(by="test")
    loop.desk.poll()
    assert station.pending() == ()
    assert loop.account.gateway.working() == ()
    assert loop.account.gateway.order_state(pending.order.client_order_id) == "cancelled"


def test_a_waiting_decision_expires_at_the_kill_switch(workspace: Workspace) -> None:
    loop = Loop(workspace, SETTINGS)
    station, pending = waiting(loop)
    station.kill(by="test")
    loop.desk.poll()
    assert station.pending() == ()
    detail = station.decision(pending.decision_id)
    assert detail is not None
    assert detail.status == "expired"
