"""The gate, the market's state and moves, and the conflict rules, each by hand."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from deepalpha.config import RuleSettings, Settings
from deepalpha.decision import check_rules
from deepalpha.decision.agent_record import Standing
from deepalpha.decision.gate import Case, judge
from deepalpha.decision.normalise import normalise
from deepalpha.decision.regime import MOVES_NEEDED, Moves, Regime, moves, regime
from deepalpha.decision.rules import Question, decide_conflicts
from deepalpha.errors import ConfigError
from deepalpha.types import DAY, AbstainKind, Action, BarFrame, BlockKind, Signal, SignalStatus

BASE = Case(
    lean=Action.BUY,
    p_up=0.6,
    p=0.6,
    calibrated=True,
    threshold=0.56,
    moves=Moves(rise=0.03, fall=0.02, n=100),
    cost=0.002,
    labels=("buy",),
    closing=False,
)


def case(**changed: object) -> Case:
    return msgspec.structs.replace(BASE, **changed)


def frame(close: np.ndarray, *, step: int = DAY) -> BarFrame:
    ends = step * np.arange(1, len(close) + 1, dtype=np.int64)
    return BarFrame("1d", ends - step, ends, *(close.astype(float).copy() for _ in range(4)), np.ones(len(close)))


def test_a_trade_needs_an_expected_value_above_its_costs():
    value = 0.6 * 0.03 - 0.4 * 0.02 - 0.002
    assert judge(case()).action is Action.BUY
    assert judge(case()).expected_value == pytest.approx(value)
    even = (0.02 + 0.002) / 0.05  # p at which p gain - (1 - p) loss = cost
    assert judge(case(p=even + 1e-9)).action is Action.BUY
    refused = judge(case(p=even - 1e-9))
    assert (refused.action, refused.abstain_kind) == (Action.HOLD, AbstainKind.EXPECTED_VALUE)
    assert "pays with 44.0 %" in refused.abstained_by
    assert "costs of 0.20 %" in refused.abstained_by


def test_a_sale_gains_what_the_price_falls():
    sale = case(lean=Action.SELL, labels=("sell",), p_up=0.4)
    assert judge(sale).expected_value == pytest.approx(0.6 * 0.02 - 0.4 * 0.03 - 0.002)
    assert judge(sale).action is Action.HOLD


@pytest.mark.parametrize("labels", [(), ("sell",), ("buy", "sell"), ("buy", "flat"), ("buy", "sell", "flat")])
def test_only_a_set_of_this_one_label_is_traded(labels):
    refused = judge(case(labels=labels))
    assert (refused.action, refused.abstain_kind) == (Action.HOLD, AbstainKind.CONFORMAL)
    assert refused.abstained_by.startswith("conformal: ")


def test_the_way_out_asks_neither_for_costs_nor_for_the_set():
    leaving = case(lean=Action.SELL, p=0.62, p_up=0.4, labels=(), closing=True, moves=Moves(rise=0.03, fall=0.02, n=99))
    assert judge(leaving).action is Action.SELL
    assert judge(leaving).expected_value == pytest.approx(0.62 * 0.02 - 0.38 * 0.03)


def test_before_fifty_outcomes_the_threshold_decides_and_says_so():
    for p_up, lean, action in ((0.56, Action.BUY, "buy"), (0.559, Action.BUY, "hold"), (0.44, Action.SELL, "sell")):
        found = judge(case(calibrated=False, p_up=p_up, lean=lean, labels=(), moves=None))
        assert found.action == action
    refused = judge(case(calibrated=False, p_up=0.5, lean=Action.BUY))
    assert refused.abstain_kind is AbstainKind.THRESHOLD
    assert "between 44 % and 56 %" in refused.abstained_by


def test_a_price_whose_moves_are_not_known_is_not_traded():
    refused = judge(case(moves=None))
    assert (refused.action, refused.abstain_kind) == (Action.HOLD, AbstainKind.UNMEASURED)


def test_moves_are_those_over_the_horizon_by_a_naive_loop():
    chance = np.random.default_rng(0)
    close = 100 * np.cumprod(1 + chance.normal(0, 0.02, 200))
    days = np.cumsum(chance.integers(1, 4, 200))  # gaps, as weekends are
    bars = BarFrame("1d", (days - 1) * DAY, days * DAY, *(close.copy() for _ in range(4)), np.ones(200))
    found = moves(bars, 5 * 86_400)
    changes = []
    for i in range(200):
        later = [j for j in range(i, 200) if days[j] >= days[i] + 5]
        if later:
            changes.append(close[later[0]] / close[i] - 1)
    assert found is not None
    assert found.n == len(changes)
    assert found.rise == pytest.approx(np.mean([c for c in changes if c > 0]))
    assert found.fall == pytest.approx(np.mean([-c for c in changes if c < 0]))
    assert moves(frame(np.ones(MOVES_NEEDED + 4)), 5 * 86_400) is None
    assert moves(frame(np.ones(MOVES_NEEDED + 5)), 5 * 86_400) == Moves(rise=0.0, fall=0.0, n=MOVES_NEEDED)


def test_the_state_of_the_market():
    chance = np.random.default_rng(1)
    line = 100 * np.cumprod(np.full(150, 1.004) + chance.normal(0, 0.001, 150))
    waves = 100 + np.sin(np.arange(150))
    shock = np.concatenate([waves, 100 + 8 * np.sin(np.arange(10) * 2.0)])
    assert regime(frame(line)) is Regime.TRENDING
    assert regime(frame(waves)) is Regime.RANGING
    assert regime(frame(shock)) is Regime.TURBULENT
    assert regime(frame(line[:20])) is Regime.UNKNOWN
    assert regime(frame(np.array([np.nan] * 50))) is Regime.UNKNOWN
    assert regime(frame(np.full(150, 7.0))) is Regime.RANGING


def rules(*given: dict) -> tuple[RuleSettings, ...]:
    return Settings.from_mapping({"decision": {"rules": list(given)}}).decision.rules


def question(votes: dict[str, float], **changed: object) -> Question:
    signals = [Signal(agent=name, p_up=p) for name, p in votes.items()]
    signals += list(changed.pop("guards", ()))
    fields: dict[str, object] = {
        "symbol": "X",
        "candidate": Action.BUY,
        "closing": False,
        "ballot": normalise(signals),
        "regime": Regime.RANGING,
        "standings": {},
        "overlap": 1.0,
        "quorum": 2,
    }
    return Question(**(fields | changed))


def standing(right: float, outcomes: float = 200.0) -> Standing:
    return Standing(right=right, low=0.0, high=1.0, outcomes=outcomes)


SPLIT = {"trend": 0.7, "technical": 0.7, "pattern": 0.4}
VETO = msgspec.structs.replace(Signal.guard(0.0, "too wild"), agent="risk")
BETTER = {"trend": standing(0.45), "technical": standing(0.46), "pattern": standing(0.62)}
NO_BUY = {"when": {"action": "buy"}, "then": {"cap": "hold"}}


def test_the_rules_are_asked_in_their_order():
    everything = {"guards": (VETO,), "standings": BETTER, "regime": Regime.TURBULENT}
    order = []
    for removed in ((), ("guards",), ("guards", "standings"), ("guards", "standings", "regime")):
        asked = question(SPLIT, **{name: value for name, value in everything.items() if name not in removed})
        order.append(decide_conflicts(asked, rules(NO_BUY)).block_kind)
    assert order == [BlockKind.VETO, BlockKind.TRACK_RECORD, BlockKind.REGIME, BlockKind.RULE]
    assert decide_conflicts(question(SPLIT), ()).block_kind is None
    assert decide_conflicts(question({"trend": 0.7}), rules(NO_BUY)).block_kind is BlockKind.QUORUM


def test_a_better_record_on_the_other_side_holds_and_names_both():
    found = decide_conflicts(question(SPLIT, standings=BETTER), ())
    assert found.blocked_by == (
        "track record: pattern against it, right 62 % of the time (n=200); technical, trend for it, right 46 % (n=400)"
    )
    few = {name: msgspec.structs.replace(s, outcomes=9.0) for name, s in BETTER.items()}
    assert decide_conflicts(question(SPLIT, standings=few), ()).block_kind is None
    # The same figures from outcomes that overlap tenfold prove nothing.
    assert decide_conflicts(question(SPLIT, standings=BETTER, overlap=10.0), ()).block_kind is None


def test_turbulence_stops_a_split_vote_only():
    united = {"trend": 0.7, "technical": 0.7}
    assert decide_conflicts(question(united, regime=Regime.TURBULENT), ()).block_kind is None
    assert "pattern against the buy" in decide_conflicts(question(SPLIT, regime=Regime.TURBULENT), ()).blocked_by


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ({"agent": "pattern", "vote": "sell"}, True),
        ({"agent": "pattern", "vote": "buy"}, False),
        ({"agent": "news", "vote": "hold"}, False),
        ({"agent": "pattern", "vote": "sell", "regime": "ranging"}, True),
        ({"agent": "pattern", "vote": "sell", "regime": "trending"}, False),
        ({"symbol": "X"}, True),
        ({"symbol": "Y"}, False),
        ({"action": "sell"}, False),
    ],
)
def test_a_hand_written_rule_needs_all_its_conditions(when, holds):
    found = decide_conflicts(question(SPLIT), rules({"when": when, "then": {"cap": "hold"}}))
    assert (found.block_kind is BlockKind.RULE) == holds
    cut = decide_conflicts(question(SPLIT), rules({"when": when, "then": {"size": 0.5}}))
    assert cut.size_cap == (0.5 if holds else 1.0)
    assert bool(cut.notes) == holds


def test_an_agent_that_failed_is_not_taken_for_one_that_says_hold():
    failed = Signal(agent="news", status=SignalStatus.ERROR, reasons=("x",))
    rule = rules({"when": {"agent": "news", "vote": "hold"}, "then": {"cap": "hold"}})
    assert decide_conflicts(question(SPLIT, guards=(failed,)), rule).block_kind is None
    assert decide_conflicts(question({**SPLIT, "news": 0.5}), rule).block_kind is BlockKind.RULE


def test_rules_never_stop_the_way_out_and_never_enlarge():
    leaving = question(SPLIT, closing=True, guards=(VETO,), standings=BETTER, regime=Regime.TURBULENT)
    assert decide_conflicts(leaving, rules(NO_BUY)).block_kind is None
    half = msgspec.structs.replace(Signal.guard(0.3), agent="risk")
    cut = rules({"when": {"symbol": "X"}, "then": {"size": 0.5}})
    assert decide_conflicts(question(SPLIT, guards=(half,)), cut).size_cap == 0.3


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"when": {"agnt": "trend"}, "then": {"cap": "hold"}}, r"decision\.rules\.0\.when\.agnt.*did you mean agent"),
        ({"when": {"agent": "trend"}, "then": {"cap": "hold"}}, "agent and vote go together"),
        ({"when": {}, "then": {"cap": "hold"}}, "needs a condition"),
        ({"when": {"symbol": "X"}, "then": {}}, "does one thing"),
        ({"when": {"symbol": "X"}, "then": {"cap": "hold", "size": 0.5}}, "does one thing"),
        ({"when": {"symbol": "X"}, "then": {"size": 1.5}}, "less than 1"),
        ({"when": {"regime": "trendy"}, "then": {"cap": "hold"}}, "trending"),
        ({"when": {"symbol": "X"}}, "then"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_the_way_out(rule, said):
    with pytest.raises(ConfigError, match=said):
        rules(rule)


def test_a_rule_about_nobody_is_refused_with_the_nearest_name():
    agents, symbols = ["trend", "news"], ["AAPL"]
    with pytest.raises(ConfigError, match="'trnd': no such agent; did you mean 'trend'"):
        check_rules(rules({"when": {"agent": "trnd", "vote": "buy"}, "then": {"cap": "hold"}}), agents, symbols)
    with pytest.raises(ConfigError, match="'MSFT': no such symbol; there is"):
        check_rules(rules({"when": {"symbol": "MSFT"}, "then": {"cap": "hold"}}), agents, symbols)
    check_rules(rules({"when": {"symbol": "AAPL"}, "then": {"cap": "hold"}}), agents, symbols)
