"""`deepalpha decide SYMBOL`: one decision on demand; `replay`: one of the log, made again; `explain`: in words."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from deepalpha.config import Workspace
from deepalpha.live.explain import explain_decision
from deepalpha.live.on_demand import decide_now
from deepalpha.live.process import load_settings
from deepalpha.live.replay import Replayed, replay
from deepalpha.types import AgentRole, Decision, Signal, SignalStatus

Result = tuple[Any, str]


def add_commands(commands: Any, add: Callable[..., argparse.ArgumentParser]) -> None:
    """Register the commands."""
    asked = add(
        commands, "decide", _decide, "votes and decision on the latest closed bar of a symbol; no order comes of it"
    )
    asked.add_argument("symbol", help="for example AAPL; it must be in the catalog (`deepalpha data ls`)")
    asked.add_argument("--settings", type=Path, help="a YAML file; default: settings.yaml of the workspace")
    told = add(
        commands, "explain", _explain, "a decision in plain words by a language model of the settings, as it writes"
    )
    told.add_argument("decision", help="its id, or the beginning of it")
    told.add_argument("--settings", type=Path, help="a YAML file; default: settings.yaml of the workspace")
    made = add(commands, "replay", _replay, "make a decision of the log again and compare every byte; no connection")
    made.add_argument("decision", help="its id, or the beginning of it")


def _decide(options: argparse.Namespace) -> Result:
    workspace = Workspace(options.workspace)
    asked = decide_now(workspace, load_settings(workspace, options.settings), options.symbol)
    value = {
        "decision": msgspec.to_builtins(asked.decision),
        "account_id": asked.account_id,
        "warnings": list(asked.problems),
    }
    rests = f"by what {asked.account_id} has learned and holds" if asked.account_id else "nothing learned here yet"
    when = datetime.fromtimestamp(asked.decision.asof / 1e9, UTC).strftime("%Y-%m-%d %H:%M UTC")
    said = [*_lines(asked.decision), *(f"warning: {words}" for words in asked.problems)]
    return value, "\n".join((*said, f"as of {when}, {rests}; no order was made"))


def _explain(options: argparse.Namespace) -> Result:
    workspace = Workspace(options.workspace)

    def show(piece: str) -> None:
        print(piece, end="", flush=True)

    pieces = {} if options.json else {"show": show}
    told = explain_decision(workspace, load_settings(workspace, options.settings), options.decision, **pieces)
    value = msgspec.to_builtins(told) | {"cost_usd": float(told.cost_usd)}
    if told.status != "ok":
        value["problems"] = [f"{told.status}: {told.reason}"]
        return value, f"\nno explanation ({told.status}): {told.reason}"
    return value, f"\n({told.model}, {told.cost_usd:.4f} US$; written from the decision's numbers, it decides nothing)"


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
    if signal.status is not SignalStatus.OK:
        said = signal.status.value
    elif signal.role is AgentRole.GUARD:
        said = f"size to {signal.size_cap:.0%}"
    else:
        said = f"{signal.vote.value:<5} p(up) {signal.p_up:.3f}"
    return f"  {signal.agent:<10} {said}"


def _verdict(found: Replayed) -> list[str]:
    models = f", {found.model_calls} answers of language models read from the log" if found.model_calls else ""
    if found.identical:
        return [f"identical with the log, byte for byte; no connection was opened{models}"]
    return ["NOT identical with the log:", *(f"  {line}" for line in found.differences)]
