//! Parent orders: one order of a person or strategy, worked off in slices, as a pure state machine.
//!
//! The caller tells it the time ([`ParentOrder::advance`]) and what became of its children ([`ParentOrder::report`]);
//! it answers with what to send. Every slice goes through the gate like any other order.
//!
//! Rules, the same for [`Twap`], [`Vwap`] and [`Pov`]:
//! - A schedule says how much may have left by now; a slice is that less what has left. At most one slice leaves in
//!   each slot of the schedule. **Catch-up**: what was missed (a late call, a refused slice, the rest of a child that
//!   was cancelled) leaves with the next slot's slice.
//! - No slice is below the minimum, nor leaves a rest below it; both wait. What can never reach the minimum is the
//!   residual, reported at the end.
//! - **End**: working children are cancelled. With [`EndRule::CancelRest`] that is all; with [`EndRule::Cross`] the rest
//!   leaves as one last slice at the market when every child is closed.
//! - A child whose state is unknown is still working: its quantity stays reserved.
//!
//! Invariants: filled + working <= the parent's quantity (but for fills that come after a child was closed, which are
//! booked and shown as an overfill); nothing leaves before its time; ids are `<parent>-S<n>`, n counting from 1; the same
//! calls give the same answers. After a late fill the newest children are cancelled until no more works than is wanted.
//! Cost: O(log slots) a call, plus O(children) at the end or on a cancel.

pub use super::parent_terms::{ChildReport, EndRule, ParentAction, ParentError, ParentRequest, ParentState, Schedule};
use super::parent_terms::{MOST_SLICES, in_bounds};
pub use super::pov::Pov;
pub use super::twap::Twap;
use super::twap::share_in_lots;
pub use super::vwap::Vwap;
use crate::types::{AmountError, ClientOrderId, Price, Quantity, UtcNanos};

#[derive(Clone, Copy, Debug)]
struct Child {
    id: ClientOrderId,
    quantity: Quantity,
    filled: Quantity,
    open: bool,
    cancel_sent: bool,
}

/// A parent order at work.
#[derive(Clone, Debug)]
pub struct ParentOrder {
    request: ParentRequest,
    state: ParentState,
    children: Vec<Child>,
    /// Sum of the fills of all children.
    filled: Quantity,
    /// Sum of what open children may still fill.
    working: Quantity,
    /// First slot of the schedule in which no slice has been considered.
    next_slot: u32,
    crossed: bool,
}

impl ParentOrder {
    /// A parent that has sent nothing yet.
    ///
    /// # Errors
    /// Amounts off the instrument's steps, a time span that is empty, a schedule out of bounds, an id that is too long.
    pub fn new(mut request: ParentRequest) -> Result<Self, ParentError> {
        let instrument = request.instrument;
        instrument.check_quantity(request.quantity)?;
        if let Some(limit) = request.limit {
            instrument.check_price("limit price", limit)?;
        }
        if request.minimum == Quantity::ZERO {
            request.minimum = instrument.lot_size;
        }
        instrument.check_quantity(request.minimum)?;
        if request.minimum > request.quantity {
            let (value, bound) = (request.minimum.to_string(), format!("0..={}, the quantity", request.quantity));
            return Err(ParentError::Bound { what: "minimum slice", value, bound });
        }
        let (span, most) = (i128::from(request.end.0) - i128::from(request.start.0), i128::from(i64::MAX));
        in_bounds("time span in nanoseconds", span, 1, most)?;
        match &request.schedule {
            Schedule::Twap(twap) => twap.validate()?,
            Schedule::Vwap(_) => {}
            Schedule::Pov(pov) => {
                pov.validate(request.minimum)?;
                in_bounds("slots of the time span", span / i128::from(pov.interval), 0, i128::from(MOST_SLICES))?;
            }
        }
        let id = request.id;
        id.child(format_args!("S{MOST_SLICES}")).map_err(|source| ParentError::Id { id, source })?;
        Ok(Self {
            request,
            state: ParentState::Working,
            children: Vec::new(),
            filled: Quantity::ZERO,
            working: Quantity::ZERO,
            next_slot: 0,
            crossed: false,
        })
    }

    /// What was asked for, amendments included.
    #[must_use]
    pub const fn request(&self) -> &ParentRequest {
        &self.request
    }

    /// Where it is in its life.
    #[must_use]
    pub const fn state(&self) -> ParentState {
        self.state
    }

    /// Done so far.
    #[must_use]
    pub const fn filled(&self) -> Quantity {
        self.filled
    }

    /// What open children may still fill.
    #[must_use]
    pub const fn working(&self) -> Quantity {
        self.working
    }

    /// What has neither been done nor is working.
    #[must_use]
    pub fn rest(&self) -> Quantity {
        Quantity::from_raw(self.request.quantity.raw().saturating_sub(self.committed()).max(0))
    }

    /// Done beyond what was asked for, by fills that came after their child was closed.
    #[must_use]
    pub fn overfilled(&self) -> Quantity {
        Quantity::from_raw(self.filled.raw().saturating_sub(self.request.quantity.raw()).max(0))
    }

