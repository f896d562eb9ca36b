"""What `da.connect()` returns: everything a screen or a notebook may read or ask for. No arithmetic in the screens."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

import msgspec
import polars as pl

from deepalpha.config import Workspace
from deepalpha.live import control
from deepalpha.live.control import EngineStatus
from deepalpha.live.pending import Pending
from deepalpha.live.process import load_settings
from deepalpha.live.recovery import WAITING_SQL
from deepalpha.live.standings import Standings
from deepalpha.live.tickets import amendment_of, ticket_of
from deepalpha.market import Catalog, seed
from deepalpha.risk import last_state, rules
from deepalpha.risk.gate import bounds_of, rule_bound
from deepalpha.risk.monitor import Monitor, title
from deepalpha.store import Cell, Ops, Session
from deepalpha.types import DAY, Account, Decision, Fact, Position, RuleCheck, Verdict


class Limit(Fact, frozen=True):
    """How much of a bound is used. `use` is value / bound; `words` has both in the rule's unit."""

    name: str
    value: float
    bound: float
    use: float
    detail: str = ""
    rule: str = ""
    tier: str = ""
    words: str = ""


class RiskStanding(Fact, frozen=True):
    """State of the account (active, reducing, halted), why, by whom and since when (UTC ns of the market)."""

    state: str
    reason: str = ""
    by: str = ""
    since: int = 0


class Summary(Fact, frozen=True):
    """The account in a few figures, in the account's currency; fractions as such."""

    equity: float
    cash: float
    step_change: float
    step_change_fraction: float
    total_change: float
    total_change_fraction: float
    drawdown: float
    unrealised_pnl: float
    realised_pnl: float
    fees: float
    exposure_fraction: float


class DecisionDetail(Fact, frozen=True):
    """One decision with everything that followed from it."""

    decision: Decision
    status: str
    verdict: Verdict | None
    history: tuple[dict[str, Any], ...]
    orders: tuple[dict[str, Any], ...]
    fills: tuple[dict[str, Any], ...]


