//! Evaluation: facts are gathered once, then every rule of the table measures, then the first breach refuses.

use std::collections::BTreeSet;

use super::RiskError;
use super::activity::{Activity, Prints};
use super::exposure::{Account, Exposure};
use super::facts::{Facts, Quote, TopOfBook};
use super::limits::Limits;
use super::marks::Marks;
use super::rules::{all_hold, rule_on_all};
use super::scaling::Scale;
use super::state::RiskState;
use super::stats::{InstrumentStats, StrategyStats};
use super::verdict::{Refused, Verdict};
use super::watch::Levels;
use crate::orders::OrderRequest;
use crate::types::dense::Dense;
use crate::types::{
    ClientOrderId, Instrument, Money, Price, Quantity, Ratio, SCALE, SourceId, StrategyId, Symbol, UtcNanos,
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

/// An order that passed the gate and is still its sender's: what [`Approved`] is, without a copy of the request.
///
/// ```compile_fail
/// // Here, too, an unchecked order does not compile.
/// fn forged(request: &deepalpha_engine::orders::OrderRequest) -> deepalpha_engine::risk::Approval<'_> {
///     deepalpha_engine::risk::Approval { request, valid: true }
/// }
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Approval<'a> {
    request: &'a OrderRequest,
    /// Whether the gate has just found nothing wrong with the request itself, its rule about that being on or off.
    valid: bool,
}

impl Approval<'_> {
    /// What was approved.
    #[must_use]
    pub const fn request(&self) -> &OrderRequest {
        self.request
    }

    /// Whether the request passed [`OrderRequest::validate`] with the gate's instrument and time.
    pub(crate) const fn is_valid(&self) -> bool {
        self.valid
    }
}

/// What the market says at the moment of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Market {
    /// Last price.
    pub quote: Option<Quote>,
    /// Best bid and offer.
    pub book: Option<TopOfBook>,
}

impl From<Option<Quote>> for Market {
    fn from(quote: Option<Quote>) -> Self {
        Self { quote, book: None }
    }
}

/// How an order came out, and what is remembered of it when it passes.
pub(super) struct Ruled {
    holds: bool,
    /// Whether something is wrong with the request itself.
    malformed: bool,
    reduces: bool,
    /// Its value; zero when it only reduces.
    notional: Money,
    /// Whether its id, decision or intent came before.
    seen: [bool; 3],
    /// Where the figures of its instrument are.
    figures: Option<usize>,
}

/// The gate: limits plus what it remembers.
#[derive(Clone, Debug, Default)]
pub struct RiskGate {
    pub(super) limits: Limits,
    pub(super) state: RiskState,
    pub(super) marks: Marks,
    pub(super) marked: UtcNanos,
    /// Marks up to here came with a snapshot.
    pub(super) replayed: Option<UtcNanos>,
    pub(super) io_trouble: Option<String>,
    pub(super) levels: Levels,
    activity: Activity,
    strategies: Dense<StrategyId, StrategyStats>,
    instruments: Dense<Symbol, InstrumentStats>,
}

impl RiskGate {
    /// A gate that is armed and has seen nothing.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// The bounds in force.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Change bounds while running; what was remembered stays.
    pub fn limits_mut(&mut self) -> &mut Limits {
        &mut self.limits
    }

    /// The account's state with who, why and when.
    #[must_use]
    pub const fn state(&self) -> &RiskState {
        &self.state
    }

    /// Equity over time.
    #[must_use]
    pub const fn marks(&self) -> &Marks {
        &self.marks
    }

    /// The log cannot be written (or can again): new orders are refused, cancels and reductions go on.
    pub fn set_io_trouble(&mut self, trouble: Option<String>) {
        self.io_trouble = trouble;
    }

    /// Why nothing can be written, if so.
    #[must_use]
    pub fn io_trouble(&self) -> Option<&str> {
        self.io_trouble.as_deref()
    }

    /// After a restart: this order was approved in an earlier run.
    pub fn remember(&mut self, client_order_id: ClientOrderId, decision_id: SourceId) {
        self.activity.remember(&client_order_id, &decision_id);
    }

