"""Votes that a language model has looked at once more, for the agents the settings name.

What a review can do is bounded by the reviewer: half a unit of log-odds, and nothing at all when it failed. Either way
the vote says so in its reasons, which are part of the decision's id; the call itself is in the log under the snapshot's
hash.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import Collection, Sequence
from dataclasses import replace

import msgspec

from deepalpha.agents.base import BaseAgent
from deepalpha.agents.runner import AgentRun
from deepalpha.errors import ConfigError
from deepalpha.llm import Reviewer, ReviewOutcome
from deepalpha.llm.reviewer import MAX_EVIDENCE
from deepalpha.types import AgentRole, Context, Signal, SignalStatus


def check_reviewed(names: Collection[str], agents: Sequence[BaseAgent]) -> None:
    """ConfigError for a name that is no voter among these agents."""
    voters = [agent.name for agent in agents if agent.role is AgentRole.VOTER]
    if unknown := sorted(set(names) - set(voters)):
        raise ConfigError(f"llm.reviewers {unknown} are no voters of this engine; it has {voters}")


async def review_votes(
    ctx: Context, runs: Sequence[AgentRun], reviewer: Reviewer, names: Collection[str]
) -> list[AgentRun]:
    """The runs, with the named agents' votes reviewed; all reviews are asked for at once.

    A vote without numeric evidence, of 0 or of 1, or of a status other than ok goes through as it is.
    """
    return list(await asyncio.gather(*(_reviewed(ctx, run, reviewer, names) for run in runs)))


async def _reviewed(ctx: Context, run: AgentRun, reviewer: Reviewer, names: Collection[str]) -> AgentRun:
    signal = run.signal
    if signal.agent not in names or signal.status is not SignalStatus.OK or signal.p_up is None:
        return run
    numbers = {item.id: float(item.value) for item in signal.evidence if isinstance(item.value, int | float)}
    known = dict([item for item in numbers.items() if math.isfinite(item[1])][:MAX_EVIDENCE])
    if not known or not 0.0 < signal.p_up < 1.0:
        return msgspec.structs.replace(run, signal=_said(signal, "not reviewed: no numbers to look at", signal.p_up))
    named = {alias(name): name for name in known}
    outcome = await reviewer.review(
        agent=signal.agent,
        p_up=signal.p_up,
        horizon_s=ctx.horizon_s,
        evidence={alias: known[name] for alias, name in named.items()},
        cycle=ctx.snapshot_hash,
    )
    outcome = replace(outcome, evidence_ids=tuple(named[alias] for alias in outcome.evidence_ids))
    odds = math.log(signal.p_up / (1.0 - signal.p_up)) + outcome.shift
    p_up = round(1.0 / (1.0 + math.exp(-odds)), 6) if outcome.shift else signal.p_up
    return msgspec.structs.replace(run, signal=_said(signal, _words(outcome), p_up))


def alias(name: str) -> str:
    """A headline's id may come from somebody else's file and read like a sentence: a model sees a digest of it."""
    source, _, what = name.partition(":")
    return f"news:{hashlib.sha256(what.encode()).hexdigest()[:12]}" if source == "news" else name


def _said(signal: Signal, words: str, p_up: float) -> Signal:
    return msgspec.structs.replace(signal, p_up=p_up, reasons=(*signal.reasons, words))


def _words(outcome: ReviewOutcome) -> str:
    if outcome.verdict:
        cited = ", ".join(outcome.evidence_ids)
        return f"review by {outcome.model}: {outcome.verdict} ({outcome.shift:+.2f} log-odds), citing {cited}"
    return f"not reviewed ({outcome.status}): {outcome.reason}"
