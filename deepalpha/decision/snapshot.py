"""Freeze what the agents may know into a `Context` and name it by a hash of its canonical bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from deepalpha.errors import MarketDataError
from deepalpha.types import BarFrame, Context, Headline, PositionView, encode

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FIELDS = ("ts_open", "ts_event", "open", "high", "low", "close", "volume")


def build_context(
    *,
    symbol: str,
    asof: int,
    horizon_s: int,
    timeframe: str,
    bars: Mapping[str, BarFrame],
    news: Iterable[Headline],
    position: PositionView,
) -> Context:
    """Build the frozen context of one decision.

    Args:
        symbol: the instrument.
        asof: UTC ns; nothing in the context may be younger.
        horizon_s: seconds over which votes are meant.
        timeframe: base timeframe, a key of `bars`; it comes first in the result, the rest keep their order.
        bars: closed bars by timeframe, indicator series included.
        news: headlines known at `asof`; sorted by `ts_known`, newest last.
        position: the account as of `asof`.

    Returns:
        A `Context` whose `snapshot_hash` changes with any of the above and with nothing else: neither the order of
        `bars`, of their series or of `news`, nor the bit pattern of a NaN.

    Raises:
        MarketDataError: the base timeframe is missing, arrays differ in length, or a bar or headline is younger than
            `asof` (look-ahead; cut the data at `asof` first).
    """
    if timeframe not in bars:
        raise MarketDataError(f"{symbol}: no bars of the base timeframe {timeframe!r}; there is {sorted(bars)}")
    for name, frame in bars.items():
        _check_frame(symbol, name, frame, asof)
    ordered_news = tuple(sorted(news, key=lambda item: (item.ts_known, item.id)))
    if ordered_news and ordered_news[-1].ts_known > asof:
        late = ordered_news[-1]
        raise MarketDataError(f"headline {late.id!r} became known at {late.ts_known}, after asof {asof}; cut the news")
    ordered_bars = {timeframe: bars[timeframe], **{name: frame for name, frame in bars.items() if name != timeframe}}
    digest = hashlib.sha256()
    head = (symbol, asof, horizon_s, timeframe, ordered_news, position)
    digest.update(_framed("head", encode(head)))
    for name in sorted(ordered_bars):
        _update(digest, name, ordered_bars[name])
    return Context(
        symbol=symbol,
        asof=asof,
        horizon_s=horizon_s,
        timeframe=timeframe,
        bars=MappingProxyType(ordered_bars),
        news=ordered_news,
        position=position,
        snapshot_hash=digest.hexdigest(),
    )


def _check_frame(symbol: str, name: str, frame: BarFrame, asof: int) -> None:
    for field, values in _arrays(frame):
        if len(values) != len(frame):
            raise MarketDataError(f"{symbol} {name}: {field} has {len(values)} values for {len(frame)} bars")
    if len(frame) and int(frame.ts_event.max()) > asof:
        last = int(frame.ts_event.max())
        raise MarketDataError(f"{symbol} {name}: a bar closes at {last}, after asof {asof}; cut the bars at asof")


def _arrays(frame: BarFrame) -> list[tuple[str, NDArray[Any]]]:
    """All arrays of a frame by name: the fixed fields, then its series sorted by id."""
    fixed: list[tuple[str, NDArray[Any]]] = [(field, getattr(frame, field)) for field in _FIELDS]
    return fixed + [(f"series:{name}", frame.series[name]) for name in sorted(frame.series)]


def _update(digest: hashlib._Hash, name: str, frame: BarFrame) -> None:
    for field, values in _arrays(frame):
        digest.update(_framed(f"{name}/{field}", _canonical(values)))


def _framed(name: str, payload: bytes) -> bytes:
    """Name and length before the bytes, so that no two different snapshots have the same concatenation."""
    return encode((name, len(payload))) + b"\n" + payload


def _canonical(values: NDArray[Any]) -> bytes:
    """Little-endian bytes with one bit pattern for NaN and one for zero, equal on every platform."""
    if values.dtype.kind == "i":
        return values.astype("<i8").tobytes()
    clean = values.astype("<f8") + 0.0
    clean[np.isnan(clean)] = np.nan
    return clean.tobytes()
