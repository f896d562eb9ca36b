//! What happens at one moment, in one fixed order: funding, marks, margin, liquidation.
//!
//! Funding is paid on the positions and prices as they stood before the new marks (each funding rate brings the price it
//! is due at); then all marks are applied; then the margin is looked at once; then positions are closed at their marks in
//! the order of [`super::margin`] until the account stands. What is lost beyond the cap - the position's own margin when
//! isolated, the account otherwise - is a [`SettleEvent::Deficit`] that the venue's insurance pays: no balance is left
//! negative by a liquidation. (A close by the holder's own order is charged in full; what it leaves owing is covered when
//! the account is next settled without positions.) All or nothing: after an error the account is as it was.

use super::booking::Booking;
use super::margin::{LiquidationStep, MarginState};
use super::position::{PositionSide, value_of};
use super::{Balance, InstrumentIndex, Leg, Portfolio, PortfolioError};
use crate::types::{Currency, InstrumentKind, Money, Price, Quantity, Ratio, Side, TradeId, UtcNanos};

/// Funding that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FundingRate {
    /// A perpetual.
    pub instrument: InstrumentIndex,
    /// Share of the notional; longs pay a positive rate, shorts receive it.
    pub rate: Ratio,
    /// Mark price that the notional is taken at.
    pub price: Price,
}

/// A new mark price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkPrice<I = InstrumentIndex> {
    /// What.
    pub instrument: I,
    /// Its price.
    pub price: Price,
}

/// What moves an account beside trades, in the order it happened. In the account `I` is an index; a log names the symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettleEvent<I = InstrumentIndex> {
    /// Funding was received (positive) or paid (negative).
    Funding {
        /// Perpetual.
        instrument: I,
        /// Leg.
        leg: PositionSide,
        /// Amount in the instrument's currency.
        amount: Money,
    },
    /// An instrument has a new price.
    Marked(MarkPrice<I>),
    /// The account (isolated: its worst position) is below the call level.
    MarginCall {
        /// What backs it.
        equity: Money,
        /// Maintenance margin.
        maintenance: Money,
        /// The call level in money.
        call_at: Money,
    },
    /// A position was closed at its mark.
    Liquidated {
        /// What.
        instrument: I,
        /// Leg.
        leg: PositionSide,
        /// Direction of the close.
        side: Side,
        /// How much.
        quantity: Quantity,
        /// At which price.
        price: Price,
        /// Profit it realised, before its fee.
        realised: Money,
        /// What the forced close cost.
        fee: Money,
    },
    /// A loss beyond the cap, paid by the venue's insurance. Negative for what was left in another currency and went
    /// towards it.
    Deficit {
        /// Currency.
        currency: Currency,
        /// Amount.
        amount: Money,
    },
    /// A trading day began: what was bought under T+1 may be sold.
    TradingDay,
}

impl<I> SettleEvent<I> {
    /// Wire value.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Funding { .. } => "funding",
            Self::Marked(_) => "marked",
            Self::MarginCall { .. } => "margin_call",
            Self::Liquidated { .. } => "liquidated",
            Self::Deficit { .. } => "deficit",
            Self::TradingDay => "trading_day",
        }
    }

    /// The same with its instrument named another way.
    ///
    /// # Errors
    /// What `name` says.
    pub fn named<J, E>(self, name: impl FnOnce(I) -> Result<J, E>) -> Result<SettleEvent<J>, E> {
        Ok(match self {
            Self::Funding { instrument, leg, amount } => {
                SettleEvent::Funding { instrument: name(instrument)?, leg, amount }
            }
            Self::Marked(MarkPrice { instrument, price }) => {
                SettleEvent::Marked(MarkPrice { instrument: name(instrument)?, price })
            }
            Self::MarginCall { equity, maintenance, call_at } => {
                SettleEvent::MarginCall { equity, maintenance, call_at }
            }
            Self::Liquidated { instrument, leg, side, quantity, price, realised, fee } => {
                SettleEvent::Liquidated { instrument: name(instrument)?, leg, side, quantity, price, realised, fee }
            }
            Self::Deficit { currency, amount } => SettleEvent::Deficit { currency, amount },
            Self::TradingDay => SettleEvent::TradingDay,
        })
    }
}

/// What a light undo needs of one instrument.
struct Before {
    instrument: InstrumentIndex,
    long: (Price, Money),
    short: (Price, Money),
}

