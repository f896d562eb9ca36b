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


def functions(group: str | None = None) -> list[str]:
    """Names of all indicators and candlestick patterns, sorted.

    Args:
        group: only this one of TA-Lib's groups, in any case; a part of its name will do.

    >>> "RSI" in functions()
    True
    """
    wanted = (group or "").lower()
    return sorted(name for name, spec in _registry().items() if wanted in spec["group"].lower())


def groups() -> list[str]:
    """TA-Lib's groups that have an indicator here, sorted."""
    return sorted({spec["group"] for spec in _registry().values()})


def spec_of(name: str) -> dict[str, Any]:
    """The registry's own entry, without the measured warm-up and not to be changed; see `info` for the rest."""
    spec = _registry().get(str(name).upper())
    if spec is None:
        near = difflib.get_close_matches(str(name).upper(), _registry(), n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "deepalpha.ta.functions() lists them all"
        raise IndicatorError(f"no indicator is called {name!r}; {hint}")
    return spec


def info(name: str, *, seed: str = "talib", **params: float) -> dict[str, Any]:
    """Everything about one indicator, ready for JSON.

    Args:
        name: TA-Lib's name, in any case.
        seed: how recursive averages begin, for `warm_up`.
        params: parameters that `lookback` and `warm_up` are for; missing ones take their defaults.

    Returns:
        name, group, doc, formula, source; inputs (names), params (name, kind, default, min, max, doc), outputs (name,
        kind, meaning); memory (how far back a value reaches: "bar", "window", "history"), seeded (whether `seed`
        changes anything), streams (whether `ta.stream` has it); lookback (bars before the first value) and warm_up
        (bars before a value differs by less than 1e-6 of its size from one with endless history, measured by the core
        on a fixed random walk; None for running totals, which never forget). The caller may change it freely.

    Raises:
        IndicatorError: no such indicator or parameter; the message has the nearest names.

    >>> info("rsi")["params"][0]["default"], info("SMA", timeperiod=10)["warm_up"]
    (14, 9)
    """
    from deepalpha.ta.specs import parse

    found = copy.deepcopy(spec_of(name))
    spec = parse({"fn": found["name"], "seed": seed, **params})[0]
    found["lookback"], found["warm_up"] = _warm_up(spec.name, tuple(spec.params), spec.seed)
    return found


@cache
def _measured(name: str, params: tuple[float, ...], seed: str) -> tuple[int, int | None]:
    return _core.ta_warm_up(name, params, seed)


def _warm_up(name: str, params: tuple[float, ...], seed: str) -> tuple[int, int | None]:
    # Only what is likely to be asked for again is kept: the defaults.
    return _measured(name, params, seed) if not params else _core.ta_warm_up(name, params, seed)
