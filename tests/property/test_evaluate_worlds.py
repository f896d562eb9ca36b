"""Evaluations of planted worlds: what is there is found, what is not there is not, and nobody saw the future."""

from __future__ import annotations

import asyncio
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import planted
import pytest
import worlds

from deepalpha.agents import discover
from deepalpha.config import Settings, Workspace
from deepalpha.decision import Learner
from deepalpha.decision.clip import logistic
from deepalpha.live import Loop
from deepalpha.market import NewsBook
from deepalpha.report import DataFacts, Evaluation, Finding, evaluate, open_news
from deepalpha.report.evaluation import judge
from deepalpha.report.forecast import ENGINE
from deepalpha.report.walk import Case, ShadowCalibration, Walk, Walker
from deepalpha.types import DAY

EQUAL, SHARE, POOL = Learner(0.5, 0.5).names
BARS = 520


@cache
def closes() -> dict[str, np.ndarray]:
    return {symbol: planted.walk_prices(BARS, seed) for seed, symbol in enumerate(("AAA", "BBB"), start=3)}


def judged(agents: list[Any], **more: Any) -> Evaluation:
    return evaluate(
        planted.source(closes()), planted.settings(), agents=agents, warm_up=planted.WARM_UP, name="planted", **more
    )


def walked(prices: dict[str, np.ndarray], agents: list[Any], *, limit: int | None = None, horizon: int = 1) -> Walk:
    walker = Walker(
        planted.source(prices),
        planted.settings(horizon),
        agents,
        NewsBook(()),
        warm_up=planted.WARM_UP,
        limit=limit,
    )
    return asyncio.run(walker.run())


def crowd(*skills: float, **more: Any) -> list[Any]:
    future = planted.future_of(closes())
    return [planted.told(f"a{number}", future, skill, **more) for number, skill in enumerate(skills)]


def test_pure_noise_has_no_edge_and_is_mostly_left_alone() -> None:
    found = judged(crowd(0.5, 0.5, 0.5, 0.5, says=0.6))
    assert found.finding is Finding.NO_EDGE
    assert found.words.startswith("no edge: ")
    assert all(row.finding in (Finding.NO_EDGE, Finding.REFERENCE) for row in found.rows)
    engine = found.row(ENGINE).scores
    print(f"noise: the engine stays out of {100 * engine.abstained / engine.cases:.0f} % of {engine.cases} cases")
    assert engine.abstained / engine.cases > 0.6


def test_agents_of_known_skill_are_found_with_their_skill() -> None:
    found = judged(crowd(0.62, 0.58, 0.5))
    assert found.finding is Finding.EDGE
    best, coin = found.row("a0"), found.row("a2")
    assert best.finding is Finding.EDGE
    assert coin.finding is Finding.NO_EDGE
    assert best.scores.hit is not None and best.scores.skill is not None
    assert best.scores.hit.low < 0.62 < best.scores.hit.high
    honest = 1.0 - 0.62 * 0.38 / 0.25  # Brier skill of one who says 62 % and is right in 62 %, against a coin
    assert best.scores.skill.low < honest < best.scores.skill.high


def test_an_agent_that_is_always_wrong_has_no_edge_and_the_log_pool_turns_it_around() -> None:
    found = judged(crowd(0.4, 0.5, says=0.6))
    wrong = found.row("a0")
    assert wrong.finding is Finding.NO_EDGE
    assert wrong.scores.skill is not None and wrong.scores.skill.high < 0.0
    assert wrong.scores.net is not None and wrong.scores.net.high < 0.0
    pool = found.row(f"{POOL} raw").scores
    assert pool.skill is not None and pool.skill.value > 0.0


