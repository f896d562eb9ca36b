"""What the technical agent reads: one row an indicator, its family, how its value becomes a score, and its words.

A family's score is the mean of its members that are ready, so ten oscillators that say the same count as one. Families:

- trend: where price stands against its averages and stops. Positive is up.
- pace: oscillators of two averages; whether the move gains or loses.
- oscillator: how far price has run. Momentum in a trend, mean reversion in a range.
- bands: where the close stands in its channel. A breakout in a trend, mean reversion in a range.
- volume: whether the volume goes with rises or with falls.

To add an indicator, add a row. Its score is NaN while it warms up; the agent then leaves it out and says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property

import msgspec
import numpy as np

from deepalpha.agents.numeric import clamp
from deepalpha.types import BarFrame

TREND, PACE, OSCILLATOR, BANDS, VOLUME = "trend", "pace", "oscillator", "bands", "volume"
FAMILIES = (TREND, PACE, OSCILLATOR, BANDS, VOLUME)

EMA_FAST, EMA_SLOW, RSI, ATR, ADX = "EMA_12", "EMA_26", "RSI_14", "ATR_14", "ADX_14"
PLUS_DI, MINUS_DI = "PLUS_DI_14", "MINUS_DI_14"
MACD_LINE, MACD_SIGNAL = "MACD_12_26_9.macd", "MACD_12_26_9.macdsignal"
BOLLINGER, KELTNER, DONCHIAN = "BBANDS_20_2_2_0", "KC_20_10_2", "DONCHIAN_20"
CHOPPINESS, EFFICIENCY = "CHOPPINESS_14", "ER_10"


class Scales(msgspec.Struct, frozen=True):
    """How large a reading must be. Prices are measured in ATR, so neither price level nor timeframe matters."""

    average_scale: float = 1.5
    """EMA gap in ATR that scores tanh(1) = 0.76."""
    macd_scale: float = 0.4
    """Gap of MACD to its signal in ATR that scores 0.76."""
    rsi_half_range: float = 20.0
    """RSI distance from 50 at which momentum is full and exhaustion starts (30 and 70)."""
    rsi_fade: float = 7.5
    """RSI points beyond 30/70 over which the score falls from +1 to 0; from there on it leans against the move."""
    rsi_exhausted: float = 0.5
    """How far it leans at most: an extreme RSI is a doubt about a trend, not proof of its end."""
    band_start: float = 0.8
    """Position in a channel (-1 lower, +1 upper) from which a ranging market is expected to turn back."""
    vortex_scale: float = 0.25
    """Difference of the vortex lines that scores 0.76."""
    tsi_scale: float = 20.0
    """TSI that scores 0.76."""
    kst_scale: float = 5.0
    """Gap of KST to its signal, in ATR in percent of the price, that scores 0.76; KST sums ten weights."""
    squeeze_scale: float = 1.0
    """Squeeze momentum in ATR that scores 0.76."""
    money_flow_scale: float = 0.2
    """CMF, and AD's change as a share of the volume, that scores 0.76."""
    volume_bars: int = 10
    """Bars over which running volumes (OBV, AD) are compared with the volume traded."""
    choppy: float = 61.8
    """Choppiness from which on a market ranges; at `straight` it trends."""
    straight: float = 38.2
    er_range: float = 0.2
    """Efficiency ratio up to which a market ranges; from `er_trend` on it trends."""
    er_trend: float = 0.6
    adx_range: float = 15.0
    """ADX up to which a market ranges; from `adx_trend` on it trends."""
    adx_trend: float = 30.0


class Reading:
    """The last values of one timeframe and what the rows need of them. NaN: not there (yet)."""

    def __init__(self, frame: BarFrame, scales: Scales) -> None:
        self.frame = frame
        self.scales = scales
        self.close = float(frame.close[-1]) if len(frame) else math.nan
        self._last = {name: float(values[-1]) for name, values in frame.series.items() if len(values)}
        self.atr = self.last(ATR)

    def last(self, name: str) -> float:
        """Last value of a series; NaN while it warms up."""
        return self._last.get(name, math.nan)

    def has(self, name: str) -> bool:
        """Whether a series has a value now."""
        return math.isfinite(self.last(name))

    @cached_property
    def trending(self) -> float:
        """0 (range) to 1 (trend): the mean of the regime readings that are ready; 0.5 when none is."""
        s = self.scales
        given = (
            _ramp(self.last(CHOPPINESS), s.choppy, s.straight),
            _ramp(self.last(EFFICIENCY), s.er_range, s.er_trend),
            _ramp(self.last(ADX), s.adx_range, s.adx_trend),
        )
        ready = [value for value in given if math.isfinite(value)]
        return sum(ready) / len(ready) if ready else 0.5

    def by_regime(self, in_trend: float, in_range: float) -> float:
        """The reading of a trend and that of a range, weighed by which of the two it is."""
        return self.trending * in_trend + (1.0 - self.trending) * in_range

    def place(self, channel: str) -> float:
        """Where the close stands in a channel: -1 at the lower band, +1 at the upper one."""
        upper, lower = self.last(f"{channel}.upperband"), self.last(f"{channel}.lowerband")
        return (self.close - (upper + lower) / 2) / ((upper - lower) / 2) if upper > lower else math.nan

    def traded(self, bars: int) -> float:
        """Volume of the last bars; NaN where none was traded, since silence is no selling."""
        total = float(np.sum(self.frame.volume[-bars:]))
        return total if total > 0 and len(self.frame) >= bars else math.nan

    def flow(self, name: str) -> float:
        """Change of a running volume as a share of what was traded meanwhile, -1..1."""
        bars = self.scales.volume_bars
        values = self.frame.series.get(name)
        if values is None or len(values) <= bars:
            return math.nan
        return clamp(float(values[-1] - values[-1 - bars]) / self.traded(bars), -1.0, 1.0)


