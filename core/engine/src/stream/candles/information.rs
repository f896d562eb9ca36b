//! Bars that end by what was traded: a number of trades, a volume, a notional.
//!
//! Trades enter in the order they leave the reordering; one that comes behind the watermark joins the bar then forming.
//! A trade that fills a bar is divided exactly; each part has the trade's id, and the bar of its first part counts it.

use serde::{Deserialize, Serialize};

use super::{Bar, Studies};
use crate::stream::output::{Output, flags};
use crate::stream::processor::BarKind;
use crate::stream::quality::Tick;
use crate::types::SCALE;

/// Most bars one trade may complete; what is left of it then makes one bar that is oversize.
const MOST_BARS_A_TRADE: u32 = 10_000;

/// One kind of such bars of a symbol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Information {
    forming: Option<Bar>,
    incomplete: bool,
}

impl Information {
    pub(crate) const fn new() -> Self {
        Self { forming: None, incomplete: false }
    }

    /// Trades are missing: the forming bar is incomplete for good.
    pub(crate) const fn hole(&mut self) {
        self.incomplete = true;
    }

    /// Take a trade in.
    pub(crate) fn add(
        &mut self,
        tick: &Tick,
        kind: BarKind,
        place: (u32, u16),
        studies: Option<&mut Studies>,
        out: &mut Output,
    ) {
        let mut studies = studies;
        let mut rest = tick.quantity;
        let mut counted = 1;
        let mut made = 0;
        while rest > 0 {
            let bar = self.forming.get_or_insert_with(|| Bar::empty(tick.ts_event, tick.ts_event));
            let part = if made < MOST_BARS_A_TRADE { rest.min(fitting(bar, tick, kind)) } else { rest };
            bar.add_part(tick, part, counted);
            bar.start = bar.start.min(tick.ts_event);
            bar.end = bar.end.max(tick.ts_event);
            rest -= part;
            counted = 0;
            if full(bar, kind) {
                let oversize = if made >= MOST_BARS_A_TRADE { flags::OVERSIZE } else { 0 };
                made += 1;
                self.close(oversize, place, studies.as_deref_mut(), out);
            }
        }
    }

    /// The stream ended: give the forming bar out as it is.
    pub(crate) fn finish(&mut self, place: (u32, u16), out: &mut Output) {
        self.close(flags::PARTIAL, place, None, out);
    }

    fn close(&mut self, more: u8, (symbol, bars): (u32, u16), studies: Option<&mut Studies>, out: &mut Output) {
        let Some(bar) = self.forming.take() else { return };
        let incomplete = if self.incomplete { flags::INCOMPLETE } else { 0 };
        self.incomplete = false;
        let row = bar.row(symbol, bars, more | incomplete, 0);
        out.bar(&row);
        if let Some(studies) = studies {
            studies.close(&row, out);
        }
    }
}

/// How much of a trade the bar takes until it is full; all of it for bars of trades.
fn fitting(bar: &Bar, tick: &Tick, kind: BarKind) -> i64 {
    match kind {
        BarKind::Time(_) | BarKind::Ticks(_) => i64::MAX,
        BarKind::Volume(size) => i64::try_from(i128::from(size.raw()) - bar.volume).unwrap_or(i64::MAX),
        BarKind::Notional(size) => {
            let left = i128::from(size.raw()) * i128::from(SCALE) - bar.notional;
            let price = i128::from(tick.price);
            i64::try_from((left + price - 1) / price).unwrap_or(i64::MAX).max(1)
        }
    }
}

fn full(bar: &Bar, kind: BarKind) -> bool {
    match kind {
        BarKind::Time(_) => false,
        BarKind::Ticks(ticks) => bar.trades >= ticks,
        BarKind::Volume(size) => bar.volume >= i128::from(size.raw()),
        BarKind::Notional(size) => bar.notional >= i128::from(size.raw()) * i128::from(SCALE),
    }
}
