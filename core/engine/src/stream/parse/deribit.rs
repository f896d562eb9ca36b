//! Deribit v2: subscriptions `trades`, `quote`, `ticker`, `book` in JSON-RPC. Amounts are in the instrument's unit, as sent.
//!
//! `trade_seq`, which counts an instrument's trades, is the trade's id. The shared recording of this venue has no stream in it:
//! the forms here are those of the venue's documentation.

use super::context::Context;
use super::error::ParseError;
use super::item::{DepthHead, Found, Item};
use super::notices::ServiceKind;
use super::scan::{Kind, Token, need, unknown_word};
use super::time::TimeUnit;
use crate::stream::event::{Quote, Trade};

pub(super) fn read(context: &mut Context, found: &mut Found, document: Token<'_>) -> Result<(), ParseError> {
    let [method, parameters, result, error] = document.fields("message", &["method", "params", "result", "error"])?;
    let Some(method) = method else {
        let kind = match (result, error) {
            (_, Some(_)) => ServiceKind::Refusal,
            (Some(_), None) => ServiceKind::Answer,
            (None, None) => return Err(ParseError::UnknownMessage { venue: context.venue.name() }),
        };
        context.serve(found, kind);
        return Ok(());
    };
    let method = method.word("method")?;
    match method.bytes() {
        b"subscription" => {}
        b"heartbeat" => {
            context.serve(found, ServiceKind::Status);
            return Ok(());
        }
        other => return Err(unknown_word("method", other)),
    }
    let [channel, data] = need(parameters, "message", "params")?.fields("params", &["channel", "data"])?;
    let channel = need(channel, "subscription", "channel")?.word("channel")?;
    let data = need(data, "subscription", "data")?;
    match channel.bytes().split(|byte| *byte == b'.').next().unwrap_or_default() {
        b"trades" => {
            let mut rows = data.elements("data")?;
            while let Some(row) = rows.next()? {
                trade(context, found, row)?;
            }
            Ok(())
        }
        b"quote" | b"ticker" => quote(context, found, data),
        b"book" => book(context, found, data),
        _ => Err(unknown_word("channel", channel.bytes())),
    }
}

fn trade(context: &mut Context, found: &mut Found, row: Token<'_>) -> Result<(), ParseError> {
    const MESSAGE: &str = "trades";
    let keys = ["instrument_name", "trade_seq", "price", "amount", "direction", "timestamp"];
    let [name, id, price, amount, direction, time] = row.fields("data", &keys)?;
    let listed = context.symbol(name, MESSAGE, "instrument_name")?;
    let trade = Trade {
        symbol: listed.id,
        trade_id: context.number(id, MESSAGE, "trade_seq")?,
        price: context.price(listed, price, MESSAGE, "price", Kind::Number)?,
        quantity: context.quantity(listed, amount, MESSAGE, "amount", Kind::Number)?,
        aggressor: Context::taker(direction, MESSAGE, "direction")?,
        ts_event: Context::time_in(TimeUnit::Millis, time, MESSAGE, "timestamp")?,
        ts_init: context.ts_init,
    };
    found.items.push(Item::Trade(trade));
    Ok(())
}

fn quote(context: &mut Context, found: &mut Found, data: Token<'_>) -> Result<(), ParseError> {
    const MESSAGE: &str = "quote";
    let keys =
        ["instrument_name", "best_bid_price", "best_bid_amount", "best_ask_price", "best_ask_amount", "timestamp"];
    let [name, bid, bid_size, ask, ask_size, time] = data.fields("data", &keys)?;
    let listed = context.symbol(name, MESSAGE, "instrument_name")?;
    let quote = Quote {
        symbol: listed.id,
        update_id: 0,
        bid: context.price(listed, bid, MESSAGE, "best_bid_price", Kind::Number)?,
        bid_quantity: context.quantity(listed, bid_size, MESSAGE, "best_bid_amount", Kind::Number)?,
        ask: context.price(listed, ask, MESSAGE, "best_ask_price", Kind::Number)?,
        ask_quantity: context.quantity(listed, ask_size, MESSAGE, "best_ask_amount", Kind::Number)?,
        ts_event: Context::time_in(TimeUnit::Millis, time, MESSAGE, "timestamp")?,
        ts_init: context.ts_init,
    };
    found.items.push(Item::Quote(quote));
    Ok(())
}

/// Levels are `["new" | "change" | "delete", price, amount]`; a deleted one has amount 0.
fn book(context: &mut Context, found: &mut Found, data: Token<'_>) -> Result<(), ParseError> {
    const MESSAGE: &str = "book";
    let keys = ["type", "instrument_name", "change_id", "prev_change_id", "bids", "asks", "timestamp"];
    let [kind, name, update, previous, bids, asks, time] = data.fields("data", &keys)?;
    let listed = context.symbol(name, MESSAGE, "instrument_name")?;
    let kind = kind.map(|token| token.word("type")).transpose()?;
    // Without a type the message is one of the grouped channels, which send a whole book.
    let snapshot = match kind.as_ref().map(super::scan::Word::bytes) {
        None | Some(b"snapshot") => true,
        Some(b"change") => false,
        Some(other) => return Err(unknown_word("type", other)),
    };
    let actions = kind.is_some();
    let update = context.number(update, MESSAGE, "change_id")?;
    let previous = previous.map(|token| token.uint("prev_change_id")).transpose()?;
    let ts_event = Context::time_in(TimeUnit::Millis, time, MESSAGE, "timestamp")?;
    let mut ranges = [0..0, 0..0];
    for (range, (list, key)) in ranges.iter_mut().zip([(bids, "bids"), (asks, "asks")]) {
        let from = found.levels.len();
        let mut rows = need(list, MESSAGE, key)?.elements(key)?;
        while let Some(row) = rows.next()? {
            let mut values = row.elements(key)?;
            if actions {
                let action = values.need("level", key)?.word(key)?;
                if !matches!(action.bytes(), b"new" | b"change" | b"delete") {
                    return Err(unknown_word(key, action.bytes()));
                }
            }
            let price = context.price(listed, values.next()?, "level", key, Kind::Number)?;
            let quantity = context.quantity(listed, values.next()?, "level", key, Kind::Number)?;
            found.level((price, quantity))?;
        }
        *range = from..found.levels.len();
    }
    let [bids, asks] = ranges;
    let head = DepthHead::unnumbered(context, listed, snapshot, bids, asks, ts_event);
    found.items.push(Item::Depth(head.numbered(update, update, previous)));
    Ok(())
}
