"""Batches leave the core by the Arrow C data interface: other people's libraries read them, nothing is left behind."""

from __future__ import annotations

import ctypes
import gc
import subprocess
import sys
import threading
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepalpha._core import Batch
from deepalpha.errors import MarketDataError

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@cache
def columns(rows: int) -> dict[str, Any]:
    numbers = np.arange(rows)
    return {
        "symbol": [("BTCUSDT", "ETHUSDT", "SOLUSDT")[index % 3] for index in range(rows)],
        "ts_event": numbers.astype(np.int64) - 2,
        "trade_id": numbers.astype(np.uint64) + np.uint64(2**63),
        "price": numbers / 3,
        "buyer": numbers % 2 == 0,
        "note": [f"größe {index}" for index in range(rows)],
    }


def batch(rows: int = 5) -> Batch:
    return Batch(columns(rows), kind="trades", symbols=["symbol"])


def address(array: Any) -> int:
    pointer: int = array.__array_interface__["data"][0]
    return pointer


def test_pyarrow_polars_and_duckdb_read_the_same_rows() -> None:
    made = batch()
    record = pa.record_batch(made)
    record.validate(full=True)
    expected = {
        "symbol": ["BTCUSDT", "ETHUSDT", "SOLUSDT", "BTCUSDT", "ETHUSDT"],
        "ts_event": [-2, -1, 0, 1, 2],
        "trade_id": [2**63 + index for index in range(5)],
        "price": [index / 3 for index in range(5)],
        "buyer": [True, False, True, False, True],
        "note": [f"größe {index}" for index in range(5)],
    }
    assert record.to_pydict() == expected
    assert [str(field.type) for field in record.schema] == [
        "dictionary<values=string, indices=int32, ordered=0>",
        "int64",
        "uint64",
        "double",
        "bool",
        "string",
    ]
    assert pl.DataFrame(made).to_dict(as_series=False) == expected
    rows = pa.table(made)  # by the stream interface
    rows.validate(full=True)
    assert rows.to_pydict() == expected
    assert duckdb.sql("select symbol, sum(ts_event) from rows group by 1 order by 1").fetchall() == [
        ("BTCUSDT", -1),
        ("ETHUSDT", 1),
        ("SOLUSDT", 0),
    ]
    assert pa.schema(made) == record.schema


def test_an_empty_batch_is_read_by_all_three() -> None:
    made = batch(0)
    record = pa.record_batch(made)
    record.validate(full=True)
    assert (len(made), record.num_rows, pl.DataFrame(made).shape) == (0, 0, (0, 6))
    rows = pa.table(made)
    assert duckdb.sql("select count(*) from rows").fetchall() == [(0,)] and rows.num_rows == 0


def test_columns_are_lent_without_a_copy_and_cannot_be_written() -> None:
    made = batch(1000)
    record = pa.record_batch(made)
    for name in ("ts_event", "trade_id", "price"):
        lent = made.to_numpy(name)
        assert address(lent) == record.column(name).buffers()[1].address == address(made.to_numpy(name))
        assert not lent.flags.writeable
        with pytest.raises(ValueError, match="WRITEABLE"):
            lent.flags.writeable = True
    codes = made.to_numpy("symbol")
    assert codes.dtype == np.int32
    assert [made.categories("symbol")[code] for code in codes[:3]] == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    assert made.to_numpy("buyer").tolist() == [index % 2 == 0 for index in range(1000)]
    assert made.to_numpy("note")[999] == "größe 999"


