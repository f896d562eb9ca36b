"""Orders and fills

What was sent, what became of it, and what it cost.
"""

import polars as pl
import streamlit as st

from components.guard import live
from components.station import station
from components.tables import money_table
from components.ticket import ticket, working_orders
from components.words import money

HEIGHT = 520


def table(frame: pl.DataFrame, name: str, empty: str) -> None:
    if frame.is_empty():
        st.info(empty, icon=":material/inbox:")
        return
    symbols = sorted(frame["symbol"].unique().to_list())
    chosen = st.pills("Symbols", symbols, selection_mode="multi", key=f"symbols-{name}", label_visibility="collapsed")
    shown = frame.filter(pl.col("symbol").is_in(chosen)) if chosen else frame
    money_table(shown, height=HEIGHT)
    st.download_button("Download CSV", shown.write_csv(), f"{name}.csv", "text/csv", key=f"csv-{name}")


@live
def orders() -> None:
    table(station().orders(), "orders", "No order yet. Approve a decision, and its order appears here.")


@live
def fills() -> None:
    latest = station().fills(limit=1)
    if not latest.is_empty():
        fill = latest.to_dicts()[0]
        st.caption(
            f"Latest: {fill['side']} {fill['quantity']} {fill['symbol']} at {money(float(fill['price']))} "
            f"({fill['reason']}) · {fill['fill_id']}"
        )
    table(station().fills(), "fills", "No fill yet. An order fills at the open of the next bar.")


@live
def working() -> None:
    working_orders()


@live
def new_order() -> None:
    ticket()


first, second, third = st.tabs(["Fills", "Orders", "New order"])
with first:
    fills()
with second:
    working()
    orders()
with third:
    new_order()
