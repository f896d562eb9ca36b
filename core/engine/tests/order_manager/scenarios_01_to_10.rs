//! Scenarios 1 to 10: ids, fills, cancels, loss, restart.

use deepalpha_engine::execution::{
    Alert, Command, DiscrepancyKind, OrderManager, Record, RejectKind, Submitted, VenueReport, VenueStatus,
};
use deepalpha_engine::orders::OrderState;
use deepalpha_engine::types::{ClientOrderId, Quantity, Side};

use crate::desk::{Desk, LOT, SECOND, config, fill_of, id, lots, request, venue_order, venue_position};

const NONE: Quantity = Quantity::ZERO;

#[test]
fn scenario_01_one_client_id_is_one_order_also_across_a_restart() {
    let mut desk = Desk::new();
    desk.working(request("A1", Side::Buy, 5));
    assert_eq!(desk.submit(request("A1", Side::Buy, 5)), Submitted::Duplicate(OrderState::Accepted));
    desk.fill("A1", "T1", 5);
    let filled = OrderState::Filled { filled: lots(5) };
    assert_eq!(desk.submit(request("A1", Side::Buy, 5)), Submitted::Duplicate(filled));
    let mut again = desk.restarted(desk.log.len());
    assert_eq!(again.submit(request("A1", Side::Buy, 5)), Submitted::Duplicate(filled));
    again.connect(&[], &[], &[venue_position(5)]);
    assert_eq!(again.submit(request("A1", Side::Sell, 1)), Submitted::Duplicate(filled));
    assert_eq!((desk.sends("A1"), again.sends("A1")), (1, 0));
}

#[test]
fn scenario_02_a_new_id_of_one_intent_is_two_orders_here_so_the_gate_refuses_it() {
    // The window of intents is the gate's rule; the manager keeps ids apart and counts both against the symbol.
    let mut desk = Desk::new();
    desk.working(request("A1", Side::Buy, 5));
    desk.working(request("A2", Side::Buy, 5));
    assert_eq!(desk.manager.reserved_of(&crate::desk::symbol()).buys.raw(), 1_000 * LOT);
}

#[test]
fn scenario_03_a_fill_before_the_acknowledgement_is_booked_and_the_late_acknowledgement_changes_nothing() {
    let mut desk = Desk::new();
    assert_eq!(desk.submit(request("A1", Side::Buy, 5)), Submitted::Taken);
    desk.ack();
    desk.fill("A1", "T1", 2);
    let partly = OrderState::PartiallyFilled { filled: lots(2) };
    assert_eq!(desk.state("A1"), partly);
    desk.accept("A1");
    assert_eq!(desk.state("A1"), partly);
    let last = desk.log.last().map(|entry| entry.record.kind());
    assert_eq!(last, Some("event"), "the late acknowledgement is logged");
    desk.fill("A1", "T2", 3);
    desk.accept("A1");
    assert_eq!(desk.state("A1"), OrderState::Filled { filled: lots(5) });
    desk.assert_replays();
}

#[test]
fn scenario_04_fills_in_any_order_and_number_give_one_result() {
    let orders = [["T1", "T2", "T3"], ["T3", "T1", "T2"], ["T2", "T3", "T1"], ["T3", "T2", "T1"]];
    let results = orders.map(|order| {
        let mut desk = Desk::new();
        desk.working(request("A1", Side::Buy, 6));
        for trade in order {
            let count = i64::from(trade.as_bytes()[1] - b'0');
            desk.fill("A1", trade, count);
            desk.fill("A1", trade, count);
        }
        desk.assert_replays();
        assert_eq!((desk.manager.fills(), desk.manager.counts().duplicate_fills), (3, 3));
        (desk.state("A1"), desk.position())
    });
    assert!(results.iter().all(|result| *result == (OrderState::Filled { filled: lots(6) }, 6)));
}

