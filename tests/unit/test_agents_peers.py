"""What else is held: measured as numpy measures it, on common bars only, and a hedge leaves the least variance."""

from __future__ import annotations

import agents_kit as kit
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepalpha.agents.peers import NEEDED, SHOWN, peers
from deepalpha.agents.risk import RiskAgent
from deepalpha.agents.trend import TrendAgent
from deepalpha.types import DAY, Peer, PositionView, SignalStatus


def window(returns, days=None):
    days = np.arange(len(returns) + 1) if days is None else days
    return {"ts_open": DAY * days, "close": 100 * np.exp(np.concatenate([[0.0], np.cumsum(returns)]))}


def pair(seed, bars=200, share=0.7):
    chance = np.random.default_rng(seed)
    market = chance.normal(0, 0.01, bars)
    return market + chance.normal(0, 0.005, bars), share * market + chance.normal(0, 0.004, bars)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.floats(-2, 2))
def test_a_peer_is_measured_as_numpy_does_and_its_ratio_hedges_best(seed, share):
    own, other = pair(seed, share=share)
    (peer,) = peers("A", {"A": window(own), "B": window(other)}, {"B": 1_000.0})
    assert peer.correlation == pytest.approx(np.corrcoef(own, other)[0, 1], abs=2e-6)
    cov = np.cov(own, other, ddof=0)
    assert peer.ratio == pytest.approx(cov[0, 1] / cov[1, 1], abs=2e-6)
    assert peer.pull == pytest.approx(cov[0, 1] / cov[0, 0], abs=2e-6)
    assert (peer.value, peer.n) == (1_000.0, 200)
    left = np.var(own - peer.ratio * other)
    assert left == pytest.approx(np.var(own) * (1 - peer.correlation**2), rel=1e-4)
    assert all(left <= np.var(own - (peer.ratio + off) * other) for off in (-0.1, 0.1))


def test_only_bars_that_both_have_are_compared():
    own, other = pair(1)
    keep = np.sort(np.random.default_rng(2).permutation(201)[:150])
    thin = window(other)
    thin = {name: values[keep] for name, values in thin.items()}
    (peer,) = peers("A", {"A": window(own), "B": thin}, {})
    ours, theirs = np.log(window(own)["close"][keep]), np.log(window(other)["close"][keep])
    assert peer.n == 149
    assert peer.correlation == pytest.approx(np.corrcoef(np.diff(ours), np.diff(theirs))[0, 1], abs=2e-6)


def test_what_is_held_is_told_even_when_it_cannot_be_measured_and_the_rest_is_bounded():
    own, other = pair(3)
    short = window(other[: NEEDED - 1])
    still = window(np.zeros(200))
    many = {f"M{number:02}": window(pair(3, share=number / 30)[1]) for number in range(20)}
    found = peers("A", {"A": window(own), "S": short, "Z": still, **many}, {"S": 5.0, "Z": -7.0})
    assert [(peer.symbol, peer.value, peer.n) for peer in found if peer.value] == [("S", 5.0, 0), ("Z", -7.0, 0)]
    rest = [peer for peer in found if not peer.value]
    assert len(rest) == SHOWN
    assert {peer.symbol for peer in rest} <= {f"M{number:02}" for number in range(8, 20)}


def guarded(quantity=0.0, held=(), equity=100_000.0):
    closes = 100 * np.exp(0.005 * (np.arange(300) % 2))
    position = PositionView(quantity=quantity, equity=equity, peers=tuple(held))
    return kit.answer(RiskAgent(), kit.context_of(kit.frame(close=list(closes)), position=position))


def peer(value, correlation=0.9, ratio=0.8, pull=1.0, symbol="MSFT"):
    return Peer(symbol=symbol, value=value, correlation=correlation, ratio=ratio, pull=pull, n=250)


