//! The commonest messages in the order of keys that the venue sends today: trades and best prices, spot and USD-M.
//!
//! Straight code without a branch on what comes next: each key is compared with what must stand there. Any difference is `None`,
//! and the reader of any order takes over; it also judges what is off its step or in another unit of time.

use super::super::context::{Context, Listed, on_step};
use super::super::item::Item;
use super::cursor::Cursor;
use crate::stream::event::{Aggressor, Quote, Trade};
use crate::types::{Price, Quantity, UtcNanos};

/// Read the data of a trade or a quote and what closes it; `wrapped` by the name of its stream.
#[inline]
pub(super) fn ordered(context: &Context, raw: &[u8], wrapped: bool, ts_init: UtcNanos) -> Option<Item> {
    let mut cursor = Cursor { rest: raw };
    // The sixth byte tells which of the forms it may be.
    let item = match raw.get(6)? {
        b't' => trade(context, &mut cursor, ts_init)?,
        b'b' => {
            cursor.take(b"{\"e\":\"bookTicker\",\"u\":")?;
            quote(context, &mut cursor, true, ts_init)?
        }
        b'0'..=b'9' => {
            cursor.take(b"{\"u\":")?;
            quote(context, &mut cursor, false, ts_init)?
        }
        _ => return None,
    };
    cursor.take(b"}")?;
    if wrapped {
        cursor.take(b"}")?;
    }
    cursor.rest.is_empty().then_some(item)
}

#[inline(always)]
fn price(cursor: &mut Cursor<'_>, listed: Listed) -> Option<Price> {
    let value = cursor.decimal()?;
    on_step("p", value, listed.steps.price).ok()?;
    Some(Price::from_raw(value))
}

#[inline(always)]
fn quantity(cursor: &mut Cursor<'_>, listed: Listed) -> Option<Quantity> {
    let value = cursor.decimal()?;
    on_step("q", value, listed.steps.quantity).ok()?;
    Some(Quantity::from_raw(value))
}

#[inline(always)]
fn truth(cursor: &mut Cursor<'_>) -> Option<bool> {
    if cursor.take(b"true").is_some() {
        return Some(true);
    }
    cursor.take(b"false").map(|()| false)
}

#[inline(always)]
fn trade(context: &Context, cursor: &mut Cursor<'_>, ts_init: UtcNanos) -> Option<Item> {
    cursor.take(b"{\"e\":\"trade\",\"E\":")?;
    cursor.time()?;
    // USD-M tells the time first.
    let early = if cursor.take(b",\"T\":").is_some() { Some(cursor.time()?) } else { None };
    cursor.take(b",\"s\":\"")?;
    let listed = context.named(cursor.name()?).ok()?;
    cursor.take(b",\"t\":")?;
    let trade_id = cursor.uint()?;
    cursor.take(b",\"p\":\"")?;
    let price = price(cursor, listed)?;
    cursor.take(b",\"q\":\"")?;
    let quantity = quantity(cursor, listed)?;
    let (time, maker) = match early {
        None => {
            cursor.take(b",\"T\":")?;
            let time = cursor.time()?;
            cursor.take(b",\"m\":")?;
            let maker = truth(cursor)?;
            cursor.take(b",\"M\":")?;
            truth(cursor)?;
            (time, maker)
        }
        Some(time) => {
            cursor.take(b",\"X\":\"")?;
            cursor.text()?;
            cursor.take(b",\"m\":")?;
            (time, truth(cursor)?)
        }
    };
    Some(Item::Trade(Trade {
        symbol: listed.id,
        trade_id,
        price,
        quantity,
        aggressor: if maker { Aggressor::Seller } else { Aggressor::Buyer },
        ts_event: context.clock.same_unit(time)?,
        ts_init,
    }))
}

#[inline(always)]
fn quote(context: &Context, cursor: &mut Cursor<'_>, timed: bool, ts_init: UtcNanos) -> Option<Item> {
    let update_id = cursor.uint()?;
    cursor.take(b",\"s\":\"")?;
    let listed = context.named(cursor.name()?).ok()?;
    cursor.take(b",\"b\":\"")?;
    let bid = price(cursor, listed)?;
    cursor.take(b",\"B\":\"")?;
    let bid_quantity = quantity(cursor, listed)?;
    cursor.take(b",\"a\":\"")?;
    let ask = price(cursor, listed)?;
    cursor.take(b",\"A\":\"")?;
    let ask_quantity = quantity(cursor, listed)?;
    let mut ts_event = ts_init;
    if timed {
        cursor.take(b",\"T\":")?;
        ts_event = context.clock.same_unit(cursor.time()?)?;
        cursor.take(b",\"E\":")?;
        context.clock.same_unit(cursor.time()?)?;
    }
    let symbol = listed.id;
    Some(Item::Quote(Quote { symbol, update_id, bid, bid_quantity, ask, ask_quantity, ts_event, ts_init }))
}
