"""Step 1, normalise: signals of one snapshot become a ballot with one place for each agent, in a fixed order.

Invariants: one signal an agent, all from the same snapshot; the ballot does not depend on the order of the signals;
only a voter with status ok has an opinion. A failure, a timeout and an abstention are no neutral vote: they are
absent, and no weight is learned from them. O(n log n).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from deepalpha.decision.clip import bounded_logit
from deepalpha.errors import ConfigError
from deepalpha.types import AgentRole, Context, Fact, Signal, SignalStatus


class Ballot(Fact, frozen=True):
    """The votes of one snapshot.

    `signals` are sorted by agent; `asked` are the voters, `stated` the p_up and `logits` the clipped log odds of those
    that had an opinion; `size_cap` is the least that a guard allows, nothing when a guard failed.
    """

    signals: tuple[Signal, ...]
    asked: tuple[str, ...]
    stated: dict[str, float]
    logits: dict[str, float]
    size_cap: float
    vetoes: tuple[Signal, ...]


def normalise(signals: Iterable[Signal], ctx: Context | None = None) -> Ballot:
    """Make the ballot.

    Args:
        signals: one for each agent, in any order.
        ctx: the snapshot they must come from; None skips that check.

    Raises:
        ConfigError: two signals of one agent, or one made from another snapshot.
    """
    ordered = tuple(sorted(signals, key=lambda signal: signal.agent))
    for before, after in itertools.pairwise(ordered):
        if before.agent == after.agent:
            raise ConfigError(f"two signals come from agent {after.agent!r}; an agent has one vote")
    for signal in ordered if ctx is not None else ():
        if ctx is not None and signal.snapshot_hash != ctx.snapshot_hash:
            raise ConfigError(
                f"the signal of {signal.agent!r} was made from another snapshot; run the agents on this one"
            )
    voters = [signal for signal in ordered if signal.role is AgentRole.VOTER]
    guards = [signal for signal in ordered if signal.role is AgentRole.GUARD]
    stated = {s.agent: s.p_up for s in voters if s.status is SignalStatus.OK and s.p_up is not None}
    return Ballot(
        signals=ordered,
        asked=tuple(signal.agent for signal in voters),
        stated=stated,
        logits={name: bounded_logit(p) for name, p in stated.items()},
        size_cap=min((allowed(guard) for guard in guards), default=1.0),
        vetoes=tuple(guard for guard in guards if allowed(guard) == 0.0),
    )


def allowed(guard: Signal) -> float:
    """What a guard allows; nothing when it failed, whatever its signal carries."""
    return guard.size_cap if guard.status is SignalStatus.OK else 0.0
