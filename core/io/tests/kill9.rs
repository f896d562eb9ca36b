//! `kill -9` of a real process that trades: the order manager over the real log, a venue in another process.
//!
//! The parent is the venue and keeps its book in memory; the child is the trader. The child is killed at a random moment
//! and started again, over and over. What must hold at the end: no id was sent twice, every order of the venue has its
//! intent in the log, and the log's orders, fills and positions are the venue's.
//!
//! `DEEPALPHA_KILLS=n` sets the number of kills, `DEEPALPHA_SEED=k` the seed.
#![expect(clippy::panic, clippy::unwrap_used, reason = "tests may stop at a wrong shape")]

#[path = "kill9/trader.rs"]
mod trader;
#[path = "kill9/venue.rs"]
mod venue;
#[path = "kill9/wire.rs"]
mod wire;

use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use deepalpha_engine::execution::OrderManager;
use deepalpha_io::ops::{OpsLog, OrderJournal, Value};

use crate::venue::{Chance, Venue};

const FOLDER: &str = "DEEPALPHA_KILL9_FOLDER";
const LONGEST: Duration = Duration::from_secs(60);

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn spawn(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_trader", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Not a test of its own: what the child processes run.
#[test]
#[ignore = "run by the test below, as a process of its own"]
fn the_trader() {
    if let Ok(folder) = std::env::var(FOLDER) {
        trader::run(Path::new(&folder));
    }
}

#[test]
fn no_kill_loses_or_doubles_an_order() {
    let (kills, seed) = (number("DEEPALPHA_KILLS", 220), number("DEEPALPHA_SEED", u64::from(std::process::id())));
    println!("seed {seed}: replay with DEEPALPHA_SEED={seed} cargo test -p deepalpha-io --test kill9");
    let folder = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(folder.path().join("venue")).unwrap();
    listener.set_nonblocking(true).unwrap();
    let mut chance = Chance(seed);
    let mut venue = Venue::new(seed ^ 0x5eed);
    let mut busy = 0;
    for _ in 0..kills {
        let mut child = spawn(folder.path());
        let messages = chance.below(24) + 1;
        // After so many messages of the trader, at once or a little later, so that every step is hit.
        let seen = venue.serve(&listener, &mut child, Some(messages), Duration::from_micros(chance.below(1_500)));
        busy += usize::from(seen == messages);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(busy > usize::try_from(kills).unwrap() / 2, "most kills must hit a trader at work, {busy} did");
    venue.calm();
    let mut child = spawn(folder.path());
    let begun = Instant::now();
    venue.serve(&listener, &mut child, None, LONGEST);
    assert!(child.wait().unwrap().success(), "the last trader must settle and leave (seed {seed})");
    assert!(begun.elapsed() < LONGEST, "the last trader did not settle (seed {seed})");
    judge(folder.path(), &venue, seed);
}

fn judge(folder: &Path, venue: &Venue, seed: u64) {
    let log = OpsLog::open(&folder.join("ops.sqlite")).unwrap();
    let entries = OrderJournal::new("judge", trader::ACCOUNT, "paper").read(&log).unwrap();
    let manager = OrderManager::replay(trader::config(), &entries).unwrap();
    assert!(venue.twice.is_empty(), "sent twice: {:?} (seed {seed})", venue.twice);
    assert!(venue.orders.len() > 20, "only {} orders reached the venue", venue.orders.len());
    for (id, order) in &venue.orders {
        let ours = manager.order(id).unwrap_or_else(|| panic!("{id} has no intent in the log (seed {seed})"));
        assert_eq!(ours.state().filled(), order.filled, "filled quantity of {id} (seed {seed})");
        assert_eq!(ours.state().is_closed(), !order.open, "{id} is {} (seed {seed})", ours.state().as_str());
    }
    for ours in manager.orders() {
        let state = ours.state().as_str();
        assert_ne!(state, "unknown", "{} stays unknown (seed {seed})", ours.client_order_id());
        if !venue.orders.contains_key(&ours.client_order_id()) {
            assert_eq!(state, "rejected", "{} never reached the venue (seed {seed})", ours.client_order_id());
        }
    }
    assert_eq!(manager.fills(), venue.fills.len(), "number of fills (seed {seed})");
    for fill in &venue.fills {
        assert!(manager.has_fill(&fill.symbol, &fill.trade_id), "fill {} is lost (seed {seed})", fill.trade_id);
    }
    assert_eq!(manager.positions().map(|(_, _, quantity)| quantity.raw()).sum::<i64>(), venue.position());
    let columns = log.select("SELECT count(*), count(DISTINCT fill_id) FROM fill", &[]).unwrap();
    let booked = i64::try_from(venue.fills.len()).unwrap();
    assert_eq!(columns.values, vec![vec![Value::Integer(booked)], vec![Value::Integer(booked)]]);
    println!("{} orders, {} fills, {} log entries", venue.orders.len(), venue.fills.len(), entries.len());
    let again = OrderManager::replay(trader::config(), &entries).unwrap();
    assert_eq!(manager.state_hash(), again.state_hash());
}
