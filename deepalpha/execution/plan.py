"""Sizing: which order, if any, follows from a decision. Pure functions; the gate rules on the result."""

from __future__ import annotations

import hashlib
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from deepalpha.config import RiskSettings
from deepalpha.types import Account, Action, Decision, Fact, Instrument, Mode, OrderRequest, Position, Side

AGENTS = "agents"
"""The strategy whose limits the agents' orders count against."""
ORDER_PREFIX = {Mode.PRACTICE: "PRA", Mode.PAPER: "PAP", Mode.LIVE: "LIV"}


class Plan(Fact, frozen=True):
    """The order that follows from a decision, or why none does."""

    order: OrderRequest | None = None
    reason: str = ""


def client_order_id(mode: Mode, account_id: str, source: str) -> str:
    """Deterministic id: mode, session number and a hash of what the order comes from. Never reused."""
    session = account_id.rsplit("-", 1)[-1]
    digest = hashlib.sha256(f"{account_id}|{source}".encode()).hexdigest()[:16]
    return f"{ORDER_PREFIX[mode]}-{session}-{digest}"


def step_down(value: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of `step` that is not above `value`."""
    return (value / step).to_integral_value(ROUND_FLOOR) * step


def step_up(value: Decimal, step: Decimal) -> Decimal:
    """The smallest multiple of `step` that is not below `value`."""
    return (value / step).to_integral_value(ROUND_CEILING) * step


def plan_order(
    decision: Decision,
    *,
    mode: Mode,
    account_id: str,
    account: Account,
    position: Position | None,
    instrument: Instrument,
    price: Decimal,
    risk: RiskSettings,
) -> Plan:
    """The order of a decision at `price`.

    Buy while flat: the largest whole number of lots within max_trade_fraction of equity, times the agents' size cap,
    with a protective stop and target. Sell while long: all of it. Everything else: no order, with the reason.
    """
    held = position.quantity if position else Decimal(0)
    if decision.action is Action.HOLD:
        return Plan(reason=decision.blocked_by or "hold")
    if decision.action is Action.SELL:
        if held > 0 and position is not None:
            order = plan_close(position, mode=mode, account_id=account_id, source=decision.decision_id)
            return Plan(order=order)
        return Plan(reason="nothing to sell: flat, and short selling is off")
    if held > 0:
        return Plan(reason=f"already long {held.normalize():f} {decision.symbol}; no adding to a position")
    budget = account.equity * risk.max_trade_fraction * Decimal(repr(decision.size_cap))
    quantity = step_down(budget / price, instrument.lot_size)
    if quantity <= 0:
        return Plan(
            reason=f"too small: one lot costs {price * instrument.lot_size:.2f}, this trade's budget is {budget:.2f}"
        )
    tick = instrument.tick_size
    order = OrderRequest(
        client_order_id=client_order_id(mode, account_id, decision.decision_id),
        decision_id=decision.decision_id,
        symbol=decision.symbol,
        side=Side.BUY,
        quantity=quantity,
        reference_price=price,
        strategy=AGENTS,
        stop_loss=step_up(price * (1 - risk.stop_loss), tick),
        take_profit=step_down(price * (1 + risk.take_profit), tick),
    )
    return Plan(order=order)


def plan_close(position: Position, *, mode: Mode, account_id: str, source: str) -> OrderRequest:
    """A market order that closes a position. `source` is the decision or the command it comes from."""
    return OrderRequest(
        client_order_id=client_order_id(mode, account_id, source),
        decision_id=source,
        symbol=position.symbol,
        side=Side.SELL if position.quantity > 0 else Side.BUY,
        quantity=abs(position.quantity),
        reference_price=position.last_price,
        reduce_only=True,
    )
