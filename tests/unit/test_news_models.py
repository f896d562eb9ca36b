"""Which news classifier an engine uses: by setting, trained at first use, kept, and never silently another one."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import subprocess
import sys

import agents_kit as kit
import pytest

from deepalpha.agents import news_models, run_agents
from deepalpha.agents.news import NewsAgent
from deepalpha.agents.news_classifier import Kind, NewsClassifier
from deepalpha.agents.news_encoder import INSTALL, encoder
from deepalpha.agents.news_labels import SHIPPED, read_labels
from deepalpha.agents.news_models import active, kept_path, model_path
from deepalpha.cli import main
from deepalpha.config import AgentSettings, Settings, Workspace
from deepalpha.errors import ConfigError
from deepalpha.live import Loop, control
from deepalpha.live.lock import engine_lock
from deepalpha.types import SignalStatus, encode

LABELS = read_labels(SHIPPED)
TITLES = ["Apple beats estimates", "Bitcoin plunges after exchange hack", "IBM sets a date"]
WORDS = Settings.from_mapping({"symbols": ["AAPL"], "agents": {"news_model": "tfidf"}})


@pytest.fixture
def trainings(monkeypatch):
    """Kinds that were trained since; nothing was trained before."""
    found = []
    whole = NewsClassifier.train.__func__

    def train(cls, labels, *, kind=None, metrics=None):
        found.append(kind)
        return whole(cls, labels, kind=kind, metrics=metrics)

    monkeypatch.setattr(NewsClassifier, "train", classmethod(train))
    news_models._trained.cache_clear()
    news_models._opened.cache_clear()
    return found


@pytest.fixture
def without_onnxruntime(monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "onnxruntime" else real(name))
    encoder.cache_clear()
    yield
    encoder.cache_clear()


def says(chosen):
    return chosen.readings.classifier.predict(TITLES).tobytes()


def test_the_first_use_trains_and_keeps_the_model_and_the_next_one_reads_it(tmp_path, trainings):
    first = active("tfidf", tmp_path)
    assert first.status == f"classifier {first.readings.classifier.name} of the shipped labels" and not first.problem
    assert [path.name for path in tmp_path.iterdir()] == [kept_path(tmp_path, Kind.TFIDF).name]
    news_models._trained.cache_clear()
    news_models._opened.cache_clear()
    again = active("tfidf", tmp_path)
    assert (again.status, again.problem) == (first.status, "")
    assert trainings == [Kind.TFIDF]
    assert says(again) == says(first)


def test_a_process_trains_once_whatever_the_number_of_workspaces(tmp_path, trainings):
    chosen = [active("tfidf", tmp_path / name) for name in "abc"]
    assert trainings == [Kind.TFIDF]
    assert len({kept_path(tmp_path / name, Kind.TFIDF).read_bytes() for name in "abc"}) == 1
    assert all(other.readings is chosen[0].readings for other in chosen), "what one engine read, the others know"


@pytest.mark.parametrize("damage", ["text", "cut", "other labels"])
def test_a_kept_model_that_cannot_be_used_is_trained_again_replaced_and_said(damage, tmp_path, trainings):
    path = kept_path(tmp_path, Kind.TFIDF)
    good = says(active("tfidf", tmp_path))
    whole = path.read_bytes()
    path.write_bytes(
        {
            "text": b"not a model",
            "cut": whole[:5000],
            "other labels": NewsClassifier.train(LABELS[::2], kind=Kind.TFIDF).to_bytes(),
        }[damage]
    )
    chosen = active("tfidf", tmp_path)
    assert f"model {path} could not be used" in chosen.problem and "trained again" in chosen.problem
    assert says(chosen) == good
    assert path.read_bytes() == whole
    assert not active("tfidf", tmp_path).problem


def test_a_place_that_cannot_be_written_costs_time_and_not_the_start(tmp_path):
    (tmp_path / "models").write_text("a file where the folder should be")
    chosen = active("tfidf", tmp_path / "models")
    assert "cannot be written" in chosen.problem and "the next start trains it again" in chosen.problem
    assert says(chosen) == says(active("tfidf"))


def test_two_processes_that_train_at_once_leave_one_whole_model(tmp_path):
    code = (
        "import sys;from pathlib import Path;from deepalpha.agents.news_models import active;"
        "print(repr(active('tfidf', Path(sys.argv[1])).problem))"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate(timeout=120)[0].strip() for process in running] == ["''", "''"]
    assert [path.name for path in tmp_path.iterdir()] == [kept_path(tmp_path, Kind.TFIDF).name]
    assert not active("tfidf", tmp_path).problem


def test_the_users_own_model_goes_first_and_a_damaged_one_stops_the_start_by_name(tmp_path):
    mine = NewsClassifier.train(LABELS[::2], kind=Kind.TFIDF)
    path = model_path(tmp_path, Kind.TFIDF)
    mine.save(path)
    assert active("tfidf", tmp_path).status == f"classifier {mine.name} of this workspace"
    path.write_text("damaged")
    with pytest.raises(ConfigError, match=r"model-tfidf\.npz cannot be used: .*deepalpha news train.* or remove it"):
        active("tfidf", tmp_path)


def test_minilm_without_its_packages_stops_the_start_and_names_the_way_out(tmp_path, without_onnxruntime):
    settings = Settings.from_mapping({"symbols": ["AAPL"], "agents": {"news_model": "minilm"}})
    with pytest.raises(ConfigError) as caught:
        Loop(Workspace(tmp_path / "ws"), settings)
    assert "needs onnxruntime" in str(caught.value) and INSTALL in str(caught.value)


def test_auto_without_minilm_reads_words_and_says_why(tmp_path, without_onnxruntime):
    chosen = active("auto", tmp_path)
    assert chosen.readings.classifier.info.kind is Kind.TFIDF
    assert "not MiniLM, for lack of onnxruntime" in chosen.status and INSTALL in chosen.status
    with pytest.raises(ConfigError, match="onnxruntime"):
        NewsClassifier.train(LABELS, kind=Kind.MINILM)
    assert NewsClassifier.train(LABELS[::3]).info.kind is Kind.TFIDF


def test_the_setting_is_checked():
    with pytest.raises(ConfigError, match=r"agents\.news_model = 'bert'"):
        Settings.from_mapping({"agents": {"news_model": "bert"}})
    assert Settings.default().agents.news_model == "auto"


def test_the_engine_says_which_classifier_it_uses_and_logs_one_that_was_damaged(tmp_path, capsys):
    workspace = Workspace(tmp_path / "ws")
    path = kept_path(workspace.models, Kind.TFIDF)
    path.parent.mkdir()
    path.write_text("damaged")
    loop = Loop(workspace, WORDS)
    (row,) = loop.ops.rows("SELECT status, body FROM audit WHERE kind = 'agents'")
    assert row["status"] == "failed" and "was trained again" in row["body"]
    loop.heartbeat()
    (beat,) = loop.ops.rows("SELECT body FROM heartbeat ORDER BY id DESC LIMIT 1")
    (agent,) = (agent for agent in loop.agents if agent.name == "news")
    assert json.loads(beat["body"])["agents"] == {"news": agent.status}
    assert agent.version == f"3-{active('tfidf').readings.classifier.name}"
    with engine_lock(workspace.lock):
        assert control.status(workspace).agents == {"news": agent.status}
        assert main(["live", "status", "--workspace", str(workspace.root)]) == 0
    assert f"\n  news: {agent.status}\n" in capsys.readouterr().out
    quiet = Loop(workspace, WORDS)
    assert len(quiet.ops.rows("SELECT * FROM audit WHERE kind = 'agents'")) == 1


def test_a_vote_does_not_depend_on_whether_the_model_was_just_trained_or_kept(tmp_path):
    """Reasons are part of a decision's id."""
    columns = kit.sample()
    asof = kit.context(columns).asof
    ctx = kit.context(columns, news=tuple(kit.headline(title, asof=asof, number=title[:3]) for title in TITLES[:1]))
    votes = []
    for begun in (False, True, True):
        agent = NewsAgent()
        if begun:
            agent.begin(Workspace(tmp_path / "ws"), AgentSettings(news_model="tfidf"))
        (run,) = asyncio.run(run_agents(ctx, [agent], deadline_s=30.0))
        votes.append(encode(run.signal))
    assert run.signal.status is SignalStatus.OK
    assert len(set(votes)) == 1


def test_a_classifier_that_was_given_stays(tmp_path):
    mine = NewsClassifier.train(LABELS[::2], kind=Kind.TFIDF)
    agent = NewsAgent(mine)
    agent.begin(Workspace(tmp_path / "ws"), AgentSettings())
    assert agent.version == f"3-{mine.name}" and agent.status == f"classifier {mine.name} as given"
