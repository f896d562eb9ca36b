"""Risk agent, a guard: volatility, historical VaR and CVaR, drawdowns, what else is held. It caps size or vetoes; it
never votes. For a position that is held it names the hedge among the account's symbols that leaves the least variance.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np

from deepalpha.agents.base import BaseAgent
from deepalpha.agents.numeric import (
    bars_per_day,
    bars_per_year,
    clamp,
    collect,
    evidence_of,
    historical_cvar,
    historical_var,
    log_returns,
    price_drawdown,
)
from deepalpha.types import AgentRole, BarFrame, Context, Evidence, Peer, Signal


class RiskParams(msgspec.Struct, frozen=True):
    """Thresholds of the risk agent. The final cap is the lowest of the single caps; 0 is a veto."""

    window: int = 250
    """Base-timeframe returns that are looked at."""
    min_returns: int = 60
    """Fewer returns than this: no measurement, and so no new position."""
    level: float = 0.95
    """Confidence level of VaR and CVaR."""
    volatility_target: float = 0.40
    """Annualised volatility up to which size is full; above it size shrinks as target / volatility."""
    volatility_veto: float = 2.0
    """Annualised volatility at which nothing new is opened."""
    cvar_target: float = 0.06
    """One-day CVaR up to which size is full; above it size shrinks as target / CVaR."""
    cvar_veto: float = 0.20
    """One-day CVaR at which nothing new is opened."""
    price_drawdown_start: float = 0.30
    """Fall from the window's high from which size shrinks linearly."""
    price_drawdown_end: float = 0.80
    """Fall at which size has shrunk to `price_drawdown_floor`."""
    price_drawdown_floor: float = 0.25
    """Smallest cap for a fallen price: a fallen price is a warning, not a ban."""
    account_drawdown_start: float = 0.05
    """Account drawdown from which size shrinks linearly."""
    account_drawdown_veto: float = 0.20
    """Account drawdown at which nothing new is opened."""
    exposure_start: float = 0.75
    """Exposure of the book to this symbol, correlated holdings included, as a share of equity, from which size shrinks
    linearly. A guard does not know the side of the order, so a book that leans either way counts alike."""
    exposure_veto: float = 2.0
    """Exposure at which nothing new is opened."""
    hedge_correlation: float = 0.5
    """|correlation| from which another symbol is named as a hedge."""


class _Measure(msgspec.Struct, frozen=True):
    """What was measured; fractions, volatility annualised, VaR and CVaR for one day."""

    volatility: float
    var: float
    cvar: float
    price_drawdown: float
    account_drawdown: float
    exposure: float
    """Of the book to this symbol as a share of equity: own holding + sum of the others' values times their pull; what
    cannot be measured counts in full, as if it moved alike."""


