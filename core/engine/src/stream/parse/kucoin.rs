//! KuCoin spot: `match`, `ticker`, `level2`, and the REST book that a level 2 stream is applied to.
//!
//! Trade ids are text: their hash stands for them. A level of price 0 in an update carries its id only and changes nothing.

use std::ops::Range;

use super::context::{Context, Listed, hash_id};
use super::error::ParseError;
use super::item::{DepthHead, Found, Item};
use super::notices::ServiceKind;
use super::scan::{Kind, Token, need, unknown_word};
use super::time::TimeUnit;
use crate::stream::event::{Quote, Trade};
use crate::types::Price;

pub(super) fn read(context: &mut Context, found: &mut Found, document: Token<'_>) -> Result<(), ParseError> {
    let [kind, topic, data, code] = document.fields("message", &["type", "topic", "data", "code"])?;
    let Some(kind) = kind else {
        // An answer of the REST interface.
        return match (code, data) {
            (Some(_), Some(data)) => snapshot(context, found, data),
            _ => Err(ParseError::UnknownMessage { venue: context.venue.name() }),
        };
    };
    let kind = kind.word("type")?;
    let service = match kind.bytes() {
        b"message" => None,
        b"welcome" | b"pong" => Some(ServiceKind::Status),
        b"ack" => Some(ServiceKind::Answer),
        b"error" => Some(ServiceKind::Refusal),
        other => return Err(unknown_word("type", other)),
    };
    if let Some(service) = service {
        context.serve(found, service);
        return Ok(());
    }
    let topic = need(topic, "message", "topic")?.word("topic")?;
    let data = need(data, "message", "data")?;
    let colon = topic.bytes().iter().position(|byte| *byte == b':').unwrap_or(topic.bytes().len());
    let (channel, symbol) = topic.bytes().split_at_checked(colon).unwrap_or_default();
    let symbol = symbol.strip_prefix(b":").unwrap_or_default();
    match channel {
        b"/market/match" => trade(context, found, data),
        b"/market/ticker" => {
            let listed = context.named(symbol)?;
            quote(context, found, listed, data)
        }
        b"/market/level2" => update(context, found, data),
        b"/market/candles" | b"/market/snapshot" => {
            context.serve(found, ServiceKind::Unread);
            Ok(())
        }
        _ => Err(unknown_word("topic", topic.bytes())),
    }
}

fn trade(context: &mut Context, found: &mut Found, data: Token<'_>) -> Result<(), ParseError> {
    const MESSAGE: &str = "match";
    let [symbol, id, price, size, side, time] =
        data.fields("data", &["symbol", "tradeId", "price", "size", "side", "time"])?;
    let listed = context.symbol(symbol, MESSAGE, "symbol")?;
    let id = need(id, MESSAGE, "tradeId")?.word("tradeId")?;
    let trade = Trade {
        symbol: listed.id,
        trade_id: hash_id([id.bytes()]),
        price: context.price(listed, price, MESSAGE, "price", Kind::Text)?,
        quantity: context.quantity(listed, size, MESSAGE, "size", Kind::Text)?,
        aggressor: Context::taker(side, MESSAGE, "side")?,
        ts_event: Context::time_in(TimeUnit::Nanos, time, MESSAGE, "time")?,
        ts_init: context.ts_init,
    };
    found.items.push(Item::Trade(trade));
    Ok(())
}

fn quote(context: &mut Context, found: &mut Found, listed: Listed, data: Token<'_>) -> Result<(), ParseError> {
    const MESSAGE: &str = "ticker";
    let keys = ["sequence", "bestBid", "bestBidSize", "bestAsk", "bestAskSize", "time"];
    let [sequence, bid, bid_size, ask, ask_size, time] = data.fields("data", &keys)?;
    let quote = Quote {
        symbol: listed.id,
        update_id: need(sequence, MESSAGE, "sequence")?.uint("sequence")?,
        bid: context.price(listed, bid, MESSAGE, "bestBid", Kind::Text)?,
        bid_quantity: context.quantity(listed, bid_size, MESSAGE, "bestBidSize", Kind::Text)?,
        ask: context.price(listed, ask, MESSAGE, "bestAsk", Kind::Text)?,
        ask_quantity: context.quantity(listed, ask_size, MESSAGE, "bestAskSize", Kind::Text)?,
        ts_event: Context::time_in(TimeUnit::Millis, time, MESSAGE, "time")?,
        ts_init: context.ts_init,
    };
    found.items.push(Item::Quote(quote));
    Ok(())
}

fn update(context: &mut Context, found: &mut Found, data: Token<'_>) -> Result<(), ParseError> {
    const MESSAGE: &str = "level2";
    let [symbol, first, last, changes, time] =
        data.fields("data", &["symbol", "sequenceStart", "sequenceEnd", "changes", "time"])?;
    let listed = context.symbol(symbol, MESSAGE, "symbol")?;
    let first = context.number(first, MESSAGE, "sequenceStart")?;
    let last = context.number(last, MESSAGE, "sequenceEnd")?;
    // Recordings of 2021 have no time here.
    let time = time.map(|_| Context::time_in(TimeUnit::Millis, time, MESSAGE, "time")).transpose()?;
    let ts_event = time.unwrap_or(context.ts_init);
    let [bids, asks] = need(changes, MESSAGE, "changes")?.fields("changes", &["bids", "asks"])?;
    let bids = changed(context, found, listed, need(bids, MESSAGE, "bids")?, "bids")?;
    let asks = changed(context, found, listed, need(asks, MESSAGE, "asks")?, "asks")?;
    let head = DepthHead::unnumbered(context, listed, false, bids, asks, ts_event);
    found.items.push(Item::Depth(head.numbered(first, last, None)));
    Ok(())
}

fn changed(
    context: &mut Context,
    found: &mut Found,
    listed: Listed,
    list: Token<'_>,
    key: &'static str,
) -> Result<Range<usize>, ParseError> {
    let range = context.levels(found, listed, list, key, Kind::Text)?;
    let mut at = 0;
    // Only levels of this list: those before it belong to another side.
    found.levels.retain(|(price, _)| {
        at += 1;
        at <= range.start || *price != Price::ZERO
    });
    Ok(range.start..found.levels.len())
}

fn snapshot(context: &mut Context, found: &mut Found, data: Token<'_>) -> Result<(), ParseError> {
    const MESSAGE: &str = "book snapshot";
    let [time, sequence, bids, asks] = data.fields("data", &["time", "sequence", "bids", "asks"])?;
    let listed = context.unnamed(MESSAGE)?;
    let sequence = need(sequence, MESSAGE, "sequence")?.uint("sequence")?;
    let ts_event = Context::time_in(TimeUnit::Millis, time, MESSAGE, "time")?;
    let bids = context.levels(found, listed, need(bids, MESSAGE, "bids")?, "bids", Kind::Text)?;
    let asks = context.levels(found, listed, need(asks, MESSAGE, "asks")?, "asks", Kind::Text)?;
    let head = DepthHead::unnumbered(context, listed, true, bids, asks, ts_event);
    found.items.push(Item::Depth(head.numbered(sequence, sequence, None)));
    Ok(())
}
