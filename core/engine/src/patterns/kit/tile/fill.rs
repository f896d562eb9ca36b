//! How a tile's rows and bits are filled: loops of fixed length without a branch, eight bars at a time.
#![expect(clippy::indexing_slicing, reason = "rows have SPAN places, words are counted by their constant")]

use super::{Bits, FRONT, HEAD, LONGEST, Row, SPAN, Tile, WORD, WORDS, Windows};
use crate::patterns::kit::see::Relation;
use crate::patterns::kit::settings::RangeType;
use crate::patterns::kit::term::{PARTS, Part};
use crate::patterns::kit::traits::{Against, Trait};
use crate::ta::kit::simd::{Job, LANES, Number, Wide, fetch};

/// Sides of the next block that are fetched while this one is taken in, where sums slide; the others are while those are
/// added up. In one go they would keep everything else waiting.
const EARLY: usize = 2;

/// Copies prices; whether all are finite, and if it is `BOUNDED` the lowest and the highest.
pub(super) struct TakeIn<'t, 's, const BOUNDED: bool> {
    pub(super) rows: &'t mut [Row; PARTS],
    pub(super) series: [&'s [f64]; 4],
    pub(super) first: usize,
    pub(super) end: usize,
    pub(super) next: [*const f64; 4],
}

impl<const BOUNDED: bool> Job for TakeIn<'_, '_, BOUNDED> {
    type Output = (bool, f64, f64);

    #[inline(always)]
    fn run<W: Wide>(self) -> Self::Output {
        let Self { rows: [open, high, low, close, ..], series, first, end, next } = self;
        let rows = [open, high, low, close];
        let mut look = Extremes::<W>::new();
        // A block with all its places in the series is looked at on its way; of others the rows are looked at.
        if let Some(sides) = whole(series, first, end) {
            for place in 0..SPAN / LANES {
                // Four sides, so that four chains go on at once.
                for side in 0..4 {
                    if !BOUNDED || side < EARLY {
                        fetch(next[side].wrapping_add(place * LANES));
                    }
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
        let Tile { rows: [open, high, low, close, ..], windows, totals, next, .. } = tile;
        let sides = [&*open, &*high, &*low, &*close];
        let windows = &mut windows[place];
        windows.is_there = true;
        if period == 0 {
            windows.error = 0.0;
            for (place, slots) in windows.sums.0.as_chunks_mut().0.iter_mut().enumerate() {
                *slots = part_at::<W>(range, sides, place * LANES).to_lanes();
            }
            return;
        }
        let mut before = W::default();
        for (place, slots) in totals.0.as_chunks_mut().0.iter_mut().enumerate() {
            for side in &next[EARLY..] {
                fetch(side.wrapping_add(place * LANES));
            }
            let sums = part_at::<W>(range, sides, place * LANES).prefixes();
            *slots = (before + sums.shifted::<1>()).to_lanes();
            before += sums.last();
        }
        // What all bars before add up to, less what those before the window do.
        for (place, slots) in windows.sums.0.as_chunks_mut().0.iter_mut().enumerate().skip(LONGEST / LANES) {
            let at = place * LANES;
            *slots = (lanes_at::<W>(&totals.0, at) - lanes_at(&totals.0, at - period)).to_lanes();
        }
    }
}

/// What a setting averages, of eight candles.
#[inline(always)]
fn part_at<W: Wide>(range: RangeType, [open, high, low, close]: [&Row; 4], at: usize) -> W {
    match range {
        RangeType::RealBody => (lanes_at::<W>(&close.0, at) - lanes_at(&open.0, at)).magnitude(),
        RangeType::HighLow => lanes_at::<W>(&high.0, at) - lanes_at(&low.0, at),
        RangeType::Shadows => {
            let (open, close) = (lanes_at::<W>(&open.0, at), lanes_at::<W>(&close.0, at));
            let top = W::if_at_least(close, open, close, open);
            let bottom = W::if_at_least(close, open, open, close);
            (lanes_at::<W>(&high.0, at) - top) + (bottom - lanes_at(&low.0, at))
        }
    }
}

/// As many values as there are lanes, from a place on.
#[inline(always)]
pub(crate) fn lanes_at<W: Wide>(values: &[f64], at: usize) -> W {
    // Not `unwrap_or_default`: an array's default is a call, compiled for the lowest level.
    match values.get(at..).and_then(|rest| rest.first_chunk()) {
        Some(lanes) => W::from_lanes(*lanes),
        None => W::default(),
    }
}

/// Bits of a word from those of eight of its bars. A macro, because a closure would not be compiled for the level of the
/// loop around it. From the last bars to the first: of bits that are each shifted to their place the compiler makes vectors,
/// by way of the memory.
macro_rules! packed {
    ($at:ident => $bits:expr) => {{
        let mut word = 0;
        for eight in (0..$crate::patterns::kit::tile::WORD / $crate::ta::kit::simd::LANES).rev() {
            let $at = eight * $crate::ta::kit::simd::LANES;
            word = word << $crate::ta::kit::simd::LANES | u64::from($bits);
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
                    let (mut surely, mut maybe) = (0, 0);
                    for place in (0..WORD / LANES).rev() {
                        let $at = FRONT + word * WORD + place * LANES;
                        let eight = lanes_at::<W>(measured, $at);
                        surely = surely << LANES | u64::from($relation.bits(eight, $least));
                        maybe = maybe << LANES | u64::from($relation.bits(eight, $largest));
                    }
                    *slot = (surely, maybe);
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
