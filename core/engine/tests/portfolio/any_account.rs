//! Random flows through every kind of account and both position modes. The model keeps no cost, no running sums and no
//! rounding: equity = deposits - sum of signed notionals + sum of position values - fees + funding - interest + deficit.

use deepalpha_engine::portfolio::{
    AccountKind, AccountTerms, Booking, FundingRate, InstrumentIndex, MarginMode, MarginState, MarkPrice, Portfolio,
    PortfolioError, PositionMode, PositionSide, SettleEvent,
};
use deepalpha_engine::types::{Instrument, InstrumentKind, Money, Price, Quantity, Ratio, Side, UtcNanos};
use proptest::prelude::*;

use super::{currency, fill, futures, listed, money, ok, on_leg, opened, perpetual, price, ratio};

const HOUR: i64 = 3_600_000_000_000;

/// Units of 1e-16 of `price * quantity * multiplier`; every test value makes whole units of 1e-8 of it.
fn product(price: Price, quantity: i128, instrument: &Instrument) -> i128 {
    let exact = i128::from(price.raw()) * quantity * i128::from(instrument.multiplier.raw());
    assert_eq!(exact % 10_i128.pow(16), 0, "the flow is meant to be free of rounding");
    exact / 10_i128.pow(16)
}

struct Model {
    deposits: i128,
    notionals: i128,
    fees: i128,
    funding: i128,
    deficit: i128,
    /// Long (net) and short quantity and the price, by instrument.
    legs: Vec<([i128; 2], Price)>,
}

impl Model {
    fn leg_number(leg: PositionSide) -> usize {
        usize::from(leg == PositionSide::Short)
    }

    fn book(&mut self, instruments: &[Instrument], at: usize, booking: &Booking) {
        let signed = i128::from(booking.quantity.signed(booking.side.is_buy()).raw());
        self.notionals += product(booking.price, signed, &instruments[at]);
        self.fees += i128::from(booking.fee.raw());
        self.legs[at].0[Self::leg_number(booking.leg)] += signed;
        self.legs[at].1 = booking.price;
    }

    fn value(&self, instruments: &[Instrument]) -> i128 {
        let net = self.legs.iter().zip(instruments);
        net.map(|((legs, price), instrument)| product(*price, legs[0] + legs[1], instrument)).sum()
    }
}

fn check(portfolio: &Portfolio, model: &Model, instruments: &[Instrument], indices: &[InstrumentIndex]) {
    let totals = ok(portfolio.totals());
    let raw = |amount: Money| i128::from(amount.raw());
    let interest = raw(totals.interest);
    let expected = model.deposits - model.notionals + model.value(instruments) - model.fees + model.funding - interest
        + model.deficit;
    assert_eq!(raw(totals.equity), expected, "equity of {totals:?}");
    let explained = raw(totals.deposits) + raw(totals.realised) + raw(totals.unrealised) - raw(totals.fees)
        + raw(totals.funding)
        - interest
        + raw(totals.deficit);
    assert_eq!(raw(totals.equity), explained, "identity of {totals:?}");
    for balance in portfolio.balances() {
        assert_eq!(balance.total, ok(balance.explained()), "{balance:?}");
        assert_eq!(balance.locked, Money::ZERO);
    }
    for ((legs, last), index) in model.legs.iter().map(|(legs, last)| (legs, last)).zip(indices) {
        let first = if portfolio.terms().position_mode == PositionMode::Hedging {
            PositionSide::Long
        } else {
            PositionSide::Net
        };
        for (side, quantity) in [(first, legs[0]), (PositionSide::Short, legs[1])] {
            let position = portfolio.leg(*index, side).unwrap_or_else(|| panic!("not listed"));
            assert_eq!(i128::from(position.quantity.raw()), quantity);
            let is_leg = match side {
                PositionSide::Net => true,
                PositionSide::Long => quantity >= 0,
                PositionSide::Short => quantity <= 0,
            };
            assert!(is_leg, "{side:?} turned: {position:?}");
            assert!(quantity == 0 || position.last_price == *last, "{position:?} is not priced {last}");
        }
        assert_eq!(i128::from(portfolio.net_quantity(*index).raw()), legs[0] + legs[1], "legs add up");
    }
    // The running sums against the positions themselves.
    let (mut unrealised, mut gross, mut margin) = (0, 0, 0);
    for (_, position) in portfolio.positions() {
        unrealised += raw(ok(position.unrealised()));
        gross += raw(ok(position.value()).magnitude());
        margin += raw(position.margin);
    }
    assert_eq!(raw(totals.unrealised), unrealised);
    assert_eq!(raw(ok(portfolio.gross_exposure())), gross);
    assert_eq!(portfolio.balances().map(|balance| raw(balance.isolated)).sum::<i128>(), margin);
}

