"""The headline classifier: what a headline means for a price, as probabilities, and what kind of event it tells of.

Features are the MiniLM vector of the title (`Kind.MINILM`; left out in `Kind.TFIDF`, which needs numpy only), the tones
of two lexicons and TF-IDF of words and word pairs; two multinomial logistic regressions read them. Training is
deterministic: the same labels on the same machine give the same file, byte for byte. A model file is a plain `.npz`
without pickled objects; it names the labels, the word lists and the encoder it was made from, and the latter two must
be those of this process.
"""

from __future__ import annotations

import functools
import hashlib
import io
import os
import tempfile
import zlib
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from zipfile import BadZipFile

import msgspec
import numpy as np

from deepalpha.agents.news_baselines import TONES, tone_words, tones
from deepalpha.agents.news_encoder import INSTALL, WIDTH, Encoder, encoder, missing_packages
from deepalpha.agents.news_labels import EVENTS, LEANS, Label, NewsEvent, labels_hash
from deepalpha.agents.news_logistic import Logistic, TfIdf
from deepalpha.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]

FORMAT = 1
"""Version of features and file; a file of another one is trained again, never guessed at."""
LEAST_TEXTS = 2
"""A term that one headline alone has teaches its author's taste."""
LEAN_C = 3.0
EVENT_C = 5.0
EVENT_TOLERANCE = 1e-3
AGAIN = "train one with `deepalpha news train LABELS.csv`"
_NUMBERS = ("idf", "lean", "lean_intercept", "event", "event_intercept")


class Kind(StrEnum):
    """Which features a model reads."""

    MINILM = "minilm"
    TFIDF = "tfidf"


class ModelInfo(msgspec.Struct, frozen=True):
    """What a model is made from."""

    format: int
    kind: Kind
    labels: str
    """sha256 of the labelled set."""
    n: int
    encoder: str
    """identity of the encoder, empty for TF-IDF."""
    recipe: str
    """`recipe()` of the version that trained it."""
    metrics: dict[str, float]
    """measured by grouped cross-validation when it was trained; empty if not measured."""


class Reading(NamedTuple):
    """What the classifier says of some titles: rows in their order."""

    leans: Matrix
    """P(down), P(neutral), P(up)."""
    events: Matrix
    """P of each of `EVENTS`."""
    vectors: Matrix
    """MiniLM vectors; shape (n, 0) for TF-IDF."""


