"""Figures of the WebSocket hub: `python tests/bench/hub.py [--json] [--quick] [--peers PYTHON] [--hub COMMAND]`.

`../shared/bench/wsload.c` loads one server at a time over loopback: the server has core 0 (two shards: both), the
generator core 1. `--peers` is an interpreter that has socketify, websockets and uvloop (`pip install socketify
websockets 'uvloop<0.23'`; socketify needs Debian's libuv1); without it the peers' columns are empty. Rounds are
interleaved, so that all servers see the same noise, and each figure is the median of three. A generator on the same
machine costs as much as a server does: these are ratios between servers, not the most a server can do. `--only none`
leaves the servers out: what a publish costs in Python is all that is measured then.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub_load import WITH_TOKENS, Figures, Server, Unavailable, build, load, servers, versions
from hub_publish import publish_rows

Row = dict[str, Any]
SLOW, ALL_READ = "100 connections, 20 never read, 4 KiB messages", "80 connections, all read, 4 KiB messages"
SLOW_READERS_MB = 20
"""What 20 slow readers may cost: the hub's default backlog of 1 MiB each."""
SUB = ("-s", "/sub", "-P", "/pub")
TOPICS = ("-T", "64", "-s", "/sub?topic=t{topic}", "-P", "/pub")
LOSSLESS_DELIVERIES = 10_000_000


@dataclass(frozen=True)
class Goal:
    """A goal of the hub: against a fixed bound, or against a peer's figure of the same run times a share."""

    metric: str
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    of_peer: tuple[tuple[str, float], ...] = ()
    shards: str = "hub"


@dataclass(frozen=True)
class Scenario:
    """One command line of the generator, the figures taken from it and their goals."""

    name: str
    arguments: tuple[str, ...]
    take: Callable[[Figures], dict[str, float]]
    goals: tuple[Goal, ...]
    rounds: int = 3
    ours_only: bool = False
    with_tokens: bool = False
    """Only the hub that wants tokens runs it, and nothing else."""
    quick: bool = True


def lost(figures: Figures) -> float:
    """Messages lost, doubled or out of order, plus connections that failed or were closed by the server."""
    names = ("missing", "tail_missing", "dup", "ooo", "fail", "closed_by_server")
    return float(sum(figures[name] for name in names))


def delivered(figures: Figures) -> dict[str, float]:
    return {
        "deliveries": figures["deliveries_per_s"],
        "last receiver p50": figures["last_us"]["p50"] / 1000,
        "last receiver p99": figures["last_us"]["p99"] / 1000,
        "connects": figures["connects_per_s"],
        "memory": figures["rss_kb_per_conn"],
        "lost": lost(figures),
    }


def held(figures: Figures) -> dict[str, float]:
    return {
        "memory": figures["rss_kb_per_conn"],
        "lost": lost(figures),
        "processor": figures["srv_cpu"] * 100,
        "pings": figures["pings"],
    }


def storm(figures: Figures) -> dict[str, float]:
    return {"cycle": max(figures["cycle_s"][1:], default=float("nan")), "lost": lost(figures)}


def slow(figures: Figures) -> dict[str, float]:
    return {
        "server memory at end": figures["rss_end_mb"],
        "messages to each healthy reader": figures["completed"],
        "slow readers closed": figures["slow_closed"],
        "lost": lost(figures),
    }