type Step = (u8, usize, bool, i64, i64, bool);

/// One step of a flow; what the account refuses must leave it as it was.
fn take(
    portfolio: &mut Portfolio,
    model: &mut Model,
    instruments: &[Instrument],
    indices: &[InstrumentIndex],
    now: UtcNanos,
    (kind, at, buy, quantity, cents, short_leg): Step,
) {
    let (at, before) = (at % indices.len(), portfolio.clone());
    let (index, at_price) = (indices[at], Price::from_raw(cents * 1_000_000));
    let hedging = portfolio.terms().position_mode == PositionMode::Hedging;
    let result: Result<(), PortfolioError> = match kind {
        0..=5 => {
            let leg = match (hedging, short_leg) {
                (false, _) => PositionSide::Net,
                (true, false) => PositionSide::Long,
                (true, true) => PositionSide::Short,
            };
            let fee = Money::from_raw(quantity * 7 - 100);
            let made = fill(index, buy, Quantity::from_raw(quantity * 1_000_000), at_price);
            let made = on_leg(leg, Booking { fee, ts_event: Some(now), ..made });
            portfolio.book_fill(&made, None).map(|_| model.book(instruments, at, &made))
        }
        6 => {
            portfolio.mark_index(index, at_price);
            model.legs[at].1 = at_price;
            Ok(())
        }
        7 => portfolio.accrue_interest(now),
        8 => {
            let amount = Money::from_raw(quantity * 100_000_000);
            let own = portfolio.terms().currency;
            let moved = if buy { portfolio.deposit(own, amount) } else { portfolio.withdraw(own, amount) };
            moved.map(|()| model.deposits += i128::from(if buy { amount } else { amount.negated() }.raw()))
        }
        _ => {
            let perpetual = instruments[at].kind == InstrumentKind::Perpetual;
            let due =
                FundingRate { instrument: index, rate: Ratio::from_raw((quantity - 50) * 100_000), price: at_price };
            let mark = MarkPrice { instrument: index, price: Price::from_raw(cents * 1_000_000 + 2_000_000) };
            let due: &[FundingRate] = if perpetual { &[due] } else { &[] };
            settle(portfolio, model, instruments, indices, now, due, &[mark])
        }
    };
    if result.is_err() {
        assert_eq!(*portfolio, before, "{result:?} changed the account");
    }
}

