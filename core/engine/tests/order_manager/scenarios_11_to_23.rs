//! Scenarios 11 to 23: disk, clock, hostile values, bursts, kill switch, rate limits, determinism.

use deepalpha_engine::execution::{
    Alert, Command, Denied, Effect, RejectKind, RiskState, Submitted, VenueReport, VenueStatus,
};
use deepalpha_engine::orders::{OrderState, OrderType};
use deepalpha_engine::types::{Price, Quantity, Side, UtcNanos};

use crate::desk::{Desk, SECOND, fill_of, id, lots, request, venue_order, venue_position};

const NONE: Quantity = Quantity::ZERO;

fn is_denied(answer: Submitted, code: &str) -> bool {
    matches!(answer, Submitted::Denied(denied) if denied.to_string().starts_with(code))
}

#[test]
fn scenario_11_a_full_disk_refuses_new_orders_and_lets_cancels_and_exits_pass() {
    let mut desk = Desk::new();
    desk.working(request("A1", Side::Buy, 4));
    desk.fill("A1", "T1", 2);
    desk.ack();
    assert_eq!(desk.submit(request("A2", Side::Buy, 1)), Submitted::Taken);
    desk.log_fails();
    assert_eq!(desk.state("A2"), OrderState::Cancelled { filled: NONE }, "its intent never reached the log");
    assert_eq!(desk.sends("A2"), 0);
    assert!(is_denied(desk.submit(request("A3", Side::Buy, 1)), "LOG_FAILED"));
    assert_eq!(desk.manager.risk_state(), RiskState::Halted);
    assert_eq!(desk.command(Command::Cancel(id("A1"))), Ok(()));
    assert_eq!(desk.cancels("A1"), 1, "a cancel does not wait for the disk");
    let mut exit = request("A4", Side::Sell, 2);
    exit.reduce_only = true;
    assert_eq!(desk.submit(exit), Submitted::Taken);
    assert_eq!((desk.sends("A4"), desk.alerts(|alert| *alert == Alert::SentUnlogged(id("A4")))), (1, 1));
    desk.accept("A4");
    // The disk is mended: everything since is offered again, in order, and the account opens.
    desk.pass(2 * SECOND);
    desk.ack();
    assert_eq!(desk.manager.unconfirmed(), 0);
    assert_eq!(desk.alerts(|alert| *alert == Alert::LogRecovered), 1);
    assert_eq!(desk.submit(request("A5", Side::Buy, 1)), Submitted::Taken);
    desk.ack();
    assert_eq!((desk.sends("A5"), desk.sends("A2")), (1, 0));
    desk.assert_replays();
}

#[test]
fn scenario_11_nothing_is_sent_before_the_log_has_its_intent() {
    let mut desk = Desk::new();
    assert_eq!(desk.submit(request("A1", Side::Buy, 4)), Submitted::Taken);
    desk.pass(SECOND);
    assert_eq!(desk.sends("A1"), 0);
    desk.ack();
    assert_eq!(desk.sends("A1"), 1);
    assert_eq!(desk.submit(request("A2", Side::Buy, 4)), Submitted::Taken);
    assert_eq!(desk.command(Command::Cancel(id("A2"))), Ok(()));
    desk.ack();
    assert_eq!((desk.sends("A2"), desk.state("A2")), (0, OrderState::Cancelled { filled: NONE }));
}

#[test]
fn scenario_12_a_wall_clock_that_jumps_moves_no_timer_and_time_in_the_log_never_goes_back() {
    let mut desk = Desk::new();
    assert_eq!(desk.submit(request("A1", Side::Buy, 4)), Submitted::Taken);
    desk.ack();
    desk.at.utc = UtcNanos(desk.at.utc.0 + 3_600 * SECOND);
    desk.pass(SECOND);
    assert_eq!(desk.state("A1"), OrderState::Submitted, "an hour of wall clock is no hour");
    desk.at.utc = UtcNanos(desk.at.utc.0 - 7_200 * SECOND);
    desk.pass(SECOND);
    desk.accept("A1");
    assert_eq!(desk.alerts(|alert| matches!(alert, Alert::ClockJump(_))), 2);
    let times: Vec<UtcNanos> = desk.log.iter().map(|entry| entry.ts_init).collect();
    assert!(times.is_sorted());
    desk.at.monotonic -= 50 * SECOND;
    assert_eq!(desk.submit(request("A2", Side::Buy, 4)), Submitted::Taken);
    desk.ack();
    assert_eq!(desk.sends("A2"), 1, "a monotonic clock that is none stands still");
}

