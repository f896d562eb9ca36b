//! How a tile's rows and bits are filled: loops of fixed length without a branch, eight bars at a time.
#![expect(clippy::indexing_slicing, reason = "rows have SPAN places, words are counted by their constant")]

use super::{Bits, FRONT, HEAD, LONGEST, Row, SPAN, Tile, WORD, WORDS, Windows};
use crate::patterns::kit::see::Relation;
use crate::patterns::kit::settings::RangeType;
use crate::patterns::kit::term::{PARTS, Part};
use crate::patterns::kit::traits::{Against, Trait};
use crate::ta::kit::simd::{Job, LANES, Number, Wide, fetch};

/// Copies prices; whether all are finite, and if it is `BOUNDED` the lowest and the highest.
pub(super) struct TakeIn<'t, 's, const BOUNDED: bool> {
    pub(super) rows: &'t mut [Row; PARTS],
    pub(super) series: [&'s [f64]; 4],
    pub(super) first: usize,
    pub(super) end: usize,
}

impl<const BOUNDED: bool> Job for TakeIn<'_, '_, BOUNDED> {
    type Output = (bool, f64, f64);

    #[inline(always)]
    fn run<W: Wide>(self) -> Self::Output {
        let Self { rows: [open, high, low, close, ..], series, first, end } = self;
        let rows = [open, high, low, close];
        let mut look = Extremes::<W>::new();
        // A block with all its places in the series is looked at on its way; of others the rows are looked at.
        if let Some(sides) = whole(series, first, end) {
            for place in 0..SPAN / LANES {
                // Four sides, so that four chains go on at once.
                for side in 0..4 {
                    let prices = lanes_at::<W>(sides[side], place * LANES);
                    rows[side].0.as_chunks_mut().0[place] = prices.to_lanes();
                    look.note::<BOUNDED>(side, prices);
                }
            }
            return look.tell();
        }
        let front = first.min(FRONT);
        for (row, side) in rows.into_iter().zip(series) {
            let (row, prices) = (&mut row.0, &side[first - front..end]);
            // Behind the last bar and before the first, prices that change no extreme.
            let (begin, behind) = (FRONT - front, FRONT + end - first);
            row[begin..behind].copy_from_slice(prices);
            row[..begin].fill(prices.first().copied().unwrap_or(0.0));
            row[behind..].fill(prices.last().copied().unwrap_or(0.0));
        }
        for at in (0..SPAN).step_by(LANES) {
            for (side, row) in self.rows.iter().take(4).enumerate() {
                look.note::<BOUNDED>(side, lanes_at(&row.0, at));
            }
        }
        look.tell()
    }
}

/// All places of a block on all sides, if they are in the series.
#[inline(always)]
fn whole(series: [&[f64]; 4], first: usize, end: usize) -> Option<[&[f64; SPAN]; 4]> {
    let [open, high, low, close] = series;
    Some([side(open, first, end)?, side(high, first, end)?, side(low, first, end)?, side(close, first, end)?])
}

#[inline(always)]
fn side(prices: &[f64], first: usize, end: usize) -> Option<&[f64; SPAN]> {
    prices.get(first.checked_sub(FRONT)?..end)?.try_into().ok()
}

/// What prices are like, side by side.
struct Extremes<W> {
    /// A NaN stays in the sum.
    gap: [W; 4],
    least: [W; 4],
    largest: [W; 4],
}

impl<W: Wide> Extremes<W> {
    #[inline(always)]
    fn new() -> Self {
        Self { gap: [W::default(); 4], least: [W::splat(f64::INFINITY); 4], largest: [W::splat(f64::NEG_INFINITY); 4] }
    }

    #[inline(always)]
    fn note<const BOUNDED: bool>(&mut self, side: usize, prices: W) {
        self.gap[side] = prices.note_gap(self.gap[side]);
        if BOUNDED {
            self.least[side] = self.least[side].smaller(prices);
            self.largest[side] = self.largest[side].larger(prices);
        }
    }