def scenarios(quick: bool) -> list[Scenario]:
    duration = ("-d", "2" if quick else "4")
    none_lost = Goal("lost", "messages", at_most=0)
    none_lost_there = Goal("lost", "messages", at_most=0, shards=WITH_TOKENS)
    found = []
    for label, count in (("1k", "1000"), ("10k", "10000")):
        for window, share in (("1", 0.9), ("8", 0.8)):
            shares = (("socketify", share),) + ((("websockets", 4.0),) if window == "8" else ())
            goals = (
                Goal("deliveries", "1/s", of_peer=shares),
                Goal("deliveries", "1/s", of_peer=(("socketify", 1.2),), shards="hub, 2 shards"),
                Goal("last receiver p99", "ms"),
                Goal("connects", "1/s", of_peer=(("socketify", 0.7),)),
                Goal("memory", "KiB/connection", at_most=10),
                none_lost,
            )
            arguments = ("-n", count, *SUB, "-W", window, *duration)
            name = f"{label} connections, {window} in flight"
            found.append(Scenario(name, arguments, delivered, goals, quick=label == "1k"))
    found += [
        Scenario(
            "1k connections, 20 messages/s",
            ("-n", "1000", *SUB, "-R", "20", *duration),
            delivered,
            (Goal("last receiver p99", "ms", at_most=15), Goal("last receiver p50", "ms"), none_lost),
        ),
        Scenario(
            "10k connections on 64 topics, 8 in flight on each",
            ("-n", "10000", *TOPICS, "-W", "512", *duration),
            delivered,
            (Goal("deliveries", "1/s", of_peer=(("socketify", 0.8),)), none_lost),
            quick=False,
        ),
        Scenario(
            SLOW,
            ("-n", "100", "-L", "20", "-z", "4096", *SUB, "-W", "1", *duration),
            slow,
            (Goal("server memory at end", "MB"), Goal("messages to each healthy reader", "messages"), none_lost),
        ),
        Scenario(
            ALL_READ,
            ("-n", "80", "-z", "4096", *SUB, "-W", "1", *duration),
            slow,
            (Goal("server memory at end", "MB"), Goal("messages to each healthy reader", "messages"), none_lost),
        ),
        Scenario(
            "10k connections, each with a JWT",
            ("-n", "10000", "-s", "/sub", "-d", "0"),
            lambda figures: {"connects": figures["connects_per_s"], "lost": lost(figures)},
            (Goal("connects", "1/s", at_least=10_000, shards=WITH_TOKENS), none_lost_there),
            with_tokens=True,
        ),
        Scenario(
            "reconnect storm of 10k, 4 cycles",
            ("-n", "10000", "-s", "/sub", "-C", "5", "-d", "0"),
            storm,
            (Goal("cycle", "s, worst", at_most=1.0), none_lost),
            rounds=1,
            quick=False,
        ),
        Scenario(
            f"10k connections held {5 if quick else 60} s",
            ("-n", "10000", "-s", "/sub", "-d", "5" if quick else "60"),
            held,
            (
                Goal("memory", "KiB/connection", at_most=10),
                Goal("processor", "% of a core", at_most=3),
                Goal("pings", "pings"),
                none_lost,
            ),
            rounds=1,
        ),
        Scenario(
            "1k connections, 8 in flight, until 10 M deliveries",
            ("-n", "1000", *SUB, "-W", "8", "-w", "0", "-d", "40"),
            lambda figures: {"deliveries": figures["completed"] * 1000.0, "lost": lost(figures)},
            (Goal("deliveries", "deliveries", at_least=LOSSLESS_DELIVERIES), none_lost),
            rounds=1,
            ours_only=True,
            quick=False,
        ),
    ]
    return [each for each in found if each.quick or not quick]


Taken = dict[tuple[str, str, str], list[float]]


def measure(chosen: list[Server], quick: bool, say: Callable[[str], None]) -> Taken:
    """Every figure by scenario, server and metric; a server that cannot run is named once and left out."""
    program = build()
    taken: Taken = defaultdict(list)
    absent: set[str] = set()
    for scenario in scenarios(quick):
        for turn in range(1 if quick else scenario.rounds):
            for server in chosen:
                ours = server.name.startswith("hub")
                if server.name in absent or (scenario.ours_only and not ours):
                    continue
                if scenario.with_tokens != (server.name == WITH_TOKENS):
                    continue
                try:
                    figures = load(program, server, *scenario.arguments)
                except Unavailable as reason:
                    absent.add(server.name)
                    say(f"left out: {reason}")
                    continue
                values = scenario.take(figures)
                text = ", ".join(f"{name} {value:.1f}" for name, value in values.items())
                say(f"{scenario.name} | {turn + 1} | {server.name} | load {os.getloadavg()[0]:.1f} | {text}")
                for metric, value in values.items():
                    taken[scenario.name, server.name, metric].append(value)
    return taken


