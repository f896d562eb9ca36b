"""One snapshot and its votes in, one decision out: normalise -> clip -> fuse -> calibrate -> gate -> explain.

Invariants: a decision is a function of the snapshot, the signals, what was learned so far and the settings, and its id
is a hash of those; the clock only ages the cache. What was learned moves in `observe` alone. The price of a decision
is the last close of its snapshot.
"""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from pydantic import Field

from deepalpha.config import DecisionSettings, Settings
from deepalpha.decision.calibrate import Calibration, Chance
from deepalpha.decision.explain import Story, explain
from deepalpha.decision.fuse import Fusion
from deepalpha.decision.gate import Case, judge
from deepalpha.decision.learn import Learner, read_outcomes
from deepalpha.decision.memory import DecisionMemory, OpenDecision, Record, Remembered
from deepalpha.decision.normalise import Ballot, normalise
from deepalpha.decision.regime import moves, regime
from deepalpha.decision.rules import Question, decide_conflicts
from deepalpha.decision.thesis import Theses, Thesis
from deepalpha.errors import MarketDataError, StoreError
from deepalpha.types import (
    SECOND,
    Action,
    Context,
    Decision,
    Fact,
    Fill,
    FuserUpdate,
    Outcome,
    Signal,
    encode,
)

CACHE_ENTRIES = 256  # a decision is a few kB and this covers every symbol of a large watch list
ID_LENGTH = 24  # hex digits: 96 bits, no collision in any log that fits on a disk
FORMAT = 2


class DecisionConfig(DecisionSettings):
    """How votes become an action, with what a trade costs. Part of every decision id."""

    fee_rate: float = Field(default=0.0005, ge=0, le=0.1)
    slippage: float = Field(default=0.0005, ge=0, le=0.1)

    @classmethod
    def of(cls, settings: Settings) -> DecisionConfig:
        """What the settings say of decisions and of an account's costs."""
        account = settings.account
        return cls(**settings.decision.model_dump(), fee_rate=float(account.fee_rate), slippage=float(account.slippage))

    @property
    def cost(self) -> float:
        """Share of the price that the way in and out takes."""
        return 2.0 * (self.fee_rate + self.slippage)


class Resolution(Fact, frozen=True):
    """A horizon that ended, and what was learned from it."""

    outcome: Outcome
    update: FuserUpdate


