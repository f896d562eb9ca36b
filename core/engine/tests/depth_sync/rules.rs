//! Small books by hand: the rules of the venues, the buffer, crossed books.

use deepalpha_engine::stream::depth_sync::{Broken, Chain, DepthSync, Limits, Step, SyncState};
use deepalpha_engine::types::{Price, Quantity};

use super::kit::{Owned, assert_counts_add_up};

const TICK: Price = Price::from_raw(100_000_000);
const LOT: Quantity = Quantity::from_raw(100_000_000);

fn level(price: i64, quantity: i64) -> (Price, Quantity) {
    (Price::from_raw(price * TICK.raw()), Quantity::from_raw(quantity * LOT.raw()))
}

fn update(first: u64, last: u64, previous: Option<u64>) -> Owned {
    Owned { first, last, previous, bids: vec![level(90, 1)], asks: vec![level(110, 1)], ..Owned::default() }
}

fn snapshot(last: u64) -> Owned {
    Owned { snapshot: true, ..update(last, last, None) }
}

fn sync(chain: Chain) -> DepthSync {
    DepthSync::new(chain, TICK, LOT, Limits { buffered: 3, crossed: 2 })
}

fn steps(sync: &mut DepthSync, updates: &[Owned]) -> Vec<Step> {
    let steps = updates.iter().map(|update| sync.apply(&update.borrow())).collect();
    assert_counts_add_up(sync);
    steps
}

const fn gap(from: u64, to: u64) -> Step {
    Step::Resync(Broken::Gap { from, to })
}

#[test]
fn binance_spot_the_first_reaches_over_the_snapshot_and_then_each_follows() {
    let mut book = sync(Chain::Range);
    let kept = [update(5, 8, None), update(9, 12, None), update(13, 13, None)];
    assert_eq!(steps(&mut book, &kept), [Step::Buffered; 3]);
    assert_eq!(steps(&mut book, &[snapshot(10)]), [Step::Synced { applied: 2 }]);
    assert_eq!((book.last_update(), book.counts().dropped), (13, 1));
    assert_eq!(steps(&mut book, &[update(14, 20, None), update(14, 20, None)]), [Step::Applied, Step::Dropped]);
    assert_eq!(steps(&mut book, &[update(22, 23, None)]), [gap(21, 21)]);
    // What came after the gap follows a snapshot that is new enough, and one that is not asks again.
    assert_eq!(steps(&mut book, &[update(24, 25, None), snapshot(20)]), [Step::Buffered, gap(21, 21)]);
    assert_eq!(steps(&mut book, &[snapshot(21)]), [Step::Synced { applied: 2 }]);
    // A range that begins inside what is known belongs to another numbering.
    assert_eq!(steps(&mut book, &[update(25, 27, None)]), [gap(26, 27)]);
}

#[test]
fn binance_usdm_each_tells_the_one_before() {
    let mut book = sync(Chain::Previous);
    let kept = [update(5, 8, Some(3)), update(15, 19, Some(8)), update(30, 31, Some(19))];
    assert_eq!(steps(&mut book, &kept), [Step::Buffered; 3]);
    assert_eq!(steps(&mut book, &[snapshot(10)]), [Step::Synced { applied: 2 }]);
    assert_eq!(steps(&mut book, &[update(40, 44, Some(31))]), [Step::Applied]);
    assert_eq!(steps(&mut book, &[update(40, 44, Some(31)), update(60, 61, Some(50))]), [Step::Dropped, gap(45, 50)]);
    assert_eq!(steps(&mut book, &[snapshot(55)]), [Step::Synced { applied: 1 }]);
    let silent = update(70, 71, None);
    assert_eq!(steps(&mut book, &[silent]), [Step::Resync(Broken::NoPrevious { last_update: 71 })]);
    // The first after the snapshot must not begin after it.
    assert_eq!(steps(&mut book, &[snapshot(80), update(95, 96, Some(90))]), [Step::Synced { applied: 0 }, gap(81, 90)]);
    // OKX numbers anew after maintenance and sends heartbeats: the one before is told.
    assert_eq!(steps(&mut book, &[snapshot(100)]), [Step::Synced { applied: 0 }]);
    let anew = [update(100, 100, Some(100)), update(3, 3, Some(100)), update(4, 4, Some(3))];
    assert_eq!(steps(&mut book, &anew), [Step::Applied; 3]);
}