    /// A cancel was asked for; it counts for the cancel rate and is never refused.
    pub fn note_cancel(&mut self, now: UtcNanos) {
        self.activity.cancelled(now);
    }

    /// A strategy closed a trade that cost `cost` with this profit after fees.
    pub fn note_trade(&mut self, strategy: StrategyId, profit: Money, cost: Money) {
        let cost = if cost == Money::ZERO { Money::from_raw(SCALE) } else { cost.magnitude() };
        let limit = if profit < Money::ZERO { Ratio::from_raw(i64::MIN) } else { Ratio::from_raw(i64::MAX) };
        self.strategies.entry(strategy).closed(profit.ratio_to(cost).unwrap_or(limit));
    }

    /// A person looked at a strategy: its row of losses begins anew.
    pub fn forgive_losses(&mut self, strategy: &str) {
        if let Some(known) = self.strategies.get_mut_by_text(strategy) {
            known.consecutive_losses = 0;
        }
    }

    /// What is known of a strategy.
    #[must_use]
    pub fn strategy(&self, strategy: &str) -> Option<&StrategyStats> {
        self.strategies.get_by_text(strategy)
    }

    /// Strategies with trades or positions, by name.
    pub(super) fn strategy_names(&self, account: &Exposure) -> BTreeSet<StrategyId> {
        self.strategies.keys().chain(account.strategy_names()).copied().filter(|name| !name.is_empty()).collect()
    }

    /// What is known of an instrument.
    #[must_use]
    pub fn instrument(&self, symbol: &str) -> Option<&InstrumentStats> {
        self.instruments.get_by_text(symbol)
    }

    /// Tell the market's figures of an instrument; what is unknown is none.
    pub fn know(
        &mut self,
        symbol: Symbol,
        daily_volume: Option<Quantity>,
        volatility: Option<Ratio>,
        correlation: Option<Ratio>,
    ) {
        let known = self.instruments.entry(symbol);
        (known.daily_volume, known.volatility, known.correlation) = (daily_volume, volatility, correlation);
    }

    /// Equity the day began with.
    #[must_use]
    pub fn day_start(&self) -> Option<Money> {
        self.marks.day.map(|(_, equity)| equity)
    }

    /// Evaluate every rule; nothing is remembered. What a person sees before the click.
    ///
    /// # Errors
    /// Amounts beyond any account.
    pub fn preview(
        &self,
        request: &OrderRequest,
        instrument: &Instrument,
        account: &impl Account,
        market: impl Into<Market>,
        now: UtcNanos,
    ) -> Result<Verdict, RiskError> {
        let mut verdict = Verdict::default();
        let exposure = account.exposure(&self.limits.clusters)?;
        let prints = Prints::of(request);
        self.evaluate(request, instrument, &exposure, market.into(), now, &prints, Some(&mut verdict))?;
        Ok(verdict)
    }

    /// Rule on an order and tell how every rule came out; an [`Approved`] is made nowhere else.
    ///
    /// # Errors
    /// Amounts beyond any account; nothing is remembered then.
    pub fn check(
        &mut self,
        request: OrderRequest,
        instrument: &Instrument,
        account: &impl Account,
        market: impl Into<Market>,
        now: UtcNanos,
    ) -> Result<(Verdict, Result<Approved, Refused>), RiskError> {
        let (mut verdict, prints) = (Verdict::default(), Prints::of(&request));
        let exposure = account.exposure(&self.limits.clusters)?;
        let ruled = self.evaluate(&request, instrument, &exposure, market.into(), now, &prints, Some(&mut verdict))?;
        if let Some(refusal) = verdict.refusal() {
            return Ok((verdict, Err(refusal)));
        }
        self.keep(&request, &prints, &ruled, now);
        Ok((verdict, Ok(Approved { request })))
    }

