"""Several answers to one question, and how much they agree.

The agreement rate is a better measure of certainty than what a model says about itself. The members answer at the same
time, each by a call of its own, so a replay of the ensemble is the replay of its calls. Combining is pure and does not
depend on the order in which the answers came.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

from pydantic import BaseModel

from deepalpha.errors import LLMError
from deepalpha.llm.recorded import MAX_REASON_CHARS, Completer
from deepalpha.llm.request import CallStatus, LLMRequest, LLMResult, Usage

T = TypeVar("T", bound=BaseModel)


async def ensemble(
    completer: Completer,
    request: LLMRequest[T],
    *,
    vote: Callable[[T], str],
    samples: int = 1,
    names: Sequence[str] | None = None,
    quorum: int | None = None,
) -> LLMResult[T]:
    """The answer with the most weight behind it.

    Args:
        completer: who answers.
        request: the question; each member gets it with its own sample number.
        vote: what of an answer counts as the same opinion, e.g. its verdict.
        samples: answers from each member.
        names: members, all when None.
        quorum: answers needed; more than half of those asked when None.

    Raises:
        LLMError: no member, or samples or quorum out of bounds.
    """
    chosen = completer.names if names is None else tuple(names)
    asked = len(chosen) * samples
    needed = asked // 2 + 1 if quorum is None else quorum
    if not 1 <= samples <= 9 or not chosen or not 1 <= needed <= asked:
        raise LLMError(
            f"an ensemble of {len(chosen)} members with {samples} samples and quorum {needed}: "
            "use at least one member, samples in 1..=9, and a quorum from 1 to all of them"
        )
    draws = [(name, number) for name in chosen for number in range(samples)]
    results = await asyncio.gather(
        *(completer.complete(replace(request, sample=number), route=(name,)) for name, number in draws)
    )
    weights = [completer.weight(name) for name, _ in draws]
    return combine(results, weights, vote=vote, quorum=needed)


def combine(
    results: Sequence[LLMResult[T]], weights: Sequence[int], *, vote: Callable[[T], str], quorum: int
) -> LLMResult[T]:
    """One result from several; its answer is the first one of the opinion that has the most weight."""
    say: dict[str, int] = {}
    first: dict[str, LLMResult[T]] = {}
    for result, weight in zip(results, weights, strict=True):
        if result.parsed is not None:
            opinion = vote(result.parsed)
            say[opinion] = say.get(opinion, 0) + weight
            first.setdefault(opinion, result)
    answered = sum(result.parsed is not None for result in results)
    failures = [result for result in results if result.parsed is None]
    status, reason, parsed, agreement = CallStatus.NO_QUORUM, "", None, None
    best = max(say.values(), default=0)
    leading = [opinion for opinion, weight in say.items() if weight == best]
    chosen = first[leading[0]] if leading else results[0]
    if any(result.status is CallStatus.NOT_RECORDED for result in failures):
        # Part of an ensemble cannot be told from the whole: what is missing could have won.
        status, reason = (
            CallStatus.NOT_RECORDED,
            next(r.reason for r in failures if r.status is CallStatus.NOT_RECORDED),
        )
    elif not answered and len({result.status for result in failures}) == 1:
        status, reason = failures[0].status, failures[0].reason
    elif answered < quorum:
        causes = "; ".join(f"{result.status.value}: {result.reason}" for result in failures)
        reason = f"{answered} of {len(results)} answered, {quorum} are needed: {causes}"
    elif len(leading) > 1:
        reason = f"tied between {' and '.join(sorted(leading))}"
    else:
        status, parsed, agreement = CallStatus.OK, chosen.parsed, best / sum(say.values())
    usage = Usage()
    for result in results:
        usage += result.usage
    return replace(
        chosen,
        status=status,
        reason=reason[:MAX_REASON_CHARS],
        parsed=parsed,
        usage=usage,
        cost_usd=sum((result.cost_usd for result in results), Decimal(0)),
        cost_is_bound=any(result.cost_is_bound for result in results),
        latency_ms=max(result.latency_ms for result in results),
        attempts=sum(result.attempts for result in results),
        samples=answered,
        agreement=agreement,
        replayed=all(result.replayed for result in results),
    )
