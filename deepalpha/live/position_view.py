"""The account as the agents may know it at the close of a bar."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from deepalpha.agents.peers import WINDOW, peers
from deepalpha.market import MarketSource
from deepalpha.types import Position, PositionView


def position_view(
    source: MarketSource,
    symbols: Sequence[str],
    *,
    symbol: str,
    asof: int,
    positions: Iterable[Position],
    equity: Decimal,
    peak: Decimal,
) -> PositionView:
    """What is held of a symbol, and of the account's other symbols beside it.

    Args:
        source: the market; nothing younger than `asof` is read.
        symbols: of the account, `symbol` among them.
        symbol, asof: what is decided on, and when (UTC ns).
        positions: all that are open.
        equity, peak: now, and the highest so far.
    """
    held = {position.symbol: position for position in positions}
    own = held.get(symbol)
    windows = {name: source.window(name, asof, WINDOW + 1) for name in symbols}
    values = {name: float(position.quantity * position.last_price) for name, position in held.items()}
    return PositionView(
        quantity=float(own.quantity) if own else 0.0,
        average_price=float(own.average_price) if own else 0.0,
        unrealised_pnl=float(own.unrealised_pnl) if own else 0.0,
        equity=float(equity),
        drawdown=float(1 - equity / peak) if peak > 0 else 0.0,
        peers=peers(symbol, windows, values),
    )
