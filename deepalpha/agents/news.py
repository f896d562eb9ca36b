"""News agent: the classified stories about the symbol, each once, newer and more trusted ones weighing more.

A headline is untrusted text. Nothing of it leaves this agent but numbers, enumerations and the headline's id (and an id
that could carry a sentence is left out): reasons count stories, they never quote them. Repeats of one story count once,
shouting (capitals, exclamation marks) counts for nothing, one story moves the log-odds by at most `max_story_logit` and
all of them together by at most `max_logit`, so that a captured feed moves a decision by a bounded amount.

Even the trained classifier is wrong on three headlines in ten, hence the small cap and the small share that the
decision engine gives to news. Which classifier is in use is part of the agent's version and of its reasons.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from deepalpha.agents.base import BaseAgent
from deepalpha.agents.news_baselines import tone_of
from deepalpha.agents.news_classifier import Kind, NewsClassifier
from deepalpha.agents.news_entities import relevance
from deepalpha.agents.news_labels import NewsEvent
from deepalpha.agents.news_market import Following, following
from deepalpha.agents.news_models import Active, active
from deepalpha.agents.news_readings import Readings, TitleReading
from deepalpha.agents.news_stories import Copies, by_meaning, by_words
from deepalpha.agents.news_text import plain
from deepalpha.agents.news_weights import COURSES, TRUST, WEIGHT
from deepalpha.agents.numeric import P_UP_DECIMALS, clamp
from deepalpha.config import AgentSettings, Workspace
from deepalpha.market import safe_id
from deepalpha.types import DAY, Context, Evidence, Headline, Signal

__all__ = ["NewsAgent", "NewsParams", "plain", "tone_of"]


class NewsParams(msgspec.Struct, frozen=True):
    """Thresholds of the news agent."""

    max_age_days: float = 10.0
    """Headlines published earlier than this before `asof` have no say; the setting `news_days` may narrow it."""
    max_stories: int = 16
    """Newest stories that are read; bounds the work."""
    max_repeats: int = 96
    """Newest headlines that are looked through for stories; bounds the work against a flood."""
    neutral: float = 0.1
    """|tone| below which a story is called neutral."""
    no_tone: float = 0.6
    """P(neutral) from which a story has no tone, whichever way the rest leans."""
    shrink: float = 1.0
    """Stories' worth of neutral news added to the mean, so that one story alone stays half believed."""
    gain: float = 1.0
    """logit(p_up) for a mean tone of 1, before the caps."""
    max_story_logit: float = 0.4
    """Cap of one story's share of logit(p_up)."""
    max_logit: float = 0.6
    """Cap of |logit(p_up)|: p_up in 0.354..0.646."""


class _Story(NamedTuple):
    """One story with its tone in -1..1 and its weight."""

    headline: Headline
    repeats: int
    tone: float
    event: NewsEvent
    weight: float


class _Left(NamedTuple):
    """How many headlines have no say, and why."""

    unsafe: int
    unrelated: int


