"""Risk

State of the account, how much of each bound is used, early warnings, and what the gate refused.
"""

import polars as pl
import streamlit as st

from components.guard import live
from components.risk import show_limit, show_state
from components.station import station
from components.words import in_words

RECENT, ALL = 200, 5000
OUR_TIME = st.column_config.DatetimeColumn("our clock (UTC)", format="YYYY-MM-DD HH:mm:ss")
TOLD = {
    "time": OUR_TIME,
    "kind": st.column_config.TextColumn("what", width="small"),
    "status": st.column_config.TextColumn("outcome", width="small"),
    "body": st.column_config.TextColumn("who and why", width="large"),
}
REFUSED = {
    "time": st.column_config.DatetimeColumn("market time (UTC)", format="YYYY-MM-DD HH:mm", width="small"),
    "message": st.column_config.TextColumn("why", width="large"),
    "ref": st.column_config.TextColumn("decision", width="small"),
}


WARNED = {
    "time": st.column_config.DatetimeColumn("market time (UTC)", format="YYYY-MM-DD HH:mm", width="small"),
    "level": st.column_config.TextColumn("level", width="small"),
    "rule": st.column_config.TextColumn("rule", width="small"),
    "message": st.column_config.TextColumn("what", width="large"),
}
RULES = {
    "rule": st.column_config.TextColumn("rule", width="small"),
    "tier": st.column_config.TextColumn("tier", width="small"),
    "bound": st.column_config.TextColumn("bound", width="small"),
    "meaning": st.column_config.TextColumn("what is measured", width="large"),
}


@live
def state() -> None:
    show_state(station().risk_state())


@live
def limits() -> None:
    found = station().limits()
    if not found:
        st.info(
            "No bar has been processed yet. Use of the limits appears with the first one.", icon=":material/shield:"
        )
    for number, limit in enumerate(found):
        show_limit(limit, number)


@live
def warnings() -> None:
    frame = station().risk_warnings()
    if frame.is_empty():
        st.caption("No limit has reached 70 % of its bound.")
        return
    st.dataframe(frame, hide_index=True, width="stretch", column_config=WARNED)


@live
def refusals() -> None:
    frame = station().verdicts(refused_only=True)
    if frame.is_empty():
        st.caption("The gate has refused nothing.")
        return
    st.dataframe(frame.drop("status"), hide_index=True, width="stretch", column_config=REFUSED)


@live
def switches() -> None:
    _told(frame=station().audit(limit=ALL).filter(pl.col("kind") == "kill_switch"), none="Never used.")


@live
def history() -> None:
    _told(frame=station().audit(limit=RECENT), none="No click, approval or halt yet.")


def _told(frame: pl.DataFrame, none: str) -> None:
    if frame.is_empty():
        st.caption(none)
        return
    said = frame.with_columns(pl.col("body").map_elements(in_words, return_dtype=pl.String)).drop("ref")
    st.dataframe(said, hide_index=True, width="stretch", column_config=TOLD)


st.subheader("State of the account")
state()
st.subheader("Limits in use")
limits()
st.subheader("Early warnings at 70, 85 and 95 %")
warnings()
st.subheader("What the gate refused")
refusals()
with st.expander("Every rule of the gate, in the order of evaluation"):
    st.dataframe(station().risk_rules(), hide_index=True, width="stretch", column_config=RULES)
st.subheader("Kill switch")
switches()
st.subheader("What people and the engine did")
history()
