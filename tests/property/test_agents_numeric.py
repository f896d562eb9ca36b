"""Invariants of the numbers that agents share: swings, levels, tails."""

from __future__ import annotations

import itertools
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from deepalpha.agents.numeric import cluster_levels, historical_cvar, historical_var, pivots, probability

VALUES = st.lists(
    st.one_of(st.floats(1, 20), st.integers(1, 6).map(float), st.just(math.nan)), min_size=0, max_size=60
).map(np.array)


def slow_pivots(values, k, high):
    """The definition, spelled out."""
    signed = values if high else -values
    found = []
    for i in range(k, len(values) - k):
        before, after = signed[i - k : i], signed[i + 1 : i + k + 1]
        if not np.isnan(signed[i - k : i + k + 1]).any() and signed[i] > before.max() and signed[i] >= after.max():
            found.append(i)
    return found


@given(VALUES, st.integers(1, 5), st.booleans())
def test_pivots_are_what_their_definition_says(values, k, high):
    assert pivots(values, k, high=high).tolist() == slow_pivots(values, k, high)


@given(VALUES, VALUES, st.integers(1, 5), st.booleans())
def test_later_bars_never_change_a_confirmed_pivot(past, future, k, high):
    known = pivots(past, k, high=high).tolist()
    later = pivots(np.concatenate([past, future]), k, high=high).tolist()
    assert [i for i in later if i < len(past) - k] == known
    assert all(i < len(past) - k for i in known)


@given(st.lists(st.floats(1, 1000), max_size=40), st.floats(0, 50))
def test_clusters_keep_every_touch_in_ascending_disjoint_levels_no_wider_than_asked(prices, width):
    array = np.array(prices)
    levels = cluster_levels(array, np.arange(len(prices)), width)
    assert sum(level.touches for level in levels) == len(prices)
    assert all(a.price < b.price for a, b in itertools.pairwise(levels))
    ordered = np.sort(array)
    start = 0
    for level in levels:
        group = ordered[start : start + level.touches]
        assert group[-1] - group[0] <= width
        assert group[0] - 1e-9 <= level.price <= group[-1] + 1e-9
        start += level.touches


@given(st.lists(st.floats(-2, 2), min_size=1, max_size=300).map(np.array), st.sampled_from([0.9, 0.95, 0.99]))
def test_expected_shortfall_is_never_below_value_at_risk(returns, level):
    var, cvar = historical_var(returns, level), historical_cvar(returns, level)
    assert 0 <= var <= cvar + 1e-12 <= 1 + 1e-12


@given(st.floats(-1e6, 1e6), st.floats(0, 0.5))
def test_a_probability_stays_within_its_edge_and_mirrors(score, edge):
    p = probability(score, edge)
    assert 0.5 - edge - 1e-6 <= p <= 0.5 + edge + 1e-6
    assert abs(p + probability(-score, edge) - 1) <= 2e-6
