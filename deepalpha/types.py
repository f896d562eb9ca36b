"""The facts that flow through DeepAlpha: frozen, typed, serialisable, and free of behaviour that needs the world.

Time is `int` UTC nanoseconds: `ts_event` by the market's clock, `ts_init` by ours. Money, price and quantity are
`Decimal` here and fixed point (8 decimals) in the core. `float` is for indicators, scores and statistics only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SECOND = 1_000_000_000
DAY = 86_400 * SECOND


class Mode(StrEnum):
    """Where orders go. Told apart on every screen, in every report and in every order id."""

    PRACTICE = "practice"
    PAPER = "paper"
    LIVE = "live"


class Approval(StrEnum):
    """Who lets a decision become an order: a person's click, or the engine at once."""

    APPROVE = "approve"
    AUTO = "auto"


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class Action(StrEnum):
    BUY = "buy"
    SELL = "sell"
    HOLD = "hold"


class OrderType(StrEnum):
    """`stop` wakes when the market moves against its side, `take_profit` when it moves in its favour."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TAKE_PROFIT = "take_profit"
    TAKE_PROFIT_LIMIT = "take_profit_limit"
    TRAILING_STOP = "trailing_stop"


class TimeInForce(StrEnum):
    """How long an order stays: until cancelled, at once or not, all or nothing, until `expires_at`, this UTC day."""

    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    GTD = "gtd"
    DAY = "day"


class PositionSide(StrEnum):
    """Leg of a hedging account; `net` where there is one position an instrument."""

    NET = "net"
    LONG = "long"
    SHORT = "short"


class InstrumentKind(StrEnum):
    """What is bought: an asset, a share, a future with an expiry, a future without one that pays funding."""

    SPOT = "spot"
    EQUITY = "equity"
    FUTURE = "future"
    PERPETUAL = "perpetual"


class Origin(StrEnum):
    """Who asks for an order. Every origin passes the same gate."""

    AGENTS = "agents"
    AUTO = "auto"
    MANUAL = "manual"
    STRATEGY = "strategy"
    RISK = "risk"


class SignalStatus(StrEnum):
    """How an agent's answer came about. Only `ok` is an opinion; a failure is never a neutral vote."""

    OK = "ok"
    ABSTAIN = "abstain"
    ERROR = "error"
    TIMEOUT = "timeout"


class AgentRole(StrEnum):
    """`voter` has a say in direction; `guard` may only lower the size or veto."""

    VOTER = "voter"
    GUARD = "guard"


class DecisionStatus(StrEnum):
    """What became of a decision. `none`: nothing to approve (hold, or no order follows)."""

    NONE = "none"
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    REFUSED = "refused"
    AUTO = "auto"


class Fact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all facts: immutable, keyword-only, encodes to canonical JSON with `deepalpha.types.encode`."""


def encode(value: Any) -> bytes:
    """Encode facts, mappings and numbers as canonical JSON (sorted keys): the input of every hash and id.

    NaN and infinities are encoded as null, as JSON has none.
    """
    return msgspec.json.encode(value, order="deterministic")


class Instrument(Fact, frozen=True):
    """What can be traded, with its exact terms.

    Attributes:
        symbol: name, for example `AAPL` or `BTC/USDT`.
        tick_size, lot_size: exact steps; prices and quantities must be multiples. A-shares: lots of 100.
        currency: of prices, profit and margin.
        kind: what is bought; spot and shares exchange their notional, futures and perpetuals are margined.
        multiplier: units of the underlying in one contract; 1 for spot and shares.
        base: asset received for a buy where it is a currency of its own (`BTC` of `BTC/USDT`), else empty.
        odd_lot_exit: whether a sale of everything held may be between two lots (A-shares).
        t_plus_one: whether what is bought today may be sold from the next trading day on only (A-shares).
        min_quantity, max_quantity: bounds of an order; None is no upper bound.
        min_notional: smallest notional of an order; 0 for none.
        initial_margin: share of the notional needed to open; the account's leverage may ask for more.
        maintenance_margin: share of the notional below which a position is liquidated.
    """

    symbol: str
    tick_size: Decimal = Decimal("0.01")
    lot_size: Decimal = Decimal("1")
    currency: str = "USD"
    kind: InstrumentKind = InstrumentKind.SPOT
    multiplier: Decimal = Decimal(1)
    base: str = ""
    odd_lot_exit: bool = False
    t_plus_one: bool = False
    min_quantity: Decimal = Decimal(0)
    max_quantity: Decimal | None = None
    min_notional: Decimal = Decimal(0)
    initial_margin: Decimal = Decimal(0)
    maintenance_margin: Decimal = Decimal(0)


class Candle(Fact, frozen=True):
    """One closed bar. `ts_open` is its start, `ts_event` its close (= start + timeframe) on the market's clock."""

    symbol: str
    timeframe: str
    ts_open: int
    ts_event: int
    ts_init: int
    open: float
    high: float
    low: float
    close: float
    volume: float


