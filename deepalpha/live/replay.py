"""One decision made again from what is stored: bars, headlines, settings, votes, lessons and model answers of then.

No connection is opened and nothing is written: language models answer from the log. Every hop is compared with its row:
the snapshot's hash, each agent's vote, the decision's bytes. A vote that failed or came too late is taken from the log,
because how long an agent took is no function of its input.
"""

from __future__ import annotations

import itertools
import json
from typing import Any

import msgspec

from deepalpha.agents import AgentRun, discover, run_agents, series_needed
from deepalpha.agents.review import review_votes
from deepalpha.agents.runner import to_the_end
from deepalpha.config import Settings, Workspace
from deepalpha.decision import DecisionConfig, DecisionEngine, context_at
from deepalpha.errors import EngineError
from deepalpha.live.headlines import logged
from deepalpha.live.history import History, Known
from deepalpha.live.sources import replay_source
from deepalpha.llm import make_replay, make_reviewer
from deepalpha.store import LLMCallLog, Ops
from deepalpha.types import Context, Decision, Fact, PositionView, Signal, SignalStatus, encode

SHORTEST_ID = 6  # hex digits: fewer would match by chance
SHOWN = 160  # characters of a value in a difference
# A range, not LIKE: it is looked up in the index. Ids are hex digits, all of which come before "g".
_DECISION = "SELECT * FROM decision WHERE decision_id >= ? AND decision_id < ? || 'g' ORDER BY decision_id LIMIT 2"
_SETTINGS = "SELECT body FROM audit WHERE kind = 'settings' AND ref = ? AND account_id = ? ORDER BY id DESC LIMIT 1"
_FAILED = frozenset({SignalStatus.ERROR, SignalStatus.TIMEOUT})


class Replayed(Fact, frozen=True):
    """A decision, made again.

    Attributes:
        decision: as it came out now.
        differences: where it is not what the log has, in words; empty when every byte is the same.
        model_calls: answers of language models that were read from the log.
    """

    decision: Decision
    differences: tuple[str, ...]
    model_calls: int

    @property
    def identical(self) -> bool:
        """Whether every byte is the same."""
        return not self.differences


def replay(workspace: Workspace, decision_id: str) -> Replayed:
    """Make a decision of the log again.

    Args:
        workspace: whose log and catalog are read.
        decision_id: the id, or its beginning of at least six digits.

    Raises:
        EngineError: no decision or more than one begins so, or its context, settings or bars are not there any more.
    """
    ops = Ops(workspace.ops)
    row = _decision_row(ops, decision_id)
    stored = msgspec.json.decode(str(row["body"]), type=Decision)
    context = ops.rows("SELECT * FROM context WHERE decision_id = ?", [stored.decision_id])
    settings = _settings(ops, row)
    if not context:
        raise EngineError(f"decision {stored.decision_id} has no context in the log; it cannot be made again")
    return to_the_end(_Replay(workspace, ops, settings, row, context[0], stored).run())


