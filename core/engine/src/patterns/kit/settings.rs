//! What "long", "short", "near" mean: the eleven candle settings, as a value that goes along with each call.

use serde::{Deserialize, Serialize};

use crate::ta::TaError;

/// The part of a candle that a setting averages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RangeType {
    /// Distance of open and close.
    RealBody,
    /// From the low to the high.
    HighLow,
    /// Both shadows; what is compared is half of their average.
    Shadows,
}

impl RangeType {
    /// All of them, in TA-Lib's order.
    pub const ALL: [Self; 3] = [Self::RealBody, Self::HighLow, Self::Shadows];

    /// Its name in settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RealBody => "real_body",
            Self::HighLow => "high_low",
            Self::Shadows => "shadows",
        }
    }
}

/// The eleven settings, in TA-Lib's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// A body longer than this is long.
    BodyLong,
    /// A body longer than this is very long.
    BodyVeryLong,
    /// A body shorter than this is short.
    BodyShort,
    /// A body up to this is a doji's.
    BodyDoji,
    /// A shadow longer than this is long.
    ShadowLong,
    /// A shadow longer than this is very long.
    ShadowVeryLong,
    /// A shadow shorter than this is short.
    ShadowShort,
    /// A shadow shorter than this is very short.
    ShadowVeryShort,
    /// Prices closer than this are near.
    Near,
    /// Prices farther apart than this are far.
    Far,
    /// Prices closer than this are equal.
    Equal,
}

impl Setting {
    /// How many there are.
    pub const COUNT: usize = 11;

    /// Names in [`CandleSettings::new`]'s order.
    pub const NAMES: [&'static str; Self::COUNT] = [
        "body_long",
        "body_very_long",
        "body_short",
        "body_doji",
        "shadow_long",
        "shadow_very_long",
        "shadow_short",
        "shadow_very_short",
        "near",
        "far",
        "equal",
    ];

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

/// "The average of a part over the `period` candles before, times `factor`"; with period 0 the candle's own part.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gauge {
    /// The part that is averaged.
    pub range: RangeType,
    /// Candles before the one in question; 0 for that one itself.
    pub period: usize,
    /// What the average is multiplied with.
    pub factor: f64,
}

impl Gauge {
    /// What an average is multiplied with beside the factor: of both shadows, half is compared.
    #[inline(always)]
    pub(crate) const fn halved(&self) -> f64 {
        match self.range {
            RangeType::Shadows => 0.5,
            RangeType::RealBody | RangeType::HighLow => 1.0,
        }
    }
}

/// All eleven settings. Never global: a call is given its own, or TA-Lib's defaults.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CandleSettings {
    gauges: [Gauge; Setting::COUNT],
}

/// Largest period, TA-Lib's bound for periods elsewhere.
const MAX_PERIOD: usize = 100_000;
/// Largest factor; anything beyond compares with infinity.
const MAX_FACTOR: f64 = 1e6;

impl CandleSettings {
    /// TA-Lib's defaults.
    pub const TALIB: Self = {
        const fn gauge(range: RangeType, period: usize, factor: f64) -> Gauge {
            Gauge { range, period, factor }
        }
        Self {
            gauges: [
                gauge(RangeType::RealBody, 10, 1.0),
                gauge(RangeType::RealBody, 10, 3.0),
                gauge(RangeType::RealBody, 10, 1.0),
                gauge(RangeType::HighLow, 10, 0.1),
                gauge(RangeType::RealBody, 0, 1.0),
                gauge(RangeType::RealBody, 0, 2.0),
                gauge(RangeType::Shadows, 10, 1.0),
                gauge(RangeType::HighLow, 10, 0.1),
                gauge(RangeType::HighLow, 5, 0.2),
                gauge(RangeType::HighLow, 5, 0.6),
                gauge(RangeType::HighLow, 5, 0.05),
            ],
        }
    };

    /// Settings of one's own, in the order of [`Setting::NAMES`].
    ///
    /// # Errors
    /// A period above 100000, a factor outside 0..=1e6 or NaN.
    pub fn new(gauges: [Gauge; Setting::COUNT]) -> Result<Self, TaError> {
        for (gauge, name) in gauges.iter().zip(Setting::NAMES) {
            let refuse = |param, value, bounds: &str| {
                Err(TaError::OutOfBounds { name, param, value, bounds: bounds.to_owned() })
            };
            if gauge.period > MAX_PERIOD {
                return refuse("period", crate::ta::kit::float(gauge.period), "0..=100000");
            }
            // Written so that NaN fails.
            if !(gauge.factor >= 0.0 && gauge.factor <= MAX_FACTOR) {
                return refuse("factor", gauge.factor, "0..=1e6");
            }
        }
        Ok(Self { gauges })
    }

    /// All gauges, in the order of [`Setting::NAMES`].
    #[must_use]
    pub const fn gauges(&self) -> &[Gauge; Setting::COUNT] {
        &self.gauges
    }

    /// One setting's gauge.
    #[expect(clippy::indexing_slicing, reason = "the index of an enum with COUNT variants")]
    #[inline]
    pub(crate) const fn gauge(&self, setting: Setting) -> &Gauge {
        &self.gauges[setting.index()]
    }
}

impl Default for CandleSettings {
    fn default() -> Self {
        Self::TALIB
    }
}

#[cfg(test)]
mod tests {
    use super::{CandleSettings, Setting};
    use crate::ta::TaError;

    #[test]
    fn refuses_a_factor_with_value_and_bound() {
        for (bad, shown) in [(f64::NAN, "NaN"), (-0.5, "-0.5"), (2e6, "2000000")] {
            let mut gauges = *CandleSettings::TALIB.gauges();
            gauges.iter_mut().skip(Setting::Near.index()).take(1).for_each(|gauge| gauge.factor = bad);
            let message = CandleSettings::new(gauges).map_err(|error| error.to_string());
            assert_eq!(message, Err(format!("near: factor {shown} is not in 0..=1e6")));
        }
        let mut gauges = *CandleSettings::TALIB.gauges();
        gauges.iter_mut().for_each(|gauge| gauge.period = 100_001);
        assert!(matches!(CandleSettings::new(gauges), Err(TaError::OutOfBounds { param: "period", .. })));
        assert_eq!(CandleSettings::new(*CandleSettings::default().gauges()), Ok(CandleSettings::TALIB));
    }
}
