//! Funding, margin calls, liquidation; users pass the gate, counterparties do not.

use deepalpha_engine::matching::exchange::{CounterpartyId, Exchange, ExchangeConfig, ExchangeError, LiquidityKind};
use deepalpha_engine::matching::{FeeModel, VenueEvent};
use deepalpha_engine::orders::{OrderRequest, Origin};
use deepalpha_engine::portfolio::SettleEvent;
use deepalpha_engine::types::{Money, Price, Ratio, Side, SignedQuantity, UtcNanos};

use crate::kit::{Venue, futures_account, money, perpetual, price, ratio, spot, symbol};

/// A trader with this much money who is long 10 at 100 from a rich account, and a third account to trade with.
fn long_ten(cash: &str) -> (Venue, [CounterpartyId; 3]) {
    let mut venue = Venue::new(ExchangeConfig::default(), &[(perpetual(), LiquidityKind::Book)]);
    let mut open = |cash: &str| {
        let portfolio = futures_account(cash, "10");
        venue.exchange.open_counterparty(portfolio, FeeModel::flat(Ratio::ZERO)).expect("an account")
    };
    let accounts = [open(cash), open("1000000"), open("1000000")];
    let sell = venue.limit(Side::Sell, "10", "100");
    venue.send(accounts[1], sell);
    let buy = venue.market(Side::Buy, "10");
    let buy = OrderRequest { order_type: deepalpha_engine::orders::OrderType::Limit(price("100")), ..buy };
    venue.send(accounts[0], buy);
    (venue, accounts)
}

#[test]
fn funding_moves_money_from_longs_to_shorts_and_none_appears() {
    let (mut venue, accounts) = long_ten("1000");
    let settled = venue.settle(&[(symbol("BTC-PERP"), ratio("0.001"), price("100"))], price("101"));
    let paid: Vec<_> = settled
        .iter()
        .filter_map(|found| match found.event {
            SettleEvent::Funding { amount, .. } => Some((found.account, amount)),
            _ => None,
        })
        .collect();
    assert_eq!(paid, [(accounts[0].account(), money("-1")), (accounts[1].account(), money("1"))]);
    let marks = settled.iter().filter(|found| matches!(found.event, SettleEvent::Marked(_))).count();
    assert_eq!(marks, 2);
}

#[test]
fn below_the_call_level_the_account_is_warned_and_keeps_its_position() {
    let (mut venue, accounts) = long_ten("110");
    let settled = venue.settle(&[], price("94.5"));
    assert!(settled.iter().any(|found| matches!(found.event, SettleEvent::MarginCall { .. })), "{settled:?}");
    assert_eq!(venue.position(accounts[0]).to_string(), "10");
}

#[test]
fn below_the_maintenance_margin_orders_go_and_the_position_is_closed_in_the_book() {
    let (mut venue, accounts) = long_ten("110");
    let bid = venue.limit(Side::Buy, "20", "93");
    venue.send(accounts[2], bid);
    let own = venue.limit(Side::Buy, "0.1", "80");
    let own = venue.send(accounts[0], own);
    let settled = venue.settle(&[], price("93.5"));
    assert_eq!(venue.state(accounts[0], &own), "cancelled");
    assert_eq!(venue.position(accounts[0]), SignedQuantity::ZERO);
    let forced = venue.events.iter().find_map(|event| match &event.event {
        VenueEvent::Attached(request) => Some(**request),
        _ => None,
    });
    let forced = forced.expect("an order of the exchange");
    assert!(forced.reduce_only && forced.origin == Origin::Risk);
    assert_eq!(venue.fills_of(&forced.client_order_id), ["10@93"]);
    assert!(venue.step_records(&forced.client_order_id)[0].reason.contains("maintenance margin"));
    assert!(settled.iter().all(|found| !matches!(found.event, SettleEvent::Deficit { .. })));
    let cash = venue.exchange.portfolio(accounts[0].account()).map(|portfolio| portfolio.cash());
    assert_eq!(cash, Some(money("40")));
}

