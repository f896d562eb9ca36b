"""Technical, trend and pattern agents: what they say about worlds whose truth is known."""

from __future__ import annotations

import agents_kit as kit
import msgspec
import numpy as np
import pytest

from deepalpha.agents.pattern import PatternAgent
from deepalpha.agents.technical import TechnicalAgent
from deepalpha.agents.trend import TrendAgent
from deepalpha.types import SignalStatus

CANDLES = ("CDLENGULFING", "CDLHAMMER", "CDLDOJI", "CDLMORNINGSTAR", "CDLEVENINGSTAR")


@pytest.mark.parametrize("agent", [TechnicalAgent(), TrendAgent()], ids=lambda agent: agent.name)
@pytest.mark.parametrize("seed", range(5))
def test_a_clean_trend_is_seen_in_its_direction(agent, seed):
    up = kit.answer(agent, kit.context(kit.planted(0.004, seed=seed)))
    down = kit.answer(agent, kit.context(kit.planted(-0.004, seed=seed)))
    assert up.p_up > 0.5 > down.p_up


@pytest.mark.parametrize("agent", [TechnicalAgent(), TrendAgent(), PatternAgent()], ids=lambda agent: agent.name)
def test_votes_stay_in_the_documented_range_on_real_bars(agent):
    votes = []
    for bar in range(1000, 3200, 40):
        columns = kit.sample()
        signal = kit.answer(agent, kit.context(columns, asof=int(columns["ts_open"][bar]) + kit.DAY))
        if signal.status is SignalStatus.OK:
            votes.append(signal.p_up)
    edge = agent.params.max_edge
    assert len(votes) > 30
    assert 0.5 - edge <= min(votes) < 0.5 < max(votes) <= 0.5 + edge


@pytest.mark.parametrize("agent", [TechnicalAgent(), TrendAgent()], ids=lambda agent: agent.name)
def test_a_voter_falls_silent_rather_than_vote_on_prices_that_stand_still(agent):
    signal = kit.answer(agent, kit.context(kit.bars_of(np.full(750, 100.0), spread=0.0)))
    assert signal.status is SignalStatus.ABSTAIN


def test_technical_needs_two_timeframes_and_says_so():
    signal = kit.answer(TechnicalAgent(), kit.context(kit.planted(0.004), timeframes=()))
    assert signal.status is SignalStatus.ABSTAIN
    assert "needs 2 timeframes" in signal.reasons[0] and "has 1 of 1" in signal.reasons[0]


def test_technical_reads_all_three_timeframes_and_cites_them():
    signal = kit.answer(TechnicalAgent(), kit.context())
    for timeframe in ("1d", "1w", "1mo"):
        assert any(reason.startswith(f"{timeframe}: ") for reason in signal.reasons)
        assert any(item.id == f"{timeframe}:RSI_14" for item in signal.evidence)


@pytest.mark.parametrize(
    ("rsi", "score"),
    [(50, 0), (60, 0.5), (70, 1), (77.5, 0), (85, -0.5), (95, -0.5), (40, -0.5), (30, -1), (22.5, 0), (10, 0.5)],
)
def test_rsi_scores_momentum_inside_and_exhaustion_outside_30_to_70(rsi, score):
    assert TechnicalAgent()._rsi_score(rsi) == pytest.approx(score)


def trend_frame(*, fast, middle, slow, rsi=50.0, high=None, timeframe="1d", bars=80):
    """Hand-made averages: a number is constant over the bars, a list gives the last ones."""

    def padded(values):
        values = [values] if isinstance(values, (int, float)) else list(values)
        return [values[0]] * (bars - len(values)) + values

    series = {"EMA_7": padded(fast), "EMA_25": padded(middle), "EMA_99": padded(slow), "RSI_14": padded(rsi)}
    series["ATR_14"] = [1.0] * bars
    prices = {"close": padded(fast)}
    if high is not None:
        prices["high"] = padded(high)
    return kit.frame(series, timeframe=timeframe, **prices)


