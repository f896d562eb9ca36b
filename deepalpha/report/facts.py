"""What an evaluation says, as frozen facts: they go to JSON and come back equal."""

from __future__ import annotations

from enum import StrEnum

from deepalpha.decision.metrics import Interval, ReliabilityBin
from deepalpha.types import Fact

FORMAT = 1
"""Of the kept file; changes whenever a figure's definition does."""


class RowKind(StrEnum):
    """What a row of the table is about."""

    ENGINE = "engine"
    AGENT = "agent"
    FUSER = "fuser"
    CALIBRATED = "calibrated"
    BASELINE = "baseline"


class Event(StrEnum):
    """What a row's probability is of.

    `up`: the close at the end of the horizon is above the decision's price (1, 0, and 0.5 when it is the same).
    `pays`: a trade on the side that the score leans to has earned its costs by then.
    """

    UP = "up"
    PAYS = "pays"
    NONE = "none"


class Finding(StrEnum):
    """What a row's figures allow to say; baselines are `reference`."""

    NO_EDGE = "no edge"
    UNPROVEN = "unproven"
    EDGE = "edge"
    IMPLAUSIBLE = "implausible"
    REFERENCE = "reference"


class Scores(Fact, frozen=True):
    """The figures of one row over one set of cases.

    A case is a decision whose horizon has ended. Figures that need votes are None without any, intervals also with too
    few of them (see `score.enough`).

    Attributes:
        cases: decisions looked at; `cases = votes + abstained + failed`.
        votes: cases with a probability (the engine: with a trade).
        abstained, failed: cases without; `failed` are errors and timeouts.
        trades: cases with a side.
        hit: share of sided cases whose price went that way, unchanged prices left out, with interval.
        brier, log_loss: of the probabilities. A coin has 0.25 and 0.693.
        climatology: Brier score of the same cases under the base rate of the event in earlier outcomes only.
        skill: Brier skill 1 - brier / climatology, with interval; 0 is no better than the base rate.
        ece: expected calibration error over 10 equal-mass bins.
        net_per_trade: mean over sided cases of the outcome's net return, every trade paying its way in and out.
        net: mean net return a year of the position (sum of bars, not compounded), with interval.
        total: compounded net return over all bars.
        gross: the same before costs.
        sharpe: of the net returns a bar, annualised, with interval.
        drawdown: deepest fall of the compounded net value from its peak, as a share.
        turnover: traded shares of capital a year, one way.
        cost: fees and slippage a year, as a share of capital.
    """

    cases: int
    votes: int
    abstained: int
    failed: int
    trades: int
    hit: Interval | None = None
    brier: float | None = None
    log_loss: float | None = None
    climatology: float | None = None
    skill: Interval | None = None
    ece: float | None = None
    net_per_trade: Interval | None = None
    net: Interval | None = None
    total: float = 0.0
    gross: float = 0.0
    sharpe: Interval | None = None
    drawdown: float = 0.0
    turnover: float = 0.0
    cost: float = 0.0


class Row(Fact, frozen=True):
    """One line of the table.

    `finding` is the verdict and `words` name the number it rests on; `reliability` are the bins of the probabilities;
    `regimes` and `symbols` hold the same figures for parts of the cases.
    """

    name: str
    kind: RowKind
    event: Event
    finding: Finding
    words: str
    scores: Scores
    reliability: tuple[ReliabilityBin, ...]
    regimes: dict[str, Scores]
    symbols: dict[str, Scores]


class DataFacts(Fact, frozen=True):
    """What was evaluated. `bars` counts the bars of all symbols that were walked; times are UTC ns of closes."""

    name: str
    symbols: tuple[str, ...]
    timeframe: str
    bars: int
    first: int
    last: int
    notes: tuple[str, ...] = ()


class Evaluation(Fact, frozen=True):
    """The whole answer of `evaluate`.

    Attributes:
        finding, words: the verdict in one word and in plain words; of the engine, the others are only pointed to.
        decisions, unresolved: decisions made; those whose horizon had not ended when the data did (not judged).
        horizon_bars, cost: of the settings; cost is the share of the price the way in and out takes.
        bars_per_year, block, draws, level: how figures were annualised and intervals made (stationary bootstrap over
            moments, mean block in moments).
        blocked, held: why decisions were holds: rules that forbade a trade, and gates that found it not worth one.
        live: fuser -> share of the judged decisions it decided.
        rows: engine, agents, fusers raw and calibrated, baselines.
    """

    format: int
    finding: Finding
    words: str
    data: DataFacts
    settings_sha: str
    agents: tuple[str, ...]
    guards: tuple[str, ...]
    decisions: int
    unresolved: int
    horizon_bars: int
    cost: float
    bars_per_year: float
    block: float
    draws: int
    level: float
    blocked: dict[str, int]
    held: dict[str, int]
    live: dict[str, float]
    rows: tuple[Row, ...]

    def row(self, name: str) -> Row:
        """The row of that name; KeyError without one."""
        return {row.name: row for row in self.rows}[name]
