//! A desk with one order manager: everything it wants is kept, nothing is carried out by itself.

use deepalpha_engine::execution::{
    Alert, Command, Denied, Discrepancy, Effect, FillReport, LogEntry, ManagerConfig, Moment, OrderManager, Snapshot,
    Submitted, VenueOrder, VenuePosition, VenueReport, VenueStatus,
};
use deepalpha_engine::orders::{OrderRequest, OrderState, OrderType, PositionSide};
use deepalpha_engine::types::{
    ClientOrderId, Money, Price, Quantity, Side, SignedQuantity, SourceId, StrategyId, Symbol, TradeId, UtcNanos,
};

use crate::gate::approve;

pub const SECOND: i64 = 1_000_000_000;
pub const LOT: i64 = 100_000_000;

pub fn id(text: &str) -> ClientOrderId {
    ClientOrderId::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

pub fn symbol() -> Symbol {
    Symbol::parse("X").unwrap_or_default()
}

pub fn lots(count: i64) -> Quantity {
    Quantity::from_raw(count * LOT)
}

pub fn request(name: &str, side: Side, count: i64) -> OrderRequest {
    let source = SourceId::parse(name).unwrap_or_default();
    let kind = OrderType::Limit(Price::from_raw(100 * LOT));
    OrderRequest::new(id(name), source, symbol(), side, lots(count), kind, Price::from_raw(100 * LOT))
}

pub fn fill_of(name: &str, trade: &str, side: Side, count: i64, at: i64) -> FillReport {
    FillReport {
        client_order_id: id(name),
        trade_id: TradeId::parse(trade).unwrap_or_default(),
        symbol: symbol(),
        position_side: PositionSide::Net,
        side,
        quantity: lots(count),
        price: Price::from_raw(100 * LOT),
        fee: Money::ZERO,
        ts_event: UtcNanos(at),
    }
}

pub fn venue_order(name: &str, count: i64, filled: i64, status: VenueStatus, at: i64) -> VenueOrder {
    VenueOrder {
        client_order_id: id(name),
        symbol: symbol(),
        position_side: PositionSide::Net,
        side: Side::Buy,
        quantity: lots(count),
        price: Some(Price::from_raw(100 * LOT)),
        filled: lots(filled),
        status,
        updated_at: UtcNanos(at),
    }
}

pub fn venue_position(count: i64) -> VenuePosition {
    let quantity = SignedQuantity::from_raw(count * LOT);
    VenuePosition { symbol: symbol(), position_side: PositionSide::Net, quantity, average_price: Price::from_raw(LOT) }
}

pub fn config() -> ManagerConfig {
    ManagerConfig { own_prefix: StrategyId::parse("A").unwrap_or_default(), ..ManagerConfig::default() }
}

pub struct Desk {
    pub manager: OrderManager,
    pub at: Moment,
    pub effects: Vec<Effect>,
    pub log: Vec<LogEntry>,
}

impl Desk {
    /// Started, connected, and compared with a venue that has nothing.
    pub fn new() -> Self {
        let mut desk = Self::of(OrderManager::new(config()));
        desk.connect(&[], &[], &[]);
        desk
    }

    pub fn of(manager: OrderManager) -> Self {
        let at = Moment { monotonic: 100 * SECOND, utc: UtcNanos(1_000_000 * SECOND) };
        let mut desk = Self { manager, at, effects: Vec::new(), log: Vec::new() };
        desk.manager.start(desk.at, &mut desk.effects);
        desk.keep();
        desk
    }

    /// kill -9 and start again from the first records of the log.
    pub fn restarted(&self, records: usize) -> Self {
        let log = &self.log[..records];
        let manager = OrderManager::replay(config(), log).unwrap_or_else(|error| panic!("{error}"));
        let mut desk = Self { manager, at: self.at, effects: Vec::new(), log: log.to_vec() };
        desk.manager.start(desk.at, &mut desk.effects);
        desk.keep();
        desk
    }

    fn keep(&mut self) {
        for effect in &self.effects {
            if let Effect::Log(entry) = effect
                && entry.seq == self.log.len() as u64 + 1
            {
                self.log.push(entry.clone());
            }
        }
    }

    pub fn connect(&mut self, orders: &[VenueOrder], fills: &[FillReport], positions: &[VenuePosition]) {
        self.report(VenueReport::LinkUp);
        self.answer(orders, fills, positions);
        self.ack();
    }

    /// Answer the last snapshot request.
    pub fn answer(&mut self, orders: &[VenueOrder], fills: &[FillReport], positions: &[VenuePosition]) {
        let asked = self.effects.iter().rev().find_map(|effect| match effect {
            Effect::RequestSnapshot { snapshot, .. } => Some(*snapshot),
            _ => None,
        });
        let snapshot = asked.unwrap_or_else(|| panic!("no snapshot was asked for"));
        self.report(VenueReport::Snapshot(Snapshot { snapshot, orders, fills, positions }));
    }

    /// Let time pass until the next comparison and answer it.
    pub fn answer_all(&mut self, orders: &[VenueOrder], fills: &[FillReport], positions: &[VenuePosition]) {
        self.pass(40 * SECOND);
        self.answer(orders, fills, positions);
        self.ack();
    }

    pub fn report(&mut self, report: VenueReport<'_>) {
        self.manager.report(self.at, report, &mut self.effects);
        self.keep();
    }

    pub fn submit(&mut self, request: OrderRequest) -> Submitted {
        let answer = self.manager.submit(self.at, approve(request), &mut self.effects);
        self.keep();
        answer
    }

    pub fn command(&mut self, command: Command) -> Result<(), Denied> {
        let answer = self.manager.command(self.at, command, &mut self.effects);
        self.keep();
        answer
    }

    /// The log has everything.
    pub fn ack(&mut self) {
        let seq = self.log.len() as u64;
        self.manager.logged(self.at, seq, &mut self.effects);
        self.keep();
    }

    pub fn log_fails(&mut self) {
        self.manager.log_failed(self.at, &mut self.effects);
        self.keep();
    }

    /// Time passes in steps of a tenth of a second.
    pub fn pass(&mut self, nanos: i64) {
        for _ in 0..(nanos / (SECOND / 10)) {
            self.at.monotonic += SECOND / 10;
            self.at.utc.0 += SECOND / 10;
            self.manager.timer(self.at, &mut self.effects);
            self.keep();
        }
    }

    /// Submitted, logged, sent, accepted.
    pub fn working(&mut self, request: OrderRequest) {
        assert_eq!(self.submit(request), Submitted::Taken);
        self.ack();
        self.accept(request.client_order_id.as_str());
    }

    pub fn accept(&mut self, name: &str) {
        let ts_event = self.at.utc;
        self.report(VenueReport::Accepted { client_order_id: id(name), ts_event });
    }

    pub fn fill(&mut self, name: &str, trade: &str, count: i64) {
        self.report(VenueReport::Fill(fill_of(name, trade, Side::Buy, count, self.at.utc.0)));
    }

    pub fn cancelled(&mut self, name: &str) {
        self.report(VenueReport::Cancelled { client_order_id: id(name), filled: None, ts_event: self.at.utc });
    }

    pub fn state(&self, name: &str) -> OrderState {
        self.manager.order(&id(name)).unwrap_or_else(|| panic!("no order {name}")).state()
    }

    pub fn position(&self) -> i64 {
        self.manager.position(&symbol(), PositionSide::Net).raw() / LOT
    }

    pub fn count(&self, wanted: impl Fn(&Effect) -> bool) -> usize {
        self.effects.iter().filter(|effect| wanted(effect)).count()
    }

    pub fn sends(&self, name: &str) -> usize {
        self.count(|effect| matches!(effect, Effect::Send { request, .. } if request.client_order_id == id(name)))
    }

    pub fn cancels(&self, name: &str) -> usize {
        self.count(
            |effect| matches!(effect, Effect::SendCancel { client_order_id, .. } if *client_order_id == id(name)),
        )
    }

    pub fn alerts(&self, wanted: impl Fn(&Alert) -> bool) -> usize {
        self.count(|effect| matches!(effect, Effect::Alert(alert) if wanted(alert)))
    }

    /// The last query about this order.
    pub fn query(&self, name: &str) -> Option<u64> {
        self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Query { query, client_order_id, .. } if *client_order_id == id(name) => Some(*query),
            _ => None,
        })
    }

    pub fn not_found(&mut self, name: &str) {
        let query = self.query(name).unwrap_or_else(|| panic!("{name} was not asked for"));
        self.report(VenueReport::NotFound { query, client_order_id: id(name) });
    }

    pub fn discrepancies(&self) -> Vec<Discrepancy> {
        self.manager.discrepancies().copied().collect()
    }

    /// The log gives the state back.
    pub fn assert_replays(&self) {
        let again = OrderManager::replay(config(), &self.log).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(again.state_hash(), self.manager.state_hash());
    }
}
