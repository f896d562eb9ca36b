"""News agent: VADER with a finance lexicon over the headlines of the last days, newer ones weighing more.

A headline is untrusted text. Nothing of it leaves this agent but numbers and the headline's id: reasons count stories,
they never quote them. Repeats of one story count once, shouting (capitals, exclamation marks) counts for nothing, and
|logit(p_up)| is capped, so that a captured feed moves a decision by a bounded amount.

Lexicons are weak judges of market news (on hand-labelled sentences VADER alone is below "always neutral"), hence the
small cap and the small share that the decision engine gives to news.
"""

from __future__ import annotations

import functools
import math
import re
import unicodedata
from collections.abc import Iterable

import msgspec
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from deepalpha.agents.base import BaseAgent
from deepalpha.agents.finance_lexicon import finance_valences
from deepalpha.agents.numeric import P_UP_DECIMALS, clamp
from deepalpha.types import DAY, Context, Evidence, Headline, Signal


class NewsParams(msgspec.Struct, frozen=True):
    """Thresholds of the news agent."""

    max_age_days: float = 10.0
    """Headlines published earlier than this before `asof` have no say; the setting `news_days` may narrow it."""
    half_life_days: float = 2.5
    """Age at which a headline weighs half."""
    max_stories: int = 24
    """Newest stories that are read; bounds the work."""
    max_repeats: int = 96
    """Newest headlines that are looked through for stories; bounds the work against a flood."""
    max_chars: int = 300
    """Characters of a title that are read."""
    same_story: float = 0.6
    """Share of common words (Jaccard) from which two titles are one story."""
    neutral: float = 0.1
    """|tone| below which a story is called neutral."""
    shrink: float = 1.0
    """Stories' worth of neutral news added to the mean, so that one story alone stays half believed."""
    gain: float = 1.2
    """logit(p_up) for a mean tone of 1, before the cap."""
    max_logit: float = 0.6
    """Cap of |logit(p_up)|: p_up in 0.354..0.646."""


class _Story(msgspec.Struct, frozen=True):
    """One story: its first headline, tone in -1..1 and weight in 0..1 by age."""

    headline: Headline
    tone: float
    weight: float


class NewsAgent(BaseAgent):
    """Votes the decayed mean tone of the stories about the symbol; abstains when there are none or none has a tone."""

    name = "news"
    params = NewsParams()

    def __init__(self) -> None:
        _analyzer()  # reads VADER's word list once, here and not in the first vote

    async def analyze(self, ctx: Context) -> Signal:
        """Read the headlines about `ctx.symbol` known and published in the last `max_age_days` before `ctx.asof`."""
        p = self.params
        recent = [item for item in ctx.news if self._counts(item, ctx)]
        if not recent:
            return Signal.abstain(f"no news about {ctx.symbol} in the last {p.max_age_days:g} days")
        stories = [
            _Story(item, tone_of(item.title[: p.max_chars]), 0.5 ** (_age_days(item, ctx.asof) / p.half_life_days))
            for item in self._stories(recent)
        ]
        evidence = tuple(Evidence(id=f"news:{story.headline.id}", value=round(story.tone, 4)) for story in stories)
        if all(abs(story.tone) < p.neutral for story in stories):
            return Signal.abstain(f"{_count(stories)} in {p.max_age_days:g} days, none with a tone", evidence=evidence)
        total = math.fsum(story.weight for story in stories)
        mean = math.fsum(story.weight * story.tone for story in stories) / (total + p.shrink)
        logit = clamp(p.gain * mean, -p.max_logit, p.max_logit)
        return Signal(
            p_up=round(1 / (1 + math.exp(-logit)), P_UP_DECIMALS),
            reasons=(self._words(stories, mean),),
            evidence=evidence,
        )

    def _counts(self, item: Headline, ctx: Context) -> bool:
        """Known by now, recent, and about this symbol (``BTC`` is about ``BTC/USDT``) or about no one symbol."""
        about = {ctx.symbol, ctx.symbol.split("/")[0]}
        known = item.ts_known <= ctx.asof and item.ts_published <= ctx.asof
        recent = ctx.asof - item.ts_published <= self.params.max_age_days * DAY
        return known and recent and (not item.symbols or not about.isdisjoint(item.symbols))

    def _stories(self, items: Iterable[Headline]) -> list[Headline]:
        """The first headline of each story, oldest first. A repeat neither counts again nor makes a story younger."""
        p = self.params
        ordered = sorted(items, key=lambda item: (item.ts_published, item.id))[-p.max_repeats :]
        kept: list[tuple[Headline, frozenset[str]]] = []
        for item in ordered:
            words = _words_of(plain(item.title[: p.max_chars]))
            if not any(_overlap(words, other) >= p.same_story for _, other in kept):
                kept.append((item, words))
        return [item for item, _ in kept[-p.max_stories :]]

    def _words(self, stories: list[_Story], mean: float) -> str:
        limit = self.params.neutral
        up = sum(story.tone >= limit for story in stories)
        down = sum(story.tone <= -limit for story in stories)
        tally = f"{up} positive, {len(stories) - up - down} neutral, {down} negative"
        return f"{_count(stories)} in {self.params.max_age_days:g} days: {tally}, weighted tone {mean:+.2f}"


def _count(stories: list[_Story]) -> str:
    return "1 story" if len(stories) == 1 else f"{len(stories)} stories"


def plain(text: str) -> str:
    """Untrusted text as plain lower-case words: NFKC, no invisible characters, punctuation only inside words.

    Example:
        >>> plain("Apple\\u200b BEATS!!! (again)")
        'apple beats again'
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    # Format characters (zero width, direction marks) hide inside words; control characters stand between words.
    visible = "".join(char for char in folded if unicodedata.category(char) not in ("Cf", "Co", "Cs"))
    return " ".join(re.findall(r"[^\W_]+(?:[-'’][^\W_]+)*", visible)).replace("’", "'")


def tone_of(title: str) -> float:
    """Tone of a headline in -1..1 (VADER's compound over the finance lexicon); 0 for text without known words."""
    return _tone(plain(title))


@functools.lru_cache(maxsize=4096)
def _tone(words: str) -> float:
    # A cache of a pure function: it changes the time, never the answer.
    return float(_analyzer().polarity_scores(words)["compound"])


@functools.cache
def _analyzer() -> SentimentIntensityAnalyzer:
    analyzer = SentimentIntensityAnalyzer()
    analyzer.lexicon.update(finance_valences())
    return analyzer


def _age_days(item: Headline, asof: int) -> float:
    return max(0, asof - item.ts_published) / DAY


def _words_of(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _overlap(a: frozenset[str], b: frozenset[str]) -> float:
    """Jaccard similarity; two titles without any word are alike."""
    union = len(a | b)
    return len(a & b) / union if union else 1.0