def test_an_agent_that_is_there_five_times_is_not_counted_five_times_by_the_log_pool() -> None:
    future = planted.future_of(closes())
    good = planted.told("b", future, 0.66, seed=7)
    coin = {"skill": 0.5, "says": 0.7, "seed": 8}
    once = judged([good, planted.told("c", future, **coin)])
    fivefold = judged([good, *(planted.told(f"c{copy}", future, **coin) for copy in range(5))])

    def brier(found: Evaluation, row: str) -> float:
        value = found.row(row).scores.brier
        assert value is not None
        return value

    assert brier(fivefold, "c3") == brier(once, "c")
    assert brier(fivefold, f"{POOL} raw") < brier(once, f"{POOL} raw") + 0.003
    assert brier(fivefold, f"{EQUAL} raw") > brier(once, f"{EQUAL} raw") + 0.003, "the equal pool hears five voices"


def test_an_agent_that_was_given_the_future_is_called_implausible() -> None:
    found = judged(crowd(0.95, 0.5))
    assert found.row("a0").finding is Finding.IMPLAUSIBLE
    assert "look for data from the future" in found.row("a0").words
    assert found.finding is Finding.IMPLAUSIBLE
    assert found.row("a1").finding is Finding.NO_EDGE


def test_no_agent_can_reach_a_bar_that_closes_after_its_moment() -> None:
    snoop = planted.Snoop()
    assert len(walked(closes(), [snoop]).cases) > 900
    assert snoop.ahead == []


def test_what_is_known_of_a_decision_does_not_depend_on_what_comes_after_it() -> None:
    cut = 400
    other = {
        symbol: np.concatenate([close[:cut], close[cut - 1] * planted.walk_prices(BARS - cut, 77) / 100.0])
        for symbol, close in closes().items()
    }
    moment = planted.START + cut * DAY

    def known(prices: dict[str, np.ndarray]) -> list[Case]:
        found = walked(prices, [planted.Snoop()], horizon=3).cases
        return [case for case in found if case.resolved_at <= moment]

    assert len(known(closes())) > 700
    assert known(closes()) == known(other)


def test_the_cases_of_a_prefix_are_a_prefix_of_the_cases() -> None:
    agents = crowd(0.6, 0.5)
    whole = walked(closes(), agents, horizon=3).cases
    prefix = walked({symbol: close[:300] for symbol, close in closes().items()}, agents, horizon=3)
    assert len(prefix.cases) > 500
    assert prefix.unresolved == 2 * 3
    assert prefix.cases == whole[: len(prefix.cases)]
    limited = walked(closes(), agents, horizon=3, limit=301)
    assert (limited.cases, limited.unresolved) == (whole[:301], 0)


def test_a_decision_knows_every_outcome_of_its_moment_and_none_after_it() -> None:
    cases = walked(closes(), crowd(0.6, 0.5), limit=60).cases
    for case in cases:
        known = sum(other.resolved_at <= case.asof for other in cases)
        if known < 50:
            assert case.n_calibration == known


def test_it_decides_as_the_live_loop_does_while_nothing_is_held(tmp_path: Path) -> None:
    steps = 45
    values = {"symbols": ["AAPL", "GOOG", "IBM", "MSFT"], "agents": {"enabled": ["technical", "trend", "risk", "news"]}}
    settings = Settings.from_mapping(values)  # approve mode: nobody clicks, so nothing is ever filled
    loop = Loop(Workspace(tmp_path), settings)

    async def live() -> None:
        for _ in range(steps):
            await loop.step()

    asyncio.run(live())
    news, agents = open_news(settings), discover(settings.agents.enabled)
    for agent in agents:
        agent.begin(loop.workspace, settings.agents)
    walker = Walker(loop.source, settings, agents, news, warm_up=1, limit=4 * steps)
    cases = asyncio.run(walker.run()).cases
    for symbol in settings.symbols:
        mine = [(case.asof, case.action, logistic(case.score), case.price) for case in cases if case.symbol == symbol]
        theirs = [(item.asof, item.action, item.p_up, item.price) for item in loop.decider.memory(symbol)]
        assert len(theirs) == steps
        assert mine == theirs


