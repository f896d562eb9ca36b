"""The contract of a gateway."""

from __future__ import annotations

from typing import Protocol

from deepalpha.types import Account, Candle, Fill, Instrument, Mode, OrderEvent, OrderRequest, Position

Report = tuple[OrderRequest | OrderEvent | Fill, ...]
"""What a venue reports, in order: protective orders it made, steps of orders, fills."""


class ApprovedOrder(Protocol):
    """An order that passed the risk gate. Only the gate makes one; it can be used once."""

    @property
    def client_order_id(self) -> str: ...


class Gateway(Protocol):
    """A venue.

    Contract (tests/contract/test_gateway_contract.py runs it over every implementation):
    - `submit` takes only what the risk gate approved; anything else is a TypeError and changes nothing.
    - It is idempotent by client order id: an id the venue knows changes nothing and reports nothing.
    - Everything that happens is in a returned report, exactly once, in order; facts are never changed afterwards.
    - position = sum of fills; equity = cash + position value, to the last digit.
    - `order_state` is None for an id the venue never saw; that is evidence that the order does not exist there.
    """

    @property
    def mode(self) -> Mode: ...

    def instrument(self, symbol: str) -> Instrument: ...

    def submit(self, approved: ApprovedOrder, now: int) -> Report: ...

    def cancel(self, client_order_id: str, now: int, reason: str) -> Report: ...

    def on_candle(self, candle: Candle) -> Report: ...

    def order_state(self, client_order_id: str) -> str | None: ...

    def working(self) -> tuple[str, ...]: ...

    def account(self, ts_event: int) -> Account: ...

    def positions(self) -> tuple[Position, ...]: ...
