//! The usual messages in one pass: compact JSON, keys of one letter in any order, numbers of at most eight digits on either
//! side of the point, values of the type they always have.
//!
//! Either the whole message is read and is what the general scanner would give, or the answer is `None` and nothing was
//! changed but the list of levels, which the caller empties. Everything unusual (damage, escapes, white space, another unit
//! of time, an unknown symbol) is `None`: the general scanner says what it is.

use super::super::context::{Context, Listed, on_step};
use super::super::item::{DepthHead, Item};
use super::cursor::Cursor;
use super::is_partial;
use super::ordered::ordered;
use crate::stream::event::{Aggressor, Level, Quote, Trade};
use crate::types::{Price, Quantity, UtcNanos};

const KIND: u32 = 1;
const SYMBOL: u32 = 1 << 1;
const EVENT_TIME: u32 = 1 << 2;
const TIME: u32 = 1 << 3;
const TRADE_ID: u32 = 1 << 4;
const PRICE: u32 = 1 << 5;
const QUANTITY: u32 = 1 << 6;
const MAKER: u32 = 1 << 7;
const ASK: u32 = 1 << 9;
const ASK_SIZE: u32 = 1 << 10;
const BID: u32 = 1 << 11;
const BID_SIZE: u32 = 1 << 12;
const LAST: u32 = 1 << 13;
const FIRST: u32 = 1 << 14;
const PREVIOUS: u32 = 1 << 15;
const BIDS: u32 = 1 << 16;
const ASKS: u32 = 1 << 17;
/// `a` and `b` as numbers, which of an update or a quote would be another type.
const ASK_NUMBER: u32 = 1 << 18;
const BID_NUMBER: u32 = 1 << 19;
/// Last trade id of an aggregate, which nobody reads.
const LAST_TRADE: u32 = 1 << 20;
/// Every reading of `a` and of `b`: one of them may be there.
const ANY_ASK: u32 = ASK | ASK_NUMBER | ASKS;
const ANY_BID: u32 = BID | BID_NUMBER | BIDS;

const TRADE: u32 = KIND | SYMBOL | TRADE_ID | PRICE | QUANTITY | TIME | MAKER;
const AGGREGATE: u32 = KIND | SYMBOL | ASK_NUMBER | PRICE | QUANTITY | TIME | MAKER;
const QUOTE: u32 = SYMBOL | LAST | BID | BID_SIZE | ASK | ASK_SIZE;
const DEPTH: u32 = KIND | SYMBOL | EVENT_TIME | FIRST | LAST | BIDS | ASKS;

/// Values of a message as they come by.
#[derive(Default)]
struct Values {
    seen: u32,
    kind: Kind,
    listed: Option<Listed>,
    event_time: u64,
    time: u64,
    trade_id: u64,
    aggregate_id: u64,
    price: i64,
    quantity: i64,
    maker: bool,
    ask: i64,
    ask_size: i64,
    bid: i64,
    bid_size: i64,
    first: u64,
    last: u64,
    previous: u64,
    bids: (usize, usize),
    asks: (usize, usize),
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    None,
    Trade,
    Aggregate,
    Quote,
    Depth,
}

/// Read a usual message.
#[inline]
pub(in crate::stream::parse) fn fast(
    context: &Context,
    levels: &mut Vec<Level>,
    raw: &[u8],
    ts_init: UtcNanos,
) -> Option<Item> {
    let mut cursor = Cursor { rest: raw };
    let mut stream: &[u8] = &[];
    let wrapped = cursor.take(b"{\"stream\":\"").is_some();
    if wrapped {
        stream = cursor.text()?;
        cursor.take(b",\"data\":")?;
    }
    if let Some(item) = ordered(context, cursor.rest, wrapped, ts_init) {
        return Some(item);
    }
    cursor.take(b"{\"")?;
    let mut values = Values::default();
    loop {
        field(context, levels, &mut cursor, &mut values)?;
        if cursor.take(b",\"").is_none() {
            break;
        }
    }
    cursor.take(b"}")?;
    if wrapped {
        cursor.take(b"}")?;
    }
    cursor.rest.is_empty().then_some(())?;
    finish(context, &values, stream, ts_init)
}

