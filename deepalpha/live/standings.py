"""How the agents and fusers of an account stand: votes, probabilities against outcomes, weights, models, time and cost.

Only what the log says: a share or a score has its n beside it, and what nobody has measured is None. Reads the newest
`WINDOW` outcomes and `VOTES` votes; one call takes some 10 ms for a thousand outcomes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec
import numpy as np
import polars as pl

from deepalpha.decision.clip import logistic
from deepalpha.decision.metrics import brier, reliability_table
from deepalpha.store import Ops
from deepalpha.types import Fact, FuserUpdate, Outcome

WINDOW = 2000
VOTES = 20_000
POINTS = 400  # of a line over time: more than a screen has pixels for
_OUTCOMES = """
    SELECT body FROM (SELECT id, body FROM outcome WHERE account_id = ? ORDER BY id DESC LIMIT ?) ORDER BY id
"""
_UPDATES = """
    SELECT ts_event, body FROM (SELECT id, ts_event, body FROM fuser_update WHERE account_id = ?
        ORDER BY id DESC LIMIT ?)
    ORDER BY id
"""
_VOTES = """
    SELECT agent, version, role, status, latency_ns FROM signal WHERE account_id = ? ORDER BY id DESC LIMIT ?
"""
_CALLS = """
    SELECT provider, model, purpose, status, input_tokens, output_tokens, cached_tokens, cost_usd, ts_sent, ts_done
    FROM llm_call WHERE account_id = ? AND phase = 'done' ORDER BY id DESC LIMIT ?
