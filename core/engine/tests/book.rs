//! The order book against a naive one: a vector of orders and linear scans, written from the rules alone.
//!
//! Every property runs many thousand random commands at few prices, so that queues are long, icebergs refill, owners
//! meet themselves and fill-or-kill orders are close calls; and at prices over all of `i64`, so that the window of the
//! ladder moves.
#![allow(clippy::panic, clippy::indexing_slicing, clippy::unwrap_used, reason = "tests may stop at a wrong shape")]

#[path = "book/naive.rs"]
mod naive;

use std::collections::{BTreeMap, BTreeSet};

use deepalpha_engine::book::{
    Book, BookError, Depth, DepthLevel, Lots, NewOrder, Report, SelfTrade, Ticks, TimeInForce,
};
use deepalpha_engine::types::Side;
use naive::Naive;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Command {
    Submit(NewOrder),
    Cancel(u64),
    Amend(u64, Ticks, Lots),
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Buy), Just(Side::Sell)]
}

/// Close together, or anywhere from one end of `i64` to the other in clusters.
fn price(wide: bool) -> BoxedStrategy<i64> {
    if !wide {
        return (95_i64..106).boxed();
    }
    let centres = [i64::MIN + 20, -3_000_000_000, -5_000, -700, 0, 900, 5_000, 70_000, 1 << 40, i64::MAX - 20];
    (prop::sample::select(centres.to_vec()), -20_i64..21).prop_map(|(centre, step)| centre + step).boxed()
}

fn order(wide: bool) -> impl Strategy<Value = NewOrder> {
    let policy = prop_oneof![
        8 => Just((TimeInForce::Rest, false)),
        2 => Just((TimeInForce::Rest, true)),
        2 => Just((TimeInForce::ImmediateOrCancel, false)),
        3 => Just((TimeInForce::FillOrKill, false)),
    ];
    let prevention = prop::sample::select(vec![
        SelfTrade::CancelNewest,
        SelfTrade::CancelOldest,
        SelfTrade::CancelBoth,
        SelfTrade::Decrement,
    ]);
    let limit = prop_oneof![9 => price(wide).prop_map(|ticks| Some(Ticks(ticks))), 1 => Just(None)];
    let display = prop_oneof![3 => Just(None), 2 => (1_i64..5).prop_map(|lots| Some(Lots(lots)))];
    (0_u64..40, 0_u32..6, side(), limit, 0_i64..25, display, policy, prevention).prop_map(
        |(key, owner, side, price, quantity, display, (time_in_force, post_only), self_trade)| {
            let quantity = Lots(quantity);
            NewOrder { key, owner, side, price, quantity, display, time_in_force, post_only, self_trade }
        },
    )
}

fn command(wide: bool) -> impl Strategy<Value = Command> {
    prop_oneof![
        6 => order(wide).prop_map(Command::Submit),
        1 => (0_u64..40).prop_map(Command::Cancel),
        3 => (0_u64..40, price(wide), 0_i64..25).prop_map(|(key, at, lots)| Command::Amend(key, Ticks(at), Lots(lots))),
    ]
}

fn commands() -> impl Strategy<Value = Vec<Command>> {
    prop_oneof![3 => prop::collection::vec(command(false), 150..300), 1 => prop::collection::vec(command(true), 150..300)]
}

/// Results in one shape: an outcome, or the leaves that a cancel gave back.
fn run(book: &mut Book, command: &Command, report: &mut Report) -> Result<[i64; 4], BookError> {
    let outcome = match command {
        Command::Submit(order) => book.submit(order, report)?,
        Command::Cancel(key) => return book.cancel(*key, report).map(|order| [0, 0, order.leaves.0, 0]),
        Command::Amend(key, price, quantity) => book.amend(*key, *price, *quantity, report)?,
    };
    Ok([outcome.executed.0, outcome.resting.0, outcome.expired.0, outcome.prevented.0])
}

fn run_naive(naive: &mut Naive, command: &Command) -> Option<[i64; 4]> {
    match command {
        Command::Submit(order) => naive.submit(order),
        Command::Cancel(key) => naive.cancel(*key).map(|leaves| [0, 0, leaves, 0]),
        Command::Amend(key, price, quantity) => naive.amend(*key, price.0, quantity.0),
    }
}

