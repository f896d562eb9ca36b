//! The world around one order manager: network, disk, clock, process, people, and a venue. All of it can fail.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use deepalpha_engine::execution::{
    Alert, Effect, LogEntry, ManagerConfig, Moment, OrderManager, Record, Snapshot, VenueOrder, VenuePosition,
    VenueReport, VenueStatus,
};
use deepalpha_engine::orders::{OrderRequest, OrderState};
use deepalpha_engine::types::{ClientOrderId, Price, Quantity, SourceId, StrategyId, Symbol, UtcNanos};

use crate::dice::Dice;
use crate::venue::{SECOND, Venue};

#[path = "exchange.rs"]
mod exchange;

const MILLI: i64 = SECOND / 1000;

#[derive(Clone, Debug)]
pub enum ToVenue {
    Submit(Box<OrderRequest>, UtcNanos),
    Cancel(ClientOrderId),
    Amend(ClientOrderId, Quantity, Option<Price>, UtcNanos),
    Query(u64, ClientOrderId),
    Snapshot(u64, UtcNanos),
}

#[derive(Clone, Debug)]
pub enum ToUs {
    Report(VenueReport<'static>),
    Snapshot(u64, Vec<VenueOrder>, Vec<deepalpha_engine::execution::FillReport>, Vec<VenuePosition>),
}

#[derive(Clone, Debug)]
pub enum Event {
    Venue(ToVenue),
    /// On this connection.
    Us(u64, ToUs),
    /// To this process.
    Ack(u64, u64),
    LogFailed(u64),
    Link(bool),
    Tick,
    Act,
    Match,
    Fault,
    Start,
}

/// How hostile this seed's world is, in times per thousand.
pub struct Hostility {
    pub drop: u64,
    pub double: u64,
    pub slow: u64,
    pub maybe: u64,
    pub kill: u64,
    pub foreign: u64,
    pub overfill: u64,
    pub adjust: u64,
    pub tells_filled: bool,
}

pub struct World {
    pub dice: Dice,
    pub now: i64,
    pub faults: bool,
    pub hostility: Hostility,
    pub venue: Venue,
    queue: BinaryHeap<Reverse<(i64, u64, u64)>>,
    events: BTreeMap<u64, Event>,
    next_event: u64,
    // The process.
    pub manager: Option<OrderManager>,
    pub process: u64,
    born: i64,
    skew: i64,
    pub config: ManagerConfig,
    // The disk.
    pub log: Vec<LogEntry>,
    acknowledged: usize,
    disk_fails_until: i64,
    emitted: Vec<LogEntry>,
    // The network.
    pub connection: u64,
    pub link_up: bool,
    venue_busy_until: i64,
    // What must hold.
    pub sent: BTreeSet<ClientOrderId>,
    pub sent_unlogged: BTreeSet<ClientOrderId>,
    pub intents: BTreeSet<ClientOrderId>,
    pub acted: u64,
    pub people: u64,
    pub calm_since: i64,
    pub effects: u64,
    /// Die before this effect is carried out.
    pub kill_at: Option<u64>,
    pub trace: Option<Vec<String>>,
}

impl World {
    pub fn new(seed: u64, traced: bool) -> Self {
        let mut dice = Dice::new(seed);
        let calm = dice.chance(100);
        let mut level = |most: u64| if calm { 0 } else { dice.below(most + 1) };
        let hostility = Hostility {
            drop: level(150),
            double: level(150),
            slow: level(200),
            maybe: level(100),
            kill: level(12),
            foreign: level(3) / 3 * 40,
            overfill: level(8) / 8 * 40,
            adjust: level(8) / 8 * 20,
            tells_filled: level(1) == 0,
        };
        let config = ManagerConfig {
            account: SourceId::parse("simulated").unwrap_or_default(),
            own_prefix: StrategyId::parse("SIM-").unwrap_or_default(),
            seed,
            reconcile_every: 10 * SECOND,
            ..ManagerConfig::default()
        };
        let mut world = Self {
            dice,
            now: 1_000 * SECOND,
            faults: true,
            hostility,
            venue: Venue::default(),
            queue: BinaryHeap::new(),
            events: BTreeMap::new(),
            next_event: 0,
            manager: None,
            process: 0,
            born: 0,
            skew: 0,
            config,
            log: Vec::new(),
            acknowledged: 0,
            disk_fails_until: 0,
            emitted: Vec::new(),
            connection: 0,
            link_up: false,
            venue_busy_until: 0,
            sent: BTreeSet::new(),
            sent_unlogged: BTreeSet::new(),
            intents: BTreeSet::new(),
            acted: 0,
            people: 0,
            calm_since: 0,
            effects: 0,
            kill_at: None,
            trace: traced.then(Vec::new),
        };
        world.at(0, Event::Start);
        world
    }

