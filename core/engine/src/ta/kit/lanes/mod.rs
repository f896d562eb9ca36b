//! One series, computed as eight stretches side by side: what makes a recursion as fast as the memory lets it be.
//!
//! A recursion cannot go faster than its chain of dependent operations, but eight chains fit into the time of one. So a
//! long series is cut into eight stretches. Each begins some bars early with a guess, forgets it on the way, and is in
//! the state the stretch before it ends in: [`recur`] compares the two to the last bit, and where they differ computes on
//! until they do not. The result therefore has the bits of the plain loop, whatever the data. Windows ([`windowed`])
//! forget by themselves: their stretches begin on the same block boundaries as the whole series does.
//!
//! # Layout
//! - here: the traits of both kinds, and what their loops share; `recursion`, `windows`: a long series as stretches;
//!   `side_by_side`: eight series of one length, a lane each.
#![expect(
    clippy::indexing_slicing,
    reason = "tiles of eight by eight; every slice is cut to its length before the loops"
)]

mod recursion;
mod side_by_side;
mod windows;

use std::array;
use std::marker::PhantomData;

pub(crate) use recursion::{recur, recursive};
pub(crate) use windows::windowed;

use super::simd::{Job, LANES, Number, Wide, dispatch};
use super::spec::first_gap;
use super::state::State;
use super::{Params, TaError, batch};

/// A recursion over `I` series with `S` numbers of state and `O` results a bar.
pub(crate) trait Recursion<const I: usize, const S: usize, const O: usize>: Copy {
    /// One bar. Mark it `#[inline(always)]`.
    fn step<N: Number>(&self, state: &mut [N; S], bar: [N; I]) -> [N; O];

    /// Bars after which two states that were fed the same have become one, as a rule.
    fn memory(&self) -> usize;

    /// A state to begin with in the middle of a series, at this bar.
    fn guess(&self, bar: [f64; I]) -> [f64; S];
}

/// [`batch`] for a kernel that checks its inputs itself.
pub(crate) fn checked<S: State<I, O>, const I: usize, const O: usize>(
    inputs: &[&[f64]],
    params: &Params,
    outputs: &mut [&mut [f64]],
) -> Result<(), TaError> {
    if first_gap(inputs, 0).is_some() { Err(TaError::NotClean) } else { batch::<S, I, O>(inputs, params, outputs) }
}

/// [`batch`], compiled for the level in use: for states that neither stretches nor windows fit. Their `next` must be
/// `#[inline(always)]` to gain from it.
pub(crate) fn compiled<S: State<I, O>, const I: usize, const O: usize>(
    inputs: &[&[f64]],
    params: &Params,
    outputs: &mut [&mut [f64]],
) -> Result<(), TaError> {
    dispatch(Plain { state: PhantomData::<S>, inputs, params, outputs })
}

struct Plain<'a, 'b, 'c, S, const I: usize, const O: usize> {
    state: PhantomData<S>,
    inputs: &'a [&'a [f64]],
    params: &'a Params,
    outputs: &'b mut [&'c mut [f64]],
}

impl<S: State<I, O>, const I: usize, const O: usize> Job for Plain<'_, '_, '_, S, I, O> {
    type Output = Result<(), TaError>;

    #[inline(always)]
    fn run<W: Wide>(self) -> Self::Output {
        batch::<S, I, O>(self.inputs, self.params, self.outputs)
    }
}

/// A state that, once it has its first value, is a [`Recursion`].
pub(crate) trait Recursive<const I: usize, const S: usize, const O: usize>: State<I, O> {
    /// The recursion it has become; none when it must be run as it is.
    fn recursion(&self) -> Option<(impl Recursion<I, S, O>, [f64; S])>;
}

/// One step of a chain of exponential averages, each of the one before: all of them after it.
#[inline(always)]
pub(crate) fn follow<N: Number, const S: usize>(averages: &mut [N; S], value: N, weight: f64) -> [N; S] {
    let mut value = value;
    for average in averages.iter_mut() {
        *average += (value - *average) * N::splat(weight);
        value = *average;
    }
    *averages
}

/// Bars until an average with this weight has forgotten where it began, to the last bit.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number")]
pub(crate) fn forgets(weight: f64) -> usize {
    // 53 bits of decay: rounding then brings the two together within a few bars, computed twice where it does not.
    let decay = (1.0 - weight).max(f64::MIN_POSITIVE).ln();
    if weight >= 1.0 { 1 } else { (-38.0 / decay).min(1e9) as usize + 8 }
}

