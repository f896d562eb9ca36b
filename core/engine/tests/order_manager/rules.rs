//! Rules of the manager that no scenario has a number for.

use deepalpha_engine::execution::{
    Alert, Command, Denied, DiscrepancyKind, Effect, LogEntry, OrderManager, Record, RejectKind, ReplayError,
    Resolution, Submitted, VenueReport, VenueStatus,
};
use deepalpha_engine::orders::OrderState;
use deepalpha_engine::types::{Price, Quantity, Side};

use crate::desk::{Desk, LOT, SECOND, config, fill_of, id, lots, request, symbol, venue_order, venue_position};

const NONE: Quantity = Quantity::ZERO;

#[test]
fn a_duplicate_id_at_the_venue_is_proof_of_arrival_and_no_refusal() {
    let mut desk = Desk::new();
    assert_eq!(desk.submit(request("A1", Side::Buy, 4)), Submitted::Taken);
    desk.ack();
    for kind in [RejectKind::DuplicateId, RejectKind::TooLate] {
        desk.report(VenueReport::Rejected { client_order_id: id("A1"), kind, ts_event: desk.at.utc });
        assert_eq!(desk.state("A1"), OrderState::Unknown { filled: NONE });
    }
    desk.accept("A1");
    assert_eq!(desk.state("A1"), OrderState::Accepted);
}

#[test]
fn a_fill_after_a_refusal_is_booked_and_the_account_only_reduces() {
    let mut desk = Desk::new();
    assert_eq!(desk.submit(request("A1", Side::Buy, 4)), Submitted::Taken);
    desk.ack();
    let kind = RejectKind::Refused;
    desk.report(VenueReport::Rejected { client_order_id: id("A1"), kind, ts_event: desk.at.utc });
    desk.fill("A1", "T1", 1);
    assert_eq!((desk.state("A1"), desk.position()), (OrderState::PartiallyFilled { filled: lots(1) }, 1));
    assert!(matches!(desk.submit(request("A2", Side::Buy, 1)), Submitted::Denied(Denied::Reducing)));
    assert_eq!(desk.manager.open_orders(), 1, "it lives");
    desk.assert_replays();
}

#[test]
fn an_order_the_venue_acknowledged_and_forgot_is_shown_and_not_called_rejected() {
    let mut desk = Desk::new();
    desk.working(request("A1", Side::Buy, 4));
    desk.pass(40 * SECOND);
    desk.answer(&[], &[], &[]);
    assert_eq!(desk.discrepancies().first().map(|shown| shown.kind.as_str()), Some("missing_at_venue"));
    let shown = desk.discrepancies()[0].id;
    assert_eq!(desk.command(Command::AcceptVenue(shown)), Err(Denied::StillAsked(id("A1"))));
    desk.pass(30 * SECOND);
    desk.not_found("A1");
    assert_eq!(desk.state("A1"), OrderState::Unknown { filled: NONE });
    let vanished = desk.discrepancies().into_iter().find(|shown| shown.kind.as_str() == "vanished");
    let vanished = vanished.map(|shown| shown.id).unwrap_or_default();
    assert!(matches!(desk.submit(request("A2", Side::Buy, 1)), Submitted::Denied(Denied::Held(_))));
    assert_eq!(desk.command(Command::AcceptVenue(vanished)), Ok(()));
    assert_eq!(desk.state("A1"), OrderState::Cancelled { filled: NONE });
    assert!(desk.discrepancies().is_empty(), "the other one is over by this");
    desk.assert_replays();
}

