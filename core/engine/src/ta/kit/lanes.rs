//! One series, computed as eight stretches side by side: what makes a recursion as fast as the memory lets it be.
//!
//! A recursion cannot go faster than its chain of dependent operations, but eight chains fit into the time of one. So a
//! long series is cut into eight stretches. Each begins some bars early with a guess, forgets it on the way, and is in
//! the state the stretch before it ends in: [`recur`] compares the two to the last bit, and where they differ computes on
//! until they do not. The result therefore has the bits of the plain loop, whatever the data. Windows ([`windowed`])
//! forget by themselves: their stretches begin on the same block boundaries as the whole series does.
#![expect(
    clippy::indexing_slicing,
    clippy::needless_range_loop,
    reason = "tiles of eight by eight; every slice is cut to its length before the loops"
)]

use std::array;
use std::marker::PhantomData;

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

/// The batch kernel of such a state.
pub(crate) fn recursive<T: Recursive<I, S, O>, const I: usize, const S: usize, const O: usize>(
    inputs: &[&[f64]],
    params: &Params,
    outputs: &mut [&mut [f64]],
) -> Result<(), TaError> {
    let series: [&[f64]; I] = inputs.try_into().map_err(|_| TaError::Wiring { what: "inputs" })?;
    let slots: &mut [&mut [f64]; O] = outputs.try_into().map_err(|_| TaError::Wiring { what: "outputs" })?;
    let length = series.iter().map(|input| input.len()).min().unwrap_or(0);
    let series = series.map(|input| input.split_at(length).0);
    let mut state = T::new(params)?;
    for bar in 0..length {
        let row: [f64; I] = array::from_fn(|input| series[input][bar]);
        if row.iter().any(|value| !value.is_finite()) {
            return Err(TaError::NotClean);
        }
        let Some(values) = state.next(row) else { continue };
        let Some((recursion, mut parts)) = state.recursion() else {
            return checked::<T, I, O>(inputs, params, outputs);
        };
        let mut rest: [&mut [f64]; O] = slots.each_mut().map(|slots| slots.split_at_mut(slots.len().min(1)).1);
        if rest.iter().any(|slots| slots.len() != length - bar - 1) {
            return Err(TaError::Wiring { what: "lookback" });
        }
        if !recur(&recursion, &mut parts, series.map(|input| &input[bar + 1..]), &mut rest) {
            return Err(TaError::NotClean);
        }
        for output in 0..O {
            slots[output][0] = values[output];
        }
        return Ok(());
    }
    Err(TaError::Wiring { what: "lookback" })
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

/// Run `recursion` over `inputs`, from `state` on; both the state and the outputs get the bits of the plain loop.
///
/// Whether all inputs are finite; if not, what was written means nothing.
#[must_use]
pub(crate) fn recur<R: Recursion<I, S, O>, const I: usize, const S: usize, const O: usize>(
    recursion: &R,
    state: &mut [f64; S],
    inputs: [&[f64]; I],
    outputs: &mut [&mut [f64]; O],
) -> bool {
    let length = inputs.iter().map(|input| input.len()).chain(outputs.iter().map(|output| output.len())).min();
    let length = length.unwrap_or(0);
    let inputs = inputs.map(|input| input.split_at(length).0);
    let mut outputs = outputs.each_mut().map(|output| output.split_at_mut(length).0);
    let stretch = length / LANES / LANES * LANES;
    let warm = recursion.memory().div_ceil(LANES) * LANES;
    // The second stretch warms up on bars of the first.
    if stretch < warm {
        return plain(recursion, state, inputs, &mut outputs, 0, length);
    }
    let stretches = Stretches { recursion, state, inputs, outputs: &mut outputs, stretch, warm };
    let Some([starts, mut ends]) = dispatch(stretches) else { return false };
    for lane in 1..LANES {
        let before = ends[lane - 1];
        if !same(&before, &starts[lane]) {
            let (from, to) = (lane * stretch, (lane + 1) * stretch);
            repair(recursion, before, starts[lane], inputs, &mut outputs, from, to, &mut ends[lane]);
        }
    }
    *state = ends[LANES - 1];
    plain(recursion, state, inputs, &mut outputs, LANES * stretch, length)
}

fn same<const S: usize>(left: &[f64; S], right: &[f64; S]) -> bool {
    left.iter().zip(right).all(|(left, right)| left.to_bits() == right.to_bits())
}

fn plain<R: Recursion<I, S, O>, const I: usize, const S: usize, const O: usize>(
    recursion: &R,
    state: &mut [f64; S],
    inputs: [&[f64]; I],
    outputs: &mut [&mut [f64]; O],
    from: usize,
    to: usize,
) -> bool {
    let mut clean = true;
    for bar in from..to {
        let row: [f64; I] = array::from_fn(|input| inputs[input][bar]);
        clean &= row.iter().all(|value| value.is_finite());
        let values = recursion.step(state, row);
        for output in 0..O {
            outputs[output][bar] = values[output];
        }
    }
    clean
}

/// Compute a stretch again from its true state, until it meets what was computed from the guessed one.
#[cold]
#[expect(clippy::too_many_arguments, reason = "the parts of one loop")]
fn repair<R: Recursion<I, S, O>, const I: usize, const S: usize, const O: usize>(
    recursion: &R,
    mut state: [f64; S],
    mut guessed: [f64; S],
    inputs: [&[f64]; I],
    outputs: &mut [&mut [f64]; O],
    from: usize,
    to: usize,
    end: &mut [f64; S],
) {
    for bar in from..to {
        let row = array::from_fn(|input| inputs[input][bar]);
        let values = recursion.step(&mut state, row);
        recursion.step(&mut guessed, row);
        for output in 0..O {
            outputs[output][bar] = values[output];
        }
        if same(&state, &guessed) {
            return;
        }
    }
    *end = state;
}

struct Stretches<'a, 'b, R, const I: usize, const S: usize, const O: usize> {
    recursion: &'a R,
    state: &'a [f64; S],
    inputs: [&'a [f64]; I],
    outputs: &'a mut [&'b mut [f64]; O],
    stretch: usize,
    warm: usize,
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

/// Add what is 0 for finite numbers and NaN for others. Eight sums, so that none waits for another.
#[inline(always)]
fn note_gaps<W: Wide, const I: usize>(gaps: &mut [W; LANES], tiles: &[[W; LANES]; I]) {
    for rows in tiles {
        for bar in 0..LANES {
            gaps[bar] += rows[bar].gap();
        }
    }
}

/// Whether [`note_gaps`] has met finite numbers only.
#[inline(always)]
fn clean<W: Wide>(gaps: [W; LANES]) -> bool {
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

impl<R: Recursion<I, S, O>, const I: usize, const S: usize, const O: usize> Job for Stretches<'_, '_, R, I, S, O> {
    /// The states at the beginning and at the end of each stretch; none when an input is not finite.
    type Output = Option<[[[f64; S]; LANES]; 2]>;

    #[inline(always)]
    fn run<W: Wide>(self) -> Self::Output {
        let Self { recursion, state: first, inputs, outputs, stretch, warm } = self;
        let starts: [usize; LANES] = array::from_fn(|lane| lane * stretch);
        // The first stretch has nothing before it: it warms up on the second one's bars and then begins where it should.
        let early: [usize; LANES] = array::from_fn(|lane| starts[lane.max(1)] - warm);
        let guesses: [[f64; S]; LANES] =
            array::from_fn(|lane| recursion.guess(array::from_fn(|input| inputs[input][early[lane]])));
        let mut state: [W; S] = array::from_fn(|part| W::from_lanes(array::from_fn(|lane| guesses[lane][part])));
        for at in (0..warm).step_by(LANES) {
            let tiles: [[W; LANES]; I] = tiles(&inputs, &early, at);
            for bar in 0..LANES {
                recursion.step(&mut state, bar_of(&tiles, bar));
            }
        }
        for part in 0..S {
            state[part] = state[part].with_first(first[part]);
        }
        let begun = by_lane(&state);
        let mut gaps = [W::default(); LANES];
        for at in (0..stretch).step_by(LANES) {
            let tiles: [[W; LANES]; I] = tiles(&inputs, &starts, at);
            note_gaps(&mut gaps, &tiles);
            let mut results = [[W::default(); LANES]; O];
            for bar in 0..LANES {
                let values = recursion.step(&mut state, bar_of(&tiles, bar));
                for output in 0..O {
                    results[output][bar] = values[output];
                }
            }
            for output in 0..O {
                let rows = W::transpose(results[output]).map(W::to_lanes);
                for lane in 0..LANES {
                    let from = starts[lane] + at;
                    outputs[output][from..from + LANES].copy_from_slice(&rows[lane]);
                }
            }
        }
        clean(gaps).then(|| [begun, by_lane(&state)])
    }
}

#[inline(always)]
fn by_lane<W: Wide, const S: usize>(state: &[W; S]) -> [[f64; S]; LANES] {
    let parts = state.map(W::to_lanes);
    array::from_fn(|lane| array::from_fn(|part| parts[part][lane]))
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

/// The batch kernel of a state of windows.
pub(crate) fn windowed<S, const I: usize, const O: usize>(
    inputs: &[&[f64]],
    params: &Params,
    outputs: &mut [&mut [f64]],
) -> Result<(), TaError>
where
    S: Blocks<I, O>,
{
    let series: [&[f64]; I] = inputs.try_into().map_err(|_| TaError::Wiring { what: "inputs" })?;
    let slots: &mut [&mut [f64]; O] = outputs.try_into().map_err(|_| TaError::Wiring { what: "outputs" })?;
    let length = series.iter().map(|input| input.len()).min().unwrap_or(0);
    let room = slots.iter().map(|output| output.len()).min().unwrap_or(0);
    let lookback = length.checked_sub(room).ok_or(TaError::Wiring { what: "lookback" })?;
    let unit = common_multiple(S::unit(params)?, LANES).max(LANES);
    let warm = (lookback + unit).div_ceil(unit) * unit;
    let stretch = length / LANES / unit * unit;
    if stretch < warm {
        return checked::<S, I, O>(inputs, params, outputs);
    }
    let series = series.map(|input| input.split_at(length).0);
    let mut cut = slots.each_mut().map(|output| output.split_at_mut(room).0);
    let state = PhantomData::<S>;
    dispatch(Blocked { state, params, inputs: series, outputs: &mut cut, stretch, warm, lookback })?;
    // The rest, by a state that begins on a block boundary early enough.
    let begin = LANES * stretch - warm;
    let mut rest = S::new(params)?;
    for bar in begin..length {
        let row: [f64; I] = array::from_fn(|input| series[input][bar]);
        if row.iter().any(|value| !value.is_finite()) {
            return Err(TaError::NotClean);
        }
        let values = rest.next(row);
        if bar >= LANES * stretch {
            let values = values.ok_or(TaError::Wiring { what: "lookback" })?;
            for output in 0..O {
                cut[output][bar - lookback] = values[output];
            }
        }
    }
    Ok(())
}

struct Blocked<'a, 'b, S, const I: usize, const O: usize> {
    state: PhantomData<S>,
    params: &'a Params,
    inputs: [&'a [f64]; I],
    outputs: &'a mut [&'b mut [f64]; O],
    stretch: usize,
    warm: usize,
    lookback: usize,
}

/// Write a tile while the first stretch has no slots for it yet, or not for all of it.
// On its own: next to the other way the compiler makes one call of both, in place of eight stores.
#[cold]
#[inline(never)]
fn first_bars(output: &mut [f64], rows: &[[f64; LANES]; LANES], starts: &[usize; LANES], at: usize, lookback: usize) {
    for lane in 0..LANES {
        let bar = starts[lane] + at;
        let skip = lookback.saturating_sub(bar).min(LANES);
        let from = (bar + skip).saturating_sub(lookback);
        output[from..from + LANES - skip].copy_from_slice(&rows[lane][skip..]);
    }
}

impl<S: Blocks<I, O>, const I: usize, const O: usize> Job for Blocked<'_, '_, S, I, O> {
    type Output = Result<(), TaError>;

    #[inline(always)]
    fn run<W: Wide>(self) -> Self::Output {
        let Self { params, inputs, outputs, stretch, warm, lookback, .. } = self;
        let mut state = S::Over::<W>::begin(params)?;
        let starts: [usize; LANES] = array::from_fn(|lane| lane * stretch);
        // The first stretch has nothing before it: any bars do, since its first windows are not shown.
        let early: [usize; LANES] = array::from_fn(|lane| starts[lane.max(1)] - warm);
        for at in (0..warm).step_by(LANES) {
            let tiles: [[W; LANES]; I] = tiles(&inputs, &early, at);
            for bar in 0..LANES {
                state.next(bar_of(&tiles, bar));
            }
        }
        let mut gaps = [W::default(); LANES];
        for at in (0..stretch).step_by(LANES) {
            let tiles: [[W; LANES]; I] = tiles(&inputs, &starts, at);
            note_gaps(&mut gaps, &tiles);
            let mut results = [[W::default(); LANES]; O];
            for bar in 0..LANES {
                let values = state.next(bar_of(&tiles, bar));
                let values = values.ok_or(TaError::Wiring { what: "lookback" })?;
                for output in 0..O {
                    results[output][bar] = values[output];
                }
            }
            for output in 0..O {
                let rows = W::transpose(results[output]);
                if at < lookback {
                    first_bars(outputs[output], &rows.map(W::to_lanes), &starts, at, lookback);
                    continue;
                }
                for lane in 0..LANES {
                    // A bar's slot stands `lookback` before it.
                    let slots = &mut outputs[output][starts[lane] + at - lookback..][..LANES];
                    slots.copy_from_slice(&rows[lane].to_lanes());
                }
            }
        }
        if clean(gaps) { Ok(()) } else { Err(TaError::NotClean) }
    }
}
