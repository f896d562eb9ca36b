"""The snapshot hash names the content of a context, all of it and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from deepalpha.decision import build_context
from deepalpha.errors import MarketDataError
from deepalpha.types import BarFrame, Headline, PositionView

HOUR = 3_600 * 10**9
FIELDS = ("ts_open", "ts_event", "open", "high", "low", "close", "volume")


def frame(timeframe: str = "1h", *, n: int = 3, **changed: object) -> BarFrame:
    ts = HOUR * np.arange(n, dtype=np.int64)
    arrays: dict[str, object] = {"ts_open": ts, "ts_event": ts + HOUR}
    arrays |= {name: np.full(n, 10.0 + i) for i, name in enumerate(FIELDS[2:])}
    series = changed.pop("series", {"RSI_14": np.array([np.nan] * (n - 1) + [55.0])})
    arrays |= changed
    return BarFrame(timeframe, *(arrays[name] for name in FIELDS), series)


def story(number: int, known: int = 1) -> Headline:
    return Headline(id=f"n{number}", title="t", source="s", symbols=("X",), ts_published=known, ts_known=known)


def build(**changed: object):
    inputs: dict[str, object] = {
        "symbol": "X",
        "asof": 3 * HOUR,
        "horizon_s": 60,
        "timeframe": "1h",
        "bars": {"1h": frame(), "1d": frame("1d", n=1)},
        "news": (story(1), story(2)),
        "position": PositionView(equity=1.0),
    }
    return build_context(**(inputs | changed))


def test_the_same_content_has_the_same_hash():
    first = build()
    assert first.snapshot_hash == build().snapshot_hash
    assert len(first.snapshot_hash) == 64
    assert first.snapshot_hash == build(bars={"1d": frame("1d", n=1), "1h": frame()}).snapshot_hash
    assert first.snapshot_hash == build(news=(story(2), story(1))).snapshot_hash


@pytest.mark.parametrize(
    "changed",
    [
        {"symbol": "Y"},
        {"asof": 3 * HOUR + 1},
        {"horizon_s": 61},
        {"timeframe": "1d"},
        {"bars": {"1h": frame()}},
        {"bars": {"1h": frame(), "2d": frame("2d", n=1)}},
        {"news": (story(1),)},
        {"news": (story(1), story(2, known=2))},
        {"position": PositionView(equity=1.0, drawdown=1e-12)},
        *({"bars": {"1h": frame(**{name: np.array([1, 2, 3])}), "1d": frame("1d", n=1)}} for name in FIELDS[:2]),
        *({"bars": {"1h": frame(**{name: np.array([1.0, 2, 3])}), "1d": frame("1d", n=1)}} for name in FIELDS[2:]),
        {"bars": {"1h": frame(series={"RSI_14": np.array([np.nan, np.nan, 55.0000001])}), "1d": frame("1d", n=1)}},
        {"bars": {"1h": frame(series={"RSI_15": np.array([np.nan, np.nan, 55.0])}), "1d": frame("1d", n=1)}},
        {"bars": {"1h": frame(series={}), "1d": frame("1d", n=1)}},
    ],
    ids=lambda changed: "-".join(changed),
)
def test_any_change_of_content_changes_the_hash(changed):
    assert build(**changed).snapshot_hash != build().snapshot_hash


def test_the_bit_pattern_of_a_nan_and_the_sign_of_zero_do_not_matter():
    other_nan = np.array([0xFFF8_0000_0000_0001] * 2, dtype=np.uint64).view(np.float64)
    one = {"RSI_14": np.array([np.nan, np.nan, 0.0])}
    two = {"RSI_14": np.array([*other_nan, -0.0])}
    hashes = {build(bars={"1h": frame(series=series)}).snapshot_hash for series in (one, two)}
    assert len(hashes) == 1


def test_the_base_timeframe_comes_first_and_news_newest_last():
    ctx = build(bars={"1d": frame("1d", n=1), "1h": frame()}, news=(story(1, known=9), story(2, known=3)))
    assert list(ctx.bars) == ["1h", "1d"]
    assert [item.id for item in ctx.news] == ["n2", "n1"]
    with pytest.raises(TypeError):
        ctx.bars["1w"] = frame("1w")


def test_refuses_a_bar_or_a_headline_from_the_future():
    with pytest.raises(MarketDataError, match=r"1h: a bar closes at .* after asof"):
        build(asof=3 * HOUR - 1)
    with pytest.raises(MarketDataError, match="headline 'n3' became known"):
        build(news=(story(3, known=3 * HOUR + 1),))


def test_refuses_a_missing_base_timeframe_and_ragged_arrays():
    with pytest.raises(MarketDataError, match=r"base timeframe '4h'; there is \['1d', '1h'\]"):
        build(timeframe="4h")
    with pytest.raises(MarketDataError, match="series:RSI_14 has 2 values for 3 bars"):
        build(bars={"1h": frame(series={"RSI_14": np.zeros(2)})})
