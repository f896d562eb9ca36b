"""From settings to a router. The only place where a provider's name becomes an address and a key becomes a client."""

from __future__ import annotations

import calendar
import time
from collections.abc import Callable
from datetime import UTC, date, datetime

from pydantic import SecretStr

from deepalpha.config.settings import LLMSettings, ProviderSettings
from deepalpha.errors import ConfigError
from deepalpha.llm.adapter import Adapter
from deepalpha.llm.anthropic_messages import AnthropicMessages
from deepalpha.llm.budget import Budget
from deepalpha.llm.call_log import CallLog, spent
from deepalpha.llm.member import Member
from deepalpha.llm.models import OutputMode, Price, model_table
from deepalpha.llm.openai_compatible import OpenAICompatible
from deepalpha.llm.recorded import Completer, Recorded
from deepalpha.llm.reviewer import Reviewer
from deepalpha.llm.router import Router
from deepalpha.llm.security import Redactor, checked_model, checked_name, protect_logging, resolve_key
from deepalpha.types import SECOND

BASE_URLS = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
    "deepseek": "https://api.deepseek.com",
    "openrouter": "https://openrouter.ai/api/v1",
    "ollama": "http://127.0.0.1:11434/v1",
}


def vendor(name: str) -> str:
    """Whose models a provider has, for the model table: its name up to the first dash (``openai-large``: openai)."""
    return name.partition("-")[0]


def make_member(name: str, settings: ProviderSettings, redactor: Redactor) -> Member:
    """One provider of the settings.

    Raises:
        ConfigError: a name, address, key or SDK that cannot be used; says what to change.
    """
    checked_name(name)
    row = model_table().find(vendor(name), checked_model(settings.model))
    url = settings.base_url or BASE_URLS.get(vendor(name))
    if url is None:
        raise ConfigError(f"llm.providers.{name} needs a base_url; known without: {', '.join(BASE_URLS)}")
    key: SecretStr | None = resolve_key(settings.key)
    if key is not None:
        redactor.learn(key)
    make = AnthropicMessages if settings.kind == "anthropic" else OpenAICompatible
    adapter: Adapter = make(name, settings.model, row, url, key)
    price = settings.price or row.price
    return Member(
        adapter,
        None if price is None else Price.per_million(price),
        output=OutputMode(settings.output) if settings.output else None,
        weight=settings.weight,
        concurrency=settings.concurrency,
        requests_per_minute=settings.requests_per_minute,
    )


def make_router(
    settings: LLMSettings,
    log: CallLog,
    *,
    run_id: str,
    redactor: Redactor | None = None,
    clock: Callable[[], int] = time.time_ns,
) -> Router:
    """The router of the settings; without providers, or switched off, one that is rule-only.

    What the log says was spent this month counts against the caps, so a restart is no way around them.

    Raises:
        ConfigError: a provider that cannot be used.
    """
    redactor = redactor or Redactor()
    protect_logging(redactor)
    providers = settings.providers if settings.enabled else {}
    members = [make_member(name, provider, redactor) for name, provider in providers.items()]
    budget = Budget(settings.budget, spent(log, month_start(clock())))
    return Router(
        members,
        budget=budget,
        log=log,
        redactor=redactor,
        run_id=run_id,
        rounds=settings.rounds,
        cache_s=settings.cache_s,
        clock=clock,
    )


def make_replay(settings: LLMSettings, log: CallLog, *, cycle: str | None = None, until: int | None = None) -> Recorded:
    """What answers from the log in place of the router of the same settings; needs no key and no SDK."""
    names = {f"{name}/{provider.model}": provider.weight for name, provider in settings.providers.items()}
    return Recorded(log, tuple(names), weights=names, cycle=cycle, until=until)


def make_reviewer(settings: LLMSettings, completer: Completer) -> Reviewer:
    """The reviewer of the settings, over the router or over the log of one."""
    return Reviewer(
        completer, deadline_s=settings.deadline_s, max_tokens=settings.max_tokens, samples=settings.ensemble
    )


def contaminating(settings: LLMSettings, first_day: date) -> tuple[str, ...]:
    """Models whose training may have read the days of a backtest that begins on `first_day`; empty when none has.

    A model with an unknown cutoff is always among them. Figures of such a backtest must be marked and kept out of
    headlines: the model may remember what it is asked to foresee.
    """
    if not settings.enabled:
        return ()
    return tuple(
        f"{name}/{provider.model}"
        for name, provider in settings.providers.items()
        if model_table().find(vendor(name), provider.model).contaminates(first_day)
    )


def month_start(now: int) -> int:
    """UTC nanoseconds of the first of this month."""
    moment = datetime.fromtimestamp(now // SECOND, UTC)
    return calendar.timegm((moment.year, moment.month, 1, 0, 0, 0)) * SECOND
