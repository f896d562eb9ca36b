"""Settings of the order router, and what it shows: orders, holdings, disagreements, alerts, status."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from deepalpha.types import Fact, PositionSide, Side


class RouterSettings(Fact, frozen=True):
    """How long the router waits for what.

    `absence_horizon_s` is what a "not found" needs to be believed: the venue's receive window, its clock's tolerance,
    its longest delay and the lag of its queries, plus a margin. An order that was not handed to the link within
    `longest_handover_s` is not handed over any more.
    """

    answer_timeout_s: float = 5.0
    absence_horizon_s: float = 20.0
    venue_lag_s: float = 3.0
    first_query_pause_s: float = 0.2
    longest_query_pause_s: float = 10.0
    reconcile_every_s: float = 30.0
    snapshot_timeout_s: float = 5.0
    first_reconnect_pause_s: float = 0.5
    longest_reconnect_pause_s: float = 30.0
    longest_handover_s: float = 2.0
    seed: int = 0


class RoutedOrder(Fact, frozen=True):
    """An order as the log has it."""

    client_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    filled_quantity: Decimal
    state: str
    limit_price: Decimal | None = None


class Holding(Fact, frozen=True):
    """A position: the sum of the booked fills."""

    symbol: str
    position_side: PositionSide
    quantity: Decimal


class Discrepancy(Fact, frozen=True):
    """Where venue and log disagree. It holds its symbol until evidence or `accept_venue(id)` ends it."""

    id: int
    symbol: str
    kind: str
    says: dict[str, str | None]


class RouterAlert(Fact, frozen=True):
    """What a person should know: a code, what it is about, and the sentence."""

    code: str
    about: str
    text: str


class RouterStatus(Fact, frozen=True):
    """What is allowed now and why; `state_hash` is the same after a replay of the log."""

    risk_state: Literal["active", "reducing", "halted"]
    killed: bool
    reconciled: bool
    log_trouble: str
    open_orders: int
    unconfirmed: int
    intents: int
    sent: int
    fills: int
    duplicate_fills: int
    ignored_reports: int
    queries: int
    state_hash: str
