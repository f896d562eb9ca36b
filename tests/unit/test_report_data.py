"""What is evaluated, how it is kept, and the command: files, catalogs, the sample, bad input, two equal runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import planted
import polars as pl
import pytest

from deepalpha.cli import main
from deepalpha.config import Settings, Workspace
from deepalpha.errors import ConfigError, MarketDataError, StoreError
from deepalpha.market import Catalog, FrameSource
from deepalpha.report import Evaluation, evaluate, keep_evaluation, load_evaluation, open_data, render, view_timeframes
from deepalpha.report import data as report_data
from deepalpha.types import DAY

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / report_data.SHARED_FILE
HOUR = DAY // 24


def hourly(days: float, seed: int) -> pl.DataFrame:
    bars = planted.frame(planted.walk_prices(int(days * 24), seed))
    return bars.with_columns(ts_open=planted.START + HOUR * np.arange(len(bars), dtype=np.int64))


def prices(source: Any, symbol: str) -> np.ndarray:
    return np.asarray(source.window(symbol, source.last_ts_event, 100_000)["close"])


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A workspace, and no shared data beside the checkout."""
    monkeypatch.setattr(report_data, "shared_dir", lambda: tmp_path / "nothing")
    return tmp_path / "ws"


def test_files_a_table_of_many_symbols_and_a_catalog_give_the_same_bars(tmp_path: Path) -> None:
    frames = {name: planted.frame(planted.walk_prices(60, seed)) for seed, name in enumerate(("AAA", "BBB"))}
    apart, together, catalog = tmp_path / "apart", tmp_path / "together", tmp_path / "catalog"
    apart.mkdir()
    together.mkdir()
    frames["AAA"].write_parquet(apart / "AAA.parquet")
    frames["BBB"].write_csv(apart / "BBB.csv")
    tables = [frame.with_columns(symbol=pl.lit(name)) for name, frame in frames.items()]
    pl.concat(tables).write_parquet(together / "all.parquet")
    for name, frame in frames.items():
        Catalog(catalog).write(name, "1d", frame)
    for place in (apart, together, together / "all.parquet", catalog):
        opened = open_data(place, timeframe="1d")
        assert opened.source.symbols == ("AAA", "BBB")
        for name, frame in frames.items():
            assert prices(opened.source, name) == pytest.approx(frame["close"].to_numpy())


def test_finer_bars_are_rolled_up_and_a_day_that_has_not_ended_is_left_out(tmp_path: Path) -> None:
    bars = hourly(10.5, 1)
    bars.write_parquet(tmp_path / "AAA.parquet")
    opened = open_data(tmp_path, timeframe="1d")
    ends = bars["close"].to_numpy()[23::24]
    assert len(ends) == 10
    assert prices(opened.source, "AAA").tolist() == ends.tolist()
    assert "1h bars were rolled up to 1d" in opened.notes


def test_what_cannot_be_used_is_named_and_the_rest_is_evaluated(tmp_path: Path) -> None:
    planted.frame(planted.walk_prices(60, 1)).write_parquet(tmp_path / "AAA.parquet")
    pl.DataFrame({"title": ["no bars"]}).write_parquet(tmp_path / "news.parquet")
    opened = open_data(tmp_path, timeframe="1d")
    assert opened.source.symbols == ("AAA",)
    assert any("news.parquet" in note for note in opened.notes)


@pytest.mark.parametrize(
    ("make", "symbols", "said"),
    [
        (lambda place: None, (), "is not there"),
        (lambda place: place.mkdir(), (), "no .csv or .parquet file"),
        (lambda place: write(place, "AAA"), ("AAB",), "did you mean AAA"),
        (lambda place: (write(place, "AAA"), write(place, "AAA", ".csv")), (), "name one of them"),
        (lambda place: write(place, "no symbol at all, this one"), (), "is not a symbol"),
        (lambda place: write(place, "AAA", bars=0), (), "no rows"),
    ],
)
def test_bad_data_is_refused_with_the_way_out(tmp_path: Path, make: Any, symbols: tuple[str, ...], said: str) -> None:
    place = tmp_path / "data"
    make(place)
    with pytest.raises(MarketDataError, match=said):
        open_data(place, timeframe="1d", symbols=symbols)