class NewsAgent(BaseAgent):
    """Votes the weighted mean tone of the stories about the symbol; abstains when there are none or none has a tone.

    Args:
        classifier: the judge of titles; None means the one of the settings, which an engine gives with `begin`.
    """

    name = "news"
    version = "3"
    params = NewsParams()

    def __init__(self, classifier: NewsClassifier | None = None) -> None:
        self._readings: Readings | None = None
        self._given = classifier is not None
        if classifier is not None:
            self._use(Active(Readings(classifier), f"classifier {classifier.name} as given"))

    def begin(self, workspace: Workspace | None, settings: AgentSettings) -> Iterable[str]:
        """Get the classifier of the setting `news_model`, trained now if this workspace has none."""
        if self._given:
            return ()
        chosen = active(settings.news_model, workspace.models if workspace else None)
        self._use(chosen)
        return (chosen.problem,) if chosen.problem else ()

    def prepare(self, headlines: Sequence[Headline]) -> None:
        """Read titles ahead; with MiniLM one costs some 4 ms."""
        self._judge().of([item.title for item in headlines])

    def _judge(self) -> Readings:
        """The classifier; words alone for an agent that no engine began, so that it reads nothing of this machine."""
        return self._readings or self._use(active(Kind.TFIDF.value))

    def _use(self, chosen: Active) -> Readings:
        self._readings, self.status = chosen.readings, chosen.status
        self.version = f"3-{chosen.readings.classifier.name}"  # another model is another judge
        chosen.readings.of([""])  # loads the word lists now and not in the first vote
        return chosen.readings

    async def analyze(self, ctx: Context) -> Signal:
        """Read the headlines about `ctx.symbol` known and published in the last `max_age_days` before `ctx.asof`."""
        p = self.params
        recent, left = self._recent(ctx)
        if not recent:
            return Signal.abstain(f"no news about {ctx.symbol} in the last {p.max_age_days:g} days")
        stories = self._stories(recent, ctx)
        evidence = tuple(Evidence(id=f"news:{story.headline.id}", value=round(story.tone, 4)) for story in stories)
        if all(abs(story.tone) < p.neutral for story in stories):
            return Signal.abstain(f"{_count(stories)} in {p.max_age_days:g} days, none with a tone", evidence=evidence)
        past = following(ctx.base, [(story.headline.ts_known, story.tone) for story in stories])
        total = math.fsum(story.weight for story in stories) + p.shrink
        shares = [p.gain * past.factor * story.weight * story.tone / total for story in stories]
        logit = clamp(
            math.fsum(clamp(share, -p.max_story_logit, p.max_story_logit) for share in shares),
            -p.max_logit,
            p.max_logit,
        )
        mean = math.fsum(story.weight * story.tone for story in stories) / total
        return Signal(
            p_up=round(1 / (1 + math.exp(-logit)), P_UP_DECIMALS),
            reasons=self._reasons(stories, mean, past, left),
            evidence=evidence,
        )

    def _recent(self, ctx: Context) -> tuple[list[tuple[Headline, float]], _Left]:
        """Headlines known by now, recent and about this symbol, with their relevance."""
        kept: list[tuple[Headline, float]] = []
        unsafe = unrelated = 0
        for item in ctx.news:
            known = item.ts_known <= ctx.asof and item.ts_published <= ctx.asof
            if not known or ctx.asof - item.ts_published > self.params.max_age_days * DAY:
                continue
            concern = relevance(item.title, ctx.symbol, item.symbols)
            if not safe_id(item.id):
                unsafe += 1
            elif concern == 0.0:
                unrelated += 1
            else:
                kept.append((item, concern))
        return kept, _Left(unsafe, unrelated)

    def _stories(self, recent: Sequence[tuple[Headline, float]], ctx: Context) -> list[_Story]:
        """The newest stories, oldest first, each once, with tone and weight."""
        p = self.params
        newest = sorted(recent, key=lambda pair: (pair[0].ts_published, pair[0].id))[-p.max_repeats :]
        concern = {(item.id, item.ts_published): value for item, value in newest}
        stories = by_words([item for item, _ in newest])[-p.max_stories :]
        readings = self._judge().of([story.headline.title for story in stories])
        joined = by_meaning(
            stories,
            np.array([reading.vector for reading in readings], dtype=np.float64).reshape(len(readings), -1),
            [self._tone(reading) for reading in readings],
        )
        return [
            self._weighed(story, readings[row], concern[story.headline.id, story.headline.ts_published], ctx.asof)
            for story, _, row in joined
        ]

    def _tone(self, reading: TitleReading) -> float:
        return 0.0 if reading.neutral >= self.params.no_tone else reading.up - reading.down

    def _weighed(self, story: Copies, reading: TitleReading, concern: float, asof: int) -> _Story:
        course = COURSES[reading.event]
        age_days = max(0, asof - story.headline.ts_published) / DAY
        fading = 0.5 ** (age_days / course.half_life_days)
        weight = TRUST[story.tier] * WEIGHT[course.impact] * concern * fading
        return _Story(story.headline, story.repeats, self._tone(reading), reading.event, weight)

    def _reasons(self, stories: Sequence[_Story], mean: float, past: Following, left: _Left) -> tuple[str, ...]:
        """Counts and enumerations only."""
        limit, days = self.params.neutral, self.params.max_age_days
        up = sum(story.tone >= limit for story in stories)
        down = sum(story.tone <= -limit for story in stories)
        tally = f"{up} positive, {len(stories) - up - down} neutral, {down} negative"
        kinds = Counter(story.event for story in stories if abs(story.tone) >= limit)
        events = ", ".join(f"{count} {event.value}" for event, count in sorted(kinds.items(), key=_by_count))
        repeats = sum(story.repeats for story in stories)
        apart = (
            (repeats, "repeats of a story"),
            (left.unrelated, "about something else"),
            (left.unsafe, "with an unsafe id"),
        )
        ignored = ", ".join(f"{count} {why}" for count, why in apart if count)
        return tuple(
            line
            for line in (
                f"{_count(stories)} in {days:g} days: {tally}, weighted tone {mean:+.2f}",
                f"with a tone: {events}",
                f"past tones agreed with the next bar {past.agreed} of {past.judged} times, x{past.factor:.2f}"
                if past.judged
                else "",
                f"not counted: {ignored}" if ignored else "",
                f"classifier {self._judge().classifier.name}",
            )
            if line
        )


def _by_count(entry: tuple[NewsEvent, int]) -> tuple[int, str]:
    return -entry[1], entry[0].value


def _count(stories: Sequence[_Story]) -> str:
    return "1 story" if len(stories) == 1 else f"{len(stories)} stories"
