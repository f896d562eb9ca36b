"""`da.ExecutionEngine`: orders in, fills out, on the paper venue of the Rust core.

One object stands between a caller and the core: throttle, risk gate with every rule, matching, account, journal and
events. Amounts are str, Decimal or int; a float is refused, because it is not the decimal that was meant. The mode is
in every order id (`PAPER-<session>-<n>`); a session is one start, and its ids are never used again.

Durability, by name: `none` writes nothing; `journalled` writes an order and what became of it as one transaction of the
workspace's ops.sqlite before `submit_order` returns (survives kill -9); `durable` also survives the loss of power.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import msgspec
import polars as pl

from deepalpha import _core
from deepalpha.config import Workspace
from deepalpha.errors import ConfigError, EngineError
from deepalpha.execution.facts import KINDS, EventBatch, ExecutionStats, Margin, Recovery, latency
from deepalpha.execution.recovery import recover
from deepalpha.store import Ops
from deepalpha.types import Account, Instrument, Position

Amount = str | Decimal | int
Durability = Literal["none", "journalled", "durable"]

# A protective stop is not demanded of every order; everything else is the table of the gate.
DEFAULT_BOUNDS: Mapping[str, Amount | None] = {"max_stop_distance": None}


def _columns(orders: Any) -> dict[str, list[Any]]:
    """A Polars or pandas frame, or a mapping of sequences, as lists."""
    if isinstance(orders, pl.DataFrame):
        return {str(name): series.to_list() for name, series in orders.to_dict(as_series=True).items()}
    if isinstance(orders, Mapping):
        return {
            str(name): column.tolist() if hasattr(column, "tolist") else list(column) for name, column in orders.items()
        }
    if hasattr(orders, "columns") and hasattr(orders, "__getitem__"):
        return {str(name): orders[name].tolist() for name in orders.columns}
    raise ConfigError(
        f"submit_many takes a Polars or pandas frame or a dict of columns, not {type(orders).__name__}; "
        "for a list of orders use polars.DataFrame(list)"
    )


class ExecutionEngine:
    """Submit, change, cancel and watch orders on the paper venue.

    Args:
        instruments: what can be traded; symbols alone mean a tick of 0.01 and a lot of 0.0001.
        cash: what the account begins with.
        currency: of the account.
        leverage: notional per unit of equity (futures: of margin) at most; None for a spot account.
        account_kind: `spot` (pays in full), `margin` (may borrow and sell short) or `futures` (a wallet and margined
            contracts); by default margin with a leverage and spot without.
        margin_mode: of futures accounts, `cross` (the account backs every position) or `isolated` (each has its own
            margin).
        position_mode: `netting`, or `hedging` with a long and a short leg (orders name it by `position_side`).
        call_level: a margin call comes below this many times the maintenance margin.
        liquidation_fee: share of the notional that a position costs that is taken over.
        maker_fee, taker_fee: shares of the notional.
        fees: another model in their place: `{"tiers": [(30-day volume, maker, taker), ...]}`, `{"per_share": rate,
            "minimum": ..., "maximum": share of the notional}` or `{"per_order": amount}`.
        limits: bounds of the gate by rule (`{"max_order_notional": "50000", "price_band": None}`; None is off);
            what is not named keeps the table's bound. `"open"` switches every numeric bound off.
        allow_short: whether a sale may exceed the holding.
        liquidity: `book` (quotes are orders in a book, orders trade with them at once) or `depth` (a replica of a
            market; orders fill on data that comes after them).
        slippage: of fills that take from a depth venue: `{"ratio": share of the price}`, `{"ticks": n}` or
            `{"ratio": ..., "impact": share at the whole volume}`.
        latency_ns: delay on the way to the venue, `{"order": ns, "cancel": ns}`; a pair is (shortest, longest), drawn
            by `seed`.
        queue_model: where cancels stood in a depth venue's queue: `risk_averse`, `logarithm`, or a power (1 spreads
            them evenly).
        trigger_source: which prices wake stops: `last_trade` or `best_quote`.
        orders_per_second: throttle; None for none. Cancels are never throttled.
        throttle: `refuse` or `queue` what is one too many.
        waiting: orders that may wait; more urgent ones take the place of less urgent ones.
        events: events kept for readers; then `event_overflow`: `drop_oldest` (with a record of the gap) or
            `refuse_orders`.
        durability: `none`, `journalled` or `durable`; the last two need a workspace.
        workspace: where ops.sqlite is.
        account_id: the account in the log; a restart of the same account continues it.

    Raises:
        ConfigError: a setting that cannot be.

    Example:
        >>> import deepalpha as da
        >>> engine = da.ExecutionEngine(["BTC/USDT"], limits="open")
        >>> _ = engine.start()
        >>> engine.quote("BTC/USDT", bid="64999.5", ask="65000.5")
        >>> engine.submit_order({"symbol": "BTC/USDT", "side": "buy", "quantity": "0.5", "type": "market"})
        'PAPER-1-1'
        >>> engine.positions()[0].average_price
        Decimal('65000.5')
        >>> engine.stop()
    """

    def __init__(
        self,
        instruments: Iterable[Instrument | str] = (),
        *,
        cash: Amount = "1000000",
        currency: str = "USDT",
        leverage: Amount | None = "3",
        account_kind: Literal["spot", "margin", "futures"] | None = None,
        margin_mode: Literal["cross", "isolated"] = "cross",
        position_mode: Literal["netting", "hedging"] = "netting",
        call_level: Amount = "1.25",
        liquidation_fee: Amount = "0",
        maker_fee: Amount = "0.0002",
        taker_fee: Amount = "0.0005",
        fees: Mapping[str, Any] | None = None,
        limits: Mapping[str, Amount | None] | Literal["open"] | None = None,
        allow_short: bool = True,
        liquidity: Literal["book", "depth"] = "book",
        slippage: Mapping[str, Any] | None = None,
        latency_ns: Mapping[str, int | tuple[int, int]] | None = None,
        queue_model: Literal["risk_averse", "logarithm"] | int = "risk_averse",
        trigger_source: Literal["last_trade", "best_quote"] = "last_trade",
        seed: int = 0,
        orders_per_second: int | None = None,
        throttle: Literal["refuse", "queue"] = "refuse",
        waiting: int = 1024,
        events: int = 65536,
        event_overflow: Literal["drop_oldest", "refuse_orders"] = "drop_oldest",
        durability: Durability = "none",
        workspace: Workspace | str | Path | None = None,
        account_id: str = "paper",
    ) -> None:
        kind = account_kind or ("spot" if leverage is None else "margin")
        models = ("risk_averse", "logarithm", *range(256))
        for name, value, known in (
            ("account_kind", kind, ("spot", "margin", "futures")),
            ("margin_mode", margin_mode, ("cross", "isolated")),
            ("position_mode", position_mode, ("netting", "hedging")),
            ("queue_model", queue_model, models),
            ("trigger_source", trigger_source, ("last_trade", "best_quote")),
            ("liquidity", liquidity, ("book", "depth")),
            ("throttle", throttle, ("refuse", "queue")),
            ("event_overflow", event_overflow, ("drop_oldest", "refuse_orders")),
            ("durability", durability, ("none", "journalled", "durable")),
        ):
            if value not in known:
                shown = (
                    "risk_averse, logarithm or a power of 0 to 255" if known is models else ", ".join(map(str, known))
                )
                raise ConfigError(f"{name} {value!r} is not one of {shown}")
        if durability != "none" and workspace is None:
            raise ConfigError(f"durability {durability!r} needs a workspace to write to; give workspace=...")
        self.instruments = tuple(
            Instrument(symbol=item, lot_size=Decimal("0.0001"), currency=currency) if isinstance(item, str) else item
            for item in instruments
        )
        bounds: dict[str, Amount | None] | None = dict(DEFAULT_BOUNDS)
        if limits == "open":
            bounds = None
        elif limits is not None:
            bounds = {**DEFAULT_BOUNDS, **limits}
        self.durability: Durability = durability
        self.account_id = account_id
        self.recovery: Recovery | None = None
        self._cash = str(cash)
        self._settings: dict[str, Any] = {
            "instruments": list(self.instruments),
            "cash": self._cash,
            "currency": currency,
            "account_kind": kind,
            "leverage": None if leverage is None else str(leverage),
            "margin_mode": margin_mode,
            "position_mode": position_mode,
            "call_level": str(call_level),
            "liquidation_fee": str(liquidation_fee),
            "maker_fee": str(maker_fee),
            "taker_fee": str(taker_fee),
            "fees": None if fees is None else dict(fees),
            "bounds": bounds,
            "allow_short": allow_short,
            "liquidity": liquidity,
            "slippage": None if slippage is None else dict(slippage),
            "latency_ns": None if latency_ns is None else dict(latency_ns),
            "queue_model": queue_model,
            "trigger_source": trigger_source,
            "seed": seed,
            "orders_per_second": orders_per_second,
            "throttle": throttle,
            "waiting": waiting,
            "events": events,
            "event_overflow": event_overflow,
        }
        self._workspace = workspace if workspace is None or isinstance(workspace, Workspace) else Workspace(workspace)
        self._desk: _core.ExecutionDesk | None = None

    def __repr__(self) -> str:
        state = "started" if self._desk is not None else "stopped"
        return f"ExecutionEngine(PAPER, {self.account_id!r}, {len(self.instruments)} instruments, {state})"

    def start(self) -> Recovery:
        """Open the venue and, with a journal, take up the account where the log left it.

        Raises:
            EngineError: it is started already.
            ConfigError: the log has this account with other cash, or fills of instruments that are not given.
        """
        if self._desk is not None:
            raise EngineError("this ExecutionEngine is started already; call stop() first")
        if self._workspace is None or self.durability == "none":
            self._desk = _core.ExecutionDesk(self._settings, 1)
            self.recovery = Recovery(session=1, orders=0, fills=0)
            return self.recovery
        ops = Ops(self._workspace.ops)
        desk, self.recovery = recover(ops, self._settings, self.account_id)
        run_id = f"{self.account_id}-{self.recovery.session}"
        durable = self.durability == "durable"
        desk.journal(
            self._workspace.ops,
            run_id=run_id,
            account_id=self.account_id,
            durable=durable,
            fills=self.recovery.fills,
        )
        self._desk = desk
        return self.recovery

    def stop(self) -> None:
        """Take every open order back (which is written), then close. A second stop does nothing."""
        if self._desk is None:
            return
        self._desk.cancel_all()
        self._desk.wake()
        self._desk = None

    def _started(self) -> _core.ExecutionDesk:
        if self._desk is None:
            raise EngineError("this ExecutionEngine is not started; call start() first")
        return self._desk

    def submit_order(self, order: dict[str, Any]) -> str:
        """Submit an order and return its id.

        Args:
            order: `symbol`, `side`, `quantity`, `type` (market, limit, stop, stop_limit, take_profit,
                take_profit_limit, trailing_stop) and what the type needs (`limit_price`, `trigger_price`, ...).

        Raises:
            RiskRefused: a rule of the gate; carries rule, value and bound.
            OrderError: a field that is missing, unknown or cannot be; nothing was changed.
            MarketDataError: an instrument that is not listed.
            StoreError: the journal could not be written; no new order is taken until it can.
        """
        desk = self._desk
        if desk is None:
            desk = self._started()
        return desk.submit(order)

    def submit_many(self, orders: Any) -> pl.DataFrame:
        """Submit a frame of orders in one crossing and, with a journal, one transaction.

        Args:
            orders: Polars or pandas frame, or dict of columns; the columns are the keys of `submit_order`.

        Returns:
            client_order_id, state, rule and reason of each row. A refused row does not stop the others.

        Raises:
            OrderError: a malformed row, named by its number; nothing was sent.
        """
        return pl.DataFrame(self._started().submit_many(_columns(orders)))

    def cancel(self, client_order_id: str) -> None:
        """Take an order or parent back; never throttled. Raises OrderError when it is unknown or over."""
        self._started().cancel(client_order_id)

    def cancel_all(self, symbol: str | None = None, side: str | None = None) -> int:
        """Take every order back, or those of a symbol or side; how many were asked to go."""
        return self._started().cancel_all(symbol, side)

    def amend(
        self,
        client_order_id: str,
        *,
        quantity: Amount | None = None,
        limit_price: Amount | None = None,
        trigger_price: Amount | None = None,
    ) -> None:
        """Change an order; what is None stays. Ruled on like a new order for what would be left of it."""
        self._started().amend(client_order_id, quantity=quantity, limit_price=limit_price, trigger_price=trigger_price)

    def parent(self, **terms: Any) -> str:
        """Start a TWAP, VWAP or POV order, worked off in slices as time goes on (`advance`, `quote`, `trade`).

        Args:
            **terms: `symbol, side, quantity, algorithm` (twap, vwap, pov), `duration_ns` or `start` and `end` (UTC ns);
                twap: `slices`; vwap: `profile` (volume a bin), `slices_per_bin`; pov: `rate, interval_ns, cap`;
                `limit_price`, `minimum` (smallest slice), `at_end` (`cancel` or `cross`).

        Returns:
            Its id; slices are `<id>-S<n>`.
        """
        return self._started().parent(terms)

    def parents(self) -> list[dict[str, Any]]:
        """Parent orders with their state and what is done of them."""
        return self._started().parents()

    def quote(self, symbol: str, *, bid: Amount, ask: Amount, bid_size: Amount = 1000, ask_size: Amount = 1000) -> None:
        """What the market shows now; raises MarketDataError for a crossed quote."""
        self._started().quote(symbol, [(bid, bid_size)], [(ask, ask_size)])

    def book(
        self, symbol: str, *, bids: Sequence[tuple[Amount, Amount]], asks: Sequence[tuple[Amount, Amount]]
    ) -> None:
        """As `quote`, with all levels as (price, quantity), best first."""
        self._started().quote(symbol, list(bids), list(asks))

    def trade(self, symbol: str, *, price: Amount, quantity: Amount, taker_side: str) -> None:
        """Somebody's trade: volume for POV parents; on a depth venue it fills what rests."""
        self._started().trade(symbol, price, quantity, taker_side)

    def advance(self) -> None:
        """Let time pass without data: orders expire, waiting ones leave, parents send what is due."""
        self._started().advance()

    def settle(
        self,
        *,
        funding: Mapping[str, tuple[Amount, Amount]] | None = None,
        marks: Mapping[str, Amount] | None = None,
    ) -> None:
        """Settle one moment: funding, then marks, then the margin. This is when a position can be liquidated.

        Args:
            funding: of perpetuals, symbol to (rate, price it is due at); longs pay a positive rate.
            marks: symbol to mark price.

        What follows is told as `Settlement` events; positions that must go are closed by orders of the venue
        (`...LIQ-...`), and what a bankrupt account owes is its insurance's.
        """
        due = [(symbol, rate, price) for symbol, (rate, price) in (funding or {}).items()]
        self._started().settle(due, list((marks or {}).items()))

    def start_trading_day(self) -> None:
        """A trading day begins: shares bought under T+1 may be sold from now on."""
        self._started().start_trading_day()

    def halt(self, reason: str, by: str = "operator") -> None:
        """Nothing that opens risk passes until `rearm`; latched through a restart."""
        self._started().halt(reason, by)

    def rearm(self, by: str) -> None:
        """A person takes the halt back."""
        self._started().rearm(by)

    def orders(self) -> list[dict[str, Any]]:
        """Open orders, oldest first, as dictionaries of their fields with `state` and `filled_quantity`."""
        return self._started().orders()

    def order(self, client_order_id: str) -> dict[str, Any] | None:
        """One order, also for a while after its end; None when it is not known."""
        found = self._started().orders(client_order_id)
        return found[0] if found else None

    def positions(self) -> tuple[Position, ...]:
        """What is held, exact."""
        return tuple(msgspec.convert(row, Position, strict=False) for row in self._started().positions())

    def account(self) -> Account:
        """Cash, equity and profit; equity = cash + position_value, exactly."""
        return msgspec.convert(self._started().account(), Account, strict=False)

    def margin(self) -> Margin:
        """What backs the positions, and what funding and the venue's insurance came to."""
        return msgspec.convert(self._started().margin(), Margin, strict=False)

    def get_stats(self) -> ExecutionStats:
        """Counts, and latency percentiles by durability level."""
        given = self._started().stats()
        levels = {name: latency(given.pop(name)) for name in ("all", "none", "journalled", "durable")}
        return msgspec.convert(
            {**given, **{name: msgspec.structs.asdict(level) for name, level in levels.items()}}, ExecutionStats
        )

    def state_hash(self) -> int:
        """A digest of the venue's state: the same commands at the same times give the same digest."""
        return self._started().state_hash()

    def take_events(self, most: int = 4096, wait_s: float = 0.0) -> EventBatch | None:
        """Events since the last call, oldest first, at most `most`; None when there are none within `wait_s`."""
        taken = self._started().take_events(most, wait_s)
        if taken is None:
            return None
        first, missed, rows = taken
        facts = tuple(msgspec.convert(row, KINDS[kind], strict=False) for kind, row in rows)
        return EventBatch(first=first, missed=missed, events=facts)

    async def events(self, *, most: int = 4096, timeout_s: float | None = None) -> AsyncIterator[EventBatch]:
        """Batches of events as they come, until `stop`. One reader.

        Args:
            most: events of a batch at most.
            timeout_s: end the stream when nothing came for so long; None waits on.
        """
        quiet = 0.0
        slice_s = 0.05
        while self._desk is not None:
            batch = await asyncio.to_thread(self._waited, most, slice_s)
            if batch is not None:
                quiet = 0.0
                yield batch
                continue
            quiet += slice_s
            if timeout_s is not None and quiet >= timeout_s:
                return

    def _waited(self, most: int, wait_s: float) -> EventBatch | None:
        return self.take_events(most, wait_s) if self._desk is not None else None
