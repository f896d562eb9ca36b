//! Funding, marks, margin calls and liquidation, account by account, in that order.

use super::Exchange;
use super::config::{AccountId, AccountSettlement, ExchangeEvent};
use super::error::ExchangeError;
use super::orders::Place;
use crate::orders::{OrderRequest, OrderType, Origin};
use crate::portfolio::{
    FundingRate, InstrumentIndex, LiquidationStep, MarginState, MarkPrice, Portfolio, PositionSide, SettleEvent,
};
use crate::types::{ClientOrderId, Money, Price, Ratio, Side, SourceId, Symbol, UtcNanos};

impl Exchange {
    /// Settle one moment. For each account in turn: funding on the positions and prices as they stand (each rate comes
    /// with the price it is due at); then all marks; then the margin is looked at once; then, below the maintenance
    /// margin, its orders are cancelled and the positions that must go are closed by reduce-only market orders of the
    /// exchange, largest margin first. What these do not close is tried again at the next settlement, unless the account
    /// is bankrupt (equity below zero): then it is taken over at its marks and the insurance pays what is missing.
    ///
    /// # Errors
    /// Not listed, a price of zero or less, funding of what pays none, a time before the clock, a missing rate.
    pub fn settle(
        &mut self,
        now: UtcNanos,
        funding: &[(Symbol, Ratio, Price)],
        marks: &[(Symbol, Price)],
        events: &mut Vec<ExchangeEvent>,
        settled: &mut Vec<AccountSettlement>,
    ) -> Result<(), ExchangeError> {
        self.check_time(now)?;
        let priced = funding.iter().map(|(symbol, _, price)| (symbol, price));
        for (symbol, price) in priced.chain(marks.iter().map(|(symbol, price)| (symbol, price))) {
            self.listing_of(symbol)?;
            if *price <= Price::ZERO {
                let (what, text) = ("mark price", price.to_string());
                return Err(crate::types::AmountError::NotPositive { what, text }.into());
            }
        }
        for (symbol, ..) in funding {
            let instrument = &self.listing_of(symbol)?.instrument;
            if instrument.kind != crate::types::InstrumentKind::Perpetual {
                let kind = instrument.kind.as_str();
                return Err(crate::portfolio::PortfolioError::NoFunding { symbol: *symbol, kind }.into());
            }
        }
        let done = self.settle_all(now, funding, marks, events, settled);
        self.halt(done)
    }

    fn settle_all(
        &mut self,
        now: UtcNanos,
        funding: &[(Symbol, Ratio, Price)],
        marks: &[(Symbol, Price)],
        events: &mut Vec<ExchangeEvent>,
        settled: &mut Vec<AccountSettlement>,
    ) -> Result<(), ExchangeError> {
        self.pass_time(now, events)?;
        for (symbol, price) in marks {
            let number = self.listing_number(symbol)?;
            self.listing_mut(number)?.mark = Some(*price);
        }
        // All accounts are funded and marked before the first is looked at: who is liquidated first moves nobody's mark.
        for account in self.accounts() {
            self.fund_and_mark(account, funding, marks, settled)?;
        }
        for account in self.accounts() {
            self.look_at_margin(account, events, settled)?;
            self.cascade(events)?;
        }
        Ok(())
    }

    fn fund_and_mark(
        &mut self,
        id: AccountId,
        funding: &[(Symbol, Ratio, Price)],
        marks: &[(Symbol, Price)],
        settled: &mut Vec<AccountSettlement>,
    ) -> Result<(), ExchangeError> {
        let now = self.now;
        let account = self.account_mut(id.0)?;
        let held = |symbol: &Symbol, portfolio: &Portfolio| {
            let index = portfolio.index_of(symbol)?;
            [PositionSide::Net, PositionSide::Short]
                .into_iter()
                .any(|leg| portfolio.leg(index, leg).is_some_and(|position| position.quantity.raw() != 0))
                .then_some(index)
        };
        let due: Vec<FundingRate> = funding
            .iter()
            .filter_map(|(symbol, rate, price)| {
                let instrument = held(symbol, &account.portfolio)?;
                Some(FundingRate { instrument, rate: *rate, price: *price })
            })
            .collect();
        let mut happened = Vec::new();
        if !due.is_empty() {
            account.portfolio.settle(now, &due, &[], &mut happened)?;
        }
        for (symbol, price) in marks {
            if let Some(instrument) = account.portfolio.index_of(symbol) {
                account.portfolio.mark_index(instrument, *price);
                if held(symbol, &account.portfolio).is_some() {
                    happened.push(SettleEvent::Marked(MarkPrice { instrument, price: *price }));
                }
            }
        }
        settled.extend(happened.into_iter().map(|event| AccountSettlement { account: id, event }));
        Ok(())
    }

