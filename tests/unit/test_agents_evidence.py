"""What the technical and pattern agents read: every family on planted markets, warm-up, duplicates, chart patterns."""

from __future__ import annotations

import math
from itertools import pairwise

import agents_kit as kit
import numpy as np
import pytest

from deepalpha import ta
from deepalpha.agents import built_in_names, evidence_exists
from deepalpha.agents.pattern import PatternAgent
from deepalpha.agents.pattern_candles import WEIGHTS, last_values
from deepalpha.agents.pattern_chart import chart_votes
from deepalpha.agents.technical import TechnicalAgent
from deepalpha.agents.technical_table import FAMILIES, OSCILLATOR, ROWS, Reading
from deepalpha.ta.candles import CANDLE_NAMES
from deepalpha.types import SignalStatus


def trend_market(drift, seed=3, bars=400):
    """A noisy trend whose volume goes with it."""
    steps = np.random.default_rng(seed).normal(drift, 0.004, bars)
    columns = kit.bars_of(100 * np.exp(np.cumsum(steps)))
    columns["volume"] = np.where(np.sign(steps) == np.sign(drift), 3e6, 1e6)
    middle = (columns["open"] + columns["close"]) / 2
    columns["high"], columns["low"] = middle * 1.008, middle * 0.992
    return columns


def young_trend(sign, seed):
    """A market without direction that has begun to rise or fall 20 bars ago: not yet exhausted."""
    steps = np.random.default_rng(seed).normal(0, 0.004, 400)
    steps[-20:] += sign * 0.0018
    columns = kit.bars_of(100 * np.exp(np.cumsum(steps)))
    columns["volume"] = np.where(steps * sign > 0, 3e6, 1e6)
    return columns


def range_market(bars=400, end=0):
    """A sine of 12 bars; `end` shifts it so that the last bar is a top (3) or a bottom (9)."""
    place = np.arange(bars) - bars + 1 + end
    close = 100 + 2 * np.sin(2 * np.pi * place / 12) + 0.3 * np.where(np.arange(bars) % 2, 1, -1)
    return kit.bars_of(close)


def breakout_market(sign, bars=400):
    close = 100 + 0.5 * np.sin(np.arange(bars) * 2.1)
    close[-6:] += sign * np.array([1.0, 2, 3, 4, 5, 6])
    return kit.bars_of(close, spread=0.004)


def base_view(columns, agent=None):
    agent = agent or TechnicalAgent()
    return agent._view(kit.context(columns).base)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("drift", [0.004, -0.004])
def test_every_family_leans_with_a_steady_trend(family, drift):
    scores = [base_view(trend_market(drift, seed)).families[family] for seed in range(8)]
    assert np.mean(scores) * drift > 0


# RSI turns against a move that has run far: see test_rsi_scores_momentum_inside_and_exhaustion_outside_30_to_70.
@pytest.mark.parametrize("row", [row for row in ROWS if row.label != "RSI"], ids=lambda row: row.label)
def test_every_row_stays_in_its_bounds_and_most_often_tells_a_rise_from_a_fall(row):
    def mean(sign):
        readings = [Reading(kit.context(young_trend(sign, seed)).base, TechnicalAgent.params) for seed in range(6)]
        scores = [row.score(reading) for reading in readings]
        assert all(-1 <= score <= 1 for score in scores)
        assert all(row.words(reading) for reading in readings)
        return np.mean(scores)

    assert mean(1) > 0 > mean(-1)


@pytest.mark.parametrize(("end", "lean"), [(3, -1), (9, 1)])
def test_oscillators_lean_against_the_edge_of_a_range_and_bands_see_no_breakout(end, lean):
    view = base_view(range_market(end=end))
    assert view.reading.trending < 0.4
    assert view.families[OSCILLATOR] * lean > 0.1
    assert abs(view.families["bands"]) < 0.05


@pytest.mark.parametrize("sign", [1, -1])
def test_a_breakout_turns_bands_and_oscillators_to_its_side(sign):
    view = base_view(breakout_market(sign))
    assert view.reading.trending > 0.6
    assert view.families["bands"] * sign > 0.5
    assert view.families["trend"] * sign > 0.3


def test_the_regime_decides_whether_the_same_reading_is_momentum_or_a_turn():
    def score(choppiness, efficiency, adx):
        series = {"CHOPPINESS_14": [choppiness], "ER_10": [efficiency], "ADX_14": [adx], "CCI_20": [100.0]}
        reading = Reading(kit.frame(series, close=[100.0]), TechnicalAgent.params)
        return next(row for row in ROWS if row.label == "CCI").score(reading)

    assert score(30, 0.8, 40) == 1.0
    assert score(70, 0.1, 10) == -1.0
    assert score(50, 0.4, 22.5) == pytest.approx(0.0, abs=0.01)