class Headline(Fact, frozen=True):
    """One news item. An agent may see it once `ts_known` (the later of published and fetched) has passed."""

    id: str
    title: str
    source: str
    symbols: tuple[str, ...]
    ts_published: int
    ts_known: int
    url: str = ""


class BarFrame:
    """Closed bars of one timeframe as read-only float64 arrays of shape (n,), oldest first.

    Attributes:
        timeframe: name such as ``1d``.
        ts_open, ts_event: int64 UTC ns, start and close of each bar.
        open, high, low, close, volume: float64.
        series: indicator id (``RSI_14``) -> float64 array of shape (n,), NaN during warm-up.
    """

    __slots__ = ("close", "high", "low", "open", "series", "timeframe", "ts_event", "ts_open", "volume")

    def __init__(
        self,
        timeframe: str,
        ts_open: NDArray[np.int64],
        ts_event: NDArray[np.int64],
        open: NDArray[np.float64],
        high: NDArray[np.float64],
        low: NDArray[np.float64],
        close: NDArray[np.float64],
        volume: NDArray[np.float64],
        series: Mapping[str, NDArray[np.float64]] | None = None,
    ) -> None:
        self.timeframe = timeframe
        self.ts_open, self.ts_event = ts_open, ts_event
        self.open, self.high, self.low, self.close, self.volume = open, high, low, close, volume
        self.series: dict[str, NDArray[np.float64]] = dict(series or {})
        for array in (ts_open, ts_event, open, high, low, close, volume, *self.series.values()):
            array.flags.writeable = False

    def __len__(self) -> int:
        return len(self.close)

    def last(self, name: str) -> float:
        """Last value of an indicator series; NaN while it warms up. KeyError lists what there is."""
        try:
            values = self.series[name]
        except KeyError:
            raise KeyError(f"{name} is not in this view of {self.timeframe}; there is {sorted(self.series)}") from None
        return float(values[-1]) if len(values) else math.nan


class Peer(Fact, frozen=True):
    """Another instrument of the account, beside the one that is decided on.

    `value` is what is held of it, in the account's currency, below 0 when short. `correlation` is that of the log
    returns of `n` common bars; `ratio` is how much of the peer, sold, hedges 1 of the own instrument with the least
    variance left (the slope of own on peer returns), and `pull` how far the own price moves with it (of peer on own).
    """

    symbol: str
    value: float
    correlation: float
    ratio: float
    pull: float
    n: int


class PositionView(Fact, frozen=True):
    """The account as an agent may know it, in units of the account's currency.

    `peers` are all that is held beside the symbol, and those of the others that move most like it.
    """

    quantity: float = 0.0
    average_price: float = 0.0
    unrealised_pnl: float = 0.0
    equity: float = 0.0
    drawdown: float = 0.0
    peers: tuple[Peer, ...] = ()