"""


class AgentStanding(Fact, frozen=True):
    """One agent.

    Attributes:
        votes, abstained, failed: how often it did what; a failure is an error or a timeout.
        n: resolved outcomes it had an opinion on.
        hits: share of those in which the price went the way it leaned to.
        brier: its mean squared error; 0.25 is a coin.
        weights: its weight in each learning fuser by now.
        p50_ms, p99_ms: time it took.
    """

    agent: str
    version: str
    role: str
    votes: int
    abstained: int
    failed: int
    n: int
    hits: float | None
    brier: float | None
    weights: dict[str, float]
    p50_ms: float
    p99_ms: float


class FuserStanding(Fact, frozen=True):
    """One fuser: its Brier score over n outcomes, and whether it decides."""

    fuser: str
    live: bool
    n: int
    brier: float


class ModelStanding(Fact, frozen=True):
    """One language model: finished steps, failed ones, money, tokens and time."""

    model: str
    purpose: str
    steps: int
    failed: int
    cost_usd: float
    input_tokens: int
    cached_share: float | None
    output_tokens: int
    p50_ms: float


class Standings:
    """Everything the agents' page shows of one account.

    Args:
        ops: the log.
        account_id: whose.
    """

    def __init__(self, ops: Ops, account_id: str) -> None:
        self._ops, self._account_id = ops, account_id
        found = ops.rows(_OUTCOMES, [account_id, WINDOW])
        self.outcomes = [msgspec.json.decode(str(row["body"]), type=Outcome) for row in found]
        updates = ops.rows(_UPDATES, [account_id, WINDOW])
        self._updates = [
            (int(row["ts_event"] or 0), msgspec.json.decode(str(row["body"]), type=FuserUpdate)) for row in updates
        ]

    @property
    def contest(self) -> str:
        """How the fusers compared when that was last looked at; empty before the first look."""
        return next((update.contest for _, update in reversed(self._updates) if update.contest), "")

    def agents(self) -> list[AgentStanding]:
        """Voters by name, then guards."""
        rows = self._ops.rows(_VOTES, [self._account_id, VOTES])
        names = sorted({(str(row["role"]) == "guard", str(row["agent"])) for row in rows})
        weights = self._updates[-1][1].weights if self._updates else {}
        return [self._agent(name, [row for row in rows if row["agent"] == name], weights) for _, name in names]

    def _agent(
        self, name: str, rows: Sequence[dict[str, object]], weights: dict[str, dict[str, float]]
    ) -> AgentStanding:
        status = [str(row["status"]) for row in rows]
        spent = np.array([float(str(row["latency_ns"])) for row in rows]) / 1e6
        p, came = self._pairs(name)
        leaning = [(a > 0.5) == (b > 0.5) for a, b in zip(p, came, strict=True) if a != 0.5 and b != 0.5]
        return AgentStanding(
            agent=name,
            version=str(rows[0]["version"]),
            role=str(rows[0]["role"]),
            votes=status.count("ok"),
            abstained=status.count("abstain"),
            failed=status.count("error") + status.count("timeout"),
            n=len(p),
            hits=sum(leaning) / len(leaning) if leaning else None,
            brier=brier(p, came) if p else None,
            weights={fuser: held[name] for fuser, held in sorted(weights.items()) if name in held},
            p50_ms=float(np.quantile(spent, 0.5)),
            p99_ms=float(np.quantile(spent, 0.99)),
        )

    def fusers(self) -> list[FuserStanding]:
        """All fusers over the outcomes that each has answered, best first."""
        live = self._updates[-1][1].live if self._updates else "equal"
        found = []
        for name in sorted({name for outcome in self.outcomes for name in outcome.shadows}):
            p, came = self._pairs(name)
            found.append(FuserStanding(fuser=name, live=name == live, n=len(p), brier=brier(p, came)))
        return sorted(found, key=lambda item: (item.brier, item.fuser))

    def reliability(self, name: str) -> pl.DataFrame:
        """What an agent or fuser said against what came: columns `said`, `came`, `low`, `high`, `n`, equal-mass bins.

        Unchanged prices are left out: they went neither way.
        """
        p, came = self._pairs(name)
        pairs = [(a, b) for a, b in zip(p, came, strict=True) if b != 0.5]
        columns = ("said", "came", "low", "high", "n")
        if not pairs:
            return pl.DataFrame({column: [] for column in columns})
        table = reliability_table(*zip(*pairs, strict=True), bins=max(1, min(10, len(pairs) // 10)))
        rows = [(item.p, item.frequency, item.low, item.high, item.n) for item in table]
        return pl.DataFrame(rows, schema=columns, orient="row")

    def weights(self, fuser: str) -> pl.DataFrame:
        """Weights over time: `time` (UTC) and a column an agent; at most `POINTS` rows, the last one always there."""
        step = max(1, -(-len(self._updates) // POINTS))
        chosen = self._updates[::-1][::step][::-1]
        rows = [{"time": ts, **update.weights.get(fuser, {})} for ts, update in chosen]
        frame = pl.DataFrame(rows, infer_schema_length=None)
        return frame.with_columns(pl.from_epoch("time", time_unit="ns")) if rows else frame

    def models(self, *, limit: int = VOTES) -> list[ModelStanding]:
        """Language models by cost, the dearest first; empty when none was called."""
        rows = self._ops.rows(_CALLS, [self._account_id, limit])
        groups: dict[tuple[str, str], list[dict[str, object]]] = {}
        for row in rows:
            model = f"{row['provider']}/{row['model']}" if row["provider"] else "none could be asked"
            groups.setdefault((model, str(row["purpose"])), []).append(row)
        found = [_model(model, purpose, held) for (model, purpose), held in groups.items()]
        return sorted(found, key=lambda item: (-item.cost_usd, item.model, item.purpose))

    def cache(self) -> tuple[int, int]:
        """Decisions that the running or last engine took from its cache, and those it made."""
        body = self._ops.scalar(
            "SELECT body FROM heartbeat WHERE account_id = ? ORDER BY id DESC LIMIT 1", [self._account_id]
        )
        hits, misses = json.loads(str(body)).get("cache", (0, 0)) if body else (0, 0)
        return int(hits), int(misses)

    def _pairs(self, name: str) -> tuple[list[float], list[float]]:
        """An agent's or a fuser's probabilities and what came of them."""
        p, came = [], []
        for outcome in self.outcomes:
            said = outcome.votes.get(name)
            if said is None and name in outcome.shadows:
                said = logistic(outcome.shadows[name])
            if said is not None:
                p.append(said)
                came.append(outcome.went_up)
        return p, came


def _model(model: str, purpose: str, rows: Sequence[dict[str, object]]) -> ModelStanding:
    def total(name: str) -> int:
        return sum(int(str(row[name])) for row in rows)

    asked = total("input_tokens")
    spent = [(int(str(row["ts_done"])) - int(str(row["ts_sent"]))) / 1e6 for row in rows]
    return ModelStanding(
        model=model,
        purpose=purpose,
        steps=len(rows),
        failed=sum(row["status"] != "ok" for row in rows),
        cost_usd=sum(float(str(row["cost_usd"])) for row in rows),
        input_tokens=asked,
        cached_share=total("cached_tokens") / asked if asked else None,
        output_tokens=total("output_tokens"),
        p50_ms=float(np.quantile(spent, 0.5)),
    )
