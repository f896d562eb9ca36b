"""Writes `__init__.pyi`, every indicator as a typed function for editors and mypy: `python -m deepalpha.ta.stubs`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from deepalpha.ta.info import functions, spec_of

TARGET = Path(__file__).with_name("__init__.pyi")

_HEAD = '''"""Technical indicators. Written by `python -m deepalpha.ta.stubs` from the core's registry."""

# ruff: noqa: E501  # one line a function
from typing import Any, Literal, TypeVar

import polars as pl
from numpy.typing import NDArray

{exports}

# A series of numbers (pandas Series too: they are Any to mypy, since pandas is optional).
Series = TypeVar("Series", NDArray[Any], list[float], pl.Series)
_Out = NDArray[Any] | tuple[NDArray[Any], ...] | list[NDArray[Any]] | None
_Nan = Literal["propagate", "window", "raise"]
_Seed = Literal["talib", "tradingview"]

'''

#: What the package has beside the indicators, as its own `__init__.py` imports it.
_INIT = Path(__file__).with_name("__init__.py")


def text() -> str:
    """The stub file's text."""
    return _HEAD.format(exports=_exports()) + "\n".join(_function(spec_of(name)) for name in functions()) + "\n"


def _exports() -> str:
    """The imports of `__init__.py` that it re-exports, in the stubs' spelling (`x as x`)."""
    lines = []
    for line in _INIT.read_text().splitlines():
        if not line.startswith("from deepalpha.ta"):
            continue
        module, names = line.split(" import ")
        lines.append(f"{module} import " + ", ".join(f"{name} as {name}" for name in names.split(", ")))
    return "\n".join(lines)


def _function(spec: dict[str, Any]) -> str:
    inputs = [f"{label}: Series" for label in spec["inputs"]]
    params = [f"{p['name']}: {'float' if p['kind'] == 'real' else 'int'} = {p['default']}" for p in spec["params"]]
    options = ["*", "out: _Out = None", 'nan: _Nan = "propagate"', 'seed: _Seed = "talib"']
    if spec["group"] == "Pattern Recognition":
        options.append("settings: CandleSettings | None = None")
    count = len(spec["outputs"])
    result = "Series" if count == 1 else f"tuple[{', '.join(['Series'] * count)}]"
    return f"def {spec['name']}({', '.join([*inputs, *params, *options])}) -> {result}: ..."


if __name__ == "__main__":
    TARGET.write_text(text())
    sys.stdout.write(f"{len(functions())} functions written to {TARGET.name}\n")