#[test]
fn a_liquidation_without_a_market_is_tried_again_and_a_bankrupt_account_is_taken_over() {
    let (mut venue, accounts) = long_ten("110");
    venue.settle(&[], price("93.5"));
    assert_eq!(venue.position(accounts[0]).to_string(), "10", "nobody buys, and the account is not bankrupt");
    let settled = venue.settle(&[], price("80"));
    assert_eq!(venue.position(accounts[0]), SignedQuantity::ZERO);
    let deficit = settled.iter().find_map(|found| match found.event {
        SettleEvent::Deficit { amount, .. } => Some(amount),
        _ => None,
    });
    assert_eq!(deficit, Some(money("90")), "200 lost of 110");
    let cash = venue.exchange.portfolio(accounts[0].account()).map(|portfolio| portfolio.cash());
    assert_eq!(cash, Some(Money::ZERO));
}

#[test]
fn a_liquidation_in_the_book_that_ends_below_zero_is_paid_by_the_insurance() {
    let (mut venue, accounts) = long_ten("110");
    for at in ["88", "85"] {
        let bid = venue.limit(Side::Buy, "5", at);
        venue.send(accounts[2], bid);
    }
    venue.settle(&[], price("93.5"));
    assert_eq!(venue.position(accounts[0]), SignedQuantity::ZERO, "down to 5 % below the best bid");
    let portfolio = venue.exchange.portfolio(accounts[0].account()).expect("an account");
    assert_eq!(portfolio.cash(), Money::ZERO);
    let deficit: Money = portfolio.balances().map(|balance| balance.deficit).next().unwrap_or_default();
    assert_eq!(deficit, money("25"), "60 and 75 lost of 110");
}

#[test]
fn settling_what_pays_no_funding_or_at_no_price_changes_nothing() {
    let mut venue = Venue::new(ExchangeConfig::default(), &[(spot(), LiquidityKind::Book)]);
    let hash = venue.exchange.state_hash();
    let (name, mut settled) = (symbol("BTC/USDT"), Vec::new());
    for (funding, marks) in [
        (vec![(name, ratio("0.1"), price("1"))], vec![]),
        (vec![], vec![(name, Price::ZERO)]),
        (vec![], vec![(symbol("ETH"), price("1"))]),
    ] {
        let done = venue.exchange.settle(UtcNanos(9), &funding, &marks, &mut venue.events, &mut settled);
        assert!(done.is_err(), "{funding:?} {marks:?}");
        assert_eq!(venue.exchange.state_hash(), hash);
    }
}

#[test]
fn a_users_account_cannot_send_what_was_not_approved() {
    let mut exchange = Exchange::new(ExchangeConfig::default());
    exchange.list(perpetual(), LiquidityKind::Book).expect("a listing");
    let user = exchange.open_account(futures_account("1000", "10"), FeeModel::flat(Ratio::ZERO)).expect("an account");
    let mut other = Exchange::new(ExchangeConfig::default());
    let counterparty =
        other.open_counterparty(futures_account("1000", "10"), FeeModel::flat(Ratio::ZERO)).expect("an account");
    // A counterparty's number from elsewhere is a user's here: refused, though the type fits.
    let mut venue = Venue::new(ExchangeConfig::default(), &[(perpetual(), LiquidityKind::Book)]);
    let request = venue.limit(Side::Buy, "1", "100");
    let refused = exchange.submit_counterparty(counterparty, request, UtcNanos(1), &mut Vec::new());
    assert_eq!(refused, Err(ExchangeError::UnknownAccount(user.number())));
    assert!(exchange.working(user).is_empty());
}

#[test]
fn a_listing_whose_money_would_be_rounded_is_refused() {
    let mut exchange = Exchange::new(ExchangeConfig::default());
    let fine = deepalpha_engine::types::Instrument { tick_size: price("0.00000001"), ..perpetual() };
    let refused = exchange.list(fine, LiquidityKind::Book);
    assert!(matches!(refused, Err(ExchangeError::BadListing { .. })), "{refused:?}");
    exchange.list(perpetual(), LiquidityKind::Book).expect("a listing");
    assert_eq!(exchange.list(perpetual(), LiquidityKind::Book), Ok(()), "again changes nothing");
    assert!(exchange.list(perpetual(), LiquidityKind::Depth).is_err(), "other terms");
}