class Context:
    """Everything an agent may know at `asof`, and nothing else.

    Attributes:
        symbol: the instrument.
        asof: UTC ns; every bar and headline in here was closed / known at or before it.
        horizon_s: seconds over which a vote is meant.
        timeframe: the base timeframe, a key of `bars`.
        bars: timeframe -> BarFrame of closed bars, base timeframe first, then coarser ones.
        news: headlines known at `asof`, newest last.
        position: the account as of `asof`.
        snapshot_hash: sha256 hex of the canonical content of all of the above.
    """

    __slots__ = ("asof", "bars", "horizon_s", "news", "position", "snapshot_hash", "symbol", "timeframe")

    def __init__(
        self,
        *,
        symbol: str,
        asof: int,
        horizon_s: int,
        timeframe: str,
        bars: Mapping[str, BarFrame],
        news: tuple[Headline, ...],
        position: PositionView,
        snapshot_hash: str,
    ) -> None:
        for name, value in (
            ("symbol", symbol),
            ("asof", asof),
            ("horizon_s", horizon_s),
            ("timeframe", timeframe),
            ("bars", bars),
            ("news", news),
            ("position", position),
            ("snapshot_hash", snapshot_hash),
        ):
            object.__setattr__(self, name, value)

    symbol: str
    asof: int
    horizon_s: int
    timeframe: str
    bars: Mapping[str, BarFrame]
    news: tuple[Headline, ...]
    position: PositionView
    snapshot_hash: str

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"Context is frozen; {name} cannot be set")

    @property
    def base(self) -> BarFrame:
        """Bars of the base timeframe."""
        return self.bars[self.timeframe]


class Evidence(Fact, frozen=True):
    """One observation behind a vote. `id` names it inside the snapshot, e.g. ``1d:RSI_14`` or ``news:<id>``."""

    id: str
    value: float | str


class Signal(Fact, frozen=True):
    """An agent's answer. `p_up` is P(price return over the horizon > 0) and is None unless status is ok.

    Build one with `Signal.buy`, `Signal.sell`, `Signal.hold`, `Signal.abstain` or `Signal.guard`; the runner fills in
    agent, version, symbol, asof, horizon_s and snapshot_hash.
    """

    agent: str = ""
    version: str = ""
    symbol: str = ""
    asof: int = 0
    horizon_s: int = 0
    snapshot_hash: str = ""
    role: AgentRole = AgentRole.VOTER
    status: SignalStatus = SignalStatus.OK
    p_up: float | None = None
    size_cap: float = 1.0
    reasons: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()

    def __post_init__(self) -> None:
        if self.p_up is not None and not 0.0 <= self.p_up <= 1.0:
            raise ValueError(f"p_up {self.p_up!r} is not in 0..1")
        if not 0.0 <= self.size_cap <= 1.0:
            raise ValueError(f"size_cap {self.size_cap!r} is not in 0..1 (0 is a veto)")
        if (self.status is SignalStatus.OK and self.role is AgentRole.VOTER) != (self.p_up is not None):
            raise ValueError(f"a {self.status} {self.role} signal cannot carry p_up={self.p_up!r}")

    @property
    def vote(self) -> Action:
        """Direction in words: buy above 0.5, sell below, hold otherwise (and for every status but ok)."""
        if self.p_up is None or self.p_up == 0.5:
            return Action.HOLD
        return Action.BUY if self.p_up > 0.5 else Action.SELL

    @classmethod
    def buy(cls, confidence: float, *reasons: str, evidence: tuple[Evidence, ...] = ()) -> Signal:
        """A vote up. `confidence` in 0..1 maps to p_up = 0.5 + confidence / 2."""
        return cls(p_up=0.5 + _confidence(confidence) / 2, reasons=reasons, evidence=evidence)

    @classmethod
    def sell(cls, confidence: float, *reasons: str, evidence: tuple[Evidence, ...] = ()) -> Signal:
        """A vote down. `confidence` in 0..1 maps to p_up = 0.5 - confidence / 2."""
        return cls(p_up=0.5 - _confidence(confidence) / 2, reasons=reasons, evidence=evidence)

    @classmethod
    def hold(cls, *reasons: str, evidence: tuple[Evidence, ...] = ()) -> Signal:
        """A considered "no direction": p_up = 0.5. It counts as a vote; use `abstain` to stay out."""
        return cls(p_up=0.5, reasons=reasons, evidence=evidence)

    @classmethod
    def abstain(cls, reason: str, *, evidence: tuple[Evidence, ...] = ()) -> Signal:
        """No opinion, with the reason. It has no weight in the decision."""
        return cls(status=SignalStatus.ABSTAIN, reasons=(reason,), evidence=evidence)

    @classmethod
    def guard(cls, size_cap: float, *reasons: str, evidence: tuple[Evidence, ...] = ()) -> Signal:
        """A guard's answer: `size_cap` in 0..1 scales the order; 0 is a veto. It never votes."""
        return cls(role=AgentRole.GUARD, size_cap=size_cap, reasons=reasons, evidence=evidence)


