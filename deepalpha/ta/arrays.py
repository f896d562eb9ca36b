"""Series in, series of the same kind out: the one border between Python containers and the core's float64 arrays."""

from __future__ import annotations

import math
import numbers
import sys
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from deepalpha import _core
from deepalpha.errors import IndicatorError

#: A series of numbers: 1-D numpy array, list, polars Series or pandas Series (typed as Any: pandas is optional).
Series = TypeVar("Series", NDArray[Any], list[float], pl.Series)

Floats = NDArray[np.float64]


def compute(
    name: str, inputs: dict[str, Any], params: dict[str, Any], outputs: Sequence[str], whole: Sequence[bool]
) -> Any:
    """Run one indicator of the core on any supported containers.

    Args:
        name: TA-Lib's name.
        inputs: argument name -> series, in calling order, all of one length n.
        params: parameter name -> number, in calling order.
        outputs: output names in result order.
        whole: for each output whether it is int32 instead of float64 (candlestick patterns, the side of a trend).

    Returns:
        One series of length n for one output, else a tuple of them, of the first input's kind. pandas keeps its index.
        Named series: several outputs carry the outputs' names; one output carries the input's name when there is one
        input, else the indicator's.

    Raises:
        IndicatorError: an input or a parameter that cannot be used.
    """
    arrays = [_as_floats(f"{name}: {label}", series) for label, series in inputs.items()]
    _same_index(name, inputs)
    numbers_ = [_as_number(f"{name}: {label}", value) for label, value in params.items()]
    results: list[Floats] = _core.ta_compute(name, arrays, numbers_)
    first = next(iter(inputs.values()))
    single = getattr(first, "name", None) if len(inputs) == 1 else name
    labels = [single] if len(outputs) == 1 else list(outputs)
    wrapped = [_like(first, result, label, kind) for result, label, kind in zip(results, labels, whole, strict=True)]
    return wrapped[0] if len(wrapped) == 1 else tuple(wrapped)


def _as_floats(label: str, series: Any) -> Floats:
    """`series` as an aligned, contiguous, native float64 array; missing values (null, NA, masked) become NaN."""
    if isinstance(series, pl.Series):
        if not series.dtype.is_numeric():
            raise _unusable(label, f"a polars Series of {series.dtype}")
        array: NDArray[Any] = series.cast(pl.Float64).to_numpy()
    elif _is_pandas(series):
        if getattr(series.dtype, "kind", "O") not in "iuf":
            raise _unusable(label, f"a pandas Series of {series.dtype}")
        array = series.to_numpy(dtype="float64", na_value=math.nan)
    elif isinstance(series, np.ma.MaskedArray):
        _check_array(label, series.data)
        array = np.ma.filled(series.astype(np.float64), math.nan)
    elif isinstance(series, np.ndarray):
        array = series
    elif isinstance(series, (list, tuple)):
        array = _from_sequence(label, series)
    else:
        raise _unusable(label, f"a {type(series).__name__}")
    _check_array(label, array)
    return np.require(array, dtype=np.float64, requirements=["C_CONTIGUOUS", "ALIGNED"])


def _from_sequence(label: str, series: Sequence[Any]) -> NDArray[Any]:
    if any(isinstance(value, (bool, np.bool_)) for value in series):
        raise _unusable(label, "a list with booleans")
    try:
        return np.asarray(series) if len(series) else np.empty(0)
    except (ValueError, OverflowError) as error:  # ragged lists, integers beyond any dtype
        raise _unusable(label, f"a {type(series).__name__} that is not one row of numbers") from error


def _check_array(label: str, array: NDArray[Any]) -> None:
    if array.ndim != 1:
        raise IndicatorError(
            f"{label} has shape {array.shape}; pass one series of shape (n,), for example column by column"
        )
    if array.dtype.kind not in "iuf":
        raise _unusable(label, f"an array of {array.dtype}")


def _unusable(label: str, what: str) -> IndicatorError:
    return IndicatorError(
        f"{label} is {what}; pass floats or ints as a numpy array, list, polars or pandas Series, NaN where missing"
    )


def _as_number(label: str, value: Any) -> float:
    """A parameter as float; its bounds are the core's to check."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise IndicatorError(f"{label} {value!r} is not a number; pass an int or a float")
    try:
        return float(value)
    except OverflowError as error:
        raise IndicatorError(f"{label} is too large for a float; see deepalpha.ta.info for its bounds") from error


def _is_pandas(series: Any) -> bool:
    """Whether this is a pandas Series, without importing pandas: who has one has imported it."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(series, pandas.Series)


def _same_index(name: str, inputs: dict[str, Any]) -> None:
    """Refuse pandas inputs that pandas itself would align: the core goes by position."""
    indexed = [(label, series) for label, series in inputs.items() if _is_pandas(series)]
    for label, series in indexed[1:]:
        head, reference = indexed[0]
        if len(series) == len(reference) and not series.index.equals(reference.index):
            raise IndicatorError(f"{name}: {label} and {head} have different indexes; align them first (pandas.concat)")


def _like(template: Any, values: Floats, name: Any, whole: bool) -> Any:
    """`values` in the template's kind of container."""
    typed: NDArray[Any] = values.astype(np.int32) if whole else values
    if isinstance(template, pl.Series):
        return pl.Series(str(name or ""), typed)
    if _is_pandas(template):
        return type(template)(typed, index=template.index, name=name)
    return typed.tolist() if isinstance(template, (list, tuple)) else typed
