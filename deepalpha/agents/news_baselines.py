"""Judges of a headline that learn nothing: VADER with the finance words, the finance words alone, always neutral.

They stand beside the classifier in `deepalpha news check`, and their tones are features of it: a few hundred labels
cannot teach all the words a lexicon knows.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from deepalpha.agents.finance_lexicon import finance_valences
from deepalpha.agents.news_text import plain

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEUTRAL = 0.1
"""|tone| below which a baseline says neutral."""
TONES = 4
_FULL = 3.0  # a valence of "beats" or "plunges" is about a full opinion


def tone_of(title: str) -> float:
    """Tone of a headline in -1..1 (VADER's compound over the finance lexicon); 0 for text without known words."""
    return _tone(plain(title))


def lexicon_tone(title: str) -> float:
    """Tone in -1..1 of the finance words alone, without grammar."""
    good, bad = _valence(title)
    return math.tanh((good - bad) / _FULL)


def tones(titles: Sequence[str]) -> NDArray[np.float64]:
    """VADER's tone and the finance words' good, bad and balance, each in -1..1; shape (titles, 4)."""
    rows = np.zeros((len(titles), TONES))
    for row, title in zip(rows, titles, strict=True):
        good, bad = _valence(title)
        row[:] = tone_of(title), *np.tanh(np.array([good, bad, good - bad]) / _FULL)
    return rows


def classes_of(found: Sequence[float]) -> NDArray[np.int64]:
    """0 down, 1 neutral, 2 up for each tone."""
    tone = np.asarray(found, dtype=np.float64)
    return np.where(tone > NEUTRAL, 2, np.where(tone < -NEUTRAL, 0, 1)).astype(np.int64)


def tone_words() -> dict[str, float]:
    """Valence of every word that `tone_of` and `lexicon_tone` know."""
    return dict(_analyzer().lexicon)


@functools.lru_cache(maxsize=4096)
def _tone(words: str) -> float:
    # A cache of a pure function: it changes the time, never the answer.
    return float(_analyzer().polarity_scores(words)["compound"])


@functools.cache
def _analyzer() -> SentimentIntensityAnalyzer:
    analyzer = SentimentIntensityAnalyzer()
    analyzer.lexicon.update(finance_valences())
    return analyzer


@functools.cache
def _words() -> dict[str, float]:
    return dict(finance_valences())


def _valence(title: str) -> tuple[float, float]:
    """(sum of the good words' valences, sum of the bad ones', both as positive numbers)."""
    found = [_words().get(word, 0.0) for word in plain(title).split()]
    return math.fsum(v for v in found if v > 0), -math.fsum(v for v in found if v < 0)
