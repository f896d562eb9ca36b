"""Numbers of the screens that follow from the account: change of the day, drawdown, worth of a position."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from deepalpha.live.workstation import Workstation
from deepalpha.types import Account, Fact, Position


class Headline(Fact):
    """The account in one line. Shares are of 1; `drawdown` is the fall from the session's highest equity, >= 0."""

    account: Account
    day_change: float
    day_change_share: float
    total_change: float
    total_change_share: float
    drawdown: float
    steps: int


class Holding(Fact):
    """A position with its worth and its profit as a share of its cost."""

    position: Position
    value: Decimal
    pnl_share: float


def headline(ws: Workstation) -> Headline | None:
    """The account after the last step against the step before, the start and the peak; None before the first step."""
    account = ws.account()
    curve = ws.equity_curve()
    if account is None or curve.is_empty():
        return None
    equity = curve["equity"].to_list()
    last, before, start, peak = equity[-1], equity[-2 if len(equity) > 1 else -1], equity[0], max(equity)
    return Headline(
        account=account,
        day_change=last - before,
        day_change_share=_share(last - before, before),
        total_change=last - start,
        total_change_share=_share(last - start, start),
        drawdown=_share(peak - last, peak),
        steps=len(equity),
    )


def holdings(ws: Workstation) -> tuple[Holding, ...]:
    """Open positions, largest first."""
    found = [
        Holding(
            position=position,
            value=position.quantity * position.last_price,
            pnl_share=_share(float(position.unrealised_pnl), abs(float(position.cost))),
        )
        for position in ws.positions()
    ]
    return tuple(sorted(found, key=lambda holding: abs(holding.value), reverse=True))


def market_day(ts_event: int) -> dt.date | None:
    """The day whose close was at `ts_event` (UTC ns): a daily bar ends with the midnight after it. None for 0."""
    return dt.datetime.fromtimestamp((ts_event - 1) // 1_000_000_000, dt.UTC).date() if ts_event else None


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
