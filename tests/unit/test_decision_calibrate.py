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
from deepalpha.decision.calibrate import ENOUGH, IMAGINED, PLENTY, base_rate, calibrate, isotonic, platt
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


@pytest.mark.parametrize("effective", [1.5, 22.0, 120.0])
def test_platt_is_scikit_learns_logistic_regression_with_weights_and_the_imagined_outcomes(effective):
    linear = pytest.importorskip("sklearn.linear_model")
    score, paid = sloped(2, 120)
    slope, offset, covariance = platt(score, paid, effective)
    model = linear.LogisticRegression(C=1.0, tol=1e-10, max_iter=1000)
    rows = np.append(score, [score.mean(), score.mean()]).reshape(-1, 1)
    weights = np.append(np.full(120, effective / 120), [IMAGINED / 2, IMAGINED / 2])
    model.fit(rows, np.append(paid, [1, 0]), sample_weight=weights)
    assert (slope, offset) == pytest.approx((model.coef_[0, 0], model.intercept_[0]), abs=1e-5)
    p = model.predict_proba(rows)[:, 1]
    design = np.column_stack([rows[:, 0], np.ones(122)])
    expected = np.linalg.inv(design.T @ (design * (weights * p * (1 - p))[:, None]) + np.diag([1.0, 0.0]))
    assert covariance == pytest.approx((expected[0, 0], expected[0, 1], expected[1, 1]), rel=1e-3)


def sloped(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(seed)
    score = chance.normal(0.0, 0.5, n)
    return score, (chance.random(n) < 1.0 / (1.0 + np.exp(-(1.5 * score - 0.2)))).astype(float)


def test_scores_that_say_nothing_or_the_contrary_give_the_base_rate():
    score, paid = sloped(3, 200)
    for effective in (4.0, 40.0, 200.0):
        slope, offset, _ = platt(-score, paid, effective)
        assert (slope, logistic(offset)) == (0.0, pytest.approx(base_rate(paid, effective), abs=1e-12))
        slope, offset, _ = platt(np.full(200, 0.3), paid, effective)
        assert logistic(0.3 * slope + offset) == pytest.approx(base_rate(paid, effective), abs=1e-4)
    assert base_rate(paid, 40.0) == pytest.approx((40.0 * paid.mean() + 5.0) / 50.0)
    assert base_rate(paid[:0], 0.0) == 0.5


@given(
    st.lists(st.tuples(st.floats(-12, 12), st.booleans()), min_size=1, max_size=60), st.floats(0.2, 5000)
)  # fmt: skip
@settings(deadline=None)
def test_platts_fit_is_where_its_gradient_is_zero_whatever_the_outcomes(told, effective):
    score, paid = np.array([s for s, _ in told]), np.array([float(y) for _, y in told])
    slope, offset, (aa, _, bb) = platt(score, paid, effective)
    weight = effective / len(score)
    p = 1.0 / (1.0 + np.exp(-(slope * score + offset)))
    centre = IMAGINED * (logistic(slope * score.mean() + offset) - 0.5)
    by_offset = weight * (p - paid).sum() + centre
    by_slope = weight * ((p - paid) * score).sum() + centre * score.mean() + slope
    assert min(aa, bb) > 0.0
    assert abs(by_offset) < 1e-3 * max(1.0, effective)
    assert abs(by_slope) < 1e-2 * max(1.0, effective) or (slope == 0.0 and by_slope > 0.0)


def test_the_method_follows_the_number_of_outcomes_and_the_label_says_it():
    few, some, many = (calibrate(world(n), FUSER) for n in (ENOUGH - 1, ENOUGH, PLENTY))
    assert [c.buy.method for c in (few, some, many)] == ["base rate", "Platt", "isotonic"]
    assert [c.calibrated for c in (few, some, many)] == [False, True, True]
    assert few.words(few.buy.read(0.0, 0.5)) == "uncalibrated, n=49"
    assert some.words(some.buy.read(0.0, 0.5)).startswith("calibrated (Platt), n=50, 90 % interval ")
    week = calibrate(world(200, days=5), FUSER)
    told = week.words(week.buy.read(0.0, 0.5))
    assert told.startswith("calibrated (Platt), n=200, worth 41 independent, 90 % interval ")
    assert calibrate([], FUSER).words(calibrate([], FUSER).buy.read(0.0, 0.5)) == "uncalibrated, n=0"


def test_without_outcomes_the_stated_probability_stands_with_no_bounds_and_then_shrinks_to_the_base_rate():
    nothing = calibrate([], FUSER).buy.read(0.4, logistic(0.4))
    assert (nothing.p, nothing.low, nothing.high) == (logistic(0.4), 0.0, 1.0)
    falling = [outcome(i, 0.4, -0.02) for i in range(40)]
    chance = calibrate(falling, FUSER).buy.read(0.4, 0.6)
    assert chance.p == pytest.approx((50 * 0.6 + 40 * 0.1) / 90), "none of 40 paid: (0 + 5) / (40 + 10)"


def test_isotonic_regression_needs_500_independent_outcomes_not_500_outcomes():
    for n, method in ((PLENTY, "Platt"), (5 * PLENTY - 5, "Platt"), (5 * PLENTY, "isotonic")):
        fitted = calibrate(world(n, days=5), FUSER)
        assert (fitted.buy.method, fitted.sell.method) == (method, method)
        assert fitted.overlap == pytest.approx(5.0, rel=0.01)
    assert len(fitted.buy.scores) == 20


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
    apart, together = (calibrate(world(400, days=days), FUSER).buy.read(0.2, 0.5) for days in (1, 5))
    assert together.high - together.low > 1.8 * (apart.high - apart.low)


@pytest.mark.parametrize("n", [60, 300, 700])
def test_symbols_that_are_copies_of_one_another_teach_nothing_new(n):
    once = world(n)
    many = [msgspec.structs.replace(o, symbol=symbol) for o in once for symbol in "ABCDEFG"]
    alone, market = calibrate(once, FUSER), calibrate(many, FUSER)
    assert (market.n, market.effective, market.overlap) == (7 * n, alone.effective, 7.0)
    for score in (-0.8, -0.1, 0.3, 0.8):
        one, other = alone.buy.read(score, 0.5), market.buy.read(score, 0.5)
        assert (other.p, other.low, other.high) == pytest.approx((one.p, one.low, one.high), abs=1e-6)


def test_a_trade_that_does_not_earn_its_costs_has_not_paid_on_either_side():
    flat = outcome(1, 0.2, 0.001)
    assert (flat.buy_paid, flat.sell_paid) == (False, False)
    fitted = calibrate([outcome(i, 0.0, 0.001) for i in range(60)], FUSER)
    assert fitted.buy.read(0.0, 0.5).p == pytest.approx(5 / 70, abs=1e-6), "none of 60 paid"
    assert fitted.sell.read(0.0, 0.5).p == pytest.approx(5 / 70, abs=1e-6)


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