    /// As [`RiskGate::check`] for a sender that only asks whether the order may go: the same rules without a line for
    /// each, no allocation and no copy. A refusal is worded by a second look.
    ///
    /// # Errors
    /// Amounts beyond any account; nothing is remembered then.
    pub fn approve<'a>(
        &mut self,
        request: &'a OrderRequest,
        instrument: &Instrument,
        account: &impl Account,
        market: impl Into<Market>,
        now: UtcNanos,
    ) -> Result<Result<Approval<'a>, Refused>, RiskError> {
        let (market, prints) = (market.into(), Prints::of(request));
        let exposure = account.exposure(&self.limits.clusters)?;
        let ruled = self.evaluate(request, instrument, &exposure, market, now, &prints, None)?;
        if ruled.holds {
            self.keep(request, &prints, &ruled, now);
            return Ok(Ok(Approval { request, valid: !ruled.malformed }));
        }
        let refusal = self.preview(request, instrument, &*exposure, market, now)?.refusal();
        let (client_order_id, problem) = (request.client_order_id, "refused by a rule that then held");
        // The same rules of the same facts: there is always one, and nothing passes if not.
        refusal.map(Err).ok_or_else(|| RiskError::Order { client_order_id: client_order_id.to_string(), problem })
    }

    /// Remember an order that passed.
    #[inline]
    fn keep(&mut self, request: &OrderRequest, prints: &Prints, ruled: &Ruled, now: UtcNanos) {
        let opening = (!ruled.reduces).then_some(ruled.notional);
        self.activity.approved(prints, ruled.seen, now, opening);
        if !ruled.reduces {
            self.instruments.entry_at(ruled.figures, request.symbol).quantities.push(request.quantity.raw());
        }
    }

    /// Every rule, into `verdict` where somebody wants to know how each came out.
    #[expect(clippy::too_many_arguments, reason = "the parts of one question")]
    pub(super) fn evaluate(
        &self,
        request: &OrderRequest,
        instrument: &Instrument,
        account: &Exposure,
        market: Market,
        now: UtcNanos,
        prints: &Prints,
        verdict: Option<&mut Verdict>,
    ) -> Result<Ruled, RiskError> {
        let problem = request.validate(instrument, now).err();
        let row = account.row_by(&request.symbol);
        let reduces = problem.is_none() && row.is_some_and(|row| row.shrinks(request));
        let last = market.quote.map_or(request.reference_price, |quote| quote.price);
        let price = request.order_type.price().map_or(last, |limit| limit.max(last));
        // What is malformed is refused by its rule; it has no value that could be summed.
        let sized = problem.is_none() && !reduces && price > Price::ZERO;
        let value = if sized { instrument.notional(price, request.quantity)? } else { Money::ZERO };
        let figures = self.instruments.find(&request.symbol);
        let statistics = figures.and_then(|slot| self.instruments.at(slot));
        let scale = if self.limits.scaling.is_on() {
            let concentration = self.limits.scaling.concentration.and_then(|_| account.totals().concentration());
            self.limits.scaling.of(statistics, last, instrument.multiplier, concentration)
        } else {
            Scale::default()
        };
        let seen = self.activity.seen(prints, now, self.limits.duplicate_window);
        let malformed = problem.is_some();
        let facts = Facts {
            request,
            instrument,
            now,
            quote: market.quote,
            book: market.book,
            price,
            notional: value,
            reduces,
            malformed,
            after: account.after(request, row, value)?,
            state: self.state.state,
            io_trouble: self.io_trouble.is_some(),
            marks: &self.marks,
            activity: &self.activity,
            strategy: self.strategies.get(&request.strategy),
            statistics,
            seen,
            allow_short: self.limits.shorts(&request.symbol),
            scale: scale.total,
        };
        let own = self.limits.overrides(&request.strategy, &request.symbol);
        let bounds = own.as_ref().unwrap_or_else(|| self.limits.table());
        let holds = match verdict {
            Some(verdict) => {
                verdict.begin(problem.map(|problem| problem.to_string()), scale, value);
                verdict.rule(|lines| {
                    if reduces {
                        rule_on_all::<true>(&facts, bounds, lines)
                    } else {
                        rule_on_all::<false>(&facts, bounds, lines)
                    }
                });
                verdict.approved()
            }
            None if reduces => all_hold::<true>(&facts, bounds),
            None => all_hold::<false>(&facts, bounds),
        };
        Ok(Ruled { holds, malformed, reduces, notional: value, seen, figures })
    }
}
