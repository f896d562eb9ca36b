"""Intervals hold the truth as often as they say, also when symbols move together and horizons overlap."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from deepalpha.decision.calibrate import Calibration, fit
from deepalpha.decision.champion import contest
from deepalpha.decision.past import Columns
from deepalpha.types import DAY, Action, Outcome

FUSER, SYMBOLS, HORIZON, COST, WORLDS = "f/1", 8, 5, 0.002, 100
MARKET, OWN = 0.02, 0.01
"""Daily deviation of the market all symbols follow, and of what is their own."""


def world(seed: int, days: int, drift: float) -> tuple[Columns, float]:
    """Outcomes of noise scores that symbols share and that last for days, and the true P(a purchase pays)."""
    chance = np.random.default_rng(seed)
    moves = drift + chance.normal(0.0, MARKET, (days + HORIZON, 1)) + chance.normal(0.0, OWN, (days + HORIZON, SYMBOLS))
    gross = np.lib.stride_tricks.sliding_window_view(moves, HORIZON, axis=0).sum(axis=-1)[:days].ravel()
    mood = np.zeros(days)
    for day, shock in enumerate(chance.normal(0.0, math.sqrt(1.0 - 0.9**2), days)):
        mood[day] = 0.9 * mood[day - 1] + shock
    score = 0.3 * (0.8 * mood[:, None] + 0.6 * chance.normal(0.0, 1.0, (days, SYMBOLS))).ravel()
    begun = np.repeat(DAY * np.arange(days, dtype=np.int64), SYMBOLS)
    paid, lost = (gross > COST).astype(np.float64), (-gross > COST).astype(np.float64)
    spread = math.sqrt(HORIZON * (MARKET**2 + OWN**2))
    truth = 1.0 - NormalDist(HORIZON * drift, spread).cdf(COST)
    return Columns(begun, begun + HORIZON * DAY, paid, lost, {FUSER: score}), truth


def fits(days: int, drift: float) -> list[tuple[Calibration, float]]:
    found = []
    for seed in range(WORLDS):
        columns, truth = world(seed, days, drift)
        found.append((fit(columns, FUSER), truth))
    return found


@pytest.mark.parametrize("days", [60, 300, 900])
@pytest.mark.parametrize("drift", [-0.004, 0.0, 0.004])
def test_ninety_percent_intervals_hold_the_truth_in_one_market_with_overlapping_horizons(
    days: int, drift: float
) -> None:
    made = fits(days, drift)
    for score in (-0.3, 0.0, 0.3):
        chances = [(found.buy.read(score, 0.5), truth) for found, truth in made]
        inside = sum(chance.low <= truth <= chance.high for chance, truth in chances)
        width = float(np.mean([chance.high - chance.low for chance, _ in chances]))
        print(f"{days} days, truth {made[0][1]:.3f}, score {score:+.1f}: {inside} of {WORLDS}, mean width {width:.3f}")
        assert inside >= 0.85 * WORLDS


@pytest.mark.parametrize("days", [60, 300, 900])
def test_scores_that_know_nothing_make_the_brier_score_worse_by_less_than_one_in_m(days: int) -> None:
    """Mean of (p - truth)^2 over truth (1 - truth): what a forecast is worse by than one that knows the base rate."""
    costs = []
    for found, truth in fits(days, 0.001):
        p = np.array([found.buy.read(score, 0.5).p for score in (-0.3, 0.0, 0.3)])
        costs.append(float(np.mean((p - truth) ** 2)) / (truth * (1.0 - truth)))
    horizons = days / HORIZON
    print(f"{days} days: {100 * float(np.mean(costs)):.2f} % worse than the truth, {100 / horizons:.2f} % is one in m")
    assert float(np.mean(costs)) <= 1.0 / horizons


def test_an_edge_that_all_symbols_share_is_still_found() -> None:
    columns, _ = world(1, 900, 0.0)
    chance = np.random.default_rng(2)
    knowing = columns.scores[FUSER] + 0.25 * (2.0 * columns.bought - 1.0) * (chance.random(len(columns.bought)) < 0.9)
    found = fit(columns._replace(scores={FUSER: knowing}), FUSER)
    assert found.buy.method == "Platt"
    assert found.buy.read(0.4, 0.5).low > 0.55 > 0.45 > found.buy.read(-0.4, 0.5).high


def test_a_challenger_without_skill_seldom_takes_over_where_symbols_move_together() -> None:
    """Of 200 worlds: 13 with blocks as long as the horizons of all symbols overlap, 25 with the shortest block."""
    wins = 0
    for seed in range(2 * WORLDS):
        columns, _ = world(seed, 80, 0.0)
        other = world(seed + 5000, 80, 0.0)[0].scores[FUSER]
        told = zip(columns.begun, columns.ended, columns.bought, columns.scores[FUSER], other, strict=True)
        outcomes = [outcome(int(b), int(e), bool(paid), float(one), float(two)) for b, e, paid, one, two in told]
        wins += contest(outcomes, default=FUSER, challengers=["other/1"]).live == "other/1"
    print(f"a challenger without skill took over in {wins} of {2 * WORLDS} worlds")
    assert wins <= 0.075 * 2 * WORLDS


def outcome(begun: int, ended: int, paid: bool, score: float, other: float) -> Outcome:
    change = 0.01 if paid else -0.01
    return Outcome(
        decision_id="d", symbol="X", asof=begun, resolved_at=ended, action=Action.HOLD, price=100.0,
        close=100.0 * (1 + change), gross_return=change, net_return=change - COST, cost=COST, went_up=float(paid),
        p_up=0.5, p_buy=0.5, p_sell=0.5, n_calibration=0, fuser=FUSER, shadows={FUSER: score, "other/1": other},
        votes={}, asked=(),
    )  # fmt: skip
