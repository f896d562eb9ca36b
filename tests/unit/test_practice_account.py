"""What the practice account tells the gate: closed trades, and the pause after a row of losses."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from deepalpha.config import Settings
from deepalpha.execution import PracticeAccount
from deepalpha.types import DAY, Candle, Instrument, OrderRequest, Side

SETTINGS = Settings.from_mapping(
    {
        "risk": {
            "loss_pause_bars": 3,
            "consecutive_losses": 2,
            "max_trade_fraction": 0.5,
            "max_instrument_fraction": 0.5,
            "max_strategy_position": 0.5,
            "cancel_rate": 1,
        }
    }
)


class Days:
    """A practice account that loses a little on every trade: it buys high and sells low by slippage and fees."""

    def __init__(self) -> None:
        instruments = {"X": Instrument(symbol="X")}
        self.account = PracticeAccount(SETTINGS, instruments, bar_ns=DAY)
        self.day = 0
        self.orders = 0
        self.bar()

    def bar(self) -> None:
        self.day += 1
        start, end = self.day * DAY, (self.day + 1) * DAY
        candle = Candle(
            symbol="X",
            timeframe="1d",
            ts_open=start,
            ts_event=end,
            ts_init=end,
            open=100.0,
            high=100.5,
            low=99.5,
            close=100.0,
            volume=1e6,
        )
        self.account.on_candle(candle)
        self.account.mark(end)

    def order(self, side: Side) -> OrderRequest:
        self.orders += 1
        return OrderRequest(
            client_order_id=f"o{self.orders}",
            decision_id=f"d{self.orders}",
            symbol="X",
            side=side,
            quantity=Decimal(10),
            reference_price=Decimal(100),
            strategy="agents",
            reduce_only=side is Side.SELL,
            stop_loss=Decimal("98.5") if side is Side.BUY else None,
        )

    def refusal(self, side: Side) -> str:
        """Trade at the next bar; the rule that refuses, or nothing."""
        now = (self.day + 1) * DAY
        verdict, approved = self.account.check(self.order(side), now)
        if approved is not None:
            self.account.submit(approved, now)
            self.bar()
        return verdict.rule

    def lose(self) -> None:
        assert self.refusal(Side.BUY) == ""
        assert self.refusal(Side.SELL) == ""


def test_a_row_of_losses_pauses_entries_and_the_pause_ends() -> None:
    days = Days()
    days.lose()
    days.lose()
    assert days.refusal(Side.BUY) == "consecutive_losses"
    days.bar()
    assert days.refusal(Side.BUY) == "consecutive_losses", "two of three bars have passed since the fill at the open"
    days.bar()
    assert days.refusal(Side.BUY) == ""


@pytest.mark.parametrize("idle", [1, 10])
def test_time_does_not_end_a_row_that_is_not_full(idle: int) -> None:
    days = Days()
    days.lose()
    for _ in range(idle):
        days.bar()
    days.lose()
    assert days.refusal(Side.BUY) == "consecutive_losses"


def test_rules_of_strategies_own_orders_and_cancels_are_measured() -> None:
    days = Days()
    assert days.refusal(Side.BUY) == ""
    now = (days.day + 1) * DAY
    checks = {check.rule: check for check in days.account.preview(days.order(Side.BUY), now).checks}
    held = days.account.gateway.account(now)
    share = 2 * held.position_value / held.equity
    assert checks["max_strategy_position"].measured
    assert float(checks["max_strategy_position"].value.removesuffix(" %")) == pytest.approx(
        float(share) * 100, abs=0.01
    )
    assert checks["strategy_leverage"].measured
    assert checks["self_trade"].value == "no"
    assert checks["cancel_rate"].value == "0"


def test_cancels_count_for_their_rate_and_are_never_kept_waiting_by_it() -> None:
    days = Days()
    now = (days.day + 1) * DAY
    names = []
    for _ in range(3):
        order = msgspec.structs.replace(days.order(Side.BUY), type="limit", limit_price=Decimal(99), forced=True)
        approved = days.account.check(order, now)[1]
        assert approved is not None
        days.account.submit(approved, now)
        names.append(order.client_order_id)
    for name in names:
        days.account.cancel(name, now, "by hand")
    assert days.account.gateway.working() == ()
    assert days.refusal(Side.BUY) == "cancel_rate", "three in this second, one is the bound"
