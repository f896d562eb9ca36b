//! Evaluation of the rules.

use std::collections::{BTreeMap, HashSet};

use super::limits::{Limits, Rule};
use crate::orders::OrderRequest;
use crate::portfolio::{Portfolio, PortfolioError};
use crate::types::{
    AmountError, ClientOrderId, Instrument, Money, Price, Ratio, Side, SignedQuantity, SourceId, Symbol, UtcNanos,
};

/// An order that passed the gate. Only [`RiskGate::check`] makes one, and a venue accepts nothing else.
///
/// ```compile_fail
/// // The field is private: an unchecked order does not compile.
/// let forged = deepalpha_engine::risk::Approved { request: todo!() };
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Approved {
    request: OrderRequest,
}

impl Approved {
    /// What was approved.
    #[must_use]
    pub const fn request(&self) -> &OrderRequest {
        &self.request
    }

    /// Give the request to the venue that books it; the approval is used up.
    #[must_use]
    pub fn into_request(self) -> OrderRequest {
        self.request
    }
}

/// One evaluated rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Which rule.
    pub rule: Rule,
    /// What was measured, in words.
    pub value: String,
    /// What is allowed, in words.
    pub bound: String,
    /// Whether it holds.
    pub holds: bool,
}

/// The refusal: the first rule that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which rule.
    pub rule: Rule,
    /// What was measured.
    pub value: String,
    /// What is allowed.
    pub bound: String,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {} (allowed: {})", self.rule.as_str(), self.value, self.bound)
    }
}

/// All rules as they stood for one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Every rule that was evaluated.
    pub checks: Vec<Check>,
}

impl Verdict {
    /// The first breach, if any.
    #[must_use]
    pub fn refusal(&self) -> Option<Refused> {
        self.checks.iter().find(|check| !check.holds).map(|check| Refused {
            rule: check.rule,
            value: check.value.clone(),
            bound: check.bound.clone(),
        })
    }

    fn push(&mut self, rule: Rule, holds: bool, value: impl Into<String>, bound: impl Into<String>) {
        self.checks.push(Check { rule, value: value.into(), bound: bound.into(), holds });
    }

    fn at_most(&mut self, rule: Rule, value: Ratio, bound: Ratio) {
        self.push(rule, value <= bound, value.percent(), format!("at most {}", bound.percent()));
    }
}

/// The last price of an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Price.
    pub price: Price,
    /// When it was made, by the market's clock.
    pub ts_event: UtcNanos,
}

/// What the gate must know of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountView {
    /// Cash plus position values.
    pub equity: Money,
    /// Signed holdings by symbol.
    pub positions: BTreeMap<Symbol, SignedQuantity>,
    /// Signed value of the holdings by symbol, at the last prices.
    pub values: BTreeMap<Symbol, Money>,
    /// Signed notional of working orders that open risk, by symbol.
    pub working: BTreeMap<Symbol, Money>,
}

impl AccountView {
    /// Of a portfolio and the signed notional of its working orders.
    ///
    /// # Errors
    /// Overflow.
    pub fn new(portfolio: &Portfolio, working: BTreeMap<Symbol, Money>) -> Result<Self, PortfolioError> {
        let mut view = Self { equity: portfolio.totals()?.equity, working, ..Self::default() };
        for (symbol, position) in portfolio.positions() {
            if position.quantity.raw() != 0 {
                // A hedged instrument has two legs; the gate limits what they come to.
                let held = view.positions.entry(symbol).or_default();
                *held = held.plus(position.quantity)?;
                let value = view.values.entry(symbol).or_default();
                *value = value.plus(position.value()?)?;
            }
        }
        Ok(view)
    }

    fn held(&self, symbol: &str) -> SignedQuantity {
        self.positions.get(symbol).copied().unwrap_or_default()
    }

    /// Absolute value of an instrument once its working orders and `extra` are done.
    fn instrument_after(&self, symbol: &str, extra: Money) -> Result<Money, AmountError> {
        let value = self.values.get(symbol).copied().unwrap_or_default();
        let working = self.working.get(symbol).copied().unwrap_or_default();
        Ok(value.plus(working)?.plus(extra)?.magnitude())
    }

    fn gross_after(&self, symbol: &str, extra: Money) -> Result<Money, AmountError> {
        let mut gross = self.instrument_after(symbol, extra)?;
        let names: HashSet<&Symbol> = self.values.keys().chain(self.working.keys()).collect();
        for name in names.into_iter().filter(|name| name.as_str() != symbol) {
            gross = gross.plus(self.instrument_after(name, Money::ZERO)?)?;
        }
        Ok(gross)
    }
}

