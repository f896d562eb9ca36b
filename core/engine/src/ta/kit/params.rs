//! Parameters of an indicator: what a file declares and what its kernel receives.

use super::TaError;
use super::averages::Average;

/// Largest period TA-Lib allows.
const MAX_PERIOD: f64 = 100_000.0;
/// Largest real parameter TA-Lib allows.
const MAX_REAL: f64 = 3e37;

/// How a recursive average begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Seed {
    /// With the mean of its first window, as TA-Lib does.
    #[default]
    Talib,
    /// With the first value, as `TradingView`'s ta.ema does; a true range has a value on the first bar.
    TradingView,
}

/// What values a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamKind {
    /// A whole number.
    Int,
    /// Any number.
    Real,
    /// The kind of a moving average, by TA-Lib's number.
    Average,
}

/// One parameter: its name (TA-Lib's), default and bounds, both included.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// TA-Lib's name.
    pub name: &'static str,
    /// Whole or real.
    pub kind: ParamKind,
    /// Value when not given.
    pub default: f64,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// What it means.
    pub doc: &'static str,
}

impl Param {
    /// A number of bars in `min..=100000`.
    #[must_use]
    pub const fn period(name: &'static str, default: f64, min: f64, doc: &'static str) -> Self {
        Self { name, kind: ParamKind::Int, default, min, max: MAX_PERIOD, doc }
    }

    /// A real number from `min` up; `f64::NEG_INFINITY` for no bound but TA-Lib's 3e37.
    #[must_use]
    pub const fn real(name: &'static str, default: f64, min: f64, doc: &'static str) -> Self {
        let min = if min < -MAX_REAL { -MAX_REAL } else { min };
        Self { name, kind: ParamKind::Real, default, min, max: MAX_REAL, doc }
    }

    /// A whole number within bounds of its own.
    #[must_use]
    pub const fn whole(name: &'static str, default: f64, min: f64, max: f64, doc: &'static str) -> Self {
        Self { name, kind: ParamKind::Int, default, min, max, doc }
    }

    /// A real number within bounds of its own.
    #[must_use]
    pub const fn between(name: &'static str, default: f64, min: f64, max: f64, doc: &'static str) -> Self {
        Self { name, kind: ParamKind::Real, default, min, max, doc }
    }

    /// With another default.
    #[must_use]
    pub const fn or(self, default: f64) -> Self {
        Self { default, ..self }
    }

    /// The kind of a moving average, by TA-Lib's number; simple unless `.or(..)` says otherwise.
    #[must_use]
    pub const fn average(name: &'static str, doc: &'static str) -> Self {
        Self { name, kind: ParamKind::Average, default: 0.0, min: 0.0, max: 13.0, doc }
    }

    fn bounds(&self) -> String {
        match self.kind {
            ParamKind::Average => "0..=13 (SMA, EMA, WMA, DEMA, TEMA, TRIMA, KAMA, MAMA, T3, HMA, DISABLED, DEFAULT, \
                                   ZLEMA, RMA)"
                .to_owned(),
            ParamKind::Int => format!("{}..={}", self.min, self.max),
            ParamKind::Real => format!("{:?}..={:?}", self.min, self.max),
        }
    }

    /// Check one value.
    ///
    /// # Errors
    /// Outside the bounds, NaN, or a fraction for a whole number.
    pub fn check(&self, indicator: &'static str, value: f64) -> Result<(), TaError> {
        // Written so that NaN fails.
        if !(value >= self.min && value <= self.max) {
            return Err(TaError::OutOfBounds { name: indicator, param: self.name, value, bounds: self.bounds() });
        }
        if self.kind != ParamKind::Real && value.fract() != 0.0 {
            return Err(TaError::NotWhole { name: indicator, param: self.name, value, bounds: self.bounds() });
        }
        Ok(())
    }
}

/// Checked parameter values, in the order the SPEC declares them, and the seed. Only the dispatcher makes one.
#[derive(Clone, Debug)]
pub struct Params {
    values: [f64; MAX_PARAMS],
    count: usize,
    seed: Seed,
    /// Bars of each of eight series side by side; none for one series.
    beside: Option<usize>,
}

/// More parameters than any indicator has.
const MAX_PARAMS: usize = 16;

impl Params {
    /// Check `given` against `declared` and fill up with defaults from the right.
    pub(super) fn bind(
        indicator: &'static str,
        declared: &[Param],
        given: &[f64],
        seed: Seed,
    ) -> Result<Self, TaError> {
        if given.len() > declared.len() {
            let names: Vec<&str> = declared.iter().map(|param| param.name).collect();
            let wanted = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
            let (expected, given) = (declared.len(), given.len());
            return Err(TaError::ParamCount { name: indicator, expected, wanted, given });
        }
        let mut values = [0.0; MAX_PARAMS];
        for (index, (slot, param)) in values.iter_mut().zip(declared).enumerate() {
            *slot = given.get(index).copied().unwrap_or(param.default);
            param.check(indicator, *slot)?;
            if param.kind == ParamKind::Average && *slot == Average::DEFAULT {
                *slot = param.default;
            }
        }
        Ok(Self { values, count: declared.len(), seed, beside: None })
    }

    /// For eight series of `length` bars at a time, one after the other in memory: only kernels of `lanes` know how.
    pub(super) const fn side_by_side(self, length: usize) -> Self {
        Self { beside: Some(length), ..self }
    }

    /// Bars of each of eight series; none where there is one.
    pub(crate) const fn beside(&self) -> Option<usize> {
        self.beside
    }

    /// The values, complete.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        self.values.get(..self.count).unwrap_or(&self.values)
    }

    /// How recursive averages begin.
    #[must_use]
    pub const fn seed(&self) -> Seed {
        self.seed
    }

    /// The real parameter at `index`.
    ///
    /// # Errors
    /// [`TaError::Wiring`] when the SPEC declares no such parameter.
    pub fn real(&self, index: usize) -> Result<f64, TaError> {
        self.values().get(index).copied().ok_or(TaError::Wiring { what: "parameter" })
    }

    /// The whole parameter at `index`; its bounds were checked, so it is exact.
    ///
    /// # Errors
    /// [`TaError::Wiring`] when the SPEC declares no such parameter.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be whole and in bounds")]
    pub fn int(&self, index: usize) -> Result<usize, TaError> {
        self.real(index).map(|value| value as usize)
    }

    /// The kind of moving average at `index`.
    pub(crate) fn average(&self, index: usize) -> Result<Average, TaError> {
        let number = self.int(index)?;
        Average::from_number(number).ok_or(TaError::Wiring { what: "moving average" })
    }
}
