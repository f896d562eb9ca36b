"""The labelled headlines a classifier learns from: a CSV with `headline`, `label`, `event` and `entities`."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

import msgspec

from deepalpha.agents.news_text import plain
from deepalpha.errors import ConfigError

DATA_DIR = Path(__file__).resolve().parents[2] / "data" / "news"
SHIPPED = DATA_DIR / "headlines.csv"
"""Headlines written for this project; see data/README.md."""


class Lean(StrEnum):
    """What a headline means for the price of what it is about."""

    DOWN = "down"
    NEUTRAL = "neutral"
    UP = "up"


LEANS = (Lean.DOWN, Lean.NEUTRAL, Lean.UP)
_NUMBERS = {"-1": Lean.DOWN, "0": Lean.NEUTRAL, "1": Lean.UP, "+1": Lean.UP}


class NewsEvent(StrEnum):
    """What kind of thing happened."""

    BANKRUPTCY = "bankruptcy"
    DEAL = "deal"
    DIVIDEND = "dividend"
    EARNINGS = "earnings"
    FLOWS = "flows"
    GUIDANCE = "guidance"
    LEGAL = "legal"
    LIQUIDATION = "liquidation"
    LISTING = "listing"
    MACRO = "macro"
    MANAGEMENT = "management"
    OTHER = "other"
    OUTAGE = "outage"
    PRODUCT = "product"
    RATING = "rating"
    REGULATION = "regulation"
    SECURITY = "security"
    STAKING = "staking"


EVENTS = tuple(NewsEvent)


class Label(msgspec.Struct, frozen=True):
    """One labelled headline; `entities` are tickers."""

    headline: str
    lean: Lean
    event: NewsEvent
    entities: tuple[str, ...]


def read_labels(path: str | Path) -> tuple[Label, ...]:
    """Read a labelled set.

    Args:
        path: CSV with the columns `headline` and `label` (down, neutral, up or -1, 0, 1), and if you like `event` (a
            `NewsEvent`, else other) and `entities` (tickers separated by spaces).

    Raises:
        ConfigError: the file cannot be read, a line has no valid label, two headlines have the same words, or one of
            the three labels has fewer than five headlines.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"labels {path} cannot be read ({error})") from error
    reader = csv.DictReader(io.StringIO(text))
    found: list[Label] = []
    seen: dict[str, int] = {}
    for row in reader:
        try:
            label = _label(row)
        except ValueError as error:
            raise ConfigError(f"line {reader.line_num} of {path} is no labelled headline ({error})") from error
        first = seen.setdefault(plain(label.headline), reader.line_num)
        if first != reader.line_num:
            raise ConfigError(f"lines {first} and {reader.line_num} of {path} are the same headline; keep one")
        found.append(label)
    for lean in LEANS:
        count = sum(label.lean is lean for label in found)
        if count < 5:
            raise ConfigError(f"{path} has {count} headlines labelled {lean.value!r}; at least 5 of each are needed")
    return tuple(found)


def labels_hash(labels: Sequence[Label]) -> str:
    """sha256 of the content of a labelled set, whatever its file looks like."""
    return hashlib.sha256(msgspec.json.encode(list(labels))).hexdigest()


def _label(row: dict[str, str]) -> Label:
    headline = (row.get("headline") or "").strip()
    if not plain(headline):
        raise ValueError("the headline is empty")
    word = (row.get("label") or "").strip().lower()
    event = (row.get("event") or "other").strip().lower()
    if word not in _NUMBERS and word not in LEANS:
        raise ValueError(f"label {word!r} is not down, neutral or up (or -1, 0, 1)")
    if event not in EVENTS:
        raise ValueError(f"event {event!r} is not one of {[value.value for value in EVENTS]}")
    return Label(
        headline, _NUMBERS.get(word) or Lean(word), NewsEvent(event), tuple((row.get("entities") or "").split())
    )
