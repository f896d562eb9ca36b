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
    /// TA-Lib; else the close.
    #[must_use]
    pub fn columns(&self) -> Vec<usize> {
        const CLOSE: usize = 3;
        // By name, so that an input of a kind that comes later reads the close and not nothing.
        let own: Vec<Option<usize>> = self
            .spec
            .inputs
            .iter()
            .map(|input| COLUMN_NAMES.iter().position(|column| *column == input.name()))
            .collect();
        let pair = own.iter().filter(|column| column.is_none()).count() == 2;
        let mut free = [1, 2].into_iter();
        let mut next_free = || if pair { free.next().unwrap_or(CLOSE) } else { CLOSE };
        own.into_iter().map(|column| column.unwrap_or_else(&mut next_free)).collect()
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
