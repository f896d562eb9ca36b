"""What the figures allow to say. An edge is claimed only when both lower bounds are above 0.

- `edge`: the lower bounds of Brier skill against the base rate and of the yearly net return are above 0. The engine is
  the one row named beforehand, so 95 % is its level. Any other row was picked from N: its bounds must also hold at the
  level 1 - 0.05 / N (Bonferroni; the interval is stretched as a normal one would be), else it is `unproven`.
- `implausible`: right so often that somebody must have seen the future. Real edges are right in 52 to 58 of 100 cases.
- `no edge`: everything else, too few cases included.
"""

from __future__ import annotations

from statistics import NormalDist

from deepalpha.decision.metrics import Interval
from deepalpha.report.facts import Finding, Row, RowKind, Scores
from deepalpha.report.forecast import ENGINE
from deepalpha.report.resample import LEVEL

IMPLAUSIBLE_HIT = 0.75
_NORMAL = NormalDist()


def find(kind: RowKind, scores: Scores, looked_at: int) -> tuple[Finding, str]:
    """The finding of a row and the number it rests on.

    Args:
        kind: of the row; baselines are references and never judged.
        scores: over all cases.
        looked_at: rows that are judged.
    """
    if kind is RowKind.BASELINE:
        return Finding.REFERENCE, "a reference, not judged"
    if scores.hit is not None and scores.hit.low > IMPLAUSIBLE_HIT:
        return Finding.IMPLAUSIBLE, (
            f"right in {_percent(scores.hit, signed=False)} of its {scores.trades} calls: look for data from the future"
        )
    if scores.skill is None or scores.net is None:
        what = f"{scores.votes} votes and {scores.trades} trades" if scores.cases else "no cases"
        return Finding.NO_EDGE, f"{what} of {scores.cases} cases are too few for an interval"
    numbers = f"Brier skill {_percent(scores.skill)}, net return {_percent(scores.net)} a year"
    if scores.skill.low <= 0.0 or scores.net.low <= 0.0:
        worse = "; its probabilities are worse than the base rate" if scores.skill.high < 0.0 else ""
        return Finding.NO_EDGE, f"{numbers}: {_failing(scores.skill, scores.net, '')}{worse}"
    if kind is RowKind.ENGINE:
        return Finding.EDGE, f"{numbers}: both lower bounds are above 0"
    skill, net = stretched(scores.skill, looked_at), stretched(scores.net, looked_at)
    if skill.low <= 0.0 or net.low <= 0.0:
        return Finding.UNPROVEN, f"{numbers}: {_failing(skill, net, f', as one of {looked_at} rows looked at,')}"
    return Finding.EDGE, f"{numbers}: both lower bounds are above 0, also as one of {looked_at} rows looked at"


def stretched(found: Interval, looked_at: int) -> Interval:
    """The interval at level 1 - 0.05 / `looked_at`, each side as much wider as a normal one would be.

    Example:
        >>> stretched(Interval(value=1.0, low=0.0, high=3.0), 1)
        Interval(value=1.0, low=0.0, high=3.0)
    """
    tail = (1.0 - LEVEL) / 2.0
    wider = _NORMAL.inv_cdf(1.0 - tail / looked_at) / _NORMAL.inv_cdf(1.0 - tail)
    value = found.value
    return Interval(value=value, low=value - wider * (value - found.low), high=value + wider * (found.high - value))


def overall(rows: tuple[Row, ...]) -> tuple[Finding, str]:
    """The engine's finding, with what the other rows add to it."""
    engine = next(row for row in rows if row.name == ENGINE)
    judged = [row for row in rows if row.finding is not Finding.REFERENCE]
    said = [f"{engine.finding.value}: the {ENGINE}: {engine.words}"]
    for finding, words in (
        (Finding.IMPLAUSIBLE, "too good to be true"),
        (Finding.EDGE, "has an edge of its own"),
        (Finding.UNPROVEN, "clears 95 % alone, but not as the best of the rows looked at"),
    ):
        names = [row.name for row in judged if row.finding is finding and row is not engine]
        said += [f"{words}: {', '.join(names)}"] if names else []
    chance = (1.0 - LEVEL) / 2.0 * len(judged)
    said.append(f"{len(judged)} rows were looked at; by luck alone about {chance:.1f} of them clear one lower bound")
    return engine.finding, "; ".join(said)


def _failing(skill: Interval, net: Interval, where: str) -> str:
    bad = [
        f"{name}'s lower bound{where} is {100.0 * found.low:+.1f} %"
        for name, found in (("skill", skill), ("net return", net))
        if found.low <= 0.0
    ]
    return " and ".join(bad) + ", not above 0"


def _percent(found: Interval, *, signed: bool = True) -> str:
    sign = "+" if signed else ""
    return f"{100 * found.value:{sign}.1f} % ({100 * found.low:{sign}.1f}..{100 * found.high:{sign}.1f})"
