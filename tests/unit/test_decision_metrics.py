"""Each metric against scikit-learn, a closed form or the definition written out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepalpha.decision.metrics import (
    bootstrap,
    bootstrap_mean,
    brier,
    calibration_error,
    deflated_sharpe,
    expected_best_sharpe,
    log_loss,
    murphy,
    reliability_table,
    risk_coverage,
    sharpe,
    wilson,
)
from deepalpha.errors import MarketDataError

CHANCE = np.random.default_rng(7)
P = CHANCE.random(400)
Y = (CHANCE.random(400) < P).astype(float)


def test_brier_and_log_loss_are_those_of_scikit_learn():
    reference = pytest.importorskip("sklearn.metrics")
    assert brier(P, Y) == pytest.approx(reference.brier_score_loss(Y, P), rel=1e-12)
    assert log_loss(P, Y) == pytest.approx(reference.log_loss(Y, P), rel=1e-9)
    assert brier([0.5] * 4, [1, 0, 1, 0.5]) == pytest.approx(0.1875)
    assert math.isfinite(log_loss([0.0, 1.0], [1, 0]))


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=80), st.integers(1, 12))
def test_murphys_parts_sum_to_the_brier_score(cases, bins):
    p, y = [c[0] for c in cases], [float(c[1]) for c in cases]
    parts = murphy(p, y, bins=bins)
    whole = parts.reliability - parts.resolution + parts.uncertainty + parts.within
    assert whole == pytest.approx(parts.brier, abs=1e-12)
    assert parts.brier == pytest.approx(brier(p, y), abs=1e-12)
    assert min(parts.reliability, parts.resolution, parts.uncertainty) >= 0.0


def test_murphy_of_a_forecast_of_two_values_by_hand():
    # 0.2 said four times, happened once; 0.8 said four times, happened four times.
    parts = murphy([0.2] * 4 + [0.8] * 4, [1, 0, 0, 0, 1, 1, 1, 1], bins=2)
    assert parts.reliability == pytest.approx((0.05**2 + 0.2**2) / 2)
    assert parts.resolution == pytest.approx(((0.25 - 0.625) ** 2 + (1 - 0.625) ** 2) / 2)
    assert parts.uncertainty == pytest.approx(0.625 * 0.375)
    assert parts.within == pytest.approx(0.0, abs=1e-15)


def test_calibration_error_and_reliability_are_the_definition_written_out():
    order = np.argsort(P, kind="stable")
    naive = 0.0
    for part in np.array_split(order, 10):
        naive += len(part) / 400 * abs(P[part].mean() - Y[part].mean())
    assert calibration_error(P, Y) == pytest.approx(naive, rel=1e-12)
    table = reliability_table(P, Y)
    assert [row.n for row in table] == [40] * 10
    assert math.fsum(row.n * row.frequency for row in table) == pytest.approx(Y.sum())
    assert all(row.low <= row.frequency <= row.high for row in table)
    assert [row.p for row in table] == sorted(row.p for row in table)
    assert calibration_error(np.tile([0.25, 0.75], 200), np.tile([0, 0, 0, 1, 1, 1, 0, 1], 50)) < 0.3


def test_risk_coverage_is_the_error_of_the_surest_and_does_not_depend_on_the_order_of_ties():
    coverage, risk = risk_coverage([0.9, 0.8, 0.8, 0.1], [0, 1, 0, 1])
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert risk.tolist() == pytest.approx([0.0, 1 / 3, 1 / 3, 0.5])
    assert risk_coverage([0.9, 0.8, 0.8, 0.1], [0, 0, 1, 1])[1].tolist() == risk.tolist()


def test_the_bootstrap_is_seeded_covers_the_mean_and_widens_with_dependence():
    series = CHANCE.normal(0.1, 1.0, 300)
    one = bootstrap_mean(series, block=1.0)
    assert one == bootstrap_mean(series, block=1.0)
    assert one != bootstrap_mean(series, block=1.0, seed=2)
    assert one.value == pytest.approx(series.mean())
    half = 1.96 * series.std(ddof=1) / math.sqrt(300)  # independent draws: the textbook interval
    assert one.high - one.value == pytest.approx(half, rel=0.15)
    steps = np.repeat(CHANCE.normal(0, 1, 30), 10)
    alone, blocks = bootstrap_mean(steps, block=1.0), bootstrap_mean(steps, block=20.0)
    assert blocks.high - blocks.low > 1.8 * (alone.high - alone.low)


def test_the_bootstrap_of_a_statistic_is_that_of_the_mean_when_the_statistic_is_the_mean():
    series = CHANCE.normal(0.0, 1.0, 50)
    one, other = bootstrap_mean(series, block=5.0), bootstrap(series, lambda x: float(np.mean(x)), block=5.0)
    assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high), rel=1e-12)


def test_the_bootstrap_keeps_its_promised_coverage():
    inside = 0
    for trial in range(200):
        sample = np.random.default_rng(trial).normal(0.0, 1.0, 120)
        found = bootstrap_mean(sample, block=2.0, draws=299, seed=trial)
        inside += found.low <= 0.0 <= found.high
    assert 0.90 <= inside / 200 <= 0.99


def test_wilson_by_hand_and_without_trials():
    low, high = wilson(0.5, 100)
    assert (low, high) == pytest.approx((0.4188, 0.5812), abs=1e-3)
    assert wilson(0.3, 0) == (0.0, 1.0)
    assert wilson(0.0, 10)[0] == 0.0
    assert wilson(1.0, 10)[1] == pytest.approx(1.0)


def test_deflated_sharpe_agrees_with_its_closed_forms():
    from statistics import NormalDist

    returns = CHANCE.normal(0.05, 1.0, 500)
    ratio = sharpe(returns)
    assert ratio == pytest.approx(returns.mean() / returns.std(ddof=1))
    # One trial: the probabilistic Sharpe ratio; for normal returns close to Phi(S sqrt(n - 1)).
    assert deflated_sharpe(returns, trials=1, variance=0.0) == pytest.approx(
        NormalDist().cdf(ratio * math.sqrt(499)), abs=0.02
    )
    # The paper's own example (Bailey & Lopez de Prado 2014): 100 trials, annual variance 1/2, 1250 daily returns,
    # skewness -3, kurtosis 10, annual Sharpe 2.5: expected maximum 0.1132 a day, deflated 0.9004.
    variance = 0.5 / 250
    assert expected_best_sharpe(100, variance) == pytest.approx(0.1132, abs=2e-4)
    daily = 2.5 / math.sqrt(250)
    z = (daily - 0.1132) * math.sqrt(1249) / math.sqrt(1 + 3 * daily + 9 / 4 * daily**2)
    assert NormalDist().cdf(z) == pytest.approx(0.9004, abs=2e-3)
    values = [deflated_sharpe(returns, trials=n, variance=0.002) for n in (1, 10, 100)]
    assert values == sorted(values, reverse=True)
    assert deflated_sharpe([0.1, 0.1], trials=1, variance=0.0) == 0.0


def test_the_best_of_many_without_skill_is_about_what_the_formula_expects():
    chance = np.random.default_rng(3)
    best = [chance.normal(0.0, 0.1, 50).max() for _ in range(2000)]
    assert expected_best_sharpe(50, 0.01) == pytest.approx(float(np.mean(best)), rel=0.02)


@pytest.mark.parametrize("wrong", [[], [math.nan], [[0.1]], [math.inf]])
def test_a_series_that_cannot_be_measured_is_refused(wrong):
    with pytest.raises(MarketDataError):
        sharpe(wrong)
    with pytest.raises(MarketDataError):
        brier(wrong, wrong)
    with pytest.raises(MarketDataError, match="as many outcomes"):
        brier([0.5], [1, 0])
    with pytest.raises(MarketDataError, match="at least 1"):
        bootstrap_mean([1.0, 2.0], block=0.5)


def test_deflated_sharpe_takes_skewness_and_tails_as_the_paper_writes_them():
    from statistics import NormalDist

    returns = 0.004 - CHANCE.exponential(0.02, 300) + 0.02  # many small gains, few large losses
    centred = returns - returns.mean()
    deviation = math.sqrt(np.mean(centred**2))
    skewness, kurtosis = np.mean(centred**3) / deviation**3, np.mean(centred**4) / deviation**4
    assert skewness < -1.0
    assert kurtosis > 5.0
    ratio, best = sharpe(returns), expected_best_sharpe(7, 0.003)
    z = (ratio - best) * math.sqrt(299) / math.sqrt(1 - skewness * ratio + (kurtosis - 1) / 4 * ratio**2)
    assert deflated_sharpe(returns, trials=7, variance=0.003) == pytest.approx(NormalDist().cdf(float(z)), rel=1e-9)
