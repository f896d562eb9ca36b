"""Addresses of exchanges' public streams."""

from __future__ import annotations

from collections.abc import Sequence

from deepalpha.errors import MarketDataError

# Binance's public streams, checked against its documentation on 2026-11-21. Spot data has a host that serves nothing
# else; since 2026-04-23 USD-M futures serve books under /public and everything else under /market.
_HOSTS = {
    ("binance", "public"): "wss://data-stream.binance.vision",
    ("binance_usdm", "public"): "wss://fstream.binance.com/public",
    ("binance_usdm", "market"): "wss://fstream.binance.com/market",
}
_STREAMS = {
    "trade": "market",
    "aggTrade": "market",
    "bookTicker": "public",
    "depth": "public",
    "depth@100ms": "public",
    "miniTicker": "market",
    **{f"kline_{frame}": "market" for frame in ("1s", "1m", "5m", "15m", "1h", "4h", "1d", "1w")},
}
_MOST_STREAMS = {"binance": 1024, "binance_usdm": 200}


def stream_urls(venue: str, symbols: Sequence[str], streams: Sequence[str]) -> list[str]:
    """Addresses of an exchange's public streams; one for each host and each full set of streams.

    Args:
        venue: ``binance`` or ``binance_usdm``.
        symbols: as the venue spells them, for example ``BTCUSDT``.
        streams: ``trade``, ``aggTrade``, ``bookTicker``, ``depth``, ``depth@100ms``, ``miniTicker``, ``kline_1m`` ...

    Raises:
        MarketDataError: no such venue or stream; the message lists those there are.

    Example:
        >>> stream_urls("binance", ["BTCUSDT"], ["trade"])
        ['wss://data-stream.binance.vision/stream?streams=btcusdt@trade']
    """
    if venue not in _MOST_STREAMS:
        raise MarketDataError(
            f"no addresses are known for venue {venue!r}; take {', '.join(_MOST_STREAMS)} or pass url"
        )
    unknown = [stream for stream in streams if stream not in _STREAMS]
    if unknown or not streams or not symbols:
        wrong = f"stream {unknown[0]!r} is unknown" if unknown else "no symbol or no stream was given"
        raise MarketDataError(f"{wrong}; there are {', '.join(_STREAMS)}")
    by_host: dict[str, list[str]] = {}
    for stream in streams:
        host = _HOSTS.get((venue, _STREAMS[stream])) or _HOSTS[venue, "public"]
        by_host.setdefault(host, []).extend(f"{symbol.lower()}@{stream}" for symbol in symbols)
    most = _MOST_STREAMS[venue]
    return [
        f"{host}/stream?streams={'/'.join(names[begin : begin + most])}"
        for host, names in by_host.items()
        for begin in range(0, len(names), most)
    ]
