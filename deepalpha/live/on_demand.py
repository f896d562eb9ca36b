"""One decision on demand: the latest closed bar of a symbol, the agents' votes, what the engine makes of them.

It reads what the running or last account has learned and holds, and writes nothing but calls to language models: no
order comes of it, and the account decides later as if nobody had asked. With an engine running, its own decisions come
at the close of each bar.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal

import msgspec

from deepalpha.agents import discover, run_agents, series_needed
from deepalpha.agents.base import BaseAgent
from deepalpha.agents.review import check_reviewed, review_votes
from deepalpha.agents.runner import AgentRun, to_the_end
from deepalpha.config import Settings, Workspace
from deepalpha.decision import DecisionConfig, DecisionEngine, check_rules, context_at
from deepalpha.live.headlines import collect
from deepalpha.live.history import History
from deepalpha.live.position_view import position_view
from deepalpha.live.sources import replay_source
from deepalpha.llm import make_reviewer, make_router
from deepalpha.store import LLMCallLog, Ops
from deepalpha.types import DAY, Context, Decision, Fact, Position, PositionView

_LATEST = "SELECT account_id FROM equity ORDER BY id DESC LIMIT 1"
_HELD = "SELECT positions FROM equity WHERE account_id = ? ORDER BY id DESC LIMIT 1"
_EQUITIES = "SELECT equity FROM equity WHERE account_id = ?"
NOBODY = "on-demand"
"""The account of a workspace in which no engine ever ran."""


class Asked(Fact, frozen=True):
    """A decision that was asked for.

    Attributes:
        decision: what the engine would decide.
        account_id: whose lessons and holdings it rests on; empty when no engine ever ran here.
        problems: feeds and agents that failed, in words; the decision stands without them.
    """

    decision: Decision
    account_id: str
    problems: tuple[str, ...]


def decide_now(
    workspace: Workspace, settings: Settings, symbol: str, *, clock: Callable[[], int] = time.time_ns
) -> Asked:
    """Decide on the latest closed bar of a symbol in the catalog.

    Args:
        workspace: whose catalog, log and lessons are used.
        settings: as for an engine; the symbol need not be among its symbols.
        symbol: for example ``AAPL``.
        clock: our clock, UTC ns.

    Raises:
        MarketDataError: the catalog has no bars of the symbol; says how to get them.
        ConfigError: an agent, rule or model of the settings cannot be used.
    """
    symbols = tuple(dict.fromkeys((*settings.symbols, symbol)))
    return to_the_end(_OnDemand(workspace, settings.model_copy(update={"symbols": symbols}), clock).run(symbol))


class _OnDemand:
    def __init__(self, workspace: Workspace, settings: Settings, clock: Callable[[], int]) -> None:
        self.settings, self.clock = settings, clock
        self.ops = Ops(workspace.ops)
        self.account_id = str(self.ops.scalar(_LATEST) or "")
        self.source = replay_source(workspace, settings)
        self.agents: list[BaseAgent] = discover(settings.agents.enabled)
        self.problems = [words for agent in self.agents for words in agent.begin(workspace, settings.agents)]
        check_rules(settings.decision.rules, [agent.name for agent in self.agents], settings.symbols)

    async def run(self, symbol: str) -> Asked:
        ctx = self._context(symbol)
        runs = await self._votes(ctx)
        decider = DecisionEngine(DecisionConfig.of(self.settings), scope=self.account_id or NOBODY, clock=self.clock)
        memory = self.settings.decision.memory
        History(self.ops, self.account_id, self.settings.symbols, memory=memory).resume(decider, waiting=())
        decision = decider.decide(ctx, [run.signal for run in runs])
        return Asked(decision=decision, account_id=self.account_id, problems=tuple(self.problems))

    def _context(self, symbol: str) -> Context:
        asof = self.source.ts_event_of(symbol, self.source.last_ts_event)
        news, unread = collect(self.settings.agents, now=self.clock())
        self.problems += unread
        agents = self.settings.agents
        return context_at(
            self.source,
            self.settings,
            symbol=symbol,
            asof=asof,
            series=series_needed(self.agents),
            news=news.known(symbol, asof, int(agents.news_days * DAY)),
            position=self._position(symbol, asof),
        )

    def _position(self, symbol: str, asof: int) -> PositionView:
        """The account as its last step left it; practice cash when there is none."""
        found = self.ops.rows(_HELD, [self.account_id])
        held = msgspec.json.decode(str(found[0]["positions"]), type=tuple[Position, ...]) if found else ()
        known = [Decimal(str(row["equity"])) for row in self.ops.rows(_EQUITIES, [self.account_id])]
        equity = known[-1] if known else self.settings.account.cash
        return position_view(
            self.source,
            self.settings.symbols,
            symbol=symbol,
            asof=asof,
            positions=held,
            equity=equity,
            peak=max([self.settings.account.cash, *known]),
        )

    async def _votes(self, ctx: Context) -> list[AgentRun]:
        settings = self.settings
        runs = await run_agents(ctx, self.agents, deadline_s=settings.agents.deadline_s)
        if not settings.llm.enabled:
            return runs
        check_reviewed(settings.llm.reviewers, self.agents)
        run_id = f"ask-{self.clock():x}"
        log = LLMCallLog(self.ops, run_id=run_id, account_id=self.account_id or NOBODY)
        router = make_router(settings.llm, log, run_id=run_id, clock=self.clock)
        try:
            return await review_votes(ctx, runs, make_reviewer(settings.llm, router), settings.llm.reviewers)
        finally:
            await router.close()
