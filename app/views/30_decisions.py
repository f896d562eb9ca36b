"""Decisions

Every decision with its five votes, the weights, the reasons and what followed.
"""

import polars as pl
import streamlit as st

from components.cards import buttons, headline, last_answer, order_words, rule_table, ruling
from components.guard import guarded, live
from components.station import station
from components.tables import money_table
from components.words import STATUSES
from deepalpha.live.workstation import DecisionDetail
from deepalpha.types import Decision

ORDER = ("client_order_id", "side", "quantity", "type", "price", "approved_by")
FILL = ("fill_id", "side", "quantity", "price", "fee", "realised_pnl", "reason")
COLUMNS = {
    "time": st.column_config.DatetimeColumn("as of (UTC)", format="YYYY-MM-DD HH:mm"),
    "blocked_by": "held back by",
    "confidence": st.column_config.NumberColumn("confidence", format="%.0f %%"),
    "price": st.column_config.NumberColumn("price", format="%,.2f"),
    "decision_id": st.column_config.TextColumn("id", width="small"),
}


@live
def waiting() -> None:
    last_answer()
    for item, decision in station().pending():
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            headline(decision)
            st.markdown(order_words(item.order))
            buttons(decision.decision_id, place="decisions")


def votes(decision: Decision) -> None:
    st.dataframe(
        [
            {
                "agent": signal.agent,
                "answer": signal.status.value if signal.p_up is None else signal.vote.value,
                "p(up)": signal.p_up,
                "weight": decision.weights.get(signal.agent),
                "contribution": decision.contributions.get(signal.agent),
                "size cap": signal.size_cap,
                "why": "; ".join(signal.reasons),
            }
            for signal in decision.signals
        ],
        hide_index=True,
        width="stretch",
        placeholder="–",
        column_config={
            "p(up)": st.column_config.ProgressColumn("p(up)", min_value=0.0, max_value=1.0, format="%.2f"),
            "weight": st.column_config.NumberColumn(format="%.2f"),
            "contribution": st.column_config.NumberColumn(format="%+.3f"),
            "size cap": st.column_config.NumberColumn(format="%.2f"),
            "why": st.column_config.TextColumn(width="large"),
        },
    )


def detail(found: DecisionDetail) -> None:
    decision = found.decision
    headline(decision)
    st.caption(
        f"score {decision.score:+.3f} = sum of the contributions (log-odds) · p(up) {decision.p_up:.3f} · "
        f"fuser {decision.fuser} · status {STATUSES.get(found.status, found.status)} · id {decision.decision_id}"
    )
    votes(decision)
    st.text("\n".join(f"• {reason}" for reason in decision.reasons))
    if decision.blocked_by:
        st.warning(decision.blocked_by)
    for step in found.history:
        if step["kind"] == "plan":
            st.text(f"No order: {step['body']['reason']}")
    if found.verdict is not None:
        ruling(found.verdict)
        with st.expander("Every rule"):
            rule_table(found.verdict.checks)
    with st.expander("Evidence"):
        st.dataframe(
            [
                {"agent": signal.agent, "evidence": item.id, "value": str(item.value)}
                for signal in decision.signals
                for item in signal.evidence
            ],
            hide_index=True,
            width="stretch",
        )
    if found.orders:
        st.caption("Orders")
        money_table(pl.DataFrame(found.orders, infer_schema_length=None).select(ORDER))
    if found.fills:
        st.caption("Fills")
        money_table(pl.DataFrame(found.fills, infer_schema_length=None).select(FILL))


@live
def newer(shown: str, actions_only: bool) -> None:
    """The table keeps still while it is read; this says when there is more."""
    latest = station().decisions(only_actions=actions_only, limit=1)
    if not latest.is_empty() and latest["decision_id"][0] != shown and st.button("Show newer decisions"):
        st.rerun()


waiting()
with guarded():
    actions_only = st.toggle("Only buy and sell", value=True)
    frame = station().decisions(only_actions=actions_only)
    if frame.is_empty():
        st.info("No decision yet. The agents decide at the close of each bar.", icon=":material/inbox:")
        newer("", actions_only)
    else:
        newer(frame["decision_id"][0], actions_only)
        chosen = st.dataframe(
            frame.with_columns(pl.col("status").replace(STATUSES)),
            hide_index=True,
            width="stretch",
            placeholder="–",
            column_config=COLUMNS,
            on_select="rerun",
            selection_mode="single-row",
        )
        rows = chosen.selection.rows
        found = station().decision(frame["decision_id"][rows[0] if rows else 0])
        if found is not None:
            detail(found)
