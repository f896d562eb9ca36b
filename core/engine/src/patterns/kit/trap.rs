//! A hikkake that waits to be confirmed.

use super::see::{Blind, Eye, See};

/// Bars within which a close must confirm.
const PATIENCE: usize = 3;

/// The last false break before the newest bar, still waiting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trap {
    pub(crate) ago: usize,
    pub(crate) sign: i32,
    /// The close must go beyond this.
    level: f64,
}

/// Whether the bar so long ago completes a false break with that sign.
type Sprung<W> = fn(&mut See<'_, Blind<W>>, usize, i32) -> bool;

impl Trap {
    /// The trap that waits at the newest bar; `sprung` tells whether the bar so long ago completes one with that sign.
    /// `None` when that bar springs one itself, or none is waiting.
    #[inline]
    pub(crate) fn last<E: Eye>(see: &See<'_, E>, sprung: Sprung<E::Window>) -> Option<Self> {
        let sign_at = |ago: usize| {
            let sign = if see.candle(ago).high < see.candle(ago + 1).high { 100 } else { -100 };
            see.quietly(|quiet| sprung(quiet, ago, sign)).then_some(sign)
        };
        if sign_at(0).is_some() {
            return None;
        }
        let (ago, sign) = (1..=PATIENCE).find_map(|ago| Some((ago, sign_at(ago)?)))?;
        let inside = see.candle(ago + 1);
        let trap = Self { ago, sign, level: if sign > 0 { inside.high } else { inside.low } };
        let over = (1..ago).any(|between| trap.beyond(see.candle(between).close));
        (!over).then_some(trap)
    }

    fn beyond(&self, close: f64) -> bool {
        if self.sign > 0 { close > self.level } else { close < self.level }
    }

    /// Whether the newest close takes the break back.
    #[inline]
    pub(crate) fn confirmed<E: Eye>(&self, see: &mut See<'_, E>) -> bool {
        let close = see.candle(0).close;
        see.beyond(self.sign, 0, "close takes the false break back", close, self.level)
    }
}
