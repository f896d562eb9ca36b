"""What a classifier says of titles, each title read once: a cache, which changes the time and no vote."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from deepalpha.agents.news_classifier import NewsClassifier
from deepalpha.agents.news_labels import EVENTS, NewsEvent
from deepalpha.agents.news_text import visible

Row = np.ndarray[tuple[int], np.dtype[np.float64]]
REMEMBERED = 4096
"""Titles whose readings are kept; one takes up to 2 kB."""


class TitleReading(NamedTuple):
    """What the classifier says of one title."""

    down: float
    neutral: float
    up: float
    event: NewsEvent
    vector: np.ndarray[tuple[int], np.dtype[np.float32]]
    """MiniLM vector; empty for TF-IDF."""


class Readings:
    """A classifier and the titles it has read; may be shared by the agents of one process, also across threads."""

    def __init__(self, classifier: NewsClassifier) -> None:
        self.classifier = classifier
        self._found: OrderedDict[str, TitleReading] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, titles: Sequence[str]) -> list[TitleReading]:
        """The readings in the order of the titles. Only titles that were not read before cost time."""
        keys = [visible(title) for title in titles]
        with self._lock:
            known = {key: self._found[key] for key in keys if key in self._found}
        new = [key for key in dict.fromkeys(keys) if key not in known]
        if new:
            known |= self._read(new)
            with self._lock:
                self._found.update((key, known[key]) for key in new)
                while len(self._found) > REMEMBERED:
                    self._found.popitem(last=False)
        return [known[key] for key in keys]

    def _read(self, keys: Sequence[str]) -> dict[str, TitleReading]:
        found = self.classifier.read(keys)
        rows = zip(keys, found.leans, found.events, found.vectors, strict=True)
        return {key: _reading(lean, event, vector) for key, lean, event, vector in rows}


def _reading(lean: Row, event: Row, vector: Row) -> TitleReading:
    down, neutral, up = (float(value) for value in lean)
    return TitleReading(down, neutral, up, EVENTS[int(event.argmax())], vector.astype(np.float32))
