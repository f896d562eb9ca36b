"""Calibration: the agents' bands, the fusion's curves against scikit-learn, intervals, and what the label says."""

from __future__ import annotations

import itertools
import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepalpha.decision.agent_record import DECAY, PRIOR, AgentRecord
from deepalpha.decision.calibrate import ENOUGH, PLENTY, calibrate, isotonic, overlap, platt
from deepalpha.decision.clip import bounded_logit, logistic
from deepalpha.types import DAY, Action, Outcome

FUSER = "f/1"


def outcome(number: int, score: float, change: float, *, symbol: str = "X", days: int = 1) -> Outcome:
    return Outcome(
        decision_id=f"{symbol}{number}",
        symbol=symbol,
        asof=number * DAY,
        resolved_at=(number + days) * DAY,
        action=Action.HOLD,
        price=100.0,
        close=100.0 * (1 + change),
        gross_return=change,
        net_return=change - 0.002,
        cost=0.002,
        went_up=float(change > 0),
        p_up=logistic(score),
        p_buy=0.5,
        p_sell=0.5,
        n_calibration=0,
        fuser=FUSER,
        shadows={FUSER: score},
        votes={},
        asked=(),
    )


def world(n: int, *, slope: float = 1.0, seed: int = 0, days: int = 1) -> list[Outcome]:
    """Scores N(0, 0.6); P(up) = logistic(slope x score); moves of 2 %."""
    chance = np.random.default_rng(seed)
    scores = chance.normal(0.0, 0.6, n)
    up = chance.random(n) < 1.0 / (1.0 + np.exp(-slope * scores))
    return [
        outcome(i, float(s), 0.02 if u else -0.02, days=days) for i, (s, u) in enumerate(zip(scores, up, strict=True))
    ]


def test_isotonic_regression_is_that_of_scikit_learn():
    reference = pytest.importorskip("sklearn.isotonic")
    chance = np.random.default_rng(1)
    for n in (1, 2, 7, 60):
        values, weights = chance.random(n), chance.uniform(0.5, 3.0, n)
        fitted = reference.IsotonicRegression().fit_transform(np.arange(n), values, sample_weight=weights)
        assert isotonic(values, weights) == pytest.approx(fitted, abs=1e-12)


def test_platt_is_scikit_learns_logistic_regression_on_smoothed_targets():
    linear = pytest.importorskip("sklearn.linear_model")
    chance = np.random.default_rng(2)
    score = chance.normal(0.0, 0.5, 120)
    paid = (chance.random(120) < 1.0 / (1.0 + np.exp(-(1.5 * score - 0.2)))).astype(float)
    slope, offset, covariance = platt(score, paid)
    hits = paid.sum()
    target = np.where(paid > 0, (hits + 1) / (hits + 2), 1 / (120 - hits + 2))
    model = linear.LogisticRegression(C=1.0, tol=1e-10, max_iter=1000)
    doubled = np.concatenate([score, score]).reshape(-1, 1)
    model.fit(doubled, np.repeat([1, 0], 120), sample_weight=np.concatenate([target, 1 - target]))
    assert (slope, offset) == pytest.approx((model.coef_[0, 0], model.intercept_[0]), abs=1e-5)
    assert min(covariance[0], covariance[2]) > 0.0


def test_the_method_follows_the_number_of_outcomes_and_the_label_says_it():
    few, some, many = (calibrate(world(n), FUSER) for n in (ENOUGH - 1, ENOUGH, PLENTY))
    assert [c.buy.method for c in (few, some, many)] == ["base rate", "Platt", "isotonic"]
    assert [c.calibrated for c in (few, some, many)] == [False, True, True]
    assert few.words(few.buy.read(0.0, 0.5)) == "uncalibrated, n=49"
    assert some.words(some.buy.read(0.0, 0.5)).startswith("calibrated (Platt), n=50, 90 % interval ")
    assert calibrate([], FUSER).words(calibrate([], FUSER).buy.read(0.0, 0.5)) == "uncalibrated, n=0"


def test_without_outcomes_the_stated_probability_stands_with_no_bounds_and_then_shrinks_to_the_base_rate():
    nothing = calibrate([], FUSER).buy.read(0.4, logistic(0.4))
    assert (nothing.p, nothing.low, nothing.high) == (logistic(0.4), 0.0, 1.0)
    falling = [outcome(i, 0.4, -0.02) for i in range(40)]
    chance = calibrate(falling, FUSER).buy.read(0.4, 0.6)
    assert chance.p == pytest.approx((50 * 0.6 + 40 * 0.0) / 90)


