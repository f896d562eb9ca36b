//! Parent orders never send more than they are, never early, never too small, and the same twice.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may stop at a wrong shape")]

use std::collections::BTreeMap;

use deepalpha_engine::desk::{
    ChildReport, EndRule, ParentAction, ParentOrder, ParentRequest, ParentState, Pov, Schedule, Twap, Vwap,
};
use deepalpha_engine::types::{ClientOrderId, Instrument, Price, Quantity, Ratio, Side, Symbol, UtcNanos};
use proptest::prelude::*;

const LOT: i64 = 1_000;

fn lots(count: i64) -> Quantity {
    Quantity::from_raw(count * LOT)
}

fn request(schedule: Schedule, quantity: i64, minimum: i64, span: i64, at_end: EndRule) -> ParentRequest {
    let symbol = Symbol::parse("BTC/USDT").unwrap();
    ParentRequest {
        id: ClientOrderId::parse("PRA-1-parent").unwrap(),
        instrument: Instrument::new(symbol, Price::from_raw(1), Quantity::from_raw(LOT)).unwrap(),
        side: Side::Buy,
        quantity: lots(quantity),
        limit: None,
        start: UtcNanos(1_000),
        end: UtcNanos(1_000 + span),
        minimum: lots(minimum),
        schedule,
        at_end,
    }
}

fn schedules() -> impl Strategy<Value = Schedule> {
    prop_oneof![
        (1_u32..60).prop_map(|slices| Schedule::Twap(Twap { slices })),
        (prop::collection::vec(0_u64..1_000, 1..12), 1_u32..5)
            .prop_filter_map("no volume", |(profile, slices)| { Vwap::new(&profile, slices).ok().map(Schedule::Vwap) }),
        (1_i64..=100_000_000, 1_i64..500, prop::option::of(1_i64..50)).prop_map(|(rate, interval, cap)| {
            let cap = cap.map(|cap| lots(cap + 10));
            Schedule::Pov(Pov { rate: Ratio::from_raw(rate), interval, cap })
        }),
    ]
}

fn parents() -> impl Strategy<Value = ParentOrder> {
    let end = prop_oneof![Just(EndRule::CancelRest), Just(EndRule::Cross)];
    (schedules(), 1_i64..2_000, 1_i64..11, 1_i64..10_000, end).prop_filter_map(
        "bounds",
        |(schedule, quantity, minimum, span, at_end)| {
            ParentOrder::new(request(schedule, quantity, minimum.min(quantity), span, at_end)).ok()
        },
    )
}

/// What the world does next.
#[derive(Clone, Debug)]
enum Step {
    Wait(i64, i64),
    Fill(usize, i64),
    Close(usize),
    KeepWorking(usize),
    Amend(i64),
    Cancel,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (-50_i64..900, 0_i64..300).prop_map(|(wait, volume)| Step::Wait(wait, volume)),
        8 => (any::<prop::sample::Index>(), 1_i64..60).prop_map(|(child, count)| Step::Fill(child.index(64), count)),
        4 => any::<prop::sample::Index>().prop_map(|child| Step::Close(child.index(64))),
        1 => any::<prop::sample::Index>().prop_map(|child| Step::KeepWorking(child.index(64))),
        1 => (1_i64..3_000).prop_map(Step::Amend),
        1 => Just(Step::Cancel),
    ];
    prop::collection::vec(step, 1..120)
}

/// The caller's own book of children, kept apart from the parent's.
#[derive(Default)]
struct Book {
    open: BTreeMap<u32, i64>,
    filled: i64,
    actions: Vec<ParentAction>,
}

impl Book {
    fn working(&self) -> i64 {
        self.open.values().sum()
    }

