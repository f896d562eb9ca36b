"""An exchange's history of bars over REST, by ccxt: the only module that knows ccxt, which is imported when used."""

from __future__ import annotations

import difflib
import importlib
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

import msgspec
import numpy as np
import polars as pl

from deepalpha.errors import ConfigError, MarketDataError, ProviderError
from deepalpha.market.bars import COLUMNS, SCHEMA
from deepalpha.market.symbols import check_symbol
from deepalpha.market.timeframes import check_timeframe
from deepalpha.types import Instrument

_MS = 1_000_000
_EIGHT = Decimal("0.00000001")


class BarHistory(Protocol):
    """Where `pull_bars` gets pages of bars from. Every failure is a ProviderError that says whether to try again."""

    @property
    def name(self) -> str:
        """Of the exchange, for messages and reports."""
        ...

    @property
    def page_bars(self) -> int:
        """How many bars to ask for at once; an answer may be shorter."""
        ...

    def retry_after_s(self) -> float:
        """How long the last failed answer asked us to wait; 0 if it did not say."""
        ...

    def now(self) -> int:
        """The exchange's clock, UTC ns."""
        ...

    def instrument(self, symbol: str) -> Instrument:
        """Steps and currency of a symbol; MarketDataError if the exchange does not have it."""
        ...

    def page(self, symbol: str, timeframe: str, since: int) -> pl.DataFrame:
        """Bars with ts_open >= since (UTC ns), oldest first: columns of `bars.SCHEMA`, the open bar included."""
        ...


