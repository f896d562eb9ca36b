//! A small exchange to play with, and the invariants that hold after every command.

use std::collections::BTreeMap;

use deepalpha_engine::matching::exchange::{
    AccountId, AccountSettlement, CounterpartyId, DepthUpdate, Exchange, ExchangeConfig, ExchangeError, ExchangeEvent,
    LiquidityKind, MarketTrade,
};
use deepalpha_engine::matching::{FeeModel, FillRecord, Liquidity, OrderStep, VenueEvent};
use deepalpha_engine::orders::{OrderRequest, OrderState, OrderType};
use deepalpha_engine::portfolio::{AccountKind, AccountTerms, MarginMode, Portfolio, SettleEvent};
use deepalpha_engine::types::{
    ClientOrderId, Currency, Instrument, InstrumentKind, Money, Price, Quantity, Ratio, SCALE, Side, SignedQuantity,
    SourceId, Symbol, UtcNanos,
};

pub(crate) fn symbol(text: &str) -> Symbol {
    Symbol::parse(text).expect("a symbol")
}

pub(crate) fn id(text: &str) -> ClientOrderId {
    ClientOrderId::parse(text).expect("an id")
}

pub(crate) fn currency(text: &str) -> Currency {
    Currency::parse(text).expect("a currency")
}

pub(crate) fn price(text: &str) -> Price {
    Price::parse(text).expect("a price")
}

pub(crate) fn quantity(text: &str) -> Quantity {
    Quantity::parse(text).expect("a quantity")
}

pub(crate) fn ratio(text: &str) -> Ratio {
    Ratio::parse(text).expect("a ratio")
}

pub(crate) fn money(text: &str) -> Money {
    Money::parse(text).expect("an amount")
}

/// BTC/USDT, tick 0.5, lot 0.1.
pub(crate) fn spot() -> Instrument {
    Instrument {
        currency: currency("USDT"),
        base: Some(currency("BTC")),
        ..Instrument::new(symbol("BTC/USDT"), price("0.5"), quantity("0.1")).expect("an instrument")
    }
}

/// BTC-PERP, tick 0.5, lot 0.1, maintenance margin 5 %.
pub(crate) fn perpetual() -> Instrument {
    Instrument {
        kind: InstrumentKind::Perpetual,
        currency: currency("USDT"),
        initial_margin: ratio("0.1"),
        maintenance_margin: ratio("0.05"),
        ..Instrument::new(symbol("BTC-PERP"), price("0.5"), quantity("0.1")).expect("an instrument")
    }
}

pub(crate) fn spot_account(usdt: &str, btc: &str) -> Portfolio {
    let mut portfolio = Portfolio::open(AccountTerms::new(AccountKind::Spot, currency("USDT"))).expect("an account");
    for (name, amount) in [("USDT", usdt), ("BTC", btc)] {
        if money(amount) > Money::ZERO {
            portfolio.deposit(currency(name), money(amount)).expect("a deposit");
        }
    }
    portfolio
}

pub(crate) fn futures_account(usdt: &str, leverage: &str) -> Portfolio {
    let kind = AccountKind::Futures { leverage: ratio(leverage), mode: MarginMode::Cross };
    let mut portfolio = Portfolio::open(AccountTerms::new(kind, currency("USDT"))).expect("an account");
    portfolio.deposit(currency("USDT"), money(usdt)).expect("a deposit");
    portfolio
}

/// Side, maker or taker, price and quantity.
type TradeSide = (Side, Liquidity, i64, i64);

/// An exchange, its events, and what a reader of the events knows.
pub(crate) struct Venue {
    pub(crate) exchange: Exchange,
    pub(crate) events: Vec<ExchangeEvent>,
    pub(crate) now: i64,
    /// The first instrument, which `show` and `trade` are about.
    listed: Symbol,
    next: u32,
    orders: BTreeMap<(AccountId, ClientOrderId), (u32, &'static str)>,
    positions: BTreeMap<(AccountId, Symbol), i64>,
    pub(crate) trades: u64,
    /// What the insurance took over at its mark: number of events before it, whose, and how the account's position changed.
    pub(crate) taken: Vec<(usize, AccountId, i64)>,
    /// What the insurance carries by that: what others have realised on the positions it took, and their funding.
    insurance: i128,
}

impl Venue {
    pub(crate) fn new(config: ExchangeConfig, listings: &[(Instrument, LiquidityKind)]) -> Self {
        let mut exchange = Exchange::new(config);
        for (instrument, liquidity) in listings {
            exchange.list(*instrument, *liquidity).expect("a listing");
        }
        let listed = listings.first().map(|(instrument, _)| instrument.symbol).expect("an instrument");
        let (orders, positions) = (BTreeMap::new(), BTreeMap::new());
        let taken = Vec::new();
        Self {
            exchange,
            events: Vec::new(),
            now: 0,
            listed,
            next: 0,
            orders,
            positions,
            trades: 0,
            taken,
            insurance: 0,
        }
    }

