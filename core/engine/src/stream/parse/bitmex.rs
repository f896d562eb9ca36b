//! BitMEX: tables `trade`, `quote`, `orderBookL2`. Quantities are contracts, as sent.
//!
//! A book's changes name a level by an id, without its price: the price is remembered from the snapshot or the insertion. Trade ids
//! are UUIDs: their hash stands for them. Books have no ids of updates; times of books are ours where the row has none.

use std::ops::Range;

use super::context::{Context, Listed, hash_id};
use super::error::ParseError;
use super::item::{DepthHead, Found, Item, MOST_LEVELS};
use super::notices::ServiceKind;
use super::scan::{Kind, Token, need, unknown_word};
use crate::stream::event::{Aggressor, Quote, SymbolId, Trade};
use crate::types::{Price, Quantity};

pub(super) fn read(context: &mut Context, found: &mut Found, document: Token<'_>) -> Result<(), ParseError> {
    let keys = ["table", "action", "data", "info", "success", "error", "filter"];
    let [table, action, data, info, success, error, filter] = document.fields("message", &keys)?;
    let Some(table) = table else {
        let kind = match (error, success, info) {
            (Some(_), _, _) => ServiceKind::Refusal,
            (None, Some(_), _) => ServiceKind::Answer,
            (None, None, Some(_)) => ServiceKind::Status,
            _ => return Err(ParseError::UnknownMessage { venue: context.venue.name() }),
        };
        context.serve(found, kind);
        return Ok(());
    };
    let table = table.word("table")?;
    let action = need(action, "message", "action")?.word("action")?;
    let action = match action.bytes() {
        b"partial" => Action::Partial,
        b"insert" => Action::Insert,
        b"update" => Action::Update,
        b"delete" => Action::Delete,
        other => return Err(unknown_word("action", other)),
    };
    let data = need(data, "message", "data")?;
    match table.bytes() {
        b"trade" => each(context, found, data, trade),
        b"quote" => each(context, found, data, quote),
        b"orderBookL2" | b"orderBookL2_25" => {
            let empty = data.elements("data")?.next()?.is_none();
            match filter {
                // A book without a level still is a snapshot.
                Some(filter) if empty && action == Action::Partial => {
                    let [symbol] = filter.fields("filter", &["symbol"])?;
                    let listed = context.symbol(symbol, "orderBookL2", "symbol")?;
                    let head = DepthHead::unnumbered(context, listed, true, 0..0, 0..0, context.ts_init);
                    found.items.push(Item::Depth(head));
                    Ok(())
                }
                _ => books(context, found, data, action),
            }
        }
        other => Err(unknown_word("table", other)),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Partial,
    Insert,
    Update,
    Delete,
}

fn each(
    context: &mut Context,
    found: &mut Found,
    data: Token<'_>,
    read: fn(&mut Context, Token<'_>) -> Result<Item, ParseError>,
) -> Result<(), ParseError> {
    let mut rows = data.elements("data")?;
    while let Some(row) = rows.next()? {
        let item = read(context, row)?;
        found.items.push(item);
    }
    context.serve(found, ServiceKind::Status);
    Ok(())
}

fn trade(context: &mut Context, row: Token<'_>) -> Result<Item, ParseError> {
    const MESSAGE: &str = "trade";
    let [symbol, id, price, size, side, time] =
        row.fields("data", &["symbol", "trdMatchID", "price", "size", "side", "timestamp"])?;
    let listed = context.symbol(symbol, MESSAGE, "symbol")?;
    let id = need(id, MESSAGE, "trdMatchID")?.word("trdMatchID")?;
    Ok(Item::Trade(Trade {
        symbol: listed.id,
        trade_id: hash_id([id.bytes()]),
        price: context.price(listed, price, MESSAGE, "price", Kind::Number)?,
        quantity: context.quantity(listed, size, MESSAGE, "size", Kind::Number)?,
        aggressor: Context::taker(side, MESSAGE, "side")?,
        ts_event: Context::iso_time(time, MESSAGE, "timestamp")?,
        ts_init: context.ts_init,
    }))
}

fn quote(context: &mut Context, row: Token<'_>) -> Result<Item, ParseError> {
    const MESSAGE: &str = "quote";
    let [symbol, bid, bid_size, ask, ask_size, time] =
        row.fields("data", &["symbol", "bidPrice", "bidSize", "askPrice", "askSize", "timestamp"])?;
    let listed = context.symbol(symbol, MESSAGE, "symbol")?;
    Ok(Item::Quote(Quote {
        symbol: listed.id,
        update_id: 0,
        bid: context.price(listed, bid, MESSAGE, "bidPrice", Kind::Number)?,
        bid_quantity: context.quantity(listed, bid_size, MESSAGE, "bidSize", Kind::Number)?,
        ask: context.price(listed, ask, MESSAGE, "askPrice", Kind::Number)?,
        ask_quantity: context.quantity(listed, ask_size, MESSAGE, "askSize", Kind::Number)?,
        ts_event: Context::iso_time(time, MESSAGE, "timestamp")?,
        ts_init: context.ts_init,
    }))
}

/// One book message for each symbol of the rows, in the order of their first rows.
fn books(context: &mut Context, found: &mut Found, data: Token<'_>, action: Action) -> Result<(), ParseError> {
    const MESSAGE: &str = "orderBookL2";
    let first = found.items.len();
    let mut rows = data.elements("data")?;
    while let Some(row) = rows.next()? {
        let [symbol] = row.fields("data", &["symbol"])?;
        let listed = context.symbol(symbol, MESSAGE, "symbol")?;
        let done = |item: &Item| matches!(item, Item::Depth(head) if head.symbol == listed.id);
        if found.items.get(first..).unwrap_or_default().iter().any(done) {
            continue;
        }
        let bids = side(context, found, data, listed, action, Aggressor::Buyer)?;
        let asks = side(context, found, data, listed, action, Aggressor::Seller)?;
        let snapshot = action == Action::Partial;
        let head = DepthHead::unnumbered(context, listed, snapshot, bids, asks, context.ts_init);
        found.items.push(Item::Depth(head));
    }
    // Every row was read without an error: what is known of levels may change now.
    let mut rows = data.elements("data")?;
    let heads = found.items.get(first..).unwrap_or_default();
    let symbols = heads.iter().filter_map(|item| if let Item::Depth(head) = item { Some(head.symbol) } else { None });
    if action == Action::Partial {
        for symbol in symbols {
            context.level_prices.retain(|(of, _), _| *of != symbol);
        }
    }
    while let Some(row) = rows.next()? {
        let [symbol, id, price] = row.fields("data", &["symbol", "id", "price"])?;
        let listed = context.symbol(symbol, MESSAGE, "symbol")?;
        let level = (listed.id, need(id, MESSAGE, "id")?.uint("id")?);
        if action == Action::Delete {
            context.level_prices.remove(&level);
        } else if let Some(price) = price {
            if context.level_prices.len() >= MOST_LEVELS {
                let length = context.level_prices.len() + 1;
                return Err(ParseError::TooLong { what: "list of levels", at: 0, length, bound: MOST_LEVELS });
            }
            context.level_prices.insert(level, Price::from_raw(price.decimal("price")?));
        }
    }
    Ok(())
}

fn side(
    context: &mut Context,
    found: &mut Found,
    data: Token<'_>,
    listed: Listed,
    action: Action,
    wanted: Aggressor,
) -> Result<Range<usize>, ParseError> {
    const MESSAGE: &str = "orderBookL2";
    let from = found.levels.len();
    let mut rows = data.elements("data")?;
    while let Some(row) = rows.next()? {
        let [symbol, id, side, size, price] = row.fields("data", &["symbol", "id", "side", "size", "price"])?;
        let of: SymbolId = context.symbol(symbol, MESSAGE, "symbol")?.id;
        let side = Context::taker(side, MESSAGE, "side")?;
        let id = need(id, MESSAGE, "id")?.uint("id")?;
        if of != listed.id || side != wanted {
            continue;
        }
        let known = context.level_prices.get(&(of, id)).copied();
        let price = match (price, known, action) {
            (Some(_), _, _) | (None, _, Action::Partial | Action::Insert) => {
                context.price(listed, price, MESSAGE, "price", Kind::Number)?
            }
            (None, Some(known), _) => known,
            (None, None, _) => return Err(ParseError::UnknownLevel { id }),
        };
        let quantity = match action {
            Action::Delete => Quantity::ZERO,
            _ => context.quantity(listed, size, MESSAGE, "size", Kind::Number)?,
        };
        found.level((price, quantity))?;
    }
    Ok(from..found.levels.len())
}
