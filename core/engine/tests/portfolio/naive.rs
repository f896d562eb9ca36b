//! Average price and realised profit against exact rational numbers.

use deepalpha_engine::portfolio::Portfolio;
use deepalpha_engine::types::{Money, Price, Quantity, SCALE};
use proptest::prelude::*;

use super::{money, ok, side};

/// A fraction in lowest terms with a positive denominator.
#[derive(Clone, Copy, Debug)]
struct Exact(i128, i128);

impl Exact {
    fn new(numerator: i128, denominator: i128) -> Self {
        let (mut a, mut b) = (numerator.abs(), denominator.abs());
        while b != 0 {
            (a, b) = (b, a % b);
        }
        let divisor = a.max(1) * denominator.signum();
        Self(numerator / divisor, denominator / divisor)
    }

    fn plus(self, other: Self) -> Self {
        Self::new(self.0 * other.1 + other.0 * self.1, self.1 * other.1)
    }

    fn times(self, factor: i128) -> Self {
        Self::new(self.0 * factor, self.1)
    }

    /// Distance to a whole number is at most `units`.
    fn is_within(self, units: i128, of: i128) -> bool {
        (self.0 - of * self.1).abs() <= units * self.1
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// Against the textbook: the average moves when the position grows, and a close realises
    /// `(price - average) x quantity`. The account differs by at most one unit of 1e-8 for each close of a part, and
    /// what it realised plus what is still open is exact.
    #[test]
    fn average_price_and_profit_are_those_of_exact_fractions(
        fills in prop::collection::vec((any::<bool>(), 1_i64..12, 1_i64..2_000), 1..14),
    ) {
        let mut portfolio = Portfolio::new(money("1000"));
        // Quantities count 1, prices count 1e-8.
        let (mut held, mut average, mut realised) = (0_i128, Exact(0, 1), Exact(0, 1));
        let (mut parts, mut paid) = (0, 0_i128);
        for (buy, quantity, at) in fills {
            let booked = portfolio.book(
                "X", side(buy), Quantity::from_raw(quantity * SCALE), Price::from_raw(at), Money::ZERO, &ok(deepalpha_engine::types::TradeId::parse("F")),
            );
            ok(booked);
            let (delta, at) = (i128::from(if buy { quantity } else { -quantity }), i128::from(at));
            paid += delta * at;
            let closes = held != 0 && (held > 0) != (delta > 0);
            let closing = if closes { held.abs().min(delta.abs()) * held.signum() } else { 0 };
            realised = realised.plus(average.times(-1).plus(Exact(at, 1)).times(closing));
            parts += i128::from(closes && closing != held);
            let opening = delta + closing;
            let left = held - closing;
            if left + opening == 0 {
                average = Exact(0, 1);
            } else if left == 0 {
                average = Exact(at, 1);
            } else {
                let cost = average.times(left).plus(Exact(opening * at, 1));
                average = Exact::new(cost.0, cost.1 * (left + opening));
            }
            held += delta;

            let totals = ok(portfolio.totals());
            let position = portfolio.position("X").unwrap_or_else(|| panic!("traded"));
            prop_assert_eq!(i128::from(position.quantity.raw()), held * i128::from(SCALE));
            prop_assert_eq!(i128::from(totals.realised.raw()), i128::from(position.cost.raw()) - paid, "exact");
            prop_assert!(realised.is_within(parts, i128::from(totals.realised.raw())), "{realised:?} {totals:?}");
            // One unit of cost is at most one unit of price, and the showing cuts one more.
            let shown = i128::from(position.average_price().raw());
            prop_assert!(average.is_within(parts + 1, shown), "{average:?} shown as {shown}");
        }
    }
}
