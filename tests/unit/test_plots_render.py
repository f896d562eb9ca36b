"""Both renderers draw the same spec, and the chart of a workspace shows nothing of the replay's future."""

from __future__ import annotations

import asyncio
import json
import warnings
from pathlib import Path

import polars as pl
import pytest

from deepalpha.config import Settings, Workspace
from deepalpha.errors import MarketDataError
from deepalpha.live import Loop
from deepalpha.live.chart_view import chart_view, equity_view, symbols, timeframes
from deepalpha.live.workstation import Workstation
from deepalpha.plots import (
    Bars,
    Candles,
    ChartSpec,
    Level,
    Line,
    Marker,
    MarkerKind,
    Pane,
    to_echarts,
    to_holoviews,
)
from deepalpha.types import DAY

STEPS = 40
SETTINGS = Settings.from_mapping(
    {"symbols": ["AAPL", "IBM"], "history_bars": 300, "approval": "auto", "replay": {"start": "2012-01-03"}}
)
PRICE = Pane(
    name="Price",
    weight=3,
    candles=Candles(name="Price", open=(1.0, 2.0), high=(2.5, 3.0), low=(0.5, 1.0), close=(2.0, 1.5)),
    lines=(Line(name="SMA", values=(None, 1.75), dashed=True),),
    markers=(Marker(index=1, value=1.5, kind=MarkerKind.BUY_FILL, text="buy fill: 5 at 1.50"),),
    levels=(Level(name="stop", value=1.0),),
)
VOLUME = Pane(name="Volume", bars=(Bars(name="Volume", values=(10.0, 20.0), rising=(True, False)),))
SPEC = ChartSpec(title="X 1d", times=(0, DAY), panes=(PRICE, VOLUME))


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Workstation:
    """A workspace after some steps in auto mode."""
    workspace = Workspace(tmp_path_factory.mktemp("chart") / "ws")
    loop = Loop(workspace, SETTINGS)
    workspace.settings.write_text("symbols: [IBM, AAPL]\nreplay: {start: 2012-01-03}\n", encoding="utf-8")

    async def run() -> None:
        for _ in range(STEPS):
            await loop.step()

    asyncio.run(run())
    loop.heartbeat()
    return Workstation(workspace)


def test_echarts_gets_every_number_in_one_frame_and_nulls_for_gaps() -> None:
    option = to_echarts(SPEC)
    source = option["dataset"]["source"]
    assert source["time"].to_list() == ["1970-01-01", "1970-01-02"]
    assert source["SMA"].to_list() == [None, 1.75]
    assert source["Volume rising"].to_list() == [1, 0]
    named = {name for series in option["series"] for name in series["encode"].values() if isinstance(name, str)}
    assert named <= set(source.columns)
    plain = {key: value for key, value in option.items() if key != "dataset"}
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain


def test_echarts_places_a_mark_by_the_label_of_its_bar() -> None:
    """By a number ECharts would append the mark behind the last bar."""
    (marks,) = [series for series in to_echarts(SPEC)["series"] if series["type"] == "scatter"]
    assert marks["data"] == [["1970-01-02", 1.5, "buy fill: 5 at 1.50"]]


def test_echarts_panes_lie_below_each_other_and_inside_the_chart() -> None:
    grids = [(float(grid["top"][:-1]), float(grid["height"][:-1])) for grid in to_echarts(SPEC)["grid"]]
    assert grids[0][0] + grids[0][1] <= grids[1][0]
    assert grids[1][0] + grids[1][1] < 100
    assert grids[0][1] == pytest.approx(3 * grids[1][1], rel=1e-3)


@pytest.mark.parametrize(("bars", "zoom", "start"), [(0, 10, 0.0), (10, 20, 0.0), (200, 50, 75.0)])
def test_echarts_opens_on_the_latest_bars(bars: int, zoom: int, start: float) -> None:
    spec = ChartSpec(title="X", times=tuple(range(bars)), panes=(Pane(name="P"),))
    assert [part["start"] for part in to_echarts(spec, zoom=zoom)["dataZoom"]] == [start, start]
    assert "dataZoom" not in to_echarts(spec, zoom=None)