    /// A book of futures and this many rich counterparties without fees.
    pub(crate) fn futures(accounts: usize) -> (Self, Vec<CounterpartyId>) {
        let mut venue = Self::new(ExchangeConfig::default(), &[(perpetual(), LiquidityKind::Book)]);
        let accounts = (0..accounts)
            .map(|_| {
                let portfolio = futures_account("1000000", "10");
                venue.exchange.open_counterparty(portfolio, FeeModel::flat(Ratio::ZERO)).expect("an account")
            })
            .collect();
        (venue, accounts)
    }

    pub(crate) fn request(&mut self, side: Side, lots: &str, order_type: OrderType) -> OrderRequest {
        self.next += 1;
        let client_order_id = id(&format!("o{}", self.next));
        let decision = SourceId::parse(&format!("d{}", self.next)).expect("an id");
        let instrument = symbol("BTC-PERP");
        OrderRequest::new(client_order_id, decision, instrument, side, quantity(lots), order_type, price("100"))
    }

    pub(crate) fn limit(&mut self, side: Side, lots: &str, at: &str) -> OrderRequest {
        self.request(side, lots, OrderType::Limit(price(at)))
    }

    pub(crate) fn market(&mut self, side: Side, lots: &str) -> OrderRequest {
        self.request(side, lots, OrderType::Market)
    }

    /// Send an order and check every invariant; its id.
    pub(crate) fn send(&mut self, who: CounterpartyId, request: OrderRequest) -> ClientOrderId {
        self.try_send(who, request).expect("the exchange takes the order");
        request.client_order_id
    }

    pub(crate) fn try_send(&mut self, who: CounterpartyId, request: OrderRequest) -> Result<OrderState, ExchangeError> {
        self.command(|exchange, now, events| exchange.submit_counterparty(who, request, now, events))
    }

    pub(crate) fn cancel(&mut self, who: CounterpartyId, which: &ClientOrderId) -> Result<(), ExchangeError> {
        self.command(|exchange, now, events| exchange.cancel(who.account(), which, now, "asked to", events))
    }

    /// Levels of a replica, each with its quantity; a snapshot is all of them.
    pub(crate) fn show(&mut self, bids: &[(&str, &str)], asks: &[(&str, &str)], snapshot: bool) {
        let levels =
            |text: &[(&str, &str)]| -> Vec<_> { text.iter().map(|(at, lots)| (price(at), quantity(lots))).collect() };
        let (symbol, bids, asks) = (self.listed, levels(bids), levels(asks));
        let shown = self.command(|exchange, now, events| {
            let update = DepthUpdate { symbol, ts_event: now, snapshot, bids: &bids, asks: &asks };
            exchange.on_depth(&update, events)
        });
        assert_eq!(shown, Ok(()));
    }

    /// A trade of a replica.
    pub(crate) fn trade(&mut self, taker_side: Side, at: &str, lots: &str) {
        let symbol = self.listed;
        let done = self.command(|exchange, now, events| {
            let (price, quantity) = (price(at), quantity(lots));
            exchange.on_trade(&MarketTrade { symbol, ts_event: now, price, quantity, taker_side }, events)
        });
        assert_eq!(done, Ok(()));
    }