class Row(msgspec.Struct, frozen=True):
    """One indicator of the table."""

    label: str
    """What a trader calls it."""
    family: str
    series: tuple[str, ...]
    """Ids to ask for, without outputs."""
    outputs: tuple[str, ...]
    """Series read; cited as evidence."""
    score: Callable[[Reading], float]
    """-1 (down) to 1 (up); NaN while it warms up."""
    words: Callable[[Reading], str]
    """The value in words."""


def rsi_momentum(rsi: float, scales: Scales) -> float:
    """Momentum up to 30/70 (linear, +-1), then falling through 0 to the opposite sign: exhaustion."""
    distance = (rsi - 50.0) / scales.rsi_half_range
    if not abs(distance) > 1:
        return distance
    beyond = (abs(distance) - 1) * scales.rsi_half_range / scales.rsi_fade
    return math.copysign(1.0, distance) * clamp(1 - beyond, -scales.rsi_exhausted, 1)


def _ramp(value: float, zero: float, one: float) -> float:
    return clamp((value - zero) / (one - zero), 0.0, 1.0)


def _against(place: float, start: float) -> float:
    """Mean reversion: 0 up to `start`, then rising to 1 at the end, against the sign of `place` (-1..1)."""
    return -math.copysign(_ramp(abs(place), start, 1.0), place)


def _oscillator(value: float, middle: float, half: float, reading: Reading) -> float:
    """Momentum in a trend, where fast oscillators sit at their ends; against the last half of the way in a range."""
    place = clamp((value - middle) / half, -1.0, 1.0)
    return reading.by_regime(place, _against(place, 0.5))


def _rsi(r: Reading) -> float:
    rsi = r.last(RSI)
    place = clamp((rsi - 50.0) / r.scales.rsi_half_range, -1.0, 1.0)
    return r.by_regime(rsi_momentum(rsi, r.scales), _against(place, 0.5))


def _channel(channel: str) -> Callable[[Reading], float]:
    def score(r: Reading) -> float:
        place = clamp(r.place(channel), -1.0, 1.0)
        return r.by_regime(place, _against(place, r.scales.band_start))

    return score


def _adx(r: Reading) -> float:
    """Which side moves, as far as ADX calls it a trend."""
    plus, minus = r.last(PLUS_DI), r.last(MINUS_DI)
    side = (plus - minus) / (plus + minus) if plus + minus > 0 else math.nan
    return clamp(2 * side, -1.0, 1.0) * _ramp(r.last(ADX), r.scales.adx_range, r.scales.adx_trend)


def _supertrend(r: Reading) -> float:
    side = r.last("SUPERTREND_10_3.trend")
    return side if side else math.nan  # 0: no value yet


def _squeeze(r: Reading) -> float:
    """Momentum counts as far as it is a trend, and half while the bands are squeezed: nothing has broken out yet."""
    momentum = math.tanh(r.last("SQUEEZE.momentum") / r.atr / r.scales.squeeze_scale)
    return r.by_regime(momentum, 0.0) * (0.5 if r.last("SQUEEZE.squeeze") > 0 else 1.0)


def _with_volume(value: float, r: Reading, bars: int) -> float:
    return value if math.isfinite(r.traded(bars)) else math.nan


def _single(label: str, family: str, name: str, score: Callable[[Reading], float], form: str = ".0f") -> Row:
    """A row of an indicator with one output."""
    return Row(label, family, (name,), (name,), score, lambda r: f"{label} {r.last(name):{form}}")


def _band_row(label: str, channel: str) -> Row:
    outputs = (f"{channel}.upperband", f"{channel}.lowerband")
    return Row(label, BANDS, (channel,), outputs, _channel(channel), lambda r: f"{label} place {r.place(channel):+.1f}")


def _side(value: float, up: str, down: str) -> str:
    return up if value >= 0 else down


def _pair(name: str, first: str, second: str) -> tuple[str, str]:
    return f"{name}.{first}", f"{name}.{second}"


_VORTEX = _pair("VORTEX_14", "plusvi", "minusvi")
_KST = _pair("KST", "kst", "signal")

