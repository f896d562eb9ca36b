//! Functions of a bar that remember nothing: arithmetic on prices or on any series.
//!
//! A NaN, an infinity or a value outside a function's domain gives what IEEE arithmetic and the platform's mathematical
//! library give, as in TA-Lib, and touches no other bar.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use super::{Input, Memory, Params, Spec, State, TaError, batch, streaming};

/// A value out of one bar.
pub(crate) trait Formula<const I: usize>: Clone + Send + Sync + 'static {
    /// The value of a bar.
    fn value(bar: [f64; I]) -> f64;
}

/// The state of a [`Formula`]: none.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Elementwise<F>(PhantomData<F>);

impl<F: Formula<I>, const I: usize> State<I, 1> for Elementwise<F> {
    fn new(_: &Params) -> Result<Self, TaError> {
        Ok(Self(PhantomData))
    }

    #[inline]
    fn next(&mut self, bar: [f64; I]) -> Option<[f64; 1]> {
        Some([F::value(bar)])
    }
}

/// A SPEC to which a file adds `name`, `doc`, `formula`, `source` and its output.
pub(crate) const fn elementwise<F: Formula<I>, const I: usize>(group: &'static str, inputs: &'static [Input]) -> Spec {
    Spec {
        name: "",
        group,
        self_checking: false,
        doc: "",
        formula: "",
        source: "",
        inputs,
        params: &[],
        outputs: &[],
        lookback: |_| Ok(0),
        memory: Memory::Bar,
        seeded: false,
        kernel: batch::<Elementwise<F>, I, 1>,
        stream: Some(streaming::<Elementwise<F>, I, 1>),
    }
}

/// [`elementwise`] for a function of one series.
pub(crate) const fn transform<F: Formula<1>>() -> Spec {
    elementwise::<F, 1>("Math Transform", &[Input::Real])
}

/// [`elementwise`] for an operator on two series.
pub(crate) const fn operator<F: Formula<2>>() -> Spec {
    elementwise::<F, 2>("Math Operators", &[Input::Real0, Input::Real1])
}
