"""Indicators bar by bar: `ta.stream.RSI(history, timeperiod=14)` gives a handle that takes one bar after the other.

    rsi = ta.stream.RSI(close, timeperiod=14)   # the same series as ta.RSI takes, or none
    rsi.update(101.5)                           # the value of that bar, the bits ta.RSI gives for the whole series
    rsi.peek(101.7)                             # what update would answer for a bar that is still forming
    rsi.value, rsi.bars, rsi.name, rsi.params
    ta.stream.restore(rsi.snapshot())           # in this or another process; handles can be pickled and copied, too

An update that is no finite number raises IndicatorError and leaves the state as it was. Every indicator has a handle
but those whose past values change with later bars (`ta.info(name)["streams"]`). `StreamSet` updates many of them, of
many symbols, in one call.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from deepalpha import _core
from deepalpha._core import StreamSet as StreamSet
from deepalpha.errors import IndicatorError
from deepalpha.ta.arrays import as_floats
from deepalpha.ta.info import functions, spec_of
from deepalpha.ta.specs import number

#: A running indicator; which class it is depends on the number of inputs.
Handle = _core.Stream1 | _core.Stream2 | _core.Stream3 | _core.Stream4 | _core.Stream5


def restore(snapshot: bytes) -> Handle:
    """A handle from `snapshot()`'s bytes, in the state it was in.

    Raises:
        IndicatorError: bytes that are cut, changed, or no snapshot.
    """
    return _core.ta_stream_restore(snapshot)


@cache
def _build(name: str) -> Callable[..., Handle]:
    """The function that makes handles of an indicator: its series (all or none), its parameters, `seed`."""
    spec = spec_of(name)
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    inputs = [inspect.Parameter(label, kind, default=None) for label in spec["inputs"]]
    params = [inspect.Parameter(param["name"], kind, default=param["default"]) for param in spec["params"]]
    seeds = [inspect.Parameter("seed", inspect.Parameter.KEYWORD_ONLY, default="talib")]
    signature = inspect.Signature([*inputs, *params, *seeds])

    def function(*args: Any, **kwargs: Any) -> Handle:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise IndicatorError(f"ta.stream.{name}{signature}: {error}") from None
        bound.apply_defaults()
        given = bound.arguments
        numbers = [number(f"{name}: {param['name']}", given[param["name"]]) for param in spec["params"]]
        handle = _core.ta_stream(name, numbers, str(given["seed"]))
        missing = [label for label in spec["inputs"] if given[label] is None]
        if len(missing) < len(spec["inputs"]):
            if missing:
                raise IndicatorError(f"{name}: history lacks {', '.join(missing)}; pass all its series or none")
            handle.extend(*(_history(f"{name}: {label}", given[label]) for label in spec["inputs"]))
        return handle

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{spec['doc']}\n\nA handle that takes one bar after the other; see `deepalpha.ta.stream`."
    function.__signature__ = signature  # type: ignore[attr-defined]  # inspect's own protocol; functions do not declare it
    return function


def _history(label: str, series: Any) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    floats: np.ndarray[tuple[int], np.dtype[np.float64]] = as_floats(label, series)
    return floats


def __getattr__(name: str) -> Callable[..., Handle]:
    if name.upper() != name or name.startswith("_"):
        raise AttributeError(f"module 'deepalpha.ta.stream' has no attribute {name!r}")
    try:
        return _build(name)
    except IndicatorError as error:
        raise AttributeError(f"module 'deepalpha.ta.stream' has no attribute {name!r}: {error}") from None


def __dir__() -> list[str]:
    return sorted(["Handle", "restore", *(name for name in functions() if spec_of(name)["streams"])])
