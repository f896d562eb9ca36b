"""Series in, series of the same kind out: the one border between Python containers and the core's float64 arrays.

The core itself takes contiguous float64 arrays; for everything else it calls in here (`core/py/src/ta`).
"""

from __future__ import annotations

import inspect
import math
import numbers
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from deepalpha.errors import IndicatorError
from deepalpha.ta.info import spec_of

Floats = NDArray[np.float64]


def convert(name: str, labels: Sequence[str], inputs: Sequence[Any]) -> list[Floats]:
    """What a call was given, as the arrays the core takes.

    Args:
        name: the indicator.
        labels: its inputs' names.
        inputs: one series of shape (n,) for each.

    Returns:
        Aligned, contiguous, native float64 arrays; missing values (null, NA, masked) are NaN.

    Raises:
        IndicatorError: a series that is not one row of numbers; pandas indexes that differ.
    """
    arrays = [as_floats(f"{name}: {label}", series) for label, series in zip(labels, inputs, strict=True)]
    _same_index(name, dict(zip(labels, inputs, strict=True)))
    return arrays


def like(name: str, inputs: Sequence[Any], names: Sequence[str], result: Any) -> Any:
    """A result of the core in the first input's kind of container.

    pandas keeps its index. Named series: several outputs carry the outputs' names; one output carries the input's name
    when there is one input, else the indicator's.
    """
    first = inputs[0]
    single = getattr(first, "name", None) if len(inputs) == 1 else name
    if isinstance(result, tuple):
        return tuple(_like(first, values, label) for values, label in zip(result, names, strict=True))
    return _like(first, result, single)


def signature(name: str) -> inspect.Signature:
    """How an indicator is called, for `inspect.signature` and notebooks."""
    spec = spec_of(name)
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    inputs = [inspect.Parameter(label, kind) for label in spec["inputs"]]
    params = [inspect.Parameter(param["name"], kind, default=param["default"]) for param in spec["params"]]
    choices = [("out", None), ("nan", "propagate"), ("seed", "talib")]
    if spec["group"] == "Pattern Recognition":
        choices.append(("settings", None))
    options = [inspect.Parameter(label, inspect.Parameter.KEYWORD_ONLY, default=value) for label, value in choices]
    return inspect.Signature([*inputs, *params, *options])


def as_floats(label: str, series: Any) -> Floats:
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


def as_number(label: str, value: Any) -> float:
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


def _like(template: Any, values: NDArray[Any], name: Any) -> Any:
    """`values` in the template's kind of container."""
    if isinstance(template, pl.Series):
        return pl.Series(str(name or ""), values)
    if _is_pandas(template):
        return type(template)(values, index=template.index, name=name)
    return values.tolist() if isinstance(template, (list, tuple)) else values
