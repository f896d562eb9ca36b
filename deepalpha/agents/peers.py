"""What else is held and how it moves with the symbol: correlation, hedge ratio and pull of the account's other symbols.

O(symbols x window) for one decision, some 40 us a pair at 250 bars.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from deepalpha.types import Peer

if TYPE_CHECKING:
    from numpy.typing import NDArray

WINDOW = 250
"""Common returns that are looked at."""
NEEDED = 60
"""Fewer common returns than this are no measurement."""
SHOWN = 8
"""Symbols that are not held and are told of, those that move most like the symbol."""
_DECIMALS = 6

Window = Mapping[str, "NDArray[Any]"]


def peers(symbol: str, windows: Mapping[str, Window], values: Mapping[str, float]) -> tuple[Peer, ...]:
    """The other symbols, by name.

    Args:
        symbol: the one that is decided on.
        windows: closed bars of every symbol up to the moment of the decision: arrays `ts_open` and `close`.
        values: what is held, in the account's currency; a symbol that is missing is not held.

    Returns:
        All that are held, measured or not (then with correlation 0 and n = 0), and the most similar ones of the rest.
    """
    own = windows[symbol]
    found = [_peer(name, own, window, values.get(name, 0.0)) for name, window in windows.items() if name != symbol]
    held = [peer for peer in found if peer.value]
    rest = sorted((peer for peer in found if not peer.value and peer.n), key=lambda p: (-abs(p.correlation), p.symbol))
    return tuple(sorted((*held, *rest[:SHOWN]), key=lambda peer: peer.symbol))


def _peer(name: str, own: Window, other: Window, value: float) -> Peer:
    ours, theirs = _common(own, other)
    unknown = Peer(symbol=name, value=value, correlation=0.0, ratio=0.0, pull=0.0, n=0)
    if len(ours) < NEEDED:
        return unknown
    deviations = float(np.std(ours)), float(np.std(theirs))
    if not min(deviations) > 0.0:  # a price that does not move
        return unknown
    correlation = float(np.mean((ours - ours.mean()) * (theirs - theirs.mean()))) / (deviations[0] * deviations[1])
    return Peer(
        symbol=name,
        value=value,
        correlation=round(correlation, _DECIMALS),
        ratio=round(correlation * deviations[0] / deviations[1], _DECIMALS),
        pull=round(correlation * deviations[1] / deviations[0], _DECIMALS),
        n=len(ours),
    )


def _common(own: Window, other: Window) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Log returns between the bars that both have, the last `WINDOW` of them."""
    a, b = own["close"].astype(np.float64), other["close"].astype(np.float64)
    if not np.array_equal(own["ts_open"], other["ts_open"]):  # most often they trade on the same days
        _, left, right = np.intersect1d(own["ts_open"], other["ts_open"], assume_unique=True, return_indices=True)
        a, b = a[left], b[right]
    usable = (a > 0) & (b > 0) & np.isfinite(a) & np.isfinite(b)
    a, b = a[usable][-WINDOW - 1 :], b[usable][-WINDOW - 1 :]
    return np.diff(np.log(a)), np.diff(np.log(b))