class RiskAgent(BaseAgent):
    """Caps the size by volatility, tail loss and drawdown; the reasons name the number and the bound."""

    name = "risk"
    role = AgentRole.GUARD
    params = RiskParams()

    async def analyze(self, ctx: Context) -> Signal:
        """Measure the base timeframe and the account; abstains (which closes the guard) on unusable data."""
        p, frame = self.params, ctx.base
        close = float(frame.close[-1]) if len(frame) else math.nan
        if not (math.isfinite(close) and close > 0):
            return Signal.abstain(f"the last close of {frame.timeframe} is {close:g}, which is no price")
        returns = log_returns(frame.close[-p.window - 1 :])
        if len(returns) < p.min_returns:
            return Signal.abstain(
                f"needs {p.min_returns} returns of {frame.timeframe} to measure risk, has {len(returns)}"
            )
        measure = self._measure(ctx, frame, returns)
        caps = self._caps(measure)
        size_cap = round(min(cap for cap, _ in caps), 4)
        limits = [reason for cap, reason in caps if cap < 1]
        summary = (
            f"volatility {measure.volatility:.0%} a year, one-day VaR {measure.var:.1%} and CVaR {measure.cvar:.1%} "
            f"at {p.level:.0%}, price {measure.price_drawdown:.0%} below its high"
        )
        hedge = self._hedge(ctx)
        evidence = collect(
            evidence_of(frame, "close"),
            Evidence(id="account:drawdown", value=measure.account_drawdown),
            Evidence(id=f"peer:{hedge.symbol}:correlation", value=hedge.correlation) if hedge else None,
            Evidence(id=f"peer:{hedge.symbol}:ratio", value=hedge.ratio) if hedge else None,
        )
        words = (*limits, summary, *self._book_words(ctx, measure), *([_hedge_words(ctx, hedge)] if hedge else []))
        return Signal.guard(size_cap, *words, evidence=evidence)

    def _hedge(self, ctx: Context) -> Peer | None:
        """The symbol that hedges what is held best; None when nothing is held or nothing moves with it."""
        if not ctx.position.quantity:
            return None
        known = [peer for peer in ctx.position.peers if abs(peer.correlation) >= self.params.hedge_correlation]
        return max(known, key=lambda peer: (abs(peer.correlation), peer.symbol), default=None)

    @staticmethod
    def _book_words(ctx: Context, measure: _Measure) -> tuple[str, ...]:
        held = [peer for peer in ctx.position.peers if peer.value]
        if not held:
            return ()
        largest = max(held, key=lambda peer: (abs(peer.value), peer.symbol))
        share = largest.value / ctx.position.equity if ctx.position.equity > 0 else math.nan
        correlations = [abs(peer.correlation) for peer in held if peer.n]
        alike = f", mean |correlation| {np.mean(correlations):.2f}" if correlations else ""
        if unknown := len(held) - len(correlations):
            alike += f", {unknown} not measured and counted in full"
        return (
            f"book: exposure to {ctx.symbol} {measure.exposure:+.0%} of equity with {len(held)} other holdings{alike}, "
            f"the largest {largest.symbol} {share:+.0%}",
        )

    def _measure(self, ctx: Context, frame: BarFrame, returns: np.ndarray) -> _Measure:
        p = self.params
        # Tail losses of one bar scale with the root of time to a day; a coarser bar scales down likewise.
        to_day = math.sqrt(bars_per_day(frame))
        account = abs(ctx.position.drawdown)
        equity = ctx.position.equity
        own = ctx.position.quantity * float(frame.close[-1])
        book = own + math.fsum(peer.value * peer.pull for peer in ctx.position.peers)
        book += math.copysign(math.fsum(abs(peer.value) for peer in ctx.position.peers if not peer.n), book)
        return _Measure(
            volatility=float(np.std(returns, ddof=1)) * math.sqrt(bars_per_year(frame)),
            var=historical_var(returns, p.level) * to_day,
            cvar=historical_cvar(returns, p.level) * to_day,
            price_drawdown=price_drawdown(frame.close[-p.window - 1 :]),
            account_drawdown=account if math.isfinite(account) else 1.0,
            # Without equity any holding is too much, and none is none.
            exposure=book / equity if equity > 0 else math.copysign(math.inf, book) if book else 0.0,
        )

    def _caps(self, m: _Measure) -> list[tuple[float, str]]:
        """(cap, reason) for each rule, the strictest first."""
        p = self.params
        rules: tuple[tuple[float, str], ...] = (
            (
                _ratio_cap(m.volatility, p.volatility_target, p.volatility_veto),
                f"volatility {m.volatility:.0%} a year (full size to {p.volatility_target:.0%}, "
                f"none from {p.volatility_veto:.0%})",
            ),
            (
                _ratio_cap(m.cvar, p.cvar_target, p.cvar_veto),
                f"one-day CVaR {m.cvar:.1%} (full size to {p.cvar_target:.0%}, none from {p.cvar_veto:.0%})",
            ),
            (
                _linear_cap(m.price_drawdown, p.price_drawdown_start, p.price_drawdown_end, p.price_drawdown_floor),
                f"price {m.price_drawdown:.0%} below its high (full size to {p.price_drawdown_start:.0%})",
            ),
            (
                _linear_cap(m.account_drawdown, p.account_drawdown_start, p.account_drawdown_veto, 0.0),
                f"account {m.account_drawdown:.1%} below its peak (full size to {p.account_drawdown_start:.0%}, "
                f"none from {p.account_drawdown_veto:.0%})",
            ),
            (
                _linear_cap(abs(m.exposure), p.exposure_start, p.exposure_veto, 0.0),
                f"exposure {m.exposure:+.0%} of equity with what moves alike (full size to {p.exposure_start:.0%}, "
                f"none from {p.exposure_veto:.0%})",
            ),
        )
        caps = []
        for cap, words in rules:
            caps.append((cap, f"size capped at {cap:.0%}: {words}" if cap else f"no new position: {words}"))
        return sorted(caps, key=lambda item: item[0])


def _hedge_words(ctx: Context, peer: Peer) -> str:
    """The order that would leave the least variance, as advice: no order is made from it."""
    long = ctx.position.quantity > 0
    side = "sell" if long == (peer.ratio > 0) else "buy"
    left = math.sqrt(max(0.0, 1.0 - peer.correlation**2))
    return (
        f"hedge: {side} {abs(peer.ratio):.2f} of {peer.symbol} for each 1.00 of {ctx.symbol} held, by value "
        f"(correlation {peer.correlation:+.2f} over {peer.n} bars; {left:.0%} of the volatility stays)"
    )


def _ratio_cap(value: float, target: float, veto: float) -> float:
    """1 up to `target`, target / value beyond, 0 from `veto` on and for a value that is no number."""
    if not value < veto:
        return 0.0
    return 1.0 if value <= target else target / value


def _linear_cap(value: float, start: float, end: float, floor: float) -> float:
    """1 up to `start`, linear to `floor` at `end` and beyond; 0 for a value that is no number."""
    if not math.isfinite(value):
        return 0.0
    share = clamp((value - start) / (end - start), 0.0, 1.0)
    return 1.0 - share * (1.0 - floor)
