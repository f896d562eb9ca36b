//! Eight series of one length, one after the other in memory: a lane each, from the first bar to the last.
//!
//! Nothing is guessed and nothing warms up twice, so that short series, of which a table of many symbols is made, go as
//! fast as a long one. Each gets the bits it gets alone.
#![expect(
    clippy::indexing_slicing,
    clippy::needless_range_loop,
    reason = "tiles of eight by eight; every slice is cut to its length before the loops"
)]

use std::array;
use std::marker::PhantomData;

use super::super::simd::{Job, LANES, Strands, StrandsMut, Wide, dispatch};
use super::super::{Params, TaError};
use super::{Blocks, GAPS, Recursion, Recursive, Windows, bar_of, by_lane, clean, note_gaps};

const WIRING: TaError = TaError::Wiring { what: "series side by side" };

/// Whether there are eight times `length` values in each.
fn fits(inputs: &[&[f64]], outputs: &[&mut [f64]], length: usize) -> bool {
    let all = LANES * length;
    inputs.iter().all(|input| input.len() == all) && outputs.iter().all(|output| output.len() == all)
}

/// [`recursive`](super::recursive) for eight series of `length` bars; slots before the first value are left as they are.
pub(super) fn recursions<T: Recursive<I, S, O>, const I: usize, const S: usize, const O: usize>(
    inputs: &[&[f64]],
    params: &Params,
    outputs: &mut [&mut [f64]],
    length: usize,
) -> Result<(), TaError> {
    let inputs: [&[f64]; I] = inputs.try_into().map_err(|_| WIRING)?;
    let outputs: &mut [&mut [f64]; O] = outputs.try_into().map_err(|_| WIRING)?;
    if !fits(&inputs, outputs, length) {
        return Err(WIRING);
    }
    let row = |lane: usize, bar: usize| -> [f64; I] { array::from_fn(|input| inputs[input][lane * length + bar]) };
    let finite = |row: &[f64; I]| row.iter().all(|value| value.is_finite());
    // Until the first value each goes alone: that bar is the same for all.
    let mut alone = T::new(params)?;
    let (mut states, mut begin) = ([[0.0; S]; LANES], 0);
    for lane in 0..LANES {
        alone = T::new(params)?;
        begin = length;
        for bar in 0..length {
            let row = row(lane, bar);
            if !finite(&row) {
                return Err(TaError::NotClean);
            }
            if let Some(values) = alone.next(row) {
                for output in 0..O {
                    outputs[output][lane * length + bar] = values[output];
                }
                begin = bar + 1;
                break;
            }
        }
        // A state that is no recursion is run as it is, each series by itself.
        (_, states[lane]) = alone.recursion().ok_or(TaError::NotClean)?;
    }
    let (recursion, _) = alone.recursion().ok_or(TaError::NotClean)?;
    let whole = (length - begin) / LANES * LANES;
    let beside = Beside { recursion: &recursion, states, inputs, outputs, length, begin, whole };
    let mut states = dispatch(beside).ok_or(TaError::NotClean)?;
    for lane in 0..LANES {
        for bar in begin + whole..length {
            let row = row(lane, bar);
            if !finite(&row) {
                return Err(TaError::NotClean);
            }
            let values = recursion.step(&mut states[lane], row);
            for output in 0..O {
                outputs[output][lane * length + bar] = values[output];
            }
        }
    }
    Ok(())
}

struct Beside<'a, 'b, 'c, R, const I: usize, const S: usize, const O: usize> {
    recursion: &'a R,
    states: [[f64; S]; LANES],
    inputs: [&'a [f64]; I],
    outputs: &'b mut [&'c mut [f64]; O],
    length: usize,
    begin: usize,
    whole: usize,
}

