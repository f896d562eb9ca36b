//! Figures that no other test looks at from both sides: ids of positions, what is settled and locked, margins of what is
//! added, and what a liquidation leaves. Each of these tests fails for a sign or comparison turned round in the account.

use deepalpha_engine::portfolio::{
    AccountKind, AccountTerms, Booking, InstrumentIndex, MarginMode, MarginState, MarkPrice, Need, Portfolio,
    PositionMode, PositionSide, SettleEvent,
};
use deepalpha_engine::types::{Instrument, InstrumentKind, Price, Quantity, SCALE, TradeId, UtcNanos};

use super::{currency, fill, futures, listed, money, ok, on_leg, opened, perpetual, price, ratio, side, whole};

fn margin_terms(leverage: &str) -> AccountTerms {
    AccountTerms::new(AccountKind::Margin { leverage: ratio(leverage) }, currency("USD"))
}

#[test]
fn a_position_keeps_the_id_of_the_fill_that_opened_or_turned_it() {
    for (terms, instrument) in [
        (margin_terms("5"), listed("600000", InstrumentKind::Equity)),
        (futures(MarginMode::Cross, PositionMode::Netting), perpetual("PPP")),
        (futures(MarginMode::Isolated, PositionMode::Netting), perpetual("PPP")),
    ] {
        let (mut portfolio, index) = opened(terms, "1000000", &[instrument]);
        let (mut held, mut expected, mut seed) = (0_i64, TradeId::EMPTY, 3_u64);
        for number in 0..400 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (buy, lots) = (seed >> 63 == 0, (seed >> 40 & 3).cast_signed() + 1);
            let id = ok(TradeId::parse(&format!("T{number}")));
            ok(portfolio.book_fill(&Booking { fill_id: id, ..fill(index[0], buy, whole(lots), price("10")) }, None));
            let before = held;
            held += if buy { lots } else { -lots };
            if held == 0 {
                expected = TradeId::EMPTY;
            } else if before == 0 || (before > 0) != (held > 0) {
                expected = id;
            }
            let position = portfolio.leg(index[0], PositionSide::Net).unwrap_or_else(|| panic!("listed"));
            assert_eq!((position.quantity.raw(), position.position_id), (held * SCALE, expected), "fill {number}");
        }
    }
}

#[test]
fn what_is_bought_in_parts_on_one_day_is_settled_together() {
    let share = Instrument { t_plus_one: true, ..listed("600000", InstrumentKind::Equity) };
    for kind in [AccountKind::Spot, AccountKind::Margin { leverage: ratio("2") }] {
        let (mut portfolio, index) = opened(AccountTerms::new(kind, currency("USD")), "100000", &[share]);
        let figures = |portfolio: &Portfolio| {
            portfolio.position("600000").map(|position| (position.unsettled, position.sellable()))
        };
        ok(portfolio.book_fill(&fill(index[0], true, whole(300), price("10")), None));
        portfolio.start_trading_day();
        for lots in [100, 200] {
            ok(portfolio.book_fill(&fill(index[0], true, whole(lots), price("10")), None));
        }
        assert_eq!(figures(&portfolio), Some((whole(300), whole(300))));
        ok(portfolio.book_fill(&fill(index[0], false, whole(100), price("10")), None));
        assert_eq!(figures(&portfolio), Some((whole(300), whole(200))));
    }
}

#[test]
fn an_isolated_position_puts_aside_margin_for_what_is_added_and_gives_back_its_share() {
    for buy in [true, false] {
        let terms = futures(MarginMode::Isolated, PositionMode::Netting);
        let (mut portfolio, index) = opened(terms, "1000", &[perpetual("PPP")]);
        let margin = |portfolio: &Portfolio| portfolio.position("PPP").map(|position| position.margin);
        // 0.1 units a contract at 100, a tenth of it as margin: 1 a contract.
        for (direction, contracts, expected) in [(buy, 10, "10"), (buy, 5, "15"), (!buy, 5, "10"), (!buy, 30, "20")] {
            ok(portfolio.book_fill(&fill(index[0], direction, whole(contracts), price("100")), None));
            assert_eq!(margin(&portfolio), Some(money(expected)), "{contracts} contracts");
        }
    }
}

