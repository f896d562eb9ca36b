"""A Python function for an indicator, made from its registry entry: what makes a new indicator one file in the core."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

from deepalpha.errors import IndicatorError
from deepalpha.ta.functions import call
from deepalpha.ta.info import info


@cache
def build(name: str) -> Callable[..., Any]:
    """A function with the signature TA-Lib would give the indicator.

    Args:
        name: the indicator's name, upper case.

    Returns:
        A function of the input series, then the parameters with their defaults; results as in `deepalpha.ta.functions`.

    Raises:
        IndicatorError: no such indicator. The function raises it for arguments that do not fit.
    """
    spec = info(name)
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    inputs = [inspect.Parameter(label, kind) for label in spec["inputs"]]
    params = [inspect.Parameter(param["name"], kind, default=param["default"]) for param in spec["params"]]
    signature = inspect.Signature([*inputs, *params])

    def function(*args: Any, **kwargs: Any) -> Any:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise IndicatorError(f"{name}{signature}: {error}") from None
        bound.apply_defaults()
        series = {label: bound.arguments[label] for label in spec["inputs"]}
        return call(name, series, {param["name"]: bound.arguments[param["name"]] for param in spec["params"]})

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{spec['doc']}\n\n{spec['formula']}\n\nSource: {spec['source']}"
    function.__signature__ = signature  # type: ignore[attr-defined]  # inspect's own protocol; functions do not declare it
    return function
