//! How long things took: a histogram of fixed memory, one for each durability level.
//!
//! Log-linear: values below 128 ns are exact, above that every power of two has 64 steps, so a percentile is at most
//! 1/64 (1.6 %) above the value it stands for and never below it; minimum, maximum, count and mean are exact. O(1) to
//! record, no allocation after construction, and histograms of several threads add up.

/// Steps of a power of two.
const STEPS: u64 = 64;
const STEP_BITS: u32 = STEPS.trailing_zeros();
/// Powers of two above the exact part: up to 2^43 ns, two hours and a half.
const POWERS: usize = 36;
const CELLS: usize = (POWERS + 2) * 64;

/// How much an acknowledged order survives; latency is told apart by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// Nothing is written.
    #[default]
    None,
    /// The end of every process; not the loss of power.
    Journalled,
    /// The loss of power as well.
    Durable,
}

impl Durability {
    /// All levels, the weakest first.
    pub const ALL: [Self; 3] = [Self::None, Self::Journalled, Self::Durable];

    /// Wire value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Journalled => "journalled",
            Self::Durable => "durable",
        }
    }

    /// From its wire value.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == text)
    }
}

/// The histogram; values are nanoseconds.
#[derive(Clone, Debug)]
pub struct LatencyHistogram {
    cells: Box<[u64]>,
    count: u64,
    sum: u128,
    least: u64,
    most: u64,
}

impl Default for LatencyHistogram {
    fn default() -> Self {
        Self { cells: vec![0; CELLS].into_boxed_slice(), count: 0, sum: 0, least: u64::MAX, most: 0 }
    }
}

/// Where a value is counted.
fn cell_of(nanos: u64) -> usize {
    let power = 63_u32.saturating_sub(nanos.leading_zeros()).saturating_sub(STEP_BITS);
    let cell = u64::from(power) * STEPS + (nanos >> power);
    usize::try_from(cell).unwrap_or(usize::MAX).min(CELLS - 1)
}

/// The largest value that is counted there.
fn top_of(cell: usize) -> u64 {
    let cell = u64::try_from(cell).unwrap_or(u64::MAX);
    if cell < 2 * STEPS {
        return cell;
    }
    let power = cell / STEPS - 1;
    let start = (cell - power * STEPS) << power;
    start + ((1 << power) - 1)
}

impl LatencyHistogram {
    /// Count one value. Values beyond two hours and a half are counted in the last cell; the maximum stays exact.
    pub fn record(&mut self, nanos: u64) {
        if let Some(cell) = self.cells.get_mut(cell_of(nanos)) {
            *cell += 1;
        }
        self.count += 1;
        self.sum += u128::from(nanos);
        self.least = self.least.min(nanos);
        self.most = self.most.max(nanos);
    }

    /// Add everything another one has counted.
    pub fn merge(&mut self, other: &Self) {
        for (cell, more) in self.cells.iter_mut().zip(&other.cells) {
            *cell += more;
        }
        self.count += other.count;
        self.sum += other.sum;
        self.least = self.least.min(other.least);
        self.most = self.most.max(other.most);
    }

    /// Values counted.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The smallest value; 0 when there is none.
    #[must_use]
    pub const fn min(&self) -> u64 {
        if self.count == 0 { 0 } else { self.least }
    }

    /// The largest value; 0 when there is none.
    #[must_use]
    pub const fn max(&self) -> u64 {
        self.most
    }

    /// The mean, cut to whole nanoseconds; 0 when there is none.
    #[must_use]
    pub fn mean(&self) -> u64 {
        u64::try_from(self.sum.checked_div(u128::from(self.count)).unwrap_or(0)).unwrap_or(u64::MAX)
    }

    /// The value that `per_hundred_thousand` of a hundred thousand values do not exceed (99,900 for p99.9); at most
    /// 1/64 above it. 0 when nothing was counted.
    #[must_use]
    pub fn percentile(&self, per_hundred_thousand: u32) -> u64 {
        let share = u128::from(per_hundred_thousand.min(100_000));
        let rank = (u128::from(self.count) * share).div_ceil(100_000).max(1);
        let mut seen = 0_u128;
        for (index, cell) in self.cells.iter().enumerate() {
            seen += u128::from(*cell);
            if seen >= rank {
                return if index + 1 == CELLS { self.most } else { top_of(index).min(self.most) };
            }
        }
        self.most
    }

    /// Everything a person asks for.
    #[must_use]
    pub fn summary(&self) -> LatencySummary {
        LatencySummary {
            count: self.count,
            mean: self.mean(),
            p50: self.percentile(50_000),
            p90: self.percentile(90_000),
            p99: self.percentile(99_000),
            p99_9: self.percentile(99_900),
            max: self.most,
        }
    }
}

/// Percentiles in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LatencySummary {
    /// Values counted.
    pub count: u64,
    /// Mean.
    pub mean: u64,
    /// Median.
    pub p50: u64,
    /// 90 %.
    pub p90: u64,
    /// 99 %.
    pub p99: u64,
    /// 99.9 %.
    pub p99_9: u64,
    /// The largest.
    pub max: u64,
}

/// One histogram for each durability level.
#[derive(Clone, Debug, Default)]
pub struct LatencyByDurability {
    levels: [LatencyHistogram; 3],
}

impl LatencyByDurability {
    /// The histogram of a level.
    #[must_use]
    pub fn of(&self, level: Durability) -> &LatencyHistogram {
        let [none, journalled, durable] = &self.levels;
        match level {
            Durability::None => none,
            Durability::Journalled => journalled,
            Durability::Durable => durable,
        }
    }

    /// Count one value at a level.
    pub fn record(&mut self, level: Durability, nanos: u64) {
        let [none, journalled, durable] = &mut self.levels;
        match level {
            Durability::None => none,
            Durability::Journalled => journalled,
            Durability::Durable => durable,
        }
        .record(nanos);
    }

    /// All levels together.
    #[must_use]
    pub fn together(&self) -> LatencyHistogram {
        let mut sum = LatencyHistogram::default();
        for level in &self.levels {
            sum.merge(level);
        }
        sum
    }
}
