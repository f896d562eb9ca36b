"""One practice account: gate and venue together, and its recovery from the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from deepalpha import _core
from deepalpha.config import Settings
from deepalpha.execution.plan import AGENTS
from deepalpha.gateways import PracticeGateway, Report
from deepalpha.risk import Gate, RiskEvent, restore_state
from deepalpha.store import Ops
from deepalpha.types import DAY, Account, Candle, Fact, Fill, Instrument, OrderRequest, Position, Verdict

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRADING_DAYS = 252
STATISTICS_BARS = 21
"""Bars that volume and volatility of an instrument are measured over."""


class Reduction(Fact, frozen=True):
    """One order of a reduction: the rule that asks for it (`flat` when everything goes) and the value to take off."""

    order: OrderRequest
    rule: str
    excess: Decimal


class PracticeAccount:
    """Gate and practice venue of one account.

    Args:
        settings: bounds, costs and cash.
        instruments: what can be traded.
        bar_ns: length of a bar in nanoseconds.
        max_participation: share of a bar's volume that its fills may take together; None fills orders whole.
    """

    def __init__(
        self,
        settings: Settings,
        instruments: Mapping[str, Instrument],
        *,
        bar_ns: int,
        max_participation: Decimal | None = None,
    ) -> None:
        self.gate = Gate(settings.risk, bar_ns=bar_ns)
        self._bar_ns = bar_ns
        self._venue = _core.PracticeVenue(
            fee_rate=settings.account.fee_rate,
            slippage=settings.account.slippage,
            cash=settings.account.cash,
            instruments=list(instruments.values()),
            max_participation=max_participation,
        )
        self.gateway = PracticeGateway(self._venue, instruments)
        self._pause_ns = settings.risk.loss_pause_bars * bar_ns
        self._most_losses = settings.risk.consecutive_losses
        self._losses = 0
        self._pause_until: int | None = None

    def state_hash(self) -> int:
        """One number for the whole state of the venue: equal after a restart from the same log."""
        return self._venue.state_hash()

    def trail(self, client_order_id: str) -> tuple[str, str] | None:
        """Best price and level of a sleeping trailing stop, as text."""
        return self._venue.trail(client_order_id)

    def last(self, symbol: str) -> tuple[str, int] | None:
        """Last price as text and its UTC ns."""
        return self._venue.quote(symbol)

    def position(self, symbol: str) -> Position | None:
        """The open position in a symbol."""
        return next((position for position in self.gateway.positions() if position.symbol == symbol), None)

    def preview(self, order: OrderRequest, now: int) -> Verdict:
        """Every rule for an order, as things stand; nothing is remembered."""
        return self.gate.preview(
            order,
            instrument=self.gateway.instrument(order.symbol),
            account=self._venue.account_view(),
            last=self.last(order.symbol),
            now=now,
        )

    def check(self, order: OrderRequest, now: int) -> tuple[Verdict, _core.Approved | None]:
        """Rule on an order; the approval is the only thing `submit` takes."""
        return self.gate.check(
            order,
            instrument=self.gateway.instrument(order.symbol),
            account=self._venue.account_view(),
            last=self.last(order.symbol),
            now=now,
        )

    def reductions(self, source: str, stem: str, *, flat: bool) -> tuple[Reduction, ...]:
        """Orders that bring the account back within its bounds, first one first.

        Which positions give how much, and in which order, is stated in `core/engine/src/risk/reduction.rs`.

        Args:
            source: what they come from.
            stem: their ids are `<stem>-R1`, `-R2` ...
            flat: give up every position, not only what is beyond a bound.
        """
        plan = self._venue.reduction_plan(self.gate.core, flat, source, stem)
        return tuple(
            Reduction(order=msgspec.convert(fields, OrderRequest), rule=rule, excess=Decimal(excess))
            for fields, rule, excess in plan
        )

    def validate(self, order: OrderRequest, now: int) -> None:
        """OrderError for an order that makes no sense whatever the market does; nothing is remembered."""
        self._venue.validate(order, now)

    def submit(self, approved: _core.Approved, now: int) -> Report:
        """Hand an approved order to the venue; the gate learns what its fills won and lost."""
        return self._learned(self.gateway.submit(approved, now))

    def cancel(self, client_order_id: str, now: int, reason: str) -> Report:
        """Take an order back; it counts for the cancel rate and is never kept waiting by it."""
        self.gate.core.note_cancel(now)
        return self.gateway.cancel(client_order_id, now, reason)

    def on_candle(self, candle: Candle) -> Report:
        """Match one closed bar; the gate learns what its fills won and lost."""
        return self._learned(self.gateway.on_candle(candle))

    def know(self, symbol: str, close: NDArray[np.float64], volume: NDArray[np.float64]) -> None:
        """Tell the gate volume and volatility of an instrument, from its last `STATISTICS_BARS` bars.

        Args:
            symbol: instrument.
            close, volume: float64 of shape (n,), oldest first; with fewer than three bars nothing is known.
        """
        if len(close) < 3:
            return
        bars_a_day = DAY / self._bar_ns
        deviation = float(np.std(np.diff(np.log(close)), ddof=1))
        self.gate.core.know(
            symbol,
            daily_volume=_decimal(float(np.mean(volume)) * bars_a_day) if float(np.sum(volume)) > 0 else None,
            volatility=_decimal(deviation * (TRADING_DAYS * bars_a_day) ** 0.5),
        )

    def _learned(self, report: Report) -> Report:
        for fact in report:
            if isinstance(fact, Fill):
                self._learn(fact)
        return report

    def _learn(self, fill: Fill) -> None:
        """A fill that realised something closed a trade of the agents; a full row of losses begins a pause.

        Whether a pause is over is asked before each trade and at each mark, so what is known depends on the fills and
        the time alone, not on when it was asked: a restart knows the same.
        """
        if fill.realised_pnl == 0:
            return
        self._forgive(fill.ts_event)
        cost = fill.quantity * fill.price - fill.realised_pnl
        profit = fill.realised_pnl - fill.fee
        self.gate.core.note_trade(AGENTS, _decimal(float(profit)), _decimal(abs(float(cost))))
        self._losses = self._losses + 1 if profit < 0 else 0
        full = self._most_losses is not None and self._losses >= self._most_losses
        self._pause_until = fill.ts_event + self._pause_ns if full else None

    def mark(self, ts_event: int) -> tuple[Account, tuple[RiskEvent, ...]]:
        """Totals after a step of the market, and what the gate says to them: changes of state, warnings."""
        account = self.gateway.account(ts_event)
        self._forgive(ts_event)
        return account, self.gate.mark(ts_event, account.equity)

    def _forgive(self, ts_event: int) -> None:
        if self._pause_until is not None and ts_event >= self._pause_until:
            self.gate.core.forgive_losses(AGENTS)
            self._losses, self._pause_until = 0, None

    def restore(self, ops: Ops, account_id: str, last_prices: Mapping[str, tuple[Decimal, int]]) -> None:
        """Bring a fresh account to where the log left it.

        Everything comes from rows: fills, intents, and the steps of each order. The trail of a trailing stop and the
        terms of an amended order are in the reasons of their steps, so no bar is needed to have them exactly.

        The venue's truth is the log: an intent without an `accept` never reached it and is not restored as working;
        `unsent_intents` lists those.

        Args:
            ops: the log.
            account_id: which account.
            last_prices: symbol -> (close, UTC ns) of its last processed bar.

        Raises:
            StoreError: a fill does not come out as it was logged.
        """
        restore_state(ops, account_id, self.gate)
        marked = 0
        for cells in ops.rows(
            "SELECT ts_event, equity FROM equity WHERE account_id = ? ORDER BY ts_event", [account_id]
        ):
            marked = int(cells["ts_event"] or 0)
            self.gate.mark(marked, Decimal(str(cells["equity"])))
        for fill in read_fills(ops, account_id):
            self._venue.restore_fill(fill)
            self._learn(fill)
        self._forgive(marked)
        lives = _lives(ops, account_id)
        for rank, cells in enumerate(ops.rows(_ORDERS, [account_id])):
            order = _order(cells)
            if cells["state"] is None:
                continue
            if not cells["protective"]:
                self.gate.remember(order.client_order_id, order.decision_id)
            life = lives.get(order.client_order_id, _Life())
            self._venue.restore_order(
                msgspec.structs.replace(order, **life.terms),
                state=cells["state"],
                seq=cells["seq"],
                fills=cells["fills"],
                ts_accepted=life.ts_accepted,
                eligible_from=life.eligible_from,
                rank=rank,
                protective=bool(cells["protective"]),
                triggered=life.triggered,
                best=life.best,
            )
        for symbol, (price, ts_event) in last_prices.items():
            self._venue.mark(symbol, price, ts_event, ts_event - self._bar_ns)


def _decimal(value: float) -> Decimal:
    """A statistic as the core takes it: eight decimals."""
    return Decimal(f"{value:.8f}")


def read_fills(ops: Ops, account_id: str) -> list[Fill]:
    """All fills of an account in the log, oldest first."""
    names = {field.name for field in msgspec.structs.fields(Fill)}
    found = ops.rows("SELECT * FROM fill WHERE account_id = ? ORDER BY id", [account_id])
    return [msgspec.convert({name: cells[name] for name in names}, Fill) for cells in found]


def unsent_intents(ops: Ops, account_id: str) -> list[OrderRequest]:
    """Intents in the log that no venue event followed: written, then the process ended before the send."""
    return [_order(cells) for cells in ops.rows(_ORDERS, [account_id]) if cells["state"] is None]


_ORDERS = """
    SELECT i.*, e.state, e.seq,
        (SELECT count(*) FROM fill f WHERE f.client_order_id = i.client_order_id) AS fills
    FROM order_intent i
    LEFT JOIN order_event e ON e.client_order_id = i.client_order_id
        AND e.seq = (SELECT max(seq) FROM order_event x WHERE x.client_order_id = i.client_order_id)
    WHERE i.account_id = ? ORDER BY i.id
