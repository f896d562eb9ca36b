//! The process that is killed: the order manager, the log and a socket to the venue.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use deepalpha_engine::execution::{
    Command, Effect, FillReport, LogEntry, ManagerConfig, Moment, OrderManager, RejectKind, Snapshot, Submitted,
    VenueOrder, VenuePosition, VenueReport, VenueStatus,
};
use deepalpha_engine::orders::{OrderRequest, OrderType, PositionSide};
use deepalpha_engine::risk::{AccountView, Approved, Limits, Quote, RiskGate};
use deepalpha_engine::types::{
    ClientOrderId, Instrument, Money, Price, Quantity, Side, SignedQuantity, SourceId, StrategyId, Symbol, TradeId,
    UtcNanos,
};
use deepalpha_io::ops::{Level, OpsLog, OrderJournal};

use crate::wire::{Lines, SYMBOL, parse, side};

pub(crate) const ACCOUNT: &str = "paper-1";
const MILLISECOND: i64 = 1_000_000;
const MOST_OPEN: usize = 6;

pub(crate) fn config() -> ManagerConfig {
    ManagerConfig {
        account: SourceId::parse(ACCOUNT).unwrap_or_default(),
        own_prefix: StrategyId::parse("K-").unwrap_or_default(),
        answer_timeout: 20 * MILLISECOND,
        absence_horizon: 60 * MILLISECOND,
        venue_lag: 5 * MILLISECOND,
        first_query_pause: 2 * MILLISECOND,
        longest_query_pause: 20 * MILLISECOND,
        reconcile_every: 40 * MILLISECOND,
        snapshot_timeout: 100 * MILLISECOND,
        ..ManagerConfig::default()
    }
}

struct Trader {
    manager: OrderManager,
    log: OpsLog,
    journal: OrderJournal,
    link: UnixStream,
    lines: Lines,
    begun: Instant,
    effects: Vec<Effect>,
    /// Parts of a snapshot that is on its way.
    orders: Vec<VenueOrder>,
    fills: Vec<FillReport>,
    next: u64,
    is_calm: bool,
}

/// Trade until killed, or until the venue is calm and everything is settled.
pub(crate) fn run(folder: &Path) {
    let log = OpsLog::open(&folder.join("ops.sqlite")).unwrap();
    let mut journal = OrderJournal::new(&format!("run-{}", std::process::id()), ACCOUNT, "paper");
    let entries = journal.read(&log).unwrap();
    let manager = OrderManager::replay(config(), &entries).unwrap();
    let next = u64::try_from(manager.orders().len()).unwrap();
    let link = UnixStream::connect(folder.join("venue")).unwrap();
    link.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    let mut trader = Trader {
        manager,
        log,
        journal,
        link,
        lines: Lines::default(),
        begun: Instant::now(),
        effects: Vec::new(),
        orders: Vec::new(),
        fills: Vec::new(),
        next,
        is_calm: false,
    };
    trader.step(OrderManager::start);
    trader.step(|manager, at, effects| manager.report(at, VenueReport::LinkUp, effects));
    while !trader.is_settled() {
        trader.listen();
        trader.step(OrderManager::timer);
        trader.wish();
    }
}

