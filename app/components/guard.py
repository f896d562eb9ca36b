"""Every error as one clear box that says what to do; never a traceback."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import wraps
from typing import ParamSpec

import streamlit as st

from deepalpha.errors import DeepAlphaError

P = ParamSpec("P")
REFRESH_S = 1.0


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Show a DeepAlphaError where it happened and let the rest of the page stand."""
    try:
        yield
    except DeepAlphaError as error:
        st.error(str(error), icon=":material/error:")


def live(render: Callable[P, None]) -> Callable[P, None]:
    """A part of a page that refreshes itself each second, without a rerun of the page."""

    @st.fragment(run_every=REFRESH_S)
    @wraps(render)
    def part(*args: P.args, **kwargs: P.kwargs) -> None:
        with guarded():
            render(*args, **kwargs)

    return part