#[test]
fn scenario_04_a_trade_id_is_marked_only_once_its_fill_is_applied() {
    let mut desk = Desk::new();
    desk.working(request("A1", Side::Buy, 6));
    let mut broken = fill_of("A1", "T1", Side::Buy, 2, 1);
    broken.quantity = NONE;
    desk.report(VenueReport::Fill(broken));
    assert_eq!((desk.position(), desk.alerts(|alert| matches!(alert, Alert::Malformed(_)))), (0, 1));
    desk.fill("A1", "T1", 2);
    assert_eq!(desk.position(), 2, "the same trade, whole this time");
}

#[test]
fn scenario_05_a_fill_that_crosses_the_cancel_is_counted_and_one_after_it_is_booked_with_an_alert() {
    let mut desk = Desk::new();
    desk.working(request("A1", Side::Buy, 6));
    desk.fill("A1", "T1", 1);
    assert_eq!(desk.command(Command::Cancel(id("A1"))), Ok(()));
    desk.fill("A1", "T2", 2);
    assert_eq!(desk.state("A1"), OrderState::PendingCancel { filled: lots(3) });
    desk.cancelled("A1");
    assert_eq!(desk.state("A1"), OrderState::Cancelled { filled: lots(3) });
    desk.fill("A1", "T3", 1);
    assert_eq!((desk.state("A1"), desk.position()), (OrderState::Cancelled { filled: lots(4) }, 4));
    assert_eq!(desk.alerts(|alert| matches!(alert, Alert::LateFill(..))), 1);
    desk.assert_replays();
}

#[test]
fn scenario_05_a_cancel_that_counts_more_than_is_booked_waits_for_the_fills() {
    let mut desk = Desk::new();
    desk.working(request("A1", Side::Buy, 6));
    assert_eq!(desk.command(Command::Cancel(id("A1"))), Ok(()));
    desk.report(VenueReport::Cancelled { client_order_id: id("A1"), filled: Some(lots(2)), ts_event: desk.at.utc });
    assert_eq!(desk.state("A1"), OrderState::Unknown { filled: NONE });
    desk.fill("A1", "T1", 2);
    let (query, at) = (desk.query("A1").unwrap_or_default(), desk.at.utc.0);
    let order = venue_order("A1", 6, 2, VenueStatus::Cancelled, at);
    desk.report(VenueReport::Status { query, order });
    assert_eq!(desk.state("A1"), OrderState::Cancelled { filled: lots(2) });
}

#[test]
fn scenario_06_a_cancel_refused_because_it_filled_ends_filled_and_its_sibling_is_cancelled_once() {
    let mut desk = Desk::new();
    let group = id("G1");
    for name in ["A1", "A2"] {
        let mut one = request(name, Side::Buy, 4);
        one.oco_group = group;
        desk.working(one);
    }
    assert_eq!(desk.command(Command::Cancel(id("A1"))), Ok(()));
    let refused =
        VenueReport::CancelRejected { client_order_id: id("A1"), kind: RejectKind::Refused, ts_event: desk.at.utc };
    desk.report(refused);
    desk.fill("A1", "T1", 2);
    desk.fill("A1", "T2", 2);
    desk.report(refused);
    assert_eq!(desk.state("A1"), OrderState::Filled { filled: lots(4) });
    assert_eq!((desk.cancels("A1"), desk.cancels("A2")), (1, 1));
    desk.cancelled("A2");
    assert_eq!(desk.state("A2"), OrderState::Cancelled { filled: NONE });
}

#[test]
fn scenario_07_an_overfill_is_booked_flagged_and_only_reducing_orders_pass_until_a_person_looks() {
    let mut desk = Desk::new();
    desk.working(request("A1", Side::Buy, 4));
    desk.fill("A1", "T1", 7);
    assert_eq!((desk.state("A1"), desk.position()), (OrderState::Filled { filled: lots(7) }, 7));
    assert_eq!(desk.alerts(|alert| *alert == Alert::Overfill(id("A1"), lots(3))), 1);
    assert!(
        matches!(desk.submit(request("A2", Side::Buy, 1)), Submitted::Denied(denied) if denied.to_string().starts_with("REDUCING"))
    );
    let mut exit = request("A3", Side::Sell, 3);
    exit.reduce_only = true;
    assert_eq!(desk.submit(exit), Submitted::Taken);
    desk.ack();
    let mut again = desk.restarted(desk.log.len());
    again.connect(&[], &[], &[venue_position(7)]);
    assert!(matches!(again.submit(request("A4", Side::Buy, 1)), Submitted::Denied(_)), "latched through a restart");
    assert_eq!(again.command(Command::Rearm), Ok(()));
    desk.assert_replays();
}