fn settle(
    portfolio: &mut Portfolio,
    model: &mut Model,
    instruments: &[Instrument],
    indices: &[InstrumentIndex],
    now: UtcNanos,
    due: &[FundingRate],
    marks: &[MarkPrice],
) -> Result<(), PortfolioError> {
    let number = |index: &InstrumentIndex| indices.iter().position(|known| known == index).unwrap_or_default();
    for funding in due {
        let at = number(&funding.instrument);
        let owed = product(funding.price, model.legs[at].0[0] + model.legs[at].0[1], &instruments[at]);
        let exact = owed * i128::from(funding.rate.raw());
        assert_eq!(exact % 100_000_000, 0, "the flow is meant to be free of rounding");
        model.funding -= exact / 100_000_000;
    }
    let mut events = Vec::new();
    portfolio.settle(now, due, marks, &mut events)?;
    let rank = |event: &SettleEvent| match event {
        SettleEvent::Funding { .. } => 0,
        SettleEvent::Marked(_) => 1,
        SettleEvent::MarginCall { .. } => 2,
        SettleEvent::Liquidated { .. } | SettleEvent::Deficit { .. } => 3,
        SettleEvent::TradingDay => panic!("a settlement begins no day"),
    };
    assert!(events.is_sorted_by_key(rank), "{events:?}");
    for event in &events {
        match event {
            SettleEvent::Marked(mark) => model.legs[number(&mark.instrument)].1 = mark.price,
            SettleEvent::Liquidated { instrument, leg, side, quantity, price, fee, .. } => {
                let closed = Booking { fee: *fee, ..fill(*instrument, *side == Side::Buy, *quantity, *price) };
                model.book(instruments, number(instrument), &on_leg(*leg, closed));
            }
            SettleEvent::Deficit { currency: owed, amount } => {
                let rate = if *owed == currency("USD") { 1 } else { 100 };
                model.deficit += rate * i128::from(amount.raw());
            }
            SettleEvent::Funding { .. } | SettleEvent::MarginCall { .. } | SettleEvent::TradingDay => {}
        }
    }
    let state = portfolio.margin_state()?;
    assert!(!matches!(state, MarginState::Liquidate(_)), "after a settlement the account stands: {state:?}");
    if portfolio.positions().all(|(_, position)| position.quantity.raw() == 0) {
        assert!(ok(portfolio.totals()).equity >= Money::ZERO, "a deficit stayed with the account");
    }
    Ok(())
}

