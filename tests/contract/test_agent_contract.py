"""The contract of `BaseAgent`, run on every built-in agent. A file dropped into deepalpha/agents/ joins by itself."""

from __future__ import annotations

import asyncio
import builtins
import math
import os
import random
import socket
import time

import agents_kit as kit
import numpy as np
import pytest

from deepalpha.agents.base import built_in_names, discover, evidence_exists
from deepalpha.agents.runner import run_agents
from deepalpha.types import DAY, AgentRole, PositionView, SignalStatus, encode

HOSTILE = kit.hostile_contexts()
SHORT = ("no bars", "one bar", "two bars")
BARS = 3000  # bars of the sample before the asof used here


@pytest.fixture(params=built_in_names())
def agent(request):
    return discover([request.param])[0]


def asof_of(columns, bar=BARS):
    return int(columns["ts_open"][bar]) + DAY


def news_at(asof):
    titles = ("Apple beats estimates and raises its outlook", "Apple recalls a charger", "Apple opens a store")
    return tuple(kit.headline(title, asof=asof, days=1 + n, number=n) for n, title in enumerate(titles))


def real_context(bar=BARS, symbol="AAPL"):
    asof = asof_of(kit.sample(symbol), bar)
    return kit.context(asof=asof, symbol=symbol, news=news_at(asof), position=PositionView(equity=9e4, drawdown=0.1))


def test_the_five_agents_of_the_settings_are_built_in():
    assert {"technical", "pattern", "trend", "risk", "news"} <= set(built_in_names())


def test_the_same_context_gives_the_same_bytes_whatever_came_before(agent):
    first = encode(kit.answer(agent, real_context()))
    kit.answer(agent, real_context(bar=1500))
    kit.answer(agent, real_context(symbol="IBM"))
    assert encode(kit.answer(agent, real_context())) == first
    assert encode(kit.answer(discover([agent.name])[0], real_context())) == first


def test_reads_no_clock_no_file_no_network_no_environment_and_no_dice(agent, monkeypatch):
    ctx = real_context()

    def forbidden(*args, **kwargs):
        raise AssertionError(f"{agent.name} reached outside its context")

    for owner, names in {
        time: ("time", "time_ns", "monotonic", "perf_counter", "perf_counter_ns"),
        builtins: ("open",),
        os: ("getenv", "urandom", "open"),
        socket: ("socket", "create_connection"),
        random: ("random", "randint", "choice"),
        np.random: ("default_rng", "random", "normal"),
    }.items():
        for name in names:
            monkeypatch.setattr(owner, name, forbidden)
    signal = kit.answer(agent, ctx)
    monkeypatch.undo()
    assert signal.reasons


def test_bars_and_headlines_after_asof_change_not_one_byte(agent):
    columns = kit.sample()
    asof = asof_of(columns)
    known = kit.context(columns, asof=asof, news=news_at(asof))
    garbage = {name: values.copy() for name, values in columns.items()}
    late = garbage["ts_open"] + DAY > asof
    assert late.sum() > 100
    dice = np.random.default_rng(1)
    for name in ("open", "high", "low", "close", "volume"):
        garbage[name][late] = dice.uniform(1e-3, 1e6, late.sum())
    blind = kit.context(garbage, asof=asof, news=news_at(asof))
    assert blind.snapshot_hash == known.snapshot_hash
    assert encode(kit.answer(agent, blind)) == encode(kit.answer(agent, known))


def test_leaves_the_context_as_it_was(agent):
    ctx = real_context()

    def content():
        return {
            name: [sorted(bars.series), *(getattr(bars, key).tobytes() for key in ("close", "high", "ts_event"))]
            + [values.tobytes() for _, values in sorted(bars.series.items())]
            for name, bars in ctx.bars.items()
        }

    before = content()
    kit.answer(agent, ctx)
    assert content() == before


@pytest.mark.parametrize("world", sorted(HOSTILE))
def test_hostile_data_gives_an_answer_and_no_exception(agent, world):
    run = asyncio.run(run_agents(HOSTILE[world], [agent], deadline_s=30))[0]
    assert run.signal.status in (SignalStatus.OK, SignalStatus.ABSTAIN), run.signal.reasons
    encode(run.signal)


@pytest.mark.parametrize("world", SHORT)
def test_short_history_abstains_with_a_reason_instead_of_voting(agent, world):
    signal = kit.answer(agent, HOSTILE[world])
    assert signal.status is SignalStatus.ABSTAIN
    assert len(signal.reasons) == 1 and signal.reasons[0]


def test_every_evidence_is_in_the_context_and_finite(agent):
    ctx = real_context()
    signal = kit.answer(agent, ctx)
    assert signal.status is SignalStatus.OK, signal.reasons
    assert signal.evidence
    for item in signal.evidence:
        assert evidence_exists(ctx, item.id), item.id
        assert isinstance(item.value, str) or math.isfinite(item.value), item
    assert len({item.id for item in signal.evidence}) == len(signal.evidence)


def test_a_price_or_indicator_cited_at_the_last_bar_has_its_value_there(agent):
    ctx = real_context()
    for item in kit.answer(agent, ctx).evidence:
        scope, _, name = item.id.partition(":")
        if scope in ctx.bars and name in ("close", *ctx.bars[scope].series) and not name.startswith("CDL"):
            bars = ctx.bars[scope]
            values = bars.series.get(name, bars.close)
            assert item.value == values[-1]


def test_a_guard_never_votes_and_a_voter_never_caps(agent):
    for bar in (400, 1200, 2000, BARS):
        signal = kit.answer(agent, real_context(bar=bar))
        if agent.role is AgentRole.GUARD:
            assert signal.p_up is None
        else:
            assert signal.size_cap == 1.0


def test_the_size_of_the_currency_unit_does_not_change_a_vote(agent):
    columns = kit.sample()
    scaled = {name: v * 1024.0 if name in ("open", "high", "low", "close") else v for name, v in columns.items()}
    for bar in (1200, BARS):
        asof = asof_of(columns, bar)
        one = kit.answer(agent, kit.context(columns, asof=asof, news=news_at(asof)))
        other = kit.answer(agent, kit.context(scaled, asof=asof, news=news_at(asof)))
        assert (one.status, one.p_up, one.size_cap) == (other.status, other.p_up, other.size_cap)


def test_reads_only_the_series_it_lists(agent):
    ctx = real_context()
    listed = {
        timeframe: {n: v for n, v in bars.series.items() if n in agent.series or n.split(".")[0] in agent.series}
        for timeframe, bars in ctx.bars.items()
    }
    pared = real_context()
    for timeframe, bars in pared.bars.items():
        bars.series.clear()
        bars.series.update(listed[timeframe])
    assert encode(kit.answer(agent, pared)) == encode(kit.answer(agent, ctx))


def test_names_itself_in_lower_case_and_has_a_version(agent):
    assert agent.name == agent.name.lower() and agent.name.isidentifier()
    assert agent.version
