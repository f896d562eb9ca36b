"""Risk

How much of each bound is used, and what the gate refused.
"""

import polars as pl
import streamlit as st

from components.guard import live
from components.station import station
from components.words import in_words, percent
from deepalpha.live.workstation import Limit

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
WARN = ((0.95, "red"), (0.85, "orange"), (0.70, "yellow"))


@live
def limits() -> None:
    found = station().limits()
    if not found:
        st.info(
            "No bar has been processed yet. Use of the limits appears with the first one.", icon=":material/shield:"
        )
    for number, limit in enumerate(found):
        colour = next((name for level, name in WARN if limit.use >= level), "green")
        # The key carries the colour of the bar to style.css.
        with st.container(key=f"limit-{colour}-{number}"):
            _limit(limit, colour)


def _limit(limit: Limit, colour: str) -> None:
    used = f":{colour}[**{percent(limit.use, digits=0)} used**] · {percent(limit.value)} of {percent(limit.bound)}"
    detail = f" :gray[· {limit.detail}]" if limit.detail else ""
    st.progress(max(0.0, min(limit.use, 1.0)), text=f"**{limit.name}** {used}{detail}")


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


st.subheader("Limits in use")
limits()
st.subheader("What the gate refused")
refusals()
st.subheader("Kill switch")
switches()
st.subheader("What people and the engine did")
history()
