"""Conflict rules: what holds a decision back although the votes have earned it, asked in this order.

1. Risk: a guard's veto, then a quorum of opinions. A cap only lowers the size.
2. Track record: the voters on this side have been right less often than those against it, beyond a 90 % interval.
3. Regime: in a turbulent market a split vote is no basis for a position.
4. Hand-written rules of the settings: ``{when: {agent: trend, vote: sell, regime: trending}, then: {cap: hold}}``.

Rules can only hold back or shrink, never turn or enlarge. None of them but the quorum stops the way out of a position.
Pure; O(agents + rules).
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence

from deepalpha.config import RuleSettings
from deepalpha.decision.agent_record import Z90, Standing
from deepalpha.decision.normalise import Ballot
from deepalpha.decision.regime import Regime
from deepalpha.errors import ConfigError
from deepalpha.types import Action, BlockKind, Fact, Signal

RECORD_NEEDED = 20.0
"""Effective outcomes a side must have before its record counts."""


class Question(Fact, frozen=True):
    """What the rules are asked. `standings` are the agents' records at the confidence they state now; `overlap` is how
    many horizons are open at once, by which an interval of theirs is too narrow."""

    symbol: str
    candidate: Action
    closing: bool
    ballot: Ballot
    regime: Regime
    standings: Mapping[str, Standing]
    overlap: float
    quorum: int


class Ruling(Fact, frozen=True):
    """Whether something forbids the action, how large it may be, and what the rules have to say."""

    size_cap: float
    block_kind: BlockKind | None = None
    blocked_by: str = ""
    notes: tuple[str, ...] = ()


def check_rules(rules: Iterable[RuleSettings], agents: Sequence[str], symbols: Sequence[str]) -> None:
    """Refuse a rule that can never hold because nothing has its name.

    Raises:
        ConfigError: an unknown agent or symbol, with the nearest one that exists.
    """
    for number, rule in enumerate(rules):
        for what, name, known in (("agent", rule.when.agent, agents), ("symbol", rule.when.symbol, symbols)):
            if name is not None and name not in known:
                nearest = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {nearest[0]!r}?" if nearest else f"there is {list(known)}"
                raise ConfigError(f"decision.rules.{number}.when.{what} = {name!r}: no such {what}; {hint}")


def decide_conflicts(question: Question, rules: Sequence[RuleSettings]) -> Ruling:
    """Ask the rules in their order; the first that forbids is named, sizes are cut by every one that holds."""
    ballot = question.ballot
    size_cap, notes = ballot.size_cap, []
    kind, words = _risk(question)
    if question.candidate is not Action.HOLD and not question.closing:
        for number, rule in enumerate(rules):
            if _holds(rule, question) and rule.then.size is not None:
                size_cap = min(size_cap, rule.then.size)
                notes.append(f"rule {number} cuts the size to {100.0 * rule.then.size:.0f} %: {_told(rule)}")
        if kind is None:
            kind, words = _conflict(question, rules)
    return Ruling(size_cap=size_cap, block_kind=kind, blocked_by=words, notes=tuple(notes))


def _risk(question: Question) -> tuple[BlockKind | None, str]:
    ballot = question.ballot
    if ballot.vetoes and not question.closing:
        guard = ballot.vetoes[0]
        return BlockKind.VETO, f"veto by {guard.agent}: {why(guard)}"
    opinions = len(ballot.stated)
    if opinions < question.quorum:
        return BlockKind.QUORUM, f"quorum: only {opinions} of {len(ballot.asked)} agents had an opinion"
    return None, ""


def _conflict(question: Question, rules: Sequence[RuleSettings]) -> tuple[BlockKind | None, str]:
    for_it, against = sides(question.ballot, question.candidate)
    if for_it and against:
        better = _record(question, for_it, against)
        if better:
            return BlockKind.TRACK_RECORD, f"track record: {better}"
        if question.regime is Regime.TURBULENT:
            return (
                BlockKind.REGIME,
                f"regime: a turbulent market and {', '.join(against)} against the {question.candidate}",
            )
    for number, rule in enumerate(rules):
        if rule.then.cap == "hold" and _holds(rule, question):
            return BlockKind.RULE, f"rule {number}: {_told(rule)}"
    return None, ""


def sides(ballot: Ballot, action: Action) -> tuple[list[str], list[str]]:
    """Voters for an action and voters for its opposite, by name."""
    up = [name for name, p_up in ballot.stated.items() if p_up > 0.5]
    down = [name for name, p_up in ballot.stated.items() if p_up < 0.5]
    return (up, down) if action is Action.BUY else (down, up)


def _record(question: Question, for_it: Sequence[str], against: Sequence[str]) -> str:
    """Why the records speak against the action, in words; empty when they do not."""
    ours, theirs = _pooled(question, for_it), _pooled(question, against)
    if ours is None or theirs is None:
        return ""
    (right, n), (other, m) = ours, theirs
    spread = math.sqrt(question.overlap * (right * (1.0 - right) / n + other * (1.0 - other) / m))
    if other - right <= Z90 * spread:
        return ""
    return (
        f"{', '.join(against)} against it, right {100.0 * other:.0f} % of the time (n={m:.0f}); "
        f"{', '.join(for_it)} for it, right {100.0 * right:.0f} % (n={n:.0f})"
    )


def _pooled(question: Question, names: Sequence[str]) -> tuple[float, float] | None:
    """Share right of several agents and the outcomes behind it; None when there are too few."""
    found = [question.standings[name] for name in names if name in question.standings]
    n = math.fsum(standing.outcomes for standing in found)
    if n < RECORD_NEEDED:
        return None
    return math.fsum(standing.right * standing.outcomes for standing in found) / n, n


def _holds(rule: RuleSettings, question: Question) -> bool:
    when = rule.when
    if when.agent is not None and _vote(question.ballot, when.agent) != when.vote:
        return False
    return (
        when.regime in (None, question.regime.value)
        and when.action in (None, question.candidate.value)
        and when.symbol in (None, question.symbol)
    )


def _vote(ballot: Ballot, agent: str) -> str:
    """What an agent says; empty when it has no opinion, so that a failure is not taken for a hold."""
    if agent not in ballot.stated:
        return ""
    return next(signal.vote.value for signal in ballot.signals if signal.agent == agent)


def _told(rule: RuleSettings) -> str:
    given = rule.when.model_dump(exclude_none=True)
    return "when " + ", ".join(f"{name} is {value}" for name, value in given.items())


def why(signal: Signal) -> str:
    """An agent's reasons in one line."""
    return "; ".join(signal.reasons) or "no reason given"


__all__ = ["Question", "Ruling", "check_rules", "decide_conflicts", "sides", "why"]
