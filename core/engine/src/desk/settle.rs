//! What moves the account beside trades: funding, marks, margin, liquidation, and the trading day of T+1 shares.

use super::engine::{DeskError, ExecutionDesk};
use super::events::{DeskEvent, Settled};
use crate::portfolio::{InstrumentIndex, PortfolioError, SettleEvent};
use crate::risk::Execution;
use crate::types::{ClientOrderId, Price, Ratio, StrategyId, Symbol, UtcNanos};

impl ExecutionDesk {
    /// Settle one moment: funding on the positions as they stand (a rate comes with the price it is due at), then all
    /// marks, then the margin is looked at once. Below the maintenance margin orders are cancelled and positions closed by
    /// orders of the venue, largest margin first; a bankrupt account is taken over at its marks and the insurance pays.
    /// What the account was charged or given are [`DeskEvent::Settled`] events, in that order, trades like any others.
    ///
    /// # Errors
    /// Not listed, a price of zero or less, funding of what pays none, a time before the clock; nothing was changed then.
    pub fn settle(
        &mut self,
        now: UtcNanos,
        funding: &[(Symbol, Ratio, Price)],
        marks: &[(Symbol, Price)],
    ) -> Result<(), DeskError> {
        self.ring.ready();
        let mut events = std::mem::take(&mut self.scratch);
        let mut happened = Vec::new();
        let done = self.exchange.settle(now, funding, marks, &mut events, &mut happened);
        let settled = happened.iter().filter(|settled| settled.account == self.account).map(|settled| settled.event);
        let settled: Vec<SettleEvent> = settled.collect();
        let (funded, others): (Vec<_>, Vec<_>) =
            settled.into_iter().partition(|event| matches!(event, SettleEvent::Funding { .. }));
        let mut told = self.tell_settled(&funded);
        // The account was marked before its positions were closed: in the same order here, so both keep the same prices.
        if done.is_ok() {
            for (symbol, price) in marks {
                told = told.and(self.exposure.mark(symbol, *price).map_err(DeskError::from));
            }
        }
        told = told.and(self.absorb(&mut events));
        self.scratch = events;
        told = told.and(self.tell_settled(&others));
        done?;
        told?;
        let equity = self.totals()?.equity;
        self.exposure.set_equity(equity);
        for event in self.gate.mark(now, equity) {
            self.ring.push(DeskEvent::Risk(Box::new(event)));
        }
        self.settle_parents(now);
        Ok(())
    }

    /// What a settlement did, as events.
    fn tell_settled(&mut self, settled: &[SettleEvent]) -> Result<(), DeskError> {
        for event in settled.iter().filter(|event| !matches!(event, SettleEvent::Marked(_))) {
            let told = event.named(|instrument| self.symbol_of(instrument))?;
            self.expose(&told)?;
            self.ring.push(DeskEvent::Settled(told));
        }
        Ok(())
    }

    /// A position that was taken over leaves the gate's sums too.
    fn expose(&mut self, settled: &Settled) -> Result<(), DeskError> {
        if let Settled::Liquidated { instrument: symbol, side, quantity, price, fee, .. } = *settled {
            let (client_order_id, strategy) = (ClientOrderId::EMPTY, StrategyId::EMPTY);
            self.exposure.fill(&Execution { client_order_id, strategy, symbol, side, quantity, price, fee })?;
        }
        Ok(())
    }

    fn symbol_of(&self, instrument: InstrumentIndex) -> Result<Symbol, DeskError> {
        let listed = self.portfolio()?.instrument(instrument).map(|instrument| instrument.symbol);
        listed.ok_or_else(|| PortfolioError::UnknownIndex(instrument.number()).into())
    }

    /// A trading day begins: shares that were bought under T+1 may be sold from now on.
    ///
    /// # Errors
    /// Never for an account of this desk.
    pub fn start_trading_day(&mut self) -> Result<(), DeskError> {
        self.ring.ready();
        self.exchange.portfolio_mut(self.account)?.start_trading_day();
        self.ring.push(DeskEvent::Settled(Settled::TradingDay));
        Ok(())
    }

    /// After a restart: what a settlement of an earlier run did, in the order of the log, between the fills it stood
    /// between.
    ///
    /// # Errors
    /// An instrument that is not listed, or what the account cannot have had: the log is of another account.
    pub fn restore_settled(&mut self, settled: &Settled) -> Result<(), DeskError> {
        let event = settled.named(|symbol| {
            let known = self.exchange.portfolio(self.account).and_then(|portfolio| portfolio.index_of(&symbol));
            known.ok_or_else(|| self.unlisted(symbol))
        })?;
        self.expose(settled)?;
        self.exchange.portfolio_mut(self.account)?.restore_settled(&event)?;
        let equity = self.totals()?.equity;
        self.exposure.set_equity(equity);
        Ok(())
    }
}
