"""The figures of the table against a slow recomputation from the cases, one case and one moment at a time."""

from __future__ import annotations

import asyncio
import math
from functools import cache
from typing import Any

import msgspec
import numpy as np
import planted
import polars as pl
import pytest

from deepalpha.decision.metrics import Interval
from deepalpha.errors import MarketDataError
from deepalpha.market import FrameSource, NewsBook
from deepalpha.report import DataFacts, Evaluation, Finding, RowKind, Scores, render
from deepalpha.report import evaluation as evaluation_module
from deepalpha.report.evaluation import judge
from deepalpha.report.forecast import ENGINE
from deepalpha.report.resample import Sums, interval, widening
from deepalpha.report.verdict import find, stretched
from deepalpha.report.walk import Case, Walk, Walker
from deepalpha.types import Action

HORIZON = 3


@cache
def world() -> tuple[Walk, Evaluation]:
    """Two symbols, one without weekends, one that starts later; voters of which one is often silent, one fails."""
    pair, stock = planted.walk_prices(330, 11), planted.walk_prices(330, 12)
    week = np.arange(330) % 7 < 5
    frames = {
        "PAIR": planted.frame(pair),
        "STOCK": planted.frame(stock).filter(pl.Series(week)).slice(30),
    }
    future = planted.future_of({"PAIR": pair, "STOCK": stock}, HORIZON)
    agents = [
        planted.told("good", future, 0.6),
        planted.told("shy", future, 0.55, silent=0.4),
        planted.Broken(),
    ]
    settings = planted.settings(HORIZON)
    source = FrameSource(frames, "1d")
    walk = asyncio.run(Walker(source, settings, agents, NewsBook(()), warm_up=planted.WARM_UP, limit=None).run())
    data = DataFacts(name="planted", symbols=("PAIR", "STOCK"), timeframe="1d", bars=walk.bars, first=0, last=0)
    return walk, judge(walk, settings, agents, data)


def naive_rate(cases: list[Case], case: Case, came: Any) -> float:
    """Share of an event among what was resolved by a case's moment, with ten horizons of half and half."""
    earlier = [other for other in cases if other.resolved_at <= case.asof]
    prior = 10 * HORIZON * 2
    return (sum(came(other) for other in earlier) + prior / 2) / (len(earlier) + prior)


def went_up(case: Case) -> float:
    return 0.5 if case.close == case.price else float(case.close > case.price)


def paid(case: Case, side: float) -> float:
    return float(side * (case.close / case.price - 1.0) > world()[0].cost)


def naive_positions(walk: Walk, side: dict[str, float], symbols: list[str]) -> tuple[list[float], list[float]]:
    """Net and traded of every moment, one case and one moment at a time."""
    cases = list(walk.cases)
    last = max(case.resolved_at for case in cases)
    moments = sorted({ts for closes in walk.closes.values() for ts, _ in closes if ts <= last})
    spans = {
        name: (
            min(case.asof for case in cases if case.symbol == name),
            max(case.resolved_at for case in cases if case.symbol == name),
        )
        for name in symbols
    }
    before = dict.fromkeys(symbols, 0.0)
    net, traded = [], []
    for moment in moments:
        active = [name for name in symbols if spans[name][0] <= moment < spans[name][1]]
        gained = moved = 0.0
        for name in symbols:
            known = [close for ts, close in walk.closes[name] if ts <= moment]
            fresh = any(ts == moment for ts, _ in walk.closes[name])
            if fresh and len(known) > 1:
                gained += before[name] * (known[-1] / known[-2] - 1.0)
            waiting = [case for case in cases if case.symbol == name and case.asof <= moment < case.resolved_at]
            mean = sum(side[case.decision_id] for case in waiting) / len(waiting) if waiting else 0.0
            position = mean / len(active) if name in active else 0.0
            moved += abs(position - before[name])
            before[name] = position
        if active or any(moment == spans[name][1] for name in symbols):
            net.append(gained - moved * walk.cost / 2.0)
            traded.append(moved)
    return net, traded


