"""Every instruction set gives the same bits: each runs in a process of its own, since the choice is made at import."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from deepalpha import _core

# Long enough for eight stretches with their overlap; walks, plateaus, jumps, a gap and a level of 1e9.
SCRIPT = """
import hashlib, json, numpy as np
from deepalpha import _core, ta

def market(seed, length=30_000):
    noise = np.random.default_rng(seed)
    steps = noise.normal(size=length) * noise.integers(0, 2, length)
    close = np.maximum(100.0 + np.cumsum(steps) * 0.3, 1.0) + (1e9 if seed == 3 else 0.0)
    open_ = np.concatenate((close[:1], close[:-1]))
    high, low = np.maximum(open_, close) + abs(steps) * 0.1, np.minimum(open_, close) - abs(steps) * 0.2
    bars = dict(open=open_, high=high, low=low, close=close, volume=noise.integers(0, 1000, length).astype(float))
    if seed == 4:
        for column in bars.values():
            column[17_000] = np.nan
    return bars | dict(real=bars["close"], real0=bars["high"], real1=bars["low"],
                       periods=noise.integers(2, 30, length).astype(float), session=np.arange(length) // 390 * 1.0)

digests = {}
for name in ta.functions():
    digest = hashlib.sha256()
    for seed in range(5):
        bars = market(seed)
        inputs = [bars[label] for label in ta.info(name)["inputs"]]
        result = getattr(ta, name)(*inputs)
        for values in result if isinstance(result, tuple) else (result,):
            digest.update(values.tobytes())
    digests[name] = digest.hexdigest()
print(json.dumps({"level": _core.ta_level(), "digests": digests}))
"""


def _run(level: str) -> dict[str, dict[str, str]]:
    environment = {**os.environ, "DEEPALPHA_SIMD": level}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True)
    result: dict[str, dict[str, str]] = json.loads(done.stdout)
    return result


def test_every_level_gives_the_same_bits() -> None:
    best = _core.ta_level()
    if best == "portable":
        pytest.skip("this processor has neither AVX2 nor AVX-512: there is one level only")
    reference = _run("portable")
    assert reference["level"] == "portable"
    for level in ["avx2", "avx512"] if best == "avx512" else ["avx2"]:
        other = _run(level)
        assert other["level"] == level
        assert [name for name, digest in other["digests"].items() if digest != reference["digests"][name]] == []


def test_an_unknown_level_is_refused_at_import() -> None:
    environment = {**os.environ, "DEEPALPHA_SIMD": "sse9"}
    command = [sys.executable, "-c", "import deepalpha._core"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "set it to portable, avx2 or avx512, or leave it out" in done.stderr
