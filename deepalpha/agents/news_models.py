"""The classifier that an engine uses: which kind, from which file, and what a person should know about that.

The user's own model goes first. Else the model of the shipped labels is used; it is trained at first use (half a
second, with MiniLM a few) and kept in the workspace under a name that says what it was made from. A kept file that
cannot be used is trained again and replaced, and `Active.problem` says so. A process trains a kind at most once,
whatever the number of workspaces.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import NamedTuple

from deepalpha.agents.news_classifier import (
    AGAIN,
    FORMAT,
    Kind,
    NewsClassifier,
    available_kind,
    encoder_for,
    write_model,
)
from deepalpha.agents.news_encoder import INSTALL, missing_packages
from deepalpha.agents.news_labels import SHIPPED, Label, labels_hash, read_labels
from deepalpha.agents.news_readings import Readings
from deepalpha.errors import ConfigError


class Active(NamedTuple):
    """The classifier in use, and what to say about it."""

    readings: Readings
    status: str
    """In words for a person: which classifier, from where, and why not the better one."""
    problem: str = ""
    """What went wrong on the way and was put right, or could not be kept; empty as a rule."""


def model_path(directory: Path, kind: Kind) -> Path:
    """Where a workspace keeps the user's own model."""
    return directory / f"model-{kind.value}.npz"


def kept_path(directory: Path, kind: Kind) -> Path:
    """Where a workspace keeps the model of the shipped labels; another format, set or encoder has another name.

    Raises:
        ConfigError: MiniLM is not installed.
    """
    sentences = encoder_for(kind)
    made_from = labels_hash(shipped_labels())[:12] + (f"-{sentences.identity[:12]}" if sentences else "")
    return directory / f"shipped-{kind.value}-{FORMAT}-{made_from}.npz"


def kind_of(choice: str) -> Kind:
    """The kind for a value of the setting `agents.news_model`.

    Raises:
        ConfigError: `minilm` without its packages; names them and the way out.
    """
    kind = available_kind() if choice == "auto" else Kind(choice)
    encoder_for(kind)
    return kind


def active(choice: str = "auto", directory: Path | None = None) -> Active:
    """The classifier for a setting.

    Args:
        choice: `auto` (MiniLM if it is installed, else TF-IDF), `minilm` or `tfidf`.
        directory: where models are kept (`Workspace.models`); None keeps nothing.

    Raises:
        ConfigError: `minilm` without its packages, the user's own model cannot be read, or there are no labels.
    """
    kind = kind_of(choice)
    without = ""
    if choice == "auto" and kind is Kind.TFIDF:
        without = f"; not MiniLM, for lack of {', '.join(missing_packages())}: `{INSTALL}`"
    if directory is None:
        found = _opened(_trained(shipped_labels(), kind))
        return Active(found, f"classifier {found.classifier.name} of the shipped labels{without}")
    own = model_path(directory, kind)
    if own.exists():
        found = _own(own)
        return Active(found, f"classifier {found.classifier.name} of this workspace{without}")
    found, problem = _of_shipped_labels(directory, kind)
    return Active(found, f"classifier {found.classifier.name} of the shipped labels{without}", problem)


@functools.cache
def shipped_labels() -> tuple[Label, ...]:
    """The shipped set, read once."""
    return read_labels(SHIPPED)


def _of_shipped_labels(directory: Path, kind: Kind) -> tuple[Readings, str]:
    """The kept model of the shipped labels, or one trained now and kept; and what went wrong."""
    path, problem = kept_path(directory, kind), ""
    if path.exists():
        try:
            kept = _opened(_content(path))
            _check_origin(kept.classifier, kind)
            return kept, ""
        except ConfigError as error:
            problem = (
                f"model {path} could not be used: {error}; it was trained again from the shipped labels and replaced"
            )
    content = _trained(shipped_labels(), kind)
    try:
        write_model(content, path)
    except ConfigError as error:  # the engine works without, only its next start takes longer
        problem = f"{problem}; {error}" if problem else f"{error}; the next start trains it again"
    return _opened(content), problem


def _own(path: Path) -> Readings:
    try:
        return _opened(_content(path))
    except ConfigError as error:
        raise ConfigError(
            f"model {path} cannot be used: {error}; {AGAIN}, or remove it to use the shipped labels"
        ) from error


def _check_origin(found: NewsClassifier, kind: Kind) -> None:
    if found.info.kind is not kind or found.info.labels != labels_hash(shipped_labels()):
        raise ConfigError(f"it is {found.name}, made from something else than its name says")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"it cannot be read ({error.strerror})") from error


@functools.cache
def _trained(labels: tuple[Label, ...], kind: Kind) -> bytes:
    return NewsClassifier.train(labels, kind=kind).to_bytes()


@functools.lru_cache(maxsize=8)
def _opened(content: bytes) -> Readings:
    return Readings(NewsClassifier.from_bytes(content))
