"""The dated table of models: capabilities, prices, training cutoffs.

Prices are held as integer picodollars a token (US dollars per million tokens x 1e6), so that sums are exact. An unknown
price is None, never zero: the budget refuses such a call.
"""

from __future__ import annotations

import fnmatch
from datetime import date
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from deepalpha.config.settings import PriceSettings
from deepalpha.llm.request import Usage

PICODOLLARS = Decimal(10) ** 12


class OutputMode(StrEnum):
    """How an object of a schema is asked for."""

    JSON_SCHEMA = "json_schema"
    JSON_OBJECT = "json_object"
    PROMPT = "prompt"


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Price(_Row):
    """Picodollars a token. Cached and cache-writing input cost as much as plain input where nothing is said."""

    input: int = Field(ge=0)
    output: int = Field(ge=0)
    cached: int = Field(ge=0)
    cache_write: int = Field(ge=0)

    @classmethod
    def per_million(cls, row: PriceSettings) -> Price:
        """From US dollars per million tokens; a fraction of a picodollar counts as a whole one."""

        def picodollars(dollars: Decimal) -> int:
            return int((dollars * 1_000_000).to_integral_value(ROUND_CEILING))

        return cls(
            input=picodollars(row.input),
            output=picodollars(row.output),
            cached=picodollars(row.input if row.cached is None else row.cached),
            cache_write=picodollars(row.input if row.cache_write is None else row.cache_write),
        )

    def cost(self, usage: Usage) -> int:
        """Picodollars for what was used."""
        plain = max(0, usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens)
        return (
            plain * self.input
            + usage.cached_tokens * self.cached
            + usage.cache_write_tokens * self.cache_write
            + usage.output_tokens * self.output
        )

    def worst_case(self, input_tokens: int, output_tokens: int) -> int:
        """Picodollars when nothing is cached and the answer is as long as it may be."""
        return input_tokens * max(self.input, self.cache_write) + output_tokens * self.output


class ModelRow(_Row):
    """What a model can do and costs; see the head of `models.yaml` for each field."""

    match: str
    output: OutputMode
    tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    effort: Literal["low", "medium", "high"] | None = None
    accepts_temperature: bool = False
    roundtrip_reasoning: bool = False
    cache_key: bool = False
    string_lengths: bool = False
    context: int | None = None
    max_output: int | None = None
    priced_up_to: int | None = None
    training_cutoff: date | None
    price: PriceSettings | None

    def contaminates(self, first_day: date) -> bool:
        """Whether a backtest that begins on this day overlaps what the model may have read; unknown counts as yes."""
        return self.training_cutoff is None or first_day <= self.training_cutoff


class ModelTable(_Row):
    """All rows, in order of trial, and the day the prices were read."""

    as_of: date
    models: tuple[ModelRow, ...]

    def find(self, provider: str, model: str) -> ModelRow:
        """First row that matches ``provider/model``; for an unknown provider the most modest one, without a price."""
        name = f"{provider}/{model}"
        for row in self.models:
            if fnmatch.fnmatchcase(name, row.match):
                return row
        return ModelRow(match=name, output=OutputMode.PROMPT, training_cutoff=None, price=None)


@lru_cache(maxsize=1)
def model_table() -> ModelTable:
    """The table that ships with DeepAlpha."""
    text = resources.files("deepalpha.llm").joinpath("models.yaml").read_text(encoding="utf-8")
    return ModelTable.model_validate(yaml.safe_load(text))


def dollars(picodollars: int) -> Decimal:
    """Exact US dollars."""
    return Decimal(picodollars) / PICODOLLARS