    fn take(&mut self, parent: &ParentOrder, fresh: Vec<ParentAction>, slot_time: Option<(UtcNanos, Quantity)>) {
        for action in &fresh {
            if let ParentAction::Submit { slice, client_order_id, quantity, limit } = *action {
                assert_eq!(client_order_id.to_string(), format!("PRA-1-parent-S{slice}"), "ids name the slice");
                assert_eq!(quantity.raw() % LOT, 0, "whole lots");
                assert!(quantity >= parent.request().minimum, "{quantity} is below the minimum");
                assert_eq!(limit, parent.request().limit);
                assert!(self.open.insert(slice, quantity.raw()).is_none(), "a slice number came twice");
                if let (Some((now, due)), ParentState::Working) = (slot_time, parent.state()) {
                    assert!(now >= parent.request().start, "before its time");
                    assert!(self.working() + self.filled <= due.raw(), "more than the schedule allows by now");
                }
            }
        }
        self.actions.extend(fresh);
    }
}

fn run(mut parent: ParentOrder, steps: &[Step], late_fills: bool) -> (ParentOrder, Book) {
    let (mut now, mut volume, mut latest) = (900_i64, 0_i64, i64::MIN);
    let mut book = Book::default();
    for step in steps {
        let mut fresh = Vec::new();
        let mut slot_time = None;
        match *step {
            Step::Wait(wait, traded) => {
                now += wait;
                volume += traded;
                latest = latest.max(now);
                let due = parent.due(UtcNanos(now), lots(volume));
                parent.advance(UtcNanos(now), lots(volume), &mut fresh);
                assert!(fresh.iter().filter(|action| matches!(action, ParentAction::Submit { .. })).count() <= 1);
                slot_time = Some((UtcNanos(now), due));
            }
            Step::Fill(nth, count) => {
                if let Some((slice, leaves)) = book.open.iter().nth(nth).map(|(slice, leaves)| (*slice, *leaves)) {
                    let quantity = (count * LOT).min(leaves);
                    book.filled += quantity;
                    if quantity == leaves {
                        book.open.remove(&slice)
                    } else {
                        book.open.insert(slice, leaves - quantity)
                    };
                    parent.report(slice, ChildReport::Fill(Quantity::from_raw(quantity)), &mut fresh).unwrap();
                } else if late_fills && parent.slices() > 0 && !book.open.contains_key(&1) {
                    book.filled += count * LOT;
                    parent.report(1, ChildReport::Fill(lots(count)), &mut fresh).unwrap();
                }
            }
            Step::Close(nth) => {
                if let Some(slice) = book.open.keys().nth(nth).copied() {
                    book.open.remove(&slice);
                    parent.report(slice, ChildReport::Closed, &mut fresh).unwrap();
                }
            }
            Step::KeepWorking(nth) => {
                if let Some(slice) = book.open.keys().nth(nth).copied() {
                    parent.report(slice, ChildReport::CancelRejected, &mut fresh).unwrap();
                }
            }
            Step::Amend(count) => {
                let before = (parent.request().clone(), parent.state());
                if parent.amend(lots(count), None).is_err() {
                    assert_eq!((parent.request().clone(), parent.state()), before, "a refused amend changed something");
                }
            }
            Step::Cancel => {
                let _ = parent.cancel(&mut fresh);
            }
        }
        book.take(&parent, fresh, slot_time);
        assert_eq!(parent.filled().raw(), book.filled, "the fills of the children are the parent's");
        assert_eq!(parent.working().raw(), book.working(), "what works is what the children leave open");
        if !late_fills {
            assert!(book.filled + book.working() <= parent.request().quantity.raw(), "more than the parent");
        }
        if parent.state().is_closed() {
            assert!(book.open.is_empty() || late_fills, "closed with a child at work");
            assert_eq!(parent.state() == ParentState::Filled, book.filled >= parent.request().quantity.raw());
        }
    }
    (parent, book)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn children_never_exceed_the_parent_nor_leave_early(parent in parents(), steps in steps()) {
        run(parent, &steps, false);
    }

    #[test]
    fn late_fills_are_booked_and_the_excess_is_taken_back(parent in parents(), steps in steps()) {
        let (parent, book) = run(parent, &steps, true);
        let cancelled: Vec<u32> = book.actions.iter().filter_map(|action| match action {
            ParentAction::Cancel { slice, .. } => Some(*slice),
            ParentAction::Submit { .. } => None,
        }).collect();
        let uncancelled: i64 =
            book.open.iter().filter(|(slice, _)| !cancelled.contains(slice)).map(|(_, leaves)| leaves).sum();
        let excess = book.filled + uncancelled - parent.request().quantity.raw();
        prop_assert!(excess <= 0 || uncancelled == 0 , "{} too much works on", excess);
    }

    #[test]
    fn the_same_calls_give_the_same_answers(parent in parents(), steps in steps()) {
        let (_, first) = run(parent.clone(), &steps, true);
        let (_, second) = run(parent, &steps, true);
        prop_assert_eq!(first.actions, second.actions);
    }

    /// Every slice fills at once: each leaves in its slot and together they are the parent, to the last lot.
    #[test]
    fn a_time_schedule_is_done_to_the_last_lot(parent in parents()) {
        prop_assume!(!matches!(parent.request().schedule, Schedule::Pov(_)));
        let mut parent = parent;
        let mut sent = 0;
        for _ in 0..100_000 {
            let Some(due) = parent.next_due().filter(|due| *due < parent.request().end) else { break };
            let mut actions = Vec::new();
            parent.advance(UtcNanos(due.0 - 1), Quantity::ZERO, &mut actions);
            prop_assert!(actions.is_empty(), "a slice left one nanosecond early");
            parent.advance(due, Quantity::ZERO, &mut actions);
            for action in actions {
                let ParentAction::Submit { slice, quantity, .. } = action else { panic!("{action:?}") };
                sent += quantity.raw();
                parent.report(slice, ChildReport::Fill(quantity), &mut Vec::new()).unwrap();
            }
        }
        prop_assert_eq!(parent.state(), ParentState::Filled);
        prop_assert_eq!(sent, parent.request().quantity.raw());
    }

    /// POV never leaves more than its share of what traded, nor a slice above the cap.
    #[test]
    fn participation_is_kept(rate in 1_i64..=100_000_000, volumes in prop::collection::vec(0_i64..500, 1..80)) {
        let pov = Pov { rate: Ratio::from_raw(rate), interval: 10, cap: Some(lots(40)) };
        let mut parent =
            ParentOrder::new(request(Schedule::Pov(pov), 5_000, 3, 100_000, EndRule::CancelRest)).unwrap();
        let (mut now, mut observed, mut sent) = (1_000, 0, 0);
        for volume in volumes {
            observed += volume;
            let mut actions = Vec::new();
            parent.advance(UtcNanos(now), lots(observed), &mut actions);
            for action in actions {
                let ParentAction::Submit { slice, quantity, .. } = action else { panic!("{action:?}") };
                prop_assert!(quantity <= lots(40));
                sent += quantity.raw();
                parent.report(slice, ChildReport::Fill(quantity), &mut Vec::new()).unwrap();
            }
            prop_assert!(i128::from(sent) * 100_000_000 <= i128::from(observed * LOT) * i128::from(rate));
            now += 10;
        }
    }
}

