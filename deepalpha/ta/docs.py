"""The registry as text: a page for one indicator, a list by group, the whole manual in Markdown."""

from __future__ import annotations

import textwrap
from typing import Any

from deepalpha.errors import IndicatorError
from deepalpha.ta.info import functions, groups, info, spec_of

_WIDTH = 100
_INTRODUCTION = """# Indicators

Every function of `deepalpha.ta`, written from its registry by `deepalpha ta docs`. Look-back is the number of bars
before the first value; warm-up the number after which a value differs by less than one part in a million from one with
endless history. Both are in bars and for the defaults.
"""


def listing(group: str | None = None) -> str:
    """Names with their parameters and one line each, under their groups.

    Raises:
        IndicatorError: no group is called so.
    """
    wanted = functions(group)
    if not wanted:
        raise IndicatorError(f"no group is called {group!r}; there are {', '.join(groups())}")
    lines = []
    for heading in groups():
        members = [name for name in wanted if spec_of(name)["group"] == heading]
        if members:
            lines += ["", f"{heading} ({len(members)})"]
        for name in members:
            lines.append(f"  {name:20} {textwrap.shorten(spec_of(name)['doc'], _WIDTH - 23, placeholder=' ...')}")
    return "\n".join([*lines[1:], "", f"{len(wanted)} functions; more about one: deepalpha ta info NAME"])


def describe(name: str) -> str:
    """One indicator for people.

    Raises:
        IndicatorError: no such indicator.
    """
    found = info(name)
    lines = [signature(found), f"{found['group']}.", "", *_wrapped(found["doc"]), ""]
    lines += _table("Parameters", [(param["name"], f"{_bounds(param)}. {param['doc']}") for param in found["params"]])
    lines += _table(
        "Outputs", [(output["name"], f"{output['kind']}. {output['meaning']}") for output in found["outputs"]]
    )
    lines += _table("Facts", _facts(found))
    lines += ["Formula", *_wrapped(found["formula"], "  "), "", "Source", *_wrapped(found["source"], "  ")]
    return "\n".join(lines)


def markdown() -> str:
    """The manual: every function of the registry, by group."""
    parts = [_INTRODUCTION]
    for heading in groups():
        parts.append(f"## {heading}\n")
        parts += [_section(name) for name in functions() if spec_of(name)["group"] == heading]
    return "\n".join(parts)


def signature(found: dict[str, Any]) -> str:
    """A call with its defaults: ``RSI(real, timeperiod=14) -> real``."""
    params = [f"{param['name']}={param['default']}" for param in found["params"]]
    outputs = ", ".join(output["name"] for output in found["outputs"])
    return f"{found['name']}({', '.join([*found['inputs'], *params])}) -> {outputs}"


def _section(name: str) -> str:
    found = info(name)
    lines = [f"### {name}", "", f"`{signature(found)}`", "", found["doc"], ""]
    if found["params"]:
        lines += ["| parameter | values | meaning |", "|---|---|---|"]
        lines += [_row(param["name"], _bounds(param), param["doc"]) for param in found["params"]]
        lines.append("")
    lines += ["| output | kind | meaning |", "|---|---|---|"]
    lines += [_row(output["name"], output["kind"], output["meaning"]) for output in found["outputs"]]
    lines += ["", "; ".join(f"{label}: {text}" for label, text in _facts(found)) + ".", ""]
    lines += [f"Formula: {found['formula']}", "", f"Source: {found['source']}", ""]
    return "\n".join(lines)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _facts(found: dict[str, Any]) -> list[tuple[str, str]]:
    reach = {
        "bar": "its own bar only",
        "window": "the look-back",
        "history": "every bar since the first",
    }
    warm_up = "never: it counts from the first bar on" if found["warm_up"] is None else f"{found['warm_up']} bars"
    return [
        ("look-back", f"{found['lookback']} bars"),
        ("warm-up to 1e-6", warm_up),
        ("a value depends on", reach[found["memory"]]),
        ("seed", '"talib" or "tradingview"' if found["seeded"] else "none to choose"),
        ("bar by bar", f"ta.stream.{found['name']}" if found["streams"] else "no, its past values change"),
    ]


def _bounds(param: dict[str, Any]) -> str:
    kind = {"int": "whole", "real": "real", "average": "kind of average"}.get(param["kind"], param["kind"])
    return f"{kind}, {_shown(param['min'])} to {_shown(param['max'])}, default {_shown(param['default'])}"


def _shown(value: float) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _table(heading: str, rows: list[tuple[str, str]]) -> list[str]:
    if not rows:
        return []
    width = max(len(label) for label, _ in rows) + 2
    lines = [heading]
    for label, text in rows:
        wrapped = textwrap.wrap(text, _WIDTH - width - 2) or [""]
        lines += [f"  {label:{width}}{wrapped[0]}", *(f"  {'':{width}}{line}" for line in wrapped[1:])]
    return [*lines, ""]


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=indent)
