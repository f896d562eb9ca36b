"""A column that is stored as decimals comes back bit for bit; one that cannot is not stored as decimals."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from deepalpha.market.parquet import decimal_array, decimal_places

written = st.tuples(st.integers(-(10**13), 10**13), st.integers(0, 8)).map(
    lambda pair: float(Decimal(pair[0]).scaleb(-pair[1]))
)


@example([1.797693134862316e300])
@example([float("nan")])
@example([-float("inf"), 1.25])
@example([2.0**53])
@given(st.lists(st.one_of(written, st.floats()), max_size=80))
def test_decimals_are_exact_or_refused(values: list[float]) -> None:
    array = np.array(values, dtype=np.float64)
    places = decimal_places(array)
    if places is None:
        return
    stored = decimal_array(np.rint(array * 10.0**places).astype(np.int64), places).to_pylist()
    assert np.array([float(value) for value in stored]).tobytes() == array.tobytes()


@given(st.lists(st.tuples(st.integers(-(10**9), 10**9), st.integers(0, 4)), min_size=1, max_size=50))
def test_what_is_written_with_few_digits_is_found_with_no_more_places_than_written(
    pairs: list[tuple[int, int]],
) -> None:
    array = np.array([float(Decimal(digits).scaleb(-places)) for digits, places in pairs])
    places = decimal_places(array)
    assert places is not None
    assert places <= max(places for _, places in pairs)


def test_one_value_late_in_a_column_decides_for_all_of_it() -> None:
    values = np.full(1000, 1.25)
    assert decimal_places(values) == 2
    values[900] = 1.25 + 1e-12
    assert decimal_places(values) is None
    values[900] = 0.125
    assert decimal_places(values) == 3