class CcxtHistory:
    """`BarHistory` of any exchange ccxt knows.

    Args:
        exchange: its ccxt name, such as ``binance``, or a ccxt exchange object (its settings are used as they are).
        timeout_s: for one answer.

    Raises:
        ConfigError: ccxt is not installed, or does not know the exchange or its history.
    """

    def __init__(self, exchange: str | Any = "binance", *, timeout_s: float = 20.0) -> None:
        self._ccxt = _ccxt()
        self._exchange = self._make(exchange, timeout_s) if isinstance(exchange, str) else exchange
        if not self._exchange.has.get("fetchOHLCV"):
            raise ConfigError(f"{self._exchange.id} gives no history of bars; choose another exchange")

    def _make(self, name: str, timeout_s: float) -> Any:
        if name not in self._ccxt.exchanges:
            close = difflib.get_close_matches(name, self._ccxt.exchanges, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise ConfigError(f"{name!r} is no exchange ccxt knows{hint} `--exchange binance` is one")
        return getattr(self._ccxt, name)({"enableRateLimit": True, "timeout": int(timeout_s * 1000)})

    @property
    def name(self) -> str:
        """Of the exchange."""
        return str(self._exchange.id)

    @property
    def page_bars(self) -> int:
        """Most exchanges give 1,000 or fewer; a shorter answer is asked on from where it ends."""
        return 1_000

    def retry_after_s(self) -> float:
        """The Retry-After header of the last answer in seconds; dates are not read."""
        headers = self._exchange.last_response_headers or {}
        value = next((text for name, text in headers.items() if name.lower() == "retry-after"), "0")
        return float(value) if value.strip().isdigit() else 0.0

    def now(self) -> int:
        """The exchange's clock; ours where it has none to ask."""
        ask = self._exchange.fetch_time if self._exchange.has.get("fetchTime") else self._exchange.milliseconds
        return int(self._call(ask)) * _MS

    def instrument(self, symbol: str) -> Instrument:
        """Steps from the exchange's rules; 0.00000001 where it states none."""
        check_symbol(symbol)
        markets = self._call(self._exchange.load_markets)
        if symbol not in markets:
            close = difflib.get_close_matches(symbol, list(markets), n=3)
            hint = f"; did you mean {', '.join(close)}?" if close else ""
            raise MarketDataError(
                f"{self.name} has no {symbol}{hint} Write a pair as BTC/USDT, a perpetual BTC/USDT:USDT"
            )
        market = markets[symbol]
        steps = market.get("precision") or {}
        digits = getattr(self._exchange, "precisionMode", None) == self._ccxt.DECIMAL_PLACES
        return Instrument(
            symbol=symbol,
            tick_size=_step(steps.get("price"), digits=digits),
            lot_size=_step(steps.get("amount"), digits=digits),
            currency=str(market.get("quote") or "USD"),
        )

    def page(self, symbol: str, timeframe: str, since: int) -> pl.DataFrame:
        """One answer of the exchange, its form checked."""
        check_timeframe(timeframe)
        theirs = "1M" if timeframe == "1mo" else timeframe
        known = self._exchange.timeframes or {}
        if known and theirs not in known:
            raise MarketDataError(f"{self.name} has no bars of {timeframe}; it has {', '.join(known)}")
        rows = self._call(self._exchange.fetch_ohlcv, symbol, theirs, -(-since // _MS), self.page_bars)
        # ccxt makes an empty list of half a JSON text; taken for an answer it would look like a hole.
        if not rows and not _is_json(self._exchange.last_http_response):
            raise ProviderError(f"{self.name} broke off its answer; try again", retryable=True)
        if not isinstance(rows, list) or not all(isinstance(row, list) and len(row) >= 6 for row in rows):
            raise ProviderError(f"{self.name} did not answer with bars ({str(rows)[:80]!r}); try again", retryable=True)
        try:
            times = np.array([int(row[0]) * _MS for row in rows], dtype=np.int64)
            values = np.array([[np.nan if v is None else float(v) for v in row[1:6]] for row in rows], dtype=np.float64)
        except (TypeError, ValueError, OverflowError) as error:
            raise ProviderError(f"{self.name} gave a bar that is none ({error}); try again", retryable=True) from error
        columns = dict(zip(COLUMNS[1:], values.reshape(-1, 5).T, strict=True))
        return pl.DataFrame({"ts_open": times, **columns}, schema=SCHEMA)

    def _call(self, function: Any, *arguments: Any) -> Any:
        """Call ccxt and say its errors in ours: what the network or a limit did may succeed later."""
        self._exchange.last_response_headers = None  # so that an old Retry-After is not obeyed twice
        try:
            return function(*arguments)
        except self._ccxt.OperationFailed as error:
            raise ProviderError(f"{self.name}: {_short(error)}", retryable=True) from error
        except self._ccxt.BadSymbol as error:
            raise MarketDataError(f"{self.name}: {_short(error)}; check the symbol") from error
        except self._ccxt.BaseError as error:
            raise ProviderError(f"{self.name} refused: {_short(error)}; check the exchange's terms for you") from error
        except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
            # ccxt's parsers assume well-formed answers; half a JSON text makes them fail in these ways.
            raise ProviderError(f"{self.name} answered with something unreadable ({error})", retryable=True) from error


def _ccxt() -> Any:
    try:
        return importlib.import_module("ccxt")
    except ImportError as error:
        raise ConfigError("pulling history needs ccxt; `pip install deepalpha[exchange]` adds it") from error


def _is_json(text: Any) -> bool:
    """Whether an answer is whole; True if the exchange class does not keep it."""
    if not isinstance(text, str):
        return True
    try:
        msgspec.json.decode(text)
    except msgspec.MsgspecError:
        return False
    return True


def _step(value: Any, *, digits: bool) -> Decimal:
    try:
        step = Decimal(1).scaleb(-int(value)) if digits else Decimal(str(value))
    except (TypeError, ValueError, InvalidOperation):
        return _EIGHT
    return max(step.normalize() + 0, _EIGHT) if step.is_finite() and step > 0 else _EIGHT


def _short(error: BaseException) -> str:
    cause = f" ({error.__cause__})" if error.__cause__ else ""
    return f"{type(error).__name__} {error}{cause}".replace("\n", " ")[:300]
