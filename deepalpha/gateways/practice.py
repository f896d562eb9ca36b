"""The practice venue as a gateway: the core matches on bars, this wraps its reports in facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

import msgspec

from deepalpha.errors import GatewayError
from deepalpha.gateways.base import ApprovedOrder, Report
from deepalpha.types import Account, Candle, Fill, Instrument, Mode, OrderEvent, OrderRequest, Position

_KINDS: dict[str, type[OrderRequest | OrderEvent | Fill]] = {
    "attached": OrderRequest,
    "step": OrderEvent,
    "fill": Fill,
}


class VenueCore(Protocol):
    """The part of `_core.PracticeVenue` that this gateway uses; `deepalpha.execution` hands it in."""

    def submit(self, approved: Any, now: int) -> Sequence[tuple[str, dict[str, Any]]]: ...
    def cancel(self, client_order_id: str, now: int, reason: str) -> Sequence[tuple[str, dict[str, Any]]]: ...
    def amend(
        self,
        client_order_id: str,
        now: int,
        *,
        quantity: Decimal | None = None,
        limit_price: Decimal | None = None,
        trigger_price: Decimal | None = None,
    ) -> Sequence[tuple[str, dict[str, Any]]]: ...
    def on_bar(
        self,
        symbol: str,
        ts_open: int,
        ts_event: int,
        open: float,
        high: float,
        low: float,
        close: float,
        volume: float,
    ) -> Sequence[tuple[str, dict[str, Any]]]: ...
    def order_state(self, client_order_id: str) -> str | None: ...
    def working(self, *, protective: bool = False) -> list[str]: ...
    def account(self) -> dict[str, str]: ...
    def positions(self) -> list[dict[str, str | None]]: ...


class PracticeGateway:
    """Fills on replayed bars by the worst-case rule in `core/engine/src/matching`.

    Args:
        venue: the core's venue, which owns the account.
        instruments: what it lists.
    """

    mode = Mode.PRACTICE

    def __init__(self, venue: VenueCore, instruments: Mapping[str, Instrument]) -> None:
        self.venue = venue
        self._instruments = dict(instruments)

    def instrument(self, symbol: str) -> Instrument:
        """A listed instrument; GatewayError names the listed ones."""
        try:
            return self._instruments[symbol]
        except KeyError:
            raise GatewayError(
                f"{symbol} is not listed at the practice venue; it lists {', '.join(self._instruments)}"
            ) from None

    def submit(self, approved: ApprovedOrder, now: int) -> Report:
        """Hand an approved order to the venue."""
        return _facts(self.venue.submit(approved, now))

    def cancel(self, client_order_id: str, now: int, reason: str) -> Report:
        """Take an order back."""
        return _facts(self.venue.cancel(client_order_id, now, reason))

    def amend(
        self,
        client_order_id: str,
        now: int,
        *,
        quantity: Decimal | None = None,
        limit_price: Decimal | None = None,
        trigger_price: Decimal | None = None,
    ) -> Report:
        """Change a working order; what is None stays.

        Args:
            client_order_id: the order.
            now: UTC ns; a new price counts from the next bar that begins at or after it.
            quantity: of the whole order, what is filled included. It can only go down (more is a new order, which
                passes the gate); at or below what is filled it cancels the rest.
            limit_price: new limit.
            trigger_price: new trigger of an order that still sleeps.

        Raises:
            OrderError: no such order, one that is closed, or terms it cannot have; nothing is changed then.
        """
        return _facts(
            self.venue.amend(
                client_order_id, now, quantity=quantity, limit_price=limit_price, trigger_price=trigger_price
            )
        )

    def on_candle(self, candle: Candle) -> Report:
        """Match one closed bar."""
        return _facts(
            self.venue.on_bar(
                candle.symbol,
                candle.ts_open,
                candle.ts_event,
                candle.open,
                candle.high,
                candle.low,
                candle.close,
                candle.volume,
            )
        )

    def order_state(self, client_order_id: str) -> str | None:
        """State of an order; None when the venue never saw it."""
        return self.venue.order_state(client_order_id)

    def working(self) -> tuple[str, ...]:
        """Working orders that are not protective, oldest first."""
        return tuple(self.venue.working())

    def account(self, ts_event: int) -> Account:
        """Totals at the last prices."""
        return msgspec.convert({"ts_event": ts_event, **self.venue.account()}, Account)

    def positions(self) -> tuple[Position, ...]:
        """Open positions."""
        return tuple(msgspec.convert(row, Position) for row in self.venue.positions())


def _facts(events: Sequence[tuple[str, dict[str, Any]]]) -> Report:
    return tuple(msgspec.convert(fields, _KINDS[kind]) for kind, fields in events)
