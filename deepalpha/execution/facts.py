"""What the execution engine tells: statistics, refusals, settlements, batches of events."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from deepalpha.types import Fact, Fill, OrderEvent, OrderRequest, PositionSide


class Latency(Fact, frozen=True):
    """Percentiles of one durability level, in microseconds, measured inside the core (parsing and journal included)."""

    count: int
    mean_us: float
    p50_us: float
    p90_us: float
    p99_us: float
    p99_9_us: float
    max_us: float


class ExecutionStats(Fact, frozen=True):
    """Exact counts since `start`, and latency by durability level."""

    submitted: int
    approved: int
    refused: int
    turned_away: int
    waited: int
    rejected: int
    cancels: int
    amends: int
    cancelled: int
    expired: int
    filled: int
    fills: int
    events: int
    events_dropped: int
    waiting: int
    cancels_on_credit: int
    all: Latency
    none: Latency
    journalled: Latency
    durable: Latency

    @property
    def avg_execution_time_us(self) -> float:
        """Mean time of a submit, over all levels."""
        return self.all.mean_us


class Refusal(Fact, frozen=True):
    """The gate said no to an order: which rule, what was measured, what is allowed."""

    client_order_id: str
    rule: str
    value: str
    bound: str
    ts_event: int


class RiskNotice(Fact, frozen=True):
    """A warning, or a new state of the account (`active`, `reducing`, `halted`)."""

    state: str
    reason: str
    by: str


class Settlement(Fact, frozen=True):
    """What moved the account beside the fills of its orders.

    `kind` is `funding` (`amount` received, negative is paid), `margin_call` (`equity` below `call_at`), `liquidated`
    (a bankrupt position taken over at its mark; `amount` is the profit it realised), `deficit` (a loss the venue's
    insurance paid) or `trading_day`.
    """

    kind: str
    symbol: str = ""
    position_side: PositionSide = PositionSide.NET
    amount: Decimal = Decimal(0)
    side: str = ""
    quantity: Decimal = Decimal(0)
    price: Decimal = Decimal(0)
    fee: Decimal = Decimal(0)
    currency: str = ""
    equity: Decimal = Decimal(0)
    maintenance: Decimal = Decimal(0)
    call_at: Decimal = Decimal(0)


class Margin(Fact, frozen=True):
    """What backs the positions. `level` is equity over maintenance margin, None without positions.

    `equity = cash paid in + realised + unrealised - fees + funding + deficit`, to the last unit.
    """

    equity: Decimal
    used: Decimal
    locked: Decimal
    free: Decimal
    maintenance: Decimal
    funding: Decimal
    deficit: Decimal
    level: Decimal | None = None


class EventBatch(Fact, frozen=True):
    """Events in the order they happened. `missed` events before `first` were dropped because nobody read them."""

    first: int
    missed: int
    events: tuple[OrderRequest | OrderEvent | Fill | Refusal | RiskNotice | Settlement, ...]


class Recovery(Fact, frozen=True):
    """What `start` found in the log. `ended` orders were open when the process, and with it their venue, ended."""

    session: int
    orders: int
    fills: int
    ended: tuple[str, ...] = ()
    state: str = "active"


# Kinds of events as the core names them.
KINDS: dict[str, type[Any]] = {
    "intent": OrderRequest,
    "attached": OrderRequest,
    "step": OrderEvent,
    "fill": Fill,
    "refused": Refusal,
    "risk": RiskNotice,
    "settled": Settlement,
}


def latency(given: Mapping[str, int]) -> Latency:
    """Percentiles that the core gives in nanoseconds."""
    micros = {name.replace("_ns", "_us"): value / 1000 for name, value in given.items() if name != "count"}
    return Latency(count=given["count"], **micros)
