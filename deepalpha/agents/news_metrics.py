"""How good are probabilities of down, neutral and up: accuracy, macro-F1, calibration, and folds that do not leak."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from deepalpha.agents.news_text import overlap, shingles

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEAR_DUPLICATE = 0.5
"""Share of common words from which two headlines stay in one fold."""
_BINS = 10


class Scores(msgspec.Struct, frozen=True):
    """One method on one set.

    Attributes:
        accuracy, macro_f1: of the likeliest class.
        ece: expected calibration error in ten bins of equal mass, of the likeliest class's probability; None for a
            method without probabilities.
        confident_half: accuracy on the half it is surest of; None where it is equally sure of all.
        n: headlines.
    """

    accuracy: float
    macro_f1: float
    ece: float | None
    confident_half: float | None
    n: int


def measure(
    probabilities: NDArray[np.float64], truth: NDArray[np.int64], *, confidence: NDArray[np.float64] | None = None
) -> Scores:
    """Score probabilities of shape (n, classes).

    Args:
        probabilities: rows that sum to 1; one-hot for a method that only names a class.
        truth: class of each row.
        confidence: what to rank by if the probabilities are one-hot; their calibration is then not measured.
    """
    said = probabilities.argmax(axis=1)
    right = said == truth
    sure = probabilities.max(axis=1) if confidence is None else confidence
    order = np.argsort(-sure, kind="stable")
    half = order[: max(1, len(order) // 2)]
    f1 = [_f1(said == one, truth == one) for one in range(probabilities.shape[1])]
    return Scores(
        accuracy=float(right.mean()),
        macro_f1=float(np.mean(f1)),
        ece=_calibration_error(sure, right) if confidence is None else None,
        confident_half=float(right[half].mean()) if float(np.ptp(sure)) > 0 else None,
        n=len(truth),
    )


def fold_of(headlines: Sequence[str], folds: int = 5) -> NDArray[np.int64]:
    """A fold for each headline, near-duplicates in the same one; depends on the words only, not on their order.

    Quadratic in the number of headlines.
    """
    words = [shingles(text) for text in headlines]
    group = list(range(len(words)))

    def root(place: int) -> int:
        while group[place] != place:
            place = group[place]
        return place

    for place, some in enumerate(words):
        for other in range(place):
            if overlap(some, words[other]) >= NEAR_DUPLICATE:
                group[root(place)] = root(other)
    members: dict[int, list[int]] = {}
    for place in range(len(words)):
        members.setdefault(root(place), []).append(place)
    named = sorted(members.values(), key=lambda places: min(_digest(words[place]) for place in places))
    found = np.zeros(len(words), dtype=np.int64)
    sizes = [0] * folds
    for places in named:
        smallest = sizes.index(min(sizes))
        found[places] = smallest
        sizes[smallest] += len(places)
    return found


def _digest(words: frozenset[str]) -> str:
    return hashlib.sha256(" ".join(sorted(words)).encode()).hexdigest()


def _f1(said: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    hits = int((said & true).sum())
    both = int(said.sum()) + int(true.sum())
    return 2 * hits / both if both else 0.0


def _calibration_error(sure: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    order = np.argsort(sure, kind="stable")
    parts = [part for part in np.array_split(order, _BINS) if len(part)]
    return float(sum(len(part) * abs(sure[part].mean() - right[part].mean()) for part in parts) / len(order))