#[test]
fn a_part_of_a_sale_unlocks_its_own_shares_and_no_more() {
    let terms = AccountTerms::new(AccountKind::Spot, currency("USD"));
    let (mut portfolio, index) = opened(terms, "100000", &[listed("600000", InstrumentKind::Equity)]);
    ok(portfolio.book_fill(&fill(index[0], true, whole(500), price("10")), None));
    let need = Need {
        instrument: index[0],
        side: side(false),
        leg: PositionSide::Net,
        quantity: whole(300),
        price: price("10"),
        fee_rate: ratio("0"),
    };
    let mut held = ok(portfolio.reserve(&need));
    let locked = |portfolio: &Portfolio| portfolio.position("600000").map(|position| position.locked);
    assert_eq!(locked(&portfolio), Some(whole(300)));
    ok(portfolio.book_fill(&fill(index[0], false, whole(100), price("10")), Some(&mut held)));
    assert_eq!(locked(&portfolio), Some(whole(200)));
    ok(portfolio.release(&mut held));
    assert_eq!(locked(&portfolio), Some(Quantity::ZERO));
}

#[test]
fn a_position_worth_nearly_all_that_64_bits_hold_is_booked() {
    for kind in [InstrumentKind::Equity, InstrumentKind::Perpetual] {
        let terms = match kind {
            InstrumentKind::Equity => margin_terms("5"),
            _ => futures(MarginMode::Cross, PositionMode::Netting),
        };
        let (mut portfolio, index) = opened(terms, "1000", &[listed("BIG", kind)]);
        ok(portfolio.book_fill(&fill(index[0], true, whole(60_000_000), price("1000")), None));
        assert_eq!(portfolio.position("BIG").map(|position| position.cost), Some(money("60000000000")));
    }
}

#[test]
fn a_fill_of_one_leg_leaves_a_leg_that_was_never_traded_unknown() {
    let terms = futures(MarginMode::Cross, PositionMode::Hedging);
    let (mut portfolio, index) = opened(terms, "1000", &[perpetual("PPP")]);
    ok(portfolio.book_fill(&on_leg(PositionSide::Long, fill(index[0], true, whole(10), price("100"))), None));
    assert_eq!(portfolio.legs().map(|(_, leg, _)| leg).collect::<Vec<_>>(), [PositionSide::Long]);
    ok(portfolio.book_fill(&on_leg(PositionSide::Short, fill(index[0], false, whole(10), price("90"))), None));
    let prices: Vec<Price> = portfolio.legs().map(|(.., position)| position.last_price).collect();
    assert_eq!(prices, [price("90"), price("90")], "an open leg has the price of the last fill");
}

#[test]
fn what_orders_hold_back_and_what_positions_use_is_not_free_in_one_currency_or_two() {
    for currencies in [1, 2] {
        let (mut portfolio, index) = opened(margin_terms("2"), "1000", &[listed("600000", InstrumentKind::Equity)]);
        if currencies == 2 {
            ok(portfolio.set_rate(currency("EUR"), currency("USD"), price("2"), UtcNanos(1)));
            ok(portfolio.deposit(currency("EUR"), money("100")));
        }
        ok(portfolio.book_fill(&fill(index[0], true, whole(40), price("10")), None));
        let (leg, quantity) = (PositionSide::Net, whole(20));
        let need =
            Need { instrument: index[0], side: side(true), leg, quantity, price: price("10"), fee_rate: ratio("0") };
        let held = ok(portfolio.reserve(&need));
        assert_eq!(held.cash, money("100"), "half of 200");
        let figures = ok(portfolio.margin_figures());
        let equity = if currencies == 2 { "1200" } else { "1000" };
        assert_eq!((figures.equity, figures.used, figures.locked), (money(equity), money("200"), money("100")));
        let free = if currencies == 2 { "900" } else { "700" };
        assert_eq!((figures.free, ok(portfolio.free(currency("USD")))), (money(free), money(free)));
        if currencies == 2 {
            assert_eq!(ok(portfolio.free(currency("EUR"))), money("450"));
        }
    }
}