impl Portfolio {
    /// Settle one moment; appends what happened to `events`.
    ///
    /// # Errors
    /// A time before the account's last, a price of zero or less, funding of anything but a perpetual, a missing or old
    /// rate, overflow. Nothing is changed then and nothing appended.
    pub fn settle(
        &mut self,
        now: UtcNanos,
        funding: &[FundingRate],
        marks: &[MarkPrice],
        events: &mut Vec<SettleEvent>,
    ) -> Result<(), PortfolioError> {
        if now < self.now {
            return Err(PortfolioError::reversed(now, self.now));
        }
        self.check_settlement(funding, marks)?;
        let (kept, balances, last) = (events.len(), self.balances.clone(), self.now);
        let touched = funding.iter().map(|due| due.instrument).chain(marks.iter().map(|mark| mark.instrument));
        let before: Vec<Before> = touched.filter_map(|instrument| self.before(instrument)).collect();
        self.now = now;
        let done = self.settle_steps(funding, marks, events);
        if done.is_err() {
            events.truncate(kept);
            self.now = last;
            // Backwards, so that the oldest figures of an instrument named twice win.
            for entry in before.iter().rev() {
                self.restore(entry);
            }
            self.balances = balances;
        }
        done
    }

    fn check_settlement(&self, funding: &[FundingRate], marks: &[MarkPrice]) -> Result<(), PortfolioError> {
        for due in funding {
            let instrument = &self.holding(due.instrument)?.instrument;
            if instrument.kind != InstrumentKind::Perpetual {
                let (symbol, kind) = (instrument.symbol, instrument.kind.as_str());
                return Err(PortfolioError::NoFunding { symbol, kind });
            }
        }
        let priced = funding.iter().map(|due| (due.instrument, due.price));
        for (instrument, price) in priced.chain(marks.iter().map(|mark| (mark.instrument, mark.price))) {
            self.holding(instrument)?;
            if price <= Price::ZERO {
                return Err(PortfolioError::NotPositive { what: "mark price", value: price.to_string() });
            }
        }
        Ok(())
    }

    fn before(&self, instrument: InstrumentIndex) -> Option<Before> {
        let of = |leg: &Leg| (leg.position.last_price, leg.position.margin);
        self.holdings.get(instrument.slot()).map(|holding| Before {
            instrument,
            long: of(&holding.long),
            short: of(&holding.short),
        })
    }

    fn restore(&mut self, before: &Before) {
        let isolated = self.terms.kind.is_isolated();
        if let Some(holding) = self.holdings.get_mut(before.instrument.slot()) {
            let terms = holding.terms;
            for (leg, (price, margin)) in [(&mut holding.long, before.long), (&mut holding.short, before.short)] {
                (leg.position.last_price, leg.position.margin) = (price, margin);
                leg.refresh(&terms, isolated);
            }
        }
    }

    fn settle_steps(
        &mut self,
        funding: &[FundingRate],
        marks: &[MarkPrice],
        events: &mut Vec<SettleEvent>,
    ) -> Result<(), PortfolioError> {
        for due in funding {
            self.fund(due, events)?;
        }
        for mark in marks {
            self.mark_index(mark.instrument, mark.price);
            events.push(SettleEvent::Marked(*mark));
        }
        match self.margin_state()? {
            MarginState::Healthy => Ok(()),
            MarginState::Call { equity, maintenance, call_at } => {
                events.push(SettleEvent::MarginCall { equity, maintenance, call_at });
                Ok(())
            }
            MarginState::Liquidate(steps) => {
                // Rare and long: done on a copy that replaces the account only when all of it succeeds.
                let mut next = self.clone();
                next.liquidate(steps, events)?;
                *self = next;
                Ok(())
            }
        }
    }

    fn fund(&mut self, due: &FundingRate, events: &mut Vec<SettleEvent>) -> Result<(), PortfolioError> {
        for leg in [self.first_leg(), PositionSide::Short] {
            let holding = self.holding(due.instrument)?;
            let position = &holding.leg(leg).position;
            if position.quantity.raw() == 0 {
                continue;
            }
            let notional = super::rates::money(value_of(due.price, position.units))?;
            let amount = notional.times(due.rate)?.negated();
            self.credit_funding(due.instrument, leg, amount)?;
            events.push(SettleEvent::Funding { instrument: due.instrument, leg, amount });
        }
        Ok(())
    }

    /// Funding of one leg, into its balance and, where it has one, its own margin. All or nothing.
    fn credit_funding(
        &mut self,
        instrument: InstrumentIndex,
        leg: PositionSide,
        amount: Money,
    ) -> Result<(), PortfolioError> {
        let isolated = self.terms.kind.is_isolated();
        let holding = self.holding(instrument)?;
        let (terms, margin) = (holding.terms, holding.leg(leg).position.margin);
        let margin = if isolated { margin.plus(amount)? } else { margin };
        let mut balance = *self.slot(terms.settle)?;
        balance.total = balance.total.plus(amount)?;
        balance.funding = balance.funding.plus(amount)?;
        if isolated {
            balance.isolated = balance.isolated.plus(amount)?;
        }
        if let Some(holding) = self.holdings.get_mut(instrument.slot()) {
            let state = holding.leg_mut(leg);
            state.position.margin = margin;
            let (old, new) = state.refresh(&terms, isolated);
            balance.sums.replace(&old, &new);
        }
        self.put(terms.settle, balance);
        Ok(())
    }

