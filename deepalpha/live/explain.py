"""A stored decision in plain words, written by a language model as one watches: for a person's eyes, without any say.

The model is shown numbers, enumerations and evidence ids of the decision, never a headline or an agent's free text.
What it writes changes nothing; the call is budgeted and in the log like every other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal

from deepalpha.agents.review import alias
from deepalpha.agents.runner import to_the_end
from deepalpha.config import Settings, Workspace
from deepalpha.errors import EngineError
from deepalpha.live.replay import find_decision
from deepalpha.llm import CallStatus, Prompt, make_router, stream_text
from deepalpha.store import LLMCallLog, Ops
from deepalpha.types import Decision, Fact, encode

SYSTEM = """You explain one trading decision of a rule-based engine to the person who owns the account.
You get JSON with numbers: each agent's probability that the price rises, how much each contributed (log-odds, their
sum is the score), the calibrated confidence that the trade pays after costs, and what held it back, if anything did.
Write at most 150 words of plain English: what was decided, which two or three numbers carried it, what spoke against
it. Use only numbers you were given. Give no advice, make no forecast of your own, do not invent reasons."""
EVIDENCE = 40  # numbers shown: the first ones of each agent, in its order


class Explained(Fact, frozen=True):
    """An explanation: its text, the model call's status with the reason when it failed, who wrote it, and the cost."""

    decision_id: str
    text: str
    status: str
    reason: str
    model: str
    cost_usd: Decimal


def explain_decision(
    workspace: Workspace,
    settings: Settings,
    decision_id: str,
    *,
    show: Callable[[str], None] = lambda _: None,
) -> Explained:
    """Ask a model of the settings to put a stored decision into words.

    Args:
        workspace: whose log has the decision.
        settings: whose language models are asked, in failover order.
        decision_id: the id, or its beginning of at least six digits.
        show: gets each piece as it comes.

    Raises:
        EngineError: no such decision, or language models are switched off.
        ConfigError: a provider that cannot be used.
    """
    ops = Ops(workspace.ops)
    decision, account_id = find_decision(ops, decision_id)
    if not (settings.llm.enabled and settings.llm.providers):
        raise EngineError(
            "no language model is set up (llm.enabled, llm.providers); the engine's own reasons are shown by "
            f"`deepalpha replay {decision.decision_id[:10]}`"
        )
    return to_the_end(_explain(ops, settings, decision, account_id, show))


async def _explain(
    ops: Ops, settings: Settings, decision: Decision, account_id: str, show: Callable[[str], None]
) -> Explained:
    run_id = f"explain-{decision.decision_id}"
    log = LLMCallLog(ops, run_id=run_id, account_id=account_id)
    router = make_router(settings.llm, log, run_id=run_id)
    prompt = Prompt(
        system=SYSTEM,
        user=encode(facts_of(decision)).decode(),
        purpose="explain",
        cycle=decision.snapshot_hash,
        max_tokens=settings.llm.max_tokens,
        deadline_s=settings.llm.deadline_s,
    )
    stream = stream_text(router, prompt)
    try:
        async for piece in stream:
            show(piece)
    finally:
        await router.close()
    last = ops.rows(
        "SELECT provider, model, cost_usd FROM llm_call WHERE run_id = ? AND phase = 'done' ORDER BY id DESC LIMIT 1",
        [run_id],
    )
    model = f"{last[0]['provider']}/{last[0]['model']}" if last and last[0]["provider"] else ""
    return Explained(
        decision_id=decision.decision_id,
        text=stream.text,
        status=stream.status.value,
        reason="" if stream.status is CallStatus.OK else stream.reason,
        model=model,
        cost_usd=Decimal(str(last[0]["cost_usd"])) if last else Decimal(0),
    )


def facts_of(decision: Decision) -> dict[str, object]:
    """What a model is shown of a decision: no text that somebody outside this program wrote."""
    numbers = {
        alias(item.id): float(f"{item.value:.6g}")
        for signal in decision.signals
        for item in signal.evidence
        if isinstance(item.value, int | float) and math.isfinite(item.value)
    }
    return {
        "symbol": decision.symbol,
        "action": decision.action.value,
        "price": decision.price,
        "horizon_hours": round(decision.horizon_s / 3600, 2),
        "p_up": round(decision.p_up, 4),
        "score": round(decision.score, 4),
        "confidence_percent": round(decision.confidence, 1),
        "confidence_interval_percent": [round(bound, 1) for bound in decision.interval],
        "outcomes_behind_the_confidence": decision.n_calibration,
        "expected_value": decision.expected_value,
        "held_back_by": decision.block_kind or decision.abstain_kind or "nothing",
        "regime": decision.regime,
        "size_cap": decision.size_cap,
        "agents": {
            signal.agent: {
                "status": signal.status.value,
                "p_up": signal.p_up,
                "contribution": decision.contributions.get(signal.agent),
                "size_cap": signal.size_cap,
            }
            for signal in decision.signals
        },
        "evidence": dict(list(numbers.items())[:EVIDENCE]),
    }