/// A state made of windows, over numbers or eight of them at once. Its scalar form is a [`State`].
pub(crate) trait Windows<N: Number, const I: usize, const O: usize>: Sized {
    /// Before the first bar.
    fn begin(params: &Params) -> Result<Self, TaError>;

    /// Take the next bar in. `None` or values depends on the count of bars only. Mark it `#[inline(always)]`.
    fn next(&mut self, bar: [N; I]) -> Option<[N; O]>;
}

/// A state of windows that can run in lanes.
pub(crate) trait Blocks<const I: usize, const O: usize>: State<I, O> {
    /// The same state over other numbers.
    type Over<N: Number>: Windows<N, I, O>;

    /// A multiple of the length of every block its windows are made of, so that stretches can begin where blocks do.
    fn unit(params: &Params) -> Result<usize, TaError>;
}

/// Least common multiple.
pub(crate) const fn common_multiple(a: usize, b: usize) -> usize {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    match a.checked_div(x) {
        Some(share) => share.saturating_mul(b),
        None => 0,
    }
}

/// Whether what is read at one time from `count` places that lie `stride` values apart mostly falls on different lines
/// of the nearest cache. Places a whole number of pages apart would all share one.
pub(super) fn apart(stride: usize, count: usize) -> bool {
    /// Values of a line, and lines until an address falls on the same place again.
    const LINE: usize = 8;
    const LINES: usize = 64;
    let shared = (1..count).filter(|lanes| {
        let distance = (lanes * stride / LINE) % LINES;
        distance.min(LINES - distance) <= 1
    });
    shared.count() <= count / 4
}

/// The longest stretch of `unit` values so that `count` of them fit into `length` and are [`apart`], if there is one.
fn stretch_of(length: usize, count: usize, unit: usize) -> usize {
    let longest = length / count / unit * unit;
    let mut candidates = (0..16).map_while(|less| longest.checked_sub(less * unit));
    candidates.find(|stretch| apart(*stretch, count)).unwrap_or(longest)
}

/// Eight bars of eight stretches of every input: `[input][bar]`, a lane for each stretch.
// Loops instead of `array::from_fn`, whose closure the compiler leaves as a call here.
#[inline(always)]
fn tiles<W: Wide, const I: usize>(series: &[&[f64]; I], starts: &[usize; LANES], at: usize) -> [[W; LANES]; I] {
    let mut tiles = [[W::default(); LANES]; I];
    for input in 0..I {
        let mut rows = [W::default(); LANES];
        for lane in 0..LANES {
            let mut row = [0.0; LANES];
            row.copy_from_slice(&series[input][starts[lane] + at..][..LANES]);
            rows[lane] = W::from_lanes(row);
        }
        tiles[input] = W::transpose(rows);
    }
    tiles
}

/// Sums of what is 0 for finite numbers and NaN for others: several, so that one seldom waits for another.
const GAPS: usize = 4;

/// Add to the sums that find a gap.
#[inline(always)]
fn note_gaps<W: Wide, const I: usize>(gaps: &mut [W; GAPS], tiles: &[[W; LANES]; I]) {
    for rows in tiles {
        for bar in 0..LANES {
            gaps[bar % GAPS] = rows[bar].note_gap(gaps[bar % GAPS]);
        }
    }
}

/// Whether [`note_gaps`] has met finite numbers only.
#[inline(always)]
fn clean<W: Wide>(gaps: [W; GAPS]) -> bool {
    gaps.map(W::to_lanes).iter().flatten().all(|sum| *sum == 0.0)
}

/// One bar of every input.
#[inline(always)]
fn bar_of<W: Wide, const I: usize>(tiles: &[[W; LANES]; I], bar: usize) -> [W; I] {
    let mut values = [W::default(); I];
    for input in 0..I {
        values[input] = tiles[input][bar];
    }
    values
}

#[inline(always)]
fn by_lane<W: Wide, const S: usize>(state: &[W; S]) -> [[f64; S]; LANES] {
    let parts = state.map(W::to_lanes);
    array::from_fn(|lane| array::from_fn(|part| parts[part][lane]))
}