    /// After a restart: what a settlement of an earlier run did to the account.
    ///
    /// # Errors
    /// An instrument or currency that the account does not have, overflow; nothing is changed then.
    pub fn restore_settled(&mut self, event: &SettleEvent) -> Result<(), PortfolioError> {
        match *event {
            SettleEvent::Funding { instrument, leg, amount } => self.credit_funding(instrument, leg, amount),
            SettleEvent::Liquidated { instrument, leg, side, quantity, price, fee, .. } => {
                let fill = Booking { leg, fee, ..Booking::new(instrument, side, quantity, price, TradeId::EMPTY) };
                self.book_fill(&fill, None).map(|_realised| ())
            }
            SettleEvent::Deficit { currency, amount } => {
                let slot = self.balances.iter().position(|balance| balance.currency == currency);
                let slot = slot.ok_or(PortfolioError::NoBalance { currency })?;
                self.cover(slot, amount, &mut Vec::new())
            }
            SettleEvent::Marked(mark) => {
                self.mark_index(mark.instrument, mark.price);
                Ok(())
            }
            SettleEvent::MarginCall { .. } => Ok(()),
            SettleEvent::TradingDay => {
                self.start_trading_day();
                Ok(())
            }
        }
    }

    /// Close in order until the account stands, then cover what is beyond the cap.
    fn liquidate(&mut self, steps: Vec<LiquidationStep>, events: &mut Vec<SettleEvent>) -> Result<(), PortfolioError> {
        let mut steps = steps;
        // A round closes at least one position; a second one is needed only where rounding left the account a unit
        // short.
        while !steps.is_empty() {
            for step in &steps {
                self.close(step, events)?;
            }
            steps = match self.margin_state()? {
                MarginState::Liquidate(steps) => steps,
                MarginState::Healthy | MarginState::Call { .. } => Vec::new(),
            };
        }
        self.cover_account(events)
    }

    fn close(&mut self, step: &LiquidationStep, events: &mut Vec<SettleEvent>) -> Result<(), PortfolioError> {
        let LiquidationStep { instrument, leg, quantity, .. } = *step;
        let holding = self.holding(instrument)?;
        let (terms, position) = (holding.terms, &holding.leg(leg).position);
        let side = if position.quantity.raw() > 0 { Side::Sell } else { Side::Buy };
        let (price, margin, whole) = (position.last_price, position.margin, position.quantity.magnitude());
        let released = margin.share(quantity, whole);
        let notional = holding.instrument.notional(price, quantity)?;
        let fee = super::position::margin_of(i128::from(notional.raw()), self.terms.liquidation_fee);
        let fee = super::rates::money(fee)?;
        let fill = Booking { leg, fee, ..Booking::new(instrument, side, quantity, price, TradeId::EMPTY) };
        let realised = self.book_fill(&fill, None)?;
        events.push(SettleEvent::Liquidated { instrument, leg, side, quantity, price, realised, fee });
        if self.terms.kind.is_isolated() {
            let left = released.plus(realised)?.minus(fee)?;
            if left < Money::ZERO {
                self.cover(terms.settle, left.negated(), events)?;
            }
        }
        Ok(())
    }

    /// Once everything is closed: the insurance takes over an account that owes on balance (cross) and every balance
    /// that owes (isolated).
    fn cover_account(&mut self, events: &mut Vec<SettleEvent>) -> Result<(), PortfolioError> {
        let isolated = self.terms.kind.is_isolated();
        let owes = if isolated {
            self.owes_without_positions()
        } else {
            self.open_legs().next().is_none() && self.margin_figures()?.equity < Money::ZERO
        };
        if !owes {
            return Ok(());
        }
        let mut slots: Vec<(Currency, usize)> =
            self.balances.iter().enumerate().map(|(slot, balance)| (balance.currency, slot)).collect();
        slots.sort_unstable();
        for (_, slot) in slots {
            let total = self.slot(slot)?.total;
            if total < Money::ZERO || (!isolated && total > Money::ZERO) {
                self.cover(slot, total.negated(), events)?;
            }
        }
        Ok(())
    }

    fn cover(&mut self, slot: usize, amount: Money, events: &mut Vec<SettleEvent>) -> Result<(), PortfolioError> {
        let balance = *self.slot(slot)?;
        let (total, deficit) = (balance.total.plus(amount)?, balance.deficit.plus(amount)?);
        self.put(slot, Balance { total, deficit, ..balance });
        events.push(SettleEvent::Deficit { currency: balance.currency, amount });
        Ok(())
    }
}
