"""Figures of the news classifier and agent: `python tests/bench/news.py [--json]`.

Accuracy is grouped five-fold on the shipped labels; the peer is VADER with our finance words on the same headlines.
Latencies are of one decision: cold with 16 stories that were never read before, warm with 15 that were.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl

from deepalpha.agents.news import NewsAgent
from deepalpha.agents.news_classifier import Kind, NewsClassifier
from deepalpha.agents.news_encoder import missing_packages
from deepalpha.agents.news_evaluate import agreement, baseline_scores, cross_validate
from deepalpha.agents.news_labels import SHIPPED, read_labels
from deepalpha.cli_news import REAL_TITLES

sys.path.insert(0, str(Path(__file__).parents[1] / "fixtures"))
import agents_kit as kit

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


def first_training(kind: Kind) -> tuple[float, float]:
    """(seconds, CPU seconds) until a fresh process has its model, imports aside."""
    code = (
        "import sys,time;from deepalpha.agents.news_models import active;a,b=time.perf_counter(),time.process_time();"
        "active(sys.argv[1]);print(time.perf_counter()-a,time.process_time()-b)"
    )
    command = [sys.executable, "-c", code, kind.value]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() for _ in range(3)]
    wall, cpu = min((float(wall), float(cpu)) for wall, cpu in runs)
    return wall, cpu


def speed(kind: Kind) -> list[Row]:
    labels = read_labels(SHIPPED)
    trained, processor = first_training(kind)
    goal = 10.0 if kind is Kind.MINILM else 0.5
    model = NewsClassifier.train(labels, kind=kind)
    texts = [label.headline for label in labels]
    started = time.perf_counter()
    model.predict(texts)
    rate = len(texts) / (time.perf_counter() - started)
    return [
        row(f"{kind.value}: first use, training included", trained, "s", f"< {goal:g}", trained < goal),
        row(f"{kind.value}: the same in CPU time", processor, "s"),
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
        row(f"{kind.value}: decision, nothing read before", statistics.median(cold), "ms", *cold_goal(kind, cold)),
        row(f"{kind.value}: decision", statistics.median(warm), "ms", "< 50", statistics.median(warm) < 50),
        row(f"{kind.value}: slowest decision", max(warm), "ms", "< 50", max(warm) < 50),
    ]


def cold_goal(kind: Kind, cold: list[float]) -> tuple[str, bool | None]:
    """With MiniLM titles are read when they are heard, so only TF-IDF has to be quick without that."""
    return ("< 50", statistics.median(cold) < 50) if kind is Kind.TFIDF else ("", None)


def real_titles(kind: Kind, path: Path) -> list[Row]:
    """Agreement with another machine on real dated titles, if there are any."""
    if not path.exists():
        return []
    frame = pl.read_parquet(path, columns=["title", "sent_class"]).drop_nulls()
    names = {"negative": "down", "neutral": "neutral", "positive": "up"}
    machine = [names[name] for name in frame["sent_class"]]
    model = NewsClassifier.train(read_labels(SHIPPED), kind=kind)
    started = time.perf_counter()
    found = model.predict(frame["title"].to_list())
    rate = len(frame) / (time.perf_counter() - started)
    same, kappa = agreement(found, machine)
    return [
        row(f"{kind.value}: agreement on {len(frame)} real titles", same, ""),
        row(f"{kind.value}: the same beyond chance (kappa)", kappa, ""),
        row(f"{kind.value}: real titles", rate, "1/s"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--titles", type=Path, default=REAL_TITLES, help="Parquet of title and sent_class")
    options = parser.parse_args()
    kinds = [Kind.TFIDF] if missing_packages() else [Kind.TFIDF, Kind.MINILM]
    rows = [found for kind in kinds for found in (*quality(kind), *speed(kind), *real_titles(kind, options.titles))]
    if options.json:
        print(json.dumps(rows, indent=1))
        return
    for entry in rows:
        peer = f"  ({entry['peer']}: {entry['peer_value']})" if entry["peer"] else ""
        goal = f"  goal {entry['goal']}: {'holds' if entry['holds'] else 'MISSED'}" if entry["goal"] else ""
        print(f"{entry['name']:<44} {entry['value']:>10.3f} {entry['unit']:<4}{goal}{peer}")


if __name__ == "__main__":
    main()
