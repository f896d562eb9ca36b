"""A hub in a process of its own, for tests: started, watched through the kernel and its metrics, ended.

`DEEPALPHA_HUB_COMMAND` starts another program instead of `deepalpha hub` (words separated by blanks, `{port}` where the
port goes), for example a release build of the core's example, or a peer to check the tests themselves against.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
START_PATIENCE_S = 30.0
SERIES = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? (\S+)$")
COMMAND = [sys.executable, "-c", "from deepalpha.cli import main; raise SystemExit(main())", "hub"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listening(process: subprocess.Popen[Any], port: int, patience: float = START_PATIENCE_S) -> None:
    """Wait until a process of ours listens on the port; fails when it ends before."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            raise AssertionError(f"{process.args} ended with {process.wait(0.01)}")
    raise AssertionError(f"{process.args} does not listen on {port}")


class Server:
    """`deepalpha hub --bench` with the given settings; a context manager that leaves nothing behind."""

    def __init__(self, **settings: Any) -> None:
        self.port = free_port()
        given = os.environ.get("DEEPALPHA_HUB_COMMAND")
        base = [*COMMAND, "--bench", "--port", "{port}"] if given is None else given.split()
        command = [word.replace("{port}", str(self.port)) for word in base]
        flags = [] if given else [f"--set={name}={json.dumps(value)}" for name, value in settings.items()]
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - read after the end
        self.process = subprocess.Popen(
            [*command, *flags],
            stdout=self.log,
            stderr=self.log,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            start_new_session=True,
        )
        self.end = select.poll()
        self.pidfd = os.pidfd_open(self.pid)
        self.end.register(self.pidfd, select.POLLIN)
        try:
            self.until(self._listens, lambda: f"the hub listens; it said: {self.said()}", START_PATIENCE_S)
        except AssertionError:
            self.__exit__()
            raise
        # The listening socket and the runtime's own; the connection that asked whether it listens is gone first.
        self.idle_sockets = 0
        self.until(self._quiet, "a quiet hub after its start")

    def until(self, condition: Callable[[], bool], what: str | Callable[[], str], patience: float = 10.0) -> None:
        """Wait for a condition; fails at the deadline and as soon as the process ends, whichever is first."""
        deadline = time.monotonic() + patience
        while not condition():
            if self.end.poll(10):
                raise AssertionError(f"the hub ended with {self.process.wait()}: {self.said()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {patience} s: {what if isinstance(what, str) else what()}")

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def _quiet(self) -> bool:
        """No established connection: remembers how many sockets that leaves."""
        peers = Path(f"/proc/{self.pid}/net/tcp").read_text().splitlines()[1:]
        mine = f"0100007F:{self.port:04X}"
        if any(line.split()[1] == mine and line.split()[3] in ("01", "08") for line in peers):
            return False
        self.idle_sockets = self.sockets()
        return True

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
        finally:
            os.close(self.pidfd)
            self.log.close()

    @property
    def pid(self) -> int:
        return self.process.pid

    def said(self) -> str:
        """Everything the process wrote on stdout and stderr."""
        self.log.flush()
        return (Path("/proc/self/fd") / str(self.log.fileno())).read_text(errors="replace")

    def memory_kb(self) -> int:
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])

    def descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def sockets(self) -> int:
        """Open sockets, listening ones included."""
        count = 0
        for entry in Path(f"/proc/{self.pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                count += str(entry.readlink()).startswith("socket:")
        return count

    def threads(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/task").iterdir()))

    def metrics(self) -> dict[str, float]:
        """The Prometheus text at `/metrics`, one entry a series (`name{labels}`); a malformed line fails the test."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as connection:
            connection.sendall(
                f"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nConnection: close\r\n\r\n".encode()
            )
            answer = b""
            while part := connection.recv(1 << 16):
                answer += part
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        series: dict[str, float] = {}
        for line in body.decode().splitlines():
            if not line or line.startswith("#"):
                continue
            found = SERIES.match(line)
            assert found is not None, f"not a line of the Prometheus text format: {line!r}"
            name = found[1] + (found[2] or "")
            assert name not in series, f"series {name} twice"
            series[name] = float(found[3])
        return series

    def stop(self, patience: float = 10.0) -> int:
        """SIGTERM and the exit code; a process that does not end is killed and fails the test."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
                raise AssertionError(f"the hub did not end within {patience} s of SIGTERM: {self.said()}") from None
        if self.process.returncode:
            print(self.said(), file=sys.stderr)
        return self.process.returncode
