//! Support and resistance: prices at which the market turned more than once.
//!
//! A confirmed pivot joins the nearest level within `width` reversals of its price (the level's price is the mean of its
//! touches) or begins a new one. From `min_touches` on each touch makes a record, known when the pivot is. A level that
//! closes have crossed counts as broken so many times. Strength: `(1 - 2^(1 - touches)) touches / (touches + breaks)`:
//! two clean touches 0.5, three 0.75; each break takes its share. A level not touched for `max_age` bars is forgotten.
//! O(levels) a bar, at most [`MAX_LEVELS`] of them.

use serde::{Deserialize, Serialize};

use super::params::{ChartError, Unit, check_period, within};
use super::swings::{Pivot, RangeAverage, Swings};
use crate::ta::kit::float;

/// Most levels followed at a time; beyond, the one touched longest ago is forgotten.
pub const MAX_LEVELS: usize = 64;
/// A level keeps its latest touches.
const MAX_TOUCHES: usize = 64;

/// How levels are found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LevelParams {
    /// In what the reversal is measured.
    pub unit: Unit,
    /// Reversal that makes a swing. In 0.1..=100.
    pub reversal: f64,
    /// Bars of the average true range. In 1..=1000.
    pub atr_period: usize,
    /// How near a pivot must be to join a level, in reversals. In 0.01..=1.
    pub width: f64,
    /// Touches that make a level. In 2..=20.
    pub min_touches: usize,
    /// Bars after which an untouched level is forgotten. In 10..=100000.
    pub max_age: usize,
}

impl Default for LevelParams {
    fn default() -> Self {
        Self { unit: Unit::Atr, reversal: 3.0, atr_period: 14, width: 0.2, min_touches: 2, max_age: 500 }
    }
}

/// What a level has been.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// Touched from above only.
    Support,
    /// Touched from below only.
    Resistance,
    /// Both.
    Both,
}

impl Role {
    /// Wire name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Support => "support",
            Self::Resistance => "resistance",
            Self::Both => "both",
        }
    }
}

/// A level as it stood at `confirmed_at`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// Mean of its touches.
    pub price: f64,
    /// What it has been.
    pub role: Role,
    /// 0 to 1, see the module.
    pub strength: f64,
    /// How often the market turned there.
    pub touches: usize,
    /// How often closes crossed it.
    pub breaks: usize,
    /// Its latest touches, oldest first.
    pub pivots: Vec<Pivot>,
    /// Bar at which all of this was known.
    pub confirmed_at: usize,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Running {
    price: f64,
    width: f64,
    touches: usize,
    breaks: usize,
    highs: usize,
    /// -1 or 1: the side of the last close that lay beyond the width; 0 before the first.
    side: i8,
    pivots: Vec<Pivot>,
}

impl Running {
    fn last_bar(&self) -> usize {
        self.pivots.last().map_or(0, |pivot| pivot.bar)
    }

    fn touch(&mut self, pivot: Pivot, width: f64) {
        self.touches += 1;
        self.highs += usize::from(pivot.is_high);
        self.price += (pivot.price - self.price) / float(self.touches);
        self.width = width;
        if self.pivots.len() == MAX_TOUCHES {
            self.pivots.remove(0);
        }
        self.pivots.push(pivot);
    }

    fn close(&mut self, close: f64) {
        let side = match close - self.price {
            above if above > self.width => 1,
            below if below < -self.width => -1,
            _ => return,
        };
        if self.side == -side {
            self.breaks += 1;
        }
        self.side = side;
    }

    fn report(&self, bar: usize) -> Level {
        let (touches, breaks) = (float(self.touches), float(self.breaks));
        Level {
            price: self.price,
            role: match self.highs {
                0 => Role::Support,
                highs if highs == self.touches => Role::Resistance,
                _ => Role::Both,
            },
            strength: (1.0 - 2f64.powf(1.0 - touches)) * touches / (touches + breaks),
            touches: self.touches,
            breaks: self.breaks,
            pivots: self.pivots.clone(),
            confirmed_at: bar,
        }
    }
}

/// Follows levels bar by bar. Bars are the caller's to check.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LevelBook {
    params: LevelParams,
    range: RangeAverage,
    swings: Swings,
    levels: Vec<Running>,
    next_bar: usize,
}

