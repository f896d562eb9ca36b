//! An indicator as a state that takes one bar after the other: the batch result and the live one come from it.

use std::array;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::abreast::{Abreast, Many};
use super::lanes::Windows;
use super::{Params, TaError};

/// What an indicator remembers between bars, with `I` inputs and `O` outputs.
///
/// `next` is called once a bar, with finite numbers only, from the first complete bar on. It answers `None` for exactly
/// `lookback` bars and with values from then on; the registry's contract test checks that.
pub(crate) trait State<const I: usize, const O: usize>:
    Clone + Send + Sync + Serialize + DeserializeOwned + 'static
{
    /// Before the first bar.
    fn new(params: &Params) -> Result<Self, TaError>;

    /// Take the next bar in.
    fn next(&mut self, bar: [f64; I]) -> Option<[f64; O]>;
}

/// A state of windows over plain numbers is a state.
impl<T, const I: usize, const O: usize> State<I, O> for T
where
    T: Windows<f64, I, O> + Clone + Send + Sync + Serialize + DeserializeOwned + 'static,
{
    fn new(params: &Params) -> Result<Self, TaError> {
        Self::begin(params)
    }

    #[inline(always)]
    fn next(&mut self, bar: [f64; I]) -> Option<[f64; O]> {
        Windows::next(self, bar)
    }
}

/// A batch kernel that runs the state over the whole series: the default where no faster one is written.
#[inline(always)]
pub(crate) fn batch<S: State<I, O>, const I: usize, const O: usize>(
    inputs: &[&[f64]],
    params: &Params,
    outputs: &mut [&mut [f64]],
) -> Result<(), TaError> {
    let inputs: [&[f64]; I] = inputs.try_into().map_err(|_| TaError::Wiring { what: "inputs" })?;
    let outputs: &mut [&mut [f64]; O] = outputs.try_into().map_err(|_| TaError::Wiring { what: "outputs" })?;
    let length = inputs.iter().map(|input| input.len()).min().unwrap_or(0);
    let inputs = inputs.map(|input| input.split_at(length).0);
    let room = outputs.iter().map(|output| output.len()).min().unwrap_or(0);
    let mut outputs = outputs.each_mut().map(|output| output.split_at_mut(room).0);
    let mut state = S::new(params)?;
    let mut slot = 0;
    #[expect(clippy::needless_range_loop, reason = "all inputs go along")]
    for row in 0..length {
        #[expect(clippy::indexing_slicing, reason = "all inputs are cut to `length` above")]
        let bar = array::from_fn(|input| inputs[input][row]);
        let Some(values) = state.next(bar) else { continue };
        if slot == room {
            return Err(TaError::Wiring { what: "lookback" });
        }
        for (output, value) in outputs.iter_mut().zip(values) {
            #[expect(clippy::indexing_slicing, reason = "all outputs are cut to `room`, and slot < room")]
            {
                output[slot] = value;
            }
        }
        slot += 1;
    }
    if slot == room { Ok(()) } else { Err(TaError::Wiring { what: "lookback" }) }
}

/// A [`State`] behind a pointer: what [`Live`](super::Live) drives.
pub trait Stream: Send + Sync {
    /// Take the next bar in; whether `out` got values.
    fn next(&mut self, bar: &[f64], out: &mut [f64]) -> bool;

    /// What [`Self::next`] would write, with the state left as it is.
    fn peek(&self, bar: &[f64], out: &mut [f64]) -> bool;

    /// A second stream in the same state.
    fn duplicate(&self) -> Box<dyn Stream>;

    /// `count` streams in the same state, side by side.
    fn abreast(&self, count: usize) -> Box<dyn Abreast>;

    /// The state as bytes.
    ///
    /// # Errors
    /// [`TaError::Snapshot`] when the state cannot be written.
    fn save(&self) -> Result<Vec<u8>, TaError>;

    /// Take over a saved state.
    ///
    /// # Errors
    /// [`TaError::Snapshot`] when the bytes are not one of this indicator's states.
    fn load(&mut self, bytes: &[u8]) -> Result<(), TaError>;
}

struct Running<S, const I: usize, const O: usize>(S);

impl<S: State<I, O>, const I: usize, const O: usize> Running<S, I, O> {
    #[inline]
    fn step(state: &mut S, bar: &[f64], out: &mut [f64]) -> bool {
        let (Ok(bar), Ok(out)) = (<[f64; I]>::try_from(bar), <&mut [f64; O]>::try_from(out)) else { return false };
        match state.next(bar) {
            Some(values) => {
                *out = values;
                true
            }
            None => false,
        }
    }
}

impl<S: State<I, O>, const I: usize, const O: usize> Stream for Running<S, I, O> {
    fn next(&mut self, bar: &[f64], out: &mut [f64]) -> bool {
        Self::step(&mut self.0, bar, out)
    }

    fn peek(&self, bar: &[f64], out: &mut [f64]) -> bool {
        Self::step(&mut self.0.clone(), bar, out)
    }

    fn duplicate(&self) -> Box<dyn Stream> {
        Box::new(Self(self.0.clone()))
    }

    fn abreast(&self, count: usize) -> Box<dyn Abreast> {
        Box::new(Many::<S, I, O>::new(&self.0, count))
    }

    fn save(&self) -> Result<Vec<u8>, TaError> {
        postcard::to_allocvec(&self.0).map_err(|_| TaError::Snapshot { what: "its state cannot be written" })
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), TaError> {
        let damaged = TaError::Snapshot { what: "its state is damaged" };
        match postcard::take_from_bytes(bytes) {
            Ok((state, [])) => {
                self.0 = state;
                Ok(())
            }
            _ => Err(damaged),
        }
    }
}

/// Makes a [`Stream`] for checked parameters.
pub type Streaming = fn(&Params) -> Result<Box<dyn Stream>, TaError>;

/// The [`Streaming`] of a state.
pub(crate) fn streaming<S: State<I, O>, const I: usize, const O: usize>(
    params: &Params,
) -> Result<Box<dyn Stream>, TaError> {
    Ok(Box::new(Running::<S, I, O>(S::new(params)?)))
}