ROWS: tuple[Row, ...] = (
    Row(
        "EMA 12/26",
        TREND,
        (EMA_FAST, EMA_SLOW, ATR),
        (EMA_FAST, EMA_SLOW, ATR),
        lambda r: math.tanh((r.last(EMA_FAST) - r.last(EMA_SLOW)) / r.atr / r.scales.average_scale),
        lambda r: f"EMA 12 {_side(r.last(EMA_FAST) - r.last(EMA_SLOW), 'above', 'below')} EMA 26",
    ),
    Row(
        "ADX",
        TREND,
        (ADX, PLUS_DI, MINUS_DI),
        (ADX, PLUS_DI, MINUS_DI),
        _adx,
        lambda r: f"ADX {r.last(ADX):.0f} with {_side(r.last(PLUS_DI) - r.last(MINUS_DI), '+DI', '-DI')} ahead",
    ),
    _single("Aroon", TREND, "AROONOSC_14", lambda r: r.last("AROONOSC_14") / 100.0, "+.0f"),
    Row(
        "Vortex",
        TREND,
        ("VORTEX_14",),
        _VORTEX,
        lambda r: math.tanh((r.last(_VORTEX[0]) - r.last(_VORTEX[1])) / r.scales.vortex_scale),
        lambda r: f"Vortex {r.last(_VORTEX[0]) - r.last(_VORTEX[1]):+.2f}",
    ),
    Row(
        "SuperTrend",
        TREND,
        ("SUPERTREND_10_3",),
        ("SUPERTREND_10_3.supertrend", "SUPERTREND_10_3.trend"),
        _supertrend,
        lambda r: f"SuperTrend {_side(r.last('SUPERTREND_10_3.trend'), 'up', 'down')}",
    ),
    Row(
        "MACD",
        PACE,
        ("MACD_12_26_9",),
        (MACD_LINE, MACD_SIGNAL),
        lambda r: math.tanh((r.last(MACD_LINE) - r.last(MACD_SIGNAL)) / r.atr / r.scales.macd_scale),
        lambda r: f"MACD {_side(r.last(MACD_LINE) - r.last(MACD_SIGNAL), 'above', 'below')} its signal",
    ),
    _single(
        "PPO",
        PACE,
        "PPO_12_26_1",
        lambda r: math.tanh(r.last("PPO_12_26_1") / 100.0 * r.close / r.atr / r.scales.average_scale),
        "+.1f",
    ),
    _single("TSI", PACE, "TSI_25_13", lambda r: math.tanh(r.last("TSI_25_13") / r.scales.tsi_scale), "+.0f"),
    Row(
        "KST",
        PACE,
        ("KST",),
        _KST,
        lambda r: math.tanh((r.last(_KST[0]) - r.last(_KST[1])) / (100.0 * r.atr / r.close) / r.scales.kst_scale),
        lambda r: f"KST {_side(r.last(_KST[0]) - r.last(_KST[1]), 'above', 'below')} its signal",
    ),
    _single("RSI", OSCILLATOR, RSI, _rsi),
    Row(
        "Stochastic",
        OSCILLATOR,
        ("STOCH_5_3_0_3_0",),
        ("STOCH_5_3_0_3_0.slowk", "STOCH_5_3_0_3_0.slowd"),
        lambda r: _oscillator(r.last("STOCH_5_3_0_3_0.slowk"), 50.0, 30.0, r),
        lambda r: f"Stochastic {r.last('STOCH_5_3_0_3_0.slowk'):.0f}",
    ),
    _single("CCI", OSCILLATOR, "CCI_20", lambda r: _oscillator(r.last("CCI_20"), 0.0, 100.0, r), "+.0f"),
    _single("Williams %R", OSCILLATOR, "WILLR_14", lambda r: _oscillator(r.last("WILLR_14"), -50.0, 30.0, r)),
    _single("MFI", OSCILLATOR, "MFI_14", lambda r: _with_volume(_oscillator(r.last("MFI_14"), 50.0, 30.0, r), r, 14)),
    _single(
        "Connors RSI",
        OSCILLATOR,
        "CONNORS_RSI_3_2_100",
        lambda r: _oscillator(r.last("CONNORS_RSI_3_2_100"), 50.0, 40.0, r),
    ),
    _band_row("Bollinger", BOLLINGER),
    _band_row("Keltner", KELTNER),
    _band_row("Donchian", DONCHIAN),
    Row(
        "Squeeze",
        BANDS,
        ("SQUEEZE",),
        ("SQUEEZE.squeeze", "SQUEEZE.momentum"),
        _squeeze,
        lambda r: f"squeeze {'on' if r.last('SQUEEZE.squeeze') > 0 else 'off'}",
    ),
    _single("OBV", VOLUME, "OBV", lambda r: r.flow("OBV"), ",.0f"),
    _single("AD", VOLUME, "AD", lambda r: math.tanh(r.flow("AD") / r.scales.money_flow_scale), ",.0f"),
    _single(
        "CMF",
        VOLUME,
        "CMF_20",
        lambda r: _with_volume(math.tanh(r.last("CMF_20") / r.scales.money_flow_scale), r, 20),
        "+.2f",
    ),
)

REGIME = (CHOPPINESS, EFFICIENCY)
"""Series read for the regime besides ADX."""
