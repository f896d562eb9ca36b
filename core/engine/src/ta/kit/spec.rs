//! What an indicator's file declares, and the one dispatcher that runs it.

use super::{Param, Params, TaError};

/// Which series an input is. `Real` is any series; in a market view it is the close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Open prices.
    Open,
    /// High prices.
    High,
    /// Low prices.
    Low,
    /// Close prices.
    Close,
    /// Traded volume.
    Volume,
    /// Any series.
    Real,
}

impl Input {
    /// TA-Lib's argument name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::High => "high",
            Self::Low => "low",
            Self::Close => "close",
            Self::Volume => "volume",
            Self::Real => "real",
        }
    }
}

/// What an output holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Numbers; NaN where there is no value.
    Float,
    /// Whole numbers (-100, 0, 100); 0 where there is no value.
    Int32,
}

/// One output: TA-Lib's name and what it means.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// TA-Lib's name.
    pub name: &'static str,
    /// Float or whole.
    pub kind: Kind,
    /// How to read it.
    pub meaning: &'static str,
}

impl Output {
    /// A float output.
    #[must_use]
    pub const fn float(name: &'static str, meaning: &'static str) -> Self {
        Self { name, kind: Kind::Float, meaning }
    }

    /// The one output of a candlestick pattern.
    #[must_use]
    pub const fn pattern(meaning: &'static str) -> Self {
        Self { name: "integer", kind: Kind::Int32, meaning }
    }
}

/// Bars before the first value, for checked parameters.
pub type Lookback = fn(&Params) -> Result<usize, TaError>;

/// Fills `outputs` from `inputs`.
///
/// The dispatcher guarantees: as many inputs and outputs as declared; all inputs of one length `n > lookback` that start
/// at the first bar without NaN; all outputs of length `n - lookback`, whose first slot belongs to bar `lookback`.
pub type Kernel = fn(&[&[f64]], &Params, &mut [&mut [f64]]) -> Result<(), TaError>;

/// Everything there is to know about an indicator.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// TA-Lib's name; the file's name in capitals.
    pub name: &'static str,
    /// TA-Lib's group.
    pub group: &'static str,
    /// One line.
    pub doc: &'static str,
    /// The formula in plain text.
    pub formula: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// Input series in TA-Lib's order.
    pub inputs: &'static [Input],
    /// Parameters in TA-Lib's order.
    pub params: &'static [Param],
    /// Outputs in TA-Lib's order.
    pub outputs: &'static [Output],
    /// Bars before the first value.
    pub lookback: Lookback,
    /// The computation.
    pub kernel: Kernel,
}

impl Spec {
    /// Check parameters and fill up with defaults.
    ///
    /// # Errors
    /// Too many parameters, or one that is out of bounds or not whole.
    pub fn bind(&self, params: &[f64]) -> Result<Params, TaError> {
        Params::bind(self.name, self.params, params)
    }

    /// Bars before the first value; missing parameters take their defaults.
    ///
    /// # Errors
    /// As [`Self::bind`].
    pub fn lookback(&self, params: &[f64]) -> Result<usize, TaError> {
        (self.lookback)(&self.bind(params)?)
    }

    /// Compute every output into buffers of the input's length.
    ///
    /// Missing parameters take their defaults. Slots without a value get NaN (0 for whole outputs).
    ///
    /// # Errors
    /// Wrong number or lengths of inputs, outputs or parameters; a parameter out of bounds.
    pub fn compute(&self, inputs: &[&[f64]], params: &[f64], outputs: &mut [&mut [f64]]) -> Result<(), TaError> {
        let params = self.bind(params)?;
        let length = self.check_inputs(inputs)?;
        if outputs.len() != self.outputs.len() || outputs.iter().any(|output| output.len() != length) {
            return Err(TaError::OutputShape { name: self.name, expected: self.outputs.len(), length });
        }
        let lookback = (self.lookback)(&params)?;
        let begin = first_complete_bar(inputs, length);
        let first = begin.saturating_add(lookback).min(length);
        let mut tails: Vec<&mut [f64]> = Vec::with_capacity(outputs.len());
        for (output, declared) in outputs.iter_mut().zip(self.outputs) {
            let (head, tail) = output.split_at_mut(first);
            head.fill(if declared.kind == Kind::Float { f64::NAN } else { 0.0 });
            tails.push(tail);
        }
        if first == length {
            return Ok(());
        }
        let inputs: Vec<&[f64]> = inputs.iter().map(|input| input.split_at(begin).1).collect();
        (self.kernel)(&inputs, &params, &mut tails)
    }

    /// As [`Self::compute`], into new vectors.
    ///
    /// # Errors
    /// As [`Self::compute`].
    pub fn compute_vec(&self, inputs: &[&[f64]], params: &[f64]) -> Result<Vec<Vec<f64>>, TaError> {
        let length = inputs.first().map_or(0, |input| input.len());
        let mut outputs = vec![vec![0.0; length]; self.outputs.len()];
        let mut slices: Vec<&mut [f64]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
        self.compute(inputs, params, &mut slices)?;
        Ok(outputs)
    }

    fn check_inputs(&self, inputs: &[&[f64]]) -> Result<usize, TaError> {
        let names: Vec<&'static str> = self.inputs.iter().map(|input| input.name()).collect();
        if inputs.len() != names.len() {
            let (expected, wanted, given) = (names.len(), names.join(", "), inputs.len());
            return Err(TaError::InputCount { name: self.name, expected, wanted, given });
        }
        let expected = inputs.first().map_or(0, |input| input.len());
        let odd = inputs.iter().zip(&names).find(|(input, _)| input.len() != expected);
        match (odd, names.first()) {
            (Some((series, input)), Some(first)) => {
                let length = series.len();
                Err(TaError::LengthMismatch { name: self.name, input, length, first, expected })
            }
            _ => Ok(expected),
        }
    }
}

/// Index of the first bar where no input is NaN; `length` when there is none.
fn first_complete_bar(inputs: &[&[f64]], length: usize) -> usize {
    let mut begin = 0;
    // A later NaN in one input moves the start, which may land on a NaN of another: repeat until nothing moves.
    loop {
        let start = begin;
        for input in inputs {
            begin += input.iter().skip(begin).take_while(|value| value.is_nan()).count();
        }
        if begin == start {
            return begin.min(length);
        }
    }
}