def test_trend_scores_the_order_of_the_three_averages():
    votes = [
        kit.answer(TrendAgent(), kit.context_of(trend_frame(fast=f, middle=m, slow=s))).p_up
        for f, m, s in ((103, 102, 101), (102, 103, 101), (102, 101, 103), (101, 102, 103))
    ]
    assert votes == [0.56, 0.5, 0.5, 0.44]


def test_trend_agreement_across_timeframes_strengthens_and_conflict_weakens():
    up = trend_frame(fast=103, middle=102, slow=101)
    same = trend_frame(fast=103, middle=102, slow=101, timeframe="1w")
    against = trend_frame(fast=101, middle=102, slow=103, timeframe="1w")
    aligned = kit.answer(TrendAgent(), kit.context_of(up, same))
    torn = kit.answer(TrendAgent(), kit.context_of(up, against))
    assert aligned.p_up > torn.p_up > 0.5
    assert "2 of 2 timeframes agree" in aligned.reasons
    assert "1 of 2 timeframes agree" in torn.reasons


def test_trend_uses_7_and_25_where_a_coarse_timeframe_has_no_99_yet_but_not_on_the_base():
    young = trend_frame(fast=103, middle=102, slow=float("nan"), timeframe="1w")
    base = trend_frame(fast=103, middle=102, slow=101)
    assert "2 of 2 timeframes agree" in kit.answer(TrendAgent(), kit.context_of(base, young)).reasons
    young_base = trend_frame(fast=103, middle=102, slow=float("nan"))
    assert kit.answer(TrendAgent(), kit.context_of(young_base)).status is SignalStatus.ABSTAIN


def test_trend_warns_of_a_divergence_and_halves_its_edge():
    def swings(second_rsi):
        high = [100.0, 101, 102, 110, 102, 101, 100, 101, 102, 112, 102, 101, 100, 100]
        rsi = [50.0, 55, 60, 75, 60, 55, 50, 55, 60, second_rsi, 60, 55, 50, 50]
        return kit.context_of(trend_frame(fast=103, middle=102, slow=101, high=high, rsi=rsi))

    calm, warned = (kit.answer(TrendAgent(), swings(rsi)) for rsi in (78, 65))
    assert not any("warning" in reason for reason in calm.reasons)
    assert any("higher high, RSI did not" in reason for reason in warned.reasons)
    assert warned.p_up - 0.5 == pytest.approx((calm.p_up - 0.5) / 2)


def test_trend_knows_a_swing_only_three_bars_after_it():
    high = [100.0, 101, 102, 110, 102, 101, 100, 101, 102, 112, 102, 101]  # the second top has two bars after it
    rsi = [50.0, 55, 60, 75, 60, 55, 50, 55, 60, 65, 60, 55]
    signal = kit.answer(TrendAgent(), kit.context_of(trend_frame(fast=103, middle=102, slow=101, high=high, rsi=rsi)))
    assert not any("warning" in reason for reason in signal.reasons)


def test_trend_warns_when_the_fast_average_crosses_back():
    base = trend_frame(fast=[104, 104, 102.5, 101.9], middle=102, slow=90)
    coarse = [trend_frame(fast=103, middle=102, slow=101, timeframe=name) for name in ("1w", "1mo")]
    signal = kit.answer(TrendAgent(), kit.context_of(base, *coarse))
    assert any("EMA 7 crossed below EMA 25" in reason for reason in signal.reasons)


def candle_frame(patterns, *, close=None, low=None, high=None, bars=40):
    series = {name: [0.0] * bars for name in CANDLES}
    for name, age, value in patterns:
        series[name][bars - 1 - age] = value
    series["ATR_14"] = [1.0] * bars
    return kit.frame(series, close=close or [100.0] * bars, low=low or [99.5] * bars, high=high or [100.5] * bars)


class Planted(PatternAgent):
    """Takes the candlestick patterns from the frame's series instead of its bars."""

    def candle_values(self, frame):
        return {name: values for name, values in frame.series.items() if name.startswith("CDL")}


def vote(frame):
    return kit.answer(Planted(), kit.context_of(frame))


