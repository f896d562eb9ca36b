"""How often chart patterns are found where there is nothing to find: the docs state it, this keeps it true."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np

from deepalpha import ta

SEEDS, BARS, TICKS = 20, 5_000, 8


def rates() -> dict[str, float]:
    """Findings per 1,000 bars of geometric random walks (8 normal steps of 0.2 % a bar), with the defaults."""
    counts: Counter[str] = Counter()
    for seed in range(SEEDS):
        steps = np.random.default_rng(seed).normal(0, 0.002, BARS * TICKS)
        path = (100 * np.exp(np.cumsum(steps))).reshape(BARS, TICKS)
        found = ta.chart.patterns(path[:, 0], path.max(axis=1), path.min(axis=1), path[:, -1])
        counts.update(one.name for one in found)
    return {kind: 1_000 * counts[kind] / (SEEDS * BARS) for kind in ta.chart.KINDS}


def stated() -> dict[str, float]:
    return {name: float(rate) for name, rate in re.findall(r"^    (\w+) +(\d+\.\d+)$", ta.chart.__doc__ or "", re.M)}


def test_the_stated_rate_of_findings_on_random_walks_is_true_and_bounded() -> None:
    measured, told = rates(), stated()
    assert list(told) == [*ta.chart.KINDS, "all"]
    for kind, rate in measured.items():
        assert abs(rate - told[kind]) <= 0.05 + 0.1 * told[kind], (kind, rate, told[kind])
        assert rate <= 4.0, f"{kind}: {rate} findings per 1,000 bars of noise"
    assert abs(sum(measured.values()) - told["all"]) <= 1.0 and told["all"] <= 25
