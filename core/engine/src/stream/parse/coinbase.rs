//! Coinbase Exchange: `match`, `ticker`, `level2`.
//!
//! `side` of a match is the maker's. A ticker of before 2022 has no quantities at the best prices: they are 0. Books have no
//! ids: the stream begins with a snapshot and the connection keeps the order.

use super::context::{Context, Listed};
use super::error::ParseError;
use super::item::{DepthHead, Found, Item};
use super::notices::ServiceKind;
use super::scan::{Kind, Token, need, unknown_word};
use crate::stream::event::{Aggressor, Quote, Trade};
use crate::types::{Quantity, UtcNanos};

pub(super) fn read(context: &mut Context, found: &mut Found, document: Token<'_>) -> Result<(), ParseError> {
    let keys = ["type", "product_id", "time"];
    let [kind, product, time] = document.fields("message", &keys)?;
    let kind = need(kind, "message", "type")?.word("type")?;
    let time = time.map(|token| Context::iso_time(Some(token), "message", "time")).transpose()?;
    let ts_event = time.unwrap_or(context.ts_init);
    match kind.bytes() {
        b"match" | b"last_match" => trade(context, found, document, product),
        b"ticker" => {
            let listed = context.symbol(product, "ticker", "product_id")?;
            quote(context, found, document, listed, ts_event)
        }
        b"snapshot" => {
            let listed = context.symbol(product, "snapshot", "product_id")?;
            let [bids, asks] = document.fields("message", &["bids", "asks"])?;
            let bids = context.levels(found, listed, need(bids, "snapshot", "bids")?, "bids", Kind::Text)?;
            let asks = context.levels(found, listed, need(asks, "snapshot", "asks")?, "asks", Kind::Text)?;
            found.items.push(Item::Depth(DepthHead::unnumbered(context, listed, true, bids, asks, ts_event)));
            Ok(())
        }
        b"l2update" => {
            let listed = context.symbol(product, "l2update", "product_id")?;
            let [changes] = document.fields("message", &["changes"])?;
            changes_of(context, found, need(changes, "l2update", "changes")?, listed, ts_event)
        }
        b"subscriptions" => {
            context.serve(found, ServiceKind::Answer);
            Ok(())
        }
        b"heartbeat" | b"status" => {
            context.serve(found, ServiceKind::Status);
            Ok(())
        }
        b"error" => {
            context.serve(found, ServiceKind::Refusal);
            Ok(())
        }
        other => Err(unknown_word("type", other)),
    }
}

fn trade(
    context: &mut Context,
    found: &mut Found,
    document: Token<'_>,
    product: Option<Token<'_>>,
) -> Result<(), ParseError> {
    const MESSAGE: &str = "match";
    let keys = ["trade_id", "price", "size", "side", "time"];
    let [id, price, size, side, time] = document.fields("message", &keys)?;
    let listed = context.symbol(product, MESSAGE, "product_id")?;
    let trade = Trade {
        symbol: listed.id,
        trade_id: context.number(id, MESSAGE, "trade_id")?,
        price: context.price(listed, price, MESSAGE, "price", Kind::Text)?,
        quantity: context.quantity(listed, size, MESSAGE, "size", Kind::Text)?,
        aggressor: match Context::taker(side, MESSAGE, "side")? {
            Aggressor::Buyer => Aggressor::Seller,
            _ => Aggressor::Buyer,
        },
        ts_event: Context::iso_time(time, MESSAGE, "time")?,
        ts_init: context.ts_init,
    };
    found.items.push(Item::Trade(trade));
    Ok(())
}

fn quote(
    context: &mut Context,
    found: &mut Found,
    document: Token<'_>,
    listed: Listed,
    ts_event: UtcNanos,
) -> Result<(), ParseError> {
    const MESSAGE: &str = "ticker";
    let keys = ["sequence", "best_bid", "best_bid_size", "best_ask", "best_ask_size"];
    let [sequence, bid, bid_size, ask, ask_size] = document.fields("message", &keys)?;
    let mut size = |token: Option<Token<'_>>, key| match token {
        None => Ok(Quantity::ZERO),
        Some(_) => context.quantity(listed, token, MESSAGE, key, Kind::Text),
    };
    let (bid_quantity, ask_quantity) = (size(bid_size, "best_bid_size")?, size(ask_size, "best_ask_size")?);
    let quote = Quote {
        symbol: listed.id,
        update_id: context.number(sequence, MESSAGE, "sequence")?,
        bid: context.price(listed, bid, MESSAGE, "best_bid", Kind::Text)?,
        bid_quantity,
        ask: context.price(listed, ask, MESSAGE, "best_ask", Kind::Text)?,
        ask_quantity,
        ts_event,
        ts_init: context.ts_init,
    };
    found.items.push(Item::Quote(quote));
    Ok(())
}

/// `[["buy", price, quantity], ..]`: bids of the list first, then its asks.
fn changes_of(
    context: &mut Context,
    found: &mut Found,
    list: Token<'_>,
    listed: Listed,
    ts_event: UtcNanos,
) -> Result<(), ParseError> {
    const MESSAGE: &str = "l2update";
    let mut ranges = [0..0, 0..0];
    for (range, wanted) in ranges.iter_mut().zip([Aggressor::Buyer, Aggressor::Seller]) {
        let from = found.levels.len();
        let mut changes = list.elements("changes")?;
        while let Some(change) = changes.next()? {
            let mut values = change.elements("changes")?;
            let side = Context::taker(values.next()?, MESSAGE, "changes")?;
            let price = context.price(listed, values.next()?, MESSAGE, "changes", Kind::Text)?;
            let quantity = context.quantity(listed, values.next()?, MESSAGE, "changes", Kind::Text)?;
            if side == wanted {
                found.level((price, quantity))?;
            }
        }
        *range = from..found.levels.len();
    }
    let [bids, asks] = ranges;
    found.items.push(Item::Depth(DepthHead::unnumbered(context, listed, false, bids, asks, ts_event)));
    Ok(())
}
