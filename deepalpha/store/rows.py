"""Facts to rows of the log. One function a table, so that the columns are written in one place."""

from __future__ import annotations

from decimal import Decimal

from deepalpha.store.ops import Cell, Row
from deepalpha.types import (
    Account,
    Candle,
    Context,
    Decision,
    Fact,
    Fill,
    FuserUpdate,
    LLMCall,
    Mode,
    OrderEvent,
    OrderRequest,
    Outcome,
    Position,
    Signal,
    Verdict,
    encode,
)


class Stamp(Fact, frozen=True):
    """Who writes, and when by our clock: the columns that every row of a run has."""

    ts_init: int
    run_id: str
    account_id: str

    def cells(self) -> dict[str, Cell]:
        """As columns."""
        return {"ts_init": self.ts_init, "run_id": self.run_id, "account_id": self.account_id}


def _json(value: object) -> str:
    return encode(value).decode()


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else format(amount, "f")


def context(stamp: Stamp, decision_id: str, ctx: Context, candle: Candle, known: Fact) -> Row:
    """What the agents saw, in short: the bar, the last value of each series, the headlines' ids, the account.

    `known` is how much of the log the decision engine had seen.
    """
    features = {
        f"{name}:{series}": float(values[-1])
        for name, frame in ctx.bars.items()
        for series, values in frame.series.items()
        if len(values) and values[-1] == values[-1]
    }
    body = {
        "candle": candle,
        "features": features,
        "news": [headline.id for headline in ctx.news],
        "position": ctx.position,
        "known": known,
    }
    return "context", {
        **stamp.cells(),
        "decision_id": decision_id,
        "symbol": ctx.symbol,
        "timeframe": ctx.timeframe,
        "ts_event": ctx.asof,
        "snapshot_hash": ctx.snapshot_hash,
        "body": _json(body),
    }


def signal(stamp: Stamp, decision_id: str, fact: Signal, latency_ns: int) -> Row:
    """One agent's answer."""
    return "signal", {
        **stamp.cells(),
        "decision_id": decision_id,
        "agent": fact.agent,
        "version": fact.version,
        "role": fact.role.value,
        "symbol": fact.symbol,
        "ts_event": fact.asof,
        "status": fact.status.value,
        "p_up": fact.p_up,
        "size_cap": fact.size_cap,
        "latency_ns": latency_ns,
        "body": _json(fact),
    }


def decision(stamp: Stamp, fact: Decision, status: str) -> Row:
    """What the engine wants to do."""
    return "decision", {
        **stamp.cells(),
        "decision_id": fact.decision_id,
        "symbol": fact.symbol,
        "ts_event": fact.asof,
        "action": fact.action.value,
        "score": fact.score,
        "p_up": fact.p_up,
        "confidence": fact.confidence,
        "price": fact.price,
        "status": status,
        "blocked_by": fact.blocked_by,
        "body": _json(fact),
    }


def outcome(stamp: Stamp, fact: Outcome) -> Row:
    """What became of a decision at the end of its horizon."""
    return "outcome", {
        **stamp.cells(),
        "decision_id": fact.decision_id,
        "symbol": fact.symbol,
        "ts_decided": fact.asof,
        "ts_event": fact.resolved_at,
        "action": fact.action.value,
        "price": fact.price,
        "close": fact.close,
        "gross_return": fact.gross_return,
        "net_return": fact.net_return,
        "went_up": fact.went_up,
        "p_up": fact.p_up,
        "body": _json(fact),
    }


def fuser_update(stamp: Stamp, fact: FuserUpdate) -> Row:
    """What the fusers learned from an outcome."""
    return "fuser_update", {
        **stamp.cells(),
        "decision_id": fact.decision_id,
        "ts_event": fact.resolved_at,
        "number": fact.number,
        "live": fact.live,
        "body": _json(fact),
    }


