"""Step 6, explain: the decision in words, from the very numbers it was made of.

The lines: the outcome with its probability, what held it back, each agent with its share (weightiest first), guards
and rules, and for the way out of a position the thesis it was opened with. Pure.
"""

from __future__ import annotations

from deepalpha.decision.calibrate import Calibration, Chance
from deepalpha.decision.fuse import Fusion
from deepalpha.decision.gate import Judgement
from deepalpha.decision.memory import Record
from deepalpha.decision.normalise import Ballot
from deepalpha.decision.rules import Ruling, why
from deepalpha.decision.thesis import Thesis
from deepalpha.types import Action, AgentRole, Fact, SignalStatus


class Story(Fact, frozen=True):
    """All that is told. `chance` is that of the side the score leans to."""

    action: Action
    lean: Action
    ballot: Ballot
    fusion: Fusion
    fuser: str
    calibration: Calibration
    chance: Chance
    judgement: Judgement
    ruling: Ruling
    record: Record
    threshold: float
    cost: float
    thesis: Thesis | None
    closing: bool
    price: float


def explain(story: Story) -> tuple[str, ...]:
    """The reasons of a decision, the outcome first."""
    lines = [_head(story)]
    if not story.calibration.calibrated:
        lines.append(
            f"{story.calibration.words(story.chance)}: the entry threshold decides until 50 outcomes are known"
        )
    if story.record.words:
        lines.append(story.record.words)
    lines += _agents(story)
    lines += story.ruling.notes
    if 0.0 < story.ruling.size_cap < 1.0:
        lines.append(f"size is cut to {100.0 * story.ruling.size_cap:.0f} %")
    if story.closing and story.thesis is not None:
        lines += story.thesis.lines(story.ballot.signals, story.price)
    return tuple(lines)


def _head(story: Story) -> str:
    p_up = 100.0 * story.fusion.p_up
    if story.calibration.calibrated:
        head = f"{story.action}: p(up) {p_up:.1f} %"
        if story.lean is not Action.HOLD:
            head += (
                f", a {story.lean} pays with {100.0 * story.chance.p:.1f} % ({story.calibration.words(story.chance)})"
            )
        value = story.judgement.expected_value
        if value is not None:
            costs = "" if story.closing else f" after costs of {100.0 * story.cost:.2f} %"
            head += f", expected value {100.0 * value:+.2f} %{costs}"
    else:
        buy, sell = 100.0 * story.threshold, 100.0 * (1.0 - story.threshold)
        head = f"{story.action}: p(up) {p_up:.1f} %, buy from {buy:g} %, sell from {sell:g} %"
    if story.ruling.blocked_by:
        return f"{head}; blocked: {story.ruling.blocked_by}"
    if story.judgement.abstained_by:
        return f"{head}; abstained: {story.judgement.abstained_by}"
    return head


def _agents(story: Story) -> list[str]:
    shares = story.fusion.contributions
    lines = []
    for signal in sorted(story.ballot.signals, key=lambda s: (-abs(shares.get(s.agent, 0.0)), s.agent)):
        share = shares.get(signal.agent)
        if share is not None:
            lines.append(f"{signal.agent} says {signal.vote} ({share:+.3f}): {why(signal)}")
        elif signal.role is AgentRole.GUARD and signal.status is SignalStatus.OK:
            lines.append(f"{signal.agent} caps the size at {100.0 * signal.size_cap:.0f} %: {why(signal)}")
        else:
            lines.append(f"{signal.agent} gave no opinion ({signal.status}): {why(signal)}")
    return lines
