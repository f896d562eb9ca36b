"""What indicators there are and what each one means, read from the core's registry."""

from __future__ import annotations

import copy
import difflib
from functools import cache
from typing import Any

import msgspec

from deepalpha import _core
from deepalpha.errors import IndicatorError


@cache
def _registry() -> dict[str, dict[str, Any]]:
    specs: list[dict[str, Any]] = msgspec.json.decode(_core.ta_specs())
    return {spec["name"]: spec for spec in specs}


def functions() -> list[str]:
    """Names of all indicators and candlestick patterns, sorted.

    >>> "RSI" in functions()
    True
    """
    return sorted(_registry())


def info(name: str) -> dict[str, Any]:
    """Everything about one indicator.

    Args:
        name: TA-Lib's name, in any case.

    Returns:
        name, group, doc, formula, source, inputs (names), params (name, kind, default, min, max, doc), outputs (name,
        kind, meaning) and lookback (bars before the first value, at the defaults). The caller may change it freely.

    Raises:
        IndicatorError: no such indicator; the message has the nearest names.

    >>> info("rsi")["params"][0]["default"]
    14
    """
    spec = _registry().get(str(name).upper())
    if spec is None:
        near = difflib.get_close_matches(str(name).upper(), _registry(), n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "deepalpha.ta.functions() lists them all"
        raise IndicatorError(f"no indicator is called {name!r}; {hint}")
    return copy.deepcopy(spec)