/// A perpetual that is 1 a contract, 10 % initial and 5 % maintenance margin.
fn plain_perpetual(symbol: &str) -> Instrument {
    let (initial_margin, maintenance_margin) = (ratio("0.1"), ratio("0.05"));
    ok(Instrument { initial_margin, maintenance_margin, ..listed(symbol, InstrumentKind::Perpetual) }.validated())
}

/// An account that trades perpetuals of one unit at ten times leverage, and has bought at 100.
fn bought(mode: MarginMode, cash: &str, contracts: i64, symbols: &[&str]) -> (Portfolio, Vec<InstrumentIndex>) {
    let instruments: Vec<Instrument> = symbols.iter().map(|symbol| plain_perpetual(symbol)).collect();
    let (mut portfolio, index) = opened(futures(mode, PositionMode::Netting), cash, &instruments);
    for index in &index {
        ok(portfolio.book_fill(&fill(*index, true, whole(contracts), price("100")), None));
    }
    (portfolio, index)
}

#[test]
fn an_isolated_call_names_the_position_that_lacks_the_most() {
    // A margin of 100 each: at 95.5 a cover of 55 against a call at 59.6875, at 95 one of 50 against 59.375.
    for prices in [["95.5", "95"], ["95", "95.5"]] {
        let (mut portfolio, index) = bought(MarginMode::Isolated, "1000", 10, &["PPP", "QQQ"]);
        assert_eq!(ok(portfolio.margin_state()), MarginState::Healthy);
        for (index, at) in index.iter().zip(prices) {
            portfolio.mark_index(*index, price(at));
        }
        let (equity, maintenance, call_at) = (money("50"), money("47.5"), money("59.375"));
        assert_eq!(ok(portfolio.margin_state()), MarginState::Call { equity, maintenance, call_at }, "{prices:?}");
    }
}

#[test]
fn the_fee_of_a_forced_close_counts_in_what_has_to_be_closed() {
    // An equity of 19 against twice 10: one close frees 10; with a fee of 12 the 7 that are left do not do.
    for (liquidation_fee, closed) in [("0", 1), ("0.06", 2)] {
        let netting = futures(MarginMode::Cross, PositionMode::Netting);
        let terms = AccountTerms { liquidation_fee: ratio(liquidation_fee), ..netting };
        let (mut portfolio, index) = opened(terms, "99", &[plain_perpetual("PPP"), plain_perpetual("QQQ")]);
        for index in &index {
            ok(portfolio.book_fill(&fill(*index, true, whole(2), price("120")), None));
            portfolio.mark_index(*index, price("100"));
        }
        let MarginState::Liquidate(steps) = ok(portfolio.margin_state()) else {
            panic!("below the maintenance margin")
        };
        assert_eq!(steps.len(), closed, "{liquidation_fee}");
    }
}

#[test]
fn what_was_bought_today_is_not_liquidated_today() {
    let share = listed("600000", InstrumentKind::Equity);
    let share = Instrument { t_plus_one: true, maintenance_margin: ratio("0.25"), ..share };
    let (mut portfolio, index) = opened(margin_terms("5"), "1000", &[share]);
    ok(portfolio.book_fill(&fill(index[0], true, whole(300), price("10")), None));
    portfolio.start_trading_day();
    ok(portfolio.book_fill(&fill(index[0], true, whole(100), price("10")), None));
    portfolio.mark_index(index[0], price("8"));
    let MarginState::Liquidate(steps) = ok(portfolio.margin_state()) else { panic!("200 against 800") };
    assert_eq!(steps.iter().map(|step| step.quantity).collect::<Vec<_>>(), [whole(300)]);
}

