"""What may name a symbol, and how it becomes one path component: nothing a caller gives leaves the catalog."""

from __future__ import annotations

import re
from urllib.parse import quote

from deepalpha.errors import MarketDataError

_SYMBOL = re.compile(r"[A-Za-z0-9._:/-]{1,32}")


def check_symbol(symbol: str) -> str:
    """Return `symbol`; MarketDataError unless it is 1 to 32 of ``A-Z a-z 0-9 . _ : / -`` without ``..``."""
    if not _SYMBOL.fullmatch(symbol) or ".." in symbol:
        raise MarketDataError(
            f"{symbol!r} is not a symbol; use 1 to 32 letters, digits and . _ : / - (no ..), as in AAPL or BTC/USDT"
        )
    return symbol


def encode_symbol(symbol: str) -> str:
    """A checked symbol as one path component: ``BTC/USDT`` becomes ``BTC%2FUSDT``."""
    return quote(check_symbol(symbol), safe="")


def venue_symbol(symbol: str) -> str:
    """As an exchange's streams spell it: ``BTC/USDT`` is ``BTCUSDT``; a spelling without a slash stays.

    Example:
        >>> venue_symbol("ETH/USDT:USDT")
        'ETHUSDT'
    """
    return symbol.partition(":")[0].replace("/", "")
