"""One story once: syndicated copies of a headline become one story, whoever repeats it and however often.

Two passes, both over headlines in the order of (published, id): first by common words, which is cheap and takes a
flood; then, where MiniLM is there, by the angle between the vectors of what is left. Titles that say opposite things
are never one story: "beats" and "misses" differ in one word, and a forged copy must not swallow the true one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from deepalpha.agents.news_baselines import tone_of
from deepalpha.agents.news_text import overlap, shingles
from deepalpha.agents.news_weights import TRUST, Tier, tier_of
from deepalpha.types import Headline

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAME_WORDS = 0.6
"""Share of common words (Jaccard) from which two titles are one story."""
SAME_VECTOR = 0.9
"""Cosine from which two titles are one story."""
OPPOSED = 0.6
"""Difference of two tones of opposite sign from which two titles contradict each other."""


class Copies(msgspec.Struct, frozen=True):
    """A story: the headline that stands for it and how many others tell it too."""

    headline: Headline
    tier: Tier
    repeats: int


def by_words(headlines: Sequence[Headline], tiers: Sequence[Tier] | None = None) -> list[Copies]:
    """Stories by common words, oldest first.

    The earliest copy of the most trusted tier stands for a story, so that neither a repeat makes it younger nor an
    unknown site speaks for an agency.

    Args:
        headlines: in any order.
        tiers: of each headline; None means `tier_of`.
    """
    found = tiers or [tier_of(item.source, item.url) for item in headlines]
    ordered = sorted(zip(headlines, found, strict=True), key=lambda pair: (pair[0].ts_published, pair[0].id))
    kept: list[Copies] = []
    seen: list[tuple[frozenset[str], float]] = []
    for item, tier in ordered:
        words, tone = shingles(item.title), tone_of(item.title)
        place = next(
            (n for n, (w, t) in enumerate(seen) if overlap(words, w) >= SAME_WORDS and not opposed(tone, t)), None
        )
        if place is None:
            kept.append(Copies(item, tier, 0))
            seen.append((words, tone))
        else:
            kept[place] = _joined(kept[place], Copies(item, tier, 0))
    return sorted(kept, key=_order)


def by_meaning(
    stories: Sequence[Copies], vectors: NDArray[np.float64], tones: Sequence[float]
) -> list[tuple[Copies, float, int]]:
    """Join stories whose vectors point the same way.

    Args:
        stories: oldest first.
        vectors: unit rows, shape (stories, width); width 0 joins nothing.
        tones: of each story, in -1..1.

    Returns:
        (story, its tone, the row it was given in), oldest first.
    """
    kept: list[tuple[Copies, float, int]] = []
    same = vectors @ vectors.T if vectors.shape[1] else np.zeros((len(stories), len(stories)))
    for row, (story, tone) in enumerate(zip(stories, tones, strict=True)):
        place = next(
            (n for n, (_, t, other) in enumerate(kept) if same[row, other] >= SAME_VECTOR and not opposed(tone, t)),
            None,
        )
        if place is None:
            kept.append((story, tone, row))
            continue
        first, first_tone, first_row = kept[place]
        joined = _joined(first, story)
        stands = joined.headline is first.headline
        kept[place] = (joined, first_tone if stands else tone, first_row if stands else row)
    return sorted(kept, key=lambda entry: _order(entry[0]))


def opposed(a: float, b: float) -> bool:
    """Whether two tones contradict each other.

    Example:
        >>> opposed(0.7, -0.6), opposed(0.1, -0.1)
        (True, False)
    """
    return a * b < 0 and abs(a - b) >= OPPOSED


def _joined(first: Copies, later: Copies) -> Copies:
    repeats = first.repeats + later.repeats + 1
    if TRUST[later.tier] > TRUST[first.tier]:
        return Copies(later.headline, later.tier, repeats)
    return Copies(first.headline, first.tier, repeats)


def _order(story: Copies) -> tuple[int, str]:
    return story.headline.ts_published, story.headline.id
