"""`deepalpha hub`: the WebSocket hub as a process of its own, and tokens for it."""

from __future__ import annotations

import argparse
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import yaml

from deepalpha.errors import ConfigError
from deepalpha.live.hub import WebSocketManager, sign_token

DRAIN_S = 4.0
Result = tuple[Any, str]
Add = Callable[..., argparse.ArgumentParser]


def add_commands(commands: Any, add: Add, shared: argparse.ArgumentParser) -> None:
    """Add `hub` and `hub token` to the command line."""
    hub = add(commands, "hub", serve, "the WebSocket hub: topics for browsers, notebooks and other programs")
    hub.add_argument("--port", type=int, default=0, help="0 takes a free one, which is printed (default)")
    hub.add_argument("--host", default="127.0.0.1", help="address to listen on; a public one needs auth in --options")
    hub.add_argument("--shards", type=int, help="threads that own connections")
    hub.add_argument("--bench", action="store_true", help="offer /echo, /sub and /pub for load generators")
    hub.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"), type=Path, help="PEM files")
    hub.add_argument("--options", type=Path, metavar="FILE", help="more settings of the hub, as YAML or JSON")
    hub.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="one setting, for example ping_interval_ms=500 or topics='{fills.>: reliable}'",
    )
    actions = hub.add_subparsers(dest="action", metavar="token")
    token = actions.add_parser("token", help="sign a token for the hub", parents=[shared], description=token_.__doc__)
    token.set_defaults(run=token_)
    token.add_argument("--key", type=Path, required=True, metavar="FILE", help="the hub's HS256 key, 32 bytes or more")
    token.add_argument("--key-id", default="", help="name of the key in the hub's settings")
    token.add_argument("--role", action="append", required=True, help="may be given several times")
    token.add_argument("--subject", default="", help="who it is for")
    token.add_argument("--hours", type=float, default=24.0, help="how long it is good for (default 24)")


def serve(options: argparse.Namespace) -> Result:
    """Run a hub until SIGTERM or SIGINT; one line says where, one line at the end says what it did."""
    settings = _settings(options)
    topics = settings.pop("topics", {})
    if not isinstance(topics, dict):
        raise ConfigError(f"topics = {topics!r} is no mapping; write topics: {{'fills.>': reliable}}")
    end = threading.Event()
    # The handlers come first: a signal while the hub starts must end it, not break it.
    before = {number: signal.signal(number, lambda *_: end.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    hub = WebSocketManager(**settings)
    for pattern, delivery in topics.items():
        hub.topic(pattern, delivery)
    try:
        port = hub.start(options.port, options.host)
        ready = {"event": "ready", "url": hub.url, "host": options.host, "port": port}
        print(msgspec.json.encode(ready).decode() if options.json else f"hub listens on {hub.url}", flush=True)
        end.wait()
        begun = time.monotonic()
        hub.stop(DRAIN_S)
        took = time.monotonic() - begun
    finally:
        hub.stop(0.0)
        for number, handler in before.items():
            signal.signal(number, handler)
    return {"event": "stopped", "drained_s": round(took, 3)}, f"hub stopped after {took:.2f} s"


def token_(options: argparse.Namespace) -> Result:
    """Sign a token with the hub's key and print it. It is a secret: whoever has it has the role."""
    expires = int(time.time() + options.hours * 3600)
    signed = sign_token(
        options.key, roles=options.role, expires_at_s=expires, subject=options.subject, key_id=options.key_id
    )
    return {"token": signed, "expires_at_s": expires}, signed


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if options.options is not None:
        settings |= _load(options.options)
    for item in options.set:
        name, equals, value = item.partition("=")
        if not equals:
            raise ConfigError(f"--set {item} has no value; write --set NAME=VALUE")
        settings[name] = yaml.safe_load(value)
    if options.shards is not None:
        settings["shards"] = options.shards
    if options.bench:
        settings["bench"] = True
    if options.tls is not None:
        settings["tls"] = tuple(str(path) for path in options.tls)
    return settings


def _load(path: Path) -> dict[str, Any]:
    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"options file {path} cannot be read: {error}; write one YAML mapping") from error
    if not isinstance(loaded, dict):
        raise ConfigError(f"options file {path} is no mapping of settings, but a {type(loaded).__name__}")
    return loaded
