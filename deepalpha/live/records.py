"""What the loop writes: a batch is collected during a step and committed as one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from deepalpha.decision import Resolution
from deepalpha.gateways import Report
from deepalpha.store import Ops, Row, rows
from deepalpha.types import Fill, Mode, OrderEvent, OrderRequest, Verdict


class Batch:
    """Rows of one step, in order. Nothing is in the log before `commit`."""

    def __init__(
        self,
        ops: Ops,
        stamp: rows.Stamp,
        told: Callable[[Sequence[Row]], None],
        filled: Callable[[Fill], None],
    ) -> None:
        self._ops = ops
        self._rows: list[Row] = []
        self._told = told
        self._filled = filled
        self.stamp = stamp

    def add(self, *new: Row) -> None:
        """Append rows."""
        self._rows.extend(new)

    def audit(self, kind: str, ref: str, status: str, ts_event: int, body: object) -> None:
        """Append an audit row."""
        self._rows.append(rows.audit(self.stamp, kind, ref, status, ts_event, body))

    def intent(
        self, order: OrderRequest, *, mode: Mode, approved_by: str, ts_event: int, verdict: Verdict | None
    ) -> None:
        """Append an approved order."""
        self._rows.append(
            rows.order_intent(
                self.stamp,
                order,
                mode=mode,
                approved_by=approved_by,
                ts_event=ts_event,
                protective=False,
                verdict=verdict,
            )
        )

    def learned(self, resolutions: Iterable[Resolution]) -> None:
        """Append the outcomes of horizons that ended and what was learned from them."""
        for resolution in resolutions:
            self.add(rows.outcome(self.stamp, resolution.outcome), rows.fuser_update(self.stamp, resolution.update))

    def report(self, report: Report, *, mode: Mode, ts_event: int) -> None:
        """Append what a venue reported."""
        for fact in report:
            match fact:
                case OrderRequest():
                    row = rows.order_intent(
                        self.stamp, fact, mode=mode, approved_by="venue", ts_event=ts_event, protective=True
                    )
                case OrderEvent():
                    row = rows.order_event(self.stamp, fact)
                case Fill():
                    row = rows.fill(self.stamp, fact)
                    self._filled(fact)
            self._rows.append(row)

    def commit(self, *, durable: bool = False) -> int:
        """Write everything collected as one transaction; returns the number of rows."""
        written, self._rows = self._rows, []
        self._ops.append(written, durable=durable)
        self._told(written)
        return len(written)


class Scribe:
    """Makes batches stamped with this run and this account; `told` gets the rows of each batch once it is written.

    `filled` gets every fill that a venue reported, as it is written down.
    """

    def __init__(
        self,
        ops: Ops,
        *,
        run_id: str,
        account_id: str,
        clock: Callable[[], int],
        told: Callable[[Sequence[Row]], None],
        filled: Callable[[Fill], None],
    ) -> None:
        self.ops = ops
        self._filled = filled
        self.run_id = run_id
        self.account_id = account_id
        self.clock = clock
        self._told = told

    def stamp(self) -> rows.Stamp:
        """Who writes, now."""
        return rows.Stamp(ts_init=self.clock(), run_id=self.run_id, account_id=self.account_id)

    def batch(self) -> Batch:
        """An empty batch."""
        return Batch(self.ops, self.stamp(), self._told, self._filled)