"""


_STEPS = """
    SELECT client_order_id, event, ts_event, reason FROM order_event
    WHERE account_id = ? AND event IN ('accept', 'trigger', 'amend') ORDER BY id
"""
_TERMS = {"quantity": "quantity", "limit": "limit_price", "trigger": "trigger_price"}


@dataclass
class _Life:
    """What the steps of an order changed: since when it may trade, whether it woke, its terms, its trail."""

    ts_accepted: int = 0
    eligible_from: int = 0
    triggered: bool = False
    best: Decimal | None = None
    terms: dict[str, Decimal] = field(default_factory=dict)

    def take(self, event: str, ts_event: int, reason: str) -> None:
        """The next step, oldest first. Terms are the `name=value` pairs that a reason begins with."""
        pairs = (pair.partition("=") for pair in reason.partition(";")[0].split() if "=" in pair)
        named = {name: Decimal(value) for name, _, value in pairs if name in {*_TERMS, "best"}}
        if event == "accept":
            self.ts_accepted = self.eligible_from = ts_event
        elif event == "trigger":
            self.triggered, self.eligible_from = True, ts_event
        elif "limit" in named or "trigger" in named:
            self.eligible_from = ts_event
        self.best = named.pop("best", self.best)
        self.terms.update({_TERMS[name]: value for name, value in named.items()})


def _lives(ops: Ops, account_id: str) -> dict[str, _Life]:
    lives: dict[str, _Life] = {}
    for cells in ops.rows(_STEPS, [account_id]):
        life = lives.setdefault(str(cells["client_order_id"]), _Life())
        life.take(str(cells["event"]), int(cells["ts_event"]), str(cells["reason"] or ""))
    return lives


def _order(cells: dict[str, Any]) -> OrderRequest:
    """The order of an intent: whole in `body`, or, in logs of the first version, in the columns."""
    body = msgspec.json.decode(str(cells["body"]))
    if "order" in body:
        return msgspec.convert(body["order"], OrderRequest)
    stop = cells["type"] == "stop"
    return msgspec.convert(
        {
            "client_order_id": cells["client_order_id"],
            "decision_id": cells["decision_id"],
            "symbol": cells["symbol"],
            "side": cells["side"],
            "quantity": cells["quantity"],
            "reference_price": cells["reference_price"],
            "type": cells["type"],
            "limit_price": None if stop else cells["price"],
            "trigger_price": cells["price"] if stop else None,
            "reduce_only": bool(cells["reduce_only"]),
            "stop_loss": cells["stop_loss"],
            "take_profit": cells["take_profit"],
        },
        OrderRequest,
    )