def check(found: Scores, cases: list[Case], p: Any, y: Any, rate: Any, side: Any, symbols: list[str]) -> None:
    """Every figure of a row over the cases that `p` and `side` speak of."""
    walk, evaluation = world()
    said = [(p(case), y(case), rate(case)) for case in cases if p(case) is not None]
    assert found.cases == len(cases)
    assert found.votes == len(said)
    mine = sum((a - b) ** 2 for a, b, _ in said) / len(said)
    base = sum((c - b) ** 2 for _, b, c in said) / len(said)
    assert found.brier == pytest.approx(mine)
    assert found.climatology == pytest.approx(base)
    assert found.skill is not None and found.skill.value == pytest.approx(1.0 - mine / base, abs=1e-9)
    assert found.log_loss == pytest.approx(
        -sum(b * math.log(a) + (1 - b) * math.log(1 - a) for a, b, _ in said) / len(said)
    )
    order = sorted(range(len(said)), key=lambda number: said[number][0])
    bins = [[said[number] for number in group] for group in np.array_split(order, 10)]
    misses = [len(b) * abs(sum(x[0] for x in b) / len(b) - sum(x[1] for x in b) / len(b)) for b in bins]
    assert found.ece == pytest.approx(sum(misses) / len(said))
    sided = [case for case in cases if side(case) and case.close != case.price]
    hits = [side(case) * (case.close - case.price) > 0 for case in sided]
    assert found.hit is not None and found.hit.value == pytest.approx(sum(hits) / len(hits), abs=1e-9)
    each = [side(case) * (case.close / case.price - 1.0) - walk.cost for case in cases if side(case)]
    assert found.trades == len(each)
    assert found.net_per_trade is not None
    assert found.net_per_trade.value == pytest.approx(sum(each) / len(each), abs=1e-9)
    ids = {case.decision_id for case in cases}
    sides = {case.decision_id: side(case) if case.decision_id in ids else 0.0 for case in walk.cases}
    net, traded = naive_positions(walk, sides, symbols)
    assert found.total == pytest.approx(math.prod(1.0 + r for r in net) - 1.0)
    peak, value, deepest = 1.0, 1.0, 0.0
    for r in net:
        value *= 1.0 + r
        peak = max(peak, value)
        deepest = max(deepest, 1.0 - value / peak)
    assert found.drawdown == pytest.approx(deepest)
    if len(symbols) > 1:
        year = evaluation.bars_per_year
        assert found.net is not None and found.net.value == pytest.approx(np.mean(net) * year, abs=1e-8)
        assert found.sharpe is not None
        assert found.sharpe.value == pytest.approx(np.mean(net) / np.std(net, ddof=1) * math.sqrt(year), abs=1e-8)
        assert found.turnover == pytest.approx(np.mean(traded) * year)
        assert found.cost == pytest.approx(found.turnover * walk.cost / 2.0)


BOTH = ["PAIR", "STOCK"]


def up_rate(case: Case) -> float:
    return naive_rate(list(world()[0].cases), case, went_up)


@pytest.mark.parametrize("agent", ["good", "shy", "broken"])
def test_an_agents_figures_are_those_of_a_naive_recomputation(agent: str) -> None:
    walk, evaluation = world()
    found = evaluation.row(agent)

    def said(case: Case) -> float | None:
        return case.votes.get(agent)

    def side(case: Case) -> float:
        p = said(case)
        return 0.0 if p is None or p == 0.5 else math.copysign(1.0, p - 0.5)

    check(found.scores, list(walk.cases), said, went_up, up_rate, side, BOTH)
    for symbol in BOTH:
        part = [case for case in walk.cases if case.symbol == symbol]
        check(found.symbols[symbol], part, said, went_up, up_rate, side, [symbol])


def test_the_engines_figures_and_those_of_a_regime_are_those_of_a_naive_recomputation() -> None:
    walk, evaluation = world()

    def side(case: Case) -> float:
        return {Action.BUY: 1.0, Action.SELL: -1.0, Action.HOLD: 0.0}[case.action]

    def said(case: Case) -> float | None:
        return case.confidence / 100.0 if side(case) else None

    def came(case: Case) -> float:
        return paid(case, side(case))

    def rate(case: Case) -> float:
        return naive_rate(list(walk.cases), case, lambda other: paid(other, side(case)))

    check(evaluation.row(ENGINE).scores, list(walk.cases), said, came, rate, side, BOTH)
    ranging = [case for case in walk.cases if case.regime == "ranging"]
    check(evaluation.row(ENGINE).regimes["ranging"], ranging, said, came, rate, side, BOTH)


