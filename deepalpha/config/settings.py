"""Settings: typed, bounded, and refused with the key, the value and the way out."""

from __future__ import annotations

import difflib
from datetime import date
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from deepalpha.errors import ConfigError
from deepalpha.types import Approval, Mode

Fraction = Annotated[Decimal, Field(gt=0, le=1)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ReplaySettings(_Section):
    """The sample replayed as if live."""

    start: date = Field(default=date(2010, 1, 4), description="first day to replay; earlier bars are history")
    bars_per_second: float = Field(default=2.0, ge=0, le=10_000, description="speed; 0 is as fast as possible")
    pause_on_pending: bool = Field(
        default=True, description="in approve mode the replayed market waits while a decision waits for your click"
    )


class AccountSettings(_Section):
    """The practice account."""

    cash: Decimal = Field(default=Decimal(100_000), gt=0, le=Decimal(10) ** 9, description="cash to begin with")
    fee_rate: Decimal = Field(default=Decimal("0.0005"), ge=0, le=Decimal("0.1"), description="fee, share of notional")
    slippage: Decimal = Field(
        default=Decimal("0.0005"), ge=0, le=Decimal("0.1"), description="market and stop fills move against you by this"
    )


Bound = Annotated[Decimal, Field(ge=0)]
Share = Annotated[Decimal, Field(ge=0, le=1)]
Correlation = Annotated[Decimal, Field(ge=-1, le=1)]


class ScalingSettings(_Section):
    """Bounds shrink by min(1, target / measured) of each factor that has a target; none by default."""

    volatility: Fraction | None = Field(default=None, description="annualised volatility up to which bounds are whole")
    correlation: Fraction | None = Field(default=None, description="average correlation up to which they are whole")
    concentration: Fraction | None = Field(default=None, description="sum of squared shares up to which they are whole")
    liquidity: Bound | None = Field(default=None, description="daily traded notional from which on they are whole")
    floor: Share = Field(default=Decimal("0.1"), description="the scale is never below this")


class RiskSettings(_Section):
    """Bounds of the risk gate and the protection of every position. Fractions are of equity; null switches off."""

    max_order_notional: Decimal = Field(default=Decimal(1_000_000), gt=0, description="one order, in currency")
    max_trade_fraction: Fraction = Field(default=Decimal("0.02"), description="one trade")
    max_instrument_fraction: Fraction = Field(default=Decimal("0.05"), description="one instrument")
    max_exposure: Fraction = Field(default=Decimal("0.95"), description="all positions together")
    max_leverage: Decimal = Field(default=Decimal(3), gt=0, le=100, description="gross exposure over equity")
    max_daily_loss: Fraction = Field(default=Decimal("0.05"), description="loss since the day began: reducing")
    monthly_drawdown: Fraction | None = Field(default=Decimal("0.15"), description="loss within the month: reducing")
    max_drawdown: Fraction | None = Field(default=Decimal("0.10"), description="loss since the highest equity: halted")
    max_net_exposure: Bound | None = Field(default=Decimal("0.95"), description="longs against shorts")
    max_correlated_exposure: Bound | None = Field(default=Decimal("0.95"), description="what moves together")
    max_strategy_position: Bound | None = Field(default=Decimal("0.02"), description="one position of one strategy")
    strategy_leverage: Bound | None = Field(default=Decimal(2), description="gross exposure of one strategy")
    consecutive_losses: int | None = Field(default=5, ge=1, le=1000, description="losses in a row of one strategy")
    loss_pause_bars: int = Field(default=20, ge=1, le=100_000, description="bars without entries after those losses")
    sharpe_floor: Decimal | None = Field(default=None, description="mean over deviation a trade, from 20 trades on")
    max_stop_distance: Share | None = Field(default=Decimal("0.02"), description="an entry's stop; null: needs none")
    volume_share: Bound | None = Field(default=Decimal("0.10"), description="order over the average daily volume")
    max_volatility: Bound | None = Field(default=Decimal("0.50"), description="annualised, of daily returns")
    price_band: Fraction = Field(default=Decimal("0.05"), description="move away from the decision's price")
    fat_finger_quantity: Bound | None = Field(default=Decimal(50), description="times the median recent quantity")
    fat_finger_notional: Bound | None = Field(default=Decimal(50), description="times the median recent notional")
    order_rate: int | None = Field(default=1000, ge=1, le=4000, description="orders a second")
    cancel_rate: int | None = Field(default=2000, ge=1, le=4000, description="cancels a second before orders wait")
    duplicate_window_s: float = Field(default=1.0, ge=0, le=86_400, description="seconds one intent is a duplicate")
    max_data_age_bars: int = Field(default=6, ge=1, le=1000, description="oldest price to trade on, in bars")
    allow_short: bool = Field(default=False, description="whether a sale may exceed the holding")
    stop_loss: Fraction = Field(default=Decimal("0.02"), description="protective stop of every position")
    take_profit: Fraction = Field(default=Decimal("0.06"), description="target of every position")
    strategies: dict[str, dict[str, Decimal | None]] = Field(
        default={}, description="bounds by strategy: {momentum: {max_trade_fraction: 0.01}}"
    )
    instruments: dict[str, dict[str, Decimal | None]] = Field(
        default={}, description="bounds by instrument: {BTC/USDT: {price_band: 0.1}}"
    )
    clusters: dict[str, str] = Field(default={}, description="what moves together: {AAPL: tech, MSFT: tech}")
    correlations: dict[str, Correlation] = Field(
        default={}, description="between clusters, or within one: {tech+gold: -0.2, tech+tech: 0.7}; others are 1"
    )
    reduction: Literal["off", "bounds", "flat"] = Field(
        default="bounds", description="orders of the engine's own after a loss limit: back within the bounds, or flat"
    )
    scaling: ScalingSettings = ScalingSettings()


class AgentSettings(_Section):
    """Which agents run and how long one may take."""

    enabled: tuple[str, ...] = Field(
        default=("technical", "pattern", "trend", "risk", "news"),
        min_length=1,
        description="built-in names, or package.module:Class of your own",
    )
    deadline_s: float = Field(default=5.0, gt=0, le=120, description="an agent that takes longer has timed out")
    headlines: tuple[str, ...] = Field(
        default=("sample",), description="headline files (.jsonl or .csv); sample is the bundled one"
    )
    feeds: dict[str, tuple[str, ...]] = Field(
        default={}, description="RSS or Atom by symbol, read at the start and again: {AAPL: [https://...]}"
    )
    feed_interval_s: float = Field(
        default=300.0, ge=30, le=86_400, description="seconds between two readings of a feed while the engine runs"
    )
    news_days: float = Field(default=10.0, gt=0, le=365, description="age of the oldest headline an agent sees")
    news_model: Literal["auto", "minilm", "tfidf"] = Field(
        default="auto", description="classifier of headlines; auto: MiniLM when it is installed, else TF-IDF"
    )


class RuleWhen(_Section):
    """When a hand-written rule holds: every condition that is given must."""

    agent: str | None = Field(default=None, description="name of an agent; goes with vote")
    vote: Literal["buy", "sell", "hold"] | None = Field(default=None, description="what that agent says")
    regime: Literal["trending", "ranging", "turbulent"] | None = Field(default=None, description="state of the market")
    action: Literal["buy", "sell"] | None = Field(default=None, description="what the votes would do")
    symbol: str | None = Field(default=None, description="instrument")

    @model_validator(mode="after")
    def _complete(self) -> RuleWhen:
        if (self.agent is None) != (self.vote is None):
            raise ValueError("agent and vote go together: {agent: trend, vote: sell}")
        if not self.model_fields_set:
            raise ValueError("a rule needs a condition, for example {agent: trend, vote: sell}")
        return self


class RuleThen(_Section):
    """What a hand-written rule does: no new position at all, or a smaller one. It can only hold back."""

    cap: Literal["hold"] | None = Field(default=None, description="hold: no new position")
    size: float | None = Field(default=None, gt=0, lt=1, description="share of the size that is left")

    @model_validator(mode="after")
    def _complete(self) -> RuleThen:
        if (self.cap is None) == (self.size is None):
            raise ValueError("a rule does one thing: {cap: hold} or {size: 0.5}")
        return self


class RuleSettings(_Section):
    """A hand-written rule: {when: {agent: trend, vote: sell, regime: trending}, then: {cap: hold}}."""

    when: RuleWhen
    then: RuleThen


class DecisionSettings(_Section):
    """How votes become a decision."""

    entry_threshold: float = Field(
        default=0.56, gt=0.5, lt=0.9, description="p(up) to buy and 1 - this to sell, until 50 outcomes are known"
    )
    memory: int = Field(default=100, ge=1, le=10_000, description="decisions remembered for each symbol")
    cache_s: float = Field(default=300.0, ge=0, le=86_400, description="seconds a decision on one snapshot is reused")
    quorum: int = Field(default=2, ge=1, le=20, description="votes needed for any action")
    horizon_bars: int = Field(default=5, ge=1, le=1000, description="bars over which a vote is meant")
    conformal_alpha: float = Field(
        default=0.3, gt=0, lt=1, description="share of outcomes the prediction set may miss; lower abstains more"
    )
    conformal_gamma: float = Field(default=0.01, gt=0, le=0.5, description="step of the adaptive conformal level")
    rules: tuple[RuleSettings, ...] = Field(
        default=(), description="{when: {agent: trend, vote: sell, regime: trending}, then: {cap: hold}}"
    )


class MarketSettings(_Section):
    """Where bars come from."""

    source: Literal["replay", "recorded", "live"] = Field(
        default="replay",
        description="replay: stored bars as if live; recorded: raw files (paths); live: an exchange's candles",
    )
    paths: tuple[str, ...] = Field(
        default=(), description="files of `<receipt in ns> <message>` lines, plain or .gz, of one venue (recorded)"
    )
    exchange: str = Field(default="binance", description="ccxt's name, for history and repairs (live)")
    venue: str = Field(default="binance", description="whose messages: binance or binance_usdm (recorded, live)")
    url: str | None = Field(default=None, description="another address of the streams; null: the exchange's own (live)")
    connection: dict[str, Any] = Field(
        default={}, description="of the WebSocket: {idle_timeout_ms: 60000, ca_file: ...} (live)"
    )

    @model_validator(mode="after")
    def _complete(self) -> MarketSettings:
        if (self.source == "recorded") != bool(self.paths):
            raise ValueError("source: recorded and paths go together: {source: recorded, paths: [session.jsonl.gz]}")
        return self


class HubSettings(_Section):
    """The WebSocket hub that screens and notebooks read."""

    enabled: bool = Field(default=True, description="whether the engine starts one")
    host: str = Field(default="127.0.0.1", description="address to listen on; other machines need access rules")
    port: int = Field(default=0, ge=0, le=65_535, description="0 takes a free one, which `live status` names")


Dollars = Annotated[Decimal, Field(ge=0, le=Decimal(10) ** 6)]


class PriceSettings(_Section):
    """US dollars per million tokens. What is not said costs as much as plain input."""

    input: Dollars = Field(description="plain input")
    output: Dollars = Field(description="output, reasoning included")
    cached: Dollars | None = Field(default=None, description="input read from the provider's cache")
    cache_write: Dollars | None = Field(default=None, description="input written to the provider's cache")


class ProviderSettings(_Section):
    """One endpoint with one model. Keys are named, never written here: env:NAME or keyring:SERVICE/USER."""

    kind: Literal["openai", "anthropic"] = Field(
        default="openai", description="wire format: chat completions, messages"
    )
    base_url: str | None = Field(default=None, description="https, or http on loopback; null: the provider's own")
    model: str = Field(min_length=1, max_length=200, description="the provider's name of the model")
    key: str | None = Field(
        default=None, repr=False, description="env:NAME or keyring:SERVICE/USER; null: none (local servers)"
    )
    weight: int = Field(default=1, ge=1, le=1000, description="say in an ensemble")
    price: PriceSettings | None = Field(default=None, description="instead of the table's; {input: 0, output: 0}: free")
    output: Literal["json_schema", "json_object", "prompt"] | None = Field(
        default=None, description="how objects are asked for, instead of the table's"
    )
    concurrency: int = Field(default=4, ge=1, le=100, description="calls at the same time")
    requests_per_minute: int = Field(default=60, ge=1, le=100_000, description="calls begun in a minute")


class BudgetSettings(_Section):
    """Caps in US dollars. A call is sent only when its worst case fits under every cap."""

    per_call_usd: Dollars = Field(default=Decimal("0.05"), description="one call, repair and retries included")
    per_cycle_usd: Dollars = Field(default=Decimal("0.20"), description="all calls of one decision")
    per_day_usd: Dollars = Field(default=Decimal(2), description="a UTC day; then rules decide alone")
    per_month_usd: Dollars = Field(default=Decimal(20), description="a UTC month; then rules decide alone")


class LLMSettings(_Section):
    """Language models: optional reviewers of the agents. Without them everything works by rules."""

    enabled: bool = Field(default=False, description="whether any model is ever called")
    providers: dict[str, ProviderSettings] = Field(
        default={}, description="by name, in failover order: {deepseek: {model: deepseek-v4-flash, key: env:X}}"
    )
    reviewers: tuple[str, ...] = Field(default=(), description="agents whose votes a model reviews: [technical, trend]")
    deadline_s: float = Field(default=20.0, gt=0, le=600, description="one call with all its retries")
    max_tokens: int = Field(default=800, ge=1, le=16_000, description="longest answer, reasoning included")
    rounds: int = Field(default=2, ge=1, le=10, description="times the failover order is tried")
    cache_s: float = Field(
        default=300.0, ge=0, le=86_400, description="seconds an equal question is answered from the log"
    )
    ensemble: int = Field(default=1, ge=1, le=9, description="answers to ask for; their agreement is a feature")
    budget: BudgetSettings = BudgetSettings()


class Settings(_Section):
    """Everything that can be set. See `deepalpha/config/default.yaml` for all keys with their meaning."""

    mode: Mode = Field(default=Mode.PRACTICE, description="practice: the built-in venue on replayed bars")
    approval: Approval = Field(default=Approval.APPROVE, description="approve: a person clicks; auto: at once")
    symbols: tuple[str, ...] = Field(default=("AAPL", "IBM", "MSFT", "GOOG"), min_length=1)
    timeframe: str = Field(default="1d", description="bars that are decided on")
    view_timeframes: tuple[str, ...] = Field(default=("1w", "1mo"), description="coarser bars the agents also see")
    history_bars: int = Field(default=750, ge=50, le=20_000, description="bars an agent sees")
    approval_ttl_bars: int = Field(default=5, ge=1, le=10_000, description="bars after which a decision expires")
    market: MarketSettings = MarketSettings()
    replay: ReplaySettings = ReplaySettings()
    account: AccountSettings = AccountSettings()
    risk: RiskSettings = RiskSettings()
    agents: AgentSettings = AgentSettings()
    decision: DecisionSettings = DecisionSettings()
    hub: HubSettings = HubSettings()
    llm: LLMSettings = LLMSettings()

    @classmethod
    def from_file(cls, path: str | Path) -> Settings:
        """Settings from a YAML file; keys that are not in it keep their defaults.

        Raises:
            ConfigError: no such file, no YAML, an unknown key or a value out of bounds.
        """
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"settings file {path}: {error.strerror}; check the path") from error
        return cls.from_text(text, source=str(path))

    @classmethod
    def from_text(cls, text: str, *, source: str = "settings") -> Settings:
        """Settings from YAML text; `source` names it in errors."""
        try:
            loaded = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ConfigError(f"{source} is not YAML: {error}") from error
        if loaded is None:
            loaded = {}
        if not isinstance(loaded, dict):
            raise ConfigError(f"{source} must be a mapping of settings, not a {type(loaded).__name__}")
        return cls.from_mapping(loaded, source=source)

    @classmethod
    def from_mapping(cls, values: dict[str, Any], *, source: str = "settings") -> Settings:
        """Settings from a nested mapping, with readable errors."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            lines = [_explain(cls, problem) for problem in error.errors()]
            raise ConfigError(f"{source}: " + "; ".join(lines)) from error

    @classmethod
    def default(cls) -> Settings:
        """The settings of `default.yaml`, which are the defaults of the classes."""
        text = resources.files("deepalpha.config").joinpath("default.yaml").read_text(encoding="utf-8")
        return cls.from_text(text, source="default.yaml")


def _explain(model: type[BaseModel], problem: Any) -> str:
    """One line for a pydantic error: the key, the value, the bound, and the nearest known key."""
    path = [str(part) for part in problem["loc"]]
    key = ".".join(path)
    if problem["type"] != "extra_forbidden":
        return f"{key} = {problem['input']!r}: {problem['msg']}"
    known: type[BaseModel] = model
    for part in path[:-1]:
        field = known.model_fields.get(part)  # a number is the place in a list, whose section is known already
        known = _section_of(field.annotation, known) if field else known
    near = difflib.get_close_matches(path[-1], known.model_fields, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(known.model_fields)}"
    return f"{key} is not a setting; {hint}"


def _section_of(annotation: Any, otherwise: type[BaseModel]) -> type[BaseModel]:
    """The section that a field holds, itself or in a tuple."""
    kinds = (annotation, *get_args(annotation))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), otherwise)
