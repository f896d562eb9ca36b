"""Hostile headlines against every agent and the decision: bounded effect, no limit moved, nothing quoted, no crash."""

from __future__ import annotations

import asyncio
import math
import re
from functools import cache

import agents_kit as kit
import msgspec
import numpy as np
import pytest
from injections import PAYLOADS

from deepalpha.agents import evidence_exists, run_agents
from deepalpha.agents.base import built_in_names, discover
from deepalpha.agents.news import NewsAgent
from deepalpha.decision import DecisionConfig, DecisionEngine
from deepalpha.decision.clip import LOGIT_LIMIT, NEWS_SHARE
from deepalpha.errors import MarketDataError
from deepalpha.market import load_headlines, safe_id
from deepalpha.market.symbols import check_symbol
from deepalpha.types import Action, Headline, SignalStatus, encode

CAP = NewsAgent.params.max_logit
HONEST = ("Apple misses estimates as sales fall", "Apple opens a store in Paris", "Broker upgrades Apple to buy")


NAMES = [f"{number}-{kind}" for number, (kind, _) in enumerate(PAYLOADS)]


@cache
def agents():
    return discover(built_in_names())


@cache
def world(name):
    columns = {"up": lambda: kit.planted(0.002), "down": lambda: kit.planted(-0.002), "real": kit.sample}[name]()
    asof = int(columns["ts_open"][-1]) + kit.DAY
    return kit.context(columns, asof=asof)


def with_news(ctx, *items):
    from deepalpha.decision import build_context

    return build_context(
        symbol=ctx.symbol,
        asof=ctx.asof,
        horizon_s=ctx.horizon_s,
        timeframe=ctx.timeframe,
        bars=ctx.bars,
        news=items,
        position=ctx.position,
    )


def honest(ctx):
    return [kit.headline(title, asof=ctx.asof, days=1 + n, number=f"h{n}") for n, title in enumerate(HONEST)]


@cache
def decided(name, *extra):
    ctx = world(name)
    told = with_news(ctx, *honest(ctx), *extra)
    signals = [run.signal for run in asyncio.run(run_agents(told, agents(), deadline_s=30.0))]
    engine = DecisionEngine(DecisionConfig(), scope="test", clock=lambda: 0)
    return told, engine.decide(told, signals)


def bare(signal):
    """A signal without what names the snapshot."""
    return msgspec.structs.replace(signal, snapshot_hash="")


def check(name, *extra, texts=()):
    """Decide with and without the hostile headlines and compare."""
    _, clean = decided(name)
    told, hostile = decided(name, *extra)
    by_agent = {signal.agent: signal for signal in hostile.signals}
    for signal in clean.signals:
        if signal.agent != "news":
            assert bare(by_agent[signal.agent]) == bare(signal), "only the news agent reads news"
    news = by_agent["news"]
    assert news.status in (SignalStatus.OK, SignalStatus.ABSTAIN)
    if news.p_up is not None:
        assert abs(math.log(news.p_up / (1 - news.p_up))) <= CAP + 1e-5
    moved = abs(hostile.score - clean.score)
    assert moved <= NEWS_SHARE * 2 * CAP + 1e-5
    assert abs(hostile.p_up - clean.p_up) <= NEWS_SHARE * 2 * CAP / 4 + 1e-6
    assert hostile.size_cap == clean.size_cap and hostile.blocked_by == clean.blocked_by
    assert {clean.action, hostile.action} != {Action.BUY, Action.SELL}
    assert re.fullmatch(r"[0-9a-f]{24}", hostile.decision_id)
    assert all(evidence_exists(told, item.id) and isinstance(item.value, float | int) for item in news.evidence)
    assert all(safe_id(item.id.removeprefix("news:")) for item in news.evidence)
    said = " ".join((*hostile.reasons, *news.reasons)) + encode(news.evidence).decode()
    assert said.isascii() and said.isprintable()
    for text in texts:
        for piece in re.findall(r"[A-Za-z]{4,} [A-Za-z]{3,} [A-Za-z]{3,}", text[:400]):
            assert piece not in said


@pytest.mark.parametrize(("kind", "payload"), PAYLOADS, ids=NAMES)
def test_a_hostile_headline_moves_the_decision_by_no_more_than_the_news_cap(kind, payload):
    for name in ("up", "down", "real"):
        item = kit.headline(payload, asof=world(name).asof, days=0.1, number="x")
        check(name, item, texts=(payload,))


@pytest.mark.parametrize(("kind", "payload"), PAYLOADS, ids=NAMES)
def test_a_payload_in_id_source_or_address_gets_nowhere(kind, payload):
    ctx = world("up")
    stamp = ctx.asof - kit.DAY
    item = Headline(
        id=payload,
        title="Apple beats estimates",
        source=payload,
        symbols=("AAPL",),
        ts_published=stamp,
        ts_known=stamp,
        url=f"https://{payload}/",
    )
    check("up", item, texts=(payload,))


def test_all_payloads_at_once_and_twenty_copies_of_each_stay_within_the_cap():
    for name in ("up", "down"):
        asof = world(name).asof
        flood = [
            kit.headline(payload, asof=asof, days=0.01 * (1 + copy), number=f"f{number}-{copy}")
            for number, (_, payload) in enumerate(PAYLOADS)
            for copy in range(20)
        ]
        check(name, *flood)


def test_poisoned_copies_of_a_true_story_do_not_silence_it():
    ctx = world("real")
    true = kit.headline("Apple beats quarterly profit estimates by a wide margin", asof=ctx.asof, days=1, number="true")
    forged = [
        kit.headline(
            f"Apple misses quarterly profit estimates by a wide margin {n}",
            asof=ctx.asof,
            days=1.1 + n / 100,
            number=f"f{n}",
        )
        for n in range(20)
    ]
    signal = kit.answer(NewsAgent(), with_news(ctx, true, *forged))
    values = {item.id: item.value for item in signal.evidence}
    assert values["news:ntrue"] > 0.5
    assert len(values) == 2, "twenty forged copies are one story"


@pytest.mark.parametrize(("kind", "payload"), PAYLOADS, ids=NAMES)
def test_names_that_are_payloads_are_refused(kind, payload, tmp_path):
    with pytest.raises(MarketDataError):
        check_symbol(payload)
    lines = tmp_path / "news.jsonl"
    for field in ({"symbols": [payload]}, {"id": payload}):
        row = {"title": "Apple", "published": "2014-05-10T10:00:00Z"} | field
        lines.write_bytes(msgspec.json.encode(row))
        with pytest.raises(MarketDataError, match=r"line 1 of .* is no headline"):
            load_headlines(lines)


def test_the_suite_has_at_least_sixty_payloads_of_ten_kinds():
    assert len({payload for _, payload in PAYLOADS}) >= 60
    assert len({kind for kind, _ in PAYLOADS}) >= 10
    assert max(len(payload) for _, payload in PAYLOADS) >= 10_000


def test_the_bound_that_is_checked_is_smaller_than_what_one_agent_could_do():
    assert NEWS_SHARE * 2 * CAP < LOGIT_LIMIT / 4
    assert np.isclose(NEWS_SHARE * 2 * CAP / 4, 0.075)
