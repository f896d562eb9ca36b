"""How the pattern agent weighs the 61 candlestick patterns of the last bars.

Many of them fire together (a marubozu is a long line too), so they are no separate proofs: the strongest of each
direction counts, and the others are only named.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from deepalpha.agents.numeric import clamp
from deepalpha.ta.candles import patterns
from deepalpha.ta.info import spec_of
from deepalpha.types import BarFrame


def _names(text: str) -> frozenset[str]:
    """TA-Lib's names of patterns written without their prefix."""
    return frozenset(f"CDL{name}" for name in text.split())


_BY_WEIGHT: tuple[tuple[float, str], ...] = (
    # Turns of three bars and more, complete.
    (0.8, "MORNINGSTAR EVENINGSTAR MORNINGDOJISTAR EVENINGDOJISTAR ABANDONEDBABY 3INSIDE 3OUTSIDE"),
    (0.7, "3WHITESOLDIERS 3BLACKCROWS IDENTICAL3CROWS RISEFALL3METHODS MATHOLD BREAKAWAY KICKINGBYLENGTH KICKING"),
    # Turns of two bars, and rarer ones of three whose record is thin.
    (0.6, "ENGULFING PIERCING DARKCLOUDCOVER TRISTAR UNIQUE3RIVER LADDERBOTTOM CONCEALBABYSWALL 3STARSINSOUTH"),
    (0.5, "HAMMER HANGINGMAN SHOOTINGSTAR INVERTEDHAMMER STICKSANDWICH 2CROWS UPSIDEGAP2CROWS HIKKAKE HIKKAKEMOD"),
    (0.4, "HARAMI HARAMICROSS COUNTERATTACK MATCHINGLOW HOMINGPIGEON ADVANCEBLOCK STALLEDPATTERN DOJISTAR"),
    (0.4, "3LINESTRIKE SEPARATINGLINES TASUKIGAP GAPSIDESIDEWHITE XSIDEGAP3METHODS"),
    (0.3, "INNECK ONNECK THRUSTING BELTHOLD DRAGONFLYDOJI GRAVESTONEDOJI TAKURI"),
    # One line, or mere doubt.
    (0.2, "MARUBOZU CLOSINGMARUBOZU LONGLINE DOJI LONGLEGGEDDOJI RICKSHAWMAN"),
    (0.1, "HIGHWAVE SPINNINGTOP SHORTLINE"),
)

WEIGHTS: tuple[tuple[str, float], ...] = tuple(
    (f"CDL{name}", weight) for weight, names in _BY_WEIGHT for name in names.split()
)
"""Score of a fresh pattern: three bars say more than two, two more than one; a doji is mere doubt."""

#: TA-Lib's sign of these says nothing, or their colour only: they lean against the move before them.
DOUBT = _names("DOJI LONGLEGGEDDOJI RICKSHAWMAN HIGHWAVE SPINNINGTOP SHORTLINE DRAGONFLYDOJI GRAVESTONEDOJI TAKURI")
#: These go on with the move before them, or are a move themselves; all others turn it.
WITH_THE_MOVE = _names(
    "3WHITESOLDIERS 3BLACKCROWS IDENTICAL3CROWS RISEFALL3METHODS MATHOLD 3LINESTRIKE SEPARATINGLINES TASUKIGAP "
    "GAPSIDESIDEWHITE XSIDEGAP3METHODS INNECK ONNECK THRUSTING MARUBOZU CLOSINGMARUBOZU LONGLINE BELTHOLD "
    "KICKING KICKINGBYLENGTH"
)
#: Patterns that exist in one direction only, so that their name says it.
_ONE_SIDED = _names(
    "2CROWS 3BLACKCROWS 3STARSINSOUTH 3WHITESOLDIERS ADVANCEBLOCK CONCEALBABYSWALL DARKCLOUDCOVER "
    "EVENINGDOJISTAR EVENINGSTAR HAMMER HANGINGMAN HOMINGPIGEON IDENTICAL3CROWS INNECK INVERTEDHAMMER "
    "LADDERBOTTOM MATCHINGLOW MATHOLD MORNINGDOJISTAR MORNINGSTAR ONNECK PIERCING SHOOTINGSTAR STALLEDPATTERN "
    "STICKSANDWICH THRUSTING UNIQUE3RIVER UPSIDEGAP2CROWS"
)


_REACH = 40
"""Bars before a pattern that its value may depend on: 14 at most, and a hikkake's three bars of waiting twice."""


