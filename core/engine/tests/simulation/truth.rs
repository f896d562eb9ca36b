//! What must hold at rest: the ledger is the venue's journal.

use std::collections::BTreeMap;

use deepalpha_engine::execution::{DiscrepancyKind, OrderManager, Record, VenueStatus};
use deepalpha_engine::orders::{OrderState, PositionSide};
use deepalpha_engine::types::{Money, Price, Quantity, Symbol};

use crate::world::World;

pub const fn is_settled(state: &OrderState) -> bool {
    state.is_closed() || matches!(state, OrderState::Accepted | OrderState::PartiallyFilled { .. })
}

/// What keeps the world from resting.
pub fn unrest(world: &World) -> String {
    let Some(manager) = &world.manager else { return "no process".to_owned() };
    let orders = manager.orders().iter().filter(|order| !is_settled(&order.state()));
    let orders: Vec<String> = orders.map(|order| format!("{} {:?}", order.client_order_id(), order.state())).collect();
    let discrepancies: Vec<_> = manager.discrepancies().collect();
    let (reconciled, unconfirmed) = (manager.is_reconciled(), manager.unconfirmed());
    format!("{orders:?} {discrepancies:?} reconciled {reconciled} unconfirmed {unconfirmed}")
}

fn same(ours: &OrderState, venue: VenueStatus) -> bool {
    use OrderState as S;
    match venue {
        VenueStatus::Working => matches!(ours, S::Accepted | S::PartiallyFilled { .. }),
        VenueStatus::Filled => matches!(ours, S::Filled { .. }),
        VenueStatus::Cancelled => matches!(ours, S::Cancelled { .. }),
        VenueStatus::Expired => matches!(ours, S::Expired { .. }),
        VenueStatus::Rejected => matches!(ours, S::Rejected),
    }
}

pub fn check(world: &World) -> Result<(), String> {
    let Some(manager) = &world.manager else { return Err("no process".to_owned()) };
    orders(world, manager)?;
    fills(world, manager)?;
    let again = OrderManager::replay(world.config, &world.log).map_err(|error| error.to_string())?;
    if again.state_hash() != manager.state_hash() {
        return Err("the replay of the log has another state than the process".to_owned());
    }
    reserved(manager)
}

fn orders(world: &World, manager: &OrderManager) -> Result<(), String> {
    for (id, versions) in &world.venue.orders {
        let there = versions[versions.len() - 1];
        let Some(ours) = manager.order(id) else {
            if world.sent.contains(id) || there.filled > Quantity::ZERO || there.status == VenueStatus::Working {
                // Sent without a log, lost by the crash, and over without a trade: nothing is left of it.
                let nothing = there.filled == Quantity::ZERO && there.status != VenueStatus::Working;
                if !(nothing && world.sent_unlogged.contains(id)) {
                    return Err(format!("{there:?} is not in the ledger"));
                }
            }
            continue;
        };
        if !same(&ours.state(), there.status) || ours.state().filled() != there.filled {
            return Err(format!("{id} is {:?}; the venue has {there:?}", ours.state()));
        }
        if !ours.state().is_closed() && (ours.quantity() != there.quantity || ours.limit() != there.price) {
            return Err(format!("{id} is {} at {:?}; the venue has {there:?}", ours.quantity(), ours.limit()));
        }
        let asked = versions[0].quantity;
        if !id.starts_with("FRN-") && there.filled > asked && !world.venue.overfilled.contains(id) {
            return Err(format!("{id} traded {} of {asked}", there.filled));
        }
    }
    for ours in manager.orders() {
        let id = ours.client_order_id();
        let made = id.starts_with("SYN-");
        if !made && !world.venue.orders.contains_key(&id) {
            let gone = ours.state().is_closed() && ours.state().filled() == Quantity::ZERO;
            if !gone {
                return Err(format!("{id} is {:?}; the venue never had it", ours.state()));
            }
        }
    }
    Ok(())
}

fn fills(world: &World, manager: &OrderManager) -> Result<(), String> {
    for fill in &world.venue.fills {
        if !manager.has_fill(&fill.symbol, &fill.trade_id) {
            return Err(format!("{fill:?} is not booked"));
        }
    }
    let mut sums: BTreeMap<Symbol, i64> = BTreeMap::new();
    let mut made = 0;
    for entry in &world.log {
        match &entry.record {
            Record::Fill(record) => {
                let fill = &record.fill;
                *sums.entry(fill.symbol).or_default() += fill.quantity.signed(fill.side.is_buy()).raw();
                made += usize::from(record.synthetic);
            }
            Record::Opened(discrepancy)
                if world.venue.adjustments.is_empty()
                    && matches!(discrepancy.kind, DiscrepancyKind::FillsMissing { .. }) =>
            {
                return Err(format!("the venue lists every fill, yet {discrepancy:?}"));
            }
            _ => {}
        }
    }
    if manager.fills() != world.venue.fills.len() + made {
        let (ours, theirs) = (manager.fills(), world.venue.fills.len());
        return Err(format!("{ours} fills are booked, {made} of them made up; the venue has {theirs}"));
    }
    if made > 0 && world.venue.adjustments.is_empty() {
        return Err(format!("{made} fills were made up, and the venue's positions are sums of fills"));
    }
    let mut there: BTreeMap<Symbol, i64> = BTreeMap::new();
    for position in world.venue.positions_view(i64::MAX) {
        there.insert(position.symbol, position.quantity.raw());
    }
    for symbol in ["AAA", "BBB/USDT", "CCC"].map(|name| Symbol::parse(name).unwrap_or_default()) {
        let ours = manager.position(&symbol, PositionSide::Net).raw();
        let sum = sums.get(&symbol).copied().unwrap_or_default();
        let venue = there.get(&symbol).copied().unwrap_or_default();
        if ours != sum || ours != venue {
            return Err(format!("{symbol}: position {ours}, sum of fills {sum}, at the venue {venue}"));
        }
    }
    Ok(())
}

/// The running sums against the plain ones.
pub fn reserved(manager: &OrderManager) -> Result<(), String> {
    let mut sums: BTreeMap<Symbol, (i64, i64)> = BTreeMap::new();
    for order in manager.orders().iter().filter(|order| !order.state().is_closed() && !order.is_reduce_only()) {
        let price = order.value_price();
        let notional = price.notional(order.leaves()).map_or(i64::MAX, Money::raw);
        let sum = sums.entry(manager.symbol_of(order)).or_default();
        if order.side().is_buy() {
            sum.0 += notional
        } else {
            sum.1 -= notional
        }
        if price < order.limit().unwrap_or(Price::ZERO) {
            return Err(format!("{} reserves less than its limit", order.client_order_id()));
        }
    }
    let ours = manager.reserved();
    let plain = sums.into_iter().filter(|(_, sum)| *sum != (0, 0));
    let plain: BTreeMap<Symbol, (i64, i64)> = plain.collect();
    let ours: BTreeMap<Symbol, (i64, i64)> =
        ours.into_iter().map(|(symbol, reserved)| (symbol, (reserved.buys.raw(), reserved.sells.raw()))).collect();
    if ours == plain { Ok(()) } else { Err(format!("reserved {ours:?}; the working orders take {plain:?}")) }
}
