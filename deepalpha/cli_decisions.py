"""`deepalpha replay DECISION`: one decision of the log, made again."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import msgspec

from deepalpha.config import Workspace
from deepalpha.live.replay import Replayed, replay
from deepalpha.types import Decision, Signal

Result = tuple[Any, str]


def add_commands(commands: Any, add: Callable[..., argparse.ArgumentParser]) -> None:
    """Register the commands."""
    made = add(commands, "replay", _replay, "make a decision of the log again and compare every byte; no connection")
    made.add_argument("decision", help="its id, or the beginning of it")


def _replay(options: argparse.Namespace) -> Result:
    found = replay(Workspace(options.workspace), options.decision)
    value = {
        "decision": msgspec.to_builtins(found.decision),
        "identical": found.identical,
        "model_calls": found.model_calls,
        # A decision that cannot be repeated is a failure: exit code 1.
        "problems": list(found.differences),
    }
    return value, "\n".join((*_lines(found.decision), *_verdict(found)))


def _lines(decision: Decision) -> list[str]:
    where = f"{decision.symbol}: {decision.action.value.upper()} at {decision.price:g}"
    votes = [_vote(signal) for signal in decision.signals]
    return [
        f"{decision.decision_id}  {where}",
        f"  confidence {decision.confidence:.1f} % ({decision.calibration}), {decision.fuser}",
        *votes,
        *(f"  - {reason}" for reason in decision.reasons),
    ]


def _vote(signal: Signal) -> str:
    chance = "" if signal.p_up is None else f"  p(up) {signal.p_up:.3f}"
    return f"  {signal.agent:<10} {signal.vote.value:<5}{chance}"


def _verdict(found: Replayed) -> list[str]:
    models = f", {found.model_calls} answers of language models read from the log" if found.model_calls else ""
    if found.identical:
        return [f"identical with the log, byte for byte; no connection was opened{models}"]
    return ["NOT identical with the log:", *(f"  {line}" for line in found.differences)]
