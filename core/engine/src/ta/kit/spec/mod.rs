//! What an indicator's file declares, and the one dispatcher that runs it.

mod fill;
mod gaps;

pub(super) use gaps::{first_complete_bar, first_gap};

use super::state::Streaming;
use super::{Param, Params, Seed, TaError, float};

/// Which series an input is. `Real` is any series, in a market view the close; of two, as TA-Lib, the high and the low.
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
    /// Which session a bar belongs to: any number that changes when a session begins.
    Session,
    /// Any series.
    Real,
    /// The first of two series.
    Real0,
    /// The second of two series.
    Real1,
    /// How many bars each bar's average is made of; no column of a market.
    Periods,
}

impl Kind {
    /// What stands where there is no value.
    #[must_use]
    pub const fn nothing(self) -> f64 {
        match self {
            Self::Float => f64::NAN,
            Self::Int32 | Self::Index => 0.0,
        }
    }
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
            Self::Session => "session",
            Self::Real => "real",
            Self::Real0 => "real0",
            Self::Real1 => "real1",
            Self::Periods => "periods",
        }
    }
}

/// What an output holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Numbers; NaN where there is no value.
    Float,
    /// Whole numbers such as -100, 0, 100; 0 where there is no value.
    Int32,
    /// The place of a bar in the series; 0 where there is no value. A kernel says how many bars ago the bar was, and the
    /// dispatcher, which alone knows where a stretch lies, makes a place of it.
    Index,
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
    /// Fills it as int32, where it is the only output and the computation is made of whole numbers anyway.
    pub whole: Option<WholeKernel>,
}

impl Output {
    /// A float output.
    #[must_use]
    pub const fn float(name: &'static str, meaning: &'static str) -> Self {
        Self { name, kind: Kind::Float, meaning, whole: None }
    }

    /// The place of a bar in the series, from 0.
    #[must_use]
    pub const fn index(name: &'static str, meaning: &'static str) -> Self {
        Self { name, kind: Kind::Index, meaning, whole: None }
    }

    /// Whole numbers such as -1, 0, 1, computed as floats.
    #[must_use]
    pub const fn whole(name: &'static str, meaning: &'static str) -> Self {
        Self { name, kind: Kind::Int32, meaning, whole: None }
    }
}

/// How far back a value reaches, and so what a gap in the data does to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// A value reads its own bar only and says itself what a NaN gives; a gap touches nothing else.
    Bar,
    /// A value reads its own bar and the `lookback` bars before it.
    Window,
    /// A value depends on every bar since the first: recursive averages, running totals.
    History,
}

impl Memory {
    /// Its name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bar => "bar",
            Self::Window => "window",
            Self::History => "history",
        }
    }
}

/// What a NaN or an infinity in the input does. Bars before the first complete one are skipped whatever the policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NanPolicy {
    /// Every value that depends on it is NaN (0 for whole outputs): to the end where an indicator never forgets.
    #[default]
    Propagate,
    /// The indicator starts afresh behind it: NaN until its look-back is full again, as pandas' rolling windows.
    Window,
    /// It is an error, in front of the series too.
    Raise,
}

/// The choices a call makes beside its parameters. There is no global state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// What a gap does.
    pub nan: NanPolicy,
    /// How recursive averages begin.
    pub seed: Seed,
}

/// Bars before the first value, for checked parameters.
pub type Lookback = fn(&Params) -> Result<usize, TaError>;

/// Fills `outputs` from `inputs`.
///
/// The dispatcher guarantees: as many inputs and outputs as declared; all inputs of one length `n > lookback` and finite
/// (but for [`Memory::Bar`], where only the first bar is, and for a kernel that is `self_checking`); all outputs of length `n - lookback`, whose first slot belongs
/// to bar `lookback`.
pub type Kernel = fn(&[&[f64]], &Params, &mut [&mut [f64]]) -> Result<(), TaError>;

/// As [`Kernel`], for an indicator whose only output is whole.
pub type WholeKernel = fn(&[&[f64]], &Params, &mut [i32]) -> Result<(), TaError>;

/// Everything there is to know about an indicator.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// TA-Lib's name; the file's name in capitals.
    pub name: &'static str,
    /// TA-Lib's group.
    pub group: &'static str,
    /// Whether the kernel itself finds a NaN or an infinity in its inputs and answers [`TaError::NotClean`], which is
    /// cheaper than looking for one first: the values are in registers anyway.
    pub self_checking: bool,
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
    /// How far back a value reaches.
    pub memory: Memory,
    /// Whether [`Seed`] changes anything.
    pub seeded: bool,
    /// The computation over a whole series.
    pub kernel: Kernel,
    /// The computation bar by bar, with the same bits; none where past values change with later bars.
    pub stream: Option<Streaming>,
}