#[test]
fn scenario_13_hostile_amounts_change_nothing() {
    let mut desk = Desk::new();
    desk.working(request("A1", Side::Buy, 4));
    let before = desk.manager.state_hash();
    let mut huge = request("A2", Side::Sell, 1);
    huge.reduce_only = true;
    huge.quantity = Quantity::from_raw(1 << 60);
    huge.order_type = OrderType::Limit(Price::from_raw(i64::MAX));
    assert_eq!(desk.submit(huge), Submitted::Denied(Denied::Overflow));
    for (quantity, price) in [(0, 1), (-5, 1), (i64::MIN, 1), (5, 0), (5, -1), (5, i64::MIN)] {
        let mut fill = fill_of("A1", "T1", Side::Buy, 1, 1);
        (fill.quantity, fill.price) = (Quantity::from_raw(quantity), Price::from_raw(price));
        desk.report(VenueReport::Fill(fill));
    }
    let mut wrong_side = fill_of("A1", "T2", Side::Sell, 1, 1);
    desk.report(VenueReport::Fill(wrong_side));
    wrong_side.side = Side::Buy;
    wrong_side.symbol = deepalpha_engine::types::Symbol::parse("Y").unwrap_or_default();
    desk.report(VenueReport::Fill(wrong_side));
    let (quantity, ts_event) = (Quantity::from_raw(-1), desk.at.utc);
    desk.report(VenueReport::Amended { client_order_id: id("A1"), quantity, price: None, ts_event });
    let bad = desk.command(Command::Amend { client_order_id: id("A1"), quantity: Some(NONE), price: None });
    assert!(bad.is_err());
    assert_eq!(desk.manager.state_hash(), before);
    // Sums of fills leave 64 bits only by overfills; they are counted, not wrapped.
    let mut most = fill_of("A1", "T3", Side::Buy, 1, 1);
    most.quantity = Quantity::from_raw(i64::MAX);
    desk.report(VenueReport::Fill(most));
    most.trade_id = deepalpha_engine::types::TradeId::parse("T4").unwrap_or_default();
    desk.report(VenueReport::Fill(most));
    assert_eq!(desk.state("A1"), OrderState::Filled { filled: Quantity::from_raw(i64::MAX) });
}

#[test]
fn scenario_14_a_burst_of_cancels_leaves_whole() {
    let mut desk = Desk::new();
    for number in 0..1_000 {
        desk.working(request(&format!("A{number}"), Side::Buy, 1));
    }
    desk.effects.clear();
    assert_eq!(desk.command(Command::CancelAll { symbol: crate::desk::symbol() }), Ok(()));
    assert_eq!(desk.count(|effect| matches!(effect, Effect::SendCancel { .. })), 1_000);
}

#[test]
fn scenario_15_the_kill_switch_cancels_everything_within_the_step_and_latches_through_a_restart() {
    let mut desk = Desk::new();
    for number in 0..1_000 {
        let name = format!("A{number}");
        assert_eq!(desk.submit(request(&name, Side::Buy, 1)), Submitted::Taken);
    }
    let seq = desk.log.len() as u64 - 100;
    desk.manager.logged(desk.at, seq, &mut desk.effects);
    for number in 0..300 {
        desk.accept(&format!("A{number}"));
    }
    desk.fill("A0", "T1", 1);
    for number in 300..400 {
        desk.report(VenueReport::Maybe { client_order_id: id(&format!("A{number}")) });
    }
    desk.effects.clear();
    assert_eq!(desk.command(Command::Kill { flatten: true }), Ok(()));
    let cancels = desk.count(|effect| matches!(effect, Effect::SendCancel { .. }));
    assert_eq!(cancels, 899, "900 were sent, one of them is done; unknown ones too");
    assert_eq!(
        desk.count(|effect| matches!(effect, Effect::Flatten { quantity, .. } if *quantity == lots(1).signed(true))),
        1
    );
    assert_eq!(desk.count(|effect| *effect == Effect::RiskState(RiskState::Halted)), 1);
    assert!(is_denied(desk.submit(request("B1", Side::Buy, 1)), "KILLED"));
    desk.manager.logged(desk.at, u64::MAX, &mut desk.effects);
    assert_eq!(desk.count(|effect| matches!(effect, Effect::Send { .. })), 0, "the 100 that waited for the log");
    let mut exit = request("B2", Side::Sell, 1);
    exit.reduce_only = true;
    assert_eq!(desk.submit(exit), Submitted::Taken);
    desk.ack();
    assert_eq!(desk.sends("B2"), 1);
    let mut again = desk.restarted(desk.log.len());
    again.connect(&[], &[], &[venue_position(1)]);
    assert!(is_denied(again.submit(request("B3", Side::Buy, 1)), "KILLED"));
    assert!(again.cancels("A999") == 0 && again.cancels("A500") == 1, "what may be there is cancelled again");
}

