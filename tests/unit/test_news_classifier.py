"""The headline classifier: its parts against implementations we did not write, its floor, its file, its determinism."""

from __future__ import annotations

import io
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepalpha.agents import news_classifier, news_encoder
from deepalpha.agents.news_classifier import Kind, NewsClassifier
from deepalpha.agents.news_encoder import INSTALL, MAX_TOKENS, Encoder, encoder, missing_packages
from deepalpha.agents.news_evaluate import baseline_scores, cross_validate
from deepalpha.agents.news_labels import EVENTS, LEANS, SHIPPED, Lean, read_labels
from deepalpha.agents.news_logistic import Logistic, TfIdf, terms_of
from deepalpha.agents.news_metrics import NEAR_DUPLICATE, fold_of, measure
from deepalpha.agents.news_text import overlap, plain, shingles, visible
from deepalpha.errors import ConfigError

with_minilm = pytest.mark.skipif(
    bool(missing_packages()), reason=f"{', '.join(missing_packages())} not installed: {INSTALL}"
)
LABELS = read_labels(SHIPPED)
TEXTS = [label.headline for label in LABELS]
TRUTH = np.array([LEANS.index(label.lean) for label in LABELS])
ODD = (
    "",
    "   ",
    "Größe naïve café ÅÄÖ",
    "ビットコイン 日本語",
    "한국어 비트코인",
    "Привет мир",
    "a" * 150,
    "don't — “quoted” $BTC €5 50%",
    "\u200bzero\u00ad width\x00",
    "🚀🚀 moon",
    "x̌y̌ ﬁne ½",
    "word " * 200,
)


@cache
def model(kind: Kind) -> NewsClassifier:
    return NewsClassifier.train(LABELS, kind=kind)


# --- the labelled set


def test_the_shipped_set_is_large_balanced_and_without_duplicates():
    assert len(LABELS) >= 450
    shares = {lean: sum(label.lean is lean for label in LABELS) / len(LABELS) for lean in LEANS}
    assert 0.3 <= shares[Lean.DOWN] <= 0.4 and 0.25 <= shares[Lean.NEUTRAL] <= 0.4 and 0.3 <= shares[Lean.UP] <= 0.4
    assert len({plain(text) for text in TEXTS}) == len(TEXTS)
    assert {label.event for label in LABELS} == set(EVENTS)
    assert all(
        any(label.event is event and label.lean is lean for label in LABELS) for event in EVENTS for lean in LEANS
    )
    assert all(label.entities for label in LABELS)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("headline,label\nApple wins,sideways\n", "label 'sideways' is not"),
        ("headline,label\n,up\n", "line 2 of .*the headline is empty"),
        ("headline,label,event\nApple wins,up,party\n", "event 'party' is not one of"),
        ("headline,label\nApple wins,up\nAPPLE wins!,up\n", "lines 2 and 3 .* same headline"),
        ("headline,label\nApple wins,up\n", "0 headlines labelled 'down'; at least 5"),
    ],
)
def test_a_labelled_set_that_cannot_be_learned_from_is_refused_by_line(tmp_path, text, match):
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(ConfigError, match=match):
        read_labels(path)


def test_numbers_are_labels_too(tmp_path):
    path = tmp_path / "labels.csv"
    rows = [f"story {word} {'xyz'[sign + 1]},{sign}" for word in "abcde" for sign in (-1, 0, 1)]
    path.write_text("headline,label\n" + "\n".join(rows))
    assert [label.lean for label in read_labels(path)][:3] == [Lean.DOWN, Lean.NEUTRAL, Lean.UP]


# --- the parts, against others


def test_tf_idf_is_that_of_scikit_learn():
    reference = pytest.importorskip("sklearn.feature_extraction.text")
    theirs = reference.TfidfVectorizer(analyzer=terms_of, sublinear_tf=True, min_df=2)
    rows = theirs.fit_transform(TEXTS[:300]).toarray()
    ours = TfIdf.fit(TEXTS[:300], least=2)
    assert list(ours.terms) == list(theirs.get_feature_names_out())
    np.testing.assert_allclose(ours.transform(TEXTS[:300]), rows, atol=1e-6)
    np.testing.assert_allclose(ours.transform(TEXTS[300:]), theirs.transform(TEXTS[300:]).toarray(), atol=1e-6)