def test_an_unknown_regime_is_half_and_half_and_said_to_be_unknown():
    reading = Reading(kit.frame({}, close=[100.0]), TechnicalAgent.params)
    assert reading.trending == 0.5
    assert TechnicalAgent()._regime(reading) == "regime not known yet"


def test_ten_copies_of_an_oscillator_change_no_vote():
    class Copied(TechnicalAgent):
        rows = (*ROWS, *(row for row in ROWS if row.family == OSCILLATOR for _ in range(9)))

    for columns in (trend_market(0.004), range_market(end=3), breakout_market(-1)):
        ctx = kit.context(columns)
        assert kit.answer(Copied(), ctx).p_up == pytest.approx(kit.answer(TechnicalAgent(), ctx).p_up, abs=2e-6)


def test_what_still_warms_up_is_left_out_and_named():
    signal = kit.answer(TechnicalAgent(), kit.context())
    named = next(reason for reason in signal.reasons if reason.startswith("left out on 1mo"))
    assert named == "left out on 1mo (warming up, or no volume): TSI, KST, Connors RSI, Squeeze"
    assert not any(reason.startswith("left out on 1d") for reason in signal.reasons)
    assert {row.label for row in base_view(trend_market(0.004, bars=60)).missing} == {"Connors RSI"}


def test_a_market_without_volume_has_no_volume_vote_and_says_so():
    columns = trend_market(0.004)
    columns["volume"] = np.zeros(400)
    view = base_view(columns)
    assert "volume" not in view.families
    assert {row.label for row in view.missing} == {"MFI", "OBV", "AD", "CMF"}
    assert math.isfinite(view.score) and view.score > 0


def test_helper_modules_are_no_agents_and_every_reading_is_cited():
    assert built_in_names() == ("news", "pattern", "risk", "technical", "trend")
    ctx = kit.context()
    cited = {item.id for item in kit.answer(TechnicalAgent(), ctx).evidence}
    assert cited >= {f"1d:{name}" for row in ROWS for name in row.outputs}


# --- pattern agent


def test_all_61_candlestick_patterns_have_a_weight_and_are_read_off_the_last_bars_as_off_all():
    assert sorted(name for name, _ in WEIGHTS) == sorted(ta.functions("pattern"))
    for symbol in ("AAPL", "IBM"):
        columns = kit.sample(symbol)
        for asof_bar in range(800, 3000, 97):
            frame = kit.context(columns, asof=int(columns["ts_open"][asof_bar]) + kit.DAY).base
            whole = ta.patterns(frame.open, frame.high, frame.low, frame.close).values[-3:]
            seen = last_values(frame, 3)
            assert {name: values.tolist() for name, values in seen.items()} == {
                name: whole[:, place].tolist() for place, name in enumerate(CANDLE_NAMES) if whole[:, place].any()
            }


def shape(*turns, bars_a_leg=10, noise=0.15):
    """Closes along straight legs through the turns, as daily bars."""
    legs = [np.linspace(a, b, bars_a_leg, endpoint=False) for a, b in pairwise(turns)]
    close = np.concatenate([*legs, [turns[-1]]])
    return close + noise * np.where(np.arange(len(close)) % 2, 1, -1)


def bars(close):
    return kit.bars_of(np.asarray(close), spread=0.006)


DOUBLE_BOTTOM = shape(130, 128, 131, 129, 131, 100, 112, 100.2, 126)
HEAD_AND_SHOULDERS = shape(130, 128, 131, 129, 131, 106, 114, 98, 114, 106, 128)


def chart_bars(close, name):
    """Bars at whose close a pattern of this name became known."""
    columns = bars(close)
    found = ta.chart.patterns(*(columns[side] for side in ("open", "high", "low", "close")))
    return [(item.confirmed_at, item) for item in found if item.name == name]