class NewsClassifier:
    """A trained model; make one with `train` or `load`."""

    def __init__(self, info: ModelInfo, words: TfIdf, lean: Logistic, event: Logistic, sentences: Encoder | None):
        self.info = info
        self._words, self._lean, self._event, self._sentences = words, lean, event, sentences

    @classmethod
    def train(
        cls, labels: Sequence[Label], *, kind: Kind | None = None, metrics: dict[str, float] | None = None
    ) -> NewsClassifier:
        """Learn from labelled headlines.

        Args:
            labels: at least five of each label.
            kind: None means MiniLM when it is installed, else TF-IDF.
            metrics: what `cross_validate` measured, to be kept with the model.

        Raises:
            ConfigError: MiniLM was asked for and is not installed.
        """
        chosen = kind or available_kind()
        sentences = encoder_for(chosen)
        texts = [label.headline for label in labels]
        vectors = sentences.encode(texts) if sentences else np.zeros((len(texts), 0))
        return cls.fit(labels, vectors, kind=chosen, sentences=sentences, metrics=metrics)

    @classmethod
    def fit(
        cls,
        labels: Sequence[Label],
        vectors: Matrix,
        *,
        kind: Kind,
        sentences: Encoder | None,
        metrics: dict[str, float] | None = None,
    ) -> NewsClassifier:
        """`train` with the titles' vectors given, for cross-validation."""
        texts = [label.headline for label in labels]
        words = TfIdf.fit(texts, least=LEAST_TEXTS)
        x = _features(words, texts, vectors)
        leans = np.array([LEANS.index(label.lean) for label in labels])
        events = np.array([EVENTS.index(label.event) for label in labels])
        lean, event = _fit_lean(x, leans), _fit_event(x, events)
        info = ModelInfo(
            format=FORMAT,
            kind=kind,
            labels=labels_hash(labels),
            n=len(labels),
            encoder=sentences.identity if sentences else "",
            recipe=recipe(),
            metrics=metrics or {},
        )
        return cls(info, words, lean, event, sentences)

    @property
    def name(self) -> str:
        """Kind and the first digits of what it was trained on: ``minilm-3fa9c1``."""
        return f"{self.info.kind.value}-{self.info.labels[:6]}"

    def predict(self, texts: Sequence[str]) -> Matrix:
        """P(down), P(neutral), P(up) of each title; shape (texts, 3), rows sum to 1."""
        return self.read(texts).leans

    def events(self, texts: Sequence[str]) -> list[NewsEvent]:
        """The likeliest event of each title."""
        return [EVENTS[place] for place in self.read(texts).events.argmax(axis=1)]

    def read(self, texts: Sequence[str]) -> Reading:
        """Everything in one pass. A title's row does not depend on the other titles."""
        vectors = self._sentences.encode(texts) if self._sentences else np.zeros((len(texts), 0))
        return self.read_vectors(texts, vectors)

    def read_vectors(self, texts: Sequence[str], vectors: Matrix) -> Reading:
        """`read` with the titles' vectors given."""
        x = _features(self._words, texts, vectors)
        # Row by row: a product of one row and one of many rows may differ in the last bit.
        rows = [(self._lean.predict(row[None])[0], self._event.predict(row[None])[0]) for row in x]
        leans = np.array([lean for lean, _ in rows]).reshape(len(texts), len(LEANS))
        events = np.array([event for _, event in rows]).reshape(len(texts), len(EVENTS))
        return Reading(leans, events, vectors)

    def to_bytes(self) -> bytes:
        """The model file."""
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            info=np.frombuffer(msgspec.json.encode(self.info), dtype=np.uint8),
            terms=np.frombuffer("\n".join(self._words.terms).encode(), dtype=np.uint8),
            idf=self._words.idf.astype(np.float32),
            lean=self._lean.weights.astype(np.float32),
            lean_intercept=self._lean.intercept.astype(np.float32),
            event=self._event.weights.astype(np.float32),
            event_intercept=self._event.intercept.astype(np.float32),
        )
        return buffer.getvalue()

    def save(self, path: str | Path) -> str:
        """Write the model file, whole or not at all; returns its sha256.

        Raises:
            ConfigError: it cannot be written.
        """
        content = self.to_bytes()
        try:
            write_model(content, Path(path))
        except ConfigError as error:
            raise ConfigError(f"{error}; choose another place with --output") from error
        return hashlib.sha256(content).hexdigest()

    @classmethod
    def load(cls, path: str | Path) -> NewsClassifier:
        """Read a model file.

        Raises:
            ConfigError: as `from_bytes`, or it is missing.
        """
        try:
            return cls.from_bytes(Path(path).read_bytes())
        except OSError as error:
            raise ConfigError(f"model {path} cannot be read ({error.strerror}); {AGAIN}") from error
        except ConfigError as error:
            raise ConfigError(f"model {path} cannot be used: {error}; {AGAIN}") from error

    @classmethod
    def from_bytes(cls, content: bytes) -> NewsClassifier:
        """Read a model file's content.

        Raises:
            ConfigError: it is damaged, of another format, made with other word lists, or needs an encoder that is not
                the installed one.
        """
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as file:
                arrays = {key: file[key] for key in file.files}
            info = msgspec.json.decode(arrays["info"].tobytes(), type=ModelInfo)
            terms = arrays["terms"].tobytes().decode().split("\n")
            numbers = {key: arrays[key].astype(np.float64) for key in _NUMBERS}
        except (ValueError, KeyError, EOFError, OSError, BadZipFile, zlib.error, msgspec.MsgspecError) as error:
            raise ConfigError(f"it cannot be read ({error})") from error
        if info.format != FORMAT:
            raise ConfigError(f"it has format {info.format}, this version reads {FORMAT}")
        if info.recipe != recipe():
            raise ConfigError("it was made with other word lists")
        sentences = encoder_for(info.kind)
        if info.encoder != (sentences.identity if sentences else ""):
            raise ConfigError("it was trained with another sentence encoder")
        wide = (WIDTH if sentences else 0) + TONES + len(terms)
        shapes = ((len(terms),), (wide, len(LEANS)), (len(LEANS),), (wide, len(EVENTS)), (len(EVENTS),))
        for (key, found), shape in zip(numbers.items(), shapes, strict=True):
            if found.shape != shape or not np.isfinite(found).all():
                raise ConfigError(f"it is damaged: {key} is not {shape} finite numbers")
        words = TfIdf(terms, numbers["idf"])
        lean = Logistic(numbers["lean"], numbers["lean_intercept"])
        return cls(info, words, lean, Logistic(numbers["event"], numbers["event_intercept"]), sentences)


