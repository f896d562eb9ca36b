//! Kraken, WebSocket v1: `trade`, `spread`, `ticker`, `book`.
//!
//! Messages are lists `[channel id, payload.., channel name, pair]`. Trades have no id: a hash of what the trade says and of its
//! place in the message stands for it, so that the same message twice is found. Books have no ids but a checksum.

use super::context::{Context, Listed, hash_id};
use super::error::ParseError;
use super::item::{DepthHead, Found, Item};
use super::notices::ServiceKind;
use super::scan::{Kind, Token, need, unknown_word};
use super::time::TimeUnit;
use crate::stream::event::{Aggressor, Quote, Trade};
use crate::types::{Quantity, UtcNanos};

/// Most values of a message: the id, two payloads of a book, the channel and the pair.
const MOST: usize = 5;

pub(super) fn read(context: &mut Context, found: &mut Found, document: Token<'_>) -> Result<(), ParseError> {
    if document.is(Kind::Object) {
        return service(context, found, document);
    }
    let unknown = ParseError::UnknownMessage { venue: context.venue.name() };
    let mut values = [None; MOST];
    let mut elements = document.elements("message")?;
    let mut count = 0;
    while let Some(element) = elements.next()? {
        *values.get_mut(count).ok_or(unknown)? = Some(element);
        count += 1;
    }
    let (payload, second, channel, pair) = match values {
        [Some(_), Some(payload), Some(channel), Some(pair), None] => (payload, None, channel, pair),
        [Some(_), Some(payload), Some(second), Some(channel), Some(pair)] => (payload, Some(second), channel, pair),
        _ => return Err(unknown),
    };
    let listed = context.symbol(Some(pair), "message", "pair")?;
    let channel = channel.word("channel")?;
    match channel.bytes() {
        b"trade" => trades(context, found, listed, payload),
        b"spread" => spread(context, found, listed, payload),
        b"ticker" => ticker(context, found, listed, payload),
        name if name == b"book" || name.starts_with(b"book-") => book(context, found, listed, payload, second),
        name if name == b"ohlc" || name.starts_with(b"ohlc-") => {
            context.serve(found, ServiceKind::Unread);
            Ok(())
        }
        other => Err(unknown_word("channel", other)),
    }
}

fn service(context: &mut Context, found: &Found, document: Token<'_>) -> Result<(), ParseError> {
    let [event, status] = document.fields("message", &["event", "status"])?;
    let event = need(event, "message", "event")?.word("event")?;
    let status = status.map(|token| token.word("status")).transpose()?;
    let refused = status.is_some_and(|word| word.bytes() == b"error");
    let kind = match event.bytes() {
        b"heartbeat" | b"systemStatus" | b"pong" => ServiceKind::Status,
        b"error" => ServiceKind::Refusal,
        b"subscriptionStatus" if refused => ServiceKind::Refusal,
        b"subscriptionStatus" => ServiceKind::Answer,
        other => return Err(unknown_word("event", other)),
    };
    context.serve(found, kind);
    Ok(())
}

fn trades(context: &mut Context, found: &mut Found, listed: Listed, list: Token<'_>) -> Result<(), ParseError> {
    const MESSAGE: &str = "trade";
    let mut rows = list.elements(MESSAGE)?;
    let mut place = 0_u64;
    while let Some(row) = rows.next()? {
        let mut values = row.elements(MESSAGE)?;
        let price = context.price(listed, values.next()?, MESSAGE, "price", Kind::Text)?;
        let quantity = context.quantity(listed, values.next()?, MESSAGE, "volume", Kind::Text)?;
        let ts_event = Context::decimal_time(TimeUnit::Seconds, values.next()?, MESSAGE, "time")?;
        let side = values.need(MESSAGE, "side")?.word("side")?;
        let aggressor = match side.bytes() {
            b"b" => Aggressor::Buyer,
            b"s" => Aggressor::Seller,
            other => return Err(unknown_word("side", other)),
        };
        let trade_id = hash_id([row.bytes(), &place.to_le_bytes()]);
        place += 1;
        let ts_init = context.ts_init;
        found.items.push(Item::Trade(Trade {
            symbol: listed.id,
            trade_id,
            price,
            quantity,
            aggressor,
            ts_event,
            ts_init,
        }));
    }
    Ok(())
}

