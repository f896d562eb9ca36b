"""Risk

How much of each bound is used, and what the gate refused.
"""

import streamlit as st

from components.guard import live
from components.station import station
from components.words import percent
from deepalpha.live.workstation import Limit

WARN = ((0.95, "red"), (0.85, "orange"), (0.70, "yellow"))


@live
def limits() -> None:
    found = station().limits()
    if not found:
        st.info(
            "No bar has been processed yet. Use of the limits appears with the first one.", icon=":material/shield:"
        )
    for limit in found:
        _limit(limit)


def _limit(limit: Limit) -> None:
    colour = next((name for level, name in WARN if limit.use >= level), "green")
    st.markdown(
        f"**{limit.name}** :{colour}[{percent(limit.value)}] of {percent(limit.bound)}"
        + (f" :gray[· {limit.detail}]" if limit.detail else "")
    )
    st.progress(min(limit.use, 1.0))


@live
def refusals() -> None:
    frame = station().verdicts(refused_only=True)
    if frame.is_empty():
        st.caption("The gate has refused nothing.")
        return
    st.dataframe(frame.drop("status"), hide_index=True, width="stretch", height=260)


@live
def history() -> None:
    frame = station().audit(limit=100)
    if frame.is_empty():
        st.caption("No click, approval or halt yet.")
        return
    st.dataframe(frame, hide_index=True, width="stretch", height=260)


st.subheader("Limits in use")
limits()
st.subheader("What the gate refused")
refusals()
st.subheader("What people and the engine did")
history()