def test_holoviews_draws_every_pane_on_one_time_axis_with_a_height_of_its_own() -> None:
    hv = pytest.importorskip("holoviews")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of HoloViews' own imports
        layout = to_holoviews(SPEC)
        figure = hv.render(layout)
    overlays = list(layout)
    assert len(overlays) == len(SPEC.panes)
    assert {str(element.kdims[0]) for overlay in overlays for element in overlay if element.kdims[0].name != "x"} == {
        "time"
    }
    assert overlays[0].Rectangles.I.kdims[1].name != overlays[1].Rectangles.I.kdims[1].name
    assert figure is not None


def test_the_chart_ends_at_the_markets_present_whatever_the_catalog_holds(station: Workstation) -> None:
    now = station.status().ts_event
    assert station.catalog.read("AAPL", "1d")["ts_event"].max() > now
    for timeframe in timeframes(station):
        spec = chart_view(station, "AAPL", timeframe)
        assert spec.times[-1] < now
    assert chart_view(station, "AAPL", "1d").times[-1] == now - DAY
    assert chart_view(station, "AAPL", "1d", bars=60).pane("RSI").lines[0].values[0] is not None


def test_the_chart_shows_what_was_decided_and_traded(station: Workstation) -> None:
    traded = station.fills()["symbol"].unique().to_list()
    assert traded
    for symbol in traded:
        kinds = [marker.kind for marker in chart_view(station, symbol).pane("Price").markers]
        expected = station.fills(symbol=symbol).group_by("side").len()
        found = {"buy": kinds.count(MarkerKind.BUY_FILL), "sell": kinds.count(MarkerKind.SELL_FILL)}
        assert {side: count for side, count in found.items() if count} == dict(expected.iter_rows())
        assert kinds.count(MarkerKind.BUY_DECISION) > 0


def test_a_fill_lies_within_its_bar_give_or_take_the_slippage(station: Workstation) -> None:
    for symbol in station.fills()["symbol"].unique().to_list():
        pane = chart_view(station, symbol).pane("Price")
        assert pane.candles is not None
        for marker in pane.markers:
            if marker.kind in (MarkerKind.BUY_FILL, MarkerKind.SELL_FILL):
                low, high = pane.candles.low[marker.index], pane.candles.high[marker.index]
                assert low * 0.9994 <= marker.value <= high * 1.0006


def test_an_open_position_shows_its_entry_stop_and_target(station: Workstation) -> None:
    held = station.positions()
    assert held
    for position in held:
        levels = {level.name: level.value for level in chart_view(station, position.symbol).pane("Price").levels}
        assert levels["entry"] == pytest.approx(float(position.average_price))
        assert levels["stop"] < levels["entry"] < levels["target"]
    flat = {"AAPL", "IBM"} - {position.symbol for position in held}
    for symbol in flat:
        assert chart_view(station, symbol).pane("Price").levels == ()


def test_the_equity_chart_has_one_value_a_step(station: Workstation) -> None:
    assert len(equity_view(station).times) == STEPS


def test_traded_symbols_come_first_and_a_new_workspace_has_none(station: Workstation, tmp_path: Path) -> None:
    assert symbols(station)[:2] == ("IBM", "AAPL")
    empty = Workstation(Workspace(tmp_path / "ws"))
    assert symbols(empty) == ()
    assert equity_view(empty).times == ()
    with pytest.raises(MarketDataError):
        chart_view(empty, "AAPL")


def test_equity_reads_as_a_frame_of_floats(station: Workstation) -> None:
    source = to_echarts(equity_view(station), zoom=None)["dataset"]["source"]
    assert source.schema["Equity"] == pl.Float64
    assert source["Equity"].null_count() == 0


def test_a_constant_line_is_drawn_close_up() -> None:
    def axis(*values: float) -> dict[str, object]:
        line = Line(name="Equity", values=values)
        spec = ChartSpec(title="X", times=tuple(range(len(values))), panes=(Pane(name="Equity", lines=(line,)),))
        found: dict[str, object] = to_echarts(spec)["yAxis"][0]
        return found

    assert (axis(100.0, 100.0)["min"], axis(100.0, 100.0)["max"]) == (99.0, 101.0)
    assert "min" not in axis(100.0, 101.0)
    assert "min" not in axis(0.0, 0.0)
