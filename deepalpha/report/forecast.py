"""Rows out of cases: who said which probability of what, and which side they would have taken.

Every row is one `Forecast`: arrays over the same cases, NaN where it gave no probability. What a baseline knows of
earlier outcomes is what had been resolved at or before the case's own moment. O(n log n) in the cases.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepalpha.decision.clip import logistic
from deepalpha.decision.gate import expected_value
from deepalpha.report.facts import Event, RowKind
from deepalpha.report.walk import Case
from deepalpha.types import Action

if TYPE_CHECKING:
    Floats = NDArray[np.float64]

ENGINE = "engine's decisions"
BUY_AND_HOLD = "buy and hold"


class Outcomes(NamedTuple):
    """What came of the cases, as arrays of shape (n,): `gross` return, `up` (1, 0, 0.5), whether a side had paid."""

    gross: Floats
    up: Floats
    buy_paid: Floats
    sell_paid: Floats


class Forecast(NamedTuple):
    """One row's answers. Arrays of shape (n,).

    `p` is NaN without an answer, `y` what came of its event, `reference` the base rate known then, `side` +1, -1 or 0,
    `failed` True where the agent gave an error. `always` marks the row that simply holds.
    """

    name: str
    kind: RowKind
    event: Event
    p: Floats
    y: Floats
    reference: Floats
    side: Floats
    failed: NDArray[np.bool_]
    always: bool = False


def outcomes_of(cases: Sequence[Case], cost: float) -> Outcomes:
    """Outcomes as the engine defines them: from the decision's price to the first close after the horizon."""
    price = np.array([case.price for case in cases], dtype=np.float64)
    close = np.array([case.close for case in cases], dtype=np.float64)
    gross = close / price - 1.0
    up = np.where(close == price, 0.5, (close > price).astype(np.float64))
    return Outcomes(gross, up, (gross > cost).astype(np.float64), (-gross > cost).astype(np.float64))


def base_rate(cases: Sequence[Case], came: Floats, prior: float, counts: NDArray[np.bool_] | None = None) -> Floats:
    """Share of an event among earlier outcomes: (sum + prior / 2) / (n + prior) over cases resolved by each moment.

    Args:
        cases: in order of decision.
        came: shape (n,), 1, 0 or 0.5.
        prior: imagined outcomes, half of each kind. Overlapping outcomes say less than their number, and a base rate
            that jumps with the first of them would be too easy to beat.
        counts: which cases count; None: all.
    """
    asof = np.array([case.asof for case in cases], dtype=np.int64)
    ended = np.array([case.resolved_at for case in cases], dtype=np.int64)
    weight = np.ones(len(cases)) if counts is None else counts.astype(np.float64)
    order = np.argsort(ended, kind="stable")
    sums = np.concatenate([[0.0], np.cumsum((came * weight)[order])])
    seen = np.concatenate([[0.0], np.cumsum(weight[order])])
    known = np.searchsorted(ended[order], asof, side="right")
    rates: Floats = (sums[known] + prior / 2.0) / (seen[known] + prior)
    return rates


