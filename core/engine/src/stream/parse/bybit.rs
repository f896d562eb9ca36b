//! Bybit: v5 (`publicTrade`, `orderbook`, `tickers`) and the first public API (`trade`, `orderBookL2_25`).
//!
//! Trade ids are UUIDs: their hash stands for them. Books of v5 have one id that rises by 1; those of the first API carry a
//! sequence that only rises.

use super::context::{Context, Listed, hash_id};
use super::error::ParseError;
use super::item::{DepthHead, Found, Item};
use super::notices::ServiceKind;
use super::scan::{Kind, Token, need, unknown_word};
use super::time::TimeUnit;
use crate::stream::event::{Aggressor, Trade};
use crate::types::Quantity;

pub(super) fn read(context: &mut Context, found: &mut Found, document: Token<'_>) -> Result<(), ParseError> {
    let [topic, action, data, success, operation] =
        document.fields("message", &["topic", "type", "data", "success", "op"])?;
    let Some(topic) = topic else {
        if success.is_none() && operation.is_none() {
            return Err(ParseError::UnknownMessage { venue: context.venue.name() });
        }
        let refused = success.is_some_and(|token| token.is(Kind::False));
        context.serve(found, if refused { ServiceKind::Refusal } else { ServiceKind::Answer });
        return Ok(());
    };
    let topic = topic.word("topic")?;
    let data = need(data, "message", "data")?;
    let mut parts = topic.bytes().split(|byte| *byte == b'.');
    let kind = parts.next().unwrap_or_default();
    let symbol = parts.next_back().unwrap_or_default();
    match kind {
        b"trade" => each_trade(context, found, data, &OLD_TRADE),
        b"publicTrade" => each_trade(context, found, data, &TRADE),
        b"orderbook" => book(context, found, document, snapshot(action)?, data),
        kind if kind.starts_with(b"orderBookL2_25") || kind.starts_with(b"orderBook_200") => {
            let listed = context.named(symbol)?;
            old_book(context, found, document, listed, snapshot(action)?, data)
        }
        b"tickers" | b"kline" | b"liquidation" => {
            context.serve(found, ServiceKind::Unread);
            Ok(())
        }
        _ => Err(unknown_word("topic", topic.bytes())),
    }
}

fn snapshot(action: Option<Token<'_>>) -> Result<bool, ParseError> {
    let action = need(action, "orderbook", "type")?.word("type")?;
    match action.bytes() {
        b"snapshot" => Ok(true),
        b"delta" => Ok(false),
        other => Err(unknown_word("type", other)),
    }
}

/// Keys of a trade: symbol, price, quantity, side, id, milliseconds.
const TRADE: [&str; 6] = ["s", "p", "v", "S", "i", "T"];
const OLD_TRADE: [&str; 6] = ["symbol", "price", "size", "side", "trade_id", "trade_time_ms"];

fn each_trade(
    context: &mut Context,
    found: &mut Found,
    list: Token<'_>,
    keys: &[&'static str; 6],
) -> Result<(), ParseError> {
    const MESSAGE: &str = "trade";
    let [symbol_key, price_key, size_key, side_key, id_key, time_key] = *keys;
    let mut rows = list.elements("data")?;
    while let Some(row) = rows.next()? {
        let [symbol, price, size, side, id, time] = row.fields("data", keys)?;
        let listed = context.symbol(symbol, MESSAGE, symbol_key)?;
        let id = need(id, MESSAGE, id_key)?.word(id_key)?;
        let trade = Trade {
            symbol: listed.id,
            trade_id: hash_id([id.bytes()]),
            price: context.price(listed, price, MESSAGE, price_key, Kind::Text)?,
            quantity: context.quantity(listed, size, MESSAGE, size_key, Kind::Text)?,
            aggressor: Context::taker(side, MESSAGE, side_key)?,
            ts_event: Context::time_in(TimeUnit::Millis, time, MESSAGE, time_key)?,
            ts_init: context.ts_init,
        };
        found.items.push(Item::Trade(trade));
    }
    Ok(())
}

fn book(
    context: &mut Context,
    found: &mut Found,
    document: Token<'_>,
    snapshot: bool,
    data: Token<'_>,
) -> Result<(), ParseError> {
    const MESSAGE: &str = "orderbook";
    let [time, engine_time] = document.fields("message", &["ts", "cts"])?;
    let [symbol, bids, asks, update] = data.fields("data", &["s", "b", "a", "u"])?;
    let listed = context.symbol(symbol, MESSAGE, "s")?;
    let update = context.number(update, MESSAGE, "u")?;
    let ts_event = Context::time_in(TimeUnit::Millis, engine_time.or(time), MESSAGE, "ts")?;
    let bids = context.levels(found, listed, need(bids, MESSAGE, "b")?, "b", Kind::Text)?;
    let asks = context.levels(found, listed, need(asks, MESSAGE, "a")?, "a", Kind::Text)?;
    let head = DepthHead::unnumbered(context, listed, snapshot, bids, asks, ts_event);
    found.items.push(Item::Depth(head.numbered(update, update, None)));
    Ok(())
}

/// Levels as objects, in `delete`, `update` and `insert` (or in one list of a snapshot), both sides mixed.
fn old_book(
    context: &mut Context,
    found: &mut Found,
    document: Token<'_>,
    listed: Listed,
    snapshot: bool,
    data: Token<'_>,
) -> Result<(), ParseError> {
    const MESSAGE: &str = "orderBookL2_25";
    let [sequence, micros] = document.fields("message", &["cross_seq", "timestamp_e6"])?;
    let sequence = need(sequence, MESSAGE, "cross_seq")?.uint("cross_seq")?;
    let ts_event = Context::time_in(TimeUnit::Micros, micros, MESSAGE, "timestamp_e6")?;
    let lists = if !snapshot {
        let [delete, update, insert] = data.fields("data", &["delete", "update", "insert"])?;
        let need = |token, key| need(token, MESSAGE, key).map(Some);
        [need(delete, "delete")?, need(update, "update")?, need(insert, "insert")?]
    } else if data.is(Kind::Object) {
        let [book] = data.fields("data", &["order_book"])?;
        [None, None, Some(need(book, MESSAGE, "order_book")?)]
    } else {
        [None, None, Some(data)]
    };
    let mut ranges = [0..0, 0..0];
    for (range, wanted) in ranges.iter_mut().zip([Aggressor::Buyer, Aggressor::Seller]) {
        let from = found.levels.len();
        for (list, key) in lists.iter().zip(["delete", "update", "insert"]) {
            let Some(list) = list else { continue };
            let mut rows = list.elements(key)?;
            while let Some(row) = rows.next()? {
                let [price, side, size] = row.fields(key, &["price", "side", "size"])?;
                let side = Context::taker(side, MESSAGE, "side")?;
                let price = context.price(listed, price, MESSAGE, "price", Kind::Text)?;
                let quantity = match key {
                    "delete" => Quantity::ZERO,
                    _ => context.quantity(listed, size, MESSAGE, "size", Kind::Number)?,
                };
                if side == wanted {
                    found.level((price, quantity))?;
                }
            }
        }
        *range = from..found.levels.len();
    }
    let [bids, asks] = ranges;
    let head = DepthHead::unnumbered(context, listed, snapshot, bids, asks, ts_event);
    found.items.push(Item::Depth(head.numbered(sequence, sequence, None)));
    Ok(())
}
