//! Margin calls, liquidation, funding and interest: the order at one moment, the cap of the loss, the price.

use deepalpha_engine::portfolio::{
    AccountKind, AccountTerms, FundingRate, InstrumentIndex, LiquidationStep, MarginMode, MarginState, MarkPrice, Need,
    Portfolio, PortfolioError, PositionMode, PositionSide, SettleEvent,
};
use deepalpha_engine::types::{Instrument, InstrumentKind, Money, Price, Quantity, SCALE, Side, UtcNanos};
use proptest::prelude::*;

use super::{currency, fill, futures, listed, money, ok, on_leg, opened, perpetual, price, ratio, side, whole};

fn mark(instrument: InstrumentIndex, at: &str) -> MarkPrice {
    MarkPrice { instrument, price: price(at) }
}

/// Long 10 units (100 contracts of 0.1) at 100: notional 1000.
fn long_account(mode: MarginMode, cash: &str, symbols: &[&str]) -> (Portfolio, Vec<InstrumentIndex>) {
    let instruments: Vec<Instrument> = symbols.iter().map(|symbol| perpetual(symbol)).collect();
    let (mut portfolio, indices) = opened(futures(mode, PositionMode::Netting), cash, &instruments);
    for index in &indices {
        ok(portfolio.book_fill(&fill(*index, true, whole(100), price("100")), None));
    }
    (portfolio, indices)
}

/// Scenario 22: a gap through the maintenance margin and funding at the same moment.
#[test]
fn funding_marks_margin_and_liquidation_come_in_this_order_and_the_loss_is_capped() {
    for (mode, cash, kept) in [(MarginMode::Cross, "150", "0"), (MarginMode::Isolated, "150", "50")] {
        let (mut portfolio, index) = long_account(mode, cash, &["PPP"]);
        let due = FundingRate { instrument: index[0], rate: ratio("0.01"), price: price("100") };
        let mut events = Vec::new();
        ok(portfolio.settle(UtcNanos(1), &[due], &[mark(index[0], "80")], &mut events));
        let (instrument, leg) = (index[0], PositionSide::Net);
        // Funding of 1 % of 1000 on the price it is due at, then a gap of 20 % of 1000.
        let lost = if mode == MarginMode::Cross { "60" } else { "110" };
        assert_eq!(
            events,
            vec![
                SettleEvent::Funding { instrument, leg, amount: money("-10") },
                SettleEvent::Marked(mark(instrument, "80")),
                SettleEvent::Liquidated {
                    instrument,
                    leg,
                    side: Side::Sell,
                    quantity: whole(100),
                    price: price("80"),
                    realised: money("-200"),
                    fee: Money::ZERO,
                },
                SettleEvent::Deficit { currency: currency("USD"), amount: money(lost) },
            ]
        );
        let totals = ok(portfolio.totals());
        assert_eq!((totals.equity, totals.deficit), (money(kept), money(lost)), "{mode:?}");
        let explained = money("150").plus(totals.realised).and_then(|sum| sum.plus(totals.funding));
        assert_eq!(explained.and_then(|sum| sum.plus(totals.deficit)), Ok(totals.equity));
    }
}

#[test]
fn an_isolated_loss_leaves_the_other_positions_and_the_wallet_alone() {
    let (mut portfolio, index) = long_account(MarginMode::Isolated, "1000", &["PPP", "QQQ"]);
    assert_eq!(ok(portfolio.free(currency("USD"))), money("800"));
    let mut events = Vec::new();
    ok(portfolio.settle(UtcNanos(1), &[], &[mark(index[0], "10")], &mut events));
    assert_eq!(ok(portfolio.free(currency("USD"))), money("800"));
    assert_eq!(portfolio.net_quantity(index[0]).raw(), 0);
    assert_eq!(portfolio.position("QQQ").map(|position| position.margin), Some(money("100")));
    assert_eq!(ok(portfolio.totals()).deficit, money("800"), "a loss of 900 less the margin of 100");
}

#[test]
fn an_isolated_position_puts_aside_at_most_what_the_wallet_has() {
    let (portfolio, _) = long_account(MarginMode::Isolated, "60", &["PPP"]);
    assert_eq!(portfolio.position("PPP").map(|position| position.margin), Some(money("60")), "of the 100 asked");
    assert_eq!(ok(portfolio.free(currency("USD"))), Money::ZERO);
}