def test_the_order_of_agents_and_symbols_changes_nothing() -> None:
    agents = crowd(0.6, 0.55, 0.5)
    one = judged(agents, limit=500)
    turned = {symbol: closes()[symbol] for symbol in reversed(closes())}
    other = evaluate(
        planted.source(turned),
        planted.settings(),
        agents=list(reversed(agents)),
        warm_up=planted.WARM_UP,
        name="planted",
        limit=500,
    )
    assert one == other


def test_the_engines_confidence_is_the_calibrated_chance_of_its_live_fuser() -> None:
    cases = walked(closes(), crowd(0.6, 0.5)).cases
    checked = 0
    for case in cases:
        if case.chances:
            chance = case.chances[case.fuser]
            assert case.confidence == 100.0 * (chance.sell if case.score < 0.0 else chance.buy)
            checked += 1
    assert checked > 800


def planted_cases(rounds: int) -> Walk:
    """Honest agents on independent moves, learned from round by round, without bars."""
    agents = {"sharp": worlds.honest(0.6), "dull": worlds.honest(0.3), "coin": worlds.skilled(0.5, says=0.5)}
    up, returns = worlds.rises(rounds, 5)
    played = worlds.play_learner(worlds.learner(), worlds.votes_of(agents, up, 5), returns)
    shadow, cases, price = ShadowCalibration((EQUAL, SHARE, POOL)), [], 100.0
    closes = [(DAY, price)]
    for outcome, change in zip(played.outcomes, returns.tolist(), strict=True):
        after = price * (1.0 + change)
        cases.append(
            Case(
                decision_id=outcome.decision_id, symbol="X", asof=outcome.asof, action=outcome.action, price=price,
                score=outcome.shadows[outcome.fuser], confidence=50.0, n_calibration=outcome.n_calibration,
                fuser=outcome.fuser, regime="ranging", votes=outcome.votes, failed=(), asked=outcome.asked,
                shadows=outcome.shadows, chances=shadow.chances(outcome.shadows), rise=0.02, fall=0.02,
                last_return=0.0, block_kind="", abstain_kind="", resolved_at=outcome.resolved_at, close=after,
            )
        )  # fmt: skip
        shadow.learn(outcome)
        closes.append((outcome.resolved_at, after))
        price = after
    return Walk(
        cases=tuple(cases), unresolved=0, bars=rounds, closes={"X": tuple(closes)}, horizon_s=86_400, cost=worlds.COST
    )


def test_honest_agents_and_calibrated_fusers_have_a_calibration_error_of_at_most_three_percent() -> None:
    walk = planted_cases(5000)
    data = DataFacts(name="planted", symbols=("X",), timeframe="1d", bars=5000, first=0, last=0)
    agents = [planted.told(name, {}, 0.5) for name in ("sharp", "dull", "coin")]
    found = judge(walk, planted.settings(), agents, data)
    errors = {
        name: found.row(name).scores.ece for name in ("sharp", "dull", f"{EQUAL} calibrated", f"{POOL} calibrated")
    }
    print(f"ECE {errors}")
    assert all(error is not None and error <= 0.03 for error in errors.values())
    assert found.row("sharp").finding is Finding.EDGE
    assert found.row("coin").scores.skill is not None


@pytest.mark.parametrize("seed", range(3))
def test_base_rates_alone_are_no_skill(seed: int) -> None:
    prices = {"AAA": planted.walk_prices(500, seed, drift=0.6)}
    found = evaluate(
        planted.source(prices), planted.settings(), agents=[planted.Snoop()], warm_up=planted.WARM_UP, name="drift"
    )
    base, coin = found.row("always buy").scores, found.row("coin, p = 0.5").scores
    assert base.skill is not None and (base.skill.low, base.skill.value, base.skill.high) == (0.0, 0.0, 0.0)
    assert coin.skill is not None and coin.skill.value < 0.02
