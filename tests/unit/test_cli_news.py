"""`deepalpha news`: train, score and check, for people and for machines."""

from __future__ import annotations

import io
import json

import pytest

from deepalpha.agents.news_labels import SHIPPED
from deepalpha.cli import main

LABELS = "headline,label,event\n" + "\n".join(
    f"{who} {does},{label},earnings"
    for who in ("Apple", "Tesla", "Ford", "Nike", "Intel", "Boeing")
    for does, label in (("beats estimates by far", "up"), ("misses estimates badly", "down"), ("sets a date", "0"))
)


@pytest.fixture
def labels(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(LABELS)
    return path


def test_train_writes_a_model_that_score_then_uses(labels, tmp_path, capsys, monkeypatch):
    workspace = tmp_path / "ws"
    place = ["--workspace", str(workspace), "--json"]
    assert main(["news", "train", str(labels), "--kind", "tfidf", *place]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["n"] == 18 and value["kind"] == "tfidf" and len(value["sha256"]) == 64
    assert (workspace / "models" / "model-tfidf.npz").exists()
    (workspace / "settings.yaml").write_text("agents: {news_model: tfidf}\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("Apple beats estimates\n\nTesla misses estimates\n"))
    assert main(["news", "score", "-", *place]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["classifier"] == f"classifier {value['name']} of this workspace" and answer["problem"] == ""
    up, down = answer["headlines"]
    assert up["up"] > up["down"] and down["down"] > down["up"]
    assert up["entities"] == ["AAPL"]


def test_score_reads_a_file_and_prints_a_table(tmp_path, capsys):
    path = tmp_path / "titles.txt"
    path.write_text("Bitcoin plunges after exchange hack\n")
    (tmp_path / "ws").mkdir()
    (tmp_path / "ws" / "settings.yaml").write_text("agents: {news_model: tfidf}\n")
    assert main(["news", "score", str(path), "--workspace", str(tmp_path / "ws")]) == 0
    text = capsys.readouterr().out
    assert "of the shipped labels" in text and "BTC" in text and "Bitcoin plunges" in text


def test_check_prints_every_method_and_says_when_there_is_nothing_to_agree_with(labels, tmp_path, capsys):
    assert main(["news", "check", str(labels), "--titles", str(tmp_path / "none.parquet")]) == 0
    text = capsys.readouterr().out
    for method in ("always neutral", "finance words", "vader + finance words", "classifier: tfidf"):
        assert method in text
    assert "agreement with machine labels: not measured, there is no none.parquet" in text


def test_check_measures_agreement_with_another_machine(labels, tmp_path, capsys):
    import polars as pl

    titles = tmp_path / "titles.parquet"
    pl.DataFrame({"title": ["Apple beats estimates", "x"], "sent_class": ["positive", "neutral"]}).write_parquet(titles)
    assert main(["news", "check", str(labels), "--titles", str(titles), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["agreement"]
    assert found["titles"] == 2 and 0 <= found["same"] <= 1


@pytest.mark.parametrize("command", [["train", "no/such.csv"], ["score", "no/such.txt"], ["check", "no/such.csv"]])
def test_a_file_that_is_not_there_is_named(command, tmp_path, capsys):
    assert main(["news", *command, "--workspace", str(tmp_path)]) == 1
    assert "no/such" in capsys.readouterr().err


def test_the_shipped_labels_are_the_default_of_check():
    from deepalpha.cli import _parser

    assert _parser().parse_args(["news", "check"]).labels == SHIPPED