    /// Whether all are finite, and the lowest and the highest.
    #[inline(always)]
    fn tell(self) -> (bool, f64, f64) {
        let [a, b, c, d] = self.gap;
        let clean = (a + b + (c + d)).bits_equal(W::default()) == u8::MAX;
        let [a, b, c, d] = self.least;
        let [a, b, c, d, e, f, g, h] = a.smaller(b).smaller(c.smaller(d)).to_lanes();
        let lowest = a.smaller(b).smaller(c.smaller(d)).smaller(e.smaller(f).smaller(g.smaller(h)));
        let [a, b, c, d] = self.largest;
        let [a, b, c, d, e, f, g, h] = a.larger(b).larger(c.larger(d)).to_lanes();
        let highest = a.larger(b).larger(c.larger(d)).larger(e.larger(f).larger(g.larger(h)));
        (clean, lowest, highest)
    }
}

/// Finds a part.
pub(super) struct TakeApart<'t> {
    pub(super) tile: &'t mut Tile,
    pub(super) part: Part,
}

impl Job for TakeApart<'_> {
    type Output = ();

    #[inline(always)]
    fn run<W: Wide>(self) {
        let Self { tile, part } = self;
        tile.parts |= 1 << part as u32;
        let [open, high, low, close, body, top, bottom, upper, lower] = &mut tile.rows;
        match part {
            Part::Open | Part::High | Part::Low | Part::Close => {}
            Part::Body => combine(body, close, open, |close, open| (close - open).abs()),
            Part::Top => combine(top, close, open, |close, open| if close >= open { close } else { open }),
            Part::Bottom => combine(bottom, close, open, |close, open| if close >= open { open } else { close }),
            Part::Upper => {
                three(upper, high, close, open, |high, close, open| high - if close >= open { close } else { open })
            }
            Part::Lower => {
                three(lower, low, close, open, |low, close, open| (if close >= open { open } else { close }) - low)
            }
        }
    }
}

#[inline(always)]
fn combine(slots: &mut Row, left: &Row, right: &Row, each: impl Fn(f64, f64) -> f64) {
    for ((slot, left), right) in slots.0.iter_mut().zip(&left.0).zip(&right.0) {
        *slot = each(*left, *right);
    }
}

#[inline(always)]
fn three(slots: &mut Row, first: &Row, second: &Row, third: &Row, each: impl Fn(f64, f64, f64) -> f64) {
    for (((slot, first), second), third) in slots.0.iter_mut().zip(&first.0).zip(&second.0).zip(&third.0) {
        *slot = each(*first, *second, *third);
    }
}

/// Adds up windows: from running totals, which wait for each other once in eight bars.
pub(super) struct AddUp<'t> {
    pub(super) tile: &'t mut Tile,
    pub(super) place: usize,
}

impl Job for AddUp<'_> {
    type Output = ();

    #[inline(always)]
    fn run<W: Wide>(self) {
        let Self { tile, place } = self;
        let Windows { range, period, .. } = tile.windows[place];
        let Tile { rows: [open, high, low, close, ..], windows, scratch: [parts, other], next, .. } = tile;
        match range {
            RangeType::RealBody => combine(parts, close, open, |close, open| (close - open).abs()),
            RangeType::HighLow => combine(parts, high, low, |high, low| high - low),
            RangeType::Shadows => {
                three(other, high, close, open, |high, close, open| high - if close >= open { close } else { open });
                three(parts, low, close, open, |low, close, open| (if close >= open { open } else { close }) - low);
                parts.0.iter_mut().zip(&other.0).for_each(|(lower, upper)| *lower += upper);
            }
        }
        let windows = &mut windows[place];
        windows.is_there = true;
        if period == 0 {
            (windows.error, windows.sums) = (0.0, *parts);
            return;
        }
        let mut before = W::default();
        for (place, (eight, slots)) in parts.0.as_chunks().0.iter().zip(other.0.as_chunks_mut().0).enumerate() {
            // The memory has nothing else to do meanwhile.
            for side in *next {
                fetch(side.wrapping_add(place * LANES));
            }
            let sums = W::from_lanes(*eight).prefixes();
            *slots = (before + sums.shifted::<1>()).to_lanes();
            before += sums.last();
        }
        // What all bars before add up to, less what those before the window do.
        for (place, slots) in windows.sums.0.as_chunks_mut().0.iter_mut().enumerate().skip(LONGEST / LANES) {
            let at = place * LANES;
            *slots = (lanes_at::<W>(&other.0, at) - lanes_at(&other.0, at - period)).to_lanes();
        }
    }
}

