"""From signals to a decision: fuse, check the quorum and the guards, label the confidence, name it by a hash."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from deepalpha.decision.fuse import FUSER, Fusion, fuse
from deepalpha.decision.memory import DecisionMemory, Record, Remembered
from deepalpha.errors import ConfigError, MarketDataError, StoreError
from deepalpha.types import SECOND, Action, AgentRole, Context, Decision, Signal, SignalStatus, encode

CACHE_ENTRIES = 256  # a decision is a few kB and this covers every symbol of a large watch list
ID_LENGTH = 24  # hex digits: 96 bits, no collision in any log that fits on a disk


class DecisionConfig(BaseModel):
    """How votes become an action. Part of every decision id."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    entry_threshold: float = Field(default=0.56, gt=0.5, lt=0.9)
    memory: int = Field(default=100, ge=1, le=10_000)
    cache_s: float = Field(default=300.0, ge=0, le=86_400)
    quorum: int = Field(default=2, ge=1, le=20)
    horizon_bars: int = Field(default=5, ge=1, le=1000)


class DecisionEngine:
    """Turns one snapshot's signals into one decision; remembers what became of earlier ones.

    Args:
        config: thresholds and sizes.
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
        self._clock = clock
        self._memory = DecisionMemory(config.memory)
        self._cache: OrderedDict[bytes, tuple[int, Decision]] = OrderedDict()

    def decide(self, ctx: Context, signals: Iterable[Signal], *, price: float) -> Decision:
        """Decide on one snapshot.

        Args:
            ctx: the snapshot the signals were made from.
            signals: one for each agent, in any order; the result does not depend on it.
            price: last price, the reference for sizing and for the later outcome. Not part of the id: the snapshot's
                last bar already is.

        Returns:
            buy when p_up >= entry_threshold, sell when p_up <= 1 - entry_threshold, else hold; hold with `blocked_by`
            when fewer than `quorum` voters have an opinion or a guard vetoes. The same snapshot, signals and track
            record within `cache_s` give the same object, with the price it was made at.

        Raises:
            MarketDataError: `price` is not a finite number above 0.
            ConfigError: two signals of one agent, or a signal made from another snapshot.
        """
        if not (math.isfinite(price) and price > 0):
            raise MarketDataError(
                f"{ctx.symbol}: price {price!r} is not a finite number above 0; no decision without one"
            )
        ordered = tuple(sorted(signals, key=lambda signal: signal.agent))
        _check(ctx, ordered)
        record = self._memory.record(ctx.symbol, ctx.asof)
        key = self._key(ctx, ordered, record)
        now = self._clock()
        cached = self._cache.get(key)
        if cached is not None and now - cached[0] < self.config.cache_s * SECOND:
            self.cache_hits += 1
            return cached[1]
        self.cache_misses += 1
        decision = self._make(ctx, ordered, record, price, key.hex()[:ID_LENGTH])
        self._memory.add(decision, ctx.horizon_s)
        self._cache[key] = (now, decision)
        self._cache.move_to_end(key)
        while len(self._cache) > CACHE_ENTRIES:
            self._cache.popitem(last=False)
        return decision

    def observe(self, symbol: str, ts_event: int, close: float) -> int:
        """Tell the memory a close; decisions whose horizon has ended get it as outcome. Returns how many did.

        Args:
            symbol: whose close.
            ts_event: UTC ns of the close; feed bars in time order, so that the first one after the horizon counts.
            close: a non-finite one is ignored.
        """
        return self._memory.observe(symbol, ts_event, close)

    def replay(self, decisions: Iterable[Decision], closes: Iterable[tuple[int, float]], *, horizon_s: int) -> None:
        """Rebuild one symbol's memory from the log, so that a restarted engine gives the same ids.

        Args:
            decisions: the last decisions on the symbol, oldest first.
            closes: every (ts_event, close) after the first of them, oldest first.
            horizon_s: what the decisions were meant over.
        """
        symbols = set()
        for decision in decisions:
            symbols.add(decision.symbol)
            self._memory.add(decision, horizon_s)
        for ts_event, close in closes:
            for symbol in symbols:
                self._memory.observe(symbol, ts_event, close)

    def memory(self, symbol: str) -> tuple[Remembered, ...]:
        """The last `config.memory` decisions on a symbol, oldest first, with their outcomes where known."""
        return self._memory.recall(symbol)

    def state(self) -> dict[str, Any]:
        """What a restart needs to go on with identical ids, as JSON-able values. The cache is not part of it."""
        return {"scope": self.scope, **self._memory.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state()` gave.

        Raises:
            StoreError: the state belongs to another scope or cannot be read; the engine is unchanged.
        """
        if state.get("scope") != self.scope:
            raise StoreError(
                f"decision state of {state.get('scope')!r} cannot continue in {self.scope!r}; start afresh"
            )
        self._memory.restore(state)
        self._cache.clear()

    def _key(self, ctx: Context, signals: tuple[Signal, ...], record: Record) -> bytes:
        """Digest of everything a decision depends on; its head is the decision id, the whole is the cache key."""
        content = (self.scope, ctx.snapshot_hash, signals, FUSER, self.config.model_dump(), record)
        return hashlib.sha256(encode(content)).digest()

    def _make(
        self, ctx: Context, signals: tuple[Signal, ...], record: Record, price: float, decision_id: str
    ) -> Decision:
        fusion = fuse(signals)
        size_cap = min((_cap(signal) for signal in signals if signal.role is AgentRole.GUARD), default=1.0)
        blocked_by = self._block(fusion, signals)
        action = Action.HOLD if blocked_by else self._action(fusion.p_up)
        return Decision(
            decision_id=decision_id,
            symbol=ctx.symbol,
            asof=ctx.asof,
            action=action,
            score=fusion.score,
            p_up=fusion.p_up,
            confidence=100.0 * max(fusion.p_up, 1.0 - fusion.p_up),
            calibration=record.words,
            fuser=FUSER,
            weights=fusion.weights,
            contributions=fusion.contributions,
            size_cap=size_cap,
            reasons=self._reasons(fusion, signals, action, size_cap, blocked_by),
            signals=signals,
            snapshot_hash=ctx.snapshot_hash,
            price=price,
            blocked_by=blocked_by,
        )

    def _action(self, p_up: float) -> Action:
        if p_up >= self.config.entry_threshold:
            return Action.BUY
        return Action.SELL if p_up <= 1.0 - self.config.entry_threshold else Action.HOLD

    def _block(self, fusion: Fusion, signals: tuple[Signal, ...]) -> str:
        """Why nothing may be done, or an empty string."""
        if fusion.opinions < self.config.quorum:
            return f"quorum: only {fusion.opinions} of {fusion.voters} agents had an opinion"
        for signal in signals:
            if signal.role is AgentRole.GUARD and _cap(signal) == 0.0:
                return f"veto by {signal.agent}: {_why(signal)}"
        return ""

    def _reasons(
        self, fusion: Fusion, signals: tuple[Signal, ...], action: Action, size_cap: float, blocked_by: str
    ) -> tuple[str, ...]:
        """The decision in words: the outcome, then each agent, the weightiest contribution first."""
        threshold = 100.0 * self.config.entry_threshold
        head = (
            f"{action}: p(up) {100.0 * fusion.p_up:.1f} %, buy from {threshold:g} %, sell from {100.0 - threshold:g} %"
        )
        lines = [f"{head}; blocked: {blocked_by}" if blocked_by else head]
        ranked = sorted(signals, key=lambda s: (-abs(fusion.contributions.get(s.agent, 0.0)), s.agent))
        for signal in ranked:
            share = fusion.contributions.get(signal.agent)
            if share is not None:
                lines.append(f"{signal.agent} says {signal.vote} ({share:+.3f}): {_why(signal)}")
            elif signal.role is AgentRole.GUARD and signal.status is SignalStatus.OK:
                lines.append(f"{signal.agent} caps the size at {100.0 * signal.size_cap:.0f} %: {_why(signal)}")
            else:
                lines.append(f"{signal.agent} gave no opinion ({signal.status}): {_why(signal)}")
        if 0.0 < size_cap < 1.0:
            lines.append(f"size is cut to {100.0 * size_cap:.0f} %")
        return tuple(lines)


def _cap(signal: Signal) -> float:
    """What a guard allows; nothing when it failed, whatever its signal carries."""
    return signal.size_cap if signal.status is SignalStatus.OK else 0.0


def _why(signal: Signal) -> str:
    return "; ".join(signal.reasons) or "no reason given"


def _check(ctx: Context, signals: tuple[Signal, ...]) -> None:
    for before, after in itertools.pairwise(signals):
        if before.agent == after.agent:
            raise ConfigError(f"two signals come from agent {after.agent!r}; an agent has one vote")
    for signal in signals:
        if signal.snapshot_hash != ctx.snapshot_hash:
            raise ConfigError(
                f"the signal of {signal.agent!r} was made from another snapshot; run the agents on this one"
            )