class CandleRules(msgspec.Struct, frozen=True):
    """How a pattern's surroundings change its weight."""

    age_weights: tuple[float, ...]
    move_bars: int
    move_atr: float
    without_move: float
    """Weight of a turn without a move to turn, or of a continuation without one to go on."""
    small_bar: float
    """Weight of a pattern on a bar without any range; full from a range of one ATR on."""
    quiet: float
    """Weight of a pattern without volume; full from `busy` times the usual volume on."""
    busy: float
    volume_bars: int


class Hit(msgspec.Struct, frozen=True):
    """A pattern that has a direction."""

    name: str
    sign: int
    age: int
    value: float
    weight: float

    def words(self) -> str:
        """Such as ``bullish engulfing 1 bar ago``."""
        when = "on the last bar" if self.age == 0 else f"{self.age} bar{'s' if self.age > 1 else ''} ago"
        return f"{called(self.name, self.sign)} {when}"


def called(name: str, sign: int) -> str:
    """What a trader calls a pattern of this direction."""
    words = str(spec_of(name)["doc"]).partition(":")[0].lower()
    if name in DOUBT:
        return f"{words} after a {'fall' if sign > 0 else 'rise'}"
    return words if name in _ONE_SIDED else f"{'bullish' if sign > 0 else 'bearish'} {words}"


def last_values(frame: BarFrame, bars: int) -> dict[str, NDArray[np.float64]]:
    """Values of all patterns at the last `bars` bars, oldest first; those that never fire there are left out."""
    first = max(0, len(frame) - bars - _REACH)
    found = patterns(frame.open[first:], frame.high[first:], frame.low[first:], frame.close[first:])
    tail = found.values[-bars:]
    fired = np.flatnonzero(tail.any(axis=0))
    return {found.names[place]: tail[:, place].astype(np.float64) for place in fired}


def hits(
    frame: BarFrame,
    values: dict[str, NDArray[np.float64]],
    weights: Sequence[tuple[str, float]],
    rules: CandleRules,
    atr: float,
) -> list[Hit]:
    """The freshest hit of each pattern (repeats are no further proof), strongest first."""
    found = []
    for name, weight in weights:
        series = values.get(name)
        if series is None:
            continue
        for age, age_weight in enumerate(rules.age_weights):
            value = float(series[-1 - age])
            bar = len(frame) - 1 - age
            sign = _sign(frame, name, value, bar, rules, atr)
            if sign:
                strength = weight * age_weight * _context(frame, name, sign, bar, rules, atr)
                found.append(Hit(name, sign, age, value, strength))
                break
    return sorted(found, key=lambda hit: (-hit.weight, hit.name))


def strongest(found: Sequence[Hit]) -> float:
    """The strongest bullish weight less the strongest bearish one."""
    up = max((hit.weight for hit in found if hit.sign > 0), default=0.0)
    return up - max((hit.weight for hit in found if hit.sign < 0), default=0.0)


def _move(frame: BarFrame, bar: int, rules: CandleRules, atr: float) -> float:
    """Move of the closes up to `bar`, in ATR."""
    return float(frame.close[bar] - frame.close[bar - rules.move_bars]) / atr


def _sign(frame: BarFrame, name: str, value: float, bar: int, rules: CandleRules, atr: float) -> int:
    """Direction of a pattern value (TA-Lib: above 0, below 0, 0 for none); doubt gets it from the move before."""
    if not math.isfinite(value) or value == 0:
        return 0
    if name not in DOUBT:
        return 1 if value > 0 else -1
    move = _move(frame, bar, rules, atr)
    if not abs(move) >= rules.move_atr:  # also when a price is NaN
        return 0
    return -1 if move > 0 else 1


def _context(frame: BarFrame, name: str, sign: int, bar: int, rules: CandleRules, atr: float) -> float:
    """Factor in 0..1: a large bar, busy trade and a move that fits make a pattern count in full."""
    size = clamp(float(frame.high[bar] - frame.low[bar]) / atr, 0.0, 1.0)
    before = frame.volume[max(0, bar - rules.volume_bars) : bar]
    usual = float(np.mean(before)) if len(before) else math.nan
    busy = clamp(float(frame.volume[bar]) / usual / rules.busy, 0.0, 1.0) if usual > 0 else 1.0
    move = _move(frame, bar - 1, rules, atr) * (sign if name in WITH_THE_MOVE else -sign)
    fits = 1.0 if name in DOUBT or move >= rules.move_atr else rules.without_move
    factor = (rules.small_bar + (1 - rules.small_bar) * size) * (rules.quiet + (1 - rules.quiet) * busy) * fits
    return factor if math.isfinite(factor) else 0.0