    /// Slices sent so far.
    #[must_use]
    pub fn slices(&self) -> u32 {
        u32::try_from(self.children.len()).unwrap_or(u32::MAX)
    }

    fn committed(&self) -> i64 {
        self.filled.raw().saturating_add(self.working.raw())
    }

    fn begins(&self, slot: u32) -> UtcNanos {
        let ParentRequest { start, end, .. } = self.request;
        match &self.request.schedule {
            Schedule::Twap(twap) => twap.begins(slot, start, end),
            Schedule::Vwap(vwap) => vwap.begins(slot, start, end),
            Schedule::Pov(pov) => pov.begins(slot, start),
        }
    }

    fn slots(&self) -> u32 {
        match &self.request.schedule {
            Schedule::Twap(twap) => twap.slices,
            Schedule::Vwap(vwap) => vwap.slots(),
            Schedule::Pov(pov) => {
                let span = self.request.end.since(self.request.start);
                u32::try_from((span - 1) / pov.interval.max(1) + 1).unwrap_or(u32::MAX)
            }
        }
    }

    /// When `advance` has something to do next; `None` when only a report can bring it on.
    #[must_use]
    pub fn next_due(&self) -> Option<UtcNanos> {
        let more = self.next_slot < self.slots() && self.rest() > Quantity::ZERO;
        match self.state {
            ParentState::Working if more => Some(self.begins(self.next_slot)),
            ParentState::Working => Some(self.request.end),
            _ => None,
        }
    }

    /// How much may have left at `now`, by the schedule.
    #[must_use]
    pub fn due(&self, now: UtcNanos, observed: Quantity) -> Quantity {
        self.begun(now).map_or(Quantity::ZERO, |slot| self.due_in(slot, observed))
    }

    fn due_in(&self, slot: u32, observed: Quantity) -> Quantity {
        let ParentRequest { quantity, instrument, .. } = self.request;
        match &self.request.schedule {
            Schedule::Twap(twap) => share_in_lots(quantity, instrument.lot_size, twap.share(slot)),
            Schedule::Vwap(vwap) => share_in_lots(quantity, instrument.lot_size, vwap.share(slot)),
            Schedule::Pov(pov) => pov.due(observed, instrument.lot_size).at_most(quantity),
        }
    }

