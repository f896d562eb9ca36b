"""Automatic reduction: a loss limit ends in orders that bring the account back, once each, through a restart too."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from deepalpha.config import Settings, Workspace
from deepalpha.live import Loop
from deepalpha.live.reducing import BY
from deepalpha.types import OrderType, Side

SYMBOLS = ["AAPL", "IBM", "MSFT", "GOOG"]
MAX_STEPS = 400
ROOMY = {"max_trade_fraction": 0.2, "max_instrument_fraction": 0.25, "max_strategy_position": 0.25}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "ws")


def settings(**risk: Any) -> Settings:
    return Settings.from_mapping(
        {
            "approval": "auto",
            "symbols": SYMBOLS,
            "history_bars": 300,
            "replay": {"start": "2012-03-01"},
            "risk": {**ROOMY, "max_daily_loss": 0.004, "consecutive_losses": None, **risk},
        }
    )


def state(loop: Loop) -> str:
    return str(loop.account.gate.state["state"])


def step(loop: Loop) -> None:
    asyncio.run(loop.step())


def until_reducing(loop: Loop) -> None:
    for _ in range(MAX_STEPS):
        step(loop)
        if state(loop) != "active":
            assert loop.account.gateway.positions(), "a loss limit was reached with nothing held"
            return
    raise AssertionError(f"no loss limit in {MAX_STEPS} steps")


def ours(loop: Loop) -> list[dict[str, Any]]:
    return loop.ops.rows("SELECT * FROM order_intent WHERE approved_by = ? ORDER BY id", [BY])


def test_flat_sells_every_position_once_and_nothing_else_goes_out(workspace: Workspace) -> None:
    loop = Loop(workspace, settings(reduction="flat"))
    until_reducing(loop)
    held = {position.symbol: position.quantity for position in loop.account.gateway.positions()}
    entries = "SELECT count(*) FROM order_intent WHERE protective = 0 AND reduce_only = 0"
    before = loop.ops.scalar(entries)
    sent = ours(loop)
    assert {row["symbol"]: Decimal(row["quantity"]) for row in sent} == held
    assert all((row["side"], row["type"], row["reduce_only"]) == (Side.SELL, OrderType.MARKET, 1) for row in sent)
    assert loop.reducer.plan(loop.cursor, loop.scribe.batch()) == [], "what works already is not planned again"
    told = loop.ops.rows("SELECT ref FROM audit WHERE kind = 'reduction' AND status = 'planned' ORDER BY id")
    assert [row["ref"] for row in told] == [row["client_order_id"] for row in sent]
    for _ in range(5):
        step(loop)
    assert loop.account.gateway.positions() == ()
    assert len(ours(loop)) == len(sent), "what is flat is reduced no further"
    fills = loop.ops.rows(
        "SELECT client_order_id FROM fill WHERE client_order_id IN (SELECT client_order_id FROM "
        "order_intent WHERE approved_by = ?)",
        [BY],
    )
    assert sorted(row["client_order_id"] for row in fills) == sorted(row["client_order_id"] for row in sent)
    assert loop.ops.scalar(entries) == before, "nothing that opens risk goes out while the account is reducing"


def test_off_leaves_every_position_to_the_person(workspace: Workspace) -> None:
    loop = Loop(workspace, settings(reduction="off"))
    until_reducing(loop)
    step(loop)
    assert ours(loop) == []


def test_within_its_bounds_an_account_is_left_alone(workspace: Workspace) -> None:
    loop = Loop(workspace, settings(reduction="bounds"))
    until_reducing(loop)
    step(loop)
    assert ours(loop) == []


def test_a_halt_by_a_person_sells_nothing(workspace: Workspace) -> None:
    loop = Loop(workspace, settings(reduction="flat", max_daily_loss=0.5, max_drawdown=None))
    while not loop.account.gateway.positions():
        step(loop)
    loop.account.gate.kill("stop", by="a person", now=loop.cursor)
    step(loop)
    assert ours(loop) == []


def test_a_position_beyond_a_tighter_bound_gives_its_excess_and_no_more(workspace: Workspace) -> None:
    """The same account under a bound of 5 %: what is above it goes, in whole lots, the rest stays."""
    until_reducing(Loop(workspace, settings(reduction="off")))
    loop = Loop(workspace, settings(reduction="bounds", max_instrument_fraction=0.05))
    assert state(loop) != "active"
    step(loop)
    equity = loop.account.gateway.account(loop.cursor).equity
    positions = {position.symbol: position for position in loop.account.gateway.positions()}
    sent = ours(loop)
    beyond = {
        symbol for symbol, each in positions.items() if each.quantity * each.last_price > equity * Decimal("0.05")
    }
    assert {row["symbol"] for row in sent} == beyond != set()
    excesses = []
    for row in sent:
        position = positions[row["symbol"]]
        left = position.quantity - Decimal(row["quantity"])
        bound = equity * Decimal("0.05")
        assert left * position.last_price <= bound < (left + 1) * position.last_price
        excesses.append(position.quantity * position.last_price - bound)
    assert excesses == sorted(excesses, reverse=True), "the largest excess goes first"


def test_a_kill_between_plan_and_order_sends_each_order_once(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = Loop(workspace, settings(reduction="flat"))

    def killed(*_: object, by: str) -> None:
        if by == BY:
            raise KeyboardInterrupt

    execute = loop.desk.execute
    monkeypatch.setattr(loop.desk, "execute", lambda pending, by: killed(by=by) or execute(pending, by=by))
    with pytest.raises(KeyboardInterrupt):
        until_reducing(loop)
    assert ours(loop) == []
    planned = loop.ops.rows("SELECT ref FROM audit WHERE kind = 'reduction' ORDER BY id")
    assert planned
    for _ in range(2):
        again = Loop(workspace, settings(reduction="flat"))
        assert [row["client_order_id"] for row in ours(again)] == [row["ref"] for row in planned]
    step(again)
    assert again.account.gateway.positions() == ()