    pub fn note(&mut self, line: impl FnOnce() -> String) {
        let now = self.now;
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>10.4}s {}", now as f64 / SECOND as f64 - 1000.0, line()));
        }
    }

    /// Let something happen later.
    pub fn at(&mut self, delay: i64, event: Event) {
        self.next_event += 1;
        self.queue.push(Reverse((self.now + delay, self.next_event, 0)));
        self.events.insert(self.next_event, event);
    }

    pub fn next(&mut self) -> Option<Event> {
        let Reverse((when, number, _)) = self.queue.pop()?;
        self.now = self.now.max(when);
        self.events.remove(&number)
    }

    pub fn moment(&self) -> Moment {
        Moment { monotonic: self.now - self.born + 7, utc: UtcNanos(self.now + self.skew) }
    }

    fn hit(&mut self, per_mille: u64) -> bool {
        self.faults && self.dice.chance(per_mille)
    }

    fn delay(&mut self) -> i64 {
        let slow = self.hostility.slow;
        if self.hit(slow) { self.dice.between(0, 8 * SECOND) } else { self.dice.between(MILLI, 50 * MILLI) }
    }

    /// Put a message on a wire that drops, delays, doubles and so reorders.
    fn wire(&mut self, event: Event) {
        let (drop, double) = (self.hostility.drop, self.hostility.double);
        if self.hit(double) {
            let delay = self.delay();
            self.at(delay, event.clone());
        }
        if !self.hit(drop) {
            let delay = self.delay();
            self.at(delay, event);
        }
    }

    pub fn send_us(&mut self, report: ToUs) {
        if self.link_up {
            self.wire(Event::Us(self.connection, report));
        }
    }

    fn tell(&mut self, report: VenueReport<'static>) {
        self.send_us(ToUs::Report(report));
    }

    /// Give the manager something; carry out what it wants, or die in the middle.
    pub fn drive(&mut self, input: impl FnOnce(&mut OrderManager, Moment, &mut Vec<Effect>)) -> Result<(), String> {
        let at = self.moment();
        let mut effects = Vec::new();
        let Some(manager) = &mut self.manager else { return Ok(()) };
        input(manager, at, &mut effects);
        let unlogged: BTreeSet<ClientOrderId> = effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Alert(Alert::SentUnlogged(id)) => Some(*id),
                _ => None,
            })
            .collect();
        self.sent_unlogged.extend(unlogged);
        // What the manager has written, it has written, whether or not this process lives to see it on the disk.
        for effect in &effects {
            if let Effect::Log(entry) = effect
                && entry.seq == self.emitted.len() as u64 + 1
            {
                self.emitted.push(entry.clone());
            }
        }
        let kill = self.hostility.kill;
        for effect in effects {
            self.effects += 1;
            if self.hit(kill) || self.kill_at == Some(self.effects) {
                return self.kill();
            }
            self.carry_out(effect)?;
        }
        Ok(())
    }

    /// kill -9: what the log did not confirm may be gone, from the end.
    pub fn kill(&mut self) -> Result<(), String> {
        let Some(manager) = self.manager.take() else { return Ok(()) };
        if self.emitted.len() as u64 == manager.last_seq() {
            let again = OrderManager::replay(self.config, &self.emitted).map_err(|error| error.to_string())?;
            if again.state_hash() != manager.state_hash() {
                return Err("the replay of the log has another state than the process had".to_owned());
            }
        }
        let unsure = (self.log.len() - self.acknowledged) as u64;
        let kept = self.acknowledged + self.dice.below(unsure + 1) as usize;
        self.log.truncate(kept);
        self.acknowledged = kept;
        self.link_up = false;
        self.connection += 1;
        self.process += 1;
        self.note(|| format!("KILLED; {kept} records are left"));
        let pause = self.dice.between(0, 3 * SECOND);
        self.at(pause, Event::Start);
        Ok(())
    }

    pub fn start(&mut self) -> Result<(), String> {
        if self.manager.is_some() {
            return Ok(());
        }
        let manager = OrderManager::replay(self.config, &self.log).map_err(|error| error.to_string())?;
        self.emitted.clone_from(&self.log);
        self.intents = self
            .log
            .iter()
            .filter_map(|entry| match &entry.record {
                Record::Intent(request) => Some(request.client_order_id),
                _ => None,
            })
            .collect();
        self.born = self.now;
        self.manager = Some(manager);
        self.note(|| "started".to_owned());
        self.drive(|manager, at, effects| manager.start(at, effects))?;
        let delay = self.dice.between(MILLI, SECOND);
        self.at(delay, Event::Link(true));
        Ok(())
    }

    fn carry_out(&mut self, effect: Effect) -> Result<(), String> {
        if !matches!(effect, Effect::Log(_)) {
            self.note(|| format!("  -> {effect:?}"));
        }
        match effect {
            Effect::Log(entry) => self.write(entry)?,
            Effect::Send { request, sent_at } => {
                let id = request.client_order_id;
                if !self.sent.insert(id) {
                    return Err(format!("{id} was sent twice"));
                }
                let exempt = request.reduce_only && self.sent_unlogged.contains(&id);
                if !self.intents.contains(&id) && !exempt {
                    return Err(format!("{id} was sent and its intent is not in the log"));
                }
                self.wire(Event::Venue(ToVenue::Submit(Box::new(request), sent_at)));
            }
            Effect::SendCancel { client_order_id, .. } => {
                if client_order_id.starts_with("FRN-") {
                    return Err(format!("{client_order_id} is foreign and was cancelled"));
                }
                self.wire(Event::Venue(ToVenue::Cancel(client_order_id)));
            }
            Effect::SendAmend { client_order_id, quantity, price, sent_at, .. } => {
                self.wire(Event::Venue(ToVenue::Amend(client_order_id, quantity, price, sent_at)));
            }
            Effect::Query { query, client_order_id, .. } => {
                self.wire(Event::Venue(ToVenue::Query(query, client_order_id)));
            }
            Effect::RequestSnapshot { snapshot, fills_since } => {
                self.wire(Event::Venue(ToVenue::Snapshot(snapshot, fills_since)));
            }
            Effect::Flatten { .. } | Effect::RiskState(_) | Effect::Alert(_) => {}
        }
        Ok(())
    }

    fn write(&mut self, entry: LogEntry) -> Result<(), String> {
        self.note(|| format!("  log {} {:?}", entry.seq, entry.record));
        if let Record::Event(event) = &entry.record
            && event.after == OrderState::Rejected
            && let Some(there) = self.venue.now_of(&event.client_order_id)
            && there.status != VenueStatus::Rejected
        {
            return Err(format!("{} is called rejected and is {:?} at the venue", event.client_order_id, there.status));
        }
        let delay = if self.hit(100) { self.dice.between(0, 3 * SECOND) } else { self.dice.between(0, 5 * MILLI) };
        let next = self.log.len() as u64 + 1;
        if (self.faults && self.now < self.disk_fails_until) || entry.seq > next {
            self.at(delay, Event::LogFailed(self.process));
        } else {
            if entry.seq == next {
                self.log.push(entry);
            }
            self.at(delay, Event::Ack(self.process, self.log.len() as u64));
        }
        Ok(())
    }

    pub fn acknowledge(&mut self, seq: u64) {
        self.acknowledged = self.acknowledged.max(seq as usize);
        for entry in &self.log[..self.acknowledged] {
            if let Record::Intent(request) = &entry.record {
                self.intents.insert(request.client_order_id);
            }
        }
    }

    pub fn give(&mut self, report: &ToUs) -> Result<(), String> {
        self.note(|| format!("<- {report:?}"));
        self.drive(|manager, at, effects| match report {
            ToUs::Report(report) => manager.report(at, *report, effects),
            ToUs::Snapshot(snapshot, orders, fills, positions) => {
                let snapshot = Snapshot { snapshot: *snapshot, orders, fills, positions };
                manager.report(at, VenueReport::Snapshot(snapshot), effects);
            }
        })
    }

    pub fn symbol(&mut self) -> Symbol {
        let names = ["AAA", "BBB/USDT", "CCC"];
        Symbol::parse(names[self.dice.below(3) as usize]).unwrap_or_default()
    }

    /// The faults are over for so long that a full comparison has come and gone since.
    pub fn has_rested(&self) -> bool {
        self.now > self.calm_since + 25 * SECOND
    }
}