impl Trader {
    fn at(&self) -> Moment {
        let monotonic = i64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(i64::MAX);
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Moment { monotonic, utc: UtcNanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)) }
    }

    fn step<T>(&mut self, act: impl FnOnce(&mut OrderManager, Moment, &mut Vec<Effect>) -> T) -> T {
        let at = self.at();
        let answer = act(&mut self.manager, at, &mut self.effects);
        self.carry_out();
        answer
    }

    /// Log first, then the wire, then tell the manager what the log has; until nothing is left to do.
    fn carry_out(&mut self) {
        while !self.effects.is_empty() {
            let effects = std::mem::take(&mut self.effects);
            let entries: Vec<LogEntry> = effects
                .iter()
                .filter_map(|effect| if let Effect::Log(entry) = effect { Some(entry.clone()) } else { None })
                .collect();
            if !entries.is_empty() {
                self.journal.append(&mut self.log, &entries, Level::Journalled).unwrap();
            }
            for effect in effects {
                match effect {
                    Effect::Send { request, .. } => {
                        let (id, side, quantity) = (request.client_order_id, request.side.as_str(), request.quantity);
                        self.say(&format!("send {id} {side} {}", quantity.raw()));
                    }
                    Effect::SendCancel { client_order_id, .. } => self.say(&format!("cancel {client_order_id}")),
                    Effect::Query { query, client_order_id, .. } => {
                        self.say(&format!("query {query} {client_order_id}"))
                    }
                    Effect::RequestSnapshot { snapshot, fills_since } => {
                        self.say(&format!("snapshot {snapshot} {}", fills_since.0));
                    }
                    _ => {}
                }
            }
            if let Some(last) = entries.last() {
                let at = self.at();
                self.manager.logged(at, last.seq, &mut self.effects);
            }
        }
    }

    fn say(&mut self, line: &str) {
        self.link.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    fn listen(&mut self) {
        let mut buffer = [0_u8; 4096];
        let read = match self.link.read(&mut buffer) {
            Ok(read) => read,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => 0,
            Err(error) => panic!("{error}"),
        };
        for line in self.lines.feed(buffer.get(..read).unwrap_or_default()) {
            self.hear(&line);
        }
    }

    fn hear(&mut self, line: &str) {
        let mut words = line.split(' ');
        let word = words.next().unwrap_or_default();
        let rest: Vec<&str> = words.collect();
        let id = |place: usize| ClientOrderId::parse(rest.get(place).unwrap_or(&"")).unwrap();
        let number = |place: usize| parse::<i64>(rest.get(place).copied());
        let query = || parse::<u64>(rest.first().copied());
        match word {
            "calm" => self.is_calm = true,
            "accepted" => self.report(VenueReport::Accepted { client_order_id: id(0), ts_event: UtcNanos(number(1)) }),
            "fill" => {
                let fill = fill_of(&rest);
                self.report(VenueReport::Fill(fill));
            }
            "cancelled" => self.report(VenueReport::Cancelled {
                client_order_id: id(0),
                filled: Some(Quantity::from_raw(number(1))),
                ts_event: UtcNanos(number(2)),
            }),
            "cancel_rejected" => {
                let (client_order_id, ts_event) = (id(0), UtcNanos(number(1)));
                self.report(VenueReport::CancelRejected { client_order_id, kind: RejectKind::Refused, ts_event });
            }
            "status" => {
                let order = order_of(rest.get(1..).unwrap_or_default());
                self.report(VenueReport::Status { query: query(), order });
            }
            "not_found" => self.report(VenueReport::NotFound { query: query(), client_order_id: id(1) }),
            "order" => self.orders.push(order_of(&rest)),
            "traded" => self.fills.push(fill_of(&rest)),
            "snapshot" => {
                let (orders, fills) = (std::mem::take(&mut self.orders), std::mem::take(&mut self.fills));
                let quantity = SignedQuantity::from_raw(number(1));
                let position = VenuePosition {
                    symbol: symbol(),
                    position_side: PositionSide::Net,
                    quantity,
                    average_price: Price::ZERO,
                };
                let positions = if quantity.raw() == 0 { vec![] } else { vec![position] };
                let snapshot = Snapshot { snapshot: query(), orders: &orders, fills: &fills, positions: &positions };
                self.report(VenueReport::Snapshot(snapshot));
            }
            other => panic!("the venue said {other:?}"),
        }
    }

    fn report(&mut self, report: VenueReport<'_>) {
        self.step(|manager, at, effects| manager.report(at, report, effects));
    }

    /// A new order when few are open; a cancel of every seventh.
    fn wish(&mut self) {
        let open = self.manager.orders().iter().filter(|order| !order.state().is_closed()).count();
        if self.is_calm || open >= MOST_OPEN {
            return;
        }
        let request = request(self.next);
        let id = request.client_order_id;
        let answer = self.step(|manager, at, effects| manager.submit(at, approve(request), effects));
        match answer {
            Submitted::Denied(_) => return,
            Submitted::Taken => {}
            Submitted::Duplicate(state) => panic!("{id} is in use: {state:?}"),
        }
        if self.next.is_multiple_of(7) {
            // It may be done already; then there is nothing to take back.
            let _ = self.step(|manager, at, effects| manager.command(at, Command::Cancel(id), effects));
        }
        self.next += 1;
    }

    fn is_settled(&self) -> bool {
        let closed = self.manager.orders().iter().all(|order| order.state().is_closed());
        self.is_calm
            && closed
            && self.manager.unconfirmed() == 0
            && self.manager.discrepancies().count() == 0
            && self.begun.elapsed() > Duration::from_millis(500)
    }
}

fn symbol() -> Symbol {
    Symbol::parse(SYMBOL).unwrap_or_default()
}

fn request(number: u64) -> OrderRequest {
    let id = ClientOrderId::parse(&format!("K-{number}")).unwrap_or_default();
    let source = SourceId::parse(&format!("decision {number}")).unwrap_or_default();
    let side = if number.is_multiple_of(2) { Side::Buy } else { Side::Sell };
    let quantity = Quantity::from_raw(i64::try_from(number % 5).unwrap_or_default() + 1);
    let price = Price::from_raw(10_000_000_000);
    OrderRequest::new(id, source, symbol(), side, quantity, OrderType::Limit(price), price)
}

fn approve(request: OrderRequest) -> Approved {
    let mut gate = RiskGate::new(Limits::open());
    let account = AccountView { equity: Money::from_raw(1 << 60), ..AccountView::default() };
    let quote = Quote { price: request.reference_price, ts_event: UtcNanos(1) };
    match gate.check(request, &Instrument::finest(request.symbol), &account, Some(quote), UtcNanos(2)) {
        Ok((_, Ok(approved))) => approved,
        other => panic!("the open gate refused: {other:?}"),
    }
}

fn fill_of(words: &[&str]) -> FillReport {
    let number = |place: usize| parse::<i64>(words.get(place).copied());
    FillReport {
        client_order_id: ClientOrderId::parse(words.first().unwrap_or(&"")).unwrap(),
        trade_id: TradeId::parse(words.get(1).unwrap_or(&"")).unwrap(),
        symbol: symbol(),
        position_side: PositionSide::Net,
        side: side(words.get(2).unwrap_or(&"")),
        quantity: Quantity::from_raw(number(3)),
        price: Price::from_raw(number(4)),
        fee: Money::ZERO,
        ts_event: UtcNanos(number(5)),
    }
}

fn order_of(words: &[&str]) -> VenueOrder {
    let number = |place: usize| parse::<i64>(words.get(place).copied());
    VenueOrder {
        client_order_id: ClientOrderId::parse(words.first().unwrap_or(&"")).unwrap(),
        symbol: symbol(),
        position_side: PositionSide::Net,
        side: side(words.get(1).unwrap_or(&"")),
        quantity: Quantity::from_raw(number(2)),
        price: Some(Price::from_raw(10_000_000_000)),
        filled: Quantity::from_raw(number(3)),
        status: match words.get(4).copied() {
            Some("working") => VenueStatus::Working,
            Some("filled") => VenueStatus::Filled,
            _ => VenueStatus::Cancelled,
        },
        updated_at: UtcNanos(number(5)),
    }
}