/// Read one key and its value.
#[inline(always)]
fn field(context: &Context, levels: &mut Vec<Level>, cursor: &mut Cursor<'_>, values: &mut Values) -> Option<()> {
    // A number follows `":` directly, text a quote, a list a bracket.
    let ([key, b'"', b':'], tail) = cursor.rest.split_first_chunk::<3>()? else {
        return previous(cursor, values);
    };
    let first = *tail.first()?;
    cursor.rest = tail;
    let bit = match first {
        b'"' => {
            cursor.rest = tail.get(1..)?;
            match key {
                b'p' => store(&mut values.price, cursor.decimal()?, PRICE),
                b'q' => store(&mut values.quantity, cursor.decimal()?, QUANTITY),
                b'b' => store(&mut values.bid, cursor.decimal()?, BID),
                b'B' => store(&mut values.bid_size, cursor.decimal()?, BID_SIZE),
                b'a' => store(&mut values.ask, cursor.decimal()?, ASK),
                b'A' => store(&mut values.ask_size, cursor.decimal()?, ASK_SIZE),
                b's' => store(&mut values.listed, Some(context.named(cursor.text()?).ok()?), SYMBOL),
                b'e' => {
                    values.kind = match cursor.text()? {
                        b"trade" => Kind::Trade,
                        b"aggTrade" => Kind::Aggregate,
                        b"bookTicker" => Kind::Quote,
                        b"depthUpdate" => Kind::Depth,
                        _ => return None,
                    };
                    KIND
                }
                // The kind of an order (`X`) and what else is text that nobody reads.
                b'X' => {
                    cursor.text()?;
                    0
                }
                _ => return None,
            }
        }
        b'0'..=b'9' => match key {
            b'E' => store(&mut values.event_time, cursor.time()?, EVENT_TIME),
            b'T' => store(&mut values.time, cursor.time()?, TIME),
            b't' => store(&mut values.trade_id, cursor.uint()?, TRADE_ID),
            b'u' => store(&mut values.last, cursor.uint()?, LAST),
            b'U' => store(&mut values.first, cursor.uint()?, FIRST),
            b'a' => store(&mut values.aggregate_id, cursor.uint()?, ASK_NUMBER),
            b'b' => {
                cursor.uint()?;
                BID_NUMBER
            }
            b'f' => {
                cursor.uint()?;
                0
            }
            b'l' => {
                cursor.uint()?;
                LAST_TRADE
            }
            _ => return None,
        },
        b'[' => {
            cursor.rest = tail.get(1..)?;
            let from = levels.len();
            match key {
                b'b' => {
                    cursor.levels(values.listed, "b", levels)?;
                    store(&mut values.bids, (from, levels.len()), BIDS)
                }
                b'a' => {
                    cursor.levels(values.listed, "a", levels)?;
                    store(&mut values.asks, (from, levels.len()), ASKS)
                }
                _ => return None,
            }
        }
        b't' | b'f' => {
            let truth = first == b't';
            if truth {
                cursor.take(b"true")?
            } else {
                cursor.take(b"false")?
            }
            match key {
                b'm' => store(&mut values.maker, truth, MAKER),
                b'M' => 0,
                _ => return None,
            }
        }
        _ => return None,
    };
    // A key twice, also as another type, is for the general scanner to refuse.
    let taken = match bit {
        ASK | ASK_NUMBER | ASKS => ANY_ASK,
        BID | BID_NUMBER | BIDS => ANY_BID,
        bit => bit,
    };
    if values.seen & taken != 0 {
        return None;
    }
    values.seen |= bit;
    Some(())
}

#[inline(always)]
fn store<T>(to: &mut T, value: T, bit: u32) -> u32 {
    *to = value;
    bit
}

/// The one key of two letters.
#[inline]
fn previous(cursor: &mut Cursor<'_>, values: &mut Values) -> Option<()> {
    cursor.take(b"pu\":")?;
    values.previous = cursor.uint()?;
    if values.seen & PREVIOUS != 0 {
        return None;
    }
    values.seen |= PREVIOUS;
    Some(())
}

/// The event, if everything is there and of one kind only.
#[inline(always)]
fn finish(context: &Context, values: &Values, stream: &[u8], ts_init: UtcNanos) -> Option<Item> {
    let has = |bits: u32| values.seen & bits == bits;
    let listed = values.listed?;
    let (symbol, steps) = (listed.id, listed.steps);
    match values.kind {
        Kind::Trade | Kind::Aggregate => {
            let aggregate = values.kind == Kind::Aggregate;
            if !has(if aggregate { AGGREGATE } else { TRADE }) {
                return None;
            }
            on_step("p", values.price, steps.price).ok()?;
            on_step("q", values.quantity, steps.quantity).ok()?;
            Some(Item::Trade(Trade {
                symbol,
                trade_id: if aggregate { values.aggregate_id } else { values.trade_id },
                price: Price::from_raw(values.price),
                quantity: Quantity::from_raw(values.quantity),
                aggressor: if values.maker { Aggressor::Seller } else { Aggressor::Buyer },
                ts_event: context.clock.same_unit(values.time)?,
                ts_init,
            }))
        }
        Kind::Quote | Kind::None
            if has(if values.kind == Kind::Quote { QUOTE | EVENT_TIME } else { QUOTE })
                && values.seen & (BIDS | ASKS | ASK_NUMBER | BID_NUMBER) == 0 =>
        {
            for price in [values.bid, values.ask] {
                on_step("b", price, steps.price).ok()?;
            }
            for quantity in [values.bid_size, values.ask_size] {
                on_step("B", quantity, steps.quantity).ok()?;
            }
            Some(Item::Quote(Quote {
                symbol,
                update_id: values.last,
                bid: Price::from_raw(values.bid),
                bid_quantity: Quantity::from_raw(values.bid_size),
                ask: Price::from_raw(values.ask),
                ask_quantity: Quantity::from_raw(values.ask_size),
                ts_event: event_time(context, values, ts_init)?,
                ts_init,
            }))
        }
        Kind::Depth if has(DEPTH) && values.seen & (ASK | BID | ASK_NUMBER | BID_NUMBER) == 0 => {
            Some(Item::Depth(DepthHead {
                symbol,
                snapshot: is_partial(stream),
                first_update: values.first,
                last_update: values.last,
                previous_update: has(PREVIOUS).then_some(values.previous),
                checksum: None,
                bids: values.bids.0..values.bids.1,
                asks: values.asks.0..values.asks.1,
                ts_event: event_time(context, values, ts_init)?,
                ts_init,
            }))
        }
        _ => None,
    }
}

/// `T`, else `E`, else ours; both in the connection's unit.
#[inline(always)]
fn event_time(context: &Context, values: &Values, ts_init: UtcNanos) -> Option<UtcNanos> {
    let event = if values.seen & EVENT_TIME == 0 { ts_init } else { context.clock.same_unit(values.event_time)? };
    if values.seen & TIME == 0 { Some(event) } else { context.clock.same_unit(values.time) }
}
