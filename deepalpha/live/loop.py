"""The loop: market -> agents -> decision -> risk -> approval -> order -> store, one step of the market at a time.

Single writer of one account. Each step is one transaction of the log, and its equity row is the cursor: `kill -9` at
any moment leaves whole steps, and the next start continues after the last one. Orders that were logged but not yet sent
are sent again under the same id, through the gate.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

import numpy as np

from deepalpha.agents import discover, run_agents, series_needed
from deepalpha.agents.base import BaseAgent
from deepalpha.agents.review import check_reviewed, review_votes
from deepalpha.config import Settings, Workspace
from deepalpha.decision import DecisionConfig, DecisionEngine, check_rules, context_at
from deepalpha.errors import HubError, StoreError
from deepalpha.execution import STATISTICS_BARS, PracticeAccount, plan_order
from deepalpha.live.ahead import AT_START, ReadAhead
from deepalpha.live.broadcast import Broadcast
from deepalpha.live.commands import CommandDesk
from deepalpha.live.headlines import HeadlineLog, collect
from deepalpha.live.history import Known
from deepalpha.live.pending import Pending, PendingBook
from deepalpha.live.position_view import position_view
from deepalpha.live.records import Batch, Scribe
from deepalpha.live.recovery import Recovery
from deepalpha.live.reducing import BY as REDUCER
from deepalpha.live.reducing import Reducer
from deepalpha.live.sources import replay_source
from deepalpha.llm import Reviewer, Router, contaminating, make_reviewer, make_router
from deepalpha.market import NewsRefresher, ReplaySource, Step, check_timeframe
from deepalpha.risk import risk_rows
from deepalpha.store import LLMCallLog, Ops, Row, project, rows
from deepalpha.types import (
    DAY,
    Account,
    Approval,
    Candle,
    Context,
    Decision,
    DecisionStatus,
)

HEARTBEAT_S = 1.0
PROJECT_S = 5.0
POLL_S = 0.05


class Loop:
    """One engine over one workspace.

    Args:
        workspace: where everything is kept.
        settings: what to run.
        account_id: session to run or continue; None continues the latest, or begins `practice-1`.
        source: the market; None replays what the settings say.
        clock: our clock, UTC ns.
    """

    def __init__(
        self,
        workspace: Workspace,
        settings: Settings,
        *,
        account_id: str | None = None,
        source: ReplaySource | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.workspace = workspace
        self.settings = settings
        self.clock = clock
        self.ops = Ops(workspace.ops)
        self.run_id = f"run-{clock():x}-{os.getpid()}"
        self.bar_ns = check_timeframe(settings.timeframe)
        self.source = replay_source(workspace, settings) if source is None else source
        self.news, unread = collect(settings.agents, now=clock())
        self.feeds = NewsRefresher(settings.agents.feeds, interval_s=settings.agents.feed_interval_s, clock=clock)
        self.agents: list[BaseAgent] = discover(settings.agents.enabled)
        troubles = [words for agent in self.agents for words in agent.begin(workspace, settings.agents)]
        self.ahead = ReadAhead(self.agents)
        self.series = series_needed(self.agents)
        self.approval = settings.approval
        self.bars_per_second = settings.replay.bars_per_second
        self.paused = False
        self.stopping = False
        self.wants_new_session = False
        self.broadcast: Broadcast | None = None
        self.hub: str | None = None
        self._untold: list[str] = []
        self.begin(account_id or self._latest_account())
        self.ahead.add(self.news.since(self.cursor - int(settings.agents.news_days * DAY)))
        self._note_unread(unread)
        self._note_agents([*troubles, *self.ahead.read(AT_START)])

    def note(self, kind: str, what: str, problem: str) -> None:
        """Write into the log that something beside the loop failed; trading goes on."""
        batch = self.scribe.batch()
        batch.audit(kind, what, "failed", self.cursor, {"message": problem})
        batch.commit()

    def _note_unread(self, problems: Iterable[str]) -> None:
        for problem in problems:
            self.note("news", "feed", problem)

    def _note_agents(self, problems: Iterable[str]) -> None:
        for problem in problems:
            self.note("agents", "ready", problem)

    def hear(self) -> None:
        """Take the headlines the feeds brought since the last call; never waits for the network."""
        news = self.feeds.take()
        if self.news.add(news.headlines):
            batch = self.scribe.batch()
            self.headlines.write(self.news, batch)
            batch.commit()
        self.ahead.add(news.headlines)
        self._note_unread(news.problems)
        self._note_agents(self.ahead.read())

    def _latest_account(self) -> str:
        found = self.ops.scalar("SELECT account_id FROM equity ORDER BY id DESC LIMIT 1")
        return str(found) if found else f"{self.settings.mode.value}-1"

    def begin(self, account_id: str) -> None:
        """Set up an account, fresh or from the log."""
        self.account_id = account_id
        self.router, self.reviewer = self._models(account_id)
        self.decider = self._decider(account_id)
        self.scribe = Scribe(
            self.ops,
            run_id=self.run_id,
            account_id=account_id,
            clock=self.clock,
            told=self._tell,
            filled=self.decider.filled,
        )
        self.account = PracticeAccount(self.settings, self.source.instruments(), bar_ns=self.bar_ns)
        self.pending = PendingBook()
        self.peak = self.settings.account.cash
        self.cursor = 0
        self.desk = CommandDesk(self)
        self.reducer = Reducer(self)
        Recovery(self).run()
        self._next: Step | None = None
        self._look()
        self.contaminated = self._contaminated()
        self._keep_settings()

    def _keep_settings(self) -> None:
        """Write down what this run is set to and the headlines it starts with: a replay needs both.

        Addresses of feeds stay out: some carry a subscriber's key.
        """
        batch = self.scribe.batch()
        body = self.settings.model_dump(mode="json", exclude={"agents": {"feeds"}})
        batch.audit("settings", self.run_id, "begun", self.cursor, body)
        if self.contaminated:
            told = {"models": self.contaminated, "message": "may have read these days in training; not a fair test"}
            batch.audit("contaminated", self.run_id, "marked", self.cursor, told)
        self.headlines = HeadlineLog(self.ops)
        self.headlines.write(self.news, batch)
        batch.commit()

    def _contaminated(self) -> tuple[str, ...]:
        """Models asked in a replay of days that their training may have read: what they foresee proves nothing."""
        if self.reviewer is None or self.source.live:
            return ()
        begun = self.ops.scalar("SELECT min(ts_event) FROM equity WHERE account_id = ?", [self.account_id])
        first = int(begun) if begun else self._next.ts_event if self._next else None
        return (
            () if first is None else contaminating(self.settings.llm, datetime.fromtimestamp(first / 1e9, UTC).date())
        )

    def _models(self, account_id: str) -> tuple[Router | None, Reviewer | None]:
        """The language models of the settings and what reviews votes with them; None when they are switched off."""
        models = self.settings.llm
        if not models.enabled:
            return None, None
        check_reviewed(models.reviewers, self.agents)
        log = LLMCallLog(self.ops, run_id=self.run_id, account_id=account_id)
        router = make_router(models, log, run_id=self.run_id, clock=self.clock)
        return router, make_reviewer(models, router)

    def _decider(self, account_id: str) -> DecisionEngine:
        """A decision engine that knows nothing yet. ConfigError: a rule names an agent or symbol there is not."""
        check_rules(self.settings.decision.rules, [agent.name for agent in self.agents], self.settings.symbols)
        return DecisionEngine(DecisionConfig.of(self.settings), scope=account_id, clock=self.clock)

    def _look(self) -> None:
        """Ask the source for steps after the cursor; a market that goes on may have new ones."""
        self._steps = self.source.steps(self.cursor)
        self._next = next(self._steps, None)

    @property
    def state(self) -> str:
        """running, waiting (for a click), paused or finished."""
        if self.stopping:
            return "stopping"
        if self._next is None and not self.source.live:
            return "finished"
        if self.paused:
            return "paused"
        return "waiting" if self._waits() else "running"

    def _waits(self) -> bool:
        replayed = self.settings.replay.pause_on_pending and not self.source.live  # a real market waits for nobody
        return replayed and self.approval is Approval.APPROVE and bool(len(self.pending))

    async def run(self) -> None:
        """Run until `stop` or a new session is asked for; a finished replay keeps answering commands."""
        self.heartbeat()
        self.feeds.start()
        due = beat = projected = time.monotonic()
        while not self.stopping and not self.wants_new_session:
            self.desk.poll()
            self.hear()
            now = time.monotonic()
            if now - beat >= HEARTBEAT_S:
                self.heartbeat()
                beat = now
            if now - projected >= PROJECT_S:
                self.project()
                projected = time.monotonic()
            if self._next is None and self.source.live:
                self._look()
            if self._next is not None and self.state == "running" and now >= due:
                await self.step()
                interval = 1.0 / self.bars_per_second if self.bars_per_second and not self.source.live else 0.0
                due = max(due + interval, now)
                await asyncio.sleep(0)
            else:
                soon = self._next is not None and self.state == "running"
                await asyncio.sleep(min(POLL_S, max(due - now, 0.001)) if soon else POLL_S)
        self.feeds.stop()
        await self._let_go()
        self.heartbeat()
        self.project()

    async def run_to_end(self) -> int:
        """Process every remaining step as fast as possible, without commands or pacing; returns the steps done."""
        done = 0
        while self._next is not None and not self.stopping:
            await self.step()
            done += 1
        await self._let_go()
        return done

    async def _let_go(self) -> None:
        """Close the connections to language models."""
        if self.router is not None:
            await self.router.close()

    def stop(self) -> None:
        """Finish the step in hand and leave."""
        self.stopping = True

    async def step(self) -> None:
        """One step of the market: match, mark, decide, write, send."""
        step = self._next
        if step is None:
            return
        batch = self.scribe.batch()
        self.pending.expire(step.ts_event, batch)
        for candle in step.candles:
            report = self.account.on_candle(candle)
            self.know(candle.symbol, candle.ts_event)
            batch.report(report, mode=self.settings.mode, ts_event=candle.ts_event)
            batch.learned(self.decider.observe(candle.symbol, candle.ts_event, candle.close))
        totals, told = self.account.mark(step.ts_event)
        batch.add(*risk_rows(batch.stamp, self.account_id, step.ts_event, told))
        self.peak = max(self.peak, totals.equity)
        batch.add(rows.equity(batch.stamp, totals, self.account.gateway.positions()))
        reductions = self.reducer.plan(step.ts_event, batch)
        approved = [await self._decide(candle, totals, batch) for candle in step.candles]
        batch.commit()
        self.cursor = step.ts_event
        self._next = next(self._steps, None)
        self._send(lambda told: told.candles(step.candles))
        for reduction in reductions:
            self.desk.execute(reduction, by=REDUCER)
        for pending in approved:
            if pending is not None:
                self.desk.execute(pending, by="auto")

    async def _decide(self, candle: Candle, totals: Account, batch: Batch) -> Pending | None:
        """Votes, decision, plan and verdict of one symbol; what is to be executed at once in auto mode."""
        ctx = self.context(candle, totals)
        runs = await run_agents(ctx, self.agents, deadline_s=self.settings.agents.deadline_s)
        if self.reviewer is not None:
            runs = await review_votes(ctx, runs, self.reviewer, self.settings.llm.reviewers)
        known = Known.by(self.decider)
        decision = self.decider.decide(ctx, [run.signal for run in runs])
        batch.add(rows.context(batch.stamp, decision.decision_id, ctx, candle, known))
        batch.add(*(rows.signal(batch.stamp, decision.decision_id, run.signal, run.latency_ns) for run in runs))
        status, pending = self._rule(decision, totals, batch)
        batch.add(rows.decision(batch.stamp, decision, status.value))
        return pending

    def _rule(self, decision: Decision, totals: Account, batch: Batch) -> tuple[DecisionStatus, Pending | None]:
        symbol, asof = decision.symbol, decision.asof
        last = self.account.last(symbol)
        instrument = self.account.gateway.instrument(symbol)
        if last is None:
            return DecisionStatus.NONE, None
        plan = plan_order(
            decision,
            mode=self.settings.mode,
            account_id=self.account_id,
            account=totals,
            position=self.account.position(symbol),
            instrument=instrument,
            price=type(totals.cash)(last[0]),
            risk=self.settings.risk,
        )
        if plan.order is None:
            batch.audit("plan", decision.decision_id, "no_order", asof, {"reason": plan.reason})
            return DecisionStatus.NONE, None
        verdict = self.account.preview(plan.order, asof)
        batch.audit("verdict", decision.decision_id, "approved" if verdict.approved else "refused", asof, verdict)
        if not verdict.approved:
            return DecisionStatus.REFUSED, None
        pending = Pending(
            decision_id=decision.decision_id,
            symbol=symbol,
            side=plan.order.side,
            order=plan.order,
            verdict=verdict,
            asof=asof,
            expires_at=asof + self.settings.approval_ttl_bars * self.bar_ns,
        )
        if self.approval is Approval.AUTO:
            # In the step's own transaction: a kill before `execute` must not lose the order.
            batch.audit("auto", decision.decision_id, "planned", asof, pending)
            return DecisionStatus.AUTO, pending
        if not self.pending.propose(pending, batch):
            reason = f"a {pending.side} of {symbol} waits for a click already"
            batch.audit("plan", decision.decision_id, "no_order", asof, {"reason": reason})
            return DecisionStatus.NONE, None
        return DecisionStatus.PENDING, None

    def know(self, symbol: str, asof: int) -> None:
        """Tell the gate the market's figures of a symbol."""
        window = self.source.window(symbol, asof, STATISTICS_BARS)
        self.account.know(symbol, window["close"].astype(np.float64), window["volume"].astype(np.float64))

    def context(self, candle: Candle, totals: Account) -> Context:
        """What the agents may know of a symbol at the close of a bar."""
        asof = candle.ts_event
        view = position_view(
            self.source,
            self.settings.symbols,
            symbol=candle.symbol,
            asof=asof,
            positions=self.account.gateway.positions(),
            equity=totals.equity,
            peak=self.peak,
        )
        return context_at(
            self.source,
            self.settings,
            symbol=candle.symbol,
            asof=asof,
            series=self.series,
            news=self.news.known(candle.symbol, asof, int(self.settings.agents.news_days * DAY)),
            position=view,
        )

    def heartbeat(self) -> None:
        """Say that the engine lives and what it does."""
        body: dict[str, object] = {
            "mode": self.settings.mode.value,
            "approval": self.approval.value,
            "bars_per_second": self.bars_per_second,
            "symbols": list(self.settings.symbols),
            "timeframe": self.settings.timeframe,
            "pending": len(self.pending),
            "killed": self.account.gate.killed,
            "steps_left": self.source.count_steps(self.cursor),
            "hub": self.hub,
            "agents": {agent.name: agent.status for agent in self.agents if agent.status},
            "cache": [self.decider.cache_hits, self.decider.cache_misses],
            "contaminated": self.contaminated,
            "models": "off" if self.router is None else self.router.words or self.router.mode,
        }
        stamp = self.scribe.stamp()
        if untold := self._untold:
            self._untold = []
            why = {"message": untold[-1], "messages": len(untold)}
            self.ops.append([rows.audit(stamp, "hub", "broadcast", "failed", self.cursor, why)])
        self.ops.append([rows.heartbeat(stamp, pid=os.getpid(), state=self.state, ts_event=self.cursor, body=body)])

    def _tell(self, written: Sequence[Row]) -> None:
        self._send(lambda told: told.rows(written))

    def _send(self, send: Callable[[Broadcast], None]) -> None:
        """Tell the hub's readers. A hub that cannot take it never stops trading: the next heartbeat says it."""
        if self.broadcast is None:
            return
        try:
            send(self.broadcast)
        except HubError as error:
            self._untold.append(str(error))

    def project(self) -> None:
        """Bring the analyst's store up to the log. A store that cannot be written never stops trading: it is said."""
        try:
            project(self.ops, self.workspace.duckdb)
        except StoreError as error:
            self.note("projection", "deepalpha.duckdb", str(error))