class _Replay:
    def __init__(
        self,
        workspace: Workspace,
        ops: Ops,
        settings: Settings,
        row: dict[str, Any],
        context: dict[str, Any],
        stored: Decision,
    ) -> None:
        self.ops, self.settings, self.row, self.stored = ops, settings, row, stored
        self.context_row = context
        self.seen = json.loads(str(context["body"]))
        self.account_id = str(row["account_id"])
        self.agents = discover(settings.agents.enabled)
        for agent in self.agents:
            agent.begin(workspace, settings.agents)
        self.source = replay_source(workspace, settings)
        self.model_calls = 0
        self.differences: list[str] = []

    async def run(self) -> Replayed:
        ctx = self._context()
        self._differ(
            "snapshot", ctx.snapshot_hash, self.stored.snapshot_hash, "bars or headlines are not those of then"
        )
        before = {signal.agent: signal for signal in self.stored.signals}
        signals = [self._as_logged(run.signal, before) for run in await self._votes(ctx)]
        for signal in signals:
            then = before.get(signal.agent)
            if then is None:
                self.differences.append(f"{signal.agent}: has no vote in the log")
            elif encode(signal) != encode(then):
                self.differences.append(f"{signal.agent}: {_changed(signal, then)}")
        decision = self._decider().decide(ctx, signals)
        if encode(decision) != encode(self.stored):
            self.differences.append(f"decision: {_changed(decision, self.stored)}")
        return Replayed(decision=decision, differences=tuple(self.differences), model_calls=self.model_calls)

    def _differ(self, what: str, now: str, then: str, why: str) -> None:
        if now != then:
            self.differences.append(f"{what}: {now[:12]} now, {then[:12]} in the log; {why}")

    def _context(self) -> Context:
        settings, asof = self.settings, int(self.context_row["ts_event"])
        symbol = str(self.context_row["symbol"])
        return context_at(
            self.source,
            settings,
            symbol=symbol,
            asof=asof,
            series=series_needed(self.agents),
            news=logged(self.ops, symbol, self.seen["news"], until=int(self.context_row["ts_init"])),
            position=msgspec.convert(self.seen["position"], PositionView),
        )

    async def _votes(self, ctx: Context) -> list[AgentRun]:
        settings = self.settings
        runs = await run_agents(ctx, self.agents, deadline_s=settings.agents.deadline_s)
        if not settings.llm.enabled:
            return runs
        log = LLMCallLog(self.ops, run_id="", account_id=self.account_id)
        answers = make_replay(
            settings.llm, log, cycle=self.stored.snapshot_hash, until=int(self.context_row["ts_init"])
        )
        reviewed = await review_votes(ctx, runs, make_reviewer(settings.llm, answers), settings.llm.reviewers)
        self.model_calls = answers.found
        return reviewed

    def _as_logged(self, now: Signal, before: dict[str, Signal]) -> Signal:
        then = before.get(now.agent)
        return then if then is not None and then.status in _FAILED else now

    def _decider(self) -> DecisionEngine:
        settings = self.settings
        decider = DecisionEngine(DecisionConfig.of(settings), scope=self.account_id, clock=lambda: 0)
        History(
            self.ops,
            self.account_id,
            settings.symbols,
            memory=settings.decision.memory,
            before=int(self.row["id"]),
            known=msgspec.convert(self.seen["known"], Known),
        ).resume(decider, waiting=())
        return decider


def find_decision(ops: Ops, decision_id: str) -> tuple[Decision, str]:
    """A stored decision by its id or the beginning of it, and its account. EngineError: none, or more than one."""
    row = _decision_row(ops, decision_id)
    return msgspec.json.decode(str(row["body"]), type=Decision), str(row["account_id"])


def _decision_row(ops: Ops, decision_id: str) -> dict[str, Any]:
    if len(decision_id) < SHORTEST_ID or not decision_id.isalnum():
        raise EngineError(f"{decision_id!r} is no decision's id; give at least its first {SHORTEST_ID} digits")
    found = ops.rows(_DECISION, [decision_id, decision_id])
    if len(found) != 1:
        many = "more than one decision begins" if found else "no decision begins"
        raise EngineError(f"{many} with {decision_id}; see `select decision_id, symbol, ts from decisions`")
    return dict(found[0])


def _settings(ops: Ops, row: dict[str, Any]) -> Settings:
    """What the run that made a decision was set to."""
    found = ops.rows(_SETTINGS, [row["run_id"], row["account_id"]])
    if not found:
        raise EngineError(
            f"decision {row['decision_id']} is from a version that did not keep its settings; it cannot be made again"
        )
    return Settings.from_mapping(json.loads(str(found[0]["body"])), source=f"settings of {row['run_id']}")


def _changed(now: Fact, then: Fact) -> str:
    """The first fields that differ, with both values."""
    found = []
    for name in now.__struct_fields__:
        pair = getattr(now, name), getattr(then, name)
        if encode(pair[0]) != encode(pair[1]):
            new, old = _apart(*pair) if isinstance(pair[0], tuple) and isinstance(pair[1], tuple) else pair
            found.append(f"{name} is {_short(new)}, was {_short(old)}")
    return "; ".join(found[:3])


def _apart(now: tuple[object, ...], then: tuple[object, ...]) -> tuple[object, object]:
    """The first items that differ."""
    pairs = itertools.zip_longest(now, then, fillvalue="nothing")
    return next((pair for pair in pairs if encode(pair[0]) != encode(pair[1])), (now, then))


def _short(value: object) -> str:
    text = encode(value).decode()
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."
