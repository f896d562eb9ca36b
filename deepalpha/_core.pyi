"""The Rust core. Amounts cross as `Decimal` or decimal text; arrays are one-dimensional and contiguous."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from deepalpha.types import Fill, Instrument, OrderRequest

_Amount = Decimal | str | int
_Events = list[tuple[str, dict[str, Any]]]

__all__ = [
    "AccountView",
    "Approved",
    "OpsLog",
    "PracticeVenue",
    "RiskGate",
    "bucket_end",
    "check_timeframe",
    "market_view",
    "ta_candle_settings",
    "ta_compute",
    "ta_explain",
    "ta_pattern",
    "ta_pattern_names",
    "ta_patterns",
    "ta_specs",
]

# --- indicators and bars

def ta_specs() -> str: ...
def ta_compute(
    name: str, inputs: Sequence[NDArray[np.float64]], params: Sequence[float]
) -> list[NDArray[np.float64]]: ...
def check_timeframe(name: str) -> int: ...
def bucket_end(ts_open: NDArray[np.int64], timeframe: str) -> NDArray[np.int64]: ...
def market_view(
    ts_open: NDArray[np.int64],
    open: NDArray[np.float64],
    high: NDArray[np.float64],
    low: NDArray[np.float64],
    close: NDArray[np.float64],
    volume: NDArray[np.float64],
    *,
    timeframe: str,
    timeframes: Sequence[str],
    asof: int,
    ids: Sequence[str],
) -> dict[str, tuple[dict[str, NDArray[Any]], dict[str, NDArray[np.float64]]]]: ...

# --- candlestick patterns

_Prices = NDArray[np.float64]
_Gauges = Sequence[tuple[str, int, float]] | None

def ta_pattern_names() -> list[str]: ...
def ta_candle_settings() -> list[tuple[str, str, int, float]]: ...
def ta_patterns(
    open: _Prices, high: _Prices, low: _Prices, close: _Prices, gauges: _Gauges
) -> NDArray[np.int16]: ...
def ta_pattern(
    name: str,
    open: _Prices,
    high: _Prices,
    low: _Prices,
    close: _Prices,
    params: Sequence[float],
    gauges: _Gauges,
) -> NDArray[np.int32]: ...
def ta_explain(
    open: _Prices,
    high: _Prices,
    low: _Prices,
    close: _Prices,
    gauges: _Gauges,
    bar: int,
    names: Sequence[str] | None,
) -> list[dict[str, Any]]: ...

# --- trading

@final
class Approved:
    @property
    def client_order_id(self) -> str: ...

@final
class AccountView:
    def __new__(
        cls,
        equity: _Amount,
        *,
        positions: Mapping[str, _Amount] = ...,
        values: Mapping[str, _Amount] = ...,
        working: Mapping[str, _Amount] = ...,
    ) -> AccountView: ...

@final
class RiskGate:
    def __new__(
        cls,
        *,
        max_order_notional: _Amount,
        max_trade_fraction: _Amount,
        max_instrument_fraction: _Amount,
        max_exposure: _Amount,
        max_leverage: _Amount,
        max_daily_loss: _Amount,
        price_band: _Amount,
        max_data_age_ns: int,
        allow_short: bool,
    ) -> RiskGate: ...
    @property
    def killed(self) -> str | None: ...
    @property
    def day_start(self) -> str | None: ...
    def kill(self, reason: str) -> None: ...
    def rearm(self) -> None: ...
    def remember(self, client_order_id: str, decision_id: str) -> None: ...
    def mark(self, ts_event: int, equity: _Amount) -> None: ...
    def preview(
        self,
        order: OrderRequest,
        *,
        instrument_of: Instrument,
        account: AccountView,
        last: tuple[_Amount, int] | None,
        now: int,
    ) -> dict[str, Any]: ...
    def check(
        self,
        order: OrderRequest,
        *,
        instrument_of: Instrument,
        account: AccountView,
        last: tuple[_Amount, int] | None,
        now: int,
    ) -> tuple[dict[str, Any], Approved | None]: ...

@final
class PracticeVenue:
    def __new__(
        cls, *, fee_rate: _Amount, slippage: _Amount, cash: _Amount, instruments: Sequence[Instrument]
    ) -> PracticeVenue: ...
    def submit(self, approved: Approved, now: int) -> _Events: ...
    def cancel(self, client_order_id: str, now: int, reason: str) -> _Events: ...
    def on_bar(
        self, symbol: str, ts_open: int, ts_event: int, open: float, high: float, low: float, close: float
    ) -> _Events: ...
    def account(self) -> dict[str, str]: ...
    def account_view(self) -> AccountView: ...
    def positions(self) -> list[dict[str, str | None]]: ...
    def quote(self, symbol: str) -> tuple[str, int] | None: ...
    def order_state(self, client_order_id: str) -> str | None: ...
    def working(self, *, protective: bool = False) -> list[str]: ...
    def mark(self, symbol: str, price: _Amount, ts_event: int) -> None: ...
    def restore_order(
        self,
        order: OrderRequest,
        *,
        state: str,
        seq: int,
        fills: int,
        filled: _Amount,
        ts_accepted: int,
        rank: int,
        protective: bool,
    ) -> None: ...
    def restore_fill(self, fill: Fill) -> None: ...

# --- the operational log

@final
class OpsLog:
    def __new__(cls, path: Path) -> OpsLog: ...
    def append(
        self, rows: Sequence[tuple[str, Mapping[str, int | float | str | bool | None]]], *, durable: bool = False
    ) -> list[int]: ...
    def select(self, sql: str, parameters: Sequence[int | float | str | bool | None] = ...) -> dict[str, list[Any]]: ...
    def check(self) -> list[str]: ...