@pytest.mark.parametrize(
    ("value", "pull", "cap"), [(70_000, 1.0, 1.0), (137_500, 1.0, 0.5), (-137_500, 1.0, 0.5), (275_000, 0.5, 0.5)]
)
def test_a_book_that_moves_alike_shrinks_the_size(value, pull, cap):
    signal = guarded(held=[peer(value, pull=pull)])
    assert signal.status is SignalStatus.OK
    assert signal.size_cap == pytest.approx(cap, abs=0.001)


def test_a_holding_that_cannot_be_measured_counts_in_full_and_is_said():
    unknown = Peer(symbol="NEW", value=-137_500.0, correlation=0.0, ratio=0.0, pull=0.0, n=0)
    signal = guarded(held=[unknown])
    assert signal.size_cap == pytest.approx(0.5, abs=0.001)
    assert any("1 not measured and counted in full" in line for line in signal.reasons)
    # It never makes a book look smaller than what is measured.
    assert guarded(held=[unknown, peer(137_500)]).size_cap == 0.0


def test_a_book_that_moves_alike_too_much_is_a_veto_and_an_opposite_one_frees():
    assert guarded(held=[peer(210_000)]).size_cap == 0.0
    assert guarded(held=[peer(210_000), peer(-200_000, symbol="GOOG")]).size_cap == 1.0
    assert guarded(held=[peer(10_000)], equity=0.0).size_cap == 0.0


@pytest.mark.parametrize(
    ("quantity", "ratio", "words"),
    [
        (10.0, 0.8, "hedge: sell 0.80 of MSFT for each 1.00"),
        (-10.0, 0.8, "hedge: buy 0.80 of MSFT"),
        (10.0, -0.8, "hedge: buy 0.80 of MSFT"),
    ],
)
def test_a_held_position_gets_a_hedge_with_its_ratio(quantity, ratio, words):
    signal = guarded(quantity, [peer(0.0, correlation=0.9 if ratio > 0 else -0.9, ratio=ratio)])
    (line,) = [reason for reason in signal.reasons if reason.startswith("hedge")]
    assert line.startswith(words) and "44% of the volatility stays" in line
    assert ("peer:MSFT:ratio", ratio) in {(item.id, item.value) for item in signal.evidence}


def test_nothing_is_hedged_with_nothing_held_or_with_what_does_not_move_alike():
    assert not [line for line in guarded(0.0, [peer(0.0)]).reasons if line.startswith("hedge")]
    assert not [line for line in guarded(5.0, [peer(0.0, correlation=0.4)]).reasons if line.startswith("hedge")]


def test_the_reversal_probability_is_what_a_naive_count_finds():
    bars = kit.view(kit.sample())
    frame = bars["1d"]
    ctx = kit.context_of(*bars.values())
    agent = TrendAgent()
    gap = (frame.series["EMA_7"] - frame.series["EMA_25"]) / frame.series["ATR_14"]
    direction = 1 if gap[-1] > 0 else -1
    found = agent._reversal(ctx, float(direction))
    step = round(5 * 86_400 / (np.median(np.diff(frame.ts_event)) / 1e9))
    past = [(direction * gap[i], direction * gap[i + step]) for i in range(len(gap) - step)]
    past = [(a, b) for a, b in past if np.isfinite(a) and np.isfinite(b) and a > 0]
    middle = np.median([a for a, _ in past])
    alike = [b for a, b in past if (a > middle) == (direction * gap[-1] > middle)]
    assert found.cases == len(alike) > 30
    assert found.probability == pytest.approx((sum(b <= 0 for b in alike) + 1) / (len(alike) + 2))


def test_a_trend_whose_like_always_turned_is_warned_of():
    # A saw: every rise ends in a fall, so that a trend seen late has turned 5 bars later.
    saw = np.tile(np.concatenate([np.full(8, 0.02), np.full(8, -0.02)]), 60)[: 60 * 16 - 8]
    bars = kit.view(kit.bars_of(100 * np.exp(np.cumsum(saw))))
    signal = kit.answer(TrendAgent(), kit.context_of(*bars.values()))
    assert any("turned more often than not" in reason for reason in signal.reasons), signal.reasons
