//! What an account keeps of one instrument: its terms, resolved once, and its legs with their sums.

use super::position::{Position, PositionSide, Sums, margin_of};
use crate::types::{Instrument, Money, Quantity, Ratio};

/// What booking needs of an instrument, resolved once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) multiplier: Quantity,
    pub(super) exchanges: bool,
    /// Initial margin: the larger of the instrument's and what the leverage asks for.
    pub(super) initial: Ratio,
    pub(super) maintenance: Ratio,
    pub(super) t_plus_one: bool,
    pub(super) settle: usize,
    pub(super) base: Option<usize>,
    /// A netting margin account that exchanges the notional: a fill has nothing to ask for and cannot be refused.
    pub(super) plain: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Leg {
    pub(super) position: Position,
    pub(super) sums: Sums,
}

impl Leg {
    /// Whether it was ever traded or priced.
    pub(super) fn is_known(&self) -> bool {
        self.position != Position::default()
    }

    pub(super) fn refresh(&mut self, terms: &Terms, isolated: bool) -> (Sums, Sums) {
        self.refresh_at(self.position.exact_value(), terms, isolated)
    }

    /// As [`Leg::refresh`], of a position whose value at its last price is known.
    #[inline]
    pub(super) fn refresh_at(&mut self, value: i128, terms: &Terms, isolated: bool) -> (Sums, Sums) {
        let new = sums_of(&self.position, value, terms, isolated);
        (std::mem::replace(&mut self.sums, new), new)
    }
}

#[inline]
fn sums_of(position: &Position, value: i128, terms: &Terms, isolated: bool) -> Sums {
    let unrealised = value - i128::from(position.cost.raw());
    let initial = if isolated { i128::from(position.margin.raw()) } else { margin_of(value, terms.initial) };
    Sums {
        worth: if terms.exchanges { value } else { unrealised },
        unrealised,
        gross: value.abs(),
        initial,
        maintenance: margin_of(value, terms.maintenance),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Holding {
    pub(super) instrument: Instrument,
    pub(super) terms: Terms,
    /// The net position, or the long leg in hedging mode.
    pub(super) long: Leg,
    /// The short leg in hedging mode.
    pub(super) short: Leg,
    pub(super) realised: Money,
    /// Interest a day on the value sold short (shares).
    pub(super) borrow_rate: Ratio,
    pub(super) interest_rest: i128,
}

impl Holding {
    pub(super) const fn leg(&self, leg: PositionSide) -> &Leg {
        match leg {
            PositionSide::Net | PositionSide::Long => &self.long,
            PositionSide::Short => &self.short,
        }
    }

    pub(super) const fn leg_mut(&mut self, leg: PositionSide) -> &mut Leg {
        match leg {
            PositionSide::Net | PositionSide::Long => &mut self.long,
            PositionSide::Short => &mut self.short,
        }
    }
}
