"""Every page on an empty workspace, on a filled one with a waiting decision, and on a damaged sample: no traceback."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from deepalpha.config import Settings, Workspace
from deepalpha.errors import EngineError
from deepalpha.live import Loop, control
from deepalpha.live.workstation import Workstation

APP = Path(__file__).parents[2] / "app"
PAGES = sorted(path.name for path in (APP / "views").glob("[0-9]*.py"))
SETTINGS = Settings.from_mapping({"symbols": ["AAPL", "IBM"], "history_bars": 300, "replay": {"start": "2012-06-01"}})
MAX_STEPS = 150


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """No engine of its own, and no workstation of another test."""
    monkeypatch.setenv("DEEPALPHA_NO_ENGINE", "1")
    monkeypatch.syspath_prepend(str(APP))
    st.cache_resource.clear()


def workspace_at(path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("DEEPALPHA_WORKSPACE", str(path))
    return Workspace(path)


@pytest.fixture
def filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workstation:
    """A workspace in which one decision waits."""
    workspace = workspace_at(tmp_path / "ws", monkeypatch)
    loop = Loop(workspace, SETTINGS)
    station = Workstation(workspace)
    for _ in range(MAX_STEPS):
        asyncio.run(loop.step())
        loop.heartbeat()
        if station.pending():
            return station
    raise AssertionError(f"no decision in {MAX_STEPS} steps")


def page(name: str) -> AppTest:
    """The app, opened at one page."""
    test = AppTest.from_file(str(APP / "main.py"), default_timeout=120)
    test.run()
    return test if name == PAGES[0] else test.switch_page(f"views/{name}").run()


def check_clean(test: AppTest) -> None:
    assert not test.exception, test.exception
    assert not [box.value for box in test.error], "no error belongs here"


@pytest.mark.parametrize("name", PAGES)
def test_an_empty_workspace_without_an_engine_is_friendly(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace_at(tmp_path / "ws", monkeypatch)
    test = page(name)
    check_clean(test)
    assert any("Start engine" in button.label for button in test.button)


@pytest.mark.parametrize("name", PAGES)
def test_a_filled_workspace_is_drawn(name: str, filled: Workstation) -> None:
    check_clean(page(name))


def approve_buttons(test: AppTest) -> list[object]:
    return [button for button in test.button if button.label == "Approve"]


@pytest.mark.parametrize("name", ["10_cockpit.py", "30_decisions.py"])
def test_two_clicks_on_approve_are_one_command(name: str, filled: Workstation) -> None:
    test = page(name)
    approve = next(button for button in test.button if button.label == "Approve")
    approve.click().run()
    check_clean(test)
    next(button for button in test.button if button.label == "Approve").click().run()
    check_clean(test)
    assert filled.ops.scalar("SELECT count(*) FROM command WHERE kind = 'approve'") == 1


def test_the_kill_switch_is_on_every_page(filled: Workstation) -> None:
    for name in PAGES:
        assert any("KILL SWITCH" in button.label for button in page(name).button), name


def test_the_kill_switch_needs_one_click(filled: Workstation) -> None:
    test = page(PAGES[-1])
    next(button for button in test.button if "KILL SWITCH" in button.label).click().run()
    check_clean(test)
    assert filled.ops.scalar("SELECT count(*) FROM command WHERE kind = 'kill'") == 1


def test_practice_is_said_on_every_page(filled: Workstation) -> None:
    for name in PAGES:
        assert any("PRACTICE" in text.value for text in page(name).markdown), name


@pytest.mark.parametrize("name", PAGES)
def test_a_damaged_log_is_one_clear_box(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = workspace_at(tmp_path / "ws", monkeypatch)
    workspace.ops.write_bytes(b"garbage" * 1000)
    test = page(name)
    assert not test.exception
    assert any("damaged" in box.value for box in test.error)


@pytest.mark.parametrize("name", PAGES)
def test_a_damaged_sample_says_what_to_do_instead(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = tmp_path / "sample"
    damaged.mkdir()
    (damaged / "AAPL.parquet").write_bytes(b"garbage")
    monkeypatch.setenv("DEEPALPHA_SAMPLE", str(damaged))
    workspace = workspace_at(tmp_path / "ws", monkeypatch)
    with pytest.raises(EngineError, match="AAPL"):
        control.start(workspace)
    test = page(name)
    assert not test.exception
    (said,) = {box.value for box in test.error}
    assert "AAPL.parquet" in said
    assert "deepalpha data import" in said


def test_a_workspace_that_cannot_be_made_is_one_clear_box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("DEEPALPHA_WORKSPACE", str(tmp_path / "file" / "ws"))
    test = page(PAGES[0])
    assert not test.exception
    assert all("--workspace DIR" in box.value for box in test.error)
    assert test.error
