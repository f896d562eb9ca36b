//! The strategy that orders, the operator who decides, the market that trades.

use deepalpha_engine::execution::{Command, DiscrepancyKind, Submitted};
use deepalpha_engine::orders::{OrderRequest, OrderType};
use deepalpha_engine::types::{ClientOrderId, Price, Quantity, Side, SourceId, UtcNanos};

use crate::gate::approve;
use crate::venue::SECOND;
use crate::world::{Event, World};

const LOT: i64 = 100_000_000;

fn side(world: &mut World) -> Side {
    if world.dice.chance(500) { Side::Buy } else { Side::Sell }
}

fn some_id(world: &mut World) -> ClientOrderId {
    let number = world.dice.below(world.acted + 1);
    ClientOrderId::parse(&format!("SIM-{number}")).unwrap_or_default()
}

/// The strategy does one thing.
pub fn act(world: &mut World) -> Result<(), String> {
    if !world.faults {
        return Ok(());
    }
    let pause = world.dice.between(SECOND / 50, SECOND);
    world.at(pause, Event::Act);
    match world.dice.below(20) {
        0..=9 => {
            world.acted += 1;
            let id = ClientOrderId::parse(&format!("SIM-{}", world.acted)).unwrap_or_default();
            submit(world, id)
        }
        // The same id again: a retry, a double click, a restart that forgot.
        10 => {
            let id = some_id(world);
            submit(world, id)
        }
        11..=14 => {
            let id = some_id(world);
            command(world, Command::Cancel(id))
        }
        15..=16 => {
            let client_order_id = some_id(world);
            let quantity = Some(Quantity::from_raw(world.dice.between(1, 8) * LOT));
            let price = world.dice.chance(300).then(|| Price::from_raw(98 * LOT));
            command(world, Command::Amend { client_order_id, quantity, price })
        }
        17 if world.dice.chance(100) => {
            let flatten = world.dice.chance(500);
            command(world, Command::Kill { flatten })
        }
        17 | 18 => command(world, Command::Rearm),
        _ => accept_orders(world),
    }
}

fn command(world: &mut World, command: Command) -> Result<(), String> {
    world.note(|| format!("command {command:?}"));
    world.drive(|manager, at, effects| {
        // A refusal is an answer.
        let _ = manager.command(at, command, effects);
    })
}

fn submit(world: &mut World, id: ClientOrderId) -> Result<(), String> {
    if world.sent_unlogged.contains(&id) {
        return Ok(());
    }
    let (symbol, side) = (world.symbol(), side(world));
    let quantity = Quantity::from_raw(world.dice.between(1, 10) * LOT);
    let kind = if world.dice.chance(300) { OrderType::Market } else { OrderType::Limit(Price::from_raw(100 * LOT)) };
    let source = SourceId::parse(&id).unwrap_or_default();
    let mut request = OrderRequest::new(id, source, symbol, side, quantity, kind, Price::from_raw(100 * LOT));
    request.reduce_only = world.dice.chance(150);
    if world.dice.chance(200) {
        request.oco_group = ClientOrderId::parse(&format!("G{}", world.acted / 2)).unwrap_or_default();
    }
    let mut answer = None;
    let mut killed = false;
    let mut known = false;
    world.note(|| format!("submit {id} {} {quantity} {symbol}", side.as_str()));
    world.drive(|manager, at, effects| {
        killed = manager.is_killed();
        known = manager.order(&id).is_some();
        answer = Some(manager.submit(at, approve(request), effects));
    })?;
    match answer {
        Some(Submitted::Taken) if known => Err(format!("{id} was taken twice")),
        Some(Submitted::Taken) if killed && !request.reduce_only => Err(format!("{id} was taken after the kill")),
        Some(Submitted::Duplicate(_)) if !known => Err(format!("{id} is new and was called a duplicate")),
        _ => Ok(()),
    }
}

/// The operator takes over orders that the log does not have (their fills come by themselves).
fn accept_orders(world: &mut World) -> Result<(), String> {
    let Some(manager) = &world.manager else { return Ok(()) };
    let order =
        |kind: &DiscrepancyKind| matches!(kind, DiscrepancyKind::UnknownOrder(_) | DiscrepancyKind::UnknownFill(_));
    let id = manager.discrepancies().find(|discrepancy| order(&discrepancy.kind)).map(|discrepancy| discrepancy.id);
    id.map_or(Ok(()), |id| command(world, Command::AcceptVenue(id)))
}

/// The market trades with what works at the venue.
pub fn market(world: &mut World) {
    if !world.faults {
        return;
    }
    let pause = world.dice.between(SECOND / 20, SECOND);
    world.at(pause, Event::Match);
    let working = world.venue.working();
    if !working.is_empty() {
        let id = working[world.dice.below(working.len() as u64) as usize];
        if world.dice.chance(60) {
            world.expire(id);
        } else {
            world.trade(id);
        }
    }
    let (foreign, adjust) = (world.hostility.foreign, world.hostility.adjust);
    if world.dice.chance(foreign) {
        world.people += 1;
        let (symbol, side, quantity) = (world.symbol(), side(world), world.dice.between(1, 5) * LOT);
        world.venue.place_foreign(world.people, symbol, side, quantity, world.now);
    }
    if world.dice.chance(adjust) {
        let (symbol, change) = (world.symbol(), world.dice.between(-3, 3) * LOT);
        world.venue.adjustments.push((UtcNanos(world.now), symbol, change));
    }
}

/// The faults are off. The operator accepts what stays open; `true` once nothing moves any more.
pub fn rest(world: &mut World) -> Result<bool, String> {
    let Some(manager) = &world.manager else { return Ok(false) };
    if manager.is_killed() {
        command(world, Command::Rearm)?;
        return Ok(false);
    }
    let settled = manager.is_reconciled()
        && manager.unconfirmed() == 0
        && manager.orders().iter().all(|order| crate::truth::is_settled(&order.state()));
    let open = manager.discrepancies().next().map(|discrepancy| discrepancy.id);
    match open {
        // Evidence has had its chance: a person looks every now and then.
        Some(id) if world.dice.chance(50) => {
            world.calm_since = world.now;
            world.note(|| "a person looks".to_owned());
            command(world, Command::AcceptVenue(id)).map(|()| false)
        }
        Some(_) => Ok(false),
        None => Ok(settled && world.has_rested()),
    }
}
