"""What fits look back on: the last outcomes as columns, and how many horizons are open at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepalpha.decision.past import Columns, Past, overlap
from deepalpha.types import DAY, SECOND, Action, Outcome

ONE, OTHER = "one/1", "other/1"


def outcome(number: int, shadows: dict[str, float], *, change: float = 0.0) -> Outcome:
    return Outcome(
        decision_id=f"d{number}",
        symbol="X",
        asof=number * DAY,
        resolved_at=(number + 3) * DAY,
        action=Action.HOLD,
        price=100.0,
        close=100.0 * (1 + change),
        gross_return=change,
        net_return=change - 0.002,
        cost=0.002,
        went_up=float(change > 0),
        p_up=0.5,
        p_buy=0.5,
        p_sell=0.5,
        n_calibration=0,
        fuser=ONE,
        shadows=shadows,
        votes={},
        asked=(),
    )


def days(*values: int) -> np.ndarray:
    return DAY * np.array(values, dtype=np.int64)


def test_horizons_of_all_symbols_count_and_a_time_without_any_does_not() -> None:
    assert overlap(days(), days()) == 1.0
    assert overlap(days(1, 2, 3), days(2, 3, 4)) == 1.0
    assert overlap(days(1, 1, 1, 2, 2, 2), days(2, 2, 2, 3, 3, 3)) == 3.0, "three symbols, a day each"
    assert overlap(days(*range(100)), days(*range(5, 105))) == pytest.approx(500 / 104)
    assert overlap(days(1, 1, 90, 90), days(2, 2, 91, 91)) == 2.0, "nothing is open between"


spans = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 12)), min_size=1, max_size=40)


@given(spans, st.randoms(use_true_random=False))
def test_overlap_is_the_mean_of_a_count_second_by_second_in_any_order(told, random) -> None:
    count = np.zeros(80)
    for first, length in told:
        count[first : first + length] += 1
    random.shuffle(told)
    begun = SECOND * np.array([first for first, _ in told], dtype=np.int64)
    ended = begun + SECOND * np.array([length for _, length in told], dtype=np.int64)
    assert overlap(begun, ended) == pytest.approx(count[count > 0].mean())


@given(st.integers(1, 7), st.lists(st.sampled_from([(ONE,), (OTHER,), (ONE, OTHER)]), max_size=40), st.integers(0, 9))
def test_the_past_is_the_end_of_a_list(kept, knowing, without) -> None:
    outcomes = [outcome(i, dict.fromkeys(names, i + 0.5), change=0.01 * (i % 3 - 1)) for i, names in enumerate(knowing)]
    past = Past([ONE, OTHER], kept)
    past.extend(outcomes)
    shown = outcomes[-kept:]
    shown = shown[: max(0, len(shown) - without)]
    columns = past.columns(without=without)
    assert columns.begun.tolist() == [o.asof for o in shown]
    assert columns.ended.tolist() == [o.resolved_at for o in shown]
    assert columns.bought.tolist() == [o.buy_paid for o in shown]
    assert columns.sold.tolist() == [o.sell_paid for o in shown]
    known = columns.known_to(OTHER, 3)
    assert known.scores[OTHER].tolist() == [o.shadows[OTHER] for o in shown if OTHER in o.shadows][-3:]
    assert known.begun.tolist() == [o.asof for o in shown if OTHER in o.shadows][-3:]


def test_columns_stay_as_they_are_when_more_is_added() -> None:
    past = Past([ONE], 3)
    past.extend(outcome(i, {ONE: float(i)}) for i in range(6))
    before = past.columns()
    past.extend(outcome(i, {ONE: float(i)}) for i in range(6, 9))
    assert before.scores[ONE].tolist() == [3.0, 4.0, 5.0]
    assert Columns.of([], [ONE]).begun.tolist() == []