def write(place: Path, symbol: str, suffix: str = ".parquet", bars: int = 60) -> None:
    place.mkdir(exist_ok=True)
    frame = planted.frame(planted.walk_prices(60, 1)).head(bars)
    frame.write_csv(place / f"{symbol}.csv") if suffix == ".csv" else frame.write_parquet(place / f"{symbol}.parquet")


@pytest.mark.parametrize("bars", [1, 40, 41])
def test_too_few_bars_are_refused_with_what_is_needed(bars: int) -> None:
    source = FrameSource({"AAA": planted.frame(planted.walk_prices(60, 1)).head(bars)}, "1d")
    settings = planted.settings(3)
    with pytest.raises(
        MarketDataError, match=f"{bars} 1d bars were walked, and a symbol needs 40 .* 3 for the horizon"
    ):
        evaluate(source, settings, agents=[planted.Snoop()], warm_up=40)
    enough = FrameSource({"AAA": planted.frame(planted.walk_prices(60, 1)).head(43)}, "1d")
    found = evaluate(enough, settings, agents=[planted.Snoop()], warm_up=40)
    assert (found.decisions, found.unresolved) == (4, 3)
    assert "too few for an interval" in found.words
    assert max(len(line) for line in render(found).splitlines()) <= 120


@pytest.mark.parametrize(("argument", "value"), [("limit", 0), ("limit", -5), ("warm_up", 0)])
def test_bounds_are_refused_with_the_value(argument: str, value: int) -> None:
    source = planted.source({"AAA": planted.walk_prices(60, 1)})
    with pytest.raises(ConfigError, match=f"{argument} {value} .* at least 1"):
        evaluate(source, planted.settings(), agents=[planted.Snoop()], **{argument: value})


def test_a_rule_about_an_agent_there_is_not_is_refused_before_the_walk() -> None:
    rule = {"when": {"agent": "nobody", "vote": "sell"}, "then": {"cap": "hold"}}
    with pytest.raises(ConfigError, match="nobody"):
        evaluate(
            planted.source({"AAA": planted.walk_prices(60, 1)}),
            planted.settings(rules=[rule]),
            agents=[planted.Snoop()],
        )


def test_agents_of_an_intraday_evaluation_see_days_and_weeks() -> None:
    settings = Settings.default()
    assert view_timeframes("1d", settings) == ("1w", "1mo")
    assert view_timeframes("15m", settings) == ("1h", "1d")
    assert view_timeframes("1w", settings) == ("1mo",)


def test_it_works_where_an_event_loop_runs_already() -> None:
    import asyncio

    async def in_a_notebook() -> Evaluation:
        source = planted.source({"AAA": planted.walk_prices(60, 1)})
        return evaluate(source, planted.settings(), agents=[planted.Snoop()], warm_up=40)

    assert asyncio.run(in_a_notebook()).decisions == 21


def kept_one(workspace: Workspace) -> tuple[Evaluation, Path]:
    source = planted.source({"AAA": planted.walk_prices(150, 1)})
    found = evaluate(source, planted.settings(), agents=[planted.Snoop()], warm_up=40)
    return found, keep_evaluation(workspace, found)


