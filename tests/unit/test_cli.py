"""The command line as a user types it: exit codes, one line on stderr that says what to do, JSON for machines."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from deepalpha.cli import main
from deepalpha.config import Workspace
from deepalpha.store import Ops


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    out, err = capsys.readouterr()
    return code, out.strip(), err.strip()


@pytest.fixture
def place(tmp_path: Path) -> str:
    return str(tmp_path / "ws")


def test_the_demo_prints_the_same_numbers_twice_and_the_store_is_sound(tmp_path: Path) -> None:
    def begun(name: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "deepalpha.cli", "demo", "--json", "--workspace", str(tmp_path / name)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    results = []
    for process in [begun(name) for name in ("one", "two")]:
        out, err = process.communicate()
        assert (process.returncode, err) == (0, "")
        results.append(json.loads(out))
    first, second = results
    assert {"bars", "decisions", "orders", "fills", "equity_final", "store"} <= set(first)
    assert first["problems"] == []
    assert first["fills"] > 10
    for volatile in ("store", "workspace"):
        assert Path(first.pop(volatile)).exists()
        second.pop(volatile)
    assert first == second
    log = Ops(Workspace(tmp_path / "one" / "demo").ops)
    versions = log.rows("SELECT DISTINCT json_extract(body, '$.version') AS version FROM signal WHERE agent = 'news'")
    assert [str(row["version"])[:8] for row in versions] == ["3-tfidf-"], "whether or not MiniLM is installed"


def test_status_without_an_engine_says_how_to_start_one(capsys: pytest.CaptureFixture[str], place: str) -> None:
    code, out, _ = run(capsys, "live", "status", "--workspace", place)
    assert code == 0
    assert "deepalpha live start" in out
    code, out, _ = run(capsys, "live", "status", "--json", "--workspace", place)
    assert json.loads(out)["state"] == "stopped"


def test_the_kill_switch_is_latched_without_an_engine(capsys: pytest.CaptureFixture[str], place: str) -> None:
    assert run(capsys, "live", "kill", "--workspace", place)[0] == 0
    assert run(capsys, "live", "rearm", "--workspace", place)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("approve", "nothing"), "no waiting decision nothing"),
        (("data", "import", "no/such.csv", "--symbol", "X", "--timeframe", "1d"), "no/such.csv"),
        (("ta", "info", "RIS"), "RSI"),
        (("live", "start", "--settings", "no/such.yaml"), "no/such.yaml"),
    ],
)
def test_failures_are_one_line_that_says_what_to_do(
    capsys: pytest.CaptureFixture[str], place: str, arguments: tuple[str, ...], said: str
) -> None:
    code, out, err = run(capsys, *arguments, "--workspace", place)
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert said in err
    assert len(err.splitlines()) == 1


def test_an_unwritable_workspace_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    code, _, err = run(capsys, "live", "status", "--workspace", str(blocked / "ws"))
    assert code == 1
    assert "--workspace DIR" in err


def test_wrong_usage_is_exit_code_two(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["live", "fly"])
    assert caught.value.code == 2
    capsys.readouterr()