@pytest.mark.parametrize(("rows", "width", "zeros"), [(90, 12, 0.0), (60, 200, 0.0), (80, 90, 0.95), (70, 40, 0.75)])
def test_the_regression_finds_the_weights_of_scikit_learn(rows, width, zeros):
    reference = pytest.importorskip("sklearn.linear_model")
    generator = np.random.default_rng(5)
    x, classes = generator.normal(size=(rows, width)), generator.integers(0, 3, rows)
    x[generator.random(x.shape) < zeros] = 0.0
    x[7] = 0.0  # a title without a known word
    theirs = reference.LogisticRegression(C=0.7, tol=1e-10, max_iter=10_000).fit(x, classes)
    ours = Logistic.fit(x, classes, 3, c=0.7, tolerance=1e-8)
    np.testing.assert_allclose(ours.weights, theirs.coef_.T, atol=2e-5)
    np.testing.assert_allclose(ours.predict(x), theirs.predict_proba(x), atol=2e-5)


@with_minilm
@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=80))
def test_any_text_has_between_two_and_sixty_four_tokens_and_no_mark_but_the_first_and_the_last(text):
    for some in (text, f"[SEP] {text} [CLS][PAD] [MASK]", text * 20):
        ids = encoder()._tokens.encode(visible(some))
        assert 2 <= len(ids) <= MAX_TOKENS and ids[0] == 101 and ids[-1] == 102
        assert not {0, 101, 102, 103} & set(ids[1:-1])


@with_minilm
def test_the_encoder_is_another_one_when_either_of_its_files_is():
    model, tokenizer = (
        news_encoder._file(*place).read_bytes() for place in (news_encoder._MODEL, news_encoder._TOKENIZER)
    )
    assert Encoder(model, tokenizer).identity == encoder().identity
    assert Encoder(model, tokenizer + b"\n").identity != encoder().identity


@with_minilm
def test_a_vector_has_length_one_and_does_not_depend_on_its_neighbours():
    sentences = encoder()
    some = [*TEXTS[:20], *ODD]
    together = sentences.encode(some)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-9)
    alone = np.vstack([sentences.encode([text]) for text in some])
    assert together.tobytes() == alone.tobytes()


# --- how good it is


@with_minilm
def test_with_minilm_it_is_above_its_floor_and_above_every_baseline():
    scores = cross_validate(LABELS, Kind.MINILM)
    assert scores.accuracy >= 0.72 and scores.macro_f1 >= 0.72
    assert scores.ece <= 0.07
    assert scores.confident_half >= 0.83
    assert scores.accuracy >= max(row.accuracy for row in baseline_scores(LABELS).values()) + 0.08


def test_without_minilm_it_is_above_its_floor_and_above_every_baseline():
    scores = cross_validate(LABELS, Kind.TFIDF)
    assert scores.accuracy >= 0.64 and scores.macro_f1 >= 0.64
    assert scores.accuracy > max(row.accuracy for row in baseline_scores(LABELS).values())


def test_near_duplicates_share_a_fold_and_folds_do_not_depend_on_order():
    texts = [*TEXTS, *(f"{text} today" for text in TEXTS[:100])]
    folds = fold_of(texts)
    words = [shingles(text) for text in texts]
    for a in range(0, len(texts), 7):
        for b in range(a):
            if overlap(words[a], words[b]) >= NEAR_DUPLICATE:
                assert folds[a] == folds[b]
    assert max(np.bincount(folds)) - min(np.bincount(folds)) <= 3
    assert fold_of(texts[::-1]).tolist() == folds[::-1].tolist()


def test_shuffled_labels_are_not_learned():
    """What leaks from the held-out fold would show here."""
    import msgspec

    shuffled = np.random.default_rng(3).permutation(len(LABELS))
    wrong = [
        msgspec.structs.replace(label, lean=LABELS[other].lean) for label, other in zip(LABELS, shuffled, strict=True)
    ]
    assert cross_validate(wrong, Kind.TFIDF).accuracy < 0.43


