//! The log keeps what it acknowledged, refuses what it has, and is all or nothing.
#![expect(clippy::indexing_slicing, clippy::panic, reason = "tests may stop at a wrong shape")]

use deepalpha_io::ops::{Level, OpsError, OpsLog, Row, Value};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn command(id: &str, kind: &str, decision: Option<&str>) -> Row {
    let text = |value: &str| Value::Text(value.to_owned());
    let cells = [
        ("ts_init", Value::Integer(1)),
        ("command_id", text(id)),
        ("kind", text(kind)),
        ("decision_id", decision.map_or(Value::Null, text)),
        ("target", text("")),
        ("by", text("me")),
        ("at", Value::Integer(1)),
        ("body", text("{}")),
    ];
    Row { table: "command".into(), cells: cells.map(|(name, value)| (name.to_owned(), value)).into() }
}

fn count(log: &OpsLog) -> Result<i64, OpsError> {
    match log.select("SELECT count(*) FROM command", &[])?.values[0][0] {
        Value::Integer(count) => Ok(count),
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn keeps_rows_over_a_reopening_and_counts_up() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("ops.sqlite");
    let first = OpsLog::open(&path)?.append(&[command("a", "approve", Some("d1"))], Level::Durable)?;
    let mut log = OpsLog::open(&path)?;
    let second = log.append(&[command("b", "approve", Some("d2"))], Level::Journalled)?;
    assert!(second[0] > first[0]);
    assert_eq!(count(&log)?, 2);
    assert!(log.check()?.is_empty());
    Ok(())
}

#[test]
fn one_decision_is_approved_once_and_a_refused_batch_leaves_nothing() -> Outcome {
    let folder = tempfile::tempdir()?;
    let mut log = OpsLog::open(&folder.path().join("ops.sqlite"))?;
    log.append(&[command("a", "approve", Some("d1"))], Level::Journalled)?;
    let batch = [command("b", "reject", Some("d1")), command("c", "approve", Some("d1"))];
    assert!(matches!(log.append(&batch, Level::Journalled), Err(OpsError::Duplicate { .. })));
    assert_eq!(count(&log)?, 1);
    // Commands without a decision (kill, re-arm) may repeat under new ids.
    log.append(&[command("k1", "kill", None), command("k2", "kill", None)], Level::Journalled)?;
    assert_eq!(count(&log)?, 3);
    Ok(())
}

#[test]
fn queries_cannot_write() -> Outcome {
    let folder = tempfile::tempdir()?;
    let log = OpsLog::open(&folder.path().join("ops.sqlite"))?;
    assert!(log.select("DELETE FROM command", &[]).is_err());
    Ok(())
}

#[test]
fn names_a_damaged_file_a_missing_folder_and_an_unknown_table() -> Outcome {
    let folder = tempfile::tempdir()?;
    let damaged = folder.path().join("damaged.sqlite");
    std::fs::write(&damaged, b"this is no database, and long enough to be read as one".repeat(40))?;
    assert!(matches!(OpsLog::open(&damaged), Err(OpsError::Damaged { .. })));
    assert!(matches!(OpsLog::open(&folder.path().join("no/such/ops.sqlite")), Err(OpsError::File { .. })));
    let mut log = OpsLog::open(&folder.path().join("ops.sqlite"))?;
    for table in ["nothing", "x; DROP TABLE command"] {
        let row = Row { table: table.into(), cells: vec![("id".into(), Value::Integer(1))] };
        assert!(matches!(log.append(&[row], Level::Journalled), Err(OpsError::NoSuch { .. })));
    }
    Ok(())
}

#[test]
fn a_file_of_an_older_schema_gains_the_tables_it_lacks_and_keeps_its_rows() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("ops.sqlite");
    OpsLog::open(&path)?.append(&[command("a", "approve", Some("d1"))], Level::Durable)?;
    let older = rusqlite::Connection::open(&path)?;
    older
        .execute_batch("DROP TABLE llm_call; DROP TABLE outcome; DROP TABLE fuser_update; PRAGMA user_version = 2;")?;
    drop(older);
    let mut log = OpsLog::open(&path)?;
    assert_eq!(count(&log)?, 1);
    let text = |value: &str| Value::Text(value.to_owned());
    let mut cells: Vec<(String, Value)> = [
        "run_id",
        "account_id",
        "call_id",
        "phase",
        "status",
        "provider",
        "model",
        "purpose",
        "cycle",
        "request_sha",
        "schema_sha",
        "prompt_sha",
        "request",
        "response",
        "text",
        "reason",
        "cost_usd",
    ]
    .map(|name| (name.to_owned(), text("x")))
    .into();
    let numbers = [
        "ts_init",
        "seq",
        "input_tokens",
        "output_tokens",
        "cached_tokens",
        "cache_write_tokens",
        "cost_is_bound",
        "ts_sent",
        "ts_done",
    ];
    cells.extend(numbers.map(|name| (name.to_owned(), Value::Integer(1))));
    let row = Row { table: "llm_call".into(), cells };
    log.append(std::slice::from_ref(&row), Level::Journalled)?;
    assert!(matches!(log.append(&[row], Level::Journalled), Err(OpsError::Duplicate { .. })));
    Ok(())
}
