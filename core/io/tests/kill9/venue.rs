//! A venue in memory that loses some messages, fills in pieces and repeats itself.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Child;
use std::time::{Duration, Instant, SystemTime};

use deepalpha_engine::types::{ClientOrderId, Side, Symbol, TradeId};

use crate::wire::{Lines, SYMBOL, parse, side};

/// Deterministic chance (splitmix64).
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }
}

/// An order at the venue.
pub(crate) struct Resting {
    pub(crate) side: Side,
    pub(crate) quantity: i64,
    pub(crate) filled: deepalpha_engine::types::Quantity,
    pub(crate) open: bool,
    status: &'static str,
    updated: i64,
}

/// A trade.
pub(crate) struct Traded {
    pub(crate) symbol: Symbol,
    pub(crate) trade_id: TradeId,
    line: String,
    at: i64,
    signed: i64,
}

pub(crate) struct Venue {
    pub(crate) orders: BTreeMap<ClientOrderId, Resting>,
    pub(crate) fills: Vec<Traded>,
    /// Ids that arrived a second time.
    pub(crate) twice: Vec<ClientOrderId>,
    chance: Chance,
    is_calm: bool,
    link: Option<(UnixStream, Lines)>,
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

impl Venue {
    pub(crate) fn new(seed: u64) -> Self {
        let (orders, fills, twice) = (BTreeMap::new(), Vec::new(), Vec::new());
        Self { orders, fills, twice, chance: Chance(seed), is_calm: false, link: None }
    }

    /// No message is lost from here on, and what rests is filled.
    pub(crate) fn calm(&mut self) {
        self.is_calm = true;
    }

    pub(crate) fn position(&self) -> i64 {
        self.fills.iter().map(|fill| fill.signed).sum()
    }

    /// Answer the trader until `messages` of it came and `linger` is over, or it ends; returns how many came.
    pub(crate) fn serve(
        &mut self,
        listener: &UnixListener,
        child: &mut Child,
        messages: Option<u64>,
        linger: Duration,
    ) -> u64 {
        // What the last trader had sent before it was killed still arrives.
        self.read();
        self.link = None;
        let (mut seen, begun) = (0, Instant::now());
        let mut until = messages.is_none().then(|| begun + linger);
        loop {
            if let Ok((stream, _)) = listener.accept() {
                stream.set_nonblocking(true).unwrap();
                self.link = Some((stream, Lines::default()));
                if self.is_calm {
                    self.say("calm");
                }
            }
            seen += self.read();
            self.trade();
            if until.is_none() && messages.is_some_and(|messages| seen >= messages) {
                until = Some(Instant::now() + linger);
            }
            let ended = child.try_wait().unwrap().is_some();
            if ended || until.is_some_and(|until| Instant::now() >= until) {
                return messages.map_or(seen, |messages| seen.min(messages));
            }
            assert!(begun.elapsed() < Duration::from_secs(90), "the trader is silent");
            std::thread::yield_now();
        }
    }

    fn say(&mut self, line: &str) {
        if let Some((stream, _)) = &mut self.link {
            let mut bytes = format!("{line}\n").into_bytes();
            while !bytes.is_empty() {
                match stream.write(&bytes) {
                    Ok(written) => bytes = bytes.split_off(written),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
                    // The trader is gone; a venue does not mind.
                    Err(_) => return,
                }
            }
        }
    }

    fn read(&mut self) -> u64 {
        let Some((stream, lines)) = &mut self.link else { return 0 };
        let (mut found, mut buffer) = (Vec::new(), [0_u8; 4096]);
        loop {
            match stream.read(&mut buffer) {
                Ok(0) | Err(_) => break,
                Ok(read) => found.extend(lines.feed(buffer.get(..read).unwrap_or_default())),
            }
        }
        let count = found.len();
        for line in found {
            self.take(&line);
        }
        u64::try_from(count).unwrap_or_default()
    }