@pytest.mark.parametrize("n", [ENOUGH, 200, PLENTY, 1000])
@pytest.mark.parametrize("slope", [-1.0, 0.0, 1.0])
def test_a_curve_never_falls_where_the_votes_rise(n, slope):
    fitted = calibrate(world(n, slope=slope), FUSER)
    grid = np.linspace(-1.5, 1.5, 61)
    buy = [fitted.buy.read(float(s), 0.5).p for s in grid]
    sell = [fitted.sell.read(float(-s), 0.5).p for s in grid]
    assert all(after >= before - 1e-12 for before, after in itertools.pairwise(buy))
    assert all(after <= before + 1e-12 for before, after in itertools.pairwise(sell))


@pytest.mark.parametrize("n", [20, 200, 1000])
def test_a_sale_in_the_mirrored_world_is_a_purchase(n):
    mirrored = [
        msgspec.structs.replace(o, shadows={FUSER: -o.shadows[FUSER]}, gross_return=-o.gross_return) for o in world(n)
    ]
    straight, other = calibrate(world(n), FUSER), calibrate(mirrored, FUSER)
    for score in (-0.8, 0.0, 0.3, 0.8):
        assert other.buy.read(score, 0.5) == straight.sell.read(score, 0.5)
        assert other.sell.read(score, 0.5) == straight.buy.read(score, 0.5)
    if n >= ENOUGH:
        assert straight.sell.read(0.8, 0.5).p > 0.55 > 0.45 > straight.sell.read(-0.8, 0.5).p


@pytest.mark.parametrize("n", [120, 400, 1000])
def test_the_interval_holds_the_truth_about_nine_times_in_ten(n):
    inside = 0
    for seed in range(100):
        chance = calibrate(world(n, seed=seed), FUSER).buy.read(0.3, 0.5)
        inside += chance.low <= logistic(0.3) <= chance.high
    print(f"n={n}: {inside} of 100 intervals hold the truth")
    assert inside >= 80


def test_overlapping_horizons_widen_the_interval():
    assert overlap(world(200)) == 1.0
    assert overlap(world(200, days=5)) == pytest.approx(5.0, rel=0.03)
    apart, together = (calibrate(world(200, days=days), FUSER).buy.read(0.2, 0.5) for days in (1, 5))
    assert apart.p == together.p
    assert together.high - together.low > 1.8 * (apart.high - apart.low)


def test_a_trade_that_does_not_earn_its_costs_has_not_paid_on_either_side():
    flat = outcome(1, 0.2, 0.001)
    assert (flat.buy_paid, flat.sell_paid) == (False, False)
    fitted = calibrate([outcome(i, 0.0, 0.001) for i in range(60)], FUSER)
    assert fitted.buy.read(0.0, 0.5).p < 0.05
    assert fitted.sell.read(0.0, 0.5).p < 0.05


def test_an_agent_without_a_record_is_taken_at_its_word():
    record = AgentRecord()
    assert record.calibrated({"a": 0.7, "b": 0.5}) == {"a": bounded_logit(0.7), "b": 0.0}
    standing = record.standing("a", 0.3)
    assert (standing.right, standing.outcomes) == (pytest.approx(0.7), 0.0)


def test_a_band_is_a_decayed_count_with_a_beta_prior_at_the_stated_confidence():
    record = AgentRecord()
    right = wrong = 0.0
    for number in range(30):
        up = float(number % 3 == 0)  # it says up and is right one time in three
        record.learn({"a": 0.7}, up)
        right, wrong = DECAY * right + up, DECAY * wrong + 1 - up
    standing = record.standing("a", 0.7)
    assert standing.right == pytest.approx((right + PRIOR * 0.7) / (right + wrong + PRIOR))
    assert standing.low < standing.right < standing.high
    assert record.standing("a", 0.3) == standing, "the band is one of confidence, not of direction"
    assert record.standing("a", 0.9).outcomes == 0.0, "another band has another record"


def test_an_agent_that_is_wrong_loses_its_voice_and_is_never_turned_around():
    record = AgentRecord()
    for _ in range(300):
        record.learn({"a": 0.7}, 0.0)
    assert record.calibrated({"a": 0.7}) == {"a": 0.0}
    assert math.copysign(1.0, record.calibrated({"a": 0.3})["a"]) == 1.0, "no minus zero in a reason"


@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from((0.0, 0.5, 1.0))), max_size=60), st.floats(0, 1))
@settings(deadline=None)
def test_a_calibrated_vote_keeps_its_side_whatever_the_record(told, p_up):
    record = AgentRecord()
    for said, up in told:
        record.learn({"a": said}, up)
    logit = record.calibrated({"a": p_up})["a"]
    assert logit * (p_up - 0.5) >= 0.0
    again = AgentRecord()
    again.restore(msgspec.json.decode(msgspec.json.encode(record.state())))
    assert again.state() == record.state()