def rows(taken: Taken, quick: bool) -> list[Row]:
    """One row a goal and server; a goal against a peer holds only when that peer ran in the same run."""

    def middle(scenario: str, server: str, metric: str) -> float | None:
        values = taken.get((scenario, server, metric))
        return statistics.median(values) if values else None

    made: list[Row] = []
    names = list(dict.fromkeys(server for _, server, _ in taken))
    for scenario in scenarios(quick):
        for goal in scenario.goals:
            hub = middle(scenario.name, goal.shards, goal.metric)
            label = f"{scenario.name}: {goal.metric}" + (" (2 shards)" if "shards" in goal.shards else "")
            peers: list[tuple[str, float | None]] = list(goal.of_peer)
            named = {name for name, _ in peers}
            if goal.shards == "hub":
                others = [name for name in names if not name.startswith("hub") and name not in named]
                peers += [(name, None) for name in others if not scenario.ours_only]
            for peer, share in peers or [("", None)]:
                value = middle(scenario.name, peer, goal.metric)
                bounds = []
                holds: bool | None = None
                if goal.at_least is not None:
                    bounds.append(f">= {goal.at_least:g}")
                    holds = None if hub is None else hub >= goal.at_least
                if goal.at_most is not None:
                    bounds.append(f"<= {goal.at_most:g}")
                    holds = None if hub is None else hub <= goal.at_most
                if share is not None:
                    bounds.append(f">= {share:g} x {peer}")
                    holds = None if hub is None or value is None else hub >= share * value
                made.append(
                    {
                        "name": label,
                        "value": None if hub is None else round(hub, 2),
                        "unit": goal.unit,
                        "goal": ", ".join(bounds),
                        "holds": holds,
                        "peer": peer,
                        "peer_value": None if value is None else round(value, 2),
                    }
                )
    return made + slow_reader_rows(middle, names)


def slow_reader_rows(middle: Callable[[str, str, str], float | None], names: list[str]) -> list[Row]:
    """What 20 readers that never read cost the other 80, and the server: against the run without them."""

    def pair(server: str, metric: str) -> tuple[float, float] | None:
        slow, none = middle(SLOW, server, metric), middle(ALL_READ, server, metric)
        return None if slow is None or none is None else (slow, none)

    made = []
    for peer in [name for name in names if not name.startswith("hub")] or [""]:
        rates = [pair(server, "messages to each healthy reader") for server in ("hub", peer)]
        shares = [None if rate is None else rate[0] / rate[1] for rate in rates]
        holds = None if shares[0] is None else shares[0] >= 0.9
        rate_row = ("healthy readers' rate beside slow ones", "of that without", ">= 0.9", shares, holds)
        ends = [pair(server, "server memory at end") for server in ("hub", peer)]
        costs = [None if end is None else end[0] - end[1] for end in ends]
        holds = None if costs[0] is None else costs[0] <= SLOW_READERS_MB
        cost_row = ("memory for 20 slow readers", "MB", f"<= {SLOW_READERS_MB}", costs, holds)
        for name, unit, goal, (ours, theirs), held in (rate_row, cost_row):
            made.append(
                {
                    "name": name,
                    "value": None if ours is None else round(ours, 2),
                    "unit": unit,
                    "goal": goal,
                    "holds": held,
                    "peer": peer,
                    "peer_value": None if theirs is None else round(theirs, 2),
                }
            )
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="one short round of the small scenarios")
    parser.add_argument("--peers", metavar="PYTHON", help="an interpreter with socketify, websockets and uvloop")
    parser.add_argument("--hub", metavar="COMMAND", help="start this instead of `deepalpha hub`; gets --port, --bench")
    parser.add_argument("--only", metavar="NAMES", help="servers to run, by name, separated by semicolons")
    options = parser.parse_args()

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    try:
        with tempfile.TemporaryDirectory() as directory:
            chosen = servers(options.peers, options.hub, Path(directory))
            if options.peers:
                say(f"peers: {versions(options.peers)}")
            if options.only:
                chosen = [server for server in chosen if server.name in options.only.split(";")]
            made = rows(measure(chosen, options.quick, say), options.quick) if chosen else []
    except Unavailable as reason:
        say(f"skipped: {reason}")
        made = []
    made += publish_rows()
    if options.json:
        print(json.dumps(made, indent=1))
        return 0
    for each in made:
        verdict = {True: "holds", False: "MISSED", None: ""}[each["holds"]]
        ours = "-" if each["value"] is None else f"{each['value']:,.1f}"
        peer = "" if each["peer_value"] is None else f"{each['peer']} {each['peer_value']:,.1f}"
        print(f"{each['name']:<75} {ours:>14} {each['unit']:<15} {each['goal']:<24} {verdict:<7} {peer}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