def order_intent(
    stamp: Stamp,
    order: OrderRequest,
    *,
    mode: Mode,
    approved_by: str,
    ts_event: int,
    protective: bool,
    verdict: Verdict | None = None,
) -> Row:
    """An approved order, written before the wire. `approved_by` is a person, `auto` or `venue` (protective orders)."""
    return "order_intent", {
        **stamp.cells(),
        "client_order_id": order.client_order_id,
        "decision_id": order.decision_id,
        "mode": mode.value,
        "symbol": order.symbol,
        "side": order.side.value,
        "type": order.type.value,
        "quantity": _text(order.quantity),
        "price": _text(order.limit_price if order.limit_price is not None else order.trigger_price),
        "reference_price": _text(order.reference_price),
        "reduce_only": order.reduce_only,
        "stop_loss": _text(order.stop_loss),
        "take_profit": _text(order.take_profit),
        "protective": protective,
        "approved_by": approved_by,
        "ts_event": ts_event,
        "body": _json({"verdict": verdict, "order": order}),
    }


def order_event(stamp: Stamp, event: OrderEvent) -> Row:
    """One step of an order."""
    return "order_event", {
        **stamp.cells(),
        "client_order_id": event.client_order_id,
        "seq": event.seq,
        "event": event.event,
        "state_before": event.state_before,
        "state": event.state,
        "ts_event": event.ts_event,
        "reason": event.reason,
    }


def fill(stamp: Stamp, fact: Fill) -> Row:
    """One execution."""
    return "fill", {
        **stamp.cells(),
        "fill_id": fact.fill_id,
        "client_order_id": fact.client_order_id,
        "decision_id": fact.decision_id,
        "symbol": fact.symbol,
        "side": fact.side.value,
        "quantity": _text(fact.quantity),
        "price": _text(fact.price),
        "fee": _text(fact.fee),
        "realised_pnl": _text(fact.realised_pnl),
        "ts_event": fact.ts_event,
        "reason": fact.reason,
    }


def equity(stamp: Stamp, account: Account, positions: tuple[Position, ...]) -> Row:
    """The account after a step of the market; also the cursor of a replay."""
    return "equity", {
        **stamp.cells(),
        "ts_event": account.ts_event,
        "cash": _text(account.cash),
        "position_value": _text(account.position_value),
        "equity": _text(account.equity),
        "realised_pnl": _text(account.realised_pnl),
        "unrealised_pnl": _text(account.unrealised_pnl),
        "fees": _text(account.fees),
        "positions": _json(positions),
    }


def heartbeat(stamp: Stamp, *, pid: int, state: str, ts_event: int, body: dict[str, object]) -> Row:
    """That the engine lives, and what it is doing."""
    return "heartbeat", {**stamp.cells(), "pid": pid, "state": state, "ts_event": ts_event, "body": _json(body)}


def audit(stamp: Stamp, kind: str, ref: str, status: str, ts_event: int, body: object) -> Row:
    """Anything a person may ask about later: approvals, verdicts, commands, failures."""
    cells: dict[str, Cell] = {"kind": kind, "ref": ref, "status": status, "ts_event": ts_event, "body": _json(body)}
    return "audit", {**stamp.cells(), **cells}


def llm_call(stamp: Stamp, fact: LLMCall) -> Row:
    """One step of a call to a language model."""
    return "llm_call", {
        **stamp.cells(),
        "call_id": fact.call_id,
        "seq": fact.seq,
        "phase": fact.phase,
        "status": fact.status,
        "provider": fact.provider,
        "model": fact.model,
        "purpose": fact.purpose,
        "cycle": fact.cycle,
        "request_sha": fact.request_sha,
        "schema_sha": fact.schema_sha,
        "prompt_sha": fact.prompt_sha,
        "request": fact.request,
        "response": fact.response,
        "text": fact.text,
        "reason": fact.reason,
        "input_tokens": fact.input_tokens,
        "output_tokens": fact.output_tokens,
        "cached_tokens": fact.cached_tokens,
        "cache_write_tokens": fact.cache_write_tokens,
        "cost_usd": _text(fact.cost_usd),
        "cost_is_bound": fact.cost_is_bound,
        "ts_sent": fact.ts_sent,
        "ts_done": fact.ts_done,
    }


def command(*, kind: str, target: str, by: str, at: int, decision_id: str | None = None, body: object = None) -> Row:
    """A click or a command line. The id follows from kind and target, so the same click twice is one row."""
    return "command", {
        "ts_init": at,
        "command_id": f"{kind}:{target}",
        "kind": kind,
        "decision_id": decision_id,
        "target": target,
        "by": by,
        "at": at,
        "body": _json(body if body is not None else {}),
    }