impl<R: Recursion<I, S, O>, const I: usize, const S: usize, const O: usize> Job for Beside<'_, '_, '_, R, I, S, O> {
    /// The states after the last tile; none when an input is not finite.
    type Output = Option<[[f64; S]; LANES]>;

    #[inline(always)]
    fn run<W: Wide>(self) -> Self::Output {
        let Self { recursion, states, inputs, outputs, length, begin, whole } = self;
        let mut state = [W::default(); S];
        for part in 0..S {
            let mut lanes = [0.0; LANES];
            for lane in 0..LANES {
                lanes[lane] = states[lane][part];
            }
            state[part] = W::from_lanes(lanes);
        }
        let mut sources = [None; I];
        for input in 0..I {
            sources[input] = Strands::new(&inputs[input][begin..], length, whole);
        }
        let mut gaps = [W::default(); GAPS];
        for at in (0..whole).step_by(LANES) {
            let mut tiles = [[W::default(); LANES]; I];
            for input in 0..I {
                tiles[input] = sources[input]?.tile(at);
            }
            note_gaps(&mut gaps, &tiles);
            let mut results = [[W::default(); LANES]; O];
            for bar in 0..LANES {
                let values = recursion.step(&mut state, bar_of(&tiles, bar));
                for output in 0..O {
                    results[output][bar] = values[output];
                }
            }
            for output in 0..O {
                StrandsMut::new(&mut outputs[output][begin..], length, whole)?.put(at, results[output]);
            }
        }
        clean(gaps).then(|| by_lane(&state))
    }
}

/// [`windowed`](super::windowed) for eight series of `length` bars; slots before the first value are left as they are.
pub(super) fn windows<S: Blocks<I, O>, const I: usize, const O: usize>(
    inputs: &[&[f64]],
    params: &Params,
    outputs: &mut [&mut [f64]],
    length: usize,
) -> Result<(), TaError> {
    let inputs: [&[f64]; I] = inputs.try_into().map_err(|_| WIRING)?;
    let outputs: &mut [&mut [f64]; O] = outputs.try_into().map_err(|_| WIRING)?;
    if !fits(&inputs, outputs, length) {
        return Err(WIRING);
    }
    dispatch(BesideWindows { state: PhantomData::<S>, params, inputs, outputs, length })
}

struct BesideWindows<'a, 'b, 'c, S, const I: usize, const O: usize> {
    state: PhantomData<S>,
    params: &'a Params,
    inputs: [&'a [f64]; I],
    outputs: &'b mut [&'c mut [f64]; O],
    length: usize,
}

impl<S: Blocks<I, O>, const I: usize, const O: usize> Job for BesideWindows<'_, '_, '_, S, I, O> {
    type Output = Result<(), TaError>;

    #[inline(always)]
    fn run<W: Wide>(self) -> Self::Output {
        let Self { params, inputs, outputs, length, .. } = self;
        let mut state = S::Over::<W>::begin(params)?;
        let whole = length / LANES * LANES;
        let mut sources = [None; I];
        for input in 0..I {
            sources[input] = Strands::new(inputs[input], length, whole);
        }
        let mut gaps = [W::default(); GAPS];
        for at in (0..whole).step_by(LANES) {
            let mut tiles = [[W::default(); LANES]; I];
            for input in 0..I {
                tiles[input] = sources[input].ok_or(WIRING)?.tile(at);
            }
            note_gaps(&mut gaps, &tiles);
            let mut results = [[W::default(); LANES]; O];
            let mut shown = LANES;
            for bar in 0..LANES {
                if let Some(values) = state.next(bar_of(&tiles, bar)) {
                    shown = shown.min(bar);
                    for output in 0..O {
                        results[output][bar] = values[output];
                    }
                }
            }
            for output in 0..O {
                if shown == 0 {
                    StrandsMut::new(outputs[output], length, whole).ok_or(WIRING)?.put(at, results[output]);
                } else {
                    for bar in shown..LANES {
                        put_bar(outputs[output], length, at + bar, results[output][bar].to_lanes());
                    }
                }
            }
        }
        for bar in whole..length {
            let mut row = [[W::default(); 1]; I];
            for input in 0..I {
                let mut lanes = [0.0; LANES];
                for lane in 0..LANES {
                    lanes[lane] = inputs[input][lane * length + bar];
                }
                row[input] = [W::from_lanes(lanes)];
                gaps[0] = row[input][0].note_gap(gaps[0]);
            }
            if let Some(values) = state.next(row.map(|[value]| value)) {
                for output in 0..O {
                    put_bar(outputs[output], length, bar, values[output].to_lanes());
                }
            }
        }
        if clean(gaps) { Ok(()) } else { Err(TaError::NotClean) }
    }
}

/// Write one bar of all series.
// On its own: next to the other way the compiler makes one call of both, in place of eight stores.
#[cold]
#[inline(never)]
fn put_bar(output: &mut [f64], length: usize, bar: usize, values: [f64; LANES]) {
    for lane in 0..LANES {
        output[lane * length + bar] = values[lane];
    }
}