#[test]
fn the_liquidation_price_does_not_move_with_the_mark_and_only_margined_positions_have_one() {
    let (mut portfolio, index) = bought(MarginMode::Isolated, "1000", 10, &["PPP"]);
    for at in ["100", "98", "104"] {
        portfolio.mark_index(index[0], price(at));
        // 100 + 10 (p - 100) = 0.5 p
        let level = ok(portfolio.liquidation_price(index[0], PositionSide::Net));
        assert_eq!(level, Some(price("94.73684211")), "marked at {at}");
    }
    let spot = AccountTerms::new(AccountKind::Spot, currency("USD"));
    let (mut portfolio, index) = opened(spot, "1000", &[listed("600000", InstrumentKind::Equity)]);
    ok(portfolio.book_fill(&fill(index[0], true, whole(10), price("10")), None));
    assert_eq!(ok(portfolio.liquidation_price(index[0], PositionSide::Net)), None);
    let hedging = futures(MarginMode::Cross, PositionMode::Hedging);
    let (mut portfolio, index) = opened(hedging, "100", &[plain_perpetual("PPP")]);
    ok(portfolio.book_fill(&on_leg(PositionSide::Long, fill(index[0], true, whole(5), price("100"))), None));
    for buy in [false, true] {
        ok(portfolio.book_fill(&on_leg(PositionSide::Short, fill(index[0], buy, whole(1), price("100"))), None));
    }
    assert!(ok(portfolio.liquidation_price(index[0], PositionSide::Long)).is_some());
    assert_eq!(ok(portfolio.liquidation_price(index[0], PositionSide::Short)), None, "there is no short leg");
}

fn liquidated(portfolio: &mut Portfolio, index: InstrumentIndex, at: &str) -> Vec<SettleEvent> {
    let mut events = Vec::new();
    ok(portfolio.settle(UtcNanos(10), &[], &[MarkPrice { instrument: index, price: price(at) }], &mut events));
    assert_eq!(portfolio.net_quantity(index).raw(), 0, "closed at {at}");
    events.retain(|event| matches!(event, SettleEvent::Deficit { .. }));
    events
}

#[test]
fn the_insurance_pays_what_is_lost_beyond_the_cap_and_takes_nothing_else() {
    let (usd, eur) = (currency("USD"), currency("EUR"));
    // Isolated, with a fee: 100 - 95 - 9.05 is beyond the margin by 4.05; the wallet's 900 stay.
    let isolated = futures(MarginMode::Isolated, PositionMode::Netting);
    let terms = AccountTerms { liquidation_fee: ratio("0.01"), ..isolated };
    let (mut portfolio, index) = opened(terms, "1000", &[plain_perpetual("PPP")]);
    ok(portfolio.book_fill(&fill(index[0], true, whole(10), price("100")), None));
    let paid = liquidated(&mut portfolio, index[0], "90.5");
    assert_eq!(paid, [SettleEvent::Deficit { currency: usd, amount: money("4.05") }]);
    assert_eq!(ok(portfolio.totals()).equity, money("900"));
    // Cross, and something is left: it stays.
    let (mut portfolio, index) = bought(MarginMode::Cross, "150", 10, &["PPP"]);
    assert_eq!(liquidated(&mut portfolio, index[0], "89.4"), []);
    assert_eq!(ok(portfolio.totals()).equity, money("44"));
    // Cross, bankrupt in two currencies: what there is goes towards it.
    let (mut portfolio, index) = bought(MarginMode::Cross, "100", 10, &["PPP"]);
    ok(portfolio.set_rate(eur, usd, price("2"), UtcNanos(1)));
    ok(portfolio.deposit(eur, money("20")));
    let paid = liquidated(&mut portfolio, index[0], "70");
    let both = [(eur, "-20"), (usd, "200")];
    assert_eq!(paid, both.map(|(currency, amount)| SettleEvent::Deficit { currency, amount: money(amount) }));
    // Isolated, and a close by an own order lost more than the wallet had: another currency is none of its business.
    let (mut portfolio, index) = bought(MarginMode::Isolated, "100", 10, &["PPP"]);
    ok(portfolio.set_rate(eur, usd, price("2"), UtcNanos(1)));
    ok(portfolio.deposit(eur, money("50")));
    ok(portfolio.book_fill(&fill(index[0], false, whole(10), price("80")), None));
    let paid = liquidated(&mut portfolio, index[0], "80");
    assert_eq!(paid, [SettleEvent::Deficit { currency: usd, amount: money("100") }]);
    assert_eq!(portfolio.balance(eur).map(|balance| balance.total), Some(money("50")));
}