#[test]
fn one_id_rises_by_one_or_just_rises_or_is_not_there() {
    let mut book = sync(Chain::Step);
    assert_eq!(steps(&mut book, &[snapshot(1), update(2, 2, None)]), [Step::Synced { applied: 0 }, Step::Applied]);
    assert_eq!(steps(&mut book, &[update(2, 2, None), update(4, 4, None)]), [Step::Dropped, gap(3, 3)]);
    assert_eq!(steps(&mut book, &[snapshot(3)]), [Step::Synced { applied: 1 }]);

    let mut book = sync(Chain::Rising);
    assert_eq!(steps(&mut book, &[update(5, 5, None), snapshot(7)]), [Step::Buffered, Step::Synced { applied: 0 }]);
    assert_eq!(steps(&mut book, &[update(9, 9, None), update(8, 8, None)]), [Step::Applied, Step::Dropped]);

    let mut book = sync(Chain::None);
    assert_eq!(steps(&mut book, &[update(0, 0, None), snapshot(0)]), [Step::Dropped, Step::Synced { applied: 0 }]);
    assert_eq!(steps(&mut book, &[update(0, 0, None), update(0, 0, None)]), [Step::Applied; 2]);
}

#[test]
fn the_buffer_is_bounded_and_what_fell_out_is_a_gap() {
    let mut book = sync(Chain::Range);
    let kept: Vec<Owned> = (1..=5).map(|id| update(id, id, None)).collect();
    assert_eq!(steps(&mut book, &kept), [Step::Buffered; 5]);
    assert_eq!((book.buffered(), book.counts().overflowed), (3, 2));
    assert_eq!(steps(&mut book, &[snapshot(1)]), [gap(2, 2)]);
    assert_eq!(steps(&mut book, &[snapshot(2)]), [Step::Synced { applied: 3 }]);
}

#[test]
fn kept_updates_that_came_out_of_order_are_put_in_order() {
    let mut book = sync(Chain::Range);
    assert_eq!(steps(&mut book, &[update(3, 3, None), update(2, 2, None)]), [Step::Buffered; 2]);
    assert_eq!(steps(&mut book, &[snapshot(1)]), [Step::Synced { applied: 2 }]);
}

#[test]
fn a_crossed_or_locked_book_breaks_after_more_than_the_bound() {
    let mut book = sync(Chain::None);
    let locked = Owned { bids: vec![level(110, 1)], ..update(0, 0, None) };
    let cleared = Owned { bids: vec![level(110, 0)], ..update(0, 0, None) };
    let crossed = Step::Resync(Broken::Crossed { bid: 110, ask: 110, updates: 3 });
    let came = [&snapshot(0), &locked, &locked, &cleared, &locked, &locked, &locked].map(Clone::clone);
    let expected = [
        Step::Synced { applied: 0 },
        Step::Applied,
        Step::Applied,
        Step::Applied,
        Step::Applied,
        Step::Applied,
        crossed,
    ];
    assert_eq!(steps(&mut book, &came), expected);
    assert!(matches!(book.state(), SyncState::Broken(Broken::Crossed { .. })));
    assert_eq!(steps(&mut book, &[snapshot(0)]), [Step::Synced { applied: 0 }]);
    assert!(book.is_live());
}

#[test]
fn a_lost_message_breaks_the_book_and_what_was_kept_is_not_believed() {
    let mut book = sync(Chain::Range);
    assert_eq!(steps(&mut book, &[update(2, 2, None)]), [Step::Buffered]);
    assert_eq!(book.lost(), Step::Resync(Broken::Lost));
    assert_eq!(steps(&mut book, &[snapshot(1), update(2, 2, None)]), [Step::Synced { applied: 0 }, Step::Applied]);
    assert_eq!(book.lost(), Step::Resync(Broken::Lost));
    assert!(!book.is_live());
    book.reconnected();
    assert_eq!(book.state(), SyncState::Waiting);
    assert_counts_add_up(&book);
}

#[test]
fn a_damaged_update_or_snapshot_changes_nothing() {
    let mut book = sync(Chain::Range);
    let half = Owned { asks: vec![(Price::from_raw(5), LOT)], ..snapshot(7) };
    assert!(matches!(steps(&mut book, &[half])[..], [Step::Resync(Broken::Step(_))]));
    assert_eq!(book.depth().best_bid(), None);
    assert_eq!(steps(&mut book, &[snapshot(7)]), [Step::Synced { applied: 0 }]);
    let before = book.depth().depth(deepalpha_engine::types::Side::Buy, 10);
    let damaged = Owned { bids: vec![level(95, 1), level(96, -1)], ..update(8, 8, None) };
    assert!(matches!(steps(&mut book, &[damaged])[..], [Step::Resync(Broken::Level(_))]));
    assert_eq!(book.depth().depth(deepalpha_engine::types::Side::Buy, 10), before);
    let backwards = update(10, 9, None);
    assert!(matches!(steps(&mut book, &[snapshot(7), backwards])[..], [_, Step::Resync(Broken::BadRange { .. })]));
}
