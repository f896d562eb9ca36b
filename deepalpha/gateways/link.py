"""The contract of a link: a venue whose orders live on the other side of a wire.

A link knows the venue's words and nothing of orders' lives. It never retries a command that moves money: what it cannot
tell for sure it reports as `maybe`, and the order manager asks the venue before anything else happens.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Literal, Protocol

from deepalpha.types import Fact, Mode, OrderRequest, PositionSide, Side

ReportKind = Literal[
    "link_up",
    "accepted",
    "rejected",
    "cancelled",
    "expired",
    "cancel_rejected",
    "amended",
    "amend_rejected",
    "triggered",
    "maybe",
    "not_found",
    "busy",
]
"""`maybe`: a request about this order timed out, broke or was answered with "maybe"; `not_found` answers a query."""


class VenueReport(Fact, frozen=True):
    """What a venue says of an order, or of the connection.

    Attributes:
        kind: what happened.
        client_order_id: of ours; empty for `link_up` and `busy`.
        ts_event: UTC ns by the venue's clock; needed by all that tell of an order but `maybe` and `not_found`.
        why: of a rejection: `refused`, `duplicate_id`, `too_late` (after its receive window) or `rate_limited`.
        retry_after: of `busy` and `rate_limited`: silence for so many ns.
        filled: of an end: quantity done in all, where the venue says so.
        quantity, limit_price: of `amended`: the whole order as it is now.
        query: of `not_found`: the query it answers.
    """

    kind: ReportKind
    client_order_id: str = ""
    ts_event: int | None = None
    why: Literal["refused", "duplicate_id", "too_late", "rate_limited"] | None = None
    retry_after: int | None = None
    filled: Decimal | None = None
    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    query: int | None = None


class VenueFill(Fact, frozen=True):
    """An execution. (account, symbol, trade id) is booked once, however often it is told."""

    client_order_id: str
    trade_id: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    ts_event: int
    fee: Decimal = Decimal(0)
    position_side: PositionSide = PositionSide.NET


class VenueOrder(Fact, frozen=True):
    """An order as the venue shows it, with the quantity it has done in all."""

    client_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    filled: Decimal
    status: Literal["working", "filled", "cancelled", "expired", "rejected"]
    ts_event: int
    price: Decimal | None = None
    position_side: PositionSide = PositionSide.NET


class VenuePosition(Fact, frozen=True):
    """A signed holding as the venue shows it."""

    symbol: str
    quantity: Decimal
    average_price: Decimal | None = None
    position_side: PositionSide = PositionSide.NET


class VenueStatus(Fact, frozen=True):
    """The answer to a query."""

    query: int
    order: VenueOrder


class VenueSnapshot(Fact, frozen=True):
    """Everything open, all fills since the time asked for, every position that is not flat.

    An incomplete snapshot is none: the link pages until it has all of it, or says nothing.
    """

    snapshot: int
    orders: tuple[VenueOrder, ...] = ()
    fills: tuple[VenueFill, ...] = ()
    positions: tuple[VenuePosition, ...] = ()


VenueMessage = VenueReport | VenueFill | VenueStatus | VenueSnapshot


class VenueLink(Protocol):
    """A connection to a venue.

    Contract:
    - `messages` connects, yields `link_up` once the venue answers, then what it says, and ends (or raises
      `GatewayError`, `OSError`, `TimeoutError`) when the connection is gone. It can be called again for the next one.
    - The other methods hand one request over and return; the answer comes by `messages`. One that raises may have
      arrived. None of them sends anything twice.
    - Our order id goes to the venue with the order and comes back in everything it says of it.
    """

    @property
    def mode(self) -> Mode: ...

    def messages(self) -> AsyncIterator[VenueMessage]: ...

    async def send(self, order: OrderRequest, sent_at: int) -> None: ...

    async def cancel(self, client_order_id: str, symbol: str) -> None: ...

    async def amend(
        self, client_order_id: str, symbol: str, quantity: Decimal, limit_price: Decimal | None, sent_at: int
    ) -> None: ...

    async def query(self, query: int, client_order_id: str, symbol: str) -> None: ...

    async def snapshot(self, snapshot: int, fills_since: int) -> None: ...
