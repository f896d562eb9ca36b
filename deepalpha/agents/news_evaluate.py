"""Measure the classifier and its baselines on labelled headlines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from deepalpha.agents.news_baselines import classes_of, lexicon_tone, tone_of
from deepalpha.agents.news_classifier import Kind, encoder_for, out_of_fold
from deepalpha.agents.news_labels import EVENTS, LEANS, Label, Lean
from deepalpha.agents.news_metrics import Scores, fold_of, measure

if TYPE_CHECKING:
    from numpy.typing import NDArray

BASELINES = ("always neutral", "finance words", "vader + finance words")


def baseline_scores(labels: Sequence[Label]) -> dict[str, Scores]:
    """The judges that learn nothing, on the whole set."""
    texts = [label.headline for label in labels]
    truth = np.array([LEANS.index(label.lean) for label in labels])
    tones = {
        "always neutral": np.zeros(len(texts)),
        "finance words": np.array([lexicon_tone(text) for text in texts]),
        "vader + finance words": np.array([tone_of(text) for text in texts]),
    }
    return {
        name: measure(np.eye(3)[classes_of(list(tone))], truth, confidence=np.abs(tone)) for name, tone in tones.items()
    }


def cross_validate(labels: Sequence[Label], kind: Kind, *, folds: int = 5) -> Scores:
    """Grouped cross-validation: every headline is judged by a model that saw neither it nor a near-duplicate.

    Raises:
        ConfigError: MiniLM was asked for and is not installed.
    """
    texts = [label.headline for label in labels]
    truth = np.array([LEANS.index(label.lean) for label in labels])
    return measure(out_of_fold(labels, _vectors(texts, kind), fold_of(texts, folds)), truth)


def cross_validate_events(labels: Sequence[Label], kind: Kind, *, folds: int = 5) -> float:
    """Accuracy of the likeliest event under the same folds."""
    texts = [label.headline for label in labels]
    found = out_of_fold(labels, _vectors(texts, kind), fold_of(texts, folds), events=True)
    truth = np.array([EVENTS.index(label.event) for label in labels])
    return float((found.argmax(axis=1) == truth).mean())


def agreement(probabilities: NDArray[np.float64], machine: Sequence[str]) -> tuple[float, float]:
    """(share of titles with the same class, Cohen's kappa) against another machine's down / neutral / up."""
    said = probabilities.argmax(axis=1)
    other = np.array([LEANS.index(Lean(name)) for name in machine])
    same = float((said == other).mean())
    chance = sum(float((said == one).mean() * (other == one).mean()) for one in range(len(LEANS)))
    return same, (same - chance) / (1 - chance) if chance < 1 else 0.0


def _vectors(texts: Sequence[str], kind: Kind) -> NDArray[np.float64]:
    sentences = encoder_for(kind)
    return sentences.encode(texts) if sentences else np.zeros((len(texts), 0))
