//! Recursions over a whole series: eight or sixteen stretches side by side, with the bits of the plain loop.
#![expect(
    clippy::indexing_slicing,
    clippy::needless_range_loop,
    reason = "tiles of eight by eight; every slice is cut to its length before the loops"
)]

use std::array;

use super::super::simd::{Job, LANES, Strands, StrandsMut, Wide, dispatch};
use super::super::{Params, TaError};
use super::{GAPS, Recursion, Recursive, bar_of, by_lane, checked, clean, note_gaps, side_by_side, stretch_of, tiles};

/// How many times its warm-up a stretch is at least for there to be two groups of them.
const WORTHWHILE: usize = 4;

/// The batch kernel of such a state.
pub(crate) fn recursive<T: Recursive<I, S, O>, const I: usize, const S: usize, const O: usize>(
    inputs: &[&[f64]],
    params: &Params,
    outputs: &mut [&mut [f64]],
) -> Result<(), TaError> {
    if let Some(length) = params.beside() {
        return side_by_side::recursions::<T, I, S, O>(inputs, params, outputs, length);
    }
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
    let warm = recursion.memory().div_ceil(LANES) * LANES;
    // Two groups where one warm-up more is little; every second stretch of all but the first warms up on the one before.
    let twice = I + O == 2 && length / (2 * LANES) >= WORTHWHILE * warm;
    let stretch = stretch_of(length, if twice { 2 * LANES } else { LANES }, LANES);
    if stretch < warm {
        return plain(recursion, state, inputs, &mut outputs, 0, length);
    }
    let stretches = Stretches { recursion, state, inputs, outputs: &mut outputs, stretch, warm };
    let ends = if twice { stretches.seamless::<2>() } else { stretches.seamless::<1>() };
    let Some((end, done)) = ends else { return false };
    *state = end;
    plain(recursion, state, inputs, &mut outputs, done, length)
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

impl<R: Recursion<I, S, O>, const I: usize, const S: usize, const O: usize> Stretches<'_, '_, R, I, S, O> {
    /// Run `G` groups of stretches and mend their seams: the state at the end and the bars done; none when an input is
    /// not finite.
    fn seamless<const G: usize>(self) -> Option<([f64; S], usize)> {
        let Self { recursion, inputs, stretch, .. } = self;
        let outputs = &mut *self.outputs;
        let [starts, mut ends] = dispatch(Groups::<R, I, S, O, G>(Stretches { outputs, ..self }))?;
        for place in 1..G * LANES {
            let (before, begun) =
                (ends[(place - 1) / LANES][(place - 1) % LANES], starts[place / LANES][place % LANES]);
            if !same(&before, &begun) {
                let (from, to) = (place * stretch, (place + 1) * stretch);
                let end = &mut ends[place / LANES][place % LANES];
                repair(recursion, before, begun, inputs, self.outputs, from, to, end);
            }
        }
        Some((ends[G - 1][LANES - 1], G * LANES * stretch))
    }
}

/// `G` groups of eight stretches, a tile of each in turn: while one group's chain of operations waits for itself the
/// other one's goes on.
struct Groups<'a, 'b, R, const I: usize, const S: usize, const O: usize, const G: usize>(Stretches<'a, 'b, R, I, S, O>);

impl<'a, R: Recursion<I, S, O>, const I: usize, const S: usize, const O: usize, const G: usize> Job
    for Groups<'a, '_, R, I, S, O, G>
{
    /// The states at the beginning and at the end of each stretch; none when an input is not finite.
    type Output = Option<[[[[f64; S]; LANES]; G]; 2]>;

    #[inline(always)]
    fn run<W: Wide>(self) -> Self::Output {
        let Stretches { recursion, state: first, inputs, outputs, stretch, warm } = self.0;
        let mut early = [[0; LANES]; G];
        let mut states = [[W::default(); S]; G];
        for group in 0..G {
            for lane in 0..LANES {
                // The first stretch has nothing before it: it warms up on the second one's bars and then begins where
                // it should.
                early[group][lane] = (group * LANES + lane).max(1) * stretch - warm;
            }
            let guesses: [[f64; S]; LANES] =
                array::from_fn(|lane| recursion.guess(array::from_fn(|input| inputs[input][early[group][lane]])));
            states[group] = array::from_fn(|part| W::from_lanes(array::from_fn(|lane| guesses[lane][part])));
        }
        for at in (0..warm).step_by(LANES) {
            for group in 0..G {
                let tiles: [[W; LANES]; I] = tiles(&inputs, &early[group], at);
                for bar in 0..LANES {
                    recursion.step(&mut states[group], bar_of(&tiles, bar));
                }
            }
        }
        for part in 0..S {
            states[0][part] = states[0][part].with_first(first[part]);
        }
        let mut begun = [[[0.0; S]; LANES]; G];
        for group in 0..G {
            begun[group] = by_lane(&states[group]);
        }
        let mut gaps = [W::default(); GAPS];
        let wide = LANES * stretch;
        let read = |input: &'a [f64], group: usize| Strands::new(input.get(group * wide..)?, stretch, stretch);
        let mut sources = [[None; I]; G];
        for group in 0..G {
            for input in 0..I {
                sources[group][input] = read(inputs[input], group);
            }
        }
        let mut targets: [[Option<StrandsMut<'_>>; O]; G] = array::from_fn(|_| array::from_fn(|_| None));
        for (output, slots) in outputs.iter_mut().enumerate() {
            for (group, slots) in slots.chunks_mut(wide).take(G).enumerate() {
                targets[group][output] = StrandsMut::new(slots, stretch, stretch);
            }
        }
        for at in (0..stretch).step_by(LANES) {
            for group in 0..G {
                let mut tiles = [[W::default(); LANES]; I];
                for input in 0..I {
                    tiles[input] = sources[group][input]?.tile(at);
                }
                note_gaps(&mut gaps, &tiles);
                let mut results = [[W::default(); LANES]; O];
                for bar in 0..LANES {
                    let values = recursion.step(&mut states[group], bar_of(&tiles, bar));
                    for output in 0..O {
                        results[output][bar] = values[output];
                    }
                }
                for output in 0..O {
                    targets[group][output].as_mut()?.put(at, results[output]);
                }
            }
        }
        clean(gaps).then(|| [begun, states.map(|state| by_lane(&state))])
    }
}