def forecasts(
    cases: Sequence[Case], voters: Sequence[str], fusers: Sequence[str], *, cost: float, prior: float
) -> Iterator[Forecast]:
    """Every row of the table, the engine first.

    Args:
        cases: in order of decision, at least one.
        voters: names of the voting agents.
        fusers: names of the fusers, keys of `Case.shadows`.
        cost: share of the price that the way in and out takes.
        prior: see `base_rate`.
    """
    outcomes = outcomes_of(cases, cost)
    paid = _Paid(cases, outcomes, prior)
    climate = base_rate(cases, outcomes.up, prior)
    nobody = np.zeros(len(cases), dtype=bool)

    def up_row(name: str, kind: RowKind, p: Floats, side: Floats, failed: NDArray[np.bool_] = nobody) -> Forecast:
        return Forecast(name, kind, Event.UP, p, outcomes.up, climate, side, failed)

    def pays_row(name: str, kind: RowKind, lean: Floats, p: Floats, side: Floats) -> Forecast:
        came, reference = paid.of(lean)
        return Forecast(name, kind, Event.PAYS, p, came, reference, side, nobody)

    taken = np.array([_SIDE[case.action] for case in cases])
    said = np.where(taken != 0.0, [case.confidence / 100.0 for case in cases], np.nan)
    yield pays_row(ENGINE, RowKind.ENGINE, taken, said, taken)
    for name in sorted(voters):
        p = np.array([case.votes.get(name, np.nan) for case in cases])
        failed = np.array([name in case.failed for case in cases])
        yield up_row(name, RowKind.AGENT, p, _sign(p - 0.5), failed)
    for name in fusers:
        score = np.array([case.shadows[name] for case in cases])
        p = np.array([logistic(value) for value in score.tolist()])
        voted = np.array([bool(case.votes) for case in cases])
        yield up_row(f"{name} raw", RowKind.FUSER, np.where(voted, p, np.nan), np.where(voted, _sign(score), 0.0))
    for name in fusers:
        lean = np.array([1.0 if case.shadows[name] >= 0.0 else -1.0 for case in cases])
        p = np.array([_chance(case, name) for case in cases])
        yield pays_row(
            f"{name} calibrated", RowKind.CALIBRATED, lean, p, np.where(_worth(cases, lean, p, cost), lean, 0)
        )
    ones = np.ones(len(cases))
    last = _sign(np.array([case.last_return for case in cases]))
    went = np.where(last > 0, outcomes.up, 1.0 - outcomes.up)
    goes_on = base_rate(cases, went, prior, last != 0.0)
    momentum = np.where(last == 0.0, 0.5, np.where(last > 0.0, goes_on, 1.0 - goes_on))
    yield up_row("always buy", RowKind.BASELINE, climate, ones)
    yield up_row("coin, p = 0.5", RowKind.BASELINE, 0.5 * ones, 0.0 * ones)
    yield up_row("last return", RowKind.BASELINE, momentum, last)
    silent = np.full(len(cases), np.nan)
    yield Forecast(
        BUY_AND_HOLD, RowKind.BASELINE, Event.NONE, silent, outcomes.up, climate, 0.0 * ones, nobody, always=True
    )


_SIDE = {Action.BUY: 1.0, Action.SELL: -1.0, Action.HOLD: 0.0}


class _Paid:
    """Whether a side paid, and how often it had."""

    def __init__(self, cases: Sequence[Case], outcomes: Outcomes, prior: float) -> None:
        self._buy, self._sell = outcomes.buy_paid, outcomes.sell_paid
        self._buy_rate, self._sell_rate = base_rate(cases, self._buy, prior), base_rate(cases, self._sell, prior)

    def of(self, lean: Floats) -> tuple[Floats, Floats]:
        """Event and base rate of the side leaned to; without a side that of a purchase."""
        down = lean < 0.0
        return np.where(down, self._sell, self._buy), np.where(down, self._sell_rate, self._buy_rate)


def _sign(values: Floats) -> Floats:
    return np.where(np.isnan(values), 0.0, np.sign(values))


def _chance(case: Case, fuser: str) -> float:
    found = case.chances.get(fuser)
    if found is None or not case.votes:
        return float("nan")
    return found.buy if case.shadows[fuser] >= 0.0 else found.sell


def _worth(cases: Sequence[Case], lean: Floats, p: Floats, cost: float) -> NDArray[np.bool_]:
    """Whether a trade on the side leaned to is worth more than it costs, by the gate's formula."""
    worth = []
    for case, side, chance in zip(cases, lean.tolist(), p.tolist(), strict=True):
        if chance != chance or case.rise is None or case.fall is None:
            worth.append(False)
            continue
        gain, loss = (case.rise, case.fall) if side > 0.0 else (case.fall, case.rise)
        worth.append(expected_value(chance, gain, loss, cost) > 0.0)
    return np.array(worth)
