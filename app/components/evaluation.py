"""The last evaluation of the workspace as a table: every agent, fuser and baseline, with what it may be said of."""

from __future__ import annotations

import streamlit as st

from components.station import station
from deepalpha.decision.metrics import Interval
from deepalpha.report import Finding, Row, RowKind, Scores, headline, load_evaluation

KINDS = {
    RowKind.ENGINE: "decisions",
    RowKind.AGENT: "agent",
    RowKind.FUSER: "fuser, raw",
    RowKind.CALIBRATED: "fuser, calibrated",
    RowKind.BASELINE: "baseline",
}
WHOLE = "all"
COMMAND = "deepalpha evaluate"


def evaluation() -> None:
    """What the last `deepalpha evaluate` of this workspace found, or how to run one."""
    st.subheader("Is there an edge?")
    found = load_evaluation(station().workspace)
    if found is None:
        st.info(
            f"No evaluation in this workspace yet. `{COMMAND} --workspace {station().workspace.root}` judges "
            "every agent, fuser and baseline on real bars; the sample takes about half a minute.",
            icon=":material/science:",
        )
        return
    (st.success if found.finding is Finding.EDGE else st.warning)(found.words, icon=":material/science:")
    regimes = sorted({name for row in found.rows for name in row.regimes})
    part = st.segmented_control("Regime", [WHOLE, *regimes], default=WHOLE, required=True)
    st.dataframe(
        [_cells(row, row.scores if part == WHOLE else row.regimes.get(part)) for row in found.rows],
        hide_index=True,
        width="stretch",
        height="content",
        placeholder="–",
        column_config={
            "skill": st.column_config.TextColumn(
                "skill % (95 %)", help="Brier skill against the base rate known by then"
            ),
            "net": st.column_config.TextColumn("net % a year (95 %)", help="After costs, not compounded"),
            "Sharpe": st.column_config.TextColumn("Sharpe (95 %)"),
            "Brier": st.column_config.NumberColumn(format="%.4f"),
            "log loss": st.column_config.NumberColumn(format="%.3f"),
            "ECE": st.column_config.NumberColumn("ECE %", format="%.1f"),
            "drawdown": st.column_config.NumberColumn("drawdown %", format="%.0f"),
            "turnover": st.column_config.NumberColumn("turnover a year", format="%.0f"),
            "cost": st.column_config.NumberColumn("cost % a year", format="%.1f"),
            "why": st.column_config.TextColumn(width="large"),
        },
    )
    st.caption(f"{headline(found)} · made by `{COMMAND}`")


def _cells(row: Row, scores: Scores | None) -> dict[str, object]:
    cells: dict[str, object] = {"row": row.name, "kind": KINDS[row.kind], "finding": row.finding.value}
    if scores is None:
        return cells
    return cells | {
        "votes": scores.votes,
        "Brier": scores.brier,
        "skill": _span(scores.skill, 100.0, 1),
        "log loss": scores.log_loss,
        "ECE": _percent(scores.ece),
        "net": _span(scores.net, 100.0, 0),
        "Sharpe": _span(scores.sharpe, 1.0, 1),
        "drawdown": _percent(scores.drawdown),
        "turnover": scores.turnover,
        "cost": _percent(scores.cost),
        "why": row.words,
    }


def _percent(share: float | None) -> float | None:
    return None if share is None else 100.0 * share


def _span(found: Interval | None, scale: float, digits: int) -> str | None:
    if found is None:
        return None
    value, low, high = (scale * number for number in (found.value, found.low, found.high))
    return f"{value:+.{digits}f} ({low:+.{digits}f} .. {high:+.{digits}f})"
