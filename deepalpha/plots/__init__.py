"""Charts as data: `chart` builds a spec from frames, `echarts` and `holoviews` draw it."""

from deepalpha.plots.chart import SERIES, candle_chart, equity_chart
from deepalpha.plots.echarts import to_echarts
from deepalpha.plots.holoviews import to_holoviews
from deepalpha.plots.spec import Bars, Candles, ChartSpec, Level, Line, Marker, MarkerKind, Pane, Tone
from deepalpha.plots.standings import reliability_chart, weights_chart

__all__ = [
    "SERIES",
    "Bars",
    "Candles",
    "ChartSpec",
    "Level",
    "Line",
    "Marker",
    "MarkerKind",
    "Pane",
    "Tone",
    "candle_chart",
    "equity_chart",
    "reliability_chart",
    "to_echarts",
    "to_holoviews",
    "weights_chart",
]