    /// The last slot that has begun at `now`.
    fn begun(&self, now: UtcNanos) -> Option<u32> {
        let (mut low, mut high) = (0, self.slots());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.begins(middle) <= now { low = middle + 1 } else { high = middle }
        }
        low.checked_sub(1)
    }

    /// Tell it the time and, for POV, the volume observed since its start (ignored by the others); what to do is
    /// appended to `actions`. A time before the last call changes nothing.
    pub fn advance(&mut self, now: UtcNanos, observed: Quantity, actions: &mut Vec<ParentAction>) {
        if self.state == ParentState::Working && now >= self.request.end {
            self.state = ParentState::Ending;
        }
        match self.state {
            ParentState::Working => self.send_due(now, observed, actions),
            ParentState::Ending | ParentState::Cancelling => self.wind_down(actions),
            ParentState::Filled | ParentState::Cancelled | ParentState::Expired => {}
        }
    }

    fn send_due(&mut self, now: UtcNanos, observed: Quantity, actions: &mut Vec<ParentAction>) {
        let Some(slot) = self.begun(now).filter(|slot| *slot >= self.next_slot) else { return };
        self.next_slot = slot + 1;
        let mut slice = self.due_in(slot, observed).raw().saturating_sub(self.committed());
        if let Schedule::Pov(Pov { cap: Some(cap), .. }) = self.request.schedule {
            let lot = self.request.instrument.lot_size.raw().max(1);
            slice = slice.min(cap.raw() - cap.raw() % lot);
        }
        let (rest, minimum) = (self.rest().raw(), self.request.minimum.raw());
        if slice < rest && rest.saturating_sub(slice) < minimum {
            // The last slice would be too small to leave, so this one leaves enough for it.
            slice = rest - minimum;
        }
        if slice >= minimum {
            self.send(Quantity::from_raw(slice), self.request.limit, actions);
        }
    }

    fn send(&mut self, quantity: Quantity, limit: Option<Price>, actions: &mut Vec<ParentAction>) {
        let slice = self.slices().saturating_add(1);
        // The room for the number was checked in `new`.
        let Ok(id) = self.request.id.child(format_args!("S{slice}")) else { return };
        self.children.push(Child { id, quantity, filled: Quantity::ZERO, open: true, cancel_sent: false });
        self.working = Quantity::from_raw(self.working.raw().saturating_add(quantity.raw()));
        actions.push(ParentAction::Submit { slice, client_order_id: id, quantity, limit });
    }

    /// Cancel what works; when nothing does, cross the rest or close.
    fn wind_down(&mut self, actions: &mut Vec<ParentAction>) {
        let crossing = self.crossed;
        let mut any_open = false;
        for (child, slice) in self.children.iter_mut().zip(1_u32..) {
            any_open |= child.open;
            // The last slice at the market is left to finish; a cancel of the parent takes it back too.
            let spared = crossing && self.state == ParentState::Ending;
            if child.open && !child.cancel_sent && !spared {
                child.cancel_sent = true;
                actions.push(ParentAction::Cancel { slice, client_order_id: child.id });
            }
        }
        if any_open {
            return;
        }
        if self.filled >= self.request.quantity {
            self.state = ParentState::Filled;
            return;
        }
        let ending = self.state == ParentState::Ending;
        let crosses = ending && !self.crossed && self.request.at_end == EndRule::Cross;
        if crosses && self.rest() >= self.request.minimum {
            self.crossed = true;
            self.send(self.rest(), None, actions);
            return;
        }
        self.state = if ending { ParentState::Expired } else { ParentState::Cancelled };
    }

    /// Tell it what became of slice number `slice`; what to do is appended to `actions`.
    ///
    /// # Errors
    /// A slice it has not sent, a fill that is not positive or beyond 64 bits.
    pub fn report(
        &mut self,
        slice: u32,
        report: ChildReport,
        actions: &mut Vec<ParentAction>,
    ) -> Result<(), ParentError> {
        let (id, sent) = (self.request.id, self.slices());
        let index = slice.checked_sub(1).and_then(|index| usize::try_from(index).ok());
        let Some(child) = index.and_then(|index| self.children.get_mut(index)) else {
            return Err(ParentError::NoSuchSlice { id, slice, sent });
        };
        let before = child.leaves();
        match report {
            ChildReport::Fill(quantity) => {
                if quantity <= Quantity::ZERO {
                    return Err(AmountError::NotPositive { what: "fill", text: quantity.to_string() }.into());
                }
                let overflow = AmountError::Overflow { what: "filled quantity" };
                let filled = self.filled.raw().checked_add(quantity.raw()).ok_or(overflow)?;
                self.filled = Quantity::from_raw(filled);
                child.filled = Quantity::from_raw(child.filled.raw().saturating_add(quantity.raw()));
                child.open &= child.filled < child.quantity;
            }
            ChildReport::Closed => child.open = false,
            ChildReport::CancelRejected => child.cancel_sent = false,
        }
        self.working = Quantity::from_raw(self.working.raw() - before + child.leaves());
        self.take_back_excess(actions);
        match self.state {
            ParentState::Working if self.filled >= self.request.quantity && self.working == Quantity::ZERO => {
                self.state = ParentState::Filled;
            }
            ParentState::Ending | ParentState::Cancelling if report != ChildReport::CancelRejected => {
                self.wind_down(actions);
            }
            ParentState::Cancelled | ParentState::Expired if self.filled >= self.request.quantity => {
                self.state = ParentState::Filled;
            }
            _ => {}
        }
        Ok(())
    }

    /// After a fill that nobody expected any more: cancel the newest children until no more works than is wanted.
    fn take_back_excess(&mut self, actions: &mut Vec<ParentAction>) {
        let mut excess = self.committed().saturating_sub(self.request.quantity.raw());
        if excess <= 0 {
            return;
        }
        let slices = self.slices();
        for (child, back) in self.children.iter_mut().rev().zip(0_u32..).filter(|(child, _)| child.open) {
            if excess <= 0 {
                break;
            }
            excess -= child.leaves();
            if !child.cancel_sent {
                child.cancel_sent = true;
                actions.push(ParentAction::Cancel { slice: slices - back, client_order_id: child.id });
            }
        }
    }

    /// Change quantity and limit; the limit holds for the slices still to come.
    ///
    /// # Errors
    /// A closed or ending parent, amounts off the steps, or less than is done and working.
    pub fn amend(&mut self, quantity: Quantity, limit: Option<Price>) -> Result<(), ParentError> {
        let id = self.request.id;
        if self.state != ParentState::Working {
            return Err(ParentError::Closed { id, state: self.state.as_str() });
        }
        self.request.instrument.check_quantity(quantity)?;
        if let Some(limit) = limit {
            self.request.instrument.check_price("limit price", limit)?;
        }
        let least = Quantity::from_raw(self.committed()).max(self.request.minimum);
        if quantity < least {
            let bound = format!("{least}.. (done and working; cancel slices first to go lower)");
            return Err(ParentError::Bound { what: "quantity", value: quantity.to_string(), bound });
        }
        (self.request.quantity, self.request.limit) = (quantity, limit);
        if self.filled >= quantity {
            self.state = ParentState::Filled;
        }
        Ok(())
    }

    /// Take it back: no more slices, and a cancel for each one that works.
    ///
    /// # Errors
    /// It is closed already.
    pub fn cancel(&mut self, actions: &mut Vec<ParentAction>) -> Result<(), ParentError> {
        if self.state.is_closed() {
            return Err(ParentError::Closed { id: self.request.id, state: self.state.as_str() });
        }
        self.state = ParentState::Cancelling;
        self.wind_down(actions);
        Ok(())
    }
}

impl Child {
    fn leaves(&self) -> i64 {
        if self.open { self.quantity.raw().saturating_sub(self.filled.raw()).max(0) } else { 0 }
    }
}