#[test]
fn the_gate_sees_both_legs_of_a_hedged_instrument_as_one_exposure() {
    let (mut portfolio, index) = opened(futures(MarginMode::Cross, PositionMode::Hedging), "1000", &[perpetual("PPP")]);
    for (leg, buy, contracts) in [(PositionSide::Long, true, 100), (PositionSide::Short, false, 30)] {
        ok(portfolio.book_fill(&on_leg(leg, fill(index[0], buy, whole(contracts), price("100"))), None));
    }
    let view = ok(deepalpha_engine::risk::AccountView::new(&portfolio, std::collections::BTreeMap::new()));
    let seen = (view.positions.get("PPP").map(|held| held.raw()), view.values.get("PPP").copied());
    assert_eq!(seen, (Some(whole(70).raw()), Some(money("700"))));
}

#[test]
fn the_largest_maintenance_margin_is_closed_first_then_by_symbol_and_only_as_much_as_needed() {
    let symbols = ["CCC", "AAA", "BBB"];
    let instruments = symbols.map(perpetual);
    let (mut portfolio, index) = opened(futures(MarginMode::Cross, PositionMode::Hedging), "100", &instruments);
    for (at, leg, contracts) in [
        (0, PositionSide::Long, 50),
        (1, PositionSide::Short, 100),
        (1, PositionSide::Long, 100),
        (2, PositionSide::Long, 200),
    ] {
        let buy = leg == PositionSide::Long;
        ok(portfolio.book_fill(&on_leg(leg, fill(index[at], buy, whole(contracts), price("100"))), None));
    }
    // Maintenance 12.5 + 25 + 25 + 50 = 112.5 against an equity of 100: the largest alone is enough.
    let step = |at: usize, leg, contracts, maintenance: &str| LiquidationStep {
        instrument: index[at],
        leg,
        quantity: whole(contracts),
        maintenance: money(maintenance),
    };
    let first = step(2, PositionSide::Long, 200, "50");
    assert_eq!(ok(portfolio.margin_state()), MarginState::Liquidate(vec![first]));
    // Losing 83 on CCC leaves 17: all but the smallest have to go, equals by symbol and the long leg first.
    portfolio.mark_index(index[0], price("83.4"));
    let rest = vec![first, step(1, PositionSide::Long, 100, "25"), step(1, PositionSide::Short, 100, "25")];
    assert_eq!(ok(portfolio.margin_state()), MarginState::Liquidate(rest));
}

#[test]
fn a_call_comes_before_a_liquidation_and_says_what_is_missing() {
    let (mut portfolio, index) = long_account(MarginMode::Cross, "125", &["PPP"]);
    assert_eq!(ok(portfolio.margin_state()), MarginState::Healthy);
    let mut events = Vec::new();
    ok(portfolio.settle(UtcNanos(1), &[], &[mark(index[0], "90")], &mut events));
    let [_, SettleEvent::MarginCall { equity, maintenance, call_at }] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((*equity, *maintenance, *call_at), (money("25"), money("22.5"), money("28.125")));
    ok(portfolio.deposit(currency("USD"), call_at.minus(*equity).unwrap_or_default()));
    assert_eq!(ok(portfolio.margin_state()), MarginState::Healthy);
    let figures = ok(portfolio.margin_figures());
    assert_eq!((figures.used, figures.level), (money("90"), Some(ratio("1.25"))));
}