fn submits(actions: &[ParentAction]) -> Vec<i64> {
    let quantity = |action: &ParentAction| match action {
        ParentAction::Submit { quantity, .. } => Some(quantity.raw() / LOT),
        ParentAction::Cancel { .. } => None,
    };
    actions.iter().filter_map(quantity).collect()
}

#[test]
fn a_rejected_slice_is_caught_up_with_the_next_one() {
    let twap = Schedule::Twap(Twap { slices: 4 });
    let mut parent = ParentOrder::new(request(twap, 10, 1, 400, EndRule::CancelRest)).unwrap();
    let mut actions = Vec::new();
    parent.advance(UtcNanos(1_000), Quantity::ZERO, &mut actions);
    parent.report(1, ChildReport::Closed, &mut actions).unwrap();
    parent.advance(UtcNanos(1_050), Quantity::ZERO, &mut actions);
    assert_eq!(submits(&actions), [2], "not again in the same slot");
    parent.advance(UtcNanos(1_100), Quantity::ZERO, &mut actions);
    parent.advance(UtcNanos(1_399), Quantity::ZERO, &mut actions);
    assert_eq!(submits(&actions), [2, 5, 5], "a late call merges what was missed");
}

#[test]
fn at_its_end_a_parent_cancels_and_crosses_the_rest_once() {
    for (rule, crossed, ends) in
        [(EndRule::CancelRest, 0, ParentState::Expired), (EndRule::Cross, 10, ParentState::Filled)]
    {
        let mut asked = request(Schedule::Twap(Twap { slices: 2 }), 10, 1, 400, rule);
        asked.limit = Some(Price::from_raw(5));
        let mut parent = ParentOrder::new(asked).unwrap();
        let mut actions = Vec::new();
        for now in [1_000, 1_200, 1_400] {
            parent.advance(UtcNanos(now), Quantity::ZERO, &mut actions);
        }
        assert_eq!(submits(&actions), [5, 5]);
        assert_eq!(actions.iter().filter(|action| matches!(action, ParentAction::Cancel { .. })).count(), 2);
        actions.clear();
        parent.report(1, ChildReport::Closed, &mut actions).unwrap();
        assert!(actions.is_empty(), "the rest waits until every child is closed");
        parent.report(2, ChildReport::Closed, &mut actions).unwrap();
        assert_eq!(submits(&actions).iter().sum::<i64>(), crossed);
        if rule == EndRule::Cross {
            assert!(matches!(actions[0], ParentAction::Submit { limit: None, .. }), "at the market");
            parent.advance(UtcNanos(1_500), Quantity::ZERO, &mut actions);
            assert_eq!(actions.len(), 1, "the last slice is left to finish");
            parent.report(3, ChildReport::Fill(lots(10)), &mut actions).unwrap();
        }
        assert_eq!(parent.state(), ends);
    }
}

