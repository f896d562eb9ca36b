"""Who may know what. The layers are import-linter's; it cannot see the compiled core, so that rule is checked here."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAY_KNOW_THE_CORE = {"ta", "market", "risk", "execution", "store", "backtest", "live", "venue"}
SOURCES = sorted((ROOT / "deepalpha").rglob("*.py"))
VIEWS = sorted((ROOT / "app").rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Dotted names that a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_named_rooms_know_the_core(path: Path) -> None:
    room = path.relative_to(ROOT / "deepalpha").parts[0]
    knows = any(name.startswith("deepalpha._core") for name in imported(path))
    assert not knows or room in MAY_KNOW_THE_CORE


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_core_opens_the_log_and_only_the_store_opens_duckdb(path: Path) -> None:
    names = imported(path)
    assert not {"sqlite3", "adbc_driver_sqlite"} & names
    assert "duckdb" not in names or path.relative_to(ROOT / "deepalpha").parts[0] == "store"


@pytest.mark.parametrize("path", VIEWS, ids=lambda path: str(path.relative_to(ROOT)))
def test_screens_open_no_database_and_no_socket(path: Path) -> None:
    forbidden = {"duckdb", "sqlite3", "socket", "requests", "deepalpha._core", "deepalpha.store"}
    assert not {
        name for name in imported(path) if any(name == item or name.startswith(f"{item}.") for item in forbidden)
    }


def test_every_public_name_of_the_package_exists() -> None:
    import deepalpha

    assert all(getattr(deepalpha, name) is not None for name in deepalpha.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        deepalpha.nothing  # noqa: B018


def test_unsafe_code_stands_in_the_reviewed_files_only() -> None:
    sources = [path for crate in ("engine", "io", "py") for path in (ROOT / "core" / crate).rglob("*.rs")]
    with_unsafe = {
        path.relative_to(ROOT / "core").as_posix()
        for path in sources
        if any(mark in path.read_text(encoding="utf-8") for mark in ("unsafe {", "unsafe fn", "unsafe impl"))
    }
    simd = {f"engine/src/ta/kit/simd/{name}.rs" for name in ("mod", "strands", "tests", "x86")}
    assert with_unsafe == {*simd, "py/src/arrow.rs", "py/src/pool.rs"}