def _confidence(value: float) -> float:
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"confidence {value!r} is not in 0..1")
    return value


class LLMCall(Fact, frozen=True, kw_only=True):
    """One step of a call to a language model, as stored. A call has several: attempts, failover, a repair turn.

    `sent` is written before the wire with the worst case as its cost, `done` after it with what it did cost: a process
    that dies in between still counts against the budget. Texts are redacted; `request` has no headers, so no key.
    """

    call_id: str
    seq: int
    phase: Literal["sent", "done"]
    status: str
    provider: str
    model: str
    purpose: str
    cycle: str
    request_sha: str
    schema_sha: str
    prompt_sha: str
    request: str
    response: str = ""
    text: str = ""
    reason: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    cost_is_bound: bool = False
    ts_sent: int
    ts_done: int


class OrderRequest(Fact, frozen=True):
    """What somebody wants. It becomes an order only as `Approved` out of the risk gate.

    `reduce_only` orders may shrink a position but never open or flip one. `reference_price` is the price the decision
    was taken at. `stop_loss` and `take_profit` are a bracket around the position that the order opens. A trailing stop
    has one of `trailing_offset` (price), `trailing_percent` (share, 0.02 = 2 %) or `trailing_atr` times
    `trailing_multiple`. Of the orders with one `oco_group`, the first that trades cancels the others. `expires_at` is
    UTC ns, for gtd. `forced` says that a second order of the same intent is meant.
    """

    client_order_id: str
    decision_id: str
    symbol: str
    side: Side
    quantity: Decimal
    reference_price: Decimal
    type: OrderType = OrderType.MARKET
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    trailing_offset: Decimal | None = None
    trailing_percent: Decimal | None = None
    trailing_atr: Decimal | None = None
    trailing_multiple: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    expires_at: int | None = None
    post_only: bool = False
    reduce_only: bool = False
    display_quantity: Decimal | None = None
    position_side: PositionSide = PositionSide.NET
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    strategy: str = ""
    origin: Origin = Origin.AGENTS
    oco_group: str = ""
    parent_id: str = ""
    forced: bool = False


class RuleCheck(Fact, frozen=True):
    """One rule as it stood for one order, with what was measured and what is allowed, in words."""

    rule: str
    value: str
    bound: str
    holds: bool
    measured: bool = True


class Verdict(Fact, frozen=True):
    """What the risk gate said about an order: every rule is evaluated, the first breach is the refusal."""

    approved: bool
    rule: str = ""
    message: str = ""
    value: str = ""
    bound: str = ""
    checks: tuple[RuleCheck, ...] = ()


class BlockKind(StrEnum):
    """Which rule forbade a new position, in the order in which they are asked."""

    VETO = "veto"
    QUORUM = "quorum"
    TRACK_RECORD = "track_record"
    REGIME = "regime"
    RULE = "rule"


class AbstainKind(StrEnum):
    """Why no action was good enough: nothing forbade one."""

    THRESHOLD = "threshold"
    EXPECTED_VALUE = "expected_value"
    CONFORMAL = "conformal"
    UNMEASURED = "unmeasured"