fn levels(depth: &Depth, side: Side) -> Vec<DepthLevel> {
    depth.levels(side).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Gateways.md section 7: 2 price priority, 3 time priority, 4 trade price, 7 fill-or-kill, 10 cancels, 14 icebergs.
    /// All of them follow from being equal to the naive book after every command.
    #[test]
    fn every_command_does_what_the_naive_book_does(commands in commands()) {
        let (mut book, mut naive, mut report) = (Book::new(4), Naive::default(), Report::default());
        for command in &commands {
            report.clear();
            naive.trades.clear();
            naive.prevented.clear();
            let result = run(&mut book, command, &mut report);
            prop_assert_eq!(result.ok(), run_naive(&mut naive, command), "{:?}: {:?}", command, result);
            let trades: Vec<_> = report.trades.iter()
                .map(|trade| (trade.maker, trade.taker, trade.price.0, trade.quantity.0, trade.maker_leaves.0)).collect();
            prop_assert_eq!(&trades, &naive.trades, "{:?}", command);
            let prevented: Vec<_> = report.prevented.iter()
                .map(|it| (it.key, it.quantity.0, it.leaves.0)).collect();
            prop_assert_eq!(&prevented, &naive.prevented, "{:?}", command);
            let orders: Vec<_> = book.orders().map(|it| (it.key, it.price.0, it.leaves.0, it.shown.0)).collect();
            prop_assert_eq!(&orders, &naive.in_priority(), "{:?}", command);
            prop_assert_eq!(book.len(), orders.len());
        }
    }

    /// 1 never crossed, 8 no self trade, 14 an iceberg shows at most its display; the views agree with the orders.
    #[test]
    fn the_book_is_never_crossed_and_its_views_agree_with_its_orders(commands in commands()) {
        let (mut book, mut report) = (Book::new(4), Report::default());
        for command in &commands {
            report.clear();
            let _refused = run(&mut book, command, &mut report);
            if let (Some(bid), Some(ask)) = (book.best_bid(), book.best_ask()) {
                prop_assert!(bid.price < ask.price);
            }
            for trade in &report.trades {
                prop_assert_ne!(trade.maker_owner, trade.taker_owner);
            }
            let mut ahead: BTreeMap<(bool, Ticks), i64> = BTreeMap::new();
            for order in book.orders() {
                let most = order.display.map_or(order.leaves, |display| display.min(order.leaves));
                prop_assert!(order.shown.0 >= 1 && order.shown <= most);
                prop_assert_eq!(book.order(order.key), Some(order));
                let queue = ahead.entry((order.side.is_buy(), order.price)).or_default();
                prop_assert_eq!(book.ahead_of(order.key), Ok(Lots(*queue)));
                prop_assert!(book.level(order.price).any(|other| other == order));
                *queue += order.shown.0;
            }
            for side in [Side::Buy, Side::Sell] {
                let shown: Vec<(Ticks, i64)> = book.depth(side, usize::MAX).iter()
                    .map(|level| (level.price, level.quantity.0)).collect();
                let mut expected: Vec<(Ticks, i64)> = ahead.iter()
                    .filter(|((buy, _), _)| *buy == side.is_buy()).map(|((_, price), lots)| (*price, *lots)).collect();
                if side.is_buy() {
                    expected.reverse();
                }
                prop_assert_eq!(shown, expected);
                prop_assert_eq!(book.level_count(side), book.levels(side).count());
                prop_assert_eq!(book.best(side), book.levels(side).next());
                let limit = Ticks(100);
                let reach: i64 = book.orders().filter(|order| order.side == side.opposite())
                    .filter(|order| if side.is_buy() { order.price <= limit } else { order.price >= limit })
                    .map(|order| order.leaves.0).sum();
                prop_assert_eq!(book.available(side, Some(limit)), Lots(reach));
            }
        }
    }

    /// 5 conservation: all that came in is executed, resting, expired, prevented or given back; buys equal sells.
    #[test]
    fn no_lot_is_lost_or_made(commands in commands()) {
        let (mut book, mut report) = (Book::new(4), Report::default());
        // What each resting order should still have, kept from the reports alone.
        let mut leaves: BTreeMap<u64, i64> = BTreeMap::new();
        for command in &commands {
            report.clear();
            let Ok([executed, resting, expired, prevented]) = run(&mut book, command, &mut report) else {
                prop_assert_eq!(&report, &Report::default());
                continue;
            };
            let taken: i64 = report.trades.iter().map(|trade| trade.quantity.0).sum();
            for trade in &report.trades {
                let left = leaves.get_mut(&trade.maker).unwrap();
                *left -= trade.quantity.0;
                prop_assert_eq!(*left, trade.maker_leaves.0);
            }
            let taker = match command {
                Command::Submit(NewOrder { key, quantity, .. }) | Command::Amend(key, _, quantity) => {
                    prop_assert_eq!(executed + resting + expired + prevented, quantity.0);
                    prop_assert_eq!(executed, taken);
                    *key
                }
                Command::Cancel(key) => {
                    prop_assert_eq!(leaves.get(key), Some(&expired));
                    *key
                }
            };
            for it in report.prevented.iter().filter(|it| it.key != taker) {
                let left = leaves.get_mut(&it.key).unwrap();
                *left -= it.quantity.0;
                prop_assert_eq!(*left, it.leaves.0);
            }
            leaves.insert(taker, resting);
            leaves.retain(|_, left| *left > 0);
            let held: BTreeMap<u64, i64> = book.orders().map(|order| (order.key, order.leaves.0)).collect();
            prop_assert_eq!(&held, &leaves);
        }
    }

    /// 7: market, immediate-or-cancel and fill-or-kill never rest; a killed order changes nothing; post-only never takes.
    #[test]
    fn orders_that_must_not_rest_do_not_and_post_only_never_takes(commands in commands()) {
        let (mut book, mut report) = (Book::new(4), Report::default());
        let mut passive = BTreeSet::new();
        for command in &commands {
            report.clear();
            let before = book.state_hash();
            let result = run(&mut book, command, &mut report);
            if result.is_err() {
                prop_assert_eq!(book.state_hash(), before, "an error changed the book");
            }
            let Command::Submit(order) = command else {
                prop_assert!(report.trades.iter().all(|trade| !passive.contains(&trade.taker)));
                continue;
            };
            let Ok([executed, resting, expired, _]) = result else { continue };
            if order.time_in_force != TimeInForce::Rest || order.price.is_none() {
                prop_assert_eq!(resting, 0);
            }
            if order.time_in_force == TimeInForce::FillOrKill {
                prop_assert!(executed == order.quantity.0 || expired == order.quantity.0);
                prop_assert_eq!(book.state_hash() == before, executed == 0);
            }
            if order.post_only {
                prop_assert_eq!(resting, order.quantity.0);
                passive.insert(order.key);
            } else {
                passive.remove(&order.key);
            }
        }
    }

    /// 11 and 12: the changes, replayed over a snapshot taken at any moment, are the book's depth; ids have no gap.
    #[test]
    fn a_replica_fed_with_the_changes_is_the_books_depth(commands in commands(), join in 0_usize..150) {
        let (mut book, mut report) = (Book::new(4), Report::default());
        let (mut from_start, mut joined) = (Depth::new(), Depth::new());
        let (mut trade_id, mut update_id) = (0, 0);
        for (step, command) in commands.iter().enumerate() {
            report.clear();
            if step == join {
                let side = |side| book.levels(side).map(|level| (level.price, level.quantity)).collect::<Vec<_>>();
                joined.snapshot(book.last_update(), &side(Side::Buy), &side(Side::Sell)).unwrap();
            }
            let _refused = run(&mut book, command, &mut report);
            for change in &report.changes {
                update_id += 1;
                prop_assert_eq!(change.update_id, update_id);
                let known = from_start.quantity(change.side, change.price);
                prop_assert_eq!(from_start.apply(change), Ok(known));
                prop_assert!(!from_start.is_crossed(), "crossed inside a command");
                if step >= join {
                    joined.apply(change).unwrap();
                    prop_assert!(joined.apply(change).is_err(), "the same update twice");
                }
            }
            for trade in &report.trades {
                trade_id += 1;
                prop_assert_eq!(trade.trade_id, trade_id);
            }
            prop_assert_eq!((book.last_trade(), book.last_update()), (trade_id, update_id));
            for side in [Side::Buy, Side::Sell] {
                prop_assert_eq!(levels(&from_start, side), book.depth(side, usize::MAX));
                if step >= join {
                    prop_assert_eq!(
                        joined.levels(side).map(|level| (level.price, level.quantity)).collect::<Vec<_>>(),
                        book.levels(side).map(|level| (level.price, level.quantity)).collect::<Vec<_>>()
                    );
                }
            }
        }
    }

    /// 13: the same commands give the same reports and hashes; a snapshot plus the tail is the full run.
    #[test]
    fn two_runs_are_equal_and_a_snapshot_continues_as_the_original(commands in commands(), cut in 0_usize..150) {
        let (mut book, mut again, mut restored) = (Book::new(0), Book::new(10_000), Book::default());
        for (step, command) in commands.iter().enumerate() {
            if step == cut {
                restored = Book::restore(&book.snapshot()).unwrap();
                prop_assert_eq!(restored.snapshot(), book.snapshot());
            }
            let (mut first, mut second, mut third) = (Report::default(), Report::default(), Report::default());
            let result = run(&mut book, command, &mut first);
            prop_assert_eq!(run(&mut again, command, &mut second), result);
            prop_assert_eq!(&first, &second);
            prop_assert_eq!(book.state_hash(), again.state_hash());
            if step >= cut {
                prop_assert_eq!(run(&mut restored, command, &mut third), result);
                prop_assert_eq!(&first, &third);
                prop_assert_eq!(book.state_hash(), restored.state_hash());
            }
        }
    }
}
