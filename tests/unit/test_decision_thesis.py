"""Why a position was opened comes back when it is closed, and what was learned survives a restart."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import worlds

from deepalpha.decision.thesis import KEPT, Theses
from deepalpha.types import Action, Evidence, Fill, Side, Signal

CLOSE = 100.0 + np.arange(100.0)


def fill(decision_id: str, quantity: int, *, symbol: str = "X") -> Fill:
    return Fill(
        fill_id=f"{decision_id}{quantity}",
        client_order_id="o",
        decision_id=decision_id,
        symbol=symbol,
        side=Side.BUY if quantity > 0 else Side.SELL,
        quantity=Decimal(abs(quantity)),
        price=Decimal(100),
        fee=Decimal(0),
        realised_pnl=Decimal(0),
        ts_event=1,
    )


def signals(ctx: Any, p_up: float, reading: float) -> list[Signal]:
    told = {"snapshot_hash": ctx.snapshot_hash, "evidence": (Evidence(id="1d:RSI_14", value=reading),)}
    return [
        Signal(agent="trend", p_up=p_up, reasons=(f"RSI {reading:g}",), **told),
        Signal(agent="pattern", p_up=p_up, reasons=("a flag",), snapshot_hash=ctx.snapshot_hash),
    ]


def test_the_entry_is_held_against_the_exit() -> None:
    engine = worlds.engine()
    flat = worlds.context_at(CLOSE, 60)
    entry = engine.decide(flat, signals(flat, 0.7, 31.5))
    assert (entry.action, entry.entry_id) == (Action.BUY, "")
    engine.filled(fill(entry.decision_id, 5))
    held = worlds.context_at(CLOSE, 61, held=5.0)
    way_out = engine.decide(held, signals(held, 0.3, 74.0))
    assert (way_out.action, way_out.entry_id) == (Action.SELL, entry.decision_id)
    told = "\n".join(way_out.reasons)
    assert "entry thesis: buy at 160 (+0.6 % since)" in told
    assert "entry: trend said buy (+0.424): RSI 31.5" in told
    assert "since the entry turned: pattern from buy to sell, trend from buy to sell" in told
    assert "evidence of the entry now: 1d:RSI_14 31.5 -> 74" in told
    engine.filled(fill(way_out.decision_id, -5))
    later = worlds.context_at(CLOSE, 62)
    assert engine.decide(later, signals(later, 0.3, 74.0)).entry_id == ""


def test_the_id_of_a_decision_knows_the_thesis_it_was_held_against() -> None:
    with_thesis, without = worlds.engine(), worlds.engine()
    for engine in (with_thesis, without):
        flat = worlds.context_at(CLOSE, 60)
        entry = engine.decide(flat, signals(flat, 0.7, 31.5))
    with_thesis.filled(fill(entry.decision_id, 5))
    without.filled(fill("a command of a person", 5))
    held = worlds.context_at(CLOSE, 61, held=5.0)
    ids = {engine.decide(held, signals(held, 0.3, 74.0)).decision_id for engine in (with_thesis, without)}
    assert len(ids) == 2


def test_a_veto_stops_an_entry_and_not_the_way_out() -> None:
    import msgspec

    for held, action in ((0.0, Action.HOLD), (5.0, Action.SELL)):
        engine = worlds.engine()
        ctx = worlds.context_at(CLOSE, 60, held=held)
        veto = msgspec.structs.replace(Signal.guard(0.0, "too wild"), agent="risk", snapshot_hash=ctx.snapshot_hash)
        decision = engine.decide(ctx, [*signals(ctx, 0.3, 50.0), veto])
        assert decision.action is action


def test_a_position_is_followed_by_its_fills() -> None:
    theses, engine = Theses(), worlds.engine()
    made = []
    for day in (60, 61, 62):
        ctx = worlds.context_at(CLOSE, day)
        made.append(engine.decide(ctx, signals(ctx, 0.7, float(day))))
        theses.decided(made[-1])
    first, second, third = (decision.decision_id for decision in made)
    theses.filled(fill(first, 5))
    theses.filled(fill(second, 5))  # adding does not change why it was opened
    theses.filled(fill("stop", -4))
    assert theses.of("X").decision_id == first
    assert theses.openers() == {"X": first}
    theses.filled(fill(third, -9))  # through zero: the other side was opened by another decision
    assert theses.of("X").decision_id == third
    again = Theses()
    again.restore(json.loads(json.dumps(theses.state())))
    assert again.state() == theses.state()
    theses.filled(fill("x", 3))
    assert (theses.of("X"), theses.openers()) == (None, {})
    theses.filled(fill("by hand", 1))
    assert (theses.of("X"), theses.openers()) == (None, {"X": "by hand"})


def test_what_was_decided_is_not_kept_for_ever() -> None:
    theses, engine = Theses(), worlds.engine()
    close = 100.0 + np.arange(KEPT + 80.0)
    for day in range(60, 60 + KEPT + 5):
        ctx = worlds.context_at(close, day)
        decision = engine.decide(ctx, signals(ctx, 0.7, 1.0))
        theses.decided(decision)
    assert len(theses.state()["decided"]["X"]) == KEPT


@pytest.mark.parametrize("cut", [30, 75, 210, 263])
def test_an_engine_restored_anywhere_makes_identical_decisions(cut: int) -> None:
    rounds = 300
    up, returns = worlds.rises(rounds, 8)
    agents = {f"a{i}": worlds.skilled(s) for i, s in enumerate((0.75, 0.55, 0.5))}
    votes = worlds.votes_of(agents, up, 8)
    straight = worlds.play_engine(worlds.engine(conformal_gamma=0.05), votes, returns)

    engine = worlds.engine(conformal_gamma=0.05)
    worlds.play_engine(engine, votes[:cut], returns[:cut])
    state = json.loads(json.dumps(engine.state()))
    resumed = worlds.engine(conformal_gamma=0.05)
    resumed.restore(state)
    assert json.loads(json.dumps(resumed.state())) == state
    history = worlds.rises(60, 99)[1]
    close = 100.0 * np.cumprod(np.concatenate([[1.0], 1.0 + history, 1.0 + returns]))
    for number in range(cut, rounds):
        ctx = worlds.context_at(close, 60 + number)
        resumed.observe("X", ctx.asof, float(close[60 + number]))
        decision = resumed.decide(ctx, worlds.signals_of(votes[number], ctx.snapshot_hash))
        assert decision == straight.decisions[number], f"decision {number} differs"
    assert straight.decisions[-1].fuser != straight.decisions[0].fuser, "the live fuser must change, or this is weak"
