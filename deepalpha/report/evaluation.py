"""`evaluate`: is there an edge in the agents, the fusers or the decisions, on these bars, after these costs?"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from deepalpha.agents import discover
from deepalpha.agents.base import BaseAgent
from deepalpha.agents.runner import to_the_end
from deepalpha.config import Settings
from deepalpha.decision import Learner
from deepalpha.decision.metrics import reliability_table
from deepalpha.errors import MarketDataError
from deepalpha.market import MarketSource, NewsBook, check_timeframe
from deepalpha.report.facts import FORMAT, DataFacts, Evaluation, Finding, Row, RowKind, Scores
from deepalpha.report.forecast import Forecast, forecasts, outcomes_of
from deepalpha.report.path import Grid
from deepalpha.report.resample import DRAWS, LEVEL, Sums
from deepalpha.report.score import COLUMNS, Part, prepare, score
from deepalpha.report.verdict import find, overall
from deepalpha.report.walk import Case, Progress, Walk, Walker
from deepalpha.types import AgentRole, encode

if TYPE_CHECKING:
    from numpy.typing import NDArray

WARM_UP = 250
"""Closed bars a symbol has before it is decided on: a year of days."""
MOST_VALUES = 20_000_000
"""Values of sums over moments that are held at once (160 MB); longer data takes its rows in turns."""
PRIOR_HORIZONS = 10
"""Weight of "half and half" in the base rate, in horizons of all symbols: overlapping outcomes say little."""


def evaluate(
    source: MarketSource,
    settings: Settings | None = None,
    *,
    agents: Sequence[BaseAgent] | None = None,
    news: NewsBook | None = None,
    warm_up: int = WARM_UP,
    limit: int | None = None,
    name: str = "bars",
    notes: Sequence[str] = (),
    progress: Progress | None = None,
) -> Evaluation:
    """Let the agents vote on stored bars in order of time, and judge them by what came.

    One decision engine learns over all symbols together, as in the live loop, but without an account: nothing is
    filled, so no position is ever closed by a decision, and language models are not asked. Probabilities are judged
    against the base rate known at the time; sides are judged as positions.

    Args:
        source: the bars; its symbols and timeframe are what is evaluated.
        settings: decision rules, costs, horizon, history, agents; None for the defaults.
        agents: None takes `settings.agents.enabled`.
        news: headlines by when they became known; None: no news.
        warm_up: closed bars a symbol must have before it is decided on.
        limit: judge the first so many decisions only.
        name, notes: what to call the data, and what to say about it.
        progress: called with (moments done, moments in all).

    Returns:
        All rows with their figures; see `Evaluation`, `Scores` and, for the positions, `path.py`. The same arguments
        give an equal result.

    Raises:
        MarketDataError: no symbol has enough bars for one judged decision.
        ConfigError: a bound is broken, or a rule names an agent or symbol there is not.

    Example:
        >>> evaluation = evaluate(FrameSource("bars.csv"))  # doctest: +SKIP
        >>> evaluation.words  # doctest: +SKIP
        "no edge: the engine's decisions: Brier skill -1.2 % (-3.4..+1.1), ..."
    """
    settings = settings or Settings.default()
    chosen = list(agents) if agents is not None else discover(settings.agents.enabled)
    if agents is None:
        for agent in chosen:
            agent.begin(None, settings.agents)
    walker = Walker(source, settings, chosen, news or NewsBook(()), warm_up=warm_up, limit=limit)
    walk = to_the_end(walker.run(progress))
    if not walk.cases:
        raise MarketDataError(
            f"no decision on {', '.join(source.symbols)} can be judged: {walk.bars} {source.timeframe} bars were "
            f"walked, and a symbol needs {warm_up} to warm up and {settings.decision.horizon_bars} for the horizon "
            "after a decision; give more bars, or a finer timeframe"
        )
    reached = sorted({case.symbol for case in walk.cases})
    others = sorted(set(source.symbols) - set(reached))
    unreached = [f"no decision was judged on {', '.join(others)}: too few bars, or past the limit"] if others else []
    data = DataFacts(
        name=name,
        symbols=tuple(reached),
        timeframe=source.timeframe,
        bars=walk.bars,
        first=walk.cases[0].asof,
        last=max(case.resolved_at for case in walk.cases),
        notes=(*notes, *unreached),
    )
    return judge(walk, settings, chosen, data)


def judge(walk: Walk, settings: Settings, agents: Sequence[BaseAgent], data: DataFacts) -> Evaluation:
    """The figures of a walk with at least one case; pure."""
    cases, horizon = walk.cases, settings.decision.horizon_bars
    voters = sorted(agent.name for agent in agents if agent.role is AgentRole.VOTER)
    grid = Grid(cases, walk.closes, cost=walk.cost, bar_ns=check_timeframe(data.timeframe))
    block = float(max(2 * horizon, math.ceil(len(grid.moments) ** (1.0 / 3.0))))
    rows = _rows(walk, voters, grid, block, horizon)
    finding, words = overall(rows)
    decided = Counter(case.fuser for case in cases)
    return Evaluation(
        format=FORMAT,
        finding=finding,
        words=words,
        data=data,
        settings_sha=settings_sha(settings),
        agents=tuple(voters),
        guards=tuple(sorted(agent.name for agent in agents if agent.role is AgentRole.GUARD)),
        decisions=len(cases) + walk.unresolved,
        unresolved=walk.unresolved,
        horizon_bars=horizon,
        cost=walk.cost,
        bars_per_year=grid.bars_per_year(grid.span()),
        block=block,
        draws=DRAWS,
        level=LEVEL,
        blocked=_counts(case.block_kind for case in cases),
        held=_counts(case.abstain_kind for case in cases),
        live={name: decided[name] / len(cases) for name in sorted(decided)},
        rows=rows,
    )


def settings_sha(settings: Settings) -> str:
    """Names everything of the settings that an evaluation depends on; machine-independent."""
    used = settings.model_dump(
        mode="json", include={"decision", "agents", "account", "timeframe", "view_timeframes", "history_bars"}
    )
    return hashlib.sha256(encode(used)).hexdigest()


def _rows(walk: Walk, voters: Sequence[str], grid: Grid, block: float, horizon: int) -> tuple[Row, ...]:
    cases, cost = walk.cases, walk.cost
    prior = float(PRIOR_HORIZONS * horizon * len(grid.symbols))
    outcomes = outcomes_of(cases, cost)
    made = list(forecasts(cases, voters, Learner(0.5, 0.5).names, cost=cost, prior=prior))
    parts = _parts(cases, grid)
    sums = Sums(len(grid.moments), block)
    at_once = max(1, MOST_VALUES // (len(parts) * len(COLUMNS) * len(grid.moments)))
    scores: list[Scores] = []
    for first in range(0, len(made), at_once):
        chosen = made[first : first + at_once]
        prepared = [prepare(forecast, part, outcomes, grid, cost) for forecast in chosen for part in parts]
        scores += score(prepared, sums, grid, horizon)
    looked_at = sum(forecast.kind is not RowKind.BASELINE for forecast in made)
    return tuple(
        _row(forecast, parts, scores[at * len(parts) : (at + 1) * len(parts)], looked_at)
        for at, forecast in enumerate(made)
    )


def _row(forecast: Forecast, parts: Sequence[Part], scores: Sequence[Scores], looked_at: int) -> Row:
    finding, words = find(forecast.kind, scores[0], looked_at)
    voted = ~np.isnan(forecast.p)
    table = reliability_table(forecast.p[voted], forecast.y[voted]) if voted.any() else ()
    named = list(zip(parts, scores, strict=True))[1:]
    return Row(
        name=forecast.name,
        kind=forecast.kind,
        event=forecast.event,
        finding=finding,
        words=words,
        scores=scores[0],
        reliability=table,
        regimes={part.name: found for part, found in named if part.symbol is None},
        symbols={part.name: found for part, found in named if part.symbol is not None},
    )


def _parts(cases: Sequence[Case], grid: Grid) -> list[Part]:
    """Everything, every regime, every symbol."""
    regimes = np.array([case.regime for case in cases])
    whole: NDArray[np.bool_] = np.ones(len(cases), dtype=bool)
    return [
        Part("", whole),
        *(Part(name, regimes == name) for name in sorted(set(regimes.tolist()))),
        *(Part(name, grid.of_case == number, number) for number, name in enumerate(grid.symbols)),
    ]


def _counts(kinds: Any) -> dict[str, int]:
    found = Counter(kind for kind in kinds if kind)
    return {kind: found[kind] for kind in sorted(found)}


__all__ = ["WARM_UP", "Evaluation", "Finding", "evaluate", "judge", "settings_sha"]
