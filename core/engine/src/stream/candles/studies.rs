//! Indicators on the closed bars of one kind and symbol.
//!
//! Two states: `live` has seen every closed bar, `settled` only those that cannot be revised any more. A revision replays
//! the bars between on a copy of `settled`, so the values after it are those of a batch over the final bars; the rows of the
//! revised bar and of all bars behind it are given out again.
//!
//! Settled bars are taken in many at a time: a bar that closes then waits for one state to come into the cache, not for two.

use crate::stream::output::{BarRow, Output};
use crate::ta::{Row, StreamSet, StreamSetError, Wanted};
use crate::types::Price;

/// The indicators of one kind of bars of one symbol.
#[derive(Clone)]
pub(crate) struct Studies {
    live: StreamSet,
    settled: Option<Settled>,
    /// A row of the output: the numbers, and NaN behind them where other bars have more.
    scratch: Vec<f64>,
}

/// Settled bars that wait at most.
const MOST_WAITING: usize = 128;

/// The state after the bars that cannot be revised, but for those that wait to be taken in.
#[derive(Clone)]
struct Settled {
    set: StreamSet,
    waiting: Vec<Row>,
}

impl Settled {
    const fn new(set: StreamSet) -> Self {
        Self { set, waiting: Vec::new() }
    }

    fn take_in(&mut self) {
        // Bars of fixed-point prices are finite, so they cannot be refused.
        let _finite = self.set.extend(0, &self.waiting);
        self.waiting.clear();
    }
}

/// What a bar is to an indicator.
#[expect(clippy::cast_precision_loss, reason = "indicators are statistics; the exact numbers stand in the bar")]
pub(crate) fn row_of(row: &BarRow) -> Row {
    let price = |raw: i64| Price::from_raw(raw).to_f64();
    [price(row.open), price(row.high), price(row.low), price(row.close), row.volume as f64 / 1e8]
}

impl Studies {
    /// `revisable`: bars may change after they closed.
    pub(crate) fn new(wanted: &[Wanted], symbol: &str, width: usize, revisable: bool) -> Result<Self, StreamSetError> {
        let live = StreamSet::new(wanted.to_vec(), vec![symbol.to_owned()])?;
        let settled = revisable.then(|| Settled::new(live.clone()));
        Ok(Self { live, settled, scratch: vec![f64::NAN; width] })
    }

    /// The next bar closed.
    pub(crate) fn close(&mut self, row: &BarRow, out: &mut Output) {
        // A bar of fixed-point prices is finite, so this cannot be refused.
        if let Ok(values) = self.live.update(0, &row_of(row)) {
            self.scratch.iter_mut().zip(values).for_each(|(slot, value)| *slot = *value);
            out.indicators(row, &self.scratch);
        }
    }

    /// A bar is about to close: compute what it would give, for nothing but the cache.
    pub(crate) fn prepare(&self, row: &BarRow) {
        std::hint::black_box(self.live.peek(0, &row_of(row)).is_ok());
    }

    /// The oldest bar that could be revised cannot any more.
    pub(crate) fn settle(&mut self, row: &BarRow) {
        if let Some(settled) = &mut self.settled {
            settled.waiting.push(row_of(row));
            if settled.waiting.len() >= MOST_WAITING {
                settled.take_in();
            }
        }
    }

    /// Closed bars changed: `kept` are all that could, from the one at `from` on their values are given out again.
    pub(crate) fn revise(&mut self, kept: impl Iterator<Item = BarRow>, from: usize, out: &mut Output) {
        let Some(settled) = &mut self.settled else { return };
        settled.take_in();
        self.live = settled.set.clone();
        for (place, row) in kept.enumerate() {
            if place < from {
                let _finite = self.live.update(0, &row_of(&row));
            } else {
                self.close(&row, out);
            }
        }
    }

    /// Both states as bytes.
    pub(crate) fn snapshot(&self) -> Result<(Vec<u8>, Option<Vec<u8>>), StreamSetError> {
        // Of equal histories equal bytes, however many bars wait.
        let settled = self.settled.clone().map(|mut settled| {
            settled.take_in();
            settled.set.snapshot()
        });
        Ok((self.live.snapshot()?, settled.transpose()?))
    }

    /// From [`Self::snapshot`].
    pub(crate) fn restore(&mut self, live: &[u8], settled: Option<&[u8]>) -> Result<(), StreamSetError> {
        let (live, settled) = (StreamSet::restore(live)?, settled.map(StreamSet::restore).transpose()?);
        (self.live, self.settled) = (live, settled.map(Settled::new));
        Ok(())
    }

    /// Names of the outputs.
    pub(crate) fn names(&self) -> &[String] {
        self.live.names()
    }
}