def test_abstentions_and_failures_are_told_apart() -> None:
    walk, evaluation = world()
    broken, shy = evaluation.row("broken").scores, evaluation.row("shy").scores
    assert broken.failed == sum("broken" in case.failed for case in walk.cases) > 100
    assert (broken.abstained, shy.failed) == (0, 0)
    assert shy.abstained == sum("shy" not in case.votes for case in walk.cases) > 100
    for row in evaluation.rows:
        for scores in (row.scores, *row.regimes.values(), *row.symbols.values()):
            assert scores.cases == scores.votes + scores.abstained + scores.failed


def test_rows_taken_in_turns_have_the_same_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    walk, whole = world()
    monkeypatch.setattr(evaluation_module, "MOST_VALUES", 1)
    agents = [planted.told("good", {}, 0.5), planted.told("shy", {}, 0.5), planted.Broken()]
    assert judge(walk, planted.settings(HORIZON), agents, whole.data) == whole


def test_parts_add_up_to_the_whole() -> None:
    for row in world()[1].rows:
        for parts in (row.regimes, row.symbols):
            assert sum(part.votes for part in parts.values()) == row.scores.votes
            assert sum(part.trades for part in parts.values()) == row.scores.trades


def test_always_buying_is_buying_and_holding_and_a_coin_does_nothing() -> None:
    evaluation = world()[1]
    bought, held, coin = (evaluation.row(name).scores for name in ("always buy", "buy and hold", "coin, p = 0.5"))
    assert (bought.total, bought.turnover) == pytest.approx((held.total, held.turnover))
    assert (coin.brier, coin.total, coin.turnover, coin.trades) == (0.25, 0.0, 0.0, 0)
    assert held.brier is None


def test_one_symbol_held_earns_what_its_price_did_less_the_way_in_and_out() -> None:
    walk, evaluation = world()
    cases = [case for case in walk.cases if case.symbol == "PAIR"]
    grown = cases[-1].close / cases[0].price
    cost = walk.cost / 2.0
    held = evaluation.row("buy and hold").symbols["PAIR"]
    assert held.gross == pytest.approx(grown - 1.0)
    assert 1.0 + held.total == pytest.approx(grown * (1.0 - cost) * (1.0 - cost), rel=1e-4)


def test_every_resample_has_as_many_moments_as_the_data_and_keeps_neighbours_together() -> None:
    n, block = 300, 10.0
    sums = Sums(n, block)
    drawn = sums.of(np.column_stack([np.ones(n), np.eye(n)]))
    assert (drawn[:, 0] == n).all()
    counts = drawn[:, 1:]
    same = np.mean([np.corrcoef(row[:-1], row[1:])[0, 1] for row in counts])
    assert same == pytest.approx(1.0 - 1.0 / block, abs=0.03), "a run goes on with probability 1 - 1/block"
    assert np.array_equal(sums.of(np.ones((n, 1))), Sums(n, block).of(np.ones((n, 1))))
    with pytest.raises(MarketDataError, match="at least 1"):
        Sums(10, 0.5)
    with pytest.raises(MarketDataError, match="300 moments"):
        sums.of(np.ones((299, 1)))


