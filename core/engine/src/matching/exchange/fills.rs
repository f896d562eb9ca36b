//! Booking a trade: fee, account, order and events of one side of it.

use super::Exchange;
use super::account::{Account, Protection};
use super::cascade::{Later, Urgent};
use super::config::{AccountId, ExchangeEvent, Execution};
use super::error::ExchangeError;
use super::orders::Order;
use crate::book::{Lots, Ticks};
use crate::matching::{FillRecord, Liquidity, VenueEvent};
use crate::orders::OrderEventKind;
use crate::portfolio::{Booking, PortfolioError};
use crate::types::{Money, Price, Quantity, TradeId};

/// One side of a trade.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fill {
    pub key: u64,
    pub price: Ticks,
    pub quantity: Lots,
    pub execution: Execution,
}

/// Why an order filled, in words.
const fn reason_of(liquidity: Liquidity) -> &'static str {
    match liquidity {
        Liquidity::Maker => "rested, and somebody took it",
        Liquidity::Taker => "took what was shown",
    }
}

impl Exchange {
    /// Book one side of a trade. Whether the order is filled (it is still to be closed).
    pub(super) fn fill(&mut self, fill: &Fill, events: &mut Vec<ExchangeEvent>) -> Result<bool, ExchangeError> {
        let now = self.now;
        let order = self.orders.get_mut(fill.key).ok_or_else(|| ExchangeError::unknown_account(0))?;
        let (number, listing_number) = (order.account, order.listing);
        let unknown = || ExchangeError::unknown_account(number);
        let listing = self.listings.get(listing_number as usize).ok_or_else(unknown)?;
        let account = self.accounts.get_mut(number as usize).ok_or_else(unknown)?;
        let quantity = listing.quantity(fill.quantity.0)?;
        if account.counterparty && !self.config.book_counterparties {
            return order.fill_unbooked(quantity, fill.quantity);
        }
        let price = listing.price(fill.price)?;
        let units = listing.units(quantity)?;
        let Booked { realised, fee, fill_id } =
            book(account, order, (price, quantity, units), fill.execution.liquidity, now)?;
        order.leaves -= fill.quantity.0;
        order.record.fills += 1;
        let request = &order.record.request;
        let of = request.quantity;
        let leg = request.position_side;
        let (group, protective) = (!request.oco_group.is_empty(), order.record.protective);
        let opens = !protective && (request.stop_loss.is_some() || request.take_profit.is_some());
        if opens {
            let protection = account.protection.entry((listing_number, leg)).or_default();
            protection.follow_opener(order);
        } else if protective && let Some(protection) = account.protection.get_mut(&(listing_number, leg)) {
            protection.bracket.filled(fill.key, quantity);
        }
        if opens || (!account.protection.is_empty() && account.protection.contains_key(&(listing_number, leg))) {
            self.later.push_back(Later::Protect(number, listing_number, leg));
        }
        if !account.shrinking.is_empty() {
            self.urgent.push_back(Urgent::Shrink(number, listing_number));
        }
        let filled = order.leaves == 0;
        let step = order.step(OrderEventKind::Fill { quantity, of }, now, "")?;
        let (account, request) = (AccountId(number), &order.record.request);
        events.push(ExchangeEvent { account, execution: None, event: VenueEvent::Step(step) });
        events.push(ExchangeEvent {
            account,
            execution: Some(fill.execution),
            event: VenueEvent::Fill(FillRecord {
                fill_id,
                client_order_id: request.client_order_id,
                decision_id: request.decision_id,
                symbol: request.symbol,
                side: request.side,
                quantity,
                price,
                fee,
                realised,
                ts_event: now,
                reason: reason_of(fill.execution.liquidity),
            }),
        });
        if group {
            self.goes_first(fill.key)?;
        }
        Ok(filled)
    }
}

impl Order {
    /// Trade for a counterparty whose account is not kept. Whether the order is filled.
    fn fill_unbooked(&mut self, quantity: Quantity, lots: Lots) -> Result<bool, ExchangeError> {
        self.leaves -= lots.0;
        self.record.fills += 1;
        self.advance(OrderEventKind::Fill { quantity, of: self.record.request.quantity })?;
        Ok(self.leaves == 0)
    }
}

/// What a fill came to.
struct Booked {
    realised: Money,
    fee: Money,
    fill_id: TradeId,
}

/// Charge and book.
fn book(
    account: &mut Account,
    order: &mut Order,
    (price, quantity, units): (Price, Quantity, Quantity),
    liquidity: Liquidity,
    now: crate::types::UtcNanos,
) -> Result<Booked, ExchangeError> {
    let request = &order.record.request;
    let notional = price.notional(units)?;
    let fee = account.fee(notional, units, liquidity, &order.record.charges, now)?;
    let mut booking = Booking {
        instrument: account.index(order.listing)?,
        side: request.side,
        leg: request.position_side,
        quantity,
        price,
        fee,
        fee_currency: None,
        fill_id: request.client_order_id.fill(order.record.fills + 1)?,
        ts_event: Some(now),
    };
    let realised = match account.portfolio.book_fill(&booking, order.reservation.as_mut()) {
        Err(PortfolioError::NotEnoughCash { .. }) if fee > Money::ZERO => {
            booking.fee = affordable(account, order, &booking)?;
            account.portfolio.book_fill(&booking, order.reservation.as_mut())?
        }
        done => done?,
    };
    order.record.charges = order.record.charges.with_value(notional, units, booking.fee)?;
    account.count_volume(now, notional)?;
    Ok(Booked { realised, fee: booking.fee, fill_id: booking.fill_id })
}

/// What is left for a fee once the fill itself is paid: tried on a copy, because it hardly ever happens.
#[cold]
fn affordable(account: &Account, order: &Order, booking: &Booking) -> Result<Money, ExchangeError> {
    let mut trial = account.portfolio.clone();
    let mut reservation = order.reservation;
    trial.book_fill(&Booking { fee: Money::ZERO, ..*booking }, reservation.as_mut())?;
    let currency = trial.instrument(booking.instrument).map(|instrument| instrument.currency).unwrap_or_default();
    Ok(trial.free(currency)?.clamp(Money::ZERO, booking.fee))
}

impl Protection {
    /// The position is protected as the order that trades wants it.
    fn follow_opener(&mut self, order: &Order) {
        let request = &order.record.request;
        self.opener = Some(*request);
        self.bracket.set(request.stop_loss, request.take_profit);
    }
}
