"""The walk: agents and the decision engine over stored bars in order of time, as the live loop asks them.

Invariants: at a moment all closes are observed before anything is decided; a vote sees what the source's `window` gives
up to its own bar's close; symbols of one moment are taken in alphabetical order, whatever order the source has, so that
neither the order of symbols nor that of agents matters. What is known of a decision when it is made never changes
afterwards: the cases of a prefix of the data are a prefix of the cases. O(bars) calls of the agents.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from deepalpha.agents import run_agents, series_needed
from deepalpha.agents.base import BaseAgent
from deepalpha.config import Settings
from deepalpha.decision import DecisionConfig, DecisionEngine, check_rules, context_at
from deepalpha.decision.calibrate import ENOUGH, WINDOW, Calibration, fit
from deepalpha.decision.clip import logistic
from deepalpha.decision.learn import REFIT
from deepalpha.decision.past import Columns, Past
from deepalpha.decision.regime import moves
from deepalpha.errors import ConfigError
from deepalpha.market import MarketSource, NewsBook, check_timeframe
from deepalpha.types import (
    DAY,
    SECOND,
    Action,
    AgentRole,
    Candle,
    Context,
    Decision,
    Fact,
    Outcome,
    PositionView,
    SignalStatus,
)

SCOPE = "evaluation"
_FAILED = (SignalStatus.ERROR, SignalStatus.TIMEOUT)

Progress = Callable[[int, int], None]
"""Called with (moments done, moments in all)."""


class Chances(Fact, frozen=True):
    """P(a purchase pays), P(a sale pays) after calibration on earlier outcomes."""

    buy: float
    sell: float


class Case(Fact, frozen=True):
    """A decision with what became of it; all but the last two fields was known at `asof`.

    `votes` are the stated p_up, `failed` the agents that gave an error or no answer in time, `asked` all voters.
    `chances` has every fuser's calibrated probabilities, nothing before enough outcomes. `rise` and `fall` are the
    symbol's mean moves over the horizon, None when unmeasured. `last_return` is that of the last bar.
    """

    decision_id: str
    symbol: str
    asof: int
    action: Action
    price: float
    score: float
    confidence: float
    n_calibration: int
    fuser: str
    regime: str
    votes: dict[str, float]
    failed: tuple[str, ...]
    asked: tuple[str, ...]
    shadows: dict[str, float]
    chances: dict[str, Chances]
    rise: float | None
    fall: float | None
    last_return: float
    block_kind: str
    abstain_kind: str
    resolved_at: int = 0
    close: float = 0.0


class Walk(Fact, frozen=True):
    """What the walk saw.

    `cases` in order of decision, resolved ones only; `unresolved` counts the others. `closes` are (ts_event, close) by
    symbol from the first decision's moment to the last bar looked at.
    """

    cases: tuple[Case, ...]
    unresolved: int
    bars: int
    closes: dict[str, tuple[tuple[int, float], ...]]
    horizon_s: int
    cost: float


class ShadowCalibration:
    """Every fuser's calibration on earlier outcomes, fitted when the engine fits its live one."""

    def __init__(self, fusers: Sequence[str]) -> None:
        self._fusers = tuple(fusers)
        self._past = Past(self._fusers, WINDOW)
        self._number = 0
        self._known: Columns | None = None
        self._fits: dict[str, Calibration] = {}

    def learn(self, outcome: Outcome) -> None:
        """Take an outcome, in order of resolution."""
        self._past.add(outcome)
        self._number += 1
        if self._number >= ENOUGH and self._number % REFIT == 0:
            self._known, self._fits = self._past.columns(), {}

    def chances(self, shadows: dict[str, float]) -> dict[str, Chances]:
        """Both sides' probabilities by fuser; {} before `ENOUGH` outcomes."""
        if self._known is None:
            return {}
        if not self._fits:
            self._fits = {name: fit(self._known, name) for name in self._fusers}
        return {
            name: Chances(
                buy=fit.buy.read(shadows[name], logistic(shadows[name])).p,
                sell=fit.sell.read(-shadows[name], logistic(-shadows[name])).p,
            )
            for name, fit in self._fits.items()
        }


