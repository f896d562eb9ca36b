"""`da.ExecutionEngine` on futures, hedged legs, T+1 shares and other fee models; a restart gives the same account."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import deepalpha as da
from deepalpha.config import Workspace
from deepalpha.errors import ConfigError, OrderError, RiskRefused
from deepalpha.execution.facts import Margin, Settlement
from deepalpha.types import Account, Instrument, InstrumentKind, Position, PositionSide

PERP = Instrument(
    symbol="BTC-PERP",
    kind=InstrumentKind.PERPETUAL,
    tick_size=Decimal("0.1"),
    multiplier=Decimal("0.1"),
    currency="USDT",
    maintenance_margin=Decimal("0.05"),
)
FUTURES: dict[str, Any] = {
    "account_kind": "futures",
    "leverage": "10",
    "cash": "1000",
    "limits": "open",
    "maker_fee": "0.0005",
    "taker_fee": "0.0005",
}


def order(side: str, quantity: str, leg: str = "net", **more: Any) -> dict[str, Any]:
    return {
        "symbol": PERP.symbol,
        "side": side,
        "quantity": quantity,
        "type": "market",
        "position_side": leg,
        **more,
    }


def futures(**settings: Any) -> da.ExecutionEngine:
    engine = da.ExecutionEngine([PERP], **{**FUTURES, **settings})
    engine.start()
    engine.quote(PERP.symbol, bid="999.9", ask="1000")
    return engine


def settlements(engine: da.ExecutionEngine) -> list[Settlement]:
    batch = engine.take_events()
    assert batch is not None
    return [event for event in batch.events if isinstance(event, Settlement)]


def state(engine: da.ExecutionEngine) -> tuple[Account, Margin, tuple[Position, ...]]:
    """The account at one price: no log has prices."""
    engine.quote(PERP.symbol, bid="690", ask="700")
    account = engine.account()
    return (
        Account(**{**{name: getattr(account, name) for name in account.__struct_fields__}, "ts_event": 0}),
        (engine.margin()),
        engine.positions(),
    )


def identity(engine: da.ExecutionEngine, paid_in: str) -> None:
    account, margin = engine.account(), engine.margin()
    explained = Decimal(paid_in) + account.realised_pnl + account.unrealised_pnl - account.fees
    assert account.equity == margin.equity == explained + margin.funding + margin.deficit


def test_a_contract_counts_its_multiplier_and_pays_funding() -> None:
    engine = futures()
    engine.submit_order(order("buy", "10"))
    engine.quote(PERP.symbol, bid="1009.9", ask="1010.1")
    account = engine.account()
    # 10 contracts of 0.1: one unit, bought at 1000 and worth 1010; half a per mille of 1000 is the fee.
    assert (account.unrealised_pnl, account.fees, account.cash) == (Decimal(10), Decimal("0.5"), Decimal("999.5"))
    engine.settle(funding={PERP.symbol: ("0.001", "1010")})
    (paid,) = settlements(engine)
    assert (paid.kind, paid.symbol, paid.amount) == ("funding", PERP.symbol, Decimal("-1.01"))
    assert engine.margin().funding == Decimal("-1.01")
    identity(engine, "1000")


def test_margin_says_what_backs_a_position_and_where_it_would_be_closed() -> None:
    engine = futures()
    engine.submit_order(order("buy", "50"))
    margin, (position,) = engine.margin(), engine.positions()
    assert margin.maintenance == Decimal("0.05") * 5 * position.last_price
    assert margin.used == Decimal("0.1") * 5 * position.last_price
    closes_at = position.liquidation_price
    assert closes_at is not None
    engine.settle(marks={PERP.symbol: closes_at + Decimal("0.1")})
    assert engine.positions(), "above it stands"
    engine.quote(PERP.symbol, bid="800", ask="840")
    engine.settle(marks={PERP.symbol: closes_at - Decimal("0.1")})
    assert not engine.positions(), "below it is closed"
    identity(engine, "1000")


def test_a_long_and_a_short_leg_stand_side_by_side() -> None:
    engine = futures(position_mode="hedging", margin_mode="isolated")
    engine.submit_order(order("buy", "10", "long"))
    engine.submit_order(order("sell", "4", "short"))
    legs = {position.position_side: position for position in engine.positions()}
    assert {side: leg.quantity for side, leg in legs.items()} == {
        PositionSide.LONG: Decimal(10),
        PositionSide.SHORT: Decimal(-4),
    }
    assert all(leg.margin > 0 for leg in legs.values())
    engine.submit_order(order("buy", "4", "short"))
    (left,) = engine.positions()
    assert (left.position_side, left.quantity) == (PositionSide.LONG, Decimal(10))
    identity(engine, "1000")


def test_a_bankrupt_account_owes_nothing_and_the_insurance_is_told() -> None:
    engine = futures()
    engine.quote(PERP.symbol, bid="999.9", ask="1000", ask_size=90)
    engine.submit_order(order("buy", "90"))
    engine.book(PERP.symbol, bids=[], asks=[("600", 1)])
    engine.settle(marks={PERP.symbol: "500"})
    assert [event.kind for event in settlements(engine)] == ["liquidated", "deficit"]
    assert engine.account().equity == 0
    assert engine.margin().deficit > 0
    identity(engine, "1000")


@pytest.mark.parametrize("margin_mode", ["cross", "isolated"])
@pytest.mark.parametrize("position_mode", ["netting", "hedging"])
def test_a_restart_restores_legs_funding_and_liquidations(tmp_path: Path, margin_mode: str, position_mode: str) -> None:
    settings = {
        "margin_mode": margin_mode,
        "position_mode": position_mode,
        "durability": "journalled",
        "workspace": Workspace(tmp_path),
    }
    long, short = ("net", "net") if position_mode == "netting" else ("long", "short")
    engine = futures(**settings)
    engine.submit_order(order("buy", "90", long))
    engine.settle(funding={PERP.symbol: ("0.0007", "1000")})
    engine.submit_order(order("sell", "10", short))
    engine.settle(funding={PERP.symbol: ("-0.0003", "1001")})
    engine.submit_order(order("sell", "5", long))
    engine.quote(PERP.symbol, bid="800", ask="801", bid_size=7)
    engine.settle(marks={PERP.symbol: "800"})
    kinds = {event.kind for event in settlements(engine)}
    assert {"funding", "liquidated"} <= kinds, "the insurance took part of it over"
    before = state(engine)
    engine.stop()

    again = futures(**settings)
    assert again.recovery is not None and again.recovery.fills > 0
    assert state(again) == before
    again.submit_order(order("buy", "1", long))
    identity(again, "1000")
    again.stop()


def test_the_venues_own_orders_have_ids_of_their_session(tmp_path: Path) -> None:
    settings = {"durability": "journalled", "workspace": Workspace(tmp_path)}
    seen = []
    for quantity, price in (("80", "920"), ("25", "880")):
        engine = futures(**settings)
        engine.submit_order(order("buy", quantity))
        engine.quote(PERP.symbol, bid=price, ask="1000")
        engine.settle(marks={PERP.symbol: price})
        assert not engine.positions()
        batch = engine.take_events()
        assert batch is not None
        seen += [getattr(event, "client_order_id", "") for event in batch.events if "LIQ" in str(event)]
        engine.stop()
    assert {name.split("-LIQ-")[0] for name in seen} == {"PAPER-1", "PAPER-2"}


def test_shares_bought_today_are_sold_tomorrow_also_after_a_restart(tmp_path: Path) -> None:
    share = Instrument(
        symbol="600519",
        kind=InstrumentKind.EQUITY,
        lot_size=Decimal(100),
        currency="CNY",
        t_plus_one=True,
        odd_lot_exit=True,
    )
    settings = {"currency": "CNY", "leverage": None, "cash": "1000000", "limits": "open", "durability": "journalled"}
    engine = da.ExecutionEngine([share], workspace=tmp_path, **settings)

    def start() -> None:
        engine.start()
        engine.quote(share.symbol, bid="9.99", ask="10")

    def sell() -> str:
        order = engine.submit_order({"symbol": share.symbol, "side": "sell", "quantity": 100, "type": "market"})
        found = engine.order(order)
        assert found is not None
        return str(found["state"])

    start()
    engine.submit_order({"symbol": share.symbol, "side": "buy", "quantity": 200, "type": "market"})
    with pytest.raises(RiskRefused, match="lot size"):
        engine.submit_order({"symbol": share.symbol, "side": "buy", "quantity": 150, "type": "market"})
    assert sell() == "rejected"
    engine.stop()
    start()
    assert sell() == "rejected", "a restart begins no day"
    engine.start_trading_day()
    engine.stop()
    start()
    assert sell() == "filled", "a day that began stays begun"
    assert engine.positions()[0].quantity == 100
    engine.stop()


@pytest.mark.parametrize(
    ("fees", "expected"),
    [
        ({"per_order": "5"}, "5"),
        ({"per_share": "0.005", "minimum": "1", "maximum": "0.01"}, "1"),
        ({"tiers": [("0", "0.0001", "0.001"), ("1000000", "0", "0.0005")]}, "10"),
        ({"maker": "0", "taker": "0.002"}, "20"),
    ],
)
def test_other_fee_models(fees: dict[str, Any], expected: str) -> None:
    engine = da.ExecutionEngine(["X"], limits="open", fees=fees)
    engine.start()
    engine.quote("X", bid="99.99", ask="100")
    engine.submit_order({"symbol": "X", "side": "buy", "quantity": 100, "type": "market"})
    assert engine.account().fees == Decimal(expected)


def test_a_depth_venue_has_delay_and_slippage() -> None:
    engine = da.ExecutionEngine(
        ["X"], limits="open", liquidity="depth", slippage={"ticks": 2}, latency_ns={"order": 50_000_000, "cancel": 0}
    )
    engine.start()
    engine.quote("X", bid="99.99", ask="100")
    name = engine.submit_order({"symbol": "X", "side": "buy", "quantity": 1, "type": "limit", "limit_price": "101"})
    found = engine.order(name)
    assert found is not None and found["state"] == "submitted", "it is on its way"
    while (found := engine.order(name)) is not None and found["state"] != "filled":
        engine.quote("X", bid="99.99", ask="100")
    assert engine.positions()[0].average_price == Decimal("100.02")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"account_kind": "spot"}, "a spot account has no leverage"),
        ({"account_kind": "futures", "leverage": None}, "a futures account needs its leverage"),
        (
            {"fees": {"per_order": "1", "tiers": []}},
            "fees has the keys per_order, tiers; it takes maker with taker, or",
        ),
        ({"fees": {"tiers": []}}, "tier 0"),
        ({"slippage": {"bps": 3}}, "slippage has the keys bps; it takes ratio, or ticks"),
        ({"latency_ns": {"order": (5, 3), "cancel": 0}}, "latency_ns of an order is 5..3"),
    ],
)
def test_settings_that_cannot_be_say_what_can(settings: dict[str, Any], message: str) -> None:
    engine = da.ExecutionEngine(["X"], **settings)
    with pytest.raises(OrderError, match=message):
        engine.start()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"account_kind": "cfd"}, "account_kind 'cfd' is not one of spot, margin, futures"),
        ({"queue_model": "best"}, "queue_model 'best' is not one of risk_averse, logarithm or a power"),
        ({"position_mode": "both"}, "position_mode 'both' is not one of netting, hedging"),
    ],
)
def test_a_choice_that_does_not_exist_is_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        da.ExecutionEngine(["X"], **settings)


def test_an_instrument_the_account_cannot_hold_is_refused_at_the_start() -> None:
    foreign = Instrument(symbol="AAPL", currency="USD")
    with pytest.raises(OrderError, match="AAPL is priced in USD and the account is in USDT"):
        da.ExecutionEngine([foreign]).start()
    with pytest.raises(OrderError, match="cannot hold"):
        da.ExecutionEngine([PERP], leverage=None).start()
    with pytest.raises(OrderError, match="multiplier"):
        da.ExecutionEngine([Instrument(symbol="X", currency="USDT", multiplier=Decimal(5))]).start()