#[test]
fn hostile_terms_are_refused_with_the_bound() {
    let twap = |slices| Schedule::Twap(Twap { slices });
    let pov = |rate, interval, cap| Schedule::Pov(Pov { rate: Ratio::from_raw(rate), interval, cap });
    let ok = request(twap(4), 10, 1, 400, EndRule::CancelRest);
    assert!(ParentOrder::new(ok.clone()).is_ok());
    let mut bad = vec![
        request(twap(0), 10, 1, 400, EndRule::CancelRest),
        request(twap(u32::MAX), 10, 1, 400, EndRule::CancelRest),
        request(twap(4), 0, 1, 400, EndRule::CancelRest),
        request(twap(4), -5, 1, 400, EndRule::CancelRest),
        request(twap(4), 10, 11, 400, EndRule::CancelRest),
        request(twap(4), 10, 1, 0, EndRule::CancelRest),
        request(pov(0, 1, None), 10, 1, 400, EndRule::CancelRest),
        request(pov(100_000_001, 1, None), 10, 1, 400, EndRule::CancelRest),
        request(pov(1, 0, None), 10, 1, 400, EndRule::CancelRest),
        request(pov(1, 1, Some(Quantity::ZERO)), 10, 1, 400, EndRule::CancelRest),
        request(pov(1, 1, None), 10, 1, i64::MAX / 2, EndRule::CancelRest),
    ];
    bad.push(ParentRequest { quantity: Quantity::from_raw(LOT + 1), ..ok.clone() });
    bad.push(ParentRequest { limit: Some(Price::ZERO), ..ok.clone() });
    bad.push(ParentRequest { id: ClientOrderId::parse(&"x".repeat(30)).unwrap(), ..ok.clone() });
    bad.push(ParentRequest { start: UtcNanos(i64::MIN), end: UtcNanos(i64::MAX), ..ok });
    for terms in bad {
        assert!(ParentOrder::new(terms.clone()).is_err(), "{terms:?} was accepted");
    }
    assert!(Vwap::new(&[], 1).is_err() && Vwap::new(&[0, 0], 1).is_err() && Vwap::new(&[1], 0).is_err());
    assert!(Vwap::new(&[u64::MAX, 1], 1).is_err() && Vwap::new(&[1; 1_000], 1_000).is_err());
}