class Walker:
    """One walk.

    Args:
        source: the market; its timeframe is the one decided on.
        settings: decision, costs, history and agents' deadline are read; the account is not.
        agents: who votes.
        news: headlines by when they became known.
        warm_up: closed bars a symbol must have before it is decided on.
        limit: decisions to make; None: all.
    """

    def __init__(
        self,
        source: MarketSource,
        settings: Settings,
        agents: Sequence[BaseAgent],
        news: NewsBook,
        *,
        warm_up: int,
        limit: int | None,
    ) -> None:
        check_rules(settings.decision.rules, [agent.name for agent in agents], source.symbols)
        if limit is not None and limit < 1:
            raise ConfigError(f"limit {limit} is not a number of decisions; give at least 1, or none for all")
        if warm_up < 1:
            raise ConfigError(f"warm_up {warm_up} is not a number of bars; give at least 1")
        self.source, self.settings, self.agents, self.news = source, settings, tuple(agents), news
        self.warm_up, self.limit = warm_up, limit
        bar_ns = check_timeframe(source.timeframe)
        self.horizon_s = settings.decision.horizon_bars * bar_ns // SECOND
        self.config = DecisionConfig.of(settings)
        self.engine = DecisionEngine(self.config, scope=SCOPE, clock=lambda: 0)
        coarser = tuple(name for name in settings.view_timeframes if check_timeframe(name) > bar_ns)
        self._seen = settings.model_copy(update={"timeframe": source.timeframe, "view_timeframes": coarser})
        self._series = series_needed(agents)
        self._shadow = ShadowCalibration(self.engine.learner.names)
        self._flat = PositionView(equity=float(settings.account.cash))
        self._open: dict[str, Case] = {}
        self._done: dict[str, Case] = {}
        self._order: list[str] = []
        self._closes: dict[str, list[tuple[int, float]]] = {}
        self._bars = 0

    async def run(self, progress: Progress | None = None) -> Walk:
        """Walk to the end of the source, or until the last of `limit` decisions has its outcome."""
        total = self.source.count_steps(0)
        for done, step in enumerate(self.source.steps(0), start=1):
            candles = sorted(step.candles, key=lambda candle: candle.symbol)
            for candle in candles:
                self._observe(candle)
            for candle in candles:
                if self._wants(candle):
                    await self._decide(candle)
            for candle in candles if self._order else ():
                self._closes.setdefault(candle.symbol, []).append((candle.ts_event, candle.close))
            if progress is not None:
                progress(done, total)
            if self._full and not self._open:
                break
        return Walk(
            cases=tuple(self._done[name] for name in self._order if name in self._done),
            unresolved=len(self._open),
            bars=self._bars,
            closes={symbol: tuple(closes) for symbol, closes in sorted(self._closes.items())},
            horizon_s=self.horizon_s,
            cost=self.config.cost,
        )

    @property
    def _full(self) -> bool:
        return self.limit is not None and len(self._order) >= self.limit

    def _wants(self, candle: Candle) -> bool:
        if self._full:
            return False
        return len(self.source.window(candle.symbol, candle.ts_event, self.warm_up)["close"]) == self.warm_up

    def _observe(self, candle: Candle) -> None:
        self._bars += 1
        for resolution in self.engine.observe(candle.symbol, candle.ts_event, candle.close):
            outcome = resolution.outcome
            self._shadow.learn(outcome)
            case = self._open.pop(outcome.decision_id)
            self._done[outcome.decision_id] = msgspec.structs.replace(
                case, resolved_at=outcome.resolved_at, close=outcome.close
            )

    async def _decide(self, candle: Candle) -> None:
        ctx = self._context(candle)
        runs = await run_agents(ctx, self.agents, deadline_s=self.settings.agents.deadline_s)
        decision = self.engine.decide(ctx, [run.signal for run in runs])
        self._open[decision.decision_id] = self._case(ctx, decision)
        self._order.append(decision.decision_id)

    def _context(self, candle: Candle) -> Context:
        asof = candle.ts_event
        return context_at(
            self.source,
            self._seen,
            symbol=candle.symbol,
            asof=asof,
            series=self._series,
            news=self.news.known(candle.symbol, asof, int(self.settings.agents.news_days * DAY)),
            position=self._flat,
        )

    def _case(self, ctx: Context, decision: Decision) -> Case:
        moved = moves(ctx.base, ctx.horizon_s)
        close = ctx.base.close
        voters = [signal for signal in decision.signals if signal.role is AgentRole.VOTER]
        return Case(
            decision_id=decision.decision_id,
            symbol=decision.symbol,
            asof=decision.asof,
            action=decision.action,
            price=decision.price,
            score=decision.score,
            confidence=decision.confidence,
            n_calibration=decision.n_calibration,
            fuser=decision.fuser,
            regime=decision.regime,
            votes={s.agent: s.p_up for s in voters if s.p_up is not None},
            failed=tuple(s.agent for s in voters if s.status in _FAILED),
            asked=tuple(s.agent for s in voters),
            shadows=dict(decision.shadows),
            chances=self._shadow.chances(decision.shadows),
            rise=moved.rise if moved else None,
            fall=moved.fall if moved else None,
            last_return=float(close[-1] / close[-2] - 1.0) if len(close) > 1 else 0.0,
            block_kind=decision.block_kind.value if decision.block_kind else "",
            abstain_kind=decision.abstain_kind.value if decision.abstain_kind else "",
        )
