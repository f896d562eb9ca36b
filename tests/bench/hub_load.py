"""Servers and load for `hub.py`: starts one server on core 0, runs `wsload` against it on core 1, returns its figures.

`wsload` is the project's own load generator, kept beside the checkout in `../shared/bench`; it is compiled into the
system's temporary directory. Every run has a fresh server process, so memory a connection is not hidden by what an
earlier run left allocated. Only loopback addresses are ever reached.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepalpha.live.hub import sign_token

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SOURCE = ROOT.parent / "shared" / "bench" / "wsload.c"
START_PATIENCE_S = 20.0
CYCLE = re.compile(r"cycle (\d+): open (\d+) fail (\d+) ([\d.]+)s")
Figures = dict[str, Any]
WITH_TOKENS = "hub with JWT"


class Unavailable(RuntimeError):
    """A server or the load generator cannot run here; the text says why."""


@dataclass(frozen=True)
class Server:
    """What to start: `{port}` in a word of the command becomes the port."""

    name: str
    command: tuple[str, ...]
    cores: str = "0"
    """Two shards get both cores; the generator shares the second one."""
    headers: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()


def build() -> Path:
    """The compiled generator."""
    if not SOURCE.exists():
        raise Unavailable("../shared/bench/wsload.c is not beside this checkout")
    compiler = shutil.which("cc")
    if compiler is None:
        raise Unavailable("no C compiler: install gcc to build the load generator")
    program = Path(tempfile.gettempdir()) / f"wsload-{os.getuid()}-{SOURCE.stat().st_mtime_ns}"
    if not program.exists():
        part = program.with_suffix(f".{os.getpid()}")
        subprocess.run([compiler, "-O2", "-o", str(part), str(SOURCE), "-lm"], check=True)
        part.rename(program)
    return program


def pinned(cores: str, command: Sequence[str]) -> list[str]:
    """The command on the given cores, at raised priority when we may: other work on the machine is noise."""
    nice = ["nice", "-n", "-10"] if os.geteuid() == 0 else []
    return ["taskset", "-c", cores, *nice, *command]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(server: Server) -> Iterator[tuple[int, int]]:
    """Start the server; yields its port and process id, and ends it afterwards."""
    port = free_port()
    command = pinned(server.cores, [word.replace("{port}", str(port)) for word in server.command])
    environment = {**os.environ, **dict(server.environment)}
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=ROOT, start_new_session=True)
        try:
            deadline = time.monotonic() + START_PATIENCE_S
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    raise Unavailable(f"{server.name} does not listen: {log.read().strip()[-400:] or 'no output'}")
                time.sleep(0.05)
            yield port, process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def load(program: Path, server: Server, *arguments: str) -> Figures:
    """One run of the generator against a fresh server; adds `cycle_s`, the seconds of each reconnect cycle."""
    with running(server) as (port, pid):
        headers = [word for header in server.headers for word in ("-H", header)]
        command = pinned("1", [str(program), "-p", str(port), "-g", str(pid), *headers, *arguments])
        # A server that dies leaves the generator waiting for up to its own 60 s limits.
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        if not done.stdout.strip():
            raise Unavailable(f"{server.name}: {done.stderr.strip()[-300:]}")
        figures: Figures = json.loads(done.stdout.strip().splitlines()[-1])
        figures["exit"] = done.returncode
        figures["cycle_s"] = [float(found[4]) for found in CYCLE.finditer(done.stderr)]
        return figures


def servers(peers: str | None, hub: str | None, directory: Path) -> list[Server]:
    """The hub with one and two shards and with tokens (its key is made in `directory`), and the peers' servers."""
    base = hub.split() if hub else [sys.executable, "-m", "deepalpha.cli", "hub"]
    common = (*base, "--port", "{port}", "--bench", "--shards")
    ours = [
        Server("hub", (*common, "1")),
        Server("hub, 2 shards", (*common, "2"), cores="0,1"),
        Server(WITH_TOKENS, (*common, "1", "--options", str(_access(directory))), headers=(_bearer(directory),)),
    ]
    if peers is None:
        return ours
    scripts = {"socketify": "socketify_server.py", "websockets": "websockets_server.py"}
    return ours + [
        Server(name, (peers, str(HERE / "hub_peers" / script), "{port}")) for name, script in scripts.items()
    ]


def _access(directory: Path) -> Path:
    """Settings of a hub that wants a token of everybody."""
    key = directory / "hub.key"
    key.write_bytes(os.urandom(32).hex().encode())
    settings = {"auth": {"keys": [{"alg": "HS256", "file": str(key)}]}}
    (directory / "hub.json").write_text(json.dumps(settings))
    return directory / "hub.json"


def _bearer(directory: Path) -> str:
    token = sign_token(directory / "hub.key", roles=["reader", "publisher"], expires_at_s=int(time.time()) + 3600)
    return f"Authorization: Bearer {token}"


def versions(peers: str) -> str:
    """The peers' versions: uvloop 0.23 writes at once where 0.22 coalesces, which halves `websockets`' figures."""
    code = (
        "from importlib.metadata import version;"
        "print(', '.join(f'{n} {version(n)}' for n in ('socketify', 'websockets', 'uvloop')))"
    )
    done = subprocess.run([peers, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"--peers {peers}: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout.strip()