    /// Fund and mark the perpetual, a nanosecond later.
    pub(crate) fn settle(&mut self, funding: &[(Symbol, Ratio, Price)], mark: Price) -> Vec<AccountSettlement> {
        self.now += 1;
        let (before, mut settled) = (self.events.len(), Vec::new());
        let marks = [(perpetual().symbol, mark)];
        let done = self.exchange.settle(UtcNanos(self.now), funding, &marks, &mut self.events, &mut settled);
        assert_eq!(done, Ok(()));
        self.read(before);
        let funded = |found: &AccountSettlement| match found.event {
            SettleEvent::Funding { amount, .. } => i128::from(amount.raw()),
            _ => 0,
        };
        let unpaid: i128 = settled.iter().map(funded).sum();
        assert!(unpaid == 0 || !self.taken.is_empty(), "funding moves money, none appears: {unpaid}");
        self.insurance -= unpaid;
        for found in &settled {
            if let SettleEvent::Liquidated { side, quantity, price, .. } = found.event {
                let closed = quantity.signed(side.is_buy()).raw();
                *self.positions.entry((found.account, perpetual().symbol)).or_insert(0) += closed;
                self.taken.push((self.events.len(), found.account, closed));
                self.insurance += i128::from(closed) * i128::from(price.raw()) / i128::from(SCALE);
            }
        }
        self.check();
        settled
    }

    /// One command a nanosecond later, its events read, the invariants looked at.
    pub(crate) fn command<T>(
        &mut self,
        command: impl FnOnce(&mut Exchange, UtcNanos, &mut Vec<ExchangeEvent>) -> Result<T, ExchangeError>,
    ) -> Result<T, ExchangeError> {
        self.now += 1;
        let before = self.events.len();
        let result = command(&mut self.exchange, UtcNanos(self.now), &mut self.events);
        self.read(before);
        self.check();
        result
    }

    pub(crate) fn state(&self, who: CounterpartyId, which: &ClientOrderId) -> &'static str {
        self.exchange.order(who.account(), which).map_or("unknown", |order| order.state.as_str())
    }