#[test]
fn an_order_locks_the_margin_of_what_it_adds_and_nothing_for_what_it_closes() {
    for mode in [MarginMode::Cross, MarginMode::Isolated] {
        let (mut portfolio, index) = long_account(mode, "250", &["PPP"]);
        let (instrument, leg, fee_rate) = (index[0], PositionSide::Net, ratio("0.001"));
        let need = |buy, contracts| Need {
            instrument,
            side: side(buy),
            leg,
            quantity: whole(contracts),
            price: price("100"),
            fee_rate,
        };
        assert_eq!(ok(portfolio.free(currency("USD"))), money("150"));
        let mut closing = ok(portfolio.reserve(&need(false, 100)));
        assert_eq!(closing.cash, money("1"), "the fee alone");
        ok(portfolio.release(&mut closing));
        let mut turning = ok(portfolio.reserve(&need(false, 240)));
        assert_eq!(turning.cash, money("142.4"), "140 for the 140 contracts beyond the close");
        let refused = portfolio.reserve(&need(true, 100));
        assert!(matches!(refused, Err(PortfolioError::NotEnoughCash { .. })), "{refused:?}");
        ok(portfolio.book_fill(&fill(instrument, false, whole(240), price("100")), Some(&mut turning)));
        assert_eq!(portfolio.balance(currency("USD")).map(|balance| balance.locked), Some(Money::ZERO));
        assert_eq!(ok(portfolio.free(currency("USD"))), money("110"));
    }
}

#[test]
fn a_refused_settlement_changes_nothing() {
    for mode in [MarginMode::Cross, MarginMode::Isolated] {
        let (mut portfolio, index) = long_account(mode, "500", &["PPP", "QQQ"]);
        let mut before = portfolio.clone();
        let due = |at: usize, rate| FundingRate { instrument: index[at], rate, price: price("100") };
        let (small, huge) = (ratio("0.0001"), deepalpha_engine::types::Ratio::from_raw(i64::MAX));
        let mut events = vec![SettleEvent::Marked(mark(index[0], "1"))];
        let marks = [mark(index[0], "99"), mark(index[0], "98")];
        // 1000 x 92 billion does not fit; the first funding was fine.
        assert!(portfolio.settle(UtcNanos(1), &[due(0, small), due(1, huge)], &marks, &mut events).is_err());
        assert!(portfolio.settle(UtcNanos(1), &[due(0, small)], &[mark(index[1], "0")], &mut events).is_err());
        assert_eq!((&portfolio, events.len()), (&before, 1));
        // An account that owns something without a rate cannot be judged: not silently healthy, and nothing is paid.
        for account in [&mut portfolio, &mut before] {
            ok(account.deposit(currency("EUR"), money("1")));
        }
        let judged = portfolio.settle(UtcNanos(1), &[due(0, small)], &marks, &mut events);
        if mode == MarginMode::Cross {
            assert!(matches!(judged, Err(PortfolioError::MissingRate { .. })), "{judged:?}");
            assert_eq!((&portfolio, events.len()), (&before, 1));
        } else {
            ok(judged);
        }
    }
}

#[test]
fn interest_is_charged_on_borrowed_cash_and_on_shares_sold_short() {
    let terms = AccountTerms::new(AccountKind::Margin { leverage: ratio("3") }, currency("USD"));
    let shares = ["AAA", "BBB"].map(|symbol| listed(symbol, InstrumentKind::Equity));
    let (mut portfolio, index) = opened(terms, "1000", &shares);
    ok(portfolio.set_borrow_rate(currency("USD"), ratio("0.0005")));
    ok(portfolio.set_short_rate(index[1], ratio("0.001")));
    ok(portfolio.accrue_interest(UtcNanos(0)));
    ok(portfolio.book_fill(&fill(index[0], true, whole(30), price("100")), None));
    ok(portfolio.accrue_interest(UtcNanos(UtcNanos::DAY / 2)));
    assert_eq!(ok(portfolio.totals()).interest, money("0.5"), "half a day on 2000");
    ok(portfolio.book_fill(&fill(index[1], false, whole(30), price("100")), None));
    ok(portfolio.accrue_interest(UtcNanos(UtcNanos::DAY)));
    assert_eq!(ok(portfolio.totals()).interest, money("2"), "and half a day on 3000 sold short; the cash is positive");
    assert!(portfolio.accrue_interest(UtcNanos(0)).is_err(), "time does not go back");
}