    fn look_at_margin(
        &mut self,
        id: AccountId,
        events: &mut Vec<ExchangeEvent>,
        settled: &mut Vec<AccountSettlement>,
    ) -> Result<(), ExchangeError> {
        let portfolio = &self.account(id.0)?.portfolio;
        if portfolio.legs().all(|(.., position)| position.quantity.raw() == 0) {
            return Ok(());
        }
        let steps = match portfolio.margin_state()? {
            MarginState::Healthy => return Ok(()),
            MarginState::Call { equity, maintenance, call_at } => {
                let event = SettleEvent::MarginCall { equity, maintenance, call_at };
                settled.push(AccountSettlement { account: id, event });
                return Ok(());
            }
            MarginState::Liquidate(steps) => steps,
        };
        self.cancel_for_liquidation(id, events)?;
        for step in &steps {
            self.close_position(id, step, events)?;
            self.cascade(events)?;
        }
        let account = self.account_mut(id.0)?;
        let bankrupt = account.portfolio.margin_figures()?.equity < Money::ZERO;
        let left = matches!(account.portfolio.margin_state()?, MarginState::Liquidate(_));
        if bankrupt && left {
            let now = self.now;
            let mut happened = Vec::new();
            self.account_mut(id.0)?.portfolio.settle(now, &[], &[], &mut happened)?;
            settled.extend(happened.into_iter().map(|event| AccountSettlement { account: id, event }));
            self.cancel_for_liquidation(id, events)?;
        }
        Ok(())
    }

    /// Nothing of the account works any more, except closes that are on their way already.
    fn cancel_for_liquidation(&mut self, id: AccountId, events: &mut Vec<ExchangeEvent>) -> Result<(), ExchangeError> {
        let mut keys = self.account(id.0)?.open.clone();
        keys.sort_unstable();
        for key in keys {
            // What is on its way is not here yet and cannot be cancelled; it will find nothing to spend.
            let goes = self.orders.get(key).is_some_and(|order| !order.liquidates && order.place != Place::InFlight);
            if goes {
                self.cancel_now(key, "liquidation: equity is below the maintenance margin", events)?;
            }
        }
        self.cascade_urgent(events)
    }

    /// Close one position by a market order of the exchange's own.
    fn close_position(
        &mut self,
        id: AccountId,
        step: &LiquidationStep,
        events: &mut Vec<ExchangeEvent>,
    ) -> Result<(), ExchangeError> {
        let leg = step.leg;
        let Some((symbol, side, price)) = self.position_of(id, step.instrument, leg)? else { return Ok(()) };
        let listing = self.listing_number(&symbol)?;
        let on_its_way = self.account(id.0)?.open.iter().any(|key| {
            self.orders.get(*key).is_some_and(|order| {
                order.liquidates && order.listing == listing && order.record.request.position_side == step.leg
            })
        });
        if on_its_way {
            return Ok(());
        }
        // Ids of the exchange's own orders count with all orders, so they are never used twice.
        let name = format!("{}LIQ-{}-{}", self.config.liquidations, id.number(), self.orders.next_number());
        let client_order_id = ClientOrderId::parse(&name)?;
        let decision_id = SourceId::parse(&name)?;
        let request = OrderRequest {
            origin: Origin::Risk,
            reduce_only: true,
            position_side: leg,
            ..OrderRequest::new(client_order_id, decision_id, symbol, side, step.quantity, OrderType::Market, price)
        };
        let key = self.enter(id.0, listing, &request, false)?;
        self.by_key_mut(key)?.liquidates = true;
        events.push(ExchangeEvent {
            account: id,
            execution: None,
            event: crate::matching::VenueEvent::Attached(Box::new(request)),
        });
        self.arrive(key, false, events)
    }

    fn position_of(
        &self,
        id: AccountId,
        index: InstrumentIndex,
        leg: PositionSide,
    ) -> Result<Option<(Symbol, Side, Price)>, ExchangeError> {
        let portfolio = &self.account(id.0)?.portfolio;
        let Some(symbol) = portfolio.instrument(index).map(|instrument| instrument.symbol) else { return Ok(None) };
        let Some(position) = portfolio.leg(index, leg).filter(|position| position.quantity.raw() != 0) else {
            return Ok(None);
        };
        let side = if position.quantity.raw() > 0 { Side::Sell } else { Side::Buy };
        Ok(Some((symbol, side, position.last_price)))
    }
}
