"""An evaluation as text: what was looked at, the verdict, the table, its parts, what the columns mean. 120 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from deepalpha.decision.metrics import Interval
from deepalpha.report.facts import Evaluation, Row, RowKind, Scores
from deepalpha.report.forecast import BUY_AND_HOLD, ENGINE
from deepalpha.types import SECOND

WIDTH = 120
_NAME = 18
_HEADS = {
    RowKind.AGENT: "agents",
    RowKind.FUSER: "fusers, raw",
    RowKind.CALIBRATED: "fusers, calibrated",
    RowKind.BASELINE: "baselines",
}
_COLUMNS = (
    ("votes", 6), ("out%", 4), ("Brier", 5), ("skill% (95 %)", 19), ("logl", 5), ("ECE%", 4), ("net%/yr (95 %)", 16),
    ("Sharpe (95 %)", 17), ("DD%", 4), ("turn", 5), ("cost", 5),
)  # fmt: skip


def render(evaluation: Evaluation) -> str:
    """All of it, with no line longer than 120 characters."""
    parts = [
        *_wrapped(headline(evaluation)),
        *_wrapped(evaluation.words),
        "",
        *_table(evaluation.rows),
        "",
        *_regimes(evaluation.rows),
        "",
        *_symbols(evaluation),
        "",
        *_reliability(evaluation),
        *_holds(evaluation),
        "",
        *(line for note in _notes(evaluation) for line in _wrapped(note)),
    ]
    return "\n".join(parts)


def headline(evaluation: Evaluation) -> str:
    """Data, dates, bars, symbols and costs in one sentence."""
    data = evaluation.data
    return (
        f"Data: {data.name}: {data.bars:,} {data.timeframe} bars of {', '.join(data.symbols)}; "
        f"{evaluation.decisions:,} decisions from {_day(data.first)} to {_day(data.last)}, each judged after "
        f"{evaluation.horizon_bars} bars; costs {100 * evaluation.cost:.2f} % for the way in and out"
    )


def _table(rows: Sequence[Row]) -> list[str]:
    lines = [" ".join(["".ljust(_NAME), *(name.rjust(width) for name, width in _COLUMNS)])]
    kind = RowKind.ENGINE
    for row in rows:
        if row.kind is not kind:
            kind = row.kind
            lines.append(f"{_HEADS[kind]}:")
        lines.append(_line(row))
    return lines


def _line(row: Row) -> str:
    found = row.scores
    out = 100.0 * (found.cases - found.votes) / found.cases if found.cases else 0.0
    widths = dict(_COLUMNS)
    cells = (
        f"{found.votes}",
        f"{out:.0f}",
        _plain(found.brier),
        _share(found.skill, 1, widths["skill% (95 %)"]),
        _plain(found.log_loss),
        _dash(None if found.ece is None else f"{100 * found.ece:.1f}"),
        _share(found.net, 0, widths["net%/yr (95 %)"]),
        _bounds(found.sharpe, 1, widths["Sharpe (95 %)"]),
        f"{100 * found.drawdown:.0f}",
        f"{found.turnover:.0f}",
        f"{100 * found.cost:.1f}",
    )
    padded = (cell.rjust(width) for cell, (_, width) in zip(cells, _COLUMNS, strict=True))
    return " ".join([_label(row).ljust(_NAME), *padded])


def _label(row: Row) -> str:
    if row.kind is RowKind.ENGINE:
        return row.name
    name = row.name.partition("/")[0] if row.kind in (RowKind.FUSER, RowKind.CALIBRATED) else row.name
    return f" {name}"[:_NAME]


def _regimes(rows: Sequence[Row]) -> list[str]:
    """Votes, skill and net a year of every judged row in every regime."""
    names = list(rows[0].regimes)
    lines = ["".ljust(_NAME) + "".join(name.rjust(25) for name in names)]
    lines.append("".ljust(_NAME) + "".join(f"{'votes':>6} {'skill%':>13} {'net%':>4}" for _ in names))
    kind = RowKind.ENGINE
    for row in rows:
        if row.kind is not kind:
            kind = row.kind
            lines.append(f"{_HEADS[kind]}:")
        lines.append(_label(row).ljust(_NAME) + "".join(_part(row.regimes[name]) for name in names))
    return lines


def _part(found: Scores) -> str:
    net = _dash(None if found.net is None else _short(100 * found.net.value))
    return f"{found.votes:>6} {_share(found.skill, 0, 13):>13} {net:>4}"


def _symbols(evaluation: Evaluation) -> list[str]:
    engine, held = evaluation.row(ENGINE), evaluation.row(BUY_AND_HOLD)
    lines = [
        f"{'by symbol':<{_NAME}} {'cases':>6} {'trades':>6} {'skill%':>19} {'net%/yr':>16} {'Sharpe':>17} {'DD%':>4}"
        f" | held: {'net%/yr':>8} {'DD%':>4}"
    ]
    for name, found in engine.symbols.items():
        other = held.symbols[name]
        kept = _dash(None if other.net is None else f"{100 * other.net.value:+.0f}")
        lines.append(
            f" {name[: _NAME - 1]:<{_NAME - 1}} {found.cases:>6} {found.trades:>6} {_share(found.skill, 1, 19):>19} "
            f"{_share(found.net, 0, 16):>16} {_bounds(found.sharpe, 1, 17):>17} {100 * found.drawdown:>4.0f}"
            f" | {'':5} {kept:>8} {100 * other.drawdown:>4.0f}"
        )
    return lines


def _reliability(evaluation: Evaluation) -> list[str]:
    """Said against happened, of the calibrated fuser that decided most."""
    most = max(evaluation.live, key=lambda name: (evaluation.live[name], name))
    row = evaluation.row(f"{most} calibrated")
    if not row.reliability:
        return [f"reliability of {row.name}: uncalibrated, too few outcomes"]
    said = " ".join(f"{100 * found.p:5.1f}" for found in row.reliability)
    came = " ".join(f"{100 * found.frequency:5.1f}" for found in row.reliability)
    size = round(sum(found.n for found in row.reliability) / len(row.reliability))
    return [f"reliability of {row.name} (bins of {size})", f"  said %     {said}", f"  happened % {came}"]


def _holds(evaluation: Evaluation) -> list[str]:
    why = [f"{count} by {kind.replace('_', ' ')}" for kind, count in {**evaluation.held, **evaluation.blocked}.items()]
    live = ", ".join(f"{name} {100 * share:.0f} %" for name, share in evaluation.live.items())
    return [*_wrapped(f"held back: {', '.join(why) or 'none'}"), *_wrapped(f"decided by: {live}")]


def _notes(evaluation: Evaluation) -> Iterable[str]:
    guards = ", ".join(evaluation.guards)
    yield (
        "votes: cases with a probability (engine: with a trade); out: abstained or failed. skill: Brier skill against "
        "the base rate in earlier outcomes, 0 is none. Agents, raw fusers and baselines say P(price higher at the "
        "horizon's end); calibrated fusers and the engine P(the side leaned to earns its costs). logl: log loss, a "
        "coin has .693. ECE: calibration error, 10 bins."
    )
    yield (
        "net: mean net return a year, not compounded. A side is held for the horizon; the mean of a symbol's open "
        "sides is its position (each 1/horizon), capital is equal over symbols; a change pays half the round trip. "
        "DD: deepest fall. turn: shares of capital traded a year; cost: % of capital a year. Calibrated fusers trade "
        "when a trade is worth its costs."
    )
    yield (
        f"Intervals: {100 * evaluation.level:.0f} %, stationary bootstrap over moments, mean block "
        f"{evaluation.block:g} (horizon {evaluation.horizon_bars}), {evaluation.draws} draws, widened "
        f"for overlap and few moments; none below 50 votes or five blocks. "
        f"-: not measurable. {evaluation.bars_per_year:.0f} bars a year. {evaluation.unresolved} decisions have no "
        "outcome yet and are not judged."
    )
    if guards:
        yield f"{guards}: a guard, it caps sizes and never votes. Language models were not asked, feeds not read."
    for note in evaluation.data.notes:
        yield f"note: {note}"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent="  ", break_on_hyphens=False)


def _share(found: Interval | None, digits: int, width: int) -> str:
    if found is None:
        return "-"
    return _bounds(Interval(value=100 * found.value, low=100 * found.low, high=100 * found.high), digits, width)


def _bounds(found: Interval | None, digits: int, width: int) -> str:
    """Value and bounds; without decimals, then without bounds, where the column is too narrow."""
    if found is None:
        return "-"
    for places in (digits, 0):
        value, low, high = (_signed(number, places) for number in (found.value, found.low, found.high))
        if len(text := f"{value} ({low}..{high})") <= width:
            return text
    return _signed(found.value, 0)


def _signed(value: float, places: int) -> str:
    """With its sign; what rounds to nothing is +0, whichever side it came from."""
    return f"{round(value, places) + 0.0:+.{places}f}"


def _short(value: float) -> str:
    """Four characters: +39, -999, +12k."""
    text = _signed(value, 0)
    return text if len(text) <= 4 else f"{_signed(value / 1000, 0)}k"


def _plain(value: float | None) -> str:
    return _dash(None if value is None else f"{value:.3f}".removeprefix("0"))


def _dash(text: str | None) -> str:
    return "-" if text is None else text


def _day(ts: int) -> str:
    return datetime.fromtimestamp(ts // SECOND, UTC).strftime("%Y-%m-%d")