def test_a_lent_column_outlives_its_batch() -> None:
    made = batch(100_000)
    lent, record = made.to_numpy("price"), pa.record_batch(made)
    del made
    gc.collect()
    churn = [batch(10_000) for _ in range(20)]
    assert len(churn) == 20
    assert np.array_equal(lent, np.arange(100_000) / 3)
    record.validate(full=True)
    column = record.column("price")  # a child moved out of its parent lives on its own
    del record, churn
    gc.collect()
    assert column.to_pylist()[-1] == 99_999 / 3


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.floats(), st.booleans(), WORDS), max_size=200))
def test_any_rows_come_back_as_they_were(rows: list[tuple[int, float, bool, str]]) -> None:
    whole, floats, flags, words = ([row[index] for row in rows] for index in range(4))
    made = Batch(
        {
            "whole": np.array(whole, np.int64),
            "floats": np.array(floats, np.float64),
            "flags": np.array(flags, np.bool_),
            "words": words,
            "coded": words,
        },
        symbols=["coded"],
    )
    record = pa.record_batch(made)
    record.validate(full=True)
    found = record.to_pydict()
    assert (found["whole"], found["flags"], found["words"], found["coded"]) == (whole, flags, words, words)
    assert np.array_equal(found["floats"], floats, equal_nan=True)
    assert made.to_numpy("flags").tolist() == flags


def resident() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


def test_ten_thousand_batches_leave_no_memory_behind() -> None:
    prices = np.arange(6000.0)  # 96 kB a batch

    def use(count: int) -> None:
        for index in range(count):
            made = Batch({"price": prices, "id": prices.view(np.int64)})
            record = pa.record_batch(made)
            made.__arrow_c_array__()  # capsules that nobody takes release what they hold
            made.__arrow_c_stream__()
            made.__arrow_c_schema__()
            lent = made.to_numpy("price")
            if index % 2:
                pa.table(made)
            del made, record, lent

    use(1000)
    gc.collect()
    before = resident()
    use(9000)
    gc.collect()
    # One batch in nine leaked would be 9000 / 9 * 96 kB = 96 MB.
    assert resident() - before < 24 << 20


def test_batches_are_released_in_any_thread() -> None:
    kept = [pa.record_batch(batch(1000)) for _ in range(200)]
    halves = [kept[:100], kept[100:]]
    del kept
    threads = [threading.Thread(target=half.clear) for half in halves]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert halves == [[], []]


class ArrowArray(ctypes.Structure):
    """The struct of the specification, to be a careless consumer with."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("length", "null_count", "offset", "n_buffers", "n_children")),
        *((name, ctypes.c_void_p) for name in ("buffers", "children", "dictionary", "release", "private_data")),
    )


def test_releasing_twice_frees_once() -> None:
    _, capsule = batch(1000).__arrow_c_array__()
    pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
    pointer_of.restype, pointer_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    struct = ArrowArray.from_address(pointer_of(capsule, b"arrow_array"))
    assert (struct.length, struct.n_children, struct.n_buffers) == (1000, 6, 1)
    release = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(struct.release)
    release(ctypes.addressof(struct))
    assert (struct.release, struct.private_data) == (None, None)
    release(ctypes.addressof(struct))
    del capsule  # the capsule sees a released struct


def test_a_batch_that_outlives_python_ends_quietly() -> None:
    script = (
        "import builtins, pyarrow as pa, numpy as np\n"
        "from deepalpha._core import Batch\n"
        "made = Batch({'price': np.arange(1000.0)})\n"
        "builtins.kept = [made, pa.record_batch(made), pa.table(made), made.to_numpy('price')]\n"
        "builtins.kept.append(made.__arrow_c_array__())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"a": np.arange(3), "b": np.arange(2)}, '"b" has 2 rows, the first column 3'),
        ({"a": np.arange(3, dtype=np.int32)}, "neither a numpy array of int64"),
        ({"a": np.zeros((2, 2))}, "of one dimension"),
        ({"a\0b": np.arange(3)}, "zero byte"),
    ],
)
def test_what_cannot_be_a_batch_is_refused_by_name(columns: dict[str, Any], said: str) -> None:
    with pytest.raises(MarketDataError, match="column") as caught:
        Batch(columns)
    assert said in str(caught.value)


def test_an_unknown_column_lists_those_there_are() -> None:
    with pytest.raises(MarketDataError, match="symbol, ts_event, trade_id, price, buyer, note"):
        batch().to_numpy("prize")
    with pytest.raises(MarketDataError, match="holds no symbols"):
        batch().categories("price")
