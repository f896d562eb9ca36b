//! Rule 8: a single wrong price is kept aside; a real crash passes.
//!
//! A price far from the median of the last trades is not judged by itself: what comes next decides. Back at the old level:
//! it was a spike. Still away after `confirm` trades: the market moved, and the median starts anew at the new level.
//!
//! The band around the median is never narrower than its floor, so a price that is within the floor of every price that
//! may be in the window lies in the band, whatever the median is: a trade of a quiet market costs two comparisons and a
//! store. Otherwise the band counts, which is computed from the whole window when it is 32 trades old and whenever a price
//! lies outside of it.

use serde::{Deserialize, Serialize};

use super::Tick;
use crate::stream::processor::SpikeRule;

const EVERY: u16 = 32;
/// Largest window of a rule.
const MOST: usize = 256;

/// What is to be done with the suspects and the trade itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// The trade is good; there was no suspect.
    Good,
    /// The trade is good and the suspects were spikes.
    Spikes,
    /// The trade is a suspect too and waits.
    Waits,
    /// The trade is one of a move: the suspects and it are good.
    Move,
}

/// The last prices of a symbol, and the trades under suspicion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Spike {
    prices: Vec<i64>,
    place: usize,
    since_band: u16,
    low: i64,
    high: i64,
    suspects: Vec<Tick>,
    span: Span,
}

/// Lowest and highest price of the window or more: of the last whole window's worth of trades and of those since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Span {
    before: (i64, i64),
    since: (i64, i64),
    trades: u16,
    /// Prices within these are good, whatever the band is.
    safe: (i64, i64),
}

const NO_PRICE: (i64, i64) = (i64::MAX, i64::MIN);

impl Span {
    const fn new() -> Self {
        Self { before: NO_PRICE, since: NO_PRICE, trades: 0, safe: NO_PRICE }
    }

    #[inline]
    fn is_safe(&self, price: i64) -> bool {
        price >= self.safe.0 && price <= self.safe.1
    }

    #[inline]
    fn take(&mut self, price: i64, rule: SpikeRule) {
        self.trades += 1;
        if price < self.since.0 || price > self.since.1 || self.trades >= rule.window {
            self.widen(price, rule);
        }
    }

    #[cold]
    fn widen(&mut self, price: i64, rule: SpikeRule) {
        self.since = (self.since.0.min(price), self.since.1.max(price));
        if self.trades >= rule.window {
            (self.before, self.since, self.trades) = (self.since, NO_PRICE, 0);
        }
        let (low, high) = (self.before.0.min(self.since.0), self.before.1.max(self.since.1));
        // The band of a median m is m -+ floor(m) at least; both its ends rise with m, and m is one of the prices.
        self.safe = (high.saturating_sub(floor_of(high, rule)), low.saturating_add(floor_of(low, rule)));
    }
}

/// What a price may be away from a median without being a suspect, in a market without any deviation.
fn floor_of(median: i64, rule: SpikeRule) -> i64 {
    let floor = i128::from(median) * i128::from(rule.floor_ppm) / 1_000_000;
    i64::try_from(floor).unwrap_or(i64::MAX)
}

impl Spike {
    pub(crate) fn new() -> Self {
        Self {
            prices: Vec::with_capacity(MOST),
            place: 0,
            since_band: 0,
            low: i64::MIN,
            high: i64::MAX,
            suspects: Vec::with_capacity(16),
            span: Span::new(),
        }
    }

    /// Trades under suspicion, oldest first.
    pub(crate) const fn suspects(&self) -> &Vec<Tick> {
        &self.suspects
    }

    /// The suspects, which are none any more.
    pub(crate) fn take_suspects(&mut self, into: &mut Vec<Tick>) {
        into.clear();
        into.append(&mut self.suspects);
    }

    /// Judge the next trade. After `Spikes` and `Move` the caller takes the suspects out.
    #[inline]
    pub(crate) fn judge(&mut self, tick: &Tick, rule: SpikeRule) -> Judgement {
        let inside = self.since_band < EVERY && tick.price >= self.low && tick.price <= self.high;
        if (inside || self.span.is_safe(tick.price)) && self.suspects.is_empty() {
            self.remember(tick.price, rule);
            return Judgement::Good;
        }
        self.judge_slowly(tick, rule)
    }