/// `[bid, ask, time, bid quantity, ask quantity]`.
fn spread(context: &mut Context, found: &mut Found, listed: Listed, list: Token<'_>) -> Result<(), ParseError> {
    const MESSAGE: &str = "spread";
    let mut values = list.elements(MESSAGE)?;
    let bid = context.price(listed, values.next()?, MESSAGE, "bid", Kind::Text)?;
    let ask = context.price(listed, values.next()?, MESSAGE, "ask", Kind::Text)?;
    let ts_event = Context::decimal_time(TimeUnit::Seconds, values.next()?, MESSAGE, "time")?;
    let mut size = |key| match values.next()? {
        None => Ok(Quantity::ZERO),
        token => context.quantity(listed, token, MESSAGE, key, Kind::Text),
    };
    let (bid_quantity, ask_quantity) = (size("bid volume")?, size("ask volume")?);
    let (symbol, ts_init) = (listed.id, context.ts_init);
    let quote = Quote { symbol, update_id: 0, bid, bid_quantity, ask, ask_quantity, ts_event, ts_init };
    found.items.push(Item::Quote(quote));
    Ok(())
}

/// `{"a": [price, whole lots, lots], "b": [..], ..}`, without a time.
fn ticker(context: &mut Context, found: &mut Found, listed: Listed, object: Token<'_>) -> Result<(), ParseError> {
    const MESSAGE: &str = "ticker";
    let [ask, bid] = object.fields(MESSAGE, &["a", "b"])?;
    let mut side = |token: Option<Token<'_>>, key| {
        let mut values = need(token, MESSAGE, key)?.elements(key)?;
        let price = context.price(listed, values.next()?, MESSAGE, key, Kind::Text)?;
        values.next()?;
        Ok((price, context.quantity(listed, values.next()?, MESSAGE, key, Kind::Text)?))
    };
    let ((bid, bid_quantity), (ask, ask_quantity)) = (side(bid, "b")?, side(ask, "a")?);
    let (symbol, ts_init) = (listed.id, context.ts_init);
    let quote = Quote { symbol, update_id: 0, bid, bid_quantity, ask, ask_quantity, ts_event: ts_init, ts_init };
    found.items.push(Item::Quote(quote));
    Ok(())
}

/// `{"as": .., "bs": ..}` is a snapshot; `{"a": ..}`, `{"b": ..}` or both in one or two objects are an update. The time is the
/// latest of the levels.
fn book(
    context: &mut Context,
    found: &mut Found,
    listed: Listed,
    payload: Token<'_>,
    second: Option<Token<'_>>,
) -> Result<(), ParseError> {
    const MESSAGE: &str = "book";
    let [asks_whole, bids_whole, mut asks, mut bids, mut checksum] =
        payload.fields(MESSAGE, &["as", "bs", "a", "b", "c"])?;
    if let Some(second) = second {
        let [more_asks, more_bids, more_checksum] = second.fields(MESSAGE, &["a", "b", "c"])?;
        if (asks.is_some() && more_asks.is_some()) || (bids.is_some() && more_bids.is_some()) {
            return Err(ParseError::DuplicateKey { key: if more_asks.is_some() { "a" } else { "b" }, at: 0 });
        }
        (asks, bids, checksum) = (asks.or(more_asks), bids.or(more_bids), checksum.or(more_checksum));
    }
    let snapshot = asks_whole.is_some() || bids_whole.is_some();
    if snapshot {
        (asks, bids) = (Some(need(asks_whole, MESSAGE, "as")?), Some(need(bids_whole, MESSAGE, "bs")?));
    } else if asks.is_none() && bids.is_none() {
        return Err(ParseError::MissingKey { message: MESSAGE, key: "a" });
    }
    let mut latest = None;
    let mut side = |token: Option<Token<'_>>, key: &'static str| {
        let Some(list) = token else { return Ok(0..0) };
        let range = context.levels(found, listed, list, key, Kind::Text)?;
        latest = latest.max(latest_time(list, key)?);
        Ok::<_, ParseError>(range)
    };
    let (bids, asks) = (side(bids, "b")?, side(asks, "a")?);
    let ts_event = latest.unwrap_or(context.ts_init);
    let mut head = DepthHead::unnumbered(context, listed, snapshot, bids, asks, ts_event);
    head.checksum = checksum.map(|token| token.bits32("c")).transpose()?;
    found.items.push(Item::Depth(head));
    Ok(())
}

fn latest_time(list: Token<'_>, key: &'static str) -> Result<Option<UtcNanos>, ParseError> {
    let mut latest = None;
    let mut rows = list.elements(key)?;
    while let Some(row) = rows.next()? {
        let mut values = row.elements(key)?;
        let (_price, _volume) = (values.next()?, values.next()?);
        let time = Context::decimal_time(TimeUnit::Seconds, values.next()?, "level", "time")?;
        latest = latest.max(Some(time));
    }
    Ok(latest)
}