def test_measures_are_right_on_a_case_done_by_hand():
    said = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.3, 0.6], [0.5, 0.4, 0.1]])
    found = measure(said, np.array([0, 1, 2, 1]))
    assert found.accuracy == 0.75
    assert found.macro_f1 == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    assert found.ece == pytest.approx((0.2 + 0.3 + 0.4 + 0.5) / 4)
    assert found.confident_half == 1.0


# --- the model


@pytest.mark.parametrize("kind", [Kind.TFIDF, pytest.param(Kind.MINILM, marks=with_minilm)])
def test_the_same_labels_give_the_same_file_and_a_loaded_model_says_the_same(kind, tmp_path):
    first = model(kind)
    again = NewsClassifier.train(LABELS, kind=kind)
    assert first.to_bytes() == again.to_bytes()
    digest = first.save(tmp_path / "deep" / "model.npz")
    loaded = NewsClassifier.load(tmp_path / "deep" / "model.npz")
    assert len(digest) == 64 and loaded.info == first.info
    for some in (TEXTS[:40], list(ODD), []):
        assert loaded.predict(some).tobytes() == first.predict(some).tobytes()
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["model.npz"]


def test_training_in_another_process_gives_the_same_file():
    code = (
        "import hashlib;from deepalpha.agents.news_classifier import *;from deepalpha.agents.news_labels import *;"
        "print(hashlib.sha256(NewsClassifier.train(read_labels(SHIPPED), kind=Kind.TFIDF).to_bytes()).hexdigest())"
    )
    import hashlib

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == hashlib.sha256(model(Kind.TFIDF).to_bytes()).hexdigest()


@pytest.mark.parametrize("kind", [Kind.TFIDF, pytest.param(Kind.MINILM, marks=with_minilm)])
def test_probabilities_sum_to_one_and_a_row_does_not_depend_on_the_others(kind):
    some = [*TEXTS[:30], *ODD]
    found = model(kind).read(some)
    np.testing.assert_allclose(found.leans.sum(axis=1), 1.0, atol=1e-12)
    np.testing.assert_allclose(found.events.sum(axis=1), 1.0, atol=1e-12)
    alone = np.vstack([model(kind).predict([text]) for text in some])
    assert found.leans.tobytes() == alone.tobytes()


@pytest.mark.parametrize("kind", [Kind.TFIDF, pytest.param(Kind.MINILM, marks=with_minilm)])
def test_shouting_and_invisible_characters_change_no_probability(kind):
    calm = model(kind).predict(["profit beats estimates"])
    for loud in ("PROFIT BEATS ESTIMATES!!!!", "pro\u200bfit be\u00adats esti\u2060mates", "рrofit bеats еstimates"):
        assert model(kind).predict([loud]).tobytes() == calm.tobytes()


@pytest.mark.parametrize("damage", ["missing", "text", "cut", "flipped", "shape", "format", "encoder", "recipe"])
def test_a_model_file_that_cannot_be_used_says_so_and_what_to_do(damage, tmp_path, monkeypatch):
    path = tmp_path / "model.npz"
    content = model(Kind.TFIDF).to_bytes()
    if damage == "text":
        path.write_text("not a model")
    elif damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        middle = len(content) // 2
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :])
    elif damage == "shape":
        with np.load(io.BytesIO(content)) as file:
            arrays = dict(file)
        np.savez(path, **arrays | {"lean": arrays["lean"][:-1]})
    elif damage == "recipe":
        path.write_bytes(content)
        monkeypatch.setattr(news_classifier, "recipe", lambda: "other words")
    elif damage == "format":
        path.write_bytes(content)
        monkeypatch.setattr(news_classifier, "FORMAT", 99)
    elif damage == "encoder":
        path.write_bytes(content)
        monkeypatch.setattr(news_classifier, "encoder_for", lambda kind: type("Other", (), {"identity": "x"})())
    with pytest.raises(ConfigError, match="deepalpha news train"):
        NewsClassifier.load(path)


def test_no_machine_path_is_in_a_model_file():
    text = model(Kind.TFIDF).to_bytes()
    assert str(Path.home()).encode() not in text
