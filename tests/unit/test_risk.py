"""The gate from Python: hostile values, the latch, the manager and value at risk against numpy and scipy's words."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import deepalpha as da
from deepalpha import _core
from deepalpha.config import RiskSettings
from deepalpha.errors import ConfigError, DeepAlphaError, OrderError
from deepalpha.risk import Gate, OutOfDomain, RiskManager, last_state, restore_state, risk_rows, rules, value_at_risk
from deepalpha.risk.monitor import Monitor
from deepalpha.store import Ops, rows
from deepalpha.types import DAY, Instrument, OrderRequest, Side

INSTRUMENT = Instrument(symbol="X", tick_size=Decimal("0.01"), lot_size=Decimal(1))
NOW = 10 * DAY


def gate(**changes: object) -> Gate:
    return Gate(RiskSettings.model_validate(changes), bar_ns=DAY)


def order(**changes: object) -> OrderRequest:
    fields: dict[str, object] = {
        "client_order_id": "o1",
        "decision_id": "d1",
        "symbol": "X",
        "side": Side.BUY,
        "quantity": Decimal(1),
        "reference_price": Decimal(100),
        "stop_loss": Decimal(98),
        **changes,
    }
    return OrderRequest(**fields)  # type: ignore[arg-type]


def refusal(of: Gate, wanted: OrderRequest, equity: str = "100000") -> str:
    account = _core.AccountView(Decimal(equity))
    verdict, approved = of.check(wanted, instrument=INSTRUMENT, account=account, last=("100", NOW), now=NOW)
    assert verdict.approved == (approved is not None)
    return verdict.rule


def test_every_numeric_rule_has_a_setting_with_the_rule_s_default() -> None:
    settings = RiskSettings()
    for rule in rules():
        if rule.unit == "state" or rule.name in {"stale_data", "unknown_orders"}:
            continue
        set_to = getattr(settings, rule.name)
        assert (set_to is None) == (rule.default is None), rule.name
        assert set_to is None or Decimal(set_to) == Decimal(rule.default or 0), rule.name


def test_the_bounds_of_the_settings_are_in_force() -> None:
    assert refusal(gate(), order()) == ""
    assert refusal(gate(max_order_notional=99), order()) == "max_order_notional"
    assert refusal(gate(), order(stop_loss=None)) == "max_stop_distance"
    assert refusal(gate(max_stop_distance=None), order(stop_loss=None)) == ""
    assert refusal(gate(instruments={"X": {"max_order_notional": 99}}), order()) == "max_order_notional"
    assert (
        refusal(gate(strategies={"s": {"max_trade_fraction": "0.0001"}}), order(strategy="s")) == "max_trade_fraction"
    )
    assert refusal(gate(instruments={"X": {"stale_data": 1}}), order()) == ""


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"strategies": {"s": {"max_leverag": 1}}}, "did you mean max_leverage"),
        ({"strategies": {"s": {"max_leverage": 1}}}, "account tier"),
        ({"correlations": {"tech": 1}}, "two clusters"),
    ],
)
def test_a_bound_that_cannot_be_is_named(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        gate(**changes)


HOSTILE = ["NaN", "sNaN", "Infinity", "-Infinity", "0", "-1", "1E+308", "1E-9", "92233720368.54775808", "0.5", "1E10"]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("field", ["quantity", "reference_price", "stop_loss", "limit_price"])
def test_a_hostile_value_is_refused_with_a_code_and_nothing_is_remembered(field: str, value: str) -> None:
    of = gate(max_stop_distance=None, price_band=1, max_order_notional=10**6)
    kind = {"type": "limit"} if field == "limit_price" else {}
    given_value = Decimal(value)
    try:
        rule = refusal(of, order(**{field: given_value, **kind}))
    except DeepAlphaError as error:
        assert isinstance(error, OrderError)
        rule = "typed error"
    sound = field != "quantity" and value in {"0.5", "1E10"}
    assert sound or rule, f"{field} = {value} passed"
    if rule:
        assert refusal(of, order()) == ""


def test_floats_are_no_amounts() -> None:
    for value in (math.nan, math.inf, 1e308, 1.0):
        with pytest.raises(OrderError, match="Decimal"):
            refusal(gate(), order(quantity=value))


def test_price_times_quantity_beyond_64_bits_is_a_typed_error() -> None:
    wanted = order(quantity=Decimal(90_000_000_000), reference_price=Decimal(90_000_000_000), stop_loss=None)
    with pytest.raises(OrderError, match="overflow"):
        gate().check(
            wanted,
            instrument=INSTRUMENT,
            account=_core.AccountView(Decimal(1)),
            last=("90000000000", NOW),
            now=NOW,
        )


def test_the_state_is_latched_in_the_log_through_restarts(tmp_path: Path) -> None:
    ops = Ops(tmp_path / "ops.sqlite")
    stamp = rows.Stamp(ts_init=1, run_id="run", account_id="practice-1")
    first = gate()
    assert last_state(ops, "practice-1") is None
    first.mark(9 * DAY, Decimal(100_000))
    events = first.mark(10 * DAY, Decimal(94_000))
    ops.append(risk_rows(stamp, "practice-1", 10 * DAY, events))
    assert [(event.kind, event.status) for event in events][-1] == ("risk_state", "reducing")

    second = gate()
    restore_state(ops, "practice-1", second)
    for ts_event, equity in ((9 * DAY, 100_000), (10 * DAY, 94_000), (11 * DAY, 99_000)):
        second.mark(ts_event, Decimal(equity))
    assert second.state["state"] == "reducing"
    assert refusal(second, order()) == "account_state"
    with pytest.raises(OrderError, match="name of the person"):
        second.rearm(by="")
    ops.append(risk_rows(stamp, "practice-1", 11 * DAY, second.rearm(by="ada", now=11 * DAY)))

    third = gate()
    restore_state(ops, "practice-1", third)
    assert (third.state["state"], third.state["by"]) == ("active", "ada")
    ops.append(risk_rows(stamp, "practice-1", 12 * DAY, third.kill("enough", by="bob", now=12 * DAY)))
    assert third.kill("again") == ()
    fourth = gate()
    restore_state(ops, "practice-1", fourth)
    assert fourth.killed == "enough"


def test_the_monitor_shows_what_the_gate_measures(tmp_path: Path) -> None:
    ops = Ops(tmp_path / "ops.sqlite")
    monitor = Monitor(ops, "practice-1", RiskSettings())
    shown = {use.rule: use for use in monitor.usage({"X": (Decimal(10), Decimal(1000))}, Decimal(20_000), NOW)}
    assert shown["max_instrument_fraction"].used == pytest.approx(1.0)
    assert shown["max_exposure"].words == "5 % of 95 %"
    assert shown["max_daily_loss"].used == 0.0


finite = st.lists(st.floats(-0.5, 0.5), min_size=4, max_size=80)


@given(finite, st.floats(0.51, 0.999))
def test_historical_var_is_numpy_s_quantile_with_the_other_sign(returns: list[float], confidence: float) -> None:
    found = value_at_risk(returns, confidence=confidence)
    assert found.value == pytest.approx(-np.quantile(returns, 1 - confidence), abs=1e-15)
    assert (found.n, found.sign) == (len(returns), "a loss is positive")
    lower = value_at_risk(returns, confidence=confidence, method="order_statistic")
    assert -lower.value in returns


def test_normal_and_cornish_fisher_agree_where_returns_are_normal() -> None:
    row = np.array([NormalDist(0.001, 0.02).inv_cdf((rank + 0.5) / 20_000) for rank in range(20_000)])
    exact = -NormalDist(0.001, 0.02).inv_cdf(0.01)
    for method in ("historical", "normal", "cornish_fisher"):
        assert float(RiskManager().calculate_var(row, 0.99, method)) == pytest.approx(exact, rel=2e-3), method


def test_cornish_fisher_leaves_its_domain_with_a_typed_error() -> None:
    with pytest.raises(OutOfDomain, match="historical"):
        value_at_risk([0.0] * 200 + [-0.9], method="cornish_fisher")


def test_the_window_takes_the_last_returns_and_bad_input_is_named() -> None:
    assert value_at_risk([-1.0, 0.1, 0.1], window=2).value == pytest.approx(-0.1)
    for bad in ([], [math.nan], [[0.1]]):
        with pytest.raises(ValueError, match=r"returns|needs"):
            value_at_risk(bad)
    with pytest.raises(ValueError, match="confidence"):
        value_at_risk([0.1], confidence=1.0)
    with pytest.raises(ValueError, match="magic"):
        value_at_risk([0.1], method="magic")


def test_the_position_limit_is_the_smallest_of_the_bounds() -> None:
    manager = da.RiskManager(max_position_size=0.2, max_portfolio_risk=0.8)
    limit = manager.calculate_position_limit(10_000, 33)
    assert (limit.quantity, limit.binding) == (Decimal(60), "max_position_size")
    assert manager.calculate_position_limit(10_000, 33, invested=7_000).binding == "max_portfolio_risk"
    stopped = manager.calculate_position_limit(10_000, 10, stop_distance=0.5)
    assert (stopped.quantity, stopped.binding) == (Decimal(20), "risk_per_trade")
    assert manager.calculate_position_limit(10_000, 10, invested=9_000).quantity == 0
    for bad in (math.nan, math.inf, 1e308, -1, "x"):
        with pytest.raises(ValueError, match=r"price|equity"):
            manager.calculate_position_limit(10_000, bad)


def test_limits_hold_at_the_bound_and_break_beyond() -> None:
    manager = RiskManager(max_position_size=0.2, max_portfolio_risk=0.8)
    assert manager.check_risk_limits({"A": 2_000, "B": -2_000}, 10_000).approved
    report = manager.check_risk_limits({"A": 2_001, "B": 100}, 10_000)
    assert not report.approved
    assert report.breaches == ("max_instrument_fraction A: 20.01 % of 20 %",)
    assert not manager.check_risk_limits({"A": 1}, 0).approved
