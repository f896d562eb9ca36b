"""Recorded raw messages as chunks of lines ``<nanoseconds of receipt> <message>``: one file, or several merged by time.

Files that hold parts of one session, or one symbol each, become one stream in the order of receipt. That order is the
lines' own within a file; a line without a time stays behind the one before it. Cost: O(1) a line of memory a file.
"""

from __future__ import annotations

import gzip
import heapq
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from deepalpha.errors import MarketDataError

CHUNK = 1 << 18
LONGEST_LINE = (32 << 20) + 64


class Recordings:
    """Open files; `chunks` reads them, `close` closes them.

    Args:
        paths: one or several files, plain or ``.gz``.

    Raises:
        MarketDataError: no path is given, or a file cannot be opened.
    """

    def __init__(self, paths: str | Path | Sequence[str | Path]) -> None:
        names = [paths] if isinstance(paths, str | Path) else list(paths)
        if not names:
            raise MarketDataError("no recording is named; give the path of at least one")
        self._files: list[tuple[Path, Any]] = []
        with ExitStack() as opened:
            for path in map(Path, names):
                try:
                    raw = gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # noqa: SIM115 - `close` does
                except OSError as error:
                    raise MarketDataError(f"recording {path}: {error.strerror or error}; check the path") from error
                self._files.append((path, opened.enter_context(raw)))
            self._opened = opened.pop_all()

    def chunks(self) -> Iterator[bytes]:
        """Bytes of whole lines or, of a single file, cut anywhere. MarketDataError where a file is damaged."""
        if len(self._files) == 1:
            path, file = self._files[0]
            yield from _read(path, lambda: file.read(CHUNK))
            return
        lines: list[bytes] = []
        size = 0
        for _, _, line in heapq.merge(*(_timed(place, *opened) for place, opened in enumerate(self._files))):
            lines.append(line)
            size += len(line)
            if size >= CHUNK:
                yield b"".join(lines)
                lines, size = [], 0
        yield b"".join(lines)

    def close(self) -> None:
        """Close the files; a second call does nothing."""
        self._opened.close()


def _timed(place: int, path: Path, file: Any) -> Iterator[tuple[int, int, bytes]]:
    """(time of receipt, number of the file, line); the time of a line without one is that of the line before."""
    time = 0
    for line in _read(path, lambda: file.readline(LONGEST_LINE)):
        begin = line.partition(b" ")[0]
        time = max(time, int(begin)) if begin.isdigit() and len(begin) < 20 else time
        yield time, place, line if line.endswith(b"\n") else line + b"\n"


def _read(path: Path, more: Any) -> Iterator[bytes]:
    try:
        while data := more():
            yield data
    except (OSError, EOFError, zlib.error) as error:
        raise MarketDataError(f"recording {path} is damaged: {error}; what came before it was processed") from error