class Decision(Fact, frozen=True):
    """What the engine wants to do at one bar, and why.

    `score` is the sum of `contributions` (log-odds shares, one for each vote that counted); `p_up` its logistic.
    `confidence` is 100 * P(the net return over the horizon has the action's sign), for a hold that of the side the
    score leans to; `interval` are its 90 % bounds, `n_calibration` the outcomes behind it and `calibration` says it in
    words, for example "uncalibrated, n=12". `p_buy` and `p_sell` are the probabilities that a purchase or a sale made
    now has earned its costs when the horizon ends. `shadows` has the score of every fuser, the live one included.
    `expected_value` of the side leaned to is a share of the price, after costs; None when it cannot be measured.
    `entry_id` names the decision that opened the position held.
    """

    decision_id: str
    symbol: str
    asof: int
    action: Action
    score: float
    p_up: float
    confidence: float
    calibration: str
    fuser: str
    weights: dict[str, float]
    contributions: dict[str, float]
    size_cap: float
    reasons: tuple[str, ...]
    signals: tuple[Signal, ...]
    snapshot_hash: str
    price: float
    blocked_by: str = ""
    block_kind: BlockKind | None = None
    abstained_by: str = ""
    abstain_kind: AbstainKind | None = None
    horizon_s: int = 0
    interval: tuple[float, float] = (0.0, 100.0)
    n_calibration: int = 0
    p_buy: float = 0.5
    p_sell: float = 0.5
    shadows: dict[str, float] = {}
    expected_value: float | None = None
    regime: str = ""
    entry_id: str = ""


class Outcome(Fact, frozen=True):
    """What became of a decision when its horizon ended. Prices are those of the snapshot and of the first close after.

    `went_up` is 1, 0 or, for an unchanged price, 0.5. `net_return` is that of a trade in the action's direction (of a
    hold: the side leaned to) after the costs of the way in and out. `votes` are the stated p_up of each agent that had
    an opinion; `asked` are all voters, those that failed or abstained included.
    """

    decision_id: str
    symbol: str
    asof: int
    resolved_at: int
    action: Action
    price: float
    close: float
    gross_return: float
    net_return: float
    cost: float
    went_up: float
    p_up: float
    p_buy: float
    p_sell: float
    n_calibration: int
    fuser: str
    shadows: dict[str, float]
    votes: dict[str, float]
    asked: tuple[str, ...]

    @property
    def buy_paid(self) -> bool:
        """Whether a purchase had earned its costs."""
        return self.gross_return > self.cost

    @property
    def sell_paid(self) -> bool:
        """Whether a sale had earned its costs."""
        return -self.gross_return > self.cost


class FuserUpdate(Fact, frozen=True):
    """What the fusers learned from one outcome: the `number`-th of its account, in order of resolution.

    `live` decides from here on; `losses` are the Brier scores of each fuser on this outcome, `weights` those after it.
    `contest` says in words how the fusers compare, at the outcomes after which that is looked at. `state` is what a
    restart needs to learn on from here.
    """

    decision_id: str
    number: int
    resolved_at: int
    live: str
    losses: dict[str, float]
    weights: dict[str, dict[str, float]]
    contest: str
    state: dict[str, Any]


class Fill(Fact, frozen=True):
    """One execution. `fee` is in the account's currency; `realised_pnl` is before fees."""

    fill_id: str
    client_order_id: str
    decision_id: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    realised_pnl: Decimal
    ts_event: int
    reason: str = ""


class OrderEvent(Fact, frozen=True):
    """One step in an order's life: the state before and after, when, and why. `seq` counts from 1 within the order."""

    client_order_id: str
    seq: int
    event: str
    state_before: str
    state: str
    ts_event: int
    reason: str = ""


class Position(Fact, frozen=True):
    """A holding, or one leg of a hedged one.

    `cost` is what the open quantity cost; `quantity` is negative for a short. `margin` is what is put aside for it
    alone (isolated accounts), `liquidation_price` where it would be closed, everything else unchanged.
    """

    symbol: str
    position_id: str
    quantity: Decimal
    average_price: Decimal
    cost: Decimal
    last_price: Decimal
    unrealised_pnl: Decimal
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    position_side: PositionSide = PositionSide.NET
    margin: Decimal = Decimal(0)
    liquidation_price: Decimal | None = None


class Account(Fact, frozen=True):
    """Cash and positions marked at the last prices. equity = cash + position_value, exactly."""

    ts_event: int
    cash: Decimal
    position_value: Decimal
    equity: Decimal
    realised_pnl: Decimal
    unrealised_pnl: Decimal
    fees: Decimal
