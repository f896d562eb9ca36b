"""Figures of the news classifier and agent: `python tests/bench/news.py [--json]`.

Accuracy is grouped five-fold on the shipped labels; the peer is VADER with our finance words on the same headlines.
Latencies are of one decision: cold with 16 stories that were never read before, warm with 15 that were.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import time
from pathlib import Path
from typing import Any

from deepalpha.agents.news import NewsAgent
from deepalpha.agents.news_classifier import Kind, NewsClassifier
from deepalpha.agents.news_encoder import missing_packages
from deepalpha.agents.news_evaluate import baseline_scores, cross_validate
from deepalpha.agents.news_labels import SHIPPED, read_labels

_spec = importlib.util.spec_from_file_location("agents_kit", Path(__file__).parents[1] / "fixtures" / "agents.py")
assert _spec and _spec.loader
kit = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(kit)
Row = dict[str, Any]


def row(name: str, value: float, unit: str, goal: str = "", holds: bool | None = None, **peer: Any) -> Row:
    found = {"name": name, "value": round(value, 3), "unit": unit, "goal": goal, "holds": holds}
    return found | {"peer": peer.get("peer", ""), "peer_value": peer.get("peer_value")}


def quality(kind: Kind) -> list[Row]:
    labels = read_labels(SHIPPED)
    vader = baseline_scores(labels)["vader + finance words"]
    scores = cross_validate(labels, kind)
    peer = {"peer": "VADER + finance words", "peer_value": round(vader.accuracy, 3)}
    better = scores.accuracy > vader.accuracy
    rows = [row(f"{kind.value}: accuracy, {scores.n} headlines", scores.accuracy, "", "> VADER", better, **peer)]
    rows += [row(f"{kind.value}: macro-F1", scores.macro_f1, "", peer="VADER", peer_value=round(vader.macro_f1, 3))]
    if scores.ece is not None and scores.confident_half is not None:
        rows += [row(f"{kind.value}: ECE", scores.ece, "", "<= 0.05", scores.ece <= 0.05)]
        rows += [row(f"{kind.value}: surest half", scores.confident_half, "", ">= 0.85", scores.confident_half >= 0.85)]
    return rows


def speed(kind: Kind) -> list[Row]:
    labels = read_labels(SHIPPED)
    started = time.perf_counter()
    model = NewsClassifier.train(labels, kind=kind)
    trained = time.perf_counter() - started
    texts = [label.headline for label in labels]
    started = time.perf_counter()
    model.predict(texts)
    rate = len(texts) / (time.perf_counter() - started)
    return [
        row(f"{kind.value}: training", trained, "s", "< 10", trained < 10),
        row(f"{kind.value}: titles", rate, "1/s"),
        *latency(kind, model),
    ]


def latency(kind: Kind, model: NewsClassifier) -> list[Row]:
    columns = kit.sample()
    texts = [label.headline for label in read_labels(SHIPPED) if not label.entities or label.entities == ("AAPL",)]
    base = kit.context(columns)
    cold, warm = [], []
    for turn in range(12):
        agent = NewsAgent(model)
        items = tuple(
            kit.headline(f"{text} {turn}", asof=base.asof, days=0.1 + n / 10, number=n)
            for n, text in enumerate(texts[:16])
        )
        first, later = (kit.context(columns, news=some) for some in (items, items[1:]))
        for ctx, times in ((first, cold), (later, warm)):
            started = time.perf_counter()
            kit.answer(agent, ctx)
            times.append(1e3 * (time.perf_counter() - started))
    return [
        row(f"{kind.value}: decision, nothing read before", statistics.median(cold), "ms", "", None),
        row(f"{kind.value}: decision", statistics.median(warm), "ms", "< 50", statistics.median(warm) < 50),
        row(f"{kind.value}: slowest decision", max(warm), "ms", "< 50", max(warm) < 50),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    kinds = [Kind.TFIDF] if missing_packages() else [Kind.TFIDF, Kind.MINILM]
    rows = [found for kind in kinds for found in (*quality(kind), *speed(kind))]
    if options.json:
        print(json.dumps(rows, indent=1))
        return
    for entry in rows:
        peer = f"  ({entry['peer']}: {entry['peer_value']})" if entry["peer"] else ""
        goal = f"  goal {entry['goal']}: {'holds' if entry['holds'] else 'MISSED'}" if entry["goal"] else ""
        print(f"{entry['name']:<44} {entry['value']:>10.3f} {entry['unit']:<4}{goal}{peer}")


if __name__ == "__main__":
    main()