#[test]
fn scenario_08_an_order_without_an_answer_is_unknown_reserved_asked_for_and_never_sent_again() {
    let mut desk = Desk::new();
    assert_eq!(desk.submit(request("A1", Side::Buy, 4)), Submitted::Taken);
    desk.ack();
    desk.pass(5 * SECOND);
    assert_eq!(desk.state("A1"), OrderState::Unknown { filled: NONE });
    assert_eq!(desk.manager.reserved_of(&crate::desk::symbol()).buys.raw(), 400 * LOT);
    let denied = desk.submit(request("A2", Side::Buy, 1));
    assert!(matches!(denied, Submitted::Denied(denied) if denied.to_string().starts_with("UNKNOWN_ORDER")));
    desk.not_found("A1");
    assert_eq!(desk.state("A1"), OrderState::Unknown { filled: NONE }, "not found is no proof yet");
    let early = desk.query("A1").unwrap_or_default();
    desk.pass(30 * SECOND);
    desk.report(VenueReport::NotFound { query: early, client_order_id: id("A1") });
    assert_eq!(desk.state("A1"), OrderState::Unknown { filled: NONE }, "an old answer is no proof later");
    desk.not_found("A1");
    assert_eq!(desk.state("A1"), OrderState::Rejected);
    assert_eq!(desk.manager.reserved_of(&crate::desk::symbol()).buys.raw(), 0);
    assert_eq!(desk.sends("A1"), 1);
    let queries = desk.manager.counts().queries;
    assert!((4..=12).contains(&queries), "{queries} queries in 35 s");
    desk.assert_replays();
}

#[test]
fn scenario_08_an_order_that_a_broken_link_hid_is_found_by_its_id() {
    let mut desk = Desk::new();
    assert_eq!(desk.submit(request("A1", Side::Buy, 4)), Submitted::Taken);
    desk.ack();
    desk.report(VenueReport::LinkDown);
    assert_eq!(desk.state("A1"), OrderState::Unknown { filled: NONE });
    let denied = desk.submit(request("A2", Side::Buy, 1));
    assert!(matches!(denied, Submitted::Denied(denied) if denied.to_string().starts_with("LINK_DOWN")));
    desk.report(VenueReport::LinkUp);
    let (query, at) = (desk.query("A1").unwrap_or_default(), desk.at.utc.0);
    desk.report(VenueReport::Status { query, order: venue_order("A1", 4, 0, VenueStatus::Working, at) });
    assert_eq!((desk.state("A1"), desk.sends("A1")), (OrderState::Accepted, 1));
}

#[test]
fn scenario_09_whatever_the_log_kept_the_restart_loses_and_doubles_nothing() {
    let mut desk = Desk::new();
    desk.working(request("A1", Side::Buy, 4));
    desk.fill("A1", "T1", 1);
    assert_eq!(desk.command(Command::Cancel(id("A1"))), Ok(()));
    desk.fill("A1", "T2", 1);
    desk.cancelled("A1");
    desk.working(request("A2", Side::Buy, 3));
    let at = desk.at.utc.0;
    let fills = [fill_of("A1", "T1", Side::Buy, 1, at), fill_of("A1", "T2", Side::Buy, 1, at)];
    for kept in 0..=desk.log.len() {
        let mut again = desk.restarted(kept);
        let working = [venue_order("A2", 3, 0, VenueStatus::Working, at)];
        again.connect(&working, &fills, &[venue_position(2)]);
        for name in ["A1", "A2"] {
            let Some(order) = again.manager.order(&id(name)) else { continue };
            let after = order.state();
            assert!(!matches!(after, OrderState::Rejected), "{name} after {kept} records");
            let Some(query) = again.query(name) else { continue };
            let (filled, status) = if name == "A1" { (2, VenueStatus::Cancelled) } else { (0, VenueStatus::Working) };
            let count = if name == "A1" { 4 } else { 3 };
            again.report(VenueReport::Status { query, order: venue_order(name, count, filled, status, at) });
        }
        for discrepancy in again.discrepancies() {
            // What the log lost is shown, not repaired.
            let lost = matches!(discrepancy.kind, DiscrepancyKind::UnknownFill(_) | DiscrepancyKind::UnknownOrder(_));
            assert!(lost, "{discrepancy:?} after {kept} records");
        }
        let known = again.manager.order(&id("A1")).is_some();
        assert_eq!(again.position(), if known { 2 } else { 0 }, "after {kept} records");
        assert_eq!(again.sends("A1") + again.sends("A2"), 0, "after {kept} records");
        again.assert_replays();
    }
}