/// As many values as there are lanes, from a place on.
#[inline(always)]
pub(crate) fn lanes_at<W: Wide>(values: &[f64], at: usize) -> W {
    W::from_lanes(values.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default())
}

/// Bits of a word from those of eight of its bars. A macro, because a closure would not be compiled for the level of the
/// loop around it.
macro_rules! packed {
    ($at:ident => $bits:expr) => {{
        let mut word = 0;
        for eight in 0..$crate::patterns::kit::tile::WORD / $crate::ta::kit::simd::LANES {
            let $at = eight * $crate::ta::kit::simd::LANES;
            word |= u64::from($bits) << $at;
        }
        word
    }};
}
pub(crate) use packed;

/// Finds a trait.
pub(super) struct Compare<'t> {
    pub(super) tile: &'t mut Tile,
    pub(super) which: Trait,
    pub(super) part: Part,
    pub(super) relation: Relation,
    pub(super) against: Against,
}

impl Job for Compare<'_> {
    type Output = ();

    #[inline(always)]
    fn run<W: Wide>(self) {
        let Self { tile, which, part, relation, against } = self;
        let Tile { rows, windows, gauges, traits, .. } = tile;
        let measured = &rows[part as usize].0;
        // A loop for each relation, so that none is chosen in it; for both ends of a threshold that is between bounds.
        macro_rules! held {
            ($at:ident => $threshold:expr) => { held!($at => $threshold, $threshold) };
            ($at:ident => $least:expr, $largest:expr) => {
                match relation {
                    Relation::Below => held!(Relation::Below, $at => $least, $largest),
                    Relation::AtMost => held!(Relation::AtMost, $at => $least, $largest),
                    Relation::Above => held!(Relation::Above, $at => $least, $largest),
                    Relation::AtLeast => held!(Relation::AtLeast, $at => $least, $largest),
                }
            };
            ($relation:expr, $at:ident => $least:expr, $largest:expr) => {{
                let mut found = [(0, 0); WORDS + 1];
                let [front, words @ ..] = &mut found;
                // The first of all bars have none so far before them, and no rule asks so far back.
                let $at = FRONT - HEAD;
                let bits = |bits: u8| u64::from(bits) << (WORD - HEAD);
                let eight = lanes_at::<W>(measured, $at);
                *front = (bits($relation.bits(eight, $least)), bits($relation.bits(eight, $largest)));
                for (word, slot) in words.iter_mut().enumerate() {
                    for place in 0..WORD / LANES {
                        let $at = FRONT + word * WORD + place * LANES;
                        let eight = lanes_at::<W>(measured, $at);
                        slot.0 |= u64::from($relation.bits(eight, $least)) << (place * LANES);
                        slot.1 |= u64::from($relation.bits(eight, $largest)) << (place * LANES);
                    }
                }
                found
            }};
        }
        let found = match against {
            Against::Here(other) => {
                let other = &rows[other as usize].0;
                held!(at => lanes_at(other, at))
            }
            Against::Before(other, before) => {
                let other = &rows[other as usize].0;
                held!(at => lanes_at(other, at - before))
            }
            Against::Size(setting) => {
                let (place, share) = gauges[setting.index()];
                let (error, sums) = (W::splat(windows[place].error), &windows[place].sums.0);
                let share = W::splat(share);
                held!(at => (lanes_at::<W>(sums, at) - error) * share, (lanes_at::<W>(sums, at) + error) * share)
            }
        };
        for (slot, (least, largest)) in traits[which as usize].iter_mut().zip(found) {
            *slot = Bits { surely: least & largest, maybe: least | largest };
        }
    }
}
