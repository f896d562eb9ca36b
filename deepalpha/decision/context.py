"""The snapshot of one symbol as the settings describe it: bars, indicator series, headlines, the account."""

from __future__ import annotations

from collections.abc import Iterable

from deepalpha.config import Settings
from deepalpha.decision.snapshot import build_context
from deepalpha.errors import MarketDataError
from deepalpha.market import MarketSource, check_timeframe
from deepalpha.ta.view import market_view
from deepalpha.types import SECOND, Context, Headline, PositionView


def context_at(
    source: MarketSource,
    settings: Settings,
    *,
    symbol: str,
    asof: int,
    series: tuple[str, ...],
    news: Iterable[Headline],
    position: PositionView,
) -> Context:
    """What the agents may know of a symbol at the close of a bar.

    Args:
        source: the market; nothing younger than `asof` is read.
        settings: timeframes, history and horizon.
        symbol, asof: of what, and when (UTC ns).
        series: indicator ids the agents read.
        news: headlines known at `asof`.
        position: the account at `asof`.

    Raises:
        MarketDataError: no bar has closed by then.
    """
    window = source.window(symbol, asof, settings.history_bars)
    if not len(window["close"]):
        raise MarketDataError(f"{symbol}: no {settings.timeframe} bar has closed by {asof}; import earlier bars")
    bars = market_view(
        window, timeframe=settings.timeframe, timeframes=settings.view_timeframes, asof=asof, series=series
    )
    return build_context(
        symbol=symbol,
        asof=asof,
        horizon_s=settings.decision.horizon_bars * check_timeframe(settings.timeframe) // SECOND,
        timeframe=settings.timeframe,
        bars=bars,
        news=news,
        position=position,
    )
