//! An account at the exchange: its portfolio and what the exchange keeps beside it.

use std::collections::{BTreeMap, HashSet, VecDeque};

use super::error::ExchangeError;
use crate::matching::{Bracket, Charges, FeeModel, Liquidity, OcoGroups, RollingVolume};
use crate::orders;
use crate::portfolio::{InstrumentIndex, Portfolio, PortfolioError, PositionSide};
use crate::types::{ClientOrderId, Instrument, Money, Price, Quantity, Ratio, SCALE, Side, UtcNanos};

/// Stop and target around a position, with the order that they were asked by.
#[derive(Clone, Debug, Default)]
pub(super) struct Protection {
    pub bracket: Bracket<u64>,
    /// The order whose fill set the levels.
    pub opener: Option<orders::OrderRequest>,
    /// Protective orders made so far, for their ids: it only counts up, so that no id comes twice, whoever opens.
    pub made: u32,
}

/// OCO groups of which an order has traded, as many as orders are remembered.
#[derive(Clone, Debug, Default)]
pub(super) struct DoneGroups {
    known: HashSet<ClientOrderId>,
    order: VecDeque<ClientOrderId>,
}

impl DoneGroups {
    pub(super) fn insert(&mut self, group: ClientOrderId, most: usize) {
        if self.known.insert(group) {
            self.order.push_back(group);
        }
        if self.order.len() > most
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    pub(super) fn contains(&self, group: &ClientOrderId) -> bool {
        self.known.contains(group)
    }
}

#[derive(Clone, Debug)]
pub(super) struct Account {
    pub portfolio: Portfolio,
    pub fees: FeeModel,
    pub counterparty: bool,
    volume: RollingVolume,
    /// The portfolio's index of each listing; none where this kind of account cannot hold it.
    pub indices: Vec<Result<InstrumentIndex, PortfolioError>>,
    /// Open orders in no order.
    pub open: Vec<u64>,
    /// Open orders that may only shrink a position, oldest first.
    pub shrinking: Vec<u64>,
    pub groups: OcoGroups<u64>,
    pub done_groups: DoneGroups,
    pub protection: BTreeMap<(u32, PositionSide), Protection>,
}

impl Account {
    pub(super) fn new(portfolio: Portfolio, fees: FeeModel, counterparty: bool) -> Self {
        Self {
            portfolio,
            fees,
            counterparty,
            volume: RollingVolume::new(),
            indices: Vec::new(),
            open: Vec::new(),
            shrinking: Vec::new(),
            groups: OcoGroups::default(),
            done_groups: DoneGroups::default(),
            protection: BTreeMap::new(),
        }
    }

    pub(super) fn list(&mut self, instrument: Instrument) {
        let index = self.portfolio.list(instrument);
        self.indices.push(index);
    }

    /// The portfolio's index of a listing.
    #[inline]
    pub(super) fn index(&self, listing: u32) -> Result<InstrumentIndex, PortfolioError> {
        match self.indices.get(listing as usize) {
            Some(Ok(index)) => Ok(*index),
            Some(Err(error)) => Err(error.clone()),
            None => Err(PortfolioError::UnknownIndex(listing)),
        }
    }

    /// Traded value of 30 days, for models that ask.
    fn volume_at(&self, now: UtcNanos) -> Result<Money, ExchangeError> {
        if matches!(self.fees, FeeModel::Tiered(_)) { Ok(self.volume.at(now)?) } else { Ok(Money::ZERO) }
    }

    #[inline]
    pub(super) fn fee(
        &self,
        notional: Money,
        units: Quantity,
        liquidity: Liquidity,
        charges: &Charges,
        now: UtcNanos,
    ) -> Result<Money, ExchangeError> {
        Ok(self.fees.fee_of(notional, units, liquidity, charges, self.volume_at(now)?)?)
    }

    pub(super) fn count_volume(&mut self, at: UtcNanos, notional: Money) -> Result<(), ExchangeError> {
        if matches!(self.fees, FeeModel::Tiered(_)) {
            self.volume.add(at, notional)?;
        }
        Ok(())
    }

    /// Share of the notional that fees can take at most, for what an order holds back.
    pub(super) fn fee_share(&self, price: Price, units: Quantity, now: UtcNanos) -> Result<Ratio, ExchangeError> {
        let volume = self.volume_at(now)?;
        if let Some((maker, taker)) = self.fees.rates(volume) {
            return Ok(maker.max(taker).max(Ratio::ZERO));
        }
        let fee = self.fees.fee(price, units, Liquidity::Taker, &Charges::default(), volume)?;
        let notional = i128::from(price.notional(units)?.raw()).max(1);
        let scaled = i128::from(fee.raw().max(0)) * i128::from(SCALE);
        let share = scaled.div_euclid(notional) + i128::from(scaled.rem_euclid(notional) != 0);
        Ok(Ratio::from_raw(i64::try_from(share).unwrap_or(i64::MAX)))
    }

    /// How much an order of this side may close of a leg; `None` when it does not have to close anything (a T+1 sale
    /// by an account that is not long).
    pub(super) fn closable(&self, index: InstrumentIndex, leg: PositionSide, side: Side, reduces: bool) -> Option<i64> {
        let position = self.portfolio.leg(index, leg)?;
        let held = position.quantity.raw();
        let opposite = if side.is_buy() { held < 0 } else { held > 0 };
        if !opposite {
            return reduces.then_some(0);
        }
        let unsettled = if side.is_buy() { 0 } else { position.unsettled.raw() };
        Some(position.quantity.magnitude().raw().saturating_sub(unsettled).max(0))
    }
}
