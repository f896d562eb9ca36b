"""The command line. Every command takes `--json` and `--workspace DIR`; exit code 0, 1 failure, 2 usage."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from deepalpha import cli_data, cli_decisions, cli_evaluate, cli_hub, cli_news
from deepalpha.config import Workspace
from deepalpha.errors import DeepAlphaError, EngineError
from deepalpha.live import control
from deepalpha.live.demo import run_demo
from deepalpha.live.workstation import Workstation
from deepalpha.store import Ops, check, rebuild
from deepalpha.ta import functions, info
from deepalpha.ta.docs import describe, listing, markdown
from deepalpha.types import Approval

ANSWER_PATIENCE_S = 5.0
Result = tuple[Any, str]
"""What `--json` prints, and the text for people."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; errors are one line on stderr that says what to do."""
    options = _parser().parse_args(arguments)
    try:
        value, text = options.run(options)
    except DeepAlphaError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader went away (`| head`); there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    print(msgspec.json.encode(value).decode() if options.json else text)
    return 1 if isinstance(value, dict) and value.get("problems") else 0


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", help="print JSON for machines")
    shared.add_argument("--workspace", metavar="DIR", help="default: DEEPALPHA_WORKSPACE, else data/var")
    parser = argparse.ArgumentParser(prog="deepalpha", description="An analyst's trading workstation.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(group: Any, name: str, run: Callable[[argparse.Namespace], Result], help: str) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = group.add_parser(name, help=help, parents=[shared], description=help)
        made.set_defaults(run=run)
        return made

    def group(name: str, help: str) -> Any:
        made = commands.add_parser(name, help=help, description=help)
        return made.add_subparsers(dest="action", required=True, metavar="ACTION")

    add(commands, "demo", _demo, "the main job on bundled real data: votes, decisions, orders, fills, a checked store")
    live = group("live", "the engine process")
    begin = add(live, "start", _live_start, "start the engine in the background")
    begin.add_argument("--settings", type=Path, help="a YAML file; default: settings.yaml of the workspace")
    begin.add_argument("--approval", choices=[value.value for value in Approval])
    begin.add_argument("--speed", type=float, metavar="BARS", help="bars per second; 0 is as fast as possible")
    begin.add_argument("--new-session", action="store_true", help="begin a fresh practice account")
    add(live, "status", _live_status, "what the engine does")
    add(live, "stop", _live_stop, "end the engine after the step in hand")
    add(live, "kill", _live_kill, "kill switch: halt trading, also for engines that start later")
    add(live, "rearm", _live_rearm, "allow trading again after a halt")
    for verdict in ("approve", "reject"):
        made = add(commands, verdict, _decide(verdict), f"{verdict} a waiting decision")
        made.add_argument("decision", help="its id, or the beginning of it")
    cli_decisions.add_commands(commands, add)
    cli_data.add_commands(group("data", "market data"), add)
    cli_news.add_commands(group("news", "the headline classifier"), add)
    cli_hub.add_commands(commands, add, shared)
    cli_evaluate.add_commands(commands, add)
    store = group("store", "the analyst's store")
    add(store, "rebuild", _store_rebuild, "recreate deepalpha.duckdb from the log")
    add(store, "check", _store_check, "check log, store and money identities")
    ta = group("ta", "technical indicators")
    listed = add(ta, "ls", _ta_ls, "all indicators, by group")
    listed.add_argument("--group", help="only this group, or a part of its name: momentum, pattern")
    about = add(ta, "info", _ta_info, "one indicator: inputs, parameters, look-back, warm-up, formula, source")
    about.add_argument("name", help="for example RSI")
    add(ta, "docs", _ta_docs, "the manual of all indicators, in Markdown")
    return parser


def _workspace(options: argparse.Namespace) -> Workspace:
    return Workspace(options.workspace)


def _demo(options: argparse.Namespace) -> Result:
    found = run_demo(_workspace(options))
    value = msgspec.to_builtins(found)
    for name in ("equity_start", "equity_final", "realised_pnl", "fees"):
        value[name] = float(value[name])
    text = "\n".join(
        (
            "PRACTICE demo on real daily bars of AAPL, IBM, MSFT and GOOG",
            f"  {found.bars} bars, {found.decisions} decisions, {found.orders} orders, {found.fills} fills",
            f"  equity {found.equity_start:,.2f} -> {found.equity_final:,.2f}"
            f" (realised {found.realised_pnl:+,.2f}, fees {found.fees:,.2f})",
            f"  store checked: {'sound' if not found.problems else '; '.join(found.problems)}",
            f"  look at it: DEEPALPHA_WORKSPACE={found.workspace} streamlit run app/main.py",
        )
    )
    return value, text


def _live_start(options: argparse.Namespace) -> Result:
    status = control.start(
        _workspace(options),
        settings=options.settings,
        approval=options.approval,
        speed=options.speed,
        new_session=options.new_session,
    )
    return status, f"engine started: process {status.pid}, {status.account_id}, {status.approval} mode"


def _live_status(options: argparse.Namespace) -> Result:
    status = control.status(_workspace(options))
    halted = f"; HALTED ({status.killed}), re-arm with `deepalpha live rearm`" if status.killed else ""
    if status.state == "stopped":
        return status, f"no engine runs for {status.workspace}; start one with `deepalpha live start`{halted}"
    told = "".join(f"\n  {name}: {words}" for name, words in sorted(status.agents.items()))
    return status, (
        f"{status.mode.upper()} {status.account_id}: {status.state}, process {status.pid}, {status.approval} mode, "
        f"{status.pending} waiting for you, {status.steps_left} bars left{halted}"
        f"{_unfair(status.contaminated)}{told}"
    )


def _unfair(models: tuple[str, ...]) -> str:
    return f"; CONTAMINATED: {', '.join(models)} may have read these days in training" if models else ""


def _live_stop(options: argparse.Namespace) -> Result:
    ended = control.stop(_workspace(options))
    return {"stopped": ended}, "engine ended" if ended else "no engine runs"


def _live_kill(options: argparse.Namespace) -> Result:
    control.kill(Ops(_workspace(options).ops))
    return {"killed": True}, "trading is halted, also for engines that start later; `deepalpha live rearm` undoes it"


def _live_rearm(options: argparse.Namespace) -> Result:
    control.rearm(Ops(_workspace(options).ops))
    return {"killed": False}, "trading is allowed again"


def _decide(kind: str) -> Callable[[argparse.Namespace], Result]:
    def run(options: argparse.Namespace) -> Result:
        workspace = _workspace(options)
        with Workstation(workspace) as station:
            waiting = [item.decision_id for item, _ in station.pending()]
            matching = [item for item in waiting if item.startswith(options.decision)]
            if len(matching) != 1:
                listed = ", ".join(waiting) or "none"
                raise EngineError(f"no waiting decision {options.decision}; waiting: {listed}")
            send = station.approve if kind == "approve" else station.reject
            new = send(matching[0])
            state = control.status(workspace, station.ops).state
        said = f"{kind} {matching[0]}" + ("" if new else " was said before")
        note = "" if state != "stopped" else "; no engine runs, it will act when one starts (`deepalpha live start`)"
        return {"decision_id": matching[0], "command": kind, "new": new}, said + note

    return run


def _store_rebuild(options: argparse.Namespace) -> Result:
    workspace = _workspace(options)
    copied = rebuild(Ops(workspace.ops), workspace.duckdb)
    return {"rows": copied, "store": str(workspace.duckdb)}, f"{workspace.duckdb}: {copied} rows from the log"


def _store_check(options: argparse.Namespace) -> Result:
    workspace = _workspace(options)
    problems = check(Ops(workspace.ops), workspace.duckdb)
    return {"problems": problems}, "sound" if not problems else "\n".join(problems)


def _ta_ls(options: argparse.Namespace) -> Result:
    return functions(options.group), listing(options.group)


def _ta_info(options: argparse.Namespace) -> Result:
    return info(options.name), describe(options.name)


def _ta_docs(_options: argparse.Namespace) -> Result:
    text = markdown()
    return {"markdown": text}, text


if __name__ == "__main__":
    sys.exit(main())
