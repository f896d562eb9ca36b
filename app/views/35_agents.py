"""Agents

How the agents and fusers stand against what came: votes, calibration, weights, language models, time and cost.
"""

import streamlit as st

from components.guard import guarded
from components.station import engine, station
from deepalpha.live.standings import AgentStanding, Standings
from deepalpha.plots import reliability_chart, weights_chart

COIN = "Brier: mean squared error of the stated probability; 0.25 is a coin, lower is better."
COLUMNS = {
    "hits": st.column_config.NumberColumn(
        "right side", format="%.1f %%", help="Share of outcomes on the side leaned to"
    ),
    "Brier": st.column_config.NumberColumn(format="%.4f", help=COIN),
    "p50": st.column_config.NumberColumn("p50 ms", format="%.1f"),
    "p99": st.column_config.NumberColumn("p99 ms", format="%.1f"),
    "n": st.column_config.NumberColumn("n", help="Outcomes it had an opinion on"),
}
WEIGHT = st.column_config.NumberColumn(format="%.3f")
HEIGHT = 300


def row(agent: AgentStanding) -> dict[str, object]:
    return {
        "agent": agent.agent,
        "role": agent.role,
        "votes": agent.votes,
        "abstained": agent.abstained,
        "failed": agent.failed,
        "n": agent.n,
        "hits": None if agent.hits is None else 100 * agent.hits,
        "Brier": agent.brier,
        **{fuser.replace("_", " "): weight for fuser, weight in agent.weights.items()},
        "p50": agent.p50_ms,
        "p99": agent.p99_ms,
    }


def agents(found: Standings) -> None:
    known = found.agents()
    weighed = sorted({fuser.replace("_", " ") for agent in known for fuser in agent.weights})
    st.dataframe(
        [row(agent) for agent in known],
        hide_index=True,
        width="stretch",
        placeholder="–",
        column_config={**COLUMNS, **dict.fromkeys(weighed, WEIGHT)},
    )


def fusers(found: Standings) -> None:
    st.subheader("Who decides")
    known = found.fusers()
    if not known:
        st.info("No horizon has ended yet: the equal pool decides.", icon=":material/hourglass:")
        return
    st.dataframe(
        [
            {
                "fuser": item.fuser.replace("_", " "),
                "decides": "✓" if item.live else "",
                "n": item.n,
                "Brier": item.brier,
            }
            for item in known
        ],
        hide_index=True,
        width="stretch",
        column_config=COLUMNS,
    )
    st.caption(found.contest or "The fusers are compared for the first time after 200 outcomes.")


def calibration(found: Standings) -> None:
    st.subheader("Said and came")
    names = [item.fuser for item in found.fusers()] + [agent.agent for agent in found.agents() if agent.n]
    if not names:
        st.info("Needs outcomes.", icon=":material/hourglass:")
        return
    name = st.selectbox("Whose probabilities", names, format_func=lambda text: text.replace("_", " "))
    table = found.reliability(name)
    if table.is_empty():
        st.info("It had no opinion on an outcome yet.", icon=":material/hourglass:")
        return
    st.echarts_chart(reliability_chart(table), height=HEIGHT, key="reliability", alt=f"Reliability of {name}")
    st.caption(f"{sum(table['n'])} outcomes in bins of equal size, bars: 90 % interval; dashed: said = came")


def weights(found: Standings) -> None:
    st.subheader("Weights over time")
    learning = sorted({fuser for agent in found.agents() for fuser in agent.weights})
    if not learning:
        st.info("Weights move only when an outcome is known; none is yet.", icon=":material/hourglass:")
        return
    fuser = st.segmented_control(
        "Of", learning, default=learning[0], required=True, format_func=lambda text: text.replace("_", " ")
    )
    st.echarts_chart(
        weights_chart(found.weights(fuser)), height=HEIGHT, key="weights", alt=f"Weights of the agents in {fuser}"
    )


def models(found: Standings) -> None:
    st.subheader("Language models and cost")
    hits, made = found.cache()
    mode = engine().models
    known = found.models()
    said = {"off": "switched off; rules decide alone", "llm": "on"}.get(mode, mode)
    st.caption(f"Language models: {said} · decisions from the cache: {hits} of {hits + made}")
    if known:
        st.dataframe(
            [
                {
                    "model": item.model,
                    "for": item.purpose,
                    "calls": item.steps,
                    "failed": item.failed,
                    "US$": item.cost_usd,
                    "tokens in": item.input_tokens,
                    "cached": None if item.cached_share is None else 100 * item.cached_share,
                    "tokens out": item.output_tokens,
                    "p50": item.p50_ms,
                }
                for item in known
            ],
            hide_index=True,
            width="stretch",
            placeholder="–",
            column_config={
                "US$": st.column_config.NumberColumn(format="%.4f"),
                "cached": st.column_config.NumberColumn(format="%.0f %%"),
                "p50": COLUMNS["p50"],
            },
        )


with guarded():
    found = station().standings()
    if found.agents():
        agents(found)
        left, right = st.columns(2)
        with left:
            fusers(found)
            weights(found)
        with right:
            calibration(found)
            models(found)
    else:
        st.info("No vote yet. The agents vote at the close of each bar.", icon=":material/inbox:")
