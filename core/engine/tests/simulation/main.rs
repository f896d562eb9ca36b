//! The order manager in a hostile world, by seed: whatever is dropped, delayed, doubled, reordered, killed, full or
//! wrong, the ledger is the venue's journal once the faults stop.
//!
//! `DEEPALPHA_SEEDS=n` runs n seeds (10,000 otherwise); `DEEPALPHA_SEED=k` replays one and prints what happened.
#![expect(unreachable_pub, reason = "modules of one test")]
#![expect(
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "tests may stop at a wrong shape"
)]

mod dice;
mod gate;
mod people;
mod truth;
mod venue;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use deepalpha_engine::execution::VenueReport;
use venue::SECOND;
use world::{Event, World};

/// How long things break, and how long the world then has to come to rest.
const CHAOS: i64 = 30 * SECOND;
const REST: i64 = 600 * SECOND;

fn step(world: &mut World, event: Event) -> Result<(), String> {
    match event {
        Event::Venue(message) => world.at_venue(message),
        Event::Us(connection, report) => {
            if connection == world.connection && world.link_up {
                world.give(&report)?;
            }
        }
        Event::Ack(process, seq) => {
            if process == world.process {
                world.acknowledge(seq);
                world.drive(|manager, at, effects| manager.logged(at, seq, effects))?;
            }
        }
        Event::LogFailed(process) => {
            if process == world.process {
                world.note(|| "log failed".to_owned());
                world.drive(|manager, at, effects| manager.log_failed(at, effects))?;
            }
        }
        Event::Link(up) => {
            world.link_up = up && world.manager.is_some();
            world.note(|| format!("link {up}"));
            let report = if up { VenueReport::LinkUp } else { VenueReport::LinkDown };
            world.drive(|manager, at, effects| manager.report(at, report, effects))?;
        }
        Event::Tick => {
            world.drive(|manager, at, effects| manager.timer(at, effects))?;
            let pause = if world.faults { SECOND / 2 } else { SECOND };
            world.at(pause, Event::Tick);
        }
        Event::Act => people::act(world)?,
        Event::Match => people::market(world),
        Event::Fault => {
            if world.faults {
                world.fault()?;
                let pause = world.dice.between(SECOND, 8 * SECOND);
                world.at(pause, Event::Fault);
            }
        }
        Event::Start => world.start()?,
    }
    Ok(())
}

/// One world: chaos, then rest, then the truth.
fn run(world: &mut World) -> Result<(), String> {
    let end = world.now + CHAOS;
    for event in [Event::Tick, Event::Act, Event::Match] {
        world.at(SECOND / 10, event);
    }
    let first = world.dice.between(0, 6 * SECOND);
    world.at(first, Event::Fault);
    while world.now < end {
        let Some(event) = world.next() else { break };
        let tick = matches!(event, Event::Tick);
        step(world, event)?;
        if let (true, Some(manager)) = (tick, &world.manager) {
            truth::reserved(manager)?;
        }
    }
    world.note(|| "the faults stop".to_owned());
    world.faults = false;
    world.calm_since = world.now;
    if !world.link_up && world.manager.is_some() {
        world.at(SECOND, Event::Link(true));
    }
    let deadline = world.now + REST;
    while world.now < deadline {
        let Some(event) = world.next() else { break };
        let tick = matches!(event, Event::Tick);
        step(world, event)?;
        if tick && people::rest(world)? {
            return truth::check(world);
        }
    }
    Err(format!("never came to rest: {}", truth::unrest(world)))
}

fn outcome(seed: u64, traced: bool) -> (Result<(), String>, World) {
    let mut world = World::new(seed, traced);
    let result = catch_unwind(AssertUnwindSafe(|| run(&mut world))).unwrap_or_else(|_| Err("panic".to_owned()));
    (result, world)
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn the_ledger_is_the_venues_journal_once_the_faults_stop() {
    let one = number("DEEPALPHA_SEED");
    let seeds = one.map_or(0..number("DEEPALPHA_SEEDS").unwrap_or(10_000), |seed| seed..seed + 1);
    let (mut effects, mut orders, mut fills, mut kills) = (0, 0, 0, 0);
    for seed in seeds.clone() {
        let (result, world) = outcome(seed, one.is_some());
        if let Err(problem) = result {
            let (_, world) = outcome(seed, true);
            let trace = world.trace.unwrap_or_default();
            let last = if one.is_some() { 0 } else { trace.len().saturating_sub(60) };
            let told: Vec<String> = trace[last..].iter().map(|line| line.chars().take(400).collect()).collect();
            let told = told.join("\n");
            panic!(
                "seed {seed}: {problem}\n{told}\nreplay: DEEPALPHA_SEED={seed} cargo test -p deepalpha-engine --test simulation"
            );
        }
        if one.is_some() {
            println!("{}", world.trace.as_ref().map(|trace| trace.join("\n")).unwrap_or_default());
        }
        effects += world.effects;
        orders += world.sent.len();
        fills += world.venue.fills.len();
        kills += world.process;
    }
    println!("seeds {seeds:?}: {orders} orders sent, {fills} fills, {kills} kills, {effects} effects");
    assert!(
        seeds.end - seeds.start < 100 || (orders > 0 && fills > 0 && kills > 0),
        "a world in which nothing happens"
    );
}

#[test]
fn a_kill_at_every_effect_loses_and_doubles_nothing() {
    let worlds = (0..).map(|seed| (seed, World::new(seed, false))).filter(|(_, world)| world.hostility.kill == 0);
    for (seed, mut world) in worlds.take(10) {
        assert_eq!(run(&mut world), Ok(()), "seed {seed}");
        for at in 1..=world.effects {
            let mut killed = World::new(seed, false);
            killed.kill_at = Some(at);
            let result = run(&mut killed);
            assert_eq!(result, Ok(()), "seed {seed}, killed before effect {at}");
        }
    }
}

#[test]
fn one_seed_is_one_story() {
    for seed in 0..20 {
        let stories = [outcome(seed, true).1.trace, outcome(seed, true).1.trace];
        assert!(stories[0] == stories[1], "seed {seed} ran in two ways");
    }
}