/// The gate: limits plus the little state they need.
#[derive(Clone, Debug)]
pub struct RiskGate {
    limits: Limits,
    /// Why trading is halted, while it is.
    killed: Option<String>,
    /// Orders approved before, by client order id.
    orders: HashSet<ClientOrderId>,
    /// Decisions that became an order before.
    decisions: HashSet<SourceId>,
    /// Trading day and the equity it began with.
    day: Option<(i64, Money)>,
    /// Equity at the last mark, the start of the next day.
    last_equity: Option<Money>,
}

impl RiskGate {
    /// A gate that is armed and has seen nothing.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let (orders, decisions) = (HashSet::new(), HashSet::new());
        Self { limits, killed: None, orders, decisions, day: None, last_equity: None }
    }

    /// The bounds in force.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Halt: nothing that opens risk passes until [`RiskGate::rearm`].
    pub fn kill(&mut self, reason: impl Into<String>) {
        self.killed = Some(reason.into());
    }

    /// Take the halt back.
    pub fn rearm(&mut self) {
        self.killed = None;
    }

    /// Why trading is halted, while it is.
    #[must_use]
    pub fn killed(&self) -> Option<&str> {
        self.killed.as_deref()
    }

    /// After a restart: this order was approved in an earlier run.
    pub fn remember(&mut self, client_order_id: ClientOrderId, decision_id: SourceId) {
        self.orders.insert(client_order_id);
        self.decisions.insert(decision_id);
    }

    /// Tell the gate the equity after a bar; the first mark of a new UTC day starts it with the equity of the last.
    pub fn mark(&mut self, ts_event: UtcNanos, equity: Money) {
        let day = ts_event.closing_day();
        if self.day.is_none_or(|(current, _)| current != day) {
            self.day = Some((day, self.last_equity.unwrap_or(equity)));
        }
        self.last_equity = Some(equity);
    }

    /// Equity the day began with.
    #[must_use]
    pub fn day_start(&self) -> Option<Money> {
        self.day.map(|(_, equity)| equity)
    }

    /// Loss since the day began, as a share of the equity it began with; zero for a gain.
    ///
    /// # Errors
    /// Overflow.
    pub fn daily_loss(&self, equity: Money) -> Result<Ratio, AmountError> {
        let Some(start) = self.day_start() else { return Ok(Ratio::ZERO) };
        let loss = start.minus(equity)?;
        if loss <= Money::ZERO { Ok(Ratio::ZERO) } else { loss.ratio_to(start) }
    }

    /// Evaluate every rule; nothing is remembered. What a person sees before the click.
    ///
    /// # Errors
    /// Amounts beyond any account.
    pub fn preview(
        &self,
        request: &OrderRequest,
        instrument: &Instrument,
        account: &AccountView,
        quote: Option<Quote>,
        now: UtcNanos,
    ) -> Result<Verdict, AmountError> {
        let mut verdict = Verdict { checks: Vec::with_capacity(13) };
        let held = account.held(&request.symbol);
        let reduces = reduces(held, request);
        self.check_switch_and_duplicates(request, reduces, &mut verdict);
        check_increments(request, instrument, &mut verdict);
        let Some(quote) = quote else {
            verdict.push(Rule::StaleData, false, format!("no price of {} yet", request.symbol), "a price");
            return Ok(verdict);
        };
        if request.reduce_only {
            let value = format!("{} {} while holding {held}", request.side.as_str(), request.quantity);
            verdict.push(Rule::ReduceOnly, reduces, value, "no more than the position, on its other side");
        }
        if !reduces {
            self.check_market(request, quote, now, &mut verdict)?;
            self.check_size(request, held, account, quote, &mut verdict)?;
        }
        Ok(verdict)
    }

    /// Rule on an order: `Ok(Ok(..))` is the only way to an [`Approved`].
    ///
    /// # Errors
    /// Amounts beyond any account; nothing is remembered then.
    pub fn check(
        &mut self,
        request: OrderRequest,
        instrument: &Instrument,
        account: &AccountView,
        quote: Option<Quote>,
        now: UtcNanos,
    ) -> Result<(Verdict, Result<Approved, Refused>), AmountError> {
        let verdict = self.preview(&request, instrument, account, quote, now)?;
        if let Some(refusal) = verdict.refusal() {
            return Ok((verdict, Err(refusal)));
        }
        self.remember(request.client_order_id, request.decision_id);
        Ok((verdict, Ok(Approved { request })))
    }

    fn check_switch_and_duplicates(&self, request: &OrderRequest, reduces: bool, verdict: &mut Verdict) {
        if !reduces {
            let value = self.killed.as_ref().map_or_else(|| "armed".to_owned(), |why| format!("halted: {why}"));
            verdict.push(Rule::KillSwitch, self.killed.is_none(), value, "armed; re-arm it to trade again");
        }
        let duplicate = if self.orders.contains(&request.client_order_id) {
            Some(format!("order {} was approved before", request.client_order_id))
        } else if self.decisions.contains(&request.decision_id) {
            Some(format!("decision {} already has its order", request.decision_id))
        } else {
            None
        };
        let value = duplicate.clone().unwrap_or_else(|| "new".to_owned());
        verdict.push(Rule::DuplicateIntent, duplicate.is_none(), value, "one order for each decision");
    }

    fn check_market(
        &self,
        request: &OrderRequest,
        quote: Quote,
        now: UtcNanos,
        verdict: &mut Verdict,
    ) -> Result<(), AmountError> {
        let age = now.since(quote.ts_event);
        let (value, bound) = (hours(age), format!("at most {}", hours(self.limits.max_data_age)));
        verdict.push(Rule::StaleData, age <= self.limits.max_data_age, value, bound);
        let reference = request.order_type.price().unwrap_or(request.reference_price);
        let distance = Money::from_raw(quote.price.raw().saturating_sub(reference.raw())).magnitude();
        let moved = distance.ratio_to(Money::from_raw(quote.price.raw()))?;
        let value = format!("{} between {reference} and the last price {}", moved.percent(), quote.price);
        let bound = format!("at most {}", self.limits.price_band.percent());
        verdict.push(Rule::PriceBand, moved <= self.limits.price_band, value, bound);
        Ok(())
    }

    fn check_size(
        &self,
        request: &OrderRequest,
        held: SignedQuantity,
        account: &AccountView,
        quote: Quote,
        verdict: &mut Verdict,
    ) -> Result<(), AmountError> {
        let limits = &self.limits;
        let delta = request.quantity.signed(request.side.is_buy());
        let after = held.plus(delta)?;
        if request.side == Side::Sell {
            let holds = limits.allow_short || after.raw() >= 0;
            let value = format!("sell {} while holding {held}", request.quantity);
            verdict.push(Rule::ShortSelling, holds, value, "no more than is held (short selling is off)");
        }
        let price = request.order_type.price().map_or(quote.price, |limit| limit.max(quote.price));
        let notional = price.notional(request.quantity)?;
        let bound = format!("at most {}", limits.max_order_notional);
        verdict.push(Rule::OrderNotional, notional <= limits.max_order_notional, notional.to_string(), bound);
        if account.equity <= Money::ZERO {
            verdict.push(Rule::Leverage, false, format!("equity {}", account.equity), "equity above 0");
            return Ok(());
        }
        let signed = price.value(delta)?;
        let share = |money: Money| money.ratio_to(account.equity);
        verdict.at_most(Rule::TradeFraction, share(notional)?, limits.max_trade_fraction);
        let instrument = account.instrument_after(&request.symbol, signed)?;
        verdict.at_most(Rule::InstrumentFraction, share(instrument)?, limits.max_instrument_fraction);
        let gross = share(account.gross_after(&request.symbol, signed)?)?;
        verdict.at_most(Rule::Exposure, gross, limits.max_exposure);
        verdict.at_most(Rule::Leverage, gross, limits.max_leverage);
        let loss = self.daily_loss(account.equity)?;
        let bound = format!("below {}", limits.max_daily_loss.percent());
        verdict.push(Rule::DailyLoss, loss < limits.max_daily_loss, loss.percent(), bound);
        Ok(())
    }
}