class DecisionEngine:
    """Turns one snapshot's signals into one decision, remembers what became of it and learns from that.

    Args:
        config: thresholds, costs, rules and sizes.
        scope: what the ids belong to, for example the account; two scopes never share an id.
        clock: nanoseconds for the age of cached decisions. It has no influence on what is decided.

    Attributes:
        cache_hits, cache_misses: how often a decision was reused or made.
    """

    def __init__(self, config: DecisionConfig, *, scope: str, clock: Callable[[], int]) -> None:
        self.config = config
        self.scope = scope
        self.cache_hits = 0
        self.cache_misses = 0
        self.learner = Learner(config.conformal_alpha, config.conformal_gamma)
        self.theses = Theses()
        self._clock = clock
        self._memory = DecisionMemory(config.memory)
        self._settings = config.model_dump(mode="json")
        self._cache: OrderedDict[bytes, tuple[int, Decision]] = OrderedDict()

    def decide(self, ctx: Context, signals: Iterable[Signal]) -> Decision:
        """Decide on one snapshot.

        Args:
            ctx: the snapshot the signals were made from; its last close is the decision's price.
            signals: one for each agent, in any order; the result does not depend on it.

        Returns:
            The side the score leans to when the gate finds it worth a trade and no rule forbids it, else hold with
            `abstained_by` or `blocked_by`. The same inputs within `cache_s` give the same object.

        Raises:
            MarketDataError: the snapshot has no last close that is a finite number above 0, or it is older than an
                outcome that was learned from (look-ahead).
            ConfigError: two signals of one agent, or a signal made from another snapshot.
        """
        price = _price(ctx)
        if ctx.asof < self.learner.known_until:
            raise MarketDataError(
                f"{ctx.symbol}: a snapshot as of {ctx.asof} is older than an outcome already learned from, at "
                f"{self.learner.known_until}; decide in order of time"
            )
        ballot = normalise(signals, ctx)
        record = self._memory.record(ctx.symbol, ctx.asof)
        thesis = self.theses.of(ctx.symbol) if ctx.position.quantity else None
        key = self._key(ctx, ballot, record, thesis)
        now = self._clock()
        cached = self._cache.get(key)
        if cached is not None and now - cached[0] < self.config.cache_s * SECOND:
            self.cache_hits += 1
            return cached[1]
        self.cache_misses += 1
        decision = self._make(ctx, ballot, record, thesis, price, key.hex()[:ID_LENGTH])
        self._memory.add(decision)
        self.theses.decided(decision)
        self._cache[key] = (now, decision)
        self._cache.move_to_end(key)
        while len(self._cache) > CACHE_ENTRIES:
            self._cache.popitem(last=False)
        return decision

    def observe(self, symbol: str, ts_event: int, close: float) -> tuple[Resolution, ...]:
        """Tell a close; decisions whose horizon has ended are resolved and learned from, in the order they were made.

        Args:
            symbol: whose close.
            ts_event: UTC ns of the close; feed bars in time order, so that the first one after the horizon counts.
            close: one that is no price is ignored.

        Returns:
            What was resolved, to be stored: a restart goes on from it.
        """
        ended = self._memory.due(symbol, ts_event, close, self.config.cost)
        return tuple(Resolution(outcome=outcome, update=self.learner.resolve(outcome)) for outcome in ended)

    def filled(self, fill: Fill) -> None:
        """Tell a fill: the decision that opened a position is held against the one that closes it."""
        self.theses.filled(fill)

    def memory(self, symbol: str) -> tuple[Remembered, ...]:
        """The last `config.memory` decisions on a symbol, oldest first, with their outcomes where known."""
        return self._memory.recall(symbol)

    def open(self, symbol: str) -> tuple[OpenDecision, ...]:
        """Decisions on a symbol whose horizon has not ended, oldest first."""
        return self._memory.open(symbol)

    def resume(
        self,
        *,
        remembered: Iterable[Decision],
        waiting: Iterable[Decision],
        decided: Iterable[Decision],
        noted: Iterable[Outcome],
        outcomes: Iterable[Outcome],
        update: FuserUpdate | None,
        fills: Iterable[Fill],
    ) -> None:
        """Go on from the log, so that a restarted engine gives the same ids.

        Args:
            remembered: the last decisions of every symbol, oldest first.
            waiting: those without an outcome, oldest first.
            decided: those that are no hold and may be filled or have opened what is held, oldest first.
            noted: what became of the remembered ones.
            outcomes: the last ones of all symbols, oldest first; at least `learn.KEPT` if there are as many.
            update: the last one stored.
            fills: all of the account, oldest first.

        Raises:
            StoreError: the update cannot be read, or outcomes are missing.
        """
        for decision in remembered:
            self._memory.remember(decision)
        self._memory.note(noted)
        for decision in waiting:
            self._memory.wait_for(OpenDecision.of(decision))
        for decision in decided:
            self.theses.decided(decision)
        for fill in fills:
            self.theses.filled(fill)
        if update is not None:
            self.learner.restore(update.state, outcomes)
        self._cache.clear()

    def state(self) -> dict[str, Any]:
        """What a restart needs to go on with identical ids, as JSON-able values. The cache is not part of it."""
        return {
            "format": FORMAT,
            "scope": self.scope,
            "learner": self.learner.state(),
            "outcomes": msgspec.to_builtins(self.learner.outcomes),
            "theses": self.theses.state(),
            **self._memory.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state()` gave.

        Raises:
            StoreError: the state belongs to another scope or version or cannot be read; the engine is unchanged.
        """
        if state.get("scope") != self.scope:
            raise StoreError(
                f"decision state of {state.get('scope')!r} cannot continue in {self.scope!r}; start afresh"
            )
        if state.get("format") != FORMAT:
            raise StoreError(f"decision state has format {state.get('format')!r}, this version reads {FORMAT}; drop it")
        memory, theses = DecisionMemory(self.config.memory), Theses()
        learner = Learner(self.config.conformal_alpha, self.config.conformal_gamma)
        try:
            memory.restore(state)
            theses.restore(state["theses"])
            learner.restore(state["learner"], read_outcomes(state["outcomes"]))
        except (KeyError, TypeError, AttributeError, msgspec.ValidationError) as error:
            raise StoreError(f"decision state cannot be read ({error}); drop it and start with an empty one") from error
        self._memory, self.theses, self.learner = memory, theses, learner
        self._cache.clear()

    def _key(self, ctx: Context, ballot: Ballot, record: Record, thesis: Thesis | None) -> bytes:
        """Digest of everything a decision depends on; its head is the decision id, the whole is the cache key."""
        entry = thesis.decision_id if thesis else ""
        learned = self.learner.digest.hex()
        content = (self.scope, ctx.snapshot_hash, ballot.signals, learned, self._settings, record, entry)
        return hashlib.sha256(encode(content)).digest()

    def _make(
        self, ctx: Context, ballot: Ballot, record: Record, thesis: Thesis | None, price: float, decision_id: str
    ) -> Decision:
        fused = self.learner.fuse(ballot)
        fusion, calibration = fused[self.learner.live], self.learner.calibration
        lean = _lean(fusion.score)
        buy = calibration.buy.read(fusion.score, fusion.p_up)
        sell = calibration.sell.read(-fusion.score, 1.0 - fusion.p_up)
        chance = sell if lean is Action.SELL else buy
        closing = _closes(lean, ctx.position.quantity)
        judgement = judge(self._case(ctx, fusion, calibration, lean, buy, sell, closing=closing))
        state = regime(ctx.base)
        question = Question(
            symbol=ctx.symbol,
            candidate=judgement.action,
            closing=closing,
            ballot=ballot,
            regime=state,
            standings={name: self.learner.record.standing(name, p_up) for name, p_up in ballot.stated.items()},
            overlap=calibration.overlap,
            quorum=self.config.quorum,
        )
        ruling = decide_conflicts(question, self.config.rules)
        action = Action.HOLD if ruling.blocked_by else judgement.action
        return Decision(
            decision_id=decision_id,
            symbol=ctx.symbol,
            asof=ctx.asof,
            action=action,
            score=fusion.score,
            p_up=fusion.p_up,
            confidence=100.0 * chance.p,
            calibration=calibration.words(chance),
            fuser=self.learner.live,
            weights=fusion.weights,
            contributions=fusion.contributions,
            size_cap=ruling.size_cap,
            reasons=explain(
                Story(
                    action=action,
                    lean=lean,
                    ballot=ballot,
                    fusion=fusion,
                    fuser=self.learner.live,
                    calibration=calibration,
                    chance=chance,
                    judgement=judgement,
                    ruling=ruling,
                    record=record,
                    threshold=self.config.entry_threshold,
                    cost=self.config.cost,
                    thesis=thesis,
                    closing=closing,
                    price=price,
                )
            ),
            signals=ballot.signals,
            snapshot_hash=ctx.snapshot_hash,
            price=price,
            blocked_by=ruling.blocked_by,
            block_kind=ruling.block_kind,
            abstained_by=judgement.abstained_by,
            abstain_kind=judgement.abstain_kind,
            horizon_s=ctx.horizon_s,
            interval=(100.0 * chance.low, 100.0 * chance.high),
            n_calibration=calibration.n,
            p_buy=buy.p,
            p_sell=sell.p,
            shadows={name: found.score for name, found in fused.items()},
            expected_value=judgement.expected_value,
            regime=state.value,
            entry_id=thesis.decision_id if thesis else "",
        )

    def _case(
        self,
        ctx: Context,
        fusion: Fusion,
        calibration: Calibration,
        lean: Action,
        buy: Chance,
        sell: Chance,
        *,
        closing: bool,
    ) -> Case:
        return Case(
            lean=lean,
            p_up=fusion.p_up,
            p=_leaving(lean, buy, sell) if closing else sell.p if lean is Action.SELL else buy.p,
            calibrated=calibration.calibrated,
            threshold=self.config.entry_threshold,
            moves=moves(ctx.base, ctx.horizon_s),
            cost=self.config.cost,
            labels=self.learner.conformal.labels(buy.p, sell.p),
            closing=closing,
        )


def _price(ctx: Context) -> float:
    close = float(ctx.base.close[-1]) if len(ctx.base) else math.nan
    if not (math.isfinite(close) and close > 0.0):
        raise MarketDataError(
            f"{ctx.symbol}: last close {close!r} is not a finite number above 0; no decision without a price"
        )
    return close


def _lean(score: float) -> Action:
    if score == 0.0:
        return Action.HOLD
    return Action.BUY if score > 0.0 else Action.SELL


def _leaving(lean: Action, buy: Chance, sell: Chance) -> float:
    """P(the price moves the way of the one who leaves): nothing is to be earned, what pays neither side is halved."""
    down = (1.0 - buy.p + sell.p) / 2.0
    return down if lean is Action.SELL else 1.0 - down


def _closes(lean: Action, held: float) -> bool:
    """Whether the side leaned to shrinks what is held."""
    return (lean is Action.SELL and held > 0.0) or (lean is Action.BUY and held < 0.0)


__all__ = ["DecisionConfig", "DecisionEngine", "Resolution"]