@pytest.mark.parametrize(("n", "horizon"), [(250, 5), (800, 5), (400, 1)])
def test_an_interval_covers_the_truth_about_as_often_as_it_says(n: int, horizon: int) -> None:
    worlds, block = 400, float(max(2 * horizon, math.ceil(n ** (1 / 3))))
    noise = np.random.default_rng(n).normal(0.0, 1.0, (worlds, n + horizon - 1))
    overlapping = np.ones(horizon) / horizon  # what returns over a horizon have in common
    series = np.column_stack([np.convolve(row, overlapping, mode="valid") for row in noise])
    drawn = Sums(n, block).of(series)
    wider = widening(n, block, horizon)
    covered = above = 0
    for world in range(worlds):
        column = slice(world, world + 1)
        found = interval(series.sum(axis=0)[column], drawn[:, column], lambda sums: sums[:, 0], wider=wider)
        assert found is not None
        covered += found.low <= 0.0 <= found.high
        above += found.low > 0.0
    print(f"{n} moments: covered {100 * covered / worlds:.1f} %, lower bound above 0 in {100 * above / worlds:.1f} %")
    assert 0.92 <= covered / worlds <= 0.98
    assert above / worlds <= 0.045


def made(skill: tuple[float, float, float], net: tuple[float, float, float], hit: float = 0.55) -> Scores:
    def bounds(values: tuple[float, float, float]) -> Interval:
        return Interval(value=values[1], low=values[0], high=values[2])

    return Scores(
        cases=500, votes=500, abstained=0, failed=0, trades=500,
        skill=bounds(skill), net=bounds(net), hit=bounds((hit - 0.04, hit, hit + 0.04)),
    )  # fmt: skip


GOOD, WEAK, BAD = (0.03, 0.05, 0.07), (0.001, 0.02, 0.04), (-0.01, 0.02, 0.05)


@pytest.mark.parametrize(
    ("kind", "scores", "finding", "said"),
    [
        (RowKind.ENGINE, made(WEAK, WEAK), Finding.EDGE, "both lower bounds are above 0"),
        (RowKind.ENGINE, made(BAD, GOOD), Finding.NO_EDGE, "skill's lower bound is -1.0 %"),
        (RowKind.ENGINE, made((-0.05, -0.03, -0.01), GOOD), Finding.NO_EDGE, "worse than the base rate"),
        (RowKind.ENGINE, made(GOOD, BAD), Finding.NO_EDGE, "net return's lower bound is -1.0 %"),
        (RowKind.AGENT, made(WEAK, GOOD), Finding.UNPROVEN, "as one of 11 rows looked at"),
        (RowKind.AGENT, made(GOOD, GOOD), Finding.EDGE, "also as one of 11 rows"),
        (RowKind.AGENT, made(GOOD, GOOD, hit=0.85), Finding.IMPLAUSIBLE, "the future"),
        (RowKind.BASELINE, made(GOOD, GOOD), Finding.REFERENCE, "not judged"),
        (RowKind.AGENT, Scores(cases=9, votes=4, abstained=5, failed=0, trades=4), Finding.NO_EDGE, "too few"),
    ],
)
def test_an_edge_needs_both_lower_bounds_above_zero(kind: RowKind, scores: Scores, finding: Finding, said: str) -> None:
    found, words = find(kind, scores, 11)
    assert found is finding
    assert said in words


def test_numbers_too_wide_for_their_column_lose_decimals_and_bounds_but_never_the_shape_of_the_table() -> None:
    evaluation = world()[1]
    wild = Interval(value=-123.456, low=-4567.8, high=98765.4)

    def with_wild(scores: Scores) -> Scores:
        return msgspec.structs.replace(scores, skill=wild, net=wild, sharpe=wild)

    rows = tuple(
        msgspec.structs.replace(
            row,
            scores=with_wild(row.scores),
            regimes={name: with_wild(part) for name, part in row.regimes.items()},
            symbols={f"{name}-of-an-exchange-far-away": with_wild(part) for name, part in row.symbols.items()},
        )
        for row in evaluation.rows
    )
    before = [len(line) for line in render(evaluation).splitlines()]
    after = [len(line) for line in render(msgspec.structs.replace(evaluation, rows=rows)).splitlines()]
    assert max(after) <= 120
    assert before == after


def test_the_more_rows_are_looked_at_the_wider_the_interval() -> None:
    one = Interval(value=1.0, low=0.5, high=1.2)
    widths = [stretched(one, rows).low for rows in (1, 2, 11, 100)]
    assert widths[0] == one.low
    assert widths == sorted(widths, reverse=True)
    assert stretched(one, 2).low == pytest.approx(1.0 - 0.5 * 2.2414 / 1.95996, abs=1e-4)
