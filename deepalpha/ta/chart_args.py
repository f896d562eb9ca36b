"""Arguments of `deepalpha.ta.chart`, checked before they cross into the core."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepalpha.errors import IndicatorError
from deepalpha.ta.arrays import as_floats

Floats = NDArray[np.float64]


def columns(name: str, high: Any, low: Any, close: Any) -> tuple[Floats, Floats, Floats]:
    """Three series as float64 arrays."""
    return as_floats(f"{name}: high", high), as_floats(f"{name}: low", low), as_floats(f"{name}: close", close)


def is_percent(unit: str) -> bool:
    """Whether reversals are in percent."""
    if unit not in ("atr", "percent"):
        raise IndicatorError(f"unit {unit!r} is not known; use 'atr' or 'percent'")
    return unit == "percent"


def number(name: str, value: Any) -> float:
    """A float; its bounds are the core's to check."""
    if isinstance(value, (bool, str, bytes)) or not hasattr(value, "__float__"):
        raise IndicatorError(f"{name} {value!r} is not a number")
    try:
        return float(value)
    except (OverflowError, TypeError, ValueError) as error:
        raise IndicatorError(f"{name} {value!r} is not a number that fits a float") from error


def whole(name: str, value: Any) -> int:
    """An int that fits a float; its bounds are the core's to check."""
    given = number(name, value)
    if not math.isfinite(given) or given != int(given) or not 0 <= given < 2**53:
        raise IndicatorError(f"{name} {value!r} is not a whole number from 0 to 2**53")
    return int(given)
