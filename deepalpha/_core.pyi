"""The Rust core. Amounts cross as `Decimal` or decimal text; arrays are one-dimensional and contiguous."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from typing_extensions import disjoint_base

from deepalpha.types import Fill, Instrument, OrderRequest

_Amount = Decimal | str | int
_Events = list[tuple[str, dict[str, Any]]]

__all__ = [
    "AccountView",
    "Approved",
    "Batch",
    "ChartScanner",
    "ExecutionDesk",
    "Hub",
    "Indicator",
    "OpsLog",
    "PracticeVenue",
    "RiskGate",
    "Stream1",
    "Stream2",
    "Stream3",
    "Stream4",
    "Stream5",
    "StreamSet",
    "bucket_end",
    "chart_bricks",
    "chart_fibonacci",
    "chart_kinds",
    "chart_levels",
    "chart_meaning",
    "chart_patterns",
    "chart_swings",
    "check_timeframe",
    "hub_token",
    "market_view",
    "risk_rules",
    "ta_candle_settings",
    "ta_changes",
    "ta_explain",
    "ta_frame",
    "ta_level",
    "ta_pattern",
    "ta_pattern_names",
    "ta_patterns",
    "ta_resolve",
    "ta_specs",
    "ta_stream",
    "ta_stream_restore",
    "ta_warm_up",
]

# --- batches

@final
class Batch:
    """Rows of one kind as columns; `pyarrow.record_batch` and `polars.DataFrame` read it without a copy."""

    def __new__(
        cls,
        columns: dict[str, NDArray[Any] | list[str]],
        *,
        kind: str = "rows",
        symbols: Sequence[str] = ...,
    ) -> Batch: ...
    def __len__(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def column_names(self) -> list[str]: ...
    @property
    def nbytes(self) -> int: ...
    def to_numpy(self, name: str) -> NDArray[Any]: ...
    def categories(self, name: str) -> list[str]: ...
    def split(self, most: int) -> list[Batch]: ...
    def __arrow_c_schema__(self) -> Any: ...
    def __arrow_c_array__(self, requested_schema: Any = None) -> tuple[Any, Any]: ...
    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any: ...

# --- the WebSocket hub

@final
class Hub:
    """A hub that runs; see `deepalpha.live.WebSocketManager`."""

    def __new__(cls, options: dict[str, Any]) -> Hub: ...
    @property
    def address(self) -> tuple[str, int]: ...
    @property
    def secure(self) -> bool: ...
    def topic(self, pattern: str, delivery: str, capacity: int | None = None) -> None: ...
    def publish(self, topic: str, payload: bytes) -> int: ...
    def publish_many(self, messages: Sequence[tuple[str, bytes]]) -> int: ...
    def stats(self) -> dict[str, Any]: ...
    def metrics(self) -> str: ...
    def shutdown(self, timeout: float) -> None: ...

def hub_token(
    key_file: Path,
    *,
    roles: Sequence[str],
    expires_at_s: int,
    subject: str | None = None,
    key_id: str | None = None,
) -> str: ...

# --- indicators and bars

def ta_specs() -> str: ...
def ta_level() -> str: ...

@disjoint_base
class Indicator:
    def __new__(cls, name: str) -> Indicator: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
    @property
    def __name__(self) -> str: ...
    @property
    def __qualname__(self) -> str: ...
    @property
    def __signature__(self) -> Any: ...
    def __reduce__(self) -> str: ...

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

# --- chart patterns and bars by price or trade

_Floats = NDArray[np.float64]
_Pivot = tuple[int, float, bool, int]
_Level = tuple[float, str, float, int, int, list[_Pivot], int]
_Finding = tuple[str, str, float, list[tuple[int, float, str]], float, float | None, int, int, int, float, str]
_Brick = tuple[float, float, float, float, float, int, int, int]

def chart_kinds() -> list[str]: ...
def chart_meaning(name: str) -> str: ...
def chart_swings(
    high: _Floats, low: _Floats, close: _Floats, percent: bool, reversal: float, atr_period: int
) -> list[_Pivot]: ...
def chart_levels(
    high: _Floats,
    low: _Floats,
    close: _Floats,
    percent: bool,
    reversal: float,
    atr_period: int,
    width: float,
    min_touches: int,
    max_age: int,
) -> tuple[list[_Level], list[_Level]]: ...
def chart_patterns(
    open: _Floats, high: _Floats, low: _Floats, close: _Floats, params: dict[str, Any]
) -> list[_Finding]: ...

@final
class ChartScanner:
    def __new__(cls, params: dict[str, Any]) -> ChartScanner: ...
    @property
    def bars(self) -> int: ...
    def update(self, open: float, high: float, low: float, close: float) -> list[_Finding]: ...
    def snapshot(self) -> bytes: ...
    @staticmethod
    def restore(snapshot: bytes) -> ChartScanner: ...

def chart_fibonacci(
    start: float,
    end: float,
    projected_from: float | None,
    retracements: Sequence[float],
    extensions: Sequence[float],
) -> list[tuple[str, float, float]]: ...
def chart_bricks(
    rule: str,
    size: float,
    atr_period: int,
    open: _Floats,
    high: _Floats,
    low: _Floats,
    close: _Floats,
    volume: _Floats | None,
    ticks: _Floats | None,
) -> tuple[dict[str, NDArray[Any]], _Brick | None]: ...

# --- running indicators and tables

# A handle a number of inputs; an update answers a float (int for whole outputs) or a tuple of them. The last three
# arguments are there to be refused by name.
@final
class Stream1:
    def update(
        self, a: float | None = None, extra: None = None, beyond: None = None, further: None = None, /
    ) -> Any: ...
    def peek(self, a: float | None = None, extra: None = None, beyond: None = None, further: None = None, /) -> Any: ...
    def extend(self, *series: NDArray[np.float64]) -> list[NDArray[np.float64]]: ...
    def copy(self) -> Stream1: ...
    def snapshot(self) -> bytes: ...
    def __copy__(self) -> Stream1: ...
    def __deepcopy__(self, memo: Any) -> Stream1: ...
    def __reduce__(self) -> tuple[Any, tuple[bytes]]: ...
    @property
    def value(self) -> Any: ...
    @property
    def bars(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def params(self) -> dict[str, Any]: ...
    @property
    def seed(self) -> str: ...
    @property
    def inputs(self) -> list[str]: ...

@final
class Stream2:
    def update(
        self,
        a: float | None = None,
        b: float | None = None,
        extra: None = None,
        beyond: None = None,
        further: None = None,
        /,
    ) -> Any: ...
    def peek(
        self,
        a: float | None = None,
        b: float | None = None,
        extra: None = None,
        beyond: None = None,
        further: None = None,
        /,
    ) -> Any: ...
    def extend(self, *series: NDArray[np.float64]) -> list[NDArray[np.float64]]: ...
    def copy(self) -> Stream2: ...
    def snapshot(self) -> bytes: ...
    def __copy__(self) -> Stream2: ...
    def __deepcopy__(self, memo: Any) -> Stream2: ...
    def __reduce__(self) -> tuple[Any, tuple[bytes]]: ...
    @property
    def value(self) -> Any: ...
    @property
    def bars(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def params(self) -> dict[str, Any]: ...
    @property
    def seed(self) -> str: ...
    @property
    def inputs(self) -> list[str]: ...

@final
class Stream3:
    def update(
        self,
        a: float | None = None,
        b: float | None = None,
        c: float | None = None,
        extra: None = None,
        beyond: None = None,
        further: None = None,
        /,
    ) -> Any: ...
    def peek(
        self,
        a: float | None = None,
        b: float | None = None,
        c: float | None = None,
        extra: None = None,
        beyond: None = None,
        further: None = None,
        /,
    ) -> Any: ...
    def extend(self, *series: NDArray[np.float64]) -> list[NDArray[np.float64]]: ...
    def copy(self) -> Stream3: ...
    def snapshot(self) -> bytes: ...
    def __copy__(self) -> Stream3: ...
    def __deepcopy__(self, memo: Any) -> Stream3: ...
    def __reduce__(self) -> tuple[Any, tuple[bytes]]: ...
    @property
    def value(self) -> Any: ...
    @property
    def bars(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def params(self) -> dict[str, Any]: ...
    @property
    def seed(self) -> str: ...
    @property
    def inputs(self) -> list[str]: ...

@final
class Stream4:
    def update(
        self,
        a: float | None = None,
        b: float | None = None,
        c: float | None = None,
        d: float | None = None,
        extra: None = None,
        beyond: None = None,
        further: None = None,
        /,
    ) -> Any: ...
    def peek(
        self,
        a: float | None = None,
        b: float | None = None,
        c: float | None = None,
        d: float | None = None,
        extra: None = None,
        beyond: None = None,
        further: None = None,
        /,
    ) -> Any: ...
    def extend(self, *series: NDArray[np.float64]) -> list[NDArray[np.float64]]: ...
    def copy(self) -> Stream4: ...
    def snapshot(self) -> bytes: ...
    def __copy__(self) -> Stream4: ...
    def __deepcopy__(self, memo: Any) -> Stream4: ...
    def __reduce__(self) -> tuple[Any, tuple[bytes]]: ...
    @property
    def value(self) -> Any: ...
    @property
    def bars(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def params(self) -> dict[str, Any]: ...
    @property
    def seed(self) -> str: ...
    @property
    def inputs(self) -> list[str]: ...

@final
class Stream5:
    def update(
        self,
        a: float | None = None,
        b: float | None = None,
        c: float | None = None,
        d: float | None = None,
        e: float | None = None,
        extra: None = None,
        beyond: None = None,
        further: None = None,
        /,
    ) -> Any: ...
    def peek(
        self,
        a: float | None = None,
        b: float | None = None,
        c: float | None = None,
        d: float | None = None,
        e: float | None = None,
        extra: None = None,
        beyond: None = None,
        further: None = None,
        /,
    ) -> Any: ...
    def extend(self, *series: NDArray[np.float64]) -> list[NDArray[np.float64]]: ...
    def copy(self) -> Stream5: ...
    def snapshot(self) -> bytes: ...
    def __copy__(self) -> Stream5: ...
    def __deepcopy__(self, memo: Any) -> Stream5: ...
    def __reduce__(self) -> tuple[Any, tuple[bytes]]: ...
    @property
    def value(self) -> Any: ...
    @property
    def bars(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def params(self) -> dict[str, Any]: ...
    @property
    def seed(self) -> str: ...
    @property
    def inputs(self) -> list[str]: ...

@final
class StreamSet:
    def __new__(cls, specs: Any, symbols: str | Sequence[str] | None = None) -> StreamSet: ...
    def update(
        self, open: float, high: float, low: float, close: float, volume: float, symbol: str | None = None
    ) -> NDArray[np.float64]: ...
    def peek(
        self, open: float, high: float, low: float, close: float, volume: float, symbol: str | None = None
    ) -> NDArray[np.float64]: ...
    def update_many(self, rows: NDArray[np.float64], *, skip: bool = False) -> NDArray[np.float64]: ...
    def peek_many(self, rows: NDArray[np.float64], *, skip: bool = False) -> NDArray[np.float64]: ...
    def extend(self, rows: NDArray[np.float64], symbol: str | None = None) -> None: ...
    def copy(self) -> StreamSet: ...
    def snapshot(self) -> bytes: ...
    @staticmethod
    def restore(snapshot: bytes) -> StreamSet: ...
    def __copy__(self) -> StreamSet: ...
    def __deepcopy__(self, memo: Any) -> StreamSet: ...
    def __reduce__(self) -> tuple[Any, tuple[bytes]]: ...
    @property
    def names(self) -> list[str]: ...
    @property
    def symbols(self) -> list[str]: ...
    @property
    def skipped(self) -> list[str]: ...
    @property
    def bars(self) -> dict[str, int]: ...
    @property
    def values(self) -> NDArray[np.float64]: ...

def ta_stream(name: str, params: Sequence[float], seed: str) -> Stream1 | Stream2 | Stream3 | Stream4 | Stream5: ...
def ta_stream_restore(snapshot: bytes) -> Stream1 | Stream2 | Stream3 | Stream4 | Stream5: ...
def ta_resolve(id: str) -> tuple[str, list[float]]: ...
def ta_warm_up(name: str, params: Sequence[float], seed: str) -> tuple[int, int | None]: ...
def ta_changes(keys: NDArray[np.uint64]) -> NDArray[np.int64]: ...
def ta_frame(
    specs: Sequence[tuple[str, str, Sequence[float], str]],
    wiring: Sequence[Sequence[int]],
    columns: Sequence[NDArray[np.float64]],
    starts: NDArray[np.int64],
    order: NDArray[np.uint32] | None,
    *,
    threads: int,
    nan: str,
) -> list[tuple[str, NDArray[Any]]]: ...

# --- candlestick patterns

_Prices = NDArray[np.float64]
_Gauges = Sequence[tuple[str, int, float]] | None

def ta_pattern_names() -> list[str]: ...
def ta_candle_settings() -> list[tuple[str, str, int, float]]: ...
def ta_patterns(open: _Prices, high: _Prices, low: _Prices, close: _Prices, gauges: _Gauges) -> NDArray[np.int16]: ...
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
class ExecutionDesk:
    def __new__(
        cls,
        *,
        instruments: Sequence[object],
        cash: _Amount,
        currency: str,
        leverage: _Amount | None,
        maker_fee: _Amount,
        taker_fee: _Amount,
        bounds: Mapping[str, Any] | None,
        allow_short: bool,
        liquidity: str,
        orders_per_second: int | None,
        throttle: str,
        waiting: int,
        events: int,
        event_overflow: str,
        session: int,
    ) -> ExecutionDesk: ...
    def journal(self, path: Path, *, run_id: str, account_id: str, durable: bool) -> None: ...
    def submit(self, order: dict[str, Any], now: int | None = None) -> str: ...
    def submit_many(self, columns: dict[str, list[Any]], now: int | None = None) -> dict[str, list[Any]]: ...
    def cancel(self, client_order_id: str, now: int | None = None) -> None: ...
    def cancel_all(self, symbol: str | None = None, of_side: str | None = None, now: int | None = None) -> int: ...
    def amend(
        self,
        client_order_id: str,
        *,
        quantity: _Amount | None = None,
        limit_price: _Amount | None = None,
        trigger_price: _Amount | None = None,
        now: int | None = None,
    ) -> None: ...
    def parent(self, terms: dict[str, Any], now: int | None = None) -> str: ...
    def quote(
        self,
        symbol: str,
        bids: Sequence[tuple[_Amount, _Amount]],
        asks: Sequence[tuple[_Amount, _Amount]],
        now: int | None = None,
    ) -> None: ...
    def trade(
        self, symbol: str, price: _Amount, quantity: _Amount, taker_side: str, now: int | None = None
    ) -> None: ...
    def advance(self, now: int | None = None) -> None: ...
    def halt(self, reason: str, by: str, now: int | None = None) -> None: ...
    def rearm(self, by: str, now: int | None = None) -> None: ...
    def take_events(self, most: int, seconds: float) -> tuple[int, int, list[tuple[str, dict[str, Any]]]] | None: ...
    def wake(self) -> None: ...
    def orders(self, client_order_id: str | None = None) -> list[dict[str, Any]]: ...
    def parents(self) -> list[dict[str, Any]]: ...
    def positions(self) -> list[dict[str, Any]]: ...
    def account(self) -> dict[str, Any]: ...
    def stats(self) -> dict[str, Any]: ...
    def state_hash(self) -> int: ...
    def restore(
        self,
        orders: Sequence[tuple[str, str]],
        fills: Sequence[dict[str, Any]],
        state: tuple[str, str, str, int] | None = None,
    ) -> None: ...

def risk_rules() -> list[dict[str, Any]]: ...

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
        bounds: Mapping[str, _Amount | int | None],
        *,
        allow_short: bool = False,
        duplicate_window_ns: int = 1_000_000_000,
        strategies: Mapping[str, Mapping[str, _Amount | int | None]] | None = None,
        instruments: Mapping[str, Mapping[str, _Amount | int | None]] | None = None,
        clusters: Mapping[str, str] = ...,
        correlations: Sequence[tuple[str, str, _Amount]] = ...,
        scaling: Mapping[str, _Amount | None] | None = None,
    ) -> RiskGate: ...
    @property
    def killed(self) -> str | None: ...
    @property
    def day_start(self) -> str | None: ...
    def kill(self, reason: str, *, by: str = "operator", now: int | None = None) -> dict[str, Any] | None: ...
    def rearm(self, *, by: str = "operator", now: int | None = None) -> dict[str, Any]: ...
    def snapshot(self) -> dict[str, Any]: ...
    def restore(self, snapshot: dict[str, Any]) -> None: ...
    def set_io_trouble(self, trouble: str | None) -> None: ...
    def remember(self, client_order_id: str, decision_id: str) -> None: ...
    def note_cancel(self, now: int) -> None: ...
    def note_trade(self, strategy: str, profit: _Amount, cost: _Amount) -> None: ...
    def forgive_losses(self, strategy: str) -> None: ...
    def know(
        self,
        symbol: str,
        *,
        daily_volume: _Amount | None = None,
        volatility: _Amount | None = None,
        correlation: _Amount | None = None,
    ) -> None: ...
    def mark(self, ts_event: int, equity: _Amount) -> list[tuple[str, dict[str, Any]]]: ...
    def observe(self, account: AccountView, now: int) -> list[tuple[str, dict[str, Any]]]: ...
    def usage(self, account: AccountView, now: int) -> list[dict[str, Any]]: ...
    def preview(
        self,
        order: OrderRequest,
        *,
        instrument_of: Instrument,
        account: AccountView,
        last: tuple[_Amount, int] | None,
        now: int,
        book: tuple[_Amount, _Amount, int] | None = None,
    ) -> dict[str, Any]: ...
    def check(
        self,
        order: OrderRequest,
        *,
        instrument_of: Instrument,
        account: AccountView,
        last: tuple[_Amount, int] | None,
        now: int,
        book: tuple[_Amount, _Amount, int] | None = None,
    ) -> tuple[dict[str, Any], Approved | None]: ...

@final
class PracticeVenue:
    def __new__(
        cls,
        *,
        cash: _Amount,
        instruments: Sequence[Instrument],
        fee_rate: _Amount | None = None,
        maker_rate: _Amount | None = None,
        taker_rate: _Amount | None = None,
        fee_tiers: Sequence[tuple[_Amount, _Amount, _Amount]] | None = None,
        fee_per_share: _Amount | None = None,
        fee_minimum: _Amount | None = None,
        fee_maximum: _Amount | None = None,
        fee_per_order: _Amount | None = None,
        slippage: _Amount | None = None,
        slippage_ticks: int | None = None,
        impact: _Amount | None = None,
        max_participation: _Amount | None = None,
    ) -> PracticeVenue: ...
    def submit(self, approved: Approved, now: int) -> _Events: ...
    def validate(self, order: Any, now: int) -> None: ...
    def cancel(self, client_order_id: str, now: int, reason: str) -> _Events: ...
    def amend(
        self,
        client_order_id: str,
        now: int,
        *,
        quantity: _Amount | None = None,
        limit_price: _Amount | None = None,
        trigger_price: _Amount | None = None,
    ) -> _Events: ...
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
    ) -> _Events: ...
    def account(self) -> dict[str, str]: ...
    def account_view(self) -> AccountView: ...
    def positions(self) -> list[dict[str, str | None]]: ...
    def quote(self, symbol: str) -> tuple[str, int] | None: ...
    def order_state(self, client_order_id: str) -> str | None: ...
    def working(self, *, protective: bool = False) -> list[str]: ...
    def trail(self, client_order_id: str) -> tuple[str, str] | None: ...
    def state_hash(self) -> int: ...
    def mark(self, symbol: str, price: _Amount, ts_event: int, ts_open: int | None = None) -> None: ...
    def restore_order(
        self,
        order: OrderRequest,
        *,
        state: str,
        seq: int,
        fills: int,
        ts_accepted: int,
        eligible_from: int,
        rank: int,
        protective: bool,
        triggered: bool = False,
        best: _Amount | None = None,
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
