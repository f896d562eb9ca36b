//! The fast path writes what the general one writes, all of a group or none, and keeps it.
#![expect(clippy::indexing_slicing, reason = "tests may stop at a wrong shape")]

use deepalpha_io::ops::{Amount, Fill, Intent, Level, OpsError, OpsLog, OrderEvent, Record, Row, Stamp, Value};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const STAMP: Stamp<'static> = Stamp { ts_init: 7, run_id: "r1", account_id: "paper" };

fn intent(id: &str) -> Record<'_> {
    Record::Intent(Intent {
        client_order_id: id,
        decision_id: "d1",
        mode: "paper",
        symbol: "BTC/USDT",
        side: "buy",
        order_type: "limit",
        quantity: Amount(50_000_000),
        price: Some(Amount(6_500_012_000_000)),
        reference_price: Amount(6_500_000_000_000),
        reduce_only: false,
        stop_loss: None,
        take_profit: Some(Amount(1)),
        protective: false,
        approved_by: "auto",
        ts_event: 5,
        body: "{}",
    })
}

fn event(id: &str, seq: u32) -> Record<'_> {
    Record::Event(OrderEvent {
        client_order_id: id,
        seq,
        event: "accept",
        state_before: "submitted",
        state: "accepted",
        ts_event: 6,
        reason: "",
    })
}

fn fill<'a>(fill_id: &'a str, id: &'a str) -> Record<'a> {
    Record::Fill(Fill {
        fill_id,
        client_order_id: id,
        decision_id: "d1",
        symbol: "BTC/USDT",
        side: "buy",
        quantity: Amount(50_000_000),
        price: Amount(6_500_000_000_000),
        fee: Amount(-3),
        realised_pnl: Amount(0),
        ts_event: 6,
        reason: "crossed",
    })
}

fn count(log: &OpsLog, table: &str) -> Result<Value, OpsError> {
    Ok(log.select(&format!("SELECT count(*) FROM {table}"), &[])?.values[0][0].clone())
}

#[test]
fn a_group_is_what_the_general_path_would_have_written() -> Outcome {
    let folder = tempfile::tempdir()?;
    let mut fast = OpsLog::open(&folder.path().join("fast.sqlite"))?;
    let mut slow = OpsLog::open(&folder.path().join("slow.sqlite"))?;
    let written = fast.append_group(&STAMP, [intent("a"), event("a", 1), fill("a-F1", "a")], Level::Journalled)?;
    assert_eq!(written, 3);
    let (text, null) = (|value: &str| Value::Text(value.to_owned()), Value::Null);
    let rows: [(&str, &[(&str, Value)]); 3] = [
        (
            "order_intent",
            &[
                ("client_order_id", text("a")),
                ("decision_id", text("d1")),
                ("mode", text("paper")),
                ("symbol", text("BTC/USDT")),
                ("side", text("buy")),
                ("type", text("limit")),
                ("quantity", text("0.5")),
                ("price", text("65000.12")),
                ("reference_price", text("65000")),
                ("reduce_only", Value::Integer(0)),
                ("stop_loss", null),
                ("take_profit", text("0.00000001")),
                ("protective", Value::Integer(0)),
                ("approved_by", text("auto")),
                ("ts_event", Value::Integer(5)),
                ("body", text("{}")),
            ],
        ),
        (
            "order_event",
            &[
                ("client_order_id", text("a")),
                ("seq", Value::Integer(1)),
                ("event", text("accept")),
                ("state_before", text("submitted")),
                ("state", text("accepted")),
                ("ts_event", Value::Integer(6)),
                ("reason", text("")),
            ],
        ),
        (
            "fill",
            &[
                ("fill_id", text("a-F1")),
                ("client_order_id", text("a")),
                ("decision_id", text("d1")),
                ("symbol", text("BTC/USDT")),
                ("side", text("buy")),
                ("quantity", text("0.5")),
                ("price", text("65000")),
                ("fee", text("-0.00000003")),
                ("realised_pnl", text("0")),
                ("ts_event", Value::Integer(6)),
                ("reason", text("crossed")),
            ],
        ),
    ];
    for (table, cells) in rows {
        let stamp = [("ts_init", Value::Integer(7)), ("run_id", text("r1")), ("account_id", text("paper"))];
        let cells = stamp.iter().chain(cells).map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        slow.append(&[Row { table: table.to_owned(), cells }], Level::Journalled)?;
        let all = format!("SELECT * FROM {table}");
        assert_eq!(fast.select(&all, &[])?, slow.select(&all, &[])?);
    }
    Ok(())
}

#[test]
fn a_group_with_a_known_key_leaves_nothing() -> Outcome {
    let folder = tempfile::tempdir()?;
    let mut log = OpsLog::open(&folder.path().join("ops.sqlite"))?;
    log.append_group(&STAMP, [intent("a"), event("a", 1)], Level::Durable)?;
    for (table, group) in [
        ("order_intent", [intent("b"), intent("a")]),
        ("order_event", [intent("b"), event("a", 1)]),
        ("fill", [fill("f", "a"), fill("f", "a")]),
    ] {
        let refused = log.append_group(&STAMP, group, Level::Journalled);
        assert!(matches!(&refused, Err(OpsError::Duplicate { table: found, .. }) if found == table), "{refused:?}");
    }
    assert_eq!(count(&log, "order_intent")?, Value::Integer(1));
    assert_eq!(count(&log, "fill")?, Value::Integer(0));
    log.append_group(&STAMP, [intent("b")], Level::Durable)?;
    drop(log);
    let again = OpsLog::open(&folder.path().join("ops.sqlite"))?;
    assert_eq!(count(&again, "order_intent")?, Value::Integer(2));
    assert!(again.check()?.is_empty());
    Ok(())
}

#[test]
fn ids_grow_in_the_order_of_the_records_across_both_paths() -> Outcome {
    let folder = tempfile::tempdir()?;
    let mut log = OpsLog::open(&folder.path().join("ops.sqlite"))?;
    let names: Vec<String> = (0..500).map(|number| format!("o{number:03}")).collect();
    for (chunk, level) in names.chunks(100).zip([Level::Durable, Level::Journalled].into_iter().cycle()) {
        log.append_group(&STAMP, chunk.iter().map(|name| intent(name)), level)?;
    }
    let found = log.select("SELECT client_order_id FROM order_intent ORDER BY id", &[])?;
    let expected: Vec<Value> = names.into_iter().map(Value::Text).collect();
    assert_eq!(found.values[0], expected);
    Ok(())
}
