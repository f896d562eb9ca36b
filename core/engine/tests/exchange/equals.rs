//! Two ways to the same end: matching order by order against matching at once, all-or-nothing against immediate orders.

use deepalpha_engine::matching::exchange::{Exchange, ExchangeConfig};
use deepalpha_engine::orders::{OrderRequest, TimeInForce};
use deepalpha_engine::types::{Quantity, UtcNanos};
use proptest::prelude::*;

use crate::kit::{id, perpetual};
use crate::properties::{Act, acts, config, request, step, venue};

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    /// Orders of which each is an OCO group of its own meet one at a time, and nothing else follows from it: the
    /// trades, what is filled, the book and the money are those without groups, in every mode of self-trade prevention.
    #[test]
    fn matching_one_order_at_a_time_gives_the_same_trades(acts in acts(90), mode in any::<u8>()) {
        let run = |grouped: bool| {
            // In which order those of one command end is another matter, and so which of them is forgotten first.
            let (mut venue, accounts) = venue(ExchangeConfig { remembered: 4_096, ..config(mode, 0, false) }, 0);
            for (number, act) in acts.iter().enumerate() {
                match *act {
                    // Those that have a group, a bracket or may only reduce are another matter.
                    Act::Order { who, kind, buy, lots, ticks, option } => {
                        let option = if (4..8).contains(&option) || (9..11).contains(&option) { 15 } else { option };
                        let act = Act::Order { who, kind, buy, lots, ticks, option };
                        let mut request = request(number, &act, 0, venue.now).expect("an order");
                        if grouped {
                            request.oco_group = id(&format!("own{number}"));
                        }
                        let _ = venue.try_send(accounts[who], request).expect("the exchange takes every order");
                    }
                    Act::Settle { .. } => {}
                    other => step(&mut venue, &accounts, &other, number, 0),
                }
            }
            let fills: Vec<_> = venue.fills().into_iter().map(|(event, fill)| (event.clone(), *fill)).collect();
            let mut filled = Vec::new();
            for number in 0..acts.len() {
                let name = id(&format!("o{number}"));
                let found = accounts.iter().filter_map(|account| venue.exchange.order(account.account(), &name));
                // Whose last lots met an order of its own ends as cancelled or as filled, by which of the two came last.
                filled.extend(found.map(|order| (name, order.state.filled())));
            }
            let book = venue.exchange.book(&perpetual().symbol).expect("a book");
            let resting: Vec<_> = book.orders().collect();
            let money: Vec<_> = accounts
                .iter()
                .filter_map(|account| venue.exchange.portfolio(account.account()))
                .flat_map(deepalpha_engine::portfolio::Portfolio::balances)
                .map(|balance| balance.total)
                .collect();
            (fills, filled, resting, money)
        };
        prop_assert_eq!(run(false), run(true));
    }

    /// An order that fills whole or not at all fills exactly where an immediate one of the same terms would fill whole,
    /// whatever rests: groups of which one trade takes the others along, and orders that only fit a position.
    #[test]
    fn fill_or_kill_fills_where_an_immediate_order_would_fill_whole(acts in acts(70), mode in any::<u8>()) {
        let (mut venue, accounts) = venue(config(mode, 0, false), 0);
        for (number, act) in acts.iter().enumerate() {
            let Act::Order { who, kind, .. } = *act else {
                step(&mut venue, &accounts, act, number, 0);
                continue;
            };
            let plain = request(number, act, 0, venue.now).expect("an order");
            if (2..6).contains(&kind) || plain.post_only || !plain.oco_group.is_empty() || plain.reduce_only {
                let _ = venue.try_send(accounts[who], plain).expect("the exchange takes every order");
                continue;
            }
            let with = |time_in_force| OrderRequest { time_in_force, display: None, ..plain };
            let mut other: Exchange = venue.exchange.clone();
            let (account, now) = (accounts[who], UtcNanos(venue.now + 1));
            let _ = other.submit_counterparty(account, with(TimeInForce::Ioc), now, &mut Vec::new());
            let filled = |exchange: &Exchange| {
                let found = exchange.order(account.account(), &plain.client_order_id);
                found.map_or(Quantity::ZERO, |order| order.state.filled())
            };
            let whole = filled(&other) == plain.quantity;
            let _ = venue.try_send(account, with(TimeInForce::Fok)).expect("the exchange takes every order");
            prop_assert_eq!(filled(&venue.exchange), if whole { plain.quantity } else { Quantity::ZERO });
            // Something has to rest for the next ones.
            if !whole {
                let name = format!("r{number}");
                let rests = OrderRequest { client_order_id: id(&name), ..plain };
                let _ = venue.try_send(account, rests).expect("the exchange takes every order");
            }
        }
    }
}
