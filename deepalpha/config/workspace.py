"""Where one analyst's things are kept: a directory with the log, the store, the catalog and the engine's lock."""

from __future__ import annotations

import os
from pathlib import Path

from deepalpha.errors import StoreError

_CHECKOUT = Path(__file__).resolve().parents[2]
ENVIRONMENT_VARIABLE = "DEEPALPHA_WORKSPACE"


class Workspace:
    """A workspace directory; made on first use.

    Args:
        root: the directory. None means the environment variable DEEPALPHA_WORKSPACE, else `data/var` of the checkout,
            else `data/var` below the current directory.

    Raises:
        StoreError: the directory cannot be made or written; the message says what to do.
    """

    def __init__(self, root: str | Path | None = None) -> None:
        self.root = self._resolve(root)
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"workspace {self.root} cannot be made ({error.strerror}); choose another with --workspace DIR"
            ) from error
        if not os.access(self.root, os.W_OK):
            raise StoreError(f"workspace {self.root} is not writable; choose another with --workspace DIR")

    @staticmethod
    def _resolve(root: str | Path | None) -> Path:
        chosen = root or os.environ.get(ENVIRONMENT_VARIABLE)
        if chosen:
            return Path(chosen).expanduser().resolve()
        base = _CHECKOUT if (_CHECKOUT / "data" / "sample").is_dir() else Path.cwd()
        return (base / "data" / "var").resolve()

    @property
    def ops(self) -> Path:
        """The operational log. Opened only by the core."""
        return self.root / "ops.sqlite"

    @property
    def duckdb(self) -> Path:
        """The analyst's store. Opened only by `deepalpha.store`."""
        return self.root / "deepalpha.duckdb"

    @property
    def catalog(self) -> Path:
        """Parquet files of bars."""
        return self.root / "catalog"

    @property
    def models(self) -> Path:
        """Models trained here, such as the news classifier's."""
        return self.root / "models"

    @property
    def reports(self) -> Path:
        """Kept results of reports; made by the first one."""
        return self.root / "reports"

    @property
    def lock(self) -> Path:
        """Held by the running engine; holds its process id."""
        return self.root / "engine.lock"

    @property
    def engine_log(self) -> Path:
        """What the engine process wrote."""
        return self.root / "engine.log"

    @property
    def settings(self) -> Path:
        """Settings of this workspace; optional."""
        return self.root / "settings.yaml"

    def __repr__(self) -> str:
        return f"Workspace({str(self.root)!r})"
