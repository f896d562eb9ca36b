"""Step 5, gate: is the side the votes lean to worth a trade?

Below 50 outcomes the entry threshold rules: p(up) >= threshold buys, p(up) <= 1 - threshold sells. From then on

    expected value = p gain - (1 - p) loss - cost > 0

with p the calibrated P(this trade pays), gain and loss the symbol's own mean moves over the horizon and cost both ways
of fee and slippage; and the conformal set must hold this one label only. The way out of a position is not a bet:
leaving costs the same later, so its expected value is taken without costs, and the conformal set is not asked.

A gate only holds back: the direction is always the one of the score. Pure and O(1).
"""

from __future__ import annotations

from deepalpha.decision.regime import Moves
from deepalpha.types import AbstainKind, Action, Fact


class Case(Fact, frozen=True):
    """What the gate judges.

    `p` is P(the trade leaned to pays), or, when it closes a position, P(the price moves its way); `labels` are the
    outcomes that the conformal set holds.
    """

    lean: Action
    p_up: float
    p: float
    calibrated: bool
    threshold: float
    moves: Moves | None
    cost: float
    labels: tuple[str, ...]
    closing: bool


class Judgement(Fact, frozen=True):
    """The action the votes earn, and why none if none."""

    action: Action
    expected_value: float | None = None
    abstain_kind: AbstainKind | None = None
    abstained_by: str = ""


def expected_value(p: float, gain: float, loss: float, cost: float) -> float:
    """p gain - (1 - p) loss - cost, all as shares of the price.

    Example:
        >>> round(expected_value(0.6, 0.03, 0.02, 0.002), 6)
        0.008
    """
    return p * gain - (1.0 - p) * loss - cost


def judge(case: Case) -> Judgement:
    """The action of a case."""
    value = _value(case)
    if case.lean is Action.HOLD:
        return _abstain(value, AbstainKind.THRESHOLD, "the votes lean to neither side")
    if not case.calibrated:
        low, high = 100.0 * (1.0 - case.threshold), 100.0 * case.threshold
        if (case.p_up if case.lean is Action.BUY else 1.0 - case.p_up) < case.threshold:
            return _abstain(
                value,
                AbstainKind.THRESHOLD,
                f"p(up) {100.0 * case.p_up:.1f} % is between {low:g} % and {high:g} %",
            )
        return Judgement(action=case.lean, expected_value=value)
    if value is None:
        return _abstain(None, AbstainKind.UNMEASURED, "too few bars to measure what this price moves over the horizon")
    if value <= 0.0:
        costs = "" if case.closing else f" after costs of {100.0 * case.cost:.2f} %"
        return _abstain(
            value,
            AbstainKind.EXPECTED_VALUE,
            f"a {case.lean} that pays with {100.0 * case.p:.1f} % is worth {100.0 * value:+.2f} %{costs}",
        )
    if not case.closing and case.labels != (case.lean.value,):
        held = " or ".join(case.labels) or "nothing"
        return _abstain(value, AbstainKind.CONFORMAL, f"{held} would be no surprise, a {case.lean} alone is asked for")
    return Judgement(action=case.lean, expected_value=value)


def _value(case: Case) -> float | None:
    if case.moves is None or case.lean is Action.HOLD:
        return None
    up, down = case.moves.rise, case.moves.fall
    gain, loss = (up, down) if case.lean is Action.BUY else (down, up)
    return expected_value(case.p, gain, loss, 0.0 if case.closing else case.cost)


def _abstain(value: float | None, kind: AbstainKind, words: str) -> Judgement:
    return Judgement(
        action=Action.HOLD,
        expected_value=value,
        abstain_kind=kind,
        abstained_by=f"{kind.value.replace('_', ' ')}: {words}",
    )