/// Whether the order can only shrink the position.
fn reduces(held: SignedQuantity, request: &OrderRequest) -> bool {
    let opposite = if request.side.is_buy() { held.raw() < 0 } else { held.raw() > 0 };
    opposite && request.quantity <= held.magnitude()
}

fn check_increments(request: &OrderRequest, instrument: &Instrument, verdict: &mut Verdict) {
    let prices = [
        ("limit price", request.order_type.price()),
        ("stop loss", request.stop_loss),
        ("take profit", request.take_profit),
    ];
    let problem = instrument.check_quantity(request.quantity).err().or_else(|| {
        prices.into_iter().find_map(|(what, price)| price.and_then(|price| instrument.check_price(what, price).err()))
    });
    let bound = format!("multiples of tick {} and lot {}", instrument.tick_size, instrument.lot_size);
    let value = problem.as_ref().map_or_else(|| request.quantity.to_string(), ToString::to_string);
    verdict.push(Rule::Increment, problem.is_none(), value, bound);
}

fn hours(nanos: i64) -> String {
    let minutes = nanos / 60_000_000_000;
    match minutes {
        0..=119 => format!("{minutes} min old"),
        120..=2879 => format!("{} h old", minutes / 60),
        _ => format!("{} d old", minutes / 1440),
    }
}