impl LevelBook {
    /// Before the first bar.
    ///
    /// # Errors
    /// A parameter out of bounds.
    pub fn new(params: LevelParams) -> Result<Self, ChartError> {
        within("reversal", params.reversal, 0.1, 100.0)?;
        check_period("atr_period", params.atr_period, 1, 1000)?;
        within("width", params.width, 0.01, 1.0)?;
        check_period("min_touches", params.min_touches, 2, 20)?;
        check_period("max_age", params.max_age, 10, 100_000)?;
        let swings = Swings::new(params.unit, params.reversal);
        Ok(Self { params, range: RangeAverage::new(params.atr_period), swings, levels: Vec::new(), next_bar: 0 })
    }

    /// Take a bar; answers the level that it made, or made stronger.
    pub fn next(&mut self, high: f64, low: f64, close: f64) -> Option<Level> {
        let bar = self.next_bar;
        self.next_bar += 1;
        let range = self.range.next(high, low, close);
        for level in &mut self.levels {
            level.close(close);
        }
        let pivot = self.swings.next(bar, high, low, range)?;
        let max_age = self.params.max_age;
        self.levels.retain(|level| bar - level.last_bar() <= max_age);
        let reversal = match self.params.unit {
            Unit::Atr => self.params.reversal * range,
            Unit::Percent => self.params.reversal / 100.0 * pivot.price.abs(),
        };
        let width = self.params.width * reversal;
        let distance = |level: &Running| (level.price - pivot.price).abs();
        let nearest = self.levels.iter_mut().min_by(|left, right| distance(left).total_cmp(&distance(right)));
        if let Some(level) = nearest
            && distance(level) <= width
        {
            level.touch(pivot, width);
            return (level.touches >= self.params.min_touches).then(|| level.report(bar));
        }
        if self.levels.len() == MAX_LEVELS {
            let oldest = self.levels.iter().enumerate().min_by_key(|(_, level)| level.last_bar()).map(|(at, _)| at);
            oldest.map(|at| self.levels.remove(at));
        }
        let side = if pivot.is_high { -1 } else { 1 };
        let mut level = Running { price: 0.0, width, touches: 0, breaks: 0, highs: 0, side, pivots: Vec::new() };
        level.touch(pivot, width);
        self.levels.push(level);
        None
    }

    /// Levels that stand after the last bar, the strongest first.
    #[must_use]
    pub fn standing(&self) -> Vec<Level> {
        let Some(bar) = self.next_bar.checked_sub(1) else { return Vec::new() };
        let alive = |level: &&Running| {
            level.touches >= self.params.min_touches && bar - level.last_bar() <= self.params.max_age
        };
        let mut levels: Vec<Level> = self.levels.iter().filter(alive).map(|level| level.report(bar)).collect();
        levels.sort_by(|left, right| right.strength.total_cmp(&left.strength).then(left.price.total_cmp(&right.price)));
        levels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn touches_make_a_level_and_breaks_weaken_it() -> Result<(), ChartError> {
        let params = LevelParams { unit: Unit::Percent, reversal: 10.0, min_touches: 2, ..LevelParams::default() };
        let mut book = LevelBook::new(params)?;
        // Turns at 120, 100, 121, 100; the level of the highs is 120.5, two touches known when 121 is confirmed.
        let prices = [100.0, 120.0, 100.0, 121.0, 100.0, 115.0];
        let made: Vec<Level> = prices.iter().filter_map(|price| book.next(*price, *price, *price)).collect();
        let shown: Vec<_> = made.iter().map(|level| (level.price, level.role, level.touches, level.strength)).collect();
        let expected =
            [(100.0, Role::Support, 2, 0.5), (120.5, Role::Resistance, 2, 0.5), (100.0, Role::Support, 3, 0.75)];
        assert_eq!(shown, expected);
        book.next(130.0, 130.0, 130.0);
        let broken = book.standing().into_iter().find(|level| level.price == 120.5);
        assert_eq!(broken.map(|level| (level.breaks, level.strength)), Some((1, 0.5 * 2.0 / 3.0)));
        Ok(())
    }
}
