"""What an agent is: one class with one coroutine that turns a frozen `Context` into a `Signal`.

An agent reads nothing but its context: no clock, no file, no network. The same context gives the same signal, byte
for byte, which is what makes a decision's id and a replay possible. To add one, drop a file into this directory whose
class has the file's name as its `name`, or name any importable class as ``package.module:Class``.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import pkgutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import ClassVar, TypeGuard

from deepalpha.config import AgentSettings, Workspace
from deepalpha.errors import ConfigError
from deepalpha.ta.candles import CANDLE_NAMES
from deepalpha.types import AgentRole, Context, Headline, PositionView, Signal

_PACKAGE = "deepalpha.agents"
_ACCOUNT_FIELDS = frozenset(PositionView.__struct_fields__) - {"peers"}
_PEER_FIELDS = frozenset({"value", "correlation", "ratio", "pull"})
_BAR_FIELDS = frozenset({"open", "high", "low", "close", "volume"})


class BaseAgent:
    """One analyst. Subclass it, set `name`, list the indicator `series` it reads, write `analyze`.

    Attributes:
        name: unique among the agents of one engine; the key of weights and contributions.
        version: changes whenever the same context may give another signal.
        role: `voter` answers with a direction or abstains; `guard` only caps the size (0 is a veto).
        series: indicators wanted on every timeframe, by id with parameters, such as ``RSI_14`` or ``BBANDS_20_2_2``. An
            indicator with several outputs arrives as one series an output: ``BBANDS_20_2_2.upperband``.
    """

    name: ClassVar[str] = ""
    version: str = "1"
    role: ClassVar[AgentRole] = AgentRole.VOTER
    series: ClassVar[tuple[str, ...]] = ()

    status: str = ""
    """In words for a person: what this agent works with, shown by `deepalpha live status`; empty: nothing to say."""

    def begin(
        self,
        workspace: Workspace | None,  # noqa: ARG002 - for subclasses
        settings: AgentSettings,  # noqa: ARG002 - for subclasses
    ) -> Iterable[str]:
        """Get ready, once, before the first snapshot: the only place to read a file. Nothing to do by default.

        Args:
            workspace: where the engine keeps its things; None: keep nothing.
            settings: the section `agents`.

        Returns:
            Problems that were put right, in words; the engine writes them into its log.

        Raises:
            ConfigError: the engine cannot start with these settings.
        """
        return ()

    def prepare(self, headlines: Sequence[Headline]) -> None:
        """Think about headlines before a snapshot has them, so that no decision waits for it; must change no vote."""

    async def analyze(self, ctx: Context) -> Signal:
        """Judge one snapshot.

        Args:
            ctx: closed bars, headlines and account as of `ctx.asof`; arrays are read-only, NaN during warm-up.

        Returns:
            A voter: `Signal.buy`, `.sell`, `.hold` or `.abstain`. A guard: `Signal.guard`. Every `Evidence.id` must
            exist in the context (see `evidence_exists`). The runner fills in who, when and on what snapshot.

        Raises:
            Anything: the runner turns it into a signal with status ``error``, never into a neutral vote.
        """
        raise NotImplementedError(f"{type(self).__name__} has no analyze(ctx)")


def series_needed(agents: Iterable[BaseAgent]) -> tuple[str, ...]:
    """Indicator ids that all these agents read, sorted, each once.

    Example:
        >>> series_needed([])
        ()
    """
    return tuple(sorted({series for agent in agents for series in agent.series}))


def evidence_exists(ctx: Context, evidence_id: str) -> bool:
    """Whether an evidence id names something inside the snapshot.

    Known forms: ``<timeframe>:<open|high|low|close|volume>``, ``<timeframe>:<series id>``, ``<timeframe>:<candlestick
    pattern>`` (read off the bars: ``1d:CDLHAMMER``), ``news:<headline id>``, ``account:<number of
    PositionView>`` and ``peer:<symbol>:<correlation|ratio|pull|value>``.
    """
    source, separator, what = evidence_id.partition(":")
    if not separator:
        return False
    if source == "news":
        return any(headline.id == what for headline in ctx.news)
    if source == "account":
        return what in _ACCOUNT_FIELDS
    if source == "peer":
        symbol, _, field = what.rpartition(":")
        return field in _PEER_FIELDS and any(peer.symbol == symbol for peer in ctx.position.peers)
    frame = ctx.bars.get(source)
    return frame is not None and (what in _BAR_FIELDS or what in CANDLE_NAMES or what in frame.series)


def built_in_names() -> tuple[str, ...]:
    """Names of the agents shipped in this package: every module with a class of the module's own name."""
    modules = pkgutil.iter_modules([str(Path(__file__).parent)])
    names = (module.name for module in modules if not module.name.startswith("_"))
    return tuple(sorted(name for name in names if _own_class(importlib.import_module(f"{_PACKAGE}.{name}"), name)))


def discover(names: Sequence[str]) -> list[BaseAgent]:
    """Build agents from their configured names, in that order.

    Args:
        names: a built-in name (``technical`` is the module ``deepalpha/agents/technical.py``) or
            ``package.module:Class``.

    Raises:
        ConfigError: a name is unknown (with the nearest one that exists), cannot be built, or comes twice.
    """
    agents = [_from_path(name) if ":" in name else _built_in(name) for name in names]
    seen: set[str] = set()
    for agent in agents:
        if agent.name in seen:
            raise ConfigError(f"agent name {agent.name!r} comes twice in {list(names)}; names must be unique")
        seen.add(agent.name)
    return agents


def _built_in(name: str) -> BaseAgent:
    if name.isidentifier() and importlib.util.find_spec(f"{_PACKAGE}.{name}") is not None:
        found = _own_class(importlib.import_module(f"{_PACKAGE}.{name}"), name)
        if found is not None:
            return found()
    known = built_in_names()
    nearest = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {nearest[0]!r}?" if nearest else "."
    raise ConfigError(f"no agent is called {name!r}{hint} There is {list(known)}, or write 'package.module:Class'.")


def _from_path(path: str) -> BaseAgent:
    module_name, _, class_name = path.partition(":")
    try:
        module = importlib.import_module(module_name)
    except (ImportError, ValueError) as error:
        raise ConfigError(f"agent {path!r}: cannot import {module_name!r} ({error}); is it on the path?") from error
    found = getattr(module, class_name, None)
    if found is None:
        classes = [name for name, value in vars(module).items() if _is_agent(value)]
        nearest = difflib.get_close_matches(class_name, classes, n=1)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else f"; it has {classes}"
        raise ConfigError(f"agent {path!r}: {module_name} has no {class_name!r}{hint}")
    if not _is_agent(found):
        raise ConfigError(f"agent {path!r} is not a subclass of deepalpha.agents.BaseAgent")
    if not found.name:
        raise ConfigError(f"agent {path!r} has no name; set the class attribute `name`")
    try:
        return found()
    except TypeError as error:
        raise ConfigError(f"agent {path!r} cannot be built without arguments: {error}") from error


def _own_class(module: ModuleType, name: str) -> type[BaseAgent] | None:
    """The agent class defined in (not merely imported into) `module` and called like it."""
    for value in vars(module).values():
        if _is_agent(value) and value.__module__ == module.__name__ and value.name == name:
            return value
    return None


def _is_agent(value: object) -> TypeGuard[type[BaseAgent]]:
    return inspect.isclass(value) and issubclass(value, BaseAgent) and value is not BaseAgent
