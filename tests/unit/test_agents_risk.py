"""The risk agent: what it measures, where it caps, where it vetoes."""

from __future__ import annotations

import math

import agents_kit as kit
import numpy as np
import pytest

from deepalpha.agents.numeric import bars_per_day, bars_per_year, historical_cvar, historical_var, price_drawdown
from deepalpha.agents.risk import RiskAgent
from deepalpha.types import AgentRole, PositionView, SignalStatus


def judged(closes, *, drawdown=0.0):
    position = PositionView(equity=100_000.0, drawdown=drawdown)
    return kit.answer(RiskAgent(), kit.context_of(kit.frame(close=list(closes)), position=position))


def alternating(step, bars=300):
    """Closes that go up and down by the log return `step`, so that volatility is known and drawdown is small."""
    return 100 * np.exp(step * (np.arange(bars) % 2))


def test_var_and_cvar_are_the_tail_of_known_returns():
    losses = np.log(1 - np.arange(1, 101) / 1000)  # simple losses of 0.1 %, 0.2 % ... 10 %
    returns = np.random.default_rng(3).permutation(losses)
    assert historical_var(returns, 0.95) == pytest.approx(0.096)  # the fifth worst of 100
    assert historical_cvar(returns, 0.95) == pytest.approx(np.mean([0.1, 0.099, 0.098, 0.097, 0.096]))
    assert historical_var(returns[:20], 0.95) == historical_cvar(returns[:20], 0.95)  # a tail of one


def test_tail_risk_of_gains_and_of_nothing():
    assert historical_var(np.full(100, 0.01), 0.95) == 0.0
    assert historical_cvar(np.full(100, 0.01), 0.95) == 0.0
    assert math.isnan(historical_var(np.empty(0), 0.95))


def test_a_year_has_as_many_bars_as_the_data_says():
    shares = kit.view(kit.sample())["1d"]
    assert bars_per_year(shares) == pytest.approx(252, abs=2)
    assert bars_per_day(shares) == 1.0
    crypto = kit.frame(close=[1.0] * 400)
    assert bars_per_year(crypto) == pytest.approx(365.25, abs=0.01)


def test_drawdown_is_measured_from_the_highest_close_before():
    assert price_drawdown(np.array([80.0, 100.0, 75.0])) == pytest.approx(0.25)
    assert price_drawdown(np.array([80.0, 100.0, np.nan])) == 0.0


def test_calm_prices_and_account_leave_the_size_alone_and_give_the_numbers():
    signal = judged(alternating(0.005))
    assert (signal.role, signal.status, signal.size_cap) == (AgentRole.GUARD, SignalStatus.OK, 1.0)
    assert "volatility 10% a year" in signal.reasons[0]


@pytest.mark.parametrize(("step", "volatility"), [(0.03, 0.574), (0.05, 0.957)])
def test_size_shrinks_to_the_volatility_target(step, volatility):
    signal = judged(alternating(step))
    assert signal.size_cap == pytest.approx(0.40 / volatility, rel=0.01)
    assert signal.reasons[0].startswith(f"size capped at {signal.size_cap:.0%}: volatility")


def test_extreme_volatility_is_a_veto():
    signal = judged(alternating(0.12))
    assert signal.size_cap == 0.0
    assert signal.reasons[0].startswith("no new position: ")


def test_a_fat_tail_caps_where_volatility_would_not():
    steps = np.zeros(300)
    steps[5::18] = -0.08  # one day in eighteen loses 8 %
    for recovery in range(6, 16):
        steps[recovery::18] = 0.008
    signal = judged(100 * np.exp(np.cumsum(steps)))
    assert "one-day CVaR 7.7%" in signal.reasons[0]
    assert signal.size_cap == pytest.approx(0.06 / 0.077, rel=0.01)


@pytest.mark.parametrize(
    ("drawdown", "cap"), [(0.0, 1.0), (0.05, 1.0), (0.125, 0.5), (0.20, 0.0), (0.5, 0.0), (math.nan, 0.0)]
)
def test_the_account_drawdown_shrinks_the_size_to_a_veto_at_20_percent(drawdown, cap):
    signal = judged(alternating(0.002), drawdown=drawdown)
    assert signal.size_cap == pytest.approx(cap)
    assert all(math.isfinite(item.value) for item in signal.evidence)


def test_a_fallen_price_shrinks_but_never_bans():
    slide = 100 * np.exp(np.linspace(0, math.log(0.1), 250))
    signal = judged(slide)
    assert signal.size_cap == 0.25
    assert "price 90% below its high" in signal.reasons[0]


def test_the_strictest_rule_sets_the_cap_and_comes_first():
    signal = judged(alternating(0.03), drawdown=0.19)
    assert signal.size_cap == pytest.approx((0.20 - 0.19) / 0.15, abs=1e-4)
    assert "account 19.0% below its peak" in signal.reasons[0]
    assert "volatility" in signal.reasons[1]


def test_only_the_last_250_returns_count():
    wild = alternating(0.2, bars=200)
    calm = alternating(0.002, bars=251)
    assert judged(np.concatenate([wild, calm])).size_cap == 1.0


def test_the_cap_never_grows_with_volatility_or_drawdown():
    caps = [judged(alternating(step)).size_cap for step in np.linspace(0.001, 0.15, 40)]
    assert caps == sorted(caps, reverse=True)
    caps = [judged(alternating(0.002), drawdown=n / 40).size_cap for n in range(41)]
    assert caps == sorted(caps, reverse=True)


@pytest.mark.parametrize("last", [math.nan, 0.0, -1.0, math.inf])
def test_without_a_usable_last_price_there_is_no_measurement(last):
    closes = alternating(0.002)
    closes[-1] = last
    assert judged(closes).status is SignalStatus.ABSTAIN


def test_below_60_returns_there_is_no_measurement():
    assert judged(alternating(0.002, bars=60)).status is SignalStatus.ABSTAIN
    assert judged(alternating(0.002, bars=61)).status is SignalStatus.OK
