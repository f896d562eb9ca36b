//! An indicator as a caller asks for it, for [`StreamSet`](super::StreamSet) and [`frame`](super::Frame).

use super::{Seed, Spec, TaError};

/// An indicator, its parameters and what to call its results.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// What its results are called: `RSI_14`, and `MACD_12_26_9.macdhist` where there are several outputs.
    pub label: String,
    /// Which indicator.
    pub spec: &'static Spec,
    /// Its parameters; missing ones on the right take their defaults.
    pub params: Vec<f64>,
    /// How recursive averages begin.
    pub seed: Seed,
}

impl Wanted {
    /// The name of each output.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        match self.spec.outputs {
            [_] => vec![self.label.clone()],
            outputs => outputs.iter().map(|output| format!("{}.{}", self.label, output.name)).collect(),
        }
    }

    /// Which column of open, high, low, close, volume each input reads: of two free series the high and the low, as in
    /// TA-Lib; of one the close. None for an input that no bar has, such as the session it belongs to.
    #[must_use]
    pub fn columns(&self) -> Vec<Option<usize>> {
        self.spec.inputs.iter().map(|input| column(input.name())).collect()
    }

    /// Check the parameters.
    ///
    /// # Errors
    /// As [`Spec::bind`].
    pub fn check(&self) -> Result<(), TaError> {
        self.spec.bind(&self.params, self.seed).map(|_| ())
    }
}

/// Names of the columns [`Wanted::columns`] counts.
pub const COLUMN_NAMES: [&str; 5] = ["open", "high", "low", "close", "volume"];

/// By name, so that an input of a kind that comes later is none of them.
fn column(input: &str) -> Option<usize> {
    let name = match input {
        "real" => "close",
        "real0" => "high",
        "real1" => "low",
        name => name,
    };
    COLUMN_NAMES.iter().position(|column| *column == name)
}