#[test]
fn scenario_16_an_intent_that_grew_old_before_it_was_logged_is_not_sent() {
    let mut desk = Desk::new();
    assert_eq!(desk.submit(request("A1", Side::Buy, 4)), Submitted::Taken);
    desk.pass(3 * SECOND);
    desk.ack();
    assert_eq!((desk.sends("A1"), desk.state("A1")), (0, OrderState::Cancelled { filled: NONE }));
    assert_eq!(desk.alerts(|alert| *alert == Alert::NeverSent(id("A1"))), 1);
}

#[test]
fn scenario_18_a_reducing_account_takes_exits_only_until_a_person_re_arms_it() {
    let mut desk = Desk::new();
    desk.working(request("A1", Side::Buy, 4));
    desk.fill("A1", "T1", 4);
    assert_eq!(desk.command(Command::Reduce), Ok(()));
    assert!(is_denied(desk.submit(request("A2", Side::Buy, 1)), "REDUCING"));
    let mut exit = request("A3", Side::Sell, 1);
    exit.reduce_only = true;
    assert_eq!(desk.submit(exit), Submitted::Taken);
    let mut again = desk.restarted(desk.log.len());
    again.connect(&[], &[], &[venue_position(4)]);
    assert!(is_denied(again.submit(request("A4", Side::Buy, 1)), "REDUCING"));
    assert_eq!(again.command(Command::Rearm), Ok(()));
    assert_eq!(again.manager.risk_state(), RiskState::Active);
}

#[test]
fn scenario_21_silence_is_kept_for_exactly_so_long_and_cancels_go_first_after_it() {
    let mut desk = Desk::new();
    desk.working(request("A1", Side::Buy, 4));
    assert_eq!(desk.submit(request("A2", Side::Buy, 4)), Submitted::Taken);
    desk.ack();
    desk.report(VenueReport::Maybe { client_order_id: id("A2") });
    desk.report(VenueReport::Busy { retry_after: 5 * SECOND });
    desk.effects.clear();
    assert_eq!(desk.command(Command::Cancel(id("A1"))), Ok(()));
    assert!(is_denied(desk.submit(request("A3", Side::Buy, 1)), "VENUE_BUSY"));
    desk.pass(49 * SECOND / 10);
    let asks = |effect: &Effect| {
        matches!(
            effect,
            Effect::Send { .. } | Effect::SendCancel { .. } | Effect::Query { .. } | Effect::RequestSnapshot { .. }
        )
    };
    assert_eq!(desk.count(asks), 0, "not one call inside the silence");
    assert_eq!(desk.state("A2"), OrderState::Unknown { filled: NONE });
    desk.pass(SECOND / 10);
    let first = desk.effects.iter().find(|effect| asks(effect));
    assert!(matches!(first, Some(Effect::SendCancel { .. })), "{first:?}");
    // Refused for our rate: certainly not processed, so the cancel waits and goes again.
    let kind = RejectKind::RateLimited { retry_after: SECOND };
    desk.report(VenueReport::CancelRejected { client_order_id: id("A1"), kind, ts_event: desk.at.utc });
    desk.pass(2 * SECOND);
    assert_eq!(desk.cancels("A1"), 2);
}

#[test]
fn scenario_21_a_storm_of_refusals_leaves_nothing_behind() {
    let mut desk = Desk::new();
    for number in 0..100 {
        let name = format!("A{number}");
        assert_eq!(desk.submit(request(&name, Side::Buy, 1)), Submitted::Taken);
        desk.ack();
        let rejected =
            VenueReport::Rejected { client_order_id: id(&name), kind: RejectKind::Refused, ts_event: desk.at.utc };
        desk.report(rejected);
        desk.report(rejected);
    }
    assert_eq!((desk.manager.open_orders(), desk.manager.reserved().len()), (0, 0));
    assert_eq!(desk.manager.risk_state(), RiskState::Active);
}

#[test]
fn scenario_23_the_same_inputs_give_the_same_log() {
    let story = || {
        let mut desk = Desk::new();
        for number in 0..50 {
            desk.working(request(&format!("A{number}"), Side::Buy, 3));
            desk.fill(&format!("A{number}"), &format!("T{number}"), 1);
        }
        desk.report(VenueReport::LinkDown);
        assert_eq!(desk.command(Command::Kill { flatten: true }), Ok(()));
        desk.pass(20 * SECOND);
        desk.report(VenueReport::LinkUp);
        desk.pass(20 * SECOND);
        let order = venue_order("A7", 3, 1, VenueStatus::Cancelled, desk.at.utc.0);
        desk.report(VenueReport::Status { query: 1, order });
        (desk.effects, desk.manager.state_hash())
    };
    let one = story();
    let others: Vec<_> = (0..4).map(|_| std::thread::spawn(story)).collect();
    for other in others {
        assert!(other.join().is_ok_and(|other| other == one));
    }
}
