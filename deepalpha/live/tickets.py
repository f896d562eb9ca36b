"""Orders that a person writes: a ticket becomes a command, the command an order, and the gate rules on it as always."""

from __future__ import annotations

import difflib
from decimal import Decimal
from typing import TypeVar

import msgspec

from deepalpha.errors import OrderError
from deepalpha.execution import client_order_id
from deepalpha.types import Fact, Mode, OrderRequest, OrderType, Origin, Side, TimeInForce

T = TypeVar("T", bound=Fact)


class Ticket(Fact, frozen=True):
    """What a person asks for; the fields mean what they mean in `OrderRequest`."""

    symbol: str
    side: Side
    quantity: Decimal
    type: OrderType = OrderType.MARKET
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    trailing_offset: Decimal | None = None
    trailing_percent: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    expires_at: int | None = None
    post_only: bool = False
    reduce_only: bool = False
    display_quantity: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    oco_group: str = ""
    forced: bool = False


class Amendment(Fact, frozen=True):
    """New terms of a working order; None keeps a term."""

    client_order_id: str
    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None


def ticket_of(fields: dict[str, object]) -> Ticket:
    """A ticket from loose fields. OrderError names what is wrong with which field."""
    return _convert(fields, Ticket)


def amendment_of(fields: dict[str, object]) -> Amendment:
    """An amendment from loose fields. OrderError names what is wrong, and when there is nothing to change."""
    amendment = _convert(fields, Amendment)
    if amendment.quantity is None and amendment.limit_price is None and amendment.trigger_price is None:
        raise OrderError(
            f"nothing to change in {amendment.client_order_id}: give a quantity, limit_price or trigger_price"
        )
    return amendment


def order_of(ticket: Ticket, *, command_id: str, mode: Mode, account_id: str, reference_price: Decimal) -> OrderRequest:
    """The order of a ticket. Its id follows from the command, so one ticket is one order however often it is sent."""
    terms = {name: getattr(ticket, name) for name in ticket.__struct_fields__}
    return OrderRequest(
        client_order_id=client_order_id(mode, account_id, command_id),
        decision_id=command_id,
        origin=Origin.MANUAL,
        reference_price=reference_price,
        **terms,
    )


def _convert(fields: dict[str, object], kind: type[T]) -> T:
    given = {name: value for name, value in fields.items() if value is not None}
    known = kind.__struct_fields__
    for name, value in given.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there is {', '.join(known)}"
            raise OrderError(f"{name} is no term of an order; {hint}")
        if isinstance(value, float):
            raise OrderError(f"{name} {value!r} is a float, which is not exact; give a Decimal or a string")
    try:
        made = msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise OrderError(f"this order cannot be read: {error}") from error
    for name in known:
        value = getattr(made, name)
        if isinstance(value, Decimal) and not value.is_finite():
            raise OrderError(f"{name} {value} is no amount; give a finite decimal number")
    return made
