"""Planted worlds: what is known to be true of them must be learned, and what is not there must not be found."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import worlds

from deepalpha.config import Settings, Workspace
from deepalpha.decision import calibrate, champion, conformal, learn
from deepalpha.decision.calibrate import ENOUGH
from deepalpha.decision.fixed_share import FixedShare
from deepalpha.decision.fuse import EqualPool
from deepalpha.decision.log_pool import LogPool
from deepalpha.decision.metrics import bootstrap_mean, calibration_error
from deepalpha.live import Loop
from deepalpha.types import Action

EQUAL, SHARE, POOL = EqualPool.name, FixedShare.name, LogPool.name


def play(agents: dict[str, object], rounds: int, seed: int, *, drift: float = 0.5) -> Any:
    up, returns = worlds.rises(rounds, seed, drift=drift)
    return worlds.play_learner(worlds.learner(), worlds.votes_of(agents, up, seed), returns)


def test_the_best_agent_holds_more_than_half_within_k_steps_also_after_a_regime_switch() -> None:
    half = 600
    skills = [(0.8, 0.45), (0.6, 0.5), (0.5, 0.5), (0.5, 0.6), (0.45, 0.8)]
    agents = {f"a{i}": worlds.switching(s, t, at=half) for i, (s, t) in enumerate(skills)}
    played = play(agents, 2 * half, 1)
    first, second = played.weights(SHARE, "a0"), played.weights(SHARE, "a4")[half:]
    steps = int(np.argmax(first > 0.5)), int(np.argmax(second > 0.5))
    print(f"fixed share: best weight > .5 after K = {steps[0]} outcomes, {steps[1]} after the switch")
    assert first.max() > 0.5
    assert second.max() > 0.5
    assert max(steps) <= 120
    for fuser in (SHARE, POOL):
        gain = bootstrap_mean(played.losses(EQUAL) - played.losses(fuser), block=5.0)
        assert gain.low > 0.0, f"{fuser} must beat the equal pool through a switch"


def test_a_fuser_that_wins_becomes_live_and_is_dropped_when_it_stops_winning() -> None:
    half = 1000
    # One good agent among four coins, then all are coins: what was learned is worth nothing any more.
    agents = {"good": worlds.switching(0.85, 0.5, at=half)} | {f"c{i}": worlds.skilled(0.5) for i in range(3)}
    played = play(agents, 2 * half, 4)
    live = [update.live for update in played.updates]
    assert set(live[:199]) == {EQUAL}, "nobody is live before 200 outcomes"
    assert live[half] != EQUAL
    assert live[-1] == EQUAL, "the challenger must fall back"


def test_pure_noise_is_mostly_left_alone_and_has_no_edge() -> None:
    rounds = 1200
    up, returns = worlds.rises(rounds, 10)
    votes = worlds.votes_of({f"a{i}": worlds.skilled(0.5) for i in range(5)}, up, 0)
    played = worlds.play_engine(worlds.engine(), votes, returns)
    judged = [decision for decision in played.decisions if decision.n_calibration >= ENOUGH]
    abstained = sum(decision.action is Action.HOLD for decision in judged) / len(judged)
    net = [o.net_return for o in played.outcomes if o.action is not Action.HOLD and o.n_calibration >= ENOUGH]
    print(f"noise: abstains {100 * abstained:.0f} %, mean net return {100 * float(np.mean(net)):+.3f} %")
    assert abstained > 0.75
    assert bootstrap_mean(net, block=5.0).low <= 0.0


def test_a_real_edge_is_traded_and_earns_its_costs() -> None:
    up, returns = worlds.rises(1200, 10)
    votes = worlds.votes_of({f"a{i}": worlds.skilled(0.58) for i in range(5)}, up, 0)
    played = worlds.play_engine(worlds.engine(), votes, returns)
    judged = [decision for decision in played.decisions if decision.n_calibration >= ENOUGH]
    net = [o.net_return for o in played.outcomes if o.action is not Action.HOLD and o.n_calibration >= ENOUGH]
    assert sum(decision.action is not Action.HOLD for decision in judged) > len(judged) / 2
    assert bootstrap_mean(net, block=5.0).low > 0.0


def test_an_agent_that_is_always_wrong_is_turned_around_by_the_log_pool_and_silenced_by_fixed_share() -> None:
    agents = {
        "wrong": worlds.skilled(0.0, says=0.7),
        "good": worlds.skilled(0.65, says=0.65),
        "ok": worlds.skilled(0.6, says=0.6),
        "coin": worlds.skilled(0.5, says=0.6),
    }
    played = play(agents, 600, 2)
    assert played.weights(POOL, "wrong")[-1] < -0.5
    assert played.weights(SHARE, "wrong")[-1] < 0.02
    assert played.losses(POOL)[-300:].mean() < played.losses(EQUAL)[-300:].mean() / 2


def test_a_duplicated_agent_is_not_counted_twice_by_the_log_pool_and_is_by_the_equal_pool() -> None:
    base = {"a": worlds.skilled(0.65, says=0.65), "b": worlds.skilled(0.65, says=0.65)}
    up, returns = worlds.rises(2000, 3)
    single = worlds.votes_of(base, up, 3)
    copied = [{**{f"a{i}": votes["a"] for i in range(5)}, "b": votes["b"]} for votes in single]
    once = worlds.play_learner(worlds.learner(), single, returns)
    fivefold = worlds.play_learner(worlds.learner(), copied, returns)
    copies = sum(float(fivefold.weights(POOL, f"a{i}")[-1]) for i in range(5))
    assert copies == pytest.approx(float(once.weights(POOL, "a")[-1]), rel=0.15), "the copies share one weight"
    late = slice(1000, None)
    assert fivefold.losses(POOL)[late].mean() < once.losses(POOL)[late].mean() + 0.002
    assert fivefold.losses(EQUAL)[late].mean() > once.losses(EQUAL)[late].mean() + 0.002


@pytest.mark.parametrize(
    ("agents", "drift"),
    [
        ({f"a{i}": worlds.skilled(s) for i, s in enumerate((0.62, 0.58, 0.55, 0.5, 0.5))}, 0.5),
        ({"sharp": worlds.honest(0.6), "dull": worlds.honest(0.3), "coin": worlds.skilled(0.5)}, 0.5),
        ({"dull": worlds.honest(0.4), "coin": worlds.skilled(0.5)}, 0.55),
    ],
    ids=["overconfident", "honest", "drift"],
)
def test_the_calibration_error_is_at_most_three_percent(agents: dict[str, object], drift: float) -> None:
    outcomes = [o for o in play(agents, 6000, 5, drift=drift).outcomes if o.n_calibration >= ENOUGH]
    errors = (
        calibration_error([o.p_buy for o in outcomes], [o.buy_paid for o in outcomes]),
        calibration_error([o.p_sell for o in outcomes], [o.sell_paid for o in outcomes]),
    )
    print(f"ECE buy {errors[0]:.4f}, sell {errors[1]:.4f}, n={len(outcomes)}")
    assert max(errors) <= 0.03


def test_the_calibration_error_is_as_small_while_outcomes_are_few() -> None:
    agents = {f"a{i}": worlds.skilled(s) for i, s in enumerate((0.62, 0.58, 0.55, 0.5, 0.5))}
    outcomes = [o for seed in range(12) for o in play(agents, 499, seed).outcomes if o.n_calibration >= ENOUGH]
    errors = (
        calibration_error([o.p_buy for o in outcomes], [o.buy_paid for o in outcomes]),
        calibration_error([o.p_sell for o in outcomes], [o.sell_paid for o in outcomes]),
    )
    print(f"ECE of the first 50..499 outcomes: buy {errors[0]:.4f}, sell {errors[1]:.4f}, n={len(outcomes)}")
    assert max(errors) <= 0.03


def test_the_conformal_level_keeps_its_coverage_in_a_world_that_changes() -> None:
    agents = {"a": worlds.switching(0.8, 0.2, at=700), "b": worlds.skilled(0.55)}
    up, returns = worlds.rises(1400, 6)
    learner = worlds.learner(alpha=0.3, gamma=0.05)
    worlds.play_learner(learner, worlds.votes_of(agents, up, 6), returns)
    level = learner.conformal.level
    assert level.outcomes > 1200
    assert abs(level.errors / level.outcomes - 0.3) <= (0.7 + 0.05) / (level.outcomes * 0.05)


@pytest.mark.parametrize("cut", [330, 345, 399])
def test_a_restart_from_the_last_outcomes_alone_goes_on_bit_for_bit_with_full_windows(
    cut: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibrate, "WINDOW", 200)
    for module in (champion, conformal):
        monkeypatch.setattr(module, "WINDOW", 200)
    kept = 200 + learn.LOOK
    monkeypatch.setattr(learn, "KEPT", kept)
    up, returns = worlds.rises(460, 7)
    straight = worlds.learner()
    agents = {f"a{i}": worlds.skilled(0.6) for i in range(3)}
    played = worlds.play_learner(straight, worlds.votes_of(agents, up, 7), returns)
    before, resumed = worlds.learner(), worlds.learner()
    for outcome in played.outcomes[:cut]:
        before.resolve(outcome)
    resumed.restore(played.updates[cut - 1].state, played.outcomes[cut - kept : cut])
    assert (resumed.calibration, resumed.digest) == (before.calibration, before.digest)
    assert [resumed.resolve(outcome) for outcome in played.outcomes[cut:]] == played.updates[cut:]
    assert resumed.calibration == straight.calibration
    assert resumed.calibration.n == 200
    assert resumed.digest == straight.digest


SETTINGS = {"approval": "auto", "symbols": ["MSFT"], "history_bars": 300, "replay": {"start": "2012-06-01"}}
STEPS = 40


def steps_of(workspace: Workspace) -> list[str]:
    """Bodies of the first decisions of a replay."""
    loop = Loop(workspace, Settings.from_mapping(SETTINGS))
    for _ in range(STEPS):
        asyncio.run(loop.step())
    return [str(cells["body"]) for cells in loop.ops.rows("SELECT body FROM decision ORDER BY id")]


def test_a_decision_does_not_change_by_a_byte_when_the_bars_after_it_are_shuffled(tmp_path: Path) -> None:
    real, canary = Workspace(tmp_path / "real"), Workspace(tmp_path / "canary")
    decisions = steps_of(real)
    assert len(decisions) == STEPS
    shutil.copytree(real.catalog, canary.catalog)
    after = Loop(real, Settings.from_mapping(SETTINGS)).cursor
    for path in canary.catalog.rglob("timeframe=1d/bars.parquet"):
        frame = pl.read_parquet(path)
        later = frame["ts_event"] > after
        assert later.sum() > 20, "there must be a future to shuffle"
        times = [name for name in frame.columns if name.startswith("ts_")]
        future = frame.filter(later)
        values = future.drop(times).sample(fraction=1.0, shuffle=True, seed=1)
        pl.concat([frame.filter(~later), future.select(times).hstack(values).select(frame.columns)]).write_parquet(path)
    assert steps_of(canary) == decisions
