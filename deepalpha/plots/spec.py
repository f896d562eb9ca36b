"""What a chart shows, without saying how: one spec, drawn by ECharts in the app and by HoloViews in a notebook.

A spec is plain data (tuples of numbers and text), so it can be compared, hashed and kept as golden JSON. Positions
along time are indices into `ChartSpec.times`; gaps such as weekends therefore take no room.
"""

from __future__ import annotations

from enum import StrEnum

from deepalpha.types import Fact

Values = tuple[float | None, ...]


class Tone(StrEnum):
    """The meaning of a colour; each renderer picks the colour itself."""

    FIRST = "first"
    SECOND = "second"
    THIRD = "third"
    MUTED = "muted"
    UP = "up"
    DOWN = "down"


class MarkerKind(StrEnum):
    """What happened at a bar."""

    BUY_FILL = "buy fill"
    SELL_FILL = "sell fill"
    BUY_DECISION = "buy decision"
    SELL_DECISION = "sell decision"


class Candles(Fact, frozen=True):
    """Open, high, low and close of every bar."""

    name: str
    open: tuple[float, ...]
    high: tuple[float, ...]
    low: tuple[float, ...]
    close: tuple[float, ...]


class Line(Fact, frozen=True):
    """One value a bar; None where there is none, as in an indicator's warm-up."""

    name: str
    values: Values
    tone: Tone = Tone.FIRST
    dashed: bool = False
    filled: bool = False


class Bars(Fact, frozen=True):
    """One bar up from zero (or down) for every time; `rising` picks its colour."""

    name: str
    values: Values
    rising: tuple[bool, ...]


class Marker(Fact, frozen=True):
    """A mark at bar `index` and height `value`; `text` is what a pointer over it reads."""

    index: int
    value: float
    kind: MarkerKind
    text: str


class Level(Fact, frozen=True):
    """A horizontal line across a pane, for example a stop."""

    name: str
    value: float
    tone: Tone = Tone.MUTED


class Pane(Fact, frozen=True):
    """One of the stacked plots that share the time axis. `weight` is its share of the height."""

    name: str
    weight: float = 1.0
    candles: Candles | None = None
    lines: tuple[Line, ...] = ()
    bars: tuple[Bars, ...] = ()
    markers: tuple[Marker, ...] = ()
    levels: tuple[Level, ...] = ()


class ChartSpec(Fact, frozen=True):
    """A titled stack of panes over shared times.

    Attributes:
        title: what is shown, in words.
        times: int UTC ns of each bar's start, ascending.
        panes: top to bottom.
        intraday: whether the labels need the hour.

    Raises:
        ValueError: a series has another length than `times`, or a marker lies outside of them.
    """

    title: str
    times: tuple[int, ...]
    panes: tuple[Pane, ...]
    intraday: bool = False

    def __post_init__(self) -> None:
        for pane in self.panes:
            for name, found in _lengths(pane):
                if found != len(self.times):
                    raise ValueError(f"{name} in pane {pane.name} has {found} values for {len(self.times)} times")
            for marker in pane.markers:
                if not 0 <= marker.index < len(self.times):
                    raise ValueError(f"marker {marker.text!r} is at bar {marker.index} of {len(self.times)}")

    def pane(self, name: str) -> Pane:
        """A pane by its name; KeyError lists what there is."""
        for found in self.panes:
            if found.name == name:
                return found
        raise KeyError(f"no pane {name}; there is {[found.name for found in self.panes]}")


def _lengths(pane: Pane) -> list[tuple[str, int]]:
    found = [(line.name, len(line.values)) for line in pane.lines]
    for bars in pane.bars:
        found += [(bars.name, len(bars.values)), (f"rising of {bars.name}", len(bars.rising))]
    if pane.candles is not None:
        candles = pane.candles
        found += [(candles.name, len(part)) for part in (candles.open, candles.high, candles.low, candles.close)]
    return found