#[test]
fn an_operator_ends_an_unknown_order_and_only_an_unknown_one() {
    for (resolution, state, position) in [
        (Resolution::Absent, OrderState::Rejected, 0),
        (Resolution::Cancelled, OrderState::Cancelled { filled: NONE }, 0),
        (
            Resolution::Filled { quantity: lots(4), price: Price::from_raw(99 * LOT) },
            OrderState::Filled { filled: lots(4) },
            4,
        ),
    ] {
        let mut desk = Desk::new();
        assert_eq!(desk.submit(request("A1", Side::Buy, 4)), Submitted::Taken);
        desk.ack();
        let resolve = Command::Resolve { client_order_id: id("A1"), resolution };
        assert!(matches!(desk.command(resolve), Err(Denied::State(..))));
        desk.report(VenueReport::Maybe { client_order_id: id("A1") });
        assert_eq!(desk.command(resolve), Ok(()));
        assert_eq!((desk.state("A1"), desk.position()), (state, position));
        desk.assert_replays();
    }
}

#[test]
fn an_amendment_waits_for_the_log_and_never_asks_for_more() {
    let mut desk = Desk::new();
    desk.working(request("A1", Side::Buy, 6));
    let amend = |count| Command::Amend { client_order_id: id("A1"), quantity: Some(lots(count)), price: None };
    assert_eq!(desk.command(amend(7)), Err(Denied::AmendIncreases(id("A1"))));
    assert_eq!(desk.command(amend(3)), Ok(()));
    let sent = |desk: &Desk| desk.count(|effect| matches!(effect, Effect::SendAmend { .. }));
    assert_eq!(sent(&desk), 0);
    desk.ack();
    assert_eq!(sent(&desk), 1);
    assert_eq!(
        desk.manager.reserved_of(&symbol()).buys.raw(),
        600 * LOT,
        "the old terms are in force until the answer"
    );
    let price = Some(Price::from_raw(100 * LOT));
    desk.report(VenueReport::Amended { client_order_id: id("A1"), quantity: lots(3), price, ts_event: desk.at.utc });
    assert_eq!(desk.manager.reserved_of(&symbol()).buys.raw(), 300 * LOT);
    desk.fill("A1", "T1", 3);
    assert_eq!(desk.state("A1"), OrderState::Filled { filled: lots(3) });
    desk.assert_replays();
}

#[test]
fn a_missed_fill_is_found_by_the_sweep_and_booked_once() {
    let mut desk = Desk::new();
    desk.working(request("A1", Side::Buy, 6));
    desk.pass(40 * SECOND);
    let at = desk.at.utc.0;
    let (row, fill) = (venue_order("A1", 6, 2, VenueStatus::Working, at), fill_of("A1", "T1", Side::Buy, 2, at));
    desk.answer(&[row], &[fill], &[venue_position(2)]);
    desk.report(VenueReport::Fill(fill));
    assert_eq!((desk.position(), desk.manager.fills()), (2, 1));
    assert!(desk.discrepancies().is_empty());
    assert_eq!(desk.submit(request("A2", Side::Buy, 1)), Submitted::Taken);
}

#[test]
fn fills_that_the_venue_counts_and_never_lists_are_shown_and_made_up_only_by_a_person() {
    let mut desk = Desk::new();
    desk.working(request("A1", Side::Buy, 6));
    desk.report(VenueReport::Maybe { client_order_id: id("A1") });
    let order = venue_order("A1", 6, 6, VenueStatus::Filled, desk.at.utc.0);
    for _ in 0..8 {
        desk.pass(4 * SECOND);
        let query = desk.query("A1").unwrap_or_default();
        desk.report(VenueReport::Status { query, order });
        desk.answer(&[], &[], &[venue_position(6)]);
    }
    let shown =
        desk.discrepancies().into_iter().find(|shown| matches!(shown.kind, DiscrepancyKind::FillsMissing { .. }));
    let shown = shown.unwrap_or_else(|| panic!("{:?}", desk.discrepancies()));
    assert_eq!((desk.state("A1"), desk.position()), (OrderState::Unknown { filled: NONE }, 0));
    assert_eq!(desk.command(Command::AcceptVenue(shown.id)), Ok(()));
    assert_eq!((desk.state("A1"), desk.position()), (OrderState::Filled { filled: lots(6) }, 6));
    assert!(desk.command(Command::AcceptVenue(shown.id)).is_err(), "accepted once");
    desk.pass(8 * SECOND);
    desk.answer(&[], &[], &[venue_position(6)]);
    assert!(desk.discrepancies().is_empty(), "{:?}", desk.discrepancies());
    desk.assert_replays();
}

