//! How a tile's rows and bits are filled: loops of fixed length without a branch, eight bars at a time.
#![expect(clippy::indexing_slicing, reason = "rows have SPAN places, words are counted by their constant")]

use super::{Bits, FRONT, HEAD, LONGEST, Row, SPAN, Tile, WORD, WORDS, Windows};
use crate::patterns::kit::see::Relation;
use crate::patterns::kit::settings::RangeType;
use crate::patterns::kit::term::{PARTS, Part};
use crate::patterns::kit::traits::{Against, Trait};
use crate::ta::kit::simd::{Job, LANES, Wide};

/// Copies prices; whether all are finite, and the lowest and the highest.
pub(super) struct TakeIn<'t, 's> {
    pub(super) rows: &'t mut [Row; PARTS],
    pub(super) series: [&'s [f64]; 4],
    pub(super) first: usize,
    pub(super) end: usize,
}

impl Job for TakeIn<'_, '_> {
    type Output = (bool, f64, f64);

    #[inline(always)]
    fn run<W: Wide>(self) -> Self::Output {
        let Self { rows, series, first, end } = self;
        let front = first.min(FRONT);
        for (row, side) in rows.iter_mut().zip(series) {
            let prices = &side[first - front..end];
            // Behind the last bar and before the first, prices that change no extreme.
            let (begin, behind) = (FRONT - front, FRONT + end - first);
            row[begin..behind].copy_from_slice(prices);
            if begin > 0 {
                row[..begin].fill(prices.first().copied().unwrap_or(0.0));
            }
            if behind < SPAN {
                row[behind..].fill(prices.last().copied().unwrap_or(0.0));
            }
        }
        let mut gap = [W::default(); 4];
        let (mut least, mut largest) = ([W::splat(f64::INFINITY); 4], [W::splat(f64::NEG_INFINITY); 4]);
        for at in (0..SPAN).step_by(LANES) {
            // Four sides, so that four chains go on at once.
            for side in 0..4 {
                let prices = W::from_lanes(lanes_at(&rows[side], at));
                // A NaN stays in the sum.
                gap[side] += prices.gap();
                least[side] = least[side].smaller(prices);
                largest[side] = largest[side].larger(prices);
            }
        }
        let [a, b, c, d] = gap;
        let clean = (a + b + (c + d)).to_lanes().iter().all(|sum| *sum == 0.0);
        let [a, b, c, d] = least;
        let lowest = a.smaller(b).smaller(c.smaller(d)).to_lanes().into_iter().fold(f64::INFINITY, f64::min);
        let [a, b, c, d] = largest;
        let highest = a.larger(b).larger(c.larger(d)).to_lanes().into_iter().fold(f64::NEG_INFINITY, f64::max);
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
    for ((slot, left), right) in slots.iter_mut().zip(left).zip(right) {
        *slot = each(*left, *right);
    }
}

#[inline(always)]
fn three(slots: &mut Row, first: &Row, second: &Row, third: &Row, each: impl Fn(f64, f64, f64) -> f64) {
    for (((slot, first), second), third) in slots.iter_mut().zip(first).zip(second).zip(third) {
        *slot = each(*first, *second, *third);
    }
}

/// Adds up windows, each by itself: eight side by side, and none waits for the one before.
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
        let Tile { rows: [open, high, low, close, ..], windows, scratch: [parts, other], .. } = tile;
        match range {
            RangeType::RealBody => combine(parts, close, open, |close, open| (close - open).abs()),
            RangeType::HighLow => combine(parts, high, low, |high, low| high - low),
            RangeType::Shadows => {
                three(other, high, close, open, |high, close, open| high - if close >= open { close } else { open });
                three(parts, low, close, open, |low, close, open| (if close >= open { open } else { close }) - low);
                parts.iter_mut().zip(&*other).for_each(|(lower, upper)| *lower += upper);
            }
        }
        let windows = &mut windows[place];
        windows.is_there = true;
        if period == 0 {
            (windows.error, windows.sums) = (0.0, *parts);
            return;
        }
        // The window before bar `i` ends with `i - 1`.
        for (place, slots) in windows.sums.as_chunks_mut().0.iter_mut().enumerate().skip(LONGEST / LANES) {
            let begin = place * LANES - period;
            let mut sum = W::from_lanes(lanes_at(parts, begin));
            for at in begin + 1..begin + period {
                sum += W::from_lanes(lanes_at(parts, at));
            }
            *slots = sum.to_lanes();
        }
    }
}