def test_what_is_kept_is_read_back_equal(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert load_evaluation(workspace) is None
    found, path = kept_one(workspace)
    assert path == tmp_path / "reports" / "evaluation.json"
    assert load_evaluation(workspace) == found
    assert [file.name for file in path.parent.iterdir()] == ["evaluation.json"]


@pytest.mark.parametrize(
    ("damage", "said"),
    [(lambda b: b[:-20], "damaged"), (lambda b: b.replace(b'"format":1', b'"format":9', 1), "format 9")],
)
def test_a_kept_file_that_cannot_be_used_says_what_to_run(tmp_path: Path, damage: Any, said: str) -> None:
    workspace = Workspace(tmp_path)
    path = kept_one(workspace)[1]
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(StoreError, match=f"{said}.*deepalpha evaluate"):
        load_evaluation(workspace)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    (tmp_path / "reports").write_text("in the way")
    with pytest.raises(StoreError, match="--workspace DIR"):
        kept_one(workspace)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["evaluate", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_command_prints_the_data_the_verdict_and_the_table(capsys: pytest.CaptureFixture[str], small: Path) -> None:
    code, out, err = run(capsys, "--limit", "120", "--workspace", str(small))
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("Data: the bundled sample: ")
    assert "1d bars of AAPL, GOOG, IBM, MSFT; 120 decisions from 2010-01-05 to" in " ".join(lines[:3])
    assert "costs 0.20 %" in " ".join(lines[:3])
    assert next(line for line in lines[1:] if not line.startswith(" ")).startswith("no edge: ")
    assert max(len(line) for line in lines) <= 120
    for name in ("technical", "pattern", "trend", "news", "fusers, raw:", "fusers, calibrated:", "buy and hold"):
        assert any(line.strip().startswith(name) for line in lines), name
    ends = {len(line) for line in lines if line.startswith((" pattern", " technical", "engine's"))}
    assert len(ends) <= 2, "the columns of the table and of its parts end at the same place in every line"
    kept = load_evaluation(Workspace(small))
    assert kept is not None
    assert render(kept) == out.rsplit("\nkept in ", 1)[0]


def test_two_runs_print_the_same_json(capsys: pytest.CaptureFixture[str], small: Path) -> None:
    outs = []
    for _ in range(2):
        arguments = ("--json", "--limit", "160", "--symbols", "IBM,AAPL", "--since", "2012-01-03")
        code, out, _ = run(capsys, *arguments, "--workspace", str(small))
        assert code == 0
        outs.append(out)
    assert outs[0] == outs[1]
    value = json.loads(outs[0], parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert value["data"]["symbols"] == ["AAPL", "IBM"]
    assert value["decisions"] == 160
    assert value["rows"][2]["scores"]["skill"]["low"] < 1.0, "with intervals"
    assert msgspec.convert(value, Evaluation) == load_evaluation(Workspace(small))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--symbols", "APPL"), "did you mean AAPL"),
        (("--timeframe", "7x"), "7x"),
        (("--timeframe", "1h"), "cannot become 1h"),
        (("--since", "soon"), "2024-01-31"),
        (("--since", "2031-01-01"), "2031-01-01"),
        (("--limit", "0"), "at least 1"),
        (("--data", "no/such"), "no/such"),
        (("--settings", "no/such.yaml"), "no/such.yaml"),
    ],
)
def test_the_command_refuses_bad_input_in_one_line(
    capsys: pytest.CaptureFixture[str], small: Path, arguments: tuple[str, ...], said: str
) -> None:
    code, out, err = run(capsys, *arguments, "--workspace", str(small))
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert said in err
    assert len(err.splitlines()) == 1


def test_the_settings_of_the_workspace_are_used(capsys: pytest.CaptureFixture[str], small: Path) -> None:
    small.mkdir()
    (small / "settings.yaml").write_text("account: {fee_rate: 0.002}\nagents: {enabled: [trend, risk]}\n")
    code, out, _ = run(capsys, "--json", "--limit", "30", "--workspace", str(small))
    value = json.loads(out)
    assert (code, value["agents"], value["guards"]) == (0, ["trend"], ["risk"])
    assert value["cost"] == pytest.approx(2 * (0.002 + 0.0005))


def test_the_shared_set_joins_the_sample_when_it_is_there(tmp_path: Path) -> None:
    if not SHARED.exists():
        pytest.skip(f"../shared/data/{SHARED.name} is not on this machine")
    opened = open_data(None, timeframe="1d")
    assert {"AAPL", "BTC/USDT", "XRP/USDT"} <= set(opened.source.symbols)
    hours = pl.read_parquet(SHARED).filter(pl.col("symbol").str.contains("BTC")).sort("ts")
    days = hours.group_by_dynamic("ts", every="1d").agg(pl.col("close").last(), pl.len())
    mine = prices(opened.source, "BTC/USDT")
    assert mine.tolist() == days["close"].to_list()[: len(mine)]
    assert 0 <= len(days) - len(mine) <= 1, "only a day that has not ended may be missing"