class Workstation:
    """A workspace for reading and for commands; holds no file of the analyst's store open.

    Commands only insert a row; the engine acts on it and answers. Each returns whether the row was new, so that a
    double click is one order.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.ops = Ops(workspace.ops)
        self.catalog = Catalog(workspace.catalog)
        self._session: Session | None = None
        self._monitor: Monitor | None = None

    # --- queries -------------------------------------------------------------------------------------------------

    def sql(self, query: str) -> pl.DataFrame:
        """SQL over `decisions, signals, orders, fills, positions, equity_curve, trail, candles`; polars frame."""
        if self._session is None:
            self._session = Session(self.workspace)
        return self._session.sql(query)

    def candles(
        self,
        symbol: str,
        timeframe: str = "1d",
        *,
        start: str | dt.date | None = None,
        end: str | dt.date | None = None,
    ) -> pl.DataFrame:
        """Bars of the catalog with a UTC `time` column; `start` and `end` are ISO dates, end excluded."""
        if symbol not in self.catalog.symbols():
            # Before an engine ever ran here, the bundled symbols are not in the catalog yet.
            seed(self.catalog)
        frame = self.catalog.read(symbol, timeframe, start=_ns(start), end=_ns(end))
        return frame.with_columns(pl.from_epoch("ts_open", time_unit="ns").dt.replace_time_zone("UTC").alias("time"))

    def status(self) -> EngineStatus:
        """What the engine does, and whether trading is halted."""
        return control.status(self.workspace, self.ops)

    def engine_problem(self) -> str | None:
        """Why the last engine ended by itself; None while one runs or after a clean stop."""
        return control.problem(self.workspace)

    @property
    def account_id(self) -> str:
        """The latest session, for example `practice-1`; empty in an empty workspace."""
        return str(self.ops.scalar("SELECT account_id FROM heartbeat ORDER BY id DESC LIMIT 1") or "")

    def account(self) -> Account | None:
        """Totals after the last step; None before the first."""
        found = self._latest_equity()
        if found is None:
            return None
        names = {field.name for field in msgspec.structs.fields(Account)}
        return msgspec.convert({name: cell for name, cell in found.items() if name in names}, Account)

    def positions(self) -> tuple[Position, ...]:
        """Open positions after the last step."""
        found = self._latest_equity()
        return () if found is None else msgspec.json.decode(str(found["positions"]), type=tuple[Position, ...])

    def _latest_equity(self) -> dict[str, Any] | None:
        found = self.ops.rows("SELECT * FROM equity WHERE account_id = ? ORDER BY id DESC LIMIT 1", [self.account_id])
        return found[0] if found else None

    def summary(self) -> Summary | None:
        """The account in a few figures after the last step; None before the first."""
        account = self.account()
        if account is None:
            return None
        last = self.ops.rows(
            "SELECT equity FROM equity WHERE account_id = ? ORDER BY id DESC LIMIT 2", [self.account_id]
        )
        equity, first = float(account.equity), float(load_settings(self.workspace).account.cash)
        before = float(last[1]["equity"]) if len(last) > 1 else first
        highest = "SELECT max(CAST(equity AS REAL)) FROM equity WHERE account_id = ?"
        peak = max(first, float(self.ops.scalar(highest, [self.account_id]) or first))
        return Summary(
            equity=equity,
            cash=float(account.cash),
            step_change=equity - before,
            step_change_fraction=equity / before - 1,
            total_change=equity - first,
            total_change_fraction=equity / first - 1,
            drawdown=1 - equity / peak,
            unrealised_pnl=float(account.unrealised_pnl),
            realised_pnl=float(account.realised_pnl),
            fees=float(account.fees),
            exposure_fraction=float(account.position_value / account.equity) if account.equity else 0.0,
        )

    def pending(self) -> tuple[tuple[Pending, Decision], ...]:
        """Decisions that wait for a click, oldest first, each with its order and verdict."""
        waiting = [
            msgspec.json.decode(str(cells["body"]), type=Pending)
            for cells in self.ops.rows(WAITING_SQL, [self.account_id])
        ]
        return tuple((item, decision) for item in waiting if (decision := self._decision(item.decision_id)))

    def _decision(self, decision_id: str) -> Decision | None:
        body = self.ops.scalar("SELECT body FROM decision WHERE decision_id = ?", [decision_id])
        return None if body is None else msgspec.json.decode(str(body), type=Decision)

    def decisions(self, *, symbol: str | None = None, only_actions: bool = True, limit: int = 200) -> pl.DataFrame:
        """Latest decisions first: time, symbol, action, confidence, status, blocked_by, decision_id."""
        where = "AND d.symbol = ?" if symbol else ""
        actions = "AND d.action <> 'hold'" if only_actions else ""
        return self._timed(
            f"""SELECT d.ts_event, d.symbol, d.action, d.confidence, d.price, coalesce((SELECT a.status FROM audit a
                WHERE a.kind = 'decision' AND a.ref = d.decision_id ORDER BY a.id DESC LIMIT 1), d.status) AS status,
                d.blocked_by, d.decision_id
                FROM decision d WHERE d.account_id = ? {where} {actions} ORDER BY d.id DESC LIMIT ?""",
            [self.account_id, *([symbol] if symbol else []), limit],
        )

    def decision(self, decision_id: str) -> DecisionDetail | None:
        """One decision with votes, verdict, approval, orders and fills; None when the log does not know it."""
        fact = self._decision(decision_id)
        if fact is None:
            return None
        history = self.ops.rows(
            "SELECT ts_init, kind, status, body FROM audit WHERE ref = ? ORDER BY id", [decision_id]
        )
        steps = tuple({**row, "body": json.loads(str(row["body"]))} for row in history)
        verdicts = [step["body"] for step in steps if step["kind"] == "verdict"]
        states = [str(step["status"]) for step in steps if step["kind"] == "decision"]
        return DecisionDetail(
            decision=fact,
            status=states[-1] if states else "none",
            verdict=msgspec.convert(verdicts[-1], Verdict) if verdicts else None,
            history=steps,
            orders=tuple(self.ops.rows("SELECT * FROM order_intent WHERE decision_id = ? ORDER BY id", [decision_id])),
            fills=tuple(self.ops.rows("SELECT * FROM fill WHERE decision_id = ? ORDER BY id", [decision_id])),
        )

    def orders(self, *, limit: int = 500) -> pl.DataFrame:
        """Latest orders first, with their state and why it is so."""
        return self._timed(
            """SELECT i.ts_event, i.symbol, i.side, i.type, i.quantity, i.price, e.state, e.reason, i.protective,
                i.approved_by, i.mode, i.client_order_id, i.decision_id
                FROM order_intent i LEFT JOIN order_event e ON e.client_order_id = i.client_order_id AND e.seq =
                    (SELECT max(seq) FROM order_event x WHERE x.client_order_id = i.client_order_id)
                WHERE i.account_id = ? ORDER BY i.id DESC LIMIT ?""",
            [self.account_id, limit],
        )

    def tradable(self) -> tuple[str, ...]:
        """Symbols that the latest session has decided on, so that they have a price."""
        found = self.ops.rows(
            "SELECT DISTINCT symbol FROM context WHERE account_id = ? ORDER BY symbol", [self.account_id]
        )
        return tuple(str(cells["symbol"]) for cells in found)

    def working_orders(self) -> tuple[dict[str, Any], ...]:
        """Orders that still work, oldest first, protective ones left out: they follow their position."""
        return tuple(
            self.ops.rows(
                """SELECT i.client_order_id, i.symbol, i.side, i.type, i.quantity, i.price, e.state, i.body
                    FROM order_intent i JOIN order_event e ON e.client_order_id = i.client_order_id AND e.seq =
                        (SELECT max(seq) FROM order_event x WHERE x.client_order_id = i.client_order_id)
                    WHERE i.account_id = ? AND i.protective = 0
                        AND e.state NOT IN ('refused', 'filled', 'cancelled', 'expired', 'rejected')
                    ORDER BY i.id""",
                [self.account_id],
            )
        )

    def fills(self, *, symbol: str | None = None, limit: int = 500) -> pl.DataFrame:
        """Latest fills first."""
        where = "AND symbol = ?" if symbol else ""
        return self._timed(
            f"""SELECT ts_event, symbol, side, quantity, price, fee, realised_pnl, reason, fill_id, client_order_id,
                decision_id FROM fill WHERE account_id = ? {where} ORDER BY id DESC LIMIT ?""",
            [self.account_id, *([symbol] if symbol else []), limit],
        )

    def equity_curve(self, *, limit: int = 5000) -> pl.DataFrame:
        """Account after each step, oldest first, amounts as float for drawing."""
        frame = self._timed(
            "SELECT * FROM (SELECT id, ts_event, cash, position_value, equity FROM equity WHERE account_id = ? "
            "ORDER BY id DESC LIMIT ?) ORDER BY id",
            [self.account_id, limit],
        )
        return frame.drop("id", strict=False).with_columns(
            pl.col(name).cast(pl.Float64) for name in ("cash", "position_value", "equity") if name in frame.columns
        )

    def standings(self) -> Standings:
        """How the agents and fusers stand by the outcomes so far, and what language models did and cost."""
        return Standings(self.ops, self.account_id)

    def limits(self) -> tuple[Limit, ...]:
        """Use of the bounds after the last step, in the order of the rules; of an instrument rule its largest user."""
        account = self.account()
        if account is None:
            return ()
        positions = {
            position.symbol: (position.quantity, position.quantity * position.last_price)
            for position in self.positions()
        }
        return tuple(
            Limit(
                name=title(use.rule),
                value=float(use.value or 0),
                bound=float(use.bound),
                use=use.used,
                detail=use.symbol or use.strategy or use.meaning,
                rule=use.rule,
                tier=use.tier,
                words=use.words,
            )
            for use in self._risk_monitor().usage(positions, account.equity, account.ts_event)
        )

    def _risk_monitor(self) -> Monitor:
        """The monitor of the latest account under the settings in force; a new one when either changed."""
        account_id, settings = self.account_id, load_settings(self.workspace).risk
        if self._monitor is None or (self._monitor.account_id, self._monitor.settings) != (account_id, settings):
            self._monitor = Monitor(self.ops, account_id, settings)
        return self._monitor

    def risk_state(self) -> RiskStanding:
        """State of the account; the kill switch is latched for the workspace and counts for every account."""
        killed = self.status().killed
        body = last_state(self.ops, self.account_id) or {}
        standing = msgspec.convert({"state": "active", **body}, RiskStanding, strict=False)
        if killed is not None and standing.state != "halted":
            return RiskStanding(state="halted", reason=killed)
        return standing

    def risk_rules(self) -> pl.DataFrame:
        """Every rule of the gate in the order of evaluation: rule, tier, bound in force, meaning."""
        bounds = bounds_of(load_settings(self.workspace).risk, bar_ns=DAY)
        return pl.DataFrame(
            [
                {
                    "rule": title(rule.name),
                    "tier": rule.tier,
                    "bound": rule_bound(rule, bounds.get(rule.name, rule.default)),
                    "meaning": rule.meaning,
                }
                for rule in rules()
            ]
        )

    def risk_warnings(self, *, limit: int = 200) -> pl.DataFrame:
        """Early warnings of the account, latest first: level, rule and message."""
        return self._timed(
            """SELECT ts_event, status AS level, json_extract(body, '$.rule') AS rule,
                json_extract(body, '$.message') AS message FROM audit
                WHERE kind = 'risk_warning' AND account_id = ? ORDER BY id DESC LIMIT ?""",
            [self.account_id, limit],
        )

    def verdicts(self, *, refused_only: bool = False, limit: int = 200) -> pl.DataFrame:
        """Latest rulings of the gate first: status, rule and message in words, decision_id."""
        where = "AND a.status = 'refused'" if refused_only else ""
        return self._timed(
            f"""SELECT a.ts_event, coalesce(d.symbol, '') AS symbol, a.status,
                json_extract(a.body, '$.rule') AS rule, json_extract(a.body, '$.message') AS message, a.ref
                FROM audit a LEFT JOIN decision d ON d.decision_id = a.ref
                WHERE a.kind = 'verdict' AND a.account_id = ? {where} ORDER BY a.id DESC LIMIT ?""",
            [self.account_id, limit],
        )

    def audit(self, *, limit: int = 200) -> pl.DataFrame:
        """What people and the engine did, latest first: commands, approvals, halts, failures."""
        return self._timed(
            """SELECT ts_init AS ts_event, kind, ref, status, body FROM audit WHERE kind NOT IN ('verdict', 'plan')
                ORDER BY id DESC LIMIT ?""",
            [limit],
        )

    def _timed(self, sql: str, parameters: list[Cell]) -> pl.DataFrame:
        frame = self.ops.frame(sql, parameters)
        if frame.is_empty():
            return frame
        return frame.with_columns(pl.from_epoch("ts_event", time_unit="ns").alias("time")).select(
            "time", pl.exclude("time", "ts_event")
        )

    # --- commands ------------------------------------------------------------------------------------------------

    def approve(self, decision_id: str, *, by: str | None = None) -> bool:
        """Approve a waiting decision. The gate rules once more before the order goes out."""
        return control.send(self.ops, "approve", decision_id, decision_id=decision_id, by=by)

    def reject(self, decision_id: str, *, by: str | None = None) -> bool:
        """Reject a waiting decision."""
        return control.send(self.ops, "reject", decision_id, decision_id=decision_id, by=by)

    def close_position(self, position_id: str, *, by: str | None = None) -> bool:
        """Close a position at the next price."""
        return control.send(self.ops, "close", position_id, by=by)

    def submit_order(
        self, symbol: str, side: str, quantity: Decimal | str | int, *, ticket_id: str | None = None, **terms: object
    ) -> str:
        """Ask for an order of your own; the gate rules on it like on any other. Returns the ticket's id.

        Args:
            symbol: instrument.
            side: "buy" or "sell".
            quantity: exact, a multiple of the instrument's lot.
            ticket_id: give one to make sending twice harmless; else a new one.
            terms: any other field of `deepalpha.types.OrderRequest` that a person may set: type, limit_price,
                trigger_price, trailing_offset, trailing_percent, time_in_force, expires_at, post_only, reduce_only,
                display_quantity, stop_loss, take_profit, oco_group, forced.

        Raises:
            OrderError: an unknown field or a value that cannot be read; what the market or the gate says against it
                comes as the answer: `ws.answer("order", ticket_id)`.
        """
        ticket_id = ticket_id or uuid.uuid4().hex
        fields: dict[str, object] = {"symbol": symbol, "side": side, "quantity": quantity, **terms}
        ticket = ticket_of(fields)
        control.send(self.ops, "order", ticket_id, body=msgspec.to_builtins(ticket))
        return ticket_id

    def cancel_order(self, client_order_id: str, *, by: str | None = None) -> bool:
        """Take a working order back."""
        return control.send(self.ops, "cancel", client_order_id, by=by)

    def amend_order(self, client_order_id: str, *, ticket_id: str | None = None, **terms: object) -> str:
        """Change quantity, limit_price or trigger_price of a working order. Returns the ticket's id.

        Raises:
            OrderError: nothing to change, or a value that cannot be read.
        """
        ticket_id = ticket_id or uuid.uuid4().hex
        amendment = amendment_of({"client_order_id": client_order_id, **terms})
        control.send(self.ops, "amend", ticket_id, body=msgspec.to_builtins(amendment))
        return ticket_id

    def kill(self, *, by: str | None = None) -> bool:
        """Halt trading; latched until `rearm`."""
        return control.kill(self.ops, by=by)

    def rearm(self, *, by: str | None = None) -> bool:
        """Allow trading again."""
        return control.rearm(self.ops, by=by)

    def set(self, **setting: object) -> bool:
        """Change `approval` ("approve" or "auto"), `bars_per_second` or `paused` of the running engine: all that are
        given, or none where one of them cannot be."""
        return control.send(self.ops, "set", uuid.uuid4().hex, body=dict(setting))

    def new_session(self) -> bool:
        """Begin a fresh practice account in the running engine; the old one stays in the log."""
        return control.send(self.ops, "new_session", uuid.uuid4().hex)

    def answer(self, kind: str, target: str) -> tuple[str, str] | None:
        """The engine's answer to a command as (status, message); None while it has not answered."""
        return control.answer(self.ops, f"{kind}:{target}")

    def start_engine(self) -> bool:
        """Start the engine of this workspace in the background unless it runs; whether one was started."""
        return control.ensure_started(self.workspace)

    def stop_engine(self) -> bool:
        """Ask the engine to end; False when none runs."""
        return control.stop(self.workspace)

    def close(self) -> None:
        """Let go of the memory."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _ns(value: str | dt.date | None) -> int | None:
    if value is None:
        return None
    day = dt.datetime.fromisoformat(value if isinstance(value, str) else value.isoformat())
    return int(day.replace(tzinfo=dt.UTC).timestamp()) * 1_000_000_000


__all__ = ["DecisionDetail", "Limit", "RiskStanding", "RuleCheck", "Summary", "Workstation"]