/// As many values as there are lanes, from a place of a row on.
#[inline(always)]
fn lanes_at(row: &Row, at: usize) -> [f64; LANES] {
    row.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default()
}

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
        let (measured, bits) = (&rows[part as usize], &mut traits[which as usize]);
        let mut both = [(0, 0); WORDS + 1];
        match against {
            Against::Here(other) => {
                let other = &rows[other as usize];
                compare(relation, &mut both, |at| measured[at], |at| other[at]);
                both.iter_mut().for_each(|(least, largest)| *least = *largest);
            }
            Against::Before(other) => {
                let other = &rows[other as usize];
                compare(relation, &mut both, |at| measured[at], |at| other[at - 1]);
                both.iter_mut().for_each(|(least, largest)| *least = *largest);
            }
            Against::Size(setting) => {
                let (place, share) = gauges[setting.index()];
                let (error, sums) = (windows[place].error, &windows[place].sums);
                let mut least = [(0, 0); WORDS + 1];
                compare(relation, &mut least, |at| measured[at], |at| (sums[at] - error) * share);
                compare(relation, &mut both, |at| measured[at], |at| (sums[at] + error) * share);
                both.iter_mut().zip(least).for_each(|(both, (_, least))| both.0 = least);
            }
        }
        for (slot, (least, largest)) in bits.iter_mut().zip(both) {
            *slot = Bits { surely: least & largest, maybe: least | largest };
        }
    }
}

/// A comparison at all bars of a block; its bits come second.
#[inline(always)]
fn compare(
    relation: Relation,
    bits: &mut [(u64, u64); WORDS + 1],
    measured: impl Fn(usize) -> f64,
    threshold: impl Fn(usize) -> f64,
) {
    match relation {
        Relation::Below => each(bits, |at| measured(at) < threshold(at)),
        Relation::AtMost => each(bits, |at| measured(at) <= threshold(at)),
        Relation::Above => each(bits, |at| measured(at) > threshold(at)),
        Relation::AtLeast => each(bits, |at| measured(at) >= threshold(at)),
    }
}

#[inline(always)]
fn each(bits: &mut [(u64, u64); WORDS + 1], held: impl Fn(usize) -> bool) {
    let mut head = [0_u8; HEAD];
    for (at, flag) in head.iter_mut().enumerate() {
        // The first of all bars that are there has none before it, and no rule asks so far back.
        *flag = u8::from(held(FRONT - HEAD + at));
    }
    let [front, words @ ..] = bits;
    front.1 = gather(head) << (WORD - HEAD);
    for (word, slot) in words.iter_mut().enumerate() {
        slot.1 = pack(|lane| held(FRONT + word * WORD + lane));
    }
}

/// A condition at a word's bars, as bits. No branch in it, so that none is mispredicted.
#[inline(always)]
pub(crate) fn pack(held: impl Fn(usize) -> bool) -> u64 {
    let flags: [u8; WORD] = std::array::from_fn(|lane| u8::from(held(lane)));
    let mut bits = 0;
    for (place, eight) in flags.as_chunks::<8>().0.iter().enumerate() {
        bits |= gather(*eight) << (8 * place);
    }
    bits
}

/// Eight flags of 0 or 1 as eight bits.
#[inline(always)]
fn gather(flags: [u8; 8]) -> u64 {
    // Times this, the uppermost byte has a bit for each.
    u64::from_le_bytes(flags).wrapping_mul(0x0102_0408_1020_4080) >> 56
}
