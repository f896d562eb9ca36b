"""`deepalpha news`: train the headline classifier, score headlines, measure it beside its baselines."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from deepalpha.agents.news_baselines import tone_of
from deepalpha.agents.news_classifier import Kind, NewsClassifier, available_kind
from deepalpha.agents.news_encoder import INSTALL, missing_packages
from deepalpha.agents.news_entities import entities_in
from deepalpha.agents.news_evaluate import agreement, baseline_scores, cross_validate, cross_validate_events
from deepalpha.agents.news_labels import EVENTS, LEANS, SHIPPED, Label, Lean, read_labels
from deepalpha.agents.news_metrics import Scores
from deepalpha.agents.news_models import active, model_path
from deepalpha.config import Workspace
from deepalpha.errors import ConfigError
from deepalpha.live.process import load_settings

Result = tuple[Any, str]
Add = Callable[..., argparse.ArgumentParser]
REAL_TITLES = Path(__file__).resolve().parents[2] / "shared" / "data" / "crypto_news_titles_2021-10_2022-07.parquet"
_MACHINE = {"negative": Lean.DOWN.value, "neutral": Lean.NEUTRAL.value, "positive": Lean.UP.value}
_CHECK_HELP = (
    "Five folds; near-duplicates stay in one. ECE is in ten bins of equal mass; 'sure half' is the accuracy on the "
    "half of the headlines a method is surest of. Agreement with another machine's labels is not accuracy."
)


def add_commands(group: Any, add: Add) -> None:
    """Add the commands to the `news` group of the command line."""
    train = add(group, "train", _train, "learn from labelled headlines and use the model in this workspace")
    train.add_argument(
        "labels", type=Path, help="CSV: headline,label (down, neutral, up) and, if you like, event,entities"
    )
    train.add_argument("--kind", choices=[kind.value for kind in Kind], help="default: minilm if installed, else tfidf")
    train.add_argument("--output", type=Path, metavar="FILE", help="default: the workspace's model, used from then on")
    score = add(group, "score", _score, "what the classifier says of headlines")
    score.add_argument("file", help="a text file, one headline a line; - is standard input")
    check = add(group, "check", _check, "measure the classifier and its baselines")
    check.description = _CHECK_HELP
    check.add_argument("labels", type=Path, nargs="?", default=SHIPPED, help="default: the shipped set")
    check.add_argument(
        "--titles", type=Path, default=REAL_TITLES, help="Parquet of title and sent_class, to agree with"
    )


def _train(options: argparse.Namespace) -> Result:
    labels = read_labels(options.labels)
    kind = Kind(options.kind) if options.kind else available_kind()
    scores = cross_validate(labels, kind)
    started = time.perf_counter()
    metrics = {name: value for name, value in msgspec.to_builtins(scores).items() if value is not None}
    model = NewsClassifier.train(labels, kind=kind, metrics=metrics)
    seconds = time.perf_counter() - started
    path = options.output or model_path(Workspace(options.workspace).models, kind)
    digest = model.save(path)
    value: dict[str, Any] = {
        "model": str(path),
        "name": model.name,
        "kind": kind.value,
        "sha256": digest,
        "seconds": seconds,
    }
    value |= {"n": len(labels), "cross_validated": scores, "note": _note()}
    lines = [*_table({kind.value: scores}), f"{model.name}: {len(labels)} headlines, {seconds:.1f} s, {path}"]
    if kind is not available_kind():
        lines.append(f"an engine uses it with `agents: {{news_model: {kind.value}}}` in its settings")
    return value, "\n".join(lines) + _note()


def _score(options: argparse.Namespace) -> Result:
    try:
        text = sys.stdin.read() if options.file == "-" else Path(options.file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"headlines {options.file} cannot be read ({error})") from error
    titles = [line.strip() for line in text.splitlines() if line.strip()]
    workspace = Workspace(options.workspace)
    chosen = active(load_settings(workspace).agents.news_model, workspace.models)
    found = chosen.readings.classifier.read(titles)
    rows: list[dict[str, Any]] = [
        {
            "headline": title,
            "down": round(float(lean[0]), 4),
            "neutral": round(float(lean[1]), 4),
            "up": round(float(lean[2]), 4),
            "event": EVENTS[int(event.argmax())].value,
            "entities": list(entities_in(title)),
            "vader": round(tone_of(title), 4),
        }
        for title, lean, event in zip(titles, found.leans, found.events, strict=True)
    ]
    lines = [*filter(None, (chosen.status, chosen.problem)), " down  flat    up  event        about      headline"]
    lines += [
        f"{row['down']:5.2f} {row['neutral']:5.2f} {row['up']:5.2f}  {row['event']:<12} "
        f"{' '.join(row['entities']) or '-':<10} {row['headline']}"
        for row in rows
    ]
    return {"classifier": chosen.status, "problem": chosen.problem, "headlines": rows}, "\n".join(lines)


def _check(options: argparse.Namespace) -> Result:
    labels = read_labels(options.labels)
    scores = baseline_scores(labels)
    events: dict[str, float] = {}
    for kind in _kinds():
        scores[f"classifier: {kind.value}"] = cross_validate(labels, kind)
        events[kind.value] = cross_validate_events(labels, kind)
    counts = ", ".join(f"{sum(label.lean is lean for label in labels)} {lean.value}" for lean in LEANS)
    lines = [f"{len(labels)} headlines ({counts}), 5 grouped folds", *_table(scores)]
    lines += [f"event type ({kind}): accuracy {value:.3f} of {len(EVENTS)} types" for kind, value in events.items()]
    value: dict[str, Any] = {"labels": len(labels), "scores": scores, "events": events, "note": _note()}
    if options.titles.exists():
        value["agreement"], said = _agreement(labels, options.titles)
        lines += said
    else:
        lines.append(f"agreement with machine labels: not measured, there is no {options.titles.name}")
    return value, "\n".join(lines) + _note()


def _agreement(labels: Sequence[Label], path: Path) -> tuple[dict[str, Any], list[str]]:
    """How far the classifier and another machine say the same of real titles."""
    try:
        frame = pl.read_parquet(path, columns=["title", "sent_class"]).drop_nulls()
        machine = [_MACHINE[name] for name in frame["sent_class"]]
    except (OSError, KeyError, pl.exceptions.PolarsError) as error:
        raise ConfigError(f"titles {path} cannot be read ({error}); expected columns title and sent_class") from error
    model = NewsClassifier.train(labels)
    started = time.perf_counter()
    found = model.predict(frame["title"].to_list())
    rate = len(frame) / (time.perf_counter() - started)
    same, kappa = agreement(found, machine)
    value = {"titles": len(frame), "same": same, "kappa": kappa, "titles_per_second": rate}
    said = f"{len(frame)} dated real titles: {same:.3f} agree with their machine labels (kappa {kappa:.2f}), not truth"
    return value, [f"{said}; {rate:,.0f} titles/s"]


def _kinds() -> list[Kind]:
    return [Kind.TFIDF] if missing_packages() else [Kind.TFIDF, Kind.MINILM]


def _note() -> str:
    missing = missing_packages()
    return f"\nwithout MiniLM: {', '.join(missing)} not installed; `{INSTALL}`" if missing else ""


def _table(scores: dict[str, Scores]) -> list[str]:
    head = f"{'method':<24} accuracy  macro-F1    ECE  sure half"

    def cell(value: float | None) -> str:
        return "    -" if value is None else f"{value:5.3f}"

    rows = [
        f"{name:<24}    {row.accuracy:5.3f}     {row.macro_f1:5.3f}  {cell(row.ece)}      {cell(row.confident_half)}"
        for name, row in scores.items()
    ]
    return [head, *rows]
