"""Run all agents on one snapshot, each under its own deadline, and let no failure pass for an opinion."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import msgspec
import numpy as np

from deepalpha.agents.base import BaseAgent, evidence_exists
from deepalpha.errors import ConfigError
from deepalpha.types import AgentRole, Context, Fact, Signal, SignalStatus

T = TypeVar("T")
CLEANUP_S = 0.05  # how long a cancelled agent may tidy up before the cycle goes on without it
MESSAGE_LIMIT = 300  # characters of an exception's text that are kept


class AgentRun(Fact, frozen=True):
    """One agent's answer and how long it took. The latency is not in the signal, as that is part of a decision's id."""

    signal: Signal
    latency_ns: int


async def run_agents(
    ctx: Context,
    agents: Sequence[BaseAgent],
    *,
    deadline_s: float,
    clock: Callable[[], int] = time.perf_counter_ns,
) -> list[AgentRun]:
    """Ask every agent at once and return one run for each, in the order given.

    Args:
        ctx: the snapshot; the same object for all.
        agents: with unique names.
        deadline_s: seconds each agent has for itself. An agent that blocks the loop cannot be interrupted, but an
            answer that comes late is a timeout all the same.
        clock: monotonic nanoseconds, for the latencies.

    Returns:
        Signals with agent, version, symbol, asof, horizon_s, snapshot_hash and role filled in. An exception, a deadline
        or a signal that breaks the contract becomes status ``error`` or ``timeout`` with the reason; a guard whose
        status is anything but ok gets `size_cap` 0, because nobody has checked the size.

    Raises:
        ConfigError: two agents share a name, or the deadline is not positive.
        asyncio.CancelledError: the caller was cancelled; the agents are cancelled too.
    """
    if deadline_s <= 0:
        raise ConfigError(f"agent deadline {deadline_s!r} s is not above 0")
    names = [agent.name for agent in agents]
    if len(set(names)) != len(names):
        raise ConfigError(f"agent names must be unique, got {sorted(names)}")
    return list(await asyncio.gather(*(_run_one(ctx, agent, deadline_s, clock) for agent in agents)))


def to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine from code that is not one, also where an event loop runs already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


async def _run_one(ctx: Context, agent: BaseAgent, deadline_s: float, clock: Callable[[], int]) -> AgentRun:
    started = clock()

    async def call() -> Signal:
        nonlocal started
        started = clock()  # not when the task was made: an agent does not pay for the one before it
        try:
            return _checked(ctx, agent, await agent.analyze(ctx))
        except Exception as error:  # noqa: BLE001 - agent border
            return _failed(SignalStatus.ERROR, f"{type(error).__name__}: {error}"[:MESSAGE_LIMIT])

    task = asyncio.create_task(call(), name=f"agent:{agent.name}")
    try:
        await asyncio.wait((task,), timeout=deadline_s)
        in_time = task.done()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait((task,), timeout=CLEANUP_S)
    latency_ns = clock() - started
    if not in_time or latency_ns > deadline_s * 1e9:
        signal = _failed(SignalStatus.TIMEOUT, f"no answer within {deadline_s:g} s")
    elif task.cancelled():
        signal = _failed(SignalStatus.ERROR, "CancelledError: the agent cancelled itself")
    else:
        signal = task.result()
    return AgentRun(signal=_stamped(ctx, agent, signal), latency_ns=latency_ns)


def _checked(ctx: Context, agent: BaseAgent, signal: object) -> Signal:
    """The signal itself, or a TypeError / ValueError that says which rule of the contract it breaks."""
    if not isinstance(signal, Signal):
        raise TypeError(f"analyze returned {type(signal).__name__}, not a Signal")
    # Through JSON and back: numpy floats become floats; what cannot be stored and replayed (NaN evidence) is no answer.
    signal = msgspec.json.decode(msgspec.json.encode(signal, enc_hook=_plain), type=Signal)
    if signal.status is SignalStatus.OK and signal.role is not agent.role:
        raise ValueError(f"a {agent.role} cannot answer as a {signal.role}; guards use Signal.guard, voters vote")
    if agent.role is AgentRole.VOTER and signal.size_cap != 1.0:
        raise ValueError(f"a voter cannot set size_cap {signal.size_cap:g}; only a guard may")
    unknown = [item.id for item in signal.evidence if not evidence_exists(ctx, item.id)]
    if unknown:
        raise ValueError(f"evidence {unknown} is not in the snapshot")
    return signal


def _plain(value: object) -> object:
    """A numpy scalar as the Python number it stands for: `ctx.base.close[-1]` is the commonest one."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a signal cannot carry {type(value).__name__}; use plain float, str and tuple")


def _failed(status: SignalStatus, reason: str) -> Signal:
    return Signal(status=status, reasons=(reason,))


def _stamped(ctx: Context, agent: BaseAgent, signal: Signal) -> Signal:
    unguarded = agent.role is AgentRole.GUARD and signal.status is not SignalStatus.OK
    closed = (f"{agent.name} did not check: no new position",) if unguarded else ()
    return msgspec.structs.replace(
        signal,
        agent=agent.name,
        version=agent.version,
        symbol=ctx.symbol,
        asof=ctx.asof,
        horizon_s=ctx.horizon_s,
        snapshot_hash=ctx.snapshot_hash,
        role=agent.role,
        reasons=(*signal.reasons, *closed),
        size_cap=0.0 if unguarded else signal.size_cap,
    )
