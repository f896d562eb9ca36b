"""Chart

Prices with the agents' decisions, the fills and the protection of the open position.
"""

import streamlit as st

from components.guard import guarded, live
from components.hub_reader import first_view
from components.live_chart import live_chart
from components.station import station
from deepalpha.live.chart_view import chart_view, live_view, symbols, timeframes
from deepalpha.plots import MarkerKind, to_echarts

HEIGHT = 680
BARS = (120, 250, 500)


def draw(symbol: str, timeframe: str, bars: int) -> None:
    spec = chart_view(station(), symbol, timeframe, bars)
    st.echarts_chart(to_echarts(spec), height=HEIGHT, key="chart", alt=f"Candles of {spec.title}")
    kinds = [marker.kind for marker in spec.panes[0].markers]
    counts = " · ".join(f"{kind.value} {kinds.count(kind)}" for kind in MarkerKind if kind in kinds)
    st.caption(f"{len(spec.times)} closed bars · {counts or 'no decision or fill in view'} · wheel or slider to zoom")


@live
def await_bars() -> None:
    st.info("No bars yet. The engine brings the sample's when it starts.", icon=":material/hourglass:")
    if symbols(station()):
        st.rerun()


@live
def follow_market(symbol: str, bars: int) -> None:
    """The bars are read once for each stretch of listening; what comes later comes by WebSocket."""
    key = f"live-{symbol}"
    view = first_view(key, (station().status().hub, bars), lambda: live_view(station(), symbol, bars))
    live_chart(view, key=key)
    st.caption("wheel to zoom · drag to move · double click to follow again · switch off for indicators and decisions")


def choose(known: tuple[str, ...]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        symbol = st.selectbox("Symbol", known, width=140)
        offered = timeframes(station())
        if st.session_state.get("follow"):
            offered = offered[:1]  # the bars that the engine sends
        timeframe = st.segmented_control("Bars of", offered, default=offered[0], required=True, width=180)
        bars = st.segmented_control(
            "Show", BARS, default=250, required=True, format_func=lambda count: f"{count} bars", width=300
        )
        follow = st.toggle(
            "Follow the market", key="follow", help="Candles that come by WebSocket as bars close; the zoom stays."
        )
    if follow:
        follow_market(symbol, bars)
    else:
        draw(symbol, timeframe, bars)


with guarded():
    known = symbols(station())
    if known:
        choose(known)
    else:
        await_bars()
