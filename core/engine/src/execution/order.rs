//! One order as the manager knows it, and the sums of one symbol.

use super::hashing::StateHasher;
use super::record::{Adoption, OrderEvent};
use crate::orders::{OrderEventKind, OrderRequest, OrderState, PositionSide};
use crate::types::{ClientOrderId, Money, Price, Quantity, Side, SignedQuantity, Symbol, UtcNanos};

/// An order in the log.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts that come one by one, not a state")]
pub struct Order {
    pub(super) client_order_id: ClientOrderId,
    pub(super) symbol: u32,
    pub(super) side: Side,
    pub(super) position_side: PositionSide,
    pub(super) quantity: Quantity,
    pub(super) limit: Option<Price>,
    /// What one unit reserves.
    pub(super) value_price: Price,
    pub(super) reduce_only: bool,
    pub(super) state: OrderState,
    pub(super) events: u32,
    /// What was asked for by an amendment that was not answered.
    pub(super) amendment: Option<(Quantity, Option<Price>)>,
    /// The venue has said something that proves it had the order.
    pub(super) acknowledged: bool,
    /// We want it back until it is gone.
    pub(super) cancel_wanted: bool,
    /// Not ours: shown, never cancelled.
    pub(super) foreign: bool,
    /// Taken over from the venue: its fills set its quantity.
    pub(super) adopted: bool,
    pub(super) group: Option<u32>,
    /// The venue's clock at its last news.
    pub(super) venue_ts: UtcNanos,
    pub(super) reserved: Money,
    /// Place in the list of open orders.
    pub(super) place: u32,
    // What follows does not survive a restart and is in no hash.
    /// When the last request of it left (monotonic): it may come to life a horizon later.
    pub(super) sent: i64,
    /// When something last happened to it (monotonic).
    pub(super) touched: i64,
    /// The last snapshot that showed it open.
    pub(super) seen: u64,
}

impl Order {
    pub(super) fn of_request(request: &OrderRequest) -> Self {
        let limit = request.order_type.limit();
        let price = request.order_type.price().unwrap_or(request.reference_price);
        Self {
            client_order_id: request.client_order_id,
            symbol: 0,
            side: request.side,
            position_side: request.position_side,
            quantity: request.quantity,
            limit,
            value_price: price.max(request.reference_price),
            reduce_only: request.reduce_only,
            state: OrderState::Initialized,
            events: 0,
            amendment: None,
            acknowledged: false,
            cancel_wanted: false,
            foreign: false,
            adopted: false,
            group: None,
            venue_ts: UtcNanos::default(),
            reserved: Money::ZERO,
            place: 0,
            sent: 0,
            touched: 0,
            seen: 0,
        }
    }

    pub(super) fn of_adoption(adoption: &Adoption) -> Self {
        let order = &adoption.order;
        let price = order.price.unwrap_or(Price::ZERO);
        Self {
            client_order_id: order.client_order_id,
            symbol: 0,
            side: order.side,
            position_side: order.position_side,
            quantity: order.quantity,
            limit: order.price,
            value_price: price,
            reduce_only: false,
            // Nothing of it is booked yet; the venue is asked for the rest.
            state: OrderState::Unknown { filled: Quantity::ZERO },
            events: 0,
            amendment: None,
            acknowledged: true,
            cancel_wanted: false,
            foreign: adoption.foreign,
            adopted: true,
            group: None,
            venue_ts: UtcNanos::default(),
            reserved: Money::ZERO,
            place: 0,
            sent: 0,
            touched: 0,
            seen: 0,
        }
    }

    /// Our id.
    #[must_use]
    pub const fn client_order_id(&self) -> ClientOrderId {
        self.client_order_id
    }

    /// Where it is in its life.
    #[must_use]
    pub const fn state(&self) -> OrderState {
        self.state
    }

    /// Direction.
    #[must_use]
    pub const fn side(&self) -> Side {
        self.side
    }

    /// The whole quantity in force.
    #[must_use]
    pub const fn quantity(&self) -> Quantity {
        self.quantity
    }

    /// The limit price in force.
    #[must_use]
    pub const fn limit(&self) -> Option<Price> {
        self.limit
    }

    /// Quantity that can still trade.
    #[must_use]
    pub fn leaves(&self) -> Quantity {
        Quantity::from_raw(self.quantity.raw().saturating_sub(self.state.filled().raw()).max(0))
    }

    /// What one unit of it reserves: the worst of its limits and its reference price.
    #[must_use]
    pub const fn value_price(&self) -> Price {
        self.value_price
    }

    /// Whether it may only shrink a position; then it reserves nothing.
    #[must_use]
    pub const fn is_reduce_only(&self) -> bool {
        self.reduce_only
    }

    /// Whether somebody else placed it.
    #[must_use]
    pub const fn is_foreign(&self) -> bool {
        self.foreign
    }

    /// Whether we asked for it back and it is not gone yet.
    #[must_use]
    pub const fn is_cancel_wanted(&self) -> bool {
        self.cancel_wanted
    }

    pub(super) const fn is_unknown(&self) -> bool {
        super::ledger::is_unknown(&self.state)
    }

    /// Whether our next news of it is overdue sooner or later.
    pub(super) const fn awaits_answer(&self) -> bool {
        matches!(self.state, OrderState::Submitted | OrderState::PendingCancel { .. } | OrderState::PendingAmend { .. })
    }

