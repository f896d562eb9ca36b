"""Indicators as a caller spells them: ``"RSI_14"``, ``"MACD"``, ``{"fn": "BBANDS", "timeperiod": 20}``."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from deepalpha import _core
from deepalpha.errors import IndicatorError
from deepalpha.ta.info import spec_of

#: One indicator: an id, or a dict with "fn", its parameters by name, and if need be "seed" and "name".
Spelling = str | Mapping[str, Any]

_OWN_KEYS = ("fn", "seed", "name")


class Spec(NamedTuple):
    """An indicator, read from its spelling.

    Attributes:
        label: what its results are called: the id, or the "name" of a dict.
        name: TA-Lib's name.
        params: numbers in TA-Lib's order; missing ones on the right take their defaults.
        seed: "talib" or "tradingview".
    """

    label: str
    name: str
    params: list[float]
    seed: str


def parse(specs: Spelling | Sequence[Spelling]) -> list[Spec]:
    """Read spellings; the core checks the parameters' bounds when it uses them.

    Args:
        specs: one spelling or a list of them.

    Returns:
        One Spec for each. A dict without "name" is labelled like an id, up to the last parameter it gives:
        ``{"fn": "BBANDS", "timeperiod": 20}`` is BBANDS_20.

    Raises:
        IndicatorError: no such indicator or parameter, or something that is no spelling.

    >>> parse(["RSI_14", {"fn": "MACD", "signalperiod": 5}])[1].label
    'MACD_12_26_5'
    """
    if isinstance(specs, (str, Mapping)):
        specs = [specs]
    if not isinstance(specs, Sequence):
        raise IndicatorError(f"specs is {specs!r}; pass a list like ['RSI_14', {{'fn': 'BBANDS', 'timeperiod': 20}}]")
    return [_one(spec) for spec in specs]


def outputs_of(spec: Spec) -> list[str]:
    """Names of a spec's results: its label, or label.output where there are several."""
    outputs = spec_of(spec.name)["outputs"]
    return [spec.label] if len(outputs) == 1 else [f"{spec.label}.{output['name']}" for output in outputs]


def _one(spelling: Spelling) -> Spec:
    if isinstance(spelling, str):
        name, params = _core.ta_resolve(spelling)
        return Spec(spelling, name, params, "talib")
    if not isinstance(spelling, Mapping) or not isinstance(spelling.get("fn"), str):
        raise IndicatorError(f"{spelling!r} names no indicator; write 'RSI_14' or {{'fn': 'RSI', 'timeperiod': 14}}")
    declared = spec_of(spelling["fn"])
    name, names = declared["name"], [param["name"] for param in declared["params"]]
    unknown = [key for key in spelling if key not in names and key not in _OWN_KEYS]
    if unknown:
        raise IndicatorError(f"{name} has no parameter {unknown[0]!r}; it has {', '.join(names) or 'none'}")
    given = [place for place, key in enumerate(names) if key in spelling]
    params = [
        number(f"{name}: {param['name']}", spelling.get(param["name"], param["default"]))
        for param in declared["params"][: max(given, default=-1) + 1]
    ]
    label = spelling.get("name", "_".join([name, *map(_shown, params)]))
    if not isinstance(label, str):
        raise IndicatorError(f"{name}: the name {label!r} of its results is not text")
    return Spec(label, name, params, str(spelling.get("seed", "talib")))


def number(label: str, value: Any) -> float:
    """A parameter as a float; truth values and text are refused."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise IndicatorError(f"{label} {value!r} is not a number; pass an int or a float")
    try:
        return float(value)
    except OverflowError as error:
        raise IndicatorError(f"{label} is too large for a float; see deepalpha.ta.info for its bounds") from error


def _shown(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)
