"""Multinomial logistic regression and TF-IDF in numpy, the same bits on every run.

The products go through `einsum` and `reduceat`, which are one thread in a fixed order; a threaded matrix product is no
faster on a few hundred headlines, much slower on a busy machine, and may round otherwise with another thread count. A
headline has a dozen of some thousand terms, so the search multiplies only what is not zero.

The objective is that of the field's usual library: ``C * sum of log losses + |W|^2 / 2`` with a free intercept; a test
compares the two. It is strictly convex, so the answer does not depend on where the search begins.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from deepalpha.agents.news_text import features_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]

MEMORY = 12  # pairs the quasi-Newton search remembers
_ARMIJO = 1e-4
_FULL = 0.25  # share of filled rows from which a column is multiplied whole


class Logistic:
    """Weights of shape (features, classes) and an intercept of shape (classes,)."""

    def __init__(self, weights: Matrix, intercept: Matrix) -> None:
        self.weights, self.intercept = weights, intercept

    @classmethod
    def fit(cls, x: Matrix, classes: NDArray[np.int64], count: int, *, c: float, tolerance: float = 1e-6) -> Logistic:
        """Minimise the objective by L-BFGS.

        Args:
            x: features, shape (n, features).
            classes: class of each row, in 0..count - 1.
            count: number of classes.
            c: inverse strength of the penalty.
            tolerance: on the largest component of the gradient of the mean loss.
        """
        n, width = x.shape
        design = _Design(x)
        target = np.zeros((n, count))
        target[np.arange(n), classes] = 1.0
        penalty = 1.0 / (c * n)

        def value(theta: Matrix) -> tuple[float, Matrix]:
            weights, intercept = theta[:-count].reshape(width, count), theta[-count:]
            logits = design.times(weights) + intercept
            top = logits.max(axis=1)
            raised = np.exp(logits - top[:, None])
            total = raised.sum(axis=1)
            loss = float((np.log(total) + top).sum() - (logits * target).sum()) / n
            slope = (raised / total[:, None] - target) / n
            gradient = design.across(slope) + penalty * weights
            theirs = np.concatenate([gradient.ravel(), slope.sum(axis=0)])
            return loss + 0.5 * penalty * float((weights * weights).sum()), theirs

        theta = _minimise(value, np.zeros((width + 1) * count), tolerance)
        return cls(theta[:-count].reshape(width, count).copy(), theta[-count:].copy())

    def predict(self, x: Matrix) -> Matrix:
        """Probabilities of shape (n, classes)."""
        logits = np.einsum("nd,dk->nk", x, self.weights) + self.intercept
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True))


class _Design:
    """The features as the search multiplies them: columns that most rows fill, and the filled places of the others."""

    def __init__(self, x: Matrix) -> None:
        self._shape = x.shape
        filled = x != 0.0
        full = filled.mean(axis=0) > _FULL
        self._full = np.flatnonzero(full)
        self._by_row = np.ascontiguousarray(x[:, full])
        self._by_column = np.ascontiguousarray(self._by_row.T)
        filled[:, full] = False
        self._row = _Runs.of(filled, x)
        self._column = _Runs.of(filled.T, x.T)

    def times(self, weights: Matrix) -> Matrix:
        """The product with weights of shape (features, classes)."""
        found: Matrix = np.einsum("nd,kd->nk", self._by_row, np.ascontiguousarray(weights[self._full].T))
        self._row.add(found, weights)
        return found

    def across(self, slope: Matrix) -> Matrix:
        """The product of the transposed features with a slope of shape (rows, classes)."""
        found = np.zeros((self._shape[1], slope.shape[1]))
        found[self._full] = np.einsum("dn,kn->dk", self._by_column, np.ascontiguousarray(slope.T))
        self._column.add(found, slope)
        return found


class _Runs(NamedTuple):
    """Filled places in runs of one output row: `outputs[i]` gets the places from `starts[i]` to the next start."""

    outputs: NDArray[np.int64]
    starts: NDArray[np.int64]
    inputs: NDArray[np.int64]
    values: Matrix

    @classmethod
    def of(cls, filled: NDArray[np.bool_], x: Matrix) -> _Runs:
        """The places of `x` that are filled, row by row."""
        outputs, inputs = np.nonzero(filled)
        rows, starts = np.unique(outputs, return_index=True)
        return cls(rows, starts, inputs, x[outputs, inputs][:, None])

    def add(self, found: Matrix, other: Matrix) -> None:
        """Add to `found` the product of the places with the rows of `other`."""
        if len(self.starts):
            products = other[self.inputs]
            products *= self.values
            found[self.outputs] += np.add.reduceat(products, self.starts, axis=0)


def _minimise(
    value: Callable[[Matrix], tuple[float, Matrix]], theta: Matrix, tolerance: float, steps: int = 500
) -> Matrix:
    """L-BFGS with back-tracking; ends at `tolerance`, after `steps`, or where no step goes down."""
    loss, gradient = value(theta)
    pairs: deque[tuple[Matrix, Matrix, float]] = deque(maxlen=MEMORY)
    for _ in range(steps):
        if float(np.abs(gradient).max()) <= tolerance:
            break
        direction = _direction(gradient, pairs)
        slope = _dot(direction, gradient)
        step = 1.0 if pairs else 1.0 / max(1.0, float(np.abs(gradient).sum()))
        while True:
            moved = theta + step * direction
            new_loss, new_gradient = value(moved)
            if new_loss <= loss + _ARMIJO * step * slope or step < 1e-10:
                break
            step *= 0.5
        change, turn = moved - theta, new_gradient - gradient
        curvature = _dot(change, turn)
        if curvature > 1e-12:
            pairs.append((change, turn, 1.0 / curvature))
        if new_loss >= loss and step < 1e-10:
            break
        theta, loss, gradient = moved, new_loss, new_gradient
    return theta


def _dot(a: Matrix, b: Matrix) -> float:
    return float(np.einsum("i,i->", a, b))


def _direction(gradient: Matrix, pairs: deque[tuple[Matrix, Matrix, float]]) -> Matrix:
    """The two-loop recursion (Nocedal 1980)."""
    q = gradient.copy()
    shares = []
    for change, turn, rho in reversed(pairs):
        share = rho * _dot(change, q)
        shares.append(share)
        q -= share * turn
    if pairs:
        change, turn, _ = pairs[-1]
        q *= _dot(change, turn) / _dot(turn, turn)
    for (change, turn, rho), share in zip(pairs, reversed(shares), strict=True):
        q += (share - rho * _dot(turn, q)) * change
    return -q


class TfIdf:
    """Words and pairs of words, weighted by ``(1 + ln tf) * (ln((1 + n) / (1 + df)) + 1)``, rows of length 1.

    Attributes:
        terms: term -> column.
        idf: shape (terms,).
    """

    def __init__(self, terms: Sequence[str], idf: Matrix) -> None:
        self.terms = {term: place for place, term in enumerate(terms)}
        self.idf = idf.astype(np.float32).astype(np.float64)  # as a model file keeps it

    @classmethod
    def fit(cls, texts: Sequence[str], *, least: int = 1) -> TfIdf:
        """Learn the terms that at least `least` texts have, in alphabetical order."""
        documents: Counter[str] = Counter()
        for text in texts:
            documents.update(set(terms_of(text)))
        kept = sorted(term for term, count in documents.items() if count >= least)
        idf = [math.log((1 + len(texts)) / (1 + documents[term])) + 1 for term in kept]
        return cls(kept, np.array(idf))

    def transform(self, texts: Sequence[str]) -> Matrix:
        """Rows of shape (texts, terms); a text without any known term is a row of zeros."""
        rows = np.zeros((len(texts), len(self.terms)))
        for row, text in zip(rows, texts, strict=True):
            known = [(self.terms[term], n) for term, n in Counter(terms_of(text)).items() if term in self.terms]
            if known:
                places, counts = zip(*known, strict=True)
                weights = (1 + np.log(counts)) * self.idf[list(places)]
                row[list(places)] = weights / math.sqrt(math.fsum(weights * weights))
        return rows


def terms_of(text: str) -> list[str]:
    """Words, then pairs of neighbours, as a bag with repeats.

    Example:
        >>> terms_of("Profit falls again")
        ['profit', 'falls', 'again', 'profit falls', 'falls again']
    """
    words = features_of(text)
    return words + [f"{a} {b}" for a, b in itertools.pairwise(words)]
