"""What single views add to the tests of all pages: the chart's choices, words for the log's JSON, its figures."""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from deepalpha.config import Settings, Workspace
from deepalpha.live import Loop
from deepalpha.live.chart_view import timeframes
from deepalpha.live.workstation import Workstation

APP = Path(__file__).parents[2] / "app"
STEPS = 30
SETTINGS = Settings.from_mapping(
    {"symbols": ["AAPL", "IBM"], "history_bars": 300, "approval": "auto", "replay": {"start": "2012-01-03"}}
)


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPALPHA_NO_ENGINE", "1")
    monkeypatch.syspath_prepend(str(APP))
    st.cache_resource.clear()


@pytest.fixture
def traded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workstation:
    """A workspace after some steps in auto mode: decisions, fills and perhaps positions."""
    monkeypatch.setenv("DEEPALPHA_WORKSPACE", str(tmp_path / "ws"))
    loop = Loop(Workspace(tmp_path / "ws"), SETTINGS)

    async def run() -> None:
        for _ in range(STEPS):
            await loop.step()

    asyncio.run(run())
    loop.heartbeat()
    return Workstation(loop.workspace)


def opened(name: str) -> AppTest:
    test = AppTest.from_file(str(APP / "main.py"), default_timeout=120).run()
    return test.switch_page(f"views/{name}").run()


def words() -> ModuleType:
    return importlib.import_module("components.words")


def test_every_choice_of_the_chart_is_drawn(traded: Workstation) -> None:
    test = opened("20_chart.py")
    said = []
    for timeframe in timeframes(traded):
        frames, shown = test.segmented_control
        frames.set_value(timeframe)
        shown.set_value(120)
        test.run()
        assert not test.exception
        assert not test.error
        said += [text.value for text in test.caption if "closed bars" in text.value]
    assert [text.startswith("120 closed bars") for text in said] == [True] * len(timeframes(traded))


def test_the_chart_follows_the_market_without_an_error(traded: Workstation) -> None:
    test = opened("20_chart.py")
    test.toggle[0].set_value(True).run()
    assert not test.exception
    assert not test.error


def test_a_damaged_file_of_bars_is_one_clear_box_on_the_chart(traded: Workstation) -> None:
    for path in traded.workspace.catalog.rglob("bars.parquet"):
        path.write_bytes(b"garbage")
    test = opened("20_chart.py")
    assert not test.exception
    assert [box for box in test.error if "bars.parquet" in box.value]


def test_positions_offer_one_close_and_a_double_click_is_one_command(traded: Workstation) -> None:
    held = traded.positions()
    assert held
    test = AppTest.from_file(str(APP / "main.py"), default_timeout=120).run()
    for _ in range(2):
        next(button for button in test.button if button.label == "Close").click().run()
        assert not test.exception
    assert traded.ops.scalar("SELECT count(*) FROM command WHERE kind = 'close'") == 1


def test_the_table_of_fills_shows_every_fill_of_the_log(traded: Workstation) -> None:
    test = opened("40_orders.py")
    assert not test.exception
    shown = test.dataframe[0].value
    exact = traded.fills().with_columns(pl.col("price", "realised_pnl").cast(pl.Float64))
    for name in ("fill_id", "price", "realised_pnl"):
        assert shown[name].to_list() == exact[name].to_list()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"by":"auto"}', "by auto"),
        ('{"reason":"kill switch by ann","by":"ann"}', "kill switch by ann · by ann"),
        ('{"message":"armed","by":"ann","kind":"rearm"}', "armed · by ann"),
        ('{"order":{"side":"buy","quantity":"9","symbol":"AAPL"}}', "buy 9 AAPL waits for a click"),
        ("{}", ""),
    ],
)
def test_the_logs_json_is_told_in_words(body: str, said: str) -> None:
    assert words().in_words(body) == said
