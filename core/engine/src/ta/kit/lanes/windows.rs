//! Windows over a whole series: eight stretches side by side, cut where the windows' blocks begin.
#![expect(
    clippy::indexing_slicing,
    clippy::needless_range_loop,
    reason = "tiles of eight by eight; every slice is cut to its length before the loops"
)]

use std::array;
use std::marker::PhantomData;

use super::super::simd::{Job, LANES, Strands, StrandsMut, Wide, dispatch};
use super::super::{Params, TaError};
use super::{
    Blocks, GAPS, Windows, bar_of, checked, clean, common_multiple, note_gaps, side_by_side, stretch_of, tiles,
};

/// The batch kernel of a state of windows.
pub(crate) fn windowed<S, const I: usize, const O: usize>(
    inputs: &[&[f64]],
    params: &Params,
    outputs: &mut [&mut [f64]],
) -> Result<(), TaError>
where
    S: Blocks<I, O>,
{
    if let Some(length) = params.beside() {
        return side_by_side::windows::<S, I, O>(inputs, params, outputs, length);
    }
    let series: [&[f64]; I] = inputs.try_into().map_err(|_| TaError::Wiring { what: "inputs" })?;
    let slots: &mut [&mut [f64]; O] = outputs.try_into().map_err(|_| TaError::Wiring { what: "outputs" })?;
    let length = series.iter().map(|input| input.len()).min().unwrap_or(0);
    let room = slots.iter().map(|output| output.len()).min().unwrap_or(0);
    let lookback = length.checked_sub(room).ok_or(TaError::Wiring { what: "lookback" })?;
    let unit = common_multiple(S::unit(params)?, LANES).max(LANES);
    let warm = (lookback + unit).div_ceil(unit) * unit;
    let stretch = stretch_of(length, LANES, unit);
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
        let mut gaps = [W::default(); GAPS];
        let cut = || TaError::Wiring { what: "stretches" };
        let mut sources = [None; I];
        for input in 0..I {
            sources[input] = Strands::new(inputs[input], stretch, stretch);
        }
        for at in (0..stretch).step_by(LANES) {
            let mut tiles = [[W::default(); LANES]; I];
            for input in 0..I {
                tiles[input] = sources[input].ok_or_else(cut)?.tile(at);
            }
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
                if at < lookback {
                    let rows = W::transpose(results[output]).map(W::to_lanes);
                    first_bars(outputs[output], &rows, &starts, at, lookback);
                    continue;
                }
                // A bar's slot stands `lookback` before it.
                let slots = StrandsMut::new(outputs[output], stretch, stretch - lookback);
                slots.ok_or_else(cut)?.put(at - lookback, results[output]);
            }
        }
        if clean(gaps) { Ok(()) } else { Err(TaError::NotClean) }
    }
}
