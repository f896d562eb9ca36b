"""The README's examples run as they stand, in a workspace where no engine ever ran."""

from __future__ import annotations

from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"


def test_the_examples_run_in_an_empty_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEEPALPHA_WORKSPACE", str(tmp_path / "ws"))
    text = README.read_text(encoding="utf-8")
    example, analysis, market, orders, models = [part.split("```")[0] for part in text.split("```python\n")[1:]]
    names: dict[str, object] = {}
    exec(compile(example, str(README), "exec"), names)
    assert 0 < float(capsys.readouterr().out.split()[0]) < 100
    assert "Momentum" in names
    exec(compile(analysis, str(README), "exec"), names)
    assert int(capsys.readouterr().out.split()[0]) > 100
    exec(compile(market, str(README), "exec"), names)
    steps, gaps, breaks = capsys.readouterr().out.splitlines()[-1].split()
    assert int(steps) > 3000
    assert int(gaps) == 0
    assert int(breaks) > 600
    exec(compile(orders, str(README), "exec"), names)
    order, refusal, timing = capsys.readouterr().out.splitlines()
    assert order == "PAPER-1-1 65000.5"
    assert refusal.split()[0] in {"max_order_notional", "max_trade_fraction"}
    assert timing.endswith("us")
    exec(compile(models, str(README), "exec"), names)
    assert not len(names["calls"]) and not len(names["costs"])  # type: ignore[arg-type]  # no model was ever called
