//! After a restart: the account from the fills in the log, the gate from what it knew.

use super::engine::{DeskError, ExecutionDesk};
use crate::matching::FillRecord;
use crate::portfolio::{Booking, PortfolioError, PositionSide};
use crate::risk::{AccountState, Execution};
use crate::types::{ClientOrderId, Money, SourceId, StrategyId, UtcNanos};

impl ExecutionDesk {
    /// Book a fill of an earlier run, on the leg of its order, in the order of the log. It counts for nothing but the
    /// account and the gate.
    ///
    /// # Errors
    /// An instrument that is not listed, or a fill that the account cannot have had: the log is of another account.
    pub fn restore_fill(
        &mut self,
        fill: &FillRecord,
        leg: PositionSide,
        strategy: StrategyId,
    ) -> Result<(), DeskError> {
        self.slot(&fill.symbol)?;
        let index = self.exchange.portfolio(self.account).and_then(|portfolio| portfolio.index_of(&fill.symbol));
        let index = index.ok_or_else(|| self.unlisted(fill.symbol))?;
        let portfolio = self.exchange.portfolio_mut(self.account)?;
        let booking = Booking {
            leg,
            fee: fill.fee,
            ts_event: Some(fill.ts_event),
            ..Booking::new(index, fill.side, fill.quantity, fill.price, fill.fill_id)
        };
        portfolio.book_fill(&booking, None).map_err(|error: PortfolioError| DeskError::from(error))?;
        self.exposure.fill(&Execution {
            client_order_id: fill.client_order_id,
            strategy,
            symbol: fill.symbol,
            side: fill.side,
            quantity: fill.quantity,
            price: fill.price,
            fee: fill.fee,
        })?;
        if fill.realised != Money::ZERO {
            let cost = self.exposure.cost(&fill.symbol, fill.price, fill.quantity);
            self.gate.note_trade(strategy, fill.realised.minus(fill.fee).unwrap_or(fill.realised), cost);
        }
        Ok(())
    }

    /// An order of an earlier run: its id and its decision are never used again.
    pub fn restore_order(&mut self, client_order_id: ClientOrderId, decision_id: SourceId) {
        self.gate.remember(client_order_id, decision_id);
    }

    /// The state the account was in; a halt stays a halt over a restart.
    pub fn restore_state(&mut self, state: AccountState, reason: &str, by: &str, since: UtcNanos) {
        // It was told when it happened; nobody has to be told again.
        let _known = self.gate.move_to(state, reason, by, since);
    }
}