    /// The whole quantity that its fills are measured against. How much an adopted order was for is the venue's
    /// business: no fill ends it, the venue's word does.
    pub(super) const fn most(&self) -> Quantity {
        if self.adopted { Quantity::from_raw(i64::MAX) } else { self.quantity }
    }

    /// Notional that it may still take, at the worse of its limit and its reference price.
    pub(super) fn to_reserve(&self) -> Money {
        if self.state.is_closed() || self.reduce_only {
            return Money::ZERO;
        }
        self.value_price.notional(self.leaves()).unwrap_or(Money::from_raw(i64::MAX))
    }

    /// What an event says beside the new state.
    pub(super) fn note(&mut self, event: &OrderEvent) {
        use OrderEventKind as E;
        match event.event {
            E::RequestAmend => {
                self.amendment = Some((event.quantity, event.price));
                self.value_price = self.value_price.max(event.price.unwrap_or(Price::ZERO));
            }
            E::Amend => {
                self.quantity = event.quantity;
                self.limit = event.price;
                if let Some(price) = event.price {
                    self.value_price = self.value_price.max(price);
                }
                self.amendment = None;
            }
            E::RejectAmend => self.amendment = None,
            E::RequestCancel => self.cancel_wanted = true,
            _ => {}
        }
        if event.reason.is_venue() && !matches!(event.event, E::Reject | E::Absent | E::LoseTrack) {
            self.acknowledged = true;
        }
        if event.reason.is_venue() {
            self.venue_ts = self.venue_ts.max(event.ts_event);
        }
    }

    pub(super) fn hash(&self, hasher: &mut StateHasher) {
        hasher.text(&self.client_order_id);
        hasher.text(self.state.as_str());
        hasher.signed(self.state.filled().raw());
        hasher.signed(self.quantity.raw());
        hasher.signed(self.limit.unwrap_or(Price::ZERO).raw());
        hasher.signed(self.value_price.raw());
        hasher.signed(self.reserved.raw());
        hasher.signed(self.venue_ts.0);
        hasher.word(u64::from(self.events));
        let (quantity, price) = self.amendment.unwrap_or_default();
        hasher.signed(quantity.raw());
        hasher.signed(price.unwrap_or(Price::ZERO).raw());
        let facts = [
            self.reduce_only,
            self.acknowledged,
            self.cancel_wanted,
            self.foreign,
            self.adopted,
            self.limit.is_some(),
            self.amendment.is_some(),
            self.side.is_buy(),
        ];
        hasher.word(facts.iter().fold(0, |bits, fact| bits << 1 | u64::from(*fact)));
    }
}

/// Signed notional of the working orders of one symbol, unknown ones included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reserved {
    /// Of the buys, zero or more.
    pub buys: Money,
    /// Of the sells, zero or less.
    pub sells: Money,
}

impl Reserved {
    /// Buys and sells together.
    #[must_use]
    pub fn net(&self) -> Money {
        Money::from_raw(self.buys.raw().saturating_add(self.sells.raw()))
    }
}

/// The sums of one symbol.
#[derive(Clone, Debug)]
pub(super) struct SymbolState {
    pub(super) symbol: Symbol,
    /// Sum of the signed fills of each leg. 128 bits hold every sum of 64-bit fills.
    pub(super) positions: [i128; 3],
    buys: i128,
    sells: i128,
    /// Unknown orders.
    pub(super) unknown: u32,
    /// Open discrepancies.
    pub(super) held: u32,
    /// When its positions last moved (monotonic); does not survive a restart and is in no hash.
    pub(super) moved: i64,
}

/// Place of a leg in [`SymbolState::positions`].
pub(super) const fn leg(side: PositionSide) -> usize {
    match side {
        PositionSide::Net => 0,
        PositionSide::Long => 1,
        PositionSide::Short => 2,
    }
}

pub(super) const LEGS: [PositionSide; 3] = [PositionSide::Net, PositionSide::Long, PositionSide::Short];

fn narrow(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value > 0 { i64::MAX } else { -i64::MAX })
}

impl SymbolState {
    pub(super) const fn new(symbol: Symbol) -> Self {
        Self { symbol, positions: [0; 3], buys: 0, sells: 0, unknown: 0, held: 0, moved: i64::MIN }
    }

    pub(super) fn position(&self, side: PositionSide) -> SignedQuantity {
        SignedQuantity::from_raw(narrow(self.positions.get(leg(side)).copied().unwrap_or_default()))
    }

    pub(super) fn reserved(&self) -> Reserved {
        Reserved { buys: Money::from_raw(narrow(self.buys)), sells: Money::from_raw(narrow(-self.sells)) }
    }

    /// Whether one more order of this notional keeps the sums in 64 bits.
    pub(super) fn has_room(&self, side: Side, notional: Money) -> bool {
        let sum = if side.is_buy() { self.buys } else { self.sells };
        i64::try_from(sum + i128::from(notional.raw())).is_ok()
    }

    pub(super) fn move_reserved(&mut self, side: Side, old: Money, new: Money) {
        let sum = if side.is_buy() { &mut self.buys } else { &mut self.sells };
        *sum += i128::from(new.raw()) - i128::from(old.raw());
    }

    pub(super) fn hash(&self, hasher: &mut StateHasher) {
        hasher.text(&self.symbol);
        for position in self.positions {
            hasher.signed(narrow(position));
        }
        hasher.signed(narrow(self.buys));
        hasher.signed(narrow(self.sells));
        hasher.word(u64::from(self.unknown) << 32 | u64::from(self.held));
    }
}