#[test]
fn a_zombie_of_ours_is_shown_and_cancelled() {
    let mut desk = Desk::new();
    assert_eq!(desk.submit(request("A1", Side::Buy, 6)), Submitted::Taken);
    desk.ack();
    desk.report(VenueReport::Maybe { client_order_id: id("A1") });
    let resolve = Command::Resolve { client_order_id: id("A1"), resolution: Resolution::Absent };
    assert_eq!(desk.command(resolve), Ok(()));
    desk.pass(40 * SECOND);
    let row = venue_order("A1", 6, 0, VenueStatus::Working, desk.at.utc.0);
    desk.answer(&[row], &[], &[]);
    assert_eq!((desk.cancels("A1"), desk.discrepancies().len()), (1, 1));
    desk.pass(40 * SECOND);
    desk.answer(&[], &[], &[]);
    assert!(desk.discrepancies().is_empty());
}

#[test]
fn a_lost_cancel_is_repeated_until_the_order_is_gone() {
    let mut desk = Desk::new();
    desk.working(request("A1", Side::Buy, 6));
    assert_eq!(desk.command(Command::Cancel(id("A1"))), Ok(()));
    desk.pass(6 * SECOND);
    assert_eq!(desk.state("A1"), OrderState::Unknown { filled: NONE });
    let order = venue_order("A1", 6, 0, VenueStatus::Working, desk.at.utc.0);
    let query = desk.query("A1").unwrap_or_default();
    desk.report(VenueReport::Status { query, order });
    assert_eq!((desk.cancels("A1"), desk.state("A1")), (2, OrderState::PendingCancel { filled: NONE }));
    desk.cancelled("A1");
    desk.pass(60 * SECOND);
    assert_eq!(desk.cancels("A1"), 2);
}

#[test]
fn a_log_that_does_not_hang_together_is_refused() {
    let mut desk = Desk::new();
    desk.working(request("A1", Side::Buy, 6));
    desk.fill("A1", "T1", 2);
    let replay = |log: &[LogEntry]| OrderManager::replay(config(), log).map(|_| ());
    assert_eq!(replay(&desk.log), Ok(()));
    let gap: Vec<LogEntry> = desk.log.iter().skip(1).cloned().collect();
    assert!(matches!(replay(&gap), Err(ReplayError::Number { .. })));
    let mut twice = desk.log.clone();
    let intent = twice.iter().find(|entry| matches!(entry.record, Record::Intent(_))).cloned();
    let mut fill = twice.iter().find(|entry| matches!(entry.record, Record::Fill(_))).cloned();
    if let Some(mut intent) = intent {
        intent.seq = twice.len() as u64 + 1;
        twice.push(intent);
    }
    assert!(matches!(replay(&twice), Err(ReplayError::Twice { .. })));
    let mut twice = desk.log.clone();
    if let Some(fill) = &mut fill {
        fill.seq = twice.len() as u64 + 1;
        twice.push(fill.clone());
    }
    assert!(matches!(replay(&twice), Err(ReplayError::Step { .. })));
}

#[test]
fn every_record_has_a_table_and_goes_through_a_file() {
    let mut desk = Desk::new();
    desk.working(request("A1", Side::Buy, 6));
    desk.fill("A1", "T1", 7);
    assert_eq!(desk.command(Command::Kill { flatten: false }), Ok(()));
    desk.report(VenueReport::Fill(fill_of("B1", "T9", Side::Buy, 1, 5)));
    let tables = ["order_intent", "order_event", "fill", "audit"];
    for entry in &desk.log {
        assert!(tables.contains(&entry.record.table()));
        let bytes = postcard::to_allocvec(entry).unwrap_or_default();
        assert_eq!(postcard::from_bytes::<LogEntry>(&bytes).as_ref(), Ok(entry));
    }
    let about: Vec<String> = desk.log.iter().map(|entry| entry.record.reference()).collect();
    assert!(about.iter().any(|reference| reference == "A1"));
}

