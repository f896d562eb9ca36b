//! A hikkake that waits to be confirmed.

use super::see::{Eye, See};
use super::sight::{Sight, either};
use super::term::candle;
use super::watch::Window;

/// Bars within which a close must confirm.
pub(crate) const PATIENCE: usize = 3;

/// What a false break is.
pub(crate) trait Break {
    /// Whether the bar so long ago completes a false break with that sign.
    fn sprung<S: Sight>(see: &mut S, ago: usize, sign: S::Sign) -> S::Truth;
}

/// The last false break before the newest bar, still waiting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trap {
    pub(crate) ago: usize,
    pub(crate) is_up: bool,
}

impl Trap {
    /// The trap that waits at the newest bar. `None` when that bar springs one itself, or none is waiting.
    #[inline]
    pub(crate) fn last<B: Break, E: Eye>(see: &See<'_, E>) -> Option<Self> {
        let sign_at = |ago: usize| {
            let is_up = see.watch.candle(ago).high < see.watch.candle(ago + 1).high;
            see.quietly(|quiet| B::sprung(quiet, ago, is_up)).then_some(is_up)
        };
        if sign_at(0).is_some() {
            return None;
        }
        let (ago, is_up) = (1..=PATIENCE).find_map(|ago| Some((ago, sign_at(ago)?)))?;
        let trap = Self { ago, is_up };
        let over = (1..ago).any(|between| see.quietly(|quiet| trap.taken_back(quiet, between)));
        (!over).then_some(trap)
    }

    #[inline(always)]
    fn taken_back<E: Eye>(self, see: &mut See<'_, E>, at: usize) -> bool {
        taken_back(see, at, self.ago, self.is_up)
    }

    /// Whether the newest close takes the break back.
    #[inline]
    pub(crate) fn confirmed<E: Eye>(self, see: &mut See<'_, E>) -> bool {
        self.taken_back(see, 0)
    }
}

/// Whether the close so long ago takes back the break `ago` with that sign.
#[inline(always)]
pub(crate) fn taken_back<S: Sight>(see: &mut S, at: usize, ago: usize, sign: S::Sign) -> S::Truth {
    let (close, inside) = (candle(at).close, candle(ago + 1));
    let what = "close takes the false break back";
    either!(see, sign, see.above(at, what, close, inside.high), see.below(at, what, close, inside.low))
}
