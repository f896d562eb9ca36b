"""An account that is dropped after any bar and restored from its log goes on as if nothing had happened."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deepalpha.config import Settings
from deepalpha.errors import OrderError
from deepalpha.execution import AGENTS, PracticeAccount
from deepalpha.gateways import Report
from deepalpha.live.records import Batch, Scribe
from deepalpha.store import Ops, rows
from deepalpha.types import DAY, Candle, Instrument, Mode, OrderRequest, OrderType, Side, TimeInForce

BARS = 12
SYMBOL = "AAPL"
INSTRUMENTS = {SYMBOL: Instrument(symbol=SYMBOL, tick_size=Decimal("0.01"))}
WIDE = Settings.from_mapping(
    {
        "risk": {
            "max_trade_fraction": 1,
            "max_instrument_fraction": 1,
            "max_exposure": 1,
            "price_band": 1,
            "allow_short": True,
            "max_stop_distance": None,
            "max_volatility": None,
            "volume_share": None,
            "consecutive_losses": None,
            "max_net_exposure": None,
            "max_correlated_exposure": None,
            "max_strategy_position": None,
            "fat_finger_quantity": None,
            "fat_finger_notional": None,
            "max_daily_loss": 1,
            "monthly_drawdown": None,
            "max_drawdown": None,
        }
    }
)
FACTS = (
    "SELECT client_order_id, quantity, type, stop_loss, protective FROM order_intent ORDER BY id",
    "SELECT client_order_id, seq, event, state, ts_event, reason FROM order_event ORDER BY id",
    "SELECT fill_id, quantity, price, fee, realised_pnl, ts_event FROM fill ORDER BY id",
)
_names = itertools.count()


@st.composite
def wishes(draw: st.DrawFn) -> dict[str, Any]:
    """One order relative to the last close, in cents; `act` is what happens to the oldest working order besides."""
    return {
        "side": draw(st.sampled_from(list(Side))),
        "type": draw(st.sampled_from([*OrderType, OrderType.TRAILING_STOP])),
        "quantity": draw(st.integers(1, 60)),
        "near": draw(st.integers(-300, 300)),
        "far": draw(st.integers(1, 300)),
        "time_in_force": draw(st.sampled_from(list(TimeInForce))),
        "post_only": draw(st.booleans()),
        "bracket": draw(st.booleans()),
        "group": draw(st.integers(0, 4)),
        "act": draw(st.sampled_from(["none", "none", "amend", "cancel"])),
    }


@st.composite
def walks(draw: st.DrawFn) -> list[Candle]:
    last, candles = 100.0, []
    for day in range(BARS):
        up, down, part = draw(st.integers(0, 400)), draw(st.integers(0, 400)), draw(st.integers(0, 100))
        high, low = round(last + up / 100, 2), round(max(last - down / 100, 1.0), 2)
        close = round(low + (high - low) * part / 100, 2)
        candle = {"open": last, "high": high, "low": low, "close": close, "volume": float(draw(st.integers(0, 900)))}
        stamps = {"ts_open": day * DAY, "ts_event": (day + 1) * DAY, "ts_init": (day + 1) * DAY}
        candles.append(Candle(symbol=SYMBOL, timeframe="1d", **stamps, **candle))
        last = close
    return candles


def order(wish: dict[str, Any], number: int, candle: Candle) -> OrderRequest:
    near = Decimal(str(round(candle.close + wish["near"] / 100, 2)))
    kind, force, offset = wish["type"], wish["time_in_force"], Decimal(wish["far"]) / 100
    trails = kind is OrderType.TRAILING_STOP
    limit = kind in (OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT)
    conditional = kind not in (OrderType.MARKET, OrderType.LIMIT)
    if conditional and force in (TimeInForce.IOC, TimeInForce.FOK):
        force = TimeInForce.GTC
    away = offset if wish["side"] is Side.BUY else -offset
    close = Decimal(str(candle.close))
    return OrderRequest(
        client_order_id=f"o{number}",
        decision_id=f"decision {number}",
        symbol=SYMBOL,
        strategy=AGENTS,
        side=wish["side"],
        quantity=Decimal(wish["quantity"]),
        reference_price=close,
        type=kind,
        limit_price=near if limit else None,
        trigger_price=near if conditional and not trails else None,
        trailing_offset=offset if trails else None,
        time_in_force=force,
        expires_at=candle.ts_event + wish["far"] * DAY // 60 if force is TimeInForce.GTD else None,
        post_only=wish["post_only"] and limit and force not in (TimeInForce.IOC, TimeInForce.FOK),
        stop_loss=close - away if wish["bracket"] else None,
        take_profit=close + 2 * away if wish["bracket"] else None,
        oco_group=f"g{wish['group']}-{number // 6}" if wish["group"] < 2 else "",
    )


class Session:
    """One account over one log."""

    def __init__(self, path: Path, settings: Settings = WIDE) -> None:
        self.ops = Ops(path)
        self.settings = settings
        self.account = self.fresh()

    def fresh(self) -> PracticeAccount:
        return PracticeAccount(self.settings, INSTRUMENTS, bar_ns=DAY, max_participation=Decimal("0.1"))

    def batch(self) -> Batch:
        return Scribe(
            self.ops, run_id="run", account_id="one", clock=lambda: 0, told=lambda _: None, filled=lambda _: None
        ).batch()

    def bar(self, candle: Candle, wished: list[tuple[int, dict[str, Any]]]) -> None:
        now, batch = candle.ts_event, self.batch()
        batch.report(self.account.on_candle(candle), mode=Mode.PRACTICE, ts_event=now)
        for number, wish in wished:
            made = order(wish, number, candle)
            verdict, approved = self.account.check(made, now)
            if approved is not None:
                try:
                    report = self.account.submit(approved, now)
                except OrderError:
                    continue
                batch.intent(made, mode=Mode.PRACTICE, approved_by="test", ts_event=now, verdict=verdict)
                batch.report(report, mode=Mode.PRACTICE, ts_event=now)
            self.act(wish, now, candle, batch)
        batch.commit()

    def act(self, wish: dict[str, Any], now: int, candle: Candle, batch: Batch) -> None:
        gateway, working = self.account.gateway, self.account.gateway.working()
        if not working or wish["act"] == "none":
            return
        price = Decimal(str(round(candle.close + wish["near"] / 100, 2)))
        steps: list[Callable[[], Report]] = [
            lambda: gateway.amend(working[0], now, quantity=Decimal(wish["quantity"])),
            lambda: gateway.amend(working[0], now, limit_price=price),
        ]
        if wish["act"] == "cancel":
            steps = [lambda: gateway.cancel(working[0], now, "by hand")]
        for step in steps:
            # Terms that an order cannot have are refused, and nothing happens.
            with contextlib.suppress(OrderError):
                batch.report(step(), mode=Mode.PRACTICE, ts_event=now)

    def restart(self, candle: Candle) -> None:
        trails = {name: self.account.trail(name) for name in self.account.gateway.working()}
        before, totals = self.account.state_hash(), self.account.gateway.account(0)
        self.account = self.fresh()
        last = (Decimal(str(candle.close)), candle.ts_event)
        self.account.restore(self.ops, "one", {SYMBOL: last})
        assert {name: self.account.trail(name) for name in self.account.gateway.working()} == trails
        assert self.account.gateway.account(0) == totals
        assert self.account.state_hash() == before


def run(path: Path, flow: list[dict[str, Any]], candles: list[Candle], cuts: set[int]) -> tuple[int, Any]:
    session, wished = Session(path), list(enumerate(flow))
    for step, candle in enumerate(candles):
        session.bar(candle, wished[2 * step : 2 * step + 2])
        if step in cuts:
            session.restart(candle)
    return session.account.state_hash(), [session.ops.rows(sql) for sql in FACTS]


@given(
    flow=st.lists(wishes(), min_size=4, max_size=24),
    candles=walks(),
    cuts=st.sets(st.integers(0, BARS - 1), min_size=1),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_restart_after_any_bar_is_not_noticed(
    flow: list[dict[str, Any]], candles: list[Candle], cuts: set[int], tmp_path: Path
) -> None:
    calm = run(tmp_path / f"calm-{next(_names)}", flow, candles, set())
    assert run(tmp_path / f"cut-{next(_names)}", flow, candles, cuts) == calm


def test_a_trailing_stop_that_was_half_filled_after_a_restart_sells_the_rest(tmp_path: Path) -> None:
    session = Session(tmp_path / "ops")
    prices = [
        (100.0, 100.0, 100.0, 100.0),
        (100.0, 110.0, 99.0, 109.0),
        (109.0, 109.0, 107.0, 107.0),
        (106.0, 106.0, 106.0, 106.0),
    ]
    candles = [
        Candle(
            symbol=SYMBOL,
            timeframe="1d",
            ts_open=day * DAY,
            ts_event=(day + 1) * DAY,
            ts_init=(day + 1) * DAY,
            open=open,
            high=high,
            low=low,
            close=close,
            volume=100.0,
        )
        for day, (open, high, low, close) in enumerate(prices)
    ]
    wish = {"side": Side.SELL, "type": OrderType.TRAILING_STOP, "quantity": 15, "near": 0, "far": 200}
    rest = {"time_in_force": TimeInForce.GTC, "post_only": False, "bracket": False, "group": 4, "act": "none"}
    session.bar(candles[0], [(0, {**wish, **rest, "far": 200})])
    assert session.account.trail("o0") == ("100", "98")
    session.bar(candles[1], [])
    session.restart(candles[1])
    assert session.account.trail("o0") == ("110", "108")
    session.bar(candles[2], [])
    session.restart(candles[2])
    assert session.account.gateway.order_state("o0") == "partially_filled"
    session.bar(candles[3], [])
    sold = [Decimal(str(cells["quantity"])) for cells in session.ops.rows("SELECT quantity FROM fill ORDER BY id")]
    assert sold == [10, 5]


def test_a_pause_after_losses_ends_at_the_same_bar_after_a_restart(tmp_path: Path) -> None:
    risk = WIDE.risk.model_dump() | {"consecutive_losses": 2, "loss_pause_bars": 3}
    market = {"type": OrderType.MARKET, "quantity": 5, "near": 0, "far": 1, "time_in_force": TimeInForce.GTC}
    market |= {"post_only": False, "bracket": False, "group": 4, "act": "none"}

    def accepted(path: Path, *, restarts: bool) -> list[Any]:
        session = Session(path, Settings.model_validate({"risk": risk}))
        for day in range(12):
            price, now = 100.0 - day, (day + 1) * DAY
            stamps = {"ts_open": day * DAY, "ts_event": now, "ts_init": now}
            prices = dict.fromkeys(("open", "high", "low", "close"), price)
            candle = Candle(symbol=SYMBOL, timeframe="1d", **stamps, **prices, volume=1000.0)
            session.bar(candle, [(day, {**market, "side": Side.SELL if day % 2 else Side.BUY})])
            totals, _ = session.account.mark(now)
            batch = session.batch()
            batch.add(rows.equity(batch.stamp, totals, session.account.gateway.positions()))
            batch.commit()
            if restarts:
                session.restart(candle)
        return session.ops.rows("SELECT client_order_id FROM order_intent WHERE protective = 0 ORDER BY id")

    calm = [str(cells["client_order_id"]) for cells in accepted(tmp_path / "calm", restarts=False)]
    assert calm[:4] == ["o0", "o1", "o2", "o3"]
    assert "o4" not in calm, "no pause after two losses"
    assert "o8" in calm, "the pause does not end"
    assert [str(cells["client_order_id"]) for cells in accepted(tmp_path / "cut", restarts=True)] == calm