def write_model(content: bytes, path: Path) -> None:
    """Write a model file, whole or not at all; processes that do the same at once do not disturb each other.

    Raises:
        ConfigError: it cannot be written.
    """
    part: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        part = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        part.chmod(0o644)
        part.replace(path)
    except OSError as error:
        if part is not None:
            part.unlink(missing_ok=True)
        raise ConfigError(f"model {path} cannot be written ({error.strerror})") from error


@functools.cache
def recipe() -> str:
    """sha256 of what features are made from beside the labels: both lexicons and the strength of the penalties."""
    words = tone_words()
    return hashlib.sha256(msgspec.json.encode([sorted(words.items()), LEAST_TEXTS, LEAN_C, EVENT_C])).hexdigest()


def out_of_fold(labels: Sequence[Label], vectors: Matrix, folds: NDArray[np.int64], *, events: bool = False) -> Matrix:
    """Probabilities of each headline's label (or event) by a model that saw none of its fold; rows as `labels`."""
    texts = [label.headline for label in labels]
    values: Sequence[str] = EVENTS if events else LEANS
    truth = np.array([values.index(label.event if events else label.lean) for label in labels])
    found = np.zeros((len(texts), len(values)))
    for fold in np.unique(folds):
        seen, held = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        some, others = [texts[place] for place in seen], [texts[place] for place in held]
        words = TfIdf.fit(some, least=LEAST_TEXTS)
        x = _features(words, some, vectors[seen])
        model = _fit_event(x, truth[seen]) if events else _fit_lean(x, truth[seen])
        found[held] = model.predict(_features(words, others, vectors[held]))
    return found


def available_kind() -> Kind:
    """MiniLM when its packages are installed, else TF-IDF."""
    return Kind.TFIDF if missing_packages() else Kind.MINILM


def _features(words: TfIdf, texts: Sequence[str], vectors: Matrix) -> Matrix:
    return np.hstack([vectors, tones(texts), words.transform(texts)])


def _fit_lean(x: Matrix, classes: NDArray[np.int64]) -> Logistic:
    return _stored(Logistic.fit(x, classes, len(LEANS), c=LEAN_C, tolerance=1e-5))


def _fit_event(x: Matrix, classes: NDArray[np.int64]) -> Logistic:
    return _stored(Logistic.fit(x, classes, len(EVENTS), c=EVENT_C, tolerance=EVENT_TOLERANCE))


def encoder_for(kind: Kind) -> Encoder | None:
    """The encoder that a kind needs; None for TF-IDF.

    Raises:
        ConfigError: MiniLM is not installed; names what is missing and the way out.
    """
    if kind is Kind.TFIDF:
        return None
    found = encoder()
    if found is None:
        raise ConfigError(
            f"the MiniLM news classifier needs {', '.join(missing_packages())}: `{INSTALL}`, "
            "or set agents.news_model to tfidf"
        )
    return found


def _stored(model: Logistic) -> Logistic:
    """The weights as a file keeps them, so that a model just trained and one loaded say the same."""
    return Logistic(*(part.astype(np.float32).astype(np.float64) for part in (model.weights, model.intercept)))
