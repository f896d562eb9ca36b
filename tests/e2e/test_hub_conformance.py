"""RFC 6455 and RFC 7692 by the Autobahn cases, both roles, through PyPI's `kosoku`, which none of us wrote.

All of them take minutes, so `pytest -m conformance` runs them; with DEEPALPHA_CONFORMANCE=short, as in CI, those of the
large messages (9) and of compression (12, 13) are the first of each kind only. kosoku prints nothing before its end, so
a killed run looks like an empty one: the number of cases is asserted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import hub_server as process
import pytest

SHORT = os.environ.get("DEEPALPHA_CONFORMANCE") == "short"
KINDS = {"9": 8, "12": 5, "13": 7}
CHOSEN = [f"{group}.*" for group in (1, 2, 3, 4, 5, 6, 7, 10)]
CHOSEN += [f"{group}.{kind}.1" for group, kinds in KINDS.items() for kind in range(1, kinds + 1)]
ONLY = [word for case in CHOSEN for word in ("-i", case)] if SHORT else []
CASES = 267 if SHORT else 517
PASSED = {"OK", "NON-STRICT", "INFORMATIONAL"}
PATIENCE_S = 840
KOSOKU = [sys.executable, "-c", "from kosoku._cli import main; raise SystemExit(main())"]
ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.conformance


def verdicts(directory: Path) -> dict[str, dict[str, Any]]:
    """Each case's verdict from the report's index, which has one agent."""
    (cases,) = json.loads((directory / "index.json").read_text()).values()
    return dict(cases)


def assert_all_pass(cases: dict[str, dict[str, Any]]) -> None:
    failed = {
        name: (case["behavior"], case["behaviorClose"])
        for name, case in cases.items()
        if case["behavior"] not in PASSED or case["behaviorClose"] not in PASSED
    }
    assert failed == {}
    assert len(cases) == CASES
    groups = Counter(name.split(".")[0] for name in cases)
    assert groups.keys() >= {"1", "2", "3", "4", "5", "6", "7", "9", "10", "12", "13"}


@pytest.mark.timeout(900)
def test_the_hub_passes_all_cases_as_a_server(tmp_path: Path) -> None:
    with process.Server() as hub:
        run = [*KOSOKU, *ONLY, "-m", "fuzzingclient", "-p", "4", "-o", str(tmp_path), f"127.0.0.1:{hub.port}/echo"]
        done = subprocess.run(run, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert (tmp_path / "index.json").exists(), done.stderr[-2000:]
    assert_all_pass(verdicts(tmp_path))


@pytest.mark.timeout(900)
def test_the_core_passes_all_cases_as_a_client(tmp_path: Path) -> None:
    """The core's client, driven by its example, which echoes every case of a fuzzing server."""
    # The short run takes the build that the Rust tests have made.
    build = ["cargo", "build", "--locked", "--quiet", "--example", "echo"]
    build += ["--workspace"] if SHORT else ["--release", "-p", "deepalpha-io"]
    subprocess.run(build, cwd=ROOT, check=True)
    port = process.free_port()
    run = [*KOSOKU, *ONLY, "-m", "fuzzingserver", "-o", str(tmp_path), f"127.0.0.1:{port}"]
    with (tmp_path / "log").open("w+") as log, subprocess.Popen(run, stdout=log, stderr=log) as fuzzer:
        try:
            process.listening(fuzzer, port)
            echo = ROOT / "core" / "target" / ("debug" if SHORT else "release") / "examples" / "echo"
            subprocess.run([echo, f"ws://127.0.0.1:{port}"], timeout=PATIENCE_S, check=True, stdout=log, stderr=log)
            # It ends by itself once the client has asked for the reports.
            fuzzer.wait(30)
        finally:
            fuzzer.kill()
    assert_all_pass(verdicts(tmp_path))