/// More inputs or outputs than any indicator has.
pub(super) const MAX_SERIES: usize = 12;

impl Spec {
    /// Check parameters and fill up with defaults.
    ///
    /// # Errors
    /// Too many parameters, or one that is out of bounds or not whole; a seed where there is none to choose.
    pub fn bind(&self, params: &[f64], seed: Seed) -> Result<Params, TaError> {
        if seed != Seed::Talib && !self.seeded {
            return Err(TaError::NoSeed { name: self.name });
        }
        Params::bind(self.name, self.params, params, seed)
    }

    /// Bars before the first value; missing parameters take their defaults.
    ///
    /// # Errors
    /// As [`Self::bind`].
    pub fn lookback(&self, params: &[f64]) -> Result<usize, TaError> {
        (self.lookback)(&self.bind(params, Seed::Talib)?)
    }

    /// Compute every output into buffers of the input's length.
    ///
    /// Missing parameters take their defaults. Slots without a value get NaN (0 for whole outputs).
    ///
    /// # Errors
    /// Wrong number or lengths of inputs, outputs or parameters; a parameter out of bounds; a gap under
    /// [`NanPolicy::Raise`]. The buffers hold nothing to rely on then.
    pub fn compute(
        &self,
        inputs: &[&[f64]],
        params: &[f64],
        policy: Policy,
        outputs: &mut [&mut [f64]],
    ) -> Result<(), TaError> {
        let params = self.bind(params, policy.seed)?;
        self.fill(inputs, &params, policy, outputs, |cut, tails, first| {
            (self.kernel)(cut, &params, tails)?;
            for (output, _) in tails.iter_mut().zip(self.outputs).filter(|(_, declared)| declared.kind == Kind::Index) {
                (first..).zip(output.iter_mut()).for_each(|(bar, value)| *value = float(bar) - *value);
            }
            Ok(())
        })
    }

    /// The kernel that fills the only output as int32, if there is one.
    #[must_use]
    pub const fn whole(&self) -> Option<WholeKernel> {
        match self.outputs {
            [output] => output.whole,
            _ => None,
        }
    }

    /// As [`Self::compute`], for an indicator with a [`Self::whole`] kernel.
    ///
    /// # Errors
    /// As [`Self::compute`]; [`TaError::Wiring`] where there is no such kernel.
    pub fn compute_whole(
        &self,
        inputs: &[&[f64]],
        params: &[f64],
        policy: Policy,
        output: &mut [i32],
    ) -> Result<(), TaError> {
        let kernel = self.whole().ok_or(TaError::Wiring { what: "a kernel of whole numbers" })?;
        let params = self.bind(params, policy.seed)?;
        self.fill(inputs, &params, policy, &mut [output], |cut, tails, _| match tails {
            [tail] => kernel(cut, &params, tail),
            _ => Err(TaError::Wiring { what: "outputs" }),
        })
    }

    /// As [`Self::compute`] with the default [`Policy`], into new vectors.
    ///
    /// # Errors
    /// As [`Self::compute`].
    pub fn compute_vec(&self, inputs: &[&[f64]], params: &[f64]) -> Result<Vec<Vec<f64>>, TaError> {
        let length = inputs.first().map_or(0, |input| input.len());
        let mut outputs = vec![vec![0.0; length]; self.outputs.len()];
        let mut slices: Vec<&mut [f64]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
        self.compute(inputs, params, Policy::default(), &mut slices)?;
        Ok(outputs)
    }

    pub(super) fn wrong_count(&self, given: usize) -> TaError {
        let names: Vec<&'static str> = self.inputs.iter().map(|input| input.name()).collect();
        TaError::InputCount { name: self.name, expected: names.len(), wanted: names.join(", "), given }
    }

    pub(super) fn check_inputs(&self, inputs: &[&[f64]]) -> Result<usize, TaError> {
        if inputs.len() != self.inputs.len() {
            return Err(self.wrong_count(inputs.len()));
        }
        let expected = inputs.first().map_or(0, |input| input.len());
        let odd = inputs.iter().zip(self.inputs).find(|(input, _)| input.len() != expected);
        match (odd, self.inputs.first()) {
            (Some((series, input)), Some(first)) => {
                let (length, input, first) = (series.len(), input.name(), first.name());
                Err(TaError::LengthMismatch { name: self.name, input, length, first, expected })
            }
            _ => Ok(expected),
        }
    }
}