#[test]
fn a_report_of_somebody_elses_order_is_shown_and_books_nothing() {
    let mut desk = Desk::new();
    desk.report(VenueReport::Fill(fill_of("B1", "T9", Side::Buy, 1, 5)));
    assert_eq!((desk.position(), desk.discrepancies().len()), (0, 1));
    assert_eq!(desk.alerts(|alert| matches!(alert, Alert::Discrepancy(_))), 1);
    assert!(matches!(desk.submit(request("A1", Side::Buy, 1)), Submitted::Denied(Denied::Held(_))));
    let shown = desk.discrepancies()[0].id;
    assert_eq!(desk.command(Command::AcceptVenue(shown)), Ok(()));
    assert_eq!((desk.position(), desk.discrepancies().len()), (1, 0));
    assert_eq!(desk.command(Command::Cancel(id("B1"))), Err(Denied::NoSuchOrder(id("B1"))));
    desk.assert_replays();
}

#[test]
fn a_new_log_on_an_old_account_asks_for_no_history_and_shows_the_position() {
    let mut desk = Desk::of(OrderManager::new(config()));
    desk.report(VenueReport::LinkUp);
    let since = desk.effects.iter().find_map(|effect| match effect {
        Effect::RequestSnapshot { fills_since, .. } => Some(*fills_since),
        _ => None,
    });
    assert!(since.is_some_and(|since| desk.at.utc.since(since) == config().fills_overlap), "{since:?}");
    desk.answer(&[], &[], &[venue_position(9)]);
    assert_eq!(desk.submit(request("A1", Side::Buy, 1)), Submitted::Denied(Denied::NotReconciled));
    desk.pass(4 * SECOND);
    desk.answer(&[], &[], &[venue_position(9)]);
    let shown = desk.discrepancies();
    assert_eq!(shown.len(), 1);
    let denied = desk.submit(request("A1", Side::Buy, 1));
    assert!(
        matches!(denied, Submitted::Denied(denied) if denied.code() == "HELD" && denied.to_string().starts_with("HELD"))
    );
    assert_eq!(desk.command(Command::AcceptVenue(shown[0].id)), Ok(()));
    assert_eq!((desk.position(), desk.submit(request("A1", Side::Buy, 1))), (9, Submitted::Taken));
}

#[test]
fn a_snapshot_does_not_judge_an_order_that_is_younger_than_the_venues_lag() {
    let mut desk = Desk::new();
    desk.pass(31 * SECOND);
    desk.working(request("A1", Side::Buy, 4));
    desk.answer(&[], &[], &[]);
    assert_eq!((desk.state("A1"), desk.discrepancies().len()), (OrderState::Accepted, 0));
}

#[test]
fn what_is_made_up_has_the_same_id_whatever_the_log_holds_beside_it() {
    let made = |others: usize| {
        let mut desk = Desk::new();
        for number in 0..others {
            desk.working(request(&format!("A9{number}"), Side::Sell, 1));
            desk.cancelled(&format!("A9{number}"));
        }
        for _ in 0..3 {
            desk.pass(40 * SECOND);
            desk.answer(&[], &[], &[venue_position(3)]);
        }
        let shown = desk.discrepancies()[0];
        assert_eq!(desk.command(Command::AcceptVenue(shown.id)), Ok(()));
        let made = desk.log.iter().rev().find_map(|entry| match &entry.record {
            Record::Fill(record) if record.synthetic => Some((record.fill.client_order_id, record.fill.trade_id)),
            _ => None,
        });
        (shown.id, made)
    };
    assert_eq!(made(0), made(3));
    assert!(made(0).1.is_some());
}