    fn judge_slowly(&mut self, tick: &Tick, rule: SpikeRule) -> Judgement {
        self.band(rule);
        if tick.price >= self.low && tick.price <= self.high {
            self.remember(tick.price, rule);
            return if self.suspects.is_empty() { Judgement::Good } else { Judgement::Spikes };
        }
        if self.suspects.len() + 1 < usize::from(rule.confirm) {
            self.suspects.push(*tick);
            return Judgement::Waits;
        }
        self.restart();
        let moved: usize = self.suspects.len();
        for place in 0..moved {
            let price = self.suspects.get(place).map_or(tick.price, |suspect| suspect.price);
            self.remember(price, rule);
        }
        self.remember(tick.price, rule);
        Judgement::Move
    }

    /// Half the band's width; nothing is far from anything before there is a band.
    pub(crate) fn reach(&mut self, rule: SpikeRule) -> i64 {
        self.band(rule);
        if self.low == i64::MIN { i64::MAX } else { self.high.saturating_sub(self.low) / 2 }
    }

    /// The suspects turned out to be good without a judgement (nothing followed): the level is theirs.
    pub(crate) fn pardon(&mut self) {
        self.restart();
    }

    fn restart(&mut self) {
        self.prices.clear();
        (self.place, self.since_band, self.low, self.high) = (0, 0, i64::MIN, i64::MAX);
        self.span = Span::new();
    }

    #[inline]
    fn remember(&mut self, price: i64, rule: SpikeRule) {
        match self.prices.get_mut(self.place) {
            Some(slot) => *slot = price,
            None => self.prices.push(price),
        }
        self.place += 1;
        if self.place >= usize::from(rule.window) {
            self.place = 0;
        }
        self.since_band = self.since_band.saturating_add(1);
        self.span.take(price, rule);
    }

    /// The band of prices that are no suspects, from the whole window. Before a quarter of it is there, all are good.
    #[cold]
    fn band(&mut self, rule: SpikeRule) {
        self.since_band = 0;
        let mut scratch = [0_i64; MOST];
        let Some(scratch) = scratch.get_mut(..self.prices.len()) else { return };
        if scratch.len() * 4 < usize::from(rule.window) {
            return;
        }
        scratch.copy_from_slice(&self.prices);
        let median = middle(scratch);
        scratch.iter_mut().for_each(|price| *price = price.saturating_sub(median).saturating_abs());
        let deviation = middle(scratch);
        let sigmas = i128::from(deviation) * 14_826 * i128::from(rule.factor) / 10_000;
        let reach = i64::try_from(sigmas).unwrap_or(i64::MAX).max(floor_of(median, rule));
        (self.low, self.high) = (median.saturating_sub(reach), median.saturating_add(reach));
    }
}

fn middle(values: &mut [i64]) -> i64 {
    let place = values.len() / 2;
    if place >= values.len() {
        return 0;
    }
    *values.select_nth_unstable(place).1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rule() -> impl Strategy<Value = SpikeRule> {
        (8_u16..=64, 3_u32..20, 0_u32..20_000, 2_u8..4).prop_map(|(window, factor, floor_ppm, confirm)| SpikeRule {
            window,
            factor,
            floor_ppm,
            confirm,
        })
    }

    /// Steps of a walk, most of them small.
    fn steps() -> impl Strategy<Value = Vec<i64>> {
        let step = prop_oneof![8 => -40_i64..40, 2 => -900_i64..900, 1 => -60_000_i64..60_000];
        prop::collection::vec(step, 1..400)
    }

    proptest! {
        /// Prices that are called safe lie in the band that the whole window gives now; so a price inside of that band is
        /// never a suspect, and none outside of the last two bands is ever good.
        #[test]
        fn safe_prices_are_in_the_band_of_the_window(rule in rule(), steps in steps()) {
            let mut spike = Spike::new();
            let mut price = 1_000_000_i64;
            for (number, step) in steps.into_iter().enumerate() {
                price = (price + step).max(1);
                let mut now = spike.clone();
                now.band(rule);
                if spike.span.safe != NO_PRICE {
                    prop_assert!(now.low <= spike.span.safe.0 && spike.span.safe.1 <= now.high || spike.span.safe.0 > spike.span.safe.1);
                }
                let inside = price >= now.low && price <= now.high;
                let before = (spike.low, spike.high);
                let number = number as u64;
                let tick = Tick { id: number, order: number, price, quantity: 1, ..Tick::default() };
                let judgement = spike.judge(&tick, rule);
                if inside {
                    prop_assert!(matches!(judgement, Judgement::Good | Judgement::Spikes));
                } else if price < before.0 || price > before.1 {
                    prop_assert!(matches!(judgement, Judgement::Waits | Judgement::Move));
                }
                if matches!(judgement, Judgement::Spikes | Judgement::Move) {
                    spike.take_suspects(&mut Vec::new());
                }
            }
        }
    }
}
