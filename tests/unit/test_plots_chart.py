"""Charts as data: marks stand on the bars they belong to, gaps are gaps, and what cannot be drawn is refused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from deepalpha.plots import Level, Line, MarkerKind, Pane, Tone, candle_chart, equity_chart
from deepalpha.plots.spec import Bars, ChartSpec, Marker
from deepalpha.types import DAY, BarFrame

DAYS = 40
FIRST = datetime(2020, 1, 6, tzinfo=UTC)
START = int(FIRST.timestamp()) * 1_000_000_000


def daily(days: int = DAYS) -> BarFrame:
    """Bars that rise by one a day from 100, each of them from 0.5 below its close to 1 above."""
    close = 100.0 + np.arange(days)
    opens = START + np.arange(days, dtype=np.int64) * DAY
    average = np.where(np.arange(days) < 19, np.nan, close - 9.5)
    series = {
        "SMA_20": average,
        "RSI_14": np.full(days, 60.0),
        "MACD_12_26_9.macd": close / 100,
        "MACD_12_26_9.macdsignal": close / 110,
        "MACD_12_26_9.macdhist": np.where(np.arange(days) % 2, 1.0, -1.0),
    }
    volume = np.full(days, 1e6)
    return BarFrame("1d", opens, opens + DAY, close - 0.5, close + 1, close - 1, close, volume, series)


def fills(*rows: tuple[datetime, str, str]) -> pl.DataFrame:
    cells = [(time, side, "5", "101.25", reason) for time, side, reason in rows]
    return pl.DataFrame(cells, schema=["time", "side", "quantity", "price", "reason"], orient="row")


def decisions(*rows: tuple[datetime, str]) -> pl.DataFrame:
    cells = [(time, action, 57.3, "pending", 101.0) for time, action in rows]
    return pl.DataFrame(cells, schema=["time", "action", "confidence", "status", "price"], orient="row")


def marked(spec: ChartSpec) -> list[tuple[int, MarkerKind]]:
    return [(marker.index, marker.kind) for marker in spec.pane("Price").markers]


def test_a_fill_at_the_open_stands_on_the_bar_that_begins_and_a_touched_stop_on_the_bar_that_ends() -> None:
    midnight = FIRST + timedelta(days=10)
    spec = candle_chart(
        "X", daily(), fills=fills((midnight, "buy", "market: at the open"), (midnight, "sell", "stop: touched"))
    )
    assert marked(spec) == [(10, MarkerKind.BUY_FILL), (9, MarkerKind.SELL_FILL)]


def test_a_decision_stands_beside_the_bar_whose_close_it_was_taken_at_and_holds_are_not_drawn() -> None:
    after = [FIRST + timedelta(days=days) for days in (5, 6, 7)]
    taken = decisions((after[0], "buy"), (after[1], "sell"), (after[2], "hold"))
    buy, sell = candle_chart("X", daily(), decisions=taken).pane("Price").markers
    assert (buy.index, buy.value, buy.kind) == (4, 103.0, MarkerKind.BUY_DECISION)
    assert (sell.index, sell.value, sell.kind) == (5, 106.0, MarkerKind.SELL_DECISION)
    assert buy.text == "buy decision: 57 %, pending, at 101.00"


def test_what_happened_outside_of_the_bars_in_view_is_not_drawn() -> None:
    shown = 10
    times = (FIRST, FIRST + timedelta(days=DAYS - shown - 1), FIRST + timedelta(days=DAYS + 1))
    spec = candle_chart("X", daily(), show=shown, fills=fills(*((time, "buy", "stop: touched") for time in times)))
    assert spec.pane("Price").markers == ()


@pytest.mark.parametrize("show", [1, 7, DAYS, DAYS + 100])
def test_the_latest_bars_are_shown(show: int) -> None:
    spec = candle_chart("X", daily(), show=show)
    candles = spec.pane("Price").candles
    assert candles is not None
    assert len(spec.times) == min(show, DAYS)
    assert spec.times[-1] == START + (DAYS - 1) * DAY
    assert candles.close[-1] == 100.0 + DAYS - 1


def test_warm_up_is_a_gap_not_a_zero() -> None:
    (average,) = candle_chart("X", daily()).pane("Price").lines
    assert average.values[:19] == (None,) * 19
    assert average.values[19] == 109.5


def test_no_bars_are_an_empty_chart() -> None:
    spec = candle_chart("X", daily(0), fills=fills((FIRST, "buy", "stop: touched")))
    assert spec.times == ()
    assert spec.pane("Price").markers == ()


def test_fewer_than_one_bar_is_refused() -> None:
    with pytest.raises(ValueError, match="show 0 bars: at least 1"):
        candle_chart("X", daily(), show=0)


def test_panes_without_their_series_are_left_out() -> None:
    bars = daily()
    bars.series = {}
    assert [pane.name for pane in candle_chart("X", bars).panes] == ["Price", "Volume"]


def test_levels_are_drawn_across_the_price() -> None:
    stop = Level(name="stop", value=98.0, tone=Tone.DOWN)
    assert candle_chart("X", daily(), levels=[stop]).pane("Price").levels == (stop,)


def test_equity_is_measured_against_its_start() -> None:
    times = [FIRST, FIRST + timedelta(days=1)]
    spec = equity_chart(pl.DataFrame({"time": times, "equity": [100_000.0, 100_250.5]}))
    (line,) = spec.pane("Equity").lines
    assert line.values == (100_000.0, 100_250.5)
    assert spec.pane("Equity").levels[0].value == 100_000.0
    assert equity_chart(pl.DataFrame()).times == ()


def test_a_series_of_another_length_is_refused() -> None:
    def spec(pane: Pane, times: Sequence[int] = (1, 2)) -> ChartSpec:
        return ChartSpec(title="X", times=tuple(times), panes=(pane,))

    with pytest.raises(ValueError, match="SMA in pane P has 1 values for 2 times"):
        spec(Pane(name="P", lines=(Line(name="SMA", values=(1.0,)),)))
    with pytest.raises(ValueError, match="rising of V in pane P has 1"):
        spec(Pane(name="P", bars=(Bars(name="V", values=(1.0, 2.0), rising=(True,)),)))
    with pytest.raises(ValueError, match="at bar 2 of 2"):
        spec(Pane(name="P", markers=(Marker(index=2, value=1.0, kind=MarkerKind.BUY_FILL, text="late"),)))
    with pytest.raises(KeyError, match=r"no pane Q; there is \['P'\]"):
        spec(Pane(name="P")).pane("Q")
