"""One engine a workspace: an advisory lock on `engine.lock`, which the system releases however the process ends."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from deepalpha.errors import EngineError

PATIENCE_S = 1.0


@contextlib.contextmanager
def engine_lock(path: Path) -> Iterator[None]:
    """Hold the lock while the block runs.

    Raises:
        EngineError: another engine holds it; the message says which.
    """
    with path.open("a+", encoding="utf-8") as file:
        deadline = time.monotonic() + PATIENCE_S
        while not _try(file):
            if time.monotonic() > deadline:
                raise EngineError(
                    f"an engine runs for this workspace already (process {holder(path)}); "
                    "use it, or end it with `deepalpha live stop`"
                )
            time.sleep(0.02)
        file.seek(0)
        file.truncate()
        json.dump({"pid": os.getpid()}, file)
        file.flush()
        yield


def _try(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def holder(path: Path) -> int | None:
    """Process id of the running engine; None when none runs."""
    try:
        with path.open("a+", encoding="utf-8") as file:
            if _try(file):
                return None
            file.seek(0)
            return int(json.load(file)["pid"])
    except (OSError, ValueError, KeyError):
        return None


def is_ours(path: Path) -> bool:
    """Whether the lock file still stands where it was taken: a deleted workspace ends its engine."""
    return path.exists()
