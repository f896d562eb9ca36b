"""Tables of the log: figures to the right with separators, gains green, losses red. The CSV has the exact text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
import streamlit as st

UTC = st.column_config.DatetimeColumn("market time (UTC)", format="YYYY-MM-DD HH:mm")
ID = {
    "decision_id": st.column_config.TextColumn("decision", width="small"),
    "client_order_id": st.column_config.TextColumn("order id", width="small"),
    "fill_id": st.column_config.TextColumn("fill id", width="medium"),
}


def _signed(value: float) -> str:
    return f"{value:+,.2f}" if value else "0.00"


FIGURES = {"quantity": "{:,.8g}", "price": "{:,.2f}", "fee": "{:,.2f}", "realised_pnl": _signed}
NAMES = {"realised_pnl": "realised P&L", "approved_by": "approved by", "blocked_by": "held back by"}


def money_table(frame: pl.DataFrame, *, height: int | str = "auto", columns: Mapping[str, Any] | None = None) -> None:
    """A frame of orders or fills; amounts arrive as exact text and are shown rounded."""
    figures = {name: form for name, form in FIGURES.items() if name in frame.columns}
    shown = frame.with_columns(pl.col(name).cast(pl.Float64, strict=False) for name in figures).to_pandas()
    styled = shown.style.format(figures, na_rep="–")
    if "realised_pnl" in figures:
        styled = styled.map(_gain, subset=["realised_pnl"])
    if "side" in frame.columns:
        styled = styled.map(_side, subset=["side"])
    config = {**{name: st.column_config.Column(label) for name, label in NAMES.items()}, "time": UTC, **ID}
    st.dataframe(
        styled,
        hide_index=True,
        width="stretch",
        height=height,
        column_config={**config, **(columns or {})},
        placeholder="–",
    )


def _gain(value: float) -> str:
    return "" if value == 0 else f"color: {'#2fb67c' if value > 0 else '#e5484d'}"


def _side(value: str) -> str:
    return f"color: {'#2fb67c' if value == 'buy' else '#e5484d'}"
