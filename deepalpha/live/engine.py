"""`DeepAlphaEngine`: the loop inside your own program."""

from __future__ import annotations

import asyncio

from deepalpha.config import Settings, Workspace
from deepalpha.errors import EngineError
from deepalpha.live.lock import engine_lock
from deepalpha.live.loop import Loop


class DeepAlphaEngine:
    """The engine as an object: the same loop as `deepalpha live start`, in this process.

    Args:
        settings: what to run; None for the defaults.
        workspace: where everything is kept; None for the usual place.

    Example:
        >>> engine = DeepAlphaEngine(Settings.from_file("my.yaml"))    # doctest: +SKIP
        >>> engine.add_symbol("BTC/USDT")                              # doctest: +SKIP
        >>> await engine.start()                                       # doctest: +SKIP
        >>> await engine.stop()                                        # doctest: +SKIP
    """

    def __init__(self, settings: Settings | None = None, *, workspace: Workspace | None = None) -> None:
        self.settings = settings or Settings.default()
        self.workspace = workspace or Workspace()
        self.loop: Loop | None = None
        self._task: asyncio.Task[None] | None = None

    def add_symbol(self, symbol: str) -> None:
        """Trade one more symbol. EngineError once the engine runs."""
        if self._task is not None:
            raise EngineError(f"cannot add {symbol} while the engine runs; stop it first")
        if symbol not in self.settings.symbols:
            self.settings = self.settings.model_copy(update={"symbols": (*self.settings.symbols, symbol)})

    async def start(self) -> None:
        """Begin in the background of the running event loop. EngineError when it runs already."""
        if self._task is not None:
            raise EngineError("this engine runs already")
        lock = engine_lock(self.workspace.lock)
        lock.__enter__()
        try:
            self.loop = Loop(self.workspace, self.settings)
        except BaseException:
            lock.__exit__(None, None, None)
            raise
        self._task = asyncio.create_task(self.loop.run())
        self._task.add_done_callback(lambda _task: lock.__exit__(None, None, None))

    async def stop(self) -> None:
        """Finish the step in hand and end; nothing happens when it does not run."""
        if self._task is None or self.loop is None:
            return
        self.loop.stop()
        await self._task
        self._task = None