def test_pattern_without_pattern_or_level_abstains_instead_of_voting_half():
    assert vote(candle_frame([])).status is SignalStatus.ABSTAIN


@pytest.mark.parametrize("name", ["CDLENGULFING", "CDLHAMMER", "CDLMORNINGSTAR"])
def test_bullish_patterns_vote_up_and_fade_with_age(name):
    votes = [vote(candle_frame([(name, age, 100.0)])).p_up for age in (0, 1, 2)]
    assert votes[0] > votes[1] > votes[2] > 0.5
    assert vote(candle_frame([(name, 3, 100.0)])).status is SignalStatus.ABSTAIN


@pytest.mark.parametrize("name", ["CDLENGULFING", "CDLEVENINGSTAR"])
def test_bearish_patterns_vote_down_by_as_much(name):
    down = vote(candle_frame([(name, 0, -100.0)]))
    assert down.p_up < 0.5
    if name == "CDLENGULFING":
        assert down.p_up == pytest.approx(1 - vote(candle_frame([(name, 0, 100.0)])).p_up)


def test_a_repeated_pattern_is_no_further_proof():
    once = vote(candle_frame([("CDLENGULFING", 0, 100.0)]))
    twice = vote(candle_frame([("CDLENGULFING", 0, 100.0), ("CDLENGULFING", 1, 100.0)]))
    assert once.p_up == twice.p_up


def test_a_doji_leans_against_the_move_before_it_and_says_nothing_without_one():
    rise = [95.0] * 34 + [96.0, 97, 98, 99, 100, 100]
    fall = [105.0] * 34 + [104.0, 103, 102, 101, 100, 100]
    doji = [("CDLDOJI", 0, 100.0)]
    assert vote(candle_frame(doji, close=rise)).p_up < 0.5
    assert vote(candle_frame(doji, close=fall)).p_up > 0.5
    assert vote(candle_frame(doji)).status is SignalStatus.ABSTAIN


def swing(at, extreme, bars=40, base=None):
    values = [base] * bars
    for bar in at:
        values[bar] = extreme
    return values


def test_support_below_votes_up_and_resistance_above_votes_down_in_atr():
    above_support = candle_frame([], low=swing((10, 20), 99.4, base=99.9), close=[100.0] * 40)
    below_resistance = candle_frame([], high=swing((10, 20), 100.6, base=100.1), close=[100.0] * 40)
    up, down = vote(above_support), vote(below_resistance)
    assert up.p_up > 0.5 > down.p_up
    assert up.reasons == ("support at 99.4, touched 2 times, is 0.6 ATR away",)
    assert down.reasons == ("resistance at 100.6, touched 2 times, is 0.6 ATR away",)
    assert {item.id: item.value for item in up.evidence}["1d:low"] == pytest.approx(99.4)


def test_a_level_weighs_more_the_nearer_and_the_more_often_touched():
    def support(at, price):
        return vote(candle_frame([], low=swing(at, price, base=99.95))).p_up

    assert support((10,), 99.5) < support((10, 20), 99.5) < support((5, 10, 20), 99.5)
    assert support((10,), 99.3) < support((10,), 99.7)
    assert vote(candle_frame([], low=swing((10,), 98.9, base=99.95))).status is SignalStatus.ABSTAIN


def test_a_swing_low_of_the_last_three_bars_is_no_level_yet():
    assert vote(candle_frame([], low=swing((37,), 99.4, base=99.9))).status is SignalStatus.ABSTAIN
    assert vote(candle_frame([], low=swing((36,), 99.4, base=99.9))).status is SignalStatus.OK


def test_thresholds_live_in_a_frozen_struct_that_an_own_agent_can_replace():
    class Bold(TechnicalAgent):
        name = "bold"
        params = msgspec.structs.replace(TechnicalAgent.params, max_edge=0.4)

    ctx = kit.context(kit.planted(0.004))
    plain, bold = kit.answer(TechnicalAgent(), ctx), kit.answer(Bold(), ctx)
    assert bold.p_up - 0.5 == pytest.approx(2 * (plain.p_up - 0.5), abs=2e-6)
