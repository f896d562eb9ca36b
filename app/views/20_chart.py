"""Chart

Prices with the agents' decisions, the fills and the protection of the open position.
"""

import streamlit as st

from components.guard import guarded, live
from components.station import station
from deepalpha.live.chart_view import TIMEFRAMES, chart_view, symbols
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


def choose(known: tuple[str, ...]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        symbol = st.selectbox("Symbol", known, width=140)
        timeframe = st.segmented_control("Bars of", TIMEFRAMES, default=TIMEFRAMES[0], required=True, width=180)
        bars = st.segmented_control(
            "Show", BARS, default=250, required=True, format_func=lambda count: f"{count} bars", width=300
        )
        follow = st.toggle("Follow the market", help="Draws each new bar, which resets the zoom. Off keeps the zoom.")
    if follow:
        live(draw)(symbol, timeframe, bars)
    else:
        draw(symbol, timeframe, bars)


with guarded():
    known = symbols(station())
    if known:
        choose(known)
    else:
        await_bars()
