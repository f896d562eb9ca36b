//! Rows a second of the typed journal path, beside a bare `fdatasync` probe on the same disk in the same run.
//!
//! `cargo bench -p deepalpha-io --bench journal [-- DIRECTORY]`. An order here is an intent, two events and a fill.

use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use deepalpha_io::ops::{Amount, Fill, Intent, Level, OpsLog, OrderEvent, Record, Stamp};

const STAMP: Stamp<'static> = Stamp { ts_init: 1, run_id: "bench", account_id: "paper" };

fn records<'a>(id: &'a str, fill_id: &'a str) -> [Record<'a>; 4] {
    let event = |seq, event, state_before, state| {
        Record::Event(OrderEvent { client_order_id: id, seq, event, state_before, state, ts_event: 1, reason: "" })
    };
    let intent = Intent {
        client_order_id: id,
        decision_id: id,
        mode: "paper",
        symbol: "BTC/USDT",
        side: "buy",
        order_type: "limit",
        quantity: Amount(50_000_000),
        price: Some(Amount(6_500_000_000_000)),
        reference_price: Amount(6_500_000_000_000),
        reduce_only: false,
        stop_loss: None,
        take_profit: None,
        protective: false,
        approved_by: "auto",
        ts_event: 1,
        body: "{}",
    };
    let fill = Fill {
        fill_id,
        client_order_id: id,
        decision_id: id,
        symbol: "BTC/USDT",
        side: "buy",
        quantity: Amount(50_000_000),
        price: Amount(6_500_000_000_000),
        fee: Amount(3_250_000_000),
        realised_pnl: Amount(0),
        ts_event: 1,
        reason: "",
    };
    [
        Record::Intent(intent),
        event(1, "submit", "initialized", "submitted"),
        event(2, "fill", "submitted", "filled"),
        Record::Fill(fill),
    ]
}

fn percentiles(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 1000).copied().unwrap_or_default();
    format!("p50 {:?} p99 {:?} p99.9 {:?}", at(500), at(990), at(999))
}

fn probe(folder: &Path) -> Result<(), Box<dyn Error>> {
    let mut file = File::create(folder.join("probe"))?;
    let mut times = Vec::new();
    for _ in 0..300 {
        let begin = Instant::now();
        file.write_all(&[0; 64])?;
        file.sync_data()?;
        times.push(begin.elapsed());
    }
    println!("bare write of 64 bytes + fdatasync: {}", percentiles(times));
    Ok(())
}

fn run(folder: &Path, level: Level, group: usize, orders: usize) -> Result<(), Box<dyn Error>> {
    let mut log = OpsLog::open(&folder.join(format!("{level:?}-{group}.sqlite")))?;
    let names: Vec<(String, String)> =
        (0..orders).map(|number| (format!("PRA-1-{number:08}"), format!("PRA-1-{number:08}-F1"))).collect();
    let mut times = Vec::new();
    let begin = Instant::now();
    for chunk in names.chunks(group) {
        let begin = Instant::now();
        log.append_group(&STAMP, chunk.iter().flat_map(|(id, fill)| records(id, fill)), level)?;
        times.push(begin.elapsed());
    }
    let seconds = begin.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = orders as f64 / seconds;
    println!(
        "{level:?}, {group} orders a group: {rate:.0} orders/s ({:.0} rows/s); a group {}",
        rate * 4.0,
        percentiles(times)
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let given = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let folder = match given {
        Some(path) => tempfile::tempdir_in(path)?,
        None => tempfile::tempdir()?,
    };
    probe(folder.path())?;
    for (level, group, orders) in [
        (Level::Journalled, 1, 20_000),
        (Level::Journalled, 1_000, 200_000),
        (Level::Durable, 1, 1_000),
        (Level::Durable, 100, 50_000),
        (Level::Durable, 1_000, 200_000),
        (Level::Durable, 10_000, 500_000),
    ] {
        run(folder.path(), level, group, orders)?;
    }
    Ok(())
}