@pytest.mark.parametrize(
    ("close", "name"), [(DOUBLE_BOTTOM, "double_bottom"), (HEAD_AND_SHOULDERS, "inverse_head_and_shoulders")]
)
def test_a_planted_shape_raises_the_score_only_from_its_confirmation_on(close, name):
    known = chart_bars(close, name)
    assert known, "the planted shape is one"
    confirmed = known[0][0]

    def chart_part(bar):
        frame = kit.context(bars(close[: bar + 1])).base
        return PatternAgent()._charts(frame)

    words = name.replace("_", " ")
    for bar in range(confirmed - 6, confirmed):
        assert not any(f"bullish {words}" in reason for reason in chart_part(bar)[1])
    before, (score, reasons, evidence) = chart_part(confirmed - 1)[0], chart_part(confirmed)
    assert score > before and score > 0.1
    told = next(reason for reason in reasons if f"bullish {words}" in reason)
    pattern = known[0][1]
    assert "confirmed on the last bar" in told and f"invalid below {pattern.invalidation:,.6g}" in told
    assert all(f"{pivot.label} {pivot.bar}" in told for pivot in pattern.pivots)
    assert any(item.id == "1d:low" for item in evidence)


def test_a_chart_pattern_fades_and_is_gone_after_five_bars():
    confirmed = chart_bars(DOUBLE_BOTTOM, "double_bottom")[0][0]
    still = np.concatenate([DOUBLE_BOTTOM[: confirmed + 1], np.full(5, DOUBLE_BOTTOM[confirmed])])
    weights = []
    for age in range(6):
        frame = kit.context(bars(still[: confirmed + 1 + age])).base
        votes = [vote for vote in chart_votes(frame, 5, 0.25) if vote.pattern.name == "double_bottom"]
        weights.append(max((vote.weight for vote in votes), default=0.0))
    assert all(a > b for a, b in pairwise(weights)) and not votes  # at age 5


@pytest.mark.parametrize("end", [80.0, 150.0])
def test_a_chart_pattern_that_failed_or_reached_its_target_has_no_say(end):
    confirmed, _ = chart_bars(DOUBLE_BOTTOM, "double_bottom")[0]
    frame = kit.context(bars([*DOUBLE_BOTTOM[: confirmed + 1], end])).base
    assert not [vote for vote in chart_votes(frame, 5, 0.25) if vote.pattern.name == "double_bottom"]


def test_a_gap_in_the_prices_hides_what_lies_before_it_and_pivots_still_count_from_the_frame():
    known, _ = chart_bars(DOUBLE_BOTTOM, "double_bottom")[0]
    padded = np.concatenate([np.full(5, 130.0), [np.nan], DOUBLE_BOTTOM[: known + 1]])
    frame = kit.context(bars(padded)).base
    votes = chart_votes(frame, 5, 0.25)
    assert votes and all(vote.first_bar >= 6 for vote in votes)


def test_patterns_that_fire_together_count_once():
    class Many(PatternAgent):
        def candle_values(self, frame):
            return {name: np.array([0.0, 0.0, 100.0]) for name in self.fired}

    frame = kit.frame({"ATR_14": [1.0] * 40}, close=[100.0] * 40)
    votes = []
    for fired in (("CDLENGULFING",), ("CDLENGULFING", "CDLBELTHOLD", "CDLLONGLINE", "CDLMARUBOZU")):
        Many.fired = fired
        signal = kit.answer(Many(), kit.context_of(frame))
        votes.append(signal.p_up)
    assert votes[0] == votes[1] > 0.5
    assert signal.reasons[-1].endswith("and 1 weaker candlestick pattern")


def test_a_pattern_weighs_more_on_a_large_busy_bar_and_after_a_move_it_can_turn():
    class Hammer(PatternAgent):
        def candle_values(self, frame):
            return {"CDLHAMMER": np.array([0.0, 0.0, 100.0])}

    def p_up(volume=1e6, low=99.9, fall=0.0):
        close = [100.0 + fall] * 34 + [100.0 + fall * share for share in (0.8, 0.6, 0.4, 0.2, 0.1, 0.0)]
        frame = kit.frame(
            {"ATR_14": [1.0] * 40},
            close=close,
            low=[99.9] * 39 + [low],
            high=[100.1] * 40,
            volume=[1e6] * 39 + [volume],
        )
        return kit.answer(Hammer(), kit.context_of(frame)).p_up

    assert p_up(volume=3e6) > p_up() > 0.5
    assert p_up(low=99.0) > p_up()
    assert p_up(fall=4.0) > p_up()


def test_real_bars_cite_candles_that_exist_and_nothing_else_does():
    columns = kit.sample()
    ctx = kit.context(columns, asof=int(columns["ts_open"][2000]) + kit.DAY)
    signal = kit.answer(PatternAgent(), ctx)
    assert signal.status is SignalStatus.OK
    assert any(item.id.startswith("1d:CDL") for item in signal.evidence)
    assert evidence_exists(ctx, "1d:CDLHAMMER") and not evidence_exists(ctx, "1d:CDLNONE")
