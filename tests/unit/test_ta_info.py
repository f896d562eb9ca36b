"""`ta.info`, `deepalpha ta ls|info|docs`: complete, JSON-able, and the warm-up they state holds."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from deepalpha import ta
from deepalpha.cli import main
from deepalpha.errors import IndicatorError
from deepalpha.ta.docs import markdown
from deepalpha.ta.info import groups

FIELDS = {
    "name": str,
    "group": str,
    "doc": str,
    "formula": str,
    "source": str,
    "inputs": list,
    "params": list,
    "outputs": list,
    "memory": str,
    "seeded": bool,
    "streams": bool,
    "lookback": int,
}


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    out, err = capsys.readouterr()
    return code, out.strip(), err.strip()


@pytest.mark.parametrize("name", ta.functions())
def test_every_entry_is_complete_and_json(name: str) -> None:
    found = ta.info(name)
    assert json.loads(json.dumps(found)) == found
    assert set(found) == {*FIELDS, "warm_up"}
    for field, kind in FIELDS.items():
        assert type(found[field]) is kind, field
        assert found[field] or field in ("params", "seeded", "streams", "lookback"), field
    assert found["memory"] in ("bar", "window", "history")
    for param in found["params"]:
        assert set(param) == {"name", "kind", "default", "min", "max", "doc"}
        assert param["min"] <= param["default"] <= param["max"]
    warm_up = found["warm_up"]
    if found["memory"] == "history":
        assert warm_up is None or warm_up >= found["lookback"]
    else:
        assert warm_up == found["lookback"]


@pytest.mark.parametrize(("name", "params"), [("EMA", (30,)), ("RSI", (14,)), ("MACD", (12, 26, 9)), ("RSI", (5,))])
def test_a_late_start_is_forgotten_after_the_warm_up_it_states(name: str, params: tuple[int, ...]) -> None:
    names = [param["name"] for param in ta.info(name)["params"]]
    warm_up = ta.info(name, **dict(zip(names, params, strict=True)))["warm_up"]
    draw = np.random.default_rng(11)
    close = 100 + np.cumsum(draw.normal(0, 0.5, 4000))
    whole, late = (_columns(getattr(ta, name)(close[begin:], *params))[-2000:] for begin in (0, 2000))
    # Rows before the late start's first value are NaN and do not count.
    difference = np.nan_to_num(np.abs(whole - late) / np.abs(whole).mean(axis=0)).max(axis=1)
    # Another market than the one it was measured on: as far off as another few bars would mend.
    assert difference[int(warm_up * 1.25) + 10 :].max() < 1e-6
    assert difference[ta.info(name)["lookback"] + 5] > 1e-6


def _columns(result: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.stack(result if isinstance(result, tuple) else (result,), axis=1)


def test_warm_up_and_lookback_follow_the_parameters() -> None:
    assert ta.info("SMA", timeperiod=10)["warm_up"] == 9
    short, long = (ta.info("EMA", timeperiod=period) for period in (10, 100))
    assert short["lookback"] == 9
    assert long["lookback"] == 99
    assert short["warm_up"] * 5 < long["warm_up"]
    assert ta.info("OBV")["warm_up"] is None
    assert ta.info("EMA")["warm_up"] == ta.info("ema")["warm_up"]


def test_the_answer_is_the_callers_to_change() -> None:
    ta.info("RSI")["params"][0]["default"] = 5
    ta.info("RSI").clear()
    assert ta.info("RSI")["params"][0]["default"] == 14


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: ta.info("RSJ"), "did you mean RSI"),
        (lambda: ta.info("RSI", period=3), "no parameter 'period'; it has timeperiod"),
        (lambda: ta.info("RSI", timeperiod=0), "timeperiod 0 is not in 2..=100000"),
        (lambda: ta.info("SMA", seed="tradingview"), "not seeded"),
        (lambda: ta.info("EMA", seed="x"), "seed"),
    ],
)
def test_bad_questions_say_what_is_wrong(call: Any, said: str) -> None:
    with pytest.raises(IndicatorError, match=said):
        call()


def test_functions_are_found_by_group() -> None:
    assert sorted(name for group in groups() for name in ta.functions(group)) == ta.functions()
    assert "RSI" in ta.functions("momentum")
    assert "SMA" not in ta.functions("momentum")
    assert ta.functions("no such group") == []


def test_the_manual_has_every_function_with_its_parameters_and_outputs() -> None:
    text = markdown()
    sections = {part.split("\n", 1)[0]: part for part in text.split("\n### ")[1:]}
    assert sorted(sections) == ta.functions()
    for name, section in sections.items():
        spec = ta.info(name)
        for told in (*spec["params"], *spec["outputs"]):
            assert f"| {told['name']} |" in section, (name, told["name"])
        assert spec["doc"] in section
        assert spec["source"] in section
    assert [line for line in text.splitlines() if line.startswith("## ")] == [f"## {group}" for group in groups()]


def test_ls_lists_by_group_and_gives_names_to_machines(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "ta", "ls")
    assert (code, err) == (0, "")
    assert all(f"\n  {name} " in f"\n{out}" for name in ta.functions())
    assert json.loads(run(capsys, "ta", "ls", "--json")[1]) == ta.functions()
    assert json.loads(run(capsys, "ta", "ls", "--group", "volume", "--json")[1]) == ta.functions("volume")
    assert "OBV" in run(capsys, "ta", "ls", "--group", "Volume")[1]
    code, _, err = run(capsys, "ta", "ls", "--group", "nonsense")
    assert code == 1
    assert "there are" in err


def test_info_reads_well_and_gives_json_to_machines(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "ta", "info", "rsi")
    assert code == 0
    assert out.startswith("RSI(real, timeperiod=14) -> real")
    for told in ("2 to 100000, default 14", "look-back", "14 bars", "warm-up", "ta.stream.RSI", "Formula", "Source"):
        assert told in out, told
    assert max(map(len, out.splitlines())) <= 104
    assert json.loads(run(capsys, "ta", "info", "RSI", "--json")[1]) == ta.info("RSI")


def test_docs_prints_the_manual(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "ta", "docs")[1] == markdown().strip()
    assert json.loads(run(capsys, "ta", "docs", "--json")[1]) == {"markdown": markdown()}
