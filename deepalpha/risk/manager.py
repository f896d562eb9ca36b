"""`da.RiskManager`: value at risk, position limits and limit checks for a notebook. Orders are ruled on by the gate."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_FLOOR, Decimal, InvalidOperation

import msgspec
from numpy.typing import ArrayLike

from deepalpha import _core
from deepalpha.risk.gate import Usage, rules
from deepalpha.risk.var import ValueAtRisk, VarMethod, value_at_risk
from deepalpha.types import Fact

UNIT = Decimal("1e-8")
Number = float | int | str | Decimal


class PositionLimit(Fact, frozen=True):
    """The largest position: quantity and notional, and which of the bounds set it."""

    quantity: Decimal
    notional: Decimal
    binding: str


class LimitReport(Fact, frozen=True):
    """Every bound with its use. `breaches` are those beyond 100 %, in words; `approved` when there is none."""

    approved: bool
    usage: tuple[Usage, ...]
    breaches: tuple[str, ...]


class RiskManager:
    """Bounds of one account, as fractions of its equity.

    Args:
        max_position_size: largest share of equity in one instrument, above 0, at most 1.
        max_portfolio_risk: largest gross exposure over equity, above 0, at most 100.

    Raises:
        ValueError: an argument out of range.

    Example:
        >>> RiskManager(max_position_size=0.2).calculate_position_limit(10_000, 50).quantity
        Decimal('40')
    """

    def __init__(self, max_position_size: Number = 0.2, max_portfolio_risk: Number = 0.8) -> None:
        self.max_position_size = _number("max_position_size", max_position_size, above=0, most=1)
        self.max_portfolio_risk = _number("max_portfolio_risk", max_portfolio_risk, above=0, most=100)
        off: dict[str, Decimal | int | None] = {rule.name: None for rule in rules() if rule.unit != "state"}
        bounds = {"max_instrument_fraction": self.max_position_size, "max_exposure": self.max_portfolio_risk}
        self._core = _core.RiskGate({**off, **bounds}, allow_short=True)

    def calculate_var(
        self,
        returns: ArrayLike,
        confidence: float = 0.95,
        method: str | VarMethod = VarMethod.HISTORICAL,
        window: int = 0,
    ) -> ValueAtRisk:
        """Value at risk of a row of returns; see `deepalpha.risk.value_at_risk` for arguments and errors."""
        return value_at_risk(returns, confidence=confidence, method=method, window=window)

    def calculate_position_limit(
        self,
        equity: Number,
        price: Number,
        *,
        stop_distance: Number | None = None,
        risk_per_trade: Number = "0.01",
        invested: Number = 0,
        lot_size: Number = 1,
    ) -> PositionLimit:
        """The largest position at a price: whole lots within every bound.

        Args:
            equity: cash plus position values, 0 or more.
            price: above 0.
            stop_distance: distance of the stop as a share of the price; with it, a stopped trade loses at most
                `risk_per_trade` of equity.
            risk_per_trade: share of equity, above 0, at most 1.
            invested: gross value of the other positions, which leaves less of `max_portfolio_risk`.
            lot_size: smallest quantity step, above 0.

        Raises:
            ValueError: an argument that is not finite or out of range.
        """
        worth = _number("equity", equity)
        each = _number("price", price, above=0)
        bounds = {
            "max_position_size": self.max_position_size * worth,
            "max_portfolio_risk": max(Decimal(0), self.max_portfolio_risk * worth - _number("invested", invested)),
        }
        if stop_distance is not None:
            share = _number("risk_per_trade", risk_per_trade, above=0, most=1)
            bounds["risk_per_trade"] = worth * share / _number("stop_distance", stop_distance, above=0, most=1)
        binding = min(bounds, key=lambda name: bounds[name])
        lot = _number("lot_size", lot_size, above=0)
        quantity = (bounds[binding] / each / lot).to_integral_value(ROUND_FLOOR) * lot
        return PositionLimit(quantity=quantity, notional=quantity * each, binding=binding)

    def check_risk_limits(self, positions: Mapping[str, Number], equity: Number) -> LimitReport:
        """Whether positions are within the bounds, by the rules of the gate.

        Args:
            positions: signed market value by symbol.
            equity: cash plus position values.

        Raises:
            ValueError: a value that is not finite or beyond any account.
        """
        values = {symbol: _number(symbol, value, least=None) for symbol, value in positions.items()}
        view = _core.AccountView(_number("equity", equity, least=None), positions=values, values=values)
        usage = tuple(msgspec.convert(self._core.usage(view, 0), list[Usage]))
        breaches = tuple(f"{use.rule} {use.symbol}: {use.words}" for use in usage if use.used > 1)
        return LimitReport(approved=not breaches, usage=usage, breaches=breaches)


def _number(
    name: str, value: Number, *, above: int | None = None, least: int | None = 0, most: int | None = None
) -> Decimal:
    """A finite amount of at most eight decimals."""
    try:
        given = Decimal(str(value))
    except InvalidOperation:
        given = Decimal("NaN")
    if not given.is_finite() or abs(given) > 10**10:
        raise ValueError(f"{name} = {value!r} must be a finite amount of at most 1e10")
    number = given.quantize(UNIT)
    if above is not None and number <= above:
        raise ValueError(f"{name} = {value!r} must be above {above}")
    if least is not None and number < least:
        raise ValueError(f"{name} = {value!r} must be {least} or more")
    if most is not None and number > most:
        raise ValueError(f"{name} = {value!r} must be at most {most}")
    return number.normalize() if number == number.to_integral_value() else number