    fn take(&mut self, line: &str) {
        let mut words = line.split(' ');
        match words.next() {
            Some("send") => {
                let id = ClientOrderId::parse(words.next().unwrap_or_default()).unwrap();
                let (bought, quantity) = (side(words.next().unwrap_or_default()), parse(words.next()));
                if self.orders.contains_key(&id) {
                    self.twice.push(id);
                    return;
                }
                if !self.is_calm && self.chance.one_in(12) {
                    return;
                }
                let filled = deepalpha_engine::types::Quantity::ZERO;
                let order = Resting { side: bought, quantity, filled, open: true, status: "working", updated: now() };
                self.orders.insert(id, order);
                if self.is_calm || !self.chance.one_in(8) {
                    self.say(&format!("accepted {id} {}", now()));
                }
            }
            Some("cancel") => {
                let id = ClientOrderId::parse(words.next().unwrap_or_default()).unwrap();
                let answer = match self.orders.get_mut(&id) {
                    Some(order) if order.open => {
                        (order.open, order.status, order.updated) = (false, "cancelled", now());
                        format!("cancelled {id} {} {}", order.filled.raw(), order.updated)
                    }
                    _ => format!("cancel_rejected {id} {}", now()),
                };
                if self.is_calm || !self.chance.one_in(8) {
                    self.say(&answer);
                }
            }
            Some("query") => {
                let number = words.next().unwrap_or_default().to_owned();
                let id = ClientOrderId::parse(words.next().unwrap_or_default()).unwrap();
                let answer = match self.orders.get(&id) {
                    Some(order) => format!("status {number} {}", shown(&id, order)),
                    None => format!("not_found {number} {id}"),
                };
                self.say(&answer);
            }
            Some("snapshot") => {
                let number = words.next().unwrap_or_default().to_owned();
                let since: i64 = parse(words.next());
                let open = self.orders.iter().filter(|(_, order)| order.open);
                let orders: Vec<String> = open.map(|(id, order)| format!("order {}", shown(id, order))).collect();
                let fills = self.fills.iter().filter(|fill| fill.at >= since);
                let fills: Vec<String> = fills.map(|fill| format!("traded {}", fill.line)).collect();
                let position = self.position();
                for line in orders.iter().chain(&fills) {
                    self.say(line);
                }
                self.say(&format!("snapshot {number} {position}"));
            }
            other => panic!("the trader said {other:?}"),
        }
    }

    /// Fill something that rests, now and then; say it twice, late or not at all.
    fn trade(&mut self) {
        if self.link.is_none() || !self.chance.one_in(if self.is_calm { 5 } else { 40 }) {
            return;
        }
        let open: Vec<ClientOrderId> = self.orders.iter().filter(|(_, order)| order.open).map(|(id, _)| *id).collect();
        let Some(id) = open.get(usize::try_from(self.chance.below(open.len().max(1) as u64)).unwrap()).copied() else {
            return;
        };
        let at = now();
        let Some(order) = self.orders.get_mut(&id) else { return };
        let left = order.quantity - order.filled.raw();
        let quantity = 1 + i64::try_from(self.chance.below(u64::try_from(left).unwrap_or(1))).unwrap_or_default();
        order.filled = deepalpha_engine::types::Quantity::from_raw(order.filled.raw() + quantity);
        order.updated = at;
        if order.filled.raw() == order.quantity {
            (order.open, order.status) = (false, "filled");
        }
        let (number, price) = (self.fills.len() + 1, 9_900_000_000 + self.chance.below(200_000_000));
        let line = format!("{id} T{number} {} {quantity} {price} {at}", order.side.as_str());
        let signed = if order.side == Side::Buy { quantity } else { -quantity };
        let (symbol, trade_id) = (Symbol::parse(SYMBOL).unwrap(), TradeId::parse(&format!("T{number}")).unwrap());
        self.fills.push(Traded { symbol, trade_id, line: line.clone(), at, signed });
        if self.is_calm || !self.chance.one_in(6) {
            self.say(&format!("fill {line}"));
        }
        if self.chance.one_in(6) {
            self.say(&format!("fill {line}"));
        }
    }
}

fn shown(id: &ClientOrderId, order: &Resting) -> String {
    let (side, status) = (order.side.as_str(), order.status);
    format!("{id} {side} {} {} {status} {}", order.quantity, order.filled.raw(), order.updated)
}