fn accounts() -> Vec<(AccountTerms, Vec<Instrument>)> {
    let (usd, both) = (currency("USD"), [PositionMode::Netting, PositionMode::Hedging]);
    let share = Instrument { maintenance_margin: ratio("0.25"), ..listed("AAA", InstrumentKind::Equity) };
    let spot = Instrument { maintenance_margin: ratio("0.1"), ..listed("BBB/USD", InstrumentKind::Spot) };
    let mut all = vec![(AccountTerms::new(AccountKind::Spot, usd), vec![share, spot])];
    for position_mode in both {
        let margin = AccountTerms::new(AccountKind::Margin { leverage: ratio("3") }, usd);
        let fee = AccountTerms { position_mode, liquidation_fee: ratio("0.001"), ..margin };
        all.push((fee, vec![share, spot, perpetual("PPP")]));
        for mode in [MarginMode::Cross, MarginMode::Isolated] {
            let terms = AccountTerms { liquidation_fee: ratio("0.005"), ..futures(mode, position_mode) };
            all.push((terms, vec![perpetual("PPP"), perpetual("QQQ")]));
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Realised + unrealised - fees + funding - interest (+ deficit) = change of equity, to the last unit; every balance
    /// is explained; position = sum of fills; what is refused changes nothing; after a settlement the account stands.
    #[test]
    fn every_account_adds_up_to_the_last_unit(
        which in 0_usize..7,
        flow in prop::collection::vec(
            (0_u8..12, 0_usize..3, any::<bool>(), 1_i64..120, 5_000_i64..20_000, any::<bool>()), 1..60),
    ) {
        let (terms, instruments) = accounts().swap_remove(which);
        let (mut portfolio, indices) = opened(AccountTerms { max_rate_age: i64::MAX, ..terms }, "60", &instruments);
        // A whole rate, so that interest in the borrowed asset converts without rounding.
        ok(portfolio.set_rate(currency("BBB"), currency("USD"), price("100"), UtcNanos(0)));
        for name in ["USD", "BBB"] {
            ok(portfolio.set_borrow_rate(currency(name), ratio("0.0007")));
        }
        ok(portfolio.set_short_rate(indices[0], ratio("0.0003")));
        let legs = vec![([0, 0], Price::ZERO); instruments.len()];
        let deposits = i128::from(money("60").raw());
        let mut model = Model { deposits, notionals: 0, fees: 0, funding: 0, deficit: 0, legs };
        for (hour, step) in (1_i64..).zip(flow) {
            // A settlement that is refused has not been paid in the model either.
            let funding = model.funding;
            let earlier = portfolio.clone();
            take(&mut portfolio, &mut model, &instruments, &indices, UtcNanos(hour * HOUR), step);
            if portfolio == earlier {
                model.funding = funding;
            }
            check(&portfolio, &model, &instruments, &indices);
        }
    }

    /// The same fills in hedging mode (closing first what the other leg holds) and in netting mode: the legs add up to
    /// the netted position and both accounts have the same equity, at every step.
    #[test]
    fn hedged_legs_add_up_to_the_netted_position(
        exchanges in any::<bool>(),
        fills in prop::collection::vec((any::<bool>(), any::<bool>(), 1_i64..40, 9_000_i64..11_000), 1..40),
    ) {
        let kind = AccountKind::Margin { leverage: ratio("5") };
        let instrument = if exchanges { listed("AAA", InstrumentKind::Equity) } else { perpetual("PPP") };
        let terms = AccountTerms::new(kind, currency("USD"));
        let (mut netting, index) = opened(terms, "1000000", &[instrument]);
        let hedged = AccountTerms { position_mode: PositionMode::Hedging, ..terms };
        let (mut hedging, _) = opened(hedged, "1000000", &[instrument]);
        for (buy, short_leg, quantity, cents) in fills {
            let leg = if short_leg { PositionSide::Short } else { PositionSide::Long };
            let made = fill(index[0], buy, Quantity::from_raw(quantity * 1_000_000), Price::from_raw(cents * 1_000_000));
            let made = Booking { fee: Money::from_raw(quantity), ..made };
            if hedging.book_fill(&on_leg(leg, made), None).is_ok() {
                prop_assert!(netting.book_fill(&made, None).is_ok());
            }
            prop_assert_eq!(hedging.net_quantity(index[0]), netting.net_quantity(index[0]));
            let (two, one) = (ok(hedging.totals()), ok(netting.totals()));
            prop_assert_eq!(two.equity, one.equity);
            prop_assert_eq!(two.fees, one.fees);
        }
    }

    /// Two accounts that trade with each other: cash, positions and fees together never change; funding moves nothing
    /// in or out.
    #[test]
    fn two_accounts_trading_with_each_other_are_a_closed_system(
        exchanges in any::<bool>(),
        trades in prop::collection::vec((any::<bool>(), 1_i64..1_000_000_000, 1_i64..1_000_000_000_000, -999_i64..999), 1..40),
    ) {
        let instrument = if exchanges { listed("AAA", InstrumentKind::Equity) } else { listed("PPP", InstrumentKind::Perpetual) };
        let terms = AccountTerms::new(AccountKind::Margin { leverage: ratio("5") }, currency("USD"));
        let (mut one, index) = opened(terms, "1000000", &[instrument]);
        let (mut two, _) = opened(terms, "2000000", &[instrument]);
        let (start, mut fees, mut hour) = (i128::from(money("3000000").raw()), 0, 0);
        for (buy, quantity, cents, fee) in trades {
            let made = fill(index[0], buy, Quantity::from_raw(quantity), Price::from_raw(cents));
            for (account, buys) in [(&mut one, buy), (&mut two, !buy)] {
                let side = super::side(buys);
                ok(account.book_fill(&Booking { side, fee: Money::from_raw(fee), ..made }, None));
                fees += i128::from(fee);
            }
            hour += 1;
            if !exchanges {
                let due = FundingRate { instrument: index[0], rate: Ratio::from_raw(fee), price: made.price };
                for account in [&mut one, &mut two] {
                    ok(account.settle(UtcNanos(hour), &[due], &[], &mut Vec::new()));
                }
            }
            let (left, right) = (ok(one.totals()), ok(two.totals()));
            let sum = |figure: fn(&deepalpha_engine::portfolio::AccountTotals) -> Money| {
                i128::from(figure(&left).raw()) + i128::from(figure(&right).raw())
            };
            prop_assert_eq!(one.net_quantity(index[0]).raw() + two.net_quantity(index[0]).raw(), 0);
            prop_assert_eq!(sum(|totals| totals.funding), 0);
            prop_assert_eq!(sum(|totals| totals.equity) + fees - sum(|totals| totals.deficit), start);
            if exchanges {
                prop_assert_eq!(sum(|totals| totals.cash) + fees, start, "cash only changes hands");
            }
        }
    }
}