#[test]
fn scenario_10_a_restart_adopts_what_changed_meanwhile_and_a_second_one_adds_nothing() {
    let mut desk = Desk::new();
    for name in ["A1", "A2", "A3"] {
        desk.working(request(name, Side::Buy, 4));
    }
    desk.pass(10 * SECOND);
    let at = desk.at.utc.0;
    // Meanwhile A1 traded, A2 was cancelled by hand, B1 was placed by hand, and three lots were transferred in.
    let mut again = desk.restarted(desk.log.len());
    let rows =
        [venue_order("A3", 4, 0, VenueStatus::Working, at - 10), venue_order("B1", 2, 0, VenueStatus::Working, at)];
    let fills = [fill_of("A1", "T1", Side::Buy, 4, at)];
    let positions = [venue_position(7)];
    again.connect(&rows, &fills, &positions);
    for _ in 0..4 {
        again.pass(4 * SECOND);
        again.answer(&rows, &fills, &positions);
        if let Some(query) = again.query("A2") {
            let order = venue_order("A2", 4, 0, VenueStatus::Cancelled, at);
            again.report(VenueReport::Status { query, order });
        }
    }
    assert_eq!(again.state("A1"), OrderState::Filled { filled: lots(4) });
    assert_eq!(again.state("A2"), OrderState::Cancelled { filled: NONE });
    let kinds: Vec<&str> = again.discrepancies().iter().map(|shown| shown.kind.as_str()).collect();
    assert!(kinds.contains(&"unknown_order") && kinds.contains(&"position_differs"), "{kinds:?}");
    assert_eq!((again.position(), again.cancels("B1")), (4, 0), "shown, not repaired");
    assert!(matches!(again.submit(request("A4", Side::Buy, 1)), Submitted::Denied(_)));
    for discrepancy in again.discrepancies() {
        assert_eq!(again.command(Command::AcceptVenue(discrepancy.id)), Ok(()));
    }
    let query = again.query("B1").unwrap_or_default();
    again.report(VenueReport::Status { query, order: rows[1] });
    again.answer(&rows, &fills, &positions);
    assert_eq!((again.position(), again.discrepancies().len()), (7, 0));
    let made: Vec<ClientOrderId> = again
        .log
        .iter()
        .filter_map(|entry| match &entry.record {
            Record::Fill(record) if record.synthetic => Some(record.fill.client_order_id),
            _ => None,
        })
        .collect();
    assert_eq!(made.len(), 1);
    assert_eq!(again.command(Command::CancelAll { symbol: crate::desk::symbol() }), Ok(()));
    assert_eq!((again.cancels("A3"), again.cancels("B1")), (1, 0), "foreign orders are not ours to cancel");
    again.cancelled("A3");
    again.answer_all(&[rows[1]], &fills, &positions);
    let records = again.log.len();
    for _ in 0..2 {
        let mut third = again.restarted(records);
        third.connect(&[rows[1]], &fills, &positions);
        third.pass(60 * SECOND);
        assert_eq!(third.log.len(), records, "a second restart adds no event: {:?}", third.log.last());
    }
    let replayed = OrderManager::replay(config(), &again.log).map(|manager| manager.state_hash());
    assert_eq!(replayed, Ok(again.manager.state_hash()));
}