    pub(crate) fn steps(&self, which: &ClientOrderId) -> Vec<&'static str> {
        self.step_records(which).into_iter().map(|step| step.event).collect()
    }

    pub(crate) fn step_records(&self, which: &ClientOrderId) -> Vec<&OrderStep> {
        let of =
            |event: &'_ ExchangeEvent| matches!(&event.event, VenueEvent::Step(step) if step.client_order_id == *which);
        self.events
            .iter()
            .filter(|event| of(event))
            .filter_map(|event| if let VenueEvent::Step(step) = &event.event { Some(step) } else { None })
            .collect()
    }

    pub(crate) fn fills(&self) -> Vec<(&ExchangeEvent, &FillRecord)> {
        let mut fills = Vec::new();
        for event in &self.events {
            if let VenueEvent::Fill(fill) = &event.event {
                fills.push((event, fill));
            }
        }
        fills
    }

    /// Fills of an order as `quantity@price`.
    pub(crate) fn fills_of(&self, which: &ClientOrderId) -> Vec<String> {
        let of = self.fills().into_iter().filter(|(_, fill)| fill.client_order_id == *which);
        of.map(|(_, fill)| format!("{}@{}", fill.quantity, fill.price)).collect()
    }

    pub(crate) fn position(&self, who: CounterpartyId) -> SignedQuantity {
        self.position_in(who, "BTC-PERP")
    }

    pub(crate) fn position_in(&self, who: CounterpartyId, name: &str) -> SignedQuantity {
        self.exchange.portfolio(who.account()).map(|portfolio| portfolio.quantity(name)).unwrap_or_default()
    }

    /// What a reader of the events must find: steps in sequence, states that follow each other, trades in pairs.
    fn read(&mut self, from: usize) {
        let mut sides: BTreeMap<(Symbol, u64), Vec<TradeSide>> = BTreeMap::new();
        let new: Vec<ExchangeEvent> = self.events.iter().skip(from).cloned().collect();
        for event in new {
            match event.event {
                VenueEvent::Attached(_) => {}
                VenueEvent::Step(step) => {
                    let key = (event.account, step.client_order_id);
                    let (seq, state) = self.orders.entry(key).or_insert((0, "submitted"));
                    *seq += 1;
                    assert_eq!((*seq, *state), (step.seq, step.state_before), "{step:?}");
                    let closed = ["filled", "cancelled", "expired", "rejected"].contains(state);
                    assert!(!closed || step.event.starts_with("reject_"), "a step after the end: {step:?}");
                    *state = step.state;
                }
                VenueEvent::Fill(fill) => {
                    let execution = event.execution.expect("a fill has its trade");
                    let signed = fill.quantity.signed(fill.side.is_buy()).raw();
                    *self.positions.entry((event.account, fill.symbol)).or_insert(0) += signed;
                    let figures = (fill.side, execution.liquidity, fill.price.raw(), fill.quantity.raw());
                    sides.entry((fill.symbol, execution.trade)).or_default().push(figures);
                }
            }
        }
        for ((instrument, trade), sides) in sides {
            if self.exchange.book(&instrument).is_none() {
                continue;
            }
            self.trades += 1;
            assert_eq!(trade, self.trades, "trade ids are contiguous");
            let [maker, taker] = sides.as_slice() else { panic!("trade {trade} has the sides {sides:?}") };
            assert_eq!((maker.1, taker.1), (Liquidity::Maker, Liquidity::Taker));
            assert_ne!(maker.0, taker.0);
            assert_eq!((maker.2, maker.3), (taker.2, taker.3));
        }
    }

    /// Money, positions and holdings, whatever happened.
    pub(crate) fn check(&self) {
        assert_eq!(self.exchange.halted(), None);
        let mut sums: BTreeMap<Currency, i128> = BTreeMap::new();
        for account in self.exchange.accounts() {
            let portfolio = self.exchange.portfolio(account).expect("an account");
            let mut locked = 0;
            for balance in portfolio.balances() {
                assert_eq!(balance.explained().expect("it fits"), balance.total, "{account:?} {balance:?}");
                let flows = [balance.fees, balance.deposits.negated(), balance.deficit.negated(), balance.interest];
                let sum = flows.iter().map(|amount| i128::from(amount.raw())).sum::<i128>();
                *sums.entry(balance.currency).or_default() += i128::from(balance.total.raw()) + sum;
                if portfolio.terms().kind == AccountKind::Spot {
                    assert!(balance.free() >= Money::ZERO, "{account:?} {balance:?}");
                }
                if balance.currency == currency("USDT") {
                    locked = balance.locked.raw();
                }
            }
            let held = self.exchange.held_by_orders(account).expect("it fits");
            assert_eq!(held.raw(), locked, "{account:?}: locked is what open orders need");
        }
        // Unrealised profit of futures is not money yet: what one side has realised the other still carries.
        let open = self.carried();
        for (currency, sum) in sums {
            let carried = if currency.as_str() == "USDT" { open } else { 0 };
            // With a replica the other side is somebody outside.
            let outside = self.exchange.depth(&self.listed).is_some();
            assert!(outside || sum + carried == 0, "{currency}: {} came from nowhere", sum + carried);
        }
        for ((account, instrument), position) in &self.positions {
            let portfolio = self.exchange.portfolio(*account).expect("an account");
            assert_eq!(portfolio.quantity(instrument).raw(), *position, "position = sum of fills");
        }
        self.check_books();
    }

    /// Open cost of derivatives: zero sum with what is realised.
    fn carried(&self) -> i128 {
        let mut cost = self.insurance;
        for account in self.exchange.accounts() {
            let portfolio = self.exchange.portfolio(account).expect("an account");
            for (index, _, position) in portfolio.legs() {
                let exchanges = portfolio.instrument(index).is_some_and(|found| found.kind.exchanges_notional());
                cost -= if exchanges { 0 } else { i128::from(position.cost.raw()) };
            }
        }
        cost
    }

    fn check_books(&self) {
        for instrument in [perpetual(), spot()] {
            let Some(book) = self.exchange.book(&instrument.symbol) else { continue };
            if let (Some(bid), Some(ask)) = (book.best_bid(), book.best_ask()) {
                assert!(bid.price < ask.price, "crossed: {bid:?} {ask:?}");
            }
            let mut resting = 0;
            for account in self.exchange.accounts() {
                for order in self.exchange.working(account) {
                    let request = &order.request;
                    let rests = book.orders().find(|found| {
                        found.owner == account.number()
                            && found.price.to_price(instrument.tick_size).ok() == request.order_type.triggered().limit()
                            && Some(found.leaves.0)
                                == (request.quantity.raw() - order.state.filled().raw())
                                    .checked_div(instrument.lot_size.raw())
                    });
                    resting += usize::from(rests.is_some());
                    assert!(request.quantity.on_lot(instrument.lot_size));
                }
            }
            assert!(resting >= book.len(), "every order in the book is a working order: {resting} {}", book.len());
        }
    }
}