#[test]
fn interest_below_one_unit_adds_up_over_many_accruals() {
    let terms = AccountTerms::new(AccountKind::Margin { leverage: ratio("3") }, currency("USD"));
    let (mut portfolio, index) = opened(terms, "1000", &[listed("AAA", InstrumentKind::Equity)]);
    ok(portfolio.set_borrow_rate(currency("USD"), ratio("0.00000001")));
    ok(portfolio.book_fill(&fill(index[0], true, whole(30), price("100")), None));
    for step in 0..=1000 {
        ok(portfolio.accrue_interest(UtcNanos(step * 30_000_000_000)));
    }
    // 2000 units of 1e-8 a day on 2000, half a minute a thousand times: 694.4.
    assert_eq!(ok(portfolio.totals()).interest, Money::from_raw(694));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// However often interest is accrued, the sum is that of the whole span, cut once.
    #[test]
    fn interest_loses_nothing_however_often_it_is_accrued(
        spans in prop::collection::vec(1_i64..50_000_000_000_000, 1..30),
        quantity in 1_i64..50_000_000,
        rate in 0_i64..1_000_000,
    ) {
        let terms = AccountTerms::new(AccountKind::Margin { leverage: ratio("3") }, currency("USD"));
        let (mut portfolio, index) = opened(terms, "1000", &[listed("AAA", InstrumentKind::Equity)]);
        ok(portfolio.set_short_rate(index[0], deepalpha_engine::types::Ratio::from_raw(rate)));
        ok(portfolio.book_fill(&fill(index[0], false, Quantity::from_raw(quantity), price("100")), None));
        ok(portfolio.accrue_interest(UtcNanos(0)));
        let mut now = 0;
        for span in spans {
            now += span;
            ok(portfolio.accrue_interest(UtcNanos(now)));
        }
        let exact = i128::from(quantity) * 100 * i128::from(rate) * i128::from(now) / (i128::from(SCALE) * i128::from(UtcNanos::DAY));
        prop_assert_eq!(i128::from(ok(portfolio.totals()).interest.raw()), exact);
    }

    /// The liquidation price is where the account changes from standing to being liquidated, for either side, either
    /// margin mode, hedged or not, with another position open.
    #[test]
    fn the_liquidation_price_is_where_the_account_stops_standing(
        isolated in any::<bool>(),
        hedged in any::<bool>(),
        buy in any::<bool>(),
        contracts in 1_i64..400,
        other in 1_i64..300,
        cents in 5_000_i64..20_000,
    ) {
        let mode = if isolated { MarginMode::Isolated } else { MarginMode::Cross };
        let position_mode = if hedged { PositionMode::Hedging } else { PositionMode::Netting };
        let (mut portfolio, index) = opened(futures(mode, position_mode), "400", &["PPP", "QQQ"].map(perpetual));
        let leg = |buy| match (hedged, buy) {
            (false, _) => PositionSide::Net,
            (true, true) => PositionSide::Long,
            (true, false) => PositionSide::Short,
        };
        let at = Price::from_raw(cents * 1_000_000);
        ok(portfolio.book_fill(&on_leg(leg(buy), fill(index[0], buy, whole(contracts), at)), None));
        ok(portfolio.book_fill(&on_leg(leg(true), fill(index[1], true, whole(other), price("3"))), None));
        if hedged {
            ok(portfolio.book_fill(&on_leg(leg(!buy), fill(index[0], !buy, whole(1), at)), None));
        }
        let closes = |portfolio: &Portfolio, price: Price| {
            let mut moved = portfolio.clone();
            moved.mark_index(index[0], price);
            match ok(moved.margin_state()) {
                MarginState::Liquidate(steps) if isolated => {
                    steps.iter().any(|step| (step.instrument, step.leg) == (index[0], leg(buy)))
                }
                state => matches!(state, MarginState::Liquidate(_)),
            }
        };
        match ok(portfolio.liquidation_price(index[0], leg(buy))) {
            // Margins are rounded up to 1e-8, which 1000 units of 1e-8 of the price outweigh.
            Some(limit) => {
                let worse = |steps: i64| Price::from_raw(limit.raw() + if buy { -steps } else { steps });
                // A hedge of one contract against one has no side that hurts: the maintenance margin alone moves.
                if contracts > 1 || !hedged || isolated {
                    prop_assert!(closes(&portfolio, worse(1_000)), "stands beyond {limit}");
                    prop_assert!(!closes(&portfolio, worse(-1_000)), "liquidated before {limit}");
                }
            }
            None => {
                for price in [1, 1_000_000, i64::from(u32::MAX)] {
                    prop_assert!(!closes(&portfolio, Price::from_raw(price)), "{price} liquidates");
                }
            }
        }
    }
}
