"""The last evaluation of a workspace, kept as JSON for the app's page and the notebook."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import msgspec

from deepalpha.config import Workspace
from deepalpha.errors import StoreError
from deepalpha.report.facts import FORMAT, Evaluation

FILE = "evaluation.json"


class _Head(msgspec.Struct):
    format: int = 0


def keep_evaluation(workspace: Workspace, evaluation: Evaluation) -> Path:
    """Write `<workspace>/reports/evaluation.json`; a reader sees the old one or the new one, whole.

    Raises:
        StoreError: the folder cannot be written.
    """
    path = workspace.reports / FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".writing-") as scratch:
            fresh = Path(scratch) / FILE
            with fresh.open("wb") as file:
                file.write(msgspec.json.encode(evaluation))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written ({error.strerror or error}); free it or make it writable, or choose another "
            "workspace with --workspace DIR"
        ) from error
    return path


def load_evaluation(workspace: Workspace) -> Evaluation | None:
    """The kept evaluation, None when none was ever made.

    Raises:
        StoreError: it cannot be read, or another version wrote it; `deepalpha evaluate` writes it anew.
    """
    path = workspace.reports / FILE
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"{path} cannot be read ({error.strerror or error}); make it readable") from error
    way_out = "run `deepalpha evaluate` again"
    try:
        head = msgspec.json.decode(text, type=_Head)
        if head.format != FORMAT:
            raise StoreError(f"{path} has format {head.format}, this version reads {FORMAT}; {way_out}")
        return msgspec.json.decode(text, type=Evaluation)
    except msgspec.DecodeError as error:
        raise StoreError(f"{path} is damaged ({error}); {way_out}") from error
